"""The rules of a variant's policy applied to one document, in the order in which they are tried."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from corpuskit.manifest import Manifest
from corpuskit.policy import LABEL, Rule
from corpuskit.workflow.inspecting.bounds import bounds_of, policy_of, rules_of

PASSED, FAILED, NOT_JUDGED = "passed", "failed", "not judged"


@dataclass(frozen=True)
class Judgement:
    """One condition and what became of it."""

    rule: str
    """The reason of a failure."""
    value: Any
    """The signal; None where there is none."""
    condition: str
    """Which values pass: `≥ 50`."""
    outcome: str
    """`passed`, `failed`, or `not judged`: for documents of other languages."""
    signal: str = ""
    below: bool = False
    """Whether it failed because the value is too small."""


def judgements(variant: Manifest, values: Mapping[str, Any], failed: Sequence[str]) -> list[Judgement]:
    """Return what each rule of a variant says of a document.

    Args:
        variant: the variant's manifest.
        values: the document's signals, by `group.name`.
        failed: the reasons in its verdict, which decides over groups of rules and exclude lists.
    """
    config = policy_of(variant)
    if config is None:
        return [Judgement(reason, None, "", FAILED) for reason in failed]
    resolved = {share["rule"]: share["threshold"] for share in variant.extra.get("shares", ())}
    lists = [f"exclude:{path.rpartition('/')[2]}" for path in config.exclude]
    found = [Judgement(reason, None, "on no list", _outcome(reason, failed)) for reason in lists]
    for place, entry in rules_of(config):
        if isinstance(entry, Rule):
            found += _of_rule(entry, resolved.get(place), values, failed)
        else:
            reason = next(iter(entry.reasons()))
            found.append(Judgement(reason, None, "a group of rules", _outcome(reason, failed)))
    named = {one.rule for one in found}
    return [*(Judgement(reason, None, "", FAILED) for reason in failed if reason not in named), *found]


def _outcome(reason: str, failed: Sequence[str]) -> str:
    return FAILED if reason in failed else PASSED


def _of_rule(
    rule: Rule, resolved: float | None, values: Mapping[str, Any], failed: Sequence[str]
) -> Iterator[Judgement]:
    value = values.get(rule.signal)
    if rule.languages and values.get(LABEL) not in rule.languages:
        for reason in rule.reasons():
            if not reason.endswith(":missing"):
                yield Judgement(reason, value, f"in {', '.join(rule.languages)}", NOT_JUDGED, rule.signal)
        return
    if value is None:
        missing = rule.named("missing")
        yield Judgement(missing, None, "a value", PASSED if rule.missing == "keep" else FAILED, rule.signal)
        return
    for reason, condition, passes, lower in _conditions(rule, resolved, value, failed):
        yield Judgement(reason, value, condition, PASSED if passes else FAILED, rule.signal, lower and not passes)


def _conditions(
    rule: Rule, resolved: float | None, value: Any, failed: Sequence[str]
) -> Iterator[tuple[str, str, bool, bool]]:
    """Give reason, condition in words, whether it holds, and whether it is a smallest value."""
    if rule.listed:
        reason = rule.named("in" if rule.in_ else "not_in")
        words = ", ".join(map(str, rule.listed))
        yield reason, f"{'one' if rule.in_ else 'none'} of {words}", reason not in failed, False
    kind = np.float32 if isinstance(value, float) else None
    for bound in bounds_of(rule, resolved):
        passes = bool(bound.passes(np.asarray([value], kind), bound.threshold)[0])
        yield bound.reason, f"{'≥' if bound.lower else '≤'} {bound.threshold:,.6g}", passes, bound.lower
