"""How the signals of a corpus are distributed: what one looks at before choosing thresholds."""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from corpuskit import manifest
from corpuskit.documents import sidecars
from corpuskit.manifest import Target
from corpuskit.policy.rule import is_number

QUANTILES = (0.01, 0.1, 0.5, 0.9, 0.99)
MOST_PARTS = 64
"""Splits that are read, evenly spread over the corpus: 16 GiB of text at the default size."""


def distributions(signals: Mapping[str, Target]) -> list[dict[str, Any]]:
    """Return one entry per numeric signal: {"signal", "quantiles", "missing", "documents"}, from finished sidecars."""
    return [entry for place in signals.values() for entry in _of_group(place.folder)]


def _of_group(folder: str) -> list[dict[str, Any]]:
    parts = manifest.read(folder, "signals").parts
    chosen = parts[:: -(-len(parts) // MOST_PARTS)] if parts else []
    tables = [sidecars.read(folder, part) for part in chosen]
    if not tables:
        return []
    table = pa.concat_tables(tables)
    return [_entry(name, table.column(name)) for name in table.column_names if is_number(table.column(name).type)]


def _entry(name: str, column: pa.ChunkedArray) -> dict[str, Any]:
    quantiles: Sequence[float | None] = pc.quantile(column, list(QUANTILES)).to_pylist()
    values = [value for value in quantiles if value is not None]
    return {"signal": name, "quantiles": values, "missing": column.null_count, "documents": len(column)}
