"""Tries over bytes, as double arrays: every token that begins at a place is found in one walk."""

from collections.abc import Mapping

import numpy as np

from corpuskit.errors import InputError
from corpuskit.kernels.compiling import fixed, kernel

LABEL_BITS, BASE_BITS = 9, 23
EMPTY = np.uint64(256)
"""The label of a unit that no byte leads to."""
BLOCK = 256
"""Units that one base reaches. The first block holds the root alone, so that base 0 leads nowhere."""
REACH = 16 * BLOCK
"""How far behind the last unit a node's place is looked for; holes further back stay."""


@kernel
def _place(labels, count, used, bases, start, top):  # type: ignore[no-untyped-def]
    """Return a base at which the units of `count` labels are free, uint8[256] labels; `top` where there is none."""
    for unit in range(start, top):
        base = unit ^ labels[0]
        if used[unit] or bases[base]:
            continue
        free = True
        for child in range(1, count):
            free &= not used[base ^ labels[child]]
        if free:
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
    used, bases = np.zeros(capacity, np.bool_), np.zeros(capacity, np.bool_)
    labels, starts = np.empty(BLOCK, np.int64), np.empty(BLOCK + 1, np.int64)
    # Depth first: the stack holds (unit, first token, last token + 1, depth).
    stack = [(0, 0, offsets.size - 1, 0)]
    used[:BLOCK] = True
    bases[:BLOCK] = True
    first_free, top = BLOCK, BLOCK
    while len(stack):
        unit, first, last, depth = stack.pop()
        if first < last and offsets[first + 1] - offsets[first] == depth:
            units[unit] |= np.uint64(values[first] + 1) << np.uint64(LABEL_BITS + BASE_BITS)
            first += 1
        if first == last:
            continue
        count = _children(data, offsets, first, last, depth, labels, starts)
        while first_free < top and used[first_free]:
            first_free += 1
        base = _place(labels, count, used, bases, max(first_free, top - REACH), top)
        if base == top:
            top += BLOCK
            if top > capacity:
                return np.empty(0, np.uint64)
        bases[base] = True
        units[unit] |= np.uint64(base) << np.uint64(LABEL_BITS)
        for child in range(count):
            place = base ^ labels[child]
            used[place] = True
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
    ordered = sorted(tokens.items())
    if any(not token or not 0 <= value < (1 << 31) - 1 for token, value in ordered):
        raise ValueError("tokens must have bytes and ids from 0 to 2**31 - 2")
    offsets = np.zeros(len(ordered) + 1, np.int64)
    np.cumsum([len(token) for token, _ in ordered], out=offsets[1:])
    data = np.frombuffer(b"".join(token for token, _ in ordered), np.uint8)
    values = fixed([value for _, value in ordered], np.int64)
    capacity = 1 << max(16, int(offsets[-1]).bit_length())
    while capacity <= 1 << BASE_BITS:
        units = _build(fixed(data, np.uint8), fixed(offsets, np.int64), values, capacity)
        if units.size:
            return fixed(units, np.uint64)
        capacity *= 2
    raise InputError(f"{len(ordered)} tokens of {offsets[-1]} bytes together do not fit into a trie of 2**23 units")
