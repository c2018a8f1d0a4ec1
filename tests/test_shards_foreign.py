"""Shards in the formats of Megatron and of mosaicml-streaming, read back by readers of these formats alone."""

import itertools
import json
import os
import struct
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pytest
from cli_harness import call
from engine_harness import snapshot
from hypothesis import given, settings
from hypothesis import strategies as st

from corpuskit import manifest, tokenization
from corpuskit.errors import InputError
from corpuskit.shards import Header, foreign
from corpuskit.shards.foreign import MdsWriter, MegatronWriter, mds_index
from corpuskit.tokenization import TokenizerConfig

TEXTS = [f"Text {number} says {'a lot of things ' * (number % 7)}that is {number * 3}." for number in range(40)]
TEXTS[5] = TEXTS[17] = TEXTS[39] = ""
TEXTS[8] = "天地玄黄，宇宙洪荒。 <|endoftext|> café 👩\u200d👩"
TEXTS[9] = "x1 y2 z3 " * 300
EOT = 3
"""The id that ends documents."""
STREAMING = os.environ.get("CORPUSKIT_STREAMING_PYTHON")
TORCHVISION = {
    "__init__.py": "",
    "datasets.py": "class VisionDataset:\n    pass\n",
    "transforms/__init__.py": "",
    "transforms/functional.py": "def to_tensor(picture):\n    raise NotImplementedError\n",
}
"""What mosaicml-streaming imports and token shards do without."""
READ_MDS = """
import json, sys
from streaming import LocalDataset
found = LocalDataset(sys.argv[1])
rows = [found[row]["tokens"] for row in range(len(found))]
print(json.dumps({"types": sorted({str(row.dtype) for row in rows}), "rows": [row.tolist() for row in rows]}))
"""


def read_megatron(prefix: Path) -> tuple[np.dtype[Any], list[list[int]]]:
    """Read `PREFIX.idx` and `PREFIX.bin` from the description of the format; return the type of ids and the documents.

    A magic of 9 bytes, a version (uint64), a code of the type (uint8), the numbers of sequences and of document bounds
    (uint64 each), the length of each sequence (int32), where it begins in bytes (int64), and the bounds of documents
    in sequences (int64).
    """
    index = Path(f"{prefix}.idx").read_bytes()
    assert index[:9] == b"MMIDIDX\x00\x00"
    version, code, sequences, bounds = struct.unpack_from("<QBQQ", index, 9)
    assert version == 1
    dtype = {1: np.uint8, 2: np.int8, 3: np.int16, 4: np.int32, 5: np.int64, 6: np.float64, 7: np.float32, 8: np.uint16}
    place = 9 + 8 + 1 + 8 + 8
    lengths = np.frombuffer(index, "<i4", sequences, place)
    starts = np.frombuffer(index, "<i8", sequences, place + 4 * sequences)
    ends = np.frombuffer(index, "<i8", bounds, place + 12 * sequences)
    assert place + 12 * sequences + 8 * bounds == len(index)
    assert ends.tolist() == list(range(sequences + 1)), "each document is one sequence"
    data, ids = Path(f"{prefix}.bin").read_bytes(), np.dtype(dtype[code])
    assert lengths.sum() * ids.itemsize == len(data)
    return ids, [
        np.frombuffer(data, ids, length, start).tolist() for length, start in zip(lengths, starts, strict=True)
    ]


def read_mds(folder: Path) -> tuple[set[str], list[list[int]]]:
    """Read a folder of MDS files from the description of the format; return the types of ids and the samples."""
    index = json.loads((folder / "index.json").read_bytes())
    assert index["version"] == 2
    types, found = set(), []
    for shard in index["shards"]:
        assert (shard["version"], shard["format"], shard["compression"]) == (2, "mds", None)
        assert (shard["column_names"], shard["column_sizes"]) == (["tokens"], [None])
        kind, _, dtype = shard["column_encodings"][0].partition(":")
        assert kind == "ndarray"
        data = (folder / shard["raw_data"]["basename"]).read_bytes()
        assert len(data) == shard["raw_data"]["bytes"]
        samples = list(mds_samples(data))
        assert len(samples) == shard["samples"] > 0
        types.add(dtype)
        found += [mds_array(sample, np.dtype(dtype)) for sample in samples]
    return types, found


def mds_samples(data: bytes) -> Iterator[bytes]:
    """Yield samples: a file is their number, where each begins and the last one ends (all uint32), a JSON, samples."""
    (number,) = struct.unpack_from("<I", data)
    offsets = struct.unpack_from(f"<{number + 1}I", data, 4)
    config = json.loads(data[4 + 4 * (number + 1) : offsets[0]])
    assert config["column_names"] == ["tokens"]
    assert offsets[-1] == len(data)
    for start, stop in itertools.pairwise(offsets):
        (size,) = struct.unpack_from("<I", data, start)
        assert size == stop - start - 4
        yield data[start + 4 : stop]


def mds_array(sample: bytes, dtype: np.dtype[Any]) -> list[int]:
    """Read an array: its axes times 4 plus the log2 of the bytes of a length, the lengths, the values."""
    axes, log = sample[0] >> 2, sample[0] & 3
    assert axes == 1
    length = int.from_bytes(sample[1 : 1 + (1 << log)], "little")
    assert log == 0 or length >= 1 << (8 << (log - 1)), "the smallest type that holds the length"
    values = np.frombuffer(sample[1 + (1 << log) :], dtype)
    assert len(values) == length > 0
    return values.tolist()


# the writers


def token_lists(documents: Sequence[Sequence[int]], dtype: Any) -> pa.LargeListArray:
    offsets = np.cumsum([0, *map(len, documents)], dtype=np.int64)
    values = np.fromiter(itertools.chain.from_iterable(documents), dtype)
    return pa.LargeListArray.from_arrays(pa.array(offsets), pa.array(values))


def write(writer: foreign.ForeignWriter, batches: Sequence[Sequence[list[int]]]) -> foreign.ForeignWriter:
    with writer:
        for documents in batches:
            keys = pa.array([bytes(16)] * len(documents), pa.binary(16))
            lists = token_lists(list(documents), writer.header.dtype)
            writer.append(keys, lists, np.array([2 * len(ids) for ids in documents], np.int64))
    return writer


def header(vocab_size: int) -> Header:
    return Header(tokenizer="f" * 64, vocab_size=vocab_size)


def ended(documents: Sequence[list[int]], end: int | None) -> list[list[int]]:
    return [ids if end is None else [*ids, end] for ids in documents]


some_batches = st.lists(st.lists(st.lists(st.integers(0, 65_000), max_size=300), max_size=5), max_size=3)
some_ends = st.none() | st.integers(0, 65_000)
some_sizes = st.sampled_from([65_001, 65_499, 65_500, 65_536, 65_537, 200_000])


@settings(deadline=None, max_examples=60)
@given(batches=some_batches, end=some_ends, vocab_size=some_sizes)
def test_megatron_holds_what_was_written(tmp_path_factory, batches, end, vocab_size):
    folder = tmp_path_factory.mktemp("megatron")
    writer = write(MegatronWriter(str(folder), "part", header(vocab_size), end), batches)
    expected = ended([ids for batch in batches for ids in batch], end)
    dtype, found = read_megatron(folder / "part")
    assert found == expected
    assert dtype == (np.uint16 if vocab_size < 65_500 else np.int32)
    assert (writer.rows, writer.n_tokens) == (len(expected), sum(map(len, expected)))
    assert writer.files == ["part.bin", "part.idx"]


@settings(deadline=None, max_examples=60)
@given(batches=some_batches, end=some_ends, vocab_size=some_sizes, size=st.sampled_from([1, 100, 700, 1 << 26]))
def test_mds_holds_what_was_written(tmp_path_factory, batches, end, vocab_size, size):
    folder = tmp_path_factory.mktemp("mds")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(foreign, "MDS_BYTES", size)
        writer = write(MdsWriter(str(folder), "part", header(vocab_size), end), batches)
        (folder / "index.json").write_bytes(mds_index([writer.part("part")], writer.header))
    expected = [ids for ids in ended([ids for batch in batches for ids in batch], end) if ids]
    types, found = read_mds(folder)
    assert found == expected
    assert types <= {"uint16" if vocab_size <= 65_536 else "uint32"}
    assert len(writer.files) == (len(expected) if size == 1 else len(writer.shards))
    assert (writer.rows, writer.n_tokens) == (sum(map(len, batches)), sum(map(len, expected)))


def test_lengths_beyond_a_byte_and_two(tmp_path):
    documents = [[7] * 255, [7] * 256, [7] * 65_535, [7] * 65_536]
    writer = write(MdsWriter(str(tmp_path), "part", header(500)), [documents])
    (tmp_path / "index.json").write_bytes(mds_index([writer.part("part")], writer.header))
    assert read_mds(tmp_path)[1] == documents


@pytest.mark.parametrize("kind", [MegatronWriter, MdsWriter])
def test_a_writer_that_fails_leaves_nothing(tmp_path, monkeypatch, kind):
    monkeypatch.setattr(foreign, "MDS_BYTES", 10**9)
    documents = [[1], [2, 3]]
    with pytest.raises(TypeError):
        write(kind(str(tmp_path), "part", header(500)), [documents, [None]])
    assert snapshot(tmp_path) == {}


def test_a_document_beyond_the_format_is_refused(tmp_path, monkeypatch):
    writer = MegatronWriter(str(tmp_path), "part", header(500))
    with pytest.raises(InputError, match=r"part: a document has 2147483648 tokens"), writer:
        writer._lengths.append(np.array([1, 2**31]))
    assert snapshot(tmp_path) == {}


# the command


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tokenizer")
    config = TokenizerConfig(type="bpe", vocab_size=450)
    tokenization.train(config, [pa.array(TEXTS, pa.large_string())]).save(str(folder))
    return folder


@pytest.fixture(scope="module")
def large_tokenizer(tmp_path_factory):
    """A WordLevel of more than 65,536 words, of which texts have the last ones."""
    folder = tmp_path_factory.mktemp("large")
    words = {f"w{number}": number for number in range(70_000)}
    model = {"type": "WordLevel", "vocab": words, "unk_token": "w0"}
    parts = {"normalizer": None, "pre_tokenizer": {"type": "WhitespaceSplit"}, "post_processor": None, "decoder": None}
    whole = {"version": "1.0", "truncation": None, "padding": None, "added_tokens": [], **parts, "model": model}
    (folder / "tokenizer.json").write_text(json.dumps(whole))
    return folder / "tokenizer.json"


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_texts(TEXTS)
    return tmp_path


def write_texts(texts: Sequence[str]) -> None:
    rows = [{"id": str(number), "text": text} for number, text in enumerate(texts)]
    Path("in.jsonl").write_bytes(b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows))


def tokenize(tokenizer: Path, out: str, *options: object, workers: int = 0) -> dict[str, Any]:
    called = call("tokenize", "in.jsonl", "-t", tokenizer, "--out", out, "--json", "--workers", workers, *options)
    assert called.code == 0, called.err
    return dict(json.loads(called.out))


def parts(folder: str) -> list[dict[str, Any]]:
    return list(manifest.read(folder, "shards").parts)


def encoded(tokenizer: Path, texts: Sequence[str] = TEXTS) -> list[list[int]]:
    found: list[list[int]] = tokenization.load(str(tokenizer)).encode(pa.array(texts, pa.large_string())).to_pylist()
    return found


@pytest.mark.parametrize("end", [None, EOT])
def test_megatron_from_the_command_line(tokenizer, here, end):
    append = [] if end is None else ["--append", end]
    printed = tokenize(tokenizer, "out", "--format", "megatron", "--split-bytes", "1000", *append)
    found = [read_megatron(Path("out", part["name"])) for part in parts("out")]
    assert len(found) > 2
    assert {str(dtype) for dtype, _ in found} == {"uint16"}
    expected = ended(encoded(tokenizer), end)
    assert [ids for _, documents in found for ids in documents] == expected
    assert printed == {
        "out": "out",
        "documents": len(TEXTS),
        "errors": 0,
        "tokens": sum(map(len, expected)),
        "bytes": sum(len(text.encode()) for text in TEXTS),
    }
    assert manifest.verify("out") == 2 * len(found)


@pytest.mark.parametrize("end", [None, 69_999])
def test_megatron_of_a_large_vocabulary_has_int32(large_tokenizer, here, end):
    texts = ["w69998 w1 w65535 w65536", "", "w65499 w65500"]
    write_texts(texts)
    append = [] if end is None else ["--append", end]
    tokenize(large_tokenizer, "out", "--format", "megatron", *append)
    (part,) = parts("out")
    dtype, found = read_megatron(Path("out", part["name"]))
    assert dtype == np.int32
    assert found == ended([[69998, 1, 65535, 65536], [], [65499, 65500]], end)


@pytest.mark.parametrize("end", [None, EOT])
def test_mds_from_the_command_line(tokenizer, here, monkeypatch, end):
    monkeypatch.setattr(foreign, "MDS_BYTES", 200)
    append = [] if end is None else ["--append", end]
    tokenize(tokenizer, "out", "--format", "mds", "--split-bytes", "1000", *append)
    found = parts("out")
    assert len(found) > 2
    assert max(len(part["mds"]) for part in found) > 1
    types, samples = read_mds(Path("out"))
    assert types == {"uint16"}
    assert samples == [ids for ids in ended(encoded(tokenizer), end) if ids]
    assert sum(part["rows"] for part in found) == len(TEXTS)
    assert manifest.verify("out") == sum(len(part["mds"]) for part in found)


def test_documents_without_tokens_alone(tokenizer, here):
    write_texts(["", ""])
    assert tokenize(tokenizer, "mds", "--format", "mds")["documents"] == 2
    assert read_mds(Path("mds")) == (set(), [])
    assert tokenize(tokenizer, "megatron", "--format", "megatron")["tokens"] == 0
    assert read_megatron(Path("megatron", parts("megatron")[0]["name"]))[1] == [[], []]


@pytest.mark.parametrize("format_", ["megatron", "mds"])
def test_two_workers_give_the_same_files(tokenizer, here, format_):
    options = ("--format", format_, "--split-bytes", "1000", "--append", EOT)
    tokenize(tokenizer, "one", *options)
    tokenize(tokenizer, "two", *options, workers=2)
    assert snapshot(Path("one")) == snapshot(Path("two"))


def test_a_folder_of_another_format_is_refused(tokenizer, here):
    tokenize(tokenizer, "out", "--format", "megatron")
    before = snapshot(Path("out"))
    for options in (("--format", "mds"), ("--format", "megatron", "--append", EOT), ()):
        called = call("tokenize", "in.jsonl", "-t", tokenizer, "--out", "out", "--workers", 0, *options)
        assert called.code == 2
        assert "already holds shards of another call" in called.err
    assert snapshot(Path("out")) == before


@pytest.mark.skipif(not STREAMING, reason="CORPUSKIT_STREAMING_PYTHON names no Python with mosaicml-streaming")
@pytest.mark.parametrize("large", [False, True])
def test_mosaicml_streaming_reads_the_same(tokenizer, large_tokenizer, here, monkeypatch, large):
    chosen = large_tokenizer if large else tokenizer
    texts = ["w69998 w1", "", "w65536 " * 300, "w7 " * 70_000] if large else TEXTS
    write_texts(texts)
    monkeypatch.setattr(foreign, "MDS_BYTES", 500)
    tokenize(chosen, "out", "--format", "mds", "--split-bytes", "1 MB" if large else "1000")
    for name, content in TORCHVISION.items():
        path = here / "stub" / "torchvision" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    environment = {**os.environ, "PYTHONPATH": str(here / "stub")}
    ran = subprocess.run(
        [str(STREAMING), "-c", READ_MDS, "out"], capture_output=True, env=environment, timeout=200, check=False
    )
    assert ran.returncode == 0, ran.stderr.decode()
    found = json.loads(ran.stdout)
    assert found["rows"] == [ids for ids in encoded(chosen, texts) if ids] == read_mds(Path("out"))[1]
    assert found["types"] == ["uint32" if large else "uint16"]
