"""The merge loop of BPE and WordPiece: which two neighbouring tokens become one, again and again.

A word is a run of cells, one per symbol of the alphabet. The first and the last cell of a token hold its id, those
between are `INSIDE`, and `CUT` parts words; so a token's neighbours are found without links. Every merge is done
wherever its pair stands, left to right. From this follow two facts that keep the loop short:

- All tokens that one merge makes are new, so a pair occurs nowhere before the newer of its two tokens is made: the
  places of a pair are written once, in rising order, and from then on its count can only fall.
- A pair that spells an existing token spells one that occurs nowhere: else it would have been merged here too.
"""

from typing import NamedTuple

import numpy as np

from corpuskit.kernels import inlined, kernel
from corpuskit.kernels.hashing import MULTIPLIER

CUT, INSIDE = -1, -2
HALF = np.uint64(32)
LOW = np.uint64(0xFFFFFFFF)
BLOCK_BITS = 9
"""Of every 2**9 pairs the best is kept, or a bound for it: finding the best of all reads one number per block."""
UNKNOWN = np.int64(2**63 - 1)
"""Bound for the counts of a block that has not been looked at."""


class Cells(NamedTuple):
    """The words of a corpus as symbols.

    Attributes:
        ids: int32[n_cells]: ids of tokens, CUT between words and at both ends.
        words: which word a cell belongs to; uint32[n_cells].
        counts: how often each word occurs; int64[n_words].
        spelling: the symbol in each cell, from 1 on in the order of their UTF-8; int32[n_cells], or empty if not asked.
    """

    ids: np.ndarray
    words: np.ndarray
    counts: np.ndarray
    spelling: np.ndarray


class Pairs(NamedTuple):
    """Pairs of neighbouring tokens, in the order in which they were found, and a table that finds them.

    Attributes:
        keys: left id << 32 | right id; uint64[capacity].
        ties: what decides between equal counts, smallest first; uint64[capacity].
        counts: int64[capacity]; 0 or less if the pair may not be merged (any more).
        starts: where its places begin; int64[capacity].
        sizes: how many places; uint32[capacity].
        slots: number of a pair plus 1, or 0; uint32[2 * capacity], a power of 2.
    """

    keys: np.ndarray
    ties: np.ndarray
    counts: np.ndarray
    starts: np.ndarray
    sizes: np.ndarray
    slots: np.ndarray


class Around(NamedTuple):
    """What stands left (row 0) and right (row 1) of the places of a merge, by id; zeros between merges.

    Attributes:
        counts, sizes: int64[2, room]; sizes: places, and then where the next place of the new pair goes, or -1.
        found: the ids that occur; int32[2, room].
    """

    counts: np.ndarray
    sizes: np.ndarray
    found: np.ndarray


@inlined
def _slot(keys, slots, key):  # type: ignore[no-untyped-def]
    """Return the slot of a pair: where its number is, or where it belongs."""
    mask = np.uint64(slots.size - 1)
    mixed = key * MULTIPLIER
    slot = (mixed ^ (mixed >> HALF)) & mask
    while slots[slot] and keys[slots[slot] - 1] != key:
        slot = (slot + np.uint64(1)) & mask
    return slot


@kernel
def _with_room(pairs, n_pairs, size):  # type: ignore[no-untyped-def]
    """Return the first `n_pairs` pairs with room for `size` at least."""
    capacity = 1 << 12
    while capacity < size:
        capacity *= 2
    keys, ties = np.empty(capacity, np.uint64), np.empty(capacity, np.uint64)
    counts, starts = np.zeros(capacity, np.int64), np.empty(capacity, np.int64)
    sizes, slots = np.empty(capacity, np.uint32), np.zeros(2 * capacity, np.uint32)
    for pair in range(n_pairs):
        keys[pair], ties[pair], counts[pair] = pairs.keys[pair], pairs.ties[pair], pairs.counts[pair]
        starts[pair], sizes[pair] = pairs.starts[pair], pairs.sizes[pair]
        slots[_slot(keys, slots, keys[pair])] = pair + 1
    return Pairs(keys, ties, counts, starts, sizes, slots)


@inlined
def _find(pairs, left, right):  # type: ignore[no-untyped-def]
    """Return the number of a pair, or -1."""
    key = (np.uint64(left) << HALF) | np.uint64(right)
    return np.int64(pairs.slots[_slot(pairs.keys, pairs.slots, key)]) - 1


@inlined
def _add(pairs, pair, left, right):  # type: ignore[no-untyped-def]
    """Enter a pair as number `pair`, without places, ties decided by ids."""
    key = (np.uint64(left) << HALF) | np.uint64(right)
    pairs.keys[pair] = pairs.ties[pair] = key
    pairs.counts[pair], pairs.sizes[pair] = 0, 0
    pairs.slots[_slot(pairs.keys, pairs.slots, key)] = pair + 1


@inlined
def _parts(pairs, pair):  # type: ignore[no-untyped-def]
    return np.int64(pairs.keys[pair] >> HALF), np.int64(pairs.keys[pair] & LOW)


@inlined
def _length(lengths, pairs, pair):  # type: ignore[no-untyped-def]
    left, right = _parts(pairs, pair)
    return np.int64(lengths[left]) + lengths[right]


@inlined
def _set_tie(cells, lengths, pairs, places, pair):  # type: ignore[no-untyped-def]
    """Let spelling decide: the length of a pair (at most 255), then three symbols of 18 bits, cut where they end."""
    length, place = _length(lengths, pairs, pair), places[pairs.starts[pair]]
    tie = np.uint64(min(length, 255))
    for index in range(3):
        symbol = np.uint64(cells.spelling[place + index] if index < length else 0)
        tie = (tie << np.uint64(18)) | symbol
    pairs.ties[pair] = tie


@inlined
def _spelled_before(cells, lengths, pairs, places, pair, other):  # type: ignore[no-untyped-def]
    """Say whether a pair with the same tie comes before another one: fewer symbols, else the smaller ones."""
    length, other_length = _length(lengths, pairs, pair), _length(lengths, pairs, other)
    if length != other_length:
        return length < other_length
    place, other_place = places[pairs.starts[pair]], places[pairs.starts[other]]
    for index in range(length):
        if cells.spelling[place + index] != cells.spelling[other_place + index]:
            return cells.spelling[place + index] < cells.spelling[other_place + index]
    return False


@kernel
def count_pairs(cells, used):  # type: ignore[no-untyped-def]
    """Return all pairs of cells side by side and their places, uint32[*]; used: int64[3], as `merge` takes it."""
    empty, none, n_pairs = np.empty(0, np.uint64), np.empty(0, np.int64), np.int64(0)
    pairs = _with_room(
        Pairs(empty, empty, none, none, np.empty(0, np.uint32), np.empty(0, np.uint32)), n_pairs, n_pairs
    )
    pair_at = np.zeros(cells.ids.size, np.uint32)
    for cell in range(cells.ids.size - 1):
        left, right = cells.ids[cell], cells.ids[cell + 1]
        if left < 0 or right < 0:
            continue
        pair = _find(pairs, left, right)
        if pair < 0:
            if n_pairs == pairs.keys.size:
                pairs = _with_room(pairs, n_pairs, n_pairs + 1)
            pair, n_pairs = n_pairs, n_pairs + 1
            _add(pairs, pair, left, right)
        pairs.counts[pair] += cells.counts[cells.words[cell]]
        pairs.sizes[pair] += 1
        pair_at[cell] = pair + 1
    n_places = np.int64(0)
    for pair in range(n_pairs):
        pairs.starts[pair] = n_places
        n_places += pairs.sizes[pair]
    places = np.empty(n_places, np.uint32)
    for cell in range(cells.ids.size - 1):
        if pair_at[cell]:
            places[pairs.starts[pair_at[cell] - 1]] = cell
            pairs.starts[pair_at[cell] - 1] += 1
    for pair in range(n_pairs):
        pairs.starts[pair] -= pairs.sizes[pair]
    used[0], used[1] = n_pairs, n_places
    return pairs, places


@inlined
def _replace(ids, lengths, places, first, last, left, right, merged):  # type: ignore[no-untyped-def]
    """Write `merged` over the pair at `places[first:last]` where it still stands; return the end of those places.

    The places merged move to the front. Of a run of three only the first two merge: then the second place has changed.
    """
    kept = first
    for index in range(first, last):
        place = np.int64(places[index])
        second = place + lengths[left]
        if ids[place] != left or ids[second] != right:
            continue
        ids[second - 1] = ids[second] = INSIDE
        ids[place] = ids[second + lengths[right] - 1] = merged
        places[kept] = place
        kept += 1
    return kept


@inlined
def _note(around, n_found, side, token, count):  # type: ignore[no-untyped-def]
    """Count a neighbour."""
    if around.sizes[side, token] == 0:
        around.found[side, n_found[side]] = token
        n_found[side] += 1
    around.sizes[side, token] += 1
    around.counts[side, token] += count


@inlined
def _look(cells, lengths, places, first, last, merged, around, n_found):  # type: ignore[no-untyped-def]
    """Count the neighbours of the merged tokens at `places[first:last]`; return how often they occur.

    Two merged tokens side by side are one pair: the left one is the neighbour.
    """
    total = np.int64(0)
    n_found[0] = n_found[1] = 0
    for index in range(first, last):
        place = np.int64(places[index])
        count = cells.counts[cells.words[place]]
        before, after = cells.ids[place - 1], cells.ids[place + lengths[merged]]
        if before >= 0:
            _note(around, n_found, 0, before, count)
        if after >= 0 and after != merged:
            _note(around, n_found, 1, after, count)
        total += count
    return total


@inlined
def _write_places(ids, lengths, places, first, last, merged, around):  # type: ignore[no-untyped-def]
    """Write where the new pairs stand; `around.sizes` says where to, or -1."""
    for index in range(first, last):
        place = np.int64(places[index])
        before, after = ids[place - 1], ids[place + lengths[merged]]
        if before >= 0 and around.sizes[0, before] >= 0:
            places[around.sizes[0, before]] = place - lengths[before]
            around.sizes[0, before] += 1
        if after >= 0 and after != merged and around.sizes[1, after] >= 0:
            places[around.sizes[1, after]] = place
            around.sizes[1, after] += 1


@kernel
def merge(cells, lengths, around, pairs, places, used, pair, merged, least, longest):  # type: ignore[no-untyped-def]
    """Merge a pair wherever it stands, and enter the pairs that this makes.

    Args:
        used: int64[3]: the number of pairs and of places; how often the merge was done is written to the third.
        merged: id of the token that the pair becomes; its length is known.
        least: a new pair that occurs less often is left out; 0 enters all, also those that would be too long.
        longest: most symbols of a token.

    Returns:
        Pairs and places, which may be new arrays.
    """
    left, right = _parts(pairs, pair)
    n_found = np.empty(2, np.int64)
    first, last = pairs.starts[pair], pairs.starts[pair] + pairs.sizes[pair]
    last = _replace(cells.ids, lengths, places, first, last, left, right, merged)
    used[2] = _look(cells, lengths, places, first, last, merged, around, n_found)
    if used[0] + n_found[0] + n_found[1] > pairs.keys.size:
        pairs = _with_room(pairs, used[0], used[0] + n_found[0] + n_found[1])
    if used[1] + 2 * (last - first) > places.size:
        places = np.concatenate((places, np.empty(max(places.size, 2 * (last - first)), np.uint32)))
    for side in range(2):
        for index in range(n_found[side]):
            other = np.int64(around.found[side, index])
            new_left, new_right = (other, merged) if side == 0 else (merged, other)
            lost = _find(pairs, right if other == merged else other, left) if side == 0 else _find(pairs, right, other)
            if lost >= 0:
                pairs.counts[lost] -= around.counts[side, other]
            count, size, next_place = around.counts[side, other], around.sizes[side, other], np.int64(-1)
            if least == 0 or (count >= least and lengths[other] + lengths[merged] <= longest):
                next_place = used[1]
                _add(pairs, used[0], new_left, new_right)
                pairs.counts[used[0]], pairs.sizes[used[0]], pairs.starts[used[0]] = count, size, next_place
                used[0] += 1
                used[1] += size
            around.sizes[side, other] = next_place
    pairs.counts[pair] = 0
    _write_places(cells.ids, lengths, places, first, last, merged, around)
    for side in range(2):
        for index in range(n_found[side]):
            around.counts[side, around.found[side, index]] = around.sizes[side, around.found[side, index]] = 0
    return pairs, places


class Blocks(NamedTuple):
    """The best pair of each block of 2**BLOCK_BITS, as it was when it was written: counts may have fallen since."""

    counts: np.ndarray
    """How often it occurs; int64[*]. None of the block occurs more often, or as often and comes before it."""
    best: np.ndarray
    """Its number; int64[*]."""


@inlined
def _enter(cells, lengths, blocks, pairs, places, pair):  # type: ignore[no-untyped-def]
    """Make a pair the best of its block if it is."""
    block, count = pair >> BLOCK_BITS, pairs.counts[pair]
    if count >= max(blocks.counts[block], 1):
        best = blocks.best[block]
        if count > blocks.counts[block] or _before(cells, lengths, pairs, places, pair, best):
            blocks.counts[block], blocks.best[block] = count, pair


@inlined
def _before(cells, lengths, pairs, places, pair, other):  # type: ignore[no-untyped-def]
    """Say whether a pair comes before another one that occurs as often."""
    if pairs.ties[pair] != pairs.ties[other] or pair == other:
        return pairs.ties[pair] < pairs.ties[other]
    return _spelled_before(cells, lengths, pairs, places, pair, other)


@kernel
def _best(cells, lengths, blocks, pairs, places, n_pairs):  # type: ignore[no-untyped-def]
    """Return the pair that occurs most often, or -1 if none may be merged.

    A block that seems best but was written before its best pair's count fell is looked through again.
    """
    while True:
        most = np.int64(0)
        for block in range(blocks.counts.size):
            most = max(most, blocks.counts[block])
        if most == 0:
            return np.int64(-1)
        top = -1
        for block in range(blocks.counts.size):
            if blocks.counts[block] == most:
                best = blocks.best[block]
                if top < 0 or _before(cells, lengths, pairs, places, best, blocks.best[top]):
                    top = block
        if pairs.counts[blocks.best[top]] == most:
            return blocks.best[top]
        blocks.counts[top] = 0
        for pair in range(top << BLOCK_BITS, min((top + 1) << BLOCK_BITS, n_pairs)):
            _enter(cells, lengths, blocks, pairs, places, pair)


@kernel
def learn(cells, lengths, given, size, least, longest, by_spelling):  # type: ignore[no-untyped-def]
    """Merge the pair that occurs most often, until there is no room for another token.

    Args:
        cells: the corpus; `ids` is written to, `spelling` is needed if `by_spelling`.
        lengths: of tokens in symbols; int32[number of tokens wanted], written to from `size` on.
        given: int32[g, 3], left, right, merged: merges that are done first, whatever their counts.
        size: number of tokens there are.
        least: a pair that occurs less often is not merged; 1 or more.
        longest: most symbols of a token that is learnt.
        by_spelling: ties go to the fewest symbols, then the smallest spelling; else to the smallest left, right ids.

    Returns:
        merges int32[m, 3], the given ones first, and how often each was done, int64[m].
    """
    room, none, n_merges = lengths.size, np.int64(0), given.shape[0]
    merges, done = np.empty((n_merges + room - size, 3), np.int32), np.zeros(n_merges + room - size, np.int64)
    around = Around(np.zeros((2, room), np.int64), np.zeros((2, room), np.int64), np.empty((2, room), np.int32))
    used = np.zeros(3, np.int64)
    pairs, places = count_pairs(cells, used)
    for step in range(n_merges):
        merges[step, 0], merges[step, 1], merges[step, 2] = given[step, 0], given[step, 1], given[step, 2]
        pair = _find(pairs, given[step, 0], given[step, 1])
        if pair >= 0:
            merged = np.int64(given[step, 2])
            pairs, places = merge(cells, lengths, around, pairs, places, used, pair, merged, none, longest)
            done[step] = used[2]
    blocks, n_entered = Blocks(np.empty(0, np.int64), np.empty(0, np.int64)), np.int64(0)
    while size < room:
        n_blocks = pairs.keys.size >> BLOCK_BITS
        if n_blocks > blocks.counts.size:
            blocks = Blocks(np.full(n_blocks, UNKNOWN), np.zeros(n_blocks, np.int64))
        for pair in range(n_entered, used[0]):
            if by_spelling:
                _set_tie(cells, lengths, pairs, places, pair)
            if _length(lengths, pairs, pair) > longest:
                pairs.counts[pair] = 0
            _enter(cells, lengths, blocks, pairs, places, pair)
        n_entered = used[0]
        pair = _best(cells, lengths, blocks, pairs, places, n_entered)
        if pair < 0 or pairs.counts[pair] < least:
            break
        left, right = _parts(pairs, pair)
        lengths[size] = lengths[left] + lengths[right]
        pairs, places = merge(cells, lengths, around, pairs, places, used, pair, size, least, longest)
        merges[n_merges, 0], merges[n_merges, 1], merges[n_merges, 2], done[n_merges] = left, right, size, used[2]
        n_merges, size = n_merges + 1, size + 1
    return merges[:n_merges], done[:n_merges]
