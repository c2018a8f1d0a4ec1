"""A few documents that fail each rule, chosen by their keys: the same ones every time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import xxhash

from corpuskit.corpus import Corpus
from corpuskit.documents import read_split
from corpuskit.documents.schema import key_matrix
from corpuskit.workflow.inspecting.columns import Part

PER_REASON = 3
"""Documents shown for each reason."""
MOST_PARTS = 8
"""Splits that samples come from, evenly spread over the corpus: their texts are read, those of others are not."""
MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, order=True)
class Place:
    """One chosen document."""

    rank: int
    """What it was chosen by: a hash of its key and the reason."""
    part: str
    row: int
    value: float | None = field(compare=False)
    """The signal that failed, where it is a number."""


@dataclass(frozen=True)
class Document:
    """What a page shows of a chosen document."""

    id: str
    source: str
    url: str | None
    text: str


@dataclass(eq=False)
class Chosen:
    """The documents of one variant with the smallest ranks, by reason."""

    places: dict[str, list[Place]] = field(default_factory=dict)

    def add(
        self, part: Part, keys: pa.Array, reason: str, failed: np.ndarray, values: np.ndarray | None = None
    ) -> None:
        """Look at one split: keys of n documents, who of them failed (bool[n]), and the signal (float[n], NaN)."""
        rows = np.flatnonzero(failed)
        if not rows.size:
            return
        ranks = _ranks(key_matrix(keys)[rows], reason)
        first = np.argsort(ranks, kind="stable")[:PER_REASON]
        found = [Place(int(ranks[i]), part["name"], int(rows[i]), _value(values, int(rows[i]))) for i in first]
        self.places[reason] = sorted([*self.places.get(reason, []), *found])[:PER_REASON]


def _ranks(keys: np.ndarray, reason: str) -> np.ndarray:
    """Return uint64[n]: keys (uint8[n, 16], hashes already) under a salt, so that reasons show different documents."""
    salt = np.uint64(xxhash.xxh3_64_intdigest(reason.encode()))
    words = np.ascontiguousarray(keys[:, :8]).view(np.uint64)[:, 0]
    return (words ^ salt) * MULTIPLIER


def _value(values: np.ndarray | None, row: int) -> float | None:
    return None if values is None or np.isnan(values[row]) else float(values[row])


def spread(parts: Sequence[Part]) -> list[str]:
    """Return the names of the splits that samples come from."""
    step = -(-len(parts) // MOST_PARTS) if parts else 1
    return [part["name"] for part in parts[::step]]


def fetch(corpus: Corpus, wanted: Mapping[str, Chosen]) -> dict[tuple[str, str, int], Document]:
    """Read the chosen documents of each variant: (variant, split, row) -> document."""
    found: dict[tuple[str, str, int], Document] = {}
    asked: dict[tuple[str, str], dict[int, list[str]]] = {}
    for variant, chosen in wanted.items():
        for place in (place for places in chosen.places.values() for place in places):
            rows = asked.setdefault((corpus.text_folder(variant), place.part), {})
            rows.setdefault(place.row, []).append(variant)
    for (folder, part), rows in asked.items():
        for row, document in read_rows(folder, part, sorted(rows)).items():
            found |= {(variant, part, row): document for variant in rows[row]}
    return found


def read_rows(folder: str, part: str, rows: Sequence[int]) -> dict[int, Document]:
    """Return some documents of a split by row (rising); what lies after the last of them is not read."""
    found: dict[int, Document] = {}
    first = 0
    for batch in read_split(folder, part, ["id", "source", "url", "text"]):
        inside = [row for row in rows if first <= row < first + len(batch)]
        chosen = batch.take(pa.array([row - first for row in inside], pa.int64())).to_pylist()
        found |= {row: Document(**fields) for row, fields in zip(inside, chosen, strict=True)}
        first += len(batch)
        if first > rows[-1]:
            break
    return found
