"""From options to an engine and a recipe, for every command that runs steps."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

import typer

from corpuskit.cli.console import messages, say
from corpuskit.errors import RecipeError

if TYPE_CHECKING:
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
    """
    from corpuskit.recipe.load import build

    source: dict[str, Any] = {"name": "input", "paths": list(inputs), "text": text_field, "format": format_}
    if id_field:
        source["id"] = id_field
    try:
        return build({"name": "files", "sources": [source], "heldout": {"share": 0.0}, "dedup": None, **parts})
    except RecipeError as error:
        raise _in_terms_of(named or {}, error) from None


def _in_terms_of(named: Mapping[str, str], error: RecipeError) -> RecipeError:
    """Name options instead of places in a recipe that the user never saw."""
    lines = []
    for text in str(error).splitlines():
        place = next((place for place in named if text.startswith(place)), None)
        lines.append(text if place is None else named[place] + text.removeprefix(place))
    return RecipeError("", "\n".join(lines))
