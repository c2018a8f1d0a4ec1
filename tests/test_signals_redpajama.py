import math
import re
import string
import unicodedata
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_signals import divided

from corpuskit.errors import InputError
from corpuskit.kernels import Texts
from corpuskit.signals.redpajama import REDPAJAMA, RedPajamaConfig
from corpuskit.signals.redpajama.group import identity, measure
from corpuskit.signals.redpajama.stop_words import SMART_STOP_WORDS

Row = dict[str, float | None]

BULLETS = tuple("\u2022\u2023\u25b6\u25c0\u25e6\u25a0\u25a1\u25aa\u25ab\u2013")


def measured(batch: list[str | None], config: RedPajamaConfig | None = None) -> list[Row]:
    values = measure(Texts.from_arrow(pa.array(batch, pa.large_string())), config or RedPajamaConfig())
    columns = REDPAJAMA.columns()
    assert list(values) == list(columns)
    arrays = [pa.array(values[name], dtype, from_pandas=True) for name, dtype in columns.items()]
    return pa.RecordBatch.from_arrays(arrays, list(columns)).to_pylist()


# slow and obvious definitions


def normal(text: str) -> str:
    """RedPajama-V2's normal form."""
    kept = "".join(character for character in text if character not in string.punctuation)
    return unicodedata.normalize("NFD", " ".join(kept.lower().split()))


def mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None


def slow_raw(text: str, stop_words: set[str]) -> Row:
    tokens = re.findall(r"\w+|[^\w\s]+", text)
    lines = re.findall(r"[^\n]*\n|[^\n]+$", text)
    with_letter = [token for token in tokens if re.search("[a-zA-Z]", token)]
    stop = [token for token in tokens if token in stop_words] if normal(text) else []
    return {
        "curly_bracket": (text.count("{") + text.count("}")) / max(len(text), 1),
        "stop_word_fraction": len(stop) / max(len(tokens), 1),
        "frac_all_caps_words": mean([token.isupper() for token in tokens]),
        "frac_no_alph_words": mean([token not in with_letter for token in tokens]),
        "symbol_to_word_ratio": divided(sum(text.count(symbol) for symbol in ("#", "...", "…")), len(tokens)),
        "num_sentences": len(re.findall(r"\b[^.!?]+[.!?]*", text)),
        "frac_lines_end_with_ellipsis": mean([line.rstrip().endswith(("...", "…")) for line in lines]),
    }


def slow_words(text: str) -> Row:
    words, content = normal(text).split(), normal(text)
    shares = [count / len(words) for count in Counter(words).values()]
    return {
        "word_count": len(words),
        "mean_word_length": mean(list(map(len, words))),
        "frac_unique_words": divided(len(set(words)), len(words)),
        "unigram_entropy": -sum(share * math.log(share) for share in shares) if words else None,
        "lorem_ipsum": content.count("lorem ipsum") / max(len(content), 1),
    }


def slow_lines(text: str) -> Row:
    lines = re.findall(r"[^\n]*\n|[^\n]+$", text)
    normals = list(map(normal, lines))
    return {
        "ending_with_terminal_punctuation_mark": mean([line.rstrip().endswith((".", "!", "?", "”")) for line in lines]),
        "javascript_counts": mean([line.split().count("javascript") for line in normals]),
        "num_words": mean([len(line.split()) for line in normals]),
        "numerical_chars_fraction": mean([sum(map(str.isnumeric, line)) / max(len(line), 1) for line in normals]),
        "start_with_bulletpoint": mean([line.lstrip().startswith(BULLETS) for line in lines]),
        "uppercase_letter_fraction": mean([sum(map(str.isupper, line)) / len(line) for line in lines]),
    }


def ngrams(words: list[str], n: int) -> list[tuple[str, ...]]:
    return [tuple(words[start : start + n]) for start in range(len(words) - n + 1)]


def slow_top(words: list[str], n: int) -> float:
    (ngram, count), *_ = [*Counter(ngrams(words, n)).most_common(1), ((), 0)]
    return sum(map(len, ngram)) * count / sum(map(len, words)) if count > 1 else 0


def slow_repeated(words: list[str], n: int) -> float:
    counts = Counter(ngrams(words, n))
    places = {
        place for start, ngram in enumerate(ngrams(words, n)) if counts[ngram] > 1 for place in range(start, start + n)
    }
    return sum(len(words[place]) for place in places) / max(sum(map(len, words)), 1)


def slow_ngrams(text: str) -> Row:
    words = normal(text).split()
    tops = {f"frac_chars_top_{n}gram": slow_top(words, n) for n in (2, 3, 4)}
    return tops | {f"frac_chars_dupe_{n}grams": slow_repeated(words, n) for n in range(5, 11)}


def slow(text: str, stop_words: set[str] = frozenset(SMART_STOP_WORDS)) -> Row:
    return slow_raw(text, stop_words) | slow_words(text) | slow_lines(text) | slow_ngrams(text)


def same(found: Row, expected: Row) -> bool:
    """Whether rows are equal up to the rounding of float32 and of sums."""
    missing = {name for name, value in expected.items() if value is None}
    close = all(
        math.isclose(value or 0, expected[name] or 0, rel_tol=1e-6, abs_tol=1e-12) for name, value in found.items()
    )
    return list(found) == list(expected) and missing == {name for name in found if found[name] is None} and close


PIECES_OF_WORDS = """
the The THE a I x zero Lorem lorem Ipsum ipsum valorem ipsums javascript JavaScript java-script it's a_b _ 12 3.5
... .. . … ! ? # { } ” " ' `` -- • – ▪ ( © 😀 \0 \u200d \ufeff
É é e\u0301 \u0301 a\u0323\u0301 a\u0301\u0323
ΟΔΟΣ Σ ΣΑ α.Σ İ ı ß ẞ Ⓐ ⓐ Aⓐ Ⅷ ⅷ 🅰 ǅ ½ ² ٣ 〇 一 中文 中 カ゛ 한국 ≠ K ﬁ ; ΐ
"""
SPACES = [" ", " ", " ", "\n", "\n", "\n\n", "\r\n", "\t", "\u3000", "\x0b", "\x1c", "\x85", "\u2028"]
PIECES = st.sampled_from([*PIECES_OF_WORDS.split(), *SPACES])
TEXTS = st.one_of(
    st.lists(PIECES, max_size=40).map("".join),
    st.lists(PIECES, max_size=40).map(" ".join),
    st.text(max_size=80),
    st.text(".!? a\n", max_size=150),
    st.lists(st.sampled_from(["a", "b", "cé"]), max_size=60).map(" ".join),
)


@settings(max_examples=400, deadline=None)
@given(st.lists(TEXTS, max_size=5))
def test_every_signal_equals_its_plain_definition(batch: list[str]) -> None:
    for text, found in zip(batch, measured(batch), strict=True):
        assert same(found, slow(text)), (text, found, slow(text))


@settings(max_examples=50, deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=6), st.integers(0, 6), st.integers(0, 6))
def test_a_document_is_measured_alike_in_any_batch(batch: list[str], start: int, length: int) -> None:
    column = pa.array(["PADDING… 中", *batch], pa.string()).slice(1).slice(start, length)
    values = measure(Texts.from_arrow(column), RedPajamaConfig())
    alone = measured(batch[start : start + length])
    for name, array in values.items():
        assert pa.array(array, from_pandas=True).to_pylist() == [row[name] for row in alone]


def test_every_character() -> None:
    """Each by itself and after a letter; a line each, so that its bits show in the means."""
    characters = [chr(code) for code in [*range(0xD800), *range(0xE000, 0x20000), *range(0x2F800, 0x2FA20)]]
    batch = [
        "".join(f"{character} A{character}\n" for character in characters[first : first + 64])
        for first in range(0, len(characters), 64)
    ]
    for text, found in zip(batch, measured(batch), strict=True):
        assert same(found, slow(text)), text


# golden values


def test_by_hand() -> None:
    (row,) = measured(["The cat's NAME is #1...\n\n• Über-cool, 12 x {y}!\njavascript JAVASCRIPT\n"])
    assert row["word_count"] == 12  # the cats name is 1 / • übercool 12 x y / javascript javascript
    assert row["frac_unique_words"] == divided(11, 12)
    assert row["mean_word_length"] == divided(3 + 4 + 4 + 2 + 1 + 1 + 9 + 2 + 1 + 1 + 10 + 10, 12)  # ü is two
    assert row["unigram_entropy"] == pytest.approx(math.log(12) - math.log(2) / 6)
    tokens = re.split(" ", "The cat ' s NAME is # 1 ... • Über - cool , 12 x { y }! javascript JAVASCRIPT")
    assert row["frac_all_caps_words"] == divided(2, len(tokens))
    assert row["frac_no_alph_words"] == divided(10, len(tokens))
    assert row["stop_word_fraction"] == divided(4, len(tokens))  # s is x y; neither The nor cat's
    assert row["symbol_to_word_ratio"] == divided(2, len(tokens))
    assert row["num_sentences"] == 3
    assert row["frac_lines_end_with_ellipsis"] == divided(1, 4)
    assert row["ending_with_terminal_punctuation_mark"] == divided(2, 4)
    assert row["start_with_bulletpoint"] == divided(1, 4)
    assert row["javascript_counts"] == divided(2, 4)
    assert row["num_words"] == 3
    assert row["uppercase_letter_fraction"] == divided(5 / 24 + 1 / 23 + 10 / 22, 4)
    assert row["numerical_chars_fraction"] == divided(1 / 18 + 2 / 18, 4)
    assert row["curly_bracket"] == divided(2, 70)


def test_phrases_across_lines_and_words() -> None:
    batch = ["Lorem\n\nIpsum", "valorem, ipsums", "lorem ipsum lorem ipsum", "lorem", "ipsum lorem"]
    assert [row["lorem_ipsum"] for row in measured(batch)] == [
        divided(1, 11), divided(1, 14), divided(2, 23), 0, 0,
    ]  # fmt: skip


def test_ngrams_by_hand() -> None:
    twice, five = "a bb ccc a bb", "a b c d e x a b c d e f"
    rows = measured([twice, five, "a a a", "a b c d", "", "one two three four five six"])
    assert [row["frac_chars_top_2gram"] for row in rows] == [
        divided(6, 9), divided(4, 12), divided(4, 3), 0, 0, 0,
    ]  # fmt: skip
    assert [row["frac_chars_dupe_5grams"] for row in rows] == [0, divided(10, 12), 0, 0, 0, 0]
    assert [row["frac_chars_dupe_6grams"] for row in rows] == [0] * 6


@pytest.mark.parametrize("text", ["", None])
def test_an_empty_text(text: str | None) -> None:
    (row,) = measured([text])
    assert same(row, slow(""))
    zero = {"word_count", "num_sentences", "curly_bracket", "lorem_ipsum", "stop_word_fraction"}
    assert {name for name in row if row[name] == 0} == zero | {name for name in row if name.startswith("frac_chars")}


def test_texts_without_words_or_without_tokens() -> None:
    marks, blank = measured(["!!! ... ?", " \n\t"])
    assert marks["word_count"] == marks["stop_word_fraction"] == 0
    assert marks["mean_word_length"] is marks["unigram_entropy"] is None
    assert marks["symbol_to_word_ratio"] == divided(1, 3)
    assert blank["symbol_to_word_ratio"] is None
    assert blank["num_words"] == 0


@pytest.mark.parametrize(
    "text",
    ["x" * 100_000, "Éa" * 30_000, "\n" * 5_000, "a\n" * 5_000, "." * 10_000 + "!?", "中" * 20_000, "Ⓐ" * 999,
     "a\u0323\u0301" * 3000, "\u0301\u0323" * 500],
)  # fmt: skip
def test_long_runs(text: str) -> None:
    first, second = measured([text, "a b"])
    assert same(first, slow(text))
    assert same(second, slow("a b"))


def test_no_signal_without_an_undefined_case_is_null() -> None:
    rows = measured(["", " ", "!", "a"])
    for name, signal in REDPAJAMA.signals.items():
        assert any(row[name] is None for row in rows) == bool(signal.undefined), name


# stop words


def test_the_english_list() -> None:
    assert len(SMART_STOP_WORDS) == len(set(SMART_STOP_WORDS)) == 523
    assert all(re.fullmatch("[a-z]+", word) for word in SMART_STOP_WORDS)
    (row,) = measured([" ".join(SMART_STOP_WORDS)])
    assert row["stop_word_fraction"] == 1
    (row,) = measured([" ".join(word + "qq" for word in SMART_STOP_WORDS)])
    assert row["stop_word_fraction"] == 0


def test_stop_words_of_a_recipe(tmp_path: Path) -> None:
    path = tmp_path / "de"
    path.write_text("# deutsch\nund\nüber\n")
    config = RedPajamaConfig(stop_words=str(path))
    (row,) = measured(["und über the Und"], config)
    assert row["stop_word_fraction"] == 0.5
    before = identity(config)
    path.write_text("und\nüber\nthe\n")
    assert measured(["und über the Und"], config)[0]["stop_word_fraction"] == 0.75
    assert identity(config) != before
    assert identity(RedPajamaConfig()) == {"stop_words": None}


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "nothing"), (b"\xff", "not UTF-8 at byte 0"), (b"# x\n", "no stop word in it; expected one a line")],
)
def test_stop_words_that_cannot_be_read_are_named(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "nothing"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=f"redpajama.stop_words: .*{message}"):
        measured(["a"], RedPajamaConfig(stop_words=str(path)))
