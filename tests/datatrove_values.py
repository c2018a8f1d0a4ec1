"""What datatrove's filters compute: its own code runs, with thresholds that remember what is compared with them.

Its filters keep their values to themselves and stop at the first rule that fails. A `Threshold` is crossed by nothing,
so that every rule of a filter is reached, and each comparison leaves its value here.
"""

import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from unittest import mock

import numpy as np
import pytest

pytest.importorskip("datatrove", reason="datatrove is not installed: it comes with the extra `dev`")

from datatrove.data import Document
from datatrove.pipeline.filters import (
    C4QualityFilter,
    FineWebQualityFilter,
    GopherQualityFilter,
    GopherRepetitionFilter,
    c4_filters,
    fineweb_quality_filter,
    gopher_quality_filter,
    gopher_repetition_filter,
)

FRACTIONS = (
    "duplicate_paragraphs",
    "duplicate_paragraph_characters",
    "duplicate_lines",
    "duplicate_line_characters",
)
TOP, DUPLICATED = (2, 3, 4), (5, 6, 7, 8, 9, 10)
C4_LINES = {
    "line-total": "lines",
    "line-kept": "kept_lines",
    "line-filter-too_long_word": "long_word_lines",
    "line-filter-no_terminal_punc": "no_end_mark_lines",
    "line-filter-too_few_words": "few_word_lines",
    "line-filter-javascript": "javascript_lines",
    "line-filter-policy": "policy_lines",
}
"""Statistic of datatrove's C4QualityFilter -> column of `c4@datatrove`."""


class Threshold:
    """Compared with anything, it is neither above nor below, and remembers the other value."""

    __array_ufunc__ = None  # numpy's numbers leave the comparison to it

    def __init__(self) -> None:
        self.values: list[float] = []

    def __lt__(self, other: Any) -> bool:
        self.values.append(float(other))
        return False

    __gt__ = __lt__


@contextmanager
def whitespace_words() -> Iterator[None]:
    """Let datatrove's filters split words with `str.split` instead of spaCy."""
    modules = (gopher_quality_filter, gopher_repetition_filter, fineweb_quality_filter)
    with (
        mock.patch.multiple(modules[0], split_into_words=_split),
        mock.patch.multiple(modules[1], split_into_words=_split),
        mock.patch.multiple(modules[2], split_into_words=_split),
    ):
        yield


def _split(text: str, language: str) -> list[str]:
    return text.split()


def gopher(text: str) -> dict[str, float]:
    """Return every value of the two Gopher filters; those of the second are missing where it divides by zero."""
    found = repetition(text)
    names = ("words", "mean_word_length", "symbols", "bullet_lines", "ellipsis_lines", "alpha_words", "stop_words")
    limits = {name: Threshold() for name in names}
    quality = GopherQualityFilter(
        min_doc_words=limits["words"],
        max_doc_words=None,
        min_avg_word_length=limits["mean_word_length"],
        max_avg_word_length=None,
        max_symbol_word_ratio=limits["symbols"],
        max_bullet_lines_ratio=limits["bullet_lines"],
        max_ellipsis_lines_ratio=limits["ellipsis_lines"],
        max_non_alpha_words_ratio=limits["alpha_words"],
        min_stop_words=limits["stop_words"],
    )
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings(action="ignore"):  # the mean of no words is NaN
            quality.filter(Document(text=text, id=""))
    except ZeroDivisionError:
        return found
    found |= dict(zip(("hash_ratio", "ellipsis_ratio"), limits.pop("symbols").values, strict=True))
    return found | {name: limit.values[0] for name, limit in limits.items()}


def repetition(text: str) -> dict[str, float]:
    """Return every value of GopherRepetitionFilter; n-grams are missing in texts of fewer than n words."""
    limits = {name: Threshold() for name in FRACTIONS}
    top, duplicated = [(n, Threshold()) for n in TOP], [(n, Threshold()) for n in DUPLICATED]
    GopherRepetitionFilter(
        dup_line_frac=limits["duplicate_lines"],
        dup_para_frac=limits["duplicate_paragraphs"],
        dup_line_char_frac=limits["duplicate_line_characters"],
        dup_para_char_frac=limits["duplicate_paragraph_characters"],
        top_n_grams=top,
        dup_n_grams=duplicated,
    ).filter(Document(text=text, id=""))
    named = limits | {f"top_{n}_gram": limit for n, limit in top}
    named |= {f"duplicate_{n}_grams": limit for n, limit in duplicated}
    return {name: limit.values[0] for name, limit in named.items() if limit.values}


def fineweb(text: str) -> dict[str, float]:
    """Return every value of FineWebQualityFilter; none for a text without a line that is not blank."""
    names = ("end_mark_lines", "short_lines", "duplicate_line_characters", "newlines_per_word")
    limits = {name: Threshold() for name in names}
    FineWebQualityFilter(
        line_punct_thr=limits["end_mark_lines"],
        short_line_thr=limits["short_lines"],
        char_duplicates_ratio=limits["duplicate_line_characters"],
        new_line_ratio=limits["newlines_per_word"],
    ).filter(Document(text=text, id=""))
    return {name: limit.values[0] for name, limit in limits.items() if limit.values}


def c4(text: str, count_sentences: Callable[[str], int]) -> dict[str, float | str]:
    """Return the counts of C4QualityFilter, and under `reason` why it drops the page, empty where it does not.

    Args:
        text: the text.
        count_sentences: stands in for spaCy's sentences of one line.
    """
    counts: Counter[str] = Counter()
    found = Threshold()
    quality = C4QualityFilter(min_num_sentences=found)
    with (
        mock.patch.multiple(quality, stat_update=lambda *names, **_: counts.update(names)),
        mock.patch.multiple(c4_filters, split_into_sentences=lambda line, language: [line] * count_sentences(line)),
    ):
        verdict = quality.filter(Document(text=text, id=""))
    values = {name: float(counts[stat]) for stat, name in C4_LINES.items()}
    reason = verdict[1] if isinstance(verdict, tuple) else ""
    return values | {"sentences": found.values[-1] if found.values else 0.0, "reason": reason}


def decisions(texts: Sequence[str], *filters: Any) -> list[str]:
    """Return for each text the reason why the first of the filters drops it, empty where none does."""
    return [next(filter(None, (_reason(step, text) for step in filters)), "") for text in texts]


def _reason(step: Any, text: str) -> str:
    verdict = step.filter(Document(text=text, id=""))
    return verdict[1] if isinstance(verdict, tuple) else "" if verdict else "dropped"
