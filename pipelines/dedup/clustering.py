"""Edges to clusters: connect, gather the members' facts, describe and split."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa

from corpuskit.dedup import Clusters, DedupConfig, similarity, split, starts_of_runs, store
from corpuskit.documents.schema import KEY, key_array, key_matrix
from corpuskit.kernels import hash_spans
from corpuskit.manifest import Marker
from pipelines import exchange
from pipelines.dedup.rows import Rows, item_name, work
from pipelines.engine import Attempt

MEMBERS = pa.schema([("row", pa.uint64()), ("label", pa.uint64())])
"""A row of a cluster, and the cluster's smallest row; both corpus-wide."""
CLUSTERS = pa.schema([("row", pa.uint64()), ("cluster", KEY), ("similarity", pa.float32()), ("method", pa.string())])
EXACT, NORMALIZED, NEAR, URL = "exact", "normalized", "minhash", "url"
COUNTED = ("clusters", "members", "large_clusters", "large_members", "large_parts")
BIGGEST = 10
"""Clusters that the manifest names."""
MEMBER_BYTES = 200
"""What a member takes beside its signature, twice, while its cluster is described."""


def cluster(attempt: Attempt, *, rows: Rows, edge_files: Sequence[str]) -> Marker:
    """Connect edges to clusters: the one process that sees all rows; see `corpuskit.dedup.Clusters`."""
    edges = (
        (batch.column("a").to_numpy(), batch.column("b").to_numpy())
        for name in edge_files
        for batch in exchange.read_rounds(work(attempt.folder, name), 0, 1)
    )
    found = Clusters(edges, rows.own)
    splits = (found.members(start, stop) for start, stop in pairwise(rows.first[: rows.own_splits + 1].tolist()))
    batches = (pa.RecordBatch.from_arrays([*map(pa.array, columns)], schema=MEMBERS) for columns in splits)
    exchange.write(work(attempt.folder, "members.arrow"), batches, MEMBERS)
    return Marker(item=attempt.item.name, fingerprint=attempt.fingerprint)


def gather(attempt: Attempt, *, rows: Rows, config: DedupConfig | None, partitions: int) -> Marker:
    """Write what clusters are described by for a split's members, by the partition of their cluster."""
    number = attempt.item.payload["split"]
    own = rows.splits[number]
    members = exchange.read(work(attempt.folder, "members.arrow"), number)
    local = members.column("row").to_numpy().astype(np.int64) - rows.first[number]
    schema = _facts_schema(config)
    columns = [name for name in schema.names if name not in MEMBERS.names]

    def rounds() -> Iterator[pa.RecordBatch]:
        for chosen, facts in store.read_rows(own.folder, own.part, local, columns):
            some = members.slice(chosen.start, chosen.stop - chosen.start)
            batch = pa.RecordBatch.from_arrays([*some.columns, *facts.columns], schema=schema)
            numbers = (some.column("label").to_numpy() % np.uint64(partitions)).astype(np.int64)
            yield from exchange.split_by(batch, numbers, partitions)

    exchange.write(_facts_path(attempt.folder, partitions, item_name(number, own)), rounds(), schema)
    return Marker(item=attempt.item.name, fingerprint=attempt.fingerprint, rows=len(members))


def _facts_path(folder: str, partitions: int, item: str) -> str:
    return work(folder, f"facts-{partitions}", f"{item}.arrow")


def _facts_schema(config: DedupConfig | None) -> pa.Schema:
    facts = store.schema(config.places if config else 0, bool(config and config.normalized))
    return pa.schema([*MEMBERS, *(field for field in facts if field.name not in ("valid", "heldout"))])


def describe(attempt: Attempt, *, rows: Rows, config: DedupConfig | None, partitions: int) -> Marker:
    """Name the clusters of one partition after their first members by key, and compare all members with those."""
    partition = attempt.item.payload["partition"]
    names = [item_name(number, rows.splits[number]) for number in range(rows.own_splits)]
    paths = [_facts_path(attempt.folder, partitions, name) for name in names]
    facts = _by_cluster(exchange.gather(paths, partition, partitions))
    labels = facts.column("label").to_numpy()
    leads, split_up = _leads(facts, labels, config)
    together = np.bincount(leads, minlength=len(leads))[leads] > 1
    described = _described(facts, leads, URL if config is None else EXACT).filter(pa.array(together))
    described = described.take(pa.array(np.argsort(described.column("row").to_numpy())))
    bounds = rows.by_split(described.column("row").to_numpy(), rows.own_splits)
    batches = (described.slice(start, stop - start) for start, stop in bounds)
    exchange.write(work(attempt.folder, "clusters", f"{attempt.item.name}.arrow"), batches, CLUSTERS)
    counts = {**split_up, **_sizes(described.column("cluster"))}
    return Marker(item=attempt.item.name, fingerprint=attempt.fingerprint, rows=len(described), counts=counts)


def _sizes(names: pa.Array) -> dict[str, float]:
    """Count clusters by size, and name the largest.

    Returns:
        `clusters`, `members`, `sizes.<n>`: clusters of more than half of 2**n members and at most that,
        `cluster.<name>`: members of each of the largest.
    """
    tally = names.value_counts()
    sizes = tally.field("counts").to_numpy()
    powers, clusters = np.unique(np.ceil(np.log2(sizes)).astype(np.int64), return_counts=True)
    ranked = sorted(zip((-sizes).tolist(), tally.field("values").to_pylist(), strict=True))[:BIGGEST]
    return {
        "clusters": len(sizes),
        "members": int(sizes.sum()),
        **{f"sizes.{power}": int(count) for power, count in zip(powers.tolist(), clusters.tolist(), strict=True)},
        **{f"cluster.{name.hex()}": -size for size, name in ranked},
    }


def _by_cluster(facts: pa.Table) -> pa.RecordBatch:
    """Return members sorted by cluster, key, and text: no number of a row decides which comes first."""
    batch = exchange.one_batch(facts)
    key, text = (_halves(batch, name) for name in ("key", "text_hash"))
    labels = batch.column("label").to_numpy()
    return batch.take(pa.array(np.lexsort((text[1], text[0], key[1], key[0], labels))))


def _halves(batch: pa.RecordBatch, name: str) -> np.ndarray:
    """Return the halves of a column of 16 bytes as numbers that sort as the bytes do; uint64[2, n]."""
    return np.ascontiguousarray(key_matrix(batch.column(name))).view(">u8").T.astype(np.uint64)


def _leads(
    facts: pa.RecordBatch, labels: np.ndarray, config: DedupConfig | None
) -> tuple[np.ndarray, dict[str, float]]:
    """Return the index of the member that each member's cluster is named after, int64[m], and what was split.

    Counts: `large_clusters`, `large_members`, and `large_parts`: what they were split into, single documents included.
    """
    starts = np.flatnonzero(starts_of_runs([labels])) if len(labels) else np.empty(0, np.int64)
    sizes = np.diff(np.append(starts, len(labels)))
    leads = np.repeat(starts, sizes)
    large = np.flatnonzero(sizes > config.max_cluster) if config else np.empty(0, np.int64)
    parts = 0
    for number in large:
        start, stop = int(starts[number]), int(starts[number] + sizes[number])
        leads[start:stop] = start + _split(facts.slice(start, stop - start), config)  # type: ignore[arg-type]
        parts += len(np.unique(leads[start:stop]))
    return leads, {"large_clusters": len(large), "large_members": int(sizes[large].sum()), "large_parts": parts}


def _split(members: pa.RecordBatch, config: DedupConfig) -> np.ndarray:
    """Return who leads each member of a large cluster, as places in it; int64[m]. Equal texts stay together."""
    if not config.minhash:
        return np.zeros(len(members), np.int64)
    hashes = np.ascontiguousarray(key_matrix(members.column("text_hash"))).view("V16").reshape(-1)
    _, first, text = np.unique(hashes, return_index=True, return_inverse=True)
    signatures = store.signature_matrix(members.column("signature"))[first]
    leads: np.ndarray = first[split(signatures, np.argsort(first), config.threshold)]
    return leads[text]


def _described(facts: pa.RecordBatch, leads: np.ndarray, same: str) -> pa.RecordBatch:
    """Compare each member with the one that leads it; `same` is the method that found equal hashes."""
    hashes = key_matrix(facts.column("text_hash"))
    equal = (hashes == hashes[leads]).all(axis=1)
    estimate, method = np.zeros(len(facts), np.float32), np.full(len(facts), NEAR, object)
    if "signature" in facts.schema.names:
        signatures = store.signature_matrix(facts.column("signature"))
        estimate = similarity(signatures, signatures[leads])
    if "normal_hash" in facts.schema.names:
        normal = key_matrix(facts.column("normal_hash"))
        alike = (normal == normal[leads]).all(axis=1)
        estimate, method = np.where(alike, np.float32(1), estimate), np.where(alike, NORMALIZED, method)
    columns = [
        facts.column("row"),
        key_array(cluster_names(key_matrix(facts.column("key")), hashes)[leads]),
        pa.array(np.where(equal, np.float32(1), estimate).astype(np.float32)),
        pa.array(np.where(equal, same, method), pa.string()),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=CLUSTERS)


def cluster_names(keys: np.ndarray, hashes: np.ndarray) -> np.ndarray:
    """Return the name of the cluster that each document leads: a hash of its key and its text; uint8[n, 16].

    Keys alone will not do: a source whose files all count their ids from 0 gives unrelated texts equal keys.
    """
    data = np.ascontiguousarray(np.hstack([keys, hashes])).reshape(-1)
    starts = np.arange(len(keys), dtype=np.int64) * 32
    halves = [hash_spans(data, starts, starts + 32, seed=seed) for seed in (1, 2)]
    return np.stack(halves, axis=1).view(np.uint8)


def totals(markers: Sequence[Marker]) -> Mapping[str, Any]:
    """Return what `describe` found in all partitions, as the manifest has it.

    `clusters`, `members`; `large_clusters`, `large_members`, `large_parts`: what was split, into how many;
    `largest_cluster`; `sizes`: n -> clusters of more than half of 2**n members and at most that; `biggest`: names of
    the largest clusters and their members, most first.
    """
    sums: dict[str, int] = dict.fromkeys(COUNTED, 0)
    for marker in markers:
        for name, count in marker.counts.items():
            sums[name] = sums.get(name, 0) + int(count)
    sizes = {int(name.removeprefix("sizes.")): count for name, count in sums.items() if name.startswith("sizes.")}
    named = {name.removeprefix("cluster."): count for name, count in sums.items() if name.startswith("cluster.")}
    biggest = sorted(named.items(), key=lambda pair: (-pair[1], pair[0]))[:BIGGEST]
    return {
        **{name: sums[name] for name in COUNTED},
        "largest_cluster": biggest[0][1] if biggest else 0,
        "sizes": {str(power): sizes[power] for power in sorted(sizes)},
        "biggest": [list(pair) for pair in biggest],
    }
