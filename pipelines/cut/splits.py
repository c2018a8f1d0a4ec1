"""The splits whose windows take part: those of references, those of held-out rows, those that are cut."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpuskit import manifest
from corpuskit.dedup.config import HELDOUT
from corpuskit.dedup.inside import AnyCut, TextReference
from corpuskit.documents import read_split, sidecars
from pipelines.engine import Item

PIECE_BYTES = 1 << 20
"""Text that is looked at in one go: its words take some 30 times as much room for a moment, and the caches hold it."""


@dataclass(frozen=True, kw_only=True)
class Split:
    """A split of documents, of which some rows take part."""

    folder: str
    """The documents, or a revision of them."""
    part: Mapping[str, Any]
    """Its entry in their manifest."""
    reference: str = ""
    """The corpus that it belongs to; `heldout`: this one, of which only held-out rows count; empty: those to be cut."""

    @property
    def name(self) -> str:
        """Its name, and that of its files: no two that take part share it."""
        own: str = self.part["name"]
        return f"{self.reference}.{own}" if self.reference else own


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """What a step reads."""

    config: AnyCut
    splits: tuple[Split, ...]
    """Those of references come first."""
    references: int
    """How many of the splits these are."""
    variant: str
    """Folder of the variant's verdicts."""
    memory: int
    """Bytes a worker may use."""
    partitions: int

    @property
    def own(self) -> tuple[Split, ...]:
        """The splits that are cut."""
        return self.splits[self.references :]

    @property
    def confirms(self) -> bool:
        """Whether copies are compared byte by byte: they have one hash only."""
        return self.config.step == "repeated_substrings"

    def items(self) -> tuple[Item, ...]:
        """Return an item for each split, whose payload is its number."""
        return tuple(
            Item(name=split.name, payload={"split": number}, size=split.part["text_bytes"], records=split.part["rows"])
            for number, split in enumerate(self.splits)
        )


def splits_of(base: str, config: AnyCut, references: Sequence[TextReference]) -> tuple[tuple[Split, ...], int]:
    """Return (the splits that take part, how many of them are references, which come first)."""
    parts = manifest.read(base, "documents").parts
    known = {reference.name: reference for reference in references}
    found = []
    for name in config.against:
        folder, theirs = (base, parts) if name == HELDOUT else (known[name].folder, known[name].parts)
        found += [Split(folder=folder, part=part, reference=name) for part in theirs]
    return (*found, *(Split(folder=base, part=part) for part in parts)), len(found)


def taking_part(split: Split, variant: str) -> np.ndarray:
    """Return which rows of a split take part; bool[rows]."""
    if split.reference not in ("", HELDOUT):
        return np.ones(split.part["rows"], bool)
    batches = read_split(split.folder, split.part["name"], ["heldout"])
    columns = [batch.column(0).to_numpy(zero_copy_only=False) for batch in batches]
    heldout: np.ndarray = np.concatenate([np.empty(0, bool), *columns])
    if split.reference == HELDOUT:
        return heldout
    kept: np.ndarray = sidecars.read(variant, split.part, ["kept"]).column(0).to_numpy()
    return kept & ~heldout


def chosen(split: Split, rows: np.ndarray, columns: list[str]) -> Iterator[tuple[np.ndarray, pa.RecordBatch]]:
    """Yield (numbers of some rows of a split int64[m], those rows), 1 MiB of text or a document at a time.

    Args:
        split: the split.
        rows: which rows; bool[n].
        columns: columns to read, `text` among them.
    """
    first = 0
    for batch in read_split(split.folder, split.part["name"], columns):
        numbers = np.flatnonzero(rows[first : first + len(batch)])
        wanted = batch.take(pa.array(numbers))
        sizes = np.cumsum(pc.binary_length(wanted.column("text")).to_numpy())
        bounds = np.flatnonzero(np.diff(sizes // PIECE_BYTES, prepend=-1, append=-1)) if len(numbers) else []
        for start, stop in pairwise(bounds):
            yield first + numbers[start:stop], wanted.slice(start, stop - start)
        first += len(batch)
