"""The conditions of a variant's policy that an inspection can move: one bound, or one list of values, at a time."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from pydantic import ValidationError

from corpuskit import policy
from corpuskit.errors import CorpuskitError
from corpuskit.manifest import Manifest
from corpuskit.policy import PolicyConfig, Rule

FACTORS = (0.5, 0.7, 0.8, 0.9, 1.0, 1.1, 1.25, 1.5, 2.0)
"""Thresholds of a what-if table over the one in use."""
AROUND_ZERO = {True: (0, 1, 2, 3, 5, 10, 20, 50), False: (0, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1)}
"""Thresholds instead of these where the one in use is 0: of integers, and of others."""


@dataclass(frozen=True)
class Bound:
    """One bound of one rule."""

    rule: Rule
    reason: str
    lower: bool
    """Whether it is the smallest value that passes rather than the largest."""
    threshold: float
    shared: bool
    """Whether another condition gives the same reason, so that verdicts do not tell the two apart."""

    def ladder(self, whole: bool) -> tuple[float, ...]:
        """Return the thresholds of its what-if table, rising, with the one in use among them.

        Args:
            whole: the signal's values are integers.
        """
        if not self.threshold:
            return AROUND_ZERO[whole]
        steps = [self.threshold * factor for factor in FACTORS]
        rounded = [float(round(step)) if whole else float(f"{step:.3g}") for step in steps]
        share = 0 < self.threshold <= 1 and not whole
        kept = {self.threshold, *(min(step, 1.0) if share else step for step in rounded)}
        return tuple(sorted(kept))

    def passes(self, values: np.ndarray, threshold: float) -> np.ndarray:
        """Return which values pass at a threshold, compared as rules compare; bool[n]."""
        bound = np.asarray(threshold, values.dtype if values.dtype == np.float32 else None)
        return values >= bound if self.lower else values <= bound


@dataclass(frozen=True)
class Listed:
    """The values that a rule lists."""

    rule: Rule
    reason: str


def policy_of(variant: Manifest) -> PolicyConfig | None:
    """Return the policy that a variant was chosen by; None where this corpuskit cannot read it."""
    try:
        return PolicyConfig.model_validate(variant.extra["config"]["policy"])
    except (KeyError, TypeError, ValidationError, CorpuskitError):
        return None


def reasons_of(config: PolicyConfig | None) -> list[str]:
    """Return the reasons that a policy can name, in the order in which its rules are tried."""
    return policy.reasons(config) if config else []


def rules_of(config: PolicyConfig | None) -> list[tuple[str, Any]]:
    """Return the entries of a policy in order, with their places; an entry is a rule, or a group of rules."""
    return list(policy.active_rules(config)) if config else []


def bounds(config: PolicyConfig | None, resolved: Mapping[str, float]) -> list[Bound]:
    """Return every bound of a policy's rules in order; those inside groups, which decide nothing alone, are left out.

    Args:
        config: the policy.
        resolved: by place, the bounds of rules that keep a share of the corpus.
    """
    named = Counter(reason for _, entry in rules_of(config) for reason in entry.reasons())
    return [
        replace(bound, shared=bound.shared or named[bound.reason] > 1)
        for place, entry in rules_of(config)
        if isinstance(entry, Rule)
        for bound in bounds_of(entry, resolved.get(place))
    ]


def bounds_of(rule: Rule, resolved: float | None) -> list[Bound]:
    """Return the bounds of one rule; `resolved` is what its share of the corpus comes to, where it has one."""
    both = rule.reason is not None and None not in (rule.min, rule.max)
    return [
        Bound(rule, rule.named(condition), lower, float(threshold), shared=both)
        for condition, lower, threshold in _conditions(rule, resolved)
    ]


def _conditions(rule: Rule, resolved: float | None) -> Iterator[tuple[str, bool, float]]:
    if rule.min is not None:
        yield "min", True, rule.min
    if rule.max is not None:
        yield "max", False, rule.max
    if resolved is not None and rule.is_share:
        highest = rule.highest is not None
        yield ("highest" if highest else "lowest"), highest, resolved


def listed(config: PolicyConfig | None) -> list[Listed]:
    """Return every rule of a policy that lists values."""
    rules = [entry for _, entry in rules_of(config) if isinstance(entry, Rule) and entry.listed]
    return [Listed(rule, rule.named("in" if rule.in_ else "not_in")) for rule in rules]
