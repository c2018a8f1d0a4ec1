"""Sets of hashes, and the exact Jaccard similarity of pairs of them."""

import numpy as np

from corpuskit.kernels.compiling import fixed, inlined, kernel
from corpuskit.kernels.intrinsics import leading_zeros

INSERTED = 32
"""The most hashes that are sorted by insertion."""
MOST_BITS = 17
"""Bits of hashes that they are parted by, at most."""


@inlined
def _bits(n_hashes):  # type: ignore[no-untyped-def]
    """Return how many bits part so many hashes well: 1 to MOST_BITS."""
    return min(max(63 - leading_zeros(np.uint64(n_hashes)), 1), MOST_BITS)


@inlined
def _scatter(hashes, first, last, shift, bounds, parted):  # type: ignore[no-untyped-def]
    """Copy `hashes[first:last]` into `parted` by their bits from `shift` on; bounds[value] is where a value ends."""
    n_values = 1 << (64 - np.int64(shift))
    for value in range(n_values):
        bounds[value] = 0
    for place in range(first, last):
        bounds[hashes[place] >> shift] += 1
    total = np.int64(0)
    for value in range(n_values):
        begin, total = total, total + bounds[value]
        bounds[value] = begin
    for place in range(first, last):
        value = hashes[place] >> shift
        parted[bounds[value]] = hashes[place]
        bounds[value] += 1
    return n_values


@inlined
def _insert(values, first, last):  # type: ignore[no-untyped-def]
    """Sort `values[first:last]` in place."""
    for place in range(first + 1, last):
        inserted, hole = values[place], place
        while hole > first and values[hole - 1] > inserted:
            values[hole] = values[hole - 1]
            hole -= 1
        values[hole] = inserted


@kernel
def _sort(values: np.ndarray, first: np.int64, last: np.int64) -> None:
    values[first:last].sort()


@kernel
def _sets(
    hashes: np.ndarray, offsets: np.ndarray, largest: np.int64, members: np.ndarray, set_offsets: np.ndarray
) -> None:
    """Fill members uint64[k] and set_offsets int64[n + 1]; largest: the most hashes of a document.

    The first bits of a hash say where it goes, one or two hashes to each value; what is left to sort lies side by side.
    """
    parted = np.empty(largest, np.uint64)
    bounds = np.empty(1 << _bits(largest), np.int64)
    size = np.int64(0)
    for document in range(offsets.size - 1):
        first, last = offsets[document], offsets[document + 1]
        n_values = _scatter(hashes, first, last, np.uint64(64 - _bits(last - first)), bounds, parted)
        begin = np.int64(0)
        for value in range(n_values):
            end = bounds[value]
            if end - begin > INSERTED:
                _sort(parted, begin, end)
            else:
                _insert(parted, begin, end)
            begin = end
        set_offsets[document] = size
        for place in range(last - first):
            if place == 0 or parted[place] != parted[place - 1]:
                members[size] = parted[place]
                size += 1
    set_offsets[offsets.size - 1] = size


def sets(hashes: np.ndarray, offsets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return each document's distinct hashes, rising.

    Args:
        hashes: uint64[k], in any order.
        offsets: int64[n + 1], the hashes of document i are `hashes[offsets[i]:offsets[i + 1]]`.

    Returns:
        The distinct hashes, uint64[k'], and offsets, int64[n + 1], from 0 to k'.

    Raises:
        ValueError: the offsets fall or point outside the hashes.
    """
    hashes, offsets = _check(hashes, offsets)
    members, set_offsets = np.empty(offsets[-1] - offsets[0], np.uint64), np.empty(offsets.size, np.int64)
    _sets(hashes, offsets, np.diff(offsets).max(initial=0), members, set_offsets)
    return fixed(members[: set_offsets[-1]], np.uint64), fixed(set_offsets, np.int64)


def _check(hashes: np.ndarray, offsets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return hashes and offsets as kernels take them.

    Raises:
        ValueError: the offsets fall or point outside the hashes.
    """
    hashes, offsets = fixed(hashes, np.uint64), fixed(offsets, np.int64)
    if not offsets.size or offsets[0] < 0 or offsets[-1] > hashes.size or (np.diff(offsets) < 0).any():
        raise ValueError(f"offsets must rise from 0 to at most the {hashes.size} hashes")
    return hashes, offsets


@kernel
def _jaccard(
    members_a: np.ndarray, offsets_a: np.ndarray, members_b: np.ndarray, offsets_b: np.ndarray, similarity: np.ndarray
) -> None:
    """Fill similarity float64[m] with the share of common members, by merging the two rising sets of each pair."""
    for pair in range(similarity.size):
        left, left_end = offsets_a[pair], offsets_a[pair + 1]
        right, right_end = offsets_b[pair], offsets_b[pair + 1]
        total, common = left_end - left + right_end - right, np.int64(0)
        while left < left_end and right < right_end:
            one, other = members_a[left], members_b[right]
            common += one == other
            left += one <= other
            right += other <= one
        similarity[pair] = common / (total - common) if total else 0.0


def jaccard(members_a: np.ndarray, offsets_a: np.ndarray, members_b: np.ndarray, offsets_b: np.ndarray) -> np.ndarray:
    """Return the exact Jaccard similarity of the i-th set of a with the i-th of b; float64[m]; both empty: 0.0.

    Args:
        members_a: uint64[k], sets one after the other, each distinct and rising, as `sets` returns them.
        offsets_a: int64[m + 1], set i is `members_a[offsets_a[i]:offsets_a[i + 1]]`.
        members_b: uint64[l], the other sets.
        offsets_b: int64[m + 1].

    Raises:
        ValueError: offsets fall, point outside the members, or differ in number.
    """
    members_a, offsets_a = _check(members_a, offsets_a)
    members_b, offsets_b = _check(members_b, offsets_b)
    if offsets_a.size != offsets_b.size:
        raise ValueError(f"{offsets_a.size - 1} sets on one side of the pairs, but {offsets_b.size - 1} on the other")
    similarity = np.empty(offsets_a.size - 1, np.float64)
    _jaccard(members_a, offsets_a, members_b, offsets_b, similarity)
    return similarity
