"""Machine instructions that numba has no name for."""

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

WORD = ir.IntType(64)
DOUBLE_WORD = ir.IntType(128)
BLOCK = ir.VectorType(ir.IntType(8), 64)


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
    """Return the place of the lowest set bit of a uint64 that is not 0, as int64."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return types.int64(types.uint64), generate


@intrinsic
def ascii_masks(typing_context: Any, array: Any, index: Any) -> Any:
    """Return three uint64 masks of 64 bytes: bit i tells whether byte i is not ASCII, is a letter or digit, is a space.

    Letters, digits and spaces (`str.isspace`) are those of ASCII. There is no bounds check: the caller makes sure that
    `0 <= index <= len(array) - 64`. LLVM lowers the comparisons to whatever vectors the CPU has.
    Source: the block masks of simdjson, https://arxiv.org/abs/1902.08318.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        block = _load(builder, _element(context, builder, signature.args[0], *arguments), BLOCK)
        lower = builder.or_(block, _repeated(0x20))
        not_ascii = builder.icmp_signed("<", block, _repeated(0))
        letters_digits = builder.or_(_in_range(builder, lower, "a", "z"), _in_range(builder, block, "0", "9"))
        spaces = builder.or_(_in_range(builder, block, "\t", "\r"), _in_range(builder, block, "\x1c", " "))
        masks = [builder.bitcast(mask, WORD) for mask in (not_ascii, letters_digits, spaces)]
        return context.make_tuple(builder, signature.return_type, masks)

    return types.UniTuple(types.uint64, 3)(array, types.int64), generate


def _repeated(byte: int) -> ir.Constant:
    return ir.Constant(BLOCK, [byte] * 64)


def _in_range(builder: Any, block: Any, first: str, last: str) -> Any:
    distance = builder.sub(block, _repeated(ord(first)))
    return builder.icmp_unsigned("<=", distance, _repeated(ord(last) - ord(first)))
