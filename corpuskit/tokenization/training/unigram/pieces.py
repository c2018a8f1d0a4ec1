"""`Pieces`: the vocabulary while it is trained, and where its pieces occur."""

from dataclasses import dataclass

import numpy as np

from corpuskit.kernels import fixed, kernel

EDGE = np.dtype([("value", np.float64), ("parent", np.int32), ("length", np.int32)])
"""What a lattice needs of a piece, in one cache line."""


@dataclass(frozen=True, eq=False)
class Pieces:
    """Pieces in the order of their symbols; arrays are read-only.

    The pieces that a text holds at one place are prefixes of one another: the longest, its parent, and so on. This
    takes the place of a trie.
    """

    places: np.ndarray
    """Where each piece occurs in the symbols of the units, one place of many; int32[n]."""
    lengths: np.ndarray
    """Symbols of each; int32[n]."""
    parents: np.ndarray
    """The longest piece that each begins with, other than itself, or -1; smaller than its own number; int32[n]."""
    longest: np.ndarray
    """The longest piece at each place of the symbols, -1 at the end of a unit; int32[m]."""
    scores: np.ndarray
    """Natural logarithms of probabilities; float64[n]."""

    def __len__(self) -> int:
        return self.places.size

    def required(self) -> np.ndarray:
        """Return which pieces are single characters, without which a text may have no segmentation; bool[n]."""
        return self.lengths == 1

    def edges(self, values: np.ndarray) -> np.ndarray:
        """Return parents, lengths and a value of each piece, float64[n], side by side; EDGE[n]."""
        edges = np.empty(len(self), EDGE)
        edges["value"], edges["parent"], edges["length"] = values, self.parents, self.lengths
        return edges

    def with_scores(self, scores: np.ndarray) -> "Pieces":
        """Return the same pieces with other scores, float64[n]."""
        return Pieces(self.places, self.lengths, self.parents, self.longest, fixed(scores, np.float64))

    def select(self, kept: np.ndarray, scores: np.ndarray) -> "Pieces":
        """Return some of the pieces, renumbered.

        Args:
            kept: bool[n], true for each required piece.
            scores: the scores of all, float64[n].
        """
        if kept.all():
            return self.with_scores(scores)
        numbers = np.empty(len(self), np.int32)
        _renumber(self.parents, kept, numbers)
        parents, longest = np.empty(np.count_nonzero(kept), np.int32), np.empty_like(self.longest)
        _map(numbers, fixed(self.parents[kept], np.int32), parents)
        _map(numbers, self.longest, longest)
        return Pieces(
            fixed(self.places[kept], np.int32),
            fixed(self.lengths[kept], np.int32),
            fixed(parents, np.int32),
            fixed(longest, np.int32),
            fixed(scores[kept], np.float64),
        )


@kernel
def _renumber(parents: np.ndarray, kept: np.ndarray, numbers: np.ndarray) -> None:
    """Write the new number of each piece, or of the longest kept piece that it begins with, or -1."""
    size = 0
    for piece in range(parents.size):
        if kept[piece]:
            numbers[piece] = size
            size += 1
        else:
            numbers[piece] = numbers[parents[piece]] if parents[piece] >= 0 else -1


@kernel
def _map(numbers: np.ndarray, before: np.ndarray, after: np.ndarray) -> None:
    for place in range(before.size):
        after[place] = numbers[before[place]] if before[place] >= 0 else -1
