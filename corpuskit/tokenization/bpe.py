"""Byte-level BPE: the ids of `tokenizers`, by a kernel."""

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from corpuskit.errors import InputError
from corpuskit.tokenization.bytelevel import ByteLevelTokenizer

if TYPE_CHECKING:
    from corpuskit.tokenization.encoding import BpeSampler
    from corpuskit.tokenization.encoding.bpe_json import ByteLevelBpe
    from corpuskit.tokenization.fast_bpe import FastBpe


class BpeTokenizer(ByteLevelTokenizer):
    """Byte-level BPE: merges within words, no space added in front."""

    type = "bpe"

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
