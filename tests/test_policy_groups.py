"""Groups of rules: what `any` and `all` keep, and what verdicts say of the others."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from test_policy import TYPES, a_rule, documents, rules, slow_failures, table

from corpuskit import policy
from corpuskit.errors import RecipeError
from corpuskit.policy import PolicyConfig, Rule, RuleGroup, judge
from corpuskit.recipe.load import build

# the slow, obvious judge: one document, one entry at a time

Failure = tuple[str, Any, Any]


def failures(entry: Rule | RuleGroup, document: dict[str, Any]) -> list[Failure]:
    if isinstance(entry, Rule):
        integer = pa.types.is_integer(TYPES[entry.signal])
        return slow_failures(entry, document[entry.signal], integer=integer)
    found = [failures(member, document) for member in entry.any_ or entry.all_]
    failed = [member for member in found if member]
    fails = len(failed) == len(found) if entry.any_ else bool(failed)
    return [(entry.named, failed[0][0][1], failed[0][0][2])] if fails else []


def slow(config: PolicyConfig, columns: pa.Table) -> list[dict[str, Any]]:
    rows = []
    for document in columns.to_pylist():
        found = [failure for entry in config.rules for failure in failures(entry, document)]
        reason, value, threshold = found[0] if found else (None, None, None)
        names = list(dict.fromkeys(name for name, _, _ in found))
        rows.append({"kept": not found, "reason": reason, "failed": names, "value": value, "threshold": threshold})
    return rows


def a_group(members: st.SearchStrategy[Any]) -> st.SearchStrategy[RuleGroup]:
    return st.builds(
        lambda kind, entries, reason: RuleGroup.model_validate({kind: entries, "reason": reason}),
        st.sampled_from(["any", "all"]),
        st.lists(members, min_size=1, max_size=3),
        st.sampled_from([None, "shared"]),
    )


entries = st.recursive(a_rule(), a_group, max_leaves=6)


@settings(max_examples=300, deadline=None)
@given(st.lists(entries, max_size=4), documents)
def test_groups_are_judged_as_one_document_at_a_time(drawn: list[Any], columns: pa.Table) -> None:
    config = PolicyConfig(rules=tuple(drawn))
    verdicts = judge(config, columns)
    verdicts.validate(full=True)
    assert verdicts.to_pylist() == slow(config, columns)
    seen = {reason for row in verdicts.to_pylist() for reason in row["failed"]}
    assert seen <= set(policy.reasons(config))


@settings(max_examples=100, deadline=None)
@given(entries)
def test_a_group_is_read_as_it_is_written(drawn: Any) -> None:
    config = PolicyConfig(rules=(drawn,))
    assert PolicyConfig.model_validate(config.plain()) == config


# what a document needs

ANY = {"any": [{"signal": "a.count", "min": 5}, {"signal": "a.ratio", "max": 0.5}]}


def test_any_keeps_what_passes_one_and_names_the_first_member_of_what_passes_none() -> None:
    verdicts = judge(rules(ANY), table(count=[5, 1, 1], ratio=[0.9, 0.5, 0.9]))
    assert verdicts["reason"].to_pylist() == [None, None, "any(a.count, a.ratio)"]
    assert verdicts["value"].to_pylist() == [None, None, 1]
    assert verdicts["threshold"].to_pylist() == [None, None, 5]


def test_all_inside_any_is_one_way_to_pass() -> None:
    both = {"all": [{"signal": "a.count", "min": 5}, {"signal": "a.ratio", "max": 0.5}], "reason": "both"}
    config = rules({"any": [both, {"signal": "a.label", "in": ["en"]}]})
    verdicts = judge(config, table(count=[5, 5, 5, 1], ratio=[0.5, 0.9, 0.9, 0.1], label=["zh", "en", "zh", "zh"]))
    assert verdicts["reason"].to_pylist() == [None, None, "any(both, a.label)", "any(both, a.label)"]
    assert verdicts["value"].to_pylist() == [None, None, float(np.float32(0.9)), 1]
    assert verdicts["threshold"].to_pylist() == [None, None, 0.5, 5]


def test_a_member_without_a_value_fails_unless_it_says_keep() -> None:
    columns = table(count=[None, None], ratio=[0.4, 0.9])
    assert judge(rules(ANY), columns)["kept"].to_pylist() == [True, False]
    lenient = {"any": [{"signal": "a.count", "min": 5, "missing": "keep"}, {"signal": "a.ratio", "max": 0.5}]}
    assert judge(rules(lenient), columns)["kept"].to_pylist() == [True, True]


def test_a_group_of_some_languages_judges_their_documents_alone() -> None:
    columns = table(count=[1, 1], ratio=[0.9, 0.9]).append_column("language.label", pa.array(["de", "en"]))
    config = rules({**ANY, "languages": ["de"]})
    assert policy.signals_needed(config) == {"a.count", "a.ratio", "language.label"}
    assert judge(config, columns)["kept"].to_pylist() == [False, True]
    by_language = PolicyConfig.model_validate({"by_language": {"en": {"rules": [ANY]}}})
    assert judge(by_language, columns)["kept"].to_pylist() == [True, False]


# mistakes


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (
            {"any": [{"signal": "a.count", "min": 1}], "all": [{"signal": "a.count", "min": 1}]},
            "exactly one of the two",
        ),
        ({"any": []}, "at least 1 item"),
        ({"any": [{"signal": "a.count", "min": 1, "languages": ["de"]}]}, "no `languages` of their own"),
        ({"any": [{"any": [{"signal": "a.count", "min": 1}], "languages": ["de"]}]}, "no `languages` of their own"),
    ],
)
def test_a_wrong_group_is_refused(entry: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        rules(entry)


MISTAKES = {
    "variants.v.policy.rules[0].any[0].max: expected a number, given 'x'": {
        "any": [{"signal": "length.words", "max": "x"}]
    },
    "variants.v.policy.rules[0].any[0].all[1].mni: unknown field; did you mean 'min'?": {
        "any": [{"all": [{"signal": "length.words", "min": 1}, {"signal": "length.words", "min": 1, "mni": 1}]}]
    },
    "variants.v.policy.rules[0].signal: unknown field": {"any": [{"signal": "length.words", "min": 1}], "signal": "x"},
    "variants.v.policy.rules[0].any[1].signal: unknown signal 'length.wrods'; did you mean 'length.words'?": {
        "any": [{"signal": "length.words", "min": 1}, {"signal": "length.wrods", "min": 1}]
    },
    "variants.v.policy.rules[0].any[0]: language.label is ": {"any": [{"signal": "language.label", "min": 1}]},
    "variants.v.policy.rules[0].any[0].signal: this field is required": {"any": [{"min": 1}]},
    "variants.v.policy.rules[0]: expected fields with values, given 3": 3,
    "variants.v.policy.rules[0].any: expected a list, given fields with values": {"any": {"signal": "length.words"}},
    "variants.v.policy.rules[0].highest: '11 per cent' is not a share; write ": {
        "signal": "length.words",
        "highest": "11 per cent",
    },
}


@pytest.mark.parametrize("message", MISTAKES)
def test_a_mistake_in_a_group_is_named_with_its_place(message: str) -> None:
    recipe = {"name": "r", "sources": [{"name": "s", "paths": "x"}]}
    with pytest.raises(RecipeError) as raised:
        build({**recipe, "variants": {"v": {"policy": {"rules": [MISTAKES[message]]}}}})
    assert str(raised.value).startswith(message)
    assert "\n" not in str(raised.value)
