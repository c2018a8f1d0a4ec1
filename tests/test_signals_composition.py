import math
import unicodedata
from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st
from test_signals import divided, slow_unicode_words, texts

from corpuskit.kernels import Texts
from corpuskit.signals import composition, compression
from corpuskit.signals.composition import COMPOSITION, FIRST_WORDS
from corpuskit.signals.compression import COMPRESSION


def measure(batch: list[str | None]) -> list[dict[str, float | None]]:
    values = composition.measure(Texts.from_arrow(pa.array(batch, pa.large_string())))
    assert list(values) == list(COMPOSITION.signals)
    arrays = [pa.array(values[name], pa.float32(), from_pandas=True) for name in COMPOSITION.signals]
    return pa.RecordBatch.from_arrays(arrays, list(COMPOSITION.signals)).to_pylist()


def compressed(batch: list[str | None]) -> list[float | None]:
    values = compression.measure(Texts.from_arrow(pa.array(batch, pa.large_string())))
    assert list(values) == list(COMPRESSION.signals)
    return pa.array(values["ratio"], pa.float32(), from_pandas=True).to_pylist()


# slow and obvious definitions


def entropy(words: list[str]) -> float | None:
    shares = [count / len(words) for count in Counter(words).values()]
    return -sum(share * math.log2(share) for share in shares) if words else None


def slow(text: str) -> dict[str, float | None]:
    visible = [character for character in text if not character.isspace()]
    category = [unicodedata.category(character) for character in visible]
    names = [unicodedata.name(character, "") for character in visible]
    ideographs = [name for name in names if name.startswith(("CJK UNIFIED IDEOGRAPH", "CJK COMPATIBILITY IDEOGRAPH"))]
    letters = [name for name in category if name[0] == "L"]
    words = slow_unicode_words(text)
    first = words[:FIRST_WORDS]
    return {
        "cjk_ratio": divided(len(ideographs), len(visible)),
        "punctuation_ratio": divided(sum(name[0] == "P" for name in category), len(visible)),
        "symbol_ratio": divided(sum(name[0] == "S" for name in category), len(visible)),
        "digit_ratio": divided(category.count("Nd"), len(visible)),
        "uppercase_ratio": divided(letters.count("Lu"), len(letters)),
        "whitespace_ratio": divided(len(text) - len(visible), len(text)),
        "unique_words": divided(len(set(first)), len(first)),
        "unigram_entropy": entropy(words),
    }


def agrees(text: str, row: dict[str, float | None]) -> bool:
    """Whether all is equal, the entropy up to the rounding of its sum."""
    expected = slow(text)
    found, wanted = row.pop("unigram_entropy"), expected.pop("unigram_entropy")
    return row == expected and (found == wanted if wanted is None else math.isclose(found or 0, wanted, rel_tol=1e-6))


MIXED = st.text(
    st.sampled_from("aAzZ éÉǅß 09٣½Ⅷ$€+^`_-.,!？。中文〇々\U00020000😀\u0301\u200d\n\u3000\x1c"), max_size=300
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(texts, MIXED, st.text(max_size=60)), max_size=5))
def test_every_signal_equals_its_plain_definition(batch: list[str]) -> None:
    assert all(map(agrees, batch, measure(batch)))


@settings(max_examples=100, deadline=None)
@given(st.lists(MIXED, min_size=1, max_size=6), st.integers(0, 6), st.integers(0, 6))
def test_a_document_is_measured_alike_in_any_batch(batch: list[str], start: int, length: int) -> None:
    column = pa.array(["padding中", *batch], pa.string()).slice(1).slice(start, length)
    values = composition.measure(Texts.from_arrow(column)) | compression.measure(Texts.from_arrow(column))
    part = batch[start : start + length]
    alone = [{**row, "ratio": ratio} for row, ratio in zip(measure(part), compressed(part), strict=True)]
    for name, array in values.items():
        assert pa.array(array, from_pandas=True).to_pylist() == [row[name] for row in alone]


def test_every_code_point_in_its_class() -> None:
    table = composition.character_classes()
    for code in [*range(0xD800), *range(0xE000, 0x40000), 0x10FFFF]:
        character = chr(code)
        category = unicodedata.category(character)
        name = unicodedata.name(character, "")
        expected = {"P": 2, "L": 5, "S": 7}.get(category[0], 0)
        expected = {"Nd": 4, "Lu": 6}.get(category, expected)
        expected = 3 if character.isspace() else expected
        expected = 1 if name.startswith(("CJK UNIFIED", "CJK COMPATIBILITY IDEOGRAPH")) else expected
        assert table.pages[table.index[code >> 8] * 256 + (code & 255)] == expected, hex(code)
    assert not table.pages[table.index[0x400:] * 256].any()


# golden values


def test_by_hand() -> None:
    (row,) = measure(["Ab 1+2 = 中。"])
    assert row["cjk_ratio"] == divided(1, 8)
    assert row["symbol_ratio"] == divided(2, 8)
    assert row["digit_ratio"] == divided(2, 8)
    assert row["punctuation_ratio"] == divided(1, 8)
    assert row["uppercase_ratio"] == divided(1, 3)
    assert row["whitespace_ratio"] == divided(3, 11)
    assert row["unigram_entropy"] == 2  # Ab, 1, 2, 中


def test_unique_words_looks_at_the_first_thousand() -> None:
    words = [f"w{number}" for number in range(FIRST_WORDS)]
    batch = [words, words + ["w0"] * 5000, ["w0"] * FIRST_WORDS + words, words[:10] * 100]
    found = [row["unique_words"] for row in measure([" ".join(text) for text in batch])]
    assert found == [1, 1, divided(1, FIRST_WORDS), divided(10, 1000)]


def test_documents_do_not_share_their_words() -> None:
    rows = measure(["a b c", "a b c", "", "a a", "..."])
    assert [row["unique_words"] for row in rows] == [1, 1, None, 0.5, None]
    assert [row["unigram_entropy"] for row in rows] == [divided(math.log2(3), 1)] * 2 + [None, 0, None]


def test_counts_beyond_the_table_of_logarithms() -> None:
    words = ["a"] * 3000 + ["b"] * 1000
    batch = [" ".join(words), "a " * 5000]
    assert all(map(agrees, batch, measure(batch)))


@pytest.mark.parametrize("text", ["x" * 300_000, "é" * 200_000, "\n" * 100_000, "Aa中 " * 50_000])
def test_huge_documents(text: str) -> None:
    batch = [text, "a"]
    assert all(map(agrees, batch, measure(batch)))


def test_texts_without_anything_to_divide_by() -> None:
    (empty, none, blank) = measure(["", None, " \n\u3000"])
    assert set(empty.values()) == {None}
    assert none == empty
    assert blank == {**empty, "whitespace_ratio": 1}


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text(max_size=300), max_size=5))
def test_compression_is_that_of_a_frame_for_each_text(batch: list[str]) -> None:
    sizes = [len(zstandard.ZstdCompressor(level=3).compress(text.encode())) for text in batch]
    expected = [divided(size, len(text.encode())) for size, text in zip(sizes, batch, strict=True)]
    assert compressed(batch) == expected


def test_compression_by_hand() -> None:
    prose = "It is a truth that the best of us have been to school, and the rest with care read at home. "
    noise = "".join(map(chr, np.random.default_rng(0).integers(33, 127, 5000)))
    once, often, random, empty, letter = compressed([prose, prose * 100, noise, None, "x"])
    assert 0.7 < once < 1.2
    assert often < 0.02
    assert 0.8 < random < 0.9  # 94 characters are 6.6 bits each
    assert empty is None
    assert letter == 10  # one byte, and nine of the frame
