"""Loads a tokenizer from its folder or file."""

import hashlib
import re
from typing import Any

import orjson

from corpuskit import storage
from corpuskit.errors import ArtifactError, CorruptArtifact, InputError
from corpuskit.tokenization.bpe import BpeTokenizer
from corpuskit.tokenization.formats.sentencepiece_proto import parse
from corpuskit.tokenization.imported import HuggingFaceTokenizer, SentencePieceTokenizer
from corpuskit.tokenization.tokenizer import CONFIG_FILE, FORMAT_VERSION, Tokenizer
from corpuskit.tokenization.unigram import UnigramTokenizer
from corpuskit.tokenization.wordpiece import WordPieceTokenizer

OWN: dict[str, type[Tokenizer]] = {
    "bpe": BpeTokenizer,
    "wordpiece": WordPieceTokenizer,
    "unigram": UnigramTokenizer,
}
"""What reads the files that corpuskit trains, first."""
FILES = ("tokenizer.json", "tokenizer.model", "spiece.model", "sentencepiece.bpe.model")
"""What a tokenizer's file is called in a folder of another program."""
RANKS = {"gpt2": "gpt2", "r50k_base": "gpt2", "p50k_base": "gpt2", "cl100k_base": "gpt4", "o200k_base": "o200k"}
"""The words of tiktoken's own encodings, by the names of their files."""
RANK_LINE = re.compile(rb"[A-Za-z0-9+/]+={0,2} [0-9]+\r?\n")


def load(path: str, pretokenizer: str | None = None) -> Tokenizer:
    """Load a tokenizer.

    Args:
        path: a folder that `Tokenizer.save` wrote (checked against its fingerprint), a folder of another program that
            holds a `tokenizer.json` or a `.model`, or a file: `tokenizer.json`, SentencePiece's `.model`, or ranks of
            tiktoken.
        pretokenizer: what a word is, for ranks of tiktoken, whose file does not say.

    Raises:
        InputError: there is no such file; or ranks come without `pretokenizer`.
        ArtifactError: it is no tokenizer, or one of a newer format.
        CorruptArtifact: the file is not the one that was saved.
    """
    config = _config(path)
    if config is not None:
        return _load_own(path, config)
    if not storage.is_remote(path) and storage.local(path).is_dir():
        found = [name for name in FILES if storage.exists(storage.join(path, name))]
        if not found:
            raise ArtifactError(f"{path}: no {CONFIG_FILE} of corpuskit's, and none of {', '.join(FILES)}")
        path = storage.join(path, found[0])
    return _parse(path, storage.read_bytes(path), pretokenizer)


def _config(folder: str) -> dict[str, Any] | None:
    """Return what corpuskit wrote beside a tokenizer; None where another program wrote it, or none did.

    Raises:
        ArtifactError: it is not JSON.
    """
    path = storage.join(folder, CONFIG_FILE)
    if not storage.exists(path):
        return None
    try:
        config = orjson.loads(storage.read_bytes(path))
    except orjson.JSONDecodeError as error:
        raise ArtifactError(f"{path}: not JSON: {error}") from error
    return config if isinstance(config, dict) and "format_version" in config else None


def _load_own(folder: str, config: dict[str, Any]) -> Tokenizer:
    place = storage.join(folder, CONFIG_FILE)
    if config["format_version"] != FORMAT_VERSION:
        raise ArtifactError(
            f"{place} has format version {config['format_version']}; this corpuskit reads version {FORMAT_VERSION}"
        )
    try:
        name, expected = config.get("file") or OWN[config["type"]].file, config["fingerprint"]
    except KeyError as error:
        raise ArtifactError(f"{place} does not describe a corpuskit tokenizer: no {error}") from error
    path = storage.join(folder, name)
    model = storage.read_bytes(path)
    found = hashlib.sha256(model).hexdigest()
    if found != expected:
        raise CorruptArtifact(f"{path}: sha256 {found}, expected {expected}")
    return _parse(path, model, None)


def _parse(path: str, model: bytes, pretokenizer: str | None) -> Tokenizer:
    try:
        if RANK_LINE.match(model):
            from corpuskit.tokenization.formats.convert import ranks_to_json

            return HuggingFaceTokenizer.from_model(ranks_to_json(model, _words_of(path, pretokenizer)))
        for own in _likely(model):
            try:
                return own.from_model(model)
            except ArtifactError:
                continue
        return (HuggingFaceTokenizer if model.lstrip()[:1] == b"{" else SentencePieceTokenizer).from_model(model)
    except ArtifactError as error:
        raise ArtifactError(f"{path}: {error}") from error


def _likely(model: bytes) -> list[type[Tokenizer]]:
    """Return the classes of corpuskit's own that may have written a file."""
    if model.lstrip()[:1] == b"{":
        return [BpeTokenizer, WordPieceTokenizer]
    parse(model)
    return [UnigramTokenizer]


def _words_of(path: str, pretokenizer: str | None) -> str:
    known = pretokenizer or RANKS.get(storage.base_name(path).removesuffix(".tiktoken"))
    if known is None:
        raise InputError(
            f"{path}: ranks of tiktoken do not say what a word is: give a pre-tokenizer (`--pretokenizer gpt4`, "
            "llama3, o200k, gpt2, or regex: and an expression)"
        )
    return known
