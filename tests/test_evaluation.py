"""Figures of tokenizers against slow Python, published values and cuts that are known."""

import itertools
import math
import re
from collections import Counter

import numpy as np
import orjson
import pyarrow as pa
import pytest
from evaluated import ToyTokenizer, column, toy
from hypothesis import given, settings
from hypothesis import strategies as st

from corpuskit.errors import InputError
from corpuskit.tokenization import RESERVED
from corpuskit.tokenization.evaluation import Parallel, evaluate, measure
from corpuskit.tokenization.evaluation.efficiency import renyi_efficiency, renyi_entropy
from corpuskit.tokenization.evaluation.speed import speed
from corpuskit.tokenization.evaluation.tally import batches, tally

README_TEXTS = ("pick @@ed pick @@l @@ed pick @@les", "pick @@e @@d pick @@l @@e @@d pick @@l @@e @@s")
TOKENS = ["ab", " ab", "b ", "é", "我们", b"\xe6\x88", "aab", ", "]
texts_of = st.lists(st.text("aabéé1 ,\n我们", max_size=14), max_size=6)


def counts_of(text: str) -> np.ndarray:
    return np.array(list(Counter(text.split()).values()))


# ---------------------------------------------------------------------------------------------- Rényi efficiency


@pytest.mark.parametrize(
    ("text", "order", "published"),
    [
        (README_TEXTS[0], 2.5, 0.8265064834225245),
        (README_TEXTS[1], 2.5, 0.9204840242168808),
        (README_TEXTS[0], 3.0, 0.8031528501359657),
        (README_TEXTS[1], 3.0, 0.9105681923824472),
        (README_TEXTS[0], 1.0, 0.9211854965885544),
        (README_TEXTS[1], 1.0, 0.9609557933859342),
    ],
)
def test_efficiency_is_that_of_the_published_package(text, order, published):
    """The values at 2.5 and 1 are those of the package's own tests; its README gives those of order 3 as of 2.5."""
    assert renyi_efficiency(counts_of(text), order) == pytest.approx(published, abs=1e-15)


def test_entropy_of_the_published_package():
    assert renyi_entropy(counts_of(README_TEXTS[0])) == pytest.approx(1.653012966845049, abs=1e-15)
    assert renyi_entropy(counts_of(README_TEXTS[1])) == pytest.approx(2.1372977167241545, abs=1e-15)


@given(st.lists(st.integers(0, 50), min_size=2).filter(lambda counts: sum(map(bool, counts)) > 1))
def test_efficiency_lies_between_0_and_1_and_unused_tokens_lower_it(counts):
    array = np.array(counts)
    observed = renyi_efficiency(array)
    assert 0 <= observed <= 1 + 1e-12
    assert renyi_efficiency(array, vocab_size=len(counts)) <= observed + 1e-12


def test_efficiency_of_even_use_is_1_and_of_nothing_unknown():
    assert renyi_efficiency(np.full(8, 3)) == pytest.approx(1)
    assert renyi_efficiency(np.full(8, 3), vocab_size=64) == pytest.approx(0.5)
    assert renyi_efficiency(np.array([5, 0])) is None
    assert renyi_efficiency(np.zeros(4, np.int64), vocab_size=4) is None
    with pytest.raises(ValueError, match="no token"):
        renyi_entropy(np.zeros(4, np.int64))
    with pytest.raises(ValueError, match="above 0"):
        renyi_entropy(np.ones(4), 0)


# ------------------------------------------------------------------------------------------------------- figures


def words_of(text: str) -> list[tuple[int, int]]:
    """Byte spans of words: Chinese characters, and runs of the other letters and digits of these tests."""
    spans = (match.span() for match in re.finditer("[我们]|[ab1é]+", text))
    return [tuple(len(text[:place].encode()) for place in span) for span in spans]


def slow(tokenizer: ToyTokenizer, texts: list[str]) -> dict[str, float | None]:
    """The figures in plain Python."""
    table = tokenizer.tokens()
    cuts = [tokenizer.cut(text) for text in texts]
    words = [(row, span) for row, text in enumerate(texts) for span in words_of(text)]
    bounds = [set(itertools.accumulate(len(table[index]) for index in row)) for row in cuts]
    whole = sum(not any(start < bound < end for bound in bounds[row]) for row, (start, end) in words)
    tokens = [index for row in cuts for index in row]
    spelled = Counter(texts[row].encode()[start:end].decode() for row, (start, end) in words)
    single = sum(1 in (len(tokenizer.cut(word)), len(tokenizer.cut(" " + word))) for word in spelled)
    partial = sum(not decodes(table[index]) for index in tokens)
    size = sum(len(text.encode()) for text in texts)

    def over(part: float, all_: float) -> float | None:
        return part / all_ if all_ else None

    return {
        "documents": len(texts),
        "bytes": size,
        "characters": sum(map(len, texts)),
        "words": len(words),
        "tokens": len(tokens),
        "bytes_per_token": over(size, len(tokens)),
        "characters_per_token": over(sum(map(len, texts)), len(tokens)),
        "fertility": over(len(tokens), len(words)),
        "strr": over(single, len(spelled)),
        "whole_words": over(whole, len(words)),
        "used_tokens": len(set(tokens)),
        "partial_tokens": over(partial, len(tokens)),
        "round_trip": over(len(texts), len(texts)),
    }


def decodes(token: bytes) -> bool:
    return token.decode("utf-8", "replace").encode() == token


@given(texts=texts_of)
@settings(max_examples=150, deadline=None)
def test_figures_are_those_of_plain_python(texts):
    tokenizer = toy(TOKENS)
    found = measure(tokenizer, column(texts))
    expected = slow(tokenizer, texts)
    assert {name: getattr(found, name) for name in expected} == expected


@given(texts=texts_of, cut=st.integers(0, 6))
@settings(max_examples=60, deadline=None)
def test_chunks_nulls_and_types_change_nothing(texts, cut):
    tokenizer = toy(TOKENS)
    whole = measure(tokenizer, column(texts))
    chunked = pa.chunked_array([column(texts[:cut]), column(texts[cut:])], pa.large_string())
    assert measure(tokenizer, chunked) == whole
    assert measure(tokenizer, pa.array(texts, pa.string())) == whole
    assert measure(tokenizer, column([None, *texts])) == measure(tokenizer, column(["", *texts]))


@given(texts=texts_of, size=st.integers(1, 40))
@settings(max_examples=60, deadline=None)
def test_batches_hold_every_text_once_and_no_more_than_they_may(texts, size):
    found = list(batches(column(["x", *texts]).slice(1), size))
    assert [text for batch in found for text in batch.to_pylist()] == texts
    for batch in found:
        assert len(batch) >= 1
        assert len(batch) == 1 or sum(len(text.encode()) for text in batch.to_pylist()) <= size


@given(left=texts_of, right=texts_of)
@settings(max_examples=60, deadline=None)
def test_sums_of_two_texts_are_those_of_both_together(left, right):
    tokenizer = toy(TOKENS)
    added = tally(tokenizer, column(left)) + tally(tokenizer, column(right))
    both = tally(tokenizer, column([*left, *right]))
    assert (added.counts == both.counts).all()
    assert added.common_words(9).to_pylist() == both.common_words(9).to_pylist()
    names = ("documents", "round_trips", "bytes", "characters", "words", "placed_words", "whole_words")
    assert [getattr(added, name) for name in names] == [getattr(both, name) for name in names]


def test_common_words_are_the_commonest_and_ties_go_by_bytes():
    sums = tally(toy(), column(["b a c b", "c d"]))
    assert sums.common_words(3).to_pylist() == ["b", "c", "a"]
    assert tally(toy(), column([])).common_words(3).to_pylist() == []


def test_strr_counts_words_that_are_one_token_alone_or_after_a_space():
    tokenizer = toy(["cat", " dog", "we "])
    assert measure(tokenizer, column(["cat dog we owl"])).strr == 0.5


def test_fertility_is_per_character_in_chinese_and_counts_what_lies_between_words():
    assert measure(toy(["我", "们"]), column(["我们我"])).fertility == 1.0
    assert measure(toy(["a", " "]), column(["a a"])).fertility == 1.5


def test_a_lossy_tokenizer_has_no_round_trip_where_it_loses_and_words_where_it_does_not():
    found = measure(toy(["ab"], lower=True), column(["ab ac", "AB", "ab"]))
    assert found.round_trip == 2 / 3
    assert found.whole_words == 2 / 3, "ac is cut; the words of the text that is lost do not count"
    assert measure(toy(lower=True), column(["A"])).whole_words is None


@given(texts=texts_of)
@settings(max_examples=60, deadline=None)
def test_a_space_put_before_each_text_moves_no_word(texts):
    found = measure(toy(TOKENS, dummy=True), column(texts))
    spaced = measure(toy(TOKENS), column([" " + text for text in texts]))
    assert (found.whole_words, found.words, found.tokens) == (spaced.whole_words, spaced.words, spaced.tokens)
    assert found.round_trip == (1.0 if texts else None)


def test_nothing_to_divide_by_is_no_figure():
    nothing = measure(toy(), column([]))
    assert (nothing.documents, nothing.bytes_per_token, nothing.round_trip, nothing.strr) == (0, None, None, None)
    empty = measure(toy(), column(["", None]))
    assert (empty.documents, empty.fertility, empty.round_trip, empty.renyi_efficiency) == (2, None, 1.0, None)


def test_speed_is_bytes_over_seconds(monkeypatch):
    clock = iter([0.0, 4.0, 10.0, 12.0, 20.0, 23.0])
    monkeypatch.setattr("corpuskit.tokenization.evaluation.speed.time.perf_counter", lambda: next(clock))
    texts = [column(["a" * 500, "é" * 250]), column([]), column(["b" * 1000])]
    assert speed(toy(), texts) == pytest.approx(2000 / 2.0 / 1e6)
    assert speed(toy(), [column([]), column([""])]) is None


# ----------------------------------------------------------------------------------------------------- evaluation


@pytest.fixture(scope="module")
def evaluation():
    tokenizers = {"few": toy(["ab"]), "many": toy(TOKENS)}
    texts = {"Latin": column(["ab ab", "ab, é"]), "Han": column(["我们"])}
    pairs = Parallel("pair", {"en": column(["ab"]), "zh": column(["我们我们"])})
    return evaluate(tokenizers, texts, parallel=[pairs], sentences={"one": "ab 我"}, rare=2, timed=False)


def test_evaluation_json_has_every_figure_and_is_the_same_each_time(evaluation):
    document = orjson.loads(evaluation.to_json())
    assert document["format_version"] == 1
    few, many = document["tokenizers"]
    assert [few["name"], many["name"], few["megabytes_per_second"]] == ["few", "many", None]
    assert [few["texts"][name]["tokens"] for name in ("Latin", "Han")] == [3 + 5, 6]
    assert [few["overall"][name] for name in ("documents", "bytes", "tokens")] == [3, 17, 14]
    assert many["segmentations"]["one"] == [
        {"id": RESERVED, "hex": b"ab".hex()},
        {"id": RESERVED + len(TOKENS) + 0x20, "hex": "20"},
        {"id": RESERVED + TOKENS.index(b"\xe6\x88"), "hex": "e688"},
        {"id": RESERVED + len(TOKENS) + 0x91, "hex": "91"},
    ]
    assert few["vocabulary"]["rare"] == 2
    assert document["overlaps"][0]["shared"] == 257
    assert [parity["reference"] for parity in few["parities"]] == ["en"]
    assert not any(math.isnan(value) for value in numbers_in(document))


def numbers_in(value: object) -> list[float]:
    if isinstance(value, dict | list):
        return [found for part in (value.values() if isinstance(value, dict) else value) for found in numbers_in(part)]
    return [value] if isinstance(value, float) else []


def test_nothing_to_evaluate_is_refused():
    with pytest.raises(InputError, match="no tokenizer"):
        evaluate({}, {"a": column(["x"])})
    with pytest.raises(InputError, match="no text"):
        evaluate({"a": toy()}, {})
