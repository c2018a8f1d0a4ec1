"""Evaluation items in documents: how much of one item a document has, by task.

The share of an item is that of its distinct n-grams (13 words by default, as GPT-3 took it; Brown et al. 2020, appendix
C) that occur in the document; items of fewer words are looked for whole. `docs/decontamination.md` has the definition
and the choices.
"""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from corpuskit.contamination.config import SUFFIXES, ContaminationConfig
from corpuskit.contamination.loading import identity, load
from corpuskit.contamination.overlap import overlap
from corpuskit.contamination.similarity import similarities
from corpuskit.kernels import Texts
from corpuskit.signals.group import Signal, SignalGroup

NGRAMS, SIMILARITY = SUFFIXES


def named(config: ContaminationConfig) -> dict[str, Signal]:
    """Return the signals by name: two a set of items, three with `minhash`."""
    found = {}
    for name in config.sets:
        share = f"the largest share of the distinct n-grams of one item of {name} that the text has"
        found[name] = Signal(pa.float32(), "0 to 1", share)
        begun = f"words of the text that begin an n-gram of an item of {name}"
        found[name + NGRAMS] = Signal(pa.int32(), "0 or more", begun)
        if config.minhash:
            jaccard = f"the highest Jaccard similarity to an item of {name}, by MinHash; 0 where no band is shared"
            found[name + SIMILARITY] = Signal(pa.float32(), "0 to 1", jaccard, "texts of fewer than 3 words")
    return found


def measure(texts: Texts, config: ContaminationConfig) -> Mapping[str, np.ndarray]:
    """Return float32[n] of each share and similarity, int32[n] of each count.

    Raises:
        InputError: a file of items cannot be read; the message names it.
    """
    wanted = load(config)
    found = overlap(texts, wanted.table)
    shares, counts = found.shares(), found.counts()
    values = {}
    for column, name in enumerate(config.sets):
        values[name], values[name + NGRAMS] = shares[:, column], counts[:, column]
    if wanted.similar:
        similar = similarities(found.words, wanted.similar)
        values |= {name + SIMILARITY: similar[:, column] for column, name in enumerate(config.sets)}
    return values


CONTAMINATION = SignalGroup(
    name="contamination",
    revision=2,
    source="13-grams as GPT-3 took them (Brown et al. 2020, appendix C), as a share of the item; words and short items "
    "in docs/decontamination.md",
    signals={},
    named=named,
    measure=measure,
    config=ContaminationConfig,
    identity=identity,
    named_in="`tasks` or `decontaminate.references`",
)
