"""A classifier as an artifact: `weights.npy`, `words.parquet` and the manifest; written, read and applied."""

import functools
import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import xxhash

from corpuskit import manifest, storage
from corpuskit.errors import ArtifactError, CorruptArtifact, InputError
from corpuskit.kernels import Texts
from corpuskit.kernels.utf8 import UNICODE_VERSION
from corpuskit.manifest import Identity, Manifest
from corpuskit.signals.classifier.features import VERSION, margins, word_numbers
from corpuskit.signals.classifier.training import Trained, TrainingConfig, described

KIND = "classifier"
REVISION = 1
"""Raised whenever training writes other bytes for the same input."""
WEIGHTS, WORDS = "weights.npy", "words.parquet"
LIBRARIES = ("numpy", "numba", "pyarrow", "orjson")


@dataclass(frozen=True, eq=False)
class Classifier:
    """A linear model of hashed words and pairs of words, calibrated."""

    weights: np.ndarray
    """float32[2**bits], read-only."""
    bias: float
    slope: float
    intercept: float

    def log_odds(self, texts: Texts) -> np.ndarray:
        """Return ln(p / (1 - p)) of the probability p that each text is positive; float64[n], NaN without a word."""
        words = texts.words("unicode")
        found = margins(word_numbers(words), words.offsets, self.weights, self.bias)
        return self.slope * found + self.intercept


def identity_of(config: TrainingConfig, inputs: Mapping[str, Any]) -> Identity:
    """Return the identity of the classifier that these settings and inputs give."""
    libraries = manifest.library_versions(LIBRARIES) | {"unicode": UNICODE_VERSION}
    settings = {**config.plain(), "features": VERSION}
    return Identity(step=KIND, revision=REVISION, config=settings, inputs=inputs, libraries=libraries)


def write(folder: str, trained: Trained, identity: Identity, errors: int = 0) -> Manifest:
    """Commit a classifier; `errors` is how many records of its inputs were malformed."""
    weights = io.BytesIO()
    np.save(weights, trained.weights, allow_pickle=False)
    storage.commit(storage.join(folder, WEIGHTS), weights.getvalue())
    with storage.committing(storage.join(folder, WORDS)) as scratch:
        pq.write_table(trained.words, scratch, compression="zstd")
    metrics = trained.metrics
    made = Manifest(
        kind=KIND,
        name=storage.base_name(folder),
        fingerprint=identity.fingerprint,
        identity=identity.plain(),
        rows=sum(count for name, count in trained.counts.items() if name.endswith(".documents")),
        errors=errors,
        counts=dict(trained.counts),
        files={name: manifest.file_entry(storage.join(folder, name)) for name in (WEIGHTS, WORDS)},
        extra={"features": VERSION, "texts": metrics.positive + metrics.negative, **described(trained)},
        environment=manifest.environment(),
    )
    manifest.write(folder, made)
    return made


def read_manifest(folder: str) -> Manifest:
    """Return a classifier's manifest.

    Raises:
        ArtifactError: the folder is no classifier, or one whose features this corpuskit does not make.
    """
    found = manifest.read(folder, KIND)
    version = found.extra.get("features")
    if version != VERSION:
        raise ArtifactError(
            f"{folder} has features of version {version}, this corpuskit makes version {VERSION}; train it again"
        )
    return found


def words_of(folder: str) -> pa.Table:
    """Return the words that speak most for the positive class, then for the negative one, the strongest last.

    Raises:
        ArtifactError: the folder is no classifier, or one whose features this corpuskit does not make.
        CorruptArtifact: the file does not match its manifest.
    """
    return pq.read_table(io.BytesIO(_checked(folder, WORDS, read_manifest(folder))))


def load(folder: str) -> Classifier:
    """Return a classifier, read once a process as long as its manifest stays the same.

    Raises:
        ArtifactError: the folder is no classifier, or one whose features this corpuskit does not make.
        CorruptArtifact: its weights do not match its manifest.
    """
    path = storage.join(folder, manifest.NAME)
    if not storage.exists(path):
        read_manifest(folder)  # raises, and says what is wrong
    state = storage.stat(path)
    return _load(folder, state.size, state.tag)


@functools.lru_cache(maxsize=16)
def _load(folder: str, size: int, tag: str) -> Classifier:
    found = read_manifest(folder)
    weights = np.load(io.BytesIO(_checked(folder, WEIGHTS, found)), allow_pickle=False)
    weights.flags.writeable = False
    return Classifier(weights, found.extra["bias"], **found.extra["calibration"])


def _checked(folder: str, name: str, found: Manifest) -> bytes:
    """Return the content of one of a classifier's files, which is as its manifest says."""
    path = storage.join(folder, name)
    try:
        data = storage.read_bytes(path)
    except InputError as error:
        raise CorruptArtifact(f"{path}: missing") from error
    checksum = xxhash.xxh3_64_hexdigest(data)
    if checksum != found.files[name]["xxh3"]:
        raise CorruptArtifact(f"{path}: xxh3 {checksum}, expected {found.files[name]['xxh3']}")
    return data


def digest(folder: str) -> dict[str, Any]:
    """Return what decides a classifier's probabilities, as plain data.

    Raises:
        ArtifactError: the folder is no classifier, or one whose features this corpuskit does not make.
    """
    found = read_manifest(folder)
    return {
        "weights": found.files[WEIGHTS]["xxh3"],
        **{name: found.extra[name] for name in ("features", "bias", "calibration")},
    }
