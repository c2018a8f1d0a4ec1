"""Verdicts of rules, against a slow judge, and at their bounds."""

import math
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpuskit.policy import VERDICT_SCHEMA, PolicyConfig, Rule, judge, summary

TYPES = {
    "a.ratio": pa.float32(),
    "a.wide": pa.float64(),
    "a.count": pa.int64(),
    "a.small": pa.int32(),
    "a.flag": pa.bool_(),
    "a.label": pa.string(),
}


def table(**columns: Sequence[object]) -> pa.Table:
    return pa.table({f"a.{name}": pa.array(values, TYPES[f"a.{name}"]) for name, values in columns.items()})


def rules(*given: dict[str, object]) -> PolicyConfig:
    return PolicyConfig.model_validate({"rules": given})


# a slow, obvious judge: one document, one rule, one condition at a time


def slow_failures(rule: Rule, value: object, *, integer: bool) -> list[tuple[str, object, object]]:
    def narrow(number: object) -> object:
        return number if integer else np.float32(number)

    if value is None or (isinstance(value, float) and math.isnan(value)):
        return [(rule.named("missing"), None, None)] if rule.missing == "fail" else []
    number = None if isinstance(value, str | bool) else np.float32(value)
    failures: list[tuple[str, object, object]] = []
    if rule.in_ is not None and value not in rule.in_:
        failures.append((rule.named("in"), number, None))
    if rule.not_in is not None and value in rule.not_in:
        failures.append((rule.named("not_in"), number, None))
    if rule.min is not None and narrow(value) < narrow(rule.min):
        failures.append((rule.named("min"), number, np.float32(rule.min)))
    if rule.max is not None and narrow(value) > narrow(rule.max):
        failures.append((rule.named("max"), number, np.float32(rule.max)))
    return failures


def slow_judge(config: PolicyConfig, columns: pa.Table) -> list[dict[str, object]]:
    rows = []
    for document in columns.to_pylist():
        failures = []
        for rule in config.rules:
            integer = pa.types.is_integer(TYPES[rule.signal])
            failures += slow_failures(rule, document[rule.signal], integer=integer)
        reason, value, threshold = failures[0] if failures else (None, None, None)
        names = list(dict.fromkeys(name for name, _, _ in failures))
        rows.append({"kept": not failures, "reason": reason, "failed": names, "value": value, "threshold": threshold})
    return rows


tenths = st.integers(-5, 15).map(lambda number: number / 10)
VALUES = {
    "a.ratio": tenths | st.just(math.nan),
    "a.wide": tenths | st.just(math.nan),
    "a.count": st.sampled_from([-(2**40), 0, 1, 2**24, 2**24 + 1, 2**40]),
    "a.small": st.integers(-3, 3),
    "a.flag": st.booleans(),
    "a.label": st.sampled_from(["", "en", "zh", "日本"]),
}
LISTS = {
    "a.count": st.sampled_from([0, 1, 2**24 + 1, 0.5]),
    "a.small": st.sampled_from([-1, 0, 2]),
    "a.flag": st.booleans(),
    "a.label": st.sampled_from(["", "en", "日本", "nowhere"]),
}


@st.composite
def a_rule(draw: st.DrawFn) -> Rule:
    signal = draw(st.sampled_from(sorted(TYPES)))
    common = {
        "signal": signal,
        "reason": draw(st.sampled_from([None, None, "shared"])),
        "missing": draw(st.sampled_from(["fail", "keep"])),
    }
    kinds = ["in", "not_in"] if signal in LISTS else []
    kinds += [] if signal in ("a.flag", "a.label") else ["min", "max", "both"]
    kind = draw(st.sampled_from(kinds))
    if kind in ("in", "not_in"):
        return Rule(**common, **{kind: draw(st.lists(LISTS[signal], min_size=1, max_size=3))})
    low, high = sorted(draw(st.tuples(tenths, tenths)))
    scale = 2.0**26 if signal == "a.count" else 1.0
    bounds = {
        "min": {"min": low * scale},
        "max": {"max": high * scale},
        "both": {"min": low * scale, "max": high * scale},
    }
    return Rule(**common, **bounds[kind])


documents = st.lists(
    st.fixed_dictionaries({name: st.none() | values for name, values in VALUES.items()}), max_size=12
).map(lambda rows: pa.Table.from_pylist(rows, pa.schema(TYPES)))


@settings(max_examples=300, deadline=None)
@given(st.lists(a_rule(), max_size=5), documents)
def test_judge_equals_one_document_at_a_time(drawn: list[Rule], columns: pa.Table) -> None:
    config = PolicyConfig(rules=tuple(drawn))
    verdicts = judge(config, columns)
    verdicts.validate(full=True)
    assert verdicts.schema == VERDICT_SCHEMA
    assert verdicts.to_pylist() == slow_judge(config, columns)


@settings(max_examples=100, deadline=None)
@given(st.lists(a_rule(), max_size=5), documents, st.integers(0, 12))
def test_judging_chunks_and_slices_changes_nothing(drawn: list[Rule], columns: pa.Table, cut: int) -> None:
    config = PolicyConfig(rules=tuple(drawn))
    whole = judge(config, columns).to_pylist()
    chunked = pa.concat_tables([columns.slice(0, cut), columns.slice(cut)])
    assert judge(config, chunked).to_pylist() == whole
    assert judge(config, columns.slice(0, cut)).to_pylist() + judge(config, columns.slice(cut)).to_pylist() == whole
    for batch in columns.to_batches():
        assert judge(config, batch).to_pylist() == whole


@settings(max_examples=100, deadline=None)
@given(st.lists(a_rule(), max_size=5), documents)
def test_the_summary_counts_what_the_verdicts_say(drawn: list[Rule], columns: pa.Table) -> None:
    config = PolicyConfig(rules=tuple(drawn))
    verdicts = judge(config, columns)
    counts = summary(config, verdicts)
    rows = verdicts.to_pylist()
    assert counts.pop("documents") == len(rows)
    assert counts.pop("kept") == sum(row["kept"] for row in rows)
    for name, count in counts.items():
        kind, reason = name.split(":", 1)
        tests = {
            "first": lambda row, reason=reason: row["reason"] == reason,
            "failed": lambda row, reason=reason: reason in row["failed"],
            "alone": lambda row, reason=reason: row["failed"] == [reason],
        }
        assert count == sum(map(tests[kind], rows)), name
    seen = {reason for row in rows for reason in row["failed"]}
    assert {f"{kind}:{reason}" for reason in seen for kind in ("first", "failed", "alone")} <= counts.keys()


# boundaries


@pytest.mark.parametrize("dtype", [pa.float32(), pa.float64()])
@pytest.mark.parametrize(("numerator", "denominator"), [(3, 10), (1, 10), (9, 10), (8, 10), (2, 3)])
def test_an_exact_tie_with_a_threshold_is_kept(dtype: pa.DataType, numerator: int, denominator: int) -> None:
    ratio = np.float32(numerator / denominator)
    assert dtype == pa.float32() or float(ratio) != numerator / denominator
    columns = pa.table({"a.ratio": pa.array([ratio], dtype)})
    bound = numerator / denominator
    assert judge(rules({"signal": "a.ratio", "max": bound}), columns)["kept"].to_pylist() == [True]
    assert judge(rules({"signal": "a.ratio", "min": bound}), columns)["kept"].to_pylist() == [True]


def test_the_next_float_beyond_a_threshold_is_dropped() -> None:
    above = np.nextafter(np.float32(0.3), np.float32(1))
    verdicts = judge(rules({"signal": "a.ratio", "max": 0.3}), table(ratio=[np.float32(0.3), above]))
    assert verdicts["kept"].to_pylist() == [True, False]
    assert verdicts["value"].to_pylist() == [None, float(above)]
    assert verdicts["threshold"].to_pylist() == [None, float(np.float32(0.3))]


def test_integers_are_compared_exactly_where_float32_could_not() -> None:
    verdicts = judge(rules({"signal": "a.count", "max": 2**24}), table(count=[2**24, 2**24 + 1]))
    assert verdicts["kept"].to_pylist() == [True, False]


def test_infinite_signals_are_judged_like_numbers() -> None:
    verdicts = judge(rules({"signal": "a.ratio", "min": 0, "max": 1}), table(ratio=[math.inf, -math.inf]))
    assert verdicts["reason"].to_pylist() == ["a.ratio:max", "a.ratio:min"]
    assert verdicts["value"].to_pylist() == [math.inf, -math.inf]


def test_reasons_name_the_condition_unless_the_rule_gives_a_reason() -> None:
    columns = table(count=[0, 9, None])
    plain = judge(rules({"signal": "a.count", "min": 1, "max": 5}), columns)
    named = judge(rules({"signal": "a.count", "min": 1, "max": 5, "reason": "odd"}), columns)
    assert plain["reason"].to_pylist() == ["a.count:min", "a.count:max", "a.count:missing"]
    assert named["reason"].to_pylist() == ["odd", "odd", "odd:missing"]


def test_missing_values_fail_unless_kept() -> None:
    columns = table(ratio=[None, math.nan, 0.5])
    assert judge(rules({"signal": "a.ratio", "max": 0.4}), columns)["reason"].to_pylist() == [
        "a.ratio:missing",
        "a.ratio:missing",
        "a.ratio:max",
    ]
    kept = judge(rules({"signal": "a.ratio", "max": 0.4, "missing": "keep"}), columns)["kept"]
    assert kept.to_pylist() == [True, True, False]


def test_the_order_of_rules_decides_the_first_reason_only() -> None:
    columns = table(ratio=[0.9], count=[1])
    one, other = {"signal": "a.ratio", "max": 0.5}, {"signal": "a.count", "min": 5}
    forward, backward = judge(rules(one, other), columns), judge(rules(other, one), columns)
    assert forward["failed"].to_pylist() == [["a.ratio:max", "a.count:min"]]
    assert backward["failed"].to_pylist() == [["a.count:min", "a.ratio:max"]]
    assert (forward["threshold"].to_pylist(), backward["threshold"].to_pylist()) == ([0.5], [5.0])
    assert backward["value"].to_pylist() == [1.0]


def test_no_rules_and_no_documents() -> None:
    verdicts = judge(PolicyConfig(), pa.table({"id": ["x", "y"]}))
    assert verdicts.to_pylist() == 2 * [{"kept": True, "reason": None, "failed": [], "value": None, "threshold": None}]
    empty = judge(rules({"signal": "a.count", "min": 1}), table(count=[]))
    assert (empty.num_rows, empty.schema) == (0, VERDICT_SCHEMA)


def test_dictionary_encoded_labels_are_judged_as_text() -> None:
    labels = pa.array(["en", None, "zh"]).dictionary_encode()
    verdicts = judge(rules({"signal": "a.label", "in": ["en"]}), pa.table({"a.label": labels}))
    assert verdicts["reason"].to_pylist() == [None, "a.label:missing", "a.label:in"]
