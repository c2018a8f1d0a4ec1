"""Which files a source reads, and how they are cut into pieces: names, suffixes, limits, remote storage."""

import os
import pickle

import fsspec
import pytest
from reading import BIG, jsonl, pack, read_all, source_of, texts_of

from corpuskit.documents import SourceConfig, plan, read
from corpuskit.errors import InputError


def test_small_files_are_grouped_and_large_ones_cut(tmp_path):
    for number in range(10):
        (tmp_path / f"small-{number}.jsonl").write_bytes(jsonl([{"text": "x" * 80}]))
    (tmp_path / "large.jsonl").write_bytes(jsonl([{"text": "y" * 80}] * 20))
    source = source_of(tmp_path)
    pieces = plan(source, 400)
    assert [piece.index for piece in pieces] == list(range(len(pieces)))
    assert max(piece.size for piece in pieces) <= 400
    assert {len(piece.files) for piece in pieces} == {1, 2, 4}
    assert [file.name for piece in pieces for file in piece.files if "small" in file.name] == [
        f"small-{number}.jsonl" for number in range(10)
    ]
    for piece in pieces:
        assert pickle.loads(pickle.dumps(piece)) == piece


def test_names_tell_files_of_two_folders_apart(tmp_path):
    for year in ("2019", "2020"):
        (tmp_path / year).mkdir()
        (tmp_path / year / "part.jsonl").write_bytes(jsonl([{"text": year}]))
    rows, _ = read_all(source_of([tmp_path / "2020", tmp_path / "2019", tmp_path / "2019" / "part.jsonl"]))
    assert [row["id"] for row in rows] == ["2019/part.jsonl:0", "2020/part.jsonl:0"]
    rows, _ = read_all(source_of(tmp_path / "20*"))
    assert [row["id"] for row in rows] == ["2019/part.jsonl:0", "2020/part.jsonl:0"]
    rows, _ = read_all(source_of(tmp_path / "2020"))
    assert [row["id"] for row in rows] == ["part.jsonl:0"]


def test_identity_does_not_depend_on_the_folder(tmp_path):
    identities = []
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        path = tmp_path / folder / "in.jsonl"
        path.write_bytes(jsonl([{"text": "x"}]))
        os.utime(path, ns=(10**18, 10**18))
        source = source_of(tmp_path / folder)
        identities.append((source.identity(), [piece.identity() for piece in plan(source, BIG)]))
    assert identities[0] == identities[1]
    assert identities[0][1] == [[["in.jsonl", 13, str(10**18)]]]


def test_unknown_and_mixed_suffixes_are_refused(tmp_path):
    (tmp_path / "a.docx").write_bytes(b"")
    with pytest.raises(InputError, match=r"a\.docx: unknown suffix; known are \.jsonl, .*\.parquet"):
        plan(source_of(tmp_path), BIG)
    (tmp_path / "a.docx").rename(tmp_path / "README.txt")
    (tmp_path / "b.jsonl").write_bytes(jsonl([{"text": "x"}]))
    with pytest.raises(InputError, match=r"several formats: jsonl .*b\.jsonl.*, text .*README\.txt"):
        plan(source_of(tmp_path), BIG)
    assert texts_of(tmp_path, format="jsonl") == ["x"]
    with pytest.raises(InputError, match="no such file"):
        plan(source_of(tmp_path / "gone"), BIG)
    with pytest.raises(ValueError, match="has no paths"):
        SourceConfig(name="s")


def test_format_given_reads_files_of_any_name(tmp_path):
    (tmp_path / "corpus").write_bytes(jsonl([{"text": "x"}]))
    assert texts_of(tmp_path, format="jsonl") == ["x"]
    assert texts_of(tmp_path / "corpus", format="text", document="line") == ['{"text":"x"}']


def test_changed_file_is_refused(tmp_path):
    path = tmp_path / "in.jsonl"
    path.write_bytes(jsonl([{"text": "x"}]))
    source = source_of(path)
    (piece,) = plan(source, BIG)
    path.write_bytes(jsonl([{"text": "other"}]))
    with pytest.raises(InputError, match=r"in\.jsonl has changed since the run was planned"):
        list(read(piece, source))
    path.unlink()
    with pytest.raises(InputError, match="No such file"):
        list(read(piece, source))


@pytest.mark.parametrize("suffix", ["", ".gz", ".zst"])
def test_max_bytes_takes_the_beginning_of_each_file(tmp_path, suffix):
    for name in "ab":
        lines = jsonl([{"text": f"{name}{number:04d}"} for number in range(1000)])
        (tmp_path / f"{name}.jsonl{suffix}").write_bytes(pack(lines, suffix))
    source = source_of(tmp_path, max_bytes="4 KB")
    rows, errors = read_all(source)
    assert not errors
    texts = [row["text"] for row in rows]
    for name in "ab":
        own = [text for text in texts if text[0] == name]
        assert own == [f"{name}{number:04d}" for number in range(len(own))]
        assert abs(len(own) - 2000 / len('{"text":"a0000"}\n')) < 3
    assert read_all(source, split_bytes=100) == (rows, [])


def test_max_bytes_takes_whole_text_files(tmp_path):
    for name in "abc":
        (tmp_path / f"{name}.txt").write_text(name * 100)
    assert texts_of(tmp_path, max_bytes=250) == ["a" * 100, "b" * 100]
    assert texts_of(tmp_path, max_bytes=1) == ["a" * 100]


def test_remote_paths(tmp_path):
    store = fsspec.filesystem("memory")
    store.pipe("/bucket/in/a.jsonl", jsonl([{"text": "one"}] * 30))
    store.pipe("/bucket/in/sub/b.jsonl.gz", pack(jsonl([{"text": "two"}]), ".gz"))
    source = SourceConfig(name="s", paths="memory://bucket/in")
    rows, errors = read_all(source, split_bytes=64)
    assert len(rows) == 31
    assert [rows[0]["id"], rows[-1]["id"]] == ["a.jsonl:0", "sub/b.jsonl.gz:0"]
    assert not errors
    store.rm("/bucket", recursive=True)
