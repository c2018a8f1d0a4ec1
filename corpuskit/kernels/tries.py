"""Tries over bytes, as double arrays: every token that begins at a place is found in one walk."""

from collections.abc import Mapping

import numpy as np

from corpuskit.errors import InputError
from corpuskit.kernels.compiling import fixed, inlined, kernel
from corpuskit.kernels.intrinsics import trailing_zeros

LABEL_BITS, BASE_BITS = 9, 23
EMPTY = np.uint64(256)
"""The label of a unit that no byte leads to."""
BLOCK = 256
"""Units that one base reaches. The first block holds the root alone, so that base 0 leads nowhere."""
REACH = 16 * BLOCK
"""How far behind the last unit a node's place is looked for; holes further back stay."""
PLANE = 1 << 16


LABEL, BASE = np.uint64((1 << LABEL_BITS) - 1), np.uint64((1 << BASE_BITS) - 1)
"""Fields of a unit, the second once the first is shifted out."""
NOWHERE = np.uint64(0)
"""In place of a unit that is not there."""


@inlined
def behind(units, unit, byte):  # type: ignore[no-untyped-def]
    """Return the unit behind a unit and a byte, or NOWHERE."""
    found = units[((unit >> np.uint64(LABEL_BITS)) & BASE) ^ np.uint64(byte)]
    return found if found & LABEL == np.uint64(byte) else NOWHERE


@inlined
def token_at(unit):  # type: ignore[no-untyped-def]
    """Return the id of the token that ends at a unit, int64, or -1."""
    return np.int64(unit >> np.uint64(LABEL_BITS + BASE_BITS)) - 1


@inlined
def longest(data, start, stop, units):  # type: ignore[no-untyped-def]
    """Return (end, id) of the longest token at `start`, or (`start`, -1)."""
    unit, end, found = units[0], start, np.int64(-1)
    for position in range(start, stop):
        unit = behind(units, unit, data[position])
        if unit == NOWHERE:
            break
        token = token_at(unit)
        if token >= 0:
            end, found = position + 1, token
    return end, found


@inlined
def _is_free(free, unit):  # type: ignore[no-untyped-def]
    return (free[unit >> 6] >> np.uint64(unit & 63)) & np.uint64(1)


@kernel
def _place(labels, count, free, bases, first_word, top):  # type: ignore[no-untyped-def]
    """Return a base at which the units of `count` labels are free, uint8[256] labels; `top` where there is none.

    A unit is free where its bit of `free`, uint64[], is set.
    """
    for word in range(first_word, top >> 6):
        bits = free[word]
        while bits:
            base = (word << 6 | trailing_zeros(bits)) ^ labels[0]
            bits &= bits - np.uint64(1)
            if bases[base]:
                continue
            fits = np.uint64(1)
            for child in range(1, count):
                fits &= _is_free(free, base ^ labels[child])
            if fits:
                return base
    return top


@kernel
def _children(data, offsets, first, last, depth, labels, starts):  # type: ignore[no-untyped-def]
    """Fill the distinct bytes at `depth` of the sorted tokens `first` to `last` - 1, and where each begins."""
    count = 0
    for token in range(first, last):
        label = data[offsets[token] + depth]
        if count == 0 or labels[count - 1] != label:
            labels[count], starts[count] = label, token
            count += 1
    starts[count] = last
    return count


@kernel
def _build(data, offsets, values, capacity):  # type: ignore[no-untyped-def]
    """Return uint64[n_units], at most `capacity`, or an empty array where that is too few."""
    units = np.full(capacity, EMPTY, np.uint64)
    free, bases = np.full(capacity >> 6, ~np.uint64(0), np.uint64), np.zeros(capacity, np.bool_)
    labels, starts = np.empty(BLOCK, np.int64), np.empty(BLOCK + 1, np.int64)
    # Depth first: the stack holds (unit, first token, last token + 1, depth).
    stack = [(0, 0, offsets.size - 1, 0)]
    free[: BLOCK >> 6] = 0
    bases[:BLOCK] = True
    first_word, top = BLOCK >> 6, BLOCK
    while len(stack):
        unit, first, last, depth = stack.pop()
        if first < last and offsets[first + 1] - offsets[first] == depth:
            units[unit] |= np.uint64(values[first] + 1) << np.uint64(LABEL_BITS + BASE_BITS)
            first += 1
        if first == last:
            continue
        count = _children(data, offsets, first, last, depth, labels, starts)
        while first_word < top >> 6 and free[first_word] == 0:
            first_word += 1
        base = _place(labels, count, free, bases, max(first_word, (top - REACH) >> 6), top)
        if base == top:
            top += BLOCK
            if top > capacity:
                return np.empty(0, np.uint64)
        bases[base] = True
        units[unit] |= np.uint64(base) << np.uint64(LABEL_BITS)
        for child in range(count):
            place = base ^ labels[child]
            free[place >> 6] ^= np.uint64(1) << np.uint64(place & 63)
            units[place] = np.uint64(labels[child])
            stack.append((place, starts[child], starts[child + 1], depth + 1))
    return units[:top].copy()


def build_trie(tokens: Mapping[bytes, int]) -> np.ndarray:
    """Return the double array of tokens and their ids; uint64[n_units], a multiple of 256, read-only.

    Bits 0 to 8 of a unit are the byte that leads to it (256: none does), bits 9 to 31 its base, bits 32 to 63 the id of
    the token that ends there plus 1, or 0. The unit behind unit u and byte b is `base(u) ^ b`, if its label is b. The
    root is unit 0. Source: darts-clone, https://github.com/s-yata/darts-clone; here each unit holds its value itself.

    Args:
        tokens: the bytes of each token, not empty, and its id, 0 to 2**31 - 2.

    Raises:
        InputError: the tokens have too many bytes together for 2**23 units.
        ValueError: a token is empty or an id out of range.
    """
    ordered = sorted(tokens)
    values = fixed([tokens[token] for token in ordered], np.int64)
    if not all(ordered[:1]) or (values < 0).any() or (values >= (1 << 31) - 1).any():
        raise ValueError("tokens must have bytes and ids from 0 to 2**31 - 2")
    offsets = np.zeros(len(ordered) + 1, np.int64)
    np.cumsum([len(token) for token in ordered], out=offsets[1:])
    data = np.frombuffer(b"".join(ordered), np.uint8)
    capacity = 1 << max(16, int(offsets[-1]).bit_length())
    while capacity <= 1 << BASE_BITS:
        units = _build(fixed(data, np.uint8), fixed(offsets, np.int64), values, capacity)
        if units.size:
            return fixed(units, np.uint64)
        capacity *= 2
    raise InputError(f"{len(ordered)} tokens of {offsets[-1]} bytes together do not fit into a trie of 2**23 units")


@kernel
def _characters(units, found):  # type: ignore[no-untyped-def]
    for code in range(found.size):
        if code < 0x80:
            found[code] = behind(units, units[0], code)
        else:
            if code < 0x800:
                unit = behind(units, units[0], 0xC0 | code >> 6)
            else:
                unit = behind(units, behind(units, units[0], 0xE0 | code >> 12), 0x80 | code >> 6 & 0x3F)
            found[code] = behind(units, unit, 0x80 | code & 0x3F)


def characters(units: np.ndarray) -> np.ndarray:
    """Return the unit behind the bytes of each character below U+10000, 0 where there is none; uint64[65536]."""
    found = np.zeros(PLANE, np.uint64)
    _characters(units, found)
    return fixed(found, np.uint64)
