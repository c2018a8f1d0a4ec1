"""Commands for tokenizers: tokenizer train, tokenizer show, tokenize."""

from typing import Annotated, Any

import typer

from corpuskit.cli import options, session
from corpuskit.cli.console import bytes_text, messages, print_json, print_table

DEFAULT_SPLIT = 256 * 2**20


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    group = typer.Typer(help="Train and look at tokenizers.", no_args_is_help=True)
    group.command()(train)
    group.command()(show)
    app.add_typer(group, name="tokenizer", rich_help_panel="Tokenizers")
    app.command(rich_help_panel="Tokenizers")(tokenize)


def train(
    inputs: options.Inputs,
    out: options.Out,
    type_: Annotated[str, typer.Option("--type", "-t", help="bpe, wordpiece or unigram.")] = "bpe",
    vocab_size: Annotated[
        int, typer.Option("--vocab-size", "-v", help="Ids, the 128 reserved ones included.")
    ] = 32_768,
    max_train_bytes: Annotated[str, typer.Option(help="Train on at most this much text.")] = "100 MB",
    text_field: options.TextField = "text",
    workers: options.Workers = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Train a tokenizer on files; OUT gets the tokenizer and the documents it was trained on."""
    from corpuskit.workflow.flow import Flow

    config = {"type": type_, "vocab_size": vocab_size, "max_train_bytes": max_train_bytes}
    flow = Flow(session.recipe_for(inputs, text_field, tokenizers={type_: config}), out)
    with session.engine(workers, quiet=quiet) as engine:
        flow.prepare(engine, encode=False)
    _describe(flow.tokenizers[type_].folder, json)


def show(
    path: Annotated[str, typer.Argument(metavar="TOKENIZER", help="Folder or file of a tokenizer.")],
    text: Annotated[str | None, typer.Option(help="Show how this text is cut into tokens.")] = None,
    json: options.Json = False,
) -> None:
    """Say what a tokenizer is, and how it cuts a text."""
    if text is None:
        _describe(path, json)
        return
    pieces = _pieces(path, text)
    if json:
        print_json(pieces)
        return
    print_table("", ["id", "token"], [(piece["id"], piece["token"]) for piece in pieces], right=[0])


def _pieces(path: str, text: str) -> list[dict[str, Any]]:
    import pyarrow as pa

    from corpuskit import tokenization

    tokenizer = tokenization.load(path)
    table = tokenizer.tokens()
    ids = tokenizer.encode(pa.array([text], pa.large_string()))[0].as_py()
    return [{"id": number, "token": repr(table[number].decode("utf-8", "backslashreplace"))} for number in ids]


def _describe(path: str, json: bool) -> None:
    from corpuskit import tokenization

    tokenizer = tokenization.load(path)
    facts = {
        "path": path,
        "type": tokenizer.type,
        "vocab_size": tokenizer.vocab_size,
        "lossless": tokenizer.lossless,
        "fingerprint": tokenizer.fingerprint,
    }
    if json:
        print_json(facts)
    else:
        print_table("", ["", ""], facts.items())


def tokenize(
    inputs: options.Inputs,
    tokenizer: Annotated[str, typer.Option("--tokenizer", "-t", help="Folder or file of a tokenizer.")],
    out: options.Out,
    text_field: options.TextField = "text",
    id_field: options.IdField = None,
    split_bytes: Annotated[str, typer.Option(help="Bytes of text in one shard.")] = "256 MiB",
    max_error_rate: Annotated[float, typer.Option(help="Share of malformed records above which the run fails.")] = 0.01,
    workers: options.Workers = None,
    slice_: options.Slice = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Encode files into memory-mapped Arrow token shards."""
    from corpuskit.config import parse_bytes
    from pipelines.tokenize import step

    source = session.recipe_for(inputs, text_field, id_field).sources[0]
    with session.engine(workers, slice_=slice_, quiet=quiet) as engine:
        made = engine.run(step(source, tokenizer, out, parse_bytes(split_bytes), max_error_rate))
    counts = {
        "documents": made.rows,
        "errors": made.errors,
        "tokens": made.counts["tokens"],
        "bytes": made.counts["bytes"],
    }
    if json:
        print_json({"out": out, **counts})
        return
    per_token = counts["bytes"] / max(counts["tokens"], 1)
    messages.print(
        f"{made.rows:,} documents, {bytes_text(counts['bytes'])}, {counts['tokens']:,} tokens "
        f"({per_token:.2f} bytes a token), {made.errors:,} malformed records: {out}"
    )
