"""Open-addressing hash tables: of the items of one document, whose slots hold an item's number plus 1, or 0; and of
keys with values, 0 in an empty slot."""

import numpy as np

from corpuskit.kernels.compiling import inlined

SMALL_TABLE = 1 << 14
"""Most tables hold no more items. Where there may be more, such a table is tried before one that takes all."""


@inlined
def table_bits(cells):  # type: ignore[no-untyped-def]
    """Return the smallest b of 6 or more with 2**b >= cells."""
    bits = 6
    while (1 << bits) < cells:
        bits += 1
    return bits


def empty_slots(size: int) -> np.ndarray:
    """Return the slots of a table for up to `size` items, not cleared; uint32[]."""
    return np.empty(1 << table_bits(2 * size), np.uint32)


@inlined
def clear_slots(slots, size):  # type: ignore[no-untyped-def]
    """Clear uint32[] slots for `size` items; return the shift that makes a uint64 hash a slot, and the last slot."""
    bits = table_bits(2 * size)
    for slot in range(1 << bits):
        slots[slot] = 0
    return np.uint64(64 - bits), np.uint64((1 << bits) - 1)


@inlined
def slot_of(keys, values, key):  # type: ignore[no-untyped-def]
    """Return the slot of a uint64 key, or the empty one where it would go; of 2**n keys, and values that are not 0."""
    mask = np.int64(keys.size - 1)
    slot = np.int64(key & np.uint64(mask))
    while values[slot] != 0 and keys[slot] != key:
        slot = (slot + 1) & mask
    return slot
