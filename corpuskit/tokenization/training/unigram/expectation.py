"""Expectation maximization: scores from expected occurrences."""

import numpy as np

from corpuskit.tokenization.training.unigram.lattice import Corpus
from corpuskit.tokenization.training.unigram.pieces import Pieces

THRESHOLD = 0.5
"""Pieces that are expected to occur less often are given up, as SentencePiece does."""


def maximize(corpus: Corpus, pieces: Pieces) -> Pieces:
    """Do one iteration, as SentencePiece does: scores are lower than likelihood asks for, most so for rare pieces.

    They are the expected logarithms of probabilities under a Dirichlet process (Liang and Klein 2007), which makes
    vocabularies sparse. Pieces below `THRESHOLD` are given up; a single character counts as that often at least.
    """
    expected, _ = corpus.expectations(pieces)
    kept = (expected >= THRESHOLD) | pieces.required()
    expected = np.maximum(expected, THRESHOLD)
    return pieces.select(kept, digamma(expected) - digamma(expected[kept].sum()))


def refit(corpus: Corpus, pieces: Pieces) -> tuple[Pieces, float]:
    """Do one iteration by maximum likelihood, which gives up no piece; return the log-likelihood before it, too."""
    expected, likelihood = corpus.expectations(pieces)
    expected = np.maximum(expected, THRESHOLD)
    return pieces.with_scores(np.log(expected) - np.log(expected.sum())), likelihood


def digamma(values: np.ndarray) -> np.ndarray:
    """Return the logarithmic derivative of the gamma function at positive values, float64[*], to about 1e-10."""
    shifted = values + 6.5
    squared = 1.0 / np.square(shifted)
    series = squared * (1 / 24 - squared * (7 / 960 - squared * (31 / 8064 - squared * (127 / 30720))))
    below = sum(1.0 / (values + step) for step in range(7))
    return np.log(shifted) + series - below
