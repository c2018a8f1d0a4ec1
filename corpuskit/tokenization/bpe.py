"""Byte-level BPE: encoded by gigatoken, the ids of `tokenizers` at 50 times its speed."""

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from corpuskit.errors import InputError
from corpuskit.tokenization.bytelevel import ByteLevelTokenizer, byte_alphabet
from corpuskit.tokenization.fast_bpe import FastBpe

if TYPE_CHECKING:
    from corpuskit.tokenization.encoding import BpeSampler


class BpeTokenizer(ByteLevelTokenizer):
    """Byte-level BPE: merges within words, no space added in front."""

    type = "bpe"

    @cached_property
    def _fast(self) -> FastBpe | None:
        """The gigatoken backend, or None where it is not installed or does not take this vocabulary."""
        return FastBpe.of_json(self.model)

    def _encode(self, texts: pa.LargeStringArray) -> tuple[np.ndarray, np.ndarray]:
        return self._fast.encode(texts) if self._fast else super()._encode(texts)

    @cached_property
    def _sampler(self) -> "BpeSampler":
        from corpuskit.tokenization.encoding import BpeSampler

        if self.fields["normalizer"] or self.fields["added_tokens"]:
            raise InputError(f"{self} has normalised texts or protected tokens: no random segmentations")
        vocabulary = self.fields["model"]["vocab"]
        pairs = self.fields["model"]["merges"]
        merges = np.array([(vocabulary[left], vocabulary[right]) for left, right in pairs], np.int64).reshape(-1, 2)
        merged = [vocabulary[left + right] for left, right in pairs]
        return BpeSampler([vocabulary[character] for character in byte_alphabet()], merges, merged, words=self.words)

    def _sample(
        self, texts: pa.LargeStringArray, strength: float, seed: int, first: int
    ) -> tuple[np.ndarray, np.ndarray]:
        from corpuskit.kernels import Texts

        numbers = np.arange(first, first + len(texts), dtype=np.uint64)
        return self._sampler.sample(Texts.from_arrow(texts), dropout=strength, seed=seed, documents=numbers)
