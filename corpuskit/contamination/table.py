"""The n-grams of all items in one hash table, and where documents have them.

Words are `unicode` words in lower case. Each n-gram of n words is looked for as a whole; so is each shorter item, so
that documents are rolled over by every length that an item has. All of these begin with the shortest length: a document
goes through a Bloom filter of such beginnings, and only where that says yes are the lengths hashed, and looked up where
a filter of them says yes too: both stay in the cache where the table does not. Two n-grams are taken for equal if their
64-bit hashes are: with 10^6 n-grams of items, one in 10^13 n-grams of documents is found by mistake.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from corpuskit.kernels import Texts, Words, fixed, inlined, kernel
from corpuskit.kernels.casing import lowered
from corpuskit.kernels.hash_tables import slot_of
from corpuskit.kernels.hashing import FINISHER, MULTIPLIER
from corpuskit.kernels.intrinsics import fold_multiply

FILTER_BITS = 16
"""Bits of a filter for each n-gram, at least: of three that a hash sets in one word, 0.7 % are set by others."""
ONE = np.uint64(1)


@dataclass(frozen=True, eq=False)
class NgramTable:
    """The distinct n-grams of the items of all sets; items are numbered through, set after set."""

    names: tuple[str, ...]
    """The sets."""
    set_of: np.ndarray
    """The set of each item, rising; int64[items]."""
    item_words: np.ndarray
    """The words of each item; int64[items]."""
    totals: np.ndarray
    """The distinct n-grams of each item, 0 where it is not looked for; int64[items]."""
    lengths: np.ndarray
    """The distinct lengths of n-grams in words, rising; int64[lengths]."""
    length_of: np.ndarray
    """The length of each n-gram; int64[ngrams]."""
    offsets: np.ndarray
    """The items that have n-gram i are `items[offsets[i]:offsets[i + 1]]`, rising; int64[ngrams + 1]."""
    items: np.ndarray
    """int64[]."""
    beginnings: np.ndarray
    """Filter of the hashes of all beginnings; word h >> shift has three bits of each hash h; uint64[]."""
    wholes: np.ndarray
    """Filter of the hashes of all n-grams, of the same size; uint64[]."""
    shift: np.uint64
    keys: np.ndarray
    """Hash of an n-gram; uint64[slots], slots a power of two."""
    values: np.ndarray
    """Number of the n-gram from 1; 0 in an empty slot; int64[slots]."""

    def first_item(self, index: int) -> int:
        """Return the number of the first item of a set, or of what follows it where it has none."""
        return int(np.searchsorted(self.set_of, index))


def folded_words(texts: Texts) -> Words:
    """Return the words of n texts as items and documents are compared by them."""
    return lowered(texts).words("unicode")


@inlined
def _whole_hash(polynomial, length):  # type: ignore[no-untyped-def]
    """Return the hash of an n-gram of `length` words."""
    return fold_multiply(polynomial ^ np.uint64(length), FINISHER)


@kernel
def _item_ngrams(hashes, offsets, lengths, shortest, targets, ngrams, beginnings):  # type: ignore[no-untyped-def]
    """Fill ngrams and beginnings uint64[k]; item i has its n-grams, of `lengths[i]` words, from `targets[i]` on."""
    for item in range(lengths.size):
        target = targets[item]
        for first in range(offsets[item], offsets[item] + targets[item + 1] - target):
            polynomial = np.uint64(0)
            for word in range(first, first + lengths[item]):
                polynomial = polynomial * MULTIPLIER + hashes[word]
                if word - first + 1 == shortest:
                    beginnings[target] = fold_multiply(polynomial, FINISHER)
            ngrams[target] = _whole_hash(polynomial, lengths[item])
            target += 1


@kernel
def _fill(ngrams, keys, values):  # type: ignore[no-untyped-def]
    for number in range(ngrams.size):
        slot = slot_of(keys, values, ngrams[number])
        keys[slot], values[slot] = ngrams[number], number + 1


@inlined
def _bits_of(hashed):  # type: ignore[no-untyped-def]
    """Return the bits that a hash sets in its word of a filter, told by bits that do not choose the word."""
    low = ONE << (hashed & np.uint64(63))
    return low | ONE << ((hashed >> np.uint64(6)) & np.uint64(63)) | ONE << ((hashed >> np.uint64(12)) & np.uint64(63))


@inlined
def _passes(bits, shift, hashed):  # type: ignore[no-untyped-def]
    """Whether a filter may hold a hash."""
    wanted = _bits_of(hashed)
    return bits[hashed >> shift] & wanted == wanted


@kernel
def _set_bits(hashes, shift, bits):  # type: ignore[no-untyped-def]
    for hashed in hashes:
        bits[hashed >> shift] |= _bits_of(hashed)


def build(sets: Iterable[tuple[str, Iterable[str]]], ngram: int, min_words: int) -> NgramTable:
    """Make the table of some sets of items.

    Args:
        sets: (name, texts of the items).
        ngram: words of an n-gram.
        min_words: items of fewer words are not looked for.
    """
    listed = [(name, tuple(texts)) for name, texts in sets]
    texts = Texts.from_arrow(pa.array([text for _, own in listed for text in own], pa.large_string()))
    set_of = np.repeat(np.arange(len(listed)), [len(own) for _, own in listed])
    words = folded_words(texts)
    counts = words.counts()
    lengths = np.where(counts < min_words, 0, np.minimum(counts, ngram))
    numbers = np.where(lengths > 0, counts - lengths + 1, 0)
    used = np.unique(lengths[lengths > 0])
    hashes, beginnings = _hashed(words, lengths, numbers, int(used[0]) if used.size else 1)
    items = np.repeat(np.arange(len(texts)), numbers)
    return _indexed(
        tuple(name for name, _ in listed), set_of, counts, used, hashes, beginnings, items, np.repeat(lengths, numbers)
    )


def _hashed(words: Words, lengths: np.ndarray, numbers: np.ndarray, shortest: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the hashes of all n-grams of the items and of their first `shortest` words; uint64[k] each."""
    targets = np.concatenate([[0], np.cumsum(numbers)])
    ngrams, beginnings = np.empty(targets[-1], np.uint64), np.empty(targets[-1], np.uint64)
    lengths, targets = fixed(lengths, np.int64), fixed(targets, np.int64)
    _item_ngrams(words.hashes(), words.offsets, lengths, shortest, targets, ngrams, beginnings)
    return ngrams, beginnings


def _indexed(
    names: tuple[str, ...],
    set_of: np.ndarray,
    counts: np.ndarray,
    used: np.ndarray,
    hashes: np.ndarray,
    beginnings: np.ndarray,
    items: np.ndarray,
    lengths: np.ndarray,
) -> NgramTable:
    """Gather the items of each distinct n-gram; the last four arrays hold one entry an occurrence of one, by item."""
    order = np.argsort(hashes, kind="stable")  # so the items of equal n-grams rise
    hashes, items = hashes[order], items[order]
    new = np.ones(len(order), bool)
    new[1:] = (hashes[1:] != hashes[:-1]) | (items[1:] != items[:-1])
    hashes, items, order = hashes[new], items[new], order[new]
    firsts = np.flatnonzero(np.append(True, hashes[1:] != hashes[:-1])[: len(hashes)])
    distinct = hashes[firsts]
    keys, values = _slots(distinct)
    power = max((FILTER_BITS * len(beginnings) // 64).bit_length(), 1)
    return NgramTable(
        names=names,
        set_of=set_of,
        item_words=counts,
        totals=np.bincount(items, minlength=len(set_of)),
        lengths=fixed(used, np.int64),
        length_of=lengths[order][firsts],
        offsets=np.append(firsts, len(items)).astype(np.int64),
        items=items,
        beginnings=_filter(beginnings, power),
        wholes=_filter(distinct, power),
        shift=np.uint64(64 - power),
        keys=keys,
        values=values,
    )


def _slots(ngrams: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return keys and values of the hash table, at most half full."""
    slots = 1 << (2 * len(ngrams)).bit_length()
    keys, values = np.zeros(slots, np.uint64), np.zeros(slots, np.int64)
    _fill(fixed(ngrams, np.uint64), keys, values)
    return fixed(keys, np.uint64), fixed(values, np.int64)


def _filter(hashes: np.ndarray, power: int) -> np.ndarray:
    """Return a filter of 2**power words."""
    bits = np.zeros(1 << power, np.uint64)
    _set_bits(fixed(hashes, np.uint64), np.uint64(64 - power), bits)
    return fixed(bits, np.uint64)


@kernel
def _find(  # type: ignore[no-untyped-def]
    hashes, offsets, lengths, beginnings, wholes, shift, keys, values, places, ngrams
):
    """Fill places and ngrams int64[room]; return how many there are, more than fit where there is no room."""
    shortest, found = lengths[0], np.int64(0)
    highest = np.uint64(1)
    for _ in range(shortest):
        highest *= MULTIPLIER
    for document in range(offsets.size - 1):
        first, last = offsets[document], offsets[document + 1]
        if last - first < shortest:
            continue
        polynomial, leaving = np.uint64(0), np.uint64(0)
        for word in range(first, first + shortest - 1):
            polynomial = polynomial * MULTIPLIER + hashes[word]
        for begin in range(first, last - shortest + 1):
            polynomial = polynomial * MULTIPLIER + hashes[begin + shortest - 1] - leaving
            leaving = hashes[begin] * highest
            if not _passes(beginnings, shift, fold_multiply(polynomial, FINISHER)):
                continue
            longer, word = polynomial, begin + shortest
            for length in lengths:
                if begin + length > last:
                    break
                while word < begin + length:
                    longer = longer * MULTIPLIER + hashes[word]
                    word += 1
                hashed = _whole_hash(longer, length)
                value = values[slot_of(keys, values, hashed)] if _passes(wholes, shift, hashed) else 0
                if value:
                    if found < places.size:
                        places[found], ngrams[found] = begin, value - 1
                    found += 1
    return found


def find(words: Words, table: NgramTable) -> tuple[np.ndarray, np.ndarray]:
    """Find the items' n-grams in n documents.

    Args:
        words: `folded_words` of the documents.
        table: the n-grams.

    Returns:
        For each occurrence its first word, rising, and the number of the n-gram; int64[k] each. Several n-grams of
        different lengths can begin at one word.
    """
    if not table.lengths.size:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    room = max(len(words) // 16, 1 << 10)
    while True:
        places, ngrams = np.empty(room, np.int64), np.empty(room, np.int64)
        filters = table.beginnings, table.wholes, table.shift
        found = int(
            _find(words.hashes(), words.offsets, table.lengths, *filters, table.keys, table.values, places, ngrams)
        )
        if found <= room:
            return places[:found], ngrams[:found]
        room = found
