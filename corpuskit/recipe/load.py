"""Reading recipes: YAML, `--set path=value`, and errors that name the place in the file."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import ValidationError

from corpuskit import policy, storage
from corpuskit.config import Config
from corpuskit.errors import RecipeError, nearest
from corpuskit.recipe.model import Recipe
from corpuskit.recipe.problems import kind_of, place, problems

PATH = re.compile(r"[^.\[\]]+(\.[^.\[\]]+|\[\d+\])*")
SEGMENT = re.compile(r"([^.\[\]]+)|\[(\d+)\]")
NAMED = ("variants", "tokenizers", "tasks")
"""Fields whose keys are names that the user gives."""


def load(path: str, overrides: Sequence[str] = ()) -> Recipe:
    """Read a recipe file; relative paths inside it stay relative to the working folder.

    Args:
        path: the YAML file.
        overrides: `path=value` texts, such as `pretrain.budget_bytes=10MB` or `variants.raw.deduplicate=true`.

    Raises:
        RecipeError: naming the field, what was given and what was expected.
        InputError: the file cannot be read.
    """
    data = read_yaml(path)
    data.setdefault("name", re.sub(r"[^A-Za-z0-9_.+]+", "_", Path(path).stem).lstrip("_.+") or "recipe")
    for override in overrides:
        _override(data, override)
    return build(data)


def read_yaml(path: str) -> dict[str, Any]:
    """Read a YAML file that holds a mapping of fields.

    Raises:
        RecipeError: it holds something else, or a field twice.
        InputError: the file cannot be read.
    """
    try:
        data = yaml.load(storage.read_bytes(path), _Loader)
    except yaml.YAMLError as error:
        raise RecipeError(path, f"not YAML: {_yaml_problem(error)}") from error
    if not isinstance(data, dict):
        raise RecipeError(path, f"expected fields with values, found {kind_of(data)}")
    if wrong := [key for key in data if not isinstance(key, str)]:
        raise RecipeError(path, f"expected names of fields, found {kind_of(wrong[0])}")
    return data


class _Loader(yaml.SafeLoader):
    """Refuses a key that occurs twice in a mapping, where YAML silently takes the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen and key.tag != "tag:yaml.org,2002:merge":
                raise yaml.MarkedYAMLError(problem=f"{key.value!r} is given twice", problem_mark=key.start_mark)
            seen.add(str(key.value))
        return super().construct_mapping(node, deep)


def _yaml_problem(error: yaml.YAMLError) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark:
        mark = error.problem_mark
        return f"{error.problem} (line {mark.line + 1}, column {mark.column + 1})"
    return str(error).splitlines()[0]


def build(data: dict[str, Any]) -> Recipe:
    """Turn plain data into a checked recipe.

    Raises:
        RecipeError: one line for each wrong field.
    """
    return checked(Recipe, data)


Model = TypeVar("Model", bound=Config)


def checked(model: type[Model], data: Mapping[str, Any]) -> Model:
    """Turn plain data into a checked config.

    Raises:
        RecipeError: one line for each wrong field.
    """
    try:
        return model.model_validate(data)
    except ValidationError as error:
        found = problems(error, dict(data), model)
        first, message = found[0]
        more = "".join(f"\n{where}: {text}" if where else f"\n{text}" for where, text in found[1:])
        raise RecipeError(first, message + more) from None


def check_files(recipe: Recipe) -> None:
    """Make sure that the exclude lists which variants name can be read.

    No part of `load`: a recipe can be looked at where its files are not.

    Raises:
        RecipeError: names the place of the list in the recipe.
    """
    for name, variant in recipe.variants.items():
        policy.check_lists(variant.policy, f"variants.{name}.policy")


def schema() -> dict[str, Any]:
    """Return the JSON Schema of recipes, for editors."""
    return Recipe.model_json_schema()


def _override(data: dict[str, Any], override: str) -> None:
    path, sign, value = override.partition("=")
    if not sign or not PATH.fullmatch(path):
        raise RecipeError("--set", f"expected path=value, such as pretrain.budget_bytes=10MB, given {override!r}")
    keys: list[str | int] = [int(index) if index else name for name, index in SEGMENT.findall(path)]
    node: Any = data
    for depth, key in enumerate(keys[:-1]):
        node = _child(node, key, keys[: depth + 1])
    if not _takes(node, keys[-1]):
        raise _no_place(node, keys)
    try:
        node[keys[-1]] = yaml.load(value, _Loader)
    except yaml.YAMLError as error:
        raise RecipeError("--set", f"{path}: {value!r} is not YAML: {_yaml_problem(error)}") from None


def _child(node: Any, key: str | int, walked: list[str | int]) -> Any:
    """Return what lies at a key, making a section that is not there; names that the user gave must exist."""
    if not _takes(node, key):
        raise _no_place(node, walked)
    if isinstance(node, dict) and node.get(key) is None:
        if len(walked) == 2 and walked[0] in NAMED and key not in node:
            close = nearest(str(key), node)
            raise RecipeError("--set", f"{place(walked)}: no {walked[0].removesuffix('s')} has that name{close}")
        node[key] = {}
    return node[key]


def _takes(node: Any, key: str | int) -> bool:
    if isinstance(node, list):
        return isinstance(key, int) and key < len(node)
    return isinstance(node, dict) and isinstance(key, str)


def _no_place(node: Any, walked: list[str | int]) -> RecipeError:
    parent = place(walked[:-1]) or "the recipe"
    holds = f"{len(node)} entries, from [0] on" if isinstance(node, list) else kind_of(node)
    return RecipeError("--set", f"{place(walked)}: there is no such place: {parent} holds {holds}")
