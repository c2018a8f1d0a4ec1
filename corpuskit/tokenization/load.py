"""Loads a tokenizer from its folder or file."""

import hashlib

import orjson

from corpuskit import storage
from corpuskit.errors import ArtifactError, CorruptArtifact
from corpuskit.tokenization.config import TokenizerType
from corpuskit.tokenization.tokenizer import CONFIG_FILE, FORMAT_VERSION, Tokenizer
from corpuskit.tokenization.train import TYPES


def load(path: str) -> Tokenizer:
    """Load a tokenizer that corpuskit trained.

    Args:
        path: the folder that `Tokenizer.save` wrote (checked against its fingerprint), or its `tokenizer.json` or
            `tokenizer.model` alone.

    Raises:
        InputError: there is no such file.
        ArtifactError: it is not a tokenizer that corpuskit trained, or of a newer format.
        CorruptArtifact: the file is not the one that was saved.
    """
    config_path = storage.join(path, CONFIG_FILE)
    return _load_folder(path, config_path) if storage.exists(config_path) else _load_file(path)


def _load_folder(folder: str, config_path: str) -> Tokenizer:
    try:
        config = orjson.loads(storage.read_bytes(config_path))
        version, kind, expected = config["format_version"], TYPES[config["type"]], config["fingerprint"]
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise ArtifactError(f"{config_path} does not describe a corpuskit tokenizer: {error}") from error
    if version != FORMAT_VERSION:
        raise ArtifactError(
            f"{config_path} has format version {version}; this corpuskit reads version {FORMAT_VERSION}"
        )
    path = storage.join(folder, kind.file)
    model = storage.read_bytes(path)
    found = hashlib.sha256(model).hexdigest()
    if found != expected:
        raise CorruptArtifact(f"{path}: sha256 {found}, expected {expected}")
    return _parse(path, kind, model)


def _load_file(path: str) -> Tokenizer:
    if not storage.is_remote(path) and storage.local(path).is_dir():
        raise ArtifactError(f"{path}: no {CONFIG_FILE} here; it is not a tokenizer that corpuskit trained")
    model = storage.read_bytes(path)
    return _parse(path, TYPES[_type(model)], model)


def _type(model: bytes) -> TokenizerType:
    """Guess a tokenizer's type from its file; `from_model` then checks it."""
    if not model.startswith(b"{"):
        return "unigram"
    return "wordpiece" if b'"type":"WordPiece"' in model else "bpe"


def _parse(path: str, kind: type[Tokenizer], model: bytes) -> Tokenizer:
    try:
        return kind.from_model(model)
    except ArtifactError as error:
        raise ArtifactError(f"{path}: {error}") from error
