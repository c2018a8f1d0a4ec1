"""The interface of an objective: rows in, inputs and targets out."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pretrain.stream import Framing

IGNORED = -100
"""The target of a position that is not predicted."""


@dataclass(frozen=True)
class Place:
    """Where rows stand in the run, and what an objective may draw from; its only source of randomness."""

    seed: int
    step: int
    first_row: int
    """Number of the first row within its global batch."""
    vocab_size: int
    mask_share: float

    def draws(self, rows: int, length: int) -> np.ndarray:
        """Return random words for some rows, uint64[rows, length]: a function of (seed, step, row of the global batch).

        They are the same however a global batch is divided among ranks.
        """
        key = np.array([self.seed, self.step], np.uint64)
        counters = ([0, self.first_row + row, 0, 0] for row in range(rows))
        words = [np.random.Philox(key=key, counter=counter).random_raw(length) for counter in counters]
        return np.stack(words)


Examples = Callable[[np.ndarray, Place], tuple[np.ndarray, np.ndarray]]
"""(rows int64[B, T + overlap], place) -> (inputs int64[B, T], targets int64[B, T], IGNORED where none)."""


@dataclass(frozen=True, kw_only=True)
class Objective:
    """One way to learn from a row of tokens."""

    causal: bool
    """Whether a position may only attend to positions up to itself."""
    overlap: int
    """Ids that a row has beyond the sequence length."""
    framing: Framing
    """Special ids around each document."""
    examples: Examples
    comparable: bool
    """Whether its loss on held-out text is a likelihood, so that bits per byte can be reported."""
