"""Pairs to edges: attach what the first document is compared by, then compare it with the second."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

import numpy as np
import pyarrow as pa

from corpuskit.dedup import DedupConfig
from corpuskit.dedup.config import HELDOUT
from corpuskit.manifest import Marker
from pipelines import exchange
from pipelines.dedup.matching import NOBODY, read_aliases, write_edges, write_matches
from pipelines.dedup.payloads import Payload, Shingles, Signatures
from pipelines.dedup.rows import Rows, item_name, work
from pipelines.engine import Attempt

CHUNK_BYTES = 32 << 20
"""Bytes of payloads in one batch."""
HELD_PAIRS = 1 << 22
"""Pairs that are held before those that came several times are left out."""


def payloads(config: DedupConfig, documents: str) -> tuple[Payload, ...]:
    """Return how pairs are compared. Those with other corpora always by signature: their texts are not read."""
    signatures = Signatures(config.places)
    return (Shingles(config, documents), signatures) if config.verify == "exact" else (signatures,)


def _schema(payload: Payload) -> pa.Schema:
    return pa.schema([("a", pa.uint64()), ("b", pa.uint64()), ("payload", payload.type)])


def attach(
    attempt: Attempt, *, rows: Rows, config: DedupConfig, documents: str, partition_items: Sequence[str]
) -> Marker:
    """Write each pair whose first row lies in a split once, with that row's payload, by the split of the second."""
    number = attempt.item.payload["split"]
    paths = [work(attempt.folder, "pairs", f"{name}.arrow") for name in partition_items]
    a, b = _unique(found for path in paths for found in exchange.read_rounds(path, number, rows.own_splits))
    for payload in payloads(config, documents):
        chosen = _compared_by(payload, b, rows, config)
        path = work(attempt.folder, payload.name, f"{item_name(number, rows.splits[number])}.arrow")
        exchange.write(path, _attached(payload, rows, number, a[chosen], b[chosen]), _schema(payload))
    return Marker(item=attempt.item.name, fingerprint=attempt.fingerprint, rows=len(a))


def _compared_by(payload: Payload, b: np.ndarray, rows: Rows, config: DedupConfig) -> np.ndarray:
    """Return which pairs a payload compares; bool[m]."""
    if config.verify != "exact":
        return np.ones(len(b), bool)
    readable = (b < np.uint64(rows.own)) | (b >= np.uint64(rows.heldout))
    return readable if isinstance(payload, Shingles) else ~readable


def _unique(batches: Iterable[pa.RecordBatch]) -> tuple[np.ndarray, np.ndarray]:
    """Return each pair once, sorted by its rows: those that share several bands come several times.

    Memory is about 50 bytes for each of them, however often it comes.
    """
    a, b = np.empty(0, np.uint64), np.empty(0, np.uint64)
    held: list[tuple[np.ndarray, np.ndarray]] = []
    size = 0
    for batch in batches:
        held.append((batch.column(0).to_numpy().copy(), batch.column(1).to_numpy().copy()))
        size += len(batch)
        if size > max(len(a), HELD_PAIRS):
            a, b = _sorted_once([(a, b), *held])
            held, size = [], 0
    return _sorted_once([(a, b), *held])


def _sorted_once(pairs: Sequence[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    a, b = np.concatenate([first for first, _ in pairs]), np.concatenate([second for _, second in pairs])
    order = np.lexsort((b, a))
    a, b = a[order], b[order]
    new = np.ones(len(a), bool)
    new[1:] = (a[1:] != a[:-1]) | (b[1:] != b[:-1])
    return a[new], b[new]


def _attached(payload: Payload, rows: Rows, number: int, a: np.ndarray, b: np.ndarray) -> Iterator[pa.RecordBatch]:
    """Yield pairs with their payloads in rounds of one batch a split, each by its second row."""
    local = a.astype(np.int64) - rows.first[number]
    for taken, found in payload.blocks(rows.splits[number], np.unique(local)):
        start, stop = np.searchsorted(local, [taken[0], taken[-1] + 1])
        places = np.searchsorted(taken, local[start:stop])
        for first, last in _chunks(_sizes(found)[places]):
            yield from _round(
                rows, a[start + first : start + last], b[start + first : start + last], found, places[first:last]
            )


def _round(rows: Rows, a: np.ndarray, b: np.ndarray, found: pa.Array, places: np.ndarray) -> Iterator[pa.RecordBatch]:
    order = np.argsort(b, kind="stable")
    columns = [pa.array(a[order]), pa.array(b[order]), found.take(pa.array(places[order]))]
    batch = pa.RecordBatch.from_arrays(columns, names=["a", "b", "payload"])
    for first, last in rows.by_split(b[order], len(rows.splits)):
        yield batch.slice(first, last - first)


def _sizes(payloads: pa.Array) -> np.ndarray:
    """Return the bytes of each payload; int64[m]."""
    if pa.types.is_fixed_size_list(payloads.type):
        return np.full(len(payloads), 4 * payloads.type.list_size)
    return 8 * np.diff(payloads.offsets.to_numpy())


def _chunks(sizes: np.ndarray) -> Iterator[tuple[int, int]]:
    """Cut a run of payloads where they reach `CHUNK_BYTES`."""
    numbers = np.cumsum(sizes) // CHUNK_BYTES
    cuts = np.flatnonzero(np.diff(numbers)) + 1
    yield from pairwise([0, *cuts.tolist(), len(sizes)])


def verify(
    attempt: Attempt, *, rows: Rows, config: DedupConfig, documents: str, partition_items: Sequence[str]
) -> Marker:
    """Compare the pairs whose second row lies in a split; the similar ones are edges, or matches with a reference."""
    number = attempt.item.payload["split"]
    found = [
        pairs
        for payload in payloads(config, documents)
        for pairs in _similar(payload, attempt.folder, rows, number, config)
    ]
    none = np.empty(0, np.uint64)
    a, b = np.concatenate([none, *(pair[0] for pair in found)]), np.concatenate([none, *(pair[1] for pair in found)])
    path = f"{item_name(number, rows.splits[number])}.arrow"
    if rows.splits[number].reference:
        similarity = np.concatenate([np.empty(0, np.float32), *(pair[2] for pair in found)])
        if rows.splits[number].reference == HELDOUT:
            b = _canonical(b, attempt.folder, rows, number, partition_items)
        write_matches(work(attempt.folder, "near", path), rows, a, b, similarity)
    else:
        write_edges(work(attempt.folder, "verified", path), a, b)
    return Marker(item=attempt.item.name, fingerprint=attempt.fingerprint, rows=len(a))


def _canonical(b: np.ndarray, folder: str, rows: Rows, number: int, partition_items: Sequence[str]) -> np.ndarray:
    """Return for each held-out row the one with the smallest key that has its text: no file's place decides."""
    copies, first = read_aliases([work(folder, "aliases", f"{name}.arrow") for name in partition_items], rows, number)
    places = np.searchsorted(copies, b)
    found = np.append(copies, NOBODY)[places] == b
    return np.where(found, np.append(first, NOBODY)[places], b)


def _similar(
    payload: Payload, folder: str, rows: Rows, number: int, config: DedupConfig
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Yield the pairs that are as similar as the threshold: their rows and their similarity."""
    names = [item_name(split, rows.splits[split]) for split in range(rows.own_splits)]
    paths = [work(folder, payload.name, f"{name}.arrow") for name in names]
    batches = [found for path in paths for found in _second_rows(path, number, len(rows.splits))]
    if not batches:  # as always where a reference's texts would be asked for: they are not there
        return
    first = int(rows.first[number])
    needed = np.unique(np.concatenate([b for _, _, b in batches])).astype(np.int64) - first
    threshold = np.float32(config.threshold if config.verify != "none" else 0)
    for taken, found in payload.blocks(rows.splits[number], needed):
        for path, index, b in batches:
            start, stop = np.searchsorted(b.astype(np.int64), [taken[0] + first, taken[-1] + first + 1])
            if start == stop:
                continue
            pairs = exchange.read(path, index).slice(start, stop - start)
            places = np.searchsorted(taken, b[start:stop].astype(np.int64) - first)
            similarity = payload.similarity(pairs.column("payload"), found.take(pa.array(places)))
            similar = similarity >= threshold
            yield pairs.column("a").to_numpy()[similar], b[start:stop][similar], similarity[similar]


def _second_rows(path: str, number: int, splits: int) -> Iterator[tuple[str, int, np.ndarray]]:
    """Yield (file, number of the batch, second rows) of the batches that hold pairs with a split."""
    for turn, batch in enumerate(exchange.read_rounds(path, number, splits)):
        if len(batch):
            yield path, turn * splits + number, batch.column("b").to_numpy().copy()
