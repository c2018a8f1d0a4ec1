"""The line scan: where lines begin and end."""

import numpy as np

from corpuskit.kernels.compiling import fixed, kernel
from corpuskit.kernels.spans import Spans

NEWLINE = 10


class Lines(Spans):
    r"""The lines of a batch of documents: what `text.split("\n")` gives, so that an empty text has one empty line."""


@kernel
def _scan_lines(
    data: np.ndarray, offsets: np.ndarray, starts: np.ndarray, ends: np.ndarray, line_offsets: np.ndarray
) -> None:
    """Fill starts int64[m], ends int64[m] and line_offsets int64[n_documents + 1]."""
    line = 0
    for document in range(offsets.size - 1):
        starts[line] = offsets[document]
        for position in range(offsets[document], offsets[document + 1]):
            if data[position] == NEWLINE:
                ends[line] = position
                line += 1
                starts[line] = position + 1
        ends[line] = offsets[document + 1]
        line += 1
        line_offsets[document + 1] = line


def scan_lines(data: np.ndarray, offsets: np.ndarray) -> Lines:
    """Find the lines of each document.

    Args:
        data: uint8[n_bytes], UTF-8; read-only and contiguous, as `Texts` holds it.
        offsets: int64[n + 1], document i is `data[offsets[i]:offsets[i + 1]]`; likewise.
    """
    n_documents = offsets.size - 1
    n_lines = n_documents + int(np.count_nonzero(data[offsets[0] : offsets[-1]] == NEWLINE))
    starts, ends = np.empty(n_lines, np.int64), np.empty(n_lines, np.int64)
    line_offsets = np.zeros(n_documents + 1, np.int64)
    _scan_lines(data, offsets, starts, ends, line_offsets)
    return Lines(data, fixed(starts, np.int64), fixed(ends, np.int64), fixed(line_offsets, np.int64))
