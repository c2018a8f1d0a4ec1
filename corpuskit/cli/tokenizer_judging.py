"""Commands that look at tokenizers: tokenizer eval, tokenizer convert."""

from typing import TYPE_CHECKING, Annotated

import typer

from corpuskit.cli import options, session
from corpuskit.cli.console import print_json, print_table, print_text, say, warn
from corpuskit.errors import InputError, MissingExtra, nearest

if TYPE_CHECKING:
    from corpuskit.tokenization.evaluation import Evaluation

RankWords = Annotated[
    str | None, typer.Option("--pretokenizer", metavar="NAME", help="What a word is, for ranks of tiktoken.")
]
PAGE, DATA = "tokenizers.html", "evaluation.json"
FORMATS = ("tokenizer.json", "sentencepiece", "tiktoken")


def evaluate(
    tokenizers: Annotated[
        list[str],
        typer.Argument(metavar="TOKENIZER...", help="Folders or files of tokenizers; NAME=PATH gives one a name."),
    ],
    out: options.Out = "evaluation",
    texts: Annotated[
        list[str],
        typer.Option(
            "--text",
            metavar="NAME=PATH",
            help="Text to encode, best such that no tokenizer was trained on; may be repeated. [dim]Default: the "
            "documentation of this Python.[/]",
        ),
    ] = [],  # noqa: B006  Typer copies it
    parallel: Annotated[
        list[str],
        typer.Option(
            "--parallel",
            metavar="PATH",
            help="Parallel sentences (TSV, JSONL, or a folder with a file a language), for premiums and Gini; may be "
            "repeated.",
        ),
    ] = [],  # noqa: B006
    gold: Annotated[
        list[str],
        typer.Option("--gold", metavar="PATH", help="Segmented words (word, tab, segments), for morphology."),
    ] = [],  # noqa: B006
    reference: Annotated[
        str | None, typer.Option(metavar="LANGUAGE", help="Language that premiums refer to. [dim]Default: the best.[/]")
    ] = None,
    max_bytes: Annotated[
        int, typer.Option(metavar="SIZE", parser=options.size, help="Read at most so much of each text.")
    ] = 20_000_000,
    pretokenizer: RankWords = None,
    text_field: options.TextField = "text",
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Measure tokenizers side by side; DIR gets evaluation.json and tokenizers.html."""
    from corpuskit import storage
    from corpuskit.workflow.places import check_writable
    from corpuskit.workflow.tokenizers import evaluate

    check_writable(out)
    found = evaluate(
        _named(tokenizers, "TOKENIZER"),
        {name: session.source_of([path], text_field) for name, path in _named(texts, "--text").items()},
        parallel=parallel,
        gold=gold,
        reference=reference,
        max_bytes=max_bytes,
        pretokenizer=pretokenizer,
    )
    storage.commit(storage.join(out, DATA), found.to_json())
    page = _write_page(storage.join(out, PAGE), found)
    if json:
        print_json({"out": out, "page": page, "tokenizers": [one.name for one in found.tokenizers]})
        return
    _print(found)
    say(f"data: {storage.join(out, DATA)}, page: {page or 'none'}")


def _named(given: list[str], option: str) -> dict[str, str]:
    """Return paths by name: NAME=PATH, or the last part of the path."""
    from corpuskit import storage

    found: dict[str, str] = {}
    for text in given:
        name, equals, path = text.partition("=")
        if not equals or storage.is_remote(name):
            name, path = storage.base_name(text), text
        if name in found:
            raise InputError(f"{option}: the name {name!r} is there twice; give one as NAME=PATH")
        found[name] = path
    return found


def _write_page(path: str, found: "Evaluation") -> str | None:
    from corpuskit import manifest
    from corpuskit.tokenization.evaluation.page import write_page

    try:
        write_page(path, found, environment={name: str(value) for name, value in manifest.environment().items()})
    except MissingExtra as error:
        warn([f"no page: {error}"])
        return None
    return path


def _print(found: "Evaluation") -> None:
    from corpuskit.tokenization.evaluation.summary import measures

    rows = [(measure.name, *measure.cells) for measure in measures(found.tokenizers)]
    columns = ["", *(one.name for one in found.tokenizers)]
    print_table(columns, rows, right=range(1, len(columns)))


def convert(
    tokenizer: Annotated[str, typer.Argument(metavar="TOKENIZER", help="A tokenizer's folder or file.")],
    to: Annotated[str, typer.Option(metavar="FORMAT", help="tokenizer.json, sentencepiece or tiktoken.")],
    out: Annotated[str, typer.Option("--out", "-o", metavar="PATH", help="The file, or a folder that gets it.")],
    check: Annotated[
        list[str],
        typer.Option(
            "--check",
            metavar="PATH",
            help="Files whose lines must get the same ids in both. [dim]Default: the documentation of this Python.[/]",
        ),
    ] = [],  # noqa: B006  Typer copies it
    unchecked: Annotated[
        bool, typer.Option("--no-check", metavar="", help="Write the file without comparing ids.")
    ] = False,
    pretokenizer: RankWords = None,
    text_field: options.TextField = "text",
    quiet: options.Quiet = False,
) -> None:
    """Write a tokenizer in another format, once both have given the same ids for the same text."""
    from corpuskit import tokenization
    from corpuskit.workflow import tokenizers
    from corpuskit.workflow.places import tokenizer_path

    if to not in FORMATS:
        raise InputError(f"--to: expected {', '.join(FORMATS)}, given {to!r}{nearest(to, FORMATS)}")
    loaded = tokenization.load(tokenizer_path(tokenizer), pretokenizer)
    most = tokenizers.CHECKED_BYTES
    texts = None
    if not unchecked:
        source = session.source_of(check, text_field) if check else None
        texts = tokenizers.texts_of(source, most) if source else tokenizers.documentation(most)
    compared = tokenizers.converted(loaded, to, out, texts)  # type: ignore[arg-type]
    print_text(f"{out}: " + (f"{compared:,} ids compared, all equal" if compared else "not compared"))
