"""Documents beside items that they share something with; of such pairs, the most by set and the best by item.

An opening that thousands of items share makes a pair with each of them in every document that has it. Pairs are
therefore made a bounded number at a time, and reduced at once.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from corpuskit.kernels import fixed, kernel

AT_ONCE = 1 << 20
"""Pairs made at a time, unless one document has more."""


@dataclass(frozen=True, eq=False)
class Pairs:
    """Documents beside items, each pair once; all arrays have one entry a pair, by document."""

    documents: np.ndarray
    """int64[p]."""
    items: np.ndarray
    """int64[p]."""
    shared: np.ndarray
    """What they share: distinct n-grams of the item, or equal places of two signatures; int64[p], at least 1."""
    shares: np.ndarray
    """That, divided by all that the item has; float32[p]."""

    def over(self, bound: float) -> "Pairs":
        """Return the pairs with a larger share than `bound`."""
        return self._where(self.shares > np.float32(bound))

    def within(self, chosen: np.ndarray) -> "Pairs":
        """Return the pairs of some documents; chosen: bool[n]."""
        return self._where(chosen[self.documents])

    def _where(self, wanted: np.ndarray) -> "Pairs":
        return Pairs(self.documents[wanted], self.items[wanted], self.shared[wanted], self.shares[wanted])


def portions(sizes: np.ndarray) -> Iterator[tuple[int, int]]:
    """Give runs of documents that make at most `AT_ONCE` pairs together, or one document that makes more.

    Args:
        sizes: the most pairs of each document; int64[n].
    """
    reach, first = np.cumsum(sizes), 0
    while first < len(sizes):
        before = int(reach[first - 1]) if first else 0
        last = max(int(np.searchsorted(reach, before + AT_ONCE, "right")), first + 1)
        yield first, last
        first = last


def highest(found: Iterable[Pairs], set_of: np.ndarray, n_documents: int, n_sets: int) -> np.ndarray:
    """Return the largest share of an item by document and set; float32[n_documents, n_sets], 0 where there is no pair.

    Args:
        found: the pairs.
        set_of: the set of each item; int64[items].
        n_documents: how many documents there are.
        n_sets: how many sets there are.
    """
    most = np.zeros((n_documents, n_sets), np.float32)
    for pairs in found:
        np.maximum.at(most, (pairs.documents, set_of[pairs.items]), pairs.shares)
    return most


@kernel
def _reduce(documents, items, shared, over, order, counts, counts_over, most, best):  # type: ignore[no-untyped-def]
    """Add pairs to what is known of each item; arguments as the fields of `Best`."""
    for pair in range(items.size):
        document, item = documents[pair], items[pair]
        counts[item] += 1
        counts_over[item] += over[pair]
        more = shared[pair] > most[item]
        if more or (shared[pair] == most[item] and order[document] < order[best[item]]):
            most[item], best[item] = shared[pair], document


class Best:
    """Of each item, how many of some documents have any of it, and which of them has most."""

    def __init__(self, set_of: np.ndarray, n_sets: int, order: np.ndarray) -> None:
        """Know of no pair yet.

        Args:
            set_of: the set of each item; int64[items].
            n_sets: how many sets there are.
            order: place of each document in the order of preference where several share the most; int64[n].
        """
        self._set_of, self._order = set_of, fixed(order, np.int64)
        self.documents, self.contaminated, self.shared, self.rows = (np.zeros(len(set_of), np.int64) for _ in range(4))
        """Of each item: documents that have any of it; that have too much of it; what the one with most of it shares;
        which document that is; int64[items] each."""
        self.highest = np.zeros((len(order), n_sets), np.float32)
        """The largest share of an item by document and set, 0 where there is no pair."""

    def add(self, pairs: Pairs, bound: float) -> None:
        """Count pairs, each once in all calls; more than `bound` of an item is too much."""
        np.maximum.at(self.highest, (pairs.documents, self._set_of[pairs.items]), pairs.shares)
        over = pairs.shares > np.float32(bound)
        columns = (fixed(array, array.dtype) for array in (pairs.documents, pairs.items, pairs.shared, over))
        _reduce(*columns, self._order, self.documents, self.contaminated, self.shared, self.rows)
