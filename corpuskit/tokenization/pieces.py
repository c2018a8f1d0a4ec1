"""Feeds libraries that take Python strings: long texts in pieces, short ones in groups.

A text is cut between a non-space and a following space or line break. There GPT-2's pattern always ends a word, so BPE
and WordPiece ids are those of the whole text, while memory follows the piece and not the document.
"""

import re
from collections.abc import Callable, Iterator

import numpy as np
import pyarrow as pa

PIECE = 1 << 16
"""Characters from which on a piece ends at the next place where it may."""
GROUP = 1 << 18
"""Characters that go to the library in one call."""
ROWS = 1024
"""Texts turned into Python strings at a time."""
BOUNDARY = re.compile(r"\S(?=[ \n])")


def cut(text: str) -> list[str]:
    """Cut a text into pieces of about `PIECE` characters; a stretch without spaces stays whole."""
    pieces, start = [], 0
    while len(text) - start > PIECE and (found := BOUNDARY.search(text, start + PIECE)):
        pieces.append(text[start : found.end()])
        start = found.end()
    pieces.append(text[start:])
    return pieces


def encode_pieces(
    texts: pa.LargeStringArray, split: Callable[[str], list[str]], encode: Callable[[list[str]], list[np.ndarray]]
) -> tuple[np.ndarray, np.ndarray]:
    """Encode each text as the concatenation of its pieces.

    Args:
        texts: large_string[n] without nulls.
        split: text to pieces.
        encode: pieces to their ids, integer[*] each.

    Returns:
        ids uint32[n_tokens] and offsets int64[n + 1].
    """
    ids = [np.empty(0, np.uint32)]
    lengths = np.zeros(len(texts) + 1, np.int64)
    for rows, pieces in _groups(texts, split):
        encoded = encode(pieces)
        np.add.at(lengths, np.array(rows) + 1, [len(piece) for piece in encoded])
        ids.append(np.concatenate(encoded).astype(np.uint32, copy=False))
    return np.concatenate(ids), np.cumsum(lengths)


def _groups(texts: pa.LargeStringArray, split: Callable[[str], list[str]]) -> Iterator[tuple[list[int], list[str]]]:
    """Yield (rows, pieces): pieces in text order with the row each belongs to, about `GROUP` characters together."""
    rows: list[int] = []
    pieces: list[str] = []
    size = 0
    for row, text in enumerate(_strings(texts)):
        for piece in split(text):
            rows.append(row)
            pieces.append(piece)
            size += len(piece)
            if size >= GROUP or len(rows) >= ROWS:
                yield rows, pieces
                rows, pieces, size = [], [], 0
    if rows:
        yield rows, pieces


def _strings(texts: pa.LargeStringArray) -> Iterator[str]:
    for start in range(0, len(texts), ROWS):
        yield from texts.slice(start, ROWS).to_pylist()
