"""From the options of `corpuskit dedup` to the recipe's `dedup`."""

from collections.abc import Mapping, Sequence
from typing import Any

from corpuskit.errors import RecipeError

AUTO = "auto"
NAMED = {
    **{f"dedup.{name}": f"--{name}" for name in ("threshold", "verify", "unit", "ngram", "bands", "rows")},
    "dedup.against": "--against",
    "dedup: ": "",
    "variants.unique.keep": "--keep",
}
"""Places in the recipe, and the options that they come from."""


def fields(given: Mapping[str, Any], exact_only: bool, against: Sequence[str]) -> dict[str, Any]:
    """Return the recipe's `dedup`.

    Args:
        given: its fields by name, as options gave them; None where there was none.
        exact_only: whether near duplicates are not looked for.
        against: other corpora, each as NAME=DIR.

    Raises:
        RecipeError: options contradict each other.
    """
    asked = {name: _number(value) for name, value in given.items() if value is not None}
    if exact_only and asked:
        raise RecipeError("--exact-only", f"compares no shingles; leave out {', '.join(f'--{name}' for name in asked)}")
    return {**asked, **_banding(asked), "minhash": not exact_only, "against": _references(against)}


def _number(value: Any) -> Any:
    """Return text of digits as a number: bands and rows are either that or a word."""
    return int(value) if isinstance(value, str) and value.isdecimal() else value


def _banding(asked: Mapping[str, Any]) -> dict[str, str]:
    """Return bands and rows where they follow from other options: the default ones find little below 0.7."""
    shape = {asked[name] for name in ("bands", "rows") if name in asked}
    automatic = shape == {AUTO} or ("threshold" in asked and not shape)
    return {"bands": AUTO, "rows": AUTO} if automatic else {}


def _references(against: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in against:
        name, equals, folder = text.partition("=")
        if not (name and equals and folder):
            raise RecipeError("--against", f"{text!r}: expected NAME=DIR, such as april=april-out")
        if name in found:
            raise RecipeError("--against", f"the name {name!r} is given twice")
        found[name] = folder
    return found
