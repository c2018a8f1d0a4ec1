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


def names(*inputs: object) -> list[str]:
    """The files that `inputs` stand for, relative to the first of them."""
    base = str(inputs[0])
    return [file.path.removeprefix(base).lstrip("/") for file in storage.expand([str(path) for path in inputs])]


def make(folder: Path, *files: str) -> Path:
    for name in files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    return folder


def test_links_are_followed_and_files_listed_once(tmp_path: Path) -> None:
    inside = make(tmp_path / "in", "a.txt", "b/c.txt", "b/deep/d.txt", ".git/x.txt")
    outside = make(tmp_path / "out", "e.txt", "sub/f.txt", ".hidden/g.txt")
    (inside / "a-link").symlink_to(inside / "b" / "deep")  # sorts before the real place
    (inside / "b" / "loop").symlink_to(inside)
    (inside / "x1").symlink_to(outside / "sub")
    (inside / "x2").symlink_to(outside)
    (inside / "x3").symlink_to(outside)
    (inside / "file.txt").symlink_to(outside / "e.txt")
    (outside / "back").symlink_to(inside)
    expected = ["a.txt", "b/c.txt", "b/deep/d.txt", "file.txt", "x1/f.txt", "x2/e.txt"]
    assert names(inside) == expected
    (tmp_path / "link").symlink_to(inside)
    assert names(tmp_path / "link") == expected
    assert names(f"{inside}/") == expected


def test_links_that_lead_nowhere_are_refused(tmp_path: Path) -> None:
    make(tmp_path, "a.txt").joinpath("gone.txt").symlink_to(tmp_path / "nothing")
    for path in (tmp_path, tmp_path / "gone.txt", tmp_path / "g*"):
        with pytest.raises(InputError, match=r"gone.txt: a link that leads nowhere"):
            names(path)
    (tmp_path / "gone.txt").unlink()
    (tmp_path / "round").symlink_to(tmp_path / "round")
    with pytest.raises(InputError, match="round: a link that leads nowhere"):
        names(tmp_path)
    (tmp_path / "round").rename(tmp_path / ".round")
    assert names(tmp_path) == ["a.txt"]


def test_folders_that_cannot_be_read_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, "a.txt", "closed/b.txt")
    scandir = os.scandir

    def refuse(path: str) -> object:  # to root, no folder is closed
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(InputError, match="closed: the folder cannot be read: Permission denied"):
        names(tmp_path)


def test_what_is_no_file_is_passed_over(tmp_path: Path) -> None:
    os.mkfifo(make(tmp_path, "a.txt") / "pipe")
    assert names(tmp_path) == ["a.txt"]


def test_names_that_are_not_utf8_are_refused(tmp_path: Path) -> None:
    make(tmp_path, "页.txt")
    assert names(tmp_path) == ["页.txt"]
    Path(os.fsdecode(os.fsencode(tmp_path) + "/网页.txt".encode("gbk"))).write_text("x")
    for path in (tmp_path, tmp_path / "*"):
        with pytest.raises(InputError, match=r"\\xcd\\xf8.\.txt: the name is not UTF-8") as refused:
            names(path)
        str(refused.value).encode()


def test_remote_folders_without_hidden_files() -> None:
    store = fsspec.filesystem("memory")
    for name in ("a.txt", "sub/c.txt", ".hidden", ".git/config", "sub/.d/e.txt", "b[1].txt", "b1.txt", "what?/f.txt"):
        store.pipe(f"/bucket/{name}", b"x")
    try:
        assert names("memory:///bucket") == ["a.txt", "b1.txt", "b[1].txt", "sub/c.txt", "what?/f.txt"]
        assert names("memory:///bucket/.git") == ["config"]
        assert names("memory:///bucket/.hidden") == [""]
        assert names("memory:///bucket/sub/.d/e.txt") == [""]
        assert names("memory:///bucket/b[1].txt") == [""]
        assert names("memory:///bucket/what?") == ["f.txt"]
        assert [file.path for file in storage.expand(["memory://bucket/[ab]*"])] == [
            f"memory:///bucket/{name}" for name in ("a.txt", "b1.txt", "b[1].txt")
        ]
        assert [file.path for file in storage.expand(["memory://bucket/**"])] == [
            f"memory:///bucket/{name}" for name in ("a.txt", "b1.txt", "b[1].txt", "sub/c.txt", "what?/f.txt")
        ]
        assert [file.path for file in storage.expand(["memory://bucket/.g*/*"])] == ["memory:///bucket/.git/config"]
        with pytest.raises(InputError, match="nothing"):
            storage.expand(["memory://bucket/nothing*"])
    finally:
        store.rm("/bucket", recursive=True)
