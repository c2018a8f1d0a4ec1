"""The last phase: the bytes that each split's documents lose, as a revision."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from corpuskit.dedup.inside import (
    Ranges,
    byte_ranges,
    equal_spans,
    evidence,
    size_of,
    split_places,
    unit_ranges,
    units_of,
)
from corpuskit.documents import revisions
from corpuskit.kernels import Texts
from corpuskit.manifest import Marker
from pipelines import exchange
from pipelines.cut import confirm, find, shuffle
from pipelines.cut.splits import Inputs, Split, chosen
from pipelines.engine import Attempt

FAR = np.iinfo(np.int64).max


class Copies(NamedTuple):
    """What of a split is a copy, in the order of rows; all int64[c]."""

    rows: np.ndarray
    positions: np.ndarray
    """The first unit of each."""
    units: np.ndarray
    """How many units it has."""
    behind: np.ndarray
    """How many units it lies behind what it is a copy of, where both are in one document; else a huge number."""
    requests: np.ndarray
    """The number of the answer that says what it must be, among those of its first one's split."""
    first_splits: np.ndarray
    """The split of what it is a copy of; unknown where size and references make no difference."""
    first_rows: np.ndarray

    def where(self, mask: np.ndarray | slice) -> "Copies":
        """Return some of them; bool[c] or a slice."""
        return Copies(*(column[mask] for column in self))


def write(attempt: Attempt, *, partitions: Sequence[str], inputs: Inputs) -> Marker:
    """Commit a split of the revision: the cuts of its documents, of which a batch at a time is in memory."""
    number = attempt.item.payload["split"]
    split = inputs.splits[number]
    part = split.part
    copies = _read_copies(attempt.folder, number, partitions, inputs)
    cutting = _Cutting(split, inputs, copies, _Answers(attempt.folder, number, inputs))
    files = revisions.write(attempt.folder, part["name"], split.folder, cutting.changes())
    if inputs.references:
        files |= evidence.write(attempt.folder, part["name"], cutting.references())
    size = int(part["text_bytes"] - cutting.counts["cut.bytes"])
    entry = {name: part[name] for name in ("name", "rows", "keys")}
    return Marker(
        item=attempt.item.name,
        fingerprint=attempt.fingerprint,
        rows=part["rows"],
        keys=part["keys"],
        counts={"text_bytes": size, **cutting.counts},
        files=files,
        parts=[{**entry, "text_bytes": size}],
    )


def _read_copies(folder: str, number: int, partitions: Sequence[str], inputs: Inputs) -> Copies:
    size = size_of(inputs.config)
    if inputs.confirms:
        batch = exchange.read(confirm.runs_path(folder, inputs.splits[number].name), 0)
        columns = {column: batch.column(column).to_numpy() for column in batch.schema.names}
    else:
        files = [find.path(folder, partition) for partition in partitions]
        table = pa.Table.from_batches([batch for file in files for batch in shuffle.split_batches(file, number)])
        table = table.sort_by("place")
        columns = {column: table.column(column).to_numpy() for column in table.column_names}
    rows, positions = split_places(columns["place"])
    nothing = np.zeros(rows.size, np.int64)
    first_splits = columns.get("first_split", nothing).astype(np.int64)
    first_rows, first_positions = split_places(columns.get("first_place", nothing.astype(np.uint64)))
    behind = np.full(rows.size, FAR)
    if size > 1:
        same = (first_splits == number) & (rows == first_rows)
        behind[same] = (positions - first_positions)[same]
    units = columns.get("windows", nothing + 1) + (size - 1)
    return Copies(rows, positions, units, behind, columns.get("request", nothing), first_splits, first_rows)


class _Answers:
    """What a split's runs repeat, as bytes; each other split's answers are read once."""

    def __init__(self, folder: str, number: int, inputs: Inputs) -> None:
        self._folder, self._splits, self._number = folder, inputs.splits, number - inputs.references
        self._read: dict[int, Texts] = {}

    def of(self, split: int) -> Texts:
        """Return the answers of a split, in the order of the requests."""
        if split not in self._read:
            path = confirm.answers_path(self._folder, self._splits[split].name)
            column = exchange.read(path, self._number).column("text")
            _, offsets, data = column.buffers()
            bounds = np.frombuffer(offsets, np.int64)[column.offset : column.offset + len(column) + 1]
            self._read[split] = Texts(np.frombuffer(data or b"", np.uint8), bounds)
        return self._read[split]


@dataclass
class _Cutting:
    """Cuts the copies out of one split, batch by batch."""

    split: Split
    inputs: Inputs
    copies: Copies
    answers: _Answers
    counts: dict[str, int] = field(default_factory=dict)
    _found: list[pa.Table] = field(default_factory=list)

    def __post_init__(self) -> None:
        names = ["copies", "unconfirmed", "pieces", "bytes", "emptied"] + ["of_references"] * bool(
            self.inputs.references
        )
        self.counts = {"changed": 0, **{f"cut.{name}": 0 for name in names}}

    def changes(self) -> Iterator[pa.RecordBatch]:
        """Yield the changed rows of each batch, as a revision holds them."""
        wanted = np.zeros(self.split.part["rows"], bool)
        wanted[self.copies.rows] = True
        for numbers, batch in chosen(self.split, wanted, ["text"]):
            first, stop = np.searchsorted(self.copies.rows, [numbers[0], numbers[-1] + 1])
            own = self.copies.where(slice(first, stop))
            texts = Texts.from_arrow(batch.column("text"))
            ranges = self._ranges(texts, numbers, own)
            self._count(texts, ranges, len(own.rows))
            yield revisions.cut_rows(numbers, ranges)

    def references(self) -> pa.Table:
        """Return which documents of references have what was cut, once all batches are."""
        return pa.concat_tables([evidence.SCHEMA.empty_table(), *self._found])

    def _ranges(self, texts: Texts, numbers: np.ndarray, own: Copies) -> Ranges:
        """Return what a batch loses; numbers: of its rows within the split."""
        if self.inputs.confirms:
            own = self._confirmed(texts, numbers, own)
        documents = np.searchsorted(numbers, own.rows)
        # A copy that begins inside what it repeats leaves that whole: only what goes beyond it is cut.
        begins = own.positions + np.maximum(size_of(self.inputs.config) - own.behind, 0)
        units = units_of(texts, self.inputs.config)
        firsts = units.offsets[documents] + begins
        stops = units.offsets[documents] + own.positions + own.units
        if self.inputs.references:
            bases = texts.offsets[documents]
            self._name_references(own, units.starts[firsts] - bases, units.ends[stops - 1] - bases)
        if self.inputs.confirms:
            return byte_ranges(texts, documents, units.starts[firsts], units.ends[stops - 1])
        steps = np.zeros(len(units) + 1, np.int64)
        np.add.at(steps, firsts, 1)
        np.add.at(steps, stops, -1)
        return unit_ranges(texts, units, np.cumsum(steps)[:-1] > 0)

    def _confirmed(self, texts: Texts, numbers: np.ndarray, own: Copies) -> Copies:
        """Return the copies that are byte for byte what they are copies of."""
        starts, ends = confirm.word_spans(texts, np.searchsorted(numbers, own.rows), own.positions, own.units)
        equal = np.zeros(starts.size, bool)
        for split in np.unique(own.first_splits).tolist():
            some = np.flatnonzero(own.first_splits == split)
            said, answers = self.answers.of(split), own.requests[some]
            firsts = said.offsets[answers], said.offsets[answers + 1]
            equal[some] = equal_spans(texts.data, starts[some], ends[some], said.data, *firsts)
        self.counts["cut.unconfirmed"] += int((~equal).sum())
        return own.where(equal)

    def _name_references(self, own: Copies, starts: np.ndarray, ends: np.ndarray) -> None:
        """Keep which copies are of references, and of which rows of theirs; starts, ends: the bytes of each copy."""
        some = own.first_splits < self.inputs.references
        numbers = pa.array(own.first_splits[some])
        splits = self.inputs.splits[: self.inputs.references]
        names = pa.array([split.reference for split in splits]).take(numbers)
        parts = pa.array([split.part["name"] for split in splits]).take(numbers)
        columns = [own.rows[some], starts[some], ends[some], names, parts, own.first_rows[some]]
        self._found.append(pa.table(columns, schema=evidence.SCHEMA))
        self.counts["cut.of_references"] += int(some.sum())

    def _count(self, texts: Texts, ranges: Ranges, copies: int) -> None:
        lost = np.concatenate([[0], np.cumsum(ranges.ends - ranges.starts)])[ranges.offsets]
        lost = np.diff(lost)
        self.counts["cut.copies"] += copies
        self.counts["cut.pieces"] += len(ranges.starts)
        self.counts["cut.bytes"] += int(lost.sum())
        self.counts["cut.emptied"] += int(((lost > 0) & (lost == texts.lengths())).sum())
        self.counts["changed"] += int((lost > 0).sum())
