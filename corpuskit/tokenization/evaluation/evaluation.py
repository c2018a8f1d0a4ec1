"""Several tokenizers side by side: all measures, and `evaluation.json`."""

import operator
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import reduce

import orjson
import pyarrow as pa

from corpuskit.errors import InputError
from corpuskit.tokenization.evaluation.figures import Figures, figures
from corpuskit.tokenization.evaluation.morphology import Gold, Morphology, morphology
from corpuskit.tokenization.evaluation.parallel import Parallel
from corpuskit.tokenization.evaluation.parity import Parity, parity
from corpuskit.tokenization.evaluation.probes import Numbers, Whitespace, numbers, whitespace
from corpuskit.tokenization.evaluation.segmentation import SENTENCES, Segment, segments
from corpuskit.tokenization.evaluation.speed import speed
from corpuskit.tokenization.evaluation.tally import tally
from corpuskit.tokenization.evaluation.vocabulary import RARE, Overlap, Vocabulary, overlaps, vocabulary
from corpuskit.tokenization.tokenizer import Tokenizer

FORMAT_VERSION = 1
"""Of `evaluation.json`: raised when a field changes its meaning or goes away, not when one is added."""


@dataclass(frozen=True, kw_only=True)
class Evaluated:
    """All that was measured of one tokenizer."""

    name: str
    type: str
    fingerprint: str
    lossless: bool
    overall: Figures
    """Over all texts together."""
    texts: Mapping[str, Figures]
    """By name of the text."""
    vocabulary: Vocabulary
    """Its use is that over all texts together."""
    parities: tuple[Parity, ...]
    """One for each parallel set."""
    morphologies: tuple[Morphology, ...]
    """One for each gold set."""
    numbers: Numbers
    whitespace: tuple[Whitespace, ...]
    segmentations: Mapping[str, tuple[Segment, ...]]
    """By name of the sentence."""
    megabytes_per_second: float | None
    """None where it was not timed."""


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """Several tokenizers, measured on the same texts."""

    tokenizers: tuple[Evaluated, ...]
    overlaps: tuple[Overlap, ...]
    sentences: Mapping[str, str]
    """The sentences that segmentations are of, by name."""
    format_version: int = field(default=FORMAT_VERSION)

    def to_json(self) -> bytes:
        """Return `evaluation.json`: the fields of these classes, tokens as hexadecimal bytes.

        All of it but `megabytes_per_second` follows from the tokenizers and the texts.
        """
        return orjson.dumps(self, option=orjson.OPT_INDENT_2)


def evaluate(
    tokenizers: Mapping[str, Tokenizer],
    texts: Mapping[str, pa.Array | pa.ChunkedArray],
    *,
    parallel: Iterable[Parallel] = (),
    gold: Iterable[Gold] = (),
    sentences: Mapping[str, str] | None = None,
    reference: str | None = None,
    rare: int = RARE,
    timed: bool = True,
) -> Evaluation:
    """Measure tokenizers on the same texts.

    Args:
        tokenizers: by the name that they are shown under.
        texts: string or large_string columns, one document a row, by name: of a language, or of a source. Best texts
            that no tokenizer was trained on.
        parallel: parallel sentences (`parallel.load`), for premiums and Gini coefficients.
        gold: segmented words (`morphology.load_gold`).
        sentences: what is shown cut into tokens, by name; `SENTENCES` by default.
        reference: the language that premiums refer to, in every parallel set.
        rare: occurrences in all texts together below which a token is under-used.
        timed: whether to measure the speed.

    Raises:
        InputError: there is no tokenizer, no text, or no such reference language.
    """
    if not tokenizers or not texts:
        raise InputError(f"there is no {'text' if tokenizers else 'tokenizer'} to evaluate")
    shown = SENTENCES if sentences is None else sentences
    sets, segmented = tuple(parallel), tuple(gold)
    found = []
    for name, tokenizer in tokenizers.items():
        sums = {text: tally(tokenizer, column) for text, column in texts.items()}
        overall = reduce(operator.add, sums.values())
        cut = segments(tokenizer, list(shown.values()))
        found.append(
            Evaluated(
                name=name,
                type=tokenizer.type,
                fingerprint=tokenizer.fingerprint,
                lossless=tokenizer.lossless,
                overall=figures(tokenizer, overall),
                texts={text: figures(tokenizer, own) for text, own in sums.items()},
                vocabulary=vocabulary(tokenizer, overall.counts, rare),
                parities=tuple(parity(tokenizer, one, reference) for one in sets),
                morphologies=tuple(morphology(tokenizer, one) for one in segmented),
                numbers=numbers(tokenizer),
                whitespace=whitespace(tokenizer),
                segmentations=dict(zip(shown, cut, strict=True)),
                megabytes_per_second=speed(tokenizer, texts.values()) if timed else None,
            )
        )
    return Evaluation(tokenizers=tuple(found), overlaps=overlaps(tokenizers), sentences=dict(shown))
