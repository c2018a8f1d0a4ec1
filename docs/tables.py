"""Rewrites the generated tables of `docs/*.md` from the code: `python docs/tables.py`.

A table stands between `<!-- generated: NAME -->` and `<!-- end -->`; `tests/test_docs.py` checks that it is up to date.
"""

import inspect
import re
import types
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

import pyarrow as pa
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from corpuskit import errors
from corpuskit.clean import CLEANERS
from corpuskit.config import parse_bytes
from corpuskit.contamination import ContaminationConfig
from corpuskit.policy import PRESETS, Rule
from corpuskit.recipe import Recipe
from corpuskit.signals import SIGNALS, ClassifierConfig, Signal, SignalGroup, WordListConfig
from corpuskit.tasks import OrderConfig
from pretrain.compare import statistics

FOLDER = Path(__file__).parent
BLOCK = re.compile(r"(<!-- generated: (\S+) -->\n).*?(\n<!-- end -->)", re.DOTALL)
EXAMPLES = {
    "word_list": WordListConfig.model_construct(lists={"NAME": "FILE"}),
    "classifier": ClassifierConfig.model_construct(models={"NAME": "DIR"}),
    "contamination": ContaminationConfig.model_construct(sets={"NAME": OrderConfig()}, minhash=True),
}
"""Settings of groups whose signals a recipe names."""
UNITS = ((2**30, "GiB"), (2**20, "MiB"), (10**9, "GB"), (10**6, "MB"), (10**3, "KB"))


class Section(NamedTuple):
    """One model of the recipe and where its fields lie in the file."""

    path: str
    model: type[BaseModel]


def sections(
    model: type[BaseModel] = Recipe, path: str = "", above: tuple[type[BaseModel], ...] = ()
) -> Iterator[Section]:
    """Yield the recipe's models from the top down, each with its place, such as `variants.<name>.policy`.

    What holds entries of the list that it is in, such as a group of rules, is not entered again.
    """
    if model in above:
        return
    yield Section(path, model)
    for name, field in model.model_fields.items():
        shown = field.alias or name
        for inner, models in _models(field.annotation):
            for found in models:
                kind = f" ({_kind(found)})" if len(models) > 1 else ""
                others = (other for other in models if other is not found)
                yield from sections(found, f"{path}.{shown}{inner}{kind}".lstrip("."), (*above, model, *others))


def _kind(model: type[BaseModel]) -> str:
    """Return the field that tells a model of several apart: with its value, such as `kind: topic`, or its first."""
    for name in ("kind", "step"):
        if name in model.model_fields:
            return f"{name}: {get_args(model.model_fields[name].annotation)[0]}"
    name, field = next(iter(model.model_fields.items()))
    return field.alias or name


def _models(annotation: Any) -> list[tuple[str, list[type[BaseModel]]]]:
    """Return (suffix of the path, models) that lie in an annotation: "" itself, "[]" in a list, ".<name>" by name."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [("", [annotation])]
    if origin is Annotated:
        return _models(arguments[0])
    if origin in (Union, types.UnionType):
        return [("", [model for part in arguments for _, found in _models(part) for model in found])]
    if origin is tuple:
        return [(f"[]{inner}", found) for inner, found in _models(arguments[0])]
    if origin is dict:
        return [(f".<name>{inner}", found) for inner, found in _models(arguments[1])]
    return []


def recipe_fields() -> str:
    """Return one table a section: field, type, default, meaning."""
    return "\n\n".join(_section_table(section) for section in sections())


def _section_table(section: Section) -> str:
    title = f"### `{section.path}`" if section.path else "### The top level"
    rows = [
        (f"`{field.alias or name}`", _type(field), _default(field), _one_line(field.description))
        for name, field in section.model.model_fields.items()
    ]
    return f"{title}\n\n{_intro(section.model)}\n\n{table(['field', 'type', 'default', ''], rows)}"


def _intro(model: type[BaseModel]) -> str:
    """Return a model's docstring with each paragraph and each item of a list on one line."""
    paragraphs = (inspect.getdoc(model) or "").split("\n\n")
    return "\n\n".join(re.sub(r"\n(?!\* ) *", " ", paragraph) for paragraph in paragraphs)


def _type(field: FieldInfo) -> str:
    return _type_name(field.annotation, field.metadata)


def _type_name(annotation: Any, metadata: Sequence[Any] = ()) -> str:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if any(getattr(note, "func", None) is parse_bytes for note in metadata):
        return "size"
    if origin is Annotated:
        return _type_name(arguments[0], arguments[1:])
    if origin is Literal:
        return " or ".join(f"`{value}`" for value in arguments)
    if origin in (Union, types.UnionType):
        parts = [_type_name(part) for part in arguments if part is not type(None)]
        return " or ".join(dict.fromkeys(parts))
    if origin is tuple:
        return "list of " + _type_name(arguments[0]).replace("section", "sections").replace("number", "numbers")
    if origin is dict:
        return "fields with values" if arguments[1] is Any else f"{_type_name(arguments[1])} by name"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "section"
    return {str: "text", int: "whole number", float: "number", bool: "`true` or `false`"}[annotation]


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    if value is None or value is PydanticUndefined:
        return "none"
    if isinstance(value, BaseModel):
        return "its own defaults"
    if isinstance(value, dict):
        return ", ".join(f"`{name}`" for name in value) or "none"
    if isinstance(value, tuple):
        return f"`[{', '.join(map(str, value))}]`" if value else "none"
    if _type(field) == "size":
        return f"`{_size(value)}`"
    return f"`{_scalar(value)}`"


def _scalar(value: Any) -> str:
    """Write a value as YAML has it."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else repr(value)[1:-1] if isinstance(value, str) else str(value)


def _size(count: int) -> str:
    for unit, name in UNITS:
        if count % unit == 0:
            return f"{count // unit} {name}"
    return str(count)


def signal_groups() -> str:
    """Return one table a group of signals: name, type, range, formula, where it is null."""
    return "\n\n".join(
        f"### `{group.name}`\n\nSource: {group.source}. Revision {group.revision}.\n\n"
        + table(
            ["signal", "type", "range", "formula", "null for"],
            (
                (
                    f"`{group.name}.{name}`",
                    str(signal.type),
                    signal.range,
                    signal.formula,
                    signal.undefined or "no text",
                )
                for name, signal in _signals(group).items()
            ),
        )
        for group in SIGNALS.values()
    )


def _signals(group: SignalGroup) -> Mapping[str, Signal]:
    """Return a group's signals, also those that a recipe names."""
    named = group.named(EXAMPLES[group.name]) if group.named else {}
    return {**group.signals, **named}


def cleaners() -> str:
    """Return a table of the cleaners, and one of what they count."""
    heads = [(f"`{name}`", cleaner.source, str(cleaner.revision)) for name, cleaner in CLEANERS.items()]
    rows = [
        (f"`{name}`", f"`clean.{count}`", meaning)
        for name, cleaner in CLEANERS.items()
        for count, meaning in cleaner.counts.items()
    ]
    heads_table = table(["cleaner", "whose definition", "revision"], heads)
    return f"{heads_table}\n\n{table(['cleaner', 'count', 'what is counted'], rows)}"


def presets() -> str:
    """Return a table of the presets and one of each preset's rules."""
    heads = [(f"`{name}`", ", ".join(preset.languages) or "any", preset.definition) for name, preset in PRESETS.items()]
    parts = [table(["preset", "languages", "definition"], heads)]
    for name, preset in PRESETS.items():
        if preset.rules:
            rows = [
                (f"`{rule.signal}`", _bound(rule.min), _bound(rule.max), _listed(rule), rule.missing)
                for rule in preset.rules
            ]
            parts.append(f"### `{name}`\n\n{table(['signal', 'min', 'max', 'in', 'missing'], rows)}")
    return "\n\n".join(parts)


def _bound(value: float | None) -> str:
    return "" if value is None else f"{value:,g}"


def _listed(rule: Rule) -> str:
    assert not rule.not_in, "the table has no column for values that do not pass"
    return ", ".join(f"`{value}`" for value in rule.listed)


def coverage() -> str:
    """Return the coverage table of the statistics as its module's docstring has it."""
    lines = (statistics.__doc__ or "").splitlines()
    first = next(index for index, line in enumerate(lines) if line.strip().startswith("95 %"))
    block = lines[first : lines.index("", first)]
    return "\n".join(["```text", *(line.removeprefix("    ") for line in block), "```"])


def error_classes() -> str:
    """Return a table of the exceptions that a user can cause."""
    found = [value for value in vars(errors).values() if isinstance(value, type)]
    rows = [
        (f"`{kind.__name__}`", f"`{kind.__bases__[0].__name__}`", str(kind.exit_code), _one_line(kind.__doc__))
        for kind in found
        if issubclass(kind, errors.CorpuskitError)
    ]
    return table(["exception", "is a", "exit code", ""], rows)


def schema_table(schema: pa.Schema) -> list[tuple[str, str]]:
    """Return (column, type) as hand-written tables of columns begin."""
    return [(f"`{field.name}`", _arrow_type(field)) for field in schema]


def _arrow_type(field: pa.Field) -> str:
    return _arrow_name(field.type) + (", nullable" if field.nullable else "")


def _arrow_name(kind: pa.DataType) -> str:
    """Return a type as tables of columns name it: `float32` where Arrow says float, `list<string>` without `item:`."""
    names = {"fixed_size_binary": "binary", "<item: ": "<", " not null": "", "float": "float32", "double": "float64"}
    text = str(kind)
    for arrow, shown in names.items():
        text = text.replace(arrow, shown)
    return text


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


def _one_line(text: str | None) -> str:
    return " ".join((text or "").split())


TABLES: dict[str, Callable[[], str]] = {
    "recipe-fields": recipe_fields,
    "signals": signal_groups,
    "presets": presets,
    "cleaners": cleaners,
    "coverage": coverage,
    "errors": error_classes,
}


def rewritten(text: str) -> str:
    """Return a page with its generated tables made anew."""
    return BLOCK.sub(lambda found: f"{found[1]}\n{TABLES[found[2]]()}\n{found[3]}", text)


def main() -> None:
    """Rewrite every page that has a generated table."""
    for path in sorted(FOLDER.glob("*.md")):
        path.write_text(rewritten(path.read_text()))


if __name__ == "__main__":
    main()
