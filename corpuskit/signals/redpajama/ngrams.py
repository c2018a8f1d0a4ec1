"""How much of a text lies in word n-grams that occur more than once, every occurrence included.

`corpuskit.kernels.repeats` counts the occurrences after the first, as Gopher's rules do. N-grams are compared by 64-bit
hashes: a polynomial in the hashes of their words, modulo 2**64.

An n-gram occurs more than once only if the (n - 1)-grams at its two ends do, so that each length looks at what the one
before left. For the first length, a sketch (one byte for each of more cells than there are n-grams) tells most n-grams
that are alone.
"""

import numpy as np

from corpuskit.kernels import Words, fixed, inlined, kernel
from corpuskit.kernels.hashing import FINISHER, MULTIPLIER

SIZES = (5, 6, 7, 8, 9, 10)
"""The n of the n-grams."""
SHORTEST, LONGEST = SIZES[0], SIZES[-1]

POWERS = np.array([pow(int(MULTIPLIER), n, 1 << 64) for n in range(LONGEST + 1)], np.uint64)
"""`MULTIPLIER ** n`, modulo 2**64."""


@inlined
def _bits(cells):  # type: ignore[no-untyped-def]
    """Return the smallest b of 6 or more with 2**b >= cells."""
    bits = 6
    while (1 << bits) < cells:
        bits += 1
    return bits


@inlined
def _ngram(prefixes, place, n):  # type: ignore[no-untyped-def]
    """Return the hash of the n words from `place`."""
    return (prefixes[place + n] - prefixes[place] * POWERS[n]) * FINISHER


@kernel
def _keep_shared(prefixes, n, size, sketch, cells, places):  # type: ignore[no-untyped-def]
    """Fill places int64[] with those of n-grams 0 to size - 1 that share their cell; return their number.

    sketch: uint8[], 0 in a cell without n-grams, 1 with one, more with several; cells: uint32[], filled.
    """
    bits = _bits(4 * size)
    shift = np.uint64(64 - bits)
    sketch[: 1 << bits] = 0
    for place in range(size):
        cell = _ngram(prefixes, place, n) >> shift
        cells[place] = cell
        sketch[cell] = (sketch[cell] << 1) | 1
    kept = 0
    for place in range(size):
        places[kept] = place
        kept += sketch[cells[place]] > 1
    return kept


@kernel
def _keep_repeated(prefixes, n, size, keys, tallies, cells, places):  # type: ignore[no-untyped-def]
    """Keep, in place, the n-grams at places int64[:size] that occur more than once; return their number.

    keys: uint64[], a hash table; tallies: uint8[], as the sketch, of its slots; cells: uint32[], filled.
    """
    bits = _bits(2 * size)
    shift, mask = np.uint64(64 - bits), np.int64((1 << bits) - 1)
    tallies[: 1 << bits] = 0
    for item in range(size):
        key = _ngram(prefixes, places[item], n)
        slot = np.int64(key >> shift)
        while tallies[slot] != 0 and keys[slot] != key:
            slot = (slot + 1) & mask
        keys[slot] = key
        tallies[slot] = (tallies[slot] << 1) | 1
        cells[item] = slot
    kept = 0
    for item in range(size):
        places[kept] = places[item]
        kept += tallies[cells[item]] > 1
    return kept


@kernel
def _keep_followed(size, places):  # type: ignore[no-untyped-def]
    """Keep, in place, the places int64[:size] after which the next one is a place too; return their number."""
    kept = 0
    for item in range(size - 1):
        place = places[item]
        places[kept] = place
        kept += places[item + 1] == place + 1
    return kept


@inlined
def _covered(characters, first, n, size, places):  # type: ignore[no-untyped-def]
    """Return the characters of the words within the n-grams at places int64[:size], each word once.

    characters: int32[m], of each word; first: the document's first word.
    """
    total = free = np.int64(0)
    for item in range(size):
        for word in range(max(places[item], free), places[item] + n):
            total += characters[first + word]
        free = places[item] + n
    return total


@kernel
def _count(hashes, offsets, characters, repeated):  # type: ignore[no-untyped-def]
    """Fill repeated int64[n, 6], zeros before, from hashes uint64[m] and characters int32[m] of words."""
    room = 1
    for document in range(offsets.size - 1):
        room = max(room, offsets[document + 1] - offsets[document])
    prefixes = np.zeros(room + 1, np.uint64)
    places, cells = np.empty(room, np.int64), np.empty(room, np.uint32)
    slots = 1 << _bits(2 * room)
    keys, tallies, sketch = np.empty(slots, np.uint64), np.empty(slots, np.uint8), np.empty(2 * slots, np.uint8)
    for document in range(offsets.size - 1):
        first, size = offsets[document], offsets[document + 1] - offsets[document] - SHORTEST + 1
        if size < 2:
            continue
        for word in range(size + SHORTEST - 1):
            prefixes[word + 1] = prefixes[word] * MULTIPLIER + hashes[first + word]
        size = _keep_shared(prefixes, SHORTEST, size, sketch, cells, places)
        for n in range(SHORTEST, LONGEST + 1):
            if n > SHORTEST:
                size = _keep_followed(size, places)
            if size < 2:
                break
            size = _keep_repeated(prefixes, n, size, keys, tallies, cells, places)
            repeated[document, n - SHORTEST] = _covered(characters, first, n, size, places)


def repeated_characters(words: Words, characters: np.ndarray) -> np.ndarray:
    """Return the characters of the words of 5- to 10-grams that occur more than once, each word once; int64[n, 6].

    Args:
        words: the m words of n documents.
        characters: of each word; int32[m].
    """
    repeated = np.zeros((words.offsets.size - 1, len(SIZES)), np.int64)
    _count(words.hashes(), words.offsets, fixed(characters, np.int32), repeated)
    return repeated
