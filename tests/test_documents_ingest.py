"""Ingestion into parts, reading back, error limits and export."""

import gzip
import hashlib
import io
import json
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from corpuskit import manifest
from corpuskit.documents import (
    ERROR_SCHEMA,
    SCHEMA,
    HeldoutConfig,
    SourceConfig,
    check_errors,
    ingest_piece,
    plan,
    read_documents,
    read_errors,
    read_split,
    write_export,
)
from corpuskit.documents.schema import heldout_mask, keys_digest
from corpuskit.errors import ArtifactError, CorruptArtifact, InputError, TooManyErrors
from corpuskit.manifest import Manifest, Marker

BIG = 1 << 40
HELDOUT = HeldoutConfig(share=0.3, seed=1)


def write_jsonl(path: Path, records: list[dict]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(orjson.dumps(record) + b"\n" for record in records))


def ingest(source: SourceConfig, folder: Path, split_bytes: int = BIG, **options: Any) -> list[Marker]:
    """Ingest all pieces and write the manifest, as the pipeline step does."""
    markers = [
        Marker(
            item=piece.name,
            fingerprint="f",
            **ingest_piece(piece, source, HELDOUT, str(folder), split_bytes, **options),
        )
        for piece in plan(source, split_bytes)
    ]
    merged = manifest.merge(markers)
    manifest.write(str(folder), Manifest(kind="documents", name="d", fingerprint="f", identity={}, **merged))
    return markers


def table_of(folder: Path, columns: list[str] | None = None) -> pa.Table:
    return pa.Table.from_batches(list(read_documents(str(folder), columns)))


@pytest.fixture
def mixed(tmp_path: Path) -> SourceConfig:
    """Three files with good and bad lines."""
    for name in "abc":
        path = tmp_path / "in" / f"{name}.jsonl"
        write_jsonl(path, [{"id": f"{name}{number}", "text": f"{name} {number} " * 9} for number in range(40)])
        with path.open("ab") as file:
            file.write(b'not json\n{"id": 1}\n')
    return SourceConfig(name="s", paths=str(tmp_path / "in"))


@pytest.mark.parametrize("split_bytes", [1, 500, 2000, BIG])
def test_every_record_is_accounted_for(tmp_path, mixed, split_bytes):
    out = tmp_path / "out"
    markers = ingest(mixed, out, split_bytes)
    assert sum(marker.rows for marker in markers) == 120
    assert sum(marker.errors for marker in markers) == 6
    found = manifest.read(str(out), "documents")
    assert manifest.verify(str(out)) == len(found.files)
    errors = pa.concat_tables(pq.read_table(out / path) for path in found.files if path.startswith("errors/"))
    assert errors.schema.equals(ERROR_SCHEMA)
    assert sorted(set(errors.column("raw").to_pylist())) == [b"not json", b'{"id": 1}']
    documents = table_of(out)
    assert documents.schema.equals(SCHEMA)
    assert documents.column("id").to_pylist() == [f"{name}{number}" for name in "abc" for number in range(40)]
    assert documents.column("heldout").to_pylist() == heldout_mask(documents.column("key"), HELDOUT).tolist()
    assert 10 < sum(documents.column("heldout").to_pylist()) < 70


@pytest.mark.parametrize("split_bytes", [1, 500, BIG])
def test_part_entries(tmp_path, mixed, split_bytes):
    out = tmp_path / "out"
    markers = ingest(mixed, out, split_bytes)
    for marker in markers:
        keys = []
        for position, part in enumerate(marker.parts):
            assert part["name"] == marker.item + (f"-{position:03d}" if position else "")
            table = pa.Table.from_batches(list(read_split(str(out), part["name"])))
            sizes = [len(text.encode()) for text in table.column("text").to_pylist()]
            assert part["rows"] == len(table) > 0
            assert part["text_bytes"] == sum(sizes)
            assert sum(sizes[:-1]) < split_bytes
            assert part["keys"] == keys_digest(table.column("key"))
            keys.append(table.column("key"))
        if keys:
            assert marker.keys == keys_digest(pa.chunked_array([chunk for key in keys for chunk in key.chunks]))
        assert marker.counts == {"text_bytes": sum(part["text_bytes"] for part in marker.parts)}
    assert len(markers) > 1 or split_bytes == BIG


def test_retry_writes_the_same_bytes(tmp_path, mixed):
    digests = []
    for _ in range(2):
        ingest(mixed, tmp_path / "out", 700)
        files = sorted((tmp_path / "out").rglob("part-*"))
        digests.append([(file.name, hashlib.sha256(file.read_bytes()).hexdigest()) for file in files])
    assert digests[0] == digests[1]
    assert len(digests[0]) > 6


def test_poison_is_set_aside_and_probes_commit_nothing(tmp_path, mixed):
    (piece,) = plan(mixed, BIG)
    out = tmp_path / "out"
    assert ingest_piece(piece, mixed, HELDOUT, str(out), BIG, only=(38, 45)) == {"rows": 5, "errors": 2}
    assert ingest_piece(piece, mixed, HELDOUT, str(out), BIG, only=(0, 10**9)) == {"rows": 120, "errors": 6}
    assert not out.exists()
    result = ingest_piece(piece, mixed, HELDOUT, str(out), BIG, poison=(0, 41, 125), index=7)
    assert (result["rows"], result["errors"]) == (119, 7)
    assert list(result["files"]) == ["part-0000007.parquet", "errors/part-0000007.parquet"]
    table = pq.read_table(out / "errors" / "part-0000007.parquet")
    poison = table.filter(pa.compute.equal(table.column("message"), "killed its worker"))
    assert poison.column("file").to_pylist() == ["a.jsonl", "a.jsonl", "c.jsonl"]
    assert poison.column("raw").to_pylist()[1:] == [b'{"id": 1}', b'{"id": 1}']


def test_only_malformed_records_give_no_part(tmp_path):
    (tmp_path / "in.jsonl").write_bytes(b"bad\nworse\n")
    (marker,) = ingest(SourceConfig(name="s", paths=str(tmp_path / "in.jsonl")), tmp_path / "out")
    assert (marker.rows, marker.errors, list(marker.parts)) == (0, 2, [])
    assert list(marker.files) == ["errors/part-0000000.parquet"]
    assert not (tmp_path / "out" / "part-0000000.parquet").exists()


documents_strategy = st.lists(
    st.fixed_dictionaries(
        {"text": st.text(max_size=40)},
        optional={
            "id": st.text(min_size=1, max_size=4),
            "url": st.text(max_size=5),
            "timestamp": st.integers(-(10**9), 10**10),
            "more": st.recursive(st.none() | st.booleans() | st.text(max_size=3), st.lists, max_leaves=4),
        },
    ),
    max_size=20,
)


@settings(max_examples=40, deadline=None)
@given(documents_strategy, st.integers(1, 100), st.sampled_from([".jsonl", ".jsonl.gz", ".jsonl.zst", ".parquet"]))
def test_round_trip_through_parts_and_export(tmp_path_factory, records, split_bytes, suffix):
    folder = tmp_path_factory.mktemp("trip")
    write_jsonl(folder / "in.jsonl", records)
    ingest(SourceConfig(name="s", paths=str(folder / "in.jsonl")), folder / "out", split_bytes)
    rows = [row for batch in read_documents(str(folder / "out")) for row in batch.to_pylist()]
    for row, record in zip(rows, records, strict=True):
        assert (row["text"], row["url"]) == (record["text"], record.get("url"))
        assert row["id"] == record.get("id", row["id"])
        assert (row["timestamp"] and int(row["timestamp"].timestamp())) == record.get("timestamp")
        assert json.loads(row["metadata"] or "{}") == {key: record[key] for key in record if key == "more"}
    path = str(folder / f"export{suffix}")
    write_export(path, read_documents(str(folder / "out")))
    if not rows:
        return
    again = SourceConfig(name="s", paths=path, link=False)
    ingest(again, folder / "again")
    back = [row for batch in read_documents(str(folder / "again")) for row in batch.to_pylist()]
    for row, copy in zip(rows, back, strict=True):
        for name in ("key", "id", "text", "url", "timestamp", "heldout"):
            assert row[name] == copy[name]


def test_export_formats(tmp_path, mixed):
    ingest(mixed, tmp_path / "out")
    contents = []
    for suffix in ("", ".gz", ".zst"):
        path = tmp_path / f"e.jsonl{suffix}"
        for _ in range(2):  # the second writing gives the same bytes
            before = path.read_bytes() if path.exists() else None
            write_export(str(path), read_documents(str(tmp_path / "out")))
            assert before in (None, path.read_bytes())
        data = path.read_bytes()
        unpack = {
            "": bytes,
            ".gz": gzip.decompress,
            ".zst": lambda data: zstandard.ZstdDecompressor().stream_reader(io.BytesIO(data)).read(),
        }
        contents.append(unpack[suffix](data))
    assert contents[0] == contents[1] == contents[2]
    assert orjson.loads(contents[0].splitlines()[0]) == {"id": "a0", "text": "a 0 " * 9, "source": "s"}
    with pytest.raises(InputError, match=r"exported as \.jsonl, \.jsonl\.gz, \.jsonl\.zst, \.parquet"):
        write_export(str(tmp_path / "e.csv"), [])


def test_read_split_batches_and_columns(tmp_path, mixed):
    ingest(mixed, tmp_path / "out")
    out = str(tmp_path / "out")
    sizes = [len(batch) for batch in read_split(out, "part-0000000", batch_rows=50)]
    assert sizes == [50, 50, 20]
    (batch,) = read_split(out, "part-0000000", ["text", "key"])
    assert batch.schema.names == ["text", "key"]
    assert batch.schema.field("text").type == pa.large_string()
    with pytest.raises(ArtifactError, match="no column 'txt'; did you mean 'text'"):
        list(read_split(out, "part-0000000", ["txt"]))
    with pytest.raises(CorruptArtifact, match=r"part-0000009\.parquet: missing"):
        list(read_split(out, "part-0000009"))


def test_damaged_parts_are_refused_by_name(tmp_path, mixed):
    ingest(mixed, tmp_path / "out")
    path = tmp_path / "out" / "part-0000000.parquet"
    whole = path.read_bytes()
    path.write_bytes(whole[:-100])
    with pytest.raises(CorruptArtifact, match=r"part-0000000\.parquet"):
        table_of(tmp_path / "out")
    pq.write_table(pq.read_table(io.BytesIO(whole)).slice(1), path)
    with pytest.raises(CorruptArtifact, match="part-0000000 has 119 rows, the manifest says 120"):
        table_of(tmp_path / "out")


def test_row_groups_hold_about_8_mib_of_text(tmp_path):
    write_jsonl(tmp_path / "in.jsonl", [{"text": "0123456789" * 10_000} for _ in range(300)])
    ingest(SourceConfig(name="s", paths=str(tmp_path / "in.jsonl")), tmp_path / "out")
    file = pq.ParquetFile(tmp_path / "out" / "part-0000000.parquet")
    assert [file.metadata.row_group(index).num_rows for index in range(file.num_row_groups)] == [84, 84, 84, 48]
    text = next(
        column for column in (file.metadata.row_group(0).column(i) for i in range(8)) if column.path_in_schema == "text"
    )
    assert "RLE_DICTIONARY" not in text.encodings
    assert text.compression == "ZSTD"


def test_error_rate(tmp_path, mixed):
    ingest(mixed, tmp_path / "out")
    files = manifest.read(str(tmp_path / "out")).files
    examples = read_errors(str(tmp_path / "out"), files, limit=2)
    assert len(examples) == 2
    assert examples[0].startswith("a.jsonl, offset ")
    check_errors(120, 6, 0.05, examples)
    with pytest.raises(
        TooManyErrors, match=r"6 of 126 records are malformed \(4\.8%\); max_error_rate allows 1\.0%"
    ) as caught:
        check_errors(120, 6, 0.01, examples)
    assert "\n  a.jsonl, offset" in str(caught.value)
    check_errors(0, 0, 0.0)
    with pytest.raises(TooManyErrors):
        check_errors(0, 1, 0.5)
