"""What is in a vocabulary: tokens that are used, hardly used, out of reach or parts of characters."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pyarrow as pa

from corpuskit.tokenization.evaluation.figures import partial_ids, text_ids
from corpuskit.tokenization.tokenizer import Tokenizer

RARE = 10
"""Occurrences in the given texts below which a token is under-used."""
LONGEST = 20
"""Token lengths that are counted one by one; longer tokens count as `LONGEST` + 1."""
EXAMPLES = 24
"""Tokens of a kind that are kept as examples."""
CONTEXTS = ("", " ", "x", "q", "é", "的", "7", "_", "-", "?", "\n", " \n")
"""What a token's text is put after to see whether any text gives the token: nothing, and characters after which the
usual pre-tokenizers do not begin a new word, or do."""


@dataclass(frozen=True, kw_only=True)
class TokenUse:
    """One token of a vocabulary."""

    id: int
    hex: str
    """Its bytes."""
    count: int
    """Occurrences in the given texts."""


@dataclass(frozen=True, kw_only=True)
class Vocabulary:
    """A vocabulary and how much of it texts use. How much that is follows the amount of text: compare on the same."""

    size: int
    """Ids, reserved ones included."""
    text_tokens: int
    """Ids that stand for text."""
    used: int
    """Tokens that occur in the given texts."""
    under_used: int
    """Tokens that occur fewer than `rare` times, or never. All 256 bytes and rare characters are among them in
    tokenizers that must be able to write any text."""
    rare: int
    partial: int
    """Tokens that are not whole UTF-8 characters."""
    partial_bytes: int
    """Of these, single bytes: the 128 above 0x7F, without which no byte-level tokenizer is lossless."""
    unreachable: int
    """Tokens of whole characters that do not occur in the given texts, nor in the encoding of their own text, alone
    or after any of `CONTEXTS`."""
    same_text: int
    """Tokens that share their bytes with another one, such as the two forms of a word's part in WordPiece."""
    lengths: tuple[int, ...]
    """Tokens of the vocabulary by bytes: 1 to `LONGEST`, then longer ones."""
    lengths_used: tuple[int, ...]
    """The same of token occurrences in the given texts."""
    under_used_examples: tuple[TokenUse, ...]
    """The longest."""
    unreachable_examples: tuple[TokenUse, ...]
    partial_examples: tuple[TokenUse, ...]
    """The commonest of two bytes or more."""


@dataclass(frozen=True, kw_only=True)
class Overlap:
    """How much two vocabularies have in common, as sets of byte strings."""

    first: str
    second: str
    shared: int
    """Byte strings that are tokens of both."""
    jaccard: float
    """These over the byte strings that are tokens of either."""


def vocabulary(tokenizer: Tokenizer, counts: np.ndarray, rare: int = RARE) -> Vocabulary:
    """Describe a vocabulary.

    Args:
        tokenizer: any tokenizer.
        counts: int64[vocab_size], how often each id occurs in the texts it is judged on.
        rare: occurrences below which a token is under-used.
    """
    ids, partial, sizes = text_ids(tokenizer), partial_ids(tokenizer), tokenizer.token_bytes()
    under_used = ids[counts[ids] < rare]
    unreachable = unreachable_ids(tokenizer, counts)
    tokens = tokenizer.tokens()
    long_partial = partial[sizes[partial] > 1]
    return Vocabulary(
        size=tokenizer.vocab_size,
        text_tokens=len(ids),
        used=int(np.count_nonzero(counts[ids])),
        under_used=len(under_used),
        rare=rare,
        partial=len(partial),
        partial_bytes=len(partial) - len(long_partial),
        unreachable=len(unreachable),
        same_text=len(ids) - len({tokens[index] for index in ids}),
        lengths=_by_length(sizes[ids], np.ones(len(ids), np.int64)),
        lengths_used=_by_length(sizes[ids], counts[ids]),
        under_used_examples=_examples(tokens, counts, under_used[np.argsort(-sizes[under_used], kind="stable")]),
        unreachable_examples=_examples(tokens, counts, unreachable),
        partial_examples=_examples(tokens, counts, long_partial[np.argsort(-counts[long_partial], kind="stable")]),
    )


def unreachable_ids(tokenizer: Tokenizer, counts: np.ndarray) -> np.ndarray:
    """Return the ids of whole characters that no text seems to give; int64[m], ascending.

    An id that occurs in `counts` is reached. The others are looked for in the encoding of their own text, alone and
    after each of `CONTEXTS`, so that what follows a word's start is found too. For BPE and Unigram a token that its
    own text does not give is given by no text, as long as their pre-tokenizers do not cut by what lies around.

    Args:
        tokenizer: any tokenizer.
        counts: int64[vocab_size], how often each id occurs in some texts.
    """
    tokens = tokenizer.tokens()
    left = np.setdiff1d(text_ids(tokenizer)[counts[text_ids(tokenizer)] == 0], partial_ids(tokenizer))
    for context in CONTEXTS:
        if not len(left):
            break
        probes = pa.array([context + tokens[index].decode() for index in left], pa.large_string())
        lists = tokenizer.encode(probes)
        rows = np.repeat(np.arange(len(left)), np.diff(lists.offsets.to_numpy()))
        found = rows[lists.flatten().to_numpy() == left[rows]]
        left = np.delete(left, found)
    return left


def overlaps(tokenizers: Mapping[str, Tokenizer]) -> tuple[Overlap, ...]:
    """Compare each pair of vocabularies; ids and how they are cut play no part."""
    strings = {name: set(tokenizer.tokens()) - {b""} for name, tokenizer in tokenizers.items()}
    found = []
    for (first, left), (second, right) in combinations(strings.items(), 2):
        shared = len(left & right)
        jaccard = shared / max(len(left | right), 1)
        found.append(Overlap(first=first, second=second, shared=shared, jaccard=jaccard))
    return tuple(found)


def _by_length(sizes: np.ndarray, weights: np.ndarray) -> tuple[int, ...]:
    """Return how many there are of each length, 1 to `LONGEST` and longer; sizes int32[m], weights int64[m]."""
    summed = np.zeros(LONGEST + 2, np.int64)
    np.add.at(summed, np.minimum(sizes, LONGEST + 1), weights)
    return tuple(summed[1:].tolist())


def _examples(tokens: Sequence[bytes], counts: np.ndarray, ids: np.ndarray) -> tuple[TokenUse, ...]:
    chosen = ids[:EXAMPLES].tolist()
    return tuple(TokenUse(id=index, hex=tokens[index].hex(), count=int(counts[index])) for index in chosen)
