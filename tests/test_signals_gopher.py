"""Gopher's quality signals, in both readings, against slow, obvious Python; the fractions have a file of their own."""

import unicodedata

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpuskit.kernels import Texts, WordKind
from corpuskit.signals.fineweb import terminal_marks
from corpuskit.signals.gopher import (
    DATATROVE_QUALITY_SIGNALS,
    GOPHER,
    GOPHER_DATATROVE,
    QUALITY_SIGNALS,
    STOP_WORDS,
    datatrove_characters,
    datatrove_quality,
    quality,
    stop_words,
)
from corpuskit.signals.group import WordsConfig
from corpuskit.signals.repetition import REPETITION_SIGNALS

# slow and obvious definitions

STOPS = {"the", "be", "to", "of", "and", "that", "have", "with"}


def divided(numerator: int, denominator: int) -> float | None:
    return float(np.float32(numerator / denominator)) if denominator else None


def slow_gopher(text: str) -> dict[str, object]:
    words = text.split()
    lines = [line for line in text.split("\n") if line.strip()]
    bullets = [line for line in lines if line.lstrip().startswith(("•", "●", "*", "-"))]
    ellipses = [line for line in lines if line.rstrip().endswith(("...", "…"))]
    alphabetic = [word for word in words if any(character.isalpha() or character == "〇" for character in word)]
    return {
        "gopher.words": len(words),
        "gopher.mean_word_length": divided(sum(map(len, words)), len(words)),
        "gopher.hash_ratio": divided(text.count("#"), len(words)),
        "gopher.ellipsis_ratio": divided(text.count("...") + text.count("…"), len(words)),
        "gopher.bullet_lines": divided(len(bullets), len(lines)),
        "gopher.ellipsis_lines": divided(len(ellipses), len(lines)),
        "gopher.alpha_words": divided(len(alphabetic), len(words)),
        "gopher.stop_words": len(STOPS & set(words)),
    }


def is_mark(character: str) -> bool:
    """Whether datatrove's PUNCTUATION_SET has it."""
    if unicodedata.category(character) == "Cc":
        return character not in "\t\n"
    if character.isascii():
        return unicodedata.category(character)[0] in "PS"
    return bool(terminal_marks()[ord(character)]) or character in "«´»–—’“”„…∶━►、〈〉《》「」【】％（），１：；～"


def slow_datatrove(text: str, tokens: list[str]) -> dict[str, object]:
    words = [token for token in tokens if not all(map(is_mark, token))]
    lines = text.splitlines()
    bullets = [line for line in lines if line.lstrip().startswith(("•", "-"))]
    ellipses = [line for line in lines if line.rstrip().endswith(("...", "…"))]
    alphabetic = [token for token in tokens if any(map(str.isalpha, token))]
    return {
        "tokens": len(tokens),
        "words": len(words),
        "mean_word_length": divided(sum(map(len, words)), len(words)),
        "hash_ratio": divided(text.count("#"), len(tokens)),
        "ellipsis_ratio": divided(text.count("...") + text.count("…"), len(tokens)),
        "bullet_lines": divided(len(bullets), len(lines)),
        "ellipsis_lines": divided(len(ellipses), len(lines)),
        "alpha_words": divided(len(alphabetic), len(tokens)),
        "stop_words": len(STOPS & set(tokens)),
    }


# the measured values


def wrapped(batch: list[str]) -> Texts:
    return Texts.from_arrow(pa.array(batch, pa.large_string()))


def rows(values: dict[str, np.ndarray], prefix: str = "") -> list[dict[str, object]]:
    columns = {prefix + name: pa.array(array, from_pandas=True) for name, array in values.items()}
    return pa.table(columns).to_pylist()


def tokens(texts: Texts, kind: WordKind) -> list[list[str]]:
    spans = texts.words(kind)
    found = [texts.data[a:b].tobytes().decode() for a, b in zip(spans.starts, spans.ends, strict=True)]
    return [found[a:b] for a, b in zip(spans.offsets[:-1], spans.offsets[1:], strict=True)]


WORDS = "the The be to of and that have with thethe that, word Ünï 7 ½ 中 文 中文字。 〇 々 カ ก็ 한국 😀 １ don't"
SYMBOLS = "# ## . .. ... … - -- * • ● ， 。 ( ) ? ’ \u0301 \u200d \0 \x80 \ufeff"
SPACES = [" ", "\n", "\n\n", "\r\n", "\r", "\t", "\u3000", "\x0b", "\x1c", "\x85", "\u2028"]
PIECES = st.sampled_from([*WORDS.split(" "), *SYMBOLS.split(" "), *SPACES])
TEXTS = st.one_of(
    st.text(max_size=40),
    st.lists(PIECES, max_size=30).map("".join),
    st.lists(PIECES, max_size=30).map(" ".join),
    st.text(alphabet="#.… \n-•a", max_size=200),
)
BATCHES = st.lists(TEXTS, max_size=6)


@settings(max_examples=300, deadline=None)
@given(BATCHES)
def test_every_quality_signal_equals_its_plain_definition(batch: list[str]) -> None:
    assert rows(quality(wrapped(batch)), "gopher.") == [slow_gopher(text) for text in batch]


@settings(max_examples=300, deadline=None)
@given(BATCHES, st.sampled_from(["whitespace", "tokens", "unicode"]))
def test_every_signal_of_datatrove_equals_its_plain_definition(batch: list[str], kind: WordKind) -> None:
    texts = wrapped(batch)
    expected = [slow_datatrove(text, words) for text, words in zip(batch, tokens(texts, kind), strict=True)]
    assert rows(datatrove_quality(texts, kind)) == expected


@settings(max_examples=100, deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=6), st.integers(0, 6), st.integers(0, 6))
def test_a_document_is_measured_alike_in_any_batch(batch: list[str], start: int, length: int) -> None:
    start = min(start, len(batch))
    column = pa.array(["padding中..", *batch, "..the"], pa.string()).slice(1 + start, min(length, len(batch) - start))
    for measured in (quality, lambda texts: datatrove_quality(texts, "tokens")):
        alone = rows(measured(wrapped(batch)))[start : start + len(column)]
        assert rows(measured(Texts.from_arrow(column))) == alone if len(column) else True


def test_punctuation_set_has_281_characters() -> None:
    table, codes = datatrove_characters(), np.arange(0x110000)
    bits = table.pages[(table.index[codes >> 8] << 8) | (codes & 0xFF)]
    marks = [chr(code) for code in np.flatnonzero(bits == 0)]
    assert len(marks) == 281
    assert marks == [chr(code) for code in codes if not 0xD800 <= code < 0xE000 and is_mark(chr(code))]
    letters = [code for code in codes if not 0xD800 <= code < 0xE000 and chr(code).isalpha()]
    assert np.flatnonzero(bits == 3).tolist() == letters


def test_stop_words_have_slots_of_their_own() -> None:
    assert len({*stop_words().slots.tolist()} - {0}) == len(STOP_WORDS)
    assert stop_words().slots.size <= 32


# golden values


def one(text: str, name: str) -> object:
    return rows(quality(wrapped([text])))[0][name]


def peer(text: str, name: str, kind: WordKind = "whitespace") -> object:
    return rows(datatrove_quality(wrapped([text]), kind))[0][name]


def test_symbols_count_as_occurrences_from_the_left() -> None:
    assert one("a ... b", "ellipsis_ratio") == divided(1, 3)
    assert one("....", "ellipsis_ratio") == 1
    assert one("......", "ellipsis_ratio") == 2
    assert one("..…...", "ellipsis_ratio") == 2
    assert one(". . .", "ellipsis_ratio") == 0
    assert one("." * 1000, "ellipsis_ratio") == 333
    assert one("# comment " * 20, "hash_ratio") == 0.5
    assert one("##", "hash_ratio") == 2


def test_stop_words_are_distinct_and_as_printed_in_the_paper() -> None:
    assert one("the be to of and that have with", "stop_words") == 8
    assert one("the the the", "stop_words") == 1
    assert one("The And Of With", "stop_words") == 0
    assert one("that, (the) hathe them \0the the\0 the\0\0\0\0\0 toto", "stop_words") == 0
    assert one("the" + "\0" * 253, "stop_words") == 0
    assert one("the" + "\0" * 4 + "\3" + "\0" * 248, "stop_words") == 0


def test_lines_are_those_that_are_not_blank() -> None:
    assert one("- a\n\n  • b\n \t\n\u3000● c\n* d\nword", "bullet_lines") == divided(4, 5)
    assert one("one...\ntwo… \n\n three ... .\r\n", "ellipsis_lines") == divided(2, 3)
    assert one("-\u2028- -", "bullet_lines") == 1


def test_alphabetic_is_any_letter_of_any_script() -> None:
    assert one("a1 11 ½ -- ß 中1 ²", "alpha_words") == divided(3, 7)
    assert one("- word here now " * 9, "alpha_words") == 0.75


def test_lines_of_datatrove_are_those_of_splitlines() -> None:
    assert peer("- a\n\n  • b\n \t\n\u3000● c\n* d\nword", "bullet_lines") == divided(2, 7)
    assert peer("-\u2028- -\r\n-\n", "bullet_lines") == 1
    assert peer("one...\r\rtwo…\x0b\n", "ellipsis_lines") == divided(2, 4)


def test_ratios_of_datatrove_count_marks_but_lengths_do_not() -> None:
    assert peer("(word) ... # ##", "words") == 1
    assert peer("(word) ... # ##", "mean_word_length") == 6
    assert peer("(word) ... # ##", "mean_word_length", "tokens") == 4
    assert peer("(word) ... # ##", "hash_ratio", "tokens") == divided(3, 7)
    assert peer("- word here now " * 20, "alpha_words") == 0.75
    assert peer("• * 〇", "words") == 2
    assert peer("• * 〇", "alpha_words") == 0


@pytest.mark.parametrize("text", ["", " ", "\n\n \t\u3000"])
def test_blank_texts_have_counts_but_no_ratios(text: str) -> None:
    for measured, signals in ((quality, QUALITY_SIGNALS), (datatrove_quality, DATATROVE_QUALITY_SIGNALS)):
        (row,) = rows(measured(wrapped([text]), *(["tokens"] if measured is datatrove_quality else [])))
        assert all(row[name] == 0 for name, signal in signals.items() if signal.type == pa.int32())
        ratios = {name for name, signal in signals.items() if signal.type == pa.float32()}
        lines = {"bullet_lines", "ellipsis_lines"} if measured is datatrove_quality and text.splitlines() else set()
        assert {name for name, value in row.items() if value is None} == ratios - lines


def test_long_words_and_documents() -> None:
    assert one("x" * 1_000_000 + " the to", "mean_word_length") == divided(1_000_005, 3)
    assert one("é" * 1_000_000 + " the to", "mean_word_length") == divided(1_000_005, 3)
    assert one("x" * 1_000_000 + " the to", "stop_words") == 2


def test_groups_hold_quality_and_repetition() -> None:
    texts = wrapped(["the cat sat on the mat.", ""])
    assert GOPHER.measure(texts).keys() == GOPHER.signals.keys() == {**QUALITY_SIGNALS, **REPETITION_SIGNALS}.keys()
    config = GOPHER_DATATROVE.default_config()
    assert config == WordsConfig(words="tokens")
    values = GOPHER_DATATROVE.measure(texts, config)
    assert values.keys() == GOPHER_DATATROVE.signals.keys()
    assert values["tokens"].tolist() == [7, 0]
    for group, measured in ((GOPHER, GOPHER.measure(texts)), (GOPHER_DATATROVE, values)):
        types = {name: pa.array(array).type for name, array in measured.items()}
        assert types == {name: signal.type for name, signal in group.signals.items()}
