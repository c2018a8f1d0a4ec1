"""How often each reason dropped a document, and whether the policy looks wrong."""

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from corpuskit.policy.config import PolicyConfig, active_rules, reasons
from corpuskit.policy.group import RuleGroup

NEARLY_ALL = 0.95
"""Share of dropped documents from which a policy is suspicious."""


def summary(policy: PolicyConfig, verdicts: pa.Table) -> dict[str, int]:
    """Count verdicts; the counts of several batches may be added up.

    Returns:
        `documents` and `kept`; then for each reason of the policy, also where it is 0: `first:<reason>` documents that
        it was the first to drop, `failed:<reason>` that it dropped at all, `alone:<reason>` that nothing else dropped.
    """
    alone = verdicts["reason"].filter(pc.equal(pc.list_value_length(verdicts["failed"]), 1))
    kinds = {"first": verdicts["reason"], "failed": pc.list_flatten(verdicts["failed"]), "alone": alone}
    counts = {f"{kind}:{reason}": 0 for reason in reasons(policy) for kind in kinds}
    for kind, column in kinds.items():
        for entry in pc.value_counts(column.drop_null()).to_pylist():
            counts[f"{kind}:{entry['values']}"] = entry["counts"]
    return {"documents": len(verdicts), "kept": pc.sum(verdicts["kept"], min_count=0).as_py(), **counts}


def warnings(counts: Mapping[str, float]) -> list[str]:
    """Return what looks wrong in summed `summary` counts, a sentence each; most often nothing.

    A policy that drops at least 95 % of the documents is reported with each reason that drops so many by itself, or
    else with the one that drops most; so is one that has rules and drops nothing.
    """
    documents, kept = int(counts["documents"]), int(counts["kept"])
    failed = {name.removeprefix("failed:"): count for name, count in counts.items() if name.startswith("failed:")}
    if not documents or not failed:
        return []
    if kept == documents:
        return [f"the policy drops none of {_documents(documents)}"]
    if documents - kept < NEARLY_ALL * documents:
        return []
    worst = sorted(failed, key=lambda reason: -failed[reason])
    named = [reason for reason in worst if failed[reason] >= NEARLY_ALL * documents] or worst[:1]
    told = ", ".join(f"{reason} drops {failed[reason] / documents:.1%}" for reason in named)
    return [f"the policy keeps {kept:,} of {_documents(documents)}; alone or with others, {told}"]


def _documents(count: int) -> str:
    return f"{count:,} document{'' if count == 1 else 's'}"


def languages(policy: PolicyConfig) -> list[str]:
    """Return the values of `language.label` that rules are for, each once."""
    asked = [label for _, rule in active_rules(policy) for label in rule.languages]
    return list(dict.fromkeys([*policy.by_language, *asked]))


def unjudged(policy: PolicyConfig, by_label: Mapping[str, float]) -> list[str]:
    """Return which rules for documents of some languages judged none, a sentence each; most often nothing.

    Args:
        policy: The policy.
        by_label: How many documents have each of `languages(policy)`; of a label that is not here nothing is said.
    """
    unseen = {label for label, count in by_label.items() if not count}
    found = [
        f"`by_language` has rules for {label!r}, but no document has that label"
        for label in policy.by_language
        if label in unseen
    ]
    for index, rule in enumerate(policy.rules):
        if rule.languages and unseen.issuperset(rule.languages):
            name = rule.named if isinstance(rule, RuleGroup) else rule.reason or rule.signal
            labels = ", ".join(map(repr, rule.languages))
            which = "that label" if len(rule.languages) == 1 else "one of these labels"
            found.append(f"`rules[{index}]`, {name}, is for documents in {labels}, but no document has {which}")
    return found
