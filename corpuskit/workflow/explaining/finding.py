"""Finding a document by its id, key, URL or place: scans of narrow columns; no text is read."""

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpuskit import manifest
from corpuskit.corpus import Corpus
from corpuskit.documents import read_split
from corpuskit.documents.schema import KEY, SCHEMA
from corpuskit.errors import ArtifactError, InputError, nearest
from corpuskit.workflow.inspecting.columns import Part

COLUMNS = ["key", "id", "url", "source"]
SHOWN = 5
"""Ids that an error suggests, and matches that it lists, times two."""
KEPT = 200
"""Similar ids of one split that are compared."""
PLACE = re.compile("(part-[0-9-]+)(?::(.*))?")
"""A part and a row; an id that looks so is found as an id first."""
ROW = re.compile("[0-9]{1,15}")


@dataclass(frozen=True)
class Match:
    """Where a document lies."""

    part: Part
    row: int
    key: bytes
    id: str
    url: str | None
    source: str

    @property
    def place(self) -> str:
        """What tells it apart from all others, also from those of the same id and source: `part-0000003:17`."""
        return f"{self.part['name']}:{self.row}"


@dataclass
class _Similar:
    """Ids that look like the one that was asked for, and the sources that there are."""

    wanted: str
    ids: list[str] = field(default_factory=list)
    first: list[str] = field(default_factory=list)
    sources: set[str] = field(default_factory=set)

    def look(self, batch: pa.RecordBatch) -> None:
        """Keep ids of a batch that contain what was asked for, or begin with as much of it as any; and its sources."""
        ids = batch.column("id")
        self.sources |= set(pc.unique(batch.column("source")).to_pylist())
        self.ids += ids.filter(pc.match_substring(ids, self.wanted, ignore_case=True)).slice(0, KEPT).to_pylist()
        for left_out in (1, 2, 3, len(self.wanted) // 2):
            begins = ids.filter(pc.starts_with(ids, self.wanted[: max(len(self.wanted) - left_out, 2)]))
            if len(begins):
                self.ids += begins.slice(0, KEPT).to_pylist()
                break
        self.first += ids.slice(0, SHOWN).to_pylist() if not self.first else []

    def nearest(self) -> str:
        """Return the end of an error: the nearest ids, or what ids look like."""
        close = difflib.get_close_matches(self.wanted, dict.fromkeys(self.ids), SHOWN, cutoff=0.3)
        if close:
            return f"; nearest ids: {', '.join(map(repr, close))}"
        return f"; ids look like {', '.join(map(repr, self.first))}" if self.first else ""


def find(corpus: Corpus, wanted: str, source: str | None = None) -> list[Match]:
    """Return the documents whose id, key (32 hex digits), URL or place (`part-0000003:17`) is `wanted`, in order.

    Args:
        corpus: the corpus.
        wanted: what was asked for.
        source: documents of this source alone.

    Raises:
        InputError: there is none; names the nearest ids, or what there is of parts, rows and sources.
    """
    similar = _Similar(wanted)
    parts = list(manifest.read(corpus.documents, "documents").parts)
    found = [match for part in parts for match in _matches(corpus, part, wanted, source, similar)]
    if source is not None and source not in similar.sources:
        raise InputError(f"--source: {corpus.folder} has no source {source!r}{nearest(source, similar.sources)}")
    if not found:
        found = [match for match in _at(corpus, parts, wanted) if source in (None, match.source)]
    if not found:
        of = f" of source {source!r}" if source else ""
        raise InputError(
            f"{corpus.folder}: no document{of} has the id, key, url or place {wanted!r}{similar.nearest()}"
        )
    return found


def the_one(corpus: Corpus, wanted: str, source: str | None = None) -> Match:
    """Return the only document that `find` gives.

    Raises:
        InputError: there is none, or several; lists them with their places and keys.
    """
    found = find(corpus, wanted, source)
    if len(found) == 1:
        return found[0]
    listed = [f"\n  {match.place}  {match.key.hex()}  {match.source}  {match.id}" for match in found]
    more = [f"\n  … and {len(found) - 2 * SHOWN:,} more"] if len(found) > 2 * SHOWN else []
    narrower = ", or give a --source" if len({match.source for match in found}) > 1 else ""
    raise InputError(
        f"{corpus.folder}: {len(found):,} documents match {wanted!r}; name one by its place or key{narrower}:"
        + "".join([*listed[: 2 * SHOWN], *more])
    )


def _at(corpus: Corpus, parts: list[Part], wanted: str) -> list[Match]:
    """Return the document at a place; nothing for what is no place.

    Raises:
        InputError: a part or a row that the corpus does not have.
    """
    place = PLACE.fullmatch(wanted)
    if place is None:
        return []
    name, row = place.groups()
    part = next((part for part in parts if part["name"] == name), None)
    if part is None:
        names = [part["name"] for part in parts]
        raise InputError(f"{corpus.folder}: no document and no part is named {name!r}; parts: {_ends(names)}")
    if row is None:
        raise InputError(f"{corpus.folder}: {name} is a part; a place names a row of it too, such as {name}:0")
    if not ROW.fullmatch(row) or int(row) >= part["rows"]:
        there = f"{part['rows']:,} rows, counted from 0" if part["rows"] != 1 else "1 row, row 0"
        raise InputError(f"{corpus.folder}: {name} has no row {row}: it has {there}")
    return rows_of(corpus, part, [int(row)])


def _ends(names: list[str]) -> str:
    """Return the names, or of many the first and the last."""
    return ", ".join(names) if len(names) <= SHOWN else f"{names[0]} to {names[-1]}"


def _matches(corpus: Corpus, part: Part, wanted: str, source: str | None, similar: _Similar) -> Iterator[Match]:
    first = 0
    for batch in read_split(corpus.documents, part["name"], COLUMNS):
        hits = _hits(batch, wanted)
        if source is not None:
            hits = pc.and_(hits, pc.equal(batch.column("source"), source))
        rows = np.flatnonzero(hits.to_numpy(zero_copy_only=False))
        for row, fields in zip(rows.tolist(), batch.take(pa.array(rows)).to_pylist(), strict=True):
            yield Match(part=part, row=first + row, **fields)
        similar.look(batch)
        first += len(batch)


def _hits(batch: pa.RecordBatch, wanted: str) -> pa.Array:
    """Return which rows are asked for; bool[n]."""
    hits = pc.or_(pc.equal(batch.column("id"), wanted), pc.fill_null(pc.equal(batch.column("url"), wanted), False))
    if re.fullmatch("[0-9a-fA-F]{32}", wanted):
        hits = pc.or_(hits, pc.equal(batch.column("key"), pa.scalar(bytes.fromhex(wanted), KEY)))
    return hits


def rows_of(corpus: Corpus, part: Part, rows: list[int]) -> list[Match]:
    """Return some documents of a split by their rows, in the order of the rows."""
    table = pa.Table.from_batches(list(read_split(corpus.documents, part["name"], COLUMNS)))
    found = table.take(pa.array(rows, pa.int64())).to_pylist()
    return [Match(part=part, row=row, **fields) for row, fields in zip(rows, found, strict=True)]


def record(folder: str, match: Match, columns: list[str] | None = None) -> dict[str, Any]:
    """Return a document's row; what lies after it in its split is not read."""
    first = 0
    for batch in read_split(folder, match.part["name"], columns or SCHEMA.names):
        if match.row < first + len(batch):
            row: dict[str, Any] = batch.slice(match.row - first, 1).to_pylist()[0]
            return row
        first += len(batch)
    raise ArtifactError(f"{folder}: {match.part['name']} has no row {match.row}")
