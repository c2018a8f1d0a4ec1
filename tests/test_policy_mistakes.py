"""Presets and rules that fit, and every mistake in them, by its place."""

import math

import pyarrow as pa
import pytest
from pydantic import ValidationError
from test_policy import TYPES, rules, table

from corpuskit import policy
from corpuskit.errors import RecipeError
from corpuskit.policy import PRESETS, PolicyConfig, Rule, judge


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
