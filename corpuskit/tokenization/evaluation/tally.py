"""Sums over texts that figures are made of: tokens by id, words, and what comes back from decoding."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpuskit.kernels import Texts, as_arrow, characters, gather_spans
from corpuskit.kernels.spans import Spans
from corpuskit.tokenization.tokenizer import Tokenizer

BATCH = 16 << 20
"""Bytes of text that are encoded at a time; one longer document is a batch by itself."""
DUMMY = pa.scalar(b" ", pa.large_binary())
"""What SentencePiece puts before a text unless it is told not to."""
SEPARATOR = pa.scalar(b"", pa.large_binary())


@dataclass(eq=False)
class Tally:
    """Sums over the texts of one tokenizer."""

    counts: np.ndarray
    """How often each id occurs; int64[vocab_size]."""
    documents: int = 0
    round_trips: int = 0
    """Documents that decoding gives back."""
    bytes: int = 0
    characters: int = 0
    words: int = 0
    """Words of kind `unicode`."""
    placed_words: int = 0
    """Words of documents whose tokens, one after the other, are the bytes of the text, or these after a space."""
    whole_words: int = 0
    """Of these, words without a token boundary inside."""
    vocabulary: list[pa.Table] = field(default_factory=list)
    """Distinct words with their number: tables of `word` (large_string) and `count` (int64)."""

    def __add__(self, other: "Tally") -> "Tally":
        names = ("documents", "round_trips", "bytes", "characters", "words", "placed_words", "whole_words")
        sums = {name: getattr(self, name) + getattr(other, name) for name in names}
        return Tally(self.counts + other.counts, vocabulary=[*self.vocabulary, *other.vocabulary], **sums)

    def common_words(self, most: int) -> pa.Array:
        """Return the commonest words, ties in the order of their bytes; large_string[at most `most`]."""
        if not self.vocabulary:
            return pa.array([], pa.large_string())
        summed = pa.concat_tables(self.vocabulary).group_by("word").aggregate([("count", "sum")])
        order = summed.sort_by([("count_sum", "descending"), ("word", "ascending")])
        return order["word"].slice(0, most).combine_chunks()


def tally(tokenizer: Tokenizer, texts: pa.Array | pa.ChunkedArray) -> Tally:
    """Encode texts and sum up what is found; memory follows the batch.

    Args:
        tokenizer: any tokenizer.
        texts: string or large_string[n]; nulls count as empty.
    """
    total = Tally(np.zeros(tokenizer.vocab_size, np.int64))
    for batch in batches(texts):
        _add(total, tokenizer, batch)
    return total


def batches(texts: pa.Array | pa.ChunkedArray, size: int = BATCH) -> Iterator[pa.Array]:
    """Yield a column as large_string arrays of about `size` bytes, without nulls, none of them empty."""
    for chunk in texts.chunks if isinstance(texts, pa.ChunkedArray) else [texts]:
        plain = chunk.cast(pa.large_string())
        plain = plain.fill_null("") if plain.null_count else plain
        ends = np.cumsum(pc.binary_length(plain).to_numpy(zero_copy_only=False))
        start, done = 0, 0
        while start < len(plain):
            stop = max(int(np.searchsorted(ends, done + size, "right")), start + 1)
            yield plain.slice(start, stop - start)
            start, done = stop, int(ends[stop - 1])


def _add(total: Tally, tokenizer: Tokenizer, batch: pa.Array) -> None:
    texts = Texts.from_arrow(batch)
    words = texts.words()
    lists = tokenizer.encode(batch)
    total.counts += np.bincount(lists.flatten().to_numpy(), minlength=tokenizer.vocab_size)
    total.documents += len(batch)
    total.bytes += int(texts.lengths().sum())
    total.characters += int(characters(texts).sum())
    total.words += len(words)
    total.vocabulary.append(_distinct(words))
    spelled, plain = tokenizer.decode_bytes(lists), batch.cast(pa.large_binary())
    same = pc.equal(spelled, plain)
    total.round_trips += _round_trips(tokenizer, batch, lists, same)
    spaced = pc.equal(spelled, pc.binary_join_element_wise(DUMMY, plain, SEPARATOR))
    placed = pc.or_(same, spaced)
    _add_whole_words(total, tokenizer, batch.filter(placed), lists.filter(placed), spaced.filter(placed))


def _round_trips(tokenizer: Tokenizer, batch: pa.Array, lists: pa.Array, same: pa.BooleanArray) -> int:
    """Return how many documents decoding gives back, which it may do although the bytes of the tokens differ."""
    rest = pc.invert(same)
    back = tokenizer.decode(lists.filter(rest))
    return int(same.true_count) + int(pc.equal(back, batch.filter(rest)).true_count)


def _distinct(words: Spans) -> pa.Table:
    found = as_arrow(*gather_spans(words.data, words.starts, words.ends)).value_counts()
    return pa.table({"word": found.field("values"), "count": found.field("counts")})


def _add_whole_words(
    total: Tally, tokenizer: Tokenizer, batch: pa.Array, lists: pa.Array, spaced: pa.BooleanArray
) -> None:
    """Add the words of documents whose tokens are their bytes, after one space more where `spaced`."""
    texts = Texts.from_arrow(batch)
    words = texts.words()
    total.placed_words += len(words)
    if not len(words):
        return
    first = texts.offsets[0]
    ends = np.cumsum(tokenizer.token_bytes()[lists.flatten().to_numpy()], dtype=np.int64)
    added = np.cumsum(spaced.to_numpy(zero_copy_only=False))
    ends -= np.repeat(added, np.diff(lists.offsets.to_numpy()))
    bounds = np.zeros(int(texts.offsets[-1] - first) + 1, np.int32)
    bounds[ends] = 1
    # Boundaries up to and with each byte: the last one inside a word lies before its last byte.
    passed = np.cumsum(bounds, dtype=np.int32)
    inside = passed[words.ends - first - 1] - passed[words.starts - first]
    total.whole_words += int(np.count_nonzero(inside == 0))
