"""How the words of each document are distributed: distinct ones, and their entropy."""

import math
from typing import NamedTuple

import numpy as np

from corpuskit.kernels import Words, fixed, kernel

LOGARITHMS = fixed([0.0, *(math.log(count) for count in range(1, 1024))], np.float64)
"""Natural logarithms of the counts that most words have: a table is ten times as fast as the function."""


class Unigrams(NamedTuple):
    """Statistics of the words of n documents; words are told apart by 64-bit hashes."""

    distinct: np.ndarray
    """Different words; int64[n]."""
    distinct_first: np.ndarray
    """Different words among the first ones, as many as asked for; int64[n]."""
    entropy: np.ndarray
    """-sum(p ln p) over the shares p of the different words, in nats; float64[n], 0 without words."""


@kernel
def _entropy(tally, used, total, logarithms):  # type: ignore[no-untyped-def]
    """Return the entropy in nats of the counts in `tally` at the slots `used`, whose sum is `total`; clear these.

    A sum of terms that are not negative: one word repeated gives 0 exactly.
    """
    weighted = 0.0
    whole = np.log(np.float64(total))
    for slot in used:
        count = tally[slot]
        logarithm = logarithms[count] if count < logarithms.size else np.log(np.float64(count))
        weighted += count * (whole - logarithm)
        tally[slot] = 0
    return weighted / total


@kernel
def _count(hashes, offsets, first, logarithms, distinct, distinct_first, entropy):  # type: ignore[no-untyped-def]
    """Fill distinct int64[n], distinct_first int64[n] and entropy float64[n] from hashes uint64[m].

    Of the hash table, four slots or more for each word of the document at hand are used, so that short documents stay
    in the cache; a slot is empty where its tally is 0.
    """
    longest = 1
    for document in range(distinct.size):
        longest = max(longest, offsets[document + 1] - offsets[document])
    slots = 1
    while slots < 4 * longest:
        slots *= 2
    keys = np.empty(slots, np.uint64)
    tally = np.zeros(slots, np.int32)
    used = np.empty(longest, np.int64)
    for document in range(distinct.size):
        start, stop = offsets[document], offsets[document + 1]
        if start == stop:
            continue
        mask = np.int64(1)
        while mask < 4 * (stop - start):
            mask *= 2
        mask -= 1
        found = 0
        for word in range(start, stop):
            if word - start == first:
                distinct_first[document] = found
            slot = np.int64(hashes[word] & np.uint64(mask))
            while (tally[slot] != 0) & (keys[slot] != hashes[word]):  # one branch, seldom taken
                slot = (slot + 1) & mask
            keys[slot] = hashes[word]
            used[found] = slot
            found += tally[slot] == 0
            tally[slot] += 1
        distinct[document] = found
        if stop - start <= first:
            distinct_first[document] = found
        entropy[document] = _entropy(tally, used[:found], stop - start, logarithms)


def count_unigrams(words: Words, first: int) -> Unigrams:
    """Count the different words of each document, and among its `first` words."""
    n_documents = words.offsets.size - 1
    distinct, distinct_first = np.zeros(n_documents, np.int64), np.zeros(n_documents, np.int64)
    entropy = np.zeros(n_documents, np.float64)
    _count(words.hashes(), words.offsets, first, LOGARITHMS, distinct, distinct_first, entropy)
    return Unigrams(distinct, distinct_first, entropy)
