"""SentencePiece's words: they begin with their space.

`metaspace`: a word begins at each U+0020, so of a run of spaces each but the last is a word by itself, and the last
belongs to what follows. So does SentencePiece with `split_by_whitespace`, and `Metaspace` of `tokenizers`.

`metaspace_runs`: a word begins where a U+0020 follows another character, so a run of spaces belongs whole to what
follows. So does SentencePiece with `allow_whitespace_only_pieces`, whose vocabulary may hold runs of spaces.

In both, a run of line feeds is a word by itself: SentencePiece is trained on lines. No piece then holds a line feed
beside another character, so encoders need not part texts there to find the same pieces. All other white space is like
letters, and spaces stay U+0020: what writes a vocabulary writes U+2581. Nothing is left out.
Source: `SplitIntoWords`, https://github.com/google/sentencepiece/blob/master/src/model_interface.cc
"""

import numpy as np

from corpuskit.kernels.blocks import BLOCK, append_places, block, equal_mask, padded
from corpuskit.kernels.compiling import kernel
from corpuskit.kernels.spans import Spans
from corpuskit.kernels.texts import Texts
from corpuskit.tokenization.pretokens.tiling import tiled

NONE, ONE = np.uint64(0), np.uint64(1)
LAST = np.uint64(BLOCK - 1)
SPACE, LINE_FEED = np.uint8(0x20), np.uint8(0x0A)


@kernel
def _scan(data, offsets, whole_runs, bounds, word_offsets):  # type: ignore[no-untyped-def]
    """Fill bounds int64[room] with where words begin and word_offsets int64[n + 1]; return their number, -1: no room.

    data: padded.
    """
    count = np.int64(0)
    for document in range(offsets.size - 1):
        position, stop = offsets[document], offsets[document + 1]
        spaces_before = feeds_before = NONE
        begin = ONE
        while position < stop:
            index, shift, valid = block(data.size, position, stop, 0)
            if count + BLOCK >= bounds.size:
                return np.int64(-1)
            spaces = (equal_mask(data, index, SPACE) >> shift) & valid
            feeds = (equal_mask(data, index, LINE_FEED) >> shift) & valid
            starts = begin | spaces
            if whole_runs:
                starts &= ~((spaces << ONE) | spaces_before)
            starts = (starts | (feeds ^ ((feeds << ONE) | feeds_before))) & valid
            count = append_places(starts, position, bounds, count)
            spaces_before, feeds_before, begin = spaces >> LAST, feeds >> LAST, NONE
            position += BLOCK
        word_offsets[document + 1] = count
    bounds[count] = offsets[-1]
    return count


def _tiled(texts: Texts, whole_runs: bool) -> Spans:
    data = padded(texts.data)
    return tiled(texts, lambda bounds, ends: _scan(data, texts.offsets, whole_runs, bounds, ends))


def scan_metaspace(texts: Texts) -> Spans:
    """Return words that begin at each U+0020: they tile each document."""
    return _tiled(texts, whole_runs=False)


def scan_metaspace_runs(texts: Texts) -> Spans:
    """Return words that begin at each run of U+0020: they tile each document."""
    return _tiled(texts, whole_runs=True)
