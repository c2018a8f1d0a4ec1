"""Hashes of all n-grams of words, or of characters."""

import numpy as np

from corpuskit.kernels.compiling import fixed, inlined, kernel
from corpuskit.kernels.hashing import FINISHER, MULTIPLIER
from corpuskit.kernels.intrinsics import fold_multiply
from corpuskit.kernels.texts import Texts
from corpuskit.kernels.utf8 import characters
from corpuskit.kernels.words import Words


@kernel
def _ngram_hashes(
    items: np.ndarray, offsets: np.ndarray, ngram_offsets: np.ndarray, n: np.int64, hashes: np.ndarray
) -> None:
    """Fill hashes uint64[k] with a polynomial in the hashes of n items, rolled from item to item, then mixed.

    A document of fewer items that has an n-gram all the same has that of all its items; the polynomial begins with
    their number, which n-grams of n items lack. `hashes` may be `items`: nothing is read after it is overwritten.
    """
    highest = np.uint64(1)
    for _ in range(n):
        highest *= MULTIPLIER
    for document in range(offsets.size - 1):
        first, last = offsets[document], offsets[document + 1]
        target = ngram_offsets[document]
        if target == ngram_offsets[document + 1]:
            continue
        short = last - first < n
        polynomial = np.uint64(last - first if short else 0)
        for item in range(first, last if short else first + n - 1):
            polynomial = polynomial * MULTIPLIER + items[item]
        if short:
            hashes[target] = fold_multiply(polynomial, FINISHER)
        leaving = np.uint64(0)
        for item in range(first + n - 1, last):
            polynomial = polynomial * MULTIPLIER + items[item] - leaving
            leaving = items[item - n + 1] * highest
            hashes[target] = fold_multiply(polynomial, FINISHER)
            target += 1


def ngram_hashes(words: Words, n: int, *, short: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Hash every sequence of n consecutive words of each document, in text order.

    Equal word sequences have equal hashes wherever they stand; word boundaries count ("ab c" is not "a bc").

    Args:
        words: the words of a batch of documents.
        n: words per n-gram, at least 1.
        short: give a document of 1 to n - 1 words one hash, that of all its words; else it has none.

    Returns:
        The hashes, uint64[k], and offsets, int64[n_documents + 1]: the n-grams of document i are
        `hashes[offsets[i]:offsets[i + 1]]`, none where it has no word, or fewer than n without `short`.

    Raises:
        ValueError: n is below 1.
    """
    offsets = _ngram_offsets(words.counts(), n, short, "word")
    hashes = np.empty(offsets[-1], np.uint64)
    _ngram_hashes(words.hashes(), words.offsets, offsets, n, hashes)
    return fixed(hashes, np.uint64), offsets


def _ngram_offsets(counts: np.ndarray, n: int, short: bool, noun: str) -> np.ndarray:
    """Return where the n-grams of documents of so many items begin; int64[n_documents + 1].

    Raises:
        ValueError: n is below 1.
    """
    if n < 1:
        raise ValueError(f"an n-gram has at least 1 {noun}, not {n}")
    offsets = np.zeros(counts.size + 1, np.int64)
    np.cumsum(np.maximum(counts - (n - 1), (counts > 0) & short), out=offsets[1:])
    return fixed(offsets, np.int64)


@inlined
def _spread(code):  # type: ignore[no-untyped-def]
    """Return a hash of a character's bytes. Small numbers will not do: sums of their multiples often are equal."""
    return fold_multiply(code ^ MULTIPLIER, FINISHER)


@kernel
def _character_hashes(data: np.ndarray, offsets: np.ndarray, hashes: np.ndarray) -> None:
    """Fill hashes uint64[k], one for each byte that continues no character and those that follow and continue it."""
    target = np.int64(0)
    for document in range(offsets.size - 1):
        code = np.uint64(0)
        opened = False
        for byte in data[offsets[document] : offsets[document + 1]]:
            if byte & 0xC0 == 0x80:
                code = (code << np.uint64(8)) | np.uint64(byte)
                continue
            if opened:
                hashes[target] = _spread(code)
                target += 1
            code, opened = np.uint64(byte), True
        if opened:
            hashes[target] = _spread(code)
            target += 1


def character_ngram_hashes(texts: Texts, n: int, *, short: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Hash every sequence of n consecutive characters (code points) of each document, in text order.

    In bytes that are no UTF-8, a character is any byte that continues none, together with all that follow and do.

    Args:
        texts: a batch of documents.
        n: characters per n-gram, at least 1.
        short: give a document of 1 to n - 1 characters one hash, that of all of them; else it has none.

    Returns:
        The hashes, uint64[k], and offsets, int64[n_documents + 1], as `ngram_hashes` returns them.

    Raises:
        ValueError: n is below 1.
    """
    counts = characters(texts)
    offsets = _ngram_offsets(counts, n, short, "character")
    character_offsets = np.zeros(offsets.size, np.int64)
    np.cumsum(counts, out=character_offsets[1:])
    hashes = np.empty(character_offsets[-1], np.uint64)
    _character_hashes(texts.data, texts.offsets, hashes)
    _ngram_hashes(hashes, fixed(character_offsets, np.int64), offsets, n, hashes)
    return fixed(hashes[: offsets[-1]], np.uint64), offsets
