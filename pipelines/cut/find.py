"""The second phase: which windows of a partition are copies, and of what."""

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa

from corpuskit import storage
from corpuskit.dedup.inside import AnyCut, Firsts, size_of
from corpuskit.manifest import Marker
from pipelines import exchange
from pipelines.cut import shuffle
from pipelines.cut.scan import Inputs, occurrences
from pipelines.cut.scan import path as windows_path
from pipelines.engine import Attempt

COPY = pa.schema([("place", pa.uint64())])
"""A copy of a window: its row and position."""
COPY_OF = pa.schema([("place", pa.uint64()), ("first_split", pa.uint32()), ("first_place", pa.uint64())])
"""A copy of a window of several units, and what it is a copy of."""


def path(folder: str, partition: str) -> str:
    """Return where the copies lie that a partition found: one batch for each chunk of each split."""
    return storage.join(folder, "work", "copies", f"{partition}.arrow")


def copy_schema(config: AnyCut) -> pa.Schema:
    """Return the columns of a step's copies."""
    return COPY if size_of(config) == 1 else COPY_OF


def find(attempt: Attempt, *, splits: Sequence[str], inputs: Inputs) -> Marker:
    """Find the copies in one partition: three passes over its windows, of which a batch at a time is in memory."""
    partition = attempt.item.payload["partition"]
    files = [windows_path(attempt.folder, split) for split in splits]
    firsts = Firsts(_total(files, partition, inputs.partitions))
    for _, batch in _batches(files, partition, inputs.partitions):
        firsts.see(batch.column("hash").to_numpy())
    for split, batch in _batches(files, partition, inputs.partitions):
        firsts.note(occurrences(batch), split)
    found = 0
    schema = copy_schema(inputs.config)
    chunks = [_chunks(file, inputs.partitions) for file in files]
    with shuffle.writing(path(attempt.folder, attempt.item.name), shuffle.with_chunks(schema, chunks)) as writer:
        for split, batch in _batches(files, partition, inputs.partitions):
            copies = _copies(firsts, batch, split, inputs.config)
            writer.write_batch(copies)
            found += len(copies)
    return Marker(item=attempt.item.name, fingerprint=attempt.fingerprint, rows=found)


def _batches(files: Sequence[str], partition: int, partitions: int) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Yield (number of the split, windows), chunk by chunk."""
    for split, file in enumerate(files):
        for batch in exchange.read_rounds(file, partition, partitions):
            yield split, batch


def _total(files: Sequence[str], partition: int, partitions: int) -> int:
    return sum(len(batch) for _, batch in _batches(files, partition, partitions))


def _chunks(file: str, partitions: int) -> int:
    with shuffle.reading(file) as reader:
        chunks: int = reader.num_record_batches // partitions
        return chunks


def _copies(firsts: Firsts, batch: pa.RecordBatch, split: int, config: AnyCut) -> pa.RecordBatch:
    found, slots = firsts.copies(occurrences(batch), split, getattr(config, "over", None) or 0)
    places = batch.column("place").to_numpy()[found]
    columns: list[np.ndarray] = [places]
    if size_of(config) > 1:
        columns += firsts.first(slots)
    return shuffle.batch_of(copy_schema(config), columns)
