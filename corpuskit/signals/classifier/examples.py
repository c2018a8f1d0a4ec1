"""The texts of a class as a classifier learns from them: numbers of words, each text once, and on which side it is."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from corpuskit.kernels import Texts, fixed, gather_spans
from corpuskit.signals.classifier.features import identities, word_numbers

TRAIN, CALIBRATE, EVALUATE = range(3)
"""Sides: texts to learn from; to choose the epoch by and to calibrate on; to measure on."""
FEWEST = 10
"""Documents that a class must have, so that each side has some."""


@dataclass(frozen=True, eq=False)
class Examples:
    """Texts as numbers of words; all arrays are read-only."""

    words: np.ndarray
    """uint32[m], from `features.word_numbers`."""
    offsets: np.ndarray
    """Text i is `words[offsets[i]:offsets[i + 1]]`; int64[n + 1]."""
    documents: np.ndarray
    """The document that each text is, or is a piece of: a hash of its words; uint64[n]."""

    def __len__(self) -> int:
        return self.documents.size

    def counts(self) -> np.ndarray:
        """Return the number of words of each text; int64[n]."""
        return np.diff(self.offsets)

    def take(self, rows: np.ndarray) -> "Examples":
        """Return some texts, in the order of their numbers int64[k]."""
        return gathered(self.words, self.offsets[:-1][rows], self.offsets[1:][rows], self.documents[rows])

    def pieces(self, length: int | None) -> "Examples":
        """Cut each text into equal pieces of about `length` words; None: leave it whole."""
        if length is None:
            return self
        counts = self.counts()
        pieces = np.maximum((counts + length // 2) // length, 1)
        text = np.repeat(np.arange(len(self)), pieces)
        number = np.arange(text.size) - np.repeat(np.cumsum(pieces) - pieces, pieces)
        starts = self.offsets[text] + number * counts[text] // pieces[text]
        return Examples(
            self.words, fixed([*starts, self.offsets[-1]], np.int64), fixed(self.documents[text], np.uint64)
        )


def gathered(words: np.ndarray, starts: np.ndarray, ends: np.ndarray, documents: np.ndarray) -> Examples:
    """Copy texts `words[starts[i]:ends[i]]`, one after the other."""
    data, offsets = gather_spans(words.view(np.uint8), 4 * starts, 4 * ends)
    return Examples(fixed(data.view(np.uint32), np.uint32), fixed(offsets // 4, np.int64), fixed(documents, np.uint64))


def joined(parts: Sequence[Examples]) -> Examples:
    """Put examples one after the other."""
    lengths = np.concatenate([[0], *(part.counts() for part in parts)])
    return Examples(
        fixed(np.concatenate([part.words for part in parts]), np.uint32),
        fixed(np.cumsum(lengths), np.int64),
        fixed(np.concatenate([part.documents for part in parts]), np.uint64),
    )


class Sample:
    """At most `limit` documents of one class, each once: those whose hash is smallest, in the order of their hashes.

    Neither the order of the input nor how it is cut into batches decides anything.

    Attributes:
        read: documents that were added.
        empty: those without a word.
        duplicates: those whose words another one of the sample has, in the same order.
    """

    def __init__(self, limit: int, max_words: int | None = None) -> None:
        self.limit = limit
        self.max_words = max_words
        self.read = self.empty = self.duplicates = 0
        self._parts: list[Examples] = []
        self._copies: list[np.ndarray] = []  # how often each document of the parts was added
        self._rows = 0
        self._largest = np.uint64(2**64 - 1)

    def add(self, texts: Texts) -> None:
        """Add documents; of each the first `max_words` words count."""
        words = texts.words("unicode")
        numbers = word_numbers(words)
        starts, ends = words.offsets[:-1], words.offsets[1:]
        if self.max_words is not None:
            ends = np.minimum(ends, starts + self.max_words)
        whole = gathered(numbers, starts, ends, np.zeros(len(texts), np.uint64))
        found = identities(whole.words, whole.offsets)
        chosen = (whole.counts() > 0) & (found <= self._largest)
        self.read += len(texts)
        self.empty += int(np.sum(whole.counts() == 0))
        rows = np.flatnonzero(chosen)
        self._parts.append(Examples(whole.words, whole.offsets, fixed(found, np.uint64)).take(rows))
        self._copies.append(np.ones(rows.size, np.int64))
        self._rows += rows.size
        if self._rows > 2 * self.limit:
            self._shrink()

    def _shrink(self) -> None:
        everything = joined(self._parts)
        hashes, rows, owners = np.unique(everything.documents, return_index=True, return_inverse=True)
        if hashes.size >= self.limit:
            self._largest = hashes[self.limit - 1]
        copies = np.zeros(hashes.size, np.int64)
        np.add.at(copies, owners, np.concatenate(self._copies))
        self._parts, self._copies = [everything.take(rows[: self.limit])], [copies[: self.limit]]
        self._rows = len(self._parts[0])
        self.duplicates = int(np.sum(self._copies[0] - 1))

    def examples(self) -> Examples:
        """Return the documents of the sample."""
        if not self._parts:
            return Examples(fixed([], np.uint32), fixed([0], np.int64), fixed([], np.uint64))
        self._shrink()
        return self._parts[0]


def without(examples: Examples, others: Examples) -> Examples:
    """Return the documents that are not among others too."""
    return examples.take(np.flatnonzero(~np.isin(examples.documents, others.documents)))


def sides(documents: np.ndarray, share: float, seed: int) -> np.ndarray:
    """Say of each document of a class whether it is TRAIN, CALIBRATE or EVALUATE; int8[n].

    A half of `share` of the documents, one at least, is held out for each of the latter: those whose hash, mixed with
    the seed, is smallest. Where a document stands in the input does not matter.
    """
    order = np.argsort(_mixed(documents, seed), kind="stable")
    count = max(round(documents.size * share / 2), 1)
    found = np.full(documents.size, TRAIN, np.int8)
    found[order[:count]] = EVALUATE
    found[order[count : 2 * count]] = CALIBRATE
    return found


def _mixed(hashes: np.ndarray, seed: int) -> np.ndarray:
    """Return other hashes for another seed; uint64[n]. Source: the finalizer of SplitMix64 (Steele et al. 2014)."""
    mixed = hashes + np.uint64(0x9E3779B97F4A7C15 * (seed + 1) % 2**64)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))
