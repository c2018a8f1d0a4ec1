"""What the shares in a variant's policy come to: two phases before its documents are judged.

`candidates` writes, for each split, the values that each share is a share of; `thresholds`, one item, finds the bounds
over all splits. Both hold one split at a time, and the bounds are exact, so splits and workers do not change them.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa

from corpuskit import policy, storage
from corpuskit.manifest import Marker
from corpuskit.policy import PolicyConfig
from pipelines import exchange
from pipelines.engine import Attempt

THRESHOLDS = pa.schema([("threshold", pa.float64()), ("documents", pa.int64())])


def _values_path(folder: str, share: int, split: str) -> str:
    return storage.join(folder, "work", f"share-{share}", f"{split}.arrow")


def _thresholds_path(folder: str) -> str:
    return storage.join(folder, "work", "thresholds.arrow")


def write_values(folder: str, split: str, shares: Sequence[np.ndarray]) -> None:
    """Commit what each share is a share of in one split."""
    for index, values in enumerate(shares):
        batch = pa.RecordBatch.from_arrays([pa.array(values)], ["value"])
        exchange.write(_values_path(folder, index, split), [batch])


def find(attempt: Attempt, *, splits: Sequence[str], config: PolicyConfig) -> Marker:
    """Find the bound of each share over all splits."""
    rules = [rule for _, rule in policy.shares(config)]
    bounds = [
        policy.share_bound(rule, partial(_blocks, attempt.folder, index, splits)) for index, rule in enumerate(rules)
    ]
    rows = [{"threshold": bound.value, "documents": bound.documents} for bound in bounds]
    found = pa.RecordBatch.from_pylist(rows, THRESHOLDS)
    exchange.write(_thresholds_path(attempt.folder), [found])
    return Marker(item=attempt.item.name, fingerprint=attempt.fingerprint, rows=len(found))


def _blocks(folder: str, share: int, splits: Sequence[str]) -> Iterator[np.ndarray]:
    for split in splits:
        yield exchange.read(_values_path(folder, share, split), 0).column("value").to_numpy()


def read(folder: str, config: PolicyConfig) -> list[float | None]:
    """Return the bound of each share of a policy, as `policy.judge` takes them; none for a policy without shares."""
    found: list[float | None] = _read(folder).column("threshold").to_pylist() if policy.shares(config) else []
    return found


def _read(folder: str) -> pa.RecordBatch:
    return exchange.read(_thresholds_path(folder), 0)


def report(folder: str, config: PolicyConfig) -> list[dict[str, Any]]:
    """Return what a variant's manifest says of each share: its rule, the bound, and of how many documents it is one."""
    rules = policy.shares(config)
    found = _read(folder).to_pylist() if rules else []
    fields = {"signal", "highest", "lowest"}
    return [
        {"rule": place, **rule.model_dump(include=fields, exclude_none=True), **bound}
        for (place, rule), bound in zip(rules, found, strict=True)
    ]
