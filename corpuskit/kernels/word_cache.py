"""A cache of what words are encoded as. Its entries hold their words, so that it never takes one for another.

A cache is uint64[8 * lines], 0 at first, its lines those of the CPU's cache. A line has room for two entries of four
words of 64 bits: the two of a key, and two for what is known of the word. Whoever uses the cache says what these are;
or writes entries of its own that fill a line, whose count is 0 and whose sixth word is below 2**56: where the second
entry would have its length, there is none then.
"""

import numpy as np

from corpuskit.kernels.compiling import inlined
from corpuskit.kernels.intrinsics import fold_multiply, load64

SHORT, LONGEST = 15, 31
"""Bytes of the longest word whose key is all of it, and of the longest that has a key."""
ENTRY, LINE = np.uint64(4), np.uint64(8)
"""Words of 64 bits in an entry and in a line."""
SECOND, LOW, HIGH = np.uint64(1), np.uint64(2), np.uint64(3)
"""Places in an entry: the second word of its key, and the two of what is known."""
LENGTH, COUNT = np.uint64(56), np.uint64(61)
"""Places in the second word of a key: of the word's bytes, five bits; of a number of the user's, 1 to 7 in an entry."""
UNCOUNTED = np.uint64((1 << 61) - 1)
NO_KEY = np.uint64((1 << 56) - 1)
"""A second word of a key that no entry has."""
MASKS = np.array([(1 << 8 * min(max(length, 0), 8)) - 1 for length in range(-24, 32)], np.uint64)
"""At 24 + n, the first n of 8 bytes."""
MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
FINISHER = np.uint64(0xD6E8FEB86659FD93)
CACHE_LINE = 64
"""Bytes."""


def empty_cache(entries: int) -> np.ndarray:
    """Return a cache of a power of 2 of entries, at least 2; uint64[4 * entries].

    Raises:
        ValueError: the number of entries is no such power.
    """
    if entries < 2 or entries & (entries - 1):
        raise ValueError(f"a cache has a power of 2 of entries, at least 2, not {entries}")
    size = int(ENTRY) * 8 * entries
    memory = np.zeros(CACHE_LINE + size, np.uint8)
    first = -memory.ctypes.data % CACHE_LINE
    return memory[first : first + size].view(np.uint64)


@inlined
def some_bytes(data, place, length):  # type: ignore[no-untyped-def]
    """Return up to 8 bytes as a little-endian uint64; 0 for none or less than none, down to -24."""
    if place + 8 <= data.size:
        return load64(data, place) & MASKS[np.uint64(24 + length)]
    value = np.uint64(0)
    for number in range(min(length, 8)):
        value |= np.uint64(data[place + number]) << np.uint64(8 * number)
    return value


@inlined
def key_of(data, start, length):  # type: ignore[no-untyped-def]
    """Return the key of 1 to 31 bytes: the first 15 as two uint64, on top of the second their number, the count 0."""
    top = np.uint64(length) << LENGTH
    if length <= SHORT and start + 16 <= data.size:
        two = load64(data, start + 8) & MASKS[np.uint64(16 + length)]
        return load64(data, start) & MASKS[np.uint64(24 + length)], two | top
    inside = min(length, SHORT)
    return some_bytes(data, start, inside), some_bytes(data, start + 8, inside - 8) | top


@inlined
def hash_of(one, two):  # type: ignore[no-untyped-def]
    """Return 64 bits of a key, for `line_of`."""
    return fold_multiply(one ^ MULTIPLIER, two ^ FINISHER)


@inlined
def line_of(hashed, cache):  # type: ignore[no-untyped-def]
    """Return where the line begins in which a word is, or would be; uint64."""
    return (hashed * LINE) & np.uint64(cache.size - 8)


@inlined
def differs(cache, entry, one, two):  # type: ignore[no-untyped-def]
    """Return 0 if an entry has this key, whatever its count, else another number."""
    return (cache[entry] ^ one) | ((cache[entry + SECOND] ^ two) & UNCOUNTED)


@inlined
def keep(cache, line, one, two, count, low, high):  # type: ignore[no-untyped-def]
    """Write an entry: in place of that of the same key, where there is none, or in place of another."""
    entry, other = line, line + ENTRY
    if cache[line + SECOND] >> COUNT != 0 and differs(cache, line, one, two) != 0:
        entry = other if cache[other + SECOND] >> COUNT == 0 or differs(cache, other, one, two) == 0 else line
    cache[entry], cache[entry + SECOND] = one, two | np.uint64(count) << COUNT
    cache[entry + LOW], cache[entry + HIGH] = low, high
