"""GPT-2's byte alphabet, and what BPE and WordPiece share: a `tokenizer.json` over it."""

import contextlib
import os
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import orjson
import pyarrow as pa

from corpuskit.errors import ArtifactError
from corpuskit.tokenization.pieces import cut, encode_pieces
from corpuskit.tokenization.reserved import RESERVED, RESERVED_NAMES
from corpuskit.tokenization.tokenizer import Tokenizer

MIN_FREQUENCY = 2
"""Pairs seen less often are not merged: a token that occurs once teaches a model nothing."""


def byte_alphabet() -> list[str]:
    """Return the character that stands for each byte: itself where it is printable, else U+0100 and on.

    Source: `bytes_to_unicode` of GPT-2 (Radford et al. 2019), which `tokenizers` and gigatoken follow.
    """
    printable = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    others = iter(range(0x100, 0x200))
    return [chr(byte if byte in printable else next(others)) for byte in range(256)]


BYTES = {character: byte for byte, character in enumerate(byte_alphabet())}


@contextlib.contextmanager
def parallelism(on: bool) -> Iterator[None]:
    """Say whether `tokenizers` may use its thread pool, which a forked process must not touch; ids do not change."""
    before = os.environ.get("TOKENIZERS_PARALLELISM")
    os.environ["TOKENIZERS_PARALLELISM"] = str(on).lower()
    try:
        yield
    finally:
        if before is None:
            del os.environ["TOKENIZERS_PARALLELISM"]
        else:
            os.environ["TOKENIZERS_PARALLELISM"] = before


class ByteLevelTokenizer(Tokenizer):
    """A tokenizer whose file is a `tokenizer.json` over the byte alphabet.

    Reserved names are in the vocabulary and nowhere else, so a text that spells one is encoded as any other text. Added
    tokens are those that are always whole; none is special.
    """

    file = "tokenizer.json"
    prefix: ClassVar[str] = ""
    """What marks a token inside a word."""

    @classmethod
    def from_model(cls, model: bytes) -> "ByteLevelTokenizer":
        """Load a tokenizer from the bytes of its `tokenizer.json`."""
        from corpuskit.tokenization.formats.tokenizer_json import normalization_of, pretokenizer_of

        try:
            fields = orjson.loads(model)
            vocabulary: dict[str, int] = fields["model"]["vocab"]
            kind = fields["model"]["type"].lower()
            added = {token["id"]: token["content"].encode() for token in fields["added_tokens"]}
        except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
            raise ArtifactError(f"not a tokenizer.json with a vocabulary: {error}") from error
        names = sorted(vocabulary, key=vocabulary.__getitem__)
        own = kind == cls.type and names[:RESERVED] == list(RESERVED_NAMES) and min(added, default=RESERVED) >= RESERVED
        if not own or pretokenizer_of(fields) is None or normalization_of(fields) is None:
            raise ArtifactError(f"a tokenizer.json, but not of a {cls.type} tokenizer that corpuskit trained")
        if cls._is_changed(fields):
            raise ArtifactError("a tokenizer.json of corpuskit that another program has changed")
        if any(vocabulary[name] != number for number, name in enumerate(names)):
            raise ArtifactError("a tokenizer.json whose ids have holes, or stand for two tokens")
        try:
            tokens = [added.get(index) or cls._text(name) for index, name in enumerate(names[RESERVED:], RESERVED)]
        except KeyError as error:
            raise ArtifactError(f"a tokenizer.json with {error}, which is not in the byte alphabet") from error
        made = cls(model, [b""] * RESERVED + tokens)
        made.lossless = not fields["normalizer"]
        return made

    @classmethod
    def _is_changed(cls, fields: Mapping[str, Any]) -> bool:
        """Whether a file cuts texts, or has added tokens that are not in the vocabulary it was trained with."""
        vocabulary, added = fields["model"]["vocab"], fields["added_tokens"]
        others = any(token["special"] or vocabulary.get(token["content"]) != token["id"] for token in added)
        return others or bool(fields.get("truncation") or fields.get("padding"))

    @classmethod
    def _text(cls, name: str) -> bytes:
        return bytes(BYTES[character] for character in name.removeprefix(cls.prefix))

    @cached_property
    def fields(self) -> dict[str, Any]:
        """What the file says."""
        read: dict[str, Any] = orjson.loads(self.model)
        return read

    @property
    def words(self) -> str:
        """What a word is."""
        from corpuskit.tokenization.formats.tokenizer_json import pretokenizer_of

        return str(pretokenizer_of(self.fields))

    @cached_property
    def _library(self) -> Any:
        import tokenizers

        return tokenizers.Tokenizer.from_buffer(self.model)

    def _encode(self, texts: pa.LargeStringArray) -> tuple[np.ndarray, np.ndarray]:
        plain = self.words == "gpt2" and not self.fields["added_tokens"]
        return encode_pieces(texts, cut if plain else lambda text: [text], self._encode_batch)

    def _encode_batch(self, pieces: list[str]) -> list[np.ndarray]:
        with parallelism(False):
            encoded = self._library.encode_batch_fast(pieces, add_special_tokens=False)
        return [np.array(piece.ids, np.uint32) for piece in encoded]
