"""WordPiece, trained from counted words: the same vocabulary in every run, lossless by default."""

import dataclasses
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from corpuskit.errors import InputError, nearest
from corpuskit.kernels import fixed
from corpuskit.tokenization.bytelevel import MIN_FREQUENCY, byte_alphabet
from corpuskit.tokenization.counts import WordCounts
from corpuskit.tokenization.reserved import RESERVED
from corpuskit.tokenization.training.bpe import UNLIMITED, Symbols, check_options, shortage
from corpuskit.tokenization.training.likelihood import learn_by_likelihood
from corpuskit.tokenization.training.merges import learn
from corpuskit.tokenization.training.symbols import Alphabet, check_words, count_characters, covering, lay_out

Score = Literal["hf", "likelihood"]


@dataclass(frozen=True, eq=False)
class WordPieceModel:
    """What training found; an encoder needs the tokens only.

    Attributes:
        tokens: bytes of each id, without the mark of a token inside a word; empty for the reserved ones.
        inside: whether a token stands inside words, behind another one (its mark is U+2060 or `##`); bool[n].
        merges: left and right id of each merge, in order; int32[k, 2]. Merge i makes id `base + i`.
        counts: how often each merge was done in training; int64[k].
        base: number of reserved ids and of the alphabet, with which every vocabulary begins.
        reserved: number of reserved ids, the first ones.
        symbols: what merges began with.
        warning: what a user should know, or "".
    """

    tokens: tuple[bytes, ...]
    inside: np.ndarray
    merges: np.ndarray
    counts: np.ndarray
    base: int
    reserved: int
    symbols: Symbols
    warning: str = ""

    def prefix(self, vocab_size: int) -> "WordPieceModel":
        """Return the model that training would have given for a smaller vocabulary.

        Raises:
            InputError: the vocabulary is smaller than `base` or larger than this one.
        """
        most = len(self.tokens)
        if not self.base <= vocab_size <= most:
            raise InputError(f"this vocabulary can be cut to {self.base:,} to {most:,} ids, not to {vocab_size:,}")
        size = vocab_size - self.base
        kept = {name: getattr(self, name)[:size] for name in ("merges", "counts")}
        return dataclasses.replace(
            self, tokens=self.tokens[:vocab_size], inside=self.inside[:vocab_size], warning="", **kept
        )


def train_wordpiece(
    counts: WordCounts,
    vocab_size: int,
    *,
    symbols: Symbols = "bytes",
    score: Score = "hf",
    min_count: int = MIN_FREQUENCY,
    max_token_length: int | None = None,
    coverage: float = 1.0,
    longest_word: int | None = None,
    reserved: int = RESERVED,
) -> WordPieceModel:
    """Learn WordPiece's tokens: those that begin words, and those that stand inside them, behind another one.

    Symbols at the start of words are numbered before those inside, both in the order of GPT-2's byte alphabet or by
    code point; so the result depends on the counts alone, where that of `tokenizers` changes from run to run.

    Args:
        counts: the words; merges never cross them.
        vocab_size: ids wanted in all: reserved and alphabet included.
        symbols: `bytes`, lossless: all 256 bytes in both places, so nothing is unknown. `characters`, BERT's form:
            those of the text, and inside words those that occur there.
        score: which pair is merged next: `hf`, the one that occurs most often, as BpeTrainer and WordPieceTrainer of
            `tokenizers` do; `likelihood`, that with the highest count(ab) / (count(a) * count(b)), the likelihood ratio
            of Schuster and Nakajima (2012), which prefers pairs whose parts occur with no others: with it, `min_count`
            decides how rare tokens become. Equal scores: the smallest left id, then the smallest right id.
        min_count: a pair that occurs less often is not merged; 1 or more.
        max_token_length: most symbols of a token that is learnt, inclusive; no limit by default.
        coverage: share of the text whose characters get ids, the most frequent first; the others cut their words.
        longest_word: symbols after which a word is cut and the rest taken for a new one; no limit by default.
        reserved: number of ids before all others.

    Raises:
        InputError: no words; an alphabet bigger than the vocabulary; more text than can be counted.
        ValueError: an option outside its range.
    """
    check_options(symbols, min_count, max_token_length, coverage)
    if score not in get_args(Score):
        raise ValueError(f"no score is called {score!r}{nearest(score, get_args(Score))}")
    if longest_word is not None and longest_word < 1:
        raise ValueError(f"longest_word is 1 or more, not {longest_word}")
    check_words(counts)
    start, inside = _alphabets(counts, symbols == "characters", coverage, reserved)
    tokens = [b""] * reserved + start.tokens() + inside.tokens()
    base = len(tokens)
    if base > vocab_size:
        raise InputError(
            f"vocab_size {vocab_size:,} is too small: {reserved:,} reserved ids, {len(start):,} {symbols} at the start "
            f"of words and {len(inside):,} inside them take {base:,}; raise it, or lower `coverage`"
        )
    cells = lay_out(counts, start, inside=inside, longest_word=longest_word)
    lengths, longest = np.ones(vocab_size, np.int32), max_token_length or UNLIMITED
    if score == "likelihood":
        merges, done = learn_by_likelihood(cells, lengths, base, min_count, longest)
    else:
        merges, done = learn(cells, lengths, np.empty((0, 3), np.int32), base, min_count, longest, False)
    within = np.zeros(base + len(merges), np.bool_)
    within[reserved + len(start) : base] = True
    for left, right, merged in merges.tolist():
        tokens.append(tokens[left] + tokens[right])
        within[merged] = within[left]
    return WordPieceModel(
        tokens=tuple(tokens),
        inside=fixed(within, np.bool_),
        merges=fixed(merges[:, :2], np.int32),
        counts=fixed(done, np.int64),
        base=base,
        reserved=reserved,
        symbols=symbols,
        warning=shortage(len(tokens), vocab_size, min_count),
    )


def _alphabets(counts: WordCounts, characters: bool, coverage: float, reserved: int) -> tuple[Alphabet, Alphabet]:
    """Return the symbols at the start of words and those inside."""
    if characters:
        found = count_characters(counts)
        codes = np.sort(covering(found.sum(axis=0), coverage))
        inner = codes[found[1, codes] > 0]
    else:
        codes = inner = np.argsort([ord(shown) for shown in byte_alphabet()])
    ids = np.arange(reserved, reserved + len(codes) + len(inner), dtype=np.int32)
    return Alphabet(codes, ids[: len(codes)], characters), Alphabet(inner, ids[len(codes) :], characters)
