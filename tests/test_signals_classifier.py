"""Features, samples, words and signals of classifiers."""

import itertools
import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from corpuskit.kernels import Texts, fixed
from corpuskit.signals.classifier import CLASSIFIER, ClassifierConfig
from corpuskit.signals.classifier.examples import CALIBRATE, EVALUATE, TRAIN, Sample, joined, sides, without
from corpuskit.signals.classifier.features import (
    Learner,
    count_features,
    identities,
    margins,
    word_buckets,
    word_numbers,
)
from corpuskit.signals.classifier.vocabulary import Vocabulary

BUCKETS = 2**10
ODD = (
    "",
    " \n\t",
    "one",
    "漢字かな交じり文 mixed with words",
    "e\u0301\u0302 marks 👩\u200d👩\u200d👧 and \U0001d518\U0001d52b plane one",
    "a null \0 and \u2028 separators\x85 and \u202eright to left\u202c שלום",
    "... --- !!!",
    "words " * 5_000,
)


def wrap(texts: list[str]) -> Texts:
    return Texts.from_arrow(pa.array(texts, pa.large_string()))


def numbers(texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
    words = wrap(texts).words("unicode")
    return word_numbers(words), words.offsets


# slow and obvious definitions


def word_bucket(word: int, buckets: int) -> int:
    return word * buckets // 2**32


def pair_bucket(before: int, word: int, buckets: int) -> int:
    return (((before * 2**32 + word) * 0x9E3779B97F4A7C15) % 2**64) * buckets // 2**64


def features(words: list[int], buckets: int) -> list[int]:
    """The buckets of a text in the order in which they are learnt: each word, then its pair with the one before."""
    found = []
    for place, word in enumerate(words):
        found.append(word_bucket(word, buckets))
        if place:
            found.append(pair_bucket(words[place - 1], word, buckets))
    return found


def texts_of(words: np.ndarray, offsets: np.ndarray) -> list[list[int]]:
    return [words[start:stop].tolist() for start, stop in itertools.pairwise(offsets)]


class SlowLearner:
    """AdaGrad on the logistic loss of a mean of weights, one feature after the other."""

    def __init__(self, buckets: int, rate: float) -> None:
        self.rate = rate
        self.weights, self.squares = [0.0] * buckets, [1e-12] * buckets
        self.bias, self.bias_squares = 0.0, 1e-12

    def learn(self, text: list[int], label: bool, cost: float) -> None:
        found = features(text, len(self.weights))
        margin = self.bias + sum(self.weights[bucket] for bucket in found) / len(found)
        slope = cost * (1 / (1 + math.exp(-margin)) - label)
        self.bias_squares += slope**2
        self.bias -= self.rate * slope / math.sqrt(self.bias_squares)
        for bucket in found:
            gradient = slope / len(found)
            self.squares[bucket] += gradient**2
            self.weights[bucket] -= self.rate * gradient / math.sqrt(self.squares[bucket])


# features


LETTERS = st.text(st.sampled_from("ab é漢字0 \n.,'e\u0301"), max_size=40)


def test_the_golden_buckets_of_a_text():
    """A change here makes every trained model meaningless: raise `features.VERSION` with it."""
    words, offsets = numbers(["The cat, the 猫."])
    assert offsets.tolist() == [0, 4]
    assert words.tolist() == GOLDEN_NUMBERS
    counts = np.zeros(2**20, np.int64)
    count_features(words, offsets, counts)
    assert np.flatnonzero(counts).tolist() == GOLDEN_BUCKETS


GOLDEN_NUMBERS = [3030778095, 1276838529, 2943994400, 4138987572]
GOLDEN_BUCKETS = [136866, 207060, 311728, 718748, 739936, 980549, 1010495]


@settings(deadline=None)
@given(st.lists(LETTERS, max_size=5), st.integers(10, 18))
def test_margins_are_the_mean_weight_of_words_and_pairs(texts, bits):
    words, offsets = numbers(texts)
    weights = np.random.default_rng(bits).normal(size=2**bits).astype(np.float32)
    found = margins(words, offsets, weights, 0.25)
    for margin, text in zip(found, texts_of(words, offsets), strict=True):
        expected = [float(weights[bucket]) for bucket in features(text, 2**bits)]
        assert margin == pytest.approx(0.25 + sum(expected) / len(expected)) if text else math.isnan(margin)


@settings(deadline=None)
@given(st.lists(LETTERS, max_size=5))
def test_features_are_counted_by_bucket(texts):
    words, offsets = numbers(texts)
    counts = np.zeros(BUCKETS, np.int64)
    count_features(words, offsets, counts)
    found = [bucket for text in texts_of(words, offsets) for bucket in features(text, BUCKETS)]
    assert counts.tolist() == np.bincount(found, minlength=BUCKETS).tolist() if found else not counts.any()
    assert word_buckets(words, BUCKETS).tolist() == [word_bucket(word, BUCKETS) for word in words.tolist()]


@settings(deadline=None)
@given(st.lists(LETTERS, min_size=2, max_size=6))
def test_texts_have_one_identity_if_their_words_are_the_same(texts):
    words, offsets = numbers(texts)
    found = identities(words, offsets)
    spelt = texts_of(words, offsets)
    for left, right in itertools.combinations(range(len(texts)), 2):
        assert (found[left] == found[right]) == (spelt[left] == spelt[right])


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(LETTERS, st.booleans()), min_size=1, max_size=8), st.integers(0, 9))
def test_learning_is_adagrad_on_the_logistic_loss(rows, seed):
    words, offsets = numbers([f"{text} word" for text, _ in rows])
    labels = np.array([label for _, label in rows])
    costs = np.linspace(0.5, 1.5, len(rows))
    fast, slow = Learner(BUCKETS, 3.0), SlowLearner(BUCKETS, 3.0)
    order = np.random.default_rng(seed).permutation(len(rows))
    fast.learn(words, offsets, order, labels, costs)
    texts = texts_of(words, offsets)
    for text in order:
        slow.learn(texts[text], bool(labels[text]), costs[text])
    assert fast.weights.tolist() == pytest.approx(slow.weights, rel=1e-3, abs=1e-3)
    assert fast.bias == pytest.approx(slow.bias, rel=1e-3)


# samples and sides


def sample_of(texts: list[str], limit: int = 1000, max_words: int | None = None, step: int = 3) -> Sample:
    sample = Sample(limit, max_words)
    for start in range(0, len(texts), step):
        sample.add(wrap(texts[start : start + step]))
    return sample


MANY = [f"text {number} of many" for number in range(300)]


def test_a_sample_keeps_each_text_once_and_counts_the_rest():
    texts = ["a b", "A b", "", "a  b!", "c", "...", "c"]
    sample = sample_of(texts)
    examples = sample.examples()
    assert (sample.read, sample.empty, sample.duplicates, len(examples)) == (7, 2, 2, 3)
    words, offsets = numbers(["a b", "A b", "c"])
    assert sorted(texts_of(examples.words, examples.offsets)) == sorted(texts_of(words, offsets))
    assert examples.documents.tolist() == sorted(identities(words, offsets).tolist())


@pytest.mark.parametrize("step", [1, 7, 300])
def test_only_copies_of_documents_of_the_sample_are_duplicates(step):
    for texts in (MANY * 2, (MANY * 2)[::-1], [text for text in MANY for _ in range(2)]):
        sample = sample_of(texts, 10, step=step)
        assert len(sample.examples()) == sample.duplicates == 10


@pytest.mark.parametrize("limit", [1, 10, 100, 299, 300, 1000])
def test_a_sample_does_not_depend_on_order_or_batches(limit):
    ways = [sample_of(texts, limit, step=step).examples() for texts in (MANY, MANY[::-1]) for step in (1, 7, 300)]
    for examples in ways:
        assert examples.documents.tolist() == ways[0].documents.tolist()
        assert examples.words.tolist() == ways[0].words.tolist()
        assert examples.offsets.tolist() == ways[0].offsets.tolist()
    hashes = sorted(identities(*numbers(MANY)).tolist())
    assert ways[0].documents.tolist() == hashes[:limit]


@settings(deadline=None)
@given(st.lists(LETTERS, max_size=6), st.integers(1, 5))
def test_only_the_first_words_of_a_document_count(texts, most):
    examples = sample_of(texts, max_words=most).examples()
    expected = {tuple(text[:most]) for text in texts_of(*numbers(texts)) if text}
    assert {tuple(text) for text in texts_of(examples.words, examples.offsets)} == expected
    assert len(examples) == len(expected)


@settings(deadline=None)
@given(st.lists(LETTERS, max_size=4), st.integers(1, 7))
def test_pieces_are_equal_and_nothing_is_lost(texts, length):
    whole = sample_of(texts).examples()
    cut = whole.pieces(length)
    for document in whole.documents:
        pieces = [
            text
            for text, owner in zip(texts_of(cut.words, cut.offsets), cut.documents, strict=True)
            if owner == document
        ]
        row = whole.documents.tolist().index(document)
        assert list(itertools.chain(*pieces)) == texts_of(whole.words, whole.offsets)[row]
        sizes = [len(piece) for piece in pieces]
        assert max(sizes) - min(sizes) <= 1
        assert len(sizes) == max((sum(sizes) + length // 2) // length, 1)


@settings(deadline=None)
@given(st.integers(10, 400), st.floats(0.01, 0.8), st.integers(0, 3))
def test_sides_have_their_share_and_follow_the_document(count, share, seed):
    documents = np.random.default_rng(count).integers(0, 2**63, count).astype(np.uint64)
    found = sides(documents, share, seed)
    held = max(round(count * share / 2), 1)
    assert [(found == side).sum() for side in (EVALUATE, CALIBRATE, TRAIN)] == [held, held, count - 2 * held]
    assert sides(documents[::-1], share, seed).tolist() == found[::-1].tolist()


def test_another_seed_holds_out_other_documents():
    documents = np.arange(1000, dtype=np.uint64)
    held = [set(np.flatnonzero(sides(documents, 0.2, seed))) for seed in range(5)]
    for left, right in itertools.combinations(held, 2):
        assert 10 < len(left & right) < 80  # 40 expected by chance


def test_documents_of_both_classes_are_found():
    left, right = (sample_of(texts).examples() for texts in (["a", "b", "c d"], ["c  d", "e"]))
    assert len(without(left, right)) == 2
    assert len(without(right, left)) == 1
    assert joined([left, right]).counts().sum() == 7


# words


def test_a_vocabulary_counts_documents_and_keeps_spellings():
    vocabulary = Vocabulary(2**20)
    vocabulary.add(wrap(["the cat the", "The 猫", ""]), positive=True)
    vocabulary.add(wrap(["the dog", "the cat cat"]), positive=False)
    table = vocabulary.words(1).to_pylist()
    found = {row["word"]: (row["positive"], row["negative"]) for row in table}
    assert found == {"the": (1, 2), "cat": (1, 1), "The": (1, 0), "猫": (1, 0), "dog": (0, 1)}
    assert {row["word"] for row in vocabulary.words(2).to_pylist()} == {"the", "cat"}
    words, _ = numbers(["the"])
    assert {row["word"]: row["bucket"] for row in table}["the"] == word_bucket(int(words[0]), 2**20)
    assert [row["word"] for row in table] == sorted(found)


def test_a_word_that_is_the_smaller_part_of_its_bucket_is_not_shown():
    words = [f"{first}{second}" for first in "abcdefghij" for second in "klmnopqrst"]
    buckets = word_buckets(numbers([" ".join(words)])[0], BUCKETS)
    shared = next(pair for pair in itertools.combinations(range(100), 2) if buckets[pair[0]] == buckets[pair[1]])
    often, seldom = (words[place] for place in shared)
    vocabulary = Vocabulary(BUCKETS)
    vocabulary.add(wrap([often] * 3 + [seldom]), positive=True)
    assert [row["word"] for row in vocabulary.words(1).to_pylist()] == [often]


def test_a_full_vocabulary_counts_the_words_that_it_has():
    vocabulary = Vocabulary(2**20, most_words=2)
    vocabulary.add(wrap(["one two three", "three two one"]), positive=True)
    assert [(row["word"], row["positive"]) for row in vocabulary.words(1).to_pylist()] == [("one", 2), ("two", 2)]


def test_no_document_makes_no_vocabulary():
    vocabulary = Vocabulary(2**20)
    vocabulary.add(wrap(["", " "]), positive=True)
    assert vocabulary.words(1).num_rows == 0


# the group


def test_the_group_names_a_signal_for_each_classifier():
    config = ClassifierConfig(models={"film": "a", "law": "b"})
    names = ["film", "film_logit", "law", "law_logit"]
    assert dict(CLASSIFIER.columns(config)) == dict.fromkeys(names, pa.float32())
    assert CLASSIFIER.columns() == {}
    assert CLASSIFIER.measure(wrap(["text"]), ClassifierConfig()) == {}


@pytest.mark.parametrize("name", ["", "1st", "a.b", "a b", "-x", "good_logit"])
def test_names_that_make_no_column_are_refused(name):
    with pytest.raises(ValidationError):
        ClassifierConfig(models={name: "folder"})


def test_log_odds_of_odd_texts_do_not_depend_on_the_batch():
    from corpuskit.signals.classifier.model import Classifier

    weights = np.random.default_rng(1).normal(size=BUCKETS)
    model = Classifier(fixed(weights, np.float32), 0.1, 2.0, -0.3)
    whole = model.log_odds(wrap(list(ODD)))
    assert np.isnan(whole).tolist() == [True, True, False, False, False, False, True, False]
    alone = np.concatenate([model.log_odds(wrap([text])) for text in ODD])
    assert whole.tobytes() == alone.tobytes()
    assert model.log_odds(wrap([])).size == 0


def test_log_odds_are_the_scaled_margin():
    from corpuskit.signals.classifier.model import Classifier

    words, _ = numbers(["one"])
    weights = np.zeros(BUCKETS, np.float32)
    weights[word_bucket(int(words[0]), BUCKETS)] = 1.5
    found = Classifier(weights, 0.5, 2.0, -1.0).log_odds(wrap(["one", "two"]))
    assert found.tolist() == pytest.approx([3, 0])
