"""What a tokenizer does to a text, as numbers."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpuskit.tokenization.evaluation.efficiency import renyi_efficiency
from corpuskit.tokenization.evaluation.tally import Tally, tally
from corpuskit.tokenization.tokenizer import Tokenizer

COMMON_WORDS = 5000
"""Words that STRR is taken over: the commonest of the text. Over all words it would fall with the size of the text."""


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Figures of one tokenizer on one text; None where the text has nothing to divide by."""

    documents: int
    bytes: int
    """UTF-8 bytes."""
    characters: int
    """Code points."""
    words: int
    """Words of kind `unicode`: each Chinese character is one."""
    tokens: int
    bytes_per_token: float | None
    """Higher is a shorter sequence."""
    characters_per_token: float | None
    fertility: float | None
    """Tokens per word (Rust et al. 2021); spaces and punctuation are in the tokens. Per character in Chinese, where
    each is a word. Lower is a shorter sequence."""
    strr: float | None
    """Single Token Retention Rate (arXiv 2510.09947): the share of the commonest `COMMON_WORDS` words of the text that
    are one token, alone or after a space. The paper takes word lists, and words alone."""
    whole_words: float | None
    """The share of word occurrences without a token boundary inside. Documents whose tokens are not the bytes of the
    text are left out; None if all are."""
    renyi_efficiency: float | None
    """Order 2.5, over the tokens that occur (`efficiency.renyi_efficiency`)."""
    renyi_efficiency_of_vocabulary: float | None
    """The same over all tokens of the vocabulary but the reserved ones."""
    used_tokens: int
    """Distinct tokens that occur."""
    partial_tokens: float | None
    """The share of token occurrences that are not whole UTF-8 characters."""
    round_trip: float | None
    """The share of documents that decoding gives back."""


def measure(tokenizer: Tokenizer, texts: pa.Array | pa.ChunkedArray) -> Figures:
    """Measure a tokenizer on a text.

    Args:
        tokenizer: any tokenizer.
        texts: string or large_string[n], one document a row; nulls count as empty.
    """
    return figures(tokenizer, tally(tokenizer, texts))


def figures(tokenizer: Tokenizer, sums: Tally) -> Figures:
    """Return the figures that sums give."""
    tokens = int(sums.counts.sum())
    partial = int(sums.counts[partial_ids(tokenizer)].sum())
    return Figures(
        documents=sums.documents,
        bytes=sums.bytes,
        characters=sums.characters,
        words=sums.words,
        tokens=tokens,
        bytes_per_token=ratio(sums.bytes, tokens),
        characters_per_token=ratio(sums.characters, tokens),
        fertility=ratio(tokens, sums.words),
        strr=_single_token_share(tokenizer, sums.common_words(COMMON_WORDS)),
        whole_words=ratio(sums.whole_words, sums.placed_words),
        renyi_efficiency=renyi_efficiency(sums.counts),
        renyi_efficiency_of_vocabulary=renyi_efficiency(sums.counts, vocab_size=len(text_ids(tokenizer))),
        used_tokens=int(np.count_nonzero(sums.counts)),
        partial_tokens=ratio(partial, tokens),
        round_trip=ratio(sums.round_trips, sums.documents),
    )


def ratio(part: float, whole: float) -> float | None:
    """Return `part / whole`, or None where `whole` is 0."""
    return part / whole if whole else None


def text_ids(tokenizer: Tokenizer) -> np.ndarray:
    """Return the ids that stand for text; int64[m], ascending."""
    return np.flatnonzero(tokenizer.token_bytes() > 0)


def partial_ids(tokenizer: Tokenizer) -> np.ndarray:
    """Return the ids whose bytes are not whole UTF-8 characters; int64[m], ascending."""
    return np.array([index for index, token in enumerate(tokenizer.tokens()) if not is_whole(token)], np.int64)


def is_whole(token: bytes) -> bool:
    """Whether bytes are whole UTF-8 characters."""
    try:
        token.decode()
    except UnicodeDecodeError:
        return False
    return True


def _single_token_share(tokenizer: Tokenizer, words: pa.Array) -> float | None:
    spaced = pc.binary_join_element_wise(pa.scalar(" ", pa.large_string()), words, pa.scalar("", pa.large_string()))
    single = pc.or_(*(pc.equal(pc.list_value_length(tokenizer.encode(form)), 1) for form in (words, spaced)))
    return ratio(single.true_count, len(words))
