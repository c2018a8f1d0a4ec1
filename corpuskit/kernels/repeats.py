"""Repeated n-grams of words: the most frequent ones, and how much of a text duplicate ones make up.

An n-gram here is a sequence of n words of one document: "ab c" is not "a bc" (`corpuskit.kernels.repeats_joined` has
the other meaning). Words are compared by their 64-bit hashes and n-grams by a polynomial in these, modulo 2**64, so
that two different n-grams are taken for one about once in 2**64 pairs.

Counting every n-gram of every length in a hash table would cost 9 tables a word. Two bounds leave little to count:

* A *sketch* holds one byte for each of more cells than there are n-grams, and counts the n-grams that fall into each
  cell: never too few. An n-gram alone in its cell is not repeated, and one in a cell below the count of some other
  n-gram is not the most frequent.
* The words of a repeated n-gram begin and end with repeated (n - 1)-grams, so that only n-grams which begin where two
  neighbouring (n - 1)-grams may be repeated are looked at: most texts have none left after a few words (apriori,
  Agrawal and Srikant 1994).

All memory is of the size of the largest document: some 70 bytes a word.
"""

from typing import NamedTuple

import numpy as np

from corpuskit.kernels.code_points import count_code_points
from corpuskit.kernels.compiling import inlined, kernel
from corpuskit.kernels.hashing import MULTIPLIER
from corpuskit.kernels.words import Words

TOP_SIZES = (2, 3, 4)
"""The n of which the most frequent n-gram is found."""
DUPLICATE_SIZES = (5, 6, 7, 8, 9, 10)
"""The n of which duplicate n-grams are found."""

SHORTEST, LAST_TOP, FIRST_DUPLICATE, LONGEST = TOP_SIZES[0], TOP_SIZES[-1], DUPLICATE_SIZES[0], DUPLICATE_SIZES[-1]

POWERS = np.array([pow(int(MULTIPLIER), n, 1 << 64) for n in range(LONGEST + 1)], np.uint64)
"""`MULTIPLIER ** n`, modulo 2**64."""

ONE = np.uint64(1)
FULL = np.uint8(255)
"""Where a cell of a sketch stops counting."""

COUNT, LENGTH, COVERED = 0, 1, 2
FEW = 16
"""Where the most frequent n-gram is more than one in so many, a sketch of the next length would tell nothing."""


class SequenceRepeats(NamedTuple):
    """The repeated word sequences of n documents; characters are code points."""

    counts: np.ndarray
    """Occurrences of the most frequent 2-, 3- and 4-gram, overlapping ones too; 0 if there is none; int64[n, 3]."""
    lengths: np.ndarray
    """Characters of the words of that n-gram (of those equally frequent the first); int64[n, 3]."""
    covered: np.ndarray
    """Characters of the words inside any of its occurrences, each word once; int64[n, 3]."""
    duplicates: np.ndarray
    """Characters of the words of duplicate 5- to 10-grams; int64[n, 6]. From left to right: an n-gram met before is a
    duplicate, and the next one begins after it; another one is remembered, and the next one begins a word later."""


@inlined
def table_bits(cells):  # type: ignore[no-untyped-def]
    """Return the smallest b of 6 or more with 2**b >= cells."""
    bits = 6
    while (1 << bits) < cells:
        bits += 1
    return bits


@inlined
def sketch_bits(size):  # type: ignore[no-untyped-def]
    """Return the logarithm of a sketch's cells for `size` items: plenty as long as they fit into the CPU's cache."""
    return table_bits(size * (8 if size <= 1 << 13 else 4 if size <= 1 << 17 else 2))


@inlined
def _most_bits(size):  # type: ignore[no-untyped-def]
    """Return the most bits that `sketch_bits` gives for up to `size` items."""
    return max(sketch_bits(size), sketch_bits(min(size, 1 << 13)), sketch_bits(min(size, 1 << 17)))


@kernel
def most_spans(offsets):  # type: ignore[no-untyped-def]
    """Return the spans of the document that has most; offsets: int64[documents + 1]."""
    most = np.int64(0)
    for document in range(offsets.size - 1):
        most = max(most, offsets[document + 1] - offsets[document])
    return most


@inlined
def span_characters(data, starts, ends, first, last):  # type: ignore[no-untyped-def]
    """Return the code points of the words `first` to `last` - 1."""
    count = 0
    for word in range(first, last):
        count += count_code_points(data, starts[word], ends[word])
    return count


@inlined
def _ngram(prefixes, place, n, power):  # type: ignore[no-untyped-def]
    """Return the hash of the n words from `place` (all three uint64); power is MULTIPLIER ** n."""
    return prefixes[place + n] - prefixes[place] * power


@kernel
def _sketch(prefixes, n, places, size, cells, sketch):  # type: ignore[no-untyped-def]
    """Count the n-grams at places uint32[:size]; return (highest count, a cell that has it).

    Fills cells uint32[:size], the cell of each, and sketch uint8[], their counts.
    """
    bits, power, words = sketch_bits(size), POWERS[n], np.uint64(n)
    shift = np.uint64(64 - bits)
    for cell in range(1 << bits):
        sketch[cell] = 0
    highest, fullest = np.uint8(0), np.uint64(0)
    for item in range(size):
        cell = _ngram(prefixes, np.uint64(places[item]), words, power) >> shift
        cells[item] = cell
        count = np.uint8(sketch[cell] + (sketch[cell] < FULL))
        sketch[cell] = count
        if count > highest:
            highest, fullest = count, cell
    return highest, fullest


@kernel
def _keep_repeated(places, cells, size, sketch, kept):  # type: ignore[no-untyped-def]
    """Copy to kept, and in cells to the front, what is not alone in its cell; return its number."""
    count = 0
    for item in range(size):
        cell = cells[item]
        kept[count], cells[count] = places[item], cell
        count += sketch[cell] > 1
    return count


@kernel
def _keep_full(places, cells, size, sketch, least, kept):  # type: ignore[no-untyped-def]
    """Copy the places whose cell counts `least` or more; return their number."""
    count = 0
    for item in range(size):
        kept[count] = places[item]
        count += sketch[cells[item]] >= least
    return count


@kernel
def _keep_cell(places, cells, size, cell, kept):  # type: ignore[no-untyped-def]
    """Copy the places in a cell; return their number."""
    count = 0
    for item in range(size):
        kept[count] = places[item]
        count += cells[item] == cell
    return count


@kernel
def _keep_followed(places, size):  # type: ignore[no-untyped-def]
    """Keep, in place, the places whose next word is a place too; return their number."""
    count = 0
    for item in range(size - 1):
        place = places[item]
        places[count] = place
        count += places[item + 1] == np.uint32(place + np.uint32(1))
    return count


@inlined
def _clear_slots(slots, size):  # type: ignore[no-untyped-def]
    """Clear an open-addressing table for `size` n-grams; return the shift that gives a slot, and the last slot."""
    bits = table_bits(2 * size)
    for slot in range(1 << bits):
        slots[slot] = 0
    return np.uint64(64 - bits), np.uint64((1 << bits) - 1)


@inlined
def _find_slot(slots, prefixes, place, n, power, shift, mask):  # type: ignore[no-untyped-def]
    """Return the slot that holds the first place, plus 1, of the n-gram at `place`; or the empty one for it."""
    ngram = _ngram(prefixes, place, n, power)
    slot = ngram >> shift
    while slots[slot] and _ngram(prefixes, np.uint64(slots[slot]) - ONE, n, power) != ngram:
        slot = (slot + ONE) & mask
    return slot


@kernel
def _most_frequent(prefixes, n, places, size, slots, counts):  # type: ignore[no-untyped-def]
    """Count the n-grams at places uint32[:size] exactly; return (count, first place) of the most frequent one.

    slots: uint32[], the table; counts: uint32[words], by first place.
    """
    power, words = POWERS[n], np.uint64(n)
    shift, mask = _clear_slots(slots, size)
    best, best_place = np.int64(0), np.int64(0)
    for item in range(size):
        place = np.uint64(places[item])
        slot = _find_slot(slots, prefixes, place, words, power, shift, mask)
        if not slots[slot]:
            slots[slot], counts[place] = place + ONE, 0
        first = np.uint64(slots[slot]) - ONE
        counts[first] += np.uint32(1)
        count = np.int64(counts[first])
        if count > best or (count == best and np.int64(first) < best_place):
            best, best_place = count, np.int64(first)
    return best, best_place


@kernel
def _greedy(data, starts, ends, prefixes, n, places, size, slots):  # type: ignore[no-untyped-def]
    """Return (characters of duplicate n-grams, whether most n-grams are distinct); else as `_most_frequent`.

    starts, ends: int64[words] of the document.
    """
    power, words = POWERS[n], np.uint64(n)
    shift, mask = _clear_slots(slots, size)
    characters, free, distinct = 0, np.uint64(0), 0
    for item in range(size):
        place = np.uint64(places[item])
        if place < free:
            continue
        slot = _find_slot(slots, prefixes, place, words, power, shift, mask)
        if slots[slot]:
            characters += span_characters(data, starts, ends, np.int64(place), np.int64(place) + n)
            free = place + words
        else:
            slots[slot] = place + ONE
            distinct += 1
    return characters, 2 * distinct > size


@kernel
def _repeated(data, starts, ends, prefixes, n, places, size, slots, counts, firsts):  # type: ignore[no-untyped-def]
    """Return (characters of the words of repeated n-grams, each word once, number of places of these).

    Keeps these places, in place. firsts: uint32[words], scratch; else as `_greedy` and `_most_frequent`.
    """
    power, words = POWERS[n], np.uint64(n)
    shift, mask = _clear_slots(slots, size)
    for item in range(size):
        place = np.uint64(places[item])
        slot = _find_slot(slots, prefixes, place, words, power, shift, mask)
        if not slots[slot]:
            slots[slot], counts[place] = place + ONE, 0
        firsts[item] = slots[slot] - np.uint32(1)
        counts[firsts[item]] += np.uint32(1)
    characters = kept = free = 0
    for item in range(size):
        if counts[firsts[item]] > 1:
            first = np.int64(places[item])
            characters += span_characters(data, starts, ends, max(first, free), first + n)
            free = first + n
            places[kept] = first
            kept += 1
    return characters, kept


@kernel
def _covered(data, starts, ends, prefixes, n, places, size, best):  # type: ignore[no-untyped-def]
    """Return the characters of the words inside the n-gram at place `best`, wherever it occurs; each word once."""
    power, words = POWERS[n], np.uint64(n)
    wanted = _ngram(prefixes, np.uint64(best), words, power)
    characters = free = 0
    for item in range(size):
        place = np.uint64(places[item])
        if _ngram(prefixes, place, words, power) == wanted:
            first = np.int64(place)
            characters += span_characters(data, starts, ends, max(first, free), first + n)
            free = first + n
    return characters


@kernel
def _fill_prefixes(hashes, prefixes):  # type: ignore[no-untyped-def]
    """Fill prefixes uint64[words + 1], from which the hash of any n-gram follows; two words a step of the chain."""
    polynomial, power, words = np.uint64(0), POWERS[2], hashes.size
    prefixes[0] = polynomial
    for word in range(0, words - 1, 2):
        prefixes[word + 1] = polynomial * MULTIPLIER + hashes[word]
        polynomial = polynomial * power + (hashes[word] * MULTIPLIER + hashes[word + 1])
        prefixes[word + 2] = polynomial
    if words % 2:
        prefixes[words] = polynomial * MULTIPLIER + hashes[words - 1]


@kernel
def _sequences(data, starts, ends, hashes, offsets, longest, cover, top, duplicates):  # type: ignore[no-untyped-def]
    """Fill top int64[documents, 3, 3] (n; COUNT, LENGTH, COVERED) and duplicates int64[documents, 6], zeros before."""
    room = most_spans(offsets)
    everywhere, prefixes = np.arange(room).astype(np.uint32), np.empty(room + 1, np.uint64)
    places, cells, chosen = np.empty(room, np.uint32), np.empty(room, np.uint32), np.empty(room, np.uint32)
    counts, slots = np.empty(room, np.uint32), np.empty(1 << table_bits(2 * room), np.uint32)
    sketch = np.empty(1 << _most_bits(room), np.uint8)
    for document in range(offsets.size - 1):
        first, last = offsets[document], offsets[document + 1]
        begin, end = starts[first:last], ends[first:last]
        n_words = last - first
        length = 0
        for n in range(1, min(n_words, LAST_TOP) + 1):
            length += span_characters(data, begin, end, n - 1, n)
            if n >= SHORTEST:
                ngram = top[document, n - SHORTEST]
                ngram[COUNT], ngram[LENGTH], ngram[COVERED] = 1, length, length
        _fill_prefixes(hashes[first:last], prefixes)
        size, distinct = n_words - 1, True
        for n in range(SHORTEST, longest + 1):
            if n > SHORTEST:
                size = _keep_followed(places, size)
            if size < 2:
                break
            if distinct:
                looked_at = everywhere if n == SHORTEST else places
                highest, fullest = _sketch(prefixes, n, looked_at, size, cells, sketch)
                if highest < 2:
                    break
                size = _keep_repeated(looked_at, cells, size, sketch, places)
            if n > LAST_TOP:  # where most are repeated, the next sketch would tell nothing
                found, distinct = _greedy(data, begin, end, prefixes, n, places, size, slots)
                duplicates[document, n - FIRST_DUPLICATE] = found
                continue
            looked_at, more = places, size
            if distinct:
                looked_at, few = chosen, _keep_cell(places, cells, size, fullest, chosen)
                count, place = _most_frequent(prefixes, n, chosen, few, slots, counts)
                more = _keep_full(places, cells, size, sketch, min(max(count, 2), FULL), chosen)
            if not distinct or more != few:
                count, place = _most_frequent(prefixes, n, looked_at, more, slots, counts)
            distinct = FEW * count < size
            if count > 1:
                ngram = top[document, n - SHORTEST]
                ngram[COUNT], ngram[LENGTH] = count, span_characters(data, begin, end, place, place + n)
                if cover:
                    ngram[COVERED] = _covered(data, begin, end, prefixes, n, looked_at, more, place)


@kernel
def _all_occurrences(data, starts, ends, hashes, offsets, characters):  # type: ignore[no-untyped-def]
    """Fill characters int64[documents, 6], zeros before."""
    room = most_spans(offsets)
    everywhere, prefixes = np.arange(room).astype(np.uint32), np.empty(room + 1, np.uint64)
    places, cells, counts = np.empty(room, np.uint32), np.empty(room, np.uint32), np.empty(room, np.uint32)
    slots = np.empty(1 << table_bits(2 * room), np.uint32)
    sketch = np.empty(1 << _most_bits(room), np.uint8)
    for document in range(offsets.size - 1):
        first, last = offsets[document], offsets[document + 1]
        begin, end = starts[first:last], ends[first:last]
        _fill_prefixes(hashes[first:last], prefixes)
        size = last - first - FIRST_DUPLICATE + 1
        for n in range(FIRST_DUPLICATE, LONGEST + 1):
            if n > FIRST_DUPLICATE:
                size = _keep_followed(places, size)
            if size < 2:
                break
            looked_at = everywhere if n == FIRST_DUPLICATE else places
            highest, _ = _sketch(prefixes, n, looked_at, size, cells, sketch)
            if highest < 2:
                break
            size = _keep_repeated(looked_at, cells, size, sketch, places)
            found, size = _repeated(data, begin, end, prefixes, n, places, size, slots, counts, cells)
            characters[document, n - FIRST_DUPLICATE] = found


def repeated_sequences(words: Words, longest: int = LONGEST, *, cover: bool = True) -> SequenceRepeats:
    """Find the repeated word sequences of each document.

    Args:
        words: the words of a batch of documents.
        longest: the longest n-grams looked at, 4 to 10; longer duplicates stay 0.
        cover: whether `covered` is wanted; without it, what it holds means nothing.

    Raises:
        ValueError: `longest` is out of range.
    """
    if not LAST_TOP <= longest <= LONGEST:
        raise ValueError(f"the longest n-grams have {LAST_TOP} to {LONGEST} words, not {longest}")
    n_documents = words.offsets.size - 1
    top = np.zeros((n_documents, len(TOP_SIZES), 3), np.int64)
    duplicates = np.zeros((n_documents, len(DUPLICATE_SIZES)), np.int64)
    _sequences(words.data, words.starts, words.ends, words.hashes(), words.offsets, longest, cover, top, duplicates)
    return SequenceRepeats(top[:, :, COUNT], top[:, :, LENGTH], top[:, :, COVERED], duplicates)


def repeated_characters(words: Words) -> np.ndarray:
    """Return the characters of the words inside any 5- to 10-gram that occurs more than once; int64[n, 6].

    All occurrences count, the first ones too, and each word once. Characters are code points.
    """
    characters = np.zeros((words.offsets.size - 1, len(DUPLICATE_SIZES)), np.int64)
    _all_occurrences(words.data, words.starts, words.ends, words.hashes(), words.offsets, characters)
    return characters
