"""The columns that an inspection reads: which sidecar each signal of a variant lies in, and its numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from corpuskit import manifest
from corpuskit.contamination import ContaminationConfig
from corpuskit.corpus import Corpus
from corpuskit.documents import sidecars
from corpuskit.errors import ArtifactError
from corpuskit.kernels import WordKind
from corpuskit.policy.rule import is_number
from corpuskit.recipe.load import build

Part = Mapping[str, Any]
"""A split's entry in the manifest of the documents: name, rows, keys."""


@dataclass(frozen=True)
class Series:
    """One column of one sidecar: a signal of the text that variants share, or of a variant's own."""

    signal: str
    """As `group.name`."""
    folder: str
    text: str = ""
    """The own text it was measured on, by the names of its variants; empty for the shared one."""

    @property
    def title(self) -> str:
        """What tells it apart from others."""
        return f"{self.signal} ({self.text})" if self.text else self.signal


def series_of(corpus: Corpus, signal: str, variant: str | None) -> Series | None:
    """Return where a signal of a variant lies; None where it was not measured."""
    try:
        folder = corpus.signal_folder(signal, variant)
    except ArtifactError:
        return None
    if signal not in measured(folder):
        return None
    own = variant is not None and corpus.text_suffix(variant) and folder != _shared(corpus, signal)
    return Series(signal, folder, own_text(corpus, variant) if own else "")


def _shared(corpus: Corpus, signal: str) -> str:
    try:
        return corpus.signal_folder(signal, None)
    except ArtifactError:
        return ""


def own_text(corpus: Corpus, variant: str | None) -> str:
    """Return the variants that have the same text of their own as `variant`, as they are named on a page."""
    suffix = corpus.text_suffix(variant)
    return ", ".join(name for name in corpus.variants if corpus.text_suffix(name) == suffix)


def measured(folder: str) -> list[str]:
    """Return the columns of a sidecar's first split; none of an empty corpus."""
    found = manifest.read(folder)
    listed = found.extra.get("columns")
    if listed is None:
        listed = sidecars.read(folder, found.parts[0]).column_names if found.parts else []
    return list(listed)


def words_of(series: Series | None) -> WordKind | None:
    """Return which words a signal counts, where that is a setting of its group."""
    if series is None:
        return None
    words: WordKind | None = manifest.read(series.folder).identity["config"].get("words")
    return words


def items_of(corpus: Corpus) -> ContaminationConfig | None:
    """Return the evaluation items that the recipe of a corpus names; None where no signals of them were measured."""
    if not any(group.startswith("contamination") for group in corpus.artifacts.get("signals", {})):
        return None
    recipe = build(orjson.loads(corpus.manifest.extra["recipe"]))
    return recipe.matching.resolved(recipe.tasks)


def all_series(corpus: Corpus) -> list[Series]:
    """Return every signal of the corpus: those of the shared text first, then of variants' own texts."""
    suffixes = {corpus.text_suffix(name): own_text(corpus, name) for name in corpus.variants}
    found = []
    for group in corpus.artifacts.get("signals", {}):
        text = next((names for suffix, names in suffixes.items() if suffix and group.endswith(suffix)), "")
        folder = corpus.artifact("signals", group)
        found += [Series(signal, folder, text) for signal in measured(folder)]
    return sorted(found, key=lambda series: series.text)


def read(series: Sequence[Series], part: Part) -> dict[Series, pa.Array]:
    """Return some columns of one split."""
    found: dict[Series, pa.Array] = {}
    for folder in dict.fromkeys(one.folder for one in series):
        wanted = [one for one in dict.fromkeys(series) if one.folder == folder]
        table = sidecars.read(folder, part, [one.signal for one in wanted])
        found |= {one: _whole(table.column(one.signal)) for one in wanted}
    return found


def _whole(column: pa.ChunkedArray) -> pa.Array:
    whole = column.combine_chunks()
    return whole.dictionary_decode() if pa.types.is_dictionary(whole.type) else whole


def numbers(column: pa.Array) -> tuple[np.ndarray, np.ndarray] | None:
    """Return a column's numbers, as rules compare them, and which rows have one; None for what is no number.

    Returns:
        float32[n], or integers of the column's own width; and bool[n].
    """
    if not is_number(column.type):
        return None
    known = ~np.asarray(pc.is_null(column, nan_is_null=True).to_numpy(zero_copy_only=False), bool)
    values = np.asarray(pc.fill_null(column, 0).to_numpy(zero_copy_only=False))
    return (values.astype(np.float32, copy=False) if pa.types.is_floating(column.type) else values), known
