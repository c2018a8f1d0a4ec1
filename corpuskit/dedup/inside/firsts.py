"""The first occurrence of each window that occurs more than once, among those of one partition.

Three passes over the occurrences, which may come in any order and are not kept. The first marks two bits of a sketch by
hash; where a window is the only one at its place, it occurs once and is forgotten. The second keeps the first
occurrence and the number of the others' in a table. The third says which are copies. A partition takes 2 to 4 bytes of
sketch for each occurrence, and 80 to 160 bytes of table for each distinct window that occurs more than once, or shares
its place in the sketch (1 of 8 to 16): about 14 bytes an occurrence, 60 where every window occurs twice.
"""

from typing import NamedTuple

import numpy as np

from corpuskit.kernels import fixed, inlined, kernel
from corpuskit.kernels.hashing import MULTIPLIER

CELLS = 8
"""Places of the sketch for each occurrence, at least."""
SMALLEST = 1 << 10
"""Slots of a new table."""
HASH, CHECK, ORDER, PLACE, SEEN = range(5)
"""Columns of the table. SEEN: the split above, the number of occurrences below."""
LOW = np.uint64(0xFFFFFFFF)
HALF = np.uint64(32)
ONE = np.uint64(1)


class Occurrences(NamedTuple):
    """Windows that occur in documents of one split; all uint64[m]."""

    hashes: np.ndarray
    """Equal for equal windows."""
    checks: np.ndarray
    """Equal for equal windows too; zeros where equality is confirmed otherwise."""
    orders: np.ndarray
    """Which document comes first: the smaller number."""
    places: np.ndarray
    """Row within the split, shifted by 32 bits, plus the position of the window's first unit."""


@inlined
def _slot(table, hashed, check):  # type: ignore[no-untyped-def]
    """Return where a window is, or belongs."""
    mask = table.shape[0] - 1
    slot = np.int64((hashed * MULTIPLIER) >> HALF) & mask
    while table[slot, SEEN] & LOW and (table[slot, HASH] != hashed or table[slot, CHECK] != check):
        slot = (slot + 1) & mask
    return slot


@inlined
def _is_marked(sketch, hashed):  # type: ignore[no-untyped-def]
    cell = np.int64(hashed) & (64 * sketch.size - 1)
    return (sketch[cell >> 6] >> np.uint64(cell & 63)) & ONE


@kernel
def _mark(hashes, once, again):  # type: ignore[no-untyped-def]
    """Set the bit of each hash in `once`, and in `again` where it is set already; both uint64[cells / 64]."""
    for occurrence in range(hashes.size):
        cell = np.int64(hashes[occurrence]) & (64 * once.size - 1)
        bit = ONE << np.uint64(cell & 63)
        again[cell >> 6] |= once[cell >> 6] & bit
        once[cell >> 6] |= bit


@kernel
def _note(hashes, checks, orders, places, split, again, table, used, start):  # type: ignore[no-untyped-def]
    """Count the marked occurrences from `start` on and keep the first of each window; return (next, slots used).

    It ends before the last where the table is half full.
    """
    for occurrence in range(start, hashes.size):
        hashed, check = hashes[occurrence], checks[occurrence]
        if not _is_marked(again, hashed):
            continue
        if 2 * used >= table.shape[0]:
            return occurrence, used
        slot = _slot(table, hashed, check)
        order, place = orders[occurrence], places[occurrence]
        seen = table[slot, SEEN] & LOW
        earlier = not seen
        if seen:
            known, before = table[slot, ORDER], table[slot, PLACE]
            position, known_position = place & LOW, before & LOW
            if order != known:
                earlier = order < known
            elif position != known_position:
                earlier = position < known_position
            elif split != table[slot, SEEN] >> HALF:
                earlier = split < table[slot, SEEN] >> HALF
            else:
                earlier = place < before
        else:
            table[slot, HASH], table[slot, CHECK] = hashed, check
            used += 1
        number = min(seen + ONE, LOW)
        if earlier:
            table[slot, ORDER], table[slot, PLACE] = order, place
            table[slot, SEEN] = (split << HALF) | number
        else:
            table[slot, SEEN] = (table[slot, SEEN] & ~LOW) | number
    return hashes.size, used


@kernel
def _move(table, larger):  # type: ignore[no-untyped-def]
    for slot in range(table.shape[0]):
        if table[slot, SEEN] & LOW:
            target = _slot(larger, table[slot, HASH], table[slot, CHECK])
            for column in range(SEEN + 1):
                larger[target, column] = table[slot, column]


@kernel
def _find_copies(hashes, checks, places, split, again, table, rule, slots):  # type: ignore[no-untyped-def]
    """Fill slots int64[m]: where the window of each occurrence that goes lies in the table, -1 for the others."""
    references, own, over = rule
    for occurrence in range(hashes.size):
        slots[occurrence] = -1
        if not _is_marked(again, hashes[occurrence]):
            continue
        slot = _slot(table, hashes[occurrence], checks[occurrence])
        seen = table[slot, SEEN]
        is_copy = table[slot, PLACE] != places[occurrence] or seen >> HALF != split
        goes = own and (seen & LOW > over if over else is_copy)
        if goes or seen >> HALF < references:
            slots[occurrence] = slot


class Rule(NamedTuple):
    """Which occurrences go."""

    references: np.uint64 = np.uint64(0)
    """All of a window whose first one lies in a split below this one."""
    own: bool = True
    """Also others, which `over` says."""
    over: np.uint64 = np.uint64(0)
    """0: all but the first one of a window; else all, of a window with more than so many."""


EVERY_COPY = Rule()
"""All but the first of each window go."""


class Firsts:
    """Finds the first occurrences: `see` all batches, then `note` all, then ask for the `copies` of each."""

    def __init__(self, occurrences: int) -> None:
        """Begin with an empty sketch for so many occurrences."""
        cells = 1 << max(6, (CELLS * occurrences - 1).bit_length())
        self._once, self._again = np.zeros(cells // 64, np.uint64), np.zeros(cells // 64, np.uint64)
        self._table = np.zeros((SMALLEST, SEEN + 1), np.uint64)
        self._used = 0

    def see(self, hashes: np.ndarray) -> None:
        """Take note of the hashes (uint64[m]) of a batch: first pass."""
        _mark(fixed(hashes, np.uint64), self._once, self._again)

    def note(self, occurrences: Occurrences, split: int) -> None:
        """Take note of the occurrences of a batch of a split: second pass."""
        arrays = [fixed(array, np.uint64) for array in occurrences]
        done = 0
        while done < arrays[0].size:
            done, self._used = _note(*arrays, np.uint64(split), self._again, self._table, self._used, done)
            if done < arrays[0].size:
                larger = np.zeros((2 * len(self._table), SEEN + 1), np.uint64)
                _move(self._table, larger)
                self._table = larger

    def copies(self, occurrences: Occurrences, split: int, rule: Rule = EVERY_COPY) -> tuple[np.ndarray, np.ndarray]:
        """Return (which occurrences of a batch go, int64[c]; where their windows lie in the table, int64[c]).

        Args:
            occurrences: a batch that was noted.
            split: its split.
            rule: which go.
        """
        hashes, checks, _, places = (fixed(array, np.uint64) for array in occurrences)
        slots = np.empty(hashes.size, np.int64)
        _find_copies(hashes, checks, places, np.uint64(split), self._again, self._table, rule, slots)
        found = np.flatnonzero(slots >= 0)
        return found, slots[found]

    def first(self, slots: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return (split uint32[c], place uint64[c]) of the first occurrences of windows by their place in the table."""
        return (self._table[slots, SEEN] >> HALF).astype(np.uint32), self._table[slots, PLACE]
