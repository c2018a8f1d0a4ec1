"""White space at the two ends of a span, as `str.strip()` sees it."""

import numpy as np

from corpuskit.kernels.compiling import inlined
from corpuskit.kernels.utf8 import SPACE, decode, lookup

ASCII_SPACE = np.array([chr(byte).isspace() and byte < 0x80 for byte in range(256)])
"""Whether each byte is white space of ASCII; bool[256]."""


@inlined
def skip_space(data, start, end, index, pages):  # type: ignore[no-untyped-def]
    """Return where the first character of `data[start:end]` that is no white space lies; `end` if there is none.

    data: uint8[n_bytes]; index, pages: the `utf8.properties()`.
    """
    position = start
    while position < end:
        if data[position] < 0x80:
            if not ASCII_SPACE[data[position]]:
                break
            position += 1
        else:
            code, length = decode(data, position, end)
            if not lookup(index, pages, code) & SPACE:
                break
            position += length
    return position


@inlined
def strip_span(data, start, end, index, pages):  # type: ignore[no-untyped-def]
    """Return (start, end) of `data[start:end]` without white space at its ends; as `skip_space` takes it."""
    start = skip_space(data, start, end, index, pages)
    while end > start:
        last = end - 1
        while last > start and (data[last] & 0xC0) == 0x80:
            last -= 1
        code, _ = decode(data, last, end)
        if not lookup(index, pages, code) & SPACE:
            break
        end = last
    return start, end
