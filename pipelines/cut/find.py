"""The second phase: which windows of a partition are copies, and of what."""

from collections.abc import Iterator, Sequence
from itertools import islice

import numpy as np
import pyarrow as pa

from corpuskit import storage
from corpuskit.dedup.inside import Firsts, Rule, size_of
from corpuskit.manifest import Marker
from pipelines import exchange
from pipelines.cut import shuffle
from pipelines.cut.scan import occurrences
from pipelines.cut.scan import path as windows_path
from pipelines.cut.splits import Inputs
from pipelines.engine import Attempt

COPY = pa.schema([("place", pa.uint64())])
"""A copy of a window: its row and position."""
COPY_OF = pa.schema([("place", pa.uint64()), ("first_split", pa.uint32()), ("first_place", pa.uint64())])
"""A copy of a window, and what it is a copy of: for windows of several units, and where references are asked."""


def path(folder: str, partition: str) -> str:
    """Return where the copies lie that a partition found: one batch for each chunk of each split."""
    return storage.join(folder, "work", "copies", f"{partition}.arrow")


def copy_schema(inputs: Inputs) -> pa.Schema:
    """Return the columns of a step's copies."""
    return COPY_OF if size_of(inputs.config) > 1 or inputs.references else COPY


def find(attempt: Attempt, *, inputs: Inputs) -> Marker:
    """Find the copies in one partition: three passes over its windows, of which a batch at a time is in memory."""
    partition = attempt.item.payload["partition"]
    files = [windows_path(attempt.folder, split.name, inputs.partitions) for split in inputs.splits]
    firsts = Firsts(_total(files, partition, inputs.partitions))
    for _, batch in _batches(files, partition, inputs.partitions):
        firsts.see(batch.column("hash").to_numpy())
    for split, batch in _batches(files, partition, inputs.partitions):
        firsts.note(occurrences(batch), split)
    found = 0
    chunks = [
        0 if split.reference else _chunks(file, inputs.partitions)
        for split, file in zip(inputs.splits, files, strict=True)
    ]
    schema = shuffle.with_chunks(copy_schema(inputs), chunks)
    with shuffle.writing(path(attempt.folder, attempt.item.name), schema) as writer:
        for split, batch in _batches(files, partition, inputs.partitions, inputs.references):
            copies = _copies(firsts, batch, split, inputs)
            writer.write_batch(copies)
            found += len(copies)
    return Marker(item=attempt.item.name, fingerprint=attempt.fingerprint, rows=found)


def _batches(
    files: Sequence[str], partition: int, partitions: int, first: int = 0
) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Yield (number of the split, windows), chunk by chunk, from a split on."""
    for split, file in islice(enumerate(files), first, None):
        for batch in exchange.read_rounds(file, partition, partitions):
            yield split, batch


def _total(files: Sequence[str], partition: int, partitions: int) -> int:
    return sum(len(batch) for _, batch in _batches(files, partition, partitions))


def _chunks(file: str, partitions: int) -> int:
    with shuffle.reading(file) as reader:
        chunks: int = reader.num_record_batches // partitions
        return chunks


def _copies(firsts: Firsts, batch: pa.RecordBatch, split: int, inputs: Inputs) -> pa.RecordBatch:
    over = getattr(inputs.config, "over", None) or 0
    rule = Rule(np.uint64(inputs.references), inputs.config.own, np.uint64(over))
    found, slots = firsts.copies(occurrences(batch), split, rule)
    columns = [batch.column("place").to_numpy()[found], *firsts.first(slots)]
    schema = copy_schema(inputs)
    return shuffle.batch_of(schema, columns[: len(schema)])
