"""From edges to clusters: connected components, streamed, and runs of equal rows."""

from collections.abc import Iterable

import numpy as np

from corpuskit.kernels import Forest


def clusters(edges: Iterable[tuple[np.ndarray, np.ndarray]], rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Find the connected components of edges between the rows 0 to `rows` - 1.

    Memory is 5 bytes a row, 9 from 2**32 rows on, beside one batch of edges.

    Args:
        edges: batches of the two ends of edges, uint64[e] each.
        rows: number of rows.

    Returns:
        Every row that is not alone, rising, int64[m], and the smallest row of its cluster, int64[m].
    """
    forest = Forest(rows)
    for a, b in edges:
        forest.join(a, b)
    labels = forest.labels()
    together = np.zeros(rows, bool)
    for start in range(0, rows, BLOCK):
        block = labels[start : start + BLOCK]
        others = np.flatnonzero(block != np.arange(start, start + len(block), dtype=labels.dtype))
        together[start + others] = True
        together[block[others]] = True
    members = np.flatnonzero(together)
    return members, labels[members].astype(np.int64)


BLOCK = 1 << 20
"""Rows that are looked at at a time."""


def starts_of_runs(columns: list[np.ndarray]) -> np.ndarray:
    """Return where a row differs in any column from the row before; bool[m], the first is True. Each column: [m]."""
    begins = np.ones(len(columns[0]), bool)
    begins[1:] = np.any([column[1:] != column[:-1] for column in columns], axis=0)
    return begins
