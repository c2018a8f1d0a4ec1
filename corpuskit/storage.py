"""Paths local or remote (fsspec): list, open, and commit whole files.

`commit` is the only way corpuskit writes. On a local disk: a temporary file beside the target, fsync, rename, fsync of
the folder. On an object store: one PUT, never a rename. A reader therefore sees a whole file or none.
"""

import contextlib
import glob
import os
import re
import shutil
import tempfile
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISREG
from typing import IO, Any

import xxhash

from corpuskit.errors import InputError

CHUNK = 1 << 20
TAGS = ("ETag", "etag", "blob_id", "xet_hash", "mtime", "LastModified")
"""What listings of object stores and of the Hugging Face Hub (its hashes) say of a file's state, the surest first."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file as a listing shows it: `tag` (ETag, else hash or modification time) changes when its bytes do."""

    path: str
    size: int
    tag: str


def is_remote(path: str) -> bool:
    """Whether `path` is an fsspec URL (`s3://…`) rather than a local path."""
    return "://" in path and not path.startswith(("file://", "local://"))


def local(path: str) -> Path:
    """Return a local path as a `Path`, whether or not it carries a `file://` prefix."""
    return Path(path.removeprefix("file://").removeprefix("local://")).expanduser()


def join(base: str, *parts: str) -> str:
    """Join path segments with one slash between them, for local paths and URLs alike."""
    return "/".join([base.rstrip("/"), *(part.strip("/") for part in parts)])


def base_name(path: str) -> str:
    """Return the last segment of a path or URL."""
    return path.rstrip("/").rpartition("/")[2]


def filesystem(path: str, options: dict[str, Any] | None = None) -> Any:
    """Return the fsspec filesystem of a URL; `options` are its credentials and settings.

    Raises:
        InputError: the protocol is unknown or its driver package is not installed.
    """
    import fsspec

    try:
        return fsspec.core.url_to_fs(path, **(options or {}))[0]
    except (ImportError, ValueError) as error:
        raise InputError(f"{path}: {error}") from error


def open_input(path: str, options: dict[str, Any] | None = None) -> IO[bytes]:
    """Open a file for reading bytes.

    Raises:
        InputError: the file does not exist or may not be read.
    """
    try:
        if is_remote(path):
            return filesystem(path, options).open(path, "rb")
        return local(path).open("rb")
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from error


def read_bytes(path: str, options: dict[str, Any] | None = None) -> bytes:
    """Return a whole file.

    Raises:
        InputError: the file does not exist or may not be read.
    """
    with open_input(path, options) as file:
        return file.read()


def exists(path: str, options: dict[str, Any] | None = None) -> bool:
    """Whether a file or folder exists."""
    return bool(filesystem(path, options).exists(path)) if is_remote(path) else local(path).exists()


def make_folder(path: str) -> None:
    """Make a local folder and those above it; object stores need none.

    Raises:
        InputError: the disk or the permissions refuse.
    """
    if is_remote(path):
        return
    try:
        local(path).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{path}: the folder cannot be made: {error.strerror or error}") from error


def remove(path: str) -> None:
    """Remove a file or a whole folder; what is not there is no error."""
    if is_remote(path):
        store = filesystem(path)
        if store.exists(path):
            store.rm(path, recursive=True)
    elif local(path).is_dir():
        shutil.rmtree(local(path), ignore_errors=True)
    else:
        local(path).unlink(missing_ok=True)


def checksum(path: str) -> str:
    """Return the xxh3-64 of a file's bytes, 16 hex digits."""
    digest = xxhash.xxh3_64()
    with open_input(path) as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


@contextlib.contextmanager
def committing(path: str) -> Iterator[str]:
    """Give a local path to write to; commit what was written there when the block ends without an error.

    The writer never sees `path` itself, so a crash leaves at most a `.tmp` file that `corpuskit gc` removes.
    """
    if is_remote(path):
        with tempfile.TemporaryDirectory(prefix="corpuskit-") as folder:
            scratch = join(folder, "file")
            yield scratch
            filesystem(path).put_file(scratch, path)
        return
    target = local(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    scratch_path = target.with_name(f".{target.name}.{os.getpid()}-{threading.get_ident()}.tmp")
    try:
        yield str(scratch_path)
        _sync(scratch_path)
        scratch_path.replace(target)
        _sync(target.parent)
    finally:
        scratch_path.unlink(missing_ok=True)


def commit(path: str, data: bytes) -> None:
    """Write `data` to `path`, whole or not at all."""
    with committing(path) as scratch:
        local(scratch).write_bytes(data)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def claim(path: str, content: bytes) -> bool:
    """Create a file that must not exist yet; return whether this call made it (local disks only)."""
    target = local(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with target.open("xb") as file:
            file.write(content)
    except FileExistsError:
        return False
    return True


def expand(inputs: Iterable[str], options: dict[str, Any] | None = None) -> list[StoredFile]:
    """List the files that paths, folders (recursive), globs and URLs name, sorted by path, each once.

    A name that exists is that file or folder, whatever signs of a glob it holds. Hidden files, and files in hidden
    folders (names that start with a dot), are left out of folders. On a local disk links are followed; of a folder that
    links reach by several ways, each file is listed once, under its real place below the input where it has one.

    Raises:
        InputError: one of the inputs matches no file, a folder or file in it may not be read or is a link that leads
            nowhere, or a local file's name is not UTF-8.
    """
    found: dict[str, StoredFile] = {}
    for pattern in inputs:
        files = _expand_remote(pattern, options) if is_remote(pattern) else _expand_local(str(local(pattern)))
        if not files:
            raise InputError(f"{pattern}: no such file, folder or glob match")
        found.update((file.path, file) for file in files)
    return [found[path] for path in sorted(found)]


def _expand_local(pattern: str) -> list[StoredFile]:
    matches = [pattern] if Path(pattern).exists() else glob.glob(pattern, recursive=True)  # noqa: PTH207  absolute patterns, which Path.glob refuses
    paths = [path for match in matches for path in (_files_below(match) if Path(match).is_dir() else [match])]
    return [file for path in paths if (file := _regular(path))]


def _files_below(folder: str) -> Iterator[str]:
    """Give what lies in a folder; folders behind links after all others, so that a real place goes before a link."""
    seen: set[str] = set()
    tops = [str(Path(folder))]
    for top in tops:
        for path, folders, names in os.walk(top, onerror=_refuse):
            real = os.path.realpath(path)
            folders[:] = [] if real in seen else sorted(name for name in folders if not _is_hidden(name))
            if real not in seen:
                seen.add(real)
                below = path.rstrip("/")
                tops += [f"{below}/{name}" for name in folders if Path(below, name).is_symlink()]
                yield from (f"{below}/{name}" for name in names if not _is_hidden(name))


def _refuse(error: OSError) -> None:
    raise InputError(f"{printable(str(error.filename))}: the folder cannot be read: {error.strerror}") from error


def _regular(path: str) -> StoredFile | None:
    """Return a local file; None for devices, sockets and pipes.

    Raises:
        InputError: it cannot be reached, or its name is not UTF-8, which manifests and ids must be.
    """
    try:
        info = Path(path).stat()
    except OSError as error:
        what = "a link that leads nowhere: " if Path(path).is_symlink() else ""
        raise InputError(f"{printable(path)}: {what}{error.strerror}") from error
    if not S_ISREG(info.st_mode):
        return None
    if not path.isascii() and printable(path) != path:
        raise InputError(f"{printable(path)}: the name is not UTF-8; rename the file (`convmv` does so for many)")
    return StoredFile(path, info.st_size, str(info.st_mtime_ns))


def printable(path: str) -> str:
    r"""Return a local path as valid Unicode: bytes that are not UTF-8 as `\xff`."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _is_hidden(name: str) -> bool:
    return name.startswith(".")


def _expand_remote(pattern: str, options: dict[str, Any] | None) -> list[StoredFile]:
    store = filesystem(pattern, options)
    wild = re.search(r"[^/]*[*?\[]", pattern)
    try:
        if wild is None or store.exists(pattern):
            base, infos = pattern, store.find(pattern, detail=True)
        else:
            base, infos = pattern[: wild.start()], store.glob(pattern, detail=True)
    except Exception as error:  # drivers raise classes of their own for what is missing, refused or out of reach
        raise InputError(f"{pattern}: {error or type(error).__name__}") from error
    asked = wild is not None and "/." in pattern[wild.start() - 1 :]  # such as `.*/part-*`
    base = store._strip_protocol(base)
    return [
        _stored(store.unstrip_protocol(name), info)
        for name, info in infos.items()
        if info["type"] == "file" and (asked or not any(map(_is_hidden, name.removeprefix(base).split("/"))))
    ]


def _stored(path: str, info: dict[str, Any]) -> StoredFile:
    tags = (info[name] for name in TAGS if info.get(name))
    return StoredFile(path, int(info.get("size") or 0), str(next(tags, "")))


def stat(path: str, options: dict[str, Any] | None = None) -> StoredFile:
    """Return size and tag of one file.

    Raises:
        InputError: the file does not exist.
    """
    try:
        if is_remote(path):
            return _stored(path, filesystem(path, options).info(path))
        info = local(path).stat()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from error
    return StoredFile(path, info.st_size, str(info.st_mtime_ns))
