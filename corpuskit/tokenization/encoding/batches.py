"""What encoders give, and the blocks of documents that they work through."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from corpuskit.kernels.texts import Texts

BLOCK = 1 << 18
"""Bytes of text from which on a block ends: what is known of its words stays in the CPU's cache."""
NOTHING = np.empty(0, np.int64)


class Encoded(NamedTuple):
    """The ids of a batch of documents, and the text that they stand for."""

    ids: np.ndarray
    """uint32[n_tokens]."""
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


def in_blocks(texts: Texts, encode: Callable[[Texts, np.ndarray], Encoded]) -> Encoded:
    """Encode documents block by block and join what comes.

    Args:
        texts: n documents.
        encode: a block and room for as many ids as it has bytes, and one more, uint32[], to its ids, parts of the room.
    """
    room = np.empty(0, np.uint32)
    parts = [Encoded(room, np.zeros(1, np.int64))]
    for block in blocks(texts):
        size = int(block.offsets[-1] - block.offsets[0])
        if room.size <= size:
            room = np.empty(size + 1, np.uint32)
        part = encode(block, room)
        parts.append(part._replace(ids=part.ids.copy()))
    before = np.cumsum([0, *(part.ids.size for part in parts[:-1])])
    offsets = [part.offsets[1:] + first for part, first in zip(parts, before, strict=True)]
    ids, starts, ends = (np.concatenate([part[field] for part in parts]) for field in (0, 2, 3))
    return Encoded(ids, np.concatenate([np.zeros(1, np.int64), *offsets]), starts, ends)
