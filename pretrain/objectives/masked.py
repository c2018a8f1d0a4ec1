"""Prediction of masked tokens, with new masks each time a row is read.

Devlin et al. 2019, BERT, section 3.1: of the tokens to predict 80 % become the mask, 10 % a random token, 10 % stay.
Each token is chosen by itself with probability `mask_share`; special ids are never chosen and never drawn.
"""

import numpy as np

from corpuskit.tokenization import CLS, MASK, RESERVED, SEP
from pretrain.objectives.objective import IGNORED, Objective, Place
from pretrain.stream import Framing

MASKED_OF_CHOSEN = 0.8
RANDOM_OF_CHOSEN = 0.1


def examples(rows: np.ndarray, place: Place) -> tuple[np.ndarray, np.ndarray]:
    """Hide some tokens of rows, int64[B, T], and ask for them back; the rows themselves are not changed."""
    length = rows.shape[1]
    words = place.draws(len(rows), 2 * length)
    choice, replacement = words[:, :length], words[:, length:]
    chosen = (_unit(choice >> np.uint64(32)) < place.mask_share) & (rows >= RESERVED)
    kind = _unit(choice & np.uint64(0xFFFFFFFF))
    drawn = RESERVED + (replacement % np.uint64(place.vocab_size - RESERVED)).astype(np.int64)
    hidden = np.where(kind < MASKED_OF_CHOSEN, MASK, np.where(kind < MASKED_OF_CHOSEN + RANDOM_OF_CHOSEN, drawn, rows))
    return np.where(chosen, hidden, rows), np.where(chosen, rows, IGNORED)


def _unit(words: np.ndarray) -> np.ndarray:
    """Turn 32-bit words into float64 in [0, 1)."""
    return words.astype(np.float64) / 2**32


MASKED = Objective(causal=False, overlap=0, framing=Framing(CLS, SEP), examples=examples, comparable=False)
