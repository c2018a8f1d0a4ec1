"""What a step made, from what: fingerprints, markers, manifests and their verification.

An artifact is a folder `<name>-<fp8>`. While its step runs, each finished item leaves a *marker*
(`markers/<phase>/<item>.json`); when all are there they are merged into `manifest.json`, which is written last: a
folder without a manifest is unfinished. Markers and manifests are found by name, never by listing.
"""

import hashlib
import importlib.metadata
import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import orjson

from corpuskit import storage
from corpuskit.errors import ArtifactError, CorruptArtifact, MissingExtra

FORMAT_VERSION = 1
NAME = "manifest.json"
ABSENT = "absent"
"""Stands for the version of a distribution that is not installed."""
OPTIONS = orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2


@dataclass(frozen=True, kw_only=True)
class Identity:
    """All that decides an artifact's bytes; its sha256 is the artifact's fingerprint."""

    step: str
    """The step's name, such as `ingest` or `annotate.gopher`."""
    revision: int
    """The step's revision number: raised by whoever changes the bytes that the step writes."""
    config: Mapping[str, Any]
    """The step's part of the recipe, as plain data."""
    inputs: Mapping[str, Any]
    """Fingerprints of input artifacts, or (relative path, size, tag) of raw files, by name."""
    libraries: Mapping[str, str] = field(default_factory=dict)
    """Versions of the libraries that decide bytes."""

    @property
    def fingerprint(self) -> str:
        """The sha256 of this identity, 64 hex digits; changes whenever the step's output may."""
        return hashlib.sha256(orjson.dumps(asdict(self), option=orjson.OPT_SORT_KEYS)).hexdigest()

    def folder(self, name: str) -> str:
        """Return the artifact's folder name, `<name>-<fp8>`."""
        return f"{name}-{self.fingerprint[:8]}"

    def plain(self) -> dict[str, Any]:
        """Return the identity as manifests hold it, so that `differences` can name a changed field."""
        fields: dict[str, Any] = orjson.loads(orjson.dumps(asdict(self)))
        return fields


@dataclass(frozen=True, kw_only=True)
class Marker:
    """What one finished item of a phase wrote; committed after its files."""

    item: str
    fingerprint: str
    rows: int = 0
    """Rows written."""
    errors: int = 0
    """Records that went to `errors/`; records = rows + errors."""
    keys: str = ""
    """xxh3-64 of the document keys in row order: row-aligned files must agree on it. Empty where rows have no keys."""
    counts: Mapping[str, float] = field(default_factory=dict)
    """Sums worth reporting, such as `text_bytes`."""
    files: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Path relative to the artifact -> {"bytes": size, "xxh3": checksum}."""
    parts: Sequence[Mapping[str, Any]] = field(default_factory=list)
    """For documents: the splits this item wrote, in order: {"name", "rows", "text_bytes", "keys"}."""


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """One artifact: what it is, what made it, and what is in it. Written last."""

    kind: str
    """documents, signals, duplicates, variant, tokenizer, shards, run, corpus or comparison."""
    name: str
    fingerprint: str
    identity: Mapping[str, Any]
    rows: int = 0
    errors: int = 0
    counts: Mapping[str, float] = field(default_factory=dict)
    parts: Sequence[Mapping[str, Any]] = field(default_factory=list)
    """One entry a split, in order: {"name", "rows", "keys", …}."""
    files: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)
    """What only this kind of artifact has, such as a tokenizer's vocabulary size."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Not part of the fingerprint: Python, platform."""
    format_version: int = FORMAT_VERSION


def library_versions(names: Iterable[str]) -> dict[str, str]:
    """Return the installed version of each distribution, for `Identity.libraries`; `absent` where there is none."""
    return {name: _version(name) for name in names}


def require_libraries(names: Iterable[str], purpose: str) -> None:
    """Make sure that distributions of the extra `web` are installed, before hours of work rather than after.

    Raises:
        MissingExtra: names the first one that is not, and how to install it.
    """
    for name, version in library_versions(names).items():
        if version == ABSENT:
            raise MissingExtra(name, "web", purpose)


def _version(distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return ABSENT


def environment() -> dict[str, str]:
    """Return what is worth knowing of the machine that ran a step."""
    return {
        "corpuskit": _version("corpuskit"),
        "python": platform.python_version(),
        "platform": platform.platform(),
    }


def file_entry(path: str) -> dict[str, Any]:
    """Return a file's entry in markers and manifests: its size in bytes and its xxh3-64."""
    return {"bytes": storage.stat(path).size, "xxh3": storage.checksum(path)}


def marker_path(folder: str, phase: str, item: str) -> str:
    """Return where an item's marker lies."""
    return storage.join(folder, "markers", phase, f"{item}.json")


def write_marker(folder: str, phase: str, marker: Marker) -> None:
    """Commit an item's marker; call it after the item's files are committed."""
    storage.commit(marker_path(folder, phase, marker.item), orjson.dumps(asdict(marker), option=OPTIONS))


def read_marker(folder: str, phase: str, item: str, fingerprint: str) -> Marker | None:
    """Return an item's marker, or None where it is missing or has another fingerprint."""
    path = marker_path(folder, phase, item)
    if not storage.exists(path):
        return None
    marker = Marker(**orjson.loads(storage.read_bytes(path)))
    return marker if marker.fingerprint == fingerprint else None


def merge(markers: Sequence[Marker]) -> dict[str, Any]:
    """Sum markers, in the order given, into the fields that a manifest shares with them."""
    counts: dict[str, float] = {}
    files: dict[str, Mapping[str, Any]] = {}
    for marker in markers:
        files.update(marker.files)
        for name, value in marker.counts.items():
            counts[name] = counts.get(name, 0) + value
    return {
        "rows": sum(marker.rows for marker in markers),
        "errors": sum(marker.errors for marker in markers),
        "counts": counts,
        "files": files,
        "parts": [part for marker in markers for part in marker.parts],
    }


def write(folder: str, manifest: Manifest) -> None:
    """Commit an artifact's manifest."""
    storage.commit(storage.join(folder, NAME), orjson.dumps(asdict(manifest), option=OPTIONS))


def find(folder: str) -> Manifest | None:
    """Return the manifest of a folder, or None where there is none.

    Raises:
        ArtifactError: the manifest is not one, or of a format version that this corpuskit does not know.
    """
    path = storage.join(folder, NAME)
    if not storage.exists(path):
        return None
    try:
        fields = orjson.loads(storage.read_bytes(path))
        version = fields["format_version"]
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise ArtifactError(f"{path} is not a corpuskit manifest: {error}") from error
    if version != FORMAT_VERSION:
        raise ArtifactError(f"{path} has format version {version}; this corpuskit reads version {FORMAT_VERSION}")
    return Manifest(**fields)


def read(folder: str, kind: str | None = None) -> Manifest:
    """Return the manifest of a finished artifact.

    Raises:
        ArtifactError: there is no manifest, or the artifact is not of `kind`.
    """
    manifest = find(folder)
    if manifest is None and not storage.exists(folder):
        raise ArtifactError(f"{folder}: no such folder")
    if manifest is None:
        raise ArtifactError(f"{folder}: no {NAME} here; it is not a corpuskit artifact, or its step has not finished")
    if kind and manifest.kind != kind:
        raise ArtifactError(f"{folder} is an artifact of kind {manifest.kind!r}, expected {kind!r}")
    return manifest


def verify(folder: str) -> int:
    """Compare every file of an artifact with its manifest; return the number of files checked.

    Raises:
        CorruptArtifact: a file is missing or its size or checksum differs; the message names every such file.
    """
    manifest = read(folder)
    wrong = [problem for path, entry in manifest.files.items() if (problem := _problem(folder, path, entry))]
    if wrong:
        raise CorruptArtifact("\n".join(wrong))
    return len(manifest.files)


def _problem(folder: str, path: str, entry: Mapping[str, Any]) -> str:
    full = storage.join(folder, path)
    if not storage.exists(full):
        return f"{full}: missing"
    size = storage.stat(full).size
    if size != entry["bytes"]:
        return f"{full}: {size} bytes, expected {entry['bytes']}"
    found = storage.checksum(full)
    return "" if found == entry["xxh3"] else f"{full}: xxh3 {found}, expected {entry['xxh3']}"


def differences(old: Mapping[str, Any], new: Mapping[str, Any], prefix: str = "") -> list[str]:
    """Name each field in which two identities differ, as `config.rules[2].max: 0.3 -> 0.2`."""
    lines: list[str] = []
    for name in sorted({*old, *new}):
        path = f"{prefix}.{name}" if prefix else name
        lines += _difference(path, old.get(name), new.get(name))
    return lines


def _difference(path: str, before: Any, after: Any) -> list[str]:
    if before == after:
        return []
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        return differences(before, after, path)
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        pairs = enumerate(zip(before, after, strict=True))
        return [line for index, (left, right) in pairs for line in _difference(f"{path}[{index}]", left, right)]
    return [f"{path}: {_short(before)} -> {_short(after)}"]


def _short(value: Any) -> str:
    text = orjson.dumps(value, default=str).decode()
    return text if len(text) <= 60 else text[:57] + "..."


@dataclass(frozen=True, kw_only=True)
class Target:
    """An artifact that a step will make: known before anything runs, because fingerprints chain."""

    kind: str
    name: str
    folder: str
    identity: Identity

    @classmethod
    def place(cls, kind: str, name: str, parent: str, identity: Identity) -> "Target":
        """Return the target whose folder is `<parent>/<name>-<fp8>`."""
        return cls(kind=kind, name=name, folder=storage.join(parent, identity.folder(name)), identity=identity)

    @property
    def fingerprint(self) -> str:
        """The fingerprint that the artifact's manifest will carry."""
        return self.identity.fingerprint

    @property
    def done(self) -> bool:
        """Whether the artifact is finished."""
        manifest = find(self.folder)
        return manifest is not None and manifest.fingerprint == self.fingerprint
