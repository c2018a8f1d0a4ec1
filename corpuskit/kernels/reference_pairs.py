"""Pairs of equal texts, and pairs of own documents with those of references; entries and buckets as in `pairs`."""

import numpy as np

from corpuskit.kernels.compiling import fixed, inlined, kernel
from corpuskit.kernels.pairs import ALL_OWN, buckets, check_width, columns_of, star

NO_REFERENCES = np.array([ALL_OWN], np.uint64)
"""As `bounds`: no row is a reference."""


@inlined
def _first_texts(ranks, rows, order, first, stop, low, high, chosen):  # type: ignore[no-untyped-def]
    """Fill chosen uint64[width] with the first row of each rank among the rows from low to high; return how many."""
    found = 0
    last_rank = np.uint64(0)
    for place in range(first, stop):
        rank, row = ranks[order[place]], rows[order[place]]
        if low <= row < high and (found == 0 or rank != last_rank):
            if found == chosen.size:
                break
            chosen[found] = row
            found += 1
            last_rank = rank
    return found


@kernel
def _reference_pairs(
    ranks: np.ndarray,
    rows: np.ndarray,
    order: np.ndarray,
    starts: np.ndarray,
    bounds: np.ndarray,
    width: np.int64,
    a: np.ndarray,
    b: np.ndarray,
) -> np.int64:
    """Fill a and b, uint64[room], with pairs of own rows and references while there is room; return how many there are.

    With no room this counts them.
    """
    chosen = np.empty(width, np.uint64)
    n_pairs = np.int64(0)
    for bucket in range(starts.size - 1):
        first, stop = starts[bucket], starts[bucket + 1]
        for reference in range(bounds.size - 1):
            low, high = bounds[reference], bounds[reference + 1]
            found = _first_texts(ranks, rows, order, first, stop, low, high, chosen)
            for place in range(first, stop if found else first):
                row = rows[order[place]]
                if row >= bounds[0]:
                    continue
                for text in range(found):
                    if n_pairs < a.size:
                        a[n_pairs], b[n_pairs] = row, chosen[text]
                    n_pairs += 1
    return n_pairs


def reference_pairs(
    ranks: np.ndarray, rows: np.ndarray, order: np.ndarray, starts: np.ndarray, bounds: np.ndarray, width: int = 16
) -> tuple[np.ndarray, np.ndarray]:
    """Pair each own row of each bucket with the first `width` texts, by rank, of each reference in it.

    Rows of a reference of equal rank, equal texts, are one, the smallest row. Which texts are paired does not depend on
    the order of entries, the numbering of rows, or on which other references there are.

    Args:
        ranks: uint64[m], as given to `buckets`.
        rows: uint64[m], likewise.
        order: int64[k], from `buckets`.
        starts: int64[b + 1], from `buckets`, or a slice of them: the buckets to look at.
        bounds: uint64[r + 1]: rows below the first are own, those from bounds[i] to bounds[i + 1] of reference i.
        width: at least 1.

    Returns:
        The own row and the reference's of each pair, both uint64[e], by bucket; unique within it.

    Raises:
        ValueError: width is below 1, or ranks and rows differ in length.
    """
    check_width(width)
    ranks, rows = columns_of(ranks, rows)
    order, starts, bounds = fixed(order, np.int64), fixed(starts, np.int64), fixed(bounds, np.uint64)
    arguments = ranks, rows, order, starts, bounds, width
    none = np.empty(0, np.uint64)
    size = _reference_pairs(*arguments, none, none)
    a, b = np.empty(size, np.uint64), np.empty(size, np.uint64)
    _reference_pairs(*arguments, a, b)
    return a, b


def runs(ranks: np.ndarray, order: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Return where each run of equal rank begins in the buckets, and the end of the last: int64[r + 1], as `starts`."""
    ranked = ranks[order]
    begins = np.zeros(order.size + 1, np.bool_)
    begins[starts] = True
    begins[1:-1] |= ranked[1:] != ranked[:-1]
    return np.flatnonzero(begins)


def equal(
    keys: np.ndarray, ranks: np.ndarray, rows: np.ndarray, bounds: np.ndarray = NO_REFERENCES
) -> tuple[np.ndarray, np.ndarray]:
    """Pair the rows of equal key and equal rank, the two halves of a hash of the text.

    Each own row is paired with the first, smallest, own row of its run of equal entries, and with the first of each
    reference in it.

    Args:
        keys: uint64[m], in any order.
        ranks: uint64[m].
        rows: uint64[m], each once.
        bounds: uint64[r + 1]: rows below the first are own, those from bounds[i] to bounds[i + 1] of reference i;
            default: all are own.

    Returns:
        The smaller and the larger row of each pair, both uint64[e]: those of own rows, then those with references.

    Raises:
        ValueError: the arrays differ in length.
    """
    keys, ranks, rows = columns_of(keys, ranks, rows)
    order, starts = buckets(keys, ranks, rows)
    starts = runs(ranks, order, starts)
    a, b = star(rows, order, starts)  # own rows come first in a run
    inside = b < bounds[0]
    foreign = reference_pairs(ranks, rows, order, starts, bounds, width=1)
    return np.concatenate([a[inside], foreign[0]]), np.concatenate([b[inside], foreign[1]])
