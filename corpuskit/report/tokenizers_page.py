"""Write the page of tokenizers: one self-contained HTML file, without a script."""

from corpuskit import storage
from corpuskit.report import charts, tokenizers_charts
from corpuskit.report.page import environment
from corpuskit.report.tokenizers_data import TokenizersPage

TONES = 5
"""Colours that tokens of a text take in turn, so that neighbours differ."""


def write_tokenizers_page(path: str, data: TokenizersPage) -> None:
    """Write the page to one HTML file that needs no network and no other file.

    Raises:
        MissingExtra: altair, vl-convert-python or jinja2 is not installed (extra `report`).
    """
    storage.commit(path, render(data).encode())


def render(data: TokenizersPage) -> str:
    """Return the page; every text in `data` is escaped.

    Raises:
        MissingExtra: as `write_tokenizers_page`.
    """
    names = data.tokenizers
    template = environment().get_template("tokenizers.html.j2")
    page: str = template.render(
        data=data,
        tones=TONES,
        groups=[(name, f"c{index % charts.COLOURS}") for index, name in enumerate(names)],
        compression=tokenizers_charts.by_label(data.compression, names, "compression"),
        premiums=[
            tokenizers_charts.by_label(view.premiums, names, f"premiums{index}")
            for index, view in enumerate(data.parities)
        ],
        lengths=tokenizers_charts.lengths(data.lengths, names, "lengths") if data.lengths else None,
    )
    return page
