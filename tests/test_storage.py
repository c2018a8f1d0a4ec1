"""Storage: whole files or none, listings, sizes, remote stores."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import fsspec
import pytest

from corpuskit import storage
from corpuskit.config import parse_bytes
from corpuskit.errors import InputError


def test_a_failed_write_leaves_the_old_file_and_no_scratch(tmp_path: Path) -> None:
    target = tmp_path / "file"
    storage.commit(str(target), b"old")
    with pytest.raises(ZeroDivisionError), storage.committing(str(target)) as scratch:
        Path(scratch).write_bytes(b"half" * (1 // 0))
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_writer_that_is_killed_leaves_no_file_of_that_name(tmp_path: Path) -> None:
    script = textwrap.dedent("""
        import os, signal, sys
        from pathlib import Path
        from corpuskit import storage
        with storage.committing(sys.argv[1]) as scratch:
            Path(scratch).write_bytes(b"half")
            os.kill(os.getpid(), signal.SIGKILL)
    """)
    target = tmp_path / "file"
    ended = subprocess.run([sys.executable, "-c", script, str(target)], check=False)
    assert ended.returncode == -signal.SIGKILL
    assert not target.exists()
    assert [path.suffix for path in tmp_path.iterdir()] == [".tmp"]


def test_commit_to_an_object_store_is_readable_and_tagged() -> None:
    storage.commit("memory://bucket/folder/file", b"abc")
    assert storage.read_bytes("memory://bucket/folder/file") == b"abc"
    assert storage.exists("memory://bucket/folder/file")
    assert storage.stat("memory://bucket/folder/file").size == 3
    fsspec.filesystem("memory").rm("/bucket", recursive=True)


def test_claim_succeeds_once(tmp_path: Path) -> None:
    path = str(tmp_path / "claims" / "item")
    assert storage.claim(path, b"1")
    assert not storage.claim(path, b"2")
    assert storage.read_bytes(path) == b"1"


def test_expand_takes_files_folders_and_globs_once_and_skips_hidden(tmp_path: Path) -> None:
    for name in ("b.txt", "a.txt", "sub/c.txt", ".hidden"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    found = storage.expand([str(tmp_path), str(tmp_path / "*.txt"), str(tmp_path / "a.txt")])
    assert [os.path.relpath(file.path, tmp_path) for file in found] == ["a.txt", "b.txt", "sub/c.txt"]
    assert [file.size for file in found] == [5, 5, 9]


def test_expand_names_what_it_does_not_find(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing-here"):
        storage.expand([str(tmp_path / "nothing-here*")])


def test_an_unknown_protocol_is_a_clear_error() -> None:
    with pytest.raises(InputError, match="nosuch"):
        storage.read_bytes("nosuch://bucket/file")


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("256 MiB", 256 * 2**20),
        ("0.75MB", 750_000),
        ("1_000", 1000),
        ("3 kb", 3000),
        ("7B", 7),
        (12, 12),
        ("2GiB", 2**31),
    ],
)
def test_sizes(text: str, size: int) -> None:
    assert parse_bytes(text) == size


@pytest.mark.parametrize("text", ["many", "3 XB", "", "MB"])
def test_sizes_that_are_none(text: str) -> None:
    with pytest.raises(ValueError, match="not a size"):
        parse_bytes(text)
