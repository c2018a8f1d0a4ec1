"""Sets of hashes and their exact Jaccard similarity, against Python's sets."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpuskit.kernels import jaccard, sets

VALUES = st.integers(0, 9) | st.integers(0, 2**64 - 1) | st.sampled_from([2**63, 2**64 - 1])
DOCUMENTS = st.lists(st.lists(VALUES, max_size=40), max_size=6)


def flat(documents: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    values = np.array([value for document in documents for value in document], np.uint64)
    return values, np.cumsum([0, *map(len, documents)])


@given(DOCUMENTS)
@settings(deadline=None)
def test_sets_are_distinct_and_rising(documents: list[list[int]]) -> None:
    members, offsets = sets(*flat(documents))
    assert members.dtype == np.uint64
    found = [members[start:stop].tolist() for start, stop in itertools.pairwise(offsets)]
    assert found == [sorted(set(document)) for document in documents]


@pytest.mark.parametrize("bits", [0, 1, 7, 20, 40, 64])
def test_sets_of_many_hashes_of_any_spread(bits: int) -> None:
    """Hashes that share their first bits, all of them or none, and many that are equal."""
    generator = np.random.default_rng(bits)
    wide = generator.integers(0, 2**64 - 1, 20_000, np.uint64)
    hashes = wide >> np.uint64(64 - bits) if bits else np.full(20_000, 2**64 - 1, np.uint64)
    bounds = np.array([3, 4_000, 4_001, 4_001, 19_000])
    members, offsets = sets(hashes, bounds)
    for i in range(4):
        assert np.array_equal(members[offsets[i] : offsets[i + 1]], np.unique(hashes[bounds[i] : bounds[i + 1]]))
    assert (offsets[0], offsets[-1]) == (0, members.size)


@given(st.lists(st.tuples(*[st.sets(st.integers(0, 12) | st.just(2**64 - 1), max_size=12)] * 2), max_size=8))
@settings(deadline=None)
def test_jaccard_is_the_share_of_common_members(pairs: list[tuple[set[int], set[int]]]) -> None:
    left, right = (sets(*flat([sorted(pair[side]) for pair in pairs])) for side in (0, 1))
    found = jaccard(*left, *right)
    assert found.dtype == np.float64
    assert found.tolist() == [len(a & b) / len(a | b) if a | b else 0.0 for a, b in pairs]


@pytest.mark.parametrize("offsets", [[], [0, 4], [-1, 2], [0, 2, 1]])
def test_bad_offsets_are_refused(offsets: list[int]) -> None:
    values, good = np.zeros(3, np.uint64), np.array([0, 1])
    with pytest.raises(ValueError, match="offsets"):
        sets(values, np.array(offsets, np.int64))
    with pytest.raises(ValueError, match="offsets"):
        jaccard(values, good, values, np.array(offsets, np.int64))


def test_pairs_have_two_sides() -> None:
    members = np.arange(3, dtype=np.uint64)
    with pytest.raises(ValueError, match="2 sets on one side of the pairs, but 1 on the other"):
        jaccard(members, np.array([0, 1, 3]), members, np.array([0, 3]))
