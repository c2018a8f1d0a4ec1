"""Random segmentations: their distributions, their seeds, and tokens beside their text."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from encoded import HOSTILE, any_text, batch, few_letters, lists, sentencepiece_model
from hypothesis import given, settings
from hypothesis import strategies as st
from test_encoding_unigram import FIRST, encoder_of, pieces_of_letters

from corpuskit.tokenization.encoding import BpeSampler, UnigramSampler, give_back, lossless_spans
from corpuskit.tokenization.encoding.sampling import LONGEST_WORD

DRAWS = 20_000
MERGES = [(b"a", b"b"), (b"c", b"d"), (b"ab", b"cd"), (b" ", b"a"), (b"b", b"c"), (b"a", b"a"), (b"aa", b"a")]
TOKENS = [*(bytes([byte]) for byte in range(256)), *(left + right for left, right in MERGES)]
ID = {token: number for number, token in enumerate(TOKENS)}
Pieces = tuple[bytes, ...]


@pytest.fixture(scope="module")
def bpe() -> BpeSampler:
    pairs = np.array([(ID[left], ID[right]) for left, right in MERGES])
    return BpeSampler(range(256), pairs, [ID[left + right] for left, right in MERGES])


def library(dropout: float | None, merges: Sequence[tuple[bytes, bytes]] = MERGES) -> Any:
    from tokenizers import Tokenizer, models, pre_tokenizers

    from corpuskit.tokenization.bytelevel import byte_alphabet

    letters = byte_alphabet()
    names = ["".join(letters[byte] for byte in token) for token in TOKENS]
    pairs = [(names[ID[left]], names[ID[right]]) for left, right in merges]
    made = Tokenizer(models.BPE({name: number for number, name in enumerate(names)}, pairs, dropout=dropout))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    return made


def frequencies(ids: Sequence[Sequence[int]]) -> dict[Pieces, float]:
    counts = Counter(tuple(TOKENS[number] for number in row) for row in ids)
    return {pieces: count / len(ids) for pieces, count in counts.items()}


def check_close(found: dict[Any, float], expected: dict[Any, float], draws: int = DRAWS) -> None:
    """No share may be more than 5 standard errors from what it should be; about one in a million is, by chance."""
    assert set(found) <= set(expected)
    for key, share in expected.items():
        assert abs(found.get(key, 0) - share) <= 5 * math.sqrt(share * (1 - share) / draws) + 1e-9, key


@cache
def dropout_shares(pieces: Pieces, dropout: float) -> dict[Pieces, float]:
    """The probability of each outcome: every merge is left out or not, the first of the others is made, and so on."""
    places = [place for place in range(len(pieces) - 1) if pieces[place : place + 2] in MERGES]
    places.sort(key=lambda place: (MERGES.index(pieces[place : place + 2]), place))
    shares: Counter[Pieces] = Counter()
    left = 1.0
    for place in places:
        merged = (*pieces[:place], pieces[place] + pieces[place + 1], *pieces[place + 2 :])
        for outcome, share in dropout_shares(merged, dropout).items():
            shares[outcome] += left * (1 - dropout) * share
        left *= dropout
    shares[pieces] += left
    return dict(shares)


@pytest.mark.parametrize("word", ["abcd", "aaaa", " abcab"])
@pytest.mark.parametrize("dropout", [0.1, 0.6])
def test_dropout_has_its_distribution(bpe: BpeSampler, word: str, dropout: float) -> None:
    found = lists(*bpe.sample(batch([word] * DRAWS), dropout=dropout, seed=3))
    single = tuple(bytes([byte]) for byte in word.encode())
    check_close(frequencies(found), dropout_shares(single, dropout))


def test_dropout_is_that_of_tokenizers() -> None:
    """Where merges do not overlap: elsewhere `tokenizers` draws for merges too that can no longer be made."""
    merges = MERGES[:3]
    pairs = np.array([(ID[left], ID[right]) for left, right in merges])
    ours = BpeSampler(range(256), pairs, [ID[left + right] for left, right in merges])
    theirs = library(0.4, merges)
    shares = frequencies([theirs.encode("abcd").ids for _ in range(DRAWS)])
    found = frequencies(lists(*ours.sample(batch(["abcd"] * DRAWS), dropout=0.4, seed=5)))
    assert set(found) == set(shares)
    for pieces, share in shares.items():
        assert abs(found[pieces] - share) <= 7 * math.sqrt(share * (1 - share) / DRAWS)  # both are estimates


@given(texts=st.lists(any_text | st.text("abcd ", max_size=30), max_size=5))
@settings(max_examples=100, deadline=None)
def test_no_dropout_is_bpe_and_all_is_bytes(bpe: BpeSampler, texts: list[str]) -> None:
    texts = [text[: LONGEST_WORD // 4] for text in texts]  # longer words are cut
    assert lists(*bpe.sample(batch(texts), dropout=0, seed=1)) == [one.ids for one in library(None).encode_batch(texts)]
    assert lists(*bpe.sample(batch(texts), dropout=1, seed=1)) == [list(text.encode()) for text in texts]


def test_long_words_are_cut(bpe: BpeSampler) -> None:
    word = "ab" * LONGEST_WORD + "a"
    ids, _ = bpe.sample(batch([word]), dropout=0, seed=0)
    assert ids.tolist() == [ID[b"ab"]] * LONGEST_WORD + [ID[b"a"]]
    assert lists(*bpe.sample(batch(["a" * 5_000_000]), dropout=1, seed=0)) == [[97] * 5_000_000]


# ------------------------------------------------------------------------------------------------------------ Unigram

SCORES = {"a": -2.0, "b": -2.5, "ab": -3.0, "ba": -3.2, "aba": -4.0, " ": -3.0, " a": -3.5, "我": -4.0}


@pytest.fixture(scope="module")
def model() -> Any:
    return sentencepiece_model(list(SCORES), list(SCORES.values()))


def splits(text: str) -> Iterator[tuple[str, ...]]:
    """Every segmentation into pieces and unknown characters."""
    if not text:
        yield ()
    for end in range(1, len(text) + 1):
        if end == 1 or text[:end] in SCORES:
            yield from ((text[:end], *rest) for rest in splits(text[end:]))


def unigram_shares(text: str, alpha: float) -> dict[tuple[int, ...], float]:
    unknown = min(SCORES.values()) - 10
    names = list(SCORES)
    weights = {}
    for split in splits(text):
        ids: list[int] = []
        for piece in split:
            ids += [FIRST + names.index(piece)] if piece in SCORES else [3 + byte for byte in piece.encode()]
        weights[tuple(ids)] = math.exp(alpha * sum(SCORES.get(piece, unknown) for piece in split))
    total = sum(weights.values())
    return {ids: weight / total for ids, weight in weights.items()}


@pytest.mark.parametrize("text", ["abab", "a aba我é b"])
@pytest.mark.parametrize("alpha", [0.0, 0.3, 1.0])
def test_unigram_has_its_distribution(model: Any, text: str, alpha: float) -> None:
    rows = lists(*UnigramSampler(encoder_of(model)).sample(batch([text] * DRAWS), alpha=alpha, seed=1))
    found = {ids: count / DRAWS for ids, count in Counter(map(tuple, rows)).items()}
    check_close(found, unigram_shares(text, alpha))


def test_unigram_distribution_is_that_of_sentencepiece(model: Any) -> None:
    rows = [model.encode("ab aba", enable_sampling=True, alpha=0.5, nbest_size=-1) for _ in range(DRAWS)]
    found = {ids: count / DRAWS for ids, count in Counter(map(tuple, rows)).items()}
    check_close(found, unigram_shares("ab aba", 0.5))


@given(pieces=pieces_of_letters, texts=st.lists(few_letters, max_size=4))
@settings(max_examples=60, deadline=None)
def test_a_great_alpha_gives_a_best_segmentation(pieces: list[str], texts: list[str]) -> None:
    scores = [-1.0 - 0.37 * number for number in range(len(pieces))]
    encoder = encoder_of(sentencepiece_model(pieces, scores))
    score = dict(zip(range(FIRST, FIRST + len(pieces)), scores, strict=True))
    best = lists(*encoder.encode(batch(texts)))
    drawn = lists(*UnigramSampler(encoder).sample(batch(texts), alpha=1e6, seed=0))
    for one, other in zip(best, drawn, strict=True):
        totals = [sum(score.get(number, -100) for number in ids) for ids in (one, other)]
        assert totals[0] == pytest.approx(totals[1], abs=1e-4)


def test_unknown_runs_are_one_id() -> None:
    encoder = encoder_of(sentencepiece_model(["a"], [-1.0], byte_fallback=False))
    rows = lists(*UnigramSampler(encoder).sample(batch(["aqqa我我", "q"]), alpha=0.2, seed=0))
    assert rows == [[3, 0, 3, 0], [0]]


# -------------------------------------------------------------------------------------------------------------- seeds


def draw(sampler: Any, texts: Sequence[str], seed: int, documents: np.ndarray | None = None) -> list[list[int]]:
    options = {"dropout": 0.5} if isinstance(sampler, BpeSampler) else {"alpha": 0.2}
    return lists(*sampler.sample(batch(texts), seed=seed, documents=documents, **options))


@pytest.mark.parametrize("kind", ["bpe", "unigram"])
def test_draws_depend_on_seed_document_and_place_alone(kind: str, bpe: BpeSampler, model: Any) -> None:
    sampler = bpe if kind == "bpe" else UnigramSampler(encoder_of(model))
    texts = ["abcd aba ab " * 20, "", "ba ab" * 9, "我é aab", "abcd aba ab " * 20]
    whole = draw(sampler, texts, 7)
    assert whole == draw(sampler, texts, 7)
    assert whole != draw(sampler, texts, 8)
    assert whole[0] != whole[4]
    numbers = np.arange(5, dtype=np.uint64)
    assert [draw(sampler, [text], 7, numbers[[row]])[0] for row, text in enumerate(texts)] == whole
    order = [3, 4, 0, 2, 1]
    assert draw(sampler, [texts[row] for row in order], 7, numbers[order]) == [whole[row] for row in order]


def test_what_samplers_refuse(bpe: BpeSampler, model: Any) -> None:
    sampler = UnigramSampler(encoder_of(model))
    for dropout in (-0.1, 1.1, math.nan):
        with pytest.raises(ValueError, match="dropout is a probability"):
            bpe.sample(batch(["a"]), dropout=dropout, seed=0)
    for alpha in (-0.1, math.inf, math.nan):
        with pytest.raises(ValueError, match="alpha must be 0 or more"):
            sampler.sample(batch(["a"]), alpha=alpha, seed=0)
    with pytest.raises(ValueError, match="1 documents, but 2 numbers"):
        sampler.sample(batch(["a"]), alpha=1, seed=0, documents=np.arange(2))
    with pytest.raises(ValueError, match="255 bytes of 256"):
        BpeSampler(range(255), np.empty((0, 2)), [])


# ---------------------------------------------------------------------------------------------- tokens and their text


@given(texts=st.lists(any_text, max_size=5))
@settings(max_examples=60, deadline=None)
def test_spans_and_texts_of_lossless_tokens(bpe: BpeSampler, texts: list[str]) -> None:
    table = pa.array(TOKENS, pa.large_binary())
    ids, offsets = bpe.sample(batch(texts), dropout=0.3, seed=2)
    assert give_back(batch(texts), ids, offsets, table).all()
    starts, ends = lossless_spans(ids, offsets, np.array([len(token) for token in TOKENS]))
    for row, text in enumerate(texts):
        part = slice(offsets[row], offsets[row + 1])
        cut = [text.encode()[a:b] for a, b in zip(starts[part], ends[part], strict=True)]
        assert cut == [TOKENS[number] for number in ids[part]]


def test_what_is_lost_is_found() -> None:
    table = pa.array([b"", *TOKENS], pa.large_binary()).slice(1)
    rows = [b"ab", b"abc", b"ab", b"", b"aB", b"b"]
    texts = batch(["ab", "ab", "abc", "a", "ab", "b"])
    ids = np.array([number for row in rows for number in row], np.uint32)
    offsets = np.cumsum([0, *map(len, rows)])
    assert give_back(texts, ids, offsets, table).tolist() == [True, False, False, False, False, True]
    assert give_back(texts.rows(2, 3), ids[:2], offsets[:2], table).tolist() == [False]
    with pytest.raises(IndexError, match="vocabulary of 263"):
        give_back(texts.rows(0, 1), np.array([263]), np.array([0, 1]), table)
    with pytest.raises(ValueError, match="6 documents, but 1 lists"):
        give_back(texts, ids, offsets[:2], table)


def test_hostile_texts_are_given_back(model: Any) -> None:
    encoder = encoder_of(model)
    tokens = [b""] * 3 + [bytes([byte]) for byte in range(256)] + [piece.encode() for piece in SCORES]
    table = pa.array(tokens, pa.large_binary())
    for ids, offsets in (
        encoder.encode(batch(HOSTILE)),
        UnigramSampler(encoder).sample(batch(HOSTILE), alpha=1, seed=1),
    ):
        assert give_back(batch(HOSTILE), ids, offsets, table).all()
