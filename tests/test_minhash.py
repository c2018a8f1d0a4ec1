"""The share of equal places of signatures."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpuskit.kernels import agreement


@given(st.integers(0, 5), st.sampled_from([1, 3, 16, 112, 257]), st.integers(0, 2**32 - 1))
@settings(deadline=None)
def test_agreement_is_the_share_of_equal_places(n_pairs: int, width: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    a = generator.integers(0, 3, (n_pairs, width), np.uint32) + np.uint32(2**32 - 3)
    b = generator.integers(0, 3, (n_pairs, width), np.uint32) + np.uint32(2**32 - 3)
    shares = agreement(a, b)
    expected = [
        np.float32(sum(x == y for x, y in zip(*pair, strict=True))) / np.float32(width)
        for pair in zip(a.tolist(), b.tolist(), strict=True)
    ]
    assert shares.dtype == np.float32
    assert np.array_equal(shares, np.array(expected, np.float32))


@pytest.mark.parametrize("shapes", [((2, 4), (1, 4)), ((2, 4), (2, 3)), ((2, 0), (2, 0)), ((4,), (4,))])
def test_agreement_refuses_other_shapes(shapes: tuple[tuple[int, ...], tuple[int, ...]]) -> None:
    a, b = (np.zeros(shape, np.uint32) for shape in shapes)
    with pytest.raises(ValueError, match="cannot compare signatures"):
        agreement(a, b)
