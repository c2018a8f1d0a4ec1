"""WordPiece as BERT has it, from a `tokenizer.json`: its normal form, its words, `##` inside them.

Spaces that `BertNormalizer` puts around ideographs are left out, since the words of `bert` set ideographs apart.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from corpuskit.errors import InputError
from corpuskit.kernels.texts import Texts
from corpuskit.tokenization.encoding.batches import Encoded, in_blocks
from corpuskit.tokenization.encoding.wordpiece import WordPieceEncoder
from corpuskit.tokenization.normal_forms import BertSettings, NormalForm, bert_form, composed

COMPOSITIONS = ("NFC", "NFKC")
"""Normalizers that compose characters, before BERT's."""
POST_PROCESSORS = (None, "TemplateProcessing", "BertProcessing")
"""What adds special tokens alone, which `encode` leaves out."""


class BertEncoder:
    """The ids of `tokenizers` for BERT's tokenizers, some 40 times as fast."""

    def __init__(self, forms: Sequence[NormalForm], wordpiece: WordPieceEncoder) -> None:
        """Make it from what is done to texts, in that order, and what encodes their words."""
        self._forms = forms
        self._wordpiece = wordpiece

    @classmethod
    def of_json(cls, fields: Mapping[str, Any]) -> "BertEncoder | None":
        """Return the encoder of a parsed `tokenizer.json` whose special tokens no text spells.

        None where anything in the file is other than what this does.
        """
        if fields.get("pre_tokenizer") != {"type": "BertPreTokenizer"}:
            return None
        if not all(token["special"] for token in fields.get("added_tokens") or []):
            return None
        if (fields.get("post_processor") or {}).get("type") not in POST_PROCESSORS:
            return None
        forms, wordpiece = _normal_forms(fields.get("normalizer")), _wordpiece(fields["model"])
        return None if forms is None or wordpiece is None else cls(forms, wordpiece)

    def encode(self, texts: pa.LargeStringArray) -> tuple[np.ndarray, np.ndarray]:
        """Encode texts without nulls into (ids [n_tokens], offsets int64[n + 1])."""
        encoded = in_blocks(Texts.from_arrow(texts), self._encode_block, self._wordpiece.dtype)
        return encoded.ids, encoded.offsets

    def _encode_block(self, texts: Texts, _: np.ndarray) -> Encoded:
        for form in self._forms:
            texts = form.apply(texts)
        return Encoded(*self._wordpiece.encode(texts))


def _normal_forms(normalizer: Any) -> list[NormalForm] | None:
    """Return what a `BertNormalizer` does, or one behind a plain normal form; None for others."""
    steps = normalizer.get("normalizers") if _type(normalizer) == "Sequence" else [normalizer]
    if not steps or _type(steps[-1]) != "BertNormalizer":
        return None
    before = [_type(step) for step in steps[:-1]]
    if len(before) > 1 or not {*before} <= {"Lowercase", *COMPOSITIONS}:
        return None
    bert = steps[-1]
    if set(bert) != {"type", "clean_text", "handle_chinese_chars", "strip_accents", "lowercase"}:
        return None
    if not bert["handle_chinese_chars"]:
        return None
    strips = bert["lowercase"] if bert["strip_accents"] is None else bert["strip_accents"]
    settings = BertSettings(bert["clean_text"], strips, bert["lowercase"], "Lowercase" in before)
    return [*(composed(name) for name in before if name in COMPOSITIONS), bert_form(settings)]


def _type(component: Any) -> str | None:
    return component.get("type") if isinstance(component, dict) else None


def _wordpiece(model: Mapping[str, Any]) -> WordPieceEncoder | None:
    """Return what encodes words, or None where some settings are not taken."""
    vocabulary: dict[str, int] = model.get("vocab") or {}
    prefix, most = model.get("continuing_subword_prefix"), model.get("max_input_chars_per_word")
    if model.get("type") != "WordPiece" or not prefix or not most or model.get("unk_token") not in vocabulary:
        return None
    start = {name.encode(): number for name, number in vocabulary.items() if name}
    marker = prefix.encode()
    inside = {name[len(marker) :]: number for name, number in start.items() if name.startswith(marker)}
    inside.pop(b"", None)
    unknown = vocabulary[model["unk_token"]]
    try:
        return WordPieceEncoder(start, inside, words="bert", unknown=unknown, most_characters=most)
    except InputError:  # more tokens than a table takes
        return None
