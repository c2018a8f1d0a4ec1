"""Trains a tokenizer on counted words, or on Arrow columns of texts."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpuskit.errors import InputError
from corpuskit.tokenization.bpe import BpeTokenizer
from corpuskit.tokenization.config import TokenizerConfig, TokenizerType
from corpuskit.tokenization.counts import (
    Share,
    WordCounts,
    WordTable,
    balance,
    count_into,
    cut_rare,
    lossy_warning,
    merge,
)
from corpuskit.tokenization.extending import bpe_model
from corpuskit.tokenization.formats.sentencepiece_model import bpe_file, unigram_file
from corpuskit.tokenization.formats.tokenizer_json import bert_wordpiece, byte_level_bpe, byte_level_wordpiece, spelled
from corpuskit.tokenization.imported import HuggingFaceTokenizer, SentencePieceTokenizer
from corpuskit.tokenization.load import load
from corpuskit.tokenization.reserved import RESERVED, RESERVED_NAMES, UNK
from corpuskit.tokenization.tokenizer import Tokenizer
from corpuskit.tokenization.training import BpeModel, train_bpe, train_wordpiece
from corpuskit.tokenization.training.unigram import train_unigram
from corpuskit.tokenization.unigram import UnigramTokenizer
from corpuskit.tokenization.wordpiece import LONGEST_WORD, WordPieceTokenizer

ALL = "all"
"""The group of all words where they are not counted by group."""
QUANTUM = 1 << 10
"""A Unigram score is a multiple of one in so many: sums of such float32 values are exact up to 8,192 nats, so libraries
that add them up as float32, as float64 or from the end agree on the best segmentation of a line."""


@dataclass(frozen=True, kw_only=True)
class Trained:
    """A tokenizer, and what is to be said of its training."""

    tokenizer: Tokenizer
    notes: tuple[str, ...]
    """What a user should know."""
    facts: Mapping[str, Any]
    """What it was trained on; JSON."""


def train(config: TokenizerConfig, batches: Iterable[pa.Array]) -> Tokenizer:
    """Train a tokenizer on documents, in any order, up to `config.max_train_bytes` of text.

    Args:
        config: what to train; the caller has applied `train_on`, `seed` and `balance`.
        batches: string or large_string[*] columns of documents; nulls are skipped. Read no further than needed.

    Returns:
        A tokenizer of at most `config.vocab_size` ids: fewer where the text runs out of things to merge.

    Raises:
        InputError: there is no text at all, or the vocabulary has no room for its alphabet.
    """
    table = WordTable()
    for texts in limited(batches, config.max_train_bytes):
        count_into(table, texts, config.counting)
    counts = table.counts()
    if config.min_count > 1:
        counts, _ = cut_rare(counts, config.min_count)
    return train_counted(config.model_copy(update={"balance": None}), {ALL: counts}).tokenizer


def limited(batches: Iterable[pa.Array], max_bytes: int | None) -> Iterator[pa.Array]:
    """Yield columns of non-empty texts as long as they fit into `max_bytes` of UTF-8; one at least.

    Raises:
        InputError: there is no text.
    """
    left, any_text = max_bytes if max_bytes is not None else 1 << 62, False
    for batch in batches:
        texts = batch.drop_null()
        texts = texts.filter(pc.greater(pc.binary_length(texts), 0))
        if not len(texts):
            continue
        ends = np.cumsum(pc.binary_length(texts).to_numpy().astype(np.int64))
        fitting = max(int(np.searchsorted(ends, left, side="right")), int(not any_text))
        any_text = True
        yield texts.slice(0, fitting)
        if fitting < len(texts):
            return
        left -= int(ends[-1])
    if not any_text:
        raise InputError("there is no text to train a tokenizer on")


def train_counted(config: TokenizerConfig, groups: Mapping[str, WordCounts]) -> Trained:
    """Train a tokenizer on counted words: nothing else decides it.

    Args:
        config: what to train.
        groups: counts by language or source as `config.balance` asks for, else any, which are added up.

    Raises:
        InputError: there are no words, or the vocabulary has no room for their alphabet.
    """
    counts, shares = _weighted(config, groups)
    if not len(counts):
        raise InputError("there are no words to train a tokenizer on")
    tokenizer, warning = TRAINERS[config.type](config, counts)
    notes = [note for note in (warning, lossy_warning(config.normalization)) if note]
    facts = {
        "config": config.training(),
        "unique_words": len(counts),
        "occurrences": counts.total,
        "shares": [vars(share) for share in shares],
    }
    return Trained(tokenizer=tokenizer, notes=tuple(notes), facts=facts)


def _weighted(config: TokenizerConfig, groups: Mapping[str, WordCounts]) -> tuple[WordCounts, list[Share]]:
    if config.balance:
        return balance(groups, temperature=config.balance.temperature, caps=config.balance.caps)
    return (next(iter(groups.values())) if len(groups) == 1 else merge(groups.values())), []


def _train_bpe(config: TokenizerConfig, counts: WordCounts) -> tuple[Tokenizer, str]:
    model = train_bpe(
        counts,
        config.vocab_size,
        order=config.order,
        symbols="characters" if config.characters else "bytes",
        min_count=config.min_pair_count,
        coverage=config.coverage if config.characters else 1.0,
        seed_tokens=[token.encode() for token in config.seed_tokens],
        protected=[token.encode() for token in config.protected],
        start=bpe_model(load(config.extend), config) if config.extend else None,
    )
    if config.characters:
        return SentencePieceTokenizer.from_model(
            bpe_file(model.tokens, config.normalization, model.protected)
        ), model.warning
    return BpeTokenizer.from_model(_byte_level(config, model)), model.warning


def _byte_level(config: TokenizerConfig, model: BpeModel) -> bytes:
    names = [*RESERVED_NAMES, *spelled(model.tokens[RESERVED:])]
    protected = [(model.tokens[index].decode(), index) for index in model.protected]
    for text, index in protected:
        if names[index] != text and (index in model.merges or index in model.merged):
            raise InputError(f"the protected text {text!r} is a token that merges make already, so it cannot be whole")
        names[index] = text  # added tokens are looked up by what they spell
    return byte_level_bpe(names, model.merges, config.words, config.normalization, protected)


def _train_wordpiece(config: TokenizerConfig, counts: WordCounts) -> tuple[Tokenizer, str]:
    model = train_wordpiece(
        counts,
        config.vocab_size,
        symbols="characters" if config.characters else "bytes",
        score=config.score,
        min_count=config.min_pair_count,
        longest_word=None if config.characters else LONGEST_WORD,
    )
    marked = zip(model.tokens[RESERVED:], model.inside[RESERVED:].tolist(), strict=True)
    if config.characters:
        names = [*RESERVED_NAMES, *("##" * inside + token.decode() for token, inside in marked)]
        data = bert_wordpiece(names, RESERVED_NAMES[UNK], config.normalization)
        return HuggingFaceTokenizer.from_model(data), model.warning
    prefix = WordPieceTokenizer.prefix
    plain = spelled(model.tokens[RESERVED:])
    names = [*RESERVED_NAMES, *(prefix * inside + name for (_, inside), name in zip(marked, plain, strict=True))]
    data = byte_level_wordpiece(names, prefix, RESERVED_NAMES[UNK], LONGEST_WORD, config.words, config.normalization)
    return WordPieceTokenizer.from_model(data), model.warning


def _train_unigram(config: TokenizerConfig, counts: WordCounts) -> tuple[Tokenizer, str]:
    model = train_unigram(counts, config.vocab_size, coverage=config.coverage, max_piece_chars=config.longest_piece)
    scores = np.round(model.scores.astype(np.float64) * QUANTUM) / QUANTUM
    data = unigram_file(model.pieces.to_pylist(), scores.tolist(), config.normalization)
    return UnigramTokenizer.from_model(data), " ".join(model.warnings)


TRAINERS: dict[TokenizerType, Callable[[TokenizerConfig, WordCounts], tuple[Tokenizer, str]]] = {
    "bpe": _train_bpe,
    "wordpiece": _train_wordpiece,
    "unigram": _train_unigram,
}
