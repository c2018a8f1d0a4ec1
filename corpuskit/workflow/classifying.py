"""Trains a quality classifier on two inputs, and says what is in one."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import ValidationError

from corpuskit import documents, extract, manifest, storage
from corpuskit.documents import FORMATS, Piece, SourceConfig
from corpuskit.errors import ArtifactError, InputError, RecipeError
from corpuskit.extract import ExtractConfig, extract_records
from corpuskit.kernels import Texts
from corpuskit.manifest import Manifest
from corpuskit.recipe.problems import problems
from corpuskit.signals.classifier import TrainingConfig, model
from corpuskit.signals.classifier.training import Collected, train
from corpuskit.workflow.places import check_writable
from corpuskit.workflow.prepared import texts_folder

PIECE_BYTES = 64 * 2**20
EXTRACTION = ExtractConfig()
"""How the text of web pages is extracted."""
HELDOUT = "heldout"
"""The mark of documents that a corpus holds out: no classifier learns from them, nor is it measured on them."""
EXAMPLES = 3
"""Malformed records that an error lists."""
Report = Callable[[str, float], None]
"""Told what is being done, and the share of it that is done."""


@dataclass(frozen=True)
class Input:
    """One class's files, planned, and the documents that corpuskit prepared."""

    source: SourceConfig
    pieces: Sequence[Piece]
    prepared: Mapping[str, Manifest]
    """By folder."""

    def identity(self) -> dict[str, Any]:
        """Return what identifies its documents."""
        found = {"source": self.source.identity(), "files": documents.identify(list(self.pieces))}
        fingerprints = [one.fingerprint for one in self.prepared.values()]
        return {**found, "prepared": fingerprints} if fingerprints else found

    @property
    def size(self) -> float:
        """An estimate of the bytes of text to read."""
        prepared = sum(one.counts["text_bytes"] for one in self.prepared.values())
        return sum(piece.size for piece in self.pieces) + prepared

    def records(self) -> Iterator[documents.Records]:
        """Read its documents."""
        for folder in self.prepared:
            for batch in documents.read_documents(folder):
                yield documents.Records(batch, [])
        for piece in self.pieces:
            yield from extract_records(documents.read(piece, self.source), EXTRACTION)


def _planned(name: str, source: SourceConfig) -> Input:
    """Tell what corpuskit prepared from files, and plan these."""
    try:
        folders = {path: texts_folder(path) for path in source.paths}
    except InputError as error:
        raise InputError(f"--{name}: {error}") from None
    prepared = {folder: manifest.read(folder, "documents") for folder in folders.values() if folder}
    files = tuple(path for path, folder in folders.items() if not folder)
    pieces = documents.plan(source.model_copy(update={"paths": files}), PIECE_BYTES) if files else []
    return Input(source, pieces, prepared)


def training_config(fields: Mapping[str, Any]) -> TrainingConfig:
    """Make the settings of a training from what options say.

    Raises:
        RecipeError: one line for each wrong option, by its name.
    """
    try:
        return TrainingConfig.model_validate(fields)
    except ValidationError as error:
        found = problems(error, fields, TrainingConfig)
        lines = [f"--{place.replace('_', '-')}: {message}" for place, message in found]
        raise RecipeError("", "\n".join(lines)) from None


def train_classifier(
    positive: SourceConfig,
    negative: SourceConfig,
    config: TrainingConfig,
    out: str,
    report: Report,
    max_error_rate: float = 0.01,
) -> Manifest:
    """Train a classifier into the folder `out`; one that is there already from the same inputs is left as it is.

    Args:
        positive: what is to get probabilities near 1.
        negative: what is to get probabilities near 0.
        config: how to train.
        out: the classifier's folder.
        report: told how far the work is.
        max_error_rate: share of malformed records above which the training fails.

    Raises:
        InputError: an input is missing, holds too few documents or too many malformed records; `out` cannot be
            written to.
        ArtifactError: `out` is an artifact of another kind, or a folder with other files.
    """
    _check_folder(out)
    inputs = {name: _planned(name, source) for name, source in {"positive": positive, "negative": negative}.items()}
    identity = model.identity_of(config, _identities(inputs))
    found = manifest.find(out)
    if found and found.fingerprint == identity.fingerprint:
        return found
    collected = Collected(config)
    errors = 0
    for name, given in inputs.items():
        errors += _read(name, given, collected, max_error_rate, report)
    return model.write(out, train(collected, config, report), identity, errors)


def _check_folder(out: str) -> None:
    check_writable(out)
    found = manifest.find(out)
    if found and found.kind != model.KIND:
        raise ArtifactError(
            f"{out} is an artifact of kind {found.kind!r}, which a classifier would overwrite; choose another --out"
        )
    if not found and not storage.is_remote(out) and storage.exists(out):
        others = {path.name for path in storage.local(out).iterdir() if not path.match(".*.tmp")}
        others -= {model.WEIGHTS, model.WORDS}
        if others:
            raise ArtifactError(f"{out} holds other files, such as {min(others)}; choose another --out")


def _identities(inputs: Mapping[str, Input]) -> dict[str, Any]:
    """Return what identifies the documents of both inputs: their files, and extraction where they hold web pages.

    Raises:
        MissingExtra: a package that reads or extracts them is not installed.
    """
    formats = {piece.format for given in inputs.values() for piece in given.pieces}
    libraries = sorted(library for name in formats for library in FORMATS[name].libraries)
    manifest.require_libraries(libraries, f"reading {', '.join(sorted(formats))}")
    found: dict[str, Any] = {name: given.identity() for name, given in inputs.items()}
    if any(FORMATS[name].pages for name in formats):
        extract.require(EXTRACTION)
        libraries += extract.LIBRARIES
        found["extract"] = {**EXTRACTION.plain(), "revision": extract.REVISION}
    return {**found, "libraries": manifest.library_versions(libraries)}


def _read(name: str, given: Input, collected: Collected, max_error_rate: float, report: Report) -> int:
    """Add the documents of one class; return how many records were malformed."""
    rows = errors = 0
    skipped: dict[str, float] = {}
    examples: list[str] = []
    expected = max(given.size, 1)
    size = 0
    for records in given.records():
        report(f"reading {name}", min(size / expected, 1.0))
        size += records.documents.nbytes
        held_out = _held_out(records.documents)
        collected.held_out[name] += int(held_out.sum())
        learnt = records.documents.filter(pa.array(~held_out)) if held_out.any() else records.documents
        collected.add(name, Texts.from_arrow(learnt.column("text")))
        rows += len(records.documents)
        errors += len(records.errors)
        for reason, count in records.skipped.items():
            skipped[f"skipped.{reason}"] = skipped.get(f"skipped.{reason}", 0) + count
        examples += [f"{bad.file}, offset {bad.offset}: {bad.message}" for bad in records.errors[:EXAMPLES]]
    documents.check_errors(rows, errors, max_error_rate, examples[:EXAMPLES])
    try:
        documents.require_documents(rows, [name], skipped)
    except InputError as error:
        raise InputError(f"--{name} {', '.join(given.source.paths)}: {error}") from None
    report(f"reading {name}", 1.0)
    return errors


def _held_out(batch: pa.RecordBatch) -> np.ndarray:
    """Return which documents a corpus holds out, by their column or field `heldout`; bool[n]."""
    if HELDOUT in batch.schema.names:
        return batch.column(HELDOUT).to_numpy(zero_copy_only=False)
    metadata = batch.column("metadata")
    found = pc.match_substring(metadata, f'"{HELDOUT}":true').fill_null(False).to_numpy(zero_copy_only=False)
    for row in np.flatnonzero(found):  # it may be a field of a field
        found[row] = orjson.loads(metadata[row].as_py()).get(HELDOUT) is True
    return found


def describe(folder: str, words: int) -> dict[str, Any]:
    """Say what a classifier is: how it was trained, how good it is, and the words that speak most for each class.

    Raises:
        ArtifactError: the folder is no classifier, or one whose features this corpuskit does not make.
    """
    found = model.read_manifest(folder)
    table = model.words_of(folder)
    weights = table.column("weight").to_numpy()
    rows = table.to_pylist()
    return {
        "path": folder,
        "fingerprint": found.fingerprint,
        "settings": found.identity["config"],
        "counts": dict(found.counts),
        "malformed": found.errors,
        **{name: found.extra[name] for name in ("epochs", "calibration", "metrics")},
        "for_positive": rows[: min(words, int((weights > 0).sum()))],
        "for_negative": rows[::-1][: min(words, int((weights < 0).sum()))],
    }
