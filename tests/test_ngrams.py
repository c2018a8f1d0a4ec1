"""Hashes of n-grams of short documents and of characters, against slow Python."""

import itertools
from collections.abc import Hashable, Sequence

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpuskit.kernels import Texts, character_ngram_hashes, ngram_hashes

SMALL_TEXT = st.text("ab é。一😀", max_size=30)
BATCHES = st.lists(SMALL_TEXT, max_size=6)


def texts_of(batch: Sequence[str]) -> Texts:
    return Texts.from_arrow(pa.array(batch, pa.string()))


def slow_ngrams(items: Sequence[Hashable], n: int, short: bool) -> list[tuple[Hashable, ...]]:
    whole = [tuple(items)] if short and 0 < len(items) < n else []
    return whole or [tuple(items[i : i + n]) for i in range(len(items) - n + 1)]


def check(documents: Sequence[Sequence[Hashable]], n: int, short: bool, found: tuple[np.ndarray, np.ndarray]) -> None:
    """As many hashes as n-grams, in text order, equal exactly where the n-grams are."""
    hashes, offsets = found
    assert (hashes.dtype, offsets.dtype) == (np.uint64, np.int64)
    named: dict[tuple[Hashable, ...], int] = {}
    for document, (start, stop) in zip(documents, itertools.pairwise(offsets), strict=True):
        sequences, own = slow_ngrams(document, n, short), hashes[start:stop].tolist()
        assert len(own) == len(sequences)
        assert all(named.setdefault(sequence, value) == value for sequence, value in zip(sequences, own, strict=True))
    assert offsets[-1] == hashes.size
    assert len(set(named.values())) == len(named)


@given(BATCHES, st.integers(1, 6), st.booleans())
@settings(deadline=None)
def test_short_documents_have_one_hash_of_all_their_words(batch: list[str], n: int, short: bool) -> None:
    texts = texts_of(batch)
    words = texts.words()
    spelled = [texts.data[a:b].tobytes() for a, b in zip(words.starts, words.ends, strict=True)]
    documents = [spelled[words.offsets[i] : words.offsets[i + 1]] for i in range(len(batch))]
    check(documents, n, short, ngram_hashes(words, n, short=short))


@given(BATCHES, st.integers(1, 6), st.booleans())
@settings(deadline=None)
def test_character_ngrams_stand_for_code_points(batch: list[str], n: int, short: bool) -> None:
    check(batch, n, short, character_ngram_hashes(texts_of(batch), n, short=short))


def characters_of(data: bytes) -> list[bytes]:
    """Each byte that is no continuation byte, with those that follow it."""
    found: list[bytes] = []
    for byte in data:
        if byte & 0xC0 != 0x80:
            found.append(bytes([byte]))
        elif found:
            found[-1] += bytes([byte])
    return found


@given(st.lists(st.lists(st.sampled_from(b"a\x80\xbf\xc3\xe4\xf0\xff"), max_size=7).map(bytes), max_size=5))
@settings(deadline=None)
def test_character_ngrams_of_what_is_no_utf8(batch: list[bytes]) -> None:
    texts = Texts(np.frombuffer(b"".join(batch), np.uint8), np.cumsum([0, *map(len, batch)]))
    check(list(map(characters_of, batch)), 2, True, character_ngram_hashes(texts, 2, short=True))


def test_character_ngrams_of_rows_within_other_bytes() -> None:
    texts = texts_of(["ignored 一", "naïve", "", "一二三"])
    hashes, offsets = character_ngram_hashes(texts.rows(1, 4), 3)
    assert offsets.tolist() == [0, 3, 3, 4]
    assert np.array_equal(hashes, character_ngram_hashes(texts_of(["naïve", "一二三"]), 3)[0])


def test_all_texts_of_three_letters_differ() -> None:
    """Also in the lower halves of the hashes, which are what signatures are made of."""
    letters = [chr(97 + i) for i in range(26)]
    batch = [a + b + c for a in letters for b in letters for c in letters]
    hashes, _ = character_ngram_hashes(texts_of(batch), 3)
    assert np.unique(hashes).size == np.unique(hashes & np.uint64(0xFFFFFFFF)).size == 26**3


@pytest.mark.parametrize("short", [False, True])
def test_an_ngram_has_a_character(short: bool) -> None:
    with pytest.raises(ValueError, match="at least 1 character, not 0"):
        character_ngram_hashes(texts_of(["a"]), 0, short=short)
    with pytest.raises(ValueError, match="at least 1 word, not 0"):
        ngram_hashes(texts_of(["a"]).words(), 0, short=short)
