"""How much of each item a document holds: the share of the item's distinct n-grams that occur in it."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from corpuskit.contamination.table import NgramTable, find, folded_words
from corpuskit.kernels import Texts, Words


@dataclass(frozen=True, eq=False)
class Overlap:
    """The n-grams that n documents share with the items of a table."""

    table: NgramTable
    words: Words
    """The documents' words, in lower case."""
    places: np.ndarray
    """The first word of each occurrence of an n-gram, rising; int64[k]."""
    ngrams: np.ndarray
    """Which n-gram it is; int64[k]."""

    @cached_property
    def documents(self) -> np.ndarray:
        """The document of each occurrence, rising; int64[k]."""
        return np.searchsorted(self.words.offsets, self.places, "right") - 1

    @cached_property
    def _postings(self) -> tuple[np.ndarray, np.ndarray]:
        """(occurrence, item) for each item that has the n-gram of an occurrence, in order; int64[m] each."""
        firsts, lasts = self.table.offsets[self.ngrams], self.table.offsets[self.ngrams + 1]
        sizes = lasts - firsts
        occurrences = np.repeat(np.arange(len(sizes)), sizes)
        within = np.arange(len(occurrences)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        return occurrences, self.table.items[np.repeat(firsts, sizes) + within]

    @cached_property
    def pairs(self) -> "Pairs":
        """Each item beside each document that has any of its n-grams."""
        n_items = len(self.table.set_of)
        occurrences, items = self._postings
        keys, ngrams = self.documents[occurrences] * n_items + items, self.ngrams[occurrences]
        order = np.lexsort((ngrams, keys))
        keys, ngrams = keys[order], ngrams[order]
        new = np.ones(len(order), bool)
        new[1:] = (keys[1:] != keys[:-1]) | (ngrams[1:] != ngrams[:-1])
        distinct, counts = np.unique(keys[new], return_counts=True)
        documents, own = np.divmod(distinct, max(n_items, 1))
        return Pairs(documents, own, counts, (counts / self.table.totals[own]).astype(np.float32))

    def shares(self) -> np.ndarray:
        """Return the largest share of one item's n-grams that each document has, by set; float32[n, sets]."""
        found = np.zeros((len(self.words.offsets) - 1, len(self.table.names)), np.float32)
        np.maximum.at(found, (self.pairs.documents, self.table.set_of[self.pairs.items]), self.pairs.shares)
        return found

    def counts(self) -> np.ndarray:
        """Return how many words of each document begin an n-gram of some item, by set; int32[n, sets]."""
        n_sets = len(self.table.names)
        occurrences, items = self._postings
        begun = np.unique(self.places[occurrences] * n_sets + self.table.set_of[items])
        documents = np.searchsorted(self.words.offsets, begun // max(n_sets, 1), "right") - 1
        found = np.zeros((len(self.words.offsets) - 1, n_sets), np.int32)
        np.add.at(found, (documents, begun % max(n_sets, 1)), 1)
        return found

    def spans(self, max_share: float) -> tuple[np.ndarray, np.ndarray]:
        """Return the runs of words that n-grams of items cover which a document has more than `max_share` of.

        Returns:
            First word and word after the last of each run, rising, none touching another; int64[r] each.
        """
        n_items = len(self.table.set_of)
        occurrences, items = self._postings
        found = self.pairs.shares > np.float32(max_share)
        keys = self.pairs.documents[found] * n_items + self.pairs.items[found]
        wanted = np.unique(occurrences[np.isin(self.documents[occurrences] * n_items + items, keys)])
        starts = self.places[wanted]
        return _merged(starts, starts + self.table.length_of[self.ngrams[wanted]], self.documents[wanted])


@dataclass(frozen=True, eq=False)
class Pairs:
    """Documents beside items; all arrays have one entry a pair, by document and then by item."""

    documents: np.ndarray
    """int64[p]."""
    items: np.ndarray
    """int64[p]."""
    shared: np.ndarray
    """Distinct n-grams of the item that the document has, at least 1; int64[p]."""
    shares: np.ndarray
    """Those, divided by all distinct n-grams of the item; float32[p]."""


def overlap(texts: Texts, table: NgramTable) -> Overlap:
    """Look for the items of a table in n documents."""
    words = folded_words(texts)
    return Overlap(table, words, *find(words, table))


def _merged(starts: np.ndarray, ends: np.ndarray, documents: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Join spans, sorted by start, of the same document that overlap or touch."""
    if not starts.size:
        return starts, ends
    reach = np.maximum.accumulate(ends)
    new = np.ones(len(starts), bool)
    new[1:] = (starts[1:] > reach[:-1]) | (documents[1:] != documents[:-1])
    firsts = np.flatnonzero(new)
    return starts[firsts], np.maximum.reduceat(ends, firsts)
