"""From options to an engine and a recipe, for every command that runs steps."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

import typer

from corpuskit.cli.console import Bars, messages

if TYPE_CHECKING:
    from corpuskit.recipe import Recipe
    from pipelines.engine import Engine


@contextmanager
def engine(
    workers: int | None = None,
    runner: str = "local",
    runner_options: Sequence[str] = (),
    slice_: str | None = None,
    quiet: bool = False,
) -> Iterator["Engine"]:
    """Open an engine with a progress display; workers end with the block."""
    from pipelines.engine import Engine, EngineOptions, Silent, parse_slice

    chosen: dict[str, Any] = {"runner": runner, "runner_options": tuple(runner_options)}
    if workers is not None:
        chosen["workers"] = workers
    if slice_:
        chosen["slice"] = parse_slice(slice_)
    options = EngineOptions(**chosen)
    try:
        with nullcontext(Silent()) if quiet else Bars() as progress, Engine(options, progress) as opened:
            yield opened
    except KeyboardInterrupt:
        messages.print("[yellow]interrupted[/]; run the same command again to go on where it was")
        raise typer.Exit(130) from None


def recipe_for(inputs: Sequence[str], text_field: str = "text", id_field: str | None = None, **parts: Any) -> "Recipe":
    """Make the recipe of a command that works on files alone."""
    from corpuskit.recipe.load import build

    source: dict[str, Any] = {"name": "input", "paths": list(inputs), "text": text_field}
    if id_field:
        source["id"] = id_field
    return build({"name": "files", "sources": [source], "heldout": {"share": 0.0}, **parts})


def show(notes: Sequence[str]) -> None:
    """Print warnings."""
    for note in notes:
        messages.print(f"[yellow]warning:[/] {note}")
