"""Reads the sidecars of a corpus split by split: once for the ranges of signals, once for all else."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpuskit import manifest
from corpuskit.contamination import ContaminationConfig
from corpuskit.corpus import Corpus
from corpuskit.documents import read_split, sidecars
from corpuskit.manifest import Manifest
from corpuskit.policy import LABEL, PolicyConfig, Rule
from corpuskit.signals import BYTES
from corpuskit.workflow.inspecting.bounds import Bound, bounds, listed, policy_of, reasons_of
from corpuskit.workflow.inspecting.breakdown import Breakdown
from corpuskit.workflow.inspecting.columns import Part, Series, all_series, items_of, numbers, read, series_of
from corpuskit.workflow.inspecting.histograms import Histogram, Sketch
from corpuskit.workflow.inspecting.samples import Chosen, spread
from corpuskit.workflow.inspecting.tally import Tally, ValueCounts, Verdicts, WhatIf

Say = Callable[[str], None]
"""Shows how far it is."""


@dataclass(eq=False)
class VariantSums:
    """What is known of one variant."""

    name: str
    manifest: Manifest
    policy: PolicyConfig | None
    series: dict[str, Series]
    """The signals its rules read, where they were measured."""
    tally: Tally
    items: ContaminationConfig | None
    """The evaluation items that signals looked for."""
    what_ifs: list[WhatIf] = field(default_factory=list)
    values: list[ValueCounts] = field(default_factory=list)
    chosen: Chosen = field(default_factory=Chosen)

    @property
    def bounds(self) -> list[Bound]:
        """The bounds of its rules whose signals were measured."""
        shares = {share["rule"]: share["threshold"] for share in self.manifest.extra.get("shares", ())}
        resolved = {place: bound for place, bound in shares.items() if bound is not None}
        return [bound for bound in bounds(self.policy, resolved) if bound.rule.signal in self.series]


@dataclass(eq=False)
class Inspection:
    """All sums over a corpus that its page shows; memory does not grow with the documents."""

    corpus: Corpus
    parts: Sequence[Part]
    sketches: dict[Series, Sketch]
    histograms: dict[Series, Histogram]
    variants: list[VariantSums]
    breakdowns: list[Breakdown]


def inspect_corpus(corpus: Corpus, say: Say) -> Inspection:
    """Read all sidecars of a corpus twice.

    Raises:
        CorruptArtifact: a sidecar does not match its documents.
    """
    parts = manifest.read(corpus.documents, "documents").parts
    sketches = _sketch(all_series(corpus), parts, say)
    variants = [_variant(corpus, name, sketches) for name in corpus.variants]
    histograms = {series: bins for series in sketches if (bins := _bins(series, sketches[series], variants))}
    found = Inspection(corpus, parts, sketches, histograms, variants, [Breakdown("language"), Breakdown("source")])
    chosen_from = spread(parts)
    for index, part in enumerate(parts):
        say(f"counting, split {index + 1} of {len(parts)}")
        _fill(found.histograms, part)
        _count(found, part, part["name"] in chosen_from)
    return found


def _sketch(series: Sequence[Series], parts: Sequence[Part], say: Say) -> dict[Series, Sketch]:
    sketches: dict[Series, Sketch] = {}
    for index, part in enumerate(parts):
        say(f"reading signals, split {index + 1} of {len(parts)}")
        for one, values, rows in _numbers(series, part):
            sketches.setdefault(one, Sketch()).add(values, rows)
    return sketches


def _numbers(series: Sequence[Series], part: Part) -> Iterator[tuple[Series, np.ndarray, int]]:
    """Give the numbers of each numeric column of a split, without missing ones, and its rows; a sidecar at a time."""
    for folder in dict.fromkeys(one.folder for one in series):
        for one, column in read([one for one in series if one.folder == folder], part).items():
            pair = numbers(column)
            if pair is not None:
                yield one, pair[0][pair[1]], len(column)


def _variant(corpus: Corpus, name: str, sketches: dict[Series, Sketch]) -> VariantSums:
    made = manifest.read(corpus.artifact("variant", name), "variant")
    config = policy_of(made)
    signals = {BYTES, LABEL, *(entry.rule.signal for entry in bounds(config, {}))}
    signals |= {entry.rule.signal for entry in listed(config)}
    signals |= {share["signal"] for share in made.extra.get("shares", ())}
    series = {signal: found for signal in signals if (found := series_of(corpus, signal, name))}
    sums = VariantSums(name, made, config, series, Tally(reasons_of(config)), items_of(corpus))
    sums.what_ifs = [
        WhatIf.of(bound, sketches[series[bound.rule.signal]].whole)
        for bound in sums.bounds
        if series[bound.rule.signal] in sketches
    ]
    sums.values = [ValueCounts(one.rule, one.reason) for one in listed(config) if one.rule.signal in series]
    return sums


def _bins(series: Series, sketch: Sketch, variants: Sequence[VariantSums]) -> Histogram | None:
    marks = [one.bound.threshold for variant in variants for one in variant.what_ifs if _reads(variant, one, series)]
    return Histogram.over(sketch, tuple(marks))


def _reads(variant: VariantSums, one: WhatIf, series: Series) -> bool:
    return variant.series[one.bound.rule.signal] == series


def _fill(histograms: dict[Series, Histogram], part: Part) -> None:
    for one, values, _ in _numbers(list(histograms), part):
        histograms[one].add(values)


def _count(found: Inspection, part: Part, sampled: bool) -> None:
    """Count one split for everything but histograms."""
    columns = pa.Table.from_batches(list(read_split(found.corpus.documents, part["name"], ["key", "source"])))
    names = {"source": columns.column("source").combine_chunks()}
    label = series_of(found.corpus, LABEL, None)
    if label:
        names["language"] = read([label], part)[label]
    sizes = _sizes(series_of(found.corpus, BYTES, None), part)
    _break_down(found, names, "", None, sizes)
    for variant in found.variants:
        table = sidecars.read(found.corpus.artifact("variant", variant.name), part, ["kept", "reason", "failed"])
        own = read(list(variant.series.values()), part)
        verdicts = variant.tally.add(table, _sizes(variant.series.get(BYTES), part))
        _count_variant(variant, own, verdicts)
        _break_down(found, names, variant.name, verdicts.kept, verdicts.sizes)
        if sampled:
            _choose(variant, own, verdicts, part, columns.column("key").combine_chunks())


def _sizes(series: Series | None, part: Part) -> np.ndarray:
    """Return the bytes of each document; 0 where they were not measured; int64[n]."""
    if series is None:
        return np.zeros(part["rows"], np.int64)
    return np.asarray(pc.fill_null(read([series], part)[series], 0).to_numpy(zero_copy_only=False), np.int64)


def _break_down(
    found: Inspection, names: dict[str, pa.Array], variant: str, rows: np.ndarray | None, sizes: np.ndarray
) -> None:
    for breakdown in found.breakdowns:
        if breakdown.title in names:
            breakdown.add(names[breakdown.title], variant, rows, sizes)


def _count_variant(variant: VariantSums, own: dict[Series, pa.Array], verdicts: Verdicts) -> None:
    for one in variant.what_ifs:
        values, known = numbers(own[variant.series[one.bound.rule.signal]]) or (None, None)
        if values is not None and known is not None:
            one.add(values, known, _judged(variant, one.bound.rule, own, len(known)), verdicts, variant.tally.reasons)
    for counts in variant.values:
        judged = pa.array(_judged(variant, counts.rule, own, len(verdicts.sizes)))
        counts.add(own[variant.series[counts.rule.signal]].filter(judged), verdicts.sizes[judged.to_numpy(False)])


def _judged(variant: VariantSums, rule: Rule, own: dict[Series, pa.Array], rows: int) -> np.ndarray:
    """Return which documents a rule looks at: those of its languages; bool[n]."""
    if not rule.languages or LABEL not in variant.series:
        return np.ones(rows, bool)
    inside = pc.is_in(own[variant.series[LABEL]], value_set=pa.array(rule.languages, pa.string()))
    return np.asarray(inside.to_numpy(zero_copy_only=False), bool)


def _choose(variant: VariantSums, own: dict[Series, pa.Array], verdicts: Verdicts, part: Part, keys: pa.Array) -> None:
    read_by: dict[str, set[str]] = {}
    for bound in variant.bounds:
        read_by.setdefault(bound.reason, set()).add(bound.rule.signal)
    signals = {reason: next(iter(names)) for reason, names in read_by.items() if len(names) == 1}
    for index, reason in enumerate(variant.tally.reasons):
        failed = verdicts.failed[:, index]
        if not failed.any():
            continue
        pair = numbers(own[variant.series[signals[reason]]]) if reason in signals else None
        values = np.where(pair[1], pair[0].astype(np.float64), np.nan) if pair else None
        variant.chosen.add(part, keys, reason, failed, values)
