"""Histograms as SVG texts, written directly: a page has a hundred, and altair takes a quarter of a second for one.

They look as the other charts do: colours of the page, text in `currentColor`.
"""

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from corpuskit.report.drawing import FONT

HEIGHT = 130
"""Height of the bars, CSS pixels."""
LEFT, RIGHT, TOP, BOTTOM = 48, 20, 8, 24
"""Room for the labels around the bars, CSS pixels."""
LABEL_ROOM = 70
"""About how far apart labels of the lower axis are, CSS pixels."""
FEW_LABELS = 3
"""Powers of ten below which a logarithmic axis has labels between them."""
PREFIXES = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


@dataclass(frozen=True, eq=False)
class Bars:
    """What is drawn."""

    edges: np.ndarray
    """float64[b + 1], rising; above 0 where `log`."""
    counts: np.ndarray
    """int64[b]."""
    lines: Sequence[float]
    """Where thresholds lie; those outside the edges are left out."""
    log: bool
    whole: bool
    """Whether values are integers."""
    spiked: bool
    """Whether heights are square roots."""

    def x(self, value: float, width: int) -> float:
        """Return how far to the right a value lies."""
        low, high, at = self._scaled(self.edges[0]), self._scaled(self.edges[-1]), self._scaled(value)
        return LEFT + (width - LEFT - RIGHT) * (at - low) / (high - low)

    def y(self, count: float, most: float) -> float:
        """Return how far down a count lies."""
        share = count / most if most else 0.0
        return TOP + HEIGHT * (1 - (math.sqrt(share) if self.spiked else share))

    def _scaled(self, value: float) -> float:
        return math.log10(value) if self.log else float(value)


def draw(bars: Bars, width: int, alt: str) -> str:
    """Return a histogram of `width` CSS pixels; `alt` stands for it where it cannot be seen."""
    step = nice_step(max(float(bars.counts.max(initial=0)), 1.0) / 3)
    step = max(step, 1.0)
    most = step * math.ceil(max(float(bars.counts.max(initial=0)), 1.0) / step)
    height = TOP + HEIGHT + BOTTOM
    parts = [
        f'<svg role="img" aria-label="{html.escape(alt)}" xmlns="http://www.w3.org/2000/svg" width="{width}" '
        f'height="{height}" viewBox="0 0 {width} {height}" font-family="{FONT}" font-size="12" fill="currentColor">',
        *_grid(bars, width, most, step),
        f'<path fill="var(--accent-soft)" d="{_outline(bars, width, most)}"/>',
        *_labels(bars, width),
        *_thresholds(bars, width),
        "</svg>",
    ]
    return "".join(parts)


def _grid(bars: Bars, width: int, most: float, step: float) -> list[str]:
    """Return a line and a label for each round number of documents."""
    parts = []
    for place in range(round(most / step) + 1):
        y = f"{bars.y(place * step, most):.1f}"
        parts.append(f'<path stroke="currentColor" stroke-opacity=".12" d="M{LEFT} {y}H{width - RIGHT}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y}" dy=".32em" text-anchor="end">{short(place * step)}</text>')
    return parts


def _outline(bars: Bars, width: int, most: float) -> str:
    """Return all bars as one path; each keeps a pixel free on its right, where it has more than two."""
    parts = []
    for place in np.flatnonzero(bars.counts):
        left, right = (bars.x(bars.edges[place + side], width) for side in (0, 1))
        right -= 1.0 if right - left > 2 else 0.0
        parts.append(f"M{left:.1f} {TOP + HEIGHT}V{bars.y(bars.counts[place], most):.1f}H{right:.1f}V{TOP + HEIGHT}Z")
    return "".join(parts)


def _labels(bars: Bars, width: int) -> list[str]:
    parts = []
    for value in ticks(bars, max((width - LEFT - RIGHT) // LABEL_ROOM, 2)):
        x, y = f"{bars.x(value, width):.1f}", TOP + HEIGHT
        parts.append(f'<path stroke="currentColor" stroke-opacity=".3" d="M{x} {y}v5"/>')
        parts.append(f'<text x="{x}" y="{y + 19}" text-anchor="middle">{short(value)}</text>')
    return parts


def _thresholds(bars: Bars, width: int) -> list[str]:
    inside = [value for value in dict.fromkeys(bars.lines) if bars.edges[0] <= value <= bars.edges[-1]]
    return [
        f'<path stroke="var(--c1)" stroke-width="1.5" stroke-dasharray="4 3" '
        f'd="M{bars.x(value, width):.1f} {TOP}V{TOP + HEIGHT}"/>'
        for value in inside
    ]


def ticks(bars: Bars, most: int) -> list[float]:
    """Return about `most` round numbers, at most twice as many, that lie between the edges; at least one of them."""
    low, high = float(bars.edges[0]), float(bars.edges[-1])
    if bars.log:
        return _log_ticks(low, high, most)
    step = nice_step((high - low) / most)
    if bars.whole:
        step = max(1.0, step)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(place * step, 12) for place in range(first, last + 1)] or [low]


def _log_ticks(low: float, high: float, most: int) -> list[float]:
    first, last = math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9)
    powers = [float(f"1e{power}") for power in range(first, last + 1)]
    if len(powers) >= FEW_LABELS:
        return powers[:: -(-len(powers) // (most + 1))]
    between = [factor * 10.0**power for power in range(first - 1, last + 1) for factor in (1, 2, 5)]
    return [float(f"{value:.12g}") for value in between if low * (1 - 1e-9) <= value <= high * (1 + 1e-9)] or [low]


def nice_step(step: float) -> float:
    """Return the nearest number not below `step` among 1, 2 and 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(step))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= step * (1 - 1e-9))


def short(value: float) -> str:
    """Return a number as a label: `0.05`, `250`, `1.5k`, `20M`."""
    for unit, prefix in PREFIXES:
        if abs(value) >= unit:
            return f"{value / unit:.4g}{prefix}"
    return f"{value:.6g}"
