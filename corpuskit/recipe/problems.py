"""What is wrong with a recipe, in the words of somebody who writes YAML."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from corpuskit.errors import nearest
from corpuskit.policy.rule import YAML_BOOLEANS

EXPECTED = {
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "fields with values",
    "model_type": "fields with values",
    "model_attributes_type": "fields with values",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "string_type": "text",
    "literal_error": "{expected}",
    "greater_than": "more than {gt}",
    "greater_than_equal": "at least {ge}",
    "less_than": "less than {lt}",
    "less_than_equal": "at most {le}",
    "too_short": "a list of {min_length} or more",
    "string_too_short": "at least {min_length} characters",
    "string_pattern_mismatch": "letters, digits and some signs (pattern {pattern})",
}
"""Type of a pydantic error -> what was expected; names in braces come from the error's context."""
LONGEST = 80
"""Characters of a given value that a message repeats."""

Problem = tuple[str, str]
"""(place in the file, what is wrong there)."""


def problems(error: ValidationError, data: Any, model: type[BaseModel]) -> list[Problem]:
    """Describe each wrong field of `data`, which `model` refused, once."""
    found = [details for details in error.errors() if not _is_echo(details)]
    described = [_describe(details, data, model) for details in found]
    return list(dict.fromkeys(described))


def _is_echo(details: ErrorDetails) -> bool:
    """Pydantic calls a list too short where it only holds wrong entries, which it names too."""
    return details["type"] == "too_short" and len(details["input"]) >= details["ctx"]["min_length"]


def place(location: Sequence[str | int]) -> str:
    """Write a place as `variants.strict.rules[2].max`."""
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def kind_of(value: Any) -> str:
    """Name a value's type as YAML has it."""
    kinds = {dict: "fields with values", list: "a list", str: "text", bool: "true or false", type(None): "nothing"}
    return kinds.get(type(value), "a number")


def _describe(details: ErrorDetails, data: Any, model: type[BaseModel]) -> Problem:
    location = list(_in_file(details, data))
    kind, context = details["type"], details.get("ctx", {})
    if kind == "extra_forbidden":
        return place(location), f"unknown field{nearest(str(location[-1]), _fields_at(details['loc'][:-1], model))}"
    if kind == "missing":
        return place(location), "this field is required"
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        return _wrong_tag(location, context)
    if location and location[-1] == "[key]":
        return place(location[:-2]), f"{_given(details['input'])} is not a name{_allowed(details)}"
    if kind in EXPECTED:
        hint = YAML_BOOLEANS if kind == "string_type" and isinstance(details["input"], bool) else ""
        return place(location), f"expected {EXPECTED[kind].format(**context)}, given {_given(details['input'])}{hint}"
    message = details["msg"].removeprefix("Value error, ")
    shown = _given(details["input"])
    told = isinstance(details["input"], dict | list) or shown in message
    return place(location), message if told else f"{message} (given {shown})"


def _allowed(details: ErrorDetails) -> str:
    """Say what a name may be that is not one."""
    if isinstance(details["input"], bool):
        return YAML_BOOLEANS
    if details["type"] != "string_pattern_mismatch":
        return f": {details['msg'].removeprefix('Value error, ')}"
    dots = "." in details["ctx"]["pattern"]
    some = "letters, digits, `_`, `.`, `+`" if dots else "a letter, then letters, digits and `_`"
    return f": {some} are allowed"


def _in_file(details: ErrorDetails, data: Any) -> Iterator[str | int]:
    """Yield the parts of a location that are in the file: pydantic adds which member of a union it tried."""
    last = len(details["loc"]) - 1
    for index, part in enumerate(details["loc"]):
        inside = part in data if isinstance(data, Mapping) else isinstance(data, Sequence) and part in range(len(data))
        if inside:
            yield part
            data = data[part]
        elif part == "[key]" or (index == last and details["type"] == "missing"):
            yield part


def _wrong_tag(location: Sequence[str | int], context: Mapping[str, Any]) -> Problem:
    """Describe a `kind` that is unknown or not given."""
    field = str(context["discriminator"]).strip("'")
    where = place([*location, field])
    if "tag" not in context:
        return where, "this field is required"
    known = [name.strip(" '") for name in str(context["expected_tags"]).split(",")]
    return where, f"unknown {field} {context['tag']!r}{nearest(str(context['tag']), known)}"


def _given(value: Any) -> str:
    """Write a value as the file has it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None or isinstance(value, dict):
        return kind_of(value)
    text = repr(list(value)) if isinstance(value, tuple) else repr(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _fields_at(location: Sequence[str | int], model: type[BaseModel]) -> list[str]:
    """Return the field names that are known at a place of the recipe, following the models' annotations."""
    models = [model]
    for part in location:
        tagged = [found for found in models if len(models) > 1 and part in _tags(found)]
        annotations = [found.model_fields[part].annotation for found in models if part in found.model_fields]
        models = tagged or [found for annotation in annotations for found in _models_in(annotation)] or models
    return [name for found in models for name in found.model_fields]


def _tags(model: type[BaseModel]) -> tuple[Any, ...]:
    """Return the values of `kind` or `step` that choose this member of a union."""
    names = [name for name in ("kind", "step") if name in model.model_fields]
    return get_args(model.model_fields[names[0]].annotation) if names else ()


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in get_args(annotation) for model in _models_in(argument)]
