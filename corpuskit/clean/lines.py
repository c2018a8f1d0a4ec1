"""Texts of the lines that stay."""

import numpy as np
import pyarrow as pa

from corpuskit.kernels import Lines, as_arrow, gather_spans


def keep_lines(texts: pa.Array, lines: Lines, kept: np.ndarray) -> pa.Array:
    """Return the texts without some of their lines, the very array that came in where every line stays.

    A line goes with its line feed, so that a text is then what `"\\n".join` gives for the others.

    Args:
        texts: large_string[n], without nulls.
        lines: its lines.
        kept: bool[m], whether each line stays.
    """
    if kept.all():
        return texts
    bounds = np.concatenate([[0], np.cumsum(kept)])[lines.offsets]
    starts, ends = lines.starts[kept], lines.ends[kept] + 1  # each with its line feed,
    last = bounds[1:][np.diff(bounds) > 0] - 1
    ends[last] -= 1  # but for a document's last
    data, offsets = gather_spans(lines.data, starts, ends)
    return as_arrow(data, offsets[bounds])


def count_lines(lines: Lines, marked: np.ndarray) -> np.ndarray:
    """Return the number of marked lines (bool[m]) of each document; int32[n]."""
    return np.diff(np.concatenate([[0], np.cumsum(marked)])[lines.offsets]).astype(np.int32)
