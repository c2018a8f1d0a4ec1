"""Numbers measured on texts: one column a signal, one table a group.

A new group is a file with a `SignalGroup` and a line in `SIGNALS`. Signals are measured once; policies, which decide,
only read them.
"""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow as pa

from corpuskit.config import Config
from corpuskit.errors import RecipeError, nearest
from corpuskit.kernels import Texts
from corpuskit.signals.c4 import C4, C4_DATATROVE, C4_FINEWEB, C4_TFDS
from corpuskit.signals.classifier import CLASSIFIER, ClassifierConfig, ClassifierName
from corpuskit.signals.composition import COMPOSITION
from corpuskit.signals.compression import COMPRESSION
from corpuskit.signals.contamination import CONTAMINATION
from corpuskit.signals.fineweb import FINEWEB_DATATROVE
from corpuskit.signals.gopher import GOPHER, GOPHER_DATATROVE
from corpuskit.signals.group import Signal, SignalGroup, WordsConfig
from corpuskit.signals.language import LANGUAGE, LanguageConfig
from corpuskit.signals.length import BYTES, LENGTH, SIZE
from corpuskit.signals.redpajama import REDPAJAMA, RedPajamaConfig
from corpuskit.signals.refinedweb import REFINEDWEB
from corpuskit.signals.repetition import REPETITION
from corpuskit.signals.url import URL, UrlConfig
from corpuskit.signals.word_list import WORD_LIST, WordListConfig

__all__ = [
    "BYTES",
    "NO_CONFIGS",
    "SIGNALS",
    "ClassifierConfig",
    "ClassifierName",
    "LanguageConfig",
    "RedPajamaConfig",
    "Signal",
    "SignalGroup",
    "UrlConfig",
    "WordListConfig",
    "WordsConfig",
    "compute",
    "known_signals",
    "schema",
]

PART_BYTES = 2 << 20
"""Text that is measured at a time: its words, lines and hashes stay in the CPU's cache from one group to the next."""
NO_CONFIGS: Mapping[str, Config] = MappingProxyType({})
GROUPS = (
    SIZE,
    LENGTH,
    COMPOSITION,
    COMPRESSION,
    GOPHER,
    GOPHER_DATATROVE,
    REPETITION,
    C4,
    C4_DATATROVE,
    C4_FINEWEB,
    C4_TFDS,
    FINEWEB_DATATROVE,
    REFINEDWEB,
    REDPAJAMA,
    WORD_LIST,
    CLASSIFIER,
    CONTAMINATION,
    LANGUAGE,
    URL,
)
SIGNALS: dict[str, SignalGroup] = {group.name: group for group in GROUPS}


def known_signals(configs: Mapping[str, Config] = NO_CONFIGS) -> dict[str, pa.DataType]:
    """Return the Arrow type of every signal by its full name, `group.name`.

    Args:
        configs: Settings by group; a group's defaults where there are none.
    """
    return {
        f"{group.name}.{name}": dtype
        for group in SIGNALS.values()
        for name, dtype in group.columns(configs.get(group.name)).items()
    }


def schema(names: Sequence[str], configs: Mapping[str, Config] = NO_CONFIGS) -> pa.Schema:
    """Return the columns that `compute` gives for the same names and settings.

    Raises:
        RecipeError: a name is neither a group nor a signal.
    """
    types = known_signals(configs)
    wanted = dict.fromkeys(full for name in names for full in _expand(name, types))
    return pa.schema([(full, types[full]) for full in wanted])


def compute(
    names: Sequence[str], texts: Texts | Mapping[str, Texts], configs: Mapping[str, Config] = NO_CONFIGS
) -> pa.RecordBatch:
    """Measure signals.

    Args:
        names: Groups (`gopher`: all its signals) or single signals (`gopher.words`), in the order of the columns.
        texts: n documents: their texts, or their columns by name (`text`, `url`), those that the groups read.
        configs: Settings by group; a group's defaults where there are none.

    Returns:
        n rows; a column `group.name` for each signal, once, null where its definition gives no value.

    Raises:
        RecipeError: a name is neither a group nor a signal, or a group reads a column that was not given.
    """
    columns = schema(names, configs)
    inputs = {"text": texts} if isinstance(texts, Texts) else texts
    return pa.concat_batches([_compute(columns, part, configs) for part in _parts(inputs)])


def _parts(inputs: Mapping[str, Texts]) -> Iterator[Mapping[str, Texts]]:
    """Yield the columns in runs of documents of about PART_BYTES; all at once where there is no column."""
    ends = sum(column.offsets[1:] - column.offsets[0] for column in inputs.values())
    bounds = [0, *np.unique(np.searchsorted(ends, np.arange(PART_BYTES, ends[-1:].sum(), PART_BYTES))), len(ends)]
    for start, stop in itertools.pairwise(bounds):
        if stop > start or not len(ends):
            yield {name: column.rows(start, stop) for name, column in inputs.items()}


def _compute(columns: pa.Schema, inputs: Mapping[str, Texts], configs: Mapping[str, Config]) -> pa.RecordBatch:
    groups = dict.fromkeys(full.split(".")[0] for full in columns.names)
    values = {
        f"{group}.{name}": array
        for group in groups
        for name, array in _measure(SIGNALS[group], inputs, configs.get(group)).items()
    }
    arrays = [_column(values[field.name], field.type) for field in columns]
    return pa.RecordBatch.from_arrays(arrays, schema=columns)


def _measure(group: SignalGroup, inputs: Mapping[str, Texts], config: Config | None) -> Mapping[str, Any]:
    if group.reads not in inputs:
        raise RecipeError("signals", f"group {group.name!r} reads the column {group.reads!r}, which is not there")
    if group.config is None:
        return group.measure(inputs[group.reads])
    return group.measure(inputs[group.reads], config or group.default_config())


def _column(values: Any, dtype: pa.DataType) -> pa.Array:
    """Return a signal's values as a column; NaN becomes null."""
    return values.cast(dtype) if isinstance(values, pa.Array) else pa.array(values, dtype, from_pandas=True)


def _expand(name: str, known: Iterable[str]) -> list[str]:
    """Return the full names of a group's signals, or a signal's own."""
    if name in SIGNALS:
        columns = [full for full in known if full.split(".")[0] == name]
        if not columns:
            raise RecipeError("signals", f"the group {name!r} has no signals: name some in {SIGNALS[name].named_in}")
        return columns
    if name in known:
        return [name]
    raise RecipeError("signals", f"unknown signal {name!r}{nearest(name, [*SIGNALS, *known])}")
