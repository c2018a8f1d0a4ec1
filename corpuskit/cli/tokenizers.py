"""Commands for tokenizers: tokenizer train, tokenizer show, tokenize."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from corpuskit.cli import options, session
from corpuskit.cli.console import bytes_text, counted, print_json, print_table, print_text, say, warn

if TYPE_CHECKING:
    from corpuskit.tokenization import Tokenizer

PANEL = "Tokenizers"
MOST_PIECES = 2_000
"""Tokens of a text that are shown."""


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    group = typer.Typer(help="Train a tokenizer on files, or look at one.", no_args_is_help=True)
    command = options.adder(group, None)
    command(
        train,
        "corpuskit tokenizer train data/*.zst --type unigram -v 8192 --out tok",
        "corpuskit tokenizer show tok --text 'How is this cut?'",
    )
    command(
        show,
        "corpuskit tokenizer show tok",
        "corpuskit tokenizer show out/tokenizers/bpe-1a2b3c4d --text 'And this?'",
    )
    app.add_typer(group, name="tokenizer", rich_help_panel=PANEL)
    options.adder(app, PANEL)(
        tokenize,
        "corpuskit tokenize data/*.jsonl.zst --tokenizer tok --out shards",
        "corpuskit tokenize pages.parquet --text-field content -t tok --out shards",
    )


def train(
    inputs: options.Inputs,
    out: options.Out,
    type_: Annotated[str, typer.Option("--type", "-t", metavar="TYPE", help="bpe, wordpiece or unigram.")] = "bpe",
    vocab_size: Annotated[
        int, typer.Option("--vocab-size", "-v", metavar="N", help="Ids, the 128 reserved ones included.")
    ] = 32_768,
    max_train_bytes: Annotated[
        str, typer.Option(metavar="SIZE", help="Train on at most this much text, a sample of all.")
    ] = "100 MB",
    text_field: options.TextField = "text",
    workers: options.Workers = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Train a tokenizer on files; DIR gets the tokenizer and the documents it was trained on."""
    from corpuskit.workflow.flow import Flow
    from corpuskit.workflow.places import check_corpus_folder

    name = type_ if type_.isidentifier() else "tokenizer"
    config = {"type": type_, "vocab_size": vocab_size, "max_train_bytes": max_train_bytes}
    place = f"tokenizers.{name}"
    named = {f"{place}.type": "--type", f"{place}.max_train_bytes": "--max-train-bytes", place: "--vocab-size"}
    flow = Flow(session.recipe_for(inputs, text_field, named=named, tokenizers={name: config}), out)
    check_corpus_folder(out)
    with session.engine(workers) as engine:
        warn(flow.prepare(engine, encode=False))
    _describe(flow.tokenizers[name].folder, json)


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
        _describe(tokenizer_path(path), json)
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


def _describe(path: str, json: bool) -> None:
    from corpuskit import tokenization

    tokenizer = tokenization.load(path)
    facts = _facts(path, tokenizer)
    if json:
        print_json(facts)
        return
    print_table(["", ""], facts.items())


def _facts(path: str, tokenizer: "Tokenizer") -> dict[str, Any]:
    sizes = tokenizer.token_bytes()
    return {
        "path": path,
        "type": tokenizer.type,
        "vocab_size": tokenizer.vocab_size,
        "lossless": tokenizer.lossless,
        "longest_token_bytes": int(sizes.max(initial=0)),
        "fingerprint": tokenizer.fingerprint,
    }


def tokenize(
    inputs: options.Inputs,
    tokenizer: Annotated[
        str,
        typer.Option(
            "--tokenizer", "-t", metavar="TOKENIZER", help="A tokenizer's folder or file, or a corpus with one."
        ),
    ],
    out: options.Out,
    text_field: options.TextField = "text",
    id_field: options.IdField = None,
    split_bytes: Annotated[str, typer.Option(metavar="SIZE", help="Bytes of text in one shard.")] = "256 MiB",
    max_error_rate: options.ErrorRate = 0.01,
    workers: options.Workers = None,
    slice_: options.Slice = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Encode files into memory-mapped Arrow token shards.

    DIR holds the shards of one call: a call with other files, options or another tokenizer needs a DIR of its own.
    """
    from corpuskit.documents import SourceConfig
    from corpuskit.workflow.places import check_shards_folder, tokenizer_path
    from pipelines.tokenize import step

    fields = {"id": id_field} if id_field else {}
    session.check_named(inputs)
    source = SourceConfig(name="input", paths=tuple(inputs), text=text_field, **fields)
    planned = step(source, tokenizer_path(tokenizer), out, _size(split_bytes), max_error_rate)
    check_shards_folder(planned.target)
    with session.engine(workers, slice_=slice_) as engine:
        made = engine.run(planned)
    counts = {
        "documents": made.rows,
        "errors": made.errors,
        **{name: made.counts[name] for name in ("tokens", "bytes")},
    }
    if json:
        print_json({"out": out, **counts})
        return
    per_token = counts["bytes"] / max(counts["tokens"], 1)
    print_text(
        f"{counted(made.rows, 'document')}, {bytes_text(counts['bytes'])}, {counts['tokens']:,} tokens "
        f"({per_token:.2f} bytes a token), {counted(made.errors, 'malformed record')}: {out}"
    )


def _size(text: str) -> int:
    from corpuskit.config import parse_bytes
    from corpuskit.errors import InputError

    try:
        size = int(parse_bytes(text))
    except ValueError as error:
        raise InputError(f"--split-bytes: {error}") from None
    if size < 1:
        raise InputError(f"--split-bytes: a shard holds at least 1 byte of text, given {text}")
    return size
