"""What a report shows, as plain data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

Verdict = Literal["decided", "partly", "undecided"]


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A value with its interval; without bounds where none can be given (one seed)."""

    value: float
    low: float | None = None
    high: float | None = None
    digits: int = 1
    """Decimals to show."""


Cell = str | int | float | Interval | None
"""What a table cell holds; None is shown as a dash."""


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table; numbers are aligned right, text left."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(f"table {self.caption!r}: a row of {len(row)} cells under {len(self.columns)} columns")


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One answer: a sentence, whether it is decided, and what it rests on."""

    topic: str
    """What was asked, such as `Tokenizers by topic accuracy`."""
    sentence: str
    verdict: Verdict
    details: tuple[str, ...] = ()
    """One sentence for each comparison behind it."""


@dataclass(frozen=True, kw_only=True)
class Point:
    """One dot with its interval, and the scores it averages."""

    group: str
    """Shown by colour: the tokenizer."""
    row: str
    """Shown by place: the variant."""
    interval: Interval
    values: tuple[float, ...] = ()
    """The score of each seed, shown as small ticks."""


@dataclass(frozen=True, kw_only=True)
class Result:
    """One task: a chart of every cell, its table, and what else there is to say."""

    title: str
    axis: str
    """The axis title, with unit and which way is better."""
    points: tuple[Point, ...]
    tables: tuple[Table, ...]
    more: tuple[Table, ...] = ()
    """Tables that are folded away."""
    reference: float | None = None
    """What a constant answer scores (chance): a line across the chart where it lies near the points."""
    description: str = ""


@dataclass(frozen=True, kw_only=True)
class Curve:
    """One training run: `y` over `x`."""

    group: str
    """Shown by colour: the tokenizer."""
    panel: str
    """Shown by panel: the variant."""
    run: str
    """Tells apart the lines of one group: the seed."""
    x: tuple[float, ...]
    y: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self.x or len(self.x) != len(self.y):
            raise ValueError(f"curve {self.group} {self.run}: {len(self.x)} x and {len(self.y)} y values")


@dataclass(frozen=True, kw_only=True)
class Curves:
    """Training curves, at least one, with their axis titles."""

    x_title: str
    y_title: str
    curves: tuple[Curve, ...]


@dataclass(frozen=True, kw_only=True)
class FunnelStep:
    """What is left after one step."""

    name: str
    """Unique in its funnel."""
    documents: int
    bytes: int
    branch: bool = False
    """True for the data variants at the end, each of which takes from the step before."""


@dataclass(frozen=True, kw_only=True)
class Drop:
    """Documents that a variant leaves out for one reason, the first rule they failed."""

    variant: str
    reason: str
    documents: int


@dataclass(frozen=True, kw_only=True)
class ReportData:
    """All that a report page holds; empty parts are left out of the page."""

    title: str
    summary: str = ""
    """One or two sentences: what was compared, on what."""
    findings: tuple[Finding, ...] = ()
    results: tuple[Result, ...] = ()
    curves: Curves | None = None
    funnel: tuple[FunnelStep, ...] = ()
    drops: tuple[Drop, ...] = ()
    contamination: tuple[Table, ...] = ()
    """Evaluation items in the training text: counts, then which."""
    tokenizers: Table | None = None
    costs: Table | None = None
    notes: Sequence[str] = ()
    """How to read the numbers: paragraphs."""
    recipe: str = ""
    """YAML."""
    environment: Mapping[str, str] = field(default_factory=dict)
