"""Trains a Unigram model on counted words: substrings as seeds, expectation maximization, pruning (Kudo 2018)."""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from corpuskit.errors import InputError
from corpuskit.kernels import Texts, fixed
from corpuskit.tokenization.counts import WordCounts
from corpuskit.tokenization.reserved import RESERVED
from corpuskit.tokenization.training.unigram.alphabet import Alphabet, count_characters, covering
from corpuskit.tokenization.training.unigram.expectation import maximize, refit
from corpuskit.tokenization.training.unigram.lattice import Corpus
from corpuskit.tokenization.training.unigram.model import UnigramModel
from corpuskit.tokenization.training.unigram.pieces import Pieces
from corpuskit.tokenization.training.unigram.pruning import least_missed, likeliest
from corpuskit.tokenization.training.unigram.seeds import seed_pieces
from corpuskit.tokenization.training.unigram.units import Units, make_units

SLACK = 1.1
"""Pruning by losses stops at so many times the size asked for; the rest is cut by scores."""
LONGEST_PIECE = 254
"""Characters."""
MOST_OCCURRENCES = (1 << 62) // LONGEST_PIECE
"""Of all words together: occurrences times characters must fit into 64 bits."""


@dataclass(frozen=True, kw_only=True)
class _Options:
    """The numbers of `train_unigram`."""

    size: int
    """Pieces asked for."""
    byte_fallback: bool
    coverage: float
    split_scripts: bool
    max_piece_chars: int
    seed_size: int
    shrinking: float
    em_iterations: int

    def __post_init__(self) -> None:
        bounds = {
            "coverage": (0.0 < self.coverage <= 1.0, "above 0, 1 at most"),
            "max_piece_chars": (1 <= self.max_piece_chars <= LONGEST_PIECE, f"1 to {LONGEST_PIECE}"),
            "seed_size": (self.seed_size >= 1, "1 or more"),
            "shrinking": (0.0 < self.shrinking < 1.0, "between 0 and 1"),
            "em_iterations": (self.em_iterations >= 1, "1 or more"),
        }
        for name, (holds, expected) in bounds.items():
            if not holds:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be {expected}")


def train_unigram(
    counts: WordCounts,
    vocab_size: int,
    *,
    reserved: int = RESERVED,
    byte_fallback: bool = True,
    coverage: float = 0.9995,
    split_scripts: bool = True,
    max_piece_chars: int = 16,
    seed_size: int = 1_000_000,
    shrinking: float = 0.75,
    em_iterations: int = 2,
    threads: int | None = None,
) -> UnigramModel:
    """Train on counted words; the model depends on nothing but the counts and the options, to the last bit.

    A piece has a space at its beginning only, or is nothing but spaces. Time and memory grow with the unique words,
    not with their counts. What remains of words once they are cut at scripts is cut again at 4,096 characters. U+2581
    and U+0000 are never part of a piece, as files cannot hold them.

    Args:
        counts: the words, each beginning with its space: `metaspace` words, or `metaspace_runs`, from which runs of
            spaces are learnt, too.
        vocab_size: ids asked for.
        reserved: ids that are no pieces.
        byte_fallback: 256 more ids are bytes, for characters outside the alphabet. If they are asked for and the
            alphabet fills more than half of the vocabulary, the rarest characters are left to the bytes.
        coverage: the alphabet is the commonest characters that make up this share of the text, above 0 to 1.
        split_scripts: no piece holds letters of two scripts (Chinese and Japanese are one), or letters and digits or
            punctuation; as SentencePiece does unless told otherwise.
        max_piece_chars: characters of a piece, 1 to 254.
        seed_size: pieces that training begins with, besides the alphabet.
        shrinking: the share of pieces that a step of pruning leaves.
        em_iterations: iterations of expectation maximization before each step.
        threads: threads that work at the same time; None stands for one per core. They do not change the result.

    Returns:
        The model; smaller than asked for, with a warning, where the words have too few substrings.

    Raises:
        InputError: there are no words, a word is no UTF-8, the vocabulary has no room for pieces or (without
            `byte_fallback`) for the alphabet, or there are too many words or occurrences to number.
        ValueError: an option is out of its range.
    """
    options = _Options(
        size=vocab_size - reserved - (256 if byte_fallback else 0),
        byte_fallback=byte_fallback,
        coverage=coverage,
        split_scripts=split_scripts,
        max_piece_chars=max_piece_chars,
        seed_size=seed_size,
        shrinking=shrinking,
        em_iterations=em_iterations,
    )
    if options.size < 1:
        fixed_ids = f"{reserved} reserved ids" + (" and 256 bytes" if byte_fallback else "")
        raise InputError(f"a unigram vocabulary of {vocab_size} has no room for pieces beside {fixed_ids}")
    texts = _checked(counts)
    characters = count_characters(texts, counts.counts)
    alphabet, warnings = _choose_alphabet(characters, options)
    units = make_units(texts, counts.counts, alphabet)
    with ThreadPoolExecutor(_cores() if threads is None else threads) as executor:
        pieces, likelihood = _train(Corpus.of(units, executor), alphabet, options)
    if len(pieces) < options.size:
        warnings.append(
            f"the words gave {len(pieces)} unigram pieces instead of {options.size}: too little text for a vocabulary "
            f"of {vocab_size}"
        )
    share = float(characters[alphabet.codes].sum() / characters.sum())
    return _finished(units, alphabet, pieces, likelihood, share, tuple(warnings))


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _checked(counts: WordCounts) -> Texts:
    """Return the words as texts.

    Raises:
        InputError: as `train_unigram` says.
    """
    if not len(counts):
        raise InputError("there are no words to train a unigram tokenizer on")
    total = int(counts.counts.sum(dtype=np.float64))
    if total > MOST_OCCURRENCES:
        raise InputError(f"{total} occurrences of words are too many to add up; most: {MOST_OCCURRENCES}")
    try:
        return Texts.from_arrow(counts.words.cast(pa.large_string()))
    except pa.ArrowInvalid as error:
        raise InputError(f"a unigram tokenizer is trained on words of whole characters: {error}") from error


def _choose_alphabet(characters: np.ndarray, options: _Options) -> tuple[Alphabet, list[str]]:
    """Return the alphabet, and a warning if it had to be cut."""
    codes = covering(characters, options.coverage)
    if not codes.size:
        raise InputError("the words hold no character that a unigram tokenizer can learn")
    warnings = []
    most = max(1, options.size // 2) if options.byte_fallback else options.size
    if codes.size > most:
        share = f"{codes.size} characters make up {options.coverage:.4%} of the text"
        if not options.byte_fallback:
            raise InputError(f"{share}, but the unigram vocabulary has room for {most} pieces; lower the coverage")
        left = characters[codes[:most]].sum() / characters.sum()
        warnings.append(f"{share}; of the {options.size} pieces only {most} are single characters, {left:.4%} of it")
    return Alphabet.of(np.sort(codes[:most]), options.split_scripts), warnings


def _train(corpus: Corpus, alphabet: Alphabet, options: _Options) -> tuple[Pieces, float]:
    """Return the pieces with their scores, and the log-likelihood of the units under them."""
    space = int(alphabet.symbols[ord(" ")]) or -1
    pieces = seed_pieces(corpus.units, len(alphabet), space, options.max_piece_chars, options.seed_size)
    almost = int(SLACK * options.size)
    while len(pieces) > almost:
        pieces = _maximized(corpus, pieces, options)
        pieces = _pruned(corpus, pieces, max(almost, int(options.shrinking * len(pieces))))
    pieces = _maximized(corpus, pieces, options)
    pieces = pieces.select(likeliest(pieces, options.size), pieces.scores)
    for _ in range(options.em_iterations):
        pieces, _ = refit(corpus, pieces)
    return pieces, refit(corpus, pieces)[1]


def _maximized(corpus: Corpus, pieces: Pieces, options: _Options) -> Pieces:
    for _ in range(options.em_iterations):
        pieces = maximize(corpus, pieces)
    return pieces


def _pruned(corpus: Corpus, pieces: Pieces, size: int) -> Pieces:
    if len(pieces) <= size:
        return pieces
    return pieces.select(least_missed(corpus, pieces, size), pieces.scores)


def _finished(
    units: Units, alphabet: Alphabet, pieces: Pieces, likelihood: float, coverage: float, warnings: tuple[str, ...]
) -> UnigramModel:
    """Write the pieces as text, the likeliest first; of equal ones the first by bytes."""
    scores = pieces.scores.astype(np.float32)
    order = np.argsort(-scores, kind="stable")  # pieces are in the order of their bytes
    bounds = np.concatenate([[0], np.cumsum(pieces.lengths[order])])
    places = np.repeat(pieces.places[order] - bounds[:-1], pieces.lengths[order]) + np.arange(bounds[-1])
    codes = alphabet.codes[units.symbols[places] - 1]
    text = codes.astype("<u4").tobytes().decode("utf-32-le")
    written = [text[start:stop].encode() for start, stop in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True)]
    return UnigramModel(
        pieces=pa.array(written, pa.large_binary()),
        scores=fixed(scores[order], np.float32),
        log_likelihood=likelihood,
        coverage=coverage,
        warnings=warnings,
    )
