"""The report of a comparison: answers, corpus funnel, tokenizers, training curves, recipe."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import yaml

from corpuskit import manifest
from corpuskit.recipe import Recipe
from corpuskit.report import Curve, Curves, Drop, Interval, ReportData, Table, write_report
from corpuskit.workflow.grid import Grid
from corpuskit.workflow.summary import drops, funnel_steps

if TYPE_CHECKING:
    from pretrain.compare import Comparison

CURVE_POINTS = 40
"""Points drawn of each training curve."""
COSTS = ("steps", "tokens", "bytes", "epochs", "flops", "seconds")
"""Fields of a run's record that the table of costs shows."""
MOST_DROPS = 8
"""Reasons shown for each variant."""


def write_comparison_report(
    path: str, grid: Grid, comparison: "Comparison", contamination: Sequence[Table], warnings: Sequence[str]
) -> None:
    """Write the self-contained page of a finished grid."""
    from pretrain.compare import page

    data = ReportData(
        title=grid.recipe.name,
        summary=_summary(grid),
        findings=page.findings(comparison),
        results=page.results(comparison),
        curves=_curves(grid),
        funnel=funnel_steps(grid.corpus),
        drops=_drops(grid),
        contamination=tuple(contamination),
        tokenizers=_tokenizers(grid),
        costs=_costs(grid),
        notes=(*warnings, *page.notes(comparison)),
        recipe=_recipe_text(grid.recipe),
        environment=_environment(grid),
    )
    write_report(path, data)


def _recipe_text(recipe: Recipe) -> str:
    """Return the recipe as YAML: what was given, and all of what decides training and scoring, defaults included."""
    given = recipe.model_dump(mode="json", exclude_defaults=True)
    full = recipe.model_dump(mode="json", include={"model", "pretrain", "downstream", "compare"})
    return yaml.safe_dump(given | full, sort_keys=False, allow_unicode=True)


def _environment(grid: Grid) -> dict[str, str]:
    """Return what the runs say of the machine and packages they ran with; several values where they differ."""
    from pretrain import load_run

    found: dict[str, list[str]] = {}
    for place in grid.places.values():
        for name, value in load_run(place.folder).environment.items():
            values = found.setdefault(name, [])
            values += [str(value)] * (str(value) not in values)
    return {name: ", ".join(values) for name, values in found.items()}


def _costs(grid: Grid) -> Table:
    """Return what each cell's runs cost, mean over the seeds: matched bytes are not matched steps or FLOPs."""
    from pretrain import load_run

    rows = []
    for cell in grid.cells:
        records = [load_run(grid.places[run.name].folder) for run in grid.runs if run.cell == cell]
        mean = {name: float(np.mean([getattr(record, name) for record in records])) for name in COSTS}
        shown = (
            round(mean["steps"]),
            Interval(value=mean["tokens"] / 1e3, digits=0),
            Interval(value=mean["bytes"] / 1e6, digits=3),
            Interval(value=mean["epochs"], digits=2),
            Interval(value=mean["flops"] / 1e12, digits=2),
            Interval(value=mean["seconds"], digits=0),
        )
        rows.append((cell.tokenizer, cell.variant, *shown))
    columns = ("tokenizer", "data", "steps", "thousand tokens", "MB of text", "epochs", "TFLOP", "seconds")
    return Table(caption="What a run cost, mean over the seeds", columns=columns, rows=tuple(rows))


def _summary(grid: Grid) -> str:
    recipe, pretrain = grid.recipe, grid.recipe.pretrain
    return (
        f"{len(recipe.tokenizers)} tokenizers on {len(recipe.variants)} data variants with "
        f"{len(recipe.compare.seeds)} seeds: {len(grid.runs)} runs of a {pretrain.objective} model, "
        f"each on {pretrain.budget_bytes / 1e6:g} MB of text."
    )


def _drops(grid: Grid) -> tuple[Drop, ...]:
    return tuple(
        Drop(variant=variant, reason=reason["reason"], documents=reason["documents"])
        for variant, reasons in drops(grid.corpus).items()
        for reason in reasons[:MOST_DROPS]
    )


def _tokenizers(grid: Grid) -> Table:
    """Return type, size and compression of each tokenizer, over all text that its shards hold."""
    rows = []
    for name, config in grid.recipe.tokenizers.items():
        trained = manifest.read(grid.corpus.artifact("tokenizer", name))
        folders = {grid.corpus.artifact("shards", shards) for shards in grid.corpus.shard_sets(name)}
        counts = [manifest.read(folder).counts for folder in folders]
        per_token = sum(count["bytes"] for count in counts) / max(sum(count["tokens"] for count in counts), 1)
        trained_on = f"{trained.counts['text_bytes'] / 1e6:.1f} MB of {config.train_on or 'all documents'}"
        rows.append((name, config.type, trained.extra["vocab_size"], Interval(value=per_token, digits=2), trained_on))
    columns = ("tokenizer", "type", "vocabulary", "bytes per token", "trained on")
    return Table(caption="Tokenizers", columns=columns, rows=tuple(rows))


def _curves(grid: Grid) -> Curves | None:
    """Return bits per byte (masked models: loss) over text seen, averaged within bins of equal numbers of steps."""
    causal = grid.recipe.pretrain.objective == "causal"
    curves = []
    for run in grid.runs:
        x, y = _binned(grid.places[run.name].folder, "bits_per_byte" if causal else "loss")
        labels = {"group": run.cell.tokenizer, "panel": run.cell.variant, "run": f"seed {run.seed}"}
        curves.append(Curve(**labels, x=tuple(x.tolist()), y=tuple(y.tolist())))
    title = "bits per byte, training batches" if causal else "loss of masked tokens, nats"
    return Curves(x_title="text seen, MB", y_title=title, curves=tuple(curves)) if curves else None


def _binned(folder: str, column: str) -> tuple[np.ndarray, np.ndarray]:
    """Return MB of text seen at the end of each bin and the mean of a curve within it; at most CURVE_POINTS bins."""
    from pretrain.run import load_metrics

    metrics = load_metrics(folder)
    seen = metrics.column("bytes").to_numpy() / 1e6
    values = metrics.column(column).to_numpy()
    bins = np.array_split(np.arange(len(seen)), min(CURVE_POINTS, len(seen)))
    return np.array([seen[rows[-1]] for rows in bins]), np.array([values[rows].mean() for rows in bins])
