"""Numbers for all rows that take part: those of the corpus, split after split, then those of the references.

The corpus's held-out rows are numbered once more, as the last reference: training rows are compared with them as with
another corpus, and clusters are of training rows alone, or of held-out rows alone.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np

from corpuskit import storage
from corpuskit.dedup.config import HELDOUT
from corpuskit.dedup.reference import Reference


@dataclass(frozen=True)
class Split:
    """A file of signatures."""

    folder: str
    """The artifact that it belongs to."""
    part: str
    rows: int
    keys: str
    """Digest of its documents' keys."""
    reference: str = ""
    """The reference that it belongs to; empty for splits of the corpus, `HELDOUT` for their held-out rows."""


@dataclass(frozen=True)
class Rows:
    """All splits in order; row i of split j has the number `first[j] + i`."""

    splits: tuple[Split, ...]

    @classmethod
    def of(cls, signatures: str, parts: Sequence[Mapping[str, Any]], references: Sequence[Reference] = ()) -> "Rows":
        """Number the rows of a folder of signatures, of references, and the held-out rows of the former again."""
        own = [Split(signatures, part["name"], part["rows"], part["keys"]) for part in parts]
        others = [
            Split(reference.folder, part["name"], part["rows"], part["keys"], reference.name)
            for reference in references
            for part in reference.parts
        ]
        heldout = [replace(split, reference=HELDOUT) for split in own]
        return cls((*own, *others, *heldout))

    @cached_property
    def first(self) -> np.ndarray:
        """The number of each split's first row, and the total at the end; int64[splits + 1]."""
        return np.concatenate([[0], np.cumsum([split.rows for split in self.splits])]).astype(np.int64)

    @cached_property
    def own_splits(self) -> int:
        """How many splits are the corpus's own; they come first."""
        return sum(not split.reference for split in self.splits)

    @property
    def signed(self) -> tuple[Split, ...]:
        """The splits with files of their own: all but those of held-out rows."""
        return self.splits[: len(self.splits) - self.own_splits]

    @property
    def own(self) -> int:
        """Rows of the corpus: numbers below are its own, others those of references."""
        return int(self.first[self.own_splits])

    @cached_property
    def bounds(self) -> np.ndarray:
        """The number of each reference's first row, and the total at the end; uint64[references + 1]."""
        names = [split.reference for split in self.splits[self.own_splits :]]
        starts = [place for place, name in enumerate(names) if place == 0 or name != names[place - 1]]
        return self.first[[self.own_splits + place for place in [*starts, len(names)]]].astype(np.uint64)

    @property
    def heldout(self) -> int:
        """What is added to the number of a held-out row where it is one of the reference: rows without the latter."""
        return int(self.first[len(self.signed)])

    def split_of(self, rows: np.ndarray) -> np.ndarray:
        """Return the number of the split that each row lies in; int64[m]."""
        return np.searchsorted(self.first, rows.astype(np.int64), "right") - 1

    def by_split(self, rows: np.ndarray, splits: int) -> Iterator[tuple[int, int]]:
        """Yield where the rows of each of the first splits begin and end in rising row numbers."""
        return pairwise(np.searchsorted(rows.astype(np.int64), self.first[: splits + 1]).tolist())


def item_name(number: int, split: Split) -> str:
    """Return the name of a split's item and exchange files: those of references share names with the corpus's."""
    return f"{number:07d}-{split.part}"


def work(folder: str, *names: str) -> str:
    """Return a path below the step's scratch folder."""
    return storage.join(folder, "work", *names)
