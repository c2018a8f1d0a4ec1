"""How much of each item a document holds: the share of the item's distinct n-grams that occur in it."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from corpuskit.contamination.pairs import Pairs, highest, portions
from corpuskit.contamination.table import NgramTable, find, folded_words
from corpuskit.kernels import Texts, Words, fixed, kernel


@kernel
def _pair(bounds, ngrams, offsets, items, counts, own_items, shared):  # type: ignore[no-untyped-def]
    """Fill the pairs of m documents; return how many each has, int64[m].

    bounds, ngrams: the distinct n-grams of each document. offsets, items: the items of each n-gram. counts: int64 of
    all items, 0 before and after.
    """
    made, sizes = 0, np.zeros(bounds.size - 1, np.int64)
    for document in range(bounds.size - 1):
        first = made
        for ngram in ngrams[bounds[document] : bounds[document + 1]]:
            for item in items[offsets[ngram] : offsets[ngram + 1]]:
                if counts[item] == 0:
                    own_items[made] = item
                    made += 1
                counts[item] += 1
        for pair in range(first, made):
            shared[pair] = counts[own_items[pair]]
            counts[own_items[pair]] = 0
        sizes[document] = made - first
    return sizes


@kernel
def _count(places, documents, ngrams, offsets, items, set_of, found):  # type: ignore[no-untyped-def]
    """Add to found int32[n, sets] the places at which an n-gram of a set begins."""
    last = np.full(found.shape[1], -1, np.int64)
    for occurrence in range(places.size):
        ngram = ngrams[occurrence]
        for item in items[offsets[ngram] : offsets[ngram + 1]]:
            if last[set_of[item]] != places[occurrence]:
                last[set_of[item]] = places[occurrence]
                found[documents[occurrence], set_of[item]] += 1


@kernel
def _cover(documents, ngrams, offsets, items, of, own_items, wanted, covered):  # type: ignore[no-untyped-def]
    """Mark in covered bool[k] the occurrences of n-grams of items that are wanted in their document.

    of, own_items: the wanted pairs, by document. wanted: int64 of all items, -1 at first.
    """
    pair = 0
    for occurrence in range(documents.size):
        document, ngram = documents[occurrence], ngrams[occurrence]
        while pair < of.size and of[pair] <= document:
            wanted[own_items[pair]] = of[pair]
            pair += 1
        for item in items[offsets[ngram] : offsets[ngram + 1]]:
            if wanted[item] == document:
                covered[occurrence] = True
                break


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

    def pairs(self) -> Iterator[Pairs]:
        """Give each item beside each document that has any of its n-grams, a bounded number of pairs at a time."""
        table, n_ngrams = self.table, len(self.table.length_of)
        documents, ngrams = np.divmod(np.unique(self.documents * n_ngrams + self.ngrams), max(n_ngrams, 1))
        rows, firsts = np.unique(documents, return_index=True)
        bounds, sizes = np.append(firsts, len(ngrams)), np.diff(table.offsets)[ngrams]
        counts = np.zeros(len(table.set_of), np.int64)
        for first, last in portions(np.add.reduceat(sizes, firsts) if firsts.size else sizes):
            start, stop = bounds[first], bounds[last]
            room = int(sizes[start:stop].sum())
            items, shared = np.empty(room, np.int64), np.empty(room, np.int64)
            own = fixed(bounds[first : last + 1] - start, np.int64), fixed(ngrams[start:stop], np.int64)
            made = _pair(*own, *self._postings, counts, items, shared)
            items, shared = items[: made.sum()], shared[: made.sum()]
            shares = (shared / table.totals[items]).astype(np.float32)
            yield Pairs(np.repeat(rows[first:last], made), items, shared, shares)

    @property
    def _postings(self) -> tuple[np.ndarray, np.ndarray]:
        return fixed(self.table.offsets, np.int64), fixed(self.table.items, np.int64)

    @property
    def _occurrences(self) -> tuple[np.ndarray, np.ndarray]:
        return fixed(self.documents, np.int64), fixed(self.ngrams, np.int64)

    def shares(self) -> np.ndarray:
        """Return the largest share of one item's n-grams that each document has, by set; float32[n, sets]."""
        return highest(self.pairs(), self.table.set_of, len(self.words.offsets) - 1, len(self.table.names))

    def counts(self) -> np.ndarray:
        """Return how many words of each document begin an n-gram of some item, by set; int32[n, sets]."""
        found = np.zeros((len(self.words.offsets) - 1, len(self.table.names)), np.int32)
        set_of = fixed(self.table.set_of, np.int64)
        _count(fixed(self.places, np.int64), *self._occurrences, *self._postings, set_of, found)
        return found

    def spans(self, max_share: float) -> tuple[np.ndarray, np.ndarray]:
        """Return the runs of words that n-grams of items cover which a document has more than `max_share` of.

        Returns:
            First word and word after the last of each run, rising, none touching another; int64[r] each.
        """
        found = [pairs.over(max_share) for pairs in self.pairs()]
        of = fixed(np.concatenate([np.empty(0), *(pairs.documents for pairs in found)]), np.int64)
        items = fixed(np.concatenate([np.empty(0), *(pairs.items for pairs in found)]), np.int64)
        covered, wanted = np.zeros(len(self.places), bool), np.full(len(self.table.set_of), -1, np.int64)
        _cover(*self._occurrences, *self._postings, of, items, wanted, covered)
        starts = self.places[covered]
        return _merged(starts, starts + self.table.length_of[self.ngrams[covered]], self.documents[covered])


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
