"""Charts and self-contained pages."""

from corpuskit.report.data import (
    Cell,
    Curve,
    Curves,
    Drop,
    Finding,
    FunnelStep,
    Interval,
    Point,
    ReportData,
    Result,
    Table,
    Verdict,
)
from corpuskit.report.page import write_report
from corpuskit.report.tables import render_table

__all__ = [
    "Cell",
    "Curve",
    "Curves",
    "Drop",
    "Finding",
    "FunnelStep",
    "Interval",
    "Point",
    "ReportData",
    "Result",
    "Table",
    "Verdict",
    "render_table",
    "write_report",
]
