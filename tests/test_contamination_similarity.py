"""Documents that are near-duplicates of items: estimates near the true Jaccard similarity."""

import random

import numpy as np
import pyarrow as pa
import pytest

from corpuskit.contamination import folded_words
from corpuskit.contamination.similarity import BANDS, ROWS, SEED, SHINGLE, sign_items, similarities
from corpuskit.dedup import DedupConfig
from corpuskit.kernels import Texts

WORDS = [f"w{number}" for number in range(500)]


def texts(values: list[str]) -> Texts:
    return Texts.from_arrow(pa.array(values, pa.large_string()))


def similar(items: list[str], documents: list[str], set_of: list[int] | None = None) -> np.ndarray:
    numbers = np.array(set_of if set_of is not None else [0] * len(items), np.int64)
    signed = sign_items(texts(items), numbers, int(max(numbers, default=0)) + 1)
    return similarities(folded_words(texts(documents)), signed)


def jaccard(one: str, other: str) -> float:
    left, right = (
        {tuple(text.lower().split()[start : start + SHINGLE]) for start in range(len(text.split()) - SHINGLE + 1)}
        for text in (one, other)
    )
    return len(left & right) / len(left | right)


def test_the_scheme_is_that_of_duplicates() -> None:
    config = DedupConfig()
    assert (config.ngram, config.bands, config.rows, config.seed) == (SHINGLE, BANDS, ROWS, SEED)


def test_estimates_are_near_the_truth_and_unlike_texts_have_none() -> None:
    generator = random.Random(5)
    items = [" ".join(generator.choices(WORDS, k=80)) for _ in range(40)]
    documents = []
    for number, item in enumerate(items):
        words = item.split()
        for place in generator.sample(range(80), number % 3):
            words[place] = "other"
        documents.append(" ".join(words).upper())
    found = similar(items, documents)[:, 0]
    truth = [jaccard(item, document) for item, document in zip(items, documents, strict=True)]
    assert found[::3].tolist() == [1.0] * len(found[::3])
    compared = found > 0
    assert np.abs(found - truth)[compared].max() < 0.2
    assert compared[np.array(truth) > 0.85].mean() > 0.9
    assert similar(items, [" ".join(generator.choices(WORDS, k=80))]).tolist() == [[0.0]]


def test_short_documents_cannot_be_compared_and_short_items_are_left_out() -> None:
    found = similar(["one two three four five six", "one"], ["One two, three four five six!", "one", ""])
    assert found[0, 0] == 1.0
    assert np.isnan(found[1:, 0]).all()


def test_each_set_has_its_own_value() -> None:
    item, other = "one two three four five six", "seven eight nine ten eleven twelve"
    found = similar([item, other, item], [item, other], [0, 1, 2])
    assert found.tolist() == [[1.0, 0.0, 1.0], [0.0, 1.0, 0.0]]


@pytest.mark.parametrize(("items", "documents"), [([], ["a b c d e f"]), (["a b c d e f"], [])])
def test_nothing_to_compare(items: list[str], documents: list[str]) -> None:
    assert not similar(items, documents).any()
