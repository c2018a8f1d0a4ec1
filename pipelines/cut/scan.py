"""The first phase: the windows of each kept training row, to files by the partition of their hash."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpuskit import storage
from corpuskit.dedup.inside import AnyCut, Occurrences, document_orders, join_places, scatter, windows_of
from corpuskit.documents import read_split, sidecars
from corpuskit.documents.schema import key_matrix
from corpuskit.kernels import Texts
from corpuskit.manifest import Marker
from pipelines.cut import shuffle
from pipelines.engine import Attempt

ENTRY = pa.schema([("hash", pa.uint64()), ("check", pa.uint64()), ("order", pa.uint64()), ("place", pa.uint64())])
"""An occurrence of a window: 32 bytes, 24 where equality is confirmed and there is no `check`."""
NO_CHECK = ENTRY.remove(1)
CHUNK_SHARE = 320
"""A chunk has so many times fewer windows than `memory` has bytes. They take 32 bytes each, and as many in the order of
their partitions; larger chunks are slower, as new memory costs more than what is done with it."""
PIECE_BYTES = 1 << 20
"""Text that is looked at in one go: its words take some 30 times as much room for a moment, and the caches hold it."""


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """What a step reads."""

    config: AnyCut
    base: str
    """Folder of the variant's text, or of the revision of it that the step before made."""
    variant: str
    """Folder of the variant's verdicts."""
    memory: int
    """Bytes a worker may use."""
    partitions: int

    @property
    def chunk(self) -> int:
        """Windows after which a chunk is written."""
        return max(1, self.memory // CHUNK_SHARE)


def training_rows(part: Mapping[str, Any], inputs: Inputs) -> np.ndarray:
    """Return which rows of a split the variant keeps for training; bool[rows]."""
    kept = sidecars.read(inputs.variant, part, ["kept"]).column(0).to_numpy()
    batches = read_split(inputs.base, part["name"], ["heldout"])
    heldout = [batch.column(0).to_numpy(zero_copy_only=False) for batch in batches]
    mask: np.ndarray = kept & ~np.concatenate([np.empty(0, bool), *heldout])
    return mask


def chosen(
    part: Mapping[str, Any], inputs: Inputs, rows: np.ndarray, columns: list[str]
) -> Iterator[tuple[np.ndarray, pa.RecordBatch]]:
    """Yield (numbers of some rows of a split int64[m], those rows), 1 MiB of text or a document at a time.

    Args:
        part: the split.
        inputs: what the step reads.
        rows: which rows; bool[n].
        columns: columns to read, `text` among them.
    """
    first = 0
    for batch in read_split(inputs.base, part["name"], columns):
        numbers = np.flatnonzero(rows[first : first + len(batch)])
        wanted = batch.take(pa.array(numbers))
        sizes = np.cumsum(pc.binary_length(wanted.column("text")).to_numpy())
        bounds = np.flatnonzero(np.diff(sizes // PIECE_BYTES, prepend=-1, append=-1)) if len(numbers) else []
        for start, stop in pairwise(bounds):
            yield first + numbers[start:stop], wanted.slice(start, stop - start)
        first += len(batch)


def path(folder: str, split: str) -> str:
    """Return where the windows of a split lie."""
    return storage.join(folder, "work", "windows", f"{split}.arrow")


def scan(attempt: Attempt, *, inputs: Inputs) -> Marker:
    """Write a split's windows, chunk by chunk."""
    part = attempt.item.payload["part"]
    rows = training_rows(part, inputs)
    with shuffle.writing(path(attempt.folder, part["name"]), entry_schema(inputs.config)) as writer:
        chunks = _Chunks(writer, inputs)
        for numbers, batch in chosen(part, inputs, rows, ["key", "text"]):
            chunks.add(_occurrences(numbers, batch, inputs.config))
        chunks.flush()
    counts = {"cut.documents": int(rows.sum()), "cut.windows": chunks.windows}
    return Marker(item=attempt.item.name, fingerprint=attempt.fingerprint, rows=chunks.windows, counts=counts)


def entry_schema(config: AnyCut) -> pa.Schema:
    """Return the columns of a step's windows."""
    return NO_CHECK if config.step == "repeated_substrings" else ENTRY


def _occurrences(rows: np.ndarray, batch: pa.RecordBatch, config: AnyCut) -> list[np.ndarray]:
    """Return the columns of `entry_schema`, all uint64[k], of the windows of a batch."""
    texts = Texts.from_arrow(batch.column("text"))
    windows = windows_of(texts, config)
    orders = document_orders(key_matrix(batch.column("key")), texts)
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
        if self._size >= self.inputs.chunk:
            self.flush()

    def flush(self) -> None:
        """Write what is held, if anything is."""
        if not self._size:
            return
        columns, bounds = scatter(self._held, self.inputs.partitions)
        batch = shuffle.batch_of(entry_schema(self.inputs.config), columns)
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
