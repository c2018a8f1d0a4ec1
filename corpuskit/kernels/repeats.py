"""Repeated n-grams of words: the most frequent ones, and how much of a text duplicate ones make up.

An n-gram here is a sequence of n words of one document: "ab c" is not "a bc" (`corpuskit.kernels.repeats_joined` has
the other meaning). Words are compared by their 64-bit hashes and n-grams by a polynomial in these, modulo 2**64, so
that two different n-grams are taken for one about once in 2**64 pairs.

Counting every n-gram of every length in a hash table would cost 9 tables a word. Two bounds leave little to count:

* A *sketch* (`corpuskit.kernels.ngram_sketches`) counts the n-grams that fall into each of its cells, never too few. An
  n-gram alone in its cell is not repeated, and one in a cell below the count of some other n-gram is not the most
  frequent.
* The words of a repeated n-gram begin and end with repeated (n - 1)-grams, so that only n-grams which begin where two
  neighbouring (n - 1)-grams may be repeated are looked at: most texts have none left after a few words (apriori,
  Agrawal and Srikant 1994).

All memory is of the size of the largest document: some 70 bytes a word.
"""

from typing import NamedTuple

import numpy as np

from corpuskit.kernels.code_points import count_code_points
from corpuskit.kernels.compiling import inlined, kernel
from corpuskit.kernels.hash_tables import SMALL_TABLE, clear_slots, table_bits
from corpuskit.kernels.ngram_sketches import (
    FULL,
    LONGEST,
    POWERS,
    choose_cell,
    choose_full,
    fill_prefixes,
    keep_followed,
    keep_repeated,
    most_bits,
    ngram_hash,
    sketch_ngrams,
)
from corpuskit.kernels.words import Words

TOP_SIZES = (2, 3, 4)
"""The n of which the most frequent n-gram is found."""
DUPLICATE_SIZES = tuple(range(5, LONGEST + 1))
"""The n of which duplicate n-grams are found."""

SHORTEST, LAST_TOP, FIRST_DUPLICATE = TOP_SIZES[0], TOP_SIZES[-1], DUPLICATE_SIZES[0]

ONE = np.uint64(1)

COUNT, LENGTH, COVERED = 0, 1, 2
FEW = 16
"""Where the most frequent n-gram is more than one in so many, a sketch of the next length would tell nothing."""
HOPELESS = FEW * int(FULL)
"""Where one of the first so many n-grams fills a cell, the sketch would tell nothing either."""


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


@kernel
def most_spans(offsets):  # type: ignore[no-untyped-def]
    """Return the spans of the document that has most; offsets: int64[documents + 1]."""
    most = np.int64(0)
    for document in range(offsets.size - 1):
        most = max(most, offsets[document + 1] - offsets[document])
    return most


@inlined
def span_characters(data, starts, ends, first, last):  # type: ignore[no-untyped-def]
    """Return the code points of the words `first` to `last` - 1, one at least.

    Those between words, mostly one blank, are taken off: words are short and of all lengths, so that a loop over the
    bytes of each would be mispredicted.
    """
    count = count_code_points(data, starts[first], ends[last - 1])
    for word in range(first + 1, last):
        end, start = ends[word - 1], starts[word]
        count -= start - end if start - end < 2 else count_code_points(data, end, start)
    return count


@inlined
def _find_slot(slots, prefixes, place, n, power, shift, mask):  # type: ignore[no-untyped-def]
    """Return the slot that holds the first place, plus 1, of the n-gram at `place`; or the empty one for it."""
    ngram = ngram_hash(prefixes, place, n, power)
    slot = ngram >> shift
    while slots[slot] and ngram_hash(prefixes, np.uint64(slots[slot]) - ONE, n, power) != ngram:
        slot = (slot + ONE) & mask
    return slot


@inlined
def _count(slots, counts, prefixes, place, n, power, shift, mask, room):  # type: ignore[no-untyped-def]
    """Count the n-gram at a place; return its slot, and the room left: -1 where there was none for a new n-gram."""
    slot = _find_slot(slots, prefixes, place, n, power, shift, mask)
    if not slots[slot]:
        room -= 1
        if room < 0:
            return slot, room
        slots[slot], counts[place] = place + ONE, 0
    counts[np.uint64(slots[slot]) - ONE] += np.uint32(1)
    return slot, room


@kernel
def _most_frequent(prefixes, n, places, size, slots, counts):  # type: ignore[no-untyped-def]
    """Count the n-grams at places uint32[:size] exactly; return (count, first place) of the most frequent one.

    slots: uint32[], the table; counts: uint32[words], by first place.
    """
    power, words = POWERS[n], np.uint64(n)
    best, best_place = np.int64(0), np.int64(0)
    for room in (min(size, SMALL_TABLE), size):
        shift, mask = clear_slots(slots, room)
        best, best_place = np.int64(0), np.int64(0)
        for item in range(size):
            place = np.uint64(places[item])
            slot, room = _count(slots, counts, prefixes, place, words, power, shift, mask, room)
            if room < 0:
                break
            first = np.uint64(slots[slot]) - ONE
            count = np.int64(counts[first])
            if count > best or (count == best and np.int64(first) < best_place):
                best, best_place = count, np.int64(first)
        else:
            break
    return best, best_place


@kernel
def _greedy(data, starts, ends, prefixes, n, places, size, slots, lengths):  # type: ignore[no-untyped-def]
    """Return (characters of duplicate n-grams, whether most n-grams are distinct); else as `_most_frequent`.

    starts, ends: int64[words] of the document; lengths: uint32[words], their characters by first place, 0 if unknown.
    """
    power, words = POWERS[n], np.uint64(n)
    characters, distinct = np.int64(0), 0
    for room in (min(size, SMALL_TABLE), size):
        shift, mask = clear_slots(slots, room)
        characters, distinct, item = np.int64(0), 0, 0
        while item < size:
            place = np.uint64(places[item])
            slot = _find_slot(slots, prefixes, place, words, power, shift, mask)
            item += 1
            if slots[slot]:
                first = np.int64(slots[slot]) - 1
                if not lengths[first]:
                    lengths[first] = span_characters(data, starts, ends, first, first + n)
                characters += np.int64(lengths[first])
                item = min(item - 1 + n, size)
                while places[item - 1] >= place + words:
                    item -= 1
                continue
            if distinct == room:
                break
            slots[slot], lengths[place] = place + ONE, 0
            distinct += 1
        else:
            break
    return characters, 2 * distinct > size


@kernel
def _find_firsts(prefixes, n, places, size, slots, counts, firsts):  # type: ignore[no-untyped-def]
    """Fill firsts uint32[:size], the first place of the n-gram at each place; else as `_most_frequent`."""
    power, words = POWERS[n], np.uint64(n)
    for room in (min(size, SMALL_TABLE), size):
        shift, mask = clear_slots(slots, room)
        for item in range(size):
            place = np.uint64(places[item])
            slot, room = _count(slots, counts, prefixes, place, words, power, shift, mask, room)
            if room < 0:
                break
            firsts[item] = slots[slot] - np.uint32(1)
        else:
            break


@kernel
def _keep_counted(data, starts, ends, n, places, size, counts, firsts):  # type: ignore[no-untyped-def]
    """Keep, in place, the places of repeated n-grams; return (characters of their words, each word once, their number).

    Arguments are as for `_find_firsts` and `_greedy`.
    """
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
def _covered(data, starts, ends, prefixes, n, places, size, best, lasts):  # type: ignore[no-untyped-def]
    """Return the characters of the words inside the n-gram at place `best`, wherever it occurs; each word once.

    lasts: int64[n + 1 or more], scratch: the characters of the last words of the n-gram, by their number.
    """
    power, words = POWERS[n], np.uint64(n)
    wanted = ngram_hash(prefixes, np.uint64(best), words, power)
    for count in range(1, n + 1):
        lasts[count] = span_characters(data, starts, ends, best + n - count, best + n)
    characters, free = np.int64(0), np.int64(0)
    for item in range(size):
        place = np.uint64(places[item])
        if ngram_hash(prefixes, place, words, power) == wanted:
            end = np.int64(place) + n
            characters += lasts[min(end - free, n)]
            free = end
    return characters


@kernel
def _sequences(data, starts, ends, hashes, offsets, longest, cover, top, duplicates):  # type: ignore[no-untyped-def]
    """Fill top int64[documents, 3, 3] (n; COUNT, LENGTH, COVERED) and duplicates int64[documents, 6], zeros before."""
    room = most_spans(offsets)
    prefixes, lasts = np.empty(room + 1, np.uint64), np.empty(LAST_TOP + 1, np.int64)
    places, cells, chosen = np.empty(room, np.uint32), np.empty(room, np.uint32), np.empty(room, np.uint32)
    counts, slots = np.empty(room, np.uint32), np.empty(1 << table_bits(2 * room), np.uint32)
    levels, sketch = np.empty(room, np.uint8), np.empty(1 << most_bits(room), np.uint8)
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
        fill_prefixes(hashes[first:last], prefixes)
        size, distinct = n_words - SHORTEST + 1, True
        for place in range(size):
            places[place] = place
        for n in range(SHORTEST, longest + 1):
            if n > SHORTEST:
                size = keep_followed(places, size)
            if size < 2:
                break
            if distinct:
                patience = HOPELESS if n == SHORTEST else 0
                highest, fullest, distinct = sketch_ngrams(prefixes, n, places, size, patience, cells, sketch)
                if highest < 2:
                    break
            if distinct:
                size = keep_repeated(places, cells, size, sketch, levels)
            if n > LAST_TOP:  # where most are repeated, the next sketch would tell nothing
                found, distinct = _greedy(data, begin, end, prefixes, n, places, size, slots, counts)
                duplicates[document, n - FIRST_DUPLICATE] = found
                continue
            looked_at, more = places, size
            if distinct:
                looked_at, few = chosen, choose_cell(places, cells, size, fullest, chosen)
                count, place = _most_frequent(prefixes, n, chosen, few, slots, counts)
                more = choose_full(places, levels, size, min(max(count, 2), FULL), chosen)
            if not distinct or more != few:
                count, place = _most_frequent(prefixes, n, looked_at, more, slots, counts)
            distinct = FEW * count < size
            if count > 1:
                ngram = top[document, n - SHORTEST]
                ngram[COUNT], ngram[LENGTH] = count, span_characters(data, begin, end, place, place + n)
                if cover:
                    ngram[COVERED] = _covered(data, begin, end, prefixes, n, looked_at, more, place, lasts)


@kernel
def _all_occurrences(data, starts, ends, hashes, offsets, characters):  # type: ignore[no-untyped-def]
    """Fill characters int64[documents, 6], zeros before."""
    room = most_spans(offsets)
    prefixes = np.empty(room + 1, np.uint64)
    places, cells, counts = np.empty(room, np.uint32), np.empty(room, np.uint32), np.empty(room, np.uint32)
    slots = np.empty(1 << table_bits(2 * room), np.uint32)
    levels, sketch = np.empty(room, np.uint8), np.empty(1 << most_bits(room), np.uint8)
    for document in range(offsets.size - 1):
        first, last = offsets[document], offsets[document + 1]
        begin, end = starts[first:last], ends[first:last]
        fill_prefixes(hashes[first:last], prefixes)
        size = last - first - FIRST_DUPLICATE + 1
        for place in range(size):
            places[place] = place
        for n in range(FIRST_DUPLICATE, LONGEST + 1):
            if n > FIRST_DUPLICATE:
                size = keep_followed(places, size)
            if size < 2:
                break
            highest, _, _ = sketch_ngrams(prefixes, n, places, size, 0, cells, sketch)
            if highest < 2:
                break
            size = keep_repeated(places, cells, size, sketch, levels)
            _find_firsts(prefixes, n, places, size, slots, counts, cells)
            found, size = _keep_counted(data, begin, end, n, places, size, counts, cells)
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
