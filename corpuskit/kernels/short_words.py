"""Sets of words of at most seven bytes, asked by one multiplication."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from corpuskit.kernels.compiling import fixed, inlined
from corpuskit.kernels.hashing import ALL_BITS, MULTIPLIER
from corpuskit.kernels.intrinsics import load64

LONGEST = np.uint64(7)
"""Bytes of the longest word; the eighth byte of a packed word is its length."""


@dataclass(frozen=True, eq=False)
class ShortWords:
    """A set of short words as a hash table without collisions."""

    slots: np.ndarray
    """The packed word of each slot, 0 where there is none; uint64, a power of two of them."""
    multiplier: np.uint64
    shift: np.uint64
    """A packed word's slot is its product with the multiplier, shifted right."""

    @classmethod
    def of(cls, words: Sequence[str]) -> "ShortWords":
        """Return the set of different words of 1 to 7 bytes of UTF-8 each, in two slots a word or more."""
        packed = np.array([_packed(word.encode()) for word in words], np.uint64)
        n_slots = 1 << (2 * len(words) - 1).bit_length()
        while True:
            shift = np.uint64(65 - n_slots.bit_length())
            for multiplier in np.arange(1, 2000, 2).astype(np.uint64) * MULTIPLIER:
                places = (packed * multiplier) >> shift
                if np.unique(places).size == len(words):
                    slots = np.zeros(n_slots, np.uint64)
                    slots[places.astype(np.int64)] = packed
                    return cls(fixed(slots, np.uint64), multiplier, shift)
            n_slots *= 2


def _packed(word: bytes) -> int:
    return len(word) << 56 | int.from_bytes(word, "little")


@inlined
def load_bytes(data, start, length):  # type: ignore[no-untyped-def]
    """Return the first 8 of the `length` bytes from `start` as a little-endian uint64, zeros behind the last one.

    data: uint8[n_bytes], 8 bytes at least; length: 1 or more.
    """
    index = min(start, data.size - 8)
    value = load64(data, index) >> np.uint64(8 * (start - index))
    return value & (ALL_BITS >> np.uint64(64 - 8 * min(length, 8)))


@inlined
def find_short(value, length, slots, multiplier, shift):  # type: ignore[no-untyped-def]
    """Return a bit of a uint64 for a word of the set, 0 if it is none of it: that of its slot, modulo 64.

    There is no branch: which words are known is hard to foresee.

    value: uint64 that begins with the word's bytes; length: its bytes, 1 or more; the others: of the `ShortWords`.
    """
    length = np.uint64(length)
    inside = ALL_BITS >> ((-(length << np.uint64(3))) & np.uint64(63))
    packed = (value & inside) | (length << np.uint64(56))
    slot = (packed * multiplier) >> shift
    return np.uint64((slots[slot] == packed) & (length <= LONGEST)) << (slot & np.uint64(63))
