"""The last phase: the bytes that each split's documents lose, as a revision."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from corpuskit.dedup.inside import Ranges, byte_ranges, equal_spans, size_of, split_places, unit_ranges, units_of
from corpuskit.documents import revisions
from corpuskit.kernels import Texts
from corpuskit.manifest import Marker
from pipelines import exchange
from pipelines.cut import confirm, find, shuffle
from pipelines.cut.scan import Inputs, chosen
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
    """The split and the number of the answer that says what it must be, -1 where nothing needs to be confirmed."""
    first_splits: np.ndarray


def write(attempt: Attempt, *, splits: Sequence[str], partitions: Sequence[str], inputs: Inputs) -> Marker:
    """Commit a split of the revision: the cuts of its documents, of which a batch at a time is in memory."""
    part = attempt.item.payload["part"]
    copies = _read_copies(attempt.folder, part["name"], splits, partitions, inputs)
    cutting = _Cutting(part, inputs, copies, _Answers(attempt.folder, splits, splits.index(part["name"])))
    files = revisions.write(attempt.folder, part["name"], inputs.base, cutting.changes())
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


def _read_copies(folder: str, name: str, splits: Sequence[str], partitions: Sequence[str], inputs: Inputs) -> Copies:
    number, size = splits.index(name), size_of(inputs.config)
    if inputs.config.step == "repeated_substrings":
        batch = exchange.read(confirm.runs_path(folder, name), 0)
        columns = {column: batch.column(column).to_numpy() for column in batch.schema.names}
        units, requests = columns["windows"] + (size - 1), columns["request"]
    else:
        files = [find.path(folder, partition) for partition in partitions]
        table = pa.Table.from_batches([batch for file in files for batch in shuffle.split_batches(file, number)])
        table = table.sort_by("place")
        columns = {column: table.column(column).to_numpy() for column in table.column_names}
        units, requests = np.full(len(table), size), np.full(len(table), -1)
    rows, positions = split_places(columns["place"])
    behind = np.full(rows.size, FAR)
    if "first_place" in columns:
        first_rows, first_positions = split_places(columns["first_place"])
        same = (columns["first_split"] == number) & (rows == first_rows)
        behind[same] = (positions - first_positions)[same]
    first_splits = columns.get("first_split", np.zeros(rows.size, np.uint32))
    return Copies(rows, positions, units, behind, requests, first_splits.astype(np.int64))


class _Answers:
    """What a split's runs repeat, as bytes; each other split's answers are read once."""

    def __init__(self, folder: str, splits: Sequence[str], number: int) -> None:
        self._folder, self._splits, self._number = folder, splits, number
        self._read: dict[int, Texts] = {}

    def of(self, split: int) -> Texts:
        """Return the answers of a split, in the order of the requests."""
        if split not in self._read:
            path = confirm.answers_path(self._folder, self._splits[split])
            column = exchange.read(path, self._number).column("text")
            _, offsets, data = column.buffers()
            bounds = np.frombuffer(offsets, np.int64)[column.offset : column.offset + len(column) + 1]
            self._read[split] = Texts(np.frombuffer(data or b"", np.uint8), bounds)
        return self._read[split]


@dataclass
class _Cutting:
    """Cuts the copies out of one split, batch by batch."""

    part: Mapping[str, Any]
    inputs: Inputs
    copies: Copies
    answers: _Answers
    counts: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        names = ("copies", "unconfirmed", "pieces", "bytes", "emptied")
        self.counts = {"changed": 0, **{f"cut.{name}": 0 for name in names}}

    def changes(self) -> Iterator[pa.RecordBatch]:
        """Yield the changed rows of each batch, as a revision holds them."""
        wanted = np.zeros(self.part["rows"], bool)
        wanted[self.copies.rows] = True
        for numbers, batch in chosen(self.part, self.inputs, wanted, ["text"]):
            bounds = np.searchsorted(self.copies.rows, [numbers[0], numbers[-1] + 1])
            own = Copies(*(column[bounds[0] : bounds[1]] for column in self.copies))
            texts = Texts.from_arrow(batch.column("text"))
            ranges = self._ranges(texts, np.searchsorted(numbers, own.rows), own)
            self._count(texts, ranges, len(own.rows))
            yield revisions.cut_rows(numbers, ranges)

    def _ranges(self, texts: Texts, documents: np.ndarray, own: Copies) -> Ranges:
        """Return what a batch loses; documents: of each copy, counted within the batch."""
        # A copy that begins inside what it repeats leaves that whole: only what goes beyond it is cut.
        begins = own.positions + np.maximum(size_of(self.inputs.config) - own.behind, 0)
        ends = own.positions + own.units
        if self.inputs.config.step == "repeated_substrings":
            equal = self._confirmed(texts, documents, own)
            documents, begins, ends = documents[equal], begins[equal], ends[equal]
            starts, stops = confirm.word_spans(texts, documents, begins, ends - begins)
            return byte_ranges(texts, documents, starts, stops)
        units = units_of(texts, self.inputs.config)
        steps = np.zeros(len(units) + 1, np.int64)
        np.add.at(steps, units.offsets[documents] + begins, 1)
        np.add.at(steps, units.offsets[documents] + ends, -1)
        return unit_ranges(texts, units, np.cumsum(steps)[:-1] > 0)

    def _confirmed(self, texts: Texts, documents: np.ndarray, own: Copies) -> np.ndarray:
        """Return which copies are byte for byte what they are copies of; bool[c]."""
        starts, ends = confirm.word_spans(texts, documents, own.positions, own.units)
        equal = np.zeros(starts.size, bool)
        for split in np.unique(own.first_splits).tolist():
            some = np.flatnonzero(own.first_splits == split)
            said, numbers = self.answers.of(split), own.requests[some]
            firsts = said.offsets[numbers], said.offsets[numbers + 1]
            equal[some] = equal_spans(texts.data, starts[some], ends[some], said.data, *firsts)
        self.counts["cut.unconfirmed"] += int((~equal).sum())
        return equal

    def _count(self, texts: Texts, ranges: Ranges, copies: int) -> None:
        lost = np.concatenate([[0], np.cumsum(ranges.ends - ranges.starts)])[ranges.offsets]
        lost = np.diff(lost)
        self.counts["cut.copies"] += copies
        self.counts["cut.pieces"] += len(ranges.starts)
        self.counts["cut.bytes"] += int(lost.sum())
        self.counts["cut.emptied"] += int(((lost > 0) & (lost == texts.lengths())).sum())
        self.counts["changed"] += int((lost > 0).sum())
