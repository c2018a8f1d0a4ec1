"""Exchange files that are written and read in chunks, so that neither a split nor a partition is held as a whole.

From splits to partitions: a round of batches for each chunk, as in `pipelines.exchange`. Back from partitions to
splits: one batch for each chunk of each split, in order.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import orjson
import pyarrow as pa

from corpuskit import storage
from pipelines import exchange

CHUNKS = b"corpuskit.chunks"
"""Schema metadata: JSON list of the number of chunks of each split, in a file whose batches are one per chunk."""


@contextmanager
def writing(path: str, schema: pa.Schema) -> Iterator[pa.RecordBatchFileWriter]:
    """Commit a file of any number of batches."""
    with storage.committing(path) as scratch, pa.ipc.new_file(scratch, schema) as writer:
        yield writer


@contextmanager
def reading(path: str) -> Iterator[pa.RecordBatchFileReader]:
    """Open a file of batches; a local one is mapped into memory, so that a batch costs none before it is touched."""
    if storage.is_remote(path):
        with storage.open_input(path) as file, pa.ipc.open_file(file) as reader:
            yield reader
    else:
        with pa.memory_map(str(storage.local(path))) as source, pa.ipc.open_file(source) as reader:
            yield reader


def with_chunks(schema: pa.Schema, chunks: Sequence[int]) -> pa.Schema:
    """Return the schema of a file with one batch for each chunk of each split."""
    return schema.with_metadata({CHUNKS: orjson.dumps(list(chunks))})


def chunk_batch(path: str, split: int, chunk: int) -> pa.RecordBatch:
    """Return the batch of one chunk of one split, by number."""
    with reading(path) as reader:
        chunks = chunks_of(reader.schema.metadata)
        return reader.get_batch(sum(chunks[:split]) + chunk)


def split_batches(path: str, split: int) -> list[pa.RecordBatch]:
    """Return the batches of all chunks of one split, by number; an empty one where it has none."""
    with reading(path) as reader:
        chunks = chunks_of(reader.schema.metadata)
        first = sum(chunks[:split])
        batches = [reader.get_batch(index) for index in range(first, first + chunks[split])]
        return batches or [exchange.empty(reader.schema)]


def chunks_of(metadata: Mapping[bytes, bytes]) -> list[int]:
    """Return the number of chunks of each split."""
    chunks: list[int] = orjson.loads(metadata[CHUNKS])
    return chunks


def read_chunks(path: str) -> list[int]:
    """Return the number of chunks of each split, of a file with one batch for each."""
    with reading(path) as reader:
        return chunks_of(reader.schema.metadata)


def batch_of(schema: pa.Schema, columns: Sequence[Any]) -> pa.RecordBatch:
    """Return a batch of arrays, by the order of the schema's fields."""
    arrays = [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)
