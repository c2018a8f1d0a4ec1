"""How many documents of each class have a word, and how it is spelt: what makes a model readable."""

import numpy as np
import pyarrow as pa

from corpuskit.kernels import Texts, as_arrow, gather_spans, kernel
from corpuskit.signals.classifier.features import count_features, word_buckets, word_numbers

SLOTS = 1 << 21
MOST_WORDS = 1 << 20
"""Distinct words that are counted; those that come first. Rarer words come later, and are not shown anyway."""
NEGATIVE, POSITIVE, OCCURRENCES = range(3)
"""Columns of the counts: documents of each class that have a word, and how often it occurs."""


@kernel
def _count(numbers, offsets, column, first_document, keys, counts, latest, taken, fresh):  # type: ignore[no-untyped-def]
    """Count the documents that have each word in `counts[slot, column]`, its occurrences in column 2; return how many
    words are new.

    keys: uint32[SLOTS], the word in each slot, 0 where there is none (the one word in four thousand million whose
    number is 0 is not counted); counts: int64[SLOTS, 3]; latest: int64[SLOTS], the document that was counted last.
    taken: how many slots are. fresh: int64[room, 2], filled with (word of the batch, slot) of the new words.
    """
    n_fresh = 0
    mask = np.int64(keys.size - 1)
    for document in range(offsets.size - 1):
        mark = first_document + document
        for word in range(offsets[document], offsets[document + 1]):
            number = numbers[word]
            slot = np.int64(number) & mask
            while keys[slot] != number and keys[slot] != 0:
                slot = (slot + 1) & mask
            if keys[slot] == 0:
                if number == 0 or taken + n_fresh == fresh.shape[0]:
                    continue
                keys[slot] = number
                fresh[n_fresh, 0] = word
                fresh[n_fresh, 1] = slot
                n_fresh += 1
            counts[slot, OCCURRENCES] += 1
            if latest[slot] != mark:
                latest[slot] = mark
                counts[slot, column] += 1
    return n_fresh


class Vocabulary:
    """Counts the documents that have each word, by class."""

    def __init__(self, buckets: int, most_words: int = MOST_WORDS) -> None:
        self._features = np.zeros(buckets, np.int64)
        self._keys = np.zeros(SLOTS, np.uint32)
        self._counts = np.zeros((SLOTS, 3), np.int64)
        self._latest = np.full(SLOTS, -1, np.int64)
        self._fresh = np.empty((most_words, 2), np.int64)
        self._documents = self._taken = 0
        self._spelt: list[pa.Array] = []
        self._slots: list[np.ndarray] = []

    def add(self, texts: Texts, positive: bool) -> None:
        """Count the words of documents of one class."""
        words = texts.words("unicode")
        numbers = word_numbers(words)
        count_features(numbers, words.offsets, self._features)
        column = POSITIVE if positive else NEGATIVE
        table = (self._keys, self._counts, self._latest)
        n_fresh = _count(numbers, words.offsets, column, self._documents, *table, self._taken, self._fresh)
        self._documents += len(texts)
        self._taken += n_fresh
        places, slots = self._fresh[:n_fresh].T
        self._spelt.append(as_arrow(*gather_spans(texts.data, words.starts[places], words.ends[places])))
        self._slots.append(slots.copy())

    def words(self, fewest: int) -> pa.Table:
        """Return words in their order with their buckets and how many documents of each class have them.

        Left out are those that fewer than `fewest` documents have, and those that make less than half of what is
        hashed into their bucket: its weight is not theirs.

        Returns:
            `word` large_string, `bucket`, `positive` and `negative` int64.
        """
        slots = np.concatenate([np.empty(0, np.int64), *self._slots])
        buckets = word_buckets(self._keys[slots], self._features.size)
        counts = self._counts[slots]
        known = counts[:, POSITIVE] + counts[:, NEGATIVE] >= fewest
        rows = np.flatnonzero(known & (2 * counts[:, OCCURRENCES] >= self._features[buckets]))
        columns = {
            "word": pa.chunked_array(self._spelt, pa.large_string()).take(pa.array(rows)).combine_chunks(),
            "bucket": buckets[rows],
            "positive": counts[rows, POSITIVE],
            "negative": counts[rows, NEGATIVE],
        }
        return pa.table(columns).sort_by("word")
