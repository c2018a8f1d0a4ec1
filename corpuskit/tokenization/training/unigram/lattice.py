"""Sums and maxima over all segmentations of units, in blocks of units that do not depend on the number of threads."""

import math
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np

from corpuskit.kernels import fixed, kernel
from corpuskit.tokenization.training.unigram.pieces import Pieces
from corpuskit.tokenization.training.unigram.units import Units

BLOCKS = 16
"""Parts of the work, each with sums of its own; they are added in order, so that threads change no bit."""
STRETCH = 16
"""Places between two looks at whether probabilities have become too small."""
REACH = 256
"""No piece ends so many places after its start."""
SMALL, GROWTH = 2.0**-200, 2.0**200
"""Probabilities all below the first are multiplied by the second."""


@dataclass(frozen=True, eq=False)
class Corpus:
    """Units, cut into blocks of about equally many symbols, and the threads that work on them."""

    units: Units
    bounds: np.ndarray
    """Block i is the units from `bounds[i]` to `bounds[i + 1]` - 1; int64[BLOCKS + 1]."""
    threads: Executor

    @classmethod
    def of(cls, units: Units, threads: Executor) -> "Corpus":
        """Cut units into blocks."""
        places = np.linspace(0, units.offsets[-1], BLOCKS + 1)
        return cls(units, np.searchsorted(units.offsets, places).astype(np.int64), threads)

    def _blocks(self, work: Callable[[int, int], tuple[np.ndarray, float]]) -> Iterator[tuple[np.ndarray, float]]:
        return iter(self.threads.map(work, self.bounds[:-1].tolist(), self.bounds[1:].tolist()))

    def expectations(self, pieces: Pieces) -> tuple[np.ndarray, float]:
        """Return how often each piece is expected to occur, float64[n], and the log-likelihood of the text in nats."""
        edges = pieces.edges(np.exp(pieces.scores))

        def work(first: int, last: int) -> tuple[np.ndarray, float]:
            expected = np.zeros(len(pieces))
            offsets, weights = self.units.offsets, self.units.weights
            return expected, _expect(offsets, weights, first, last, pieces.longest, edges, expected)

        return self._sum(work, np.zeros(len(pieces)))

    def frequencies(self, pieces: Pieces) -> tuple[np.ndarray, float]:
        """Return how often each piece occurs in the likeliest segmentations, int64[n], and their log-likelihood."""
        edges = pieces.edges(pieces.scores)

        def work(first: int, last: int) -> tuple[np.ndarray, float]:
            found = np.zeros(len(pieces), np.int64)
            offsets, weights = self.units.offsets, self.units.weights
            return found, _segment(offsets, weights, first, last, pieces.longest, edges, found)

        return self._sum(work, np.zeros(len(pieces), np.int64))

    def _sum(self, work: Callable[[int, int], tuple[np.ndarray, float]], total: np.ndarray) -> tuple[np.ndarray, float]:
        likelihood = 0.0
        for values, some in self._blocks(work):
            total += values
            likelihood += some
        return fixed(total, total.dtype), likelihood


@kernel
def _expect(
    offsets: np.ndarray,
    weights: np.ndarray,
    first: int,
    last: int,
    longest: np.ndarray,
    edges: np.ndarray,
    expected: np.ndarray,
) -> float:
    """Add the expected occurrences of pieces in some units; return the units' log-likelihood.

    Probabilities, not their logarithms, are added: forwards into `before`, backwards into `after`. Where all that
    are still of use are small, they are multiplied by a factor that is kept per stretch and applied backwards again.
    """
    room = 1
    for unit in range(first, last):
        room = max(room, offsets[unit + 1] - offsets[unit])
    before, after, factors = np.zeros(room), np.zeros(room), np.ones(room // STRETCH + 1)
    likelihood = 0.0
    for unit in range(first, last):
        start, size = offsets[unit], offsets[unit + 1] - offsets[unit] - 1
        before[: size + 1] = 0.0
        before[0] = 1.0
        logarithm = 0.0
        for place in range(size):
            if place % STRETCH == 0 and place > 0:
                ahead = before[place : min(size + 1, place + REACH)]
                largest = ahead.max()
                factor = 1.0
                while largest * factor < SMALL:
                    factor *= GROWTH
                factors[place // STRETCH] = factor
                if factor > 1.0:
                    logarithm -= math.log(factor)
                    ahead *= factor
            piece = longest[start + place]
            value = before[place]
            while piece >= 0:
                before[place + edges[piece].length] += value * edges[piece].value
                piece = edges[piece].parent
        likelihood += weights[unit] * (logarithm + math.log(before[size]))
        share = weights[unit] / before[size]
        after[size] = 1.0
        for place in range(size - 1, -1, -1):
            value = before[place] * share
            total = 0.0
            piece = longest[start + place]
            while piece >= 0:
                rest = edges[piece].value * after[place + edges[piece].length]
                total += rest
                expected[piece] += value * rest
                piece = edges[piece].parent
            after[place] = total
            if place % STRETCH == 0 and place > 0 and factors[place // STRETCH] > 1.0:
                after[place : min(size + 1, place + REACH)] *= factors[place // STRETCH]
    return likelihood


@kernel
def _segment(
    offsets: np.ndarray,
    weights: np.ndarray,
    first: int,
    last: int,
    longest: np.ndarray,
    edges: np.ndarray,
    found: np.ndarray,
) -> float:
    """Add the occurrences of pieces in the likeliest segmentation of some units; return its log-likelihood."""
    room = 1
    for unit in range(first, last):
        room = max(room, offsets[unit + 1] - offsets[unit])
    best, via = np.empty(room), np.empty(room, np.int32)
    likelihood = 0.0
    for unit in range(first, last):
        start, size = offsets[unit], offsets[unit + 1] - offsets[unit] - 1
        best[: size + 1] = -np.inf
        best[0] = 0.0
        for place in range(size):
            piece = longest[start + place]
            while piece >= 0:
                score = best[place] + edges[piece].value
                end = place + edges[piece].length
                if score > best[end]:
                    best[end], via[end] = score, piece
                piece = edges[piece].parent
        likelihood += weights[unit] * best[size]
        end = size
        while end > 0:
            found[via[end]] += weights[unit]
            end -= edges[via[end]].length
    return likelihood
