"""What the page of a corpus shows, as plain data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from corpuskit.report.data import FunnelStep, Table

Pieces = tuple[tuple[str, bool], ...]
"""Pieces of a text in order, each with whether it is marked."""


@dataclass(frozen=True, kw_only=True)
class Threshold:
    """A line across a histogram."""

    label: str
    """Whose it is, and which side passes: `filtered ≥ 50`."""
    value: float
    lower: bool
    """Whether it is the smallest value that passes rather than the largest."""
    removes: str
    """What lies beyond it, in words: `332 documents, 3.2 %`."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Distribution:
    """A signal's histogram."""

    title: str
    formula: str
    """What is counted, and divided by what; empty where it is not known."""
    edges: np.ndarray
    """float64[b + 1], rising."""
    counts: np.ndarray
    """int64[b]: documents from one edge up to the next."""
    log: bool = False
    whole: bool = False
    """Whether the values are integers."""
    thresholds: tuple[Threshold, ...] = ()
    note: str = ""
    """What the bars do not show: documents outside them, or without a value."""


@dataclass(frozen=True, kw_only=True)
class Removal:
    """What one rule removes: documents it alone removes, it first, and others first."""

    reason: str
    alone: int
    first: int
    """First, though other rules would remove them too."""
    later: int
    """Removed by an earlier rule already."""

    @property
    def failed(self) -> int:
        """All that fail the rule."""
        return self.alone + self.first + self.later


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A document that fails a rule."""

    title: str
    facts: Sequence[tuple[str, str]]
    """Name and value."""
    pieces: Sequence[tuple[str, bool]]
    """Its text, or parts of it, each with whether it is marked."""
    marked: str = ""
    """What the marks are."""


@dataclass(frozen=True, kw_only=True)
class RuleView:
    """One rule of a variant."""

    reason: str
    summary: str
    tables: tuple[Table, ...] = ()
    samples: tuple[Sample, ...] = ()


@dataclass(frozen=True, kw_only=True)
class VariantView:
    """What one variant's policy removes, and why."""

    name: str
    summary: str
    removals: tuple[Removal, ...] = ()
    """Rules that remove anything, in the order in which they are tried."""
    tables: tuple[Table, ...] = ()
    """Folded away below the chart."""
    rules: tuple[RuleView, ...] = ()


@dataclass(frozen=True, kw_only=True)
class PairView:
    """A document that stays and a copy that does not, side by side."""

    facts: Sequence[tuple[str, str]]
    """Name and value."""
    rows: tuple[tuple[Pieces, Pieces], ...]
    """The places that differ: what stays and what does not."""


@dataclass(frozen=True, kw_only=True)
class DuplicatesView:
    """What one search for duplicates found."""

    title: str
    summary: str
    sizes: Distribution | None
    """Clusters by their number of documents."""
    clusters: tuple[Sample, ...] = ()
    """The largest, with an excerpt."""
    pairs: tuple[PairView, ...] = ()
    kept_by: str = ""
    """The variant that the pairs are of."""


@dataclass(frozen=True, kw_only=True)
class CorpusPage:
    """All that the page of a corpus holds; empty parts are left out of it."""

    title: str
    summary: str
    funnel: tuple[FunnelStep, ...] = ()
    variants: tuple[VariantView, ...] = ()
    duplicates: tuple[DuplicatesView, ...] = ()
    judged: tuple[Distribution, ...] = ()
    """Signals that rules read."""
    others: tuple[Distribution, ...] = ()
    """Other signals."""
    quantiles: Table | None = None
    breakdowns: tuple[Table, ...] = ()
    notes: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
