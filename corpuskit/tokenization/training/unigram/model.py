"""`UnigramModel`: what Unigram training gives."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa


@dataclass(frozen=True, eq=False)
class UnigramModel:
    """Pieces with the logarithms of their probabilities, the likeliest first.

    A text is segmented into the pieces whose scores add up to the most; a character that is no piece is encoded as
    its bytes, or unknown where the vocabulary has no bytes.
    """

    pieces: pa.LargeBinaryArray
    """UTF-8, whole characters, a space as U+0020; large_binary[n]. Each character of the alphabet is one of them."""
    scores: np.ndarray
    """Natural logarithms, in the precision that SentencePiece's files have; float32[n], read-only, falling."""
    log_likelihood: float
    """Of the training words over all segmentations, without characters outside the alphabet, in nats."""
    coverage: float
    """Share of the characters of the training words that the alphabet covers."""
    warnings: tuple[str, ...] = ()
    """What did not go as asked, in words for the user."""

    def __len__(self) -> int:
        return len(self.pieces)
