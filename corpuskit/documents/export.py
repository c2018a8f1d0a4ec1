"""Writes documents for other programs: JSON lines (plain, gzip, zstd) or Parquet."""

import contextlib
import gzip
from collections.abc import Iterable, Iterator
from typing import Any

import orjson
import pyarrow as pa
import zstandard

from corpuskit import storage
from corpuskit.documents.parts import write_parquet
from corpuskit.documents.schema import SCHEMA
from corpuskit.errors import InputError

COLUMNS = ("id", "text", "url", "source", "timestamp", "metadata")
"""What is exported; keys and held-out marks mean something inside a corpus only."""
SUFFIXES = (".jsonl", ".jsonl.gz", ".jsonl.zst", ".parquet")


def write_export(path: str, batches: Iterable[pa.RecordBatch]) -> None:
    """Commit documents to a file whose suffix says how: `.jsonl`, `.jsonl.gz`, `.jsonl.zst` or `.parquet`.

    Batches need the columns `COLUMNS`; others are left out.

    Raises:
        InputError: another suffix.
    """
    if path.endswith(".parquet"):
        schema = pa.schema([SCHEMA.field(name) for name in COLUMNS])
        write_parquet(path, batches, schema)
    elif path.endswith(SUFFIXES):
        write_jsonl(path, batches)
    else:
        raise InputError(f"{path}: documents are exported as {', '.join(SUFFIXES)}")


def write_jsonl(path: str, batches: Iterable[pa.RecordBatch]) -> None:
    """Commit documents as JSON lines: id, text, source, and url, timestamp, metadata where there are any.

    `metadata` is an object; times are ISO 8601 in UTC. The same documents give the same bytes.
    """
    with storage.committing(path) as scratch, _compressing(scratch, path) as file:
        for batch in batches:
            for row in batch.select(COLUMNS).to_pylist():
                file.write(_line(row))


def _line(row: dict[str, Any]) -> bytes:
    fields = {name: value for name, value in row.items() if value is not None}
    if "metadata" in fields:
        fields["metadata"] = orjson.Fragment(fields["metadata"])
    return orjson.dumps(fields, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z)


@contextlib.contextmanager
def _compressing(scratch: str, path: str) -> Iterator[Any]:
    with storage.local(scratch).open("wb") as file:
        if path.endswith(".gz"):
            with gzip.GzipFile("", "wb", compresslevel=6, fileobj=file, mtime=0) as packed:
                yield packed
        elif path.endswith(".zst"):
            with zstandard.ZstdCompressor(level=3).stream_writer(file, closefd=False) as packed:
                yield packed
        else:
            yield file
