"""Kernels that look for words and strings in folded URLs, the strings by the automaton of Aho and Corasick (1975).

Its states fit the processor's cache, as columns are the distinct bytes of the strings, not all 256; and unlike
pyahocorasick's, no Python runs for each URL.
"""

from dataclasses import dataclass

import numpy as np

from corpuskit.kernels import fixed, inlined, kernel
from corpuskit.kernels.hashing import hash_span

SEED = np.uint64(0)


@inlined
def _in_word(byte):  # type: ignore[no-untyped-def]
    """Whether a byte of folded text is part of a word: 0 to 9, a to z, beyond ASCII."""
    return (48 <= byte <= 57) or (97 <= byte <= 122) or byte >= 0x80


@inlined
def _mark(hashes, wanted, seen, document):  # type: ignore[no-untyped-def]
    """Return 1 if a hash is in uint64[m] (sorted) and not yet `seen` (int64[m]) in this document, else 0; mark it."""
    place = np.searchsorted(hashes, wanted)
    if place == hashes.size or hashes[place] != wanted or seen[place] == document:
        return 0
    seen[place] = document
    return 1


@kernel
def count_words(data, offsets, hashes):  # type: ignore[no-untyped-def]
    """Return int32[n]: the distinct words of each document whose hash is in uint64[m], sorted."""
    counts = np.zeros(offsets.size - 1, np.int32)
    seen = np.full(hashes.size, -1, np.int64)
    for document in range(counts.size):
        stop = offsets[document + 1]
        start = position = offsets[document]
        while position <= stop:
            if position == stop or not _in_word(data[position]):
                if position > start:
                    counts[document] += _mark(hashes, hash_span(data, start, position, SEED), seen, document)
                start = position + 1
            position += 1
    return counts


@dataclass(frozen=True, eq=False)
class Automaton:
    """Strings as a machine that reads a byte at a time; state 0 is the first."""

    classes: np.ndarray
    """The column of each byte in `following`: 0 for those in no string; int64[256]."""
    following: np.ndarray
    """The state after a byte; int32[states, columns]."""
    found: np.ndarray
    """How many of the strings end in each state; int32[states]."""

    @classmethod
    def of(cls, data: np.ndarray, offsets: np.ndarray) -> "Automaton":
        """Build it for the strings `data[offsets[i]:offsets[i + 1]]`, distinct and not empty."""
        alphabet = np.unique(data[offsets[0] : offsets[-1]])
        classes = np.zeros(256, np.int64)
        classes[alphabet] = np.arange(1, alphabet.size + 1)
        classes = fixed(classes, np.int64)
        following, found = _build(data, offsets, classes, alphabet.size + 1)
        return cls(classes, fixed(following, np.int32), fixed(found, np.int32))


@kernel
def _build(data, offsets, classes, columns):  # type: ignore[no-untyped-def]
    """Return `Automaton.following` and `Automaton.found`.

    First the tree of the strings; then, nearest states first, each missing branch is that of the state's longest proper
    suffix in the tree (`suffix`), whose strings end here too.
    """
    room = offsets[-1] - offsets[0] + 1
    following = np.zeros((room, columns), np.int32)
    found = np.zeros(room, np.int32)
    states = 1
    for string in range(offsets.size - 1):
        state = 0
        for position in range(offsets[string], offsets[string + 1]):
            column = classes[data[position]]
            if following[state, column] == 0:
                following[state, column] = states
                states += 1
            state = following[state, column]
        found[state] += 1
    suffix = np.zeros(states, np.int32)
    queue = np.zeros(states, np.int32)
    filled = 1
    for place in range(states):
        state = queue[place]
        for column in range(columns):
            child, other = following[state, column], following[suffix[state], column]
            if not child:
                following[state, column] = other
                continue
            if state:
                suffix[child] = other
            found[child] += found[suffix[child]]
            queue[filled] = child
            filled += 1
    return following[:states].copy(), found[:states].copy()


@kernel
def count_strings(data, offsets, classes, following, found):  # type: ignore[no-untyped-def]
    """Return int32[n]: how often the automaton's strings occur in the word bytes of each document, put together."""
    counts = np.zeros(offsets.size - 1, np.int32)
    for document in range(counts.size):
        state = 0
        for position in range(offsets[document], offsets[document + 1]):
            if _in_word(data[position]):
                state = following[state, classes[data[position]]]
                counts[document] += found[state]
    return counts
