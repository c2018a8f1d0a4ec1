"""Documents that are near-duplicates of items: estimates near the true Jaccard similarity."""

import random

import numpy as np
import pyarrow as pa
import pytest

from corpuskit.contamination import build, folded_words, overlap, pairs
from corpuskit.contamination.similarity import SHINGLE, sign_items, similar_pairs, similarities
from corpuskit.kernels import Texts

WORDS = [f"w{number}" for number in range(500)]


def texts(values: list[str]) -> Texts:
    return Texts.from_arrow(pa.array(values, pa.large_string()))


def similar(items: list[str], documents: list[str], set_of: list[int] | None = None) -> np.ndarray:
    numbers = np.array(set_of if set_of is not None else [0] * len(items), np.int64)
    signed = sign_items(texts(items), numbers, int(max(numbers, default=0)) + 1, 5)
    return similarities(folded_words(texts(documents)), signed)


def jaccard(one: str, other: str) -> float:
    left, right = (
        {tuple(text.lower().split()[start : start + SHINGLE]) for start in range(len(text.split()) - SHINGLE + 1)}
        for text in (one, other)
    )
    return len(left & right) / len(left | right)


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
    assert compared[np.array(truth) > 0.6].all()
    assert similar(items, [" ".join(generator.choices(WORDS, k=80))]).tolist() == [[0.0]]


def test_short_documents_cannot_be_compared_and_short_items_are_left_out() -> None:
    items = ["one two three four five six", "seven eight nine ten", "one"]
    found = similar(items, ["One two, three four five six!", "seven eight nine ten", "one two", "one", ""])
    assert found[:2, 0].tolist() == [1.0, 0.0], "an item of fewer than 5 words is not looked for"
    assert np.isnan(found[2:, 0]).all()


def test_one_changed_word_of_a_short_item_is_found_where_no_13_gram_is() -> None:
    generator = random.Random(7)
    items = [" ".join(generator.choices(WORDS, k=20)) for _ in range(100)]
    changed = [" ".join([*item.split()[:10], "other", *item.split()[11:]]) for item in items]
    assert not overlap(texts(changed), build([("items", items)], 13, 5)).shares().any()
    assert (similar(items, changed)[:, 0] > 0.5).mean() > 0.8


def test_pairs_name_the_items_and_come_a_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    item, other = "one two three four five six", "seven eight nine ten eleven twelve"
    signed = sign_items(texts(["too short", item, other, item]), np.array([0, 0, 0, 1]), 2, 5)
    words = folded_words(texts(["no such thing here", other, item]))
    whole = [
        (part.documents.tolist(), part.items.tolist(), part.shares.tolist()) for part in similar_pairs(words, signed)
    ]
    assert [(documents, sorted(items), shares) for documents, items, shares in whole] == [
        ([1, 2, 2], [1, 2, 3], [1.0, 1.0, 1.0])
    ]
    monkeypatch.setattr(pairs, "AT_ONCE", 1)
    few = list(similar_pairs(words, signed))
    assert [row for part in few for row in part.documents.tolist()] == [1, 2, 2]
    assert len(few) > 1
    assert similarities(words, signed).tolist() == [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]]


def test_each_set_has_its_own_value() -> None:
    item, other = "one two three four five six", "seven eight nine ten eleven twelve"
    found = similar([item, other, item], [item, other], [0, 1, 2])
    assert found.tolist() == [[1.0, 0.0, 1.0], [0.0, 1.0, 0.0]]


@pytest.mark.parametrize(("items", "documents"), [([], ["a b c d e f"]), (["a b c d e f"], [])])
def test_nothing_to_compare(items: list[str], documents: list[str]) -> None:
    assert not similar(items, documents).any()
