"""The policy a user writes: a preset, rules, and documents to exclude."""

from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import Any

import pyarrow as pa
from pydantic import Field, field_validator

from corpuskit import storage
from corpuskit.config import Config
from corpuskit.errors import InputError, RecipeError, nearest
from corpuskit.policy.presets import PRESETS, check_languages
from corpuskit.policy.rule import Rule

LABEL = "language.label"
"""The signal that says which language's rules judge a document."""


class RulesConfig(Config):
    """Rules, ready-made and own."""

    preset: str = "none"
    """A ready-made list of rules: `none` (also called `raw`), `gopher` (English), `zh` (Chinese) or `urls`."""
    rules: tuple[Rule, ...] = ()
    """Rules besides the preset's."""

    @field_validator("preset")
    @classmethod
    def _known_preset(cls, preset: str) -> str:
        if preset not in PRESETS:
            raise ValueError(f"unknown preset{nearest(preset, PRESETS)}")
        return preset


class PolicyConfig(RulesConfig):
    """Which documents stay: those on no exclude list that pass every rule that applies to them.

    The lists, the preset's rules, the own rules and those of the document's language are tried in this order: it
    decides which failure is named first.
    """

    by_language: dict[str, RulesConfig] = Field(default_factory=dict)
    """More rules for documents of one language, by `language.label`. Documents of languages that are not named pass;
    a rule on `language.label` with `in` drops them."""
    exclude: tuple[str, ...] = ()
    """Files that list documents to drop, such as takedowns: an `id` or `url` a line, # begins a comment line."""

    @field_validator("by_language")
    @classmethod
    def _one_language_each(cls, value: dict[str, RulesConfig]) -> dict[str, RulesConfig]:
        if any(rule.languages for rules in value.values() for rule in rules.rules):
            raise ValueError("rules that stand under a language have no `languages` of their own")
        return value


def active_rules(policy: PolicyConfig) -> list[tuple[str, Rule]]:
    """Return all rules in the order in which they are tried, each with its place: `preset`, `rules[i]`, ….

    Rules of a language name it in their `languages`.
    """
    found = _rules_of(policy, "")
    for language, rules in policy.by_language.items():
        own = _rules_of(rules, f"by_language.{language}.")
        found += [(place, rule.model_copy(update={"languages": (language,)})) for place, rule in own]
    return found


def _rules_of(config: RulesConfig, place: str) -> list[tuple[str, Rule]]:
    preset = [(f"{place}preset", rule) for rule in PRESETS[config.preset].rules]
    return preset + [(f"{place}rules[{index}]", rule) for index, rule in enumerate(config.rules)]


def exclude_reason(path: str) -> str:
    """Return what verdicts call a document that an exclude list names: `exclude:<file name>`."""
    return f"exclude:{PurePosixPath(path).name}"


def reasons(policy: PolicyConfig) -> list[str]:
    """Return every reason that verdicts of this policy can name, each once, in the order in which they are tried."""
    own = [reason for _, rule in active_rules(policy) for reason in rule.reasons()]
    return list(dict.fromkeys([*map(exclude_reason, policy.exclude), *own]))


def signals_needed(policy: PolicyConfig) -> set[str]:
    """Return the signals, as `group.name`, that `judge` must find among its columns."""
    rules = [rule for _, rule in active_rules(policy)]
    return {rule.signal for rule in rules} | {LABEL for rule in rules if rule.languages}


def check_signals(policy: PolicyConfig, known: Mapping[str, pa.DataType], path: str = "") -> None:
    """Refuse rules over unknown signals, and conditions that do not fit the signal's type.

    Args:
        policy: The policy to check.
        known: Type of each known signal by `group.name`.
        path: The policy's place in the recipe, for the message.

    Raises:
        RecipeError: names the rule and the nearest known signal.
    """
    for place, rule in active_rules(policy):
        where = f"{path}.{place}" if path else place
        if rule.signal not in known:
            close = nearest(rule.signal, known)
            hint = "; the cleaner that counts it must be in `clean`" if rule.signal.startswith("clean.") else close
            raise RecipeError(f"{where}.signal", f"unknown signal {rule.signal!r}{hint}")
        rule.check_type(known[rule.signal], where)
        if rule.languages and LABEL not in known:
            raise RecipeError(where, f"rules of a language need the signal {LABEL}")


def check(
    policy: PolicyConfig, languages: Iterable[str], path: str = "", known: Mapping[str, pa.DataType] | None = None
) -> None:
    """Check all that a recipe can get wrong in a policy: the preset's languages and, given `known`, its signals.

    Raises:
        RecipeError: see `check_languages` and `check_signals`.
    """
    before = f"{path}." if path else ""
    check_languages(policy.preset, languages, f"{before}preset")
    for language, rules in policy.by_language.items():
        check_languages(rules.preset, [language], f"{before}by_language.{language}.preset")
    if known is not None:
        check_signals(policy, known, path)


def read_exclusions(paths: Iterable[str], options: dict[str, Any] | None = None) -> dict[str, pa.Array]:
    """Read exclude lists; return the distinct entries of each file, sorted, by path.

    An entry is a whole line without surrounding white space: it is compared with a document's `id` and with its `url`,
    byte for byte. Blank lines and lines that begin with # are skipped (a # further on is part of a URL).

    Raises:
        InputError: a file does not exist or is not UTF-8.
    """
    return {path: pa.array(_entries(path, options), pa.large_string()) for path in paths}


def _entries(path: str, options: dict[str, Any] | None) -> list[str]:
    try:
        text = storage.read_bytes(path, options).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 at byte {error.start}") from error
    lines = {line.strip() for line in text.split("\n")}
    return sorted(line for line in lines if line and not line.startswith("#"))
