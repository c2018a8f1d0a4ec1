"""Verdicts counted: what each rule removes first, alone and with others, and what another threshold would keep."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpuskit.policy import Rule
from corpuskit.workflow.inspecting.bounds import Bound

Pair = np.ndarray
"""Documents and bytes; int64[2]."""


def weigh(rows: np.ndarray, sizes: np.ndarray) -> Pair:
    """Return how many rows (bool[n]) there are, and their bytes."""
    return np.array([rows.sum(), sizes[rows].sum()], np.int64)


@dataclass(frozen=True, eq=False)
class Verdicts:
    """A variant's verdicts over one split, as arrays of n documents."""

    kept: np.ndarray
    """bool[n]: in the variant, after the choice among copies."""
    passed: np.ndarray
    """bool[n]: no rule failed."""
    failed: np.ndarray
    """bool[n, r]: which of the tally's reasons failed."""
    first: np.ndarray
    """int64[n]: the reason that failed first; -1 where none did."""
    sizes: np.ndarray
    """int64[n]: bytes of the variant's text."""

    @functools.cached_property
    def failures(self) -> np.ndarray:
        """How many reasons each document fails; int64[n]."""
        return self.failed.sum(axis=1)

    def only(self, reason: int) -> np.ndarray:
        """Return the documents that fail nothing but one reason, or nothing; bool[n]."""
        return self.failures == self.failed[:, reason]


@dataclass(eq=False)
class Tally:
    """Sums over a variant's verdicts."""

    reasons: list[str]
    """In the order in which they are tried; reasons that only verdicts know come last."""
    kept: Pair = field(default_factory=lambda: np.zeros(2, np.int64))
    passed: Pair = field(default_factory=lambda: np.zeros(2, np.int64))
    all: Pair = field(default_factory=lambda: np.zeros(2, np.int64))
    first: dict[str, Pair] = field(default_factory=dict)
    """What each reason was the first to remove."""
    failed: dict[str, Pair] = field(default_factory=dict)
    """What fails each reason."""
    alone: dict[str, Pair] = field(default_factory=dict)
    """What fails a reason and no other."""
    both: dict[tuple[str, str], int] = field(default_factory=dict)
    """Documents that fail two reasons."""
    copies: dict[str, Pair] = field(default_factory=dict)
    """What passes the policy and is left out as a copy, by reason."""

    def add(self, table: pa.Table, sizes: np.ndarray) -> Verdicts:
        """Count one split's verdicts: columns `kept`, `reason`, `failed`; sizes int64[n]."""
        verdicts = self._read(table, sizes)
        self.all += weigh(np.ones(len(sizes), bool), sizes)
        self.kept += weigh(verdicts.kept, sizes)
        self.passed += weigh(verdicts.passed, sizes)
        together = verdicts.failed.astype(np.float32).T @ verdicts.failed.astype(np.float32)
        for index, reason in enumerate(self.reasons):
            failed = verdicts.failed[:, index]
            if failed.any():
                _add(self.failed, reason, weigh(failed, sizes))
                _add(self.first, reason, weigh(verdicts.first == index, sizes))
                _add(self.alone, reason, weigh(failed & verdicts.only(index), sizes))
                for other in np.flatnonzero(together[index]):
                    pair = (reason, self.reasons[other])
                    self.both[pair] = self.both.get(pair, 0) + int(together[index, other])
        self._add_copies(table, verdicts)
        return verdicts

    def _read(self, table: pa.Table, sizes: np.ndarray) -> Verdicts:
        lists = table.column("failed").combine_chunks()
        flat = lists.flatten()
        self.reasons += [name for name in pc.unique(flat).to_pylist() if name not in self.reasons]
        codes = pc.index_in(flat, value_set=pa.array(self.reasons, pa.string())).to_numpy(zero_copy_only=False)
        lengths = lists.value_lengths().to_numpy(zero_copy_only=False)
        failed = np.zeros((len(lists), len(self.reasons)), bool)
        failed[np.repeat(np.arange(len(lists)), lengths), codes] = True
        first = np.full(len(lists), -1, np.int64)
        some = lengths > 0
        first[some] = codes[(np.cumsum(lengths) - lengths)[some]]
        kept = np.asarray(table.column("kept").to_numpy(), bool)
        return Verdicts(kept, ~some, failed, first, sizes)

    def _add_copies(self, table: pa.Table, verdicts: Verdicts) -> None:
        lost = verdicts.passed & ~verdicts.kept
        reasons = table.column("reason").combine_chunks()
        for name in pc.unique(reasons.filter(pa.array(lost))).to_pylist():
            rows = np.asarray(pc.equal(reasons, name).fill_null(False).to_numpy(zero_copy_only=False), bool)
            _add(self.copies, name, weigh(rows & lost, verdicts.sizes))


def _add(sums: dict[str, Pair], name: str, pair: Pair) -> None:
    sums[name] = sums.get(name, np.zeros(2, np.int64)) + pair


@dataclass(eq=False)
class WhatIf:
    """What a bound would keep at other thresholds."""

    bound: Bound
    thresholds: tuple[float, ...]
    alone: np.ndarray
    """Documents and bytes that pass this bound, at each threshold; int64[t, 2]."""
    rest: np.ndarray
    """Those that also pass all else in the policy; int64[t, 2]."""
    beyond: int = 0
    """Documents that fail at the threshold in use."""

    @classmethod
    def of(cls, bound: Bound, whole: bool) -> "WhatIf":
        """Return empty sums; `whole`: the signal's values are integers."""
        thresholds = bound.ladder(whole)
        shape = (len(thresholds), 2)
        return cls(bound, thresholds, np.zeros(shape, np.int64), np.zeros(shape, np.int64))

    def add(
        self, values: np.ndarray, known: np.ndarray, judged: np.ndarray, verdicts: Verdicts, reasons: Sequence[str]
    ) -> None:
        """Count one split.

        Args:
            values: the signal, float32[n] or int[n].
            known: which rows have a value, bool[n].
            judged: which rows the rule looks at, bool[n]: those of its languages.
            verdicts: the split's verdicts.
            reasons: the names of their columns.
        """
        missing = ~known & (self.bound.rule.missing == "keep")
        index = reasons.index(self.bound.reason) if self.bound.reason in reasons else None
        others = verdicts.passed if index is None else verdicts.only(index)
        for place, threshold in enumerate(self.thresholds):
            passes = ~judged | missing | (known & self.bound.passes(values, threshold))
            self.alone[place] += weigh(passes, verdicts.sizes)
            self.rest[place] += weigh(passes & others, verdicts.sizes)
        self.beyond += int((judged & known & ~self.bound.passes(values, self.bound.threshold)).sum())


MOST_VALUES = 10_000
"""Distinct values of a text signal that are counted; later ones are left out."""


@dataclass(eq=False)
class ValueCounts:
    """How many documents have each value of a signal that a rule lists values of."""

    rule: Rule
    reason: str
    counts: dict[str, Pair] = field(default_factory=dict)

    def add(self, column: pa.Array, sizes: np.ndarray) -> None:
        """Count one split: the signal and bytes, each of n documents."""
        table = pa.table({"value": column.cast(pa.string()), "bytes": sizes})
        for row in table.group_by("value").aggregate([("bytes", "count"), ("bytes", "sum")]).to_pylist():
            name = "–" if row["value"] is None else row["value"]
            if name in self.counts or len(self.counts) < MOST_VALUES:
                _add(self.counts, name, np.array([row["bytes_count"], row["bytes_sum"]], np.int64))
