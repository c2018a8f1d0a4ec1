"""The number of characters, that is code points, in spans of UTF-8."""

import numpy as np

from corpuskit.kernels.blocks import popcount
from corpuskit.kernels.compiling import inlined, kernel
from corpuskit.kernels.intrinsics import load64
from corpuskit.kernels.spans import Spans

HIGH_BITS = np.uint64(0x8080808080808080)
ONE = np.uint64(1)


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


@kernel
def _count_in_spans(data, starts, ends, offsets):  # type: ignore[no-untyped-def]
    """Return int64[n]; what lies between spans is little and mostly one byte, so that is counted, and taken off."""
    counts = np.zeros(offsets.size - 1, np.int64)
    for document in range(counts.size):
        first, stop = offsets[document], offsets[document + 1]
        if first == stop:
            continue
        count = np.int64(0)
        for byte in data[starts[first] : ends[stop - 1]]:
            count += (byte & 0xC0) != 0x80
        for span in range(first + 1, stop):
            start, end = ends[span - 1], starts[span]
            count -= end - start if end - start < 2 else count_code_points(data, start, end)
        counts[document] = count
    return counts


def span_code_points(spans: Spans) -> np.ndarray:
    """Return the code points of each document's spans together; int64[n]. The spans of a document may not overlap."""
    return _count_in_spans(spans.data, spans.starts, spans.ends, spans.offsets)
