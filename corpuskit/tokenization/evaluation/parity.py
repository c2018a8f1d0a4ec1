"""Fairness between languages: what the same sentences cost in each."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpuskit.errors import InputError
from corpuskit.tokenization.evaluation.figures import ratio
from corpuskit.tokenization.evaluation.parallel import Parallel
from corpuskit.tokenization.evaluation.tally import batches
from corpuskit.tokenization.tokenizer import Tokenizer

ENGLISH = ("en", "eng", "english")
"""Names of the language that others are compared with where none is given, up to the first `.`, `-` or `_`."""


@dataclass(frozen=True, kw_only=True)
class LanguageCost:
    """What the sentences cost in one language."""

    language: str
    bytes: int
    tokens: int
    tokens_per_line: float
    premium: float
    """Tokens over those of the reference language, for the same sentences."""
    byte_premium: float
    """The same of UTF-8 bytes: what is due to the text itself."""


@dataclass(frozen=True, kw_only=True)
class Parity:
    """What a tokenizer makes of parallel sentences.

    Sources: premiums are Petrov et al. 2023, "Language Model Tokenizers Introduce Unfairness Between Languages", taken
    over all sentences together; the Gini coefficient over languages of equal weight, of tokens per parallel line, is
    that of `tokenizer-analysis-suite` (Meister 2025).
    """

    name: str
    """Of the parallel set."""
    lines: int
    reference: str
    """The language whose premium is 1: the given one, else English where it is there, else the one with the fewest
    tokens."""
    gini: float
    """0 where every language costs the same, at most 1 - 1 / languages."""
    byte_gini: float
    """The same of UTF-8 bytes: what a tokenizer of single bytes would have."""
    languages: tuple[LanguageCost, ...]
    """From the smallest premium to the largest."""
    left_out: tuple[str, ...]
    """Languages with too few lines (`parallel.align`)."""


def parity(tokenizer: Tokenizer, sentences: Parallel, reference: str | None = None) -> Parity:
    """Measure what parallel sentences cost in each language.

    Args:
        tokenizer: any tokenizer.
        sentences: the same sentences in two languages or more.
        reference: the language that premiums refer to.

    Raises:
        InputError: the set has no language of this name.
    """
    names = list(sentences.languages)
    tokens = np.array([_tokens(tokenizer, column) for column in sentences.languages.values()])
    sizes = np.array([pc.sum(pc.binary_length(column)).as_py() for column in sentences.languages.values()])
    base = names.index(_reference(sentences, reference) or names[int(np.argmin(tokens))])
    costs = [
        LanguageCost(
            language=names[index],
            bytes=int(sizes[index]),
            tokens=int(tokens[index]),
            tokens_per_line=float(tokens[index] / sentences.lines),
            premium=float(tokens[index] / tokens[base]),
            byte_premium=float(sizes[index] / sizes[base]),
        )
        for index in np.argsort(tokens, kind="stable")
    ]
    return Parity(
        name=sentences.name,
        lines=sentences.lines,
        reference=names[base],
        gini=gini(tokens),
        byte_gini=gini(sizes),
        languages=tuple(costs),
        left_out=sentences.left_out,
    )


def gini(costs: Sequence[float] | np.ndarray) -> float:
    """Return the Gini coefficient: the mean difference of two costs over twice their mean; 0 where all are 0."""
    values = np.asarray(costs, np.float64)
    difference = np.abs(values[:, None] - values[None, :]).mean()
    return float(ratio(difference, 2 * values.mean()) or 0.0)


def _tokens(tokenizer: Tokenizer, column: pa.Array) -> int:
    return sum(len(tokenizer.encode(batch).flatten()) for batch in batches(column))


def _reference(sentences: Parallel, given: str | None) -> str | None:
    if given is not None:
        if given not in sentences.languages:
            known = ", ".join(sentences.languages)
            raise InputError(f"{sentences.name}: no language is called {given!r}; there are {known}")
        return given
    return next((name for name in sentences.languages if _is_english(name)), None)


def _is_english(name: str) -> bool:
    return name.lower().replace("-", "_").replace(".", "_").split("_")[0] in ENGLISH
