"""Commands that turn raw text into a prepared corpus: run, annotate, select."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from corpuskit.cli import options, sampling, session
from corpuskit.cli.console import bytes_text, counted, print_json, print_table, print_text, say, warn
from corpuskit.errors import InputError

if TYPE_CHECKING:
    from corpuskit.workflow.flow import Flow

PANEL = "Data"
MOST_REASONS = 10
"""Reasons for dropping documents that are shown for each variant."""
PRESETS = (
    "Presets: gopher, c4, fineweb, refinedweb, zh, urls, none (raw); "
    "gopher@datatrove, c4@datatrove, c4@tfds, fineweb@datatrove."
)
GROUPS = (
    "size, length, composition, compression, gopher, repetition, c4, refinedweb, redpajama, language, url; "
    "gopher@datatrove, c4@datatrove, c4@fineweb, c4@tfds, fineweb@datatrove; in recipes also word_list, classifier, "
    "contamination."
)
"""What help lists, so that it need not load the packages that know."""
QUANTILES = ("1 %", "10 %", "50 %", "90 %", "99 %")


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    command = options.adder(app, PANEL)
    command(
        run,
        "corpuskit run recipes/text_files.yaml --out out --plan",
        "corpuskit run recipes/text_files.yaml --out out --sample 1%",
        "corpuskit run recipes/text_files.yaml --set sources[0].paths=data/*.zst",
        "corpuskit run recipe.yaml --out /shared/out --slice $SLURM_ARRAY_TASK_ID/16",
    )
    command(annotate, "corpuskit annotate data/*.jsonl.zst --signals length,gopher --out out")
    command(
        select,
        "corpuskit select data/*.zst --policy gopher --export kept.jsonl.zst",
        "corpuskit select chinese/ --policy zh --deduplicate --out out",
        "corpuskit select data/ --policy my.yaml  # rules: [{signal: length.words, min: 5}]",
    )
    command(schema, "corpuskit schema > recipe.schema.json")


def run(
    recipe: options.RecipePath,
    out: options.Out = "out",
    plan: Annotated[
        bool, typer.Option("--plan", metavar="", help="Say what would run, and which field changed; run nothing.")
    ] = False,
    sample: Annotated[
        str | None,
        typer.Option(
            metavar="SHARE",
            help="Run on this share of the documents, such as 1%, beside DIR, and forecast all: documents, bytes, "
            "time and disk.",
        ),
    ] = None,
    set_: options.Set = [],  # noqa: B006  Typer copies it
    workers: options.Workers = None,
    memory: options.Memory = None,
    runner: options.Runner = "local",
    runner_option: options.RunnerOption = [],  # noqa: B006
    slice_: options.Slice = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Run all data steps of a recipe: documents, signals, duplicates, variants, tokenizers, token shards.

    What is finished is skipped; what was interrupted goes on where it was.
    """
    from corpuskit.workflow.flow import Flow
    from corpuskit.workflow.places import check_corpus_folder

    loaded = session.load(recipe, set_, sample)
    folder = out if sample is None else sampling.folder(out, loaded.sample)
    flow = Flow(loaded, folder, session.worker_memory(memory, workers, runner))
    if plan:
        _print_plan(flow, json)
        return
    check_corpus_folder(flow.out)
    if sample is not None:
        sampling.run(flow, workers, runner, runner_option, slice_, json)
        return
    with session.engine(workers, runner, runner_option, slice_) as engine:
        warn(flow.prepare(engine))
    print_corpus(flow, json)


def _print_plan(flow: "Flow", json: bool) -> None:
    from dataclasses import asdict

    from corpuskit.workflow.plan import plan, recipe_changes

    lines, changes = plan(flow), recipe_changes(flow)
    if json:
        print_json({"changes": changes, "artifacts": [asdict(line) for line in lines]})
        return
    if changes:
        print_text("changed in the recipe since the last run:")
        for change in changes:
            print_text(f"  {change}")
        print_text()
    print_table(
        ["action", "artifact", "name", "because"],
        [(line.action, line.kind, line.name, "\n".join(line.changes)) for line in lines],
    )


def print_corpus(flow: "Flow", json: bool, reasons: bool = False, **more: Any) -> None:
    """Print the funnel of a prepared corpus and what cleaners did, with `reasons` also why documents were dropped."""
    from corpuskit.corpus import Corpus
    from corpuskit.workflow.summary import cleaning, drops, funnel, malformed

    corpus = Corpus(flow.out)
    steps, dropped, cleaned = funnel(corpus), drops(corpus), cleaning(corpus)
    if json:
        examples = {"malformed": malformed(corpus), "cleaned": cleaned}
        print_json({"out": flow.out, "funnel": steps, **examples, "dropped": dropped, **more})
        return
    rows = [
        (step["step"], f"{step['documents']:,}", bytes_text(step["bytes"]) if step["bytes"] else "") for step in steps
    ]
    print_table(["step", "documents", "text"], rows, right=[1, 2])
    for example in malformed(corpus):
        print_text(f"malformed: {example}")
    for name, counts in cleaned.items():
        print_text(f"{name}: " + ", ".join(f"{count:,} {what.replace('_', ' ')}" for what, count in counts.items()))
    if reasons:
        for found in dropped.values():
            _print_reasons(found)
    say(f"prepared corpus: {flow.out}")


def _print_reasons(dropped: list[dict[str, Any]]) -> None:
    if not dropped:
        return
    rows = [(drop["reason"], f"{drop['documents']:,}", bytes_text(drop["bytes"])) for drop in dropped[:MOST_REASONS]]
    if len(dropped) > MOST_REASONS:
        rest = sum(drop["documents"] for drop in dropped[MOST_REASONS:])
        rows.append((f"… {len(dropped) - MOST_REASONS} more", f"{rest:,}", ""))
    print_text()
    print_table(["dropped because of", "documents", "text"], rows, right=[1, 2])


def annotate(
    inputs: options.Inputs,
    signals: Annotated[
        str,
        typer.Option(metavar="GROUPS", help=f"Groups of signals, separated by commas. {GROUPS}"),
    ] = "length,gopher",
    out: options.Out = "out",
    text_field: options.TextField = "text",
    id_field: options.IdField = None,
    workers: options.Workers = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Measure numbers about documents (signals) into row-aligned sidecars, and show how they are distributed."""
    from corpuskit.workflow.distributions import distributions

    groups = options.listed(signals, "--signals", "group of signals")
    named = {f"signals[{index}]": "--signals" for index in range(len(groups))}
    recipe = session.recipe_for(inputs, text_field, id_field, named=named, signals=groups)
    flow = opened(recipe, out)
    with session.engine(workers) as engine:
        flow.measure(engine)
    found = distributions(flow.signals)
    if json:
        print_corpus(flow, json, signals=found)
        return
    rows = [
        (signal["signal"], *(f"{value:.4g}" for value in signal["quantiles"]), f"{signal['missing']:,}")
        for signal in found
    ]
    print_table(["signal", *QUANTILES, "missing"], rows, right=range(1, len(QUANTILES) + 2))
    say(f"prepared corpus: {out}")


def select(
    inputs: options.Inputs,
    policy: Annotated[
        str, typer.Option(metavar="POLICY", help=f"Presets, separated by commas, or a YAML file with rules. {PRESETS}")
    ],
    out: options.Out = "out",
    languages: Annotated[
        str | None,
        typer.Option(
            metavar="CODES", help="Languages of the input, separated by commas. [dim]Default: the preset's.[/]"
        ),
    ] = None,
    deduplicate: Annotated[
        bool, typer.Option("--deduplicate", metavar="", help="Also keep one document of each cluster of duplicates.")
    ] = False,
    export: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Write the kept documents to this .jsonl(.gz, .zst) or .parquet."),
    ] = None,
    text_field: options.TextField = "text",
    id_field: options.IdField = None,
    workers: options.Workers = None,
    memory: options.Memory = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Apply a policy: which documents stay (variant `selected`), and why the others do not."""
    from corpuskit.workflow.exporting import check_export, policy_fields

    fields = policy_fields(policy)
    if export:
        check_export(export)
    parts: dict[str, Any] = {"variants": {"selected": {"policy": fields.policy, "deduplicate": deduplicate}}}
    parts["languages"] = options.listed(languages, "--languages", "language") if languages else fields.languages
    if deduplicate:
        parts["dedup"] = {}
    named = {
        "variants.selected.policy.preset: preset": "--policy: preset",
        "variants.selected.policy.": f"{policy}: ",
        "variants.selected.policy: ": f"{policy}: ",
    }
    flow = prepare(session.recipe_for(inputs, text_field, id_field, named=named, **parts), out, workers, memory=memory)
    print_exported(flow, "selected", export, json, reasons=True)


def print_exported(flow: "Flow", variant: str, export: str | None, json: bool, reasons: bool = False) -> None:
    """Print a prepared corpus, after writing a variant's documents to a file where one is named."""
    from corpuskit.workflow.exporting import export_variant

    if export is None:
        print_corpus(flow, json, reasons)
        return
    count = export_variant(flow, variant, export)
    print_corpus(flow, json, reasons, exported={"path": export, "documents": count})
    say(f"{counted(count, 'document')} written to {export}")


def prepare(recipe: Any, out: str, workers: int | None, pages: bool = False, memory: int | None = None) -> "Flow":
    """Run the data steps of a recipe made from options; print warnings. With `pages`, refuse inputs without any."""
    flow = opened(recipe, out, session.worker_memory(memory, workers))
    if pages and "extract" not in flow.documents.identity.config:
        raise InputError("nothing to extract: the input holds no web pages, expected WARC or HTML")
    with session.engine(workers) as engine:
        warn(flow.prepare(engine))
    return flow


def opened(recipe: Any, out: str, memory: int | None = None) -> "Flow":
    """Return a recipe made from options with its folder, which must be one that a corpus may be written to."""
    from corpuskit.workflow.chain import MEMORY
    from corpuskit.workflow.flow import Flow
    from corpuskit.workflow.places import check_corpus_folder

    check_corpus_folder(out)
    return Flow(recipe, out, memory or MEMORY)


def schema() -> None:
    """Print the JSON Schema of recipes, for editors."""
    from corpuskit import recipe

    print_json(recipe.schema())
