"""Machine instructions that numba has no name for."""

from typing import Any

import llvmlite.binding as llvm
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

WORD = ir.IntType(64)
DOUBLE_WORD = ir.IntType(128)
INDEX = ir.IntType(32)
BYTES, FLAGS = ir.VectorType(ir.IntType(8), 64), ir.VectorType(ir.IntType(1), 64)
EIGHT_WORDS = ir.VectorType(WORD, 8)
FEW = 16
"""Most masks have at most so many bits."""

COMPRESSES: bool = llvm.get_host_cpu_features().get("avx512vbmi2", False)
"""Whether this CPU packs the bytes that a mask chooses in one instruction."""


def _element(context: Any, builder: Any, array_type: Any, array: Any, index: Any) -> Any:
    data = cgutils.create_struct_proxy(array_type)(context, builder, value=array).data
    return builder.gep(data, [index])


def _load(builder: Any, pointer: Any, kind: Any) -> Any:
    value = builder.load(builder.bitcast(pointer, kind.as_pointer()))
    value.align = 1
    return value


@intrinsic
def load64(typing_context: Any, array: Any, index: Any) -> Any:
    """Read 8 bytes of a uint8 array at any index, aligned or not, as a little-endian uint64.

    There is no bounds check: the caller makes sure that `0 <= index <= len(array) - 8`.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return _load(builder, _element(context, builder, signature.args[0], *arguments), WORD)

    return types.uint64(array, types.int64), generate


@intrinsic
def fold_multiply(typing_context: Any, left: Any, right: Any) -> Any:
    """Multiply two uint64 to 128 bits and return the upper half xor the lower half."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        wide = [builder.zext(argument, DOUBLE_WORD) for argument in arguments]
        product = builder.mul(*wide)
        upper = builder.trunc(builder.lshr(product, ir.Constant(DOUBLE_WORD, 64)), WORD)
        return builder.xor(upper, builder.trunc(product, WORD))

    return types.uint64(types.uint64, types.uint64), generate


@intrinsic
def trailing_zeros(typing_context: Any, bits: Any) -> Any:
    """Return the place of the lowest set bit of a uint64, as int64; 64 if none is set."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 0))

    return types.int64(types.uint64), generate


@intrinsic
def store64(typing_context: Any, array: Any, index: Any, value: Any) -> Any:
    """Write a uint64 as 8 little-endian bytes to a uint8 array at any index, aligned or not.

    There is no bounds check: the caller makes sure that `0 <= index <= len(array) - 8`.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array_value, place, word = arguments
        pointer = builder.bitcast(_element(context, builder, signature.args[0], array_value, place), WORD.as_pointer())
        builder.store(word, pointer).align = 1
        return context.get_dummy_value()

    return types.void(array, types.int64, types.uint64), generate


@intrinsic
def prefetch(typing_context: Any, array: Any, index: Any) -> Any:
    """Tell the CPU that an element of an array will be read soon; nothing else, not even a bounds check."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        byte, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        pointer = builder.bitcast(_element(context, builder, signature.args[0], *arguments), byte)
        kind = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0i8")
        builder.call(function, [pointer, number(0), number(3), number(1)])  # to read, keep, data
        return context.get_dummy_value()

    return types.void(array, types.int64), generate


@intrinsic
def leading_zeros(typing_context: Any, bits: Any) -> Any:
    """Return the number of zeros above the highest set bit of a uint64, as int64; 64 if none is set."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.ctlz(arguments[0], ir.Constant(ir.IntType(1), 0))

    return types.int64(types.uint64), generate


def _splat(builder: Any, value: Any) -> Any:
    one = builder.insert_element(ir.Constant(EIGHT_WORDS, ir.Undefined), value, ir.Constant(INDEX, 0))
    places = ir.Constant(ir.VectorType(INDEX, 8), [0] * 8)
    return builder.shuffle_vector(one, ir.Constant(EIGHT_WORDS, ir.Undefined), places)


def _store_eight(builder: Any, pointer: Any, first: int, packed: Any, base: Any) -> None:
    """Store the bytes `first` to `first` + 7 of `packed`, each added to `base`, as words at `pointer` + `first`."""
    places = ir.Constant(ir.VectorType(INDEX, 8), list(range(first, first + 8)))
    eight = builder.shuffle_vector(packed, ir.Constant(BYTES, ir.Undefined), places)
    target = builder.gep(pointer, [ir.Constant(WORD, first)])
    numbers = builder.add(builder.zext(eight, EIGHT_WORDS), base)
    builder.store(numbers, builder.bitcast(target, EIGHT_WORDS.as_pointer())).align = WORD.width // 8


@intrinsic
def compress_places(typing_context: Any, array: Any, index: Any, base: Any, bits: Any) -> Any:
    """Write `base` + the place of each set bit of a uint64, in order, to int64 `array[index:]`.

    There is no bounds check, and up to 64 numbers are written: what lies behind the last one is undefined. It is right
    on every CPU, and fast where `COMPRESSES`.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array, index, base, bits = arguments
        kind = ir.FunctionType(BYTES, [BYTES, FLAGS, BYTES])
        compress = cgutils.get_or_insert_function(builder.module, kind, "llvm.experimental.vector.compress.v64i8")
        every = ir.Constant(BYTES, list(range(BYTES.count)))
        packed = builder.call(compress, [every, builder.bitcast(bits, FLAGS), ir.Constant(BYTES, ir.Undefined)])
        pointer, bases = _element(context, builder, signature.args[0], array, index), _splat(builder, base)
        for first in range(0, FEW, 8):
            _store_eight(builder, pointer, first, packed, bases)
        with builder.if_then(builder.icmp_unsigned(">", builder.ctpop(bits), ir.Constant(WORD, FEW)), likely=False):
            for first in range(FEW, BYTES.count, 8):
                _store_eight(builder, pointer, first, packed, bases)
        return context.get_dummy_value()

    return types.void(array, types.int64, types.int64, types.uint64), generate
