"""Web archives made for tests, and what the reader makes of them."""

import gzip
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import zstandard

from corpuskit import storage
from corpuskit.documents import warc
from corpuskit.documents.pieces import FileRange, Piece
from corpuskit.documents.records import ALL, BadRecord, Choice
from corpuskit.documents.source import SourceConfig

SOURCE = SourceConfig(name="web", paths=("unused",), format="warc")
PACKINGS = ("plain", "gzip", "one_gzip", "zstd", "one_zstd", "zstd_dictionary")
PAGE = b"<html><p>caf\xc3\xa9</p></html>"
SUFFIX = {"plain": "", "gzip": ".gz", "one_gzip": ".gz", "zstd": ".zst", "one_zstd": ".zst", "zstd_dictionary": ".zst"}


def record(kind: str, number: int, block: bytes, fields: Sequence[tuple[str, str]] = (), length: str = "") -> bytes:
    """Return a record; `length` instead of the true Content-Length."""
    head = [
        ("WARC-Type", kind),
        ("WARC-Record-ID", f"<urn:uuid:{number}>"),
        ("WARC-Target-URI", f"https://example.org/{number}"),
        ("WARC-Date", "2024-05-18T01:58:10Z"),
        *fields,
        ("Content-Length", length or str(len(block))),
    ]
    return b"WARC/1.0\r\n" + "".join(f"{name}: {value}\r\n" for name, value in head).encode() + b"\r\n" + block + END


END = b"\r\n\r\n"


def wet(number: int, text: str, **options: Any) -> bytes:
    return record("conversion", number, text.encode(), [("Content-Type", "text/plain")], **options)


def response(number: int, body: bytes, head: str = "Content-Type: text/html", status: str = "200 OK") -> bytes:
    block = f"HTTP/1.1 {status}\r\n{head}\r\n\r\n".encode() + body
    return record("response", number, block, [("Content-Type", "application/http; msgtype=response")])


def pack(records: Sequence[bytes], packing: str) -> bytes:
    """Return the bytes of a file of records."""
    if packing == "plain":
        return b"".join(records)
    if packing == "gzip":
        return b"".join(gzip.compress(data, 6, mtime=0) for data in records)
    if packing == "one_gzip":
        return gzip.compress(b"".join(records), 6, mtime=0)
    dictionary = zstandard.ZstdCompressionDict(wet(0, "the quick brown fox") * 9)
    trained = dictionary if packing == "zstd_dictionary" else None
    compress = zstandard.ZstdCompressor(write_checksum=True, dict_data=trained).compress
    if packing == "one_zstd":
        return compress(b"".join(records))
    data = dictionary.as_bytes()
    lead = b"\x5d\x2a\x4d\x18" + len(data).to_bytes(4, "little") + data if trained else b""
    return lead + b"".join(compress(data) for data in records)


class Found(NamedTuple):
    """What the reader gave of one file."""

    rows: list[dict[str, Any]]
    errors: list[BadRecord]
    skipped: dict[str, int]

    @property
    def total(self) -> int:
        return len(self.rows) + len(self.errors) + sum(self.skipped.values())

    def contents(self) -> list[tuple[str, str, bytes | None, str | None]]:
        """Return what each row holds: id, text, payload, URL."""
        return [(row["id"], row["text"], row["payload"], row["url"]) for row in self.rows]

    def messages(self) -> list[str]:
        return [error.message for error in self.errors]


def file_range(path: Path) -> FileRange:
    stored = storage.stat(str(path))
    return FileRange(path.name, str(path), stored.size, stored.tag)


def read(path: Path, choice: Choice = ALL) -> Found:
    return read_range(file_range(path), choice)


def read_range(file: FileRange, choice: Choice = ALL) -> Found:
    piece = Piece(0, (file,), 0, "warc")
    rows: list[dict[str, Any]] = []
    errors: list[BadRecord] = []
    skipped: dict[str, int] = {}
    for records in warc.read(piece, SOURCE, choice):
        rows += records.documents.to_pylist()
        errors += records.errors
        for reason, count in records.skipped.items():
            skipped[reason] = skipped.get(reason, 0) + count
    for row in rows:
        row["metadata"] = json.loads(row["metadata"])
    return Found(rows, errors, skipped)


def read_bytes(folder: Path, data: bytes, name: str = "test.warc", choice: Choice = ALL) -> Found:
    path = folder / name
    path.write_bytes(data)
    return read(path, choice)


def page(tmp_path: Path, data: bytes) -> dict[str, object]:
    found = read_bytes(tmp_path, data)
    assert not found.errors, found.errors
    assert len(found.rows) == 1
    return found.rows[0]
