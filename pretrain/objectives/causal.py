"""Next-token prediction."""

import numpy as np

from corpuskit.tokenization import BOS, EOS
from pretrain.objectives.objective import Objective, Place
from pretrain.stream import Framing


def examples(rows: np.ndarray, place: Place) -> tuple[np.ndarray, np.ndarray]:
    """Predict each token of a row, int64[B, T + 1], from those before it; every position has a target."""
    return rows[:, :-1], rows[:, 1:]


CAUSAL = Objective(causal=True, overlap=1, framing=Framing(BOS, EOS), examples=examples, comparable=True)
