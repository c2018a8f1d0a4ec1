"""Typer commands: parse, call one function, print."""

import sys

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
        app()
    except CorpuskitError as error:
        messages.print("[red]error:[/] ", end="")
        messages.print(str(error), markup=False)
        sys.exit(error.exit_code)
