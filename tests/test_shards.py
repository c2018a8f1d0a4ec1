"""Token shards: round trip, batch boundaries, refusals, lazy and cheap to pickle."""

import itertools
import pickle
import resource
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpuskit import manifest
from corpuskit.errors import ArtifactError, CorruptArtifact, InputError
from corpuskit.shards import Header, Shards, ShardWriter, part_file, reader, writer


def key_of(number: int) -> bytes:
    return number.to_bytes(16, "little")


def token_lists(documents: Sequence[Sequence[int]], dtype: Any) -> pa.LargeListArray:
    offsets = np.cumsum([0, *map(len, documents)], dtype=np.int64)
    values = np.fromiter((token for document in documents for token in document), dtype)
    return pa.LargeListArray.from_arrays(pa.array(offsets), pa.array(values))


def append(shard: ShardWriter, header: Header, documents: Sequence[Sequence[int]], first_key: int) -> None:
    keys = pa.array([key_of(first_key + i) for i in range(len(documents))], pa.binary(16))
    shard.append(keys, token_lists(documents, header.dtype), np.array([3 * len(d) for d in documents], np.int64))


def write_shards(folder: str | Path, parts: Sequence[Sequence[Sequence[int]]], vocab_size: int = 1000) -> Header:
    """Write one shard per part (a list of documents, each a list of ids) and the manifest; keys count from 0."""
    header = Header(tokenizer="f" * 64, vocab_size=vocab_size)
    entries, files, first_key = [], {}, 0
    for index, documents in enumerate(parts):
        name = f"part-{index:07d}"
        path = f"{folder}/{part_file(name)}"
        with ShardWriter(path, header) as shard:
            append(shard, header, documents, first_key)
        entries.append(shard.part(name))
        files[part_file(name)] = manifest.file_entry(path)
        first_key += len(documents)
    identity = {"step": "encode"}
    meta = manifest.Manifest(
        kind="shards",
        name="tiny",
        fingerprint="0" * 64,
        identity=identity,
        rows=first_key,
        parts=entries,
        files=files,
        extra=header.manifest_extra(),
    )
    manifest.write(str(folder), meta)
    return header


PARTS = [[[1, 2, 3], [], [4]], [], [[5, 6], [7, 8, 9, 999]]]
DOCUMENTS = [document for part in PARTS for document in part]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_shards(tmp_path, PARTS)
    return tmp_path


def test_round_trip(folder: Path) -> None:
    shards = Shards.open(str(folder))
    assert shards.n_documents == len(shards) == 5
    assert shards.dtype == np.uint16
    assert shards.vocab_size == 1000
    assert shards.tokenizer == "f" * 64
    assert shards.part_starts.tolist() == [0, 3, 3, 5]
    assert shards.lengths().tolist() == [3, 0, 1, 2, 4]
    assert shards.lengths().dtype == np.int64
    assert shards.bytes().tolist() == [9, 0, 3, 6, 12]
    assert shards.bytes().dtype == np.uint32
    keys = shards.keys()
    assert keys.shape == (5, 16)
    assert keys.tobytes() == b"".join(map(key_of, range(5)))
    assert [shards.tokens(i).tolist() for i in range(5)] == DOCUMENTS
    assert manifest.verify(str(folder)) == 3


@given(
    documents=st.lists(st.lists(st.integers(0, 69_999), max_size=12), max_size=25),
    cuts=st.lists(st.integers(0, 25), max_size=3),
    data=st.data(),
)
@settings(max_examples=60, deadline=None)
def test_gather_equals_slicing(
    tmp_path_factory: pytest.TempPathFactory, documents: list[list[int]], cuts: list[int], data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("shards")
    bounds = [0, *sorted(min(cut, len(documents)) for cut in cuts), len(documents)]
    parts = [documents[start:stop] for start, stop in itertools.pairwise(bounds)]
    write_shards(folder, parts, vocab_size=70_000)
    shards = Shards.open(str(folder))
    spans = []
    if documents:
        for document in data.draw(st.lists(st.integers(0, len(documents) - 1), max_size=10)):
            start = data.draw(st.integers(0, len(documents[document])))
            spans.append((document, start, data.draw(st.integers(start, len(documents[document])))))
    columns = np.array(spans, np.int64).reshape(-1, 3).T
    found = shards.gather(*columns)
    assert found.dtype == np.uint32
    assert found.tolist() == [token for document, start, stop in spans for token in documents[document][start:stop]]


@pytest.mark.parametrize(("document", "start", "stop"), [(5, 0, 1), (-1, 0, 1), (0, 1, 4), (0, -1, 2), (1, 0, 1)])
def test_gather_outside(folder: Path, document: int, start: int, stop: int) -> None:
    with pytest.raises(IndexError, match="in "):
        Shards.open(str(folder)).gather(np.array([document]), np.array([start]), np.array([stop]))


@pytest.mark.parametrize("document", [-1, 5])
def test_tokens_outside(folder: Path, document: int) -> None:
    with pytest.raises(IndexError, match="document"):
        Shards.open(str(folder)).tokens(document)


@given(lengths=st.lists(st.integers(0, 9), max_size=30), sizes=st.lists(st.integers(1, 7), min_size=1, max_size=30))
@settings(max_examples=40, deadline=None)
def test_bytes_do_not_depend_on_the_appends(
    tmp_path_factory: pytest.TempPathFactory, lengths: list[int], sizes: list[int]
) -> None:
    header = Header(tokenizer="t", vocab_size=50)
    documents = [list(range(length)) for length in lengths]
    folder = tmp_path_factory.mktemp("shards")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writer, "BATCH_TOKENS", 8)
        patch.setattr(writer, "BATCH_DOCUMENTS", 5)
        with ShardWriter(f"{folder}/whole.arrow", header) as whole:
            append(whole, header, documents, 0)
        with ShardWriter(f"{folder}/pieces.arrow", header) as pieces:
            done = 0
            while done < len(documents):
                step = sizes[done % len(sizes)]
                append(pieces, header, documents[done : done + step], done)
                done += step
    assert (folder / "whole.arrow").read_bytes() == (folder / "pieces.arrow").read_bytes()
    assert whole.part("x") == pieces.part("x")
    assert whole.n_tokens == sum(lengths)
    file = pa.ipc.open_file(f"{folder}/whole.arrow")
    for index in range(file.num_record_batches - 1):
        tokens = file.get_batch(index).column("tokens").to_pylist()
        assert len(tokens) == 5 or sum(map(len, tokens)) >= 8
        assert len(tokens) <= 5
        assert sum(map(len, tokens[:-1])) < 8


def test_sliced_arrays(tmp_path: Path) -> None:
    header = Header(tokenizer="t", vocab_size=100)
    keys = pa.array([key_of(i) for i in range(6)], pa.binary(16)).slice(2, 3)
    tokens = token_lists([[i] * i for i in range(6)], np.uint16).slice(2, 3)
    with ShardWriter(f"{tmp_path}/a.arrow", header) as shard:
        shard.append(keys, tokens, np.array([1, 2, 3]))
    table = pa.ipc.open_file(f"{tmp_path}/a.arrow").read_all()
    assert table["tokens"].to_pylist() == [[2] * 2, [3] * 3, [4] * 4]
    assert table["key"].to_pylist() == [key_of(i) for i in (2, 3, 4)]
    assert (shard.rows, shard.n_tokens, shard.n_bytes) == (3, 9, 6)


@pytest.mark.parametrize(("vocab_size", "dtype"), [(65_536, np.uint16), (65_537, np.uint32)])
def test_dtype(vocab_size: int, dtype: Any) -> None:
    assert Header(tokenizer="t", vocab_size=vocab_size).dtype == dtype


def test_failed_block_commits_nothing(tmp_path: Path) -> None:
    header = Header(tokenizer="t", vocab_size=100)
    with pytest.raises(ValueError, match="token id 500"), ShardWriter(f"{tmp_path}/a.arrow", header) as shard:
        append(shard, header, [[1], [500]], 0)
    assert list(tmp_path.iterdir()) == []


def test_document_of_4_gib_is_refused(tmp_path: Path) -> None:
    header = Header(tokenizer="t", vocab_size=100)
    keys = pa.array([key_of(0)], pa.binary(16))
    path = f"{tmp_path}/a.arrow"
    with ShardWriter(path, header) as shard:
        shard.append(keys, token_lists([[1]], np.uint16), np.array([2**32 - 1]))
        with pytest.raises(InputError, match=r"document 1 .* has 4294967296 bytes"):
            shard.append(keys, token_lists([[1]], np.uint16), np.array([2**32]))
    assert pa.ipc.open_file(path).read_all()["bytes"].to_pylist() == [2**32 - 1]


def test_append_refuses_nonsense(tmp_path: Path) -> None:
    header = Header(tokenizer="t", vocab_size=100)
    keys = pa.array([key_of(0)], pa.binary(16))
    with ShardWriter(f"{tmp_path}/a.arrow", header) as shard:
        with pytest.raises(ValueError, match="token id 100 in a vocabulary of 100"):
            shard.append(keys, token_lists([[100]], np.uint16), np.array([1]))
        with pytest.raises(ValueError, match="1 keys, 2 token lists"):
            shard.append(keys, token_lists([[1], [2]], np.uint16), np.array([1]))
        with pytest.raises(ValueError, match="type uint32, expected uint16"):
            shard.append(keys, token_lists([[1]], np.uint32), np.array([1]))
        with pytest.raises(ValueError, match="null"):
            shard.append(keys, pa.array([None], pa.large_list(pa.uint16())), np.array([1]))


def test_no_documents(tmp_path: Path) -> None:
    write_shards(tmp_path, [[]])
    shards = Shards.open(str(tmp_path))
    assert shards.n_documents == 0
    assert shards.keys().shape == (0, 16)
    none = np.empty(0, np.int64)
    assert shards.gather(none, none, none).tolist() == []


def test_truncated_file(folder: Path) -> None:
    path = folder / "part-0000002.arrow"
    data = path.read_bytes()
    path.write_bytes(data[:-20])
    with pytest.raises(CorruptArtifact, match=f"part-0000002.arrow: {len(data) - 20} bytes, expected {len(data)}"):
        Shards.open(str(folder))
    path.write_bytes(data[:-20] + b"\0" * 20)
    with pytest.raises(CorruptArtifact, match=r"part-0000002.arrow: not a whole Arrow IPC file"):
        Shards.open(str(folder)).lengths()
    path.unlink()
    with pytest.raises(CorruptArtifact, match=r"part-0000002.arrow: missing"):
        Shards.open(str(folder))


def replace_part(folder: Path, header: Header, documents: list[list[int]]) -> None:
    """Put a valid file of another kind in place of part 2, and let the manifest believe in its size."""
    path = f"{folder}/part-0000002.arrow"
    with ShardWriter(path, header) as shard:
        append(shard, header, documents, 0)
    meta = manifest.read(str(folder))
    files = {**meta.files, "part-0000002.arrow": manifest.file_entry(path)}
    fields = {**vars(meta), "files": files}
    manifest.write(str(folder), manifest.Manifest(**fields))


@pytest.mark.parametrize(
    ("header", "documents", "message"),
    [
        (Header(tokenizer="e" * 64, vocab_size=1000), [[1], [2]], "corpuskit.tokenizer is e+, expected f+"),
        (Header(tokenizer="f" * 64, vocab_size=900), [[1], [2]], "corpuskit.vocab_size is 900, expected 1000"),
        (Header(tokenizer="f" * 64, vocab_size=70_000), [[1], [2]], "tokens large_list<item: uint32>"),
        (Header(tokenizer="f" * 64, vocab_size=1000), [[1]], "1 documents, expected 2"),
    ],
)
def test_foreign_file(folder: Path, header: Header, documents: list[list[int]], message: str) -> None:
    replace_part(folder, header, documents)
    shards = Shards.open(str(folder))
    assert shards.tokens(0).tolist() == [1, 2, 3]  # the other files still serve
    with pytest.raises(CorruptArtifact, match=f"part-0000002.arrow: .*{message}"):
        shards.tokens(3)


def test_wrong_folders(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="no manifest"):
        Shards.open(str(tmp_path))
    with pytest.raises(InputError, match="copy them to a local disk"):
        Shards.open("s3://bucket/shards")
    meta = manifest.Manifest(kind="shards", name="x", fingerprint="0", identity={}, extra={"vocab_size": 10})
    manifest.write(str(tmp_path), meta)
    with pytest.raises(CorruptArtifact, match="'tokenizer'"):
        Shards.open(str(tmp_path))


def test_pickle_is_small_and_reopens(folder: Path) -> None:
    shards = Shards.open(str(folder))
    shards.lengths()
    data = pickle.dumps(shards)
    assert len(data) < 300
    assert pickle.loads(data).tokens(4).tolist() == DOCUMENTS[4]


def test_more_files_than_maps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "map_limit", lambda: 4)
    write_shards(tmp_path, [[[i]] for i in range(40)])
    shards = Shards.open(str(tmp_path))
    descriptors = Path("/proc/self/fd")
    before = len(list(descriptors.iterdir())) if descriptors.is_dir() else 0
    order = np.random.default_rng(0).permutation(40)
    kept = shards.tokens(0)
    assert shards.gather(order, np.zeros(40, np.int64), np.ones(40, np.int64)).tolist() == order.tolist()
    assert kept.tolist() == [0]  # a view outlives the eviction of its file
    if before:
        assert len(list(descriptors.iterdir())) - before <= 6


@pytest.mark.parametrize(
    ("soft", "expected"), [(1024, 512), (1, 1), (resource.RLIM_INFINITY, 1 << 14), (10**6, 1 << 14)]
)
def test_map_limit(monkeypatch: pytest.MonkeyPatch, soft: int, expected: int) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (soft, soft))
    assert reader.map_limit() == expected


def test_views_are_read_only(folder: Path) -> None:
    shards = Shards.open(str(folder))
    with pytest.raises(ValueError, match="read-only"):
        shards.tokens(0)[0] = 7
    with pytest.raises(ValueError, match="read-only"):
        shards.lengths()[0] = 7
