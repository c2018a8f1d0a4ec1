"""The cache of words: what is found is what was kept of that very word, last."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpuskit.kernels.compiling import kernel
from corpuskit.kernels.word_cache import (
    COUNT,
    ENTRY,
    HIGH,
    LOW,
    SECOND,
    SHORT,
    differs,
    empty_cache,
    hash_of,
    keep,
    key_of,
    line_of,
    some_bytes,
)


@kernel
def _key(data, start, length):  # type: ignore[no-untyped-def]
    return key_of(data, start, length)


@kernel
def _some_bytes(data, place, length):  # type: ignore[no-untyped-def]
    return some_bytes(data, place, length)


@kernel
def _keep(data, cache, count, low, high):  # type: ignore[no-untyped-def]
    one, two = key_of(data, 0, data.size)
    keep(cache, line_of(hash_of(one, two), cache), one, two, count, low, high)


@kernel
def _find(data, cache):  # type: ignore[no-untyped-def]
    """Return the count and what is known, or zeros."""
    one, two = key_of(data, 0, data.size)
    line = line_of(hash_of(one, two), cache)
    for entry in (line, line + ENTRY):
        if differs(cache, entry, one, two) == 0:
            return cache[entry + SECOND] >> COUNT, cache[entry + LOW], cache[entry + HIGH]
    return np.uint64(0), np.uint64(0), np.uint64(0)


def array(data: bytes) -> np.ndarray:
    return np.frombuffer(data, np.uint8).copy()


short_words = st.binary(min_size=1, max_size=SHORT) | st.text("a\0", min_size=1, max_size=4).map(str.encode)
numbers = st.integers(0, 2**64 - 1).map(np.uint64)
kept = st.lists(st.tuples(short_words, st.integers(1, 7), numbers, numbers), max_size=60)


@given(kept=kept, entries=st.sampled_from([2, 4, 64]))
@settings(max_examples=200, deadline=None)
def test_it_finds_what_was_kept_last_or_nothing(kept: list[tuple[bytes, Any, Any, Any]], entries: int) -> None:
    cache, known = empty_cache(entries), dict[bytes, tuple[int, int, int]]()
    for word, count, low, high in kept:
        _keep(array(word), cache, count, low, high)
        known[word] = count, int(low), int(high)
        assert tuple(map(int, _find(array(word), cache))) == known[word]
    found = {word: tuple(map(int, _find(array(word), cache))) for word in known}
    assert all(one in (known[word], (0, 0, 0)) for word, one in found.items())
    assert sum(map(any, found.values())) >= min(len(known), 2 if entries == 2 else 1)


def test_two_words_share_a_line() -> None:
    cache = empty_cache(2)
    for word in (b"a", b"b", b"a", b"b"):
        _keep(array(word), cache, 1, np.uint64(word[0]), np.uint64(0))
        assert [int(_find(array(one), cache)[1]) for one in (b"a", b"b")] in ([97, 0], [97, 98])


def test_a_word_that_was_not_kept_is_not_there() -> None:
    cache = empty_cache(2)
    for word in (b"\0", b"a", b"\0" * SHORT):
        assert _find(array(word), cache) == (0, 0, 0)
    _keep(array(b"a"), cache, 7, np.uint64(5), np.uint64(6))
    for word in (b"\0", b"a\0", b"aa", b"b"):
        assert _find(array(word), cache) == (0, 0, 0)


@given(before=st.binary(max_size=9), word=st.binary(min_size=1, max_size=31), behind=st.binary(max_size=20))
@settings(max_examples=200, deadline=None)
def test_keys(before: bytes, word: bytes, behind: bytes) -> None:
    inside = word[:SHORT].ljust(SHORT, b"\0") + bytes([len(word)])
    expected = int.from_bytes(inside[:8], "little"), int.from_bytes(inside[8:], "little")
    found = _key(array(before + word + behind), len(before), len(word))
    assert tuple(map(int, found)) == expected


@given(data=st.binary(max_size=40), place=st.integers(0, 40), length=st.integers(-24, 31))
@settings(max_examples=200, deadline=None)
def test_bytes_as_a_word(data: bytes, place: int, length: int) -> None:
    place = min(place, len(data))
    length = min(length, len(data) - place)
    expected = int.from_bytes(data[place : place + max(min(length, 8), 0)], "little")
    assert int(_some_bytes(array(data), place, length)) == expected


@pytest.mark.parametrize("entries", [0, 1, 3, 12])
def test_how_many_entries_there_may_be(entries: int) -> None:
    with pytest.raises(ValueError, match="power of 2"):
        empty_cache(entries)


def test_lines_are_those_of_the_cpu() -> None:
    for _ in range(5):
        cache = empty_cache(1 << 10)
        assert cache.shape == (4 << 10,)
        assert not cache.any()
        assert cache.ctypes.data % 64 == 0
