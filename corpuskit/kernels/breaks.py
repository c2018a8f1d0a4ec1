r"""Line breaks as `str.splitlines()` sees them: LF, CR, CR LF, VT, FF, U+001C to U+001E, U+0085, U+2028 and U+2029.

`Lines` knows "\n" alone. Few texts have any other break, so that who wants the lines of `str.splitlines()` reads
`Lines` and looks with `has_break` for the texts that do.
"""

import numpy as np

from corpuskit.kernels.blocks import BLOCK, block, equal_mask, range_mask
from corpuskit.kernels.compiling import inlined
from corpuskit.kernels.intrinsics import trailing_zeros

LINE_FEED, VERTICAL_TAB, CARRIAGE_RETURN = np.uint8(0x0A), np.uint8(0x0B), np.uint8(0x0D)
FILE_SEPARATOR, RECORD_SEPARATOR = np.uint8(0x1C), np.uint8(0x1E)
NEXT_LINE, LINE_SEPARATOR = np.uint8(0xC2), np.uint8(0xE2)
"""The first bytes of U+0085 and of U+2028 and U+2029."""


@inlined
def _break_length(data, place, stop):  # type: ignore[no-untyped-def]
    """Return the length in bytes of the break at `data[place]`, 0 if there is none; a CR LF is one break."""
    byte = data[place]
    if byte == CARRIAGE_RETURN:
        return 1 + (place + 1 < stop and data[place + 1] == LINE_FEED)
    if byte < 0x20:
        return 1 if LINE_FEED <= byte < CARRIAGE_RETURN or FILE_SEPARATOR <= byte <= RECORD_SEPARATOR else 0
    if byte == NEXT_LINE:
        return 2 if place + 1 < stop and data[place + 1] == 0x85 else 0
    if byte == LINE_SEPARATOR and place + 2 < stop and data[place + 1] == 0x80:
        return 3 if data[place + 2] == 0xA8 or data[place + 2] == 0xA9 else 0
    return 0


@inlined
def _find_candidates(data, position, stop, first):  # type: ignore[no-untyped-def]
    """Return the mask of the bytes from `position` on, before `stop`, with which a break may begin: `first` to CR, …"""
    index, shift, inside = block(data.size, position, stop, 0)
    places = range_mask(data, index, first, CARRIAGE_RETURN)
    places |= range_mask(data, index, FILE_SEPARATOR, RECORD_SEPARATOR)
    places |= equal_mask(data, index, NEXT_LINE) | equal_mask(data, index, LINE_SEPARATOR)
    return (places >> shift) & inside


@inlined
def find_break(data, position, stop):  # type: ignore[no-untyped-def]
    """Return (where the line at `position` ends, where the next begins); (`stop`, `stop`) for the last.

    data: padded uint8[n_bytes]; reads nothing at or after `stop` that would change the answer.
    """
    while position < stop:
        places = _find_candidates(data, position, stop, LINE_FEED)
        while places:
            place = position + trailing_zeros(places)
            length = _break_length(data, place, stop)
            if length:
                return place, place + length
            places &= places - np.uint64(1)
        position += BLOCK
    return stop, stop


@inlined
def has_break(data, position, stop, end):  # type: ignore[no-untyped-def]
    r"""Whether a break other than "\n" and CR LF begins in `data[position:stop]` of a text that ends at `end`.

    data: padded uint8[n_bytes].
    """
    while position < stop:
        places = _find_candidates(data, position, stop, VERTICAL_TAB)
        while places:
            place = position + trailing_zeros(places)
            length = _break_length(data, place, end)
            if length and not (length == 2 and data[place] == CARRIAGE_RETURN):
                return True
            places &= places - np.uint64(1)
        position += BLOCK
    return False
