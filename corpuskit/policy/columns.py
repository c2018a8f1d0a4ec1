"""Columns of signals as the arrays that rules compare."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


def whole(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Return a column in one piece, dictionaries decoded."""
    joined = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    return joined.dictionary_decode() if pa.types.is_dictionary(joined.type) else joined


def mask(column: pa.Array) -> np.ndarray:
    """Return a column of booleans as bool[n]; null is false."""
    return np.asarray(pc.fill_null(column, False).to_numpy(zero_copy_only=False), bool)


def is_missing(column: pa.Array) -> np.ndarray:
    """Return which rows have no value, null or NaN; bool[n]."""
    return mask(pc.is_null(column, nan_is_null=True))


def numbers(column: pa.Array) -> np.ndarray:
    """Return a column as float32[n], or as integers of its own width; what stands in for nulls is masked by callers."""
    values = np.asarray(pc.fill_null(column, 0).to_numpy(zero_copy_only=False))
    return values.astype(np.float32, copy=False) if pa.types.is_floating(column.type) else values
