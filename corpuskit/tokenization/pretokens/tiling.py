"""Words that tile texts: each begins where the one before it ends."""

from collections.abc import Callable

import numpy as np

from corpuskit.kernels.compiling import fixed
from corpuskit.kernels.spans import Spans
from corpuskit.kernels.texts import Texts

MARGIN = 1 << 10
"""Room beyond the number of words that is expected; kernels write up to 64 places at once."""


def rooms(texts: Texts) -> tuple[int, int]:
    """Return how many words to make room for: what is enough for most texts, and what is for all."""
    n_bytes = int(texts.offsets[-1] - texts.offsets[0])
    return n_bytes // 3 + MARGIN, n_bytes + MARGIN


def tiled(texts: Texts, fill: Callable[[np.ndarray, np.ndarray], int]) -> Spans:
    """Return the words that `fill` finds.

    Args:
        texts: the documents.
        fill: writes where words begin and where the last ends to its first argument, int64[room], how many there are
            up to each document's end to its second, int64[n + 1] that begins with 0, and returns their number, or -1
            where there is no room.
    """
    word_offsets = np.zeros(texts.offsets.size, np.int64)
    for room in rooms(texts):
        bounds = np.empty(room, np.int64)
        n_words = fill(bounds, word_offsets)
        if n_words >= 0:
            break
    bounds = fixed(bounds[: n_words + 1], np.int64)
    return Spans(texts.data, bounds[:-1], bounds[1:], fixed(word_offsets, np.int64))
