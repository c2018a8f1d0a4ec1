"""The policy a user writes: a preset, rules, and documents to exclude."""

from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import Annotated, Any, Self, TypeVar

import pyarrow as pa
from pydantic import BeforeValidator, Field, field_validator, model_validator

from corpuskit import storage
from corpuskit.config import Config
from corpuskit.errors import InputError, RecipeError, nearest
from corpuskit.policy.group import PolicyRule
from corpuskit.policy.presets import PRESETS, check_languages
from corpuskit.policy.rule import Rule

LABEL = "language.label"
"""The signal that says which language's rules judge a document."""
GIVEN = {
    "clean": "the cleaner that counts it must be in `clean`",
    "classifier": "a recipe names classifiers under `classifiers`",
    "word_list": "a recipe names lists of phrases under `word_lists`",
    "contamination": "a recipe names tasks under `tasks`, and other texts under `decontaminate.references`",
}
"""Groups whose signals a recipe gives, and how."""
AnyRules = TypeVar("AnyRules", bound="RulesConfig")


def _one_or_many(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


class RulesConfig(Config):
    """Rules, ready-made and own."""

    preset: Annotated[tuple[str, ...], BeforeValidator(_one_or_many, json_schema_input_type=str | tuple[str, ...])] = ()
    """The name of a ready-made list of rules, or several, tried one after the other."""
    without: tuple[str, ...] = ()
    """Signals, as `group.name`, whose rules are left out of the preset: to relax one, leave it out here and give your
    own in `rules`."""
    rules: tuple[PolicyRule, ...] = ()
    """Rules besides the preset's: each over one signal, or a group, `any` or `all`, of such entries."""

    @field_validator("preset")
    @classmethod
    def _known_presets(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if name not in PRESETS:
                raise ValueError(f"unknown preset {name!r}{nearest(name, PRESETS)}")
        return names

    @model_validator(mode="after")
    def _leaves_out_what_is_there(self) -> Self:
        judged = {rule.signal for name in self.preset for rule in PRESETS[name].rules}
        for signal in self.without:
            if signal not in judged:
                raise ValueError(f"`without`: no rule of the preset judges {signal!r}{nearest(signal, judged)}")
        return self


class PolicyConfig(RulesConfig):
    """Which documents stay: those on no exclude list that pass every rule that applies to them.

    The lists, the presets' rules, the own rules and those of the document's language are tried in this order: it
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


def active_rules(policy: PolicyConfig) -> list[tuple[str, PolicyRule]]:
    """Return all rules in the order in which they are tried, each with its place: `preset`, `rules[i]`, ….

    Rules of a language name it in their `languages`.
    """
    found = _rules_of(policy, "")
    for language, rules in policy.by_language.items():
        own = _rules_of(rules, f"by_language.{language}.")
        found += [(place, rule.model_copy(update={"languages": (language,)})) for place, rule in own]
    return found


def _rules_of(config: RulesConfig, place: str) -> list[tuple[str, PolicyRule]]:
    presets = [PRESETS[name].rules for name in config.preset]
    where = [f"{place}preset[{index}]" for index in range(len(presets))] if len(presets) > 1 else [f"{place}preset"]
    found: list[tuple[str, PolicyRule]] = [
        (preset, rule)
        for preset, rules in zip(where, presets, strict=False)
        for rule in rules
        if rule.signal not in config.without
    ]
    return found + [(f"{place}rules[{index}]", rule) for index, rule in enumerate(config.rules)]


def shares(policy: PolicyConfig) -> list[tuple[str, Rule]]:
    """Return the rules that keep a share of the corpus, with their places, in the order in which they are tried.

    A member of a group has the group's `languages`.
    """
    return [
        (place, leaf.model_copy(update={"languages": rule.languages}))
        for outer, rule in active_rules(policy)
        for place, leaf in rule.leaves(outer)
        if leaf.is_share
    ]


def without_shares(policy: PolicyConfig) -> PolicyConfig:
    """Return the policy whose documents shares are taken of: the same, without rules and groups that hold a share."""
    by_language = {language: _plain_rules(rules) for language, rules in policy.by_language.items()}
    return _plain_rules(policy).model_copy(update={"by_language": by_language})


def _plain_rules(config: AnyRules) -> AnyRules:
    plain = tuple(rule for rule in config.rules if not any(leaf.is_share for _, leaf in rule.leaves("")))
    return config.model_copy(update={"rules": plain})


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
    signals = {leaf.signal for rule in rules for _, leaf in rule.leaves("")}
    return signals | {LABEL for rule in rules if rule.languages}


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
        for leaf_place, leaf in rule.leaves(where):
            _check_signal(leaf, known, leaf_place)
        if rule.languages and LABEL not in known:
            raise RecipeError(where, f"rules of a language need the signal {LABEL}")


def _check_signal(rule: Rule, known: Mapping[str, pa.DataType], place: str) -> None:
    if rule.signal not in known:
        group = rule.signal.split(".")[0]
        own = [name for name in known if name.startswith(f"{group}.")]
        given = f"; {GIVEN[group]}" if group in GIVEN else ""
        close = nearest(rule.signal, own if given else known) if own or not given else ""
        raise RecipeError(f"{place}.signal", f"unknown signal {rule.signal!r}{given}{close}")
    rule.check_type(known[rule.signal], place)


def check(
    policy: PolicyConfig, languages: Iterable[str], path: str = "", known: Mapping[str, pa.DataType] | None = None
) -> None:
    """Check all that a recipe can get wrong in a policy: the preset's languages and, given `known`, its signals.

    Raises:
        RecipeError: see `check_languages` and `check_signals`.
    """
    before = f"{path}." if path else ""
    declared = tuple(languages)
    for preset in policy.preset:
        check_languages(preset, declared, f"{before}preset")
    for language, rules in policy.by_language.items():
        for preset in rules.preset:
            check_languages(preset, [language], f"{before}by_language.{language}.preset")
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


def check_lists(policy: PolicyConfig, path: str = "") -> None:
    """Make sure that exclude lists can be read, which is else found out once all documents are read and measured.

    Args:
        policy: The policy.
        path: The policy's place in the recipe, for the message.

    Raises:
        RecipeError: names the list by its place, `exclude[i]`.
    """
    before = f"{path}." if path else ""
    for index, name in enumerate(policy.exclude):
        try:
            _text(name, None)
        except InputError as error:
            raise RecipeError(f"{before}exclude[{index}]", str(error)) from error


def _entries(path: str, options: dict[str, Any] | None) -> list[str]:
    lines = {line.strip() for line in _text(path, options).split("\n")}
    return sorted(line for line in lines if line and not line.startswith("#"))


def _text(path: str, options: dict[str, Any] | None) -> str:
    try:
        return storage.read_bytes(path, options).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 at byte {error.start}") from error
