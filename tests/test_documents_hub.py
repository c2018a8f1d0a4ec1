"""Parquet files on the Hugging Face Hub, read through a stand-in on 127.0.0.1."""

import io
import sys
from collections.abc import Iterator

import fsspec
import huggingface_hub
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hub import COMMIT, Hub, serving

from corpuskit.documents import HeldoutConfig, SourceConfig, ingest_piece, plan, read, read_split
from corpuskit.documents.parquet import links
from corpuskit.errors import InputError

DATA = "hf://datasets/owner/name/data"


def table(name: str, rows: int) -> pa.Table:
    return pa.table(
        {"id": [f"{name}{i}" for i in range(rows)], "text": [f"text {i} of {name} 中" for i in range(rows)]}
    )


def parquet(name: str, rows: int) -> bytes:
    file = io.BytesIO()
    pq.write_table(table(name, rows), file, row_group_size=10)
    return file.getvalue()


@pytest.fixture
def hub(monkeypatch) -> Iterator[Hub]:
    huggingface_hub.HfFileSystem.clear_instance_cache()
    files = {"data/a.parquet": parquet("a", 25), "data/deep/b.parquet": parquet("b", 5), "README.md": b"x"}
    with serving(files) as found:
        monkeypatch.setitem(
            fsspec.config.conf, "hf", {"endpoint": found.url}
        )  # as HF_ENDPOINT, which is read on import
        monkeypatch.delenv("HF_TOKEN", raising=False)
        yield found
    huggingface_hub.HfFileSystem.clear_instance_cache()


def source_of(*paths: str, **options: object) -> SourceConfig:
    return SourceConfig(name="s", paths=paths, format="parquet", **options)


def rows_of(source: SourceConfig, split_bytes: int = 1 << 30) -> list[tuple[str, str]]:
    batches = [records.documents for piece in plan(source, split_bytes) for records in read(piece, source)]
    return [(row["id"], row["text"]) for batch in batches for row in batch.to_pylist()]


A = [tuple(row.values()) for row in table("a", 25).to_pylist()]
B = [tuple(row.values()) for row in table("b", 5).to_pylist()]


@pytest.mark.parametrize(
    ("path", "rows"),
    {
        f"{DATA}/*.parquet": A,
        f"{DATA}/**/*.parquet": A + B,
        f"{DATA}/a.parquet": A,
        DATA: A + B,
        "hf://datasets/owner/name": A + B,
        "hf://datasets/owner/name@main/data/deep": B,
        f"hf://datasets/owner/name@{COMMIT}/data/*.parquet": A,
    }.items(),
)
def test_files_folders_and_globs(hub, path, rows):
    assert rows_of(source_of(path)) == rows


def test_endpoint_can_be_a_storage_option(hub, monkeypatch):
    monkeypatch.delitem(fsspec.config.conf, "hf")
    assert rows_of(source_of(DATA, storage_options={"endpoint": hub.url})) == A + B


def test_format_is_known_by_suffix(hub):
    assert rows_of(SourceConfig(name="s", paths=f"{DATA}/a.parquet")) == A


def test_row_groups_are_pieces_read_by_range(hub):
    hub.files["data/a.parquet"] = parquet("a", 5000)
    source = source_of(f"{DATA}/a.parquet")
    pieces = plan(source, 5000)
    assert len(pieces) > 3
    assert sum(len(records.documents) for piece in pieces for records in read(piece, source)) == 5000


def test_names_and_tags_identify_the_files(hub):
    (piece,) = plan(source_of(DATA), 1 << 30)
    before = piece.identity()
    assert [name for name, _, _ in before] == ["a.parquet", "deep/b.parquet"]
    hub.files["data/a.parquet"] = parquet("z", 25)
    huggingface_hub.HfFileSystem.clear_instance_cache()
    (piece,) = plan(source_of(DATA), 1 << 30)
    after = piece.identity()
    assert after[0][1] == before[0][1]  # the size; the tag alone tells
    assert [entry != old for entry, old in zip(after, before, strict=True)] == [True, False]


@pytest.mark.parametrize(
    ("path", "message"),
    {
        "hf://datasets/owner/missing/data/*.parquet": "repository not found",
        "hf://datasets/owner/missing": "repository not found",
        "hf://datasets/owner/name@v2/data": "revision not found",
        f"{DATA}/missing.parquet": "no such file",
        f"{DATA}/nothing/*.parquet": "no such file",
        "hf://datasets/name": "namespace/name",
        "hf://": "hf://",
    }.items(),
)
def test_what_is_missing_is_an_input_error(hub, path, message):
    with pytest.raises(InputError, match=message) as found:
        plan(source_of(path), 1 << 30)
    assert path in str(found.value)


def test_gated_files_need_a_token(hub):
    hub.gated = True
    with pytest.raises(InputError, match="gated"):
        plan(source_of(DATA), 1 << 30)
    source = source_of(DATA, storage_options={"token": "hf_secret"})
    assert rows_of(source) == A + B
    assert "hf_secret" not in repr(source) + str(source.identity())


def test_a_hub_out_of_reach_is_an_input_error(hub):
    hub.shutdown()
    hub.server_close()
    with pytest.raises(InputError, match=DATA):
        plan(source_of(DATA), 1 << 30)


def test_missing_package_is_named(hub, monkeypatch):
    monkeypatch.delitem(sys.modules["fsspec.registry"]._registry, "hf", raising=False)
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(InputError, match="huggingface_hub"):
        plan(source_of(DATA), 1 << 30)


def test_only_pinned_files_are_linked(hub, tmp_path):
    for path, linked in {DATA: False, f"hf://datasets/owner/name@{COMMIT}/data": True}.items():
        source = source_of(path)
        (piece,) = plan(source, 1 << 30)
        assert bool(links(piece, source)) is linked
        folder = tmp_path / f"linked-{linked}"
        marker = ingest_piece(piece, source, HeldoutConfig(), str(folder), 1 << 30)
        assert marker["parts"][0].get("linked", False) is linked
        rows = [row for batch in read_split(str(folder), "part-0000000") for row in batch.to_pylist()]
        assert [(row["id"], row["text"]) for row in rows] == A + B
