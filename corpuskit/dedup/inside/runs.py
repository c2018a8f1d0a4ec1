"""Runs: copies of windows that follow one another, beside the firsts that do so too, are one longer copy."""

from typing import NamedTuple

import numpy as np

from corpuskit.kernels import fixed, kernel
from corpuskit.kernels.hashing import check_spans

ROW_SHIFT = 32
"""A place is a row shifted by so many bits, plus the position of a unit."""


class Runs(NamedTuple):
    """Windows in a row that repeat windows in a row; in the order of places."""

    places: np.ndarray
    """Place of the first window; uint64[r]."""
    lengths: np.ndarray
    """Windows; int64[r]."""
    first_splits: np.ndarray
    """Split of what they repeat; uint32[r]."""
    first_places: np.ndarray
    """Place of the first window that they repeat; uint64[r]."""


def merge_runs(places: np.ndarray, first_splits: np.ndarray, first_places: np.ndarray) -> Runs:
    """Merge copies of windows into the longest runs.

    Args:
        places: uint64[m], of the copies, distinct, in any order.
        first_splits: uint32[m], the split of what each repeats.
        first_places: uint64[m], its place there.
    """
    order = np.argsort(places)
    places, first_splits, first_places = places[order], first_splits[order], first_places[order]
    one = np.uint64(1)
    follows = (places[1:] == places[:-1] + one) & (first_places[1:] == first_places[:-1] + one)
    follows &= first_splits[1:] == first_splits[:-1]
    starts = np.flatnonzero(np.r_[True, ~follows]) if places.size else np.empty(0, np.int64)
    lengths = np.diff(np.r_[starts, places.size])
    return Runs(places[starts], lengths, first_splits[starts], first_places[starts])


def split_places(places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (rows int64[m], positions int64[m])."""
    rows = (places >> np.uint64(ROW_SHIFT)).astype(np.int64)
    return rows, (places & np.uint64((1 << ROW_SHIFT) - 1)).astype(np.int64)


def join_places(rows: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """Return places, uint64[m], of rows and positions, both below 2**32."""
    return (rows.astype(np.uint64) << np.uint64(ROW_SHIFT)) | positions.astype(np.uint64)


@kernel
def _compare(left, left_starts, left_ends, right, right_starts, right_ends, equal):  # type: ignore[no-untyped-def]
    """Fill equal bool[m]."""
    for span in range(equal.size):
        first, second, length = left_starts[span], right_starts[span], left_ends[span] - left_starts[span]
        equal[span] = right_ends[span] - second == length
        place = 0
        while equal[span] and place < length:
            equal[span] = left[first + place] == right[second + place]
            place += 1


def equal_spans(
    left: np.ndarray,
    left_starts: np.ndarray,
    left_ends: np.ndarray,
    right: np.ndarray,
    right_starts: np.ndarray,
    right_ends: np.ndarray,
) -> np.ndarray:
    """Return whether each span of `left` has the bytes of that of `right`; bool[m].

    Raises:
        ValueError: a span lies outside its data.
    """
    lefts, rights = check_spans(left, left_starts, left_ends), check_spans(right, right_starts, right_ends)
    equal = np.empty(left_starts.size, np.bool_)
    _compare(*lefts, *rights, equal)
    return fixed(equal, np.bool_)
