"""Lossless Unigram: trained and encoded by SentencePiece."""

import io
import re
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from corpuskit.errors import ArtifactError, InputError
from corpuskit.tokenization.pieces import cut, encode_pieces
from corpuskit.tokenization.reserved import BOS, EOS, PAD, RESERVED, RESERVED_NAMES, UNK
from corpuskit.tokenization.tokenizer import Tokenizer

SPACE = "\u2581"
"""SentencePiece writes a space as this character and so cannot tell the two apart."""
SPACE_IDS = np.array([RESERVED + byte for byte in SPACE.encode()], np.uint32)
"""What a real U+2581 is encoded as: its three bytes."""
UNTRAINABLE = (SPACE, "\u2585")
"""Characters that are never part of a piece; SentencePiece's trainer skips a sentence with the second one."""
COVERAGE = 0.9995
"""Share of the training text whose characters become pieces; the rest is encoded as bytes."""
LONGEST_SENTENCE = 4096
"""Characters; longer lines are cut, at spaces where there are any."""


class UnigramTokenizer(Tokenizer):
    """The unigram language model of Kudo (2018) without normalisation, with bytes for rare characters."""

    type = "unigram"
    file = "tokenizer.model"

    @classmethod
    def from_model(cls, model: bytes) -> "UnigramTokenizer":
        """Load a tokenizer from the bytes of its `tokenizer.model`."""
        library = _processor(model)
        names = [library.id_to_piece(index) for index in range(library.get_piece_size())]
        if names[:RESERVED] != list(RESERVED_NAMES) or names[RESERVED : RESERVED + 256] != _byte_names():
            raise ArtifactError("a SentencePiece model, but not of a unigram tokenizer that corpuskit trained")
        pieces = [name.replace(SPACE, " ").encode() for name in names[RESERVED + 256 :]]
        return cls(model, [b""] * RESERVED + [bytes([byte]) for byte in range(256)] + pieces)

    @classmethod
    def fit(cls, vocab_size: int, texts: Iterable[Sequence[str]]) -> "UnigramTokenizer":
        """Train on batches of texts, all of them in memory.

        Raises:
            InputError: SentencePiece cannot make a model from these texts.
        """
        import sentencepiece

        batches = list(texts)
        rare = rare_characters(batches, (vocab_size - RESERVED - 256) // 2)
        model = io.BytesIO()
        try:
            sentencepiece.SentencePieceTrainer.train(
                sentence_iterator=(
                    line.encode() for batch in batches for text in batch for line in sentences(text, rare)
                ),
                model_writer=model,
                vocab_size=vocab_size,
                **_OPTIONS,
            )
        except RuntimeError as error:
            size = sum(len(text) for batch in batches for text in batch)
            message = f"SentencePiece made no unigram model of {vocab_size} ids from {size} characters of text: {error}"
            raise InputError(message) from error
        return cls.from_model(model.getvalue())

    @cached_property
    def _library(self) -> Any:
        return _processor(self.model)

    def _encode(self, texts: pa.LargeStringArray) -> tuple[np.ndarray, np.ndarray]:
        return encode_pieces(texts, _split, self._encode_batch)

    def _encode_batch(self, pieces: list[str]) -> list[np.ndarray]:
        encoded = self._library.encode(pieces, return_type="numpy", num_threads=1)
        return [SPACE_IDS if piece == SPACE else ids for piece, ids in zip(pieces, encoded, strict=True)]


_OPTIONS: dict[str, Any] = {
    "model_type": "unigram",
    "pad_id": PAD,
    "unk_id": UNK,
    "bos_id": BOS,
    "eos_id": EOS,
    "pad_piece": RESERVED_NAMES[PAD],
    "unk_piece": RESERVED_NAMES[UNK],
    "bos_piece": RESERVED_NAMES[BOS],
    "eos_piece": RESERVED_NAMES[EOS],
    "control_symbols": list(RESERVED_NAMES[EOS + 1 :]),
    "byte_fallback": True,
    "normalization_rule_name": "identity",
    "add_dummy_prefix": False,
    "remove_extra_whitespaces": False,
    "allow_whitespace_only_pieces": True,
    "character_coverage": 1.0,  # rare characters are taken out of the sentences
    "hard_vocab_limit": False,
    "max_sentence_length": 8 * LONGEST_SENTENCE,  # bytes; longer ones would be dropped without a word
    "num_threads": 1,  # scores depend on it
    "minloglevel": 2,
}


def rare_characters(batches: Iterable[Sequence[str]], most: int) -> dict[int, str]:
    """Return a `str.translate` table that turns characters too rare for the vocabulary into `SPACE`.

    Kept are the commonest that cover `COVERAGE` of the text, `most` at most; ties go to the smaller code point.
    """
    counts = np.zeros(0x110000, np.int64)
    for batch in batches:
        counts += np.bincount(np.frombuffer("".join(batch).encode("utf-32-le"), np.uint32), minlength=len(counts))
    counts[[ord(character) for character in UNTRAINABLE]] = 0
    order = np.argsort(-counts, kind="stable")[: np.count_nonzero(counts)]
    covered = np.cumsum(counts[order])
    kept = 1 + int(np.searchsorted(covered, COVERAGE * covered[-1])) if len(order) else 0
    return dict.fromkeys([*order[min(kept, most) :].tolist(), *map(ord, UNTRAINABLE)], SPACE)


def sentences(text: str, rare: dict[int, str]) -> list[str]:
    """Split a text into the sentences that training sees: lines, cut at rare characters and at `LONGEST_SENTENCE`.

    Line breaks begin a sentence: SentencePiece takes them off its end, and runs of them would not become pieces.
    """
    lines = (line for line in re.split(r"(?<=[^\n])(?=\n)|" + SPACE, text.translate(rare)) if line)
    return [part for line in lines for part in _bounded(line)]


def _bounded(line: str) -> list[str]:
    parts, start = [], 0
    while len(line) - start > LONGEST_SENTENCE:
        space = line.rfind(" ", start + 1, start + LONGEST_SENTENCE)
        stop = space if space > 0 else start + LONGEST_SENTENCE
        parts.append(line[start:stop])
        start = stop
    return [*parts, line[start:]]


def _split(text: str) -> list[str]:
    pieces = cut(text)
    return [part for piece in pieces for part in re.split(f"({SPACE})", piece)] if SPACE in text else pieces


def _byte_names() -> list[str]:
    return [f"<0x{byte:02X}>" for byte in range(256)]


def _processor(model: bytes) -> Any:
    import sentencepiece

    try:
        return sentencepiece.SentencePieceProcessor(model_proto=model)
    except RuntimeError as error:
        raise ArtifactError(f"not a SentencePiece model: {error}") from error
