"""Command that encodes files: tokenize."""

from typing import TYPE_CHECKING, Annotated

import typer

from corpuskit.cli import options, session
from corpuskit.cli.console import bytes_text, counted, print_json, print_text

if TYPE_CHECKING:
    from corpuskit.manifest import Manifest

Verify = Annotated[
    bool, typer.Option("--verify", metavar="", help="Decode every document again; stop at one that differs.")
]
FORMATS = ("arrow", "megatron", "mds")


def tokenize(
    inputs: options.Inputs,
    tokenizer: Annotated[
        str,
        typer.Option(
            "--tokenizer",
            "-t",
            metavar="TOKENIZER",
            help="A tokenizer's folder or file (ours, tokenizer.json, SentencePiece's .model, ranks of tiktoken), or a "
            "corpus with one.",
        ),
    ],
    out: options.Out,
    format_: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="FORMAT",
            help="arrow: memory-mapped shards for corpuskit; megatron: .bin and .idx; mds: for mosaicml-streaming.",
        ),
    ] = "arrow",
    append: Annotated[
        int | None,
        typer.Option(metavar="ID", min=0, help="Write this id after each document. [dim]Default: none.[/]"),
    ] = None,
    pretokenizer: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="What a word is, for ranks of tiktoken: gpt2, gpt4, llama3, o200k, regex:…"),
    ] = None,
    verify: Verify = False,
    text_field: options.TextField = "text",
    id_field: options.IdField = None,
    split_bytes: Annotated[str, typer.Option(metavar="SIZE", help="Bytes of text in one shard.")] = "256 MiB",
    max_error_rate: options.ErrorRate = 0.01,
    workers: options.Workers = None,
    slice_: options.Slice = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Encode files into token shards.

    DIR holds the shards of one call: a call with other files, options or another tokenizer needs a DIR of its own.
    """
    from corpuskit.workflow.places import check_own_folder, tokenizer_path
    from pipelines.tokenize import step

    source = session.source_of(inputs, text_field, id_field)
    planned = step(
        source,
        tokenizer_path(tokenizer),
        out,
        split_bytes=_size(split_bytes),
        max_error_rate=max_error_rate,
        format_=_format(format_, append),
        append=append,
        pretokenizer=pretokenizer,
        verify=verify,
    )
    check_own_folder(planned.target, "shards")
    with session.engine(workers, slice_=slice_) as engine:
        made = engine.run(planned)
    if verify:
        _check_verified(out, made)
    _print(out, made, json)


def _check_verified(out: str, made: "Manifest") -> None:
    from corpuskit.errors import InputError
    from pipelines.tokenize import VERIFIED

    left = made.rows - int(made.counts.get(VERIFIED, 0))
    if left:
        raise InputError(
            f"--verify: an earlier call without it has encoded {counted(left, 'document')} of {out}, which were not "
            "decoded again; choose another --out, or remove that folder first"
        )


def _print(out: str, made: "Manifest", json: bool) -> None:
    sums = {name: made.counts[name] for name in ("tokens", "bytes")}
    counts = {"documents": made.rows, "errors": made.errors, **sums}
    if json:
        print_json({"out": out, **counts})
        return
    per_token = counts["bytes"] / max(counts["tokens"], 1)
    print_text(
        f"{counted(made.rows, 'document')}, {bytes_text(counts['bytes'])}, {counts['tokens']:,} tokens "
        f"({per_token:.2f} bytes a token), {counted(made.errors, 'malformed record')}: {out}"
    )


def _format(given: str, append: int | None) -> str:
    from corpuskit.errors import InputError, nearest

    if given not in FORMATS:
        raise InputError(f"--format: expected {', '.join(FORMATS)}, given {given!r}{nearest(given, FORMATS)}")
    if append is not None and given == "arrow":
        raise InputError("--append: Arrow shards hold no special ids, which the training stream adds; leave it out")
    return given


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
