"""Runs in, comparison out: tables per cell, paired differences, effects of each axis."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations

import numpy as np

from corpuskit.errors import nearest
from pretrain.compare.decision import Contrast, Standard, estimate, judge
from pretrain.compare.grid import Cell
from pretrain.compare.results import (
    METRICS,
    CellScore,
    Comparison,
    Family,
    Outcome,
    RunScores,
    Score,
    TaskComparison,
)
from pretrain.compare.statistics import Spread, linearise, spread_of, two_way

Scores = Mapping[Cell, Score]
WEIGHTS_APART = 0.1
"""Documents are scored up to the token in which their limit lies, so their bytes differ a little between tokenizers.
Weights that differ by more than this share are those of other documents."""


def summarise(runs: Sequence[RunScores], standard: Standard | None = None, baseline: Cell | None = None) -> Comparison:
    """Compare the finished runs of a grid.

    Cells may lack seeds (a run that failed): each comparison uses the seeds that all its cells have.

    Args:
        runs: one for each finished (cell, seed), in the order in which tables list tokenizers and variants.
        standard: confidence and power; 95 % and 80 % by default.
        baseline: compare every cell with this one, instead of all pairs.

    Raises:
        ValueError: no run, a (cell, seed) twice, an unknown metric, or runs that were scored on different items.
    """
    if not runs:
        raise ValueError("there is no run to compare")
    standard = standard or Standard()
    names = list(dict.fromkeys((outcome.task, outcome.metric) for run in runs for outcome in run.outcomes))
    return Comparison(
        tokenizers=tuple(dict.fromkeys(run.cell.tokenizer for run in runs)),
        variants=tuple(dict.fromkeys(run.cell.variant for run in runs)),
        seeds=tuple(sorted({run.seed for run in runs})),
        confidence=standard.confidence,
        tasks=tuple(_task(task, metric, runs, standard, baseline) for task, metric in names),
    )


def _task(
    task: str, metric: str, runs: Sequence[RunScores], standard: Standard, baseline: Cell | None
) -> TaskComparison:
    scores = collect(task, metric, runs)
    first = next(outcome for _, outcome in _outcomes(task, metric, runs))
    return TaskComparison(
        task=task,
        metric=metric,
        chance=first.chance,
        source=first.source,
        rows=tuple(_row(cell, score, standard.confidence) for cell, score in scores.items()),
        families=_families(metric, scores, standard, baseline),
    )


def _row(cell: Cell, score: Score, confidence: float) -> CellScore:
    return CellScore(
        cell=cell,
        seeds=score.seeds,
        values=tuple(score.values.tolist()),
        estimate=estimate(spread_of(score.values, score.items, score.weights), confidence),
        comparable=score.comparable,
    )


def _families(metric: str, scores: Scores, standard: Standard, baseline: Cell | None) -> tuple[Family, ...]:
    fair = {cell: score for cell, score in scores.items() if score.comparable}
    kinds = {
        "tokenizers": _axis_contrasts(fair, "tokenizer"),
        "variants": _axis_contrasts(fair, "variant"),
        "cells": _cell_contrasts(fair, baseline),
    }
    return tuple(judge(kind, found, METRICS[metric], standard) for kind, found in kinds.items() if found)


def _axis_contrasts(scores: Scores, axis: str) -> list[Contrast]:
    """Compare the levels of one axis, each averaged over the levels of the other axis that both have."""
    other = "variant" if axis == "tokenizer" else "tokenizer"
    levels: dict[str, dict[str, Cell]] = {}
    for cell in scores:
        levels.setdefault(getattr(cell, axis), {})[getattr(cell, other)] = cell
    found = []
    for first, second in combinations(levels, 2):
        shared = [name for name in levels[first] if name in levels[second]]
        if shared:
            coefficients = {levels[first][name]: 1 / len(shared) for name in shared}
            coefficients |= {levels[second][name]: -1 / len(shared) for name in shared}
            found += _contrast(first, second, scores, coefficients)
    return found


def _cell_contrasts(scores: Scores, baseline: Cell | None) -> list[Contrast]:
    """Compare every cell with the baseline, or all pairs of cells where there is none (or it has no score here).

    All pairs on a grid with one tokenizer or one variant would repeat the effects of the other axis: none is returned.
    """
    if baseline is not None and baseline in scores:
        pairs = [(cell, baseline) for cell in scores if cell != baseline]
    elif min(len({cell.tokenizer for cell in scores}), len({cell.variant for cell in scores})) > 1:
        pairs = list(combinations(scores, 2))
    else:
        return []
    return [
        contrast
        for first, second in pairs
        for contrast in _contrast(first.label, second.label, scores, {first: 1.0, second: -1.0})
    ]


def _contrast(first: str, second: str, scores: Scores, coefficients: Mapping[Cell, float]) -> list[Contrast]:
    found = contrast(scores, coefficients)
    return [] if found is None else [Contrast(first=first, second=second, spread=found)]


def contrast(scores: Scores, coefficients: Mapping[Cell, float]) -> Spread | None:
    """Estimate a weighted sum of cells' scores, paired by seed and by item.

    Args:
        scores: the score of each cell on one task.
        coefficients: +1 and -1 for a difference of two cells, +1/2, +1/2, -1/2, -1/2 for an effect over two variants.

    Returns:
        None where the cells have no seed in common. Without per-item scores of every cell, the seeds alone count. Each
        cell's ratio is linearised under its own weights, so the mean is the difference of the shown scores, exactly.
    """
    parts = [(scores[cell], factor) for cell, factor in coefficients.items()]
    seeds = sorted(set.intersection(*(set(score.seeds) for score, _ in parts)))
    if not seeds:
        return None
    values = np.zeros(len(seeds))
    items: np.ndarray | None = np.zeros(())
    effective = np.inf
    for score, factor in parts:
        rows = [score.seeds.index(seed) for seed in seeds]
        values = values + factor * score.values[rows]
        if items is None or score.items is None:
            items = None
            continue
        linear, size = linearise(score.items[rows], score.weights)
        items, effective = items + factor * linear, min(effective, size)
    return spread_of(values) if items is None else two_way(items, effective)


def collect(task: str, metric: str, runs: Sequence[RunScores]) -> dict[Cell, Score]:
    """Gather the runs' outcomes on one task by cell, seeds in rising order; cells keep the order of the runs.

    Raises:
        ValueError: a (cell, seed) twice, an unknown metric, runs that were scored on different items.
    """
    if metric not in METRICS:
        raise ValueError(f"{task}: unknown metric {metric!r}{nearest(metric, METRICS)}")
    found: dict[Cell, dict[int, Outcome]] = {}
    first: Outcome | None = None
    for run, outcome in _outcomes(task, metric, runs):
        by_seed = found.setdefault(run.cell, {})
        if run.seed in by_seed:
            raise ValueError(f"{task}: {run.cell.label} has two runs of seed {run.seed}")
        by_seed[run.seed] = outcome
        if outcome.items is not None:
            first = first or outcome
            _check_items(outcome, first)
    return {cell: _stack(by_seed) for cell, by_seed in found.items()}


def _outcomes(task: str, metric: str, runs: Iterable[RunScores]) -> Iterator[tuple[RunScores, Outcome]]:
    for run in runs:
        for outcome in run.outcomes:
            if (outcome.task, outcome.metric) == (task, metric):
                yield run, outcome


def _check_items(outcome: Outcome, first: Outcome) -> None:
    """Refuse an outcome that is not about the same items as the first one, or is not the mean of its items."""
    assert outcome.items is not None
    assert first.items is not None
    if outcome.items.shape != first.items.shape:
        raise ValueError(f"{outcome.task}: runs were scored on {len(first.items)} and on {len(outcome.items)} items")
    if not _alike(outcome, first):
        raise ValueError(f"{outcome.task}: runs were scored on items of different weights")
    mean = float(np.average(outcome.items.astype(np.float64), weights=outcome.weights))
    if not np.isclose(mean, outcome.value, rtol=1e-4, atol=1e-6):
        raise ValueError(f"{outcome.task}: the score is {outcome.value}, but its items average {mean}")


def _alike(outcome: Outcome, first: Outcome) -> bool:
    """Whether two outcomes weigh their items alike, but for what the length of one token makes (`WEIGHTS_APART`)."""
    if outcome.weights is None or first.weights is None:
        return outcome.weights is first.weights
    return bool(np.abs(outcome.weights - first.weights).sum() <= WEIGHTS_APART * first.weights.sum())


def _stack(by_seed: Mapping[int, Outcome]) -> Score:
    seeds = tuple(sorted(by_seed))
    outcomes = [by_seed[seed] for seed in seeds]
    items = [outcome.items for outcome in outcomes if outcome.items is not None]
    return Score(
        task=outcomes[0].task,
        metric=outcomes[0].metric,
        seeds=seeds,
        values=np.array([outcome.value for outcome in outcomes], np.float64),
        items=np.stack(items).astype(np.float32) if len(items) == len(outcomes) else None,
        weights=outcomes[0].weights,
        comparable=all(outcome.comparable for outcome in outcomes),
    )
