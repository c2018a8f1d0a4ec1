"""The number of characters, that is code points, in spans of UTF-8."""

import numpy as np

from corpuskit.kernels.blocks import BLOCK, block, padded, popcount, range_mask
from corpuskit.kernels.compiling import inlined, kernel
from corpuskit.kernels.intrinsics import load64
from corpuskit.kernels.spans import Spans

HIGH_BITS = np.uint64(0x8080808080808080)
ONE = np.uint64(1)
FIRST_CONTINUATION, LAST_CONTINUATION = np.uint8(0x80), np.uint8(0xBF)
"""The bytes that continue a character."""


@inlined
def count_code_points(data, start, end):  # type: ignore[no-untyped-def]
    """Return the code points of `data[start:end]`: its bytes, less those that continue a character (0b10xxxxxx)."""
    count, position = end - start, start
    while position + 8 <= end:
        eight = load64(data, position)
        count -= popcount(eight & ~(eight << ONE) & HIGH_BITS)
        position += 8
    while position < end:
        count -= (data[position] & 0xC0) == 0x80
        position += 1
    return count


@inlined
def _count_continuations(data, start, end):  # type: ignore[no-untyped-def]
    """Return the number of bytes of `data[start:end]` that continue a character; data: padded."""
    count, position = np.int64(0), start
    while position < end:
        index, shift, inside = block(data.size, position, end, 0)
        count += popcount((range_mask(data, index, FIRST_CONTINUATION, LAST_CONTINUATION) >> shift) & inside)
        position += BLOCK
    return count


@kernel
def _count_in_spans(data, starts, ends, offsets):  # type: ignore[no-untyped-def]
    """Return int64[n]; data: padded.

    Continuations are counted in spans and gaps alike, and those of gaps taken off: most gaps are one byte, which is a
    whole character, and most texts of ASCII.
    """
    counts = np.zeros(offsets.size - 1, np.int64)
    for document in range(counts.size):
        first, stop = offsets[document], offsets[document + 1]
        if first == stop:
            continue
        continuations = _count_continuations(data, starts[first], ends[stop - 1])
        n_bytes = ends[first:stop].sum() - starts[first:stop].sum()
        if continuations:
            for span in range(np.uint64(first), np.uint64(stop - 1)):  # unsigned: numba looks for negative indices
                start, end = ends[span], starts[span + ONE]
                if end - start > 1:
                    continuations -= _count_continuations(data, start, end)
        counts[document] = n_bytes - continuations
    return counts


def span_code_points(spans: Spans) -> np.ndarray:
    """Return the code points of each document's spans together; int64[n]. The spans of a document may not overlap."""
    return _count_in_spans(padded(spans.data), spans.starts, spans.ends, spans.offsets)
