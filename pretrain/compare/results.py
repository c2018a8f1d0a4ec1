"""What runs scored and what the comparison found; saved as comparison.json."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType

import numpy as np
import orjson
from pydantic import TypeAdapter, ValidationError

from corpuskit import storage
from corpuskit.errors import ArtifactError
from corpuskit.report import Verdict
from pretrain.compare.grid import Cell

FORMAT_VERSION = 1
NAME = "comparison.json"


@dataclass(frozen=True, kw_only=True)
class Metric:
    """How a metric is shown and which way is better."""

    name: str
    label: str
    """For headings, such as `accuracy, %`."""
    unit: str
    """For differences, such as `points`."""
    scale: float
    """Scores and differences are shown times this."""
    digits: int
    sign: str = ""
    """Follows a score in a sentence, such as ` %`."""
    higher_is_better: bool
    bounds: tuple[float, float]
    """Between which scores lie: intervals are shown up to there."""

    def show(self, value: float, signed: bool = False) -> str:
        """Return a score or a difference as text, scaled, without a unit; a true minus sign, never `-0.0`."""
        return f"{value * self.scale:{'+' if signed else ''}z.{self.digits}f}".replace("-", "\N{MINUS SIGN}")


METRICS: Mapping[str, Metric] = MappingProxyType(
    {
        metric.name: metric
        for metric in (
            Metric(
                name="accuracy",
                label="accuracy, %",
                unit="points",
                scale=100,
                digits=1,
                sign=" %",
                higher_is_better=True,
                bounds=(0.0, 1.0),
            ),
            Metric(
                name="bits_per_byte",
                label="bits per byte",
                unit="bits per byte",
                scale=1,
                digits=3,
                higher_is_better=False,
                bounds=(0.0, math.inf),
            ),
        )
    }
)
"""Every metric by name. A masked model's loss is none of them: tokenizers cannot be compared by it."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Outcome:
    """One run's score on one task."""

    task: str
    metric: str
    """A name of `METRICS`."""
    value: float
    items: np.ndarray | None = None
    """float32[n], the score on each independent test item (see `pretrain.downstream.by_unit`), in an order that all
    runs share; its (weighted) mean is `value`."""
    weights: np.ndarray | None = None
    """float64[n], the items' weights: bytes of each document for bits per byte, a little different for each tokenizer;
    items of each unit for accuracy. None for equal weights."""
    chance: float | None = None
    """What a constant answer scores."""
    comparable: bool = True
    """False for bits per byte under a tokenizer that loses text: shown, never compared."""
    source: str | None = None
    """The source that a held-out set is limited to; None for a result that answers for the whole."""


@dataclass(frozen=True, kw_only=True, eq=False)
class RunScores:
    """All that one run of the grid scored."""

    cell: Cell
    seed: int
    outcomes: tuple[Outcome, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class Score:
    """One cell's scores on one task, over its seeds."""

    task: str
    metric: str
    seeds: tuple[int, ...]
    """Seeds in rising order, S of them."""
    values: np.ndarray
    """float64[S]"""
    items: np.ndarray | None = None
    """float32[S, n], or None where a run has no per-item scores."""
    weights: np.ndarray | None = None
    """float64[n] or None."""
    comparable: bool = True

    @property
    def higher_is_better(self) -> bool:
        """Whether a larger value is the better one."""
        return METRICS[self.metric].higher_is_better


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A mean over seeds and items with its interval, in the metric's own units (accuracy: 0 to 1)."""

    mean: float
    low: float | None
    """Interval; None where it cannot be estimated (one seed)."""
    high: float | None
    standard_error: float | None
    seed_share: float | None
    """The seeds' share of the variance, 0 to 1: the rest is the test items', which more seeds do not reduce."""
    seeds: int
    items: int
    """Test items behind the interval; 0 where it rests on the seeds alone."""


@dataclass(frozen=True, kw_only=True)
class CellScore:
    """One row of a task's table."""

    cell: Cell
    seeds: tuple[int, ...]
    values: tuple[float, ...]
    """The score of each seed."""
    estimate: Estimate
    comparable: bool


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One comparison: the estimate is of `first` minus `second`."""

    first: str
    second: str
    estimate: Estimate
    p: float
    p_corrected: float
    """After Holm's correction over the comparisons of its family."""
    better: str | None
    """The better of the two where that is decided, else None."""
    seeds_needed: int | None
    """For open questions: about how many seeds would decide a difference of this size; None: not known, or none."""
    items_needed: int | None
    """For open questions that no number of seeds decides: about how many test items would be needed, at least."""
    sentence: str


@dataclass(frozen=True, kw_only=True)
class Family:
    """The comparisons of one kind on one task, corrected together."""

    kind: str
    """`tokenizers` (averaged over variants), `variants` (averaged over tokenizers) or `cells`."""
    headline: str
    verdict: Verdict
    differences: tuple[Difference, ...]


@dataclass(frozen=True, kw_only=True)
class TaskComparison:
    """All about one task."""

    task: str
    metric: str
    chance: float | None
    rows: tuple[CellScore, ...]
    families: tuple[Family, ...]
    source: str | None = None
    """The source that a held-out set is limited to: told in a table of its own, no part of the answers."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """The result of a grid; JSON-able."""

    tokenizers: tuple[str, ...]
    variants: tuple[str, ...]
    seeds: tuple[int, ...]
    confidence: float
    tasks: tuple[TaskComparison, ...]
    format_version: int = FORMAT_VERSION

    @property
    def overall(self) -> tuple[TaskComparison, ...]:
        """The tasks that answer for the whole: all but those by source."""
        return tuple(task for task in self.tasks if task.source is None)

    @property
    def by_source(self) -> tuple[TaskComparison, ...]:
        """The held-out sets that are limited to one source."""
        return tuple(task for task in self.tasks if task.source is not None)

    @property
    def headlines(self) -> list[str]:
        """One sentence for each overall task and axis of the grid: what was decided, or not."""
        return [
            f"{task.task}: {family.headline}"
            for task in self.overall
            for family in task.families
            if family.kind != "cells"
        ]

    def save(self, path: str) -> None:
        """Commit the comparison to a JSON file."""
        storage.commit(path, orjson.dumps(asdict(self), option=orjson.OPT_INDENT_2))


def load(path: str) -> Comparison:
    """Read a saved comparison.

    Raises:
        InputError: the file cannot be read.
        ArtifactError: it is not a comparison of this format version.
    """
    try:
        found = TypeAdapter(Comparison).validate_json(storage.read_bytes(path))
    except ValidationError as error:
        raise ArtifactError(f"{path} is not a comparison: {error.errors()[0]['msg']}") from error
    if found.format_version != FORMAT_VERSION:
        raise ArtifactError(f"{path} has format version {found.format_version}; this corpuskit reads {FORMAT_VERSION}")
    return found
