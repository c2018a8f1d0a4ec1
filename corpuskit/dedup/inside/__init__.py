"""Duplicates inside documents: repeated lines, paragraphs, runs of sentences and of words over a whole corpus."""

from corpuskit.dedup.inside import evidence
from corpuskit.dedup.inside.config import (
    AnyCut,
    CutConfig,
    RepeatedLinesConfig,
    RepeatedParagraphsConfig,
    RepeatedSpansConfig,
    RepeatedSubstringsConfig,
)
from corpuskit.dedup.inside.firsts import Firsts, Occurrences, Rule
from corpuskit.dedup.inside.ranges import Ranges, byte_ranges, unit_ranges
from corpuskit.dedup.inside.reference import TextReference, find_texts
from corpuskit.dedup.inside.runs import Runs, equal_spans, join_places, merge_runs, split_places
from corpuskit.dedup.inside.scatter import scatter
from corpuskit.dedup.inside.units import Units, units_of
from corpuskit.dedup.inside.windows import Windows, after_references, document_orders, size_of, windows_of

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
    "Rule",
    "Runs",
    "TextReference",
    "Units",
    "Windows",
    "after_references",
    "byte_ranges",
    "document_orders",
    "equal_spans",
    "evidence",
    "find_texts",
    "join_places",
    "merge_runs",
    "scatter",
    "size_of",
    "split_places",
    "unit_ranges",
    "units_of",
    "windows_of",
]
