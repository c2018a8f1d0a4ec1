"""Windows: so many units in a row, each with a hash that equal ones share.

A line or a paragraph is a window by itself; a span has three sentences; a substring fifty words and what lies between
them. Windows overlap: one begins at each unit that has enough after it.
"""

from dataclasses import dataclass

import numpy as np

from corpuskit.dedup.inside.config import AnyCut, RepeatedSpansConfig, RepeatedSubstringsConfig
from corpuskit.dedup.inside.normalized import hash_units
from corpuskit.dedup.inside.units import units_of, words_within
from corpuskit.kernels import Texts, Words, fixed, hash_spans, kernel
from corpuskit.kernels.hashing import FINISHER, MULTIPLIER
from corpuskit.kernels.intrinsics import fold_multiply

TEXT_BITS = np.uint64(20)
"""Bits of an order that come from the text; the others are the key's first ones."""
LAST = np.uint64(1 << 63)
"""Set in orders of documents that come after all those of references."""


@dataclass(frozen=True, eq=False)
class Windows:
    """The windows of a batch of documents that are looked at, in text order."""

    hashes: np.ndarray
    """Equal for equal windows; uint64[k]."""
    checks: np.ndarray | None
    """Another hash of each, uint64[k]; None where equal hashes are confirmed byte by byte."""
    documents: np.ndarray
    """The document of each, counted within the batch; int64[k]."""
    positions: np.ndarray
    """Its first unit, counted within the document; int64[k]."""


def size_of(config: AnyCut) -> int:
    """Return the number of units in a window."""
    if isinstance(config, RepeatedSubstringsConfig):
        return config.tokens
    return config.sentences if isinstance(config, RepeatedSpansConfig) else 1


def windows_of(texts: Texts, config: AnyCut) -> Windows:
    """Return the windows of each document that a step looks at; how many words they need is the config's."""
    if isinstance(config, RepeatedSubstringsConfig):
        words = texts.words()
        documents, positions = _numbered(words.counts(), config.tokens)
        return Windows(window_hashes(words, config.tokens), None, documents, positions)
    units = units_of(texts, config)
    hashed = hash_units(units, config.normalize)
    size = size_of(config)
    documents, positions = _numbered(units.counts(), size)
    firsts = units.offsets[documents] + positions
    counted = np.concatenate([[0], np.cumsum(words_within(texts, units))])
    looked_at = counted[firsts + size] - counted[firsts] >= config.min_words
    if not isinstance(config, RepeatedSpansConfig):
        looked_at &= hashed.characters >= config.min_characters
    firsts = firsts[looked_at]
    hashes, checks = joined_hashes(hashed.hashes, firsts, size), joined_hashes(hashed.checks, firsts, size)
    return Windows(hashes, checks, documents[looked_at], positions[looked_at])


def _numbered(units: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the document and the position, both int64[k], of all windows of documents with so many units."""
    counts = np.maximum(units - (size - 1), 0)
    documents = np.repeat(np.arange(units.size), counts)
    ends = np.cumsum(counts)
    return documents, np.arange(documents.size) - np.repeat(ends - counts, counts)


def joined_hashes(hashes: np.ndarray, firsts: np.ndarray, size: int) -> np.ndarray:
    """Return a hash of `size` hashes in a row from each of `firsts` on; uint64[k]."""
    if size == 1:
        return hashes[firsts]
    joined = np.empty(firsts.size, np.uint64)
    _join_hashes(hashes, firsts, size, joined)
    return joined


@kernel
def _join_hashes(hashes, firsts, size, joined):  # type: ignore[no-untyped-def]
    """Fill joined uint64[k]."""
    for window in range(firsts.size):
        state = FINISHER
        for unit in range(firsts[window], firsts[window] + size):
            state = fold_multiply(state ^ hashes[unit], MULTIPLIER)
        joined[window] = state


@kernel
def _roll(with_gaps, alone, offsets, size, hashes):  # type: ignore[no-untyped-def]
    """Fill hashes uint64[k] with a polynomial in the hashes of the words of each window, then mixed.

    A word counts with what lies between it and the next one, with_gaps uint64[m], the last of a window alone.
    """
    highest = np.uint64(1)
    for _ in range(size - 1):
        highest *= MULTIPLIER
    target = 0
    for document in range(offsets.size - 1):
        first, last = offsets[document], offsets[document + 1]
        if last - first < size:
            continue
        polynomial = np.uint64(0)
        for word in range(first, first + size - 1):
            polynomial = polynomial * MULTIPLIER + with_gaps[word]
        for word in range(first + size - 1, last):
            hashes[target] = fold_multiply(polynomial * MULTIPLIER + alone[word], FINISHER)
            target += 1
            polynomial = polynomial * MULTIPLIER + with_gaps[word] - with_gaps[word - size + 1] * highest


def window_hashes(words: Words, size: int) -> np.ndarray:
    """Return the hash of the bytes from the first to the last of each `size` words in a row; uint64[k]."""
    ends = np.append(words.starts[1:], 0)
    last = words.offsets[1:][words.counts() > 0] - 1
    ends[last] = words.ends[last]  # what follows a document's last word is in no window
    with_gaps = hash_spans(words.data, words.starts, ends[: len(words)])
    hashes = np.empty(int(np.maximum(words.counts() - (size - 1), 0).sum()), np.uint64)
    _roll(with_gaps, words.hashes(), words.offsets, size, hashes)
    return hashes


def document_orders(keys: np.ndarray, texts: Texts) -> np.ndarray:
    """Return a number for each document by which copies are ordered: that of its key, then of its text; uint64[n].

    The key's first 44 bits as a number, most significant byte first, then 20 bits of a hash of the text: documents with
    one key (a source whose files all count their ids from 0) are ordered the same way wherever they lie.

    Args:
        keys: uint8[n, 16].
        texts: n documents.
    """
    numbers = np.ascontiguousarray(keys[:, :8]).view(">u8")[:, 0].astype(np.uint64)
    hashes = hash_spans(texts.data, texts.offsets[:-1], texts.offsets[1:])
    return fixed((numbers >> TEXT_BITS << TEXT_BITS) | (hashes >> (np.uint64(64) - TEXT_BITS)), np.uint64)


def after_references(orders: np.ndarray, is_reference: bool) -> np.ndarray:
    """Return orders uint64[n] so that references come before all others; the last bit of each is lost."""
    halved: np.ndarray = orders >> np.uint64(1)
    return halved if is_reference else halved | LAST
