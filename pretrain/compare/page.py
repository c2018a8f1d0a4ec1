"""A comparison as parts of a report: findings, charts, tables, how to read them."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

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
        for task in comparison.overall
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
    """Return a chart and the tables of every overall task, then one table of all held-out sets by source."""
    found = [_result(task, comparison) for task in comparison.overall]
    if comparison.by_source:
        found.append(_by_source(comparison))
    return tuple(found)


def _by_source(comparison: Comparison) -> Result:
    return Result(
        title="Held-out text by source",
        axis="",
        points=(),
        tables=(source_table(comparison),),
        description="These intervals rest on fewer documents, and their differences are not judged.",
    )


def source_table(comparison: Comparison) -> Table:
    """Return the scores on each source, a row for each set and tokenizer and a column for each variant."""
    tasks = comparison.by_source
    rows = [(task.task, *row) for task in tasks for row in _rows(task, comparison)]
    labels = ", ".join(dict.fromkeys(METRICS[task.metric].label for task in tasks))
    return Table(
        caption=f"By source: {labels}, {_seeds(comparison, tasks)}",
        columns=("Text", "Tokenizer", *comparison.variants),
        rows=tuple(rows),
        note=_lossy_note(tasks),
    )


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
    items = max((row.estimate.items for row in task.rows), default=0)
    parts = [
        f"{items:,} independent test items." if items else "",
        f"Chance: {metric.show(task.chance)}{metric.sign}." if task.chance else "",
    ]
    return " ".join(part for part in parts if part)


def _point(row: CellScore, metric: Metric) -> Point:
    return Point(
        group=row.cell.tokenizer,
        row=row.cell.variant,
        interval=_score(row, metric),
        values=tuple(value * metric.scale for value in row.values),
    )


def _score(row: CellScore, metric: Metric) -> Interval:
    """Return a score; its interval, which knows no bounds, ends where scores do."""
    shown = _interval(row.estimate, metric)
    lowest, highest = (bound * metric.scale for bound in metric.bounds)
    return replace(
        shown,
        low=None if shown.low is None else max(shown.low, lowest),
        high=None if shown.high is None else min(shown.high, highest),
    )


def _interval(found: Estimate, metric: Metric) -> Interval:
    return Interval(
        value=found.mean * metric.scale,
        low=None if found.low is None else found.low * metric.scale,
        high=None if found.high is None else found.high * metric.scale,
        digits=metric.digits,
    )


def summary_table(comparison: Comparison) -> Table:
    """Return all overall scores in one table, a row for each cell and a column for each task: for terminals."""
    tasks = comparison.overall
    found = {(row.cell, index): row for index, task in enumerate(tasks) for row in task.rows}
    cells = list(dict.fromkeys(cell for cell, _ in found))
    metrics = [METRICS[task.metric] for task in tasks]
    rows = []
    for cell in cells:
        scores = [found.get((cell, index)) for index in range(len(metrics))]
        shown = [
            None if score is None else _score(score, metric) for score, metric in zip(scores, metrics, strict=True)
        ]
        mark = "" if all(score is None or score.comparable for score in scores) else LOSSY_MARK
        rows.append((cell.tokenizer + mark, cell.variant, *shown))
    names = (f"{task.task}, {metric.label}" for task, metric in zip(tasks, metrics, strict=True))
    return Table(
        caption=f"Scores, {_seeds(comparison, tasks)}",
        columns=("Tokenizer", "Data", *names),
        rows=tuple(rows),
        note=_lossy_note(tasks),
    )


def _seeds(comparison: Comparison, tasks: Sequence[TaskComparison]) -> str:
    """Say what scores average over: `mean of 3 seeds [95 % interval]`."""
    most = len(comparison.seeds)
    counts_by_row = [len(row.seeds) for task in tasks for row in task.rows]
    if not counts_by_row:
        return "none yet"
    if most == 1:
        return "one seed, no interval"
    fewest = min(counts_by_row)
    counts = f"{fewest} to {most}" if fewest < most else f"{most}"
    return f"mean of {counts} seeds [{100 * comparison.confidence:g} % interval]"


def _lossy_note(tasks: Sequence[TaskComparison]) -> str:
    return "" if all(row.comparable for task in tasks for row in task.rows) else LOSSY_NOTE


def scores_table(task: TaskComparison, comparison: Comparison) -> Table:
    """Return a task's scores, a row for each tokenizer and a column for each variant."""
    return Table(
        caption=f"{_title(task.task)}: {METRICS[task.metric].label}, {_seeds(comparison, [task])}",
        columns=("Tokenizer", *comparison.variants),
        rows=tuple(_rows(task, comparison)),
        note=_lossy_note([task]),
    )


def _rows(task: TaskComparison, comparison: Comparison) -> Iterator[tuple[str | Interval | None, ...]]:
    """Yield (tokenizer, the score of each variant)."""
    metric = METRICS[task.metric]
    found = {(row.cell.tokenizer, row.cell.variant): row for row in task.rows}
    for tokenizer in comparison.tokenizers:
        scores = [found.get((tokenizer, variant)) for variant in comparison.variants]
        mark = "" if all(score is None or score.comparable for score in scores) else LOSSY_MARK
        yield tokenizer + mark, *(None if score is None else _score(score, metric) for score in scores)


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
        "differences, not the overlap, are to be read. Items that hang together, such as excerpts of one document or "
        "pairs that mirror each other, count as one.",
        f"A difference is called decided if it would be rare by chance alone: p under {1 - comparison.confidence:.2g} "
        f"after Holm's correction over the comparisons of its table, because of many comparisons some look clear by "
        f"luck. Tables are not corrected for one another. Undecided does not mean equal: it means that this experiment "
        f"cannot tell, and the sentence says about how many seeds or items could, if the true difference is as large "
        f"as the measured one.",
        "Every run was trained on the same number of bytes of text, whatever its tokenizer makes of them.",
    )
    return (*texts, BITS_PER_BYTE) if any(task.metric == "bits_per_byte" for task in comparison.tasks) else texts
