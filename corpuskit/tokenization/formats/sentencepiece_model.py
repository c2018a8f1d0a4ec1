"""SentencePiece's `.model`: vocabularies of pieces over texts, with bytes for rare characters."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from corpuskit.errors import InputError
from corpuskit.tokenization.formats.sentencepiece_proto import (
    BPE,
    BYTE,
    CONTROL,
    NORMAL,
    UNIGRAM,
    UNKNOWN,
    USER_DEFINED,
    model_class,
)
from corpuskit.tokenization.normalization import Normalization
from corpuskit.tokenization.reserved import BOS, EOS, PAD, RESERVED, RESERVED_NAMES, UNK

SPACE = "\u2581"
"""How it writes a space."""
RULES: dict[Normalization, str] = {"none": "identity", "nfkc": "nfkc", "nmt_nfkc": "nmt_nfkc"}
"""What it calls the normal forms that it has."""


def unigram_file(pieces: Iterable[bytes], scores: Iterable[float], normalization: Normalization = "none") -> bytes:
    """Return the file of a unigram model: reserved names, 256 bytes, then the pieces.

    Args:
        pieces: UTF-8, spaces as U+0020.
        scores: natural logarithms of their probabilities, float32 values.
        normalization: what is done to texts before; no space is added in front, none taken out.

    Raises:
        InputError: SentencePiece has no such normal form.
    """
    return _file(UNIGRAM, pieces, scores, normalization)


def bpe_file(tokens: Sequence[bytes], normalization: Normalization = "none", protected: Collection[int] = ()) -> bytes:
    """Return the file of a BPE model: reserved names, 256 bytes, then characters and pieces, which merge in that order.

    Args:
        tokens: each id's bytes, reserved ids and bytes first; UTF-8, spaces as U+0020.
        normalization: as for `unigram_file`.
        protected: ids of texts that are always one token.

    Raises:
        InputError: SentencePiece has no such normal form.
    """
    pieces = tokens[RESERVED + 256 :]
    return _file(BPE, pieces, (-float(rank) for rank in range(len(pieces))), normalization, protected)


def _file(
    model_type: int,
    pieces: Iterable[bytes],
    scores: Iterable[float],
    normalization: Normalization,
    protected: Collection[int] = (),
) -> bytes:
    model = model_class()()
    for number, name in enumerate(RESERVED_NAMES):
        model.pieces.add(piece=name, score=0.0, type=UNKNOWN if number == UNK else CONTROL)
    for byte in range(256):
        model.pieces.add(piece=f"<0x{byte:02X}>", score=0.0, type=BYTE)
    for piece, score in zip(pieces, scores, strict=True):
        kind = USER_DEFINED if len(model.pieces) in protected else NORMAL
        model.pieces.add(piece=piece.decode().replace(" ", SPACE), score=score, type=kind)
    trainer = model.trainer_spec
    trainer.model_type, trainer.vocab_size, trainer.byte_fallback = model_type, len(model.pieces), True
    trainer.unk_id, trainer.bos_id, trainer.eos_id, trainer.pad_id = UNK, BOS, EOS, PAD
    trainer.unk_piece, trainer.bos_piece = RESERVED_NAMES[UNK], RESERVED_NAMES[BOS]
    trainer.eos_piece, trainer.pad_piece = RESERVED_NAMES[EOS], RESERVED_NAMES[PAD]
    _set_normalizer(model.normalizer_spec, normalization)
    return bytes(model.SerializeToString(deterministic=True))


def _set_normalizer(spec: Any, normalization: Normalization) -> None:
    if normalization not in RULES:
        raise InputError(f"SentencePiece has no normal form {normalization!r}; it has {', '.join(RULES)}")
    spec.name = RULES[normalization]
    spec.precompiled_charsmap = _charsmap(spec.name)
    spec.add_dummy_prefix = spec.remove_extra_whitespaces = False


def _charsmap(name: str) -> bytes:
    """Return SentencePiece's own table of a normal form: that of a model which it makes."""
    if name == "identity":
        return b""
    import io

    import sentencepiece

    made = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(["a b c"]),
        model_writer=made,
        vocab_size=8,
        model_type="char",
        hard_vocab_limit=False,
        normalization_rule_name=name,
        minloglevel=2,
    )
    return bytes(model_class().FromString(made.getvalue()).normalizer_spec.precompiled_charsmap)
