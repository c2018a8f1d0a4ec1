"""The page of a corpus: sums and samples put in words, tables and charts."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from corpuskit.corpus import Corpus
from corpuskit.report.corpus_data import CorpusPage, Distribution, RuleView, Threshold, VariantView
from corpuskit.report.data import Cell, Table
from corpuskit.signals import SIGNALS
from corpuskit.workflow.excerpts import LONGEST
from corpuskit.workflow.inspecting.breakdown import Breakdown
from corpuskit.workflow.inspecting.columns import Series
from corpuskit.workflow.inspecting.duplicate_views import duplicate_views
from corpuskit.workflow.inspecting.histograms import Histogram, Sketch
from corpuskit.workflow.inspecting.passes import Inspection, Say, inspect_corpus
from corpuskit.workflow.inspecting.rule_views import (
    amount,
    documents,
    megabytes,
    number,
    percent,
    rule_views,
    variant_view,
)
from corpuskit.workflow.inspecting.samples import MOST_PARTS, PER_REASON, Document, fetch, spread
from corpuskit.workflow.places import check_file
from corpuskit.workflow.summary import funnel_steps

PAGE = "corpus.html"
"""The page's file in the folder of its corpus."""
QUANTILES = (0.01, 0.1, 0.5, 0.9, 0.99)
MOST_ROWS = 40
"""Languages or sources that a table has; the rest are one row."""
FEWEST_BINS = 2
"""Bins with documents from which a histogram of a signal that no rule reads is drawn."""


def write_page(corpus: Corpus, path: str, say: Say) -> None:
    """Read a corpus and write its page to one HTML file.

    Args:
        corpus: the corpus.
        path: the file.
        say: shows how far it is.

    Raises:
        InputError: the file cannot be written; nothing is read before.
        CorruptArtifact: a sidecar does not match its documents.
        MissingExtra: a package of the extra `report` is not installed.
    """
    from corpuskit.report.corpus_page import write_corpus_page

    check_file(path)
    page = page_of(corpus, say)
    say("drawing")
    write_corpus_page(path, page)


def page_of(corpus: Corpus, say: Say) -> CorpusPage:
    """Read a corpus and return what its page shows."""
    found = inspect_corpus(corpus, say)
    say("reading samples")
    texts = fetch(corpus, {variant.name: variant.chosen for variant in found.variants})
    judged, others = _distributions(found)
    return CorpusPage(
        title=corpus.manifest.name,
        summary=_summary(found),
        funnel=funnel_steps(corpus),
        variants=_variants(found, texts),
        duplicates=duplicate_views(corpus),
        judged=judged,
        others=others,
        quantiles=_quantiles(found) if found.sketches else None,
        breakdowns=tuple(_breakdown(found, one) for one in found.breakdowns if one.sums),
        notes=_notes(found),
        environment=_environment(corpus),
    )


def _summary(found: Inspection) -> str:
    rows = sum(part["rows"] for part in found.parts)
    size = found.corpus.manifest.counts.get("text_bytes", 0)
    sources = len(found.breakdowns[1].sums)
    return (
        f"{documents(rows)}, {amount(size)} of text as read, from {sources} source{'s' * (sources != 1)}; "
        f"{len(found.sketches)} numeric signals; {len(found.variants)} variant{'s' * (len(found.variants) != 1)}."
    )


def _variants(found: Inspection, texts: dict[tuple[str, str, int], Document]) -> tuple[VariantView, ...]:
    views = []
    for variant in found.variants:
        rules: Sequence[RuleView] = rule_views(variant, texts)
        views.append(variant_view(variant, rules))
    return tuple(views)


def _distributions(found: Inspection) -> tuple[tuple[Distribution, ...], tuple[Distribution, ...]]:
    """Return the histograms of signals that rules read, and of all others that are worth one."""
    judged, others = [], []
    for series, histogram in found.histograms.items():
        thresholds = _thresholds(found, series)
        shown = _distribution(series, histogram, found.sketches[series], thresholds)
        if thresholds:
            judged.append(shown)
        elif np.count_nonzero(histogram.counts) >= FEWEST_BINS:
            others.append(shown)
    return tuple(judged), tuple(others)


def _distribution(
    series: Series, histogram: Histogram, sketch: Sketch, thresholds: tuple[Threshold, ...]
) -> Distribution:
    return Distribution(
        title=series.title,
        formula=_formula(series.signal),
        edges=histogram.edges,
        counts=histogram.counts,
        log=histogram.log,
        whole=sketch.whole,
        thresholds=thresholds,
        note=_not_drawn(histogram, sketch),
    )


def _formula(signal: str) -> str:
    group, _, column = signal.partition(".")
    known = SIGNALS.get(group)
    found = known.signals.get(column) if known else None
    return found.formula if found else ""


def _not_drawn(histogram: Histogram, sketch: Sketch) -> str:
    parts = []
    below = histogram.below - (sketch.zeros if histogram.log else 0)
    if histogram.log and sketch.zeros:
        parts.append(f"{documents(sketch.zeros)} with 0")
    if below:
        parts.append(f"{documents(below)} with less, down to {number(sketch.low)}")
    if histogram.above:
        parts.append(f"{documents(histogram.above)} with more, up to {number(sketch.high)}")
    if sketch.count < sketch.documents:
        parts.append(f"{documents(sketch.documents - sketch.count)} without a value")
    return f"Not drawn: {'; '.join(parts)}." if parts else ""


def _thresholds(found: Inspection, series: Series) -> tuple[Threshold, ...]:
    """Return the lines across a signal's histogram; variants with the same one share it."""
    named: dict[tuple[float, bool, str], list[str]] = {}
    for variant in found.variants:
        for one in variant.what_ifs:
            if variant.series[one.bound.rule.signal] == series:
                of = f" (of {', '.join(one.bound.rule.languages)})" if one.bound.rule.languages else ""
                share = percent(one.beyond, found.sketches[series].documents)
                removes = f"{documents(one.beyond)}{of}, {share}"
                named.setdefault((one.bound.threshold, one.bound.lower, removes), []).append(variant.name)
    return tuple(
        Threshold(
            label=f"{', '.join(dict.fromkeys(names))} {'≥' if lower else '≤'} {value:,.6g}",
            value=value,
            lower=lower,
            removes=removes,
        )
        for (value, lower, removes), names in named.items()
    )


def _quantiles(found: Inspection) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for series, sketch in found.sketches.items():
        values = (
            [sketch.low, *(sketch.quantile(share) for share in QUANTILES), sketch.high] if sketch.count else [None] * 7
        )
        rows.append((series.title, *values, sketch.documents - sketch.count))
    columns = ("signal", "smallest", *(f"{share:.0%}" for share in QUANTILES), "largest", "missing")
    return Table(
        caption="Quantiles of every signal", columns=columns, rows=tuple(rows), note="Within 1 % of each value."
    )


def _breakdown(found: Inspection, breakdown: Breakdown) -> Table:
    names = [variant.name for variant in found.variants]
    rows: list[tuple[Cell, ...]] = []
    for value, sums in breakdown.largest(MOST_ROWS):
        cells: list[Cell] = []
        for name in ("", *names):
            pair = sums.get(name, (0, 0))
            cells += [int(pair[0]), megabytes(pair[1])]
        rows.append((value, *cells))
    kept = [heading for name in names for heading in (name, "MB")]
    return Table(
        caption=f"By {breakdown.title}: all documents, and those that each variant keeps",
        columns=(breakdown.title, "documents", "MB", *kept),
        rows=tuple(rows),
    )


def _notes(found: Inspection) -> tuple[str, ...]:
    sampled, parts = len(spread(found.parts)), len(found.parts)
    notes = [
        "All counts are of all documents, held-out ones included, and exact; only quantiles, and the ranges that "
        "histograms span, are within 1 % of each value. Bytes are those of the text that the variant reads.",
        "A rule removes a document first where it is the first of the policy to fail, in the order in which rules are "
        "tried; alone, where no other rule fails. What another threshold would keep is counted twice: by that bound "
        "alone, and together with all other rules as they are; copies are not left out there, because which copy stays "
        "is chosen after the policy.",
        f"Samples are at most {PER_REASON} documents for each rule, chosen by a hash of their keys, from {sampled} of "
        f"{parts} splits" + (f" (at most {MOST_PARTS} are read)." if sampled < parts else "."),
        f"Marks show what a signal counts, in the first {LONGEST:,} characters; they are made by plain code that "
        "follows the signal's definition and may differ from it at the edges.",
    ]
    if any(variant.policy is None for variant in found.variants):
        notes.append("Policies that this version of corpuskit cannot read are shown without thresholds.")
    return tuple(notes)


def _environment(corpus: Corpus) -> dict[str, Any]:
    return {"fingerprint": corpus.manifest.fingerprint[:16], **corpus.manifest.environment}
