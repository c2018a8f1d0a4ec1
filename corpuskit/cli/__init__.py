"""Typer commands: parse, call one function, print."""

import errno
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from corpuskit.cli import (
    artifacts,
    classifiers,
    contamination,
    data,
    duplicates,
    explaining,
    options,
    tokenizers,
    training,
    web,
)
from corpuskit.cli.console import fail, print_text, say
from corpuskit.cli.session import INTERRUPTED
from corpuskit.errors import CorpuskitError, NotReady

REFUSALS = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.EISDIR, errno.ENOTDIR}
"""What the system refuses because of the user's disk or permissions; any other OSError is a bug."""


class Commands(TyperGroup):
    """Turns errors that a user can cause into one message and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command: exit code 2 for a user's mistake, 75 for a slice that must wait, 130 after Ctrl-C."""
        try:
            return super().invoke(ctx)
        except NotReady as error:
            fail(str(error), "[yellow]not ready:[/]")
            raise typer.Exit(error.exit_code) from None
        except CorpuskitError as error:
            fail(str(error))
            raise typer.Exit(error.exit_code) from None
        except OSError as error:
            if error.errno not in REFUSALS:
                raise
            fail(f"{error.filename or 'output'}: {error.strerror}")
            raise typer.Exit(2) from None
        except KeyboardInterrupt:
            say("interrupted")
            raise typer.Exit(INTERRUPTED) from None


app = typer.Typer(
    name="corpuskit",
    cls=Commands,
    epilog=options.examples(
        "corpuskit demo",
        "corpuskit compare recipes/text_files.yaml --out out",
        "corpuskit tokenizer train data/*.jsonl.zst --out tok",
    ),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["--help", "-h"]},
)
for group in (training, data, duplicates, web, classifiers, tokenizers, artifacts, explaining, contamination):
    group.register(app)


def _print_version(wanted: bool) -> None:
    from importlib.metadata import version

    if wanted:
        print_text(version("corpuskit"))
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool,
        typer.Option("--version", metavar="", help="Print the version.", callback=_print_version, is_eager=True),
    ] = False,
) -> None:
    """From raw text to a decision: which tokenizer and which data choice gives the better model downstream."""


def main() -> None:
    """Run the command line."""
    app()
