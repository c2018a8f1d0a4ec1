"""Predicates over signals: which documents stay, and why not.

A policy is a preset and rules over signals, plus lists of documents to exclude. `judge` turns a table of signals into
verdicts: kept or not, the first failing rule with its value and threshold, and all failing rules. It copies no text.
"""

from corpuskit.policy.config import (
    LABEL,
    PolicyConfig,
    active_rules,
    check,
    check_signals,
    read_exclusions,
    reasons,
    signals_needed,
)
from corpuskit.policy.counts import summary, warnings
from corpuskit.policy.presets import PRESETS, Preset, check_languages
from corpuskit.policy.rule import Rule
from corpuskit.policy.verdicts import VERDICT_SCHEMA, judge

__all__ = [
    "LABEL",
    "PRESETS",
    "VERDICT_SCHEMA",
    "PolicyConfig",
    "Preset",
    "Rule",
    "active_rules",
    "check",
    "check_languages",
    "check_signals",
    "judge",
    "read_exclusions",
    "reasons",
    "signals_needed",
    "summary",
    "warnings",
]
