"""Byte pair encoding, trained from counted words, in the order of the system that it is to equal."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from corpuskit.errors import InputError, nearest
from corpuskit.kernels import fixed
from corpuskit.tokenization.bytelevel import MIN_FREQUENCY, byte_alphabet
from corpuskit.tokenization.counts import WordCounts
from corpuskit.tokenization.reserved import RESERVED
from corpuskit.tokenization.training.draft import BYTES, Draft
from corpuskit.tokenization.training.merges import learn
from corpuskit.tokenization.training.protected import without
from corpuskit.tokenization.training.symbols import SPACE, Alphabet, check_words, count_characters, covering, lay_out

Order = Literal["hf", "sentencepiece", "bytes"]
Symbols = Literal["bytes", "characters"]
UNTRAINABLE = {0x00, 0x1F, 0x2581, 0x2585}
"""Code points that SentencePiece never puts into a piece: they stand for something else in its trainer."""
LONGEST_PIECE = 16
"""Characters: SentencePiece's default."""
UNLIMITED = 2**31 - 1


@dataclass(frozen=True, eq=False)
class BpeModel:
    """What training found.

    Attributes:
        tokens: bytes of each id; empty for the reserved ones. U+0020 stays U+0020.
        merges: left and right id of each merge, in the order in which an encoder applies them; int32[k, 2].
        merged: the id that each merge makes; int32[k].
        counts: how often each merge was done in training; int64[k]. 0 for given merges that the corpus has no use for.
        given: number of merges that were not learnt, the first ones: of a vocabulary that was continued, of seeds.
        base: number of ids that were there before the first was learnt.
        reserved: number of reserved ids, the first ones.
        symbols: what merges begin with.
        byte_fallback: whether the 256 ids behind the reserved ones are bytes, for characters outside the alphabet.
        protected: ids that no merge makes or uses: an encoder looks for them in the text before anything else.
        warning: what a user should know, or "".
    """

    tokens: tuple[bytes, ...]
    merges: np.ndarray
    merged: np.ndarray
    counts: np.ndarray
    given: int
    base: int
    reserved: int
    symbols: Symbols
    byte_fallback: bool
    protected: tuple[int, ...]
    warning: str = ""

    def prefix(self, vocab_size: int) -> "BpeModel":
        """Return the model that training would have given for a smaller vocabulary.

        Raises:
            InputError: the vocabulary is smaller than `base` or larger than this one.
        """
        most = len(self.tokens)
        if not self.base <= vocab_size <= most:
            raise InputError(f"this vocabulary can be cut to {self.base:,} to {most:,} ids, not to {vocab_size:,}")
        learnt = vocab_size > self.base
        size = int(np.flatnonzero(self.merged == vocab_size - 1)[0]) + 1 if learnt else self.given
        kept = {name: getattr(self, name)[:size] for name in ("merges", "merged", "counts")}
        return dataclasses.replace(self, tokens=self.tokens[:vocab_size], warning="", **kept)


def train_bpe(
    counts: WordCounts,
    vocab_size: int,
    *,
    order: Order = "hf",
    symbols: Symbols | None = None,
    min_count: int = MIN_FREQUENCY,
    max_token_length: int | None = None,
    coverage: float = 1.0,
    byte_fallback: bool = True,
    seed_tokens: Sequence[bytes] = (),
    protected: Sequence[bytes] = (),
    start: BpeModel | None = None,
    reserved: int = RESERVED,
) -> BpeModel:
    """Learn merges: the pair of neighbouring tokens that occurs most often becomes one, again and again.

    Counts have 64 bits and overlap as everywhere ("aaaa" has "aa" three times); a merge is done from the left. Training
    stops when the vocabulary is full or no pair occurs `min_count` times. The cost depends on the unique words only.

    Args:
        counts: the words; merges never cross them.
        vocab_size: ids wanted in all: reserved, bytes and alphabet included.
        order: what decides between pairs that occur equally often, and with it whose merges these are.
            `hf`, the BpeTrainer of `tokenizers`: the smallest left id, then the smallest right id, where bytes are
            numbered in the order of GPT-2's byte alphabet and characters by code point. `bytes`, rustbpe and the
            `raw_token_ids` of gigatoken: the same with bytes numbered by value. `sentencepiece`, version 0.2.3 with
            `split_by_unicode_script=false` and `split_by_number=false`: the fewest symbols, then the smallest UTF-8 of
            what they spell, with U+0020 as U+2581; a U+0020 inside a word begins a new one; characters are numbered by
            frequency (in its own files they come last).
        symbols: what merges begin with; by default characters for `sentencepiece` and bytes for the others.
        min_count: a pair that occurs less often is not merged; 1 or more. SentencePiece, gigatoken and rustbpe have 1.
        max_token_length: most symbols of a token that is learnt, inclusive (in `tokenizers` it is one less); by default
            16 for `sentencepiece`, as there, and no limit for the others.
        coverage: share of the text whose characters get ids, the most frequent first; the others cut their words.
        byte_fallback: with characters, give the 256 bytes ids too, so that nothing is unknown.
        seed_tokens: tokens to be had in any case: each is cut by the merges before it, and its parts are joined from
            the left, so that what it begins with becomes a token too. These merges come before all that are learnt.
        protected: tokens that are always whole: they are cut out of words (from the left, the longest first), so no
            merge touches or makes one. One that crosses words must be cut out of the text before words are counted.
        start: a model to continue: its ids and merges stay, seeds and learnt merges follow; its symbols, bytes and
            reserved ids are used. A pair that spells a token which its merges never make becomes that token.
        reserved: number of ids before all others.

    Raises:
        InputError: no words; a vocabulary too small for what must be in it; a seed that cannot be spelled; more text
            than can be counted.
        ValueError: an option outside its range.
    """
    symbols = symbols or ("characters" if order == "sentencepiece" else "bytes")
    check_options(symbols, min_count, max_token_length, coverage)
    if order not in get_args(Order):
        raise ValueError(f"no order is called {order!r}{nearest(order, get_args(Order))}")
    characters = symbols == "characters"
    kept = [] if start is None else [start.tokens[index] for index in start.protected]
    words = without(counts, [*kept, *protected])
    check_words(words)
    if start is None:
        draft = _begin(words, order, characters, coverage, byte_fallback and characters, reserved)
    else:
        draft = _continue(start)
    draft.protect(protected)
    for seed in seed_tokens:
        draft.seed(seed)
    if len(draft.tokens) > vocab_size:
        raise InputError(f"vocab_size {vocab_size:,} is too small: {draft.describe()}; raise it, or lower `coverage`")
    longest = max_token_length or (LONGEST_PIECE if order == "sentencepiece" else UNLIMITED)
    return _learn(draft, words, vocab_size, min_count, longest, order == "sentencepiece")


def check_options(symbols: str, min_count: int, max_token_length: int | None, coverage: float) -> None:
    """Check options that BPE and WordPiece share.

    Raises:
        ValueError: one is outside its range.
    """
    if symbols not in get_args(Symbols):
        raise ValueError(f"symbols are bytes or characters, not {symbols!r}")
    if min_count < 1:
        raise ValueError(f"min_count is 1 or more, not {min_count}")
    if max_token_length is not None and max_token_length < 2:
        raise ValueError(f"max_token_length is 2 or more, not {max_token_length}")
    if not 0 < coverage <= 1:
        raise ValueError(f"coverage is above 0 and at most 1, not {coverage}")


def _begin(
    counts: WordCounts, order: Order, characters: bool, coverage: float, byte_fallback: bool, reserved: int
) -> Draft:
    """Return a vocabulary of nothing but reserved ids, bytes and the alphabet."""
    tokens = [b""] * reserved + [bytes([byte]) for byte in range(BYTES if byte_fallback else 0)]
    codes = _codes(counts, order, characters, coverage)
    alphabet = Alphabet(codes, np.arange(len(tokens), len(tokens) + len(codes), dtype=np.int32), characters)
    return Draft([*tokens, *alphabet.tokens()], alphabet, reserved, byte_fallback)


def _codes(counts: WordCounts, order: Order, characters: bool, coverage: float) -> np.ndarray:
    """Return the alphabet in the order of its ids; int64[n]."""
    if not characters:
        return np.argsort([ord(shown) for shown in byte_alphabet()]) if order == "hf" else np.arange(BYTES)
    found = count_characters(counts).sum(axis=0)
    found[list(UNTRAINABLE if order == "sentencepiece" else ())] = 0
    codes = covering(found, coverage)
    return codes if order == "sentencepiece" else np.sort(codes)


def _continue(start: BpeModel) -> Draft:
    """Return a trained model as a draft; its alphabet are the tokens of one symbol."""
    characters, first = start.symbols == "characters", start.reserved + BYTES * start.byte_fallback
    texts = [token.decode("latin1" if not characters else "utf-8", "replace") for token in start.tokens]
    protected = set(start.protected)
    ids = [index for index in range(first, len(texts)) if len(texts[index]) == 1 and index not in protected]
    alphabet = Alphabet(np.array([ord(texts[index]) for index in ids]), np.array(ids, np.int32), characters)
    given = [tuple(merge) for merge in np.column_stack([start.merges, start.merged]).tolist()]
    return Draft(list(start.tokens), alphabet, start.reserved, start.byte_fallback, given, list(start.protected))


def _learn(
    draft: Draft, counts: WordCounts, vocab_size: int, min_count: int, longest: int, by_spelling: bool
) -> BpeModel:
    """Learn merges until there are `vocab_size` tokens."""
    characters, base = draft.alphabet.characters, len(draft.tokens)
    given = np.array(draft.merges, np.int32).reshape(-1, 3)
    lengths = [len(token.decode("utf-8", "replace")) if characters else len(token) for token in draft.tokens]
    room = vocab_size
    while True:
        cells = lay_out(counts, draft.alphabet, leads=SPACE if by_spelling and characters else -1, spelled=by_spelling)
        filled = np.array(lengths + [0] * (room - base), np.int32)
        merges, done = learn(cells, filled, given, base, min_count, longest, by_spelling)
        tokens, named = _name(draft, merges[len(given) :], vocab_size)
        if len(tokens) == vocab_size or len(merges) - len(given) < room - base:
            break
        room += vocab_size - len(tokens)  # as many merges spelled tokens that were there before
    return BpeModel(
        tokens=tuple(tokens),
        merges=fixed(np.concatenate([given[:, :2], named[:, :2]]), np.int32),
        merged=fixed(np.concatenate([given[:, 2], named[:, 2]]), np.int32),
        counts=fixed(done[: len(given) + len(named)], np.int64),
        given=len(given),
        base=base,
        reserved=draft.reserved,
        symbols="characters" if characters else "bytes",
        byte_fallback=draft.byte_fallback,
        protected=tuple(draft.protected),
        warning=shortage(len(tokens), vocab_size, min_count),
    )


def _name(draft: Draft, merges: np.ndarray, vocab_size: int) -> tuple[list[bytes], np.ndarray]:
    """Return the tokens and the merges int32[k, 3] with their ids: one that spells a known token makes that token."""
    known, tokens, named = draft.known(), list(draft.tokens), []
    ids = list(range(len(tokens)))
    for left, right in merges[:, :2].tolist():
        if len(tokens) == vocab_size:
            break
        token = tokens[ids[left]] + tokens[ids[right]]
        merged = known.get(token, len(tokens))
        if merged == len(tokens):
            tokens.append(token)
        named.append((ids[left], ids[right], merged))
        ids.append(merged)
    return tokens, np.array(named, np.int32).reshape(-1, 3)


def shortage(size: int, vocab_size: int, min_count: int) -> str:
    """Return a warning if a vocabulary has become smaller than it should."""
    if size == vocab_size:
        return ""
    return (
        f"only {size:,} of the {vocab_size:,} ids asked for can be had: no two neighbouring tokens occur {min_count:,} "
        "times or more any longer"
    )
