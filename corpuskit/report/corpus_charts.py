"""Charts of a corpus page: what rules remove, and histograms with thresholds."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from corpuskit.report import histogram_svg
from corpuskit.report.corpus_data import Distribution, Removal, Threshold
from corpuskit.report.drawing import LETTER, NARROW, ROW, WIDE, Chart, altair_module, draw
from corpuskit.report.histogram_svg import Bars

PARTS = {
    "this rule alone": ("alone", "var(--accent)"),
    "this rule first, others too": ("first", "var(--accent-soft)"),
    "an earlier rule, this one too": ("later", "var(--line)"),
}
"""Legend -> field of a removal and colour, from left to right."""


def removals(rows: Sequence[Removal], name: str) -> Chart:
    """Draw what each rule removes: a bar of all documents that fail it, by who else removes them."""
    alt = altair_module()
    values = [
        {"row": row.reason, "part": part, "order": order, "value": getattr(row, field)}
        for row in rows
        for order, (part, (field, _)) in enumerate(PARTS.items())
    ]
    most = max(row.failed for row in rows)
    totals = [{"row": row.reason, "total": row.failed, "label": f"{row.failed:,}"} for row in rows]

    def build(width: int) -> Any:
        narrow = width <= NARROW
        limit = int(width * 0.45)
        taken = min(limit, int(LETTER * max(len(row.reason) for row in rows))) + 20
        room = width - taken
        scale = alt.Scale(domain=[0, most * room / max(room - 60, room / 2)])
        legend = alt.Legend(
            title=None, orient="top", direction="vertical" if narrow else "horizontal", labelLimit=width
        )
        colours = alt.Scale(domain=list(PARTS), range=[colour for _, colour in PARTS.values()])
        y = alt.Y("row:N", sort=[row.reason for row in rows], title=None, axis=alt.Axis(ticks=False, labelLimit=limit))
        bars = (
            alt.Chart(alt.Data(values=values))
            .mark_bar(height=13)
            .encode(
                x=alt.X("value:Q", stack="zero", axis=None, scale=scale),
                y=y,
                color=alt.Color("part:N", scale=colours, legend=legend),
                order="order:Q",
            )
        )
        text = (
            alt.Chart(alt.Data(values=totals))
            .mark_text(align="left", dx=6, fontSize=12, color="currentColor")
            .encode(x=alt.X("total:Q", scale=scale), y=y, text="label:N")
        )
        return (bars + text).properties(width=room, height=ROW * len(rows))

    spoken = "; ".join(f"{row.reason}: {row.failed:,}, {row.alone:,} alone" for row in rows)
    return draw(build, name, f"Documents that each rule removes. {spoken}")


def histogram(shown: Distribution, counted: str = "Documents") -> Chart:
    """Draw a histogram of what is `counted`; thresholds are dashed lines."""
    lines = [_placed(shown, line) for line in shown.thresholds]
    bars = Bars(shown.edges, shown.counts, lines, shown.log, shown.whole, has_spike(shown))
    spoken = "; ".join(f"{line.label}, which removes {line.removes}" for line in shown.thresholds)
    alt = f"{counted} by {shown.title}. {spoken}"
    return Chart(wide=histogram_svg.draw(bars, WIDE, alt), narrow=histogram_svg.draw(bars, NARROW, alt), alt=alt)


def silhouette(shown: Distribution) -> str:
    """Return the outline of a histogram as the path of an SVG of 100 by 100 that may be stretched."""
    heights = np.sqrt(shown.counts) if has_spike(shown) else shown.counts.astype(float)
    tops = 100 - 100 * heights / max(heights.max(), 1)
    steps = 100 / len(tops)
    drawn = [f"V{top:.3g}H{steps * (place + 1):.4g}" for place, top in enumerate(tops)]
    return f"M0 100{''.join(drawn)}V100Z"


def has_spike(shown: Distribution) -> bool:
    """Whether one bar holds most documents: heights are then drawn as square roots, so that others can be seen."""
    return bool(2 * shown.counts.max() > shown.counts.sum())


def _placed(shown: Distribution, line: Threshold) -> float:
    """Return where a threshold's line lies: for the largest integer that passes right of its own bar."""
    return line.value + (shown.whole and not line.lower)
