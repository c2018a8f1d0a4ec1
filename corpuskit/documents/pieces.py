"""Pieces: which part of which files one work item reads."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from corpuskit import storage
from corpuskit.documents.source import SourceConfig
from corpuskit.errors import InputError

LISTED = 100
"""Files of a piece that fingerprints list one by one."""


@dataclass(frozen=True, slots=True)
class FileRange:
    """A range of one input file, in the unit of its format: bytes, row groups or record batches."""

    name: str
    """Path relative to the folder that the recipe names; ids of records without one begin with it."""
    path: str
    """Absolute path or URL."""
    size: int
    """Bytes of the whole file as stored."""
    tag: str
    """ETag or modification time; changes when the file does."""
    start: int = 0
    """First unit; of a compressed file, a position in the decompressed stream, or in the stored one if that is cut."""
    stop: int | None = None
    """End of the range, not included; None: the end of the file."""


@dataclass(frozen=True, slots=True)
class Piece:
    """What one item of the ingest phase reads. Small and picklable."""

    index: int
    files: tuple[FileRange, ...]
    size: int
    """Estimate of the bytes of text to read, for the scheduler."""
    format: str
    """Name of the reader."""

    @property
    def name(self) -> str:
        """Name of the piece's first part, without suffix."""
        return f"part-{self.index:07d}"

    def identity(self) -> list[list[Any]]:
        """Return what identifies the raw files for a fingerprint: [name, size, tag] of each.

        More than `LISTED` files become one entry with their number, bytes and the sha256 of their entries.
        """
        files = [[file.name, file.size, file.tag] for file in self.files]
        if len(files) <= LISTED:
            return files
        digest = hashlib.sha256(orjson.dumps(files)).hexdigest()
        return [[f"{len(files)} files", sum(file.size for file in self.files), digest]]


def pack(source: SourceConfig, ranges: Iterable[tuple[FileRange, int]], split_bytes: int) -> list[Piece]:
    """Group (range, estimated bytes of text) in the order given into pieces of up to `split_bytes`.

    A range over that is a piece of its own; neighbouring ranges of one file become one range.
    """
    pieces: list[Piece] = []
    files: list[FileRange] = []
    size = 0
    for file, weight in ranges:
        if files and size + weight > split_bytes:
            pieces.append(Piece(len(pieces), tuple(files), size, source.format))
            files, size = [], 0
        if files and files[-1].path == file.path and files[-1].stop == file.start:
            files[-1] = replace(files[-1], stop=file.stop)
        else:
            files.append(file)
        size += weight
    return [*pieces, Piece(len(pieces), tuple(files), size, source.format)] if files else pieces


def identify(pieces: Iterable[Piece]) -> list[list[Any]]:
    """Return what identifies the raw files of all pieces for a fingerprint; a file that is cut counts once."""
    entries = dict.fromkeys(tuple(entry) for piece in pieces for entry in piece.identity())
    return [list(entry) for entry in entries]


def allotments(files: Sequence[FileRange], max_bytes: int | None) -> list[int | None]:
    """Share `max_bytes` out among files in proportion to their stored sizes; None: no limit."""
    if max_bytes is None:
        return [None] * len(files)
    total = max(sum(file.size for file in files), 1)
    return [max(max_bytes * file.size // total, 1) for file in files]


def check_unchanged(file: FileRange, options: dict[str, Any]) -> None:
    """Make sure that a file is the one that was planned.

    Raises:
        InputError: it is gone, or its size or tag has changed since.
    """
    now = storage.stat(file.path, options)
    if (now.size, now.tag) != (file.size, file.tag):
        raise InputError(f"{file.path} has changed since the run was planned; run again to plan anew")


def list_files(source: SourceConfig, suffixes: Sequence[str] | None) -> list[FileRange]:
    """List a source's files, sorted by path, each once, with names relative to the folder or glob that named it.

    `suffixes` limits what is taken from folders, where at least one file has one of them; None takes all.

    Raises:
        InputError: a path of the recipe matches no file.
    """
    found: dict[str, tuple[storage.StoredFile, str]] = {}
    for path in source.paths:
        base, files = _expand(_absolute(path, source.storage_options), source.storage_options, suffixes)
        for file in files:
            found.setdefault(file.path, (file, base))
    ordered = [found[path] for path in sorted(found)]
    names = [_relative(file.path, base) for file, base in ordered]
    if len(set(names)) < len(names):  # such as 2019/part-0.jsonl and 2020/part-0.jsonl
        common = _common([base for _, base in ordered])
        names = [_relative(file.path, common) for file, _ in ordered]
    return [FileRange(name, file.path, file.size, file.tag) for (file, _), name in zip(ordered, names, strict=True)]


def _absolute(path: str, options: dict[str, Any]) -> str:
    if not storage.is_remote(path):
        return str(storage.local(path).absolute())
    store = storage.filesystem(path, options)
    return str(store.unstrip_protocol(store._strip_protocol(path)))


def _expand(path: str, options: dict[str, Any], suffixes: Sequence[str] | None) -> tuple[str, list[storage.StoredFile]]:
    """Return the folder that names are relative to, and the files that one path of a recipe stands for."""
    files = storage.expand([path], options)
    parts = path.split("/")
    wild = [index for index, part in enumerate(parts) if any(sign in part for sign in "*?[")]
    if [file.path for file in files] == [path]:
        return "/".join(parts[:-1]), files
    if wild and not storage.exists(path, options):
        return "/".join(parts[: wild[0]]), files
    matching = [file for file in files if suffixes is None or file.path.lower().endswith(tuple(suffixes))]
    return path, matching or files


def _relative(path: str, base: str) -> str:
    return path[len(base) :].lstrip("/") if path.startswith(f"{base}/") else path


def _common(bases: Sequence[str]) -> str:
    """Return the deepest folder above all of `bases`."""
    columns = zip(*(base.split("/") for base in bases), strict=False)
    shared: list[str] = []
    for column in columns:
        if len(set(column)) > 1:
            break
        shared.append(column[0])
    return "/".join(shared)
