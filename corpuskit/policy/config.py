"""The policy a user writes: a preset, rules, and documents to exclude."""

from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import Any

import pyarrow as pa
from pydantic import field_validator

from corpuskit import storage
from corpuskit.config import Config
from corpuskit.errors import InputError, RecipeError, nearest
from corpuskit.policy.presets import PRESETS, check_languages
from corpuskit.policy.rule import Rule


class PolicyConfig(Config):
    """Which documents stay: those on no exclude list that pass every rule of the preset and every rule of its own.

    The lists, the preset's rules and the own rules are tried in this order: it decides which failure is named first.
    """

    preset: str = "none"
    """A ready-made list of rules: `none` (also called `raw`), `gopher` (English) or `zh` (Chinese)."""
    rules: tuple[Rule, ...] = ()
    """Rules besides the preset's."""
    exclude: tuple[str, ...] = ()
    """Files that list documents to drop, such as takedowns: an `id` or `url` a line, # begins a comment line."""

    @field_validator("preset")
    @classmethod
    def _known_preset(cls, preset: str) -> str:
        if preset not in PRESETS:
            raise ValueError(f"unknown preset{nearest(preset, PRESETS)}")
        return preset


def active_rules(policy: PolicyConfig) -> list[tuple[str, Rule]]:
    """Return all rules in the order in which they are tried, each with its place: `preset` or `rules[i]`."""
    preset = [("preset", rule) for rule in PRESETS[policy.preset].rules]
    return preset + [(f"rules[{index}]", rule) for index, rule in enumerate(policy.rules)]


def exclude_reason(path: str) -> str:
    """Return what verdicts call a document that an exclude list names: `exclude:<file name>`."""
    return f"exclude:{PurePosixPath(path).name}"


def reasons(policy: PolicyConfig) -> list[str]:
    """Return every reason that verdicts of this policy can name, each once, in the order in which they are tried."""
    own = [reason for _, rule in active_rules(policy) for reason in rule.reasons()]
    return list(dict.fromkeys([*map(exclude_reason, policy.exclude), *own]))


def signals_needed(policy: PolicyConfig) -> set[str]:
    """Return the signals, as `group.name`, that `judge` must find among its columns."""
    return {rule.signal for _, rule in active_rules(policy)}


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
            raise RecipeError(f"{where}.signal", f"unknown signal {rule.signal!r}{nearest(rule.signal, known)}")
        rule.check_type(known[rule.signal], where)


def check(
    policy: PolicyConfig, languages: Iterable[str], path: str = "", known: Mapping[str, pa.DataType] | None = None
) -> None:
    """Check all that a recipe can get wrong in a policy: the preset's languages and, given `known`, its signals.

    Raises:
        RecipeError: see `check_languages` and `check_signals`.
    """
    check_languages(policy.preset, languages, f"{path}.preset" if path else "preset")
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
