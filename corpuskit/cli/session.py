"""From options to an engine and a recipe, for every command that runs steps."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, TypeVar

import typer

from corpuskit.cli.console import messages, say
from corpuskit.errors import InputError, RecipeError

if TYPE_CHECKING:
    from corpuskit.config import Config
    from corpuskit.documents import SourceConfig
    from corpuskit.recipe import Recipe
    from pipelines.engine import Engine, Progress

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it."""


@contextmanager
def engine(
    workers: int | None = None,
    runner: str = "local",
    runner_options: Sequence[str] = (),
    slice_: str | None = None,
    watch: "Callable[[Progress], Progress] | None" = None,
) -> Iterator["Engine"]:
    """Open an engine with a progress display, or what `watch` makes of it; workers end with the block."""
    from corpuskit.cli.progress import Bars, Lines
    from pipelines.engine import Engine, EngineOptions, Silent, parse_slice

    chosen: dict[str, Any] = {"runner": runner, "runner_options": tuple(runner_options)}
    if workers is not None:
        chosen["workers"] = workers
    if slice_ is not None:
        chosen["slice"] = parse_slice(slice_)
    options = EngineOptions(**chosen)
    shown = nullcontext(Silent()) if messages.quiet else Bars() if messages.is_terminal else Lines()
    try:
        with shown as progress, Engine(options, watch(progress) if watch else progress) as opened:
            yield opened
    except KeyboardInterrupt:
        say("interrupted: run the same command again to go on where it was")
        raise typer.Exit(INTERRUPTED) from None


def worker_memory(memory: int | None, workers: int | None, runner: str = "local") -> int:
    """Return the bytes that `--memory` leaves each worker for its data.

    Raises:
        RecipeError: that is too little.
    """
    from pipelines.engine import worker_memory

    return worker_memory(memory, workers, runner)


def recipe_for(
    inputs: Sequence[str],
    text_field: str = "text",
    id_field: str | None = None,
    *,
    format_: str = "auto",
    named: Mapping[str, str] | None = None,
    **parts: Any,
) -> "Recipe":
    """Make the recipe of a command that works on files alone.

    Args:
        inputs: files, folders, globs, URLs.
        text_field: name of the text column or field.
        id_field: name of the id column or field.
        format_: the format of the files; `auto` goes by suffixes.
        named: recipe fields that the user gave by an option or in a file, and what to call them in errors.
        parts: further fields of the recipe.

    Raises:
        RecipeError: a field is wrong; in the user's terms.
        InputError: see `check_named`.
    """
    from corpuskit.recipe.load import build, check_files

    check_named(inputs)
    source: dict[str, Any] = {"name": "input", "paths": list(inputs), "text": text_field, "format": format_}
    if id_field:
        source["id"] = id_field
    try:
        recipe = build(
            {"name": "files", "sources": [source], "heldout": {"share": 0.0}, "dedup": None, "signals": [], **parts}
        )
        check_files(recipe)
    except RecipeError as error:
        raise _in_terms_of(named or {}, error) from None
    return recipe


def source_of(inputs: Sequence[str], text_field: str = "text", id_field: str | None = None) -> "SourceConfig":
    """Return the input of a command that reads files and makes no documents of them.

    Raises:
        InputError: see `check_named`.
    """
    from corpuskit.documents import SourceConfig

    check_named(inputs)
    fields = {"id": id_field} if id_field else {}
    return SourceConfig(name="input", paths=tuple(inputs), text=text_field, **fields)


Model = TypeVar("Model", bound="Config")


def checked(model: type[Model], fields: Mapping[str, Any], named: Mapping[str, str] | None = None) -> Model:
    """Make a config of what options gave.

    Raises:
        RecipeError: a field is wrong; in the user's terms.
    """
    from corpuskit.recipe.load import checked

    try:
        return checked(model, fields)
    except RecipeError as error:
        raise _in_terms_of(named or {}, error) from None


def check_named(inputs: Sequence[str]) -> None:
    """Refuse an empty input, such as a shell variable that is not set: it would be the whole working folder.

    Raises:
        InputError: there is one.
    """
    if not all(inputs):
        raise InputError("an input is empty, perhaps a variable of the shell; write . for the working folder")


def load(path: str, overrides: Sequence[str], sample: str | None = None) -> "Recipe":
    """Read a recipe that is about to be run, on the share of the documents that `--sample` gave, if any.

    Raises:
        RecipeError: a field is wrong, or a list that it names cannot be read.
        InputError: the recipe cannot be read.
    """
    from corpuskit import recipe

    try:
        loaded = recipe.load(path, overrides if sample is None else [*overrides, f"sample={sample}"])
    except RecipeError as error:
        raise _in_terms_of({} if sample is None else {"sample: ": "--sample: "}, error) from None
    recipe.check_files(loaded)
    return loaded


def _in_terms_of(named: Mapping[str, str], error: RecipeError) -> RecipeError:
    """Name options instead of places in a recipe that the user never saw."""
    lines = []
    for text in str(error).splitlines():
        place = next((place for place in named if text.startswith(place)), None)
        lines.append(text if place is None else named[place] + text.removeprefix(place))
    return RecipeError("", "\n".join(lines))
