"""Shares of a corpus: what they are taken of, where they end, and who passes."""

import math
import sys
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from test_policy import rules, table

from corpuskit import policy
from corpuskit.errors import RecipeError
from corpuskit.policy import Bound, PolicyConfig, Rule, candidates, judge, share_bound, shares
from corpuskit.policy.bounds import nth_smallest

floats = st.floats(width=32, allow_nan=False) | st.sampled_from([0.0, -0.0, 0.1, 0.5, math.inf, -math.inf, 1e-45])
wide = st.integers(-(2**62), 2**62).map(float) | st.integers(-3, 3).map(float) | st.floats(allow_nan=False)


def blocks_of(lists: list[list[float]], dtype: type) -> Any:
    return lambda: (np.array(values, dtype) for values in lists)


# order statistics


@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(floats, max_size=8), max_size=5))
@example([[1.0], [], [1.0, 1.0]])
def test_a_rank_is_that_of_the_sorted_values(lists: list[list[float]]) -> None:
    check_ranks(lists, np.float32)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(wide, max_size=8), max_size=5))
def test_a_rank_is_exact_among_wide_numbers(lists: list[list[float]]) -> None:
    check_ranks(lists, np.float64)


def check_ranks(lists: list[list[float]], dtype: type) -> None:
    values = sorted(float(dtype(value)) for block in lists for value in block)
    for rank, value in enumerate(values):
        assert nth_smallest(blocks_of(lists, dtype), lambda n, rank=rank: rank) == Bound(value, len(values))
    if not values:
        assert nth_smallest(blocks_of(lists, dtype), sys.exit) == Bound(None, 0)


SHARES = ["10 %", "50%", "0.1 %", "100 %", "33.3 %", 0.1, 0.5, 1, 1e-9, 0.07]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(st.integers(-4, 4).map(float), max_size=40), max_size=3), st.sampled_from(SHARES))
@example([[float(number) for number in range(30)]], 0.1)
@example([[float(number) for number in range(101)]], "10 %")
def test_a_share_is_the_next_whole_number_of_documents_and_its_ties(lists: list[list[float]], share: Any) -> None:
    values = sorted(value for block in lists for value in block)
    written = Decimal(share.rstrip(" %")) / 100 if isinstance(share, str) else Decimal(str(share))
    count = math.ceil(written * len(values))
    for condition, chosen in (("highest", values[::-1]), ("lowest", values)):
        rule = Rule.model_validate({"signal": "a.ratio", condition: share})
        bound = share_bound(rule, blocks_of(lists, np.float32))
        assert bound == Bound(chosen[count - 1] if chosen else None, len(values))
        if chosen:
            config = PolicyConfig(rules=(rule,))
            kept = judge(config, table(ratio=values), thresholds=[bound.value])["kept"].to_pylist()
            passing = [value for value, keep in zip(values, kept, strict=True) if keep]
            assert sorted(passing) == sorted(v for v in values if v in chosen[:count])


# what a share is taken of

COLUMNS = table(ratio=[0.9, 0.8, 0.7, math.nan, None, 0.1], count=[9, 1, 9, 9, 9, 9]).append_column(
    "language.label", pa.array(["en", "en", "zh", "en", "en", "en"])
)
TRAINING = np.array([True, True, True, True, True, False])
BEST = {"signal": "a.ratio", "highest": "50 %"}


def taken(*given: dict[str, Any]) -> list[list[float]]:
    found = candidates(rules(*given), COLUMNS, TRAINING)
    return [[round(float(value), 3) for value in values] for values in found]


def test_a_share_is_of_training_documents_with_a_value() -> None:
    assert taken(BEST) == [[0.9, 0.8, 0.7]]
    assert taken({**BEST, "missing": "keep"}) == [[0.9, 0.8, 0.7]]


def test_a_share_is_of_what_passes_every_rule_that_holds_none() -> None:
    enough = {"signal": "a.count", "min": 5}
    assert taken(BEST, enough) == [[0.9, 0.7]]
    other = {"signal": "a.count", "lowest": 0.1}
    assert taken(BEST, other) == [[0.9, 0.8, 0.7], [9, 1, 9, 9, 9]]
    assert taken(BEST, {"any": [other, enough]}) == [[0.9, 0.8, 0.7], [9, 1, 9, 9, 9]]


def test_a_share_of_a_language_is_of_its_documents() -> None:
    assert taken({**BEST, "languages": ["en"]}) == [[0.9, 0.8]]
    assert taken({"any": [BEST], "languages": ["zh"]}) == [[0.7]]
    by_language = PolicyConfig.model_validate({"by_language": {"zh": {"rules": [BEST]}, "en": {"rules": [BEST]}}})
    assert [len(values) for values in candidates(by_language, COLUMNS, TRAINING)] == [1, 2]
    assert [place for place, _ in shares(by_language)] == ["by_language.zh.rules[0]", "by_language.en.rules[0]"]


def test_values_are_compared_as_rules_compare_them() -> None:
    config = rules(BEST, {"signal": "a.wide", "lowest": 1}, {"signal": "a.small", "lowest": 1})
    columns = table(ratio=[0.1], wide=[0.1], small=[3])
    assert [values.dtype for values in candidates(config, columns, TRAINING[:1])] == [
        np.float32,
        np.float32,
        np.float64,
    ]


# verdicts


def test_a_verdict_names_the_share_its_value_and_its_bound() -> None:
    config = rules(BEST, {"signal": "a.count", "lowest": 0.5, "reason": "many"})
    verdicts = judge(config, COLUMNS, thresholds=[0.75, 8]).to_pylist()
    assert [row["failed"] for row in verdicts] == [
        ["many"],
        [],
        ["a.ratio:highest", "many"],
        ["a.ratio:missing", "many"],
        ["a.ratio:missing", "many"],
        ["a.ratio:highest", "many"],
    ]
    assert (verdicts[2]["value"], verdicts[2]["threshold"]) == (float(np.float32(0.7)), 0.75)
    assert (verdicts[0]["value"], verdicts[0]["threshold"]) == (9, 8)
    assert set(policy.reasons(config)) == {"a.ratio:missing", "a.ratio:highest", "many:missing", "many"}


def test_without_documents_to_take_a_share_of_every_value_passes() -> None:
    kept = judge(rules(BEST), COLUMNS, thresholds=[None])["kept"].to_pylist()
    assert kept == [True, True, True, False, False, True]


def test_shares_inside_a_group_have_a_bound_each() -> None:
    config = rules({"any": [{"signal": "a.ratio", "highest": 0.5}, {"signal": "a.count", "lowest": 0.5}]})
    assert [place for place, _ in shares(config)] == ["rules[0].any[0]", "rules[0].any[1]"]
    kept = judge(config, COLUMNS, thresholds=[0.85, 2])["kept"].to_pylist()
    assert kept == [True, True, False, False, False, False]


@pytest.mark.parametrize("thresholds", [[], [1, 2]])
def test_a_share_is_not_judged_without_its_bound(thresholds: list[float]) -> None:
    with pytest.raises(RecipeError, match=r"^rules\[0\]: a share is one of a whole corpus"):
        judge(rules(BEST), COLUMNS, thresholds=thresholds)


# mistakes


@pytest.mark.parametrize(
    "share", ["10", "0 %", "101 %", "ten %", "nan", "inf %", "% 10", "", 0, 1.5, -0.1, True, math.nan, [1], None]
)
def test_what_is_no_share_is_refused(share: Any) -> None:
    with pytest.raises(
        ValidationError,
        match=r"not a share|exactly one of these|greater than 0|less than or equal to 1|valid number|finite",
    ):
        rules({"signal": "a.ratio", "highest": share})


@pytest.mark.parametrize("more", [{"min": 1}, {"in": [1]}, {"lowest": 0.1}])
def test_a_share_stands_alone_in_its_rule(more: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="exactly one of these"):
        rules({**BEST, **more})


def test_only_numbers_have_shares() -> None:
    with pytest.raises(RecipeError, match=r"^rules\[0\]: language\.label is string"):
        policy.check_signals(rules({"signal": "language.label", "highest": 0.1}), {"language.label": pa.string()})
