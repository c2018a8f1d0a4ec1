"""Folders that a user names: whether one may be written to, and which tokenizer one means."""

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson

from corpuskit import manifest, storage
from corpuskit.errors import ArtifactError, InputError
from corpuskit.manifest import Target

SHOWN = 5
"""Changed fields that a message lists."""


def check_writable(folder: str) -> None:
    """Make sure that a local folder exists or can be made, and can be written to; nothing is left there.

    Raises:
        InputError: a file is in the way, or the disk or the permissions refuse.
    """
    if storage.is_remote(folder):
        return
    target = storage.local(folder).absolute()
    existing = next(path for path in (target, *target.parents) if path.exists())
    if not existing.is_dir():
        raise InputError(f"{folder}: {existing} is a file; an output folder cannot be made there")
    try:
        tempfile.TemporaryDirectory(prefix=".corpuskit-", suffix=".tmp", dir=existing).cleanup()
    except OSError as error:
        raise InputError(f"{folder}: cannot write to {existing}: {error.strerror}") from error


def check_file(path: str) -> None:
    """Make sure that a local file can be written.

    Raises:
        InputError: it is a folder, or its folder cannot be written to.
    """
    if storage.is_remote(path):
        return
    if storage.local(path).is_dir():
        raise InputError(f"{path} is a folder")
    check_writable(str(storage.local(path).absolute().parent))


def check_corpus_folder(out: str) -> None:
    """Make sure that a corpus can be prepared in `out`: a new folder, or one that holds a corpus.

    Raises:
        InputError: it cannot be written to.
        ArtifactError: it is an artifact of another kind.
    """
    check_writable(out)
    found = manifest.find(out)
    if found and found.kind != "corpus":
        raise _other_kind(out, found.kind, "a corpus")


def check_own_folder(step: Target, what: str) -> None:
    """Make sure that an artifact can be written right into a folder: a new one, or one that holds this very artifact.

    Args:
        step: what will be written, and where.
        what: what a person calls it.

    Raises:
        InputError: it cannot be written to.
        ArtifactError: it holds something else, finished or not; the message names what differs.
    """
    check_writable(step.folder)
    found = manifest.find(step.folder)
    if found and found.kind != step.kind:
        raise _other_kind(step.folder, found.kind, what)
    if found and found.fingerprint != step.fingerprint:
        changes = manifest.differences(found.identity, step.identity.plain())
        raise _occupied(step.folder, f"already holds {what} of another call", changes)
    if not found and any(print_ != step.fingerprint for print_ in _unfinished(step.folder)):
        raise _occupied(step.folder, f"already holds {what} of another call, unfinished", [])


def _other_kind(folder: str, kind: str, what: str) -> ArtifactError:
    return ArtifactError(
        f"{folder} is an artifact of kind {kind!r}, which {what} would overwrite; choose another --out"
    )


def _occupied(folder: str, what: str, changes: list[str]) -> ArtifactError:
    differs = list(dict.fromkeys(_in_words(change) for change in changes))
    more = [f"… and {len(differs) - SHOWN} more"] if len(differs) > SHOWN else []
    listed = "".join(f"\n  {change}" for change in [*differs[:SHOWN], *more])
    return ArtifactError(f"{folder} {what}; choose another --out, or remove that folder first{listed}")


def _in_words(change: str) -> str:
    """Say which input differs instead of its fingerprints; other changes stay as they are."""
    named = {
        "inputs.source": "other input files, or they have changed",
        "inputs.tokenizer": "another tokenizer",
        "inputs.counts": "other counts",
    }
    found = next((words for start, words in named.items() if change.startswith(start)), None)
    return found or change.removeprefix("config.")


def _unfinished(folder: str) -> Iterator[str]:
    """Yield the fingerprints of the markers that killed or running calls left in a local folder."""
    if storage.is_remote(folder):
        return
    for path in Path(storage.local(folder)).glob("markers/*/*.json"):
        marker: Mapping[str, Any] = orjson.loads(path.read_bytes())
        yield str(marker["fingerprint"])


def tokenizer_path(path: str) -> str:
    """Return where a tokenizer lies: `path` itself, or the only tokenizer of a corpus.

    Raises:
        ArtifactError: the corpus has none or several; the message lists them.
    """
    found = manifest.find(path)
    if not found or found.kind != "corpus":
        return path
    folders = [storage.join(path, folder) for folder in found.extra["artifacts"].get("tokenizer", {}).values()]
    if not folders:
        raise ArtifactError(f"{path} is a corpus without a tokenizer")
    if len(folders) > 1:
        listed = "".join(f"\n  {folder}" for folder in folders)
        raise ArtifactError(f"{path} is a corpus with {len(folders)} tokenizers; name one of them:{listed}")
    return folders[0]
