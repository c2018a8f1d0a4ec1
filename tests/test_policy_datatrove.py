"""Presets and recipes beside datatrove's own filters: the same numbers, and the same decisions on exact ties.

Words are those of `str.split()` and sentences are ours in both, so that decisions must be equal on every text.
"""

import inspect
import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import datatrove_values as peer
import pyarrow as pa
import pytest
from datatrove.data import Document
from datatrove.pipeline.filters import (
    C4QualityFilter,
    FineWebQualityFilter,
    GopherQualityFilter,
    GopherRepetitionFilter,
    c4_filters,
)

from corpuskit import policy
from corpuskit.clean.c4_lines import clean
from corpuskit.kernels import Texts
from corpuskit.kernels.sentences import count_sentences
from corpuskit.policy import PRESETS, PolicyConfig
from corpuskit.recipe.load import load
from corpuskit.signals import WordsConfig, compute

WORDS = {group: WordsConfig(words="whitespace") for group in ("gopher@datatrove", "fineweb@datatrove")}
QUALITY = {
    "min_doc_words": ("words", "min"),
    "max_doc_words": ("words", "max"),
    "min_avg_word_length": ("mean_word_length", "min"),
    "max_avg_word_length": ("mean_word_length", "max"),
    "max_symbol_word_ratio": ("hash_ratio", "max"),
    "max_bullet_lines_ratio": ("bullet_lines", "max"),
    "max_ellipsis_lines_ratio": ("ellipsis_lines", "max"),
    "max_non_alpha_words_ratio": ("alpha_words", "min"),
    "min_stop_words": ("stop_words", "min"),
}
LINES = {
    "dup_line_frac": ("duplicate_lines", "max"),
    "dup_para_frac": ("duplicate_paragraphs", "max"),
    "dup_line_char_frac": ("duplicate_line_characters", "max"),
    "dup_para_char_frac": ("duplicate_paragraph_characters", "max"),
}
FINEWEB = {
    "line_punct_thr": ("end_mark_lines", "min"),
    "short_line_thr": ("short_lines", "max"),
    "char_duplicates_ratio": ("duplicate_line_characters", "max"),
    "new_line_ratio": ("newlines_per_word", "max"),
}
"""A filter's parameter -> the column that it bounds, and from which side."""
NO_LIMITS = {"line_punct_thr": -1.0, "short_line_thr": 9.0, "char_duplicates_ratio": 9.0, "new_line_ratio": 9.0}
N_GRAMS = {"top_n_grams": "top_{}_gram", "dup_n_grams": "duplicate_{}_grams"}

RECIPE = Path(__file__).parent.parent / "recipes" / "fineweb.yaml"

Limit = tuple[str, str, Callable[[float], Any]]
"""A signal, `min` or `max`, and datatrove's filter that has this limit alone."""


def limits() -> Iterator[Limit]:
    """Every limit of datatrove's filters."""
    off = dict.fromkeys(QUALITY)
    for name, (column, side) in QUALITY.items():
        yield f"gopher@datatrove.{column}", side, lambda value, name=name: GopherQualityFilter(**{**off, name: value})
    none = {**dict.fromkeys(LINES), "top_n_grams": (), "dup_n_grams": ()}
    for name, (column, side) in LINES.items():
        yield f"gopher@datatrove.{column}", side, lambda v, name=name: GopherRepetitionFilter(**{**none, name: v})
    for name, column in N_GRAMS.items():
        for n in (2, 3, 4) if name == "top_n_grams" else range(5, 11):
            make = lambda v, name=name, n=n: GopherRepetitionFilter(**{**none, name: ((n, v),)})  # noqa: E731
            yield f"gopher@datatrove.{column.format(n)}", "max", make
    for name, (column, side) in FINEWEB.items():
        yield f"fineweb@datatrove.{column}", side, lambda v, name=name: FineWebQualityFilter(**{**NO_LIMITS, name: v})


def defaults(step: type) -> dict[str, Any]:
    return {name: parameter.default for name, parameter in inspect.signature(step).parameters.items()}


def column(texts: Sequence[str]) -> pa.Array:
    return pa.array(texts, pa.large_string())


def mixed_texts(seed: int, count: int, *more: str) -> list[str]:
    """Texts of few different pieces, so that lines and n-grams repeat."""
    dice = random.Random(seed)
    pieces = ["the", "and", "to", "of", "abc", "x#", "12", "long-words", "end.", "\n", "\n\n", "\n- a", "\nsame line."]
    pieces += more
    return [" ".join(["a", *dice.choices(dice.sample(pieces, 6), k=dice.randint(1, 60))]) for _ in range(count)]


PHRASE = "one two three four five six seven eight nine ten eleven "
TEXTS = [*mixed_texts(3, 150), *(PHRASE * 2 + " ".join(f"w{n}" for n in range(count)) for count in range(30))]
ELLIPSES = ["a b...\n" * n + "c d.\n" * (10 - n) for n in range(1, 10)]
"""Apart from the others: datatrove has one limit for `#` and for these."""


# numbers and ties


def test_presets_have_the_defaults_of_the_filters() -> None:
    quality, repetition, fineweb = map(defaults, (GopherQualityFilter, GopherRepetitionFilter, FineWebQualityFilter))
    expected = {(f"gopher@datatrove.{column}", side): quality[name] for name, (column, side) in QUALITY.items()}
    expected["gopher@datatrove.ellipsis_ratio", "max"] = quality["max_symbol_word_ratio"]
    expected |= {(f"gopher@datatrove.{column}", side): repetition[name] for name, (column, side) in LINES.items()}
    for name, column in N_GRAMS.items():
        expected |= {(f"gopher@datatrove.{column.format(n)}", "max"): value for n, value in repetition[name]}
    expected |= {(f"fineweb@datatrove.{column}", side): fineweb[name] for name, (column, side) in FINEWEB.items()}
    expected["c4@datatrove.sentences", "min"] = defaults(C4QualityFilter)["min_num_sentences"]
    rules = [rule for name in ("gopher@datatrove", "fineweb@datatrove", "c4@datatrove") for rule in PRESETS[name].rules]
    found = {(rule.signal, side): getattr(rule, side) for rule in rules for side in ("min", "max")}
    pages = {("c4@datatrove.lorem_ipsum", "max"): 0, ("c4@datatrove.curly_bracket", "max"): 0}
    assert {place: value for place, value in found.items() if value is not None} == expected | pages


@pytest.mark.parametrize("limit", limits(), ids=lambda limit: f"{limit[0]}:{limit[1]}")
def test_an_exact_tie_is_decided_as_datatrove_decides_it(limit: Limit) -> None:
    signal, side, filter_at = limit
    group, name = signal.split(".")
    texts = ELLIPSES if name == "ellipsis_lines" else TEXTS
    values_of = peer.gopher if group == "gopher@datatrove" else peer.fineweb
    measured = compute([signal], Texts.from_arrow(column(texts)), WORDS)
    with peer.whitespace_words():
        values = [values_of(text).get(name, 0) for text in texts]
        bounds = sorted({value for value in values if value})  # datatrove takes a limit of 0 for none
        assert len(bounds) > 2
        for bound in bounds[:: max(len(bounds) // 8, 1)]:
            reasons = peer.decisions(texts, filter_at(bound))
            rule = PolicyConfig.model_validate({"rules": [{"signal": signal, side: bound}]})
            kept = policy.judge(rule, measured)["kept"].to_pylist()
            assert kept == [not reason for reason in reasons], bound
            assert kept[values.index(bound)]


# the recipe of several filters, of which one changes the text


LAST_LINES = (
    "use cookies { here please now.",
    "the javascript { of this page.",
    "lorem ipsum javascript stays here.",
    "no mark but { here",
    "[1] [2] word",
    "A lorem ipsum of words.",
)


def pages() -> list[str]:
    """Pages that datatrove keeps, the same with a last line that may drop them, and others."""
    dice = random.Random(4)
    vocabulary = [f"word{number}" for number in range(400)]
    kept = ["\n".join(f"the and {' '.join(dice.sample(vocabulary, 12))}." for _ in range(9)) for _ in range(4)]
    return [*kept, *(f"{page}\n{line}" for page in kept for line in LAST_LINES), *mixed_texts(5, 40, *LAST_LINES)]


def one_line(line: str, language: str) -> list[str]:
    """Our sentences in place of spaCy's."""
    return [line] * int(count_sentences(Texts.from_arrow(column([line])))[0])


def kept_by(steps: Sequence[Any], text: str) -> bool:
    """Whether each filter keeps what the one before it left of a text."""
    document = Document(text=text, id="")
    return all(step.filter(document) is True for step in steps)


QUALITY_STEPS = (GopherRepetitionFilter(), GopherQualityFilter())
CHAINS = {
    "c4": [C4QualityFilter()],
    "fineweb": [*QUALITY_STEPS, C4QualityFilter(filter_no_terminal_punct=False), FineWebQualityFilter()],
}


@pytest.mark.parametrize("variant", CHAINS)
def test_the_recipe_keeps_what_the_filters_keep_one_after_the_other(variant: str) -> None:
    found = load(str(RECIPE)).variants[variant]
    web = {"preset": [name for name in found.policy.preset if name != "urls"]}
    rules = [rule for rule in found.policy.plain()["rules"] if not str(rule.get("signal")).startswith("language.")]
    config = PolicyConfig.model_validate({**web, "rules": rules})
    with peer.whitespace_words(), mock.patch.multiple(c4_filters, split_into_sentences=one_line):
        expected = [kept_by(CHAINS[variant], text) for text in pages()]
    cleaned = clean(column(pages()), found.clean[0])
    groups = sorted({name.split(".")[0] for name in policy.signals_needed(config)} - {"clean"})
    signals = compute(["length", *groups], Texts.from_arrow(cleaned.texts), WORDS)
    table = pa.Table.from_batches([signals])
    for name, values in cleaned.counts.items():
        table = table.append_column(f"clean.{name}", pa.array(values))
    assert policy.judge(config, table)["kept"].to_pylist() == expected
    assert [expected[: 4 + 4 * len(LAST_LINES)].count(keep) > 3 for keep in (True, False)] == [True, True]
