"""From settings to tables, made once a process."""

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from corpuskit.contamination import items
from corpuskit.contamination.config import ContaminationConfig, MatchConfig
from corpuskit.contamination.items import Items
from corpuskit.contamination.similarity import SimilarItems, sign_items
from corpuskit.contamination.table import NgramTable, build
from corpuskit.kernels import Texts
from corpuskit.storage import StoredFile


@dataclass(frozen=True, eq=False)
class Wanted:
    """What is looked for."""

    table: NgramTable
    similar: SimilarItems | None
    """None without `minhash`."""


def load(config: ContaminationConfig) -> Wanted:
    """Read the items and make the tables; again where a file has changed.

    Raises:
        InputError: a file cannot be read, or does not give the items; the message names it.
    """
    plain = config.model_dump_json(include=set(ContaminationConfig.model_fields))
    return _load(plain, tuple(items.stored_files(kind) for kind in config.sets.values()))


@functools.lru_cache(maxsize=4)
def _load(config: str, stored: tuple[tuple[StoredFile, ...], ...]) -> Wanted:
    """Make the tables of a config, which comes as JSON; `stored` tells its files from what they were."""
    settings = ContaminationConfig.model_validate_json(config)
    return make(items.load(settings), settings)


def make(found: Items, config: MatchConfig) -> Wanted:
    """Make the tables of items."""
    table = build(list(found.items()), config.ngram, config.min_words)
    if not config.minhash:
        return Wanted(table, None)
    texts = Texts.from_arrow(pa.array([text for own in found.values() for text in own], pa.large_string()))
    return Wanted(table, sign_items(texts, table.set_of, len(found), config.min_words))


def identity(config: ContaminationConfig) -> dict[str, Any]:
    """Return what decides what is found: the settings, and each set's texts by their checksum.

    Raises:
        InputError: as `load`.
    """
    return {**config.model_dump(exclude={"sets"}), "sets": items.digest(items.load(config))}


def n_items(table: NgramTable) -> tuple[np.ndarray, np.ndarray]:
    """Return how many items each set has, and how many of them are too short to be looked for; int64[sets] each."""
    n_sets = len(table.names)
    return np.bincount(table.set_of, minlength=n_sets), np.bincount(table.set_of[table.totals == 0], minlength=n_sets)
