"""BERT's tokenizers by kernels: the ids of `tokenizers`, for every character and setting; else the library encodes."""

import gzip
import itertools
import unicodedata
from functools import cache
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pytest
from encoded import DATA, HOSTILE, any_text, batch, lists, needs_data, real
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tokenizers import normalizers, pre_tokenizers

from corpuskit.kernels.character_map import map_of_changes, rewrite
from corpuskit.tokenization import TokenizerConfig, train
from corpuskit.tokenization.encoding import bert
from corpuskit.tokenization.encoding.bert import BertEncoder
from corpuskit.tokenization.imported import PROBES, HuggingFaceTokenizer, hide_special
from corpuskit.tokenization.normal_forms import BertSettings, NormalForm, bert_form, composed
from corpuskit.tokenization.pretokens import pretokenize

CASED = {"lowercase": False, "strip_accents": None}
UNCASED = {"lowercase": True, "strip_accents": None}
FORMS: dict[str, dict[str, Any]] = {
    "cased": CASED,
    "uncased": UNCASED,
    "stripped": {"lowercase": False, "strip_accents": True},
    "lower": {"lowercase": True, "strip_accents": False},
    "unclean": {"lowercase": True, "strip_accents": None, "clean_text": False},
}
BEFORE = (None, "Lowercase", "NFC", "NFKC")
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
MARKS = "\u0301\u0316\u0345\u0344\u0323\u1dfb\u08d4\u302e\u302f\u1b44\ua9c0\u0f73\u1939\u1a17"
"""Marks that are accents to the library, and marks that are not but have a combining class."""
ODD = st.sampled_from(
    MARKS + "aAzZ09.,~ \t\n\r\x00\x0b\x1f\x7f\x80\x85\xa0\xad\u1680\u2028\u3000\u200b\ufeff\ufffd\ufffe\ue000"
    "éÉñİıßẞΣςΐǅﬁÅ\u212b\u2126가각\u1100\u1161\u0130\u0929\u09cb\u0b94豈\uf900\U0002f800\U0002b820㐀中，䷀"
    "\U0001d15f\U0001d1c0\U0001d165\U000e0100\U000e0001\U000f0000\U000ffffe\U00100000\U0010ffff\U0001e130"
)
odd_text = st.text(ODD, max_size=30) | any_text | st.text(max_size=20)


def normalizer(form: str, before: str | None = None) -> dict[str, Any]:
    fields = {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, **FORMS[form]}
    return fields if before is None else {"type": "Sequence", "normalizers": [{"type": before}, fields]}


@cache
def vocabulary() -> dict[str, int]:
    """Tokens of odd characters and of their normal forms, at the start of words and inside them."""
    letters = "aAzZ09.,~éÉeñnİiıßẞss\u03a3\u03c3\u03c2\u1100\u1161\u11a8가각豈中㐀䷀\U0001d157\U0001d165"
    known = sorted({*letters, *unicodedata.normalize("NFD", letters), *letters.lower(), *HOSTILE[13], *MARKS, "\u0307"})
    names = [*SPECIAL, *known, *(f"##{letter}" for letter in known), "##az", "aaz", "\u1100\u1161", "\u302e\u1dfb"]
    return {name: number for number, name in enumerate(names)}


def tokenizer_json(form: str, before: str | None = None) -> bytes:
    from tokenizers import Tokenizer, models

    made = Tokenizer(models.WordPiece(vocabulary(), unk_token="[UNK]", max_input_chars_per_word=9))
    made.add_special_tokens(SPECIAL)
    words = {"type": "BertPreTokenizer"}
    fields = orjson.loads(made.to_str()) | {"normalizer": normalizer(form, before), "pre_tokenizer": words}
    return orjson.dumps(fields)


@cache
def pair(form: str, before: str | None = None) -> tuple[BertEncoder, Any]:
    """The kernel and the library, of one file."""
    tokenizer = HuggingFaceTokenizer.from_model(tokenizer_json(form, before))
    assert isinstance(tokenizer._fast, BertEncoder)
    return tokenizer._fast, tokenizer._encoder


def column(texts: list[str]) -> pa.LargeStringArray:
    return pa.array(texts, pa.large_string())


def check(encoder: BertEncoder, library: Any, texts: list[str]) -> None:
    expected = [found.ids for found in library.encode_batch_fast(texts, add_special_tokens=False)]
    assert lists(*encoder.encode(column(texts))) == expected


# --------------------------------------------------------------------------------------------- against the library


@pytest.mark.parametrize("before", BEFORE)
@pytest.mark.parametrize("form", FORMS)
@given(texts=st.lists(odd_text, max_size=5))
@example(texts=[*HOSTILE, *PROBES])
@example(texts=["[UNK] [MASK] \U0010ffff4\U0010ffff", "a" * 9, "a" * 10, "é" * 9, "가" * 4, "##a"])
@example(texts=["\u302e\u1dfb", "\u1dfb\u302e", "\u1dfb\u0301\u302e a", "plain"])
@settings(max_examples=25, deadline=None)
def test_ids_are_those_of_tokenizers(form: str, before: str | None, texts: list[str]) -> None:
    check(*pair(form, before), texts)


@given(texts=st.lists(st.text(MARKS + "aé中 ", max_size=12), max_size=4))
@settings(max_examples=200, deadline=None)
def test_marks_change_places_as_in_the_library(texts: list[str]) -> None:
    check(*pair("uncased"), texts)


def test_all_pairs_of_marks_that_stay() -> None:
    """A document with one is normalised by the library, which orders them by their class."""
    codes = [*range(0x300, 0x3400), *range(0xA000, 0xABFF), *range(0x10000, 0x1F000)]
    form = bert_form(BertSettings(True, True, True, False))
    _, marked = rewrite(batch([chr(code) for code in codes]), form._characters)
    marks = [chr(code) for code, found in zip(codes, marked, strict=True) if found]
    assert {"\u302e", "\u1dfb", "\u1b44", "\U0001d165", "\U0001d15f"} <= {*marks}
    check(*pair("uncased"), [f"{one}{other}" for one in marks for other in [*marks, "\u0301", "\u0316"]])


def normalised(form: NormalForm, texts: list[str]) -> list[str]:
    normal = form.apply(batch(texts))
    return [normal.data[a:b].tobytes().decode() for a, b in itertools.pairwise(normal.offsets)]


@pytest.mark.parametrize("name", ["NFC", "NFKC"])
@given(texts=st.lists(odd_text, max_size=5))
@example(texts=[*HOSTILE, *PROBES])
@example(texts=["\u302e\u1dfb", "\u1dfb\u302e", "\ufdfa", "\ufdfb\uff71\uff9e"])
@settings(max_examples=200, deadline=None)
def test_composed_texts(name: str, texts: list[str]) -> None:
    library = getattr(normalizers, name)()
    assert normalised(composed(name), texts) == [library.normalize_str(text) for text in texts]


@pytest.mark.parametrize("name", ["NFC", "NFKC"])
def test_each_character_is_composed_of_its_parts_and_with_others(name: str) -> None:
    library = getattr(normalizers, name)()
    characters = [chr(code) for code in [*range(0xD800), *range(0xE000, 0x20000), *range(0x2F800, 0x2FA20)]]
    parts = {unicodedata.normalize("NFD", character) for character in characters}
    pairs = {"".join(chr(int(code, 16)) for code in fields) for fields in map(decomposition, characters) if fields}
    texts = [*characters, *parts, *pairs, *(f"e{character}\u0301\u0316" for character in characters[:0x3400])]
    assert normalised(composed(name), texts) == [library.normalize_str(text) for text in texts]


def decomposition(character: str) -> list[str]:
    """The code points of a canonical decomposition."""
    fields = unicodedata.decomposition(character).split()
    return fields if fields and not fields[0].startswith("<") else []


def of_library(fields: dict[str, Any], text: str) -> list[str]:
    normal = normalizers.BertNormalizer(**{name: value for name, value in fields.items() if name != "type"})
    return [word for word, _ in pre_tokenizers.BertPreTokenizer().pre_tokenize_str(normal.normalize_str(text))]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "planes", [pytest.param(range(2), id="0-1"), pytest.param(range(2, 17), id="2-16", marks=pytest.mark.slow)]
)
def test_every_character(form: str, planes: range) -> None:
    """Each in a word of its own: the words are those of the library."""
    fields = normalizer(form)
    strips = fields["lowercase"] if fields["strip_accents"] is None else fields["strip_accents"]
    own = bert_form(BertSettings(fields["clean_text"], strips, fields["lowercase"], False))
    for first in range(planes.start << 16, planes.stop << 16, 1 << 14):
        codes = [code for code in range(first, first + (1 << 14)) if not 0xD800 <= code < 0xE000]
        text = " ".join(f"a{chr(code)}b" for code in codes)
        normal = own.apply(batch([text]))
        words = pretokenize(normal, "bert")
        found = [normal.data[a:b].tobytes().decode() for a, b in zip(words.starts, words.ends, strict=True)]
        assert found == of_library(fields, text), hex(first)


# ---------------------------------------------------------------------------------------------------- real text


@cache
def many_languages() -> list[str]:
    """Lines of all languages of a set, some of each."""
    texts = []
    for path in sorted((DATA / "bible_nt" / "verses").glob("*.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as stream:
            texts += [line for line, _ in zip(stream, range(100), strict=False)]
    return texts


def real_texts(name: str) -> list[str]:
    return many_languages() if name == "bible_nt" else real(name, 1_000_000)


@needs_data
@pytest.mark.parametrize("name", ["eltec_eng", "zh_modern", "bible_nt"])
@pytest.mark.parametrize("lowercase", [False, True])
def test_a_vocabulary_of_the_library_on_real_text(name: str, lowercase: bool) -> None:
    from tokenizers import BertWordPieceTokenizer

    texts = real_texts(name)
    made = BertWordPieceTokenizer(lowercase=lowercase)
    made.train_from_iterator(texts, vocab_size=8000, show_progress=False)
    tokenizer = HuggingFaceTokenizer.from_model(made.to_str().encode())
    assert isinstance(tokenizer._fast, BertEncoder)
    check(tokenizer._fast, tokenizer._encoder, texts)
    assert not tokenizer.lossless


@needs_data
@pytest.mark.parametrize("name", ["eltec_eng", "zh_modern", "bible_nt"])
@pytest.mark.parametrize("normalization", ["none", "lower", "nfkc"])
def test_a_vocabulary_of_ours_on_real_text(name: str, normalization: Any) -> None:
    texts = real_texts(name)
    config = TokenizerConfig(type="wordpiece", vocab_size=8000, symbols="characters", normalization=normalization)
    tokenizer = train(config, [column(texts)])
    assert isinstance(tokenizer, HuggingFaceTokenizer)
    assert isinstance(tokenizer._fast, BertEncoder)
    check(tokenizer._fast, tokenizer._encoder, texts)


# ------------------------------------------------------------------------------------------------ what it leaves

STRAY = {"id": 900, "content": "<t>", "single_word": False, "lstrip": False, "rstrip": False, "normalized": False}


@pytest.mark.parametrize(
    "change",
    [
        {"normalizer": None},
        {"normalizer": {"type": "Lowercase"}},
        {"normalizer": {**normalizer("cased"), "handle_chinese_chars": False}},
        {"normalizer": {"type": "Sequence", "normalizers": []}},
        {"normalizer": {"type": "Sequence", "normalizers": [{"type": "NFD"}, normalizer("cased")]}},
        {"normalizer": {"type": "Sequence", "normalizers": [normalizer("cased"), {"type": "NFC"}]}},
        {"normalizer": {"type": "Sequence", "normalizers": [{"type": "NFC"}, {"type": "NFC"}, normalizer("cased")]}},
        {"pre_tokenizer": None},
        {"pre_tokenizer": {"type": "Whitespace"}},
        {"pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "BertPreTokenizer"}]}},
        {"post_processor": {"type": "ByteLevel"}},
        {"added_tokens": [{**STRAY, "special": False}]},
        {"model": {"type": "WordLevel"}},
        {"model": {"unk_token": "absent"}},
        {"model": {"continuing_subword_prefix": ""}},
        {"model": {"max_input_chars_per_word": 0}},
    ],
)
def test_other_files_are_left_to_the_library(change: dict[str, Any]) -> None:
    fields = orjson.loads(hide_special(tokenizer_json("cased")))
    assert BertEncoder.of_json(fields)
    model = {**fields["model"], **change.get("model", {})}
    assert BertEncoder.of_json({**fields, **change, "model": model}) is None


def test_special_tokens_are_no_reason_to_leave_a_file() -> None:
    fields = orjson.loads(hide_special(tokenizer_json("cased")))
    assert BertEncoder.of_json({**fields, "added_tokens": [{**STRAY, "special": True}]})


def test_a_vocabulary_that_no_table_takes_is_left_to_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    from corpuskit.errors import InputError

    def refuse(*_: Any, **__: Any) -> None:
        raise InputError("too many tokens")

    monkeypatch.setattr(bert, "WordPieceEncoder", refuse)
    assert HuggingFaceTokenizer.from_model(tokenizer_json("cased"))._fast is None


def test_other_ids_for_the_probes_are_left_to_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """As from a later version of the library, with other tables."""
    tokenizer = HuggingFaceTokenizer.from_model(tokenizer_json("uncased"))
    expected = tokenizer.encode(column(HOSTILE))
    monkeypatch.setattr(bert, "bert_form", lambda _: NormalForm(normalizers.NFC(), map_of_changes({})))
    other = HuggingFaceTokenizer.from_model(tokenizer_json("uncased"))
    assert other._fast is None
    assert other.encode(column(HOSTILE)).equals(expected)


# ---------------------------------------------------------------------------------------------------- the map

SMALL = {code: chr(code + 0x20) for code in range(ord("A"), ord("Z") + 1)}
CHANGES = {
    0x00: "",
    0x0A: " ",
    0x7F: "",
    0xE9: "e",
    0x130: "i\u0307",
    0x4E2D: "",
    0xAC00: "\u1100\u1161",
    0x1F600: ":-)",
}
mapped_text = st.text("aZ \0\n\x7fé\u0130中国\uac00\u20ac😀😁", max_size=40) | st.text(max_size=12)


@given(texts=st.lists(mapped_text, max_size=5), small=st.booleans(), before=mapped_text, behind=mapped_text)
@example(texts=["A" * 7, "A" * 8, "A" * 9, "中" * 9, "国" * 9, "é"], small=True, before="", behind="")
@settings(max_examples=300, deadline=None)
def test_each_character_becomes_what_the_table_says(texts: list[str], small: bool, before: str, behind: str) -> None:
    changes = CHANGES | (SMALL if small else {})
    part = batch([before, *texts, behind]).rows(1, 1 + len(texts))
    normal, marked = rewrite(part, map_of_changes(changes, [0x56FD, 0x1F600]))
    found = [normal.data[a:b].tobytes().decode() for a, b in zip(normal.offsets, normal.offsets[1:], strict=False)]
    assert found == [text.translate(changes) for text in texts]
    assert marked.tolist() == [bool({*text} & {*"国😀"}) for text in texts]


def test_what_a_map_refuses() -> None:
    for changes, marked in (({65: "aa"}, []), ({65: "é"}, []), ({}, [0x61])):
        with pytest.raises(ValueError, match="is ASCII"):
            map_of_changes(changes, marked)


def test_tables_are_made_once() -> None:
    one, other = (BertEncoder.of_json(orjson.loads(hide_special(tokenizer_json("cased", "NFC")))) for _ in range(2))
    assert one
    assert other
    assert one._forms == other._forms == [composed("NFC"), bert_form(BertSettings(True, False, False, False))]
    ids, offsets = one.encode(column([]))
    assert ids.dtype == np.uint16
    assert offsets.tolist() == [0]
