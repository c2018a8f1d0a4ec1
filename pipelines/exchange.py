"""A shuffle through files: one Arrow IPC file per split, whose record batches k, k + n, k + 2n, … are partition k of n.

A split that is too large to be held at once is written in rounds of n batches.
"""

from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa

from corpuskit import storage


def write(path: str, partitions: Iterable[pa.RecordBatch], schema: pa.Schema | None = None) -> None:
    """Commit an exchange file: one round of batches after the other, batch k of a round for the reader of partition k.

    Args:
        path: where it goes.
        partitions: the batches.
        schema: their schema; that of the first batch where it is not given.
    """
    if schema is None:
        partitions = list(partitions)
        schema = partitions[0].schema
    with storage.committing(path) as scratch, pa.ipc.new_file(scratch, schema) as writer:
        for batch in partitions:
            writer.write_batch(batch)


def read(path: str, partition: int) -> pa.RecordBatch:
    """Fetch one partition's batch of a file of one round through its footer, without reading the others."""
    if not storage.is_remote(path):
        with pa.memory_map(str(storage.local(path))) as source, pa.ipc.open_file(source) as reader:
            return reader.get_batch(partition)
    with storage.open_input(path) as file, pa.ipc.open_file(file) as reader:
        return reader.get_batch(partition)


def read_rounds(path: str, partition: int, partitions: int) -> Iterator[pa.RecordBatch]:
    """Yield one partition's batches, one a round; a local file's are mapped, and their pages given back after use."""
    if not storage.is_remote(path):
        with pa.memory_map(str(storage.local(path))) as source, pa.ipc.open_file(source) as reader:
            yield from map(reader.get_batch, range(partition, reader.num_record_batches, partitions))
        return
    with storage.open_input(path) as file, pa.ipc.open_file(file) as reader:
        yield from map(reader.get_batch, range(partition, reader.num_record_batches, partitions))


def read_all(path: str) -> list[pa.RecordBatch]:
    """Return all batches of an exchange file."""
    with storage.open_input(path) as file, pa.ipc.open_file(file) as reader:
        return [reader.get_batch(index) for index in range(reader.num_record_batches)]


def gather(paths: Iterable[str], partition: int, partitions: int = 0) -> pa.Table:
    """Concatenate one partition of all files, in the order of the paths; files of one round where `partitions` is 0."""
    paths = list(paths)
    if not partitions:
        return pa.Table.from_batches([read(path, partition) for path in paths])
    batches = [batch for path in paths for batch in read_rounds(path, partition, partitions)]
    return pa.Table.from_batches(batches, None if batches else _schema(paths[0]))


def _schema(path: str) -> pa.Schema:
    with storage.open_input(path) as file, pa.ipc.open_file(file) as reader:
        return reader.schema


def split_by(batch: pa.RecordBatch, numbers: np.ndarray, count: int) -> list[pa.RecordBatch]:
    """Cut a batch into `count` batches by the partition number of each row (int[n]); rows keep their order."""
    numbers = numbers.astype(np.min_scalar_type(count))  # up to 16 bits are sorted by radix, in a third of the time
    order = np.argsort(numbers, kind="stable")
    bounds = np.searchsorted(numbers[order], np.arange(count + 1, dtype=numbers.dtype))
    arranged = batch.take(pa.array(order))
    return [arranged.slice(bounds[k], bounds[k + 1] - bounds[k]) for k in range(count)]


def one_batch(table: pa.Table) -> pa.RecordBatch:
    """Return a table as exactly one batch, empty tables included."""
    batches = table.combine_chunks().to_batches()
    return batches[0] if batches else empty(table.schema)


def empty(schema: pa.Schema) -> pa.RecordBatch:
    """Return a batch of no rows."""
    return pa.RecordBatch.from_arrays([pa.array([], field.type) for field in schema], schema=schema)
