"""Normalised texts: their words in lower case, one space between them."""

import numpy as np

from corpuskit.kernels.casing import lowered
from corpuskit.kernels.compiling import kernel
from corpuskit.kernels.texts import Texts
from corpuskit.kernels.words import Words

SPACE = np.uint8(ord(" "))


@kernel
def _join(
    data: np.ndarray,
    starts: np.ndarray,
    ends: np.ndarray,
    word_offsets: np.ndarray,
    offsets: np.ndarray,
    joined: np.ndarray,
) -> None:
    """Fill joined uint8[k] with the words of each document, a space between two."""
    for document in range(word_offsets.size - 1):
        target = offsets[document]
        for word in range(word_offsets[document], word_offsets[document + 1]):
            if word > word_offsets[document]:
                joined[target] = SPACE
                target += 1
            for position in range(starts[word], ends[word]):
                joined[target] = data[position]
                target += 1


def joined(words: Words) -> Texts:
    """Return the words of each document with one space between them; empty where it has none."""
    ends = np.zeros(len(words) + 1, np.int64)
    np.cumsum(words.lengths() + 1, out=ends[1:])
    sizes = ends[words.offsets[1:]] - ends[words.offsets[:-1]]
    offsets = np.zeros(words.offsets.size, np.int64)
    np.cumsum(np.maximum(sizes - 1, 0), out=offsets[1:])
    data = np.empty(offsets[-1], np.uint8)
    _join(words.data, words.starts, words.ends, words.offsets, offsets, data)
    return Texts(data, offsets)


def normalized(texts: Texts) -> Texts:
    """Return each text's `unicode` words in lower case with one space between them.

    Texts that differ in case, punctuation, marks that are no part of words, and white space alone are then equal.
    """
    return joined(lowered(texts).words("unicode"))
