"""Readers on real files: counts, checksums of order, and the same rows for any split."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from corpuskit.documents import HeldoutConfig, SourceConfig, ingest_piece, plan, read, read_split

DATA = os.environ.get("CORPUSKIT_TEST_DATA", "")
pytestmark = pytest.mark.skipif(not DATA, reason="CORPUSKIT_TEST_DATA is not set")


def batches(source: SourceConfig, split_bytes: int = 1 << 28) -> Iterator[pa.RecordBatch]:
    for piece in plan(source, split_bytes):
        for records in read(piece, source):
            assert not records.errors
            yield records.documents


def source_of(path: str, **options: str) -> SourceConfig:
    return SourceConfig(name="real", paths=str(Path(DATA, path)), **options)


@pytest.mark.parametrize(
    ("path", "rows"),
    [
        ("text/acl_abstracts/*.zst", 29_831),
        ("text/zh_modern/zh_modern.jsonl.zst", 2_921),
        ("text/eltec_eng/eltec_eng.jsonl.zst", 99),
    ],
)
def test_row_counts(path, rows):
    assert sum(len(batch) for batch in batches(source_of(path))) == rows


def test_c4_sample():
    source = source_of("web/c4_sample/*.gz")
    table = pa.Table.from_batches(batches(source))
    assert table.column("timestamp").null_count == 30  # one file calls it `date`
    assert table.column("url").null_count == 0
    assert len(set(table.column("key").to_pylist())) == len(table)
    plain = source_of("web/c4_sample/c4.jsonl")
    assert pa.Table.from_batches(batches(plain, 5_000)).equals(pa.Table.from_batches(batches(plain)))


def test_parallel_lines():
    counts = {}
    for language in ("ar", "de", "en", "es", "ru"):
        source = source_of(f"text/parallel5/{language}.txt", document="line")
        counts[language] = sum(len(batch) for batch in batches(source, 10_000))
    assert len(set(counts.values())) == 1


def test_parquet_made_of_real_text_is_linked(tmp_path):
    source = source_of("text/acl_abstracts/*.zst")
    table = pa.Table.from_batches(batches(source)).select(["id", "text"])
    pq.write_table(table, tmp_path / "in.parquet", row_group_size=5000)
    linked = SourceConfig(name="real", paths=str(tmp_path / "in.parquet"))
    digest = hashlib.sha256()
    for piece in plan(linked, 10_000_000):
        result = ingest_piece(piece, linked, HeldoutConfig(), str(tmp_path / "out"), 10_000_000)
        for part in result["parts"]:
            assert part["linked"]
            for batch in read_split(str(tmp_path / "out"), part["name"], ["text"]):
                digest.update("".join(batch.column("text").to_pylist()).encode())
    expected = hashlib.sha256("".join(table.column("text").to_pylist()).encode())
    assert digest.hexdigest() == expected.hexdigest()
