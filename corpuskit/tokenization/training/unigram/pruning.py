"""Which pieces to give up: those whose loss costs the least likelihood (Kudo 2018, section 3.2).

Without a piece, each of its occurrences in the likeliest segmentations becomes the likeliest sequence of other
pieces. The loss is estimated as SentencePiece does, by the change of these counts alone.
"""

import math

import numpy as np

from corpuskit.kernels import fixed, kernel
from corpuskit.tokenization.training.unigram.lattice import BLOCKS, Corpus
from corpuskit.tokenization.training.unigram.pieces import Pieces

REACH = 256
"""No piece has so many symbols."""


def least_missed(corpus: Corpus, pieces: Pieces, size: int) -> np.ndarray:
    """Return which pieces to keep: single characters, and of the others those whose loss is the largest; bool[n].

    Args:
        corpus: the text.
        pieces: the pieces with their scores.
        size: how many to keep, the single characters included. Of equal losses, 0 for each piece that the likeliest
            segmentations do not use, the higher score stays, then the piece that is first by symbols.
    """
    return _first(np.lexsort((-pieces.scores, -losses_of(corpus, pieces))), size)


def likeliest(pieces: Pieces, size: int) -> np.ndarray:
    """Return which pieces to keep: single characters, and of the others those of the highest scores; bool[n].

    So SentencePiece makes its last cut, and on text that was not trained on the model is likelier than after one more
    cut by losses. Of equal scores the piece that is first by symbols stays.
    """
    return _first(np.lexsort((-pieces.scores, ~pieces.required())), size)


def _first(order: np.ndarray, size: int) -> np.ndarray:
    kept = np.zeros(order.size, bool)
    kept[order[:size]] = True
    return kept


def losses_of(corpus: Corpus, pieces: Pieces) -> np.ndarray:
    """Return what it costs to lose each piece, in nats per piece of text: 0 or more, inf for single characters."""
    frequencies, _ = corpus.frequencies(pieces)
    edges, losses = pieces.edges(pieces.scores), np.zeros(len(pieces))
    total = float(frequencies.sum())
    bounds = np.linspace(0, len(pieces), BLOCKS + 1).astype(np.int64).tolist()

    def work(first: int, last: int) -> None:
        _lose(first, last, pieces.places, pieces.longest, edges, frequencies, total, losses)

    list(corpus.threads.map(work, bounds[:-1], bounds[1:]))
    losses[pieces.required()] = np.inf
    return fixed(losses, np.float64)


@kernel
def _lose(
    first: int,
    last: int,
    places: np.ndarray,
    longest: np.ndarray,
    edges: np.ndarray,
    frequencies: np.ndarray,
    total: float,
    losses: np.ndarray,
) -> None:
    best, via = np.empty(REACH), np.empty(REACH, np.int32)
    for lost in range(first, last):
        size = np.int64(edges[lost].length)
        occurrences = np.float64(frequencies[lost])
        if size == 1 or occurrences == 0:
            continue
        best[: size + 1] = -np.inf
        best[0] = 0.0
        for place in range(size):
            piece = longest[places[lost] + place]
            while piece >= 0:
                end = place + edges[piece].length
                if end <= size and piece != lost and best[place] + edges[piece].value > best[end]:
                    best[end], via[end] = best[place] + edges[piece].value, piece
                piece = edges[piece].parent
        if best[size] > edges[lost].value:  # never part of a likeliest segmentation
            continue
        n, likelihood, end = 0, 0.0, size
        while end > 0:
            n += 1
            likelihood += math.log(np.float64(frequencies[via[end]]) + occurrences)
            end -= edges[via[end]].length
        likelihood -= n * math.log(total + occurrences * (n - 1))
        losses[lost] = occurrences / total * max(0.0, math.log(occurrences) - math.log(total) - likelihood)
