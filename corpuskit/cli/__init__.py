"""Typer commands: parse, call one function, print."""

import sys

import click
import typer

from corpuskit.cli import artifacts, data, tokenizers, training
from corpuskit.cli.console import messages
from corpuskit.errors import CorpuskitError

app = typer.Typer(
    name="corpuskit",
    help="From raw text to a decision: which tokenizer and which data choice gives the better model downstream.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
for group in (training, data, tokenizers, artifacts):
    group.register(app)


def main() -> None:
    """Run the command line: exit code 2 and one message for a user's mistake, 75 for a slice that must wait."""
    try:
        sys.exit(app(standalone_mode=False))
    except CorpuskitError as error:
        messages.print(f"[red]error:[/] {error}", markup=True, highlight=False)
        sys.exit(error.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        messages.print("[yellow]interrupted[/]; run the same command again to go on where it was")
        sys.exit(130)
