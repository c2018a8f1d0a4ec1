"""The report of a comparison: answers, corpus funnel, tokenizers, training curves, recipe."""

from typing import TYPE_CHECKING

import numpy as np
import yaml

from corpuskit import manifest
from corpuskit.report import Curve, Curves, Drop, FunnelStep, Interval, ReportData, Table, write_report
from corpuskit.workflow.grid import Grid
from corpuskit.workflow.summary import drops, funnel

if TYPE_CHECKING:
    from pretrain.compare import Comparison

CURVE_POINTS = 60
"""Points drawn of each training curve."""
MOST_DROPS = 8
"""Reasons shown for each variant."""


def write_comparison_report(path: str, grid: Grid, comparison: "Comparison", overall: "Comparison") -> None:
    """Write the self-contained page of a finished grid; its answers are those of `overall`, its scores are all."""
    from pretrain.compare import page

    recipe = grid.recipe
    text = yaml.safe_dump(recipe.model_dump(mode="json", exclude_defaults=True), sort_keys=False, allow_unicode=True)
    data = ReportData(
        title=recipe.name,
        summary=_summary(grid),
        findings=page.findings(overall),
        results=page.results(comparison),
        curves=_curves(grid),
        funnel=_funnel(grid),
        drops=_drops(grid),
        tokenizers=_tokenizers(grid),
        notes=page.notes(comparison),
        recipe=text,
        environment=manifest.environment(),
    )
    write_report(path, data)


def _summary(grid: Grid) -> str:
    recipe, pretrain = grid.recipe, grid.recipe.pretrain
    return (
        f"{len(recipe.tokenizers)} tokenizers on {len(recipe.variants)} data variants with "
        f"{len(recipe.compare.seeds)} seeds: {len(grid.runs)} runs of a {pretrain.objective} model, "
        f"each on {pretrain.budget_bytes / 1e6:g} MB of text."
    )


def _funnel(grid: Grid) -> tuple[FunnelStep, ...]:
    return tuple(
        FunnelStep(
            name=step["step"],
            documents=step["documents"],
            bytes=step["bytes"],
            branch=step["variant"] is not None,
        )
        for step in funnel(grid.corpus)
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
    """Return bits per byte (masked models: loss) over text seen, thinned to a drawable number of points."""
    from pretrain.run import load_metrics

    causal = grid.recipe.pretrain.objective == "causal"
    curves = []
    for run in grid.runs:
        metrics = load_metrics(grid.place(run).folder)
        x = metrics.column("bytes").to_numpy() / 1e6
        y = metrics.column("bits_per_byte" if causal else "loss").to_numpy(zero_copy_only=False)
        points = np.unique(np.linspace(0, len(x) - 1, min(CURVE_POINTS, len(x))).astype(int))
        curve = Curve(
            group=run.cell.tokenizer,
            panel=run.cell.variant,
            run=f"seed {run.seed}",
            x=tuple(x[points].tolist()),
            y=tuple(y[points].tolist()),
        )
        curves.append(curve)
    title = "bits per byte, training batches" if causal else "loss of masked tokens, nats"
    return Curves(x_title="text seen, MB", y_title=title, curves=tuple(curves)) if curves else None
