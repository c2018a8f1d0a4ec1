"""What a sample says of the whole: intervals against simulations, bounds against exact expectations."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpuskit.workflow.estimates import OVERDISPERSION, Z, copies, exact, less, size_biased, total, wilson

REPEATS = 400


@given(st.floats(0, 1), st.floats(1, 1e7))
def test_wilson_ends_are_where_the_normal_test_changes_its_mind(share, size):
    low, high = wilson(share, size)
    assert 0 <= low <= share + 1e-9
    assert share - 1e-9 <= high <= 1
    for end in (low, high):
        spread = Z * math.sqrt(end * (1 - end) / size)
        assert abs(share - end) == pytest.approx(spread, rel=1e-4, abs=1e-7)


@pytest.mark.parametrize("share", [0.02, 0.2])
@pytest.mark.parametrize("kind", ["half", "rare", "small ones", "large ones", "shortened", "lengthened"])
def test_intervals_hold_the_truth_in_95_of_100_samples(kind, share):
    rng = np.random.default_rng(7)
    sizes = np.ceil(rng.lognormal(6, 1.2, 20_000))
    values = {
        "half": sizes * (rng.random(sizes.size) < 0.5),
        "rare": sizes * (rng.random(sizes.size) < 0.01),
        "small ones": sizes * (sizes < 200),
        "large ones": sizes * (sizes > 2000),
        "shortened": np.floor(sizes * rng.beta(8, 1, sizes.size)),
        "lengthened": sizes * rng.uniform(0.9, 1.3, sizes.size),
    }[kind]
    held = 0
    for _ in range(REPEATS):
        taken = rng.random(sizes.size) < share
        found = total(values[taken], sizes[taken], float(sizes.sum()), share)
        assert found.low <= found.value <= found.high
        held += found.low <= values.sum() <= found.high
    assert 0.91 * REPEATS <= held < REPEATS, "an interval that always holds says too little"


def test_an_interval_shrinks_with_the_sample_and_is_never_empty():
    widths = []
    for size in (50, 500, 5000):
        found = total(np.tile([1.0, 0.0, 1.0, 1.0, 1.0], size), np.ones(5 * size), 1e6, 0.01)
        assert found.value == 800_000
        widths.append(found.high - found.low)
    assert widths[0] > 2 * widths[1] > 4 * widths[2]
    none, every = (total(np.full(99, value), np.ones(99), 1e4, 0.01) for value in (0.0, 1.0))
    assert (none.low, every.high) == (0, 10_000)
    assert none.high == pytest.approx(10_000 - every.low)
    assert 200 < none.high < 500
    assert total(np.empty(0), np.empty(0), 1e4, 0.01) == total(np.zeros(3), np.zeros(3), 1e4, 0.01)


@given(st.integers(2, 60), st.floats(0.005, 0.5))
def test_copies_seen_lie_between_p_and_p_squared_of_those_there_are(members, share):
    """By brute force over how many members of a cluster are in the sample: what the bounds rest on."""
    ways = [math.comb(members, seen) * share**seen * (1 - share) ** (members - seen) for seen in range(members + 1)]
    expected = sum(chance * max(seen - 1, 0) for seen, chance in enumerate(ways))
    there = members - 1
    assert share**2 * there * (1 - 1e-9) <= expected <= share * there * (1 + 1e-9)
    assert expected == pytest.approx(members * share - (1 - (1 - share) ** members))


@given(st.integers(2, 60), st.floats(0.005, 0.95))
def test_first_copies_over_p_squared_and_others_over_p_are_at_least_those_there_are(members, share):
    """By brute force, as above: what the upper bound rests on."""
    ways = [math.comb(members, seen) * share**seen * (1 - share) ** (members - seen) for seen in range(members + 1)]
    expected = sum(ways[seen] * (1 / share**2 + (seen - 2) / share) for seen in range(2, members + 1))
    assert expected >= (members - 1) * (1 - 1e-9)
    if members == 2:
        assert expected == pytest.approx(1)


@given(st.integers(2, 400), st.floats(0.005, 0.95))
def test_copies_of_one_cluster_vary_at_most_so_much(members, share):
    """Moments by the formulas of the binomial distribution, of which one is taken where any was drawn."""
    none, mean = (1 - share) ** members, members * share
    seen = mean - 1 + none
    variance = mean * (1 - share) + none * (1 - none) - 2 * none * mean
    assert variance <= OVERDISPERSION * seen + 1e-9


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("share", [0.02, 0.1])
@pytest.mark.parametrize("sizes", [{2: 4000}, {2: 60}, {5: 1600}, {400: 20}, {8000: 1}, {8000: 1, 3: 500}])
def test_bounds_hold_the_copies_there_are(sizes, share, weighted):
    rng = np.random.default_rng(3)
    members = np.repeat(list(sizes), list(sizes.values()))
    weights = np.ceil(rng.lognormal(6, 1, members.size)) if weighted else np.ones(members.size)
    typical = size_biased(weights)
    true = float(((members - 1) * weights).sum())
    held = 0
    for _ in range(REPEATS):
        lost = np.repeat(np.arange(members.size), np.maximum(rng.binomial(members, share) - 1, 0))
        found = copies(lost, weights[lost], typical, share)
        assert found.value is None
        held += found.low <= true <= found.high
    assert held >= 0.95 * REPEATS


def test_bounds_of_one_large_cluster_are_close():
    """Its size is known from the members that were seen: it is no hundred pairs."""
    one, many = (copies(ids, np.ones(100), 1.0, 0.1) for ids in (np.zeros(100, np.int64), np.arange(100)))
    assert many.low == one.low < 100 / 0.1 < one.high < 100 / 0.01 < many.high
    assert one.high < 3 * one.low
    none = copies(np.empty(0, np.int64), np.empty(0), 5.0, 0.1)
    assert none.low == 0
    assert none.high == pytest.approx(Z * Z * 5 / 0.01)


def test_what_is_left_has_the_bounds_of_both():
    left = less(exact(100), copies(np.arange(4), np.ones(4), 1.0, 0.5))
    assert left.value is None
    assert 50 < left.low < 92 < left.high < 100
    assert less(exact(1), copies(np.arange(4), np.ones(4), 1.0, 0.5)).low == 0
