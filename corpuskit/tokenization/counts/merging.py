"""Counts of several splits, corpora or languages as one; counts from elsewhere; words that are too rare, cut."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpuskit.errors import InputError
from corpuskit.kernels.compiling import fixed
from corpuskit.kernels.hashing import hash_spans
from corpuskit.tokenization.counts.order import bytes_of
from corpuskit.tokenization.counts.table import MAX_MEMORY, WordTable
from corpuskit.tokenization.counts.words import WordCounts, add_up

PARTITION_SEED = 1
"""Of the hash that gives words their partition; the table's own hash has another, so that its slots fill evenly."""


@dataclass(frozen=True)
class Cut:
    """What a minimum count left out."""

    minimum: int
    words: int
    occurrences: int
    of_words: int
    of_occurrences: int

    def __str__(self) -> str:
        return (
            f"{self.words:,} of {self.of_words:,} words occur fewer than {self.minimum:,} times: "
            f"{self.occurrences:,} of {self.of_occurrences:,} occurrences are left out"
        )


def merge(counted: Iterable[WordCounts], max_memory: int = MAX_MEMORY) -> WordCounts:
    """Return the counts of all together: the same whatever the order, and however they were split.

    Raises:
        InputError: more than 2**63 - 1 occurrences in all, or more different words than fit into `max_memory` bytes.
    """
    table = WordTable(max_memory)
    for counts in counted:
        table.add_counts(counts)
    return table.counts()


def partition(counts: WordCounts, number: int) -> list[WordCounts]:
    """Return the counts in `number` parts by a hash of the word: a word lies in the same part of all counts.

    So part k of all splits can be merged without the others, and with a minimum count at once: what is in part k is in
    no other.
    """
    data, offsets = bytes_of(counts.words)
    numbers = hash_spans(data, offsets[:-1], offsets[1:], PARTITION_SEED) % np.uint64(number)
    return [select(counts, numbers == k) for k in range(number)]


def select(counts: WordCounts, chosen: np.ndarray) -> WordCounts:
    """Return the words that are chosen; bool[n]."""
    return WordCounts(counts.words.filter(pa.array(chosen)), fixed(counts.counts[chosen], np.int64))


def cut_rare(counts: WordCounts, minimum: int) -> tuple[WordCounts, Cut]:
    """Return the words that occur `minimum` times or more, and what was left out.

    Only counts of whole corpora, or whole partitions, may be cut: a word that is rare in each split may be common.

    Raises:
        InputError: there are words, but all of them are rarer.
    """
    kept = counts.counts >= minimum
    cut = Cut(minimum, int((~kept).sum()), add_up(counts.counts[~kept]), len(counts), counts.total)
    if len(counts) and not kept.any():
        raise InputError(
            f"the minimum count {minimum:,} leaves no word: the commonest of {len(counts):,} occurs "
            f"{int(counts.counts.max()):,} times"
        )
    return (counts if kept.all() else select(counts, kept)), cut


def from_columns(words: pa.Array | pa.ChunkedArray, counts: pa.Array | pa.ChunkedArray) -> WordCounts:
    """Return counts made elsewhere: words in any order, equal ones added up.

    Args:
        words: string, large_string, binary or large_binary[n], UTF-8.
        counts: any integers[n], each 1 or more.

    Raises:
        InputError: the columns have other types, nulls, empty words, bytes that are no UTF-8, or counts below 1.
    """
    table = WordTable()
    table.add_counts(WordCounts(_checked_words(words), _checked_counts(counts)))
    return table.counts()


def _one_array(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _checked_words(words: pa.Array | pa.ChunkedArray) -> pa.LargeBinaryArray:
    words = _one_array(words)
    if words.null_count:
        raise InputError(f"{words.null_count:,} of {len(words):,} words are null")
    try:
        words = words.cast(pa.large_string()).cast(pa.large_binary())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise InputError(f"words must be UTF-8 in a column of strings or binary, not {words.type}: {error}") from error
    empty = pc.sum(pc.equal(pc.binary_length(words), 0)).as_py()
    if empty:
        raise InputError(f"{empty:,} of {len(words):,} words are empty")
    return words


def _checked_counts(counts: pa.Array | pa.ChunkedArray) -> np.ndarray:
    counts = _one_array(counts)
    if not pa.types.is_integer(counts.type):
        raise InputError(f"counts must be integers, not {counts.type}")
    if counts.null_count:
        raise InputError(f"{counts.null_count:,} of {len(counts):,} counts are null")
    try:
        numbers = counts.cast(pa.int64()).to_numpy(zero_copy_only=False)
    except pa.ArrowInvalid as error:
        raise InputError(f"counts must fit into 64 bits with a sign: {error}") from error
    if numbers.size and numbers.min() < 1:
        raise InputError(f"counts must be 1 or more, not {numbers.min()}")
    return fixed(numbers, np.int64)
