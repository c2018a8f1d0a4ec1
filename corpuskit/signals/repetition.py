r"""How much of a text repeats itself: the 13 fractions of Gopher (Rae et al. 2021, appendix A, table A1).

The paper names the fractions and leaves their definitions open. There are two readings here.

`corpuskit`, for any language: every fraction is part of a whole, so that it lies between 0 and 1.

* Lines are those of `split("\n")`, stripped of white space at both ends; blank ones count nowhere. Paragraphs lie
  between blank lines, likewise stripped. Duplicates are those equal to one before them. Their characters are divided by
  those of all lines, or all paragraphs.
* N-grams are word sequences: "ab c" is not "a bc". Characters are those of the words alone and are divided by those of
  all words: white space and punctuation are in no n-gram, whatever words are.
* A most frequent n-gram (n = 2, 3, 4) that occurs once counts 0. Else the characters of the words inside any of its
  occurrences count, each word once, "not counting overlaps twice" as the paper asks for duplicates.
* Duplicate n-grams (n = 5 to 10) are found from left to right: an n-gram met before is a duplicate, and the next one
  begins after it; another one is remembered, and the next one begins a word later. So no character counts twice.

`datatrove`: what datatrove 0.10 (`gopher_repetition_filter.py`) divides and compares, to the value.

* Lines are those of `re.split("\n+", text)`, not stripped; paragraphs those of `re.split("\n{2,}", text.strip())`.
* Every number of characters is divided by `len(text)`, white space included.
* A most frequent n-gram counts `len(" ".join(ngram)) * occurrences`, also if it occurs once or overlaps itself, so that
  short texts are "repetitive" and a fraction can exceed 1. With fewer than n words it is 0: the rule is skipped.
* Duplicate n-grams are compared as `"".join(ngram)`: "ab c" is "a bc".
* Departure: it fails on an empty text with a division by zero; here the fractions are null.

Lines, paragraphs and words are compared by 64-bit hashes, and n-grams by polynomials in these: two different ones are
taken for one about once in 2**64 pairs.
"""

from collections.abc import Mapping
from typing import Literal

import numpy as np
import pyarrow as pa

from corpuskit.kernels import Texts, WordKind, characters
from corpuskit.kernels.code_points import span_code_points
from corpuskit.kernels.repeated_lines import repeated_lines
from corpuskit.kernels.repeats import DUPLICATE_SIZES, LAST_TOP, TOP_SIZES, repeated_sequences
from corpuskit.kernels.repeats_joined import repeated_joins
from corpuskit.signals.group import Signal, SignalGroup, WordsConfig, ratio

Dialect = Literal["corpuskit", "datatrove"]


def fractions(texts: Texts, kind: WordKind, dialect: Dialect) -> dict[str, np.ndarray]:
    """Return float32[n] of each of REPETITION_SIGNALS; NaN where it is undefined.

    Args:
        texts: n documents.
        kind: what the words of n-grams are.
        dialect: which reading of the module's docstring.
    """
    return _lines(texts, dialect) | (_sequences(texts, kind) if dialect == "corpuskit" else _joins(texts, kind))


def _lines(texts: Texts, dialect: Dialect) -> dict[str, np.ndarray]:
    lines, paragraphs = repeated_lines(texts, stripped=dialect == "corpuskit")
    values = {}
    for name, repeats in (("line", lines), ("paragraph", paragraphs)):
        whole = repeats.characters if dialect == "corpuskit" else characters(texts)
        values[f"duplicate_{name}s"] = ratio(repeats.duplicates, np.where(whole, repeats.spans, 0))
        values[f"duplicate_{name}_characters"] = ratio(repeats.duplicate_characters, whole)
    return values


def _sequences(texts: Texts, kind: WordKind) -> dict[str, np.ndarray]:
    words = texts.words(kind)
    repeats, whole = repeated_sequences(words), span_code_points(words)
    covered = np.where(repeats.counts > 1, repeats.covered, 0)
    return _by_size(covered, repeats.duplicates, whole)


def _joins(texts: Texts, kind: WordKind) -> dict[str, np.ndarray]:
    words = texts.words(kind)
    top = repeated_sequences(words, longest=LAST_TOP, cover=False)
    spaces = np.array(TOP_SIZES) - 1
    return _by_size((top.lengths + spaces) * top.counts, repeated_joins(words), characters(texts))


def _by_size(top: np.ndarray, duplicates: np.ndarray, whole: np.ndarray) -> dict[str, np.ndarray]:
    """Return the fractions of n-grams by name; top: int64[n, 3], duplicates: int64[n, 6], whole: int64[n]."""
    tops = {f"top_{n}_gram": ratio(top[:, place], whole) for place, n in enumerate(TOP_SIZES)}
    return tops | {
        f"duplicate_{n}_grams": ratio(duplicates[:, place], whole) for place, n in enumerate(DUPLICATE_SIZES)
    }


def measure(texts: Texts, config: WordsConfig) -> dict[str, np.ndarray]:
    """Return float32[n] of each signal of the group; NaN where it is undefined."""
    return fractions(texts, config.words, "corpuskit")


def _share(formula: str, undefined: str) -> Signal:
    return Signal(pa.float32(), "0 to 1", formula, undefined)


BLANK, WORDLESS, EMPTY = "texts of white space alone", "texts without a word", "empty texts"

REPETITION_SIGNALS: Mapping[str, Signal] = {
    "duplicate_lines": _share("lines equal to one before / lines", BLANK),
    "duplicate_line_characters": _share("characters of lines equal to one before / characters of lines", BLANK),
    "duplicate_paragraphs": _share("paragraphs equal to one before / paragraphs", BLANK),
    "duplicate_paragraph_characters": _share(
        "characters of paragraphs equal to one before / characters of paragraphs", BLANK
    ),
    **{
        f"top_{n}_gram": _share(
            f"characters of the words in the most frequent {n}-gram, 0 if it occurs once / characters of all words",
            WORDLESS,
        )
        for n in TOP_SIZES
    },
    **{
        f"duplicate_{n}_grams": _share(
            f"characters of the words in {n}-grams met before / characters of all words", WORDLESS
        )
        for n in DUPLICATE_SIZES
    },
}
"""The fractions of dialect `corpuskit`."""

DATATROVE_REPETITION_SIGNALS: Mapping[str, Signal] = {
    "duplicate_lines": _share("lines equal to one before / lines, not stripped", EMPTY),
    "duplicate_line_characters": _share("characters of lines equal to one before / characters", EMPTY),
    "duplicate_paragraphs": _share("paragraphs equal to one before / paragraphs", EMPTY),
    "duplicate_paragraph_characters": _share("characters of paragraphs equal to one before / characters", EMPTY),
    **{
        f"top_{n}_gram": Signal(
            pa.float32(),
            "0 or more",
            f"characters of the most frequent {n}-gram, its spaces too, times its occurrences / characters",
            EMPTY,
        )
        for n in TOP_SIZES
    },
    **{
        f"duplicate_{n}_grams": _share(f"characters of {n}-grams met before, joined without spaces / characters", EMPTY)
        for n in DUPLICATE_SIZES
    },
}
"""The fractions of dialect `datatrove`."""

REPETITION = SignalGroup(
    name="repetition",
    revision=1,
    source="Rae et al. 2021 (Gopher), table A1; what the paper leaves open is stated in corpuskit.signals.repetition",
    signals=REPETITION_SIGNALS,
    measure=measure,
    config=WordsConfig,
    defaults={"words": "unicode"},
)
