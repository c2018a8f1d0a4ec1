"""Word and line scans against slow, obvious Python."""

import unicodedata
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from corpuskit.kernels import Spans, Texts, blocks, characters, kernel, utf8
from corpuskit.kernels.blocks import BLOCK

UNSPACED_BLOCKS = (
    "CJK UNIFIED",
    "CJK COMPATIBILITY IDEOGRAPH",
    "HIRAGANA",
    "KATAKANA",
    "HALFWIDTH KATAKANA",
    "THAI",
    "LAO",
    "KHMER",
    "MYANMAR",
    "IDEOGRAPHIC",
    "HENTAIGANA",
)


def stands_alone(character: str) -> bool:
    name = unicodedata.name(character, "")
    is_letter = unicodedata.category(character)[0] == "L" or character == "〇"
    return is_letter and name.startswith(UNSPACED_BLOCKS) and not name.startswith("KATAKANA-HIRAGANA")


def unicode_words(text: str) -> list[str]:
    """The rule of `corpuskit.kernels.words`, character by character."""
    words, word, alone = [], "", False
    for character in text:
        category = unicodedata.category(character)
        single = stands_alone(character) or character == "ー"
        mark = category[0] == "M"
        belongs = single or mark or category[0] == "L" or category == "Nd"
        if word and (not belongs or single or (alone and not mark)):
            words.append(word)
            word, alone = "", False
        if belongs:
            word += character
            alone = alone or single
    return [*words, word] if word else words


def pieces(texts: Texts, spans: Spans) -> list[list[str]]:
    """Return the text of each span, document by document."""
    found = [texts.data[a:b].tobytes().decode() for a, b in zip(spans.starts, spans.ends, strict=True)]
    return [found[first:last] for first, last in zip(spans.offsets[:-1], spans.offsets[1:], strict=True)]


INTERESTING = st.sampled_from(
    "aZ09 _-'\t\n\r\x00\x0b\x1c\x1f\x7f\x85\xa0"  # ASCII, controls
    "éßñ²½\u0301\u0300\u20dd\ufe0f\u200d\u200b\u2028\u3000\u1680"  # Latin-1, marks, invisible characters, spaces
    "中文〇々〆ー。，かカｶﾞ゛\u3099〩Ⅷ䷀\u3021กำเ็๑\u0e4fລາວក្រ១မြ\u1039၁"  # scripts without spaces, digits, signs
    "नमस्तेש١ǅ𝒜𠀀😀𐀀\U0001d165\U000e0100\U0010ffff\ufffd\ud7ff\ue000"  # other scripts, astral planes, edges
)
TEXT = st.text(INTERESTING, max_size=100) | st.text(max_size=40) | st.text("ab \n。é", max_size=300)
BATCH = st.lists(TEXT, max_size=8)


@given(BATCH)
@example(["a一a一a", "一a", "́a", "一́a", "一á", "", "x" * 64, "x" * 63 + " ", " " * 64 + "x", "é" * 33])
@settings(max_examples=300, deadline=None)
def test_words_equal_the_plain_rules(batch: list[str]) -> None:
    texts = Texts.from_arrow(pa.array(batch, pa.string()))
    assert pieces(texts, texts.words("unicode")) == [unicode_words(text) for text in batch]
    assert pieces(texts, texts.words("whitespace")) == [text.split() for text in batch]
    assert pieces(texts, texts.lines()) == [text.split("\n") for text in batch]
    assert characters(texts).tolist() == [len(text) for text in batch]


@given(BATCH, st.integers(0, 3), st.integers(0, 200))
@settings(max_examples=100, deadline=None)
def test_neither_alignment_nor_what_lies_around_matters(batch: list[str], skip: int, padding: int) -> None:
    """Words do not depend on neighbouring documents, nor on whether 64 bytes can be read past the end."""
    array = pa.array([*["x" * (padding % 70)] * skip, *batch, "y" * padding])
    texts = Texts.from_arrow(array.slice(skip, len(batch)))
    assert pieces(texts, texts.words()) == [unicode_words(text) for text in batch]
    assert pieces(texts, texts.lines()) == [text.split("\n") for text in batch]


def test_every_code_point_has_the_class_of_the_plain_rule() -> None:
    planes_in_use = [code for plane in (0, 1, 2, 3, 14) for code in range(plane << 16, (plane + 1) << 16)]
    codes = [*planes_in_use, *range(0x40000, 0x110000, 101)]
    valid = [chr(code) for code in codes if not 0xD800 <= code < 0xE000]
    batch = [f"a{character}a" for character in valid]
    texts = Texts.from_arrow(pa.array(batch, pa.large_string()))
    assert characters(texts).tolist() == [3] * len(valid)
    split = pieces(texts, texts.words("whitespace"))
    assert [c for c, words in zip(valid, split, strict=True) if len(words) != len(f"a{c}a".split())] == []
    words = pieces(texts, texts.words("unicode"))
    assigned = [(c, got) for c, got in zip(valid, words, strict=True) if unicodedata.category(c) not in ("Cn", "Co")]
    assert [c for c, got in assigned if got != unicode_words(f"a{c}a")] == []
    assert all(got == ["a", "a"] for c, got in zip(valid, words, strict=True) if unicodedata.category(c) == "Cn")


def test_properties_cover_all_planes() -> None:
    table = utf8.properties()
    codes = np.arange(0x110000)
    flags = table.pages[(table.index[codes >> 8] << 8) | (codes & 255)]
    categories = [unicodedata.category(chr(code)) for code in codes]
    for bit, wanted in ((utf8.MARK, "M"), (utf8.DIGIT, "Nd")):
        assert np.flatnonzero(flags & bit).tolist() == [c for c in codes if categories[c].startswith(wanted)]
    letters = [c for c in codes if categories[c][0] == "L" or c == utf8.IDEOGRAPHIC_ZERO]
    assert np.flatnonzero(flags & utf8.LETTER).tolist() == letters
    assert np.flatnonzero(flags & utf8.SPACE).tolist() == [c for c in codes if chr(c).isspace()]


@given(st.lists(st.binary(max_size=80), max_size=5))
@example([b"\xf4", b"\xe4\xb8", b"\x80\x80", b"\xff\xff\xff\xff", b"\xf7\xbf\xbf\xbf"])
@settings(deadline=None)
def test_bytes_that_are_no_utf8_stay_inside_their_document(batch: list[bytes]) -> None:
    data = np.frombuffer(b"".join(batch), np.uint8)
    offsets = np.cumsum([0, *map(len, batch)])
    texts = Texts(data, offsets)
    for spans in (texts.words("unicode"), texts.words("whitespace"), texts.lines()):
        assert (spans.starts <= spans.ends).all()
        assert (spans.starts[1:] >= spans.ends[:-1]).all()
        document = np.repeat(np.arange(len(batch)), spans.counts())
        assert (spans.starts >= offsets[document]).all()
        assert (spans.ends <= offsets[document + 1]).all()


WRITERS = [blocks._append_compressed, blocks._append_one_by_one]
"""The one that this CPU uses, and the other."""


@pytest.mark.parametrize("write", WRITERS, ids=lambda write: write.__name__)
def test_places_of_bits(write: Any) -> None:
    @kernel
    def written(masks, places):  # type: ignore[no-untyped-def]
        count = np.int64(0)
        for number in range(masks.size):
            count = write(masks[number], np.int64(1000 * number), places, count)
        return count

    random = np.random.default_rng(0)
    bits = np.array(
        [random.random(BLOCK) < share for share in (0, 0.02, 0.1, 0.2, 0.3, 0.6, 0.97, 1) for _ in range(50)]
    )
    masks = np.packbits(bits, axis=1, bitorder="little").view(np.uint64)[:, 0]
    places = np.empty(bits.sum() + BLOCK, np.int64)
    assert written(masks, places) == bits.sum()
    rows, columns = np.nonzero(bits)
    assert places[: bits.sum()].tolist() == (1000 * rows + columns).tolist()


def test_scans_are_made_once() -> None:
    texts = Texts.from_arrow(pa.array(["one two"]))
    assert texts.words() is texts.words("unicode")
    assert texts.words("whitespace") is not texts.words("unicode")
    assert texts.lines() is texts.lines()
    assert texts.words().hashes() is texts.words().hashes()


def test_an_unknown_kind_of_word_is_refused() -> None:
    with pytest.raises(ValueError, match=r"'sentence'.*unicode, whitespace, tokens"):
        Texts.from_arrow(pa.array(["a"])).words("sentence")  # type: ignore[arg-type]
