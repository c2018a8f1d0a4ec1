"""Bands and rows against datasketch, and collision probabilities against a simulation."""

import warnings

import numpy as np
import pytest
from datasketch.lsh import _optimal_param

from corpuskit.dedup.banding import collision_probability, optimal_bands

THRESHOLDS = [step / 20 for step in range(1, 20)]


@pytest.mark.parametrize("num_perm", [64, 112, 128, 256])
def test_optimal_bands_equal_datasketch(num_perm: int) -> None:
    thresholds = THRESHOLDS if num_perm < 256 else THRESHOLDS[::3]
    with warnings.catch_warnings(action="ignore"):  # its quadrature doubts the sharpest curves
        expected = [_optimal_param(threshold, num_perm, 0.5, 0.5) for threshold in thresholds]
    assert [optimal_bands(threshold, num_perm) for threshold in thresholds] == expected


@pytest.mark.parametrize("weights", [(0.1, 0.9), (0.9, 0.1), (1.0, 0.0)])
def test_weights_equal_datasketch(weights: tuple[float, float]) -> None:
    named = dict(zip(("false_positive_weight", "false_negative_weight"), weights, strict=True))
    assert optimal_bands(0.7, 50, **named) == _optimal_param(0.7, 50, *weights)


def test_a_weight_moves_the_optimum() -> None:
    cautious = optimal_bands(0.7, 128, false_positive_weight=0.9, false_negative_weight=0.1)
    thorough = optimal_bands(0.7, 128, false_positive_weight=0.1, false_negative_weight=0.9)
    assert collision_probability(0.7, *cautious) < 0.3 < 0.9 < collision_probability(0.7, *thorough)


@pytest.mark.parametrize(("threshold", "num_perm"), [(0.0, 64), (1.1, 64), (float("nan"), 64), (0.5, 0)])
def test_thresholds_out_of_range_are_refused(threshold: float, num_perm: int) -> None:
    with pytest.raises(ValueError, match=r"threshold|permutation"):
        optimal_bands(threshold, num_perm)


@pytest.mark.parametrize("weights", [(-0.1, 1.0), (0.0, 0.0), (float("nan"), 1.0)])
def test_weights_out_of_range_are_refused(weights: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="weights must be 0 or more"):
        optimal_bands(0.5, 64, false_positive_weight=weights[0], false_negative_weight=weights[1])


def test_the_collision_probability_is_how_often_a_band_is_equal() -> None:
    generator = np.random.default_rng(0)
    equal = generator.random((20_000, 14, 8)) < 0.75
    share = equal.all(axis=2).any(axis=1).mean()
    assert collision_probability(0.75, 14, 8) == pytest.approx(share, abs=4 * 0.5 / np.sqrt(20_000))
    assert collision_probability([0.0, 1.0], 14, 8).tolist() == [0.0, 1.0]
    assert collision_probability(0.5, [1, 2], [1, 1]).tolist() == [0.5, 0.75]
