"""Hashes and band keys to edges and pairs: scatter and match."""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import pairwise
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import xxhash

from corpuskit.dedup import DedupConfig, band_keys, sketches, store
from corpuskit.documents.schema import key_matrix
from corpuskit.kernels.pairs import SKETCH, buckets, neighbours, star
from corpuskit.kernels.reference_pairs import equal, reference_pairs
from corpuskit.manifest import Marker
from pipelines import exchange
from pipelines.dedup.rows import Rows, item_name, work
from pipelines.engine import Attempt

ENTRIES = pa.schema([("key", pa.uint64()), ("rank", pa.uint64()), ("row", pa.uint64())])
"""`key` names a bucket. `rank` orders it: half of the text's hash, so that no file's place decides anything; for bands
a quarter of it, then a sketch of the signature."""
ENTRY_BYTES = 150
"""What one entry takes while its partition is matched."""
AT_A_TIME = 1 << 20
"""Entries of buckets whose pairs are held at a time."""
HASHES = pa.schema([*ENTRIES, ("tie", pa.uint64())])
"""Entries of equal hashes: `tie` is the first half of the document's key, by which one of equal rows is chosen."""
EDGES = pa.schema([("a", pa.uint64()), ("b", pa.uint64())])
MATCHES = pa.schema([("row", pa.uint64()), ("other", pa.uint64()), ("similarity", pa.float32())])
"""A row of the corpus, the row of a reference that it is a duplicate of, and how similar they are."""
Edges: TypeAlias = tuple[np.ndarray, np.ndarray]
"""The two rows of each edge; uint64[m] each."""
TEXTS, NORMAL, BANDS = "texts", "normal", "bands"
NOBODY = np.uint64(2**64 - 2)
"""The number of rows that take no part."""
NO_WORDS = np.frombuffer(xxhash.xxh3_128_digest(b""), np.uint64)
"""The hash of a normalised text without words: such texts are strangers."""


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
    split = rows.splits[number]
    for kind in kinds(config):
        columns = {TEXTS: ["text_hash"], NORMAL: ["text_hash", "normal_hash"], BANDS: ["text_hash", "signature"]}[kind]
        blocks = store.read(split.folder, split.part, [*columns, "key", "heldout", "valid"])
        found = partial(_entries, kind=kind, config=config)
        path = _entries_path(attempt.folder, kind, partitions, item_name(number, split))
        exchange.write(path, _rounds(blocks, found, rows, number, partitions), _schema(kind))
    return Marker(item=attempt.item.name, fingerprint=attempt.fingerprint, rows=split.rows)


def _schema(kind: str) -> pa.Schema:
    return ENTRIES if kind == BANDS else HASHES


def _entries_path(folder: str, kind: str, partitions: int, item: str) -> str:
    return work(folder, f"{kind}-{partitions}", f"{item}.arrow")


def _rounds(blocks, found, rows, number, partitions) -> Iterator[pa.RecordBatch]:  # type: ignore[no-untyped-def]
    first, is_own = int(rows.first[number]), number < rows.own_splits
    for block in blocks:
        keys, ranks, local, *ties = found(block)
        heldout = block.column("heldout").to_numpy(zero_copy_only=False)[local] & is_own
        numbers = (local + first + np.where(heldout, rows.heldout, 0)).astype(np.uint64)
        columns = [pa.array(column) for column in (keys, ranks, numbers, *ties)]
        batch = pa.RecordBatch.from_arrays(columns, schema=HASHES if ties else ENTRIES)
        yield from exchange.split_by(batch, (keys % np.uint64(partitions)).astype(np.int64), partitions)
        first += len(block)


def _entries(block: pa.RecordBatch, kind: str, config: DedupConfig | None) -> tuple[np.ndarray, ...]:
    """Return the columns of the entries; uint64[k], but for the places in the block that they belong to: int64[k]."""
    halves = _halves(block, "text_hash")
    chosen = np.flatnonzero(block.column("valid").to_numpy(zero_copy_only=False))
    if kind == BANDS:
        assert config is not None
        bands = config.banding
        signatures = store.signature_matrix(block.column("signature"))[chosen]
        ranks = (halves[chosen, 0] & ~SKETCH) | sketches(signatures)
        return band_keys(signatures, *bands).ravel(), np.repeat(ranks, bands[0]), np.repeat(chosen, bands[0])
    if kind == NORMAL:
        halves = _halves(block, "normal_hash")
        chosen = chosen[(halves[chosen] != NO_WORDS).any(axis=1)]
    elif config and config.exact:
        chosen = np.arange(len(block))
    ties = np.ascontiguousarray(key_matrix(block.column("key"))).view(">u8")[chosen, 0].astype(np.uint64)
    return halves[chosen, 0], halves[chosen, 1], chosen, ties


def _halves(block: pa.RecordBatch, name: str) -> np.ndarray:
    """Return the two halves of a column of 128 bits; uint64[n, 2]."""
    return np.ascontiguousarray(key_matrix(block.column(name))).view(np.uint64)


def match(attempt: Attempt, *, rows: Rows, config: DedupConfig | None, partitions: int) -> Marker:
    """Turn one partition's equal keys into edges, matches with references, and pairs that are to be verified.

    Held-out rows are compared with training rows as a reference, then among themselves and with the references.
    """
    partition = attempt.item.payload["partition"]
    name = f"{attempt.item.name}.arrow"
    edges: list[Edges] = []
    aliases = [_joined([])]
    for kind in kinds(config):
        keys, ranks, numbers, *ties = _gather(attempt.folder, kind, rows, partition, partitions)
        if kind != BANDS:
            inside, heldout = _equal(keys, ranks, numbers, ties[0], rows)
            edges += [inside, heldout]
            aliases += [heldout] if kind == TEXTS else []
            continue
        assert config is not None
        if config.verify == "none":
            edges += [_unverified(keys, ranks, some, rows.own) for some in (numbers, _among_heldout(numbers, rows))]
        pairs = _pairs(keys, ranks, numbers, rows, inside=config.verify != "none")
        exchange.write(work(attempt.folder, "pairs", name), pairs, EDGES)
    a, b = _joined(edges)
    inside = b < np.uint64(rows.own)
    write_edges(work(attempt.folder, "edges", name), a[inside], b[inside])
    same = np.ones(np.count_nonzero(~inside), np.float32)
    write_matches(work(attempt.folder, "equal", name), rows, a[~inside], b[~inside], same)
    _write_aliases(work(attempt.folder, "aliases", name), rows, *_joined(aliases))
    return Marker(item=attempt.item.name, fingerprint=attempt.fingerprint, rows=len(a))


def _gather(folder: str, kind: str, rows: Rows, partition: int, partitions: int) -> tuple[np.ndarray, ...]:
    names = [item_name(number, split) for number, split in enumerate(rows.signed)]
    paths = [_entries_path(folder, kind, partitions, name) for name in names]
    table = exchange.gather(paths, partition, partitions)
    return tuple(column.to_numpy() for column in table.columns)


def _equal(
    keys: np.ndarray, ranks: np.ndarray, numbers: np.ndarray, ties: np.ndarray, rows: Rows
) -> tuple[Edges, Edges]:
    """Return pairs of equal hashes: training rows with one another and with references, and likewise held-out rows.

    Of several equal rows of a reference the one with the smallest document key counts: `equal` takes the first, so they
    trade numbers.
    """
    foreign = np.flatnonzero(numbers >= np.uint64(rows.own))
    reference = np.searchsorted(rows.bounds, numbers[foreign], "right")
    by_key = foreign[np.lexsort((numbers[foreign], ties[foreign], reference))]
    traded, true = np.sort(numbers[foreign]), numbers[by_key]
    numbers = numbers.copy()
    numbers[by_key] = traded
    a, b = equal(keys, ranks, numbers, rows.bounds)
    b[b >= rows.own] = true[np.searchsorted(traded, b[b >= rows.own])]
    shift = np.uint64(rows.heldout)
    inner = _among_heldout(numbers[foreign], rows)
    held, other = equal(keys[foreign], ranks[foreign], inner, rows.bounds[:-1])
    inside = other < rows.own
    other[inside] += shift
    held, other = (true[np.searchsorted(traded, ends)] for ends in (held + shift, other))
    return (a, b), (held - shift, np.where(inside, other - shift, other))


def _among_heldout(numbers: np.ndarray, rows: Rows) -> np.ndarray:
    """Number held-out rows as the corpus's own, and training rows as nobody."""
    shift = np.uint64(rows.heldout)
    others = np.where(numbers < np.uint64(rows.own), NOBODY, numbers)
    return np.where(numbers >= shift, numbers - shift, others)


def _unverified(keys: np.ndarray, ranks: np.ndarray, numbers: np.ndarray, own: int) -> Edges:
    """Return edges between the corpus's own rows that share a key."""
    inside = numbers < np.uint64(own)
    return star(numbers[inside], *buckets(keys[inside], ranks[inside], numbers[inside]))


def _pairs(
    keys: np.ndarray, ranks: np.ndarray, numbers: np.ndarray, rows: Rows, inside: bool
) -> Iterator[pa.RecordBatch]:
    """Yield pairs of rows that share a key in rounds, by the split of the first: a bounded number at a time.

    Pairs are of own rows and those of references, and with `inside` also of own rows alone.
    """
    if not inside and (numbers < np.uint64(rows.own)).all():
        return
    order, starts = buckets(keys, ranks, numbers)
    sides = [(numbers, rows.bounds)]
    if (numbers >= np.uint64(rows.heldout)).any():
        sides.append((_among_heldout(numbers, rows), rows.bounds[:-1]))
    for first, last in pairwise(_every(starts, AT_A_TIME)):
        for some, bounds in sides:
            entries = ranks, some, order, starts[first : last + 1]
            near = [neighbours(*entries, own=rows.own)] if inside else []
            a, b = _joined([*near, reference_pairs(*entries, bounds)])
            yield from exchange.split_by(_batch(EDGES, a, b), rows.split_of(a), rows.own_splits)


def _every(starts: np.ndarray, entries: int) -> list[int]:
    """Return the numbers of buckets at which to pause, so that about so many entries lie between two pauses."""
    paused = np.flatnonzero(np.diff(starts // entries)).tolist()
    return sorted({0, *paused, len(starts) - 1})


def _joined(edges: Sequence[Edges]) -> Edges:
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


def _write_aliases(path: str, rows: Rows, first: np.ndarray, copies: np.ndarray) -> None:
    """Commit which held-out rows have the text of another with a smaller key, by the split of the former."""
    inside = copies < np.uint64(rows.own)
    batch = _batch(EDGES, first[inside], copies[inside])
    exchange.write(path, exchange.split_by(batch, rows.split_of(copies[inside]), rows.own_splits))


def read_aliases(paths: Iterable[str], rows: Rows, number: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the held-out rows of a split that another stands for, rising, and the latter; numbered as a reference."""
    table = exchange.gather(paths, number - len(rows.signed))
    first, copies = (column.to_numpy() + np.uint64(rows.heldout) for column in table.columns)
    order = np.argsort(copies)
    return copies[order], first[order]
