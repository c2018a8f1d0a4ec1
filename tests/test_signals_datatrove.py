"""The dialects `@datatrove` beside datatrove itself: equal values, and nearly always equal decisions."""

import os
import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import datatrove_values as peer
import numpy as np
import orjson
import pyarrow as pa
import pytest
from cleaning import needs_data, real
from datatrove.pipeline.filters import (
    C4QualityFilter,
    FineWebQualityFilter,
    GopherQualityFilter,
    GopherRepetitionFilter,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from corpuskit import policy
from corpuskit.kernels import Texts
from corpuskit.kernels.sentences import count_sentences
from corpuskit.policy import PolicyConfig
from corpuskit.signals import WordsConfig, compute

WHITESPACE = {name: WordsConfig(words="whitespace") for name in ("gopher@datatrove", "fineweb@datatrove")}
AGREEMENT = 0.98
"""Share of documents on which decisions agree at least, with datatrove's words as they are."""
FILTERS = {
    "gopher@datatrove": (GopherRepetitionFilter, GopherQualityFilter),
    "c4@datatrove": (C4QualityFilter,),
    "fineweb@datatrove": (FineWebQualityFilter,),
}
"""Preset -> the filters that it follows, in their order."""
PIECES = (
    *("the", "be", "to", "of", "and", "that", "have", "with", "a", "ab", "c", "word", "Word.", "x{", "[1]", "[edit]"),
    *(
        "Lorem ipsum",
        "javascript",
        "cookie policy",
        "uses coo\u212aies",
        "•",
        "- ",
        "#",
        "...",
        "…",
        "。",
        "中文",
        "12",
    ),
    *("\n", "\n\n", " \n", "\r\n", "\u2028", "\x85", "\x0b", " ", "  ", "\u3000", ".", "!", "?", '"', "'", "”", "é"),
    *("a" * 1001, "\n".join(["same line."] * 3)),
)
HOSTILE = (
    *("", " ", "\n", "\n\n\n", "a", "word", "\u3000\n\u3000", "x\n\n\nx\n\nx", "the the the", "• a\n• b", "end. \n"),
    *("a\n" * 200, "a " * 300, "ab c a bc " * 40, "{}\n" * 50, "[1] [2] word.", "he said “x.”", ("é" * 31 + "\n") * 9),
)


def sample(name: str, count: int, length: int = 20_000) -> list[str]:
    """Return some texts of a real set, evenly spread, cut to a length."""
    path = Path(os.environ["CORPUSKIT_TEST_DATA"], name)
    plain = path.suffix == ".jsonl"
    texts = [orjson.loads(line)["text"] for line in path.read_bytes().splitlines()] if plain else real(name)
    return [text[:length] for text in texts[:: max(len(texts) // count, 1)][:count]]


def measured(group: str, texts: Sequence[str]) -> list[dict[str, float | None]]:
    """Return the group's values of each text, whitespace words, by column."""
    batch = compute([group], Texts.from_arrow(pa.array(texts, pa.large_string())), WHITESPACE)
    return [{name.split(".")[1]: value for name, value in row.items()} for row in batch.to_pylist()]


def check_values(group: str, texts: Sequence[str]) -> None:
    """Every value that datatrove computes is ours, as float32; what it cannot compute is null or 0."""
    values = peer.gopher if group == "gopher@datatrove" else peer.fineweb
    with peer.whitespace_words():
        for text, ours in zip(texts, measured(group, texts), strict=True):
            theirs = values(text)
            expected = {name: np.float32(value) for name, value in theirs.items() if not np.isnan(value)}
            assert {name: np.float32(ours[name]) for name in expected} == expected, text[:500]
            assert not any(ours[name] for name in ours.keys() - expected.keys() - {"tokens"}), text[:500]


def check_c4(texts: Sequence[str]) -> None:
    """Lines are dropped for the same reasons, and the page for the same reason, given our sentences of a line."""
    for text, ours in zip(texts, measured("c4@datatrove", texts), strict=True):
        theirs = peer.c4(text, _sentences)
        pages = {"lorem_ipsum": ours["lorem_ipsum"], "curly_bracket": ours["curly_bracket"]}
        if theirs["reason"]:
            assert pages[str(theirs["reason"])], text[:500]
            continue
        assert not any(pages.values()), text[:500]
        assert {name: ours[name] for name in theirs if name != "reason"} == {
            name: value for name, value in theirs.items() if name != "reason"
        }, text[:500]


def _sentences(line: str) -> int:
    return int(count_sentences(Texts.from_arrow(pa.array([line])))[0])


def mixed_texts(seed: int, count: int) -> list[str]:
    """Return texts of random pieces: few different ones, so that lines and n-grams repeat."""
    dice = random.Random(seed)
    return ["".join(dice.choices(dice.sample(PIECES, 6), k=dice.randint(1, 120))) for _ in range(count)]


@pytest.mark.parametrize("group", ["gopher@datatrove", "fineweb@datatrove"])
def test_values_of_hostile_texts_are_equal(group: str) -> None:
    check_values(group, [*HOSTILE, *mixed_texts(1, 400)])


def test_c4_of_hostile_texts_is_equal() -> None:
    check_c4([*HOSTILE, *mixed_texts(2, 400)])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=6)), max_size=60).map("".join))
def test_values_of_any_text_are_equal(text: str) -> None:
    check_values("gopher@datatrove", [text])
    check_values("fineweb@datatrove", [text])
    check_c4([text])


@needs_data
@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("web/c4_sample/c4.jsonl", 300),
        ("text/imdb_unsup/imdb_unsup.jsonl.zst", 300),
        ("text/eltec_eng/eltec_eng.jsonl.zst", 12),
        ("text/zh_modern/zh_modern.jsonl.zst", 60),
    ],
)
def test_values_of_real_texts_are_equal(name: str, count: int) -> None:
    texts = sample(name, count)
    texts += [text.replace("<br /><br />", "\n") for text in texts if "<br />" in text]
    check_values("gopher@datatrove", texts)
    check_values("fineweb@datatrove", texts)
    check_c4(texts)


@needs_data
@pytest.mark.parametrize("preset", FILTERS)
@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("web/c4_sample/c4.jsonl", 250),
        ("text/imdb_unsup/imdb_unsup.jsonl.zst", 250),
        ("text/acl_abstracts/acl_abstracts.jsonl.zst", 250),
    ],
)
def test_decisions_agree_with_datatrove_as_it_is(preset: str, name: str, count: int) -> None:
    texts = sample(name, count, 6_000)
    reasons = peer.decisions(texts, *(step() for step in FILTERS[preset]))
    config = PolicyConfig(preset=preset)
    columns = compute(sorted(policy.signals_needed(config)), Texts.from_arrow(pa.array(texts, pa.large_string())))
    verdicts = policy.judge(config, columns).to_pylist()
    differ = Counter(
        (ours["reason"] or "kept", theirs or "kept")
        for ours, theirs in zip(verdicts, reasons, strict=True)
        if ours["kept"] != (not theirs)
    )
    assert differ.total() <= (1 - AGREEMENT) * len(texts), differ
