"""What pairs are compared by: signatures, or the shingles themselves."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
import pyarrow as pa

from corpuskit.dedup import DedupConfig, shingles, similarity, store
from corpuskit.documents import read_split
from corpuskit.kernels import Texts
from corpuskit.kernels.jaccard import jaccard, sets
from pipelines.dedup.rows import Split


class Payload(Protocol):
    """One way to compare documents."""

    name: ClassVar[str]

    @property
    def type(self) -> pa.DataType:
        """What a document is compared by, as an Arrow type."""

    def blocks(self, split: Split, rows: np.ndarray) -> Iterator[tuple[np.ndarray, pa.Array]]:
        """Yield what some rows of a split are compared by, in their order, in blocks that fit in memory.

        Args:
            split: where they lie.
            rows: their numbers in the split, rising; int64[m].

        Yields:
            Some of the rows and their payloads, aligned.
        """

    def similarity(self, a: pa.Array, b: pa.Array) -> np.ndarray:
        """Return the similarity of each pair of payloads; float32[m]."""


@dataclass(frozen=True)
class Signatures:
    """Compares signatures: the share of their equal places."""

    places: int
    name: ClassVar[str] = "signatures"

    @property
    def type(self) -> pa.DataType:
        """A list of `places` numbers."""
        return pa.list_(pa.uint32(), self.places)

    def blocks(self, split: Split, rows: np.ndarray) -> Iterator[tuple[np.ndarray, pa.Array]]:
        """Read signatures; see `Payload.blocks`."""
        for chosen, block in store.read_rows(split.folder, split.part, rows, ["signature"]):
            yield rows[chosen], block.column(0)

    def similarity(self, a: pa.Array, b: pa.Array) -> np.ndarray:
        """Estimate the Jaccard similarity; float32[m]."""
        return similarity(store.signature_matrix(a), store.signature_matrix(b))


@dataclass(frozen=True)
class Shingles:
    """Compares the sets of shingles, made from the texts again: of those documents alone that are in a pair."""

    config: DedupConfig
    documents: str
    """The folder of the texts."""
    name: ClassVar[str] = "shingles"

    @property
    def type(self) -> pa.DataType:
        """A list of hashes, rising."""
        return pa.large_list(pa.uint64())

    def blocks(self, split: Split, rows: np.ndarray) -> Iterator[tuple[np.ndarray, pa.Array]]:
        """Read texts; see `Payload.blocks`."""
        first = 0
        for batch in read_split(self.documents, split.part, ["text"]):
            start, stop = np.searchsorted(rows, [first, first + len(batch)])
            if start < stop:
                own = rows[start:stop]
                texts = Texts.from_arrow(batch.column(0).take(pa.array(own - first)))
                members, offsets = sets(*shingles(texts, self.config))
                yield own, pa.LargeListArray.from_arrays(pa.array(offsets), pa.array(members))
            first += len(batch)

    def similarity(self, a: pa.Array, b: pa.Array) -> np.ndarray:
        """Return the Jaccard similarity; float32[m]."""
        return jaccard(*_parts(a), *_parts(b)).astype(np.float32)


def _parts(lists: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """Return the members of all lists, uint64[k], and where each begins in them, int64[m + 1]."""
    offsets = lists.offsets.to_numpy()
    return lists.values.to_numpy(), offsets
