"""Duplicates inside documents: repeated lines, paragraphs, runs of sentences and of words over a whole corpus."""

from corpuskit.dedup.inside.config import (
    AnyCut,
    CutConfig,
    RepeatedLinesConfig,
    RepeatedParagraphsConfig,
    RepeatedSpansConfig,
    RepeatedSubstringsConfig,
)
from corpuskit.dedup.inside.firsts import Firsts, Occurrences
from corpuskit.dedup.inside.ranges import Ranges, byte_ranges, unit_ranges
from corpuskit.dedup.inside.runs import Runs, equal_spans, join_places, merge_runs, split_places
from corpuskit.dedup.inside.scatter import scatter
from corpuskit.dedup.inside.units import Units, units_of
from corpuskit.dedup.inside.windows import Windows, document_orders, size_of, windows_of

__all__ = [
    "AnyCut",
    "CutConfig",
    "Firsts",
    "Occurrences",
    "Ranges",
    "RepeatedLinesConfig",
    "RepeatedParagraphsConfig",
    "RepeatedSpansConfig",
    "RepeatedSubstringsConfig",
    "Runs",
    "Units",
    "Windows",
    "byte_ranges",
    "document_orders",
    "equal_spans",
    "join_places",
    "merge_runs",
    "scatter",
    "size_of",
    "split_places",
    "unit_ranges",
    "units_of",
    "windows_of",
]
