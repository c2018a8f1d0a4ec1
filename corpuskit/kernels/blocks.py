"""64 bytes at a time as bit masks: bit i of a uint64 tells whether byte i is such a byte.

LLVM lowers the comparisons to whatever vectors the CPU has, and joins what is done to masks with `&`, `|`, `~`.
Source: the block masks of simdjson, https://arxiv.org/abs/1902.08318.

No block may reach past the end of the data, and a span's last bytes are seldom 64: `block` says where to read instead
and how far to shift what was read. It needs a block of data at least: `padded`.
"""

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from corpuskit.kernels.compiling import fixed, inlined
from corpuskit.kernels.intrinsics import COMPRESSES, compress_places, trailing_zeros

BLOCK = 64
REACH = 3
"""The most bytes behind a block that kernels look at, at once with it."""
ALL_BITS, NO_BITS, ONE = np.uint64(0xFFFFFFFFFFFFFFFF), np.uint64(0), np.uint64(1)

BITS = ir.IntType(64)
BYTE = ir.IntType(8)
BYTES = ir.VectorType(BYTE, BLOCK)


def padded(data: np.ndarray) -> np.ndarray:
    """Return uint8[n_bytes] data of at least BLOCK + REACH bytes: a copy with zeros behind it where it is shorter."""
    missing = BLOCK + REACH - data.size
    return data if missing <= 0 else fixed(np.pad(data, (0, missing)), np.uint8)


def _load(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    array = cgutils.create_struct_proxy(signature.args[0])(context, builder, value=arguments[0])
    pointer = builder.gep(array.data, [arguments[1]])
    block = builder.load(builder.bitcast(pointer, BYTES.as_pointer()))
    block.align = 1
    return block


def _repeated(builder: Any, byte: Any) -> Any:
    one = builder.insert_element(ir.Constant(BYTES, ir.Undefined), byte, ir.Constant(ir.IntType(32), 0))
    places = ir.Constant(ir.VectorType(ir.IntType(32), BLOCK), [0] * BLOCK)
    return builder.shuffle_vector(one, ir.Constant(BYTES, ir.Undefined), places)


@intrinsic
def equal_mask(typing_context: Any, array: Any, index: Any, byte: Any) -> Any:
    """Return the mask of the bytes equal to `byte` in uint8 `array[index:index + 64]`; no bounds check."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        block = _load(context, builder, signature, arguments)
        return builder.bitcast(builder.icmp_unsigned("==", block, _repeated(builder, arguments[2])), BITS)

    return types.uint64(array, types.int64, types.uint8), generate


@intrinsic
def range_mask(typing_context: Any, array: Any, index: Any, first: Any, last: Any) -> Any:
    """Return the mask of the bytes from `first` to `last` in uint8 `array[index:index + 64]`; no bounds check."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        distance = builder.sub(_load(context, builder, signature, arguments), _repeated(builder, arguments[2]))
        width = _repeated(builder, builder.sub(arguments[3], arguments[2]))
        return builder.bitcast(builder.icmp_unsigned("<=", distance, width), BITS)

    return types.uint64(array, types.int64, types.uint8, types.uint8), generate


@intrinsic
def caseless_mask(typing_context: Any, array: Any, index: Any, letter: Any) -> Any:
    """Return the mask of the bytes that are `letter`, a small one of ASCII, in either case; as `equal_mask`."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        small = builder.or_(_load(context, builder, signature, arguments), ir.Constant(BYTES, [0x20] * BLOCK))
        return builder.bitcast(builder.icmp_unsigned("==", small, _repeated(builder, arguments[2])), BITS)

    return types.uint64(array, types.int64, types.uint8), generate


@intrinsic
def popcount(typing_context: Any, bits: Any) -> Any:
    """Return the number of set bits of a uint64, as int64."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.ctpop(arguments[0])

    return types.int64(types.uint64), generate


@inlined
def block(size, position, end, reach):  # type: ignore[no-untyped-def]
    """Return (index to read at, uint64 to shift masks right by, uint64 mask of the bytes from `position` to `end`).

    size: bytes of the data, at least BLOCK + `reach`; `position < end <= size - reach`. Of a mask made at the index and
    shifted, bit i stands for byte `position + i`; only those that the third value holds count. Masks may be made at
    up to index + `reach` as well.
    """
    index = min(position, size - (BLOCK + reach))
    return index, np.uint64(position - index), ALL_BITS >> np.uint64(max(BLOCK - (end - position), 0))


@inlined
def span_bits(place, length):  # type: ignore[no-untyped-def]
    """Return (mask of `length` bits, 1 to 4, from `place`, 0 to 67, on; what of it lies in the next block)."""
    mask = (ONE << np.uint64(length)) - ONE
    if place >= BLOCK:
        return NO_BITS, mask << np.uint64(place - BLOCK)
    if place + length > BLOCK:
        return mask << np.uint64(place), mask >> np.uint64(BLOCK - place)
    return mask << np.uint64(place), NO_BITS


@inlined
def _append_compressed(mask, base, places, count):  # type: ignore[no-untyped-def]
    """Append `base` + the place of each set bit to `places`, which holds `count` and has room for 64 more.

    Returns the new count.
    """
    compress_places(places, count, base, mask)
    return count + popcount(mask)


@inlined
def _append_one_by_one(mask, base, places, count):  # type: ignore[no-untyped-def]
    """As `_append_compressed`, on any CPU.

    Most masks have 8 to 16 bits or fewer: those are written without a branch each, as many as there may be.
    """
    total = count + popcount(mask)
    for _ in range(8):
        places[count] = base + trailing_zeros(mask)
        mask &= mask - ONE
        count += 1
    if mask:
        for _ in range(8):
            places[count] = base + trailing_zeros(mask)
            mask &= mask - ONE
            count += 1
    while mask:
        places[count] = base + trailing_zeros(mask)
        mask &= mask - ONE
        count += 1
    return total


append_places = _append_compressed if COMPRESSES else _append_one_by_one
