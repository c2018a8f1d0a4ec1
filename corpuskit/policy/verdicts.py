"""Verdicts: a table of signals judged by a policy, column by column."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpuskit.errors import RecipeError
from corpuskit.policy.config import LABEL, PolicyConfig, active_rules, check_signals, exclude_reason, read_exclusions
from corpuskit.policy.rule import Rule, is_number

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
the first one first. `value` is null where the rule judged no number; `threshold` where it crossed no bound.
"""


@dataclass(frozen=True, slots=True)
class Check:
    """One way to fail, over all documents."""

    reason: str
    failing: np.ndarray
    """bool[n]."""
    values: np.ndarray | None = None
    """float32[n]: the signal, where it is a number."""
    threshold: float | None = None


def judge(
    policy: PolicyConfig, columns: pa.RecordBatch | pa.Table, excluded: Mapping[str, pa.Array] | None = None
) -> pa.Table:
    """Decide for each document whether it stays, and say why not.

    Args:
        policy: The policy.
        columns: One row a document: the signals of `signals_needed(policy)`, and `id` and `url` where `policy.exclude`
            names lists. Other columns are not looked at.
        excluded: `read_exclusions(policy.exclude)`; pass it when judging many batches, else the files are read here.

    Returns:
        One verdict a row, in row order, of `VERDICT_SCHEMA`.

    Raises:
        RecipeError: a column is missing or of a type that its rule cannot judge.
        InputError: an exclude list cannot be read.
    """
    types = {field.name: field.type for field in columns.schema}
    check_signals(policy, types)
    lists = read_exclusions(policy.exclude) if excluded is None else excluded
    checks = list(_exclude_checks(lists, columns))
    for _, rule in active_rules(policy):
        found = _rule_checks(rule, _whole(columns[rule.signal]))
        checks += _of_languages(found, rule, _whole(columns[LABEL])) if rule.languages else found
    return _verdicts(checks, columns.num_rows)


def _whole(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    return whole.dictionary_decode() if pa.types.is_dictionary(whole.type) else whole


def _mask(column: pa.Array) -> np.ndarray:
    return np.asarray(column.to_numpy(zero_copy_only=False), bool)


def _exclude_checks(lists: Mapping[str, pa.Array], columns: pa.RecordBatch | pa.Table) -> Iterator[Check]:
    for path, entries in lists.items():
        failing = np.zeros(columns.num_rows, bool)
        for name in ("id", "url"):
            if name not in columns.schema.names:
                raise RecipeError("exclude", f"documents can only be excluded where there is a column {name!r}")
            column = _whole(columns[name])
            failing |= _mask(pc.is_in(column, value_set=entries.cast(column.type)))
        yield Check(exclude_reason(path), failing)


def _rule_checks(rule: Rule, column: pa.Array) -> Iterator[Check]:
    missing = _mask(pc.is_null(column, nan_is_null=True))
    if rule.missing == "fail":
        yield Check(rule.named("missing"), missing)
    if not is_number(column.type):
        found = _mask(pc.is_in(column, value_set=pa.array(rule.listed, column.type)))
        yield _listed_check(rule, found, missing, None)
        return
    numbers = _numbers(column)
    if rule.listed:
        yield _listed_check(rule, np.isin(numbers, _like(numbers, rule.listed)), missing, numbers)
    if rule.min is not None:
        failing = (numbers < _like(numbers, rule.min)) & ~missing
        yield Check(rule.named("min"), failing, numbers.astype(np.float32), rule.min)
    if rule.max is not None:
        failing = (numbers > _like(numbers, rule.max)) & ~missing
        yield Check(rule.named("max"), failing, numbers.astype(np.float32), rule.max)


def _of_languages(checks: Iterable[Check], rule: Rule, labels: pa.Array) -> Iterator[Check]:
    """Let a rule judge the documents of its languages alone."""
    judged = _mask(pc.is_in(labels, value_set=pa.array(rule.languages, labels.type)))
    for check in checks:
        yield replace(check, failing=check.failing & judged)


def _listed_check(rule: Rule, found: np.ndarray, missing: np.ndarray, numbers: np.ndarray | None) -> Check:
    values = None if numbers is None else numbers.astype(np.float32)
    if rule.not_in:
        return Check(rule.named("not_in"), found & ~missing, values)
    return Check(rule.named("in"), ~found & ~missing, values)


def _numbers(column: pa.Array) -> np.ndarray:
    """Return a column as float32[n], or as integers of its own width; what stands in for nulls is masked by callers."""
    values = np.asarray(pc.fill_null(column, 0).to_numpy(zero_copy_only=False))
    return values.astype(np.float32, copy=False) if pa.types.is_floating(column.type) else values


def _like(numbers: np.ndarray, threshold: float | Sequence[object]) -> np.ndarray:
    """Return thresholds as they are compared: as float32 with floats, unrounded with integers."""
    return np.asarray(threshold, np.float32 if numbers.dtype == np.float32 else None)


def _verdicts(checks: list[Check], n_documents: int) -> pa.Table:
    kept = np.ones(n_documents, bool)
    first = np.zeros(n_documents, np.int64)
    value = np.full(n_documents, np.nan, np.float32)
    threshold = np.full(n_documents, np.nan, np.float32)
    for index, check in enumerate(checks):
        dropped_here = check.failing & kept
        kept &= ~check.failing
        first[dropped_here] = index
        if check.values is not None:
            value[dropped_here] = check.values[dropped_here]
        if check.threshold is not None:
            threshold[dropped_here] = check.threshold
    columns = [
        pa.array(kept),
        _reasons(checks).take(pa.array(first, mask=kept)),
        _failed(checks, n_documents),
        pa.array(value, from_pandas=True),
        pa.array(threshold, from_pandas=True),
    ]
    return pa.Table.from_arrays(columns, schema=VERDICT_SCHEMA)


def _reasons(checks: list[Check]) -> pa.Array:
    return pa.array([check.reason for check in checks], pa.string())


def _failed(checks: list[Check], n_documents: int) -> pa.ListArray:
    """Return the reasons of each document in the order of the checks; one that several checks share counts once."""
    seen: dict[str, np.ndarray] = {}
    failing = np.zeros((n_documents, len(checks)), bool)
    for index, check in enumerate(checks):
        before = seen.get(check.reason, np.zeros(n_documents, bool))
        failing[:, index] = check.failing & ~before
        seen[check.reason] = before | check.failing
    offsets = np.concatenate([[0], failing.sum(axis=1).cumsum()]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), _reasons(checks).take(pa.array(failing.nonzero()[1])))
