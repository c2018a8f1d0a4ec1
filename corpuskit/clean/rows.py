"""Columns of texts in which a few rows change."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa


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
