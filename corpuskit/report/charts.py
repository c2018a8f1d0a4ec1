"""The charts of a comparison's report, and those that pages share."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

from corpuskit.report.data import Curve, Curves, Drop, FunnelStep, Interval, Result
from corpuskit.report.drawing import LETTER, NARROW, ROW, Chart, altair_module, draw
from corpuskit.report.tables import show_bounds, show_value

COLOURS = 8
"""Group colours that the page defines; more groups repeat them."""
CURVE_POINTS = 150
"""Points that one drawn curve has at most."""


def _colour(groups: Sequence[str], legend: bool) -> Any:
    alt = altair_module()
    colours = [f"var(--c{index % COLOURS})" for index in range(len(groups))]
    scale = alt.Scale(domain=list(groups), range=colours)
    return alt.Color("group:N", scale=scale, legend=alt.Legend() if legend else None)


def _unique(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))


def intervals(result: Result, groups: Sequence[str], name: str) -> Chart:
    """Draw every cell of a task as a dot with its interval and a tick for each seed.

    Args:
        result: the task; its points are drawn from top to bottom.
        groups: names in the order of the page's colours.
        name: unique on the page.
    """
    alt = altair_module()
    rows = [_point_row(index, result) for index in range(len(result.points))]
    ticks = [{**row, "value": value} for row, point in zip(rows, result.points, strict=True) for value in point.values]
    order = [row["row"] for row in rows]

    def build(width: int) -> Any:
        scale = alt.Scale(domain=_domain(result), nice=True, zero=False)
        axis = alt.Axis(grid=True, tickCount=width // 75, labelFlush=False)
        y = alt.Y("row:N", sort=order, title=None, axis=alt.Axis(ticks=False, labelLimit=int(width * 0.4)))

        def layer(values: list[dict[str, Any]], field: str = "value:Q") -> Any:
            x = alt.X(field, title=result.axis, scale=scale, axis=axis)
            return alt.Chart(alt.Data(values=values)).encode(x=x, y=y, color=_colour(groups, legend=False))

        layers = [
            layer(rows, "low:Q").mark_rule(strokeWidth=3, opacity=0.55, strokeCap="round").encode(x2="high:Q"),
            layer(ticks).mark_tick(thickness=1.5, size=13, opacity=0.55),
            layer(rows).mark_point(filled=True, size=95, opacity=1),
        ]
        if _shows_reference(result):
            line = alt.Chart(alt.Data(values=[{"value": result.reference}])).encode(x="value:Q")
            layers.append(line.mark_rule(strokeDash=[4, 4], color="currentColor", opacity=0.5))
        sized = alt.layer(*layers).properties(width=width, height=ROW * max(len(rows), 2))
        return sized.properties(autosize=alt.AutoSizeParams(type="fit-x", contains="padding"))

    return draw(build, name, f"{result.title}: {'; '.join(_spoken(result))}")


def _point_row(index: int, result: Result) -> dict[str, Any]:
    point = result.points[index]
    found = point.interval
    return {
        "row": f"{point.group} \N{MIDDLE DOT} {point.row}" if point.row else point.group,
        "group": point.group,
        "value": found.value,
        "low": found.value if found.low is None else found.low,
        "high": found.value if found.high is None else found.high,
    }


def _spoken(result: Result) -> list[str]:
    rows = [_point_row(index, result)["row"] for index in range(len(result.points))]
    return [f"{row} {_text(point.interval)}" for row, point in zip(rows, result.points, strict=True)]


def _text(found: Interval) -> str:
    return f"{show_value(found)} {show_bounds(found)}".strip()


def _extent(result: Result) -> tuple[float, float]:
    found = [point.interval for point in result.points]
    values = [value for item in found for value in (item.value, item.low, item.high) if value is not None]
    values += [value for point in result.points for value in point.values]
    return min(values), max(values)


def _shows_reference(result: Result) -> bool:
    low, high = _extent(result)
    return result.reference is not None and low - (high - low) <= result.reference <= high + (high - low)


def _domain(result: Result) -> list[float]:
    low, high = _extent(result)
    if _shows_reference(result) and result.reference is not None:
        low, high = min(low, result.reference), max(high, result.reference)
    room = 0.04 * (high - low) or 0.05 * abs(high) or 1.0
    return [low - room, high + room]


def curves(data: Curves, groups: Sequence[str], name: str) -> Chart:
    """Draw training curves: a line a run, a colour a tokenizer, a panel a variant; none may be empty."""
    alt = altair_module()
    panels = _unique(curve.panel for curve in data.curves)
    scale = alt.Scale(zero=False, domain=_curve_domain(data.curves), nice=True)

    def build(width: int) -> Any:
        across = width > NARROW and len(panels) <= 3
        drawn = []
        for index, panel in enumerate(panels):
            y_title = data.y_title if index == 0 or not across else None
            chart = (
                alt.Chart(alt.Data(values=_curve_rows(data.curves, panel)))
                .mark_line(strokeWidth=1.4, opacity=0.8, clip=True)
                .encode(
                    x=alt.X("x:Q", title=data.x_title, axis=alt.Axis(tickCount=4)),
                    y=alt.Y("y:Q", title=y_title, scale=scale, axis=alt.Axis(grid=True)),
                    color=_colour(groups, legend=True),
                    detail="run:N",
                )
            )
            columns = len(panels) if across else 1
            drawn.append(chart.properties(width=(width - 70) // columns - 24 * (columns > 1), height=210, title=panel))
        return alt.hconcat(*drawn, spacing=24) if across else alt.vconcat(*drawn)

    alt_text = f"{data.y_title} over {data.x_title.lower()}, one line a run: {len(data.curves)} runs"
    return draw(build, name, alt_text)


def _curve_domain(drawn: Iterable[Curve]) -> list[float]:
    """Return the y range without the steep first tenth of training, which would flatten all that follows."""
    lowest = min(min(curve.y) for curve in drawn)
    highest = max(curve.y[index] for curve in drawn for index in range(len(curve.y)) if curve.x[index] >= _start(curve))
    return [lowest, highest]


def _start(curve: Curve) -> float:
    return curve.x[0] + 0.1 * (curve.x[-1] - curve.x[0])


def _curve_rows(drawn: Iterable[Curve], panel: str) -> list[dict[str, Any]]:
    rows = []
    for curve in drawn:
        if curve.panel != panel:
            continue
        step = max(1, -(-len(curve.x) // CURVE_POINTS))
        kept = sorted({*range(0, len(curve.x), step), len(curve.x) - 1})
        rows += [{"group": curve.group, "run": curve.run, "x": curve.x[i], "y": curve.y[i]} for i in kept]
    return rows


def bars(rows: Sequence[dict[str, Any]], name: str, alt_text: str, side_by_side: bool = False) -> Chart:
    """Draw labelled horizontal bars.

    Args:
        rows: from top to bottom: `panel`, `row` (unique in its panel), `label`, `value`, `colour` (CSS).
        name: unique on the page.
        alt_text: what stands for the chart where it cannot be seen.
        side_by_side: two panels with the same rows share one line each where the page is wide.
    """
    alt = altair_module()
    panels = _unique(row["panel"] for row in rows)

    def build(width: int) -> Any:
        across = side_by_side and width > NARROW
        drawn = []
        for index, panel in enumerate(panels):
            kept = [row for row in rows if row["panel"] == panel]
            labelled = index == 0 or not across
            drawn.append(_bar_panel(kept, panel, width, across, labelled))
        return alt.hconcat(*drawn, spacing=18) if across else alt.vconcat(*drawn)

    return draw(build, name, alt_text)


def _bar_panel(rows: list[dict[str, Any]], title: str, width: int, across: bool, labelled: bool) -> Any:
    alt = altair_module()
    taken = min(width * 0.5, LETTER * max(len(row["row"]) for row in rows)) + 20
    share = int((width - taken - 20) / 2 if across else width - taken)
    room = share / max(share - LETTER * max(len(row["label"]) for row in rows) - 12, share / 3)
    scale = alt.Scale(domain=[0, max(*(row["value"] for row in rows), 1) * room])
    axis = alt.Axis(ticks=False, labels=labelled, labelLimit=width // 2)
    base = alt.Chart(alt.Data(values=rows)).encode(
        x=alt.X("value:Q", axis=None, scale=scale),
        y=alt.Y("row:N", sort=[row["row"] for row in rows], title=None, axis=axis),
    )
    bar = base.mark_bar(height=13, cornerRadiusEnd=2).encode(color=alt.Color("colour:N", scale=None))
    text = base.mark_text(align="left", dx=6, fontSize=12, color="currentColor").encode(text="label:N")
    names = _unique(row["row"] for row in rows)
    return (bar + text).properties(width=share, height=ROW * len(names), title=title)


def funnel(steps: Sequence[FunnelStep], name: str) -> Chart:
    """Draw how many documents and bytes are left after each step."""
    most = {"Documents": steps[0].documents or 1, "Text": steps[0].bytes or 1}
    rows = []
    for panel in most:
        for step in steps:
            value = step.documents if panel == "Documents" else step.bytes
            shown = f"{value:,}" if panel == "Documents" else show_bytes(value)
            share = f" ({math.floor(1000 * value / most[panel]) / 10} %)" if step is not steps[0] else ""
            colour = "var(--accent-soft)" if not step.branch else "var(--accent)"
            rows.append({"panel": panel, "row": step.name, "value": value, "label": shown + share, "colour": colour})
    spoken = "; ".join(f"{step.name}: {step.documents:,} documents, {show_bytes(step.bytes)}" for step in steps)
    return bars(rows, name, f"What each step leaves. {spoken}", side_by_side=True)


def drops(dropped: Sequence[Drop], name: str) -> Chart:
    """Draw how many documents each variant leaves out, by the first rule they failed."""
    rows = [
        {
            "panel": drop.variant,
            "row": drop.reason,
            "value": drop.documents,
            "label": f"{drop.documents:,}",
            "colour": "var(--accent-soft)",
        }
        for drop in dropped
    ]
    spoken = "; ".join(f"{drop.variant}, {drop.reason}: {drop.documents:,}" for drop in dropped)
    return bars(rows, name, f"Documents left out, by first reason. {spoken}")


def show_bytes(count: float) -> str:
    """Return a size with a unit and three digits: `31.2 MB`."""
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if count < 999.5 or unit == "TB":
            break
        count /= 1000
    return f"{count:.0f} {unit}" if unit == "B" or count >= 99.95 else f"{count:.3g} {unit}"
