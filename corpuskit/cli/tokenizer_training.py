"""Commands that make tokenizers: tokenizer count, tokenizer train."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from corpuskit.cli import options, session
from corpuskit.cli.console import bytes_text, counted, print_json, print_text, warn
from corpuskit.errors import InputError, RecipeError

if TYPE_CHECKING:
    from corpuskit.tokenization import TokenizerConfig

SomeInputs = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[IN...]",
        help="Files, folders, globs or URLs of JSONL(.gz, .zst), Parquet, Arrow, text, WARC or HTML; or --counts.",
    ),
]
Words = Annotated[
    str | None,
    typer.Option(
        "--pretokenizer",
        metavar="NAME",
        help="What a word is: gpt2, gpt4, llama3, o200k, bert, metaspace, metaspace_runs, or regex: and an expression. "
        "[dim]Default: gpt2; metaspace_runs for unigram.[/]",
    ),
]
NormalForm = Annotated[
    str, typer.Option(metavar="NAME", help="What is done to texts before: none, nfc, nfkc, nmt_nfkc or lower.")
]
Sample = Annotated[
    float,
    typer.Option(metavar="SHARE", parser=options.share, help="Count a share of the documents, such as 10%."),
]
LeastCount = Annotated[
    int, typer.Option("--min-count", metavar="N", min=1, help="Leave out words that occur less often.")
]


def count(
    inputs: options.Inputs,
    out: options.Out,
    pretokenizer: Words = None,
    normalization: NormalForm = "none",
    min_count: LeastCount = 1,
    sample: Sample = 1.0,
    text_field: options.TextField = "text",
    max_error_rate: options.ErrorRate = 0.01,
    workers: options.Workers = None,
    slice_: options.Slice = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Count the words of files, which is all that training reads; DIR gets the counts."""
    from corpuskit.tokenization import CountsConfig
    from corpuskit.workflow.tokenizers import count

    fields = {"pretokenizer": pretokenizer or "gpt2", "normalization": normalization, "min_count": min_count}
    config = session.checked(CountsConfig, fields)
    source = session.source_of(inputs, text_field)
    with session.engine(workers, slice_=slice_) as engine:
        made = count(engine, source, config, out, sample, max_error_rate)
    if json:
        print_json({"out": out, **made})
        return
    print_text(
        f"{counted(made['documents'], 'document')}, {bytes_text(made['text_bytes'])}: {made['words']:,.0f} unique "
        f"words, {made['occurrences']:,.0f} occurrences; left out as too rare: {made['cut_words']:,.0f} words, "
        f"{made['cut_occurrences']:,.0f} occurrences: {out}"
    )


def train(
    inputs: SomeInputs = None,
    out: options.Out = "tokenizer",
    type_: Annotated[str, typer.Option("--type", "-t", metavar="TYPE", help="bpe, wordpiece or unigram.")] = "bpe",
    vocab_sizes: Annotated[
        list[int],
        typer.Option(
            "--vocab-size",
            "-v",
            metavar="N",
            help="Ids, the 128 reserved ones included. May be repeated: words are counted once, and DIR gets a folder "
            "for each size.",
        ),
    ] = [32_768],  # noqa: B006  Typer copies it
    counts: Annotated[
        list[str],
        typer.Option(
            "--counts", metavar="DIR", help="Train on counts of `tokenizer count` instead; several are added up."
        ),
    ] = [],  # noqa: B006  Typer copies it
    pretokenizer: Words = None,
    normalization: NormalForm = "none",
    sample: Sample = 1.0,
    settings: Annotated[
        list[str],
        typer.Option(
            "--set",
            metavar="FIELD=VALUE",
            help="Another field of a recipe's tokenizer: order=sentencepiece, score=likelihood, coverage=0.999, "
            "extend=DIR. May be repeated.",
        ),
    ] = [],  # noqa: B006
    text_field: options.TextField = "text",
    max_error_rate: options.ErrorRate = 0.01,
    workers: options.Workers = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Train a tokenizer on files, or on counted words; DIR gets the tokenizer, and the counts it was trained on."""
    from corpuskit.cli.tokenizers import describe
    from corpuskit.workflow import tokenizers

    fields = {"type": type_, "pretokenizer": pretokenizer, "normalization": normalization, **_settings(settings)}
    configs = _configs(out, vocab_sizes, fields)
    if bool(inputs) == bool(counts):
        raise InputError("name files to train on, or counts by --counts: one of them, not both")
    _check_choices(fields, sample, bool(counts))
    with session.engine(workers) as engine:
        if inputs:
            source = session.source_of(inputs, text_field)
            notes = tokenizers.train_on_files(engine, configs, source, out, sample, max_error_rate)
        else:
            notes = tokenizers.train(engine, configs, counts)
    warn(notes)
    describe(list(configs), json)


OPTIONS = {
    "type": "--type",
    "vocab_size": "--vocab-size",
    "pretokenizer": "--pretokenizer",
    "normalization": "--normalization",
}
"""Fields that have an option."""


def _configs(out: str, sizes: list[int], fields: Mapping[str, Any]) -> "dict[str, TokenizerConfig]":
    """Return what is trained into each folder: DIR, or a folder of it for each of several sizes."""
    from corpuskit import storage
    from corpuskit.tokenization import TokenizerConfig

    found = {}
    for size in sorted({*sizes}):
        given = {"vocab_size": size, "max_train_bytes": None, **fields}
        folder = out if len({*sizes}) == 1 else storage.join(out, str(size))
        found[folder] = session.checked(TokenizerConfig, given, OPTIONS)
    return found


CHOOSING = ("train_on", "max_train_bytes", "seed")
"""Fields that choose documents of a prepared corpus, which this command does not read."""


def _check_choices(given: Mapping[str, Any], sample: float, counted: bool) -> None:
    """Refuse what would choose text, where it would do nothing.

    Raises:
        RecipeError: a field chooses documents of a corpus, or rare words of counts that are made.
        InputError: documents were chosen when they were counted.
    """
    for name in CHOOSING:
        if name in given:
            raise RecipeError("--set", f"{name}: it chooses documents of a recipe's corpus; of files, use --sample")
    if given.get("balance") and not counted:
        raise InputError("`balance` needs words counted by language or source, which a recipe does")
    if counted and "min_count" in given:
        raise RecipeError("--set", "min_count: with --counts, give it to `tokenizer count` as --min-count")
    if counted and sample < 1:
        raise InputError("--sample: with --counts, give it to `tokenizer count`, which reads the documents")


def _settings(given: list[str]) -> dict[str, Any]:
    """Return the fields that `--set` gave.

    Raises:
        RecipeError: one is no field with a value.
    """
    import yaml

    found = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise RecipeError("--set", f"{text!r}: expected FIELD=VALUE, such as coverage=0.999")
        if name in OPTIONS:
            raise RecipeError("--set", f"{name}: give it as {OPTIONS[name]}")
        try:
            found[name] = yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise RecipeError("--set", f"{text!r}: {error}") from None
    return found
