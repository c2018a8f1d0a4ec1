"""`WordTable`: counts the words of batch after batch in an open-addressing hash table.

A slot holds four uint64: the first two are the bytes of a word of up to 15 and its length (in the highest byte), the
third is its count. Of a longer word they are its hash and its place in the table's store of bytes, and the fourth is
its length. Words are told apart by all their bytes, so no collision of hashes is ever taken for equality.
"""

import numpy as np

from corpuskit.errors import InputError
from corpuskit.kernels.compiling import fixed, inlined, kernel
from corpuskit.kernels.hashing import hash_span
from corpuskit.kernels.intrinsics import fold_multiply, load64
from corpuskit.kernels.spans import Spans
from corpuskit.tokenization.counts.order import bytes_of, ordered_words
from corpuskit.tokenization.counts.words import WordCounts

LONGEST_WORD = 1 << 14
"""Bytes; longer words are cut, between characters, into words of so many or up to 3 fewer.

No token is nearly as long, and a run of ten million equal characters becomes one word that occurs often.
"""

FIELDS = np.uint64(4)
"""uint64 of a slot."""
SHORT = 15
"""Most bytes of a word that is held in its slot."""
LENGTH_SHIFT, LONG = np.uint64(56), np.uint64(16)
"""Where a slot's second field holds a length; what it holds there of a word that is not in its slot."""
PLACE_BITS = np.uint64((1 << 56) - 1)
ZERO, ONE, TWO, THREE = np.uint64(0), np.uint64(1), np.uint64(2), np.uint64(3)
EIGHT = np.uint64(8)
ALL_BITS = np.uint64(0xFFFFFFFFFFFFFFFF)
FIRST_FACTOR, SECOND_FACTOR = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xD6E8FEB86659FD93)
"""Odd numbers with well-spread bits."""
FIRST_SLOTS, FIRST_STORE = 1 << 16, 1 << 16
MAX_MEMORY = 8 << 30
"""Bytes that a table may take unless told otherwise: some 60 million different words."""
MAX_COUNT = (1 << 63) - 1
UNWEIGHTED = fixed(np.empty(0), np.int64)


@inlined
def _short_key(data, start, length):  # type: ignore[no-untyped-def]
    """Return the two fields of a slot that hold a word of up to SHORT bytes."""
    if start + 16 <= data.size:
        low, high = load64(data, start), load64(data, start + 8)
        low &= ALL_BITS >> (EIGHT * np.uint64(max(8 - length, 0)))
        high &= (ONE << (EIGHT * np.uint64(max(length - 8, 0)))) - ONE
    else:
        low = high = ZERO
        for place in range(length):
            byte = np.uint64(data[start + place])
            if place < 8:
                low |= byte << (EIGHT * np.uint64(place))
            else:
                high |= byte << (EIGHT * np.uint64(place - 8))
    return low, high | (np.uint64(length) << LENGTH_SHIFT)


@inlined
def _hash_short(low, high):  # type: ignore[no-untyped-def]
    return fold_multiply(low ^ FIRST_FACTOR, high ^ SECOND_FACTOR)


@inlined
def _is_at(store, place, data, start, length):  # type: ignore[no-untyped-def]
    """Whether `length` bytes, 8 or more, are the same."""
    offset = np.int64(0)
    while offset + 8 < length:
        if load64(store, place + offset) != load64(data, start + offset):
            return False
        offset += 8
    return load64(store, place + length - 8) == load64(data, start + length - 8)


@kernel
def _add(data, starts, ends, weights, first, longest, room, slots, shift, store, used):  # type: ignore[no-untyped-def]
    """Count the words from number `first` on; return the number of the first that was not counted.

    weights: int64[m], or empty: each counts once. room: most words the slots may hold. used: int64[3]: words, bytes of
    the store, occurrences. It stops where there is no room, and before a word of more than `longest` bytes.
    """
    last = np.uint64(slots.size // 4 - 1)
    words, stored, occurrences = used[0], used[1], used[2]
    weight = ONE
    span = first
    while span < starts.size and words < room:
        start = starts[span]
        length = ends[span] - start
        if length == 0:
            span += 1
            continue
        if weights.size:
            weight = np.uint64(weights[span])
        if length <= SHORT:
            low, high = _short_key(data, start, length)
            slot = _hash_short(low, high) >> shift
            while True:
                at = slot * FIELDS
                second = slots[at + ONE]
                if second == high and slots[at] == low:
                    break
                if second == ZERO:
                    slots[at], slots[at + ONE] = low, high
                    words += 1
                    break
                slot = (slot + ONE) & last
        else:
            if length > longest:
                break
            low = hash_span(data, start, start + length, ZERO)
            slot = low >> shift
            while True:
                at = slot * FIELDS
                second = slots[at + ONE]
                alike = second >> LENGTH_SHIFT == LONG and slots[at] == low and slots[at + THREE] == np.uint64(length)
                if alike and _is_at(store, np.int64(second & PLACE_BITS), data, start, length):
                    break
                if second == ZERO:
                    break
                slot = (slot + ONE) & last
            if second == ZERO:
                if stored + length > store.size:
                    break
                for offset in range(length):
                    store[stored + offset] = data[start + offset]
                slots[at], slots[at + ONE] = low, (LONG << LENGTH_SHIFT) | np.uint64(stored)
                slots[at + THREE] = np.uint64(length)
                stored += length
                words += 1
        slots[at + TWO] += weight
        occurrences += np.int64(weight)
        span += 1
    used[0], used[1], used[2] = words, stored, occurrences
    return span


@kernel
def _rehash(slots, larger, shift):  # type: ignore[no-untyped-def]
    last = np.uint64(larger.size // 4 - 1)
    for old in range(0, slots.size, 4):
        low, high = slots[old], slots[old + 1]
        if high == ZERO:
            continue
        slot = (low if high >> LENGTH_SHIFT == LONG else _hash_short(low, high)) >> shift
        while larger[slot * FIELDS + ONE] != ZERO:
            slot = (slot + ONE) & last
        at = slot * FIELDS
        larger[at], larger[at + ONE] = low, high
        larger[at + TWO], larger[at + THREE] = slots[old + 2], slots[old + 3]


@inlined
def _word_length(slots, at):  # type: ignore[no-untyped-def]
    length = slots[at + 1] >> LENGTH_SHIFT
    return np.int64(slots[at + 3] if length == LONG else length)


@kernel
def _measure(slots):  # type: ignore[no-untyped-def]
    """Return the bytes of all words."""
    size = np.int64(0)
    for at in range(0, slots.size, 4):
        size += _word_length(slots, at)
    return size


@kernel
def _write(slots, store, data, offsets, counts):  # type: ignore[no-untyped-def]
    """Write the words in the order of their slots: data uint8[n_bytes], offsets int64[n + 1], counts int64[n]."""
    word = end = np.int64(0)
    offsets[0] = 0
    for at in range(0, slots.size, 4):
        length = _word_length(slots, at)
        if length == 0:
            continue
        if length > SHORT:
            place = np.int64(slots[at + 1] & PLACE_BITS)
            for offset in range(length):
                data[end + offset] = store[place + offset]
        else:
            for offset in range(length):
                data[end + offset] = (slots[at + (offset >> 3)] >> np.uint64(8 * (offset & 7))) & np.uint64(0xFF)
        end += length
        counts[word] = np.int64(slots[at + 2])
        word += 1
        offsets[word] = end


@kernel
def _cut_long(data, starts, ends, first, cut_starts, cut_ends):  # type: ignore[no-untyped-def]
    """Write the spans from `first` on, long ones in parts; return their number. Counts only where there is no room."""
    count = np.int64(0)
    for span in range(first, starts.size):
        start = starts[span]
        while True:
            stop = ends[span]
            if stop - start > LONGEST_WORD:
                stop = start + LONGEST_WORD
                while stop > start + LONGEST_WORD - 3 and data[stop] & 0xC0 == 0x80:
                    stop -= 1
            if cut_starts.size:
                cut_starts[count], cut_ends[count] = start, stop
            count += 1
            start = stop
            if stop == ends[span]:
                break
    return count


def _empty_slots(count: int) -> np.ndarray:
    """Return zeroed slots, uint64[4 * count]; none lies across two cache lines."""
    slots = np.zeros(4 * count + 7, np.uint64)
    skipped = -(slots.ctypes.data // 8) % 8
    return slots[skipped : skipped + 4 * count]


class WordTable:
    """Counts words of any number of batches.

    Attributes:
        words: different words so far.
        occurrences: occurrences of all of them.
    """

    def __init__(self, max_memory: int = MAX_MEMORY) -> None:
        """Make an empty table that may take `max_memory` bytes."""
        self.words, self.occurrences = 0, 0
        self._max_memory = max_memory
        self._slots, self._store = _empty_slots(FIRST_SLOTS), np.empty(FIRST_STORE, np.uint8)
        self._used = np.zeros(3, np.int64)

    def add(self, spans: Spans) -> None:
        """Count each span as a word; empty ones are skipped, those over LONGEST_WORD cut.

        Raises:
            InputError: the different words take more memory than the table may.
        """
        starts, ends = spans.starts, spans.ends
        first = self._add(spans.data, starts, ends, UNWEIGHTED, LONGEST_WORD)
        if first < starts.size:  # a word is too long
            nothing = np.empty(0, np.int64)
            n_parts = _cut_long(spans.data, starts, ends, first, nothing, nothing)
            parts = np.empty(n_parts, np.int64), np.empty(n_parts, np.int64)
            _cut_long(spans.data, starts, ends, first, *parts)
            self._add(spans.data, fixed(parts[0], np.int64), fixed(parts[1], np.int64), UNWEIGHTED, LONGEST_WORD)

    def add_counts(self, counts: WordCounts) -> None:
        """Count each word as often as it was counted.

        Raises:
            InputError: as `add`; or more than 2**63 - 1 occurrences in all.
        """
        total = self.occurrences + counts.total
        if total > MAX_COUNT:
            raise InputError(f"{total:,} occurrences of words do not fit into 64 bits")
        data, offsets = bytes_of(counts.words)
        self._add(data, offsets[:-1], offsets[1:], fixed(counts.counts, np.int64), MAX_COUNT)

    def counts(self) -> WordCounts:
        """Return the words in the order of their bytes, with their counts."""
        data, offsets = np.empty(_measure(self._slots), np.uint8), np.empty(self.words + 1, np.int64)
        counts = np.empty(self.words, np.int64)
        _write(self._slots, self._store, data, offsets, counts)
        return ordered_words(fixed(data, np.uint8), fixed(offsets, np.int64), fixed(counts, np.int64))

    def _add(self, data: np.ndarray, starts: np.ndarray, ends: np.ndarray, weights: np.ndarray, longest: int) -> int:
        """Count words up to the first that is longer than `longest`; return its number, or that of all words."""
        first = 0
        while True:
            size = self._slots.size // 4
            shift = np.uint64(65 - size.bit_length())
            first = _add(
                data, starts, ends, weights, first, longest, size // 2, self._slots, shift, self._store, self._used
            )
            self.words, self.occurrences = int(self._used[0]), int(self._used[2])
            if first == starts.size or ends[first] - starts[first] > longest:
                break
            if self.words >= size // 2:
                self._grow_slots()
            else:
                self._grow_store(int(ends[first] - starts[first]))
        return first

    def _grow_slots(self) -> None:
        self._check_memory(2 * self._slots.nbytes + self._store.nbytes)
        larger = _empty_slots(self._slots.size // 2)
        _rehash(self._slots, larger, np.uint64(65 - (larger.size // 4).bit_length()))
        self._slots = larger

    def _grow_store(self, missing: int) -> None:
        size = 2 * self._store.size + missing
        self._check_memory(self._slots.nbytes + size)
        larger = np.empty(size, np.uint8)
        larger[: self._used[1]] = self._store[: self._used[1]]
        self._store = larger

    def _check_memory(self, needed: int) -> None:
        if needed <= self._max_memory:
            return
        raise InputError(
            f"{self.words:,} different words among {self.occurrences:,} so far: their table would take "
            f"{needed / 1e9:.1f} GB and may take {self._max_memory / 1e9:.1f}. Words that hardly repeat train no "
            "tokenizer: choose a pre-tokenizer that parts them more (gpt2 rather than metaspace for languages without "
            "spaces), count smaller splits and merge them with a minimum count, or give more memory."
        )
