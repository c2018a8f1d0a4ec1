"""What a page says of a variant and of each of its rules."""

from collections.abc import Mapping, Sequence

import numpy as np

from corpuskit.report.charts import show_bytes
from corpuskit.report.corpus_data import Removal, RuleView, Sample, VariantView
from corpuskit.report.data import Cell, Interval, Table
from corpuskit.workflow.excerpts import Asked, Excerpt, excerpt, visible
from corpuskit.workflow.inspecting.bounds import Bound
from corpuskit.workflow.inspecting.columns import words_of
from corpuskit.workflow.inspecting.passes import VariantSums
from corpuskit.workflow.inspecting.samples import Document, Place
from corpuskit.workflow.inspecting.tally import Pair, ValueCounts, WhatIf

MOST_OVERLAPS = 10
"""Rules that the table of overlaps has: those that fail most documents."""
MOST_VALUES = 15
"""Values that a table of a text signal has."""
NOTHING: Pair = np.zeros(2, np.int64)
IN_USE = " (in use)"


def documents(count: float) -> str:
    """Return a number of documents in words."""
    return f"{count:,.0f} document{'' if count == 1 else 's'}"


def amount(size: float) -> str:
    """Return bytes in words."""
    return show_bytes(float(size))


def megabytes(size: float) -> Interval:
    """Return bytes as a table cell in MB."""
    return Interval(value=float(size) / 1e6, digits=2)


def percent(part: float, whole: float) -> str:
    """Return a share in words; the smallest is told from none, the largest from all."""
    if part in (0, whole) or not whole:
        return "100 %" if part else "0 %"
    share = 100 * part / whole
    if share < 0.01 or share >= 99.95:
        return "under 0.01 %" if share < 1 else "over 99.9 %"
    return f"{share:.{2 if share < 1 else 1}f} %"


def number(value: float) -> str:
    """Return a value in words: integers in full, others with four digits."""
    return f"{value:,.0f}" if value == int(value) and abs(value) < 1e15 else f"{value:,.4g}"


def variant_view(variant: VariantSums, rules: Sequence[RuleView]) -> VariantView:
    """Return what the page says of a variant."""
    tally = variant.tally
    (rows, size), (kept, kept_size), (passed, _) = tally.all, tally.kept, tally.passed
    copies = {name: int(pair[0]) for name, pair in tally.copies.items()}
    left_out = [f"{count:,} as {name.replace('_', ' ')}" for name, count in copies.items()]
    summary = (
        f"{kept:,} of {documents(rows)} stay ({percent(kept, rows)}), {amount(kept_size)} of {amount(size)} "
        f"({percent(kept_size, size)}). The policy removes {rows - passed:,}"
        + (f"; of the rest, {' and '.join(left_out)}." if left_out else ".")
    )
    return VariantView(
        name=variant.name,
        summary=summary,
        removals=tuple(_removal(variant, reason) for reason in _failing(variant)),
        tables=_tables(variant),
        rules=tuple(rules),
    )


def _failing(variant: VariantSums) -> list[str]:
    return [reason for reason in variant.tally.reasons if reason in variant.tally.failed]


def _removal(variant: VariantSums, reason: str) -> Removal:
    tally = variant.tally
    failed, first, alone = (int(sums[reason][0]) for sums in (tally.failed, tally.first, tally.alone))
    return Removal(reason=reason, alone=alone, first=first - alone, later=failed - first)


def _tables(variant: VariantSums) -> tuple[Table, ...]:
    reasons = _failing(variant)
    waterfall = [_waterfall(variant, "What each rule removes")] if reasons or variant.tally.copies else []
    return (*waterfall, _overlap(variant, reasons)) if len(reasons) > 1 else tuple(waterfall)


def _waterfall(variant: VariantSums, caption: str) -> Table:
    """Return a row for each reason: documents and MB removed first, failing at all, and failing nothing else."""
    tally = variant.tally
    rows: list[tuple[Cell, ...]] = []
    for reason in tally.reasons:
        if reason not in tally.failed and reason.endswith(":missing"):
            continue
        cells: list[Cell] = []
        for sums in (tally.first, tally.failed, tally.alone):
            pair = sums.get(reason, NOTHING)
            cells += [int(pair[0]), megabytes(pair[1])]
        rows.append((reason, *cells))
    for reason, pair in tally.copies.items():
        rows.append((reason, int(pair[0]), megabytes(pair[1]), None, None, None, None))
    columns = ("rule", "first", "MB", "in all", "MB", "alone", "MB")
    note = "First: of what the rules before it leave. In all: that fail it at all. Alone: that fail nothing else."
    return Table(caption=caption, columns=columns, rows=tuple(rows), note=note)


def _overlap(variant: VariantSums, reasons: Sequence[str]) -> Table:
    failed = variant.tally.failed
    shown = sorted(sorted(reasons, key=lambda reason: -int(failed[reason][0]))[:MOST_OVERLAPS], key=reasons.index)
    rows: list[tuple[Cell, ...]] = [
        (f"{index} {row}", *(variant.tally.both.get((row, column), 0) for column in shown))
        for index, row in enumerate(shown, 1)
    ]
    more = f" The {MOST_OVERLAPS} rules that fail most." if len(reasons) > MOST_OVERLAPS else ""
    return Table(
        caption="Documents that fail two rules",
        columns=("rule", *map(str, range(1, len(shown) + 1))),
        rows=tuple(rows),
        note=f"Rule of the row and of the column; on the diagonal all that fail the rule.{more}",
    )


def rule_views(variant: VariantSums, texts: Mapping[tuple[str, str, int], Document]) -> list[RuleView]:
    """Return what the page says of each rule that removes anything, or has a threshold to move.

    Args:
        variant: the variant.
        texts: the sampled documents by (variant, split, row).
    """
    what_ifs: dict[str, list[WhatIf]] = {}
    for one in variant.what_ifs:
        what_ifs.setdefault(one.bound.reason, []).append(one)
    values = {one.reason: one for one in variant.values}
    views = []
    for reason in variant.tally.reasons:
        moved, counts = what_ifs.get(reason, []), values.get(reason)
        if reason not in variant.tally.failed and not moved:
            continue
        tables = [_what_if_table(variant, one) for one in moved] + ([_values_table(counts)] if counts else [])
        samples = []
        for place in variant.chosen.places.get(reason, []):
            bound = _failed_bound([one.bound for one in moved], place.value)
            samples.append(_sample(variant, texts[variant.name, place.part, place.row], place, bound))
        summary = _rule_summary(variant, reason)
        views.append(RuleView(reason=reason, summary=summary, tables=tuple(tables), samples=tuple(samples)))
    return views


def _failed_bound(bounds: Sequence[Bound], value: float | None) -> Bound | None:
    """Return which of the bounds that give a reason a document fails; None where that cannot be told."""
    if len(bounds) == 1 or value is None:
        return bounds[0] if len(bounds) == 1 else None
    return next(
        (bound for bound in bounds if not bound.passes(np.asarray([value], np.float32), bound.threshold)[0]), None
    )


def _rule_summary(variant: VariantSums, reason: str) -> str:
    tally = variant.tally
    if reason not in tally.failed:
        return "removes nothing"
    failed, size = tally.failed[reason]
    alone = int(tally.alone[reason][0])
    return f"{documents(failed)} ({percent(failed, tally.all[0])}), {amount(size)}; {alone:,} alone"


def _what_if_table(variant: VariantSums, one: WhatIf) -> Table:
    """Return what the bound would keep at each threshold, alone and with the rest of the policy."""
    bound, passed = one.bound, int(variant.tally.passed[0])
    rows: list[tuple[Cell, ...]] = []
    for place, threshold in enumerate(one.thresholds):
        cells: list[Cell] = [int(one.alone[place, 0]), megabytes(one.alone[place, 1]), None, None, None]
        if not bound.shared:
            rest, size = one.rest[place]
            cells[2:] = [int(rest), megabytes(size), int(rest) - passed]
        rows.append((f"{threshold:,.6g}{IN_USE * (threshold == bound.threshold)}", *cells))
    condition = "smallest" if bound.lower else "largest"
    languages = f", documents in {', '.join(bound.rule.languages)} judged" if bound.rule.languages else ""
    return Table(
        caption=f"With another {condition} value of {bound.rule.signal}{languages}",
        columns=(condition, "this rule keeps", "MB", "the policy keeps", "MB", "change"),
        rows=tuple(rows),
        note="Other rules give the same reason, so the rest of the policy is not told apart." if bound.shared else "",
    )


def _values_table(counts: ValueCounts) -> Table:
    ranked = sorted(counts.counts.items(), key=lambda pair: (-int(pair[1][0]), pair[0]))
    listed = {str(value) for value in counts.rule.listed}
    rows = [
        (value, "passes" if (value in listed) == bool(counts.rule.in_) else "fails", int(pair[0]), megabytes(pair[1]))
        for value, pair in ranked[:MOST_VALUES]
    ]
    more = f"{len(ranked) - MOST_VALUES:,} rarer values are left out." if len(ranked) > MOST_VALUES else ""
    columns = (counts.rule.signal, "", "documents", "MB")
    return Table(caption=f"Values of {counts.rule.signal}", columns=columns, rows=tuple(rows), note=more)


def _sample(variant: VariantSums, document: Document, place: Place, bound: Bound | None) -> Sample:
    signal = bound.rule.signal if bound else ""
    asked = Asked(signal, bound.lower, words_of(variant.series[signal]), variant.items) if bound else None
    shown = excerpt(document.text, asked)
    return Sample(
        title=visible(document.id),
        facts=tuple(_facts(document, place, bound)),
        pieces=shown.pieces,
        marked=_marked(shown),
    )


def _marked(shown: Excerpt) -> str:
    return f"{shown.what}, {shown.marks:,}" if shown.what else ""


def _facts(document: Document, place: Place, bound: Bound | None) -> list[tuple[str, str]]:
    facts = [("source", document.source), ("length", f"{len(document.text):,} characters")]
    if document.url:
        facts.insert(1, ("url", visible(document.url)))
    if bound and place.value is not None:
        facts.append((bound.rule.signal, f"{place.value:,.6g} {'<' if bound.lower else '>'} {bound.threshold:,.6g}"))
    return facts
