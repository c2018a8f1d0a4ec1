"""The pieces that training begins with: substrings of units, weighted by how often the units occur.

Of substrings that always go on with the same character only the longest is a seed, as in SentencePiece: the others
occur as often and are shorter. Unlike there, the end of a word is not a character: a word that occurs often and in no
other word is a seed.
"""

import numpy as np

from corpuskit.kernels import fixed, kernel
from corpuskit.tokenization.training.unigram.pieces import Pieces
from corpuskit.tokenization.training.unigram.suffixes import common_prefixes, sort_suffixes
from corpuskit.tokenization.training.unigram.units import Units

LEAST = 2
"""Occurrences of a seed."""


def seed_pieces(units: Units, n_symbols: int, space: int, max_chars: int, most: int) -> Pieces:
    """Return all single characters, and the substrings that make up the most of the text.

    Args:
        units: the text.
        n_symbols: the largest symbol.
        space: the symbol of U+0020; a seed may begin with one, and spaces alone may be a seed.
        max_chars: symbols of a seed, 1 to 254.
        most: seeds that are not single characters, 1 or more.

    Returns:
        Pieces whose scores are the logarithms of occurrences times length, normalized: what SentencePiece begins with.
    """
    depth = max_chars + 1
    owners = units.owners()
    order = sort_suffixes(units, owners, n_symbols, depth)
    shared, own = common_prefixes(units, order, depth)
    weights = units.weights[owners[order]]
    arrays = units.symbols, order, shared, own, weights, space, max_chars
    empty = np.empty(0, np.int32)
    n = _branches(*arrays, empty, empty, empty, np.empty(0, np.int64))
    starts, stops, lengths = (np.empty(n, np.int32) for _ in range(3))
    totals = np.empty(n, np.int64)
    _branches(*arrays, starts, stops, lengths, totals)
    chosen = _chosen(totals * lengths, starts, lengths, most)
    singles = _singles(units, order, weights, n_symbols)
    starts, stops, lengths, totals = (
        np.concatenate([single, array[chosen]])
        for single, array in zip(singles, (starts, stops, lengths, totals), strict=True)
    )
    return _linked(order, units.symbols.size, starts, stops, lengths, totals * lengths)


def _chosen(values: np.ndarray, starts: np.ndarray, lengths: np.ndarray, most: int) -> np.ndarray:
    """Return the numbers of the `most` seeds of the largest values; of equal ones those that are first by symbols."""
    if values.size <= most:
        return np.arange(values.size)
    bound = np.partition(values, values.size - most)[values.size - most]
    above, equal = np.flatnonzero(values > bound), np.flatnonzero(values == bound)
    first = equal[np.lexsort((lengths[equal], starts[equal]))]
    return np.concatenate([above, first[: most - above.size]])


def _singles(units: Units, order: np.ndarray, weights: np.ndarray, n_symbols: int) -> tuple[np.ndarray, ...]:
    """Return starts, stops, lengths and totals, as `_branches` does, of the single symbols that occur."""
    first = units.symbols[order]
    stops = np.cumsum(np.bincount(first, minlength=n_symbols + 1))
    starts = np.concatenate([[0], stops[:-1]])
    before = np.concatenate([[0], np.cumsum(weights)])
    there = stops > starts
    starts, stops = starts[there], stops[there]
    lengths = np.ones(starts.size, np.int32)
    return starts.astype(np.int32), stops.astype(np.int32), lengths, before[stops] - before[starts]


@kernel
def _branches(
    symbols: np.ndarray,
    order: np.ndarray,
    shared: np.ndarray,
    own: np.ndarray,
    weights: np.ndarray,
    space: int,
    max_chars: int,
    starts: np.ndarray,
    stops: np.ndarray,
    lengths: np.ndarray,
    totals: np.ndarray,
) -> int:
    """Write the seeds, if there is room for any: the sorted suffixes that begin with each, its length, occurrences.

    They are the nodes of the tree of suffixes, in which a suffix that ends is a node too.
    """
    size = 0
    depths, begins, sums = np.zeros(257, np.int64), np.zeros(257, np.int64), np.zeros(257, np.int64)
    top = 0
    for rank in range(order.size + 1):
        common = np.int64(shared[rank]) if rank < order.size else 0
        begin, carried = rank, 0
        while depths[top] > common:
            begin, carried, length = begins[top], carried + sums[top], depths[top]
            top -= 1
            if length < 2 or length > max_chars or carried < LEAST:
                continue
            place = order[begin]
            if symbols[place] == space and symbols[place + 1] == space and symbols[place + length - 1] != space:
                continue
            if starts.size:
                starts[size], stops[size], lengths[size], totals[size] = begin, rank, length, carried
            size += 1
        if depths[top] < common:
            top += 1
            depths[top], begins[top], sums[top] = common, begin, 0
        sums[top] += carried
        if rank == order.size:
            break
        if np.int64(own[rank]) > depths[top]:
            top += 1
            depths[top], begins[top], sums[top] = own[rank], rank, 0
        sums[top] += weights[rank]
    return size


def _linked(
    order: np.ndarray, n_places: int, starts: np.ndarray, stops: np.ndarray, lengths: np.ndarray, values: np.ndarray
) -> Pieces:
    """Sort pieces by their symbols and find what each begins with, and the longest at each place."""
    sequence = np.lexsort((lengths, starts))
    starts, stops, lengths = (fixed(array[sequence], np.int32) for array in (starts, stops, lengths))
    parents, longest = np.full(starts.size, -1, np.int32), np.full(n_places, -1, np.int32)
    _link(order, starts, stops, parents, longest)
    scores = np.log(values[sequence]) - np.log(float(values.sum(dtype=np.float64)))
    places, scores = fixed(order[starts], np.int32), fixed(scores, np.float64)
    return Pieces(places, lengths, fixed(parents, np.int32), fixed(longest, np.int32), scores)


@kernel
def _link(order: np.ndarray, starts: np.ndarray, stops: np.ndarray, parents: np.ndarray, longest: np.ndarray) -> None:
    size = 0
    top = -1  # the piece that is open: the suffixes from its start on begin with it
    for rank in range(order.size):
        while top >= 0 and stops[top] <= rank:
            top = parents[top]
        while size < starts.size and starts[size] == rank:
            parents[size] = top
            top = size
            size += 1
        longest[order[rank]] = top
