"""Suffixes of units in order, as far as a piece can reach."""

import numpy as np

from corpuskit.kernels import fixed, kernel
from corpuskit.tokenization.training.unigram.units import Units

DIGIT = 11
"""Bits that one pass of the radix sort looks at."""


def sort_suffixes(units: Units, owners: np.ndarray, n_symbols: int, depth: int) -> np.ndarray:
    """Return the places in `units.symbols` in the order of the suffixes of units that begin there; int32[m - n].

    A suffix goes to the end of its unit and counts as `depth` symbols at most; one that begins another comes before
    it, and equal ones come in the order of their places. The time grows with m and `depth` alone.

    Args:
        units: the units.
        owners: their `owners()`.
        n_symbols: the largest symbol.
        depth: symbols, 1 or more.
    """
    order = np.flatnonzero(units.symbols).astype(np.int32)
    other = np.empty_like(order)
    keys, other_keys = np.empty(order.size, np.uint64), np.empty(order.size, np.uint64)
    bits = max(1, n_symbols.bit_length())
    width = 64 // bits
    ends = fixed(units.offsets[1:] - 1, np.int64)
    for first in range(0, depth, width)[::-1]:  # the last symbols first: each sort keeps the order of equal keys
        n = min(width, depth - first)
        _pack(units.symbols, owners, ends, order, first, n, bits, keys)
        if _sort(keys, order, other_keys, other, n * bits):
            order, other, keys, other_keys = other, order, other_keys, keys
    return fixed(order, np.int32)


@kernel
def _pack(
    symbols: np.ndarray,
    owners: np.ndarray,
    ends: np.ndarray,
    order: np.ndarray,
    first: int,
    n: int,
    bits: int,
    keys: np.ndarray,
) -> None:
    """Write n symbols of each suffix from its `first` on as one number, zeros after its end."""
    for rank in range(order.size):
        place = order[rank] + first
        end = min(ends[owners[order[rank]]], place + n)
        key = np.uint64(0)
        for position in range(place, end):
            key = key << np.uint64(bits) | np.uint64(symbols[position])
        keys[rank] = key << np.uint64(bits * (n - max(0, end - place)))


@kernel
def _sort(keys: np.ndarray, order: np.ndarray, other_keys: np.ndarray, other: np.ndarray, bits: int) -> bool:
    """Sort `order` by the lowest bits of the keys, keeping equal ones in order; tell whether it is now in `other`."""
    moved = False
    counts = np.empty(1 << DIGIT, np.int64)
    for shift in range(0, bits, DIGIT):
        low, mask = np.uint64(shift), np.uint64((1 << DIGIT) - 1)
        counts[:] = 0
        for rank in range(keys.size):
            counts[(keys[rank] >> low) & mask] += 1
        before = 0
        for digit in range(counts.size):
            before, counts[digit] = before + counts[digit], before
        for rank in range(keys.size):
            digit = (keys[rank] >> low) & mask
            other_keys[counts[digit]] = keys[rank]
            other[counts[digit]] = order[rank]
            counts[digit] += 1
        keys, other_keys = other_keys, keys
        order, other = other, order
        moved = not moved
    return moved


def common_prefixes(units: Units, order: np.ndarray, depth: int) -> tuple[np.ndarray, np.ndarray]:
    """Return how many symbols each suffix shares with the one before it, and how many it has; uint8[m] each.

    Args:
        units: the units.
        order: sorted suffixes, int32[m].
        depth: more than so many symbols, 255 at most, count as so many.
    """
    shared, own = np.empty(order.size, np.uint8), np.empty(order.size, np.uint8)
    _compare(units.symbols, order, depth, shared, own)
    return shared, own


@kernel
def _compare(symbols: np.ndarray, order: np.ndarray, depth: int, shared: np.ndarray, own: np.ndarray) -> None:
    for rank in range(order.size):
        place = order[rank]
        length = 0
        while length < depth and symbols[place + length] != 0:
            length += 1
        own[rank] = length
        common = 0
        if rank > 0:
            before = order[rank - 1]
            while common < length and symbols[place + common] == symbols[before + common]:
                common += 1
        shared[rank] = common
