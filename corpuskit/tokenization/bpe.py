"""Byte-level BPE: the ids of `tokenizers`, by a kernel."""

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from corpuskit.errors import InputError
from corpuskit.tokenization.bytelevel import ByteLevelTokenizer

if TYPE_CHECKING:
    from corpuskit.tokenization.encoding import BpeSampler
    from corpuskit.tokenization.encoding.bpe_json import ByteLevelBpe
    from corpuskit.tokenization.fast_bpe import FastBpe


OPTIONS = (
    "dropout",
    "unk_token",
    "continuing_subword_prefix",
    "end_of_word_suffix",
    "fuse_unk",
    "byte_fallback",
    "ignore_merges",
)
"""Of the model, none of which is set in training."""


class BpeTokenizer(ByteLevelTokenizer):
    """Byte-level BPE: merges within words, no space added in front."""

    type = "bpe"

    @classmethod
    def _is_changed(cls, fields: Mapping[str, Any]) -> bool:
        words = fields["pre_tokenizer"].get("pretokenizers") or []
        cut = any(part["type"] == "FixedLength" for part in words)
        return cut or super()._is_changed(fields) or any(fields["model"].get(name) for name in OPTIONS)

    @cached_property
    def _fast(self) -> "ByteLevelBpe | FastBpe | None":
        """The kernel, or gigatoken where texts are protected, or None if it refuses."""
        from corpuskit.tokenization.encoding.bpe_json import fastest  # compiles kernels, which only encoding needs

        return fastest(self.model, self.fields)

    def _encode(self, texts: pa.LargeStringArray) -> tuple[np.ndarray, np.ndarray]:
        return self._fast.encode(texts) if self._fast else super()._encode(texts)

    @cached_property
    def _sampler(self) -> "BpeSampler":
        from corpuskit.tokenization.encoding import BpeSampler
        from corpuskit.tokenization.encoding.bpe_json import merges_of

        if self.fields["normalizer"] or self.fields["added_tokens"]:
            raise InputError(f"{self} has normalised texts or protected tokens: no random segmentations")
        return BpeSampler(*merges_of(self.fields["model"]), words=self.words)

    def _sample(
        self, texts: pa.LargeStringArray, strength: float, seed: int, first: int
    ) -> tuple[np.ndarray, np.ndarray]:
        from corpuskit.kernels import Texts

        numbers = np.arange(first, first + len(texts), dtype=np.uint64)
        return self._sampler.sample(Texts.from_arrow(texts), dropout=strength, seed=seed, documents=numbers)
