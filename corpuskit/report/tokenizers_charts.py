"""Charts of the page of tokenizers: values by text or language, and token lengths."""

from collections.abc import Sequence
from typing import Any

from corpuskit.report.charts import COLOURS
from corpuskit.report.drawing import LETTER, NARROW, ROW, Chart, altair_module, draw
from corpuskit.report.tokenizers_data import Bars, Lengths

BAR = 9
"""Height of one bar of a group, CSS pixels."""
MOST_BARS = 40
"""Bars up to which a chart has bars; more values are dots, one line a label."""
DOT_ROW = 17
"""Height of a line of dots, CSS pixels."""


def by_label(shown: Bars, groups: Sequence[str], name: str) -> Chart:
    """Draw the values of each label side by side: as bars, or as dots where there are many.

    Args:
        shown: the values.
        groups: tokenizers in the order of the page's colours.
        name: unique on the page.
    """
    alt = altair_module()
    rows = [
        {"row": label, "group": group, "value": own[index]}
        for group, own in shown.values.items()
        for index, label in enumerate(shown.labels)
        if own[index] is not None
    ]
    bars = len(rows) <= MOST_BARS

    def build(width: int) -> Any:
        limit = int(width * (0.3 if width <= NARROW else 0.4))
        taken = min(limit, int(LETTER * max(map(len, shown.labels)))) + 26
        height = max(ROW, BAR * len(groups) + 10) if bars else DOT_ROW
        axis = alt.Axis(grid=True, tickCount=width // 90, labelFlush=False, orient="bottom")
        base = alt.Chart(alt.Data(values=rows)).encode(
            x=alt.X("value:Q", title=shown.axis, axis=axis, scale=alt.Scale(zero=bars, nice=True)),
            y=alt.Y("row:N", sort=list(shown.labels), title=None, axis=alt.Axis(ticks=False, labelLimit=limit)),
            color=alt.Color("group:N", scale=_colours(groups), legend=None),
        )
        layers = [_bars(base, groups) if bars else base.mark_point(filled=True, size=55, opacity=0.9)]
        if shown.reference is not None:
            line = alt.Chart(alt.Data(values=[{"value": shown.reference}])).encode(x="value:Q")
            layers.append(line.mark_rule(strokeDash=[4, 4], color="currentColor", opacity=0.5))
        return alt.layer(*layers).properties(width=width - taken, height=height * len(shown.labels))

    spoken = "; ".join(f"{row['row']}, {row['group']}: {row['value']:.3g}" for row in rows[:MOST_BARS])
    return draw(build, name, f"{shown.axis}. {spoken}")


def _bars(base: Any, groups: Sequence[str]) -> Any:
    alt = altair_module()
    offset = alt.YOffset("group:N", sort=list(groups), scale=alt.Scale(paddingInner=0.15, paddingOuter=0.1))
    return base.mark_bar(cornerRadiusEnd=2).encode(yOffset=offset)


def lengths(shown: Sequence[Lengths], groups: Sequence[str], name: str) -> Chart:
    """Draw token lengths as lines: a panel each, a colour a tokenizer."""
    alt = altair_module()

    def build(width: int) -> Any:
        across = width > NARROW
        columns = len(shown) if across else 1
        drawn = []
        for index, panel in enumerate(shown):
            title = "share of tokens, %" if index == 0 or not across else None
            chart = (
                alt.Chart(alt.Data(values=_length_rows(panel)))
                .mark_line(strokeWidth=1.6, point=alt.OverlayMarkDef(size=22))
                .encode(
                    x=alt.X("bytes:Q", title="bytes of a token", axis=alt.Axis(tickCount=6, tickMinStep=1)),
                    y=alt.Y("share:Q", title=title, axis=alt.Axis(grid=True, tickCount=5)),
                    color=alt.Color("group:N", scale=_colours(groups), legend=None),
                )
            )
            drawn.append(
                chart.properties(width=(width - 60) // columns - 26 * (columns > 1), height=180, title=panel.title)
            )
        return alt.hconcat(*drawn, spacing=24) if across else alt.vconcat(*drawn)

    return draw(build, name, "Shares of tokens by their length in bytes: " + "; ".join(own.title for own in shown))


def _length_rows(panel: Lengths) -> list[dict[str, Any]]:
    return [
        {"group": group, "bytes": index + 1, "share": share}
        for group, shares in panel.shares.items()
        for index, share in enumerate(shares)
    ]


def _colours(groups: Sequence[str]) -> Any:
    colours = [f"var(--c{index % COLOURS})" for index in range(len(groups))]
    return altair_module().Scale(domain=list(groups), range=colours)
