"""`WordCounts`: the words of a corpus and how often each occurs, which is all that a trainer reads."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa


@dataclass(frozen=True)
class WordCounts:
    """Words in the order of their bytes, each once, and how often each occurs.

    Attributes:
        words: large_binary[n] without nulls or empty words, ascending; whole UTF-8 characters.
        counts: int64[n], read-only, each 1 or more.
    """

    words: pa.LargeBinaryArray
    counts: np.ndarray

    def __post_init__(self) -> None:
        if len(self.words) != len(self.counts):
            raise ValueError(f"{len(self.words)} words, but {len(self.counts)} counts")

    def __len__(self) -> int:
        return len(self.words)

    @property
    def total(self) -> int:
        """Occurrences of all words together."""
        return add_up(self.counts)

    @classmethod
    def from_mapping(cls, counted: Mapping[str | bytes, int]) -> "WordCounts":
        """Make them of words with their counts, in any order."""
        plain = {word.encode() if isinstance(word, str) else word: count for word, count in counted.items()}
        words = sorted(plain)
        counts = np.array([plain[word] for word in words], np.int64)
        counts.flags.writeable = False
        return cls(pa.array(words, pa.large_binary()), counts)


def add_up(counts: np.ndarray) -> int:
    """Return the sum of int64[n], each 0 or more, which may be 2**63 or more."""
    return (int((counts >> 32).sum()) << 32) + int((counts & 0xFFFFFFFF).sum())
