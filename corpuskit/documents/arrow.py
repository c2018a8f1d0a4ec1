"""Reader of Arrow IPC files and streams."""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import IO, Any

import pyarrow as pa

from corpuskit import storage
from corpuskit.documents.parquet import is_damage
from corpuskit.documents.pieces import FileRange, Piece, allotments, check_unchanged, pack
from corpuskit.documents.records import ALL, BadRecord, Choice, Records, bad
from corpuskit.documents.source import SourceConfig
from corpuskit.documents.tables import Block, check_schema, collect_tables, rows_per_batch

MAGIC = b"ARROW1"


def plan(source: SourceConfig, files: Sequence[FileRange], split_bytes: int) -> list[Piece]:
    """Group record batches into pieces, taking the batches of a file for equally large; streams are not cut.

    Raises:
        InputError: a file has no text column of that name.
    """
    limits = allotments(files, source.max_bytes)
    ranges = [item for file, limit in zip(files, limits, strict=True) for item in _batches(file, limit, source)]
    return pack(source, ranges, split_bytes)


def _batches(file: FileRange, limit: int | None, source: SourceConfig) -> list[tuple[FileRange, int]]:
    """Return each record batch of a file as (range, estimated bytes), the first ones up to `limit`."""
    try:
        with _open(file, source) as reader:
            check_schema(reader.schema, file.path, source)
            count = getattr(reader, "num_record_batches", None)
            if count is None:
                return [(replace(file, stop=_up_to(reader, limit)), limit or file.size)]
    except Exception as error:
        if not is_damage(error):
            raise
        return [(replace(file, stop=0), 0)]
    share = max(file.size // max(count, 1), 1)
    taken = count if limit is None else min(count, max(-(-limit // share), 1))
    return [(replace(file, start=index, stop=index + 1), share) for index in range(taken)] or [
        (replace(file, stop=0), 0)
    ]


def _up_to(reader: Any, limit: int | None) -> int | None:
    """Return how many batches of a stream hold `limit` bytes."""
    if limit is None:
        return None
    count = size = 0
    while size < limit and (batch := next(reader, None)) is not None:
        count, size = count + 1, size + batch.nbytes
    return count


@contextlib.contextmanager
def _open(file: FileRange, source: SourceConfig, fields: list[int] | None = None) -> Iterator[Any]:
    """Open an IPC file (memory-mapped where local) or stream; `fields` limits the columns that are read."""
    options = pa.ipc.IpcReadOptions(included_fields=fields or [])
    with storage.open_input(file.path, source.storage_options) as head:
        is_file = head.read(len(MAGIC)) == MAGIC
    with _random_access(file.path, source.storage_options) as data:
        yield pa.ipc.open_file(data, options=options) if is_file else pa.ipc.open_stream(data, options=options)


def _random_access(path: str, options: dict[str, Any]) -> IO[bytes] | pa.NativeFile:
    return storage.open_input(path, options) if storage.is_remote(path) else pa.memory_map(str(storage.local(path)))


def read(piece: Piece, source: SourceConfig, choice: Choice = ALL) -> Iterator[Records]:
    """Read the record batches of a piece; damage ends its file with one bad record."""
    blocks = (block for file in piece.files for block in _blocks(file, source))
    return collect_tables(blocks, source, choice)


def _blocks(file: FileRange, source: SourceConfig) -> Iterator[Block | BadRecord]:
    check_unchanged(file, source.storage_options)
    first = 0
    try:
        first = _rows_before(file, source)
        with _open(file, source) as reader:
            check_schema(reader.schema, file.path, source)
            for batch in _stored(reader, file):
                batch.drop_columns([source.text]).validate(full=True)
                batch.column(source.text).validate()
                step = rows_per_batch(len(batch), batch.column(source.text).nbytes)
                for start in range(0, len(batch), step):
                    rows = batch.slice(start, step)
                    yield file.name, first, rows
                    first += len(rows)
    except Exception as error:
        if not is_damage(error):
            raise
        yield bad(file.name, first, f"not a readable Arrow IPC file: {error}", b"")


def _stored(reader: Any, file: FileRange) -> Iterator[pa.RecordBatch]:
    if hasattr(reader, "get_batch"):
        stop = reader.num_record_batches if file.stop is None else file.stop
        return (reader.get_batch(index) for index in range(file.start, stop))
    return islice(reader, file.stop)


def _rows_before(file: FileRange, source: SourceConfig) -> int:
    """Return the number of rows before the range, reading as few columns as possible."""
    if not file.start:
        return 0
    with _open(file, source) as reader:
        small = [index for index, name in enumerate(reader.schema.names) if name != source.text]
    with _open(file, source, small[:1]) as reader:
        return sum(reader.get_batch(index).num_rows for index in range(file.start))
