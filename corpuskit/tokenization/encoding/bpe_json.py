"""Byte-level BPE from a `tokenizer.json`."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa

from corpuskit.errors import InputError
from corpuskit.kernels.texts import Texts
from corpuskit.tokenization.bytelevel import BYTES, byte_alphabet
from corpuskit.tokenization.encoding.bpe import BpeEncoder
from corpuskit.tokenization.fast_bpe import FastBpe
from corpuskit.tokenization.formats.tokenizer_json import normalization_of, pretokenizer_of
from corpuskit.tokenization.normalization import Normalization, normalize
from corpuskit.tokenization.patterns import OWN

POST_PROCESSORS = (None, "ByteLevel", "TemplateProcessing")
"""What changes offsets or adds special tokens alone, which `encode` leaves out."""


class ByteLevelBpe:
    """The ids of `tokenizers` for byte-level BPE, by the kernel."""

    def __init__(self, normalization: Normalization, encoder: BpeEncoder) -> None:
        """Make it from what is done to texts before, and what encodes them."""
        self._normalization = normalization
        self._encoder = encoder

    @classmethod
    def of_json(cls, fields: Mapping[str, Any]) -> "ByteLevelBpe | None":
        """Return the encoder of a parsed `tokenizer.json` whose special tokens no text spells.

        None where anything in the file is other than what this does.
        """
        words, normalization = pretokenizer_of(fields), normalization_of(fields)
        if words is None or normalization is None or not _is_plain(fields):
            return None
        model = fields["model"]
        whole = _whole_words(model["vocab"]) if model.get("ignore_merges") else None
        try:
            return cls(normalization, BpeEncoder(*merges_of(model), words=words, whole_words=whole))
        except InputError:  # two ids for one text, or more merges than a table takes
            return None

    def encode(self, texts: pa.LargeStringArray) -> tuple[np.ndarray, np.ndarray]:
        """Encode texts without nulls into (ids [n_tokens], offsets int64[n + 1])."""
        return self._encoder.encode(Texts.from_arrow(normalize(texts, self._normalization)))


def fastest(model: bytes, fields: Mapping[str, Any]) -> ByteLevelBpe | FastBpe | None:
    """Return what encodes the BPE of a `tokenizer.json` the fastest; None: nothing but its library does.

    Args:
        model: the file.
        fields: the same, parsed.
    """
    kernel, gigatoken = partial(ByteLevelBpe.of_json, fields), partial(FastBpe.of_json, model)
    if _is_cut_otherwise(fields):
        return None
    if _has_raw_words(fields["model"]):
        return kernel()
    if (pretokenizer_of(fields) or OWN).startswith(OWN):  # words that the kernel waits for, unless gigatoken knows them
        return gigatoken() or kernel()
    return kernel() or gigatoken()


def merges_of(model: Mapping[str, Any]) -> tuple[list[int], np.ndarray, Sequence[int]]:
    """Return the id of each byte, the ids of the parts of each merge int64[k, 2], and the id that each gives.

    Args:
        model: the `model` of a `tokenizer.json` whose vocabulary has every byte.
    """
    vocabulary: dict[str, int] = model["vocab"]
    pairs = [pair if isinstance(pair, list) else pair.split(" ") for pair in model["merges"] if not _is_comment(pair)]
    merges = np.array([(vocabulary[left], vocabulary[right]) for left, right in pairs], np.int64).reshape(-1, 2)
    merged = [vocabulary[left + right] for left, right in pairs]
    return [vocabulary[character] for character in byte_alphabet()], merges, merged


def _is_comment(pair: str | list[str]) -> bool:
    """Whether `tokenizers` takes a merge for the first line of a `merges.txt`, and passes over it."""
    return isinstance(pair, str) and pair.startswith("#version")


def _is_cut_otherwise(fields: Mapping[str, Any]) -> bool:
    """Whether bytes are cut into words by what only the library heeds: gigatoken passes over it without a word."""
    words = fields.get("pre_tokenizer") or {}
    parts = words.get("pretokenizers", [words])
    kinds = [part.get("type") for part in parts]
    if "FixedLength" in kinds or any(part.get("behavior") == "Contiguous" for part in parts):
        return True
    if "ByteLevel" not in kinds:
        return False
    by_regex = parts[-1].get("use_regex", True)
    return kinds[-1] != "ByteLevel" or by_regex == (len(kinds) > 1) or not {*kinds[:-1]} <= {"Split", "Digits"}


def _has_raw_words(model: Mapping[str, Any]) -> bool:
    """Whether gigatoken finds names in texts that the library does not: whole words beyond the byte alphabet."""
    return bool(model.get("ignore_merges")) and not all(BYTES.keys() >= {*name} for name in model["vocab"])


def _is_plain(fields: Mapping[str, Any]) -> bool:
    """Whether merges within words are all that makes tokens."""
    model = fields["model"]
    if model.get("type") != "BPE" or not model["vocab"].keys() >= BYTES.keys() or _is_cut_otherwise(fields):
        return False
    if any(model.get(name) for name in ("dropout", "continuing_subword_prefix", "end_of_word_suffix")):
        return False
    added = (token["special"] for token in fields.get("added_tokens") or [])
    return all(added) and (fields.get("post_processor") or {}).get("type") in POST_PROCESSORS


def _whole_words(vocabulary: Mapping[str, int]) -> dict[bytes, int]:
    """Return the tokens that a word can be: names over the byte alphabet."""
    names = (name for name in vocabulary if name and BYTES.keys() >= {*name})
    return {bytes(BYTES[character] for character in name): vocabulary[name] for name in names}
