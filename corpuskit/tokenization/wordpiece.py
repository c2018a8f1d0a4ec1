"""Lossless WordPiece: longest match first over the byte alphabet."""

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from corpuskit.tokenization.bytelevel import ByteLevelTokenizer
from corpuskit.tokenization.formats.tokenizer_json import normalization_of
from corpuskit.tokenization.normalization import normalize
from corpuskit.tokenization.reserved import RESERVED

if TYPE_CHECKING:
    from corpuskit.tokenization.encoding import WordPieceEncoder

LONGEST_WORD = 64
"""Bytes after which a word is cut and the rest taken for a new one: in `tokenizers` matching costs the square of a
word's length."""


class WordPieceTokenizer(ByteLevelTokenizer):
    """WordPiece (Schuster and Nakajima 2012; Devlin et al. 2019) that keeps case, spaces and every byte.

    Words hold their leading space. U+2060, which is outside the byte alphabet, marks a token inside a word. Every byte
    is a token in both forms, so nothing is ever unknown.
    """

    type = "wordpiece"
    prefix = "\u2060"

    @cached_property
    def _encoder(self) -> "WordPieceEncoder":
        from corpuskit.tokenization.encoding import WordPieceEncoder  # compiles kernels, which only encoding needs

        vocabulary = self.fields["model"]["vocab"]
        tokens = self.tokens()
        start: dict[bytes, int] = {}
        inside: dict[bytes, int] = {}
        for name, number in vocabulary.items():
            if number >= RESERVED:
                (inside if name.startswith(self.prefix) else start)[tokens[number]] = number
        return WordPieceEncoder(start, inside, words=self.words, cut_bytes=LONGEST_WORD)

    def _encode(self, texts: pa.LargeStringArray) -> tuple[np.ndarray, np.ndarray]:
        from corpuskit.kernels import Texts

        normal = normalize(texts, str(normalization_of(self.fields)))
        return self._encoder.encode(Texts.from_arrow(normal))
