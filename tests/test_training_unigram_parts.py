"""The parts of Unigram training, each against slow plain Python."""

import itertools
import math
import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unigram_oracle import digamma, expectations, losses, seeds, segment, singles, units

from corpuskit.kernels import Texts
from corpuskit.tokenization.counts import WordCounts
from corpuskit.tokenization.training.unigram import alphabet as alphabet_module
from corpuskit.tokenization.training.unigram import expectation
from corpuskit.tokenization.training.unigram import units as units_module
from corpuskit.tokenization.training.unigram.alphabet import Alphabet, count_characters, covering, script_name
from corpuskit.tokenization.training.unigram.lattice import Corpus
from corpuskit.tokenization.training.unigram.pieces import Pieces
from corpuskit.tokenization.training.unigram.pruning import losses_of
from corpuskit.tokenization.training.unigram.seeds import seed_pieces
from corpuskit.tokenization.training.unigram.units import LONGEST, Units, make_units

LETTERS = " ab\u0301cé1.中日かж"
SCRIPTS = {character: script_name(character) for character in LETTERS}
WORDS = st.dictionaries(st.text(LETTERS, min_size=1, max_size=12), st.integers(1, 50), min_size=1, max_size=25)
FEW_LETTERS = st.dictionaries(st.text(" ab", min_size=1, max_size=9), st.integers(1, 30), min_size=1, max_size=20)
ANY = st.one_of(WORDS, FEW_LETTERS)


def alphabet_of(characters: str, split: bool = True) -> Alphabet:
    return Alphabet.of(np.array(sorted(map(ord, characters)), np.int64), split)


def units_of(words: dict[str, int], alphabet: Alphabet) -> Units:
    counts = WordCounts.from_mapping(words)
    return make_units(Texts.from_arrow(counts.words.cast(pa.large_string())), counts.counts, alphabet)


def unit_texts(made: Units, alphabet: Alphabet) -> list[str]:
    symbols = [made.symbols[start : stop - 1] for start, stop in itertools.pairwise(made.offsets.tolist())]
    return ["".join(chr(alphabet.codes[symbol - 1]) for symbol in unit) for unit in symbols]


def texts_of(pieces: Pieces, made: Units, alphabet: Alphabet) -> list[str]:
    return [
        "".join(chr(alphabet.codes[symbol - 1]) for symbol in made.symbols[place : place + length])
        for place, length in zip(pieces.places.tolist(), pieces.lengths.tolist(), strict=True)
    ]


class Seeded:
    """Words with their seeds, as the trainer has them and as the oracle has them."""

    def __init__(self, words: dict[str, int], longest: int = 16, most: int = 1_000_000) -> None:
        self.alphabet = alphabet_of(LETTERS)
        self.units = units_of(words, self.alphabet)
        space = int(self.alphabet.symbols[ord(" ")])
        self.pieces = seed_pieces(self.units, len(self.alphabet), space, longest, most)
        self.texts = texts_of(self.pieces, self.units, self.alphabet)
        self.parts = units(words, SCRIPTS)

    def scores(self) -> dict[str, float]:
        return dict(zip(self.texts, self.pieces.scores.tolist(), strict=True))


def test_scripts() -> None:
    assert [script_name(character) for character in "aéﬁＡ"] == ["LATIN"] * 4
    assert {script_name(character) for character in "中々〇かカーｶ"} == {"CJK"}
    assert [script_name(character) for character in "жα\u0301ʰ \n1٣.،€😀"] == (
        ["CYRILLIC", "GREEK", "", "", " "] + ["common"] * 7
    )


def test_kernels_know_the_scripts() -> None:
    """They use constants of their own file only."""
    assert (units_module._INHERITED, units_module._SPACE) == (alphabet_module.INHERITED, alphabet_module.SPACE)


def test_alphabet() -> None:
    alphabet = alphabet_of("b a中")
    assert alphabet.codes.tolist() == [32, 97, 98, 0x4E2D]
    assert alphabet.symbols[[32, 97, 98, 0x4E2D, 99]].tolist() == [1, 2, 3, 4, 0]
    assert len(set(alphabet.scripts[1:].tolist())) == 3
    assert alphabet_of("b a中", split=False).scripts[1:].tolist() == [1, 2, 2, 2]


def test_characters_are_counted() -> None:
    texts = Texts.from_arrow(pa.array(["abca", "中\0\u2581a"]))
    totals = count_characters(texts, np.array([10, 3]))
    assert {chr(code): int(totals[code]) for code in np.flatnonzero(totals)} == {"a": 23, "b": 10, "c": 10, "中": 3}
    assert covering(totals, 1.0).tolist() == [97, 98, 99, 0x4E2D]
    assert covering(totals, 0.7).tolist() == [97, 98]
    assert covering(totals, 23 / 46).tolist() == [97]


@settings(deadline=None, max_examples=150)
@given(ANY)
def test_units(words: dict[str, int]) -> None:
    alphabet = alphabet_of(LETTERS.replace("c", ""))
    made = units_of(words, alphabet)
    scripts = {character: script for character, script in SCRIPTS.items() if character != "c"}
    assert dict(zip(unit_texts(made, alphabet), made.weights.tolist(), strict=True)) == units(words, scripts)
    assert not made.symbols[made.offsets[1:] - 1].any()


def test_units_of_words() -> None:
    alphabet = alphabet_of(" abc1.'ж")
    words = {"  don't".replace("don't", "ab'c"): 2, " ab.": 3, "a b": 5, "abжa1.": 7, "xabx": 11}
    made = units_of(words, alphabet)
    found = dict(zip(unit_texts(made, alphabet), made.weights.tolist(), strict=True))
    assert found == {"  ab": 2, "'": 2, "c": 2, " ab": 3, ".": 3, "a": 12, " b": 5, "ab": 18, "ж": 7, "1.": 7}


def test_long_units_are_cut() -> None:
    made = units_of({"a" * (2 * LONGEST + 5): 3, " " * (LONGEST + 1): 2}, alphabet_of(" a"))
    lengths = (np.diff(made.offsets) - 1).tolist()
    assert sorted(zip(lengths, made.weights.tolist(), strict=True)) == [(1, 2), (5, 3), (LONGEST, 2), (LONGEST, 6)]


@settings(deadline=None, max_examples=200)
@given(ANY, st.integers(1, 6))
def test_seeds(words: dict[str, int], longest: int) -> None:
    seeded = Seeded(words, longest)
    values = singles(seeded.parts) | {
        piece: count * len(piece) for piece, count in seeds(seeded.parts, longest).items()
    }
    assert seeded.texts == sorted(values)
    total = sum(values.values())
    assert np.allclose(seeded.pieces.scores, [math.log(values[piece] / total) for piece in sorted(values)], atol=1e-12)


@settings(deadline=None, max_examples=60)
@given(ANY, st.integers(1, 12))
def test_most_seeds(words: dict[str, int], most: int) -> None:
    seeded = Seeded(words, most=most)
    found = seeds(seeded.parts, 16)
    best = sorted(found, key=lambda piece: (-found[piece] * len(piece), piece))[:most]
    assert seeded.texts == sorted([*best, *singles(seeded.parts)])


def longest_piece(text: str, pieces: set[str]) -> str:
    """Return the longest piece that a text begins with."""
    return max((text[:size] for size in range(len(text) + 1) if text[:size] in pieces), key=len, default="")


def check_links(seeded: Seeded, pieces: Pieces) -> None:
    texts = texts_of(pieces, seeded.units, seeded.alphabet)
    known = set(texts)
    assert texts == sorted(known)
    assert [texts[parent] if parent >= 0 else "" for parent in pieces.parents] == [
        longest_piece(text[:-1], known) for text in texts
    ]
    place = 0
    for unit in unit_texts(seeded.units, seeded.alphabet):
        for start in range(len(unit)):
            assert texts[pieces.longest[place + start]] == longest_piece(unit[start:], known)
        assert pieces.longest[place + len(unit)] == -1
        place += len(unit) + 1


@settings(deadline=None, max_examples=100)
@given(ANY, st.randoms(use_true_random=False))
def test_links_stay_right(words: dict[str, int], dice: random.Random) -> None:
    seeded = Seeded(words)
    check_links(seeded, seeded.pieces)
    kept = seeded.pieces.required() | np.array([dice.random() < 0.5 for _ in seeded.texts])
    some = seeded.pieces.select(kept, seeded.pieces.scores)
    check_links(seeded, some)
    assert some.scores.tolist() == seeded.pieces.scores[kept].tolist()


@settings(deadline=None, max_examples=100)
@given(ANY)
def test_expectations(words: dict[str, int]) -> None:
    seeded = Seeded(words)
    expected, likelihood = expectations(seeded.parts, seeded.scores())
    with ThreadPoolExecutor(2) as threads:
        found, ours = Corpus.of(seeded.units, threads).expectations(seeded.pieces)
    assert np.allclose(found, [expected[text] for text in seeded.texts], rtol=1e-9, atol=1e-12)
    assert math.isclose(ours, likelihood, rel_tol=1e-9)


@settings(deadline=None, max_examples=100)
@given(ANY)
def test_frequencies(words: dict[str, int]) -> None:
    seeded = Seeded(words)
    counted: Counter[str] = Counter()
    likelihood = 0.0
    for text, count in seeded.parts.items():
        pieces, score = segment(text, seeded.scores())
        counted.update(dict.fromkeys(pieces, 0))
        for piece in pieces:
            counted[piece] += count
        likelihood += count * score
    with ThreadPoolExecutor(2) as threads:
        found, ours = Corpus.of(seeded.units, threads).frequencies(seeded.pieces)
    assert found.tolist() == [counted[text] for text in seeded.texts]
    assert math.isclose(ours, likelihood, rel_tol=1e-12)


@settings(deadline=None, max_examples=100)
@given(ANY)
def test_losses(words: dict[str, int]) -> None:
    seeded = Seeded(words)
    expected = losses(seeded.parts, seeded.scores())
    with ThreadPoolExecutor(2) as threads:
        found = losses_of(Corpus.of(seeded.units, threads), seeded.pieces)
    assert np.allclose(found, [expected[text] for text in seeded.texts], rtol=1e-9, atol=1e-12)


def test_long_units_do_not_underflow() -> None:
    """3,000 characters of equal probability, and pairs: e to the -30,000 fits no double."""
    dice = np.random.default_rng(3)
    characters = [chr(0x4E00 + index) for index in range(3000)]
    words = {"".join(dice.choice(characters[:size], LONGEST)): size for size in (3000, 30, 2000)}
    alphabet = alphabet_of("".join(characters))
    made = units_of(words, alphabet)
    pieces = seed_pieces(made, len(alphabet), -1, 16, 10**6)
    texts = texts_of(pieces, made, alphabet)
    scores = dict(zip(texts, pieces.scores.tolist(), strict=True))
    parts = Counter(words)
    longest = max(map(len, texts))
    with ThreadPoolExecutor(2) as threads:
        found, likelihood = Corpus.of(made, threads).expectations(pieces)
    bounded = {text: _bounded_expectations(text, scores, longest) for text in parts}
    expected = sum(parts[text] * np.array([some[piece] for piece in texts]) for text, (some, _) in bounded.items())
    assert likelihood < -10_000_000
    assert math.isclose(likelihood, sum(parts[text] * log for text, (_, log) in bounded.items()), rel_tol=1e-10)
    assert np.allclose(found, expected, rtol=1e-8, atol=1e-12)


def _bounded_expectations(text: str, scores: dict[str, float], longest: int) -> tuple[dict[str, float], float]:
    """Do as `expectations` of the oracle, for one text and pieces up to a length, in time linear in the text."""
    size = len(text)
    before, after = np.full(size + 1, -np.inf), np.full(size + 1, -np.inf)
    before[0] = after[size] = 0.0
    arcs = [
        (start, stop, scores[text[start:stop]])
        for start in range(size)
        for stop in range(start + 1, min(size, start + longest) + 1)
        if text[start:stop] in scores
    ]
    for start, stop, score in arcs:
        before[stop] = np.logaddexp(before[stop], before[start] + score)
    for start, stop, score in reversed(arcs):
        after[start] = np.logaddexp(after[start], after[stop] + score)
    expected = dict.fromkeys(scores, 0.0)
    for start, stop, score in arcs:
        expected[text[start:stop]] += math.exp(before[start] + score + after[stop] - before[size])
    return expected, float(before[size])


@pytest.mark.parametrize("value", [1e-3, 0.5, 1.0, 2.5, 7.0, 1e3, 4e8])
def test_digamma(value: float) -> None:
    assert math.isclose(expectation.digamma(np.array([value]))[0], digamma(value), rel_tol=1e-8)
