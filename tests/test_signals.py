import math
import re
import unicodedata

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_signals_gopher import slow_gopher

from corpuskit import signals
from corpuskit.errors import RecipeError
from corpuskit.kernels import Texts
from corpuskit.signals import SIGNALS, compute, schema
from corpuskit.signals.group import ratio

GROUPS = ("length", "gopher")
"""The groups of this file; the others have files of their own."""


def measure(texts: list[str | None], *names: str) -> list[dict[str, object]]:
    return compute(names or list(GROUPS), Texts.from_arrow(pa.array(texts, pa.large_string()))).to_pylist()


def one(text: str, name: str) -> object:
    return measure([text], name)[0][name]


# slow and obvious definitions


def divided(numerator: int, denominator: int) -> float | None:
    return float(np.float32(numerator / denominator)) if denominator else None


UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3041-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\ua9e0-\ua9ff\uaa60-\uaa7f\uf900-\ufaff\uff66-\uff9f\U0001aff0-\U0001b16f\U00020000-\U0003ffff]"
)


def word_class(character: str) -> str:
    category = unicodedata.category(character)
    if character == "〇" or (category[0] == "L" and UNSPACED.match(character)):
        return "S"  # single
    if category[0] == "M":
        return "J"  # joins what comes before
    return "R" if category[0] == "L" or category == "Nd" else " "


def slow_unicode_words(text: str) -> list[str]:
    classes = "".join(map(word_class, text))
    return [text[match.start() : match.end()] for match in re.finditer("SJ*|[RJ]+", classes)]


def slow_length(text: str) -> dict[str, object]:
    return {
        "length.bytes": len(text.encode()),
        "length.characters": len(text),
        "length.words": len(slow_unicode_words(text)),
        "length.whitespace_words": len(text.split()),
        "length.lines": len(text.split("\n")),
    }


def slow(text: str) -> dict[str, object]:
    return slow_length(text) | slow_gopher(text)


WORDS = "the The be to of and that have with thethe that, word Ünï 7 ½ 中 文 中文字。 〇 々 カ ก็ 한국 😀 \U0002a6df"
SYMBOLS = "# ## . .. ... … - * • ● ， \u0301 \u200d \0 \ufeff"
SPACES = [" ", "\n", "\n\n", "\r\n", "\t", "\u3000", "\x0b", "\x1c", "\x85", "\u2028"]
pieces = st.sampled_from([*WORDS.split(" "), *SYMBOLS.split(" "), *SPACES])
texts = st.one_of(
    st.text(max_size=40),
    st.lists(pieces, max_size=30).map("".join),
    st.lists(pieces, max_size=30).map(" ".join),
    st.text(alphabet="#.… \n-•a", max_size=30),
)


@settings(max_examples=500, deadline=None)
@given(st.lists(texts, max_size=6))
def test_every_signal_equals_its_plain_definition(batch: list[str]) -> None:
    assert measure(batch, *slow("")) == [slow(text) for text in batch]


@settings(max_examples=100, deadline=None)
@given(st.lists(texts, min_size=1, max_size=6), st.integers(0, 6), st.integers(0, 6))
def test_a_document_is_measured_alike_in_any_batch(batch: list[str], start: int, length: int) -> None:
    column = pa.array(["padding中", *batch], pa.string()).slice(1)
    sliced = compute(list(GROUPS), Texts.from_arrow(column.slice(start, length)))
    assert sliced.to_pylist() == measure(batch)[start : start + length]


# golden values


def test_chinese_text_has_few_whitespace_words() -> None:
    (row,) = measure(["今天天气很好，我们去公园。\n明天也去！"])
    assert row["gopher.words"] == 2
    assert row["length.words"] == 15


@pytest.mark.parametrize("text", ["", None, " ", "\n\n \t\u3000"])
def test_blank_texts_have_counts_but_no_ratios(text: str | None) -> None:
    (row,) = measure([text])
    ratios = {field.name for field in schema(GROUPS) if field.type == pa.float32()}
    assert {name for name, value in row.items() if value is None} == ratios
    assert all(row[name] == 0 for name in ("gopher.words", "gopher.stop_words", "length.words"))
    assert row["length.lines"] == (text or "").count("\n") + 1


def test_ratios_are_rounded_once() -> None:
    values = ratio(np.array([3, 1, 0, 5]), np.array([10, 3, 0, 0]))
    assert values.dtype == np.float32
    assert values[:2].tolist() == [float(np.float32(0.3)), float(np.float32(1 / 3))]
    assert all(map(math.isnan, values[2:]))


# the table of groups


def test_columns_follow_the_names_asked_for() -> None:
    batch = compute(["gopher.words", "length", "gopher.words", "length.bytes"], Texts.from_arrow(pa.array(["a b"])))
    assert batch.schema.names == ["gopher.words", *(f"length.{name}" for name in SIGNALS["length"].columns())]


@pytest.mark.parametrize("group", GROUPS)
def test_a_group_is_what_its_table_says(group: str) -> None:
    entry = SIGNALS[group]
    for column in ([], ["", "one two", "…"]):
        batch = compute([group], Texts.from_arrow(pa.array(column, pa.string())))
        assert batch.num_rows == len(column)
        types = {f"{group}.{name}": dtype for name, dtype in entry.columns().items()}
        assert {field.name: field.type for field in batch.schema} == types
        assert batch.schema == schema([group])
    assert entry.name == group
    assert entry.revision >= 1
    assert entry.source
    assert all(signal.formula and signal.range for signal in entry.signals.values())


def test_a_signal_without_an_undefined_case_is_never_null() -> None:
    batch = compute(list(GROUPS), Texts.from_arrow(pa.array(["", " ", "a", "中", "..."])))
    for name in batch.schema.names:
        group, column = name.split(".")
        assert bool(batch[name].null_count) == bool(SIGNALS[group].signals[column].undefined), name


def test_a_group_that_has_signals_by_name_alone_is_refused_without_names() -> None:
    with pytest.raises(RecipeError, match="the group 'classifier' has no signals: name some in `classifiers`"):
        compute(["length", "classifier"], Texts.from_arrow(pa.array(["a", "b"])))


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("gofer", "did you mean 'gopher'"),
        ("gopher.wrds", "did you mean 'gopher.words'"),
        ("zzz", "known: c4.*, c4@datatrove.*"),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest(name: str, hint: str) -> None:
    with pytest.raises(RecipeError, match=re.escape(hint)):
        compute(["length", name], Texts.from_arrow(pa.array(["a"])))


def test_batches_are_measured_in_parts_and_come_back_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = ["", "one two three", "x" * 50, "", "中文", *("a line\n" * size for size in range(9)), ""]
    column = pa.array(texts, pa.large_string())
    whole = compute(["length", "gopher"], Texts.from_arrow(column))
    for size in (1, 7, 20, 1000):
        monkeypatch.setattr(signals, "PART_BYTES", size)
        assert compute(["length", "gopher"], Texts.from_arrow(column)).equals(whole), size
    assert compute(["length"], Texts.from_arrow(column.slice(0, 0))).num_rows == 0
