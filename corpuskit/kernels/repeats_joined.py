"""Duplicate n-grams as datatrove compares them: by the characters of their words, joined without anything between.

The n-grams "ab c" and "a bc" are equal here. A repeated n-gram then need not begin with a repeated shorter one, so the
lengths cannot be tried one after the other until none is left (as `corpuskit.kernels.repeats` does). Instead the words
of a document are written one after the other into a *stream*, in which equal n-grams are equal bytes:

* Equal n-grams of PREFIX bytes or more begin with the same PREFIX bytes. One sketch of the prefixes at all words tells
  where such n-grams of any length may begin.
* Equal n-grams of fewer bytes both begin with a 5-gram of fewer bytes. At such places, and among them alone, the first
  SHORT or SHORTEST bytes are compared.

At what is left, a few places in a hundred of most texts, n-grams are hashed whole, for each n; longer prefixes leave
still fewer places for larger n. Two n-grams are equal if their 64-bit hashes are.
"""

import numpy as np

from corpuskit.kernels.compiling import inlined, kernel
from corpuskit.kernels.hash_tables import SMALL_TABLE, clear_slots, table_bits
from corpuskit.kernels.hashing import FINISHER, MULTIPLIER, hash_span
from corpuskit.kernels.intrinsics import load64, store64
from corpuskit.kernels.repeats import DUPLICATE_SIZES, span_characters
from corpuskit.kernels.words import Words

FIRST, LAST = DUPLICATE_SIZES[0], DUPLICATE_SIZES[-1]

PREFIX = 15
"""Bytes: five words of most languages have more, and five ideographs have as many."""
SHORT, SHORTEST = 8, FIRST
"""Bytes that are compared where 5-grams have 8 to 14, or fewer: a word has one at least."""

NARROWED = ((6, 20), (8, 28))
"""From n words on, repeated n-grams of so many bytes or more must share these."""

TWICE = 3
"""A cell of these sketches is 0, then 1, TWICE, and more."""
NO_SEED = np.uint64(0)


@inlined
def _bits(size):  # type: ignore[no-untyped-def]
    """Return the logarithm of a sketch's cells for `size` items: plenty as long as they fit into the CPU's cache."""
    return table_bits(size * (16 if size <= 1 << 14 else 6 if size <= 1 << 17 else 3))


@kernel
def _squeeze(data, starts, ends, stream, bounds):  # type: ignore[no-untyped-def]
    """Fill stream uint8[] with the words one after the other, and bounds uint32[words + 1] with where each begins.

    Sixteen bytes are written for every word, since few are longer; the next word overwrites what was too much.
    """
    target = 0
    for word in range(starts.size):
        bounds[word] = target
        position, end = starts[word], ends[word]
        place, target = target, target + end - position
        while position < end and position + 16 <= data.size:
            store64(stream, place, load64(data, position))
            store64(stream, place + 8, load64(data, position + 8))
            position += 16
            place += 16
        while position < end:
            stream[place] = data[position]
            position += 1
            place += 1
    bounds[starts.size] = target
    for place in range(target, target + PREFIX + 1):
        stream[place] = 0


@inlined
def _prefix(stream, bounds, place):  # type: ignore[no-untyped-def]
    """Return a hash of the PREFIX bytes at a word."""
    position = np.int64(bounds[place])
    return ((load64(stream, position) * FINISHER) ^ load64(stream, position + PREFIX - 8)) * MULTIPLIER


@inlined
def _short_prefix(stream, bounds, place, n_bytes):  # type: ignore[no-untyped-def]
    """Return a hash of up to 8 bytes at a word, another one than `_prefix`."""
    return (load64(stream, np.int64(bounds[place])) << np.uint64(64 - 8 * n_bytes)) * (
        FINISHER + np.uint64(2 * n_bytes)
    )


@inlined
def _length(bounds, place):  # type: ignore[no-untyped-def]
    """Return the bytes of the 5-gram at a word."""
    return bounds[place + FIRST] - bounds[place]


@inlined
def _count(sketch, cell):  # type: ignore[no-untyped-def]
    sketch[cell] = np.uint8((sketch[cell] << 1) | 1)


@kernel
def _clear(sketch, bits):  # type: ignore[no-untyped-def]
    for cell in range(1 << bits):
        sketch[cell] = 0


@kernel
def _find_places(stream, bounds, n_ngrams, places, marks, sketch):  # type: ignore[no-untyped-def]
    """Fill places uint32[:size] with where a repeated n-gram of any length may begin; return size.

    Fills marks uint32[:size] too: whether the prefix may be repeated; the others are there for being short.
    """
    bits = _bits(n_ngrams)
    shift = np.uint64(64 - bits)
    _clear(sketch, bits)
    for place in range(n_ngrams):
        cell = _prefix(stream, bounds, place) >> shift
        marks[place] = cell
        _count(sketch, cell)
    size = 0
    for place in range(n_ngrams):
        repeated = sketch[marks[place]] >= TWICE
        places[size], marks[size] = place, repeated
        size += repeated | (_length(bounds, place) < PREFIX)
    return size


@kernel
def _recheck_places(stream, bounds, places, marks, size, sketch):  # type: ignore[no-untyped-def]
    """Drop, in place, what another sketch of these places alone shows not to be repeated; return the number left."""
    bits = _bits(2 * size)
    shift = np.uint64(64 - bits)
    _clear(sketch, bits)
    for item in range(size):
        place = np.int64(places[item])
        if marks[item]:
            _count(sketch, (_prefix(stream, bounds, place) * FINISHER) >> shift)
        if _length(bounds, place) < PREFIX:
            _count(sketch, _short_prefix(stream, bounds, place, SHORT) >> shift)
            _count(sketch, _short_prefix(stream, bounds, place, SHORTEST) >> shift)
    kept = 0
    for item in range(size):
        place = np.int64(places[item])
        length = _length(bounds, place)
        long = marks[item] and sketch[(_prefix(stream, bounds, place) * FINISHER) >> shift] >= TWICE
        n_bytes = SHORT if length >= SHORT else SHORTEST
        short = length < PREFIX and sketch[_short_prefix(stream, bounds, place, n_bytes) >> shift] >= TWICE
        places[kept] = place
        kept += long or short
    return kept


@kernel
def _narrow(stream, bounds, n, n_bytes, places, size, hashes, sketch):  # type: ignore[no-untyped-def]
    """Drop, in place, the places whose n-gram has `n_bytes` or more and shares them with none; return the number left.

    Longer n-grams that begin there are not repeated either.
    """
    bits = _bits(size)
    shift = np.uint64(64 - bits)
    _clear(sketch, bits)
    for item in range(size):
        position = np.int64(bounds[places[item]])
        hashes[item] = hash_span(stream, position, position + n_bytes, NO_SEED)
        _count(sketch, hashes[item] >> shift)
    kept = 0
    for item in range(size):
        place = places[item]
        places[kept] = place
        kept += sketch[hashes[item] >> shift] >= TWICE or bounds[place + n] - bounds[place] < n_bytes
    return kept


@inlined
def _join(stream, bounds, place, n):  # type: ignore[no-untyped-def]
    """Return the hash of the n words from `place`, joined."""
    return hash_span(stream, np.int64(bounds[place]), np.int64(bounds[place + n]), NO_SEED)


@kernel
def _keep_repeated(stream, bounds, n, places, size, kept, hashes, sketch):  # type: ignore[no-untyped-def]
    """Copy to kept the places uint32[:size] whose n-gram is not alone in its cell; return their number."""
    bits = _bits(size)
    shift = np.uint64(64 - bits)
    _clear(sketch, bits)
    for item in range(size):
        hashed = _join(stream, bounds, np.int64(places[item]), n)
        hashes[item] = hashed
        _count(sketch, hashed >> shift)
    count = 0
    for item in range(size):
        kept[count] = places[item]
        count += sketch[hashes[item] >> shift] >= TWICE
    return count


@kernel
def _greedy(data, starts, ends, stream, bounds, n, places, size, hashes, lengths, slots):  # type: ignore[no-untyped-def]
    """Return (characters of duplicate n-grams at places uint32[:size], whether most n-grams are distinct).

    hashes: uint64[size], what is remembered; lengths: uint32[size], its characters, 0 if unknown; slots: uint32[], a
    table of these.
    """
    characters, distinct = np.int64(0), 0
    for room in (min(size, SMALL_TABLE), size):
        shift, mask = clear_slots(slots, room)
        characters, distinct, free = np.int64(0), 0, 0
        for item in range(size):
            place = np.int64(places[item])
            if place < free:
                continue
            hashed = _join(stream, bounds, place, n)
            slot = hashed >> shift
            while slots[slot] and hashes[slots[slot] - np.uint32(1)] != hashed:
                slot = (slot + np.uint64(1)) & mask
            if slots[slot]:
                known = slots[slot] - np.uint32(1)
                if not lengths[known]:
                    lengths[known] = span_characters(data, starts, ends, place, place + n)
                characters += np.int64(lengths[known])
                free = place + n
                continue
            if distinct == room:
                break
            hashes[distinct], lengths[distinct] = hashed, 0
            distinct += 1
            slots[slot] = distinct
        else:
            break
    return characters, 2 * distinct > size


@kernel
def _joins(data, starts, ends, offsets, duplicates):  # type: ignore[no-untyped-def]
    """Fill duplicates int64[documents, 6], zeros before."""
    room = bytes_room = 0
    for document in range(offsets.size - 1):
        first, last = offsets[document], offsets[document + 1]
        if last - first > FIRST:
            room = max(room, last - first)
            bytes_room = max(bytes_room, ends[last - 1] - starts[first])
    stream, bounds = np.empty(bytes_room + 64, np.uint8), np.empty(room + 1, np.uint32)
    places, marks, hashes = np.empty(room, np.uint32), np.empty(room, np.uint32), np.empty(room, np.uint64)
    lengths = np.empty(room, np.uint32)
    slots = np.empty(1 << table_bits(2 * room), np.uint32)
    sketch = np.empty(1 << max(_bits(2 * room), _bits(1 << 14), _bits(1 << 17)), np.uint8)
    for document in range(offsets.size - 1):
        first, last = offsets[document], offsets[document + 1]
        n_words = last - first
        if n_words <= FIRST:
            continue
        begin, end = starts[first:last], ends[first:last]
        _squeeze(data, begin, end, stream, bounds)
        size = _find_places(stream, bounds, n_words - FIRST + 1, places, marks, sketch)
        size = _recheck_places(stream, bounds, places, marks, size, sketch)
        distinct = True
        for n in range(FIRST, LAST + 1):
            while size and places[size - 1] + n > n_words:
                size -= 1
            for least, n_bytes in NARROWED:
                if n == least and n * bounds[n_words] >= n_bytes * n_words:  # else most n-grams are shorter
                    size = _narrow(stream, bounds, n, n_bytes, places, size, hashes, sketch)
            if size < 2:
                break
            looked_at, kept = places, size
            if distinct:  # where most are repeated, the next sketch would tell nothing
                looked_at, kept = marks, _keep_repeated(stream, bounds, n, places, size, marks, hashes, sketch)
            found, distinct = _greedy(data, begin, end, stream, bounds, n, looked_at, kept, hashes, lengths, slots)
            duplicates[document, n - FIRST] = found


def repeated_joins(words: Words) -> np.ndarray:
    """Return the characters of the duplicate 5- to 10-grams of each document, found from left to right; int64[n, 6].

    An n-gram whose joined words were met before is a duplicate, and the next one begins after it; another one is
    remembered, and the next one begins a word later. Characters are code points. The words of one document may have up
    to 2**32 bytes.
    """
    duplicates = np.zeros((words.offsets.size - 1, len(DUPLICATE_SIZES)), np.int64)
    _joins(words.data, words.starts, words.ends, words.offsets, duplicates)
    return duplicates
