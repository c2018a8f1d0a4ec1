"""Rules for documents of some languages alone."""

import pyarrow as pa
import pytest
from test_policy import TYPES, rules, table

from corpuskit import policy
from corpuskit.errors import RecipeError
from corpuskit.policy import PolicyConfig, judge

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
