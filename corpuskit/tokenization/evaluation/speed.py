"""How fast a tokenizer encodes."""

import time
from collections.abc import Iterable

import pyarrow as pa
import pyarrow.compute as pc

from corpuskit.tokenization.evaluation.tally import batches
from corpuskit.tokenization.tokenizer import Tokenizer

SAMPLE = 4 << 20
"""Bytes of text that are encoded, about: an equal part of each text, as speed differs by language."""
REPEATS = 3


def speed(tokenizer: Tokenizer, texts: Iterable[pa.Array | pa.ChunkedArray]) -> float | None:
    """Return how many megabytes (10^6 bytes) of UTF-8 are encoded in a second by one thread; None without text.

    The best of `REPEATS` runs over the beginnings of all texts, caches warm: a figure of this machine at this moment.
    """
    columns = [column for column in texts if len(column)]
    firsts = [next(batches(column, SAMPLE // len(columns))) for column in columns]
    size = sum(pc.sum(pc.binary_length(first)).as_py() for first in firsts)
    return size / min(_seconds(tokenizer, firsts) for _ in range(REPEATS)) / 1e6 if size else None


def _seconds(tokenizer: Tokenizer, columns: list[pa.Array]) -> float:
    start = time.perf_counter()
    for column in columns:
        tokenizer.encode(column)
    return time.perf_counter() - start
