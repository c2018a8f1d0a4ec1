"""Commands that turn raw text into a prepared corpus: run, annotate, dedup, select."""

from typing import Annotated, Any

import typer

from corpuskit.cli import options, session
from corpuskit.cli.console import bytes_text, messages, print_json, print_table


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    for command in (run, annotate, dedup, select, schema):
        app.command(rich_help_panel="Data")(command)


def run(
    recipe: options.RecipePath,
    out: options.Out = "out",
    plan: Annotated[
        bool, typer.Option("--plan", help="Say what would run, and which field changed; run nothing.")
    ] = False,
    set_: options.Set = [],  # noqa: B006  Typer copies it
    workers: options.Workers = None,
    runner: options.Runner = "local",
    runner_option: options.RunnerOption = [],  # noqa: B006
    slice_: options.Slice = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Run all data steps of a recipe: documents, signals, duplicates, variants, tokenizers, token shards."""
    from corpuskit.recipe import load
    from corpuskit.workflow.flow import Flow

    flow = Flow(load(recipe, set_), out)
    if plan:
        _print_plan(flow, json)
        return
    with session.engine(workers, runner, runner_option, slice_, quiet) as engine:
        notes = flow.prepare(engine)
    session.show(notes)
    _print_corpus(flow, json)


def _print_plan(flow: Any, json: bool) -> None:
    from dataclasses import asdict

    from corpuskit.workflow.plan import plan

    lines = plan(flow)
    if json:
        print_json([asdict(line) for line in lines])
        return
    rows = [(line.action, line.kind, line.name, "\n".join(line.changes)) for line in lines]
    print_table("", ["action", "artifact", "name", "changed"], rows)


def _print_corpus(flow: Any, json: bool) -> None:
    from corpuskit.corpus import Corpus
    from corpuskit.workflow.summary import funnel

    steps = funnel(Corpus(flow.out))
    if json:
        print_json({"out": flow.out, "funnel": steps})
        return
    rows = [(step["step"], f"{step['documents']:,}", bytes_text(step["bytes"])) for step in steps]
    print_table("", ["step", "documents", "text"], rows, right=[1, 2])
    messages.print(f"\nprepared corpus: {flow.out}")


def annotate(
    inputs: options.Inputs,
    signals: Annotated[str, typer.Option(help="Signal groups, separated by commas.")] = "length,gopher",
    out: options.Out = "out",
    text_field: options.TextField = "text",
    id_field: options.IdField = None,
    workers: options.Workers = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Measure signals of documents into row-aligned sidecars."""
    from corpuskit.workflow.flow import Flow

    flow = Flow(session.recipe_for(inputs, text_field, id_field, signals=signals.split(",")), out)
    _prepare(flow, workers, quiet, json)


def dedup(
    inputs: options.Inputs,
    out: options.Out = "out",
    ngram: Annotated[int, typer.Option(help="Words in a shingle.")] = 5,
    text_field: options.TextField = "text",
    id_field: options.IdField = None,
    workers: options.Workers = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Find exact and near duplicates, and keep one document of each cluster (variant `unique`)."""
    from corpuskit.workflow.flow import Flow

    parts = {"dedup": {"ngram": ngram}, "variants": {"unique": {"deduplicate": True}}}
    _prepare(Flow(session.recipe_for(inputs, text_field, id_field, **parts), out), workers, quiet, json)


def select(
    inputs: options.Inputs,
    policy: Annotated[str, typer.Option(help="A preset (gopher, zh, none) or a YAML file with rules.")],
    out: options.Out = "out",
    languages: Annotated[str | None, typer.Option(help="Languages of the input, separated by commas.")] = None,
    deduplicate: Annotated[bool, typer.Option(help="Also keep one document of each cluster of duplicates.")] = False,
    export: Annotated[
        str | None, typer.Option(help="Write the kept documents to this .jsonl(.gz, .zst) or .parquet.")
    ] = None,
    text_field: options.TextField = "text",
    id_field: options.IdField = None,
    workers: options.Workers = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Apply a policy: which documents stay (variant `selected`), and why the others do not."""
    from corpuskit.workflow.exporting import export_variant, policy_fields
    from corpuskit.workflow.flow import Flow

    fields = policy_fields(policy)
    parts: dict[str, Any] = {"variants": {"selected": {"policy": fields.policy, "deduplicate": deduplicate}}}
    parts["languages"] = languages.split(",") if languages else fields.languages
    if deduplicate:
        parts["dedup"] = {}
    flow = Flow(session.recipe_for(inputs, text_field, id_field, **parts), out)
    _prepare(flow, workers, quiet, json)
    if export:
        rows = export_variant(flow, "selected", export)
        messages.print(f"{rows:,} documents written to {export}")


def _prepare(flow: Any, workers: int | None, quiet: bool, json: bool) -> None:
    with session.engine(workers, quiet=quiet) as engine:
        session.show(flow.prepare(engine))
    _print_corpus(flow, json)


def schema() -> None:
    """Print the JSON Schema of recipes, for editors."""
    from corpuskit import recipe

    print_json(recipe.schema())
