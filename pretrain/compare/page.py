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
BITS_PER_BYTE = (
    "Bits per byte is the model's loss on held-out text divided by the bytes of that text, which makes tokenizers of "
    "different sizes comparable; loss per token would not be. Its items are documents, weighted by their bytes."
)
LOSSY_MARK = " *"
LOSSY_NOTE = "* This tokenizer loses text, so its bits per byte cannot be compared."
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
        title=_title(task.task),
        axis=f"{metric.label} ({DIRECTIONS[metric.higher_is_better]})",
        points=tuple(_point(row, metric) for row in shown),
        tables=(scores_table(task, comparison),),
        more=tuple(_family_table(family, metric) for family in task.families),
        reference=None if task.chance is None else task.chance * metric.scale,
        description=_description(task, metric),
    )


def _title(name: str) -> str:
    return name[:1].upper() + name[1:]


def _description(task: TaskComparison, metric: Metric) -> str:
    items = max(row.estimate.items for row in task.rows)
    parts = [
        f"{items:,} test items." if items else "",
        f"Chance: {metric.show(task.chance)}{metric.sign}." if task.chance else "",
    ]
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


def summary_table(comparison: Comparison) -> Table:
    """Return all scores in one table, a row for each cell and a column for each task: for terminals and documents."""
    found = {(row.cell, index): row for index, task in enumerate(comparison.tasks) for row in task.rows}
    cells = list(dict.fromkeys(cell for cell, _ in found))
    metrics = [METRICS[task.metric] for task in comparison.tasks]
    rows = []
    for cell in cells:
        scores = [found.get((cell, index)) for index in range(len(metrics))]
        shown = [
            None if score is None else _interval(score.estimate, metric)
            for score, metric in zip(scores, metrics, strict=True)
        ]
        mark = "" if all(score is None or score.comparable for score in scores) else LOSSY_MARK
        rows.append((cell.tokenizer + mark, cell.variant, *shown))
    names = (f"{task.task}, {metric.label}" for task, metric in zip(comparison.tasks, metrics, strict=True))
    return Table(
        caption=f"Scores, {_seeds(comparison, comparison.tasks)}",
        columns=("Tokenizer", "Data", *names),
        rows=tuple(rows),
        note=_lossy_note(comparison.tasks),
    )


def _seeds(comparison: Comparison, tasks: Sequence[TaskComparison]) -> str:
    """Say what scores average over: `mean of 3 seeds [95 % interval]`."""
    most = len(comparison.seeds)
    if most == 1:
        return "one seed, no interval"
    fewest = min(len(row.seeds) for task in tasks for row in task.rows)
    counts = f"{fewest} to {most}" if fewest < most else f"{most}"
    return f"mean of {counts} seeds [{100 * comparison.confidence:g} % interval]"


def _lossy_note(tasks: Sequence[TaskComparison]) -> str:
    return "" if all(row.comparable for task in tasks for row in task.rows) else LOSSY_NOTE


def scores_table(task: TaskComparison, comparison: Comparison) -> Table:
    """Return a task's scores, a row for each tokenizer and a column for each variant."""
    metric = METRICS[task.metric]
    found = {(row.cell.tokenizer, row.cell.variant): row for row in task.rows}
    rows = []
    for tokenizer in comparison.tokenizers:
        scores = [found.get((tokenizer, variant)) for variant in comparison.variants]
        mark = "" if all(score is None or score.comparable for score in scores) else LOSSY_MARK
        rows.append(
            (tokenizer + mark, *(None if score is None else _interval(score.estimate, metric) for score in scores))
        )
    return Table(
        caption=f"{_title(task.task)}: {metric.label}, {_seeds(comparison, [task])}",
        columns=("Tokenizer", *comparison.variants),
        rows=tuple(rows),
        note=_lossy_note([task]),
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
        Interval(value=difference.p_corrected, digits=4),
        difference.better or "undecided",
    )


def notes(comparison: Comparison) -> tuple[str, ...]:
    """Return how to read the numbers, for somebody who was not there."""
    percent = f"{100 * comparison.confidence:g} %"
    texts = (
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
        "Every run was trained on the same number of bytes of text, whatever its tokenizer makes of them.",
    )
    return (*texts, BITS_PER_BYTE) if any(task.metric == "bits_per_byte" for task in comparison.tasks) else texts
