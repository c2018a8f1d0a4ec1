"""Rows rewritten by a kernel in two passes: it measures every text, then writes those that change."""

from collections.abc import Callable

import numpy as np
import pyarrow as pa

from corpuskit.kernels import as_arrow, replace_rows

Write = Callable[[np.ndarray, np.ndarray, np.ndarray], object]
"""(rows int64[m], bounds int64[m + 1], out uint8[n_bytes]): writes row `rows[i]` to `out[bounds[i]:bounds[i + 1]]`."""


def rewrite(texts: pa.Array, changed: np.ndarray, sizes: np.ndarray, write: Write) -> pa.Array:
    """Return texts with new values where they change; the very same array where none does.

    Args:
        texts: large_string[n], without nulls.
        changed: bool[n].
        sizes: int64[n], the number of bytes of each new text.
        write: writes the new texts, UTF-8, of some rows.
    """
    rows = np.flatnonzero(changed)
    if not rows.size:
        return texts
    bounds = np.zeros(rows.size + 1, np.int64)
    np.cumsum(sizes[rows], out=bounds[1:])
    out = np.empty(bounds[-1], np.uint8)
    write(rows, bounds, out)
    return replace_rows(texts, rows, as_arrow(out, bounds))
