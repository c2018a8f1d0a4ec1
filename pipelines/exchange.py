"""A shuffle through files: one Arrow IPC file per split, whose record batch k is partition k."""

from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow as pa

from corpuskit import storage


def write(path: str, partitions: Sequence[pa.RecordBatch]) -> None:
    """Commit an exchange file; batch k goes to the reader of partition k."""
    with storage.committing(path) as scratch, pa.ipc.new_file(scratch, partitions[0].schema) as writer:
        for batch in partitions:
            writer.write_batch(batch)


def read(path: str, partition: int) -> pa.RecordBatch:
    """Fetch one partition's batch through the file's footer, without reading the others."""
    if not storage.is_remote(path):
        with pa.memory_map(str(storage.local(path))) as source, pa.ipc.open_file(source) as reader:
            return reader.get_batch(partition)
    with storage.open_input(path) as file, pa.ipc.open_file(file) as reader:
        return reader.get_batch(partition)


def read_all(path: str) -> list[pa.RecordBatch]:
    """Return all batches of an exchange file."""
    with storage.open_input(path) as file, pa.ipc.open_file(file) as reader:
        return [reader.get_batch(index) for index in range(reader.num_record_batches)]


def gather(paths: Iterable[str], partition: int) -> pa.Table:
    """Concatenate one partition of all files, in the order of the paths."""
    return pa.Table.from_batches([read(path, partition) for path in paths])


def split_by(batch: pa.RecordBatch, numbers: np.ndarray, count: int) -> list[pa.RecordBatch]:
    """Cut a batch into `count` batches by the partition number of each row (int[n]); rows keep their order."""
    order = np.argsort(numbers, kind="stable")
    bounds = np.searchsorted(numbers[order], np.arange(count + 1))
    arranged = batch.take(pa.array(order))
    return [arranged.slice(bounds[k], bounds[k + 1] - bounds[k]) for k in range(count)]


def one_batch(table: pa.Table) -> pa.RecordBatch:
    """Return a table as exactly one batch, empty tables included."""
    batches = table.combine_chunks().to_batches()
    return batches[0] if batches else empty(table.schema)


def empty(schema: pa.Schema) -> pa.RecordBatch:
    """Return a batch of no rows."""
    return pa.RecordBatch.from_arrays([pa.array([], field.type) for field in schema], schema=schema)
