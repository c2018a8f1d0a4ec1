"""Lossless Unigram: a SentencePiece model, encoded by a kernel with its ids."""

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from corpuskit.errors import ArtifactError
from corpuskit.tokenization.formats.sentencepiece_model import RULES, SPACE
from corpuskit.tokenization.formats.sentencepiece_proto import NORMAL, UNIGRAM, parse
from corpuskit.tokenization.normalization import Normalization, normalize
from corpuskit.tokenization.reserved import RESERVED, RESERVED_NAMES
from corpuskit.tokenization.tokenizer import Tokenizer

if TYPE_CHECKING:
    from corpuskit.tokenization.encoding import UnigramEncoder

FIRST_PIECE = RESERVED + 256


class UnigramTokenizer(Tokenizer):
    """The unigram language model of Kudo (2018) without normalisation, with bytes for rare characters.

    A real U+2581, which SentencePiece cannot tell from a space, is encoded as its three bytes.
    """

    type = "unigram"
    file = "tokenizer.model"

    def __init__(self, model: bytes, tokens: Sequence[bytes]) -> None:
        super().__init__(model, tokens)
        self.lossless = self._normalization == "none"

    @classmethod
    def from_model(cls, model: bytes) -> "UnigramTokenizer":
        """Load a tokenizer from the bytes of its `tokenizer.model`."""
        parsed = parse(model)
        names = [piece.piece for piece in parsed.pieces]
        spec, kind = parsed.normalizer_spec, parsed.trainer_spec.model_type
        expected = [*RESERVED_NAMES, *(f"<0x{byte:02X}>" for byte in range(256))]
        plain = spec.name in RULES.values() and not (spec.add_dummy_prefix or spec.remove_extra_whitespaces)
        plain &= all(piece.type == NORMAL for piece in parsed.pieces[FIRST_PIECE:])
        if names[:FIRST_PIECE] != expected or kind != UNIGRAM or not plain:
            raise ArtifactError("a SentencePiece model, but not of a unigram tokenizer that corpuskit trained")
        pieces = [name.replace(SPACE, " ").encode() for name in names[FIRST_PIECE:]]
        return cls(model, [b""] * RESERVED + [bytes([byte]) for byte in range(256)] + pieces)

    @cached_property
    def _parsed(self) -> Any:
        return parse(self.model)

    @property
    def _normalization(self) -> Normalization:
        return {rule: name for name, rule in RULES.items()}[self._parsed.normalizer_spec.name]

    @cached_property
    def _encoder(self) -> "UnigramEncoder":
        from corpuskit.tokenization.encoding import UnigramEncoder  # compiles kernels, which only encoding needs

        pieces = [b""] * FIRST_PIECE + self.tokens()[FIRST_PIECE:]
        scores = np.array([piece.score for piece in self._parsed.pieces], np.float32)
        return UnigramEncoder(pieces, scores, byte_ids=range(RESERVED, FIRST_PIECE))

    def _encode(self, texts: pa.LargeStringArray) -> tuple[np.ndarray, np.ndarray]:
        from corpuskit.kernels import Texts

        return self._encoder.encode(Texts.from_arrow(normalize(texts, self._normalization)))

    def _sample(
        self, texts: pa.LargeStringArray, strength: float, seed: int, first: int
    ) -> tuple[np.ndarray, np.ndarray]:
        from corpuskit.kernels import Texts
        from corpuskit.tokenization.encoding import UnigramSampler

        numbers = np.arange(first, first + len(texts), dtype=np.uint64)
        normal = Texts.from_arrow(normalize(texts, self._normalization))
        return UnigramSampler(self._encoder).sample(normal, alpha=strength, seed=seed, documents=numbers)
