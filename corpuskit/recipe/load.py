"""Reading recipes: YAML, `--set path=value`, and errors that name the place in the file."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from corpuskit import storage
from corpuskit.errors import RecipeError, nearest
from corpuskit.recipe.model import Recipe

SEGMENT = re.compile(r"([^.\[\]]+)|\[(\d+)\]")


def load(path: str, overrides: Sequence[str] = ()) -> Recipe:
    """Read a recipe file; relative paths inside it stay relative to the working folder.

    Args:
        path: the YAML file.
        overrides: `path=value` texts, such as `pretrain.budget_bytes=10MB` or `variants.raw.deduplicate=true`.

    Raises:
        RecipeError: naming the field, what was given and what was expected.
        InputError: the file cannot be read.
    """
    try:
        data = yaml.safe_load(storage.read_bytes(path))
    except yaml.YAMLError as error:
        raise RecipeError(path, f"not YAML: {error}") from error
    if not isinstance(data, dict):
        raise RecipeError(path, f"expected a mapping of fields, found {type(data).__name__}")
    data.setdefault("name", Path(path).stem)
    for override in overrides:
        _override(data, override)
    return build(data)


def build(data: dict[str, Any]) -> Recipe:
    """Turn plain data into a checked recipe.

    Raises:
        RecipeError: one line for each wrong field.
    """
    try:
        return Recipe.model_validate(data)
    except ValidationError as error:
        problems = [_describe(details) for details in error.errors()]
        path, message = problems[0]
        more = "".join(f"\n{place}: {text}" for place, text in problems[1:])
        raise RecipeError(path, message + more) from None


def schema() -> dict[str, Any]:
    """Return the JSON Schema of recipes, for editors."""
    return Recipe.model_json_schema()


def _override(data: dict[str, Any], override: str) -> None:
    path, sign, value = override.partition("=")
    if not sign or not path:
        raise RecipeError("--set", f"expected path=value, given {override!r}")
    keys: list[str | int] = [int(index) if index else name for name, index in SEGMENT.findall(path)]
    node: Any = data
    for position, key in enumerate(keys[:-1]):
        node = _child(node, key, path, keys[: position + 1])
    try:
        node[keys[-1]] = yaml.safe_load(value)
    except (IndexError, TypeError, KeyError):
        raise RecipeError("--set", f"{path}: there is no such place in the recipe") from None


def _child(node: Any, key: str | int, path: str, walked: list[str | int]) -> Any:
    if isinstance(node, dict):
        if node.get(key) is None:
            node[key] = {}
        return node[key]
    if isinstance(node, list) and isinstance(key, int) and key < len(node):
        return node[key]
    raise RecipeError("--set", f"{path}: {_place(walked)} does not exist in the recipe")


def _place(location: Sequence[str | int]) -> str:
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def _describe(details: ErrorDetails) -> tuple[str, str]:
    """Return (place, message) of one validation error, with the nearest known name for an unknown field."""
    location = [part for part in details["loc"] if not _is_union_tag(part)]
    if details["type"] == "extra_forbidden":
        *parents, name = location
        return _place(location), f"unknown field{nearest(str(name), _fields_at(parents))}"
    message = details["msg"].removeprefix("Value error, ")
    if details["type"] == "missing":
        return _place(location), "this field is required"
    return _place(location), f"{message}, given {details['input']!r}"


def _is_union_tag(part: str | int) -> bool:
    """Pydantic puts the chosen member of a union into the location; the file has no such level."""
    prefixes = ("function-", "constrained-", "tagged-")
    return isinstance(part, str) and (part.startswith(prefixes) or part.endswith("Config"))


def _fields_at(location: Sequence[str | int]) -> list[str]:
    """Return the field names that are known at a place of the recipe, following the model's annotations."""
    models: list[type[BaseModel]] = [Recipe]
    for part in location:
        annotations = [model.model_fields[part].annotation for model in models if part in model.model_fields]
        models = [found for annotation in annotations for found in _models_in(annotation)] or models
    return [name for model in models for name in model.model_fields]


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in getattr(annotation, "__args__", ()) for model in _models_in(argument)]
