"""For substrings: copies of windows that follow one another as runs, and the text that each repeats, to compare."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pyarrow as pa

from corpuskit import storage
from corpuskit.dedup.inside import Runs, merge_runs, size_of, split_places
from corpuskit.kernels import Texts, gather_spans
from corpuskit.manifest import Marker
from pipelines import exchange
from pipelines.cut import find, shuffle
from pipelines.cut.splits import Inputs, Split, chosen
from pipelines.engine import Attempt

RUN = pa.schema(
    [
        ("place", pa.uint64()),
        ("windows", pa.int64()),
        ("first_split", pa.uint32()),
        ("first_place", pa.uint64()),
        ("request", pa.int64()),
    ]
)
"""A run, and the number of its request among those to the same split."""
REQUEST = pa.schema([("place", pa.uint64()), ("words", pa.int64())])
"""So many words from a place on: what runs repeat."""
ANSWER = pa.schema([("text", pa.large_binary())])


def runs_path(folder: str, split: str) -> str:
    """Return where the runs of a split lie."""
    return storage.join(folder, "work", "runs", f"{split}.arrow")


def requests_path(folder: str, split: str) -> str:
    """Return where the requests of a split lie: batch k is for split k of all that take part."""
    return storage.join(folder, "work", "requests", f"{split}.arrow")


def answers_path(folder: str, split: str) -> str:
    """Return where the answers of a split lie: batch k is for split k of those that are cut, in the order it asked."""
    return storage.join(folder, "work", "answers", f"{split}.arrow")


def merge(attempt: Attempt, *, partitions: Sequence[str], inputs: Inputs) -> Marker:
    """Merge a split's copies into runs, chunk by chunk, and ask other splits for what they repeat, each thing once."""
    number = attempt.item.payload["split"]
    name = inputs.splits[number].name
    files = [find.path(attempt.folder, partition) for partition in partitions]
    runs = [_runs(files, number, chunk) for chunk in range(shuffle.read_chunks(files[0])[number])]
    every = Runs(*(np.concatenate(column) for column in zip(*runs, strict=True))) if runs else _no_runs()
    asked, requests = _requests(every, len(inputs.splits), size_of(inputs.config))
    exchange.write(requests_path(attempt.folder, name), asked)
    exchange.write(runs_path(attempt.folder, name), [shuffle.batch_of(RUN, [*every, requests])])
    return Marker(item=attempt.item.name, fingerprint=attempt.fingerprint, rows=every.places.size)


def _runs(files: Sequence[str], split: int, chunk: int) -> Runs:
    table = pa.Table.from_batches([shuffle.chunk_batch(file, split, chunk) for file in files])
    return merge_runs(*(column.to_numpy() for column in table.columns))


def _no_runs() -> Runs:
    return merge_runs(np.empty(0, np.uint64), np.empty(0, np.uint32), np.empty(0, np.uint64))


def _requests(runs: Runs, splits: int, size: int) -> tuple[list[pa.RecordBatch], np.ndarray]:
    """Return one batch of distinct requests per split, and the number of each run's request in its batch; int64[r]."""
    asked = np.stack([runs.first_splits.astype(np.uint64), runs.first_places, runs.lengths.astype(np.uint64)])
    order = np.lexsort(asked[::-1])
    asked = asked[:, order]
    new = np.ones(order.size, bool)
    new[1:] = (asked[:, 1:] != asked[:, :-1]).any(axis=0)
    numbers = np.empty(order.size, np.int64)
    numbers[order] = np.cumsum(new) - 1
    distinct = asked[:, new]
    bounds = np.searchsorted(distinct[0], np.arange(splits + 1, dtype=np.uint64))
    whole = shuffle.batch_of(REQUEST, [distinct[1], distinct[2].astype(np.int64) + (size - 1)])
    batches = [whole.slice(bounds[split], bounds[split + 1] - bounds[split]) for split in range(splits)]
    return batches, numbers - bounds[runs.first_splits]


def answer(attempt: Attempt, *, inputs: Inputs) -> Marker:
    """Look up what the splits that are cut ask of this one.

    In memory are the requests, and the texts of those documents of the split that any asks for.
    """
    number = attempt.item.payload["split"]
    split = inputs.splits[number]
    asked = [exchange.read(requests_path(attempt.folder, one.name), number) for one in inputs.own]
    places = np.concatenate([batch.column("place").to_numpy() for batch in asked])
    words = np.concatenate([batch.column("words").to_numpy() for batch in asked])
    data, starts, ends = _looked_up(split, places, words)
    bounds = np.concatenate([[0], np.cumsum([len(batch) for batch in asked])])
    with shuffle.writing(answers_path(attempt.folder, split.name), ANSWER) as writer:
        for first, stop in pairwise(bounds):
            writer.write_batch(_answers(data, starts[first:stop], ends[first:stop]))
    return Marker(item=attempt.item.name, fingerprint=attempt.fingerprint, rows=places.size)


def _looked_up(split: Split, places: np.ndarray, words: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (bytes of documents, where what is asked for begins and ends in them): so many words from places on."""
    rows, positions = split_places(places)
    wanted = np.zeros(split.part["rows"], bool)
    wanted[rows] = True
    order = np.argsort(rows, kind="stable")
    starts, ends = np.empty(rows.size, np.int64), np.empty(rows.size, np.int64)
    texts, held = [np.empty(0, np.uint8)], 0
    for numbers, batch in chosen(split, wanted, ["text"]):
        own = order[np.searchsorted(rows, numbers[0], sorter=order) :][: int(_within(rows, numbers).sum())]
        found = Texts.from_arrow(batch.column("text"))
        starts[own], ends[own] = word_spans(found, np.searchsorted(numbers, rows[own]), positions[own], words[own])
        shift = held - found.offsets[0]
        starts[own], ends[own] = starts[own] + shift, ends[own] + shift
        texts.append(found.data[found.offsets[0] : found.offsets[-1]])
        held += texts[-1].size
    return np.concatenate(texts), starts, ends


def _within(rows: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """Return which rows lie between the first and the last of some numbers; bool[n]."""
    between: np.ndarray = (rows >= numbers[0]) & (rows <= numbers[-1])
    return between


def word_spans(
    texts: Texts, documents: np.ndarray, positions: np.ndarray, words: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return (first byte, byte after), both int64[m], of so many words of documents from positions on."""
    found = texts.words()
    first = found.offsets[documents] + positions
    return found.starts[first], found.ends[first + words - 1]


def _answers(data: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> pa.RecordBatch:
    spans, offsets = gather_spans(data, starts, ends)
    column = pa.LargeBinaryArray.from_buffers(
        pa.large_binary(), starts.size, [None, pa.py_buffer(offsets), pa.py_buffer(spans)]
    )
    return pa.RecordBatch.from_arrays([column], schema=ANSWER)
