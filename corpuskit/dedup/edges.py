"""From equal keys to edges, from edges to clusters."""

import numpy as np

from corpuskit.kernels import components


def star_edges(keys: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Connect the members of each bucket, the rows with equal keys, to the bucket's smallest row.

    A bucket of k rows gives k - 1 edges where all pairs would be k * (k - 1) / 2; the components are the same.

    Args:
        keys: uint64[m] band keys or uint8[m, 16] text hashes.
        rows: uint64[m], the document that each key belongs to; a row may come with many keys.

    Returns:
        The smallest row of the bucket, and the member that is not it: both uint64[e], sorted by key, then by member.

    Raises:
        ValueError: there are not as many keys as rows, or the keys are of another kind.
    """
    columns = _key_columns(keys)
    rows = np.ascontiguousarray(rows, np.uint64)
    if any(column.shape != rows.shape for column in columns):
        raise ValueError(f"{len(keys)} keys, but {rows.size} rows")
    order = np.lexsort((rows, *columns))
    rows = rows[order]
    begins = starts_of_runs([column[order] for column in columns])
    smallest = rows[np.flatnonzero(begins)][np.cumsum(begins) - 1]
    edges = smallest != rows
    return smallest[edges], rows[edges]


def clusters(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Find the connected components of edges between rows of any numbering.

    Args:
        a: uint64[e], one row of each edge.
        b: uint64[e], the other.

    Returns:
        Every row that an edge names, rising, uint64[m], and the smallest row of its cluster, uint64[m].
    """
    rows, places = np.unique(np.concatenate([a, b]).astype(np.uint64, copy=False), return_inverse=True)
    labels = components(places[: len(a)], places[len(a) :], rows.size)
    return rows, rows[labels]


def starts_of_runs(columns: list[np.ndarray]) -> np.ndarray:
    """Return where a row differs in any column from the row before; bool[m], the first is True. Each column: [m]."""
    begins = np.ones(len(columns[0]), bool)
    begins[1:] = np.any([column[1:] != column[:-1] for column in columns], axis=0)
    return begins


def _key_columns(keys: np.ndarray) -> list[np.ndarray]:
    if keys.dtype == np.uint64 and keys.ndim == 1:
        return [keys]
    if keys.dtype == np.uint8 and keys.ndim == 2 and keys.shape[1] == 16:
        return list(np.ascontiguousarray(keys).view(np.uint64).T)
    raise ValueError(f"keys must be uint64[m] or uint8[m, 16], not {keys.dtype}{list(keys.shape)}")
