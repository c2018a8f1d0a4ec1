"""A comparison in a terminal: a block for each task, with its scores and what they decide."""

import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING

from corpuskit.cli.console import WIDE, counted, print_text, width

if TYPE_CHECKING:
    from pretrain.compare import Comparison
    from pretrain.compare.results import Family, TaskComparison

AXES = {"tokenizers": "tokenizers", "variants": "data"}
"""Families of comparisons that are shown, and what they are about; single cells are in the report."""
LOSSY = "* loses text: its bits per byte cannot be compared"


def print_scores(comparison: "Comparison") -> None:
    """Print the tasks and the overall held-out sets, in at most `WIDE` columns; those by source are in the report."""
    tokenizers, variants, seeds = map(len, (comparison.tokenizers, comparison.variants, comparison.seeds))
    grid = f"{counted(tokenizers, 'tokenizer')} x {counted(variants, 'data variant')} x {counted(seeds, 'seed')}"
    interval = f"mean over seeds [{100 * comparison.confidence:g} % interval]" if seeds > 1 else "one seed: no interval"
    print_text(f"\n{grid}; {interval}\n")
    for task in comparison.overall:
        print_text("\n".join(block(task)) + "\n")


def block(task: "TaskComparison") -> Iterator[str]:
    """Yield the lines of one task: title, a row for each tokenizer and variant, a sentence for each axis."""
    yield from _wrapped(_title(task), "", "  ")
    cells = [("tokenizer", "data", "", ""), *_rows(task)]
    widths = [max(len(cell[column]) for cell in cells) for column in range(4)]
    for tokenizer, variant, mean, bounds in cells:
        row = f"  {tokenizer:<{widths[0]}}  {variant:<{widths[1]}}  {mean:>{widths[2]}}  {bounds:>{widths[3]}}"
        yield row.rstrip()
    if not all(row.comparable for row in task.rows):
        yield f"  {LOSSY}"
    for family in task.families:
        if family.kind in AXES:
            yield from _verdict(family)


def _title(task: "TaskComparison") -> str:
    from pretrain.compare.results import METRICS

    metric = METRICS[task.metric]
    better = "higher is better" if metric.higher_is_better else "lower is better"
    chance = f", chance {metric.show(task.chance)}" if task.chance else ""
    return f"{task.task}: {metric.label}, {better}{chance}"


def _rows(task: "TaskComparison") -> list[tuple[str, str, str, str]]:
    from pretrain.compare.results import METRICS

    metric = METRICS[task.metric]
    lowest, highest = metric.bounds
    rows = []
    for row in task.rows:
        found = row.estimate
        ends = () if found.low is None or found.high is None else (max(found.low, lowest), min(found.high, highest))
        bounds = f"[{', '.join(map(metric.show, ends))}]" if ends else ""
        mark = "" if row.comparable else " *"
        rows.append((row.cell.tokenizer + mark, row.cell.variant, metric.show(found.mean), bounds))
    return rows


def _verdict(family: "Family") -> Iterator[str]:
    yield from _wrapped(f"{AXES[family.kind]}: {family.headline}", "  → ", "    ")


def _wrapped(text: str, first: str, later: str) -> list[str]:
    columns = min(width(), WIDE)
    return textwrap.wrap(text, columns, initial_indent=first, subsequent_indent=later, break_long_words=False)
