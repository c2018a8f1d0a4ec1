"""Texts to counts of their words."""

import itertools
from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa

from corpuskit.kernels.texts import Texts
from corpuskit.tokenization.counts.config import CountsConfig
from corpuskit.tokenization.counts.table import MAX_MEMORY, WordTable
from corpuskit.tokenization.counts.words import WordCounts
from corpuskit.tokenization.normalization import normalize
from corpuskit.tokenization.pretokens import check_pretokenizer, pretokenize

BLOCK_BYTES = 1 << 20
"""Of texts whose words are found before they are counted, so that where they lie is still in the CPU's cache."""


def count_words(batches: Iterable[Texts], pretokenizer: str, max_memory: int = MAX_MEMORY) -> WordCounts:
    """Return how often each word occurs; no words where there is no text.

    Args:
        batches: documents; words never cross them.
        pretokenizer: what a word is, as `pretokenize` takes it.
        max_memory: of the table of words; bytes.

    Raises:
        InputError: no pre-tokenizer has that name, or there are more different words than fit into `max_memory`.
    """
    check_pretokenizer(pretokenizer)
    table = WordTable(max_memory)
    for texts in batches:
        for block in _blocks(texts):
            table.add(pretokenize(block, pretokenizer))
    return table.counts()


def count_into(table: WordTable, texts: pa.Array, config: CountsConfig) -> None:
    """Normalise texts and count their words.

    Args:
        table: counts them beside those it has.
        texts: string or large_string[n]; words never cross them.
        config: how words are found.

    Raises:
        InputError: there are more different words than the table may hold.
    """
    for block in _blocks(Texts.from_arrow(normalize(texts, config.normalization))):
        table.add(pretokenize(block, config.pretokenizer))


def _blocks(texts: Texts) -> Iterator[Texts]:
    """Yield the documents again, about BLOCK_BYTES at a time."""
    ends = np.arange(texts.offsets[0], texts.offsets[-1], BLOCK_BYTES)
    bounds = np.unique(np.append(np.searchsorted(texts.offsets, ends), len(texts))).tolist()
    for start, stop in itertools.pairwise(bounds):
        yield texts.rows(start, stop)
