"""Hashes and sketches of the n-grams of words of a document: which n-grams may be repeated, or the most frequent.

N-grams are polynomials, modulo 2**64, in the hashes of their words. A *sketch* holds one byte for each of more cells
than there are n-grams, and counts the n-grams that fall into each cell: never too few. An n-gram alone in its cell is
not repeated, and one in a cell below the count of some other n-gram is not the most frequent.

A *place* is the number of the word with which an n-gram begins.
"""

import numpy as np

from corpuskit.kernels.compiling import inlined, kernel
from corpuskit.kernels.hash_tables import table_bits
from corpuskit.kernels.hashing import MULTIPLIER

LONGEST = 10
"""The most words of an n-gram."""

POWERS = np.array([pow(int(MULTIPLIER), n, 1 << 64) for n in range(LONGEST + 1)], np.uint64)
"""`MULTIPLIER ** n`, modulo 2**64."""

FULL = np.uint8(255)
"""Where a cell of a sketch stops counting."""


@inlined
def sketch_bits(size):  # type: ignore[no-untyped-def]
    """Return the logarithm of a sketch's cells for `size` items: plenty as long as they fit into the CPU's cache."""
    return table_bits(size * (8 if size <= 1 << 13 else 4 if size <= 1 << 17 else 2))


@inlined
def most_bits(size):  # type: ignore[no-untyped-def]
    """Return the most bits that `sketch_bits` gives for up to `size` items."""
    return max(sketch_bits(size), sketch_bits(min(size, 1 << 13)), sketch_bits(min(size, 1 << 17)))


@inlined
def ngram_hash(prefixes, place, n, power):  # type: ignore[no-untyped-def]
    """Return the hash of the n words from `place` (all three uint64); power is MULTIPLIER ** n."""
    return prefixes[place + n] - prefixes[place] * power


@kernel
def fill_prefixes(hashes, prefixes):  # type: ignore[no-untyped-def]
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
def sketch_ngrams(prefixes, n, places, size, hopeless, cells, sketch):  # type: ignore[no-untyped-def]
    """Count the n-grams at places uint32[:size]; return (highest count, a cell that has it, whether all are counted).

    Fills cells uint32[:size], the cell of each, and sketch uint8[], their counts; stops if one of the first `hopeless`
    fills a cell.
    """
    bits, power, words = sketch_bits(size), POWERS[n], np.uint64(n)
    shift = np.uint64(64 - bits)
    for cell in range(1 << bits):
        sketch[cell] = 0
    highest, fullest = np.uint8(0), np.uint64(0)
    for item in range(size):
        cell = ngram_hash(prefixes, np.uint64(places[item]), words, power) >> shift
        cells[item] = cell
        count = np.uint8(sketch[cell] + (sketch[cell] < FULL))
        sketch[cell] = count
        if count > highest:
            highest, fullest = count, cell
            if count == FULL and item < hopeless:
                return highest, fullest, False
    return highest, fullest, True


@kernel
def keep_repeated(places, cells, size, sketch, levels):  # type: ignore[no-untyped-def]
    """Keep, in place, the places and cells uint32[:size] of what is not alone in its cell; return their number.

    Fills levels uint8[], the counts of their cells.
    """
    count = 0
    for item in range(size):
        cell = cells[item]
        level = sketch[cell]
        places[count], cells[count], levels[count] = places[item], cell, level
        count += level > 1
    return count


@kernel
def choose_full(places, levels, size, least, chosen):  # type: ignore[no-untyped-def]
    """Copy to chosen the places whose cell counts `least` or more; return their number."""
    count = 0
    for item in range(size):
        chosen[count] = places[item]
        count += levels[item] >= least
    return count


@kernel
def choose_cell(places, cells, size, cell, chosen):  # type: ignore[no-untyped-def]
    """Copy to chosen the places in a cell; return their number."""
    count = 0
    for item in range(size):
        chosen[count] = places[item]
        count += cells[item] == cell
    return count


@kernel
def keep_followed(places, size):  # type: ignore[no-untyped-def]
    """Keep, in place, the places whose next word is a place too; return their number."""
    if size and places[size - 1] - places[0] == size - 1:
        return size - 1
    count = 0
    for item in range(size - 1):
        place = places[item]
        places[count] = place
        count += places[item + 1] == np.uint32(place + np.uint32(1))
    return count
