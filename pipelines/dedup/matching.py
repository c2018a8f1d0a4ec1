"""Hashes and band keys to edges and pairs: scatter and match."""

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import pairwise

import numpy as np
import pyarrow as pa

from corpuskit.dedup import DedupConfig, band_keys, store
from corpuskit.documents.schema import key_matrix
from corpuskit.kernels.pairs import buckets, neighbours, star
from corpuskit.kernels.reference_pairs import equal, reference_pairs
from corpuskit.manifest import Marker
from pipelines import exchange
from pipelines.dedup.rows import Rows, item_name, work
from pipelines.engine import Attempt

ENTRIES = pa.schema([("key", pa.uint64()), ("rank", pa.uint64()), ("row", pa.uint64())])
"""`key` names a bucket. `rank` orders it: half of the text's hash, so that no file's place decides anything."""
ENTRY_BYTES = 150
"""What one entry takes while its partition is matched."""
AT_A_TIME = 1 << 20
"""Entries of buckets whose pairs are held at a time."""
EDGES = pa.schema([("a", pa.uint64()), ("b", pa.uint64())])
MATCHES = pa.schema([("row", pa.uint64()), ("other", pa.uint64()), ("similarity", pa.float32())])
"""A row of the corpus, the row of a reference that it is a duplicate of, and how similar they are."""
TEXTS, NORMAL, BANDS = "texts", "normal", "bands"


def kinds(config: DedupConfig | None) -> tuple[str, ...]:
    """Return what rows are matched by: `texts` are equal hashes of texts, or of URLs where there is no config."""
    if config is None:
        return (TEXTS,)
    asked = {TEXTS: config.exact or config.minhash, NORMAL: config.normalized, BANDS: config.minhash}
    return tuple(kind for kind, used in asked.items() if used)


def entries(config: DedupConfig | None) -> int:
    """Return how many entries a row has at most."""
    found = kinds(config)
    return len(found) + (config.banding[0] - 1 if config and BANDS in found else 0)


def scatter(attempt: Attempt, *, rows: Rows, config: DedupConfig | None, partitions: int) -> Marker:
    """Write a split's (key, rank, row) entries, each into the partition that its key says."""
    number = attempt.item.payload["split"]
    split, first = rows.splits[number], int(rows.first[number])
    for kind in kinds(config):
        columns = {TEXTS: ["text_hash"], NORMAL: ["text_hash", "normal_hash"], BANDS: ["text_hash", "signature"]}[kind]
        blocks = store.read(split.folder, split.part, [*columns, "valid"])
        found = partial(_entries, kind=kind, config=config)
        path = _entries_path(attempt.folder, kind, partitions, item_name(number, split))
        exchange.write(path, _rounds(blocks, found, first, partitions), ENTRIES)
    return Marker(item=attempt.item.name, fingerprint=attempt.fingerprint, rows=split.rows)


def _entries_path(folder: str, kind: str, partitions: int, item: str) -> str:
    return work(folder, f"{kind}-{partitions}", f"{item}.arrow")


def _rounds(blocks, found, first, partitions) -> Iterator[pa.RecordBatch]:  # type: ignore[no-untyped-def]
    for block in blocks:
        keys, ranks, local = found(block)
        columns = [keys, ranks, (local + first).astype(np.uint64)]
        batch = pa.RecordBatch.from_arrays([pa.array(column) for column in columns], schema=ENTRIES)
        yield from exchange.split_by(batch, (keys % np.uint64(partitions)).astype(np.int64), partitions)
        first += len(block)


def _entries(block: pa.RecordBatch, kind: str, config: DedupConfig | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return keys and ranks, uint64[k], and the places in the block that they belong to, int64[k]."""
    halves = _halves(block, "text_hash")
    valid = np.flatnonzero(block.column("valid").to_numpy(zero_copy_only=False))
    if kind == BANDS:
        assert config is not None
        bands = config.banding
        keys = band_keys(store.signature_matrix(block.column("signature"))[valid], *bands)
        return keys.ravel(), np.repeat(halves[valid, 0], bands[0]), np.repeat(valid, bands[0])
    if kind == NORMAL:
        normal = _halves(block, "normal_hash")[valid]
        return normal[:, 0], normal[:, 1], valid
    chosen = np.arange(len(block)) if config and config.exact else valid
    return halves[chosen, 0], halves[chosen, 1], chosen


def _halves(block: pa.RecordBatch, name: str) -> np.ndarray:
    """Return the two halves of a column of 128-bit hashes; uint64[n, 2]."""
    return np.ascontiguousarray(key_matrix(block.column(name))).view(np.uint64)


def match(attempt: Attempt, *, rows: Rows, config: DedupConfig | None, partitions: int) -> Marker:
    """Turn one partition's equal keys into edges, matches with references, and pairs that are to be verified."""
    partition = attempt.item.payload["partition"]
    name = f"{attempt.item.name}.arrow"
    edges: list[tuple[np.ndarray, np.ndarray]] = []
    for kind in kinds(config):
        entries = _gather(attempt.folder, kind, rows, partition, partitions)
        if kind != BANDS:
            edges.append(equal(*entries, rows.bounds))
            continue
        assert config is not None
        if config.verify == "none":
            edges.append(_unverified(*entries, rows.own))
        pairs = _pairs(*entries, rows, inside=config.verify != "none")
        exchange.write(work(attempt.folder, "pairs", name), pairs, EDGES)
    a, b = _joined(edges)
    inside = b < np.uint64(rows.own)
    write_edges(work(attempt.folder, "edges", name), a[inside], b[inside])
    same = np.ones(np.count_nonzero(~inside), np.float32)
    write_matches(work(attempt.folder, "equal", name), rows, a[~inside], b[~inside], same)
    return Marker(item=attempt.item.name, fingerprint=attempt.fingerprint, rows=len(a))


def _gather(
    folder: str, kind: str, rows: Rows, partition: int, partitions: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    names = [item_name(number, split) for number, split in enumerate(rows.splits)]
    paths = [_entries_path(folder, kind, partitions, name) for name in names]
    table = exchange.gather(paths, partition, partitions)
    keys, ranks, numbers = (column.to_numpy() for column in table.columns)
    return keys, ranks, numbers


def _unverified(keys: np.ndarray, ranks: np.ndarray, numbers: np.ndarray, own: int) -> tuple[np.ndarray, np.ndarray]:
    """Return edges between the corpus's own rows that share a key."""
    inside = numbers < np.uint64(own)
    return star(numbers[inside], *buckets(keys[inside], ranks[inside], numbers[inside]))


def _pairs(
    keys: np.ndarray, ranks: np.ndarray, numbers: np.ndarray, rows: Rows, inside: bool
) -> Iterator[pa.RecordBatch]:
    """Yield pairs of rows that share a key in rounds, by the split of the first: a bounded number at a time.

    Pairs are of own rows and those of references, and with `inside` also of own rows alone.
    """
    if not inside and rows.total == rows.own:
        return
    order, starts = buckets(keys, ranks, numbers)
    for first, last in pairwise(_every(starts, AT_A_TIME)):
        entries = ranks, numbers, order, starts[first : last + 1]
        near = [neighbours(*entries, own=rows.own)] if inside else []
        a, b = _joined([*near, reference_pairs(*entries, rows.bounds)])
        yield from exchange.split_by(_batch(EDGES, a, b), rows.split_of(a), rows.own_splits)


def _every(starts: np.ndarray, entries: int) -> list[int]:
    """Return the numbers of buckets at which to pause, so that about so many entries lie between two pauses."""
    paused = np.flatnonzero(np.diff(starts // entries)).tolist()
    return sorted({0, *paused, len(starts) - 1})


def _joined(edges: Sequence[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    none = np.empty(0, np.uint64)
    return np.concatenate([none, *(a for a, _ in edges)]), np.concatenate([none, *(b for _, b in edges)])


def _batch(schema: pa.Schema, *columns: np.ndarray) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([pa.array(column) for column in columns], schema=schema)


def write_matches(path: str, rows: Rows, a: np.ndarray, b: np.ndarray, similarity: np.ndarray) -> None:
    """Commit matches with references, by the split of the corpus's own row."""
    batch = _batch(MATCHES, a, b, similarity.astype(np.float32))
    exchange.write(path, exchange.split_by(batch, rows.split_of(a), rows.own_splits))


def write_edges(path: str, a: np.ndarray, b: np.ndarray) -> None:
    """Commit edges between rows of the corpus."""
    exchange.write(path, [_batch(EDGES, a, b)])
