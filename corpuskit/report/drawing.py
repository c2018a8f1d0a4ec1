"""Drawing charts as SVG texts that follow the page's colours.

altair describes them and vl-convert draws them, both without a browser or network. Colours are CSS variables of the
page (`--c0`, `--c1`, ... for groups, `currentColor` for text), so that one drawing serves light and dark mode. Every
chart is drawn twice, for desktop and for phone width, because a scaled one would be too small to read.
"""

import html
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from corpuskit.errors import MissingExtra

FONT = "Helvetica, Arial, Liberation Sans, sans-serif"
"""Fonts of one width, so that what vl-convert measures is what a browser draws."""
WIDE, NARROW = 720, 350
"""Widths in CSS pixels."""
LETTER = 6.6
"""About the mean width of a letter in labels, CSS pixels."""
ROW = 26
"""Height of one row of dots or bars, CSS pixels."""


@dataclass(frozen=True, kw_only=True)
class Chart:
    """One chart drawn for two widths, with the sentence that stands for it where it cannot be seen."""

    wide: str
    narrow: str
    alt: str


def altair_module() -> Any:
    """Return altair.

    Raises:
        MissingExtra: it is not installed.
    """
    try:
        import altair
    except ImportError as error:
        raise MissingExtra("altair", "report", "the report") from error
    return altair


def draw(build: Callable[[int], Any], name: str, alt: str) -> Chart:
    """Render a chart at both widths; `name` keeps the ids of inlined drawings apart."""
    wide, narrow = (_svg(build(width), f"{name}-{width}", alt) for width in (WIDE, NARROW))
    return Chart(wide=wide, narrow=narrow, alt=alt)


def _svg(chart: Any, prefix: str, alt: str) -> str:
    try:
        import vl_convert
    except ImportError as error:
        raise MissingExtra("vl-convert-python", "report", "the report") from error
    svg = vl_convert.vegalite_to_svg(_themed(chart).to_dict(validate=False))
    svg = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{prefix}-", svg)
    return re.sub(r"^<svg ", f'<svg role="img" aria-label="{html.escape(alt)}" ', svg, count=1)


def _themed(chart: Any) -> Any:
    text = {"labelColor": "currentColor", "titleColor": "currentColor", "labelFontSize": 12, "titleFontSize": 12}
    return (
        chart.properties(background="transparent", padding={"left": 6, "right": 6, "top": 2, "bottom": 2})
        .configure(font=FONT)
        .configure_view(stroke=None)
        .configure_axis(
            **text,
            titleFontWeight="normal",
            titlePadding=10,
            labelPadding=6,
            grid=False,
            gridColor="currentColor",
            gridOpacity=0.12,
            domain=False,
            tickColor="currentColor",
            tickOpacity=0.3,
        )
        .configure_legend(**text, orient="top", title=None, symbolStrokeWidth=3, symbolSize=80)
        .configure_header(**text, title=None, labelFontWeight="bold", labelAnchor="start")
        .configure_title(color="currentColor", fontSize=12, fontWeight="bold", anchor="start", offset=8)
    )
