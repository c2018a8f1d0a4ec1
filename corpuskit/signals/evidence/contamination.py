"""The words of a text that evaluation items have too."""

import pyarrow as pa

from corpuskit.contamination import ContaminationConfig, overlap
from corpuskit.contamination.config import SUFFIXES
from corpuskit.contamination.loading import load
from corpuskit.errors import InputError
from corpuskit.kernels import Texts
from corpuskit.signals.evidence.spans import Span, words

NGRAMS = SUFFIXES[0]


def of_items(column: str, text: str, config: ContaminationConfig) -> tuple[str, list[Span]]:
    """Return what is marked, in words, and the runs of words that n-grams of a set's items cover.

    Nothing is marked for a similarity, which speaks of the text as a whole, nor where the files of the items are gone:
    they are not part of a corpus.

    Args:
        column: the signal, without its group.
        text: the text.
        config: the items, of this set and of others.
    """
    name = column if column in config.sets else column.removesuffix(NGRAMS)
    if name not in config.sets:
        return "", []
    try:
        table = load(config.model_copy(update={"sets": {name: config.sets[name]}})).table
    except InputError:
        return "", []
    places = words(text, "unicode")
    begins, stops = overlap(Texts.from_arrow(pa.array([text], pa.large_string())), table).spans(0)
    spans = [(places[begin][0], places[stop - 1][1]) for begin, stop in zip(begins, stops, strict=True)]
    return f"words of items of {name}", spans
