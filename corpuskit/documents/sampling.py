"""A sample of the documents, chosen by key while all of them are read."""

import time
from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpuskit.documents.records import Records
from corpuskit.documents.schema import share_mask

SALT = b"sample"
"""Hashed after the key, so that a sample has nothing to do with which documents are held out, whatever their seed."""


def sample_mask(keys: pa.Array | pa.ChunkedArray, share: float) -> np.ndarray:
    """Return which documents a sample takes; bool[n]. Samples are nested: a smaller share takes some of a larger's."""
    return share_mask(keys, share, seed=0, salt=SALT)


class Sampler:
    """Takes a share of what a reader gives, before any page is extracted, and counts what it was taken from."""

    def __init__(self, share: float) -> None:
        self.rows = 0
        """Documents that the reader gave."""
        self.size = 0
        """Bytes of their texts and pages."""
        self.taken = 0
        """Documents that were taken."""
        self.seconds = 0.0
        """Time spent in the reader."""
        self._share = share

    def take(self, records: Iterable[Records]) -> Iterator[Records]:
        """Pass on the sample; malformed records all stay."""
        reader = iter(records)
        while True:
            started = time.perf_counter()
            found = next(reader, None)
            self.seconds += time.perf_counter() - started
            if found is None:
                return
            documents = found.documents
            mask = sample_mask(documents.column("key"), self._share)
            self.rows += len(documents)
            self.size += _bytes(documents)
            self.taken += int(mask.sum())
            yield found._replace(documents=documents.filter(pa.array(mask)))

    @property
    def counts(self) -> dict[str, float]:
        """What the manifest says of the whole."""
        return {"population": self.rows, "population_bytes": self.size, "population_taken": self.taken}


def _bytes(documents: pa.RecordBatch) -> int:
    columns = [documents.column(name) for name in ("text", "payload") if name in documents.schema.names]
    return sum(pc.sum(pc.binary_length(column)).as_py() or 0 for column in columns)
