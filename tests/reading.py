"""What the tests of readers share."""

import gzip
from pathlib import Path
from typing import Any

import orjson
import zstandard

from corpuskit.documents import BadRecord, Choice, SourceConfig, plan, read

BIG = 1 << 40


def source_of(path: Path | list[Path], **options: Any) -> SourceConfig:
    paths = tuple(map(str, path)) if isinstance(path, list) else str(path)
    return SourceConfig(name="s", paths=paths, **options)


def read_all(
    source: SourceConfig, split_bytes: int = BIG, choice: Choice | None = None
) -> tuple[list[dict], list[BadRecord]]:
    rows: list[dict] = []
    errors: list[BadRecord] = []
    for piece in plan(source, split_bytes):
        for records in read(piece, source, choice or Choice()):
            records.documents.validate(full=True)
            rows += records.documents.to_pylist()
            errors += records.errors
    return rows, errors


def texts_of(path: Path, **options: Any) -> list[str]:
    rows, errors = read_all(source_of(path, **options))
    assert not errors
    return [row["text"] for row in rows]


def jsonl(records: list[dict]) -> bytes:
    return b"".join(orjson.dumps(record) + b"\n" for record in records)


def pack(data: bytes, suffix: str, members: int = 1) -> bytes:
    """Compress in several gzip members or zstd frames, cut anywhere."""
    step = max(-(-len(data) // members), 1)
    parts = [data[start : start + step] for start in range(0, len(data), step)] or [b""]
    compress = {".gz": gzip.compress, ".zst": zstandard.ZstdCompressor().compress, "": bytes}[suffix]
    return b"".join(compress(part) for part in parts)
