"""Evaluation items, cut out of texts: `decontaminate: cut` of a variant.

An item is cut where the text has more than `max_share` of its distinct n-grams: the words that these n-grams cover go,
whole words and no more, with what lies between them. What follows a cut goes up to the next word, or to the end of the
line, so that no stray punctuation stays; where nothing lies between the words on both sides of a cut, as in Chinese, a
space takes its place, lest two words become one.
"""

from typing import Literal

import numpy as np
import pyarrow as pa
from pydantic import Field

from corpuskit.clean.cleaner import Cleaned, Cleaner
from corpuskit.config import Share
from corpuskit.contamination.config import ContaminationConfig
from corpuskit.contamination.loading import identity, load
from corpuskit.contamination.overlap import Overlap
from corpuskit.contamination.table import find
from corpuskit.kernels import Texts, Words, as_arrow, fixed, kernel, replace_rows
from corpuskit.kernels.casing import lowered

LINE_FEED, SPACE = 0x0A, 0x20


class ContaminationCleanerConfig(ContaminationConfig):
    """What is cut out; made from `decontaminate` of a recipe for variants that ask for it."""

    step: Literal["contamination"] = "contamination"
    """The cleaner's name."""
    max_share: Share = Field(0.5, ge=0, lt=1)
    """The largest share of an item that stays."""


@kernel
def _cut(data, offsets, starts, ends, first_cut, begins, stops, out, bounds):  # type: ignore[no-untyped-def]
    """Write texts without some runs of words to out; fill bounds int64[m + 1], from 0.

    data, offsets: the texts. starts, ends: their words, by number. begins, stops: first word and word after the last
    of each run; those of text i are `first_cut[i]` to `first_cut[i + 1]`; words of text i lie within it.
    """
    size = np.int64(0)
    for text in range(offsets.size - 1):
        position, stop = offsets[text], offsets[text + 1]
        for cut in range(first_cut[text], first_cut[text + 1]):
            begin, end = starts[begins[cut]], ends[stops[cut] - 1]
            for place in range(position, begin):
                out[size] = data[place]
                size += 1
            apart = begin == offsets[text] or (begins[cut] > 0 and ends[begins[cut] - 1] < begin)
            position = end
            following = stops[cut]
            beyond = starts[following] if following < starts.size and starts[following] < stop else stop
            if apart:
                while position < beyond and data[position] != LINE_FEED:
                    position += 1
            elif position == beyond and position < stop:
                out[size] = SPACE
                size += 1
        for place in range(position, stop):
            out[size] = data[place]
            size += 1
        bounds[text + 1] = size


def clean(texts: pa.Array, config: ContaminationCleanerConfig) -> Cleaned:
    """Cut the items out; as `Cleaner.clean`.

    Raises:
        InputError: a file of items cannot be read; the message names it.
    """
    batch, table = Texts.from_arrow(texts), load(config).table
    low = lowered(batch)
    begins, stops = Overlap(table, low.words(), *find(low.words(), table)).spans(config.max_share)
    words = batch.words()
    documents = np.searchsorted(words.offsets, begins, "right") - 1
    counts = np.zeros(len(batch), np.int32)
    np.add.at(counts, documents, (stops - begins).astype(np.int32))
    rows = np.unique(documents)
    return Cleaned(_without(texts, words, rows, documents, begins, stops), {"contaminated_words": counts})


def _without(
    texts: pa.Array, words: Words, rows: np.ndarray, documents: np.ndarray, begins: np.ndarray, stops: np.ndarray
) -> pa.Array:
    """Return the texts with new values at `rows`, int64[m] rising, those that lose the runs of words."""
    if not rows.size:
        return texts
    old = Texts.from_arrow(texts.take(pa.array(rows)))
    own = old.words()
    shift = (words.offsets[rows] - own.offsets[:-1])[np.searchsorted(rows, documents)]
    first_cut = np.searchsorted(documents, np.append(rows, len(texts)))
    out, bounds = np.empty(old.data.size + len(begins), np.uint8), np.zeros(len(rows) + 1, np.int64)
    runs = (fixed(value, np.int64) for value in (first_cut, begins - shift, stops - shift))
    _cut(old.data, old.offsets, own.starts, own.ends, *runs, out, bounds)
    return replace_rows(texts, rows, as_arrow(out[: bounds[-1]], bounds))


CONTAMINATION = Cleaner(
    name="contamination",
    revision=1,
    source="corpuskit; as GPT-3 cut 13-grams out of documents, without the 200 characters on either side",
    config=ContaminationCleanerConfig,
    counts={"contaminated_words": "words cut that n-grams of evaluation items cover"},
    clean=clean,
    identity=lambda config: {"step": config.step, "max_share": config.max_share, **identity(config)},
)
