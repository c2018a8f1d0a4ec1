"""Phrases, as sequences of words: tables of them, and where they occur."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from corpuskit.kernels import Words, fixed, inlined, kernel
from corpuskit.kernels.hash_tables import slot_of
from corpuskit.kernels.hashing import FINISHER, MULTIPLIER
from corpuskit.kernels.intrinsics import fold_multiply

GOES_ON = 1
"""Bit of a slot's value: longer phrases begin like this."""


@dataclass(frozen=True, eq=False)
class PhraseTable:
    """Phrases as a hash table of all their beginnings."""

    size: int
    """The largest number of a phrase."""
    keys: np.ndarray
    """Hash of a sequence of words; uint64[slots], slots a power of two."""
    values: np.ndarray
    """0 in an empty slot, else 2 * (number of the phrase that ends here, from 1; else 0) + GOES_ON; int64[slots]."""


class PhraseCounts(NamedTuple):
    """What `count_phrases` gives for n texts."""

    occurrences: np.ndarray
    """How often phrases occur, overlaps included; int64[n]."""
    found: np.ndarray
    """Distinct numbers of phrases that occur; int64[n]."""
    covered: np.ndarray
    """Words that lie in an occurrence; int64[n]."""


@inlined
def _extend(state, hashed):  # type: ignore[no-untyped-def]
    """Return the uint64 hash of a sequence of words and one more; an empty sequence has 0."""
    return fold_multiply(state * MULTIPLIER + hashed, FINISHER)


@kernel
def _fill(hashes, offsets, numbers, keys, values):  # type: ignore[no-untyped-def]
    """Enter phrases, whose words have the `hashes`, into an empty table; numbers: int64[n_phrases], from 1."""
    for phrase in range(offsets.size - 1):
        state = np.uint64(0)
        for word in range(offsets[phrase], offsets[phrase + 1]):
            state = _extend(state, hashes[word])
            slot = slot_of(keys, values, state)
            keys[slot] = state
            if word + 1 < offsets[phrase + 1]:
                values[slot] |= GOES_ON
            elif values[slot] <= GOES_ON:
                values[slot] |= numbers[phrase] << 1


def phrase_table(phrases: Words, numbers: np.ndarray) -> PhraseTable:
    """Return the table of phrases; one without words is left out, of equal ones the first gives the number.

    Args:
        phrases: the words of m phrases.
        numbers: int64[m], from 1; phrases may share a number.
    """
    slots = 1 << (2 * len(phrases)).bit_length()  # at most half full
    keys, values = np.zeros(slots, np.uint64), np.zeros(slots, np.int64)
    _fill(phrases.hashes(), phrases.offsets, fixed(numbers, np.int64), keys, values)
    return PhraseTable(int(max(numbers, default=0)), fixed(keys, np.uint64), fixed(values, np.int64))


@kernel
def _count(hashes, offsets, rows, size, keys, values, occurrences, found, covered):  # type: ignore[no-untyped-def]
    """Add to `occurrences`, `found` and `covered`, each int64[n], at `rows`.

    From each word on, sequences are looked up as long as a phrase begins like this. Every word before `reach` that
    lies in an occurrence has been counted.
    """
    last_seen = np.full(size + 1, -1, np.int64)
    for row in rows:
        reach = offsets[row]
        for first in range(offsets[row], offsets[row + 1]):
            state = np.uint64(0)
            for word in range(first, offsets[row + 1]):
                state = _extend(state, hashes[word])
                value = values[slot_of(keys, values, state)]
                number = value >> 1
                if number > 0:
                    occurrences[row] += 1
                    found[row] += last_seen[number] != row
                    last_seen[number] = row
                    covered[row] += max(word + 1 - max(reach, first), 0)
                    reach = max(reach, word + 1)
                if not value & GOES_ON:
                    break


def count_phrases(words: Words, table: PhraseTable, rows: np.ndarray) -> PhraseCounts:
    """Count the phrases of a table in some of n documents; the others have 0.

    Args:
        words: of the same kind as those of the phrases.
        table: the phrases.
        rows: int64[], the documents.
    """
    counts = PhraseCounts(*(np.zeros(words.offsets.size - 1, np.int64) for _ in range(3)))
    _count(words.hashes(), words.offsets, fixed(rows, np.int64), table.size, table.keys, table.values, *counts)
    return counts
