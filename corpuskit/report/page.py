"""Write a report: one self-contained HTML page."""

from collections.abc import Sequence
from typing import Any

from corpuskit import storage
from corpuskit.errors import MissingExtra
from corpuskit.report import charts, tables
from corpuskit.report.data import Finding, FunnelStep, Interval, ReportData, Table

VERDICTS = {"decided": "Decided", "partly": "Partly decided", "undecided": "Undecided"}


def write_report(path: str, data: ReportData) -> None:
    """Write a report to one HTML file that needs no network and no other file.

    Raises:
        MissingExtra: altair, vl-convert-python or jinja2 is not installed (extra `report`).
    """
    storage.commit(path, render(data).encode())


def render(data: ReportData) -> str:
    """Return the page; every text in `data` is escaped.

    Raises:
        MissingExtra: as `write_report`.
    """
    template = environment().get_template("page.html.j2")
    groups = _groups(data)
    page: str = template.render(
        data=data,
        verdicts=VERDICTS,
        tally=_tally(data.findings),
        groups=[(name, f"c{index % charts.COLOURS}") for index, name in enumerate(groups)],
        result_charts=[
            charts.intervals(result, groups, f"result{index}") if result.points else None
            for index, result in enumerate(data.results)
        ],
        curves=charts.curves(data.curves, groups, "curves") if data.curves else None,
        funnel=charts.funnel(data.funnel, "funnel") if data.funnel else None,
        funnel_table=funnel_table(data.funnel),
        drops=charts.drops(data.drops, "drops") if data.drops else None,
        drops_table=_drops_table(data),
    )
    return page


def environment() -> Any:
    """Return the environment that templates of pages are rendered in: it escapes every text.

    Raises:
        MissingExtra: jinja2 is not installed.
    """
    try:
        import jinja2
    except ImportError as error:
        raise MissingExtra("jinja2", "report", "the report") from error
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("corpuskit.report", ""),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters.update(show=tables.show, show_value=tables.show_value, show_bounds=tables.show_bounds)
    environment.tests.update(interval=lambda cell: isinstance(cell, Interval))
    environment.globals.update(is_numeric=tables.is_numeric)
    return environment


def _tally(findings: Sequence[Finding]) -> str:
    """Return how many questions are decided, in words: `Of 6 questions, 2 are decided, 1 partly, 3 not.`"""
    counts = {verdict: sum(finding.verdict == verdict for finding in findings) for verdict in VERDICTS}
    words = {"decided": "decided", "partly": "partly", "undecided": "not"}
    parts = [f"{count} {words[verdict]}" for verdict, count in counts.items() if count]
    return f"Of {len(findings)} questions: {', '.join(parts)}." if len(findings) > 1 else ""


def _groups(data: ReportData) -> list[str]:
    """Return the groups in the order in which they take colours."""
    names = [point.group for result in data.results for point in result.points]
    names += [curve.group for curve in data.curves.curves] if data.curves else []
    return list(dict.fromkeys(names))


def funnel_table(steps: Sequence[FunnelStep]) -> Table:
    """Return a funnel as a table."""
    return Table(
        caption="What each step leaves",
        columns=("Step", "Documents", "Text, bytes"),
        rows=tuple((step.name, step.documents, step.bytes) for step in steps),
    )


def _drops_table(data: ReportData) -> Table:
    return Table(
        caption="Documents left out, by the first rule they failed",
        columns=("Variant", "Reason", "Documents"),
        rows=tuple((drop.variant, drop.reason, drop.documents) for drop in data.drops),
    )
