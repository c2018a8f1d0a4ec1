"""Candidate pairs of buckets against slow Python, and their independence of numbering and order."""

import itertools
from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpuskit.kernels.pairs import ALL_OWN, buckets, neighbours, star
from corpuskit.kernels.reference_pairs import equal, reference_pairs

Entry = tuple[int, int, int]
"""Key, rank, row."""
Pair = tuple[int, int]

NUMBERS = st.sampled_from([0, 1, 2, 2**63, 2**64 - 1])


@st.composite
def entries_of_rows(draw: st.DrawFn, most: int = 40) -> tuple[list[Entry], int]:
    """Entries whose rows are distinct, in any order, and where references begin."""
    pairs = draw(st.lists(st.tuples(NUMBERS, NUMBERS | st.integers(0, 30)), max_size=most))
    rows = draw(st.permutations(range(len(pairs))))
    own = draw(st.integers(0, len(pairs)) | st.just(ALL_OWN))
    return [(*pair, row) for pair, row in zip(pairs, rows, strict=True)], own


def columns(entries: list[Entry]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    keys, ranks, rows = np.array(entries, np.uint64).reshape(-1, 3).T
    return keys, ranks, rows


def slow_buckets(entries: list[Entry]) -> list[list[Entry]]:
    """The entries of each key that has two or more, each bucket and all of them sorted."""
    grouped = itertools.groupby(sorted(entries), key=lambda entry: entry[0])
    return [bucket for bucket in (list(group) for _, group in grouped) if len(bucket) > 1]


def slow_neighbours(bucket: list[Entry], width: int, own: int) -> set[Pair]:
    heads: dict[int, int] = {}
    for _, rank, row in sorted(bucket):
        if row < own:
            heads.setdefault(rank, row)
    own_heads, sketches = list(heads.values()), [rank % 2**32 for rank in heads]
    count = len(own_heads)
    majority = sum(2**bit for bit in range(32) if 2 * sum(one >> bit & 1 for one in sketches) > count)
    centres = sorted(range(count), key=lambda i: ((sketches[i] ^ majority).bit_count(), i))[:width]
    pairs = set()
    for i, j in itertools.combinations(range(count), 2):
        if count <= 2 * width + 1 or j - i <= width or {i, j} & {*centres}:
            pairs.add((min(own_heads[i], own_heads[j]), max(own_heads[i], own_heads[j])))
    return pairs


def slow_references(bucket: list[Entry], width: int, bounds: list[int]) -> set[Pair]:
    pairs = set()
    for low, high in itertools.pairwise(bounds):
        texts: dict[int, int] = {}
        for _, rank, row in sorted(bucket):
            if low <= row < high:
                texts.setdefault(rank, row)
        chosen = list(texts.values())[:width]
        pairs |= {(row, other) for _, _, row in bucket if row < bounds[0] for other in chosen}
    return pairs


def pairs_of(found: tuple[np.ndarray, np.ndarray]) -> list[Pair]:
    a, b = found
    assert a.dtype == b.dtype == np.uint64
    return list(zip(a.tolist(), b.tolist(), strict=True))


@given(entries_of_rows())
@settings(deadline=None)
def test_buckets_are_the_entries_that_share_their_key(given_: tuple[list[Entry], int]) -> None:
    entries, _ = given_
    order, starts = buckets(*columns(entries))
    found = [[entries[i] for i in order[a:b]] for a, b in itertools.pairwise(starts)]
    assert found == slow_buckets(entries)
    assert (order.dtype, starts.dtype, starts[0], starts[-1]) == (np.int64, np.int64, 0, order.size)


@pytest.mark.parametrize("size", [0, 1, 2, 31, 33, 600, 5000])
@pytest.mark.parametrize("key_values", [1, 2, 40, 10**9])
@pytest.mark.parametrize("rank_values", [1, 3, 10**9])
def test_buckets_of_any_size(size: int, key_values: int, rank_values: int) -> None:
    """Keys that are hashes and keys that are small numbers; buckets beyond what is sorted by insertion."""
    generator = np.random.default_rng(size)
    for spread in (1, 0x9E3779B97F4A7C15):
        keys = generator.integers(0, key_values, size).astype(np.uint64) * np.uint64(spread)
        ranks = generator.integers(0, rank_values, size).astype(np.uint64)
        rows = generator.permutation(size).astype(np.uint64)
        order, starts = buckets(keys, ranks, rows)
        values, counts = np.unique(keys, return_counts=True)
        whole = np.lexsort((rows, ranks, keys))
        assert np.array_equal(order, whole[np.isin(keys[whole], values[counts > 1])])
        assert np.array_equal(np.diff(starts), counts[counts > 1])


@given(entries_of_rows())
@settings(deadline=None)
def test_star_pairs_each_entry_with_the_first(given_: tuple[list[Entry], int]) -> None:
    entries, _ = given_
    keys, ranks, rows = columns(entries)
    found = pairs_of(star(rows, *buckets(keys, ranks, rows)))
    assert found == [(bucket[0][2], entry[2]) for bucket in slow_buckets(entries) for entry in bucket[1:]]


def test_a_row_is_not_paired_with_itself() -> None:
    keys, ranks, rows = columns([(5, 1, 7), (5, 1, 7), (5, 2, 3)])
    assert pairs_of(star(rows, *buckets(keys, ranks, rows))) == [(7, 3)]


@given(entries_of_rows(), st.sampled_from([1, 2, 3, 16]))
@settings(deadline=None)
def test_neighbours_follow_the_plain_rules(given_: tuple[list[Entry], int], width: int) -> None:
    entries, own = given_
    keys, ranks, rows = columns(entries)
    order, starts = buckets(keys, ranks, rows)
    found = []
    for bucket in range(starts.size - 1):  # slices of the buckets give the pairs of those buckets
        found.append(pairs_of(neighbours(ranks, rows, order, starts[bucket : bucket + 2], width, own)))
        assert len(set(found[-1])) == len(found[-1])
        assert all(a < b < own for a, b in found[-1])
    assert list(map(set, found)) == [slow_neighbours(bucket, width, own) for bucket in slow_buckets(entries)]
    assert pairs_of(neighbours(ranks, rows, order, starts, width, own)) == list(itertools.chain(*found))


@st.composite
def entries_and_bounds(draw: st.DrawFn) -> tuple[list[Entry], list[int]]:
    """Entries, and where the rows of each reference begin."""
    entries, own = draw(entries_of_rows())
    if own == ALL_OWN:
        return entries, [own]
    return entries, [own, *sorted(draw(st.lists(st.integers(own, len(entries)), max_size=3)))]


@given(entries_and_bounds(), st.sampled_from([1, 2, 16]))
@settings(deadline=None)
def test_own_rows_are_paired_with_the_first_texts_of_each_reference(
    given_: tuple[list[Entry], list[int]], width: int
) -> None:
    entries, bounds = given_
    keys, ranks, rows = columns(entries)
    order, starts = buckets(keys, ranks, rows)
    limits = np.array(bounds, np.uint64)
    found = []
    for bucket in range(starts.size - 1):
        found.append(pairs_of(reference_pairs(ranks, rows, order, starts[bucket : bucket + 2], limits, width)))
        assert len(set(found[-1])) == len(found[-1])
    assert list(map(set, found)) == [slow_references(bucket, width, bounds) for bucket in slow_buckets(entries)]
    assert pairs_of(reference_pairs(ranks, rows, order, starts, limits, width)) == list(itertools.chain(*found))


def texts_paired(entries: list[Entry], width: int, own: int) -> list[tuple[int, int, int, bool]]:
    """Return (key, rank, rank, whether one is a reference) of the pairs of each bucket."""
    limits = np.array([own, ALL_OWN], np.uint64)
    keys, ranks, rows = columns(entries)
    order, starts = buckets(keys, ranks, rows)
    rank_of = {row: rank for _, rank, row in entries}
    paired = []
    for bucket in range(starts.size - 1):
        some = ranks, rows, order, starts[bucket : bucket + 2]
        for a, b in [*pairs_of(neighbours(*some, width, own)), *pairs_of(reference_pairs(*some, limits, width))]:
            smaller, larger = sorted((rank_of[a], rank_of[b]))
            paired.append((int(keys[order[starts[bucket]]]), smaller, larger, b >= own))
    return sorted(paired)


@given(entries_of_rows(), st.sampled_from([1, 2, 16]), st.randoms(use_true_random=False))
@settings(deadline=None)
def test_which_texts_are_paired_depends_on_no_numbering(given_: tuple[list[Entry], int], width: int, random) -> None:  # type: ignore[no-untyped-def]
    """Documents in another order, references among themselves likewise, and entries in another order."""
    entries, own = given_
    bound = min(own, len(entries))
    renumbered = random.sample(range(bound), bound) + random.sample(range(bound, len(entries)), len(entries) - bound)
    moved = [(key, rank, renumbered[row]) for key, rank, row in entries]
    random.shuffle(moved)
    assert texts_paired(moved, width, own) == texts_paired(entries, width, own)


def test_a_large_bucket_gives_a_bounded_number_of_pairs() -> None:
    size, width = 3000, 8
    keys, ranks = np.zeros(size, np.uint64), np.random.default_rng(0).permutation(size).astype(np.uint64)
    rows = np.arange(size, dtype=np.uint64)
    order, starts = buckets(keys, ranks, rows)
    a, b = neighbours(ranks, rows, order, starts, width)
    assert a.size <= 2 * width * size
    degrees = np.bincount(np.concatenate([a, b]).astype(np.int64), minlength=size)
    assert (degrees == size - 1).sum() == width
    assert degrees.min() >= width


def test_all_are_paired_with_the_text_that_most_sketches_resemble() -> None:
    """Of each text two bits of the sketch are another's; the fewest differ from the one that they were made of."""
    generator = np.random.default_rng(1)
    original, size = int(generator.integers(2**32)), 400
    sketches = [original ^ sum(1 << int(bit) for bit in generator.choice(32, 2, replace=False)) for _ in range(size)]
    for place in (0, 200, 399):
        sketches[place], kept = original, sketches[place]
        ranks = (np.arange(size, dtype=np.uint64) << np.uint64(32)) | np.array(sketches, np.uint64)
        rows = np.arange(size, dtype=np.uint64)
        found = pairs_of(neighbours(ranks, rows, *buckets(np.zeros(size, np.uint64), ranks, rows), width=1))
        assert {other for pair in found if place in pair for other in pair} == {*range(size)}
        sketches[place] = kept


def test_a_bucket_of_twice_the_width_and_one_gives_all_pairs() -> None:
    ranks = rows = np.arange(17, dtype=np.uint64)
    order, starts = buckets(np.zeros(17, np.uint64), ranks, rows)
    assert pairs_of(neighbours(ranks, rows, order, starts)) == list(itertools.combinations(range(17), 2))


@given(entries_and_bounds())
@settings(deadline=None)
def test_equal_texts_are_paired_with_the_first_own_row_and_each_reference(
    given_: tuple[list[Entry], list[int]],
) -> None:
    entries, bounds = given_
    runs = defaultdict(list)
    for key, rank, row in sorted(entries):
        runs[key, rank].append(row)
    expected = set()
    for run in runs.values():
        mine = [row for row in run if row < bounds[0]]
        expected |= {(mine[0], row) for row in mine[1:]}
        for low, high in itertools.pairwise(bounds):
            foreign = [row for row in run if low <= row < high]
            expected |= {(row, foreign[0]) for row in mine if foreign}
    found = pairs_of(equal(*columns(entries), np.array(bounds, np.uint64)))
    assert set(found) == expected
    assert len(found) == len(expected)


def test_columns_of_other_lengths_are_refused() -> None:
    two, three = np.zeros(2, np.uint64), np.zeros(3, np.uint64)
    for call in (buckets, equal):
        with pytest.raises(ValueError, match="differ in length"):
            call(two, two, three)
    with pytest.raises(ValueError, match="differ in length"):
        neighbours(two, three, np.empty(0, np.int64), np.zeros(1, np.int64))


def test_a_text_has_a_neighbour() -> None:
    with pytest.raises(ValueError, match="at least 1 neighbour, not 0"):
        neighbours(*[np.zeros(0, np.uint64)] * 2, np.empty(0, np.int64), np.zeros(1, np.int64), width=0)
    with pytest.raises(ValueError, match="at least 1 neighbour, not 0"):
        reference_pairs(
            *[np.zeros(0, np.uint64)] * 2, np.empty(0, np.int64), np.zeros(1, np.int64), np.ones(1, np.uint64), width=0
        )
