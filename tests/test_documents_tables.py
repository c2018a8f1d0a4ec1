"""Readers of Parquet and Arrow: types, nulls, damage, row groups, and linking."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from reading import BIG, read_all, source_of

from corpuskit.documents import (
    Choice,
    HeldoutConfig,
    SourceConfig,
    ingest_piece,
    make_key,
    plan,
    read_split,
)
from corpuskit.errors import CorruptArtifact, InputError

TABLE = pa.table({"id": [f"d{number}" for number in range(100)], "text": [f"text {number} é" for number in range(100)]})


def write(path: Path, table: pa.Table, batch_rows: int = 10, **options: Any) -> None:
    """Write Parquet, or an Arrow file or stream, by the suffix."""
    if path.suffix == ".parquet":
        pq.write_table(table, path, row_group_size=batch_rows, **options)
        return
    make = pa.ipc.new_file if path.suffix == ".arrow" else pa.ipc.new_stream
    with make(str(path), table.schema, **options) as writer:
        writer.write_table(table, max_chunksize=batch_rows)


FORMATS = pytest.mark.parametrize("name", ["in.parquet", "in.arrow", "in.arrows"])


@FORMATS
@pytest.mark.parametrize("split_bytes", [1, 700, BIG])
def test_any_cut_gives_the_same_documents(tmp_path, name, split_bytes):
    write(tmp_path / name, TABLE.drop_columns("id"))
    rows, errors = read_all(source_of(tmp_path / name), split_bytes)
    assert not errors
    assert [row["text"] for row in rows] == TABLE.column("text").to_pylist()
    assert [row["id"] for row in rows] == [f"{name}:{number}" for number in range(100)]
    assert [row["key"] for row in rows] == [make_key("s", row["id"]) for row in rows]
    assert all(row["metadata"] is None for row in rows)


@FORMATS
@pytest.mark.parametrize(
    "kind", [pa.string(), pa.large_string(), pa.binary(), pa.large_binary(), pa.dictionary(pa.int32(), pa.string())]
)
def test_text_types(tmp_path, name, kind):
    table = TABLE.set_column(1, "text", TABLE.column("text").cast(kind))
    write(tmp_path / name, table)
    rows, errors = read_all(source_of(tmp_path))
    assert [row["text"] for row in rows] == TABLE.column("text").to_pylist()
    assert not errors


@FORMATS
def test_nulls_and_invalid_utf8_are_bad_records(tmp_path, name):
    texts = pa.array([b"good", None, b"b\xe9d", b""], pa.binary())
    write(tmp_path / name, pa.table({"id": [1, 2, None, 4], "text": texts, "n": [1, 2, 3, 4]}), batch_rows=3)
    rows, errors = read_all(source_of(tmp_path))
    assert [(row["id"], row["text"], row["metadata"]) for row in rows] == [
        ("1", "good", '{"n":1}'),
        ("4", "", '{"n":4}'),
    ]
    assert [(error.file, error.offset) for error in errors] == [(name, 1), (name, 2)]
    assert errors[0].message == "column 'text' is null"
    assert errors[1].message == "column 'text' is not UTF-8: invalid continuation byte at byte 1"
    assert json.loads(errors[0].raw) == {"id": 2, "n": 2}


def test_lying_string_column_is_checked(tmp_path):
    lying = pa.Array.from_buffers(pa.string(), 2, pa.array([b"ok", b"\xff"], pa.binary()).buffers())
    write(tmp_path / "in.arrow", pa.table({"text": lying}))
    rows, (error,) = read_all(source_of(tmp_path))
    assert [row["text"] for row in rows] == ["ok"]
    assert error.offset == 1


def test_row_that_lies_in_another_column_is_one_bad_record(tmp_path):
    def lying(*values: bytes) -> pa.Array:
        return pa.Array.from_buffers(pa.string(), len(values), pa.array(values, pa.binary()).buffers())

    far = pa.array([0, 0, 0, 0, 2**60], pa.timestamp("ms"))
    table = pa.table(
        {
            "text": list("abcde"),
            "id": lying(b"1", b"\xff", b"3", b"4", b"5"),
            "x": lying(b"", b"", b"", b"\xff", b""),
            "far": far,
        }
    )
    write(tmp_path / "in.parquet", table)
    rows, errors = read_all(source_of(tmp_path))
    assert [row["text"] for row in rows] == ["a", "c"]
    assert [error.offset for error in errors] == [1, 3, 4]


@FORMATS
def test_other_columns(tmp_path, name):
    when = datetime(2020, 1, 2, 3, 4, 5, 600_000, tzinfo=UTC)
    table = pa.table(
        {
            "text": ["a", "b"],
            "url": ["u", None],
            "timestamp": pa.array([when, None], pa.timestamp("us", "UTC")),
            "nested": [{"x": [1, 2]}, None],
            "raw": [b"\xff", b""],
            "day": [date(2020, 1, 2), None],
            "price": [Decimal("1.50"), None],
            "nanos": pa.array([1, 2], pa.timestamp("ns")),
        }
    )
    write(tmp_path / name, table)
    (first, second), _ = read_all(source_of(tmp_path))
    assert (first["url"], second["url"]) == ("u", None)
    assert (first["timestamp"], second["timestamp"]) == (when.replace(microsecond=0), None)
    metadata = json.loads(first["metadata"])
    nanos = metadata.pop("nanos")
    assert metadata == {"nested": {"x": [1, 2]}, "raw": "/w==", "day": "2020-01-02", "price": "1.50"}
    assert nanos.startswith("1970-01-01T00:00:00")


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (pa.array(["2020-01-01", "x"]), ["2020-01-01T00:00:00+00:00", None]),
        (pa.array([0, None], pa.int64()), ["1970-01-01T00:00:00+00:00", None]),
        (pa.array([-1500, None], pa.timestamp("ms")), ["1969-12-31T23:59:58+00:00", None]),
        (pa.array([0, 1], pa.date32()), ["1970-01-01T00:00:00+00:00", "1970-01-02T00:00:00+00:00"]),
    ],
)
def test_times(tmp_path, values, expected):
    write(tmp_path / "in.parquet", pa.table({"text": ["a", "b"], "timestamp": values}))
    rows, _ = read_all(source_of(tmp_path))
    assert [row["timestamp"] and row["timestamp"].isoformat() for row in rows] == expected


@FORMATS
def test_wrong_columns_are_the_users_mistake(tmp_path, name):
    write(tmp_path / name, pa.table({"content": ["a"], "number": [1], "tags": [["x"]]}))
    with pytest.raises(InputError, match=r"no column 'text' for the text; known: content, number, tags"):
        plan(source_of(tmp_path), BIG)
    with pytest.raises(InputError, match=r"did you mean 'content'"):
        plan(source_of(tmp_path, text="contents"), BIG)
    with pytest.raises(InputError, match=r"column 'number' has the type int64; a text is string"):
        plan(source_of(tmp_path, text="number"), BIG)
    with pytest.raises(InputError, match=r"column 'tags' has the type list.*; an id is"):
        plan(source_of(tmp_path, text="content", id="tags"), BIG)


@FORMATS
@pytest.mark.parametrize("data", [b"", b"garbage", None])
def test_damaged_file_is_one_bad_record_and_the_next_is_read(tmp_path, name, data):
    folder = tmp_path / "in"
    folder.mkdir()
    suffix = Path(name).suffix
    write(folder / f"b{suffix}", TABLE)
    whole = (folder / f"b{suffix}").read_bytes()
    (folder / f"a{suffix}").write_bytes(whole[: len(whole) // 2] if data is None else data)
    rows, errors = read_all(source_of(folder, format="parquet" if suffix == ".parquet" else "arrow"))
    assert len(errors) == 1
    assert errors[0].file == f"a{suffix}"
    assert [row["text"] for row in rows[-100:]] == TABLE.column("text").to_pylist()


def test_damaged_row_group_is_one_bad_record(tmp_path):
    path = tmp_path / "in.parquet"
    write(path, TABLE, batch_rows=50, compression="zstd", use_dictionary=False)
    data = bytearray(path.read_bytes())
    start = pq.ParquetFile(path).metadata.row_group(0).column(1).data_page_offset
    data[start : start + 60] = b"\xff" * 60
    path.write_bytes(data)
    rows, (error,) = read_all(source_of(path))
    assert [row["text"] for row in rows] == TABLE.column("text").to_pylist()[50:]
    assert (error.file, error.offset) == ("in.parquet", 0)
    assert "row group 0 is damaged" in error.message


@FORMATS
def test_choice_of_rows(tmp_path, name):
    table = TABLE.set_column(1, "text", pa.array([None if number % 7 == 3 else "t" for number in range(100)]))
    write(tmp_path / name, table)
    source = source_of(tmp_path)
    rows, errors = read_all(source)
    assert len(rows) + len(errors) == 100
    probes = [read_all(source, choice=Choice(start, start + 13)) for start in range(0, 100, 13)]
    assert [row for found, _ in probes for row in found] == rows
    assert [error for _, found in probes for error in found] == errors
    kept, set_aside = read_all(source, choice=Choice(poison=frozenset({0, 55, 99})))
    assert len(kept) + len(set_aside) == 100
    assert [error.offset for error in set_aside if error.message == "killed its worker"] == [0, 55, 99]


@FORMATS
def test_max_bytes(tmp_path, name):
    write(
        tmp_path / name,
        pa.table({"text": ["x" * 1000] * 100}),
        **({"use_dictionary": False} if "parquet" in name else {}),
    )
    rows, _ = read_all(source_of(tmp_path, max_bytes=25_000))
    assert 20 <= len(rows) <= 40


def ingest(source: SourceConfig, folder: Path, split_bytes: int = BIG, **options: Any) -> list[dict[str, Any]]:
    return [
        ingest_piece(piece, source, HeldoutConfig(share=0.3), str(folder), split_bytes, **options)
        for piece in plan(source, split_bytes)
    ]


def documents(folder: Path, results: list[dict[str, Any]], columns: list[str] | None = None) -> pa.Table:
    names = [part["name"] for result in results for part in result["parts"]]
    return pa.Table.from_batches([batch for name in names for batch in read_split(str(folder), name, columns)])


@pytest.mark.parametrize("split_bytes", [900, BIG])
@pytest.mark.parametrize("kind", [pa.string(), pa.large_string()])
def test_linked_and_copied_parts_read_the_same(tmp_path, split_bytes, kind):
    (tmp_path / "in").mkdir()
    table = TABLE.set_column(1, "text", TABLE.column("text").cast(kind))
    write(tmp_path / "in" / "a.parquet", table)
    write(tmp_path / "in" / "b.parquet", table.slice(0, 20))
    linked = ingest(source_of(tmp_path / "in"), tmp_path / "linked", split_bytes)
    copied = ingest(source_of(tmp_path / "in", link=False), tmp_path / "copied", split_bytes)
    assert all(part["linked"] for result in linked for part in result["parts"])
    assert not any("linked" in part for result in copied for part in result["parts"])
    for columns in (None, ["text"], ["text", "id"], ["heldout", "text"], ["key"]):
        assert documents(tmp_path / "linked", linked, columns) == documents(tmp_path / "copied", copied, columns)
    for key in ("rows", "errors", "keys", "counts"):
        assert [result[key] for result in linked] == [result[key] for result in copied]
    stored = pq.read_schema(tmp_path / "linked" / "part-0000000.parquet")
    assert "text" not in stored.names


def test_changed_or_missing_linked_file_is_refused_by_name(tmp_path):
    path = tmp_path / "in.parquet"
    write(path, TABLE)
    results = ingest(source_of(path), tmp_path / "out")
    write(path, TABLE.slice(1))
    with pytest.raises(
        CorruptArtifact, match=r"part-0000000\.parquet: the file it links to has changed: .*in\.parquet"
    ):
        documents(tmp_path / "out", results)
    assert len(documents(tmp_path / "out", results, ["key", "heldout"])) == 100
    path.unlink()
    with pytest.raises(CorruptArtifact, match=r"the file it links to is gone: .*in\.parquet"):
        documents(tmp_path / "out", results)


@pytest.mark.parametrize("case", ["null", "invalid", "binary", "dictionary", "no statistics", "poison"])
def test_what_cannot_be_linked_is_copied(tmp_path, case):
    texts = TABLE.column("text").combine_chunks()
    if case == "null":
        texts = pa.array([None, *texts.to_pylist()[1:]])
    elif case == "invalid":
        binary = pa.array([b"\xff", *(text.encode() for text in texts.to_pylist()[1:])], pa.binary())
        texts = pa.Array.from_buffers(pa.string(), 100, binary.buffers())
    elif case == "binary":
        texts = texts.cast(pa.binary())
    elif case == "dictionary":
        texts = texts.dictionary_encode()
    path = tmp_path / "in.parquet"
    write(path, pa.table({"text": texts}), write_statistics=case != "no statistics")
    (result,) = ingest(source_of(path), tmp_path / "out", poison=(5,) if case == "poison" else ())
    assert "linked" not in result["parts"][0]
    bad = case in ("null", "invalid", "poison")
    assert (result["rows"], result["errors"]) == (99, 1) if bad else (100, 0)
    path.unlink()
    assert len(documents(tmp_path / "out", [result])) == result["rows"]
