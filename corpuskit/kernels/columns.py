"""Arrow columns of texts: made from bytes and offsets, and with other values in some rows."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa


def as_arrow(data: np.ndarray, offsets: np.ndarray) -> pa.Array:
    """Return large_string[n] over bytes uint8[n_bytes], UTF-8, and offsets int64[n + 1], without a copy."""
    return pa.LargeStringArray.from_buffers(offsets.size - 1, pa.py_buffer(offsets), pa.py_buffer(data))


def replace_rows(texts: pa.Array, rows: np.ndarray, values: Sequence[str] | pa.Array) -> pa.Array:
    """Return texts with other values in some rows; the very same array where there are none.

    Args:
        texts: large_string[n].
        rows: int64[m], distinct.
        values: m texts.
    """
    if not len(rows):
        return texts
    pool = pa.concat_arrays([texts, pa.array(values, texts.type)])
    sources = np.arange(len(texts))
    sources[rows] = np.arange(len(texts), len(pool))
    return pool.take(pa.array(sources))
