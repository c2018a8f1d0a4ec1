"""Histograms of signals: what bins hold, where thresholds lie, and how bars and axes are drawn."""

import re

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from test_inspect_page import Reader

from corpuskit import policy
from corpuskit.report import histogram_svg
from corpuskit.workflow.inspecting.bounds import Bound
from corpuskit.workflow.inspecting.histograms import Histogram, Sketch, round_step
from corpuskit.workflow.inspecting.rule_views import percent

FLOATS = st.floats(-1e6, 1e6, width=32) | st.sampled_from([0.0, 0.5, 1.0, 1e-6, 123456.0])
TINY = [np.float32(7.5e-21).item()]


@example(TINY, [])
@given(st.lists(FLOATS, min_size=1, max_size=60), st.lists(FLOATS, max_size=3))
def test_a_sketch_is_within_a_percent_and_bins_partition_the_numbers(values, marks):
    sketch, array = Sketch(), np.array(values, np.float32)
    for chunk in np.array_split(array, 3):
        sketch.add(chunk, len(chunk) + 1)
    assert (sketch.count, sketch.documents) == (len(array), len(array) + 3)
    assert (sketch.low, sketch.high) == (array.min(), array.max())
    for share in (0.01, 0.3, 0.5, 0.9, 1.0):
        exact = np.sort(array)[max(int(np.ceil(share * len(array) - 1e-9)), 1) - 1]
        assert sketch.quantile(share) == pytest.approx(exact, rel=0.01, abs=1e-30)
    histogram = Histogram.over(sketch, tuple(marks))
    assert (np.diff(histogram.edges) > 0).all()
    assert len(histogram.counts) <= 200
    histogram.add(array)
    assert histogram.counts.sum() + histogram.below + histogram.above == len(array)


def test_scales_fit_the_values():
    def over(values, *marks):
        sketch = Sketch()
        sketch.add(np.array(values), len(values))
        return Histogram.over(sketch, marks)

    assert over([1, 2, 3, 8]).edges.tolist() == list(range(1, 10))
    assert over(np.geomspace(1, 1e6, 500)).log
    assert not over(np.linspace(0, 1, 500, dtype=np.float32)).log
    assert not over([0] * 90 + [100_000] * 10).log, "mostly 0"
    assert over(np.linspace(10, 20, 50), 30).edges[-1] > 30, "a threshold near by is drawn"
    assert over(np.linspace(10, 20, 50), 1e6).edges[-1] < 30, "one far away is not"
    assert over([5.0] * 7).counts.size >= 1
    assert over([]) is None
    assert [round_step(step) for step in (0.011, 0.3, 1, 6)] == [0.02, 0.5, 1, 10]


@pytest.mark.parametrize(
    ("threshold", "whole", "expected"),
    [
        (50, True, (25, 35, 40, 45, 50, 55, 62, 75, 100)),
        (0.9, False, (0.45, 0.63, 0.72, 0.81, 0.9, 0.99, 1.0)),
        (0, True, (0, 1, 2, 3, 5, 10, 20, 50)),
        (-2.0, False, (-4.0, -3.0, -2.5, -2.2, -2.0, -1.8, -1.6, -1.4, -1.0)),
        (1, True, (0, 1, 2)),
    ],
)
def test_the_ladder_goes_around_the_threshold_in_use(threshold, whole, expected):
    rule = policy.Rule(signal="a.b", min=threshold)
    assert Bound(rule, "a.b:min", True, threshold, shared=False).ladder(whole) == expected


def axis(edges, counts, *, log=False, whole=False, lines=(), spiked=False):
    return histogram_svg.Bars(np.array(edges, float), np.array(counts), lines, log, whole, spiked)


def test_bars_are_as_high_and_as_wide_as_their_counts_and_edges():
    drawn = histogram_svg.draw(axis([0, 1, 3, 4], [10, 0, 20], lines=(3, 9)), 268, "x")
    assert Reader(drawn).loads == []
    path = re.search(r'fill="var\(--accent-soft\)" d="([^"]*)"', drawn)[1]
    bars = [[float(number) for number in re.findall(r"[\d.]+", bar)] for bar in path.split("Z") if bar]
    assert [(left, right) for left, _, _, right, _ in bars] == [(48, 97), (198, 247)], "50 pixels each, one left free"
    first, second = (bottom - top for _, bottom, top, _, _ in bars)
    assert second == pytest.approx(2 * first)
    dashed = re.findall(r'dasharray="4 3" d="M([\d.]+) ', drawn)
    assert dashed == ["198.0"], "what lies outside the edges is not drawn"
    roots = axis([0, 1, 2], [25, 100], spiked=True)
    assert roots.y(0, 100) - roots.y(25, 100) == pytest.approx((roots.y(0, 100) - roots.y(100, 100)) / 2)


@given(st.floats(-1e6, 1e9), st.floats(1e-6, 1e9), st.booleans(), st.integers(2, 9))
def test_labels_of_an_axis_are_a_few_round_numbers_within_it(low, span, whole, most):
    for log in (False, True):
        first = abs(low) + 1e-3 if log else low
        bars = axis([first, first + max(span, 1.0 * whole, 1e-6 * abs(first))], [1], log=log, whole=whole and not log)
        found = histogram_svg.ticks(bars, most)
        room = 1e-6 * (bars.edges[-1] - bars.edges[0]) + 1e-9 * abs(first)
        assert found == sorted(set(found))
        assert 1 <= len(found) <= max(most + 2, 10)
        assert all(bars.edges[0] - room <= value <= bars.edges[-1] + room for value in found)
        if bars.whole and len(found) > 1:
            assert all(value == int(value) for value in found)


def test_labels_are_short():
    values = [0.05, 0, 250, 1500, 2e7, 1e9, -3000]
    assert [histogram_svg.short(value) for value in values] == ["0.05", "0", "250", "1.5k", "20M", "1G", "-3k"]


@settings(max_examples=30)
@given(st.integers(0, 1000), st.integers(0, 1000))
def test_shares_in_words_are_never_rounded_to_all_or_nothing(part, whole):
    shown = percent(part, whole)
    if whole and part <= whole:
        assert (shown == "100 %") == (part == whole)
        assert (shown == "0 %") == (part == 0)
