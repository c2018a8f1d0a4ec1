"""Short texts that kernels look for: bytes in a row, whose ASCII letters may be in either case."""

import numpy as np

from corpuskit.kernels.compiling import fixed, inlined


def patterns(*texts: str) -> np.ndarray:
    """Return the texts as uint8[n, longest + 1], zeros after each text's last byte."""
    encoded = [text.encode() for text in texts]
    longest = max(map(len, encoded))
    return fixed([list(text.ljust(longest + 1, b"\0")) for text in encoded], np.uint8)


@inlined
def small(byte):  # type: ignore[no-untyped-def]
    """Return the byte as int64, a capital letter of ASCII as a small one."""
    return np.int64(byte) + 32 * (ord("A") <= byte <= ord("Z"))


@inlined
def is_alphanumeric(byte):  # type: ignore[no-untyped-def]
    """Whether the byte is a letter or a digit of ASCII."""
    return ord("a") <= small(byte) <= ord("z") or ord("0") <= byte <= ord("9")


@inlined
def match(data, position, end, pattern):  # type: ignore[no-untyped-def]
    """Return the length of a pattern if `data[position:end]` begins with it, else 0.

    data: uint8[n_bytes]; pattern: a row of `patterns`.
    """
    length = 0
    while pattern[length]:
        if position + length >= end or data[position + length] != pattern[length]:
            return 0
        length += 1
    return length


@inlined
def match_caseless(data, position, end, pattern):  # type: ignore[no-untyped-def]
    """As `match`, capital letters of ASCII in the data taken as small ones; those of the pattern must be small."""
    length = 0
    while pattern[length]:
        if position + length >= end or small(data[position + length]) != pattern[length]:
            return 0
        length += 1
    return length
