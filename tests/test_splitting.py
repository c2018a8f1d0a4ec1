"""Leader clustering against slow Python."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpuskit.dedup.splitting import split
from corpuskit.kernels import agreement


def slow_split(signatures: np.ndarray, order: list[int], threshold: float) -> list[int]:
    leaders: list[int] = []
    leader = [-1] * len(order)
    for member in order:
        similar = [
            other
            for other in leaders
            if agreement(signatures[[other]], signatures[[member]])[0] >= np.float32(threshold)
        ]
        leader[member] = similar[0] if similar else member
        if leader[member] == member:
            leaders.append(member)
    return leader


@given(
    st.integers(0, 12),
    st.sampled_from([1, 7, 16, 20, 35, 112]),
    st.sampled_from([0.0, 0.3, 0.5, 0.7, 1.0]) | st.floats(0, 1),
    st.integers(0, 2**32 - 1),
)
@settings(deadline=None)
def test_split_follows_the_plain_rules(members: int, width: int, threshold: float, seed: int) -> None:
    generator = np.random.default_rng(seed)
    signatures = generator.integers(0, 2, (members, width), np.uint32)
    order = generator.permutation(members)
    found = split(signatures, order, threshold)
    assert found.dtype == np.int64
    assert found.tolist() == slow_split(signatures, order.tolist(), threshold)


def test_a_threshold_is_reached_exactly() -> None:
    """7 of 10 places are equal: float32(0.7) is what `agreement` says, though 0.7 as float64 is less."""
    signatures = np.zeros((2, 10), np.uint32)
    signatures[1, :3] = 1
    assert split(signatures, np.array([1, 0]), 0.7).tolist() == [1, 1]
    assert split(signatures, np.array([1, 0]), 0.71).tolist() == [0, 1]


def test_a_chain_falls_apart() -> None:
    """Each member has 14 of 20 places in common with the next, and 8 with the one after it."""
    signatures = np.zeros((8, 20), np.uint32)
    for member in range(1, 8):
        signatures[member] = signatures[member - 1]
        signatures[member, np.arange(6 * member, 6 * member + 6) % 20] = member
    assert split(signatures, np.arange(8), 0.6).tolist() == [0, 0, 2, 2, 4, 4, 6, 6]
    assert split(signatures, np.arange(8)[::-1], 0.6).tolist() == [1, 1, 3, 3, 5, 5, 7, 7]


@pytest.mark.parametrize(
    ("shape", "order", "threshold", "message"),
    [
        ((2,), [0, 1], 0.5, "are not"),
        ((2, 0), [0, 1], 0.5, "are not"),
        ((2, 4), [0], 0.5, "2 signatures"),
        ((2, 4), [0, 0], 0.5, "every member once"),
        ((2, 4), [0, 2], 0.5, "every member once"),
        ((2, 4), [0, -7], 0.5, "every member once"),
        ((2, 4), [0, 1], 1.5, "between 0 and 1"),
        ((2, 4), [0, 1], float("nan"), "between 0 and 1"),
    ],
)
def test_bad_input_is_refused(shape: tuple[int, ...], order: list[int], threshold: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        split(np.zeros(shape, np.uint32), np.array(order), threshold)
