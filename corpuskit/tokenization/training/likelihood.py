"""Merges by the likelihood score: count(ab) / (count(a) * count(b)), with the merge loop's cells and pairs.

Unlike a count, this score rises when other merges take away occurrences of a or b. After each merge the pairs that hold
one of its tokens are scored again; chains by token find them.
"""

from typing import NamedTuple

import numpy as np

from corpuskit.kernels import inlined, kernel
from corpuskit.tokenization.training.merges import Around, Cells, Pairs, count_pairs, merge

BLOCK_BITS = 9
"""Of every 2**9 pairs the best is kept, or a bound for it."""
HALF = np.uint64(32)
LOW = np.uint64(0xFFFFFFFF)


class Scores(NamedTuple):
    """Scores of pairs, and chains of the pairs that begin (row 0) or end (row 1) with a token.

    Attributes:
        scores: float64[capacity]; 0 for a pair that may not be merged.
        nexts: the next pair in the chain, or -1; int64[2, capacity].
        heads: the first pair of each token's chain, or -1; int64[2, room].
        counts: how often each token occurs; int64[room].
        block_scores: float64[capacity >> BLOCK_BITS]; no pair of the block has more.
        block_best: the pair that had it; int64[capacity >> BLOCK_BITS].
    """

    scores: np.ndarray
    nexts: np.ndarray
    heads: np.ndarray
    counts: np.ndarray
    block_scores: np.ndarray
    block_best: np.ndarray


@inlined
def _enter(table, keys, pair):  # type: ignore[no-untyped-def]
    """Make a pair the best of its block if it is: by score, then the smallest left id, then the smallest right id."""
    block, score = pair >> BLOCK_BITS, table.scores[pair]
    best, highest = table.block_best[block], table.block_scores[block]
    if score > highest or (score == highest and score > 0 and keys[pair] < keys[best]):
        table.block_scores[block], table.block_best[block] = score, pair


@kernel
def _link(table, keys, first, last):  # type: ignore[no-untyped-def]
    """Add the pairs from `first` to `last` - 1 to the chains of their tokens."""
    for pair in range(first, last):
        for side in range(2):
            token = np.int64(keys[pair] >> HALF if side == 0 else keys[pair] & LOW)
            table.nexts[side, pair] = table.heads[side, token]
            table.heads[side, token] = pair


@kernel
def _rescore(table, keys, pair_counts, token, least):  # type: ignore[no-untyped-def]
    """Score the pairs that hold a token; take those that occur less than `least` out of its chains."""
    for side in range(2):
        before, pair = np.int64(-1), table.heads[side, token]
        while pair >= 0:
            after = table.nexts[side, pair]
            if pair_counts[pair] < least:
                table.scores[pair] = 0.0
                if before < 0:
                    table.heads[side, token] = after
                else:
                    table.nexts[side, before] = after
            else:
                left, right = np.int64(keys[pair] >> HALF), np.int64(keys[pair] & LOW)
                table.scores[pair] = pair_counts[pair] / (np.float64(table.counts[left]) * table.counts[right])
                _enter(table, keys, pair)
                before = pair
            pair = after


@kernel
def _best(table, keys, n_pairs):  # type: ignore[no-untyped-def]
    """Return the pair with the highest score, or -1; a block whose best pair's score has changed is looked through."""
    while True:
        top = 0
        for block in range(1, table.block_scores.size):
            score, highest = table.block_scores[block], table.block_scores[top]
            if score > highest or (score == highest and keys[table.block_best[block]] < keys[table.block_best[top]]):
                top = block
        if table.block_scores[top] == 0:
            return np.int64(-1)
        if table.scores[table.block_best[top]] == table.block_scores[top]:
            return table.block_best[top]
        table.block_scores[top] = 0.0
        for pair in range(top << BLOCK_BITS, min((top + 1) << BLOCK_BITS, n_pairs)):
            _enter(table, keys, pair)


def learn_by_likelihood(
    cells: Cells, lengths: np.ndarray, size: int, least: int, longest: int
) -> tuple[np.ndarray, np.ndarray]:
    """Merge the pair with the highest score count(ab) / (count(a) * count(b)), until there is no room for a token.

    Scores are float64; of equal ones the smallest left id comes first, then the smallest right id.

    Args:
        cells: the corpus; `ids` is written to.
        lengths: of tokens in symbols; int32[number of tokens wanted], written to from `size` on.
        size: number of tokens there are.
        least: a pair that occurs less often is not merged; 1 or more.
        longest: most symbols of a token that is learnt.

    Returns:
        merges int32[m, 3], left, right, merged, and how often each was done, int64[m].
    """
    room, used = lengths.size, np.zeros(3, np.int64)
    around = Around(np.zeros((2, room), np.int64), np.zeros((2, room), np.int64), np.empty((2, room), np.int32))
    pairs, places = count_pairs(cells, used)
    _leave_out(pairs, int(used[0]), lengths, longest)
    table = _table(pairs.keys.size, np.full((2, room), -1, np.int64), _token_counts(cells, room))
    pair = _begin(table, pairs.keys, pairs.counts, used[0], size, least)
    merges, done = [], []
    while size < room and pair >= 0:
        left, right = divmod(int(pairs.keys[pair]), 1 << 32)
        lengths[size] = lengths[left] + lengths[right]
        n_pairs, capacity = used[0], pairs.keys.size
        pairs, places = merge(cells, lengths, around, pairs, places, used, pair, size, least, longest)
        merges.append((left, right, size))
        done.append(int(used[2]))
        if pairs.keys.size > capacity:
            table = _longer(table, pairs.keys.size)
        pair = _next(table, pairs.keys, pairs.counts, n_pairs, used, left, right, size, least)
        size += 1
    return np.array(merges, np.int32).reshape(-1, 3), np.array(done, np.int64)


@kernel
def _begin(table, keys, pair_counts, n_pairs, size, least):  # type: ignore[no-untyped-def]
    """Score all pairs and return the best, or -1."""
    _link(table, keys, 0, n_pairs)
    for token in range(size):
        _rescore(table, keys, pair_counts, token, least)
    return _best(table, keys, n_pairs)


@kernel
def _next(table, keys, pair_counts, n_pairs, used, left, right, merged, least):  # type: ignore[no-untyped-def]
    """Return the best pair after a merge, or -1; n_pairs: before it; used: as `merge` left it."""
    table.counts[left] -= used[2]
    table.counts[right] -= used[2]
    table.counts[merged] = used[2]
    _link(table, keys, n_pairs, used[0])
    for token in (left, right, merged):
        _rescore(table, keys, pair_counts, token, least)
    return _best(table, keys, used[0])


def _leave_out(pairs: Pairs, n_pairs: int, lengths: np.ndarray, longest: int) -> None:
    """Let pairs that would be too long never be merged."""
    keys = pairs.keys[:n_pairs]
    pairs.counts[:n_pairs][lengths[keys >> HALF] + lengths[keys & LOW] > longest] = 0


def _token_counts(cells: Cells, room: int) -> np.ndarray:
    """Return how often each symbol occurs; int64[room]."""
    counts = np.zeros(room, np.int64)
    used = cells.ids >= 0
    np.add.at(counts, cells.ids[used], cells.counts[cells.words[used]])
    return counts


def _table(capacity: int, heads: np.ndarray, counts: np.ndarray) -> Scores:
    """Return a table without scores."""
    n_blocks = capacity >> BLOCK_BITS
    nexts = np.full((2, capacity), -1, np.int64)
    return Scores(np.zeros(capacity), nexts, heads, counts, np.zeros(n_blocks), np.zeros(n_blocks, np.int64))


def _longer(table: Scores, capacity: int) -> Scores:
    """Return a table with room for more pairs."""
    longer = _table(capacity, table.heads, table.counts)
    longer.scores[: table.scores.size] = table.scores
    longer.nexts[:, : table.scores.size] = table.nexts
    longer.block_scores[: table.block_scores.size] = table.block_scores
    longer.block_best[: table.block_best.size] = table.block_best
    return longer
