"""How far texts compress: repetition of any length and kind as one number."""

import numpy as np
import pyarrow as pa
import zstandard

from corpuskit.kernels import Texts
from corpuskit.signals.group import Signal, SignalGroup, ratio

LEVEL = 3
"""The level of zstd, its default."""

SEGMENT = np.dtype([("offset", "<u8"), ("length", "<u8")])
"""Where a document lies in a buffer, as zstandard reads it."""


def compressed_sizes(texts: Texts) -> np.ndarray:
    """Return the bytes that each document takes as a zstd frame of its own; int64[n], 0 for an empty text."""
    sizes = np.zeros(len(texts), np.int64)
    filled = np.flatnonzero(texts.lengths())
    if not filled.size:
        return sizes
    segments = np.empty(filled.size, SEGMENT)
    segments["offset"], segments["length"] = texts.offsets[filled], texts.lengths()[filled]
    buffer = zstandard.BufferWithSegments(texts.data.data, segments.tobytes())
    compressed = zstandard.ZstdCompressor(level=LEVEL).multi_compress_to_buffer(buffer)
    sizes[filled] = [len(compressed[frame]) for frame in range(len(compressed))]
    return sizes


def measure(texts: Texts) -> dict[str, np.ndarray]:
    """Return float32[n] of the group's signal; NaN where it is undefined."""
    return {"ratio": ratio(compressed_sizes(texts), texts.lengths())}


COMPRESSION = SignalGroup(
    name="compression",
    revision=1,
    source=f"corpuskit: zstd at level {LEVEL}, each text by itself",
    signals={
        "ratio": Signal(
            pa.float32(),
            "above 0",
            f"bytes of the text as a zstd frame (level {LEVEL}) / bytes; near 0 where the text repeats itself, "
            "0.3 to 0.8 for prose, higher the shorter it is, above 1 for a few words: a frame has 9 or more of its own",
            "empty texts",
        )
    },
    measure=measure,
    libraries=("pyarrow", "zstandard"),
)
