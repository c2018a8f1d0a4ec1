"""From edges to clusters: connected components, streamed, and runs of equal rows."""

from collections.abc import Iterable

import numpy as np

from corpuskit.kernels import Forest


class Clusters:
    """The connected components of edges between the rows 0 to `rows` - 1: 5 bytes a row, 9 from 2**32 rows on."""

    def __init__(self, edges: Iterable[tuple[np.ndarray, np.ndarray]], rows: int) -> None:
        """Connect edges.

        Args:
            edges: batches of the two ends of edges, uint64[e] each; one batch is held at a time.
            rows: number of rows.
        """
        forest = Forest(rows)
        for a, b in edges:
            forest.join(a, b)
        self._labels = forest.labels()
        self._together = np.zeros(rows, bool)
        for start in range(0, rows, BLOCK):
            block = self._labels[start : start + BLOCK]
            others = np.flatnonzero(block != np.arange(start, start + len(block), dtype=block.dtype))
            self._together[start + others] = True
            self._together[block[others]] = True

    def members(self, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the rows from `start` to `stop` - 1 that are not alone, and the smallest row of each one's cluster.

        Both are uint64[m], the former rising.
        """
        members = np.flatnonzero(self._together[start:stop]) + start
        return members.astype(np.uint64), self._labels[members].astype(np.uint64)


BLOCK = 1 << 20
"""Rows that are looked at at a time."""


def starts_of_runs(columns: list[np.ndarray]) -> np.ndarray:
    """Return where a row differs in any column from the row before; bool[m], the first is True. Each column: [m]."""
    begins = np.ones(len(columns[0]), bool)
    begins[1:] = np.any([column[1:] != column[:-1] for column in columns], axis=0)
    return begins
