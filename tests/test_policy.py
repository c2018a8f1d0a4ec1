import math
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from corpuskit import policy, storage
from corpuskit.errors import InputError, RecipeError
from corpuskit.policy import PRESETS, VERDICT_SCHEMA, PolicyConfig, Rule, judge, summary

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


# exclude lists


@pytest.fixture
def takedowns(tmp_path) -> str:
    path = str(tmp_path / "takedowns.txt")
    lines = ["\ufeff# asked for in June", "doc-1", "", "  https://a.org/x#part  ", "doc-1", "#doc-3\r"]
    storage.commit(path, "\n".join(lines).encode())
    return path


def excludable(**more: Sequence[object]) -> pa.Table:
    urls = [None, "https://a.org/x#part", "https://a.org/x", "doc-1"]
    identities = pa.table({"id": ["doc-1", "doc-2", "doc-3", "DOC-1"], "url": pa.array(urls, pa.string())})
    for name, column in zip(table(**more).column_names, table(**more).columns, strict=True):
        identities = identities.append_column(name, column)
    return identities


def test_listed_ids_and_urls_are_dropped_before_any_rule(takedowns: str) -> None:
    config = PolicyConfig(exclude=(takedowns,), rules=(Rule(signal="a.count", min=5),))
    verdicts = judge(config, excludable(count=[1, 9, 9, 9]))
    name = "exclude:takedowns.txt"
    assert verdicts["reason"].to_pylist() == [name, name, None, name]
    assert verdicts["failed"].to_pylist() == [[name, "a.count:min"], [name], [], [name]]
    assert verdicts["value"].null_count == verdicts["threshold"].null_count == 4


def test_lists_read_once_judge_as_lists_read_each_time(takedowns: str) -> None:
    config = PolicyConfig(exclude=(takedowns,))
    lists = policy.read_exclusions(config.exclude)
    assert [entries.to_pylist() for entries in lists.values()] == [["doc-1", "https://a.org/x#part"]]
    assert judge(config, excludable(), lists) == judge(config, excludable())
    assert summary(config, judge(config, excludable()))["alone:exclude:takedowns.txt"] == 3


def test_exclude_works_on_large_strings_and_empty_lists(tmp_path, takedowns: str) -> None:
    empty = str(tmp_path / "none.txt")
    storage.commit(empty, b"# nobody yet\n")
    large = pa.schema([("id", pa.large_string()), ("url", pa.large_string())])
    verdicts = judge(PolicyConfig(exclude=(empty, takedowns)), excludable().cast(large))
    assert verdicts["kept"].to_pylist() == [False, False, True, False]


def test_an_exclude_list_that_cannot_be_read_is_the_users_error(tmp_path) -> None:
    config = PolicyConfig(exclude=(str(tmp_path / "absent.txt"),))
    with pytest.raises(InputError, match=r"absent\.txt: No such file"):
        judge(config, excludable())
    storage.commit(str(tmp_path / "latin.txt"), b"doc-1\ncaf\xe9\n")
    with pytest.raises(InputError, match=r"latin\.txt: not UTF-8 at byte 9"):
        policy.read_exclusions([str(tmp_path / "latin.txt")])


def test_excluding_needs_ids_and_urls(takedowns: str) -> None:
    with pytest.raises(RecipeError, match="column 'url'"):
        judge(PolicyConfig(exclude=(takedowns,)), pa.table({"id": ["x"]}))


# presets


def test_own_rules_come_after_the_presets() -> None:
    config = PolicyConfig.model_validate({"preset": "zh", "rules": [{"signal": "length.words", "min": 1}]})
    places = [place for place, _ in policy.active_rules(config)]
    assert places == ["preset"] * len(PRESETS["zh"].rules) + ["rules[0]"]
    assert policy.signals_needed(config) == {rule.signal for rule in PRESETS["zh"].rules} | {"length.words"}


@pytest.mark.parametrize("language", ["en", "EN", "en-GB", "eng_Latn"])
def test_a_preset_accepts_its_languages(language: str) -> None:
    policy.check_languages("gopher", [language])
    policy.check_languages("gopher", [])
    policy.check_languages("none", [language, "zh", "tlh"])


@pytest.mark.parametrize("languages", [["zh"], ["en", "de"], ["enm"], [""]])
def test_a_preset_refuses_other_languages(languages: list[str]) -> None:
    with pytest.raises(RecipeError, match=r"^x\.policy\.preset: preset 'gopher' is meant for en, eng") as caught:
        policy.check(PolicyConfig(preset="gopher"), languages, "x.policy")
    assert languages[-1] in str(caught.value)


# mistakes


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "exactly one of these"),
        ({"min": 1, "in": [1]}, "exactly one of these"),
        ({"in": ["a"], "not_in": ["b"]}, "exactly one of these"),
        ({"min": 2, "max": 1}, "`min` 2 is above `max` 1"),
        ({"min": math.nan}, "finite"),
        ({"max": math.inf}, "finite"),
        ({"max": 1e39}, "less than or equal"),
        ({"min": "3"}, "valid number"),
        ({"min": True}, "valid number"),
        ({"in": []}, "at least 1 item"),
        ({"in": [["a"]]}, "expected a text, a number, true or false"),
        ({"min": 1, "reason": ""}, "at least 1 character"),
        ({"min": 1, "missing": "drop"}, "'fail' or 'keep'"),
        ({"minimum": 1}, "Extra inputs"),
    ],
)
def test_a_wrong_rule_is_refused(fields: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Rule.model_validate({"signal": "a.count", **fields})


def test_an_unknown_preset_names_the_nearest() -> None:
    with pytest.raises(ValidationError, match="unknown preset 'gofer'; did you mean 'gopher'"):
        PolicyConfig(preset="gofer")


@pytest.mark.parametrize("path", ["", "variants.strict.policy"])
def test_an_unknown_signal_names_its_place_and_the_nearest(path: str) -> None:
    config = rules({"signal": "a.count", "min": 1}, {"signal": "a.ration", "max": 1})
    with pytest.raises(RecipeError, match=r"did you mean 'a\.ratio'") as caught:
        policy.check(config, ["en"], path, known=TYPES)
    assert caught.value.path == f"{path}.rules[1].signal".lstrip(".")


@pytest.mark.parametrize(
    ("signal", "message"),
    [
        ("clean.emials", "must be in `clean`; did you mean 'clean.emails'?"),
        ("classifier.good", "'classifier.good'; a recipe names classifiers under `classifiers`"),
        ("word_list.bad", "'word_list.bad'; a recipe names lists of phrases under `word_lists`"),
    ],
)
def test_an_unknown_signal_that_a_recipe_gives_says_how(signal: str, message: str) -> None:
    known = {**TYPES, "clean.emails": pa.int32()}
    with pytest.raises(RecipeError) as raised:
        policy.check_signals(rules({"signal": signal, "min": 1}), known)
    assert str(raised.value).endswith(message)


def test_what_yaml_takes_for_true_or_false_is_explained() -> None:
    with pytest.raises(RecipeError, match=r"a\.label is string, and its value is never false \(YAML reads yes, no, "):
        policy.check_signals(rules({"signal": "a.label", "in": [False, "en"]}), TYPES)


def test_judge_refuses_columns_without_the_signal() -> None:
    with pytest.raises(RecipeError, match=r"^preset\.signal: unknown signal 'gopher\.words'"):
        judge(PolicyConfig(preset="gopher"), table(count=[1]))


@pytest.mark.parametrize(
    "rule",
    [
        {"signal": "a.label", "min": 1},
        {"signal": "a.flag", "max": 1},
        {"signal": "a.label", "in": ["en", 1]},
        {"signal": "a.flag", "in": [1]},
        {"signal": "a.count", "in": [True]},
        {"signal": "a.count", "not_in": ["1"]},
    ],
)
def test_conditions_must_fit_the_signals_type(rule: dict[str, object]) -> None:
    with pytest.raises(RecipeError, match=r"^rules\[0\]: a\.\w+ is \w+"):
        policy.check_signals(rules(rule), TYPES)


# warnings


def counts_of(config: PolicyConfig, values: list[int]) -> dict[str, int]:
    return summary(config, judge(config, table(count=values)))


def test_a_sensible_policy_gives_no_warning() -> None:
    assert policy.warnings(counts_of(rules({"signal": "a.count", "min": 5}), list(range(10)))) == []
    assert policy.warnings(counts_of(PolicyConfig(), list(range(10)))) == []
    assert policy.warnings(counts_of(rules({"signal": "a.count", "min": 5}), [])) == []


def test_a_policy_that_drops_nothing_is_reported() -> None:
    (warning,) = policy.warnings(counts_of(rules({"signal": "a.count", "min": 0}), list(range(2000))))
    assert warning == "the policy drops none of 2,000 documents"


def test_a_policy_that_drops_nearly_everything_names_the_rule() -> None:
    config = rules({"signal": "a.count", "max": 1500}, {"signal": "a.count", "min": 1950})
    (warning,) = policy.warnings(counts_of(config, list(range(2000))))
    assert warning == "the policy keeps 0 of 2,000 documents; alone or with others, a.count:min drops 97.5%"


def test_every_rule_that_drops_nearly_everything_by_itself_is_named() -> None:
    config = rules(
        {"signal": "a.count", "max": 50}, {"signal": "a.count", "min": 1960}, {"signal": "a.count", "min": 9}
    )
    (warning,) = policy.warnings(counts_of(config, list(range(2000))))
    assert warning.endswith("alone or with others, a.count:min drops 98.0%, a.count:max drops 97.5%")


def test_counts_of_batches_add_up() -> None:
    config = rules({"signal": "a.count", "min": 3, "max": 7}, {"signal": "a.count", "not_in": [5], "reason": "five"})
    parts = [counts_of(config, values) for values in ([1, 5, 9], [5, 5], [])]
    total = {name: sum(part[name] for part in parts) for name in parts[0]}
    assert total == counts_of(config, [1, 5, 9, 5, 5])
    assert total["alone:five"] == 3


# policies by language

BY_LANGUAGE = {
    "rules": [{"signal": "a.count", "min": 1}],
    "by_language": {
        "en": {"rules": [{"signal": "a.count", "min": 10, "reason": "short_en"}]},
        "zh": {"rules": [{"signal": "a.count", "max": 5}]},
    },
}


def test_rules_of_a_language_judge_its_documents_alone() -> None:
    columns = table(count=[0, 9, 20, 9, 5, 9, 0]).append_column(
        "language.label", pa.array(["en", "en", "en", "zh", "zh", "fr", None])
    )
    reasons = judge(PolicyConfig.model_validate(BY_LANGUAGE), columns).column("reason").to_pylist()
    assert reasons == ["a.count:min", "short_en", None, "a.count:max", None, None, "a.count:min"]


def test_a_missing_value_fails_only_where_the_rule_judges() -> None:
    columns = table(count=[None, None]).append_column("language.label", pa.array(["en", "fr"]))
    config = PolicyConfig.model_validate({"by_language": {"en": {"rules": [{"signal": "a.count", "min": 1}]}}})
    assert judge(config, columns).column("reason").to_pylist() == ["a.count:missing", None]


def test_policies_by_language_need_the_label() -> None:
    config = PolicyConfig.model_validate(BY_LANGUAGE)
    assert policy.signals_needed(config) == {"a.count", "language.label"}
    with pytest.raises(RecipeError, match=r"language\.label"):
        judge(config, table(count=[1]))


def test_a_rule_of_its_own_can_be_for_some_languages() -> None:
    columns = table(count=[1, 1]).append_column("language.label", pa.array(["de", "en"]))
    config = rules({"signal": "a.count", "min": 5, "languages": ["de", "nl"]})
    assert judge(config, columns).column("kept").to_pylist() == [False, True]


def test_presets_are_checked_against_the_language_they_are_for() -> None:
    config = PolicyConfig.model_validate({"by_language": {"zh": {"preset": "gopher"}}})
    with pytest.raises(RecipeError, match=r"by_language\.zh\.preset.*meant for en"):
        policy.check(config, ["en"], "variants.v.policy")


def test_errors_name_the_rule_of_a_language() -> None:
    config = PolicyConfig.model_validate({"by_language": {"zh": {"rules": [{"signal": "a.cuont", "min": 1}]}}})
    with pytest.raises(RecipeError, match=r"by_language\.zh\.rules\[0\]\.signal.*a\.count"):
        policy.check_signals(config, TYPES)
