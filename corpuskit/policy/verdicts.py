"""Verdicts: a table of signals judged by a policy, column by column."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpuskit.errors import RecipeError
from corpuskit.policy.columns import is_missing, mask, numbers, whole
from corpuskit.policy.config import (
    LABEL,
    PolicyConfig,
    active_rules,
    check_signals,
    exclude_reason,
    read_exclusions,
    shares,
)
from corpuskit.policy.group import PolicyRule, RuleGroup
from corpuskit.policy.rule import Rule, is_number

Columns: TypeAlias = pa.RecordBatch | pa.Table

VERDICT_SCHEMA = pa.schema(
    [
        pa.field("kept", pa.bool_(), nullable=False),
        pa.field("reason", pa.string()),
        pa.field("failed", pa.list_(pa.string()), nullable=False),
        pa.field("value", pa.float32()),
        pa.field("threshold", pa.float32()),
    ]
)
"""One row a document. `reason`, `value` and `threshold` belong to the first failing rule; `failed` lists all reasons,
the first one first. `value` is null where the rule judged no number; `threshold` where it crossed no bound. Those of a
group of rules are those of its first failing member.
"""


@dataclass(frozen=True, slots=True)
class Check:
    """One way to fail, over n documents."""

    reason: str
    failing: np.ndarray
    """bool[n]."""
    values: np.ndarray | None = None
    """float32[n]: the signal, where it is a number."""
    threshold: np.ndarray | float | None = None
    """The bound, for all documents or for each; float32[n]."""


def judge(
    policy: PolicyConfig,
    columns: Columns,
    excluded: Mapping[str, pa.Array] | None = None,
    thresholds: Sequence[float | None] = (),
) -> pa.Table:
    """Decide for each document whether it stays, and say why not.

    Args:
        policy: The policy.
        columns: One row a document: the signals of `signals_needed(policy)`, and `id` and `url` where `policy.exclude`
            names lists. Other columns are not looked at.
        excluded: `read_exclusions(policy.exclude)`; pass it when judging many batches, else the files are read here.
        thresholds: What the shares among the rules come to, one for each of `shares(policy)`; None where there was no
            document to take a share of: every value passes.

    Returns:
        One verdict a row, in row order, of `VERDICT_SCHEMA`.

    Raises:
        RecipeError: a column is missing or of a type that its rule cannot judge, or a share has no threshold.
        InputError: an exclude list cannot be read.
    """
    types = {field.name: field.type for field in columns.schema}
    check_signals(policy, types)
    bounds = _bounds(policy, thresholds)
    lists = read_exclusions(policy.exclude) if excluded is None else excluded
    checks = list(_exclude_checks(lists, columns))
    for place, rule in active_rules(policy):
        found = _checks(rule, place, columns, bounds)
        checks += _of_languages(found, rule, whole(columns[LABEL])) if rule.languages else found
    return _verdicts(checks, columns.num_rows)


def _bounds(policy: PolicyConfig, thresholds: Sequence[float | None]) -> dict[str, float | None]:
    """Return the threshold of each share by its place."""
    places = [place for place, _ in shares(policy)]
    if len(places) != len(thresholds):
        where = places[0] if places else "thresholds"
        why = "a share is one of a whole corpus: it needs the threshold that the step `select` finds"
        raise RecipeError(where, f"{why}; {len(places)} shares, {len(thresholds)} thresholds given")
    return dict(zip(places, thresholds, strict=True))


def _exclude_checks(lists: Mapping[str, pa.Array], columns: Columns) -> Iterator[Check]:
    for path, entries in lists.items():
        failing = np.zeros(columns.num_rows, bool)
        for name in ("id", "url"):
            if name not in columns.schema.names:
                raise RecipeError("exclude", f"documents can only be excluded where there is a column {name!r}")
            column = whole(columns[name])
            failing |= mask(pc.is_in(column, value_set=entries.cast(column.type)))
        yield Check(exclude_reason(path), failing)


def _checks(rule: PolicyRule, place: str, columns: Columns, bounds: Mapping[str, float | None]) -> list[Check]:
    if isinstance(rule, RuleGroup):
        return [_group_check(rule, place, columns, bounds)]
    column = whole(columns[rule.signal])
    missing = is_missing(column)
    checks = [Check(rule.named("missing"), missing)] if rule.missing == "fail" else []
    return checks + list(_value_checks(rule, column, missing, bounds.get(place)))


def _value_checks(rule: Rule, column: pa.Array, missing: np.ndarray, share_bound: float | None) -> Iterator[Check]:
    if not is_number(column.type):
        found = mask(pc.is_in(column, value_set=pa.array(rule.listed, column.type)))
        yield _listed_check(rule, found, missing, None)
        return
    values = numbers(column)
    if rule.listed:
        yield _listed_check(rule, np.isin(values, _like(values, rule.listed)), missing, values)
    for condition, bound in (("min", rule.min), ("highest", share_bound if rule.highest else None)):
        if bound is not None:
            failing = (values < _like(values, bound)) & ~missing
            yield Check(rule.named(condition), failing, values.astype(np.float32), bound)
    for condition, bound in (("max", rule.max), ("lowest", share_bound if rule.lowest else None)):
        if bound is not None:
            failing = (values > _like(values, bound)) & ~missing
            yield Check(rule.named(condition), failing, values.astype(np.float32), bound)


def _listed_check(rule: Rule, found: np.ndarray, missing: np.ndarray, values: np.ndarray | None) -> Check:
    shown = None if values is None else values.astype(np.float32)
    if rule.not_in:
        return Check(rule.named("not_in"), found & ~missing, shown)
    return Check(rule.named("in"), ~found & ~missing, shown)


def _like(values: np.ndarray, threshold: float | Sequence[object]) -> np.ndarray:
    """Return thresholds as they are compared: as float32 with floats, unrounded with integers."""
    return np.asarray(threshold, np.float32 if values.dtype == np.float32 else None)


def _group_check(group: RuleGroup, place: str, columns: Columns, bounds: Mapping[str, float | None]) -> Check:
    members = [_checks(member, inner, columns, bounds) for inner, member in group.members(place)]
    if group.all_:
        first = _first_failures([check for checks in members for check in checks], columns.num_rows)
        return Check(group.named, first.failing, first.values, first.thresholds)
    firsts = [_first_failures(checks, columns.num_rows) for checks in members]
    failing = np.logical_and.reduce([first.failing for first in firsts])
    return Check(group.named, failing, firsts[0].values, firsts[0].thresholds)


def _of_languages(checks: Iterable[Check], rule: PolicyRule, labels: pa.Array) -> Iterator[Check]:
    """Let a rule judge the documents of its languages alone."""
    judged = mask(pc.is_in(labels, value_set=pa.array(rule.languages, labels.type)))
    for check in checks:
        yield replace(check, failing=check.failing & judged)


@dataclass(frozen=True, slots=True)
class _First:
    """The first of several checks that each of n documents fails."""

    failing: np.ndarray
    """bool[n]: whether it fails any."""
    checks: np.ndarray
    """int64[n]: the number of the first; 0 where it fails none."""
    values: np.ndarray
    """float32[n]; NaN where there is none."""
    thresholds: np.ndarray
    """float32[n]; NaN where there is none."""


def _first_failures(checks: Sequence[Check], n_documents: int) -> _First:
    nothing = np.full(n_documents, np.nan, np.float32)
    found = _First(np.zeros(n_documents, bool), np.zeros(n_documents, np.int64), nothing, nothing.copy())
    for index, check in enumerate(checks):
        new = check.failing & ~found.failing
        found.failing[new] = True
        found.checks[new] = index
        if check.values is not None:
            found.values[new] = check.values[new]
        if check.threshold is not None:
            found.thresholds[new] = np.broadcast_to(np.float32(check.threshold), n_documents)[new]
    return found


def _verdicts(checks: Sequence[Check], n_documents: int) -> pa.Table:
    first = _first_failures(checks, n_documents)
    columns = [
        pa.array(~first.failing),
        _reasons(checks).take(pa.array(first.checks, mask=~first.failing)),
        _failed(checks, n_documents),
        pa.array(first.values, from_pandas=True),
        pa.array(first.thresholds, from_pandas=True),
    ]
    return pa.Table.from_arrays(columns, schema=VERDICT_SCHEMA)


def _reasons(checks: Sequence[Check]) -> pa.Array:
    return pa.array([check.reason for check in checks], pa.string())


def _failed(checks: Sequence[Check], n_documents: int) -> pa.ListArray:
    """Return the reasons of each document in the order of the checks; one that several checks share counts once."""
    seen: dict[str, np.ndarray] = {}
    failing = np.zeros((n_documents, len(checks)), bool)
    for index, check in enumerate(checks):
        before = seen.get(check.reason, np.zeros(n_documents, bool))
        failing[:, index] = check.failing & ~before
        seen[check.reason] = before | check.failing
    offsets = np.concatenate([[0], failing.sum(axis=1).cumsum()]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), _reasons(checks).take(pa.array(failing.nonzero()[1])))
