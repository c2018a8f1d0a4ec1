import math
import re
import unicodedata

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpuskit import policy
from corpuskit.errors import RecipeError
from corpuskit.kernels import Texts
from corpuskit.signals import SIGNALS, compute, known_signals, schema
from corpuskit.signals.composition import FIRST_WORDS, character_classes
from corpuskit.signals.group import ratio

GROUPS = ("length", "gopher", "composition")
"""The groups of this file; `language` and `url` have files of their own."""


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


def slow_gopher(text: str) -> dict[str, object]:
    words = text.split()
    lines = [line for line in text.split("\n") if line.strip()]
    bullets = [line for line in lines if line.lstrip().startswith(("•", "●", "*", "-"))]
    ellipses = [line for line in lines if line.rstrip().endswith(("...", "…"))]
    alphabetic = [word for word in words if any(character.isalpha() or character == "〇" for character in word)]
    stop_words = {"the", "be", "to", "of", "and", "that", "have", "with"}
    return {
        "gopher.words": len(words),
        "gopher.mean_word_length": divided(sum(map(len, words)), len(words)),
        "gopher.hash_ratio": divided(text.count("#"), len(words)),
        "gopher.ellipsis_ratio": divided(text.count("...") + text.count("…"), len(words)),
        "gopher.bullet_lines": divided(len(bullets), len(lines)),
        "gopher.ellipsis_lines": divided(len(ellipses), len(lines)),
        "gopher.alpha_words": divided(len(alphabetic), len(words)),
        "gopher.stop_words": len(stop_words & set(words)),
    }


def slow_composition(text: str) -> dict[str, object]:
    visible = [character for character in text if not character.isspace()]
    names = [unicodedata.name(character, "") for character in visible]
    ideographs = [name for name in names if name.startswith(("CJK UNIFIED IDEOGRAPH", "CJK COMPATIBILITY IDEOGRAPH"))]
    punctuation = [character for character in visible if unicodedata.category(character).startswith("P")]
    words = slow_unicode_words(text)[:FIRST_WORDS]
    return {
        "composition.cjk_ratio": divided(len(ideographs), len(visible)),
        "composition.punctuation_ratio": divided(len(punctuation), len(visible)),
        "composition.unique_words": divided(len(set(words)), len(words)),
    }


def slow(text: str) -> dict[str, object]:
    return slow_length(text) | slow_gopher(text) | slow_composition(text)


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
    assert measure(batch) == [slow(text) for text in batch]


@settings(max_examples=100, deadline=None)
@given(st.lists(texts, min_size=1, max_size=6), st.integers(0, 6), st.integers(0, 6))
def test_a_document_is_measured_alike_in_any_batch(batch: list[str], start: int, length: int) -> None:
    column = pa.array(["padding中", *batch], pa.string()).slice(1)
    sliced = compute(list(GROUPS), Texts.from_arrow(column.slice(start, length)))
    assert sliced.to_pylist() == measure(batch)[start : start + length]


def test_every_code_point_in_its_class() -> None:
    classes = character_classes()
    for code in [*range(0xD800), *range(0xE000, 0x40000), 0x10FFFF]:
        character = chr(code)
        name = unicodedata.name(character, "")
        expected = 1 if name.startswith(("CJK UNIFIED", "CJK COMPATIBILITY IDEOGRAPH")) else 0
        expected = 2 if unicodedata.category(character).startswith("P") else expected
        assert classes[code] == (3 if character.isspace() else expected), hex(code)
    assert not classes[0x40000:].any()


# golden values


def test_symbols_count_as_occurrences_from_the_left() -> None:
    assert one("a ... b", "gopher.ellipsis_ratio") == divided(1, 3)
    assert one("....", "gopher.ellipsis_ratio") == 1
    assert one("......", "gopher.ellipsis_ratio") == 2
    assert one("..…...", "gopher.ellipsis_ratio") == 2
    assert one(". . .", "gopher.ellipsis_ratio") == 0
    assert one("# comment " * 20, "gopher.hash_ratio") == 0.5
    assert one("##", "gopher.hash_ratio") == 2


def test_stop_words_are_distinct_and_as_printed_in_the_paper() -> None:
    assert one("the be to of and that have with", "gopher.stop_words") == 8
    assert one("the the the", "gopher.stop_words") == 1
    assert one("The And Of With", "gopher.stop_words") == 0
    assert one("that, (the) hathe them \0the the\0 the\0\0\0\0\0 toto", "gopher.stop_words") == 0


def test_lines_are_those_that_are_not_blank() -> None:
    assert one("- a\n\n  • b\n \t\n\u3000● c\n* d\nword", "gopher.bullet_lines") == divided(4, 5)
    assert one("one...\ntwo… \n\n three ... .\r\n", "gopher.ellipsis_lines") == divided(2, 3)
    assert one("-\u2028- -", "gopher.bullet_lines") == 1


def test_alphabetic_is_any_letter_of_any_script() -> None:
    assert one("a1 11 ½ -- ß 中1 ²", "gopher.alpha_words") == divided(3, 7)
    assert one("- word here now " * 9, "gopher.alpha_words") == 0.75


def test_chinese_text_has_few_whitespace_words() -> None:
    (row,) = measure(["今天天气很好，我们去公园。\n明天也去！"])
    assert row["gopher.words"] == 2
    assert row["length.words"] == 15
    assert row["composition.cjk_ratio"] == divided(15, 18)
    assert row["composition.punctuation_ratio"] == divided(3, 18)
    assert row["composition.unique_words"] == divided(12, 15)


def test_unique_words_looks_at_the_first_thousand() -> None:
    words = [f"w{number}" for number in range(FIRST_WORDS)]
    assert one(" ".join(words), "composition.unique_words") == 1
    assert one(" ".join(words + ["w0"] * 5000), "composition.unique_words") == 1
    assert one(" ".join(["w0"] * FIRST_WORDS + words), "composition.unique_words") == divided(1, FIRST_WORDS)
    assert one(" ".join(words[:10] * 100), "composition.unique_words") == divided(10, 1000)


def test_documents_do_not_share_their_distinct_words() -> None:
    column = "composition.unique_words"
    rows = measure(["a b c", "a b c", "", "a a", "..."], column)
    assert [row[column] for row in rows] == [1, 1, None, 0.5, None]


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


def test_long_words_and_documents() -> None:
    (row,) = measure(["x" * 1_000_000 + " the to"])
    assert row["gopher.mean_word_length"] == divided(1_000_005, 3)
    assert row["gopher.stop_words"] == 2


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


@pytest.mark.parametrize(
    ("name", "hint"),
    [("gofer", "did you mean 'gopher'"), ("gopher.wrds", "did you mean 'gopher.words'"), ("zzz", "known: composition")],
)
def test_an_unknown_name_is_refused_with_the_nearest(name: str, hint: str) -> None:
    with pytest.raises(RecipeError, match=re.escape(hint)):
        compute(["length", name], Texts.from_arrow(pa.array(["a"])))


# signals and policies together


@pytest.mark.parametrize("preset", sorted(policy.PRESETS))
def test_presets_judge_signals_that_exist(preset: str) -> None:
    policy.check(policy.PolicyConfig(preset=preset), [], known=known_signals())


PROSE = "It is a truth that the best of us have been to school, and the rest with care read at home. " * 5
CHINESE = "今天天气很好，我们一起去公园散步。孩子们在草地上放风筝，老人坐在长椅上聊天、下棋。" * 3
JUDGED = {
    "gopher": {
        PROSE: [],
        "These stay small": ["gopher.words:min", "gopher.stop_words:min"],
        "# comment " * 30: ["gopher.hash_ratio:max", "gopher.alpha_words:min", "gopher.stop_words:min"],
        "- It is a truth that the best of us have been to school.\n\n" * 10: ["gopher.bullet_lines:max"],
        PROSE.replace(".", "...\n").replace(",", "...\n"): ["gopher.ellipsis_lines:max"],
        "the and " * 50_001: ["gopher.words:max"],
        "word - here now " * 50: ["gopher.alpha_words:min", "gopher.stop_words:min"],
        "the a of " * 50: ["gopher.mean_word_length:min"],
        CHINESE: ["gopher.words:min", "gopher.mean_word_length:max", "gopher.stop_words:min"],
    },
    "zh": {
        CHINESE: [],
        "太短了。": ["length.characters:min"],
        PROSE: ["composition.cjk_ratio:min"],
        "首页 新闻 登录 注册 " * 30: ["composition.punctuation_ratio:min", "composition.unique_words:min"],
        CHINESE.replace("，", "！！！！！！！！！！！！！！"): ["composition.punctuation_ratio:max"],
    },
}


@pytest.mark.parametrize("preset", sorted(JUDGED))
def test_presets_drop_what_they_are_made_to_drop(preset: str) -> None:
    config = policy.PolicyConfig(preset=preset)
    texts = Texts.from_arrow(pa.array(JUDGED[preset]))
    verdicts = policy.judge(config, compute(sorted(policy.signals_needed(config)), texts))
    for text, failed in zip(JUDGED[preset], verdicts["failed"].to_pylist(), strict=True):
        assert [reason for reason in failed if not reason.endswith(":missing")] == JUDGED[preset][text], text[:40]


def test_gopher_thresholds_keep_exact_ties() -> None:
    words = ["the", "and"] + ["word"] * 98
    config = policy.PolicyConfig(preset="gopher")
    tie = words[:90] + ["#"] * 10
    over = words[:89] + ["#"] * 11
    lines = [" ".join(words)] + ["word..."] * 3 + ["word"] * 6
    batch = [" ".join(tie), " ".join(over), "\n".join(lines), "\n".join([*lines, "word..."])]
    verdicts = policy.judge(config, compute(["gopher"], Texts.from_arrow(pa.array(batch))))
    assert verdicts["reason"].to_pylist() == [None, "gopher.hash_ratio:max", None, "gopher.ellipsis_lines:max"]
