"""Machine instructions that numba has no name for."""

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

WORD = ir.IntType(64)
DOUBLE_WORD = ir.IntType(128)


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
def leading_zeros(typing_context: Any, bits: Any) -> Any:
    """Return the number of zeros above the highest set bit of a uint64, as int64; 64 if none is set."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.ctlz(arguments[0], ir.Constant(ir.IntType(1), 0))

    return types.int64(types.uint64), generate
