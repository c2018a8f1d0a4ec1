"""Write the page of a corpus: one self-contained HTML file whose size does not grow with the documents."""

from typing import Any

from corpuskit import storage
from corpuskit.report import charts, corpus_charts
from corpuskit.report.corpus_data import CorpusPage
from corpuskit.report.page import environment, funnel_table


def write_corpus_page(path: str, data: CorpusPage) -> None:
    """Write the page to one HTML file that needs no network and no other file.

    Raises:
        MissingExtra: altair, vl-convert-python or jinja2 is not installed (extra `report`).
    """
    storage.commit(path, render(data).encode())


def render(data: CorpusPage) -> str:
    """Return the page; every text in `data` is escaped.

    Raises:
        MissingExtra: as `write_corpus_page`.
    """
    known = environment()
    known.tests["spiked"] = corpus_charts.has_spike
    known.filters["silhouette"] = corpus_charts.silhouette
    template = known.get_template("corpus.html.j2")
    page: str = template.render(
        data=data,
        funnel=charts.funnel(data.funnel, "funnel") if data.funnel else None,
        funnel_table=funnel_table(data.funnel),
        removals=_removals(data),
        sizes=[corpus_charts.histogram(view.sizes, "Clusters") if view.sizes else None for view in data.duplicates],
        judged=[corpus_charts.histogram(shown) for shown in data.judged],
    )
    return page


def _removals(data: CorpusPage) -> list[Any]:
    return [
        corpus_charts.removals(variant.removals, f"removals{index}") if variant.removals else None
        for index, variant in enumerate(data.variants)
    ]
