"""Predicates over signals: which documents stay, and why not.

A policy is a preset and rules over signals, plus lists of documents to exclude. `judge` turns a table of signals into
verdicts: kept or not, the first failing rule with its value and threshold, and all failing rules. It copies no text.
Rules that keep a share of a corpus need a pass of their own before: `candidates`, then `share_bound`.
"""

from corpuskit.policy.bounds import Bound, candidates, share_bound
from corpuskit.policy.config import (
    LABEL,
    PolicyConfig,
    active_rules,
    check,
    check_lists,
    check_signals,
    read_exclusions,
    reasons,
    shares,
    signals_needed,
)
from corpuskit.policy.counts import languages, summary, unjudged, warnings
from corpuskit.policy.group import RuleGroup
from corpuskit.policy.presets import PRESETS, Preset, check_languages
from corpuskit.policy.rule import Rule
from corpuskit.policy.verdicts import VERDICT_SCHEMA, judge

__all__ = [
    "LABEL",
    "PRESETS",
    "VERDICT_SCHEMA",
    "Bound",
    "PolicyConfig",
    "Preset",
    "Rule",
    "RuleGroup",
    "active_rules",
    "candidates",
    "check",
    "check_languages",
    "check_lists",
    "check_signals",
    "judge",
    "languages",
    "read_exclusions",
    "reasons",
    "share_bound",
    "shares",
    "signals_needed",
    "summary",
    "unjudged",
    "warnings",
]
