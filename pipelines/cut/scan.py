"""The first phase: the windows of each row that takes part, to files by the partition of their hash."""

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pyarrow as pa

from corpuskit import storage
from corpuskit.dedup.inside import (
    Occurrences,
    after_references,
    document_orders,
    join_places,
    scatter,
    windows_of,
)
from corpuskit.documents.schema import key_matrix
from corpuskit.kernels import Texts
from corpuskit.manifest import Marker
from pipelines.cut import shuffle
from pipelines.cut.splits import Inputs, Split, chosen, taking_part
from pipelines.engine import Attempt

ENTRY = pa.schema([("hash", pa.uint64()), ("check", pa.uint64()), ("order", pa.uint64()), ("place", pa.uint64())])
"""An occurrence of a window: 32 bytes, 24 where equality is confirmed and there is no `check`."""
NO_CHECK = ENTRY.remove(1)
CHUNK_SHARE = 320
"""A chunk has so many times fewer windows than `memory` has bytes. They take 32 bytes each, and as many in the order of
their partitions; larger chunks are slower, as new memory costs more than what is done with it."""


def path(folder: str, split: str, partitions: int) -> str:
    """Return where the windows of a split lie; files of another number of partitions are other files."""
    return storage.join(folder, "work", f"windows-{partitions}", f"{split}.arrow")


def scan(attempt: Attempt, *, inputs: Inputs) -> Marker:
    """Write a split's windows, chunk by chunk."""
    split = inputs.splits[attempt.item.payload["split"]]
    rows = taking_part(split, inputs.variant)
    with shuffle.writing(path(attempt.folder, split.name, inputs.partitions), entry_schema(inputs)) as writer:
        chunks = _Chunks(writer, inputs)
        for numbers, batch in chosen(split, rows, ["key", "text"]):
            chunks.add(_occurrences(numbers, batch, split, inputs))
        chunks.flush()
    kind = "reference_" if split.reference else ""
    counts = {f"cut.{kind}documents": int(rows.sum()), f"cut.{kind}windows": chunks.windows}
    return Marker(item=attempt.item.name, fingerprint=attempt.fingerprint, rows=chunks.windows, counts=counts)


def entry_schema(inputs: Inputs) -> pa.Schema:
    """Return the columns of a step's windows."""
    return NO_CHECK if inputs.confirms else ENTRY


def _occurrences(rows: np.ndarray, batch: pa.RecordBatch, split: Split, inputs: Inputs) -> list[np.ndarray]:
    """Return the columns of `entry_schema`, all uint64[k], of the windows of a batch."""
    texts = Texts.from_arrow(batch.column("text"))
    windows = windows_of(texts, inputs.config)
    orders = document_orders(key_matrix(batch.column("key")), texts)
    if inputs.references:
        orders = after_references(orders, bool(split.reference))
    checks = [] if windows.checks is None else [windows.checks]
    places = join_places(rows[windows.documents], windows.positions)
    return [windows.hashes, *checks, orders[windows.documents], places]


@dataclass
class _Chunks:
    """Gathers windows and writes them in chunks of one batch per partition."""

    writer: pa.RecordBatchFileWriter
    inputs: Inputs
    windows: int = 0
    _held: list[list[np.ndarray]] = field(default_factory=list)
    _size: int = 0

    def add(self, columns: list[np.ndarray]) -> None:
        """Take the windows of whole documents."""
        if columns[0].size:
            self._held.append(columns)
        self._size += columns[0].size
        if self._size >= max(1, self.inputs.memory // CHUNK_SHARE):
            self.flush()

    def flush(self) -> None:
        """Write what is held, if anything is."""
        if not self._size:
            return
        columns, bounds = scatter(self._held, self.inputs.partitions)
        batch = shuffle.batch_of(entry_schema(self.inputs), columns)
        for start, stop in pairwise(bounds):
            self.writer.write_batch(batch.slice(start, stop - start))
        self.windows += self._size
        self._held, self._size = [], 0


def occurrences(batch: pa.RecordBatch) -> Occurrences:
    """Return the windows of a batch of `entry_schema`."""
    columns = {name: batch.column(name).to_numpy() for name in batch.schema.names}
    checks = columns.get("check", np.zeros(0, np.uint64))
    if not checks.size:
        checks = np.zeros(len(batch), np.uint64)
    return Occurrences(columns["hash"], checks, columns["order"], columns["place"])
