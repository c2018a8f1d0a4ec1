"""Numbers measured on texts: one column a signal, one table a group.

A new group is a file with a `SignalGroup` and a line in `SIGNALS`. Signals are measured once; policies, which decide,
only read them.
"""

from collections.abc import Sequence

import pyarrow as pa

from corpuskit.errors import RecipeError, nearest
from corpuskit.kernels import Texts
from corpuskit.signals.composition import COMPOSITION
from corpuskit.signals.gopher import GOPHER
from corpuskit.signals.group import Signal, SignalGroup
from corpuskit.signals.length import LENGTH

__all__ = ["SIGNALS", "Signal", "SignalGroup", "compute", "known_signals", "schema"]

SIGNALS: dict[str, SignalGroup] = {
    "length": LENGTH,
    "gopher": GOPHER,
    "composition": COMPOSITION,
}


def known_signals() -> dict[str, pa.DataType]:
    """Return the Arrow type of every signal by its full name, `group.name`."""
    return {f"{group.name}.{name}": dtype for group in SIGNALS.values() for name, dtype in group.columns.items()}


def schema(names: Sequence[str]) -> pa.Schema:
    """Return the columns that `compute` gives for the same names.

    Raises:
        RecipeError: a name is neither a group nor a signal.
    """
    types = known_signals()
    wanted = dict.fromkeys(full for name in names for full in _expand(name))
    return pa.schema([(full, types[full]) for full in wanted])


def compute(names: Sequence[str], texts: Texts) -> pa.RecordBatch:
    """Measure signals.

    Args:
        names: Groups (`gopher`: all its signals) or single signals (`gopher.words`), in the order of the columns.
        texts: n documents.

    Returns:
        n rows; a column `group.name` for each signal, once, null where its definition gives no value.

    Raises:
        RecipeError: a name is neither a group nor a signal.
    """
    columns = schema(names)
    groups = dict.fromkeys(full.split(".")[0] for full in columns.names)
    values = {f"{group}.{name}": array for group in groups for name, array in SIGNALS[group].measure(texts).items()}
    arrays = [pa.array(values[field.name], field.type, from_pandas=True) for field in columns]  # NaN becomes null
    return pa.RecordBatch.from_arrays(arrays, schema=columns)


def _expand(name: str) -> list[str]:
    """Return the full names of a group's signals, or a signal's own."""
    if name in SIGNALS:
        return [f"{name}.{column}" for column in SIGNALS[name].columns]
    if name in known_signals():
        return [name]
    raise RecipeError("signals", f"unknown signal {name!r}{nearest(name, [*SIGNALS, *known_signals()])}")
