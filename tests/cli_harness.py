"""What the tests of the command line share: calls in this process, and what they gave."""

from collections.abc import Iterator
from typing import NamedTuple

import typer
from typer.testing import CliRunner

from corpuskit.cli import app, console

COMMANDS = typer.main.get_command(app)


class Called(NamedTuple):
    """What a command gave."""

    code: int
    out: str
    err: str


def call(*arguments: object) -> Called:
    """Run a command in this process, with its workers in this process too.

    An exception that the command line would show as a traceback comes out here.
    """
    console.set_quiet(False)
    ended = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if ended.exception and not isinstance(ended.exception, SystemExit):
        raise ended.exception
    return Called(ended.exit_code, ended.stdout, ended.stderr)


def leaves() -> Iterator[tuple[str, typer.core.TyperCommand]]:
    """Yield (name, command) of every command, those of groups as `tokenizer train`."""
    for name, command in COMMANDS.commands.items():
        if isinstance(command, typer.core.TyperGroup):
            yield from ((f"{name} {inner}", found) for inner, found in command.commands.items())
        else:
            yield name, command
