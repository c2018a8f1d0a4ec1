"""Histograms of signals, in two passes over their values: what range they span, then how many lie in each bin.

Memory does not depend on the number of documents. Counts in bins, the smallest and the largest value are exact.
"""

from dataclasses import dataclass, field

import numpy as np

SHIFT = 16
"""Bits of a float32 that `Sketch` drops: 7 of the mantissa stay, so neighbouring cells differ by less than 1 %."""
CELLS = 1 << (32 - SHIFT)
TAIL = 0.002
"""Share of the values at either end that may lie outside the bins."""
DECADES = 2.0
"""Decades between the 1st and the 99th percentile from which a scale is logarithmic."""
SKEW = 8.0
"""How many medians the upper tail may lie away, until a scale is logarithmic."""
BINS = 36
"""About how many bins a histogram has."""
MOST_UNIT_BINS = 40
"""Range of integers up to which each has a bin of its own."""


@dataclass(eq=False)
class Sketch:
    """How values are spread, within 1 % of each value; integers up to 255 exactly."""

    documents: int = 0
    """All rows, also those without a value."""
    low: float = np.inf
    high: float = -np.inf
    zeros: int = 0
    whole: bool = True
    """Whether all values are integers."""
    cells: np.ndarray = field(default_factory=lambda: np.zeros(CELLS, np.int64))
    """Values by the upper bits of their float32, in the order of the numbers; int64[65536]."""

    @property
    def count(self) -> int:
        """The number of values."""
        return int(self.cells.sum())

    def add(self, values: np.ndarray, rows: int) -> None:
        """Count the values (float[m] or int[m], none NaN) of `rows` documents."""
        self.documents += rows
        if not values.size:
            return
        self.low, self.high = min(self.low, float(values.min())), max(self.high, float(values.max()))
        self.zeros += int((values == 0).sum())
        self.whole = self.whole and bool((values == np.floor(values)).all())
        self.cells += np.bincount(_cell(values), minlength=CELLS)

    def quantile(self, share: float) -> float:
        """Return about the smallest value that at least `share` of the values do not exceed."""
        place = np.searchsorted(np.cumsum(self.cells), max(share * self.count, 1))
        return float(np.clip(_value(np.array([place]))[0], self.low, self.high))

    def positive(self) -> "Sketch":
        """Return a sketch of the values above 0 alone."""
        cells = np.where(_value(np.arange(CELLS)) > 0, self.cells, 0)
        cells[_cell(np.zeros(1))] = 0
        return Sketch(self.documents, max(self.low, 0.0), self.high, 0, self.whole, cells)


def _cell(values: np.ndarray) -> np.ndarray:
    """Return the cell of each value; int64[m]. Flipping bits puts float32 in the order of the numbers."""
    bits = (values.astype(np.float32) + np.float32(0)).view(np.uint32)
    ordered = np.where(bits >> 31, ~bits, bits | np.uint32(1 << 31))
    return (ordered >> SHIFT).astype(np.int64)


def _value(cells: np.ndarray) -> np.ndarray:
    """Return the number nearest to 0 in each cell; float32[m]."""
    ordered = cells.astype(np.uint32) << SHIFT
    low = np.where(ordered >> 31, ordered & np.uint32(0x7FFFFFFF), ~ordered)
    return low.astype(np.uint32).view(np.float32)


@dataclass(eq=False)
class Histogram:
    """Values in bins: bin i holds those from edge i up to, but not with, edge i + 1."""

    edges: np.ndarray
    """float64[b + 1], rising."""
    log: bool
    counts: np.ndarray
    """int64[b]."""
    below: int = 0
    """Values under the first edge."""
    above: int = 0
    """Values at or over the last edge."""

    @classmethod
    def over(cls, sketch: Sketch, marks: tuple[float, ...] = ()) -> "Histogram | None":
        """Return empty bins for the values of a sketch; None where there is no value.

        Args:
            sketch: the values.
            marks: numbers that should lie within the bins, such as thresholds, unless that would squeeze the values.
        """
        if not sketch.count:
            return None
        log = _is_logarithmic(sketch)
        edges = _log_edges(sketch.positive(), marks) if log else _even_edges(sketch, marks)
        return cls(edges, log, np.zeros(edges.size - 1, np.int64))

    def add(self, values: np.ndarray) -> None:
        """Count values; on a logarithmic scale those of 0 lie under the first edge."""
        edges = self.edges.astype(np.float32) if values.dtype == np.float32 else self.edges
        places = np.searchsorted(edges, values, side="right")
        found = np.bincount(places, minlength=edges.size + 1)
        self.below += int(found[0])
        self.above += int(found[edges.size])
        self.counts += found[1 : edges.size]


def _is_logarithmic(sketch: Sketch) -> bool:
    if sketch.low < 0 or 2 * sketch.zeros > sketch.count or (sketch.whole and sketch.high - sketch.low <= BINS):
        return False
    positive = sketch.positive()
    low, middle, high, end = (positive.quantile(share) for share in (0.01, 0.5, 0.99, 1 - TAIL))
    return high >= 10**DECADES * low or end >= SKEW * middle


def _log_edges(sketch: Sketch, marks: tuple[float, ...]) -> np.ndarray:
    low, high = (np.log10(sketch.quantile(share)) for share in (TAIL, 1 - TAIL))
    near = [np.log10(mark) for mark in marks if mark > 0]
    low = min([low, *(mark for mark in near if mark > low - 1)])
    high = max([high, *(mark for mark in near if mark < high + 2)])
    per_decade = next(n for n in (50, 20, 10, 5, 2, 1) if n == 1 or (high - low) * n <= BINS * 1.2)
    first, last = np.floor(low * per_decade), np.floor(high * per_decade) + 1
    edges = 10 ** (np.arange(first, last + 1) / per_decade)
    return np.unique(np.ceil(edges)) if sketch.whole else edges


def _even_edges(sketch: Sketch, marks: tuple[float, ...]) -> np.ndarray:
    low, high = sketch.quantile(TAIL), sketch.quantile(1 - TAIL)
    span = high - low
    if span == 0:
        low, high, span = sketch.low, sketch.high, sketch.high - sketch.low
    near = [mark for mark in marks if low - span <= mark <= high + span]
    low, high = min([low, *near]), max([high, *near])
    if sketch.whole and high - low <= MOST_UNIT_BINS:
        return np.arange(np.floor(low), np.floor(high) + 2)
    step = round_step((high - low) / BINS or abs(low) / BINS or 1 / BINS)
    if sketch.whole:
        step = max(1.0, round(step))
    first, last = np.floor(low / step), np.floor(high / step) + 1
    return np.array([float(f"{place * step:.12g}") for place in np.arange(first, last + 1)])


def round_step(step: float) -> float:
    """Return the nearest number not below `step` among 1, 2, 2.5, 5 times a power of ten."""
    power = 10 ** np.floor(np.log10(step))
    factor = next(factor for factor in (1, 2, 2.5, 5, 10) if factor * power >= step * (1 - 1e-9))
    return float(factor * power)
