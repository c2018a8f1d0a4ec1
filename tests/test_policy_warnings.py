"""Warnings: policies that drop nothing, or nearly everything, and rules for languages that are not there."""

from test_policy import rules, table

from corpuskit import policy
from corpuskit.policy import PolicyConfig, judge, summary


def counts_of(config: PolicyConfig, values: list[int]) -> dict[str, int]:
    return summary(config, judge(config, table(count=values)))


def test_a_sensible_policy_gives_no_warning() -> None:
    assert policy.warnings(counts_of(rules({"signal": "a.count", "min": 5}), list(range(10)))) == []
    assert policy.warnings(counts_of(PolicyConfig(), list(range(10)))) == []
    assert policy.warnings(counts_of(rules({"signal": "a.count", "min": 5}), [])) == []


def test_a_policy_that_drops_nothing_is_reported() -> None:
    (warning,) = policy.warnings(counts_of(rules({"signal": "a.count", "min": 0}), list(range(2000))))
    assert warning == "the policy drops none of 2,000 documents"


def test_one_document_is_not_called_documents() -> None:
    (kept,) = policy.warnings(counts_of(rules({"signal": "a.count", "min": 0}), [1]))
    (dropped,) = policy.warnings(counts_of(rules({"signal": "a.count", "min": 5}), [1]))
    assert kept == "the policy drops none of 1 document"
    assert dropped == "the policy keeps 0 of 1 document; alone or with others, a.count:min drops 100.0%"


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


FOR_LANGUAGES = {
    "rules": [
        {"signal": "a.count", "min": 1},
        {"signal": "a.count", "min": 2, "languages": ["xx"]},
        {"signal": "a.count", "min": 3, "languages": ["xx", "en"], "reason": "few"},
        {"any": [{"signal": "a.count", "min": 4}], "languages": ["xx", "yy"]},
    ],
    "by_language": {"de": {"rules": [{"signal": "a.count", "min": 5}]}, "zh": {}},
}


def test_rules_that_judge_no_document_are_named() -> None:
    config = PolicyConfig.model_validate(FOR_LANGUAGES)
    assert policy.languages(config) == ["de", "zh", "xx", "en", "yy"]
    assert policy.unjudged(config, {"de": 0, "zh": 3, "xx": 0, "en": 7, "yy": 0}) == [
        "`by_language` has rules for 'de', but no document has that label",
        "`rules[1]`, a.count, is for documents in 'xx', but no document has that label",
        "`rules[3]`, any(a.count), is for documents in 'xx', 'yy', but no document has one of these labels",
    ]


def test_of_labels_that_were_not_counted_nothing_is_said() -> None:
    config = PolicyConfig.model_validate(FOR_LANGUAGES)
    assert policy.unjudged(config, {}) == []
    assert policy.unjudged(config, {"de": 1, "zh": 1, "xx": 0}) == [
        "`rules[1]`, a.count, is for documents in 'xx', but no document has that label"
    ]
    assert policy.unjudged(PolicyConfig(), {"xx": 0}) == []
