"""Repeated n-grams, lines and paragraphs against slow, obvious Python."""

import re
from collections import Counter
from collections.abc import Callable, Hashable, Sequence

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from corpuskit.kernels import Texts
from corpuskit.kernels.code_points import span_code_points
from corpuskit.kernels.hash_tables import SMALL_TABLE
from corpuskit.kernels.repeated_lines import SpanRepeats, repeated_lines
from corpuskit.kernels.repeats import DUPLICATE_SIZES, TOP_SIZES, repeated_characters, repeated_sequences
from corpuskit.kernels.repeats_joined import repeated_joins

# slow and obvious definitions


def ngrams(words: Sequence[str], n: int) -> list[tuple[str, ...]]:
    return [tuple(words[place : place + n]) for place in range(len(words) - n + 1)]


def inside(words: Sequence[str], n: int, wanted: Callable[[tuple[str, ...]], bool]) -> int:
    """Return the characters of the words in any wanted n-gram."""
    found = {place + k for place, ngram in enumerate(ngrams(words, n)) if wanted(ngram) for k in range(n)}
    return sum(len(words[place]) for place in found)


def most_frequent(words: Sequence[str], n: int) -> tuple[int, int, int]:
    """Return (occurrences, characters, characters covered) of the most frequent n-gram."""
    if len(words) < n:
        return 0, 0, 0
    ngram, count = Counter(ngrams(words, n)).most_common(1)[0]
    return count, len("".join(ngram)), inside(words, n, ngram.__eq__)


def greedy(words: Sequence[str], n: int, identity: Callable[[list[str]], Hashable]) -> int:
    seen, characters, place = set(), 0, 0
    while place + n <= len(words):
        key = identity(words[place : place + n])
        if key in seen:
            characters += len("".join(words[place : place + n]))
            place += n
        else:
            seen.add(key)
            place += 1
    return characters


def all_occurrences(words: Sequence[str], n: int) -> int:
    counts = Counter(ngrams(words, n))
    return inside(words, n, lambda ngram: counts[ngram] > 1)


def span_repeats(spans: list[str]) -> list[int]:
    again = [span for place, span in enumerate(spans) if span in spans[:place]]
    return [len(spans), len(again), sum(map(len, spans)), sum(map(len, again))]


def stripped_paragraphs(text: str) -> list[str]:
    blocks: list[list[str]] = [[]]
    for line in text.split("\n"):
        if line.strip():
            blocks[-1].append(line)
        else:
            blocks.append([])
    return ["\n".join(block).strip() for block in blocks if block]


# n-grams


def scan(batch: Sequence[str]) -> Texts:
    return Texts.from_arrow(pa.array(batch, pa.large_string()))


def check_ngrams(batch: Sequence[str]) -> None:
    words = scan(batch).words("whitespace")
    sequences, joins, everywhere = repeated_sequences(words), repeated_joins(words), repeated_characters(words)
    short = repeated_sequences(words, longest=4)
    assert [part.tolist() for part in short[:3]] == [part.tolist() for part in sequences[:3]]
    assert not short.duplicates.any()
    for document, text in enumerate(batch):
        split = text.split()
        for column, n in enumerate(TOP_SIZES):
            top = [int(part[document, column]) for part in sequences[:3]]
            assert top == list(most_frequent(split, n)), (n, text)
        for column, n in enumerate(DUPLICATE_SIZES):
            assert sequences.duplicates[document, column] == greedy(split, n, tuple), (n, text)
            assert joins[document, column] == greedy(split, n, "".join), (n, text)
            assert everywhere[document, column] == all_occurrences(split, n), (n, text)


LETTERS = st.text("ab", min_size=1, max_size=3) | st.text("aé中𝒜", min_size=1, max_size=4)
WORDS = LETTERS | st.sampled_from(["word", "characters", "internationalisation", "x" * 40])


@st.composite
def repetitive(draw: st.DrawFn) -> str:
    """Return a text made of a few phrases again and again, cut anywhere."""
    phrases = draw(st.lists(st.lists(WORDS, min_size=1, max_size=13), min_size=1, max_size=4))
    order = draw(st.lists(st.integers(0, len(phrases) - 1), max_size=30))
    return " ".join(word for number in order for word in phrases[number])


@given(st.lists(repetitive() | st.lists(WORDS, max_size=60).map(" ".join), max_size=6))
@example(["", "a", "a b", "a " * 300, "a b " * 20, "one two three four five six seven " * 9])
@settings(max_examples=150, deadline=None)
def test_ngrams_equal_the_plain_rules(batch: list[str]) -> None:
    check_ngrams(batch)


@pytest.mark.parametrize("seed", range(4))
def test_long_texts_equal_the_plain_rules(seed: int) -> None:
    """Texts that fill the sketches: many n-grams in a cell, cells that stop counting, words over 16 bytes."""
    generator = np.random.default_rng(seed)
    batch = []
    for vocabulary in (2, 5, 26, 400):
        lengths = generator.integers(1, 2 + 6 * seed, vocabulary)
        pool = ["".join(chr(97 + letter) for letter in generator.integers(0, 26, length)) for length in lengths]
        batch.append(" ".join(pool[word] for word in generator.integers(0, vocabulary, 4000)))
    check_ngrams(batch)


@pytest.mark.parametrize("head", ["", "a " * 300])
def test_texts_that_fill_the_small_tables(head: str) -> None:
    """Each n-gram is met twice, more of them than the small table holds; a head of one word ends the first sketch."""
    half = np.random.default_rng(1).integers(0, 10**6, 20_000).astype(str).tolist()
    assert len(set(half)) > SMALL_TABLE
    check_ngrams([head + " ".join(half + half)])


def test_a_gap_between_words_counts_nowhere() -> None:
    five = "é。b c\u3000\n\u3000 中 d"
    words = scan([f"{five} {five} {five}"]).words("unicode")
    assert repeated_sequences(words).duplicates[0].tolist() == [10, 6, 7, 8, 9, 10]
    assert repeated_characters(words)[0].tolist() == [15] * 6


def test_joined_ngrams_ignore_where_words_end() -> None:
    words = scan(["ab c d e f x a bc d e f"]).words("whitespace")
    assert repeated_joins(words)[0].tolist() == [6, 0, 0, 0, 0, 0]
    assert not repeated_sequences(words).duplicates.any()


def test_joined_ngrams_of_different_first_words() -> None:
    """A longer n-gram may repeat where its first five words, as joined, do not."""
    first, second = "a b c d e fghijklmnop", "abcdefghij k l m n op"
    words = scan([f"{first} {second}"]).words("whitespace")
    assert repeated_joins(words)[0].tolist() == [0, 16, 0, 0, 0, 0]


def test_of_equally_frequent_ngrams_the_first_counts() -> None:
    sequences = repeated_sequences(scan(["aa b ccc d aa b ccc d"]).words("whitespace"))
    assert sequences.counts[0].tolist() == [2, 2, 2]
    assert sequences.lengths[0].tolist() == [3, 6, 7]


def test_a_most_frequent_ngram_covers_each_word_once() -> None:
    sequences = repeated_sequences(scan(["é é é é x"]).words("whitespace"))
    assert sequences.counts[0].tolist() == [3, 2, 1]
    assert sequences.covered[0].tolist() == [4, 4, 4]


def test_duplicates_skip_what_they_cover() -> None:
    """The second 5-gram is a duplicate, and the next one begins after it, at the seventh word."""
    assert repeated_sequences(scan(["a " * 10]).words()).duplicates[0].tolist() == [5, 6, 7, 8, 9, 0]
    assert repeated_sequences(scan(["a " * 11]).words()).duplicates[0].tolist() == [10, 6, 7, 8, 9, 10]


def test_frequent_ngrams_are_counted_beyond_a_byte() -> None:
    sequences = repeated_sequences(scan(["x y " * 300 + "z w " * 301]).words())
    assert sequences.counts[0].tolist() == [301, 300, 300]


@pytest.mark.parametrize("longest", [3, 11])
def test_other_lengths_are_refused(longest: int) -> None:
    with pytest.raises(ValueError, match=f"4 to 10 words, not {longest}"):
        repeated_sequences(scan([""]).words(), longest)


def test_empty_batches() -> None:
    texts = scan([])
    for array in (
        *repeated_sequences(texts.words()),
        repeated_joins(texts.words()),
        repeated_characters(texts.words()),
    ):
        assert array.shape[0] == 0
    assert all(part.size == 0 for repeats in repeated_lines(texts, stripped=True) for part in repeats)


def test_nothing_is_read_outside_the_batch() -> None:
    column = pa.array(["a b c d e f", "one two three four five one two three four five", "one two"], pa.large_string())
    words = Texts.from_arrow(column.slice(1, 1)).words()
    assert repeated_joins(words)[0].tolist() == [19, 0, 0, 0, 0, 0]
    assert repeated_sequences(words).duplicates[0].tolist() == [19, 0, 0, 0, 0, 0]


@given(st.lists(st.text(st.sampled_from("ab é中𝒜\u3000\u0301\n"), max_size=60), max_size=5))
@settings(deadline=None)
def test_code_points_of_words(batch: list[str]) -> None:
    expected = [sum(map(len, text.split())) for text in batch]
    assert span_code_points(scan(batch).words("whitespace")).tolist() == expected


# lines and paragraphs


def rows(repeats: SpanRepeats) -> list[list[int]]:
    return np.stack(repeats, axis=1).tolist()


PIECES = st.sampled_from(
    ["\n", "\n", "\n\n", "a\n", "ab\n", "a", " ", "\t", "\r\n", "\u3000", "\x85", "é", "中。", "\u200b"]
)
LINES = st.lists(PIECES, max_size=40).map("".join) | st.text(max_size=30)


@given(st.lists(LINES, max_size=6))
@example(
    ["", "\n", "\n\n", " ", " \n ", "\u3000", "x", "x\n", "\nx", "x\nx", "x\n\nx", "x \n\n x", "x\n \nx", "\n\nx\n\n"]
)
@settings(max_examples=300, deadline=None)
def test_lines_equal_the_plain_rules(batch: list[str]) -> None:
    texts = scan(batch)
    lines, paragraphs = repeated_lines(texts, stripped=True)
    stripped = [[line.strip() for line in text.split("\n") if line.strip()] for text in batch]
    assert rows(lines) == [span_repeats(spans) for spans in stripped]
    assert rows(paragraphs) == [span_repeats(stripped_paragraphs(text)) for text in batch]
    lines, paragraphs = repeated_lines(texts, stripped=False)
    assert rows(lines) == [span_repeats(re.split("\n+", text)) for text in batch]
    assert rows(paragraphs) == [span_repeats(re.split(r"\n{2,}", text.strip())) for text in batch]


def test_paragraphs_are_equal_where_their_stripped_texts_are() -> None:
    """White space at the ends of a paragraph is ignored, that at the ends of its lines is not."""
    text = "  a \n b\n\na \n b \t\n\na\n b\n\na \n b"
    _, paragraphs = repeated_lines(scan([text]), stripped=True)
    assert rows(paragraphs) == [[4, 2, 4 * 5 - 1, 10]]
    _, paragraphs = repeated_lines(scan([text]), stripped=False)
    assert rows(paragraphs) == [[4, 1, 5 + 7 + 4 + 5, 5]]


def test_many_lines() -> None:
    text = "".join(f"line {number * number % 97}\n{number % 5 * 'n'}\n" for number in range(2000))
    lines, paragraphs = repeated_lines(scan(["first", text, "last"]), stripped=True)
    assert rows(lines)[1] == span_repeats([line for line in text.split("\n") if line])
    assert rows(paragraphs)[1] == span_repeats(stripped_paragraphs(text))
