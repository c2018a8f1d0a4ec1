"""The fractions of repetition against their definitions, in both dialects."""

import re
from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from corpuskit.kernels import Texts
from corpuskit.signals.group import WordsConfig
from corpuskit.signals.repetition import (
    DATATROVE_REPETITION_SIGNALS,
    REPETITION,
    REPETITION_SIGNALS,
    Dialect,
    fractions,
)


def measure(texts: list[str], dialect: Dialect, kind: str = "whitespace") -> list[dict[str, float]]:
    """Return the fractions of each text."""
    columns = fractions(Texts.from_arrow(pa.array(texts, pa.large_string())), kind, dialect)
    assert all(values.dtype == np.float32 for values in columns.values())
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def float32(numerator: int, denominator: int) -> np.float32:
    return np.float32(numerator / denominator) if denominator else np.float32(np.nan)


def again(items: list[str]) -> list[str]:
    return [item for place, item in enumerate(items) if item in items[:place]]


# The rules of datatrove's filter as its report describes them, without its failure on empty texts.


def greedy(words: list[str], n: int) -> int:
    seen: set[str] = set()
    characters = place = 0
    while place + n <= len(words):
        join = "".join(words[place : place + n])
        if join in seen:
            characters += len(join)
            place += n
        else:
            seen.add(join)
            place += 1
    return characters


def datatrove(text: str) -> dict[str, np.float32]:
    values = {}
    for name, spans in (("line", re.split("\n+", text)), ("paragraph", re.split("\n{2,}", text.strip()))):
        values[f"duplicate_{name}s"] = float32(len(again(spans)), len(spans) if text else 0)
        values[f"duplicate_{name}_characters"] = float32(sum(map(len, again(spans))), len(text))
    words = text.split()
    for n in (2, 3, 4):
        counts = Counter(" ".join(words[place : place + n]) for place in range(len(words) - n + 1))
        ngram, count = counts.most_common(1)[0] if counts else ("", 0)
        values[f"top_{n}_gram"] = float32(len(ngram) * count, len(text))
    for n in range(5, 11):
        values[f"duplicate_{n}_grams"] = float32(greedy(words, n), len(text))
    return values


LINES = st.lists(st.sampled_from(["one two", "three", " ", "a", "b c", "é 中", "\u3000", "x\r"]), max_size=12)
TEXTS = st.builds(str.join, st.sampled_from([" ", "\n", "\n\n", "\n \n"]), LINES) | st.text("ab \n", max_size=80)
EDGES = ["", " ", "   ", "\n", "\n\n", "hello world", "a", "x\n\nx\n", "x \nx", "a " * 40]


@given(st.lists(TEXTS, max_size=6))
@example(EDGES)
@settings(max_examples=200, deadline=None)
def test_datatrove_equals_its_rules(batch: list[str]) -> None:
    for text, values in zip(batch, measure(batch, "datatrove"), strict=True):
        expected = datatrove(text)
        assert list(values) == list(expected)
        np.testing.assert_array_equal(list(values.values()), list(expected.values()), err_msg=repr(text))


@given(st.lists(TEXTS | st.text(max_size=40), max_size=6), st.sampled_from(["unicode", "whitespace"]))
@example(EDGES, "unicode")
@settings(max_examples=200, deadline=None)
def test_every_fraction_is_part_of_a_whole(batch: list[str], kind: str) -> None:
    texts = Texts.from_arrow(pa.array(batch, pa.large_string()))
    has_word = texts.words(kind).counts() > 0
    for text, worded, values in zip(batch, has_word, measure(batch, "corpuskit", kind), strict=True):
        for name, value in values.items():
            defined = worded if name.endswith(("gram", "grams")) else bool(text.strip())
            assert np.isnan(value) != defined, (name, text)
            assert not defined or 0 <= value <= 1, (name, text)


def test_datatrove_counts_a_most_frequent_ngram_that_occurs_once() -> None:
    values = measure(["hello world"], "datatrove")[0]
    assert values["top_2_gram"] == 1
    assert values["top_3_gram"] == values["top_4_gram"] == values["duplicate_5_grams"] == 0


def test_datatrove_takes_line_feeds_alone_for_two_equal_lines() -> None:
    assert measure(["\n\n"], "datatrove")[0]["duplicate_lines"] == np.float32(0.5)
    assert set(measure(["   "], "datatrove")[0].values()) == {0}


def test_datatrove_does_not_strip_lines() -> None:
    stripped, exact = (measure(["x\nx \nx\r\nx\r\n"], dialect)[0] for dialect in ("corpuskit", "datatrove"))
    assert stripped["duplicate_lines"] == np.float32(0.75)
    assert exact["duplicate_lines"] == np.float32(0.2)  # the second "x\r"; the last line is empty


def test_a_repeated_text_is_all_repetition() -> None:
    values = measure(["one two " * 200], "corpuskit")[0]
    assert values["top_2_gram"] == 1
    assert values["top_3_gram"] == float32(399, 400)  # the most frequent one, "one two one", ends before the last word
    assert all(values[f"duplicate_{n}_grams"] > 0.9 for n in range(5, 11))
    assert measure(["one two " * 200], "datatrove")[0]["top_2_gram"] > np.float32(0.87)


def test_other_words_repeat_nothing() -> None:
    values = measure(["every word of this is another one\n\nand so are its two lines"], "corpuskit")[0]
    assert set(values.values()) == {0}


def test_lines_and_paragraphs() -> None:
    text = "  Menu\nHome\n\n Some prose.\n \nMenu  \nHome\n\nMenu\n"
    values = measure([text], "corpuskit")[0]
    assert values["duplicate_lines"] == float32(3, 6)
    assert values["duplicate_line_characters"] == float32(12, 31)
    assert values["duplicate_paragraphs"] == 0  # "Menu  \nHome" keeps the spaces inside
    text = text.replace("Menu  ", "Menu")
    values = measure([text], "corpuskit")[0]
    assert values["duplicate_paragraphs"] == float32(1, 4)
    assert values["duplicate_paragraph_characters"] == float32(9, 33)


def test_chinese_counts_ideographs() -> None:
    values = measure(["我们爱和平。我们爱和平！"], "corpuskit", "unicode")[0]
    assert values["top_2_gram"] == float32(4, 10)
    assert values["duplicate_5_grams"] == float32(5, 10)
    assert measure(["我们爱和平。我们爱和平！"], "corpuskit", "whitespace")[0]["top_2_gram"] == 0


def test_the_group_follows_its_words() -> None:
    texts = Texts.from_arrow(pa.array(["a, b. a! b? a; b"]))
    assert REPETITION.default_config() == WordsConfig(words="unicode")
    top = {
        kind: REPETITION.measure(texts, WordsConfig(words=kind))["top_2_gram"][0] for kind in ("unicode", "whitespace")
    }
    assert top == {"unicode": 1, "whitespace": 0}


@pytest.mark.parametrize("dialect", ["corpuskit", "datatrove"])
def test_the_tables_name_every_fraction(dialect: Dialect) -> None:
    table = REPETITION_SIGNALS if dialect == "corpuskit" else DATATROVE_REPETITION_SIGNALS
    assert list(table) == list(measure([""], dialect)[0])
    assert len(table) == 13
