"""A comparison as parts of a report: findings, charts, tables, how to read them."""

from collections.abc import Sequence

from corpuskit.report import Finding, Interval, Point, Result, Table
from pretrain.compare.results import (
    METRICS,
    CellScore,
    Comparison,
    Difference,
    Estimate,
    Family,
    Metric,
    TaskComparison,
)

AXES = {"tokenizers": "Tokenizer", "variants": "Data", "cells": "Tokenizer and data"}
DIRECTIONS = {True: "higher is better", False: "lower is better"}


def findings(comparison: Comparison) -> tuple[Finding, ...]:
    """Return the answers: for each axis of the grid and each task, what was decided or not."""
    return tuple(
        Finding(
            topic=f"{AXES[family.kind]}, by {task.task}",
            sentence=_sentence(family.headline),
            verdict=family.verdict,
            details=_details(family),
        )
        for kind in ("tokenizers", "variants")
        for task in comparison.tasks
        for family in task.families
        if family.kind == kind
    )


def _details(family: Family) -> tuple[str, ...]:
    if len(family.differences) == 1:
        return ()
    return tuple(_sentence(difference.sentence) for difference in family.differences)


def _sentence(text: str) -> str:
    """Begin a verdict with a capital and end it with a full stop; names keep their case."""
    text = text.replace("undecided", "Undecided", 1) if text.startswith("undecided") else text
    return f"{text}."


def results(comparison: Comparison) -> tuple[Result, ...]:
    """Return a chart and the tables of every task."""
    return tuple(_result(task, comparison) for task in comparison.tasks)


def _result(task: TaskComparison, comparison: Comparison) -> Result:
    metric = METRICS[task.metric]
    shown = [row for row in task.rows if row.comparable]
    return Result(
        title=task.task[:1].upper() + task.task[1:],
        axis=f"{metric.label} ({DIRECTIONS[metric.higher_is_better]})",
        points=tuple(_point(row, metric) for row in shown),
        tables=(scores_table(task, comparison),),
        more=tuple(_family_table(family, metric) for family in task.families),
        reference=None if task.chance is None else task.chance * metric.scale,
        description=_description(task, metric),
    )


def _description(task: TaskComparison, metric: Metric) -> str:
    items = max(row.estimate.items for row in task.rows)
    parts = [f"{items:,} test items." if items else "", f"Chance: {metric.show(task.chance)}." if task.chance else ""]
    return " ".join(part for part in parts if part)


def _point(row: CellScore, metric: Metric) -> Point:
    return Point(
        group=row.cell.tokenizer,
        row=row.cell.variant,
        interval=_interval(row.estimate, metric),
        values=tuple(value * metric.scale for value in row.values),
    )


def _interval(found: Estimate, metric: Metric) -> Interval:
    return Interval(
        value=found.mean * metric.scale,
        low=None if found.low is None else found.low * metric.scale,
        high=None if found.high is None else found.high * metric.scale,
        digits=metric.digits,
    )


def scores_table(task: TaskComparison, comparison: Comparison) -> Table:
    """Return a task's scores, a row for each tokenizer and a column for each variant."""
    metric = METRICS[task.metric]
    found = {(row.cell.tokenizer, row.cell.variant): row for row in task.rows}
    rows = []
    for tokenizer in comparison.tokenizers:
        scores = [found.get((tokenizer, variant)) for variant in comparison.variants]
        mark = "" if all(score is None or score.comparable for score in scores) else " *"
        rows.append(
            (tokenizer + mark, *(None if score is None else _interval(score.estimate, metric) for score in scores))
        )
    fewest = min(len(row.seeds) for row in task.rows)
    counts = f"{fewest} to {len(comparison.seeds)}" if fewest < len(comparison.seeds) else f"{fewest}"
    seeds = "one seed, no interval" if len(comparison.seeds) == 1 else f"mean of {counts} seeds"
    bounds = "" if len(comparison.seeds) == 1 else f" [{100 * comparison.confidence:g} % interval]"
    lossy = "* This tokenizer loses text, so its bits per byte cannot be compared."
    return Table(
        caption=f"{task.task}: {metric.label}, {seeds}{bounds}",
        columns=("Tokenizer", *comparison.variants),
        rows=tuple(rows),
        note="" if all(row.comparable for row in task.rows) else lossy,
    )


def _family_table(family: Family, metric: Metric) -> Table:
    captions = {
        "tokenizers": f"Tokenizers, averaged over the data: {_count(family.differences)}",
        "variants": f"Data, averaged over the tokenizers: {_count(family.differences)}",
        "cells": f"Tokenizer with data: {_count(family.differences)}",
    }
    return Table(
        caption=captions[family.kind],
        columns=("Comparison", f"Difference, {metric.unit}", "p, corrected", "Better"),
        rows=tuple(_difference_row(difference, metric) for difference in family.differences),
    )


def _count(differences: Sequence[Difference]) -> str:
    return f"{len(differences)} comparisons" if len(differences) != 1 else "1 comparison"


def _difference_row(difference: Difference, metric: Metric) -> tuple[str, Interval, Interval, str]:
    return (
        f"{difference.first} \N{MINUS SIGN} {difference.second}",
        _interval(difference.estimate, metric),
        Interval(value=difference.p_corrected, digits=3),
        difference.better or "undecided",
    )


def notes(comparison: Comparison) -> tuple[str, ...]:
    """Return how to read the numbers, for somebody who was not there."""
    percent = f"{100 * comparison.confidence:g} %"
    return (
        f"Every score has two sources of chance: the seed of a training run, and which items happen to be in the test "
        f"set. A {percent} interval counts both. If the whole experiment were repeated with other seeds and other "
        f"items of the same kind, intervals made this way would hold the true score {percent} of the time. More seeds "
        f"narrow the first part only; more test items the second.",
        "Two choices are compared run by run (same seed) and item by item, so what makes an item hard for both cancels "
        "out. That is why a difference can be decided although the intervals of the two scores overlap, and why the "
        "differences, not the overlap, are to be read.",
        f"A difference is called decided if it would be rare by chance alone: p under {1 - comparison.confidence:.2g} "
        f"after Holm's correction over the comparisons of its table, because of many comparisons some look clear by "
        f"luck. Tables are not corrected for one another. Undecided does not mean equal: it means that this experiment "
        f"cannot tell, and the sentence says about how many seeds or items could, if the true difference is as large "
        f"as the measured one.",
        "Every run was trained on the same number of bytes of text, whatever its tokenizer makes of them. Bits per "
        "byte is the model's loss on held-out text divided by the bytes of that text, which makes tokenizers of "
        "different sizes comparable; loss per token would not be.",
    )
