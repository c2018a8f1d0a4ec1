"""What encoders give, and the blocks of documents that they work through."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from corpuskit.kernels.texts import Texts

BLOCK = 1 << 19
"""Bytes of text from which on a block ends: what is known of its words stays in the CPU's cache."""
NOTHING = np.empty(0, np.int64)


class Encoded(NamedTuple):
    """The ids of a batch of documents, and the text that they stand for."""

    ids: np.ndarray
    """uint16[n_tokens] or uint32[n_tokens]."""
    offsets: np.ndarray
    """The ids of document i are `ids[offsets[i]:offsets[i + 1]]`; int64[n + 1]."""
    starts: np.ndarray = NOTHING
    """Index in its document of the first byte that a token stands for; int64[n_tokens], int64[0] if not asked for."""
    ends: np.ndarray = NOTHING
    """Of the byte behind the last; likewise."""


def blocks(texts: Texts) -> Iterator[Texts]:
    """Yield the documents in blocks of about `BLOCK` bytes, at least one each."""
    first = 0
    while first < len(texts):
        within = np.searchsorted(texts.offsets, texts.offsets[first] + BLOCK, "right") - 1
        last = max(first + 1, int(within))
        yield texts.rows(first, last)
        first = last


def in_blocks(texts: Texts, encode: Callable[[Texts, np.ndarray], Encoded], dtype: npt.DTypeLike) -> Encoded:
    """Encode documents block by block and join what comes.

    Args:
        texts: n documents.
        encode: a block and room for as many ids as it has bytes, and four more, uint32[], to its ids, which may
            lie in the room.
        dtype: that of the ids joined, which holds them all.
    """
    room = np.empty(0, np.uint32)
    # What no id reaches is given back, or was never taken.
    ids = np.empty(int(texts.offsets[-1] - texts.offsets[0]), dtype)
    offsets, spans = np.zeros(len(texts) + 1, np.int64), [(NOTHING, NOTHING)]
    row, count = 1, 0
    for block in blocks(texts):
        size = int(block.offsets[-1] - block.offsets[0])
        if room.size < size + 4:
            room = np.empty(size + 4, np.uint32)
        part = encode(block, room)
        stop = count + part.ids.size
        if stop > ids.size:  # normal forms may be longer than the text
            ids.resize(2 * stop, refcheck=False)
        ids[count:stop] = part.ids
        offsets[row : row + len(block)] = part.offsets[1:] + count
        spans.append((part.starts, part.ends))
        row, count = row + len(block), stop
    ids.resize(count, refcheck=False)
    starts, ends = (np.concatenate(arrays) for arrays in zip(*spans, strict=True))
    return Encoded(ids, offsets, starts, ends)
