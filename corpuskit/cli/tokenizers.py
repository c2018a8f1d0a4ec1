"""Commands for tokenizers: their group, and tokenizer show."""

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from corpuskit.cli import options
from corpuskit.cli.console import counted, print_json, print_table, say
from corpuskit.cli.tokenizer_judging import convert, evaluate
from corpuskit.cli.tokenizer_training import count, train
from corpuskit.cli.tokenizing import tokenize

PANEL = "Tokenizers"
MOST_PIECES = 2_000
"""Tokens of a text that are shown."""


EVAL_EXAMPLES = (
    "corpuskit tokenizer eval bpe=tok unigram=other --text en=test.jsonl.zst --out evaluation",
    "corpuskit tokenizer eval tok gpt2/tokenizer.json --parallel bible/ --reference en",
)


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    group = typer.Typer(help="Train tokenizers, compare them, convert them.", no_args_is_help=True)
    command = options.adder(group, None)
    command(
        train,
        "corpuskit tokenizer train data/*.zst --type unigram -v 8192 --out tok",
        "corpuskit tokenizer train --counts en --counts zh --type bpe --out tok",
        "corpuskit tokenizer train data/*.zst -v 8192 -v 16384 -v 32768 --out sizes",
    )
    command(
        count,
        "corpuskit tokenizer count data/*.zst --out counts",
        "corpuskit tokenizer count data/*.zst --pretokenizer metaspace_runs --min-count 2 --out counts",
    )
    command(
        show,
        "corpuskit tokenizer show tok",
        "corpuskit tokenizer show out/tokenizers/bpe-1a2b3c4d --text 'And this?'",
    )
    group.command("eval", epilog=options.examples(*EVAL_EXAMPLES))(evaluate)
    command(
        convert,
        "corpuskit tokenizer convert tok --to tiktoken --out tok/ranks.tiktoken",
        "corpuskit tokenizer convert spiece.model --to tokenizer.json --out hf/",
    )
    app.add_typer(group, name="tokenizer", rich_help_panel=PANEL)
    options.adder(app, PANEL)(
        tokenize,
        "corpuskit tokenize data/*.jsonl.zst --tokenizer tok --out shards",
        "corpuskit tokenize pages.parquet --text-field content -t tok --out shards",
        "corpuskit tokenize data/*.jsonl.zst -t gpt2/tokenizer.json --format megatron --append 50256 --out shards",
    )


def show(
    path: Annotated[
        str, typer.Argument(metavar="TOKENIZER", help="A tokenizer's folder or file, or a corpus with one tokenizer.")
    ],
    text: Annotated[str | None, typer.Option(metavar="TEXT", help="Show how this text is cut into tokens.")] = None,
    json: options.Json = False,
) -> None:
    """Say what a tokenizer is, and how it cuts a text."""
    from corpuskit.workflow.places import tokenizer_path

    if text is None:
        describe([tokenizer_path(path)], json)
        return
    pieces = _pieces(tokenizer_path(path), text)
    if json:
        print_json(pieces)
        return
    print_table(["id", "token"], [(piece["id"], piece["shown"]) for piece in pieces[:MOST_PIECES]], right=[0])
    say(f"{counted(len(pieces), 'token')}, {len(text.encode()) / max(len(pieces), 1):.2f} bytes a token")


def _pieces(path: str, text: str) -> list[dict[str, Any]]:
    import pyarrow as pa

    from corpuskit import tokenization

    tokenizer = tokenization.load(path)
    table = tokenizer.tokens()
    ids = tokenizer.encode(pa.array([text], pa.large_string()))[0].as_py()
    return [{"id": number, "shown": _shown(table[number]), "hex": table[number].hex()} for number in ids]


def _shown(token: bytes) -> str:
    """Write a token in quotes; bytes that are a part of a character as bytes."""
    try:
        return repr(token.decode())
    except UnicodeDecodeError:
        return repr(token)


def describe(paths: Sequence[str], json: bool) -> None:
    """Print what tokenizers are: of one an object or a row a fact, of several a list or a row a tokenizer."""
    found = [_facts(path) for path in paths]
    if json:
        print_json(found[0] if len(found) == 1 else found)
    elif len(found) == 1:
        print_table(["", ""], found[0].items())
    else:
        print_table(list(found[0]), [tuple(facts.values()) for facts in found])


def _facts(path: str) -> dict[str, Any]:
    from corpuskit import tokenization

    tokenizer = tokenization.load(path)
    sizes = tokenizer.token_bytes()
    return {
        "path": path,
        "type": tokenizer.type,
        "vocab_size": tokenizer.vocab_size,
        "lossless": tokenizer.lossless,
        "longest_token_bytes": int(sizes.max(initial=0)),
        "fingerprint": tokenizer.fingerprint,
    }
