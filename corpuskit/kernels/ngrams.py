"""Hashes of all n-grams of words."""

import numpy as np

from corpuskit.kernels.compiling import fixed, kernel
from corpuskit.kernels.hashing import FINISHER, MULTIPLIER
from corpuskit.kernels.intrinsics import fold_multiply
from corpuskit.kernels.words import Words


@kernel
def _ngram_hashes(
    word_hashes: np.ndarray, word_offsets: np.ndarray, ngram_offsets: np.ndarray, n: np.int64, hashes: np.ndarray
) -> None:
    """Fill hashes uint64[k] with a polynomial in the n word hashes, rolled from word to word, then mixed."""
    highest = np.uint64(1)
    for _ in range(n):
        highest *= MULTIPLIER
    for document in range(word_offsets.size - 1):
        first, last = word_offsets[document], word_offsets[document + 1]
        if last - first < n:
            continue
        polynomial = np.uint64(0)
        for word in range(first, first + n - 1):
            polynomial = polynomial * MULTIPLIER + word_hashes[word]
        leaving = np.uint64(0)
        target = ngram_offsets[document]
        for word in range(first + n - 1, last):
            polynomial = polynomial * MULTIPLIER + word_hashes[word] - leaving
            hashes[target] = fold_multiply(polynomial, FINISHER)
            leaving = word_hashes[word - n + 1] * highest
            target += 1


def ngram_hashes(words: Words, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Hash every sequence of n consecutive words of each document, in text order.

    Equal word sequences have equal hashes wherever they stand; word boundaries count ("ab c" is not "a bc").

    Args:
        words: the words of a batch of documents.
        n: words per n-gram, at least 1.

    Returns:
        The hashes, uint64[k], and offsets, int64[n_documents + 1]: the n-grams of document i are
        `hashes[offsets[i]:offsets[i + 1]]`, none where it has fewer than n words.

    Raises:
        ValueError: n is below 1.
    """
    if n < 1:
        raise ValueError(f"an n-gram has at least 1 word, not {n}")
    offsets = np.zeros(words.offsets.size, np.int64)
    np.cumsum(np.maximum(words.counts() - (n - 1), 0), out=offsets[1:])
    offsets = fixed(offsets, np.int64)
    hashes = np.empty(offsets[-1], np.uint64)
    _ngram_hashes(words.hashes(), words.offsets, offsets, n, hashes)
    return fixed(hashes, np.uint64), offsets
