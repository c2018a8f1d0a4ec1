"""Documents to clusters of duplicates: sign, match, cluster, write; the shuffle goes through files."""

import math
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa

from corpuskit import manifest, storage, urls
from corpuskit.dedup import DedupConfig, Signed, band_keys, clusters, sign, sign_urls, similarity, star_edges
from corpuskit.documents import read_split, sidecars
from corpuskit.documents.schema import KEY, key_array, key_matrix
from corpuskit.kernels import Texts, hash_spans
from corpuskit.kernels.utf8 import UNICODE_VERSION
from corpuskit.manifest import Identity, Manifest, Marker, Target
from pipelines import exchange
from pipelines.annotate import split_items
from pipelines.engine import Attempt, Item, Phase, Step

REVISION = 2
LIBRARIES = ("pyarrow", "numba", "xxhash")
PARTITION_ROWS = 500_000
"""Documents per partition: with 14 bands, about 0.4 GB while one partition is matched."""
SCHEMA = pa.schema([("cluster", KEY), ("similarity", pa.float32()), ("method", pa.string())])
EDGES = pa.schema([("a", pa.uint64()), ("b", pa.uint64())])
MEMBERS = pa.schema([("row", pa.int64()), *SCHEMA])
EXACT, NEAR, URL = "exact", "minhash", "url"


def target(config: DedupConfig, documents: Target, out: str, suffix: str = "") -> Target:
    """Return where the clusters of equal and similar texts go; the suffix tells a revision, such as `@strict`."""
    return _target(f"duplicates{suffix}", config.model_dump(mode="json", exclude={"urls"}), documents, out)


def url_target(documents: Target, out: str) -> Target:
    """Return where the clusters of documents with the same URL go."""
    return _target("urls", {"urls": urls.REVISION}, documents, out, urls.LIBRARIES)


def _target(name: str, config: Mapping[str, Any], documents: Target, out: str, libraries: Sequence[str] = ()) -> Target:
    identity = Identity(
        step="dedup",
        revision=REVISION,
        config=config,
        inputs={"documents": documents.fingerprint},
        libraries=manifest.library_versions([*LIBRARIES, *libraries]) | {"unicode": UNICODE_VERSION},
    )
    return Target.place("duplicates", name, out, identity)


def step(place: Target, config: DedupConfig | None, documents_folder: str, partitions: int | None = None) -> Step:
    """Plan the search for duplicates; the number of partitions bounds memory and changes no result.

    Args:
        place: where the clusters go.
        config: how texts are compared; None: documents are compared by their normalised URL instead.
        documents_folder: the documents, or a revision of them.
        partitions: parts of the shuffle.
    """
    documents = manifest.read(documents_folder, "documents")
    items = split_items(documents)
    splits = tuple(item.name for item in items)
    count = partitions or max(1, math.ceil(documents.rows / PARTITION_ROWS))
    partition_items = tuple(Item(name=f"{index:05d}", payload={"partition": index}) for index in range(count))
    shared = {"documents": documents_folder, "parts": tuple(documents.parts)}
    edge_items = tuple(item.name for item in partition_items)
    return Step(
        **vars(place),
        phases=(
            Phase(name="sign", items=items, work=partial(sign_split, config=config, partitions=count, **shared)),
            Phase(name="match", items=partition_items, work=partial(match, splits=splits, config=config)),
            Phase(
                name="cluster",
                items=(Item(name="all"),),
                work=partial(cluster, edge_items=edge_items, same=EXACT if config else URL, **shared),
            ),
            Phase(name="write", items=items, work=partial(write, splits=splits)),
        ),
        scratch=("work",),
        finish=_finish,
    )


def _work(folder: str, *names: str) -> str:
    return storage.join(folder, "work", *names)


def _first_rows(parts: Sequence[Mapping[str, Any]]) -> np.ndarray:
    """Return the corpus-wide number of each split's first row, and the total at the end; int64[splits + 1]."""
    return np.concatenate([[0], np.cumsum([part["rows"] for part in parts])]).astype(np.int64)


def sign_split(
    attempt: Attempt, *, config: DedupConfig | None, documents: str, parts: Sequence[Mapping[str, Any]], partitions: int
) -> Marker:
    """Write a split's signatures, and its (bucket, row) pairs by partition."""
    part = attempt.item.payload["part"]
    index = [entry["name"] for entry in parts].index(part["name"])
    first = int(_first_rows(parts)[index])
    columns = ["text"] if config else ["url"]
    signed = [_signed(batch.column(0), config) for batch in read_split(documents, part["name"], columns)]
    hashes = np.concatenate([batch.text_hash for batch in signed])
    signatures = np.concatenate([batch.signatures for batch in signed])
    valid = np.concatenate([batch.valid for batch in signed])
    rows = np.arange(first, first + part["rows"], dtype=np.uint64)
    _write_signatures(_work(attempt.folder, "signatures", f"{part['name']}.arrow"), hashes, signatures)
    scatter = partial(_scatter, attempt.folder, part["name"], partitions)
    if config is None:
        scatter("texts", key_array(hashes[valid]), hashes[valid].view(np.uint64)[:, 0], rows[valid])
    elif config.exact:
        scatter("texts", key_array(hashes), hashes.view(np.uint64)[:, 0], rows)
    if config and config.minhash:
        bands = band_keys(signatures[valid], config)
        scatter("bands", pa.array(bands.ravel()), bands.ravel(), np.repeat(rows[valid], config.bands))
    return Marker(item=attempt.item.name, fingerprint=attempt.fingerprint, rows=part["rows"], keys=part["keys"])


def _signed(column: pa.Array, config: DedupConfig | None) -> Signed:
    return sign(Texts.from_arrow(column), config) if config else sign_urls(column)


def _scatter(
    folder: str, split: str, partitions: int, kind: str, keys: pa.Array, numbers: np.ndarray, rows: np.ndarray
) -> None:
    """Write a split's (key, row) pairs, each into the partition that its key's number says."""
    pairs = pa.RecordBatch.from_arrays([keys, pa.array(rows)], names=["key", "row"])
    partition = (numbers % np.uint64(partitions)).astype(np.int64)
    exchange.write(_work(folder, kind, f"{split}.arrow"), exchange.split_by(pairs, partition, partitions))


def _write_signatures(path: str, hashes: np.ndarray, signatures: np.ndarray) -> None:
    columns = {"text_hash": key_array(hashes)}
    if signatures.shape[1]:
        lists = pa.FixedSizeListArray.from_arrays(pa.array(signatures.reshape(-1)), signatures.shape[1])
        columns["signature"] = lists
    exchange.write(path, [pa.RecordBatch.from_pydict(columns)])


def _read_signatures(path: str, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (text hashes uint8[m, 16], signatures uint32[m, width]) of some rows; width 0 without MinHash."""
    signed = exchange.read(path, 0).take(pa.array(rows))
    hashes = key_matrix(signed.column("text_hash"))
    if "signature" not in signed.schema.names:
        return hashes, np.empty((len(rows), 0), np.uint32)
    lists = signed.column("signature")
    return hashes, lists.flatten().to_numpy().reshape(-1, lists.type.list_size)


def match(attempt: Attempt, *, splits: Sequence[str], config: DedupConfig | None) -> Marker:
    """Join the rows that share a key of one partition with the first of them."""
    partition = attempt.item.payload["partition"]
    kinds = {"texts": config is None or config.exact, "bands": config is not None and config.minhash}
    edges = []
    for kind in [kind for kind, used in kinds.items() if used]:
        table = exchange.gather([_work(attempt.folder, kind, f"{split}.arrow") for split in splits], partition)
        keys = table.column("key")
        a, b = star_edges(key_matrix(keys) if kind == "texts" else keys.to_numpy(), table.column("row").to_numpy())
        edges.append(pa.RecordBatch.from_arrays([pa.array(a), pa.array(b)], schema=EDGES))
    exchange.write(_work(attempt.folder, "edges", f"{attempt.item.name}.arrow"), edges)
    return Marker(item=attempt.item.name, fingerprint=attempt.fingerprint, rows=sum(map(len, edges)))


def cluster(
    attempt: Attempt, *, documents: str, parts: Sequence[Mapping[str, Any]], edge_items: Sequence[str], same: str
) -> Marker:
    """Connect edges to clusters and name each after its member with the smallest key.

    The one process that sees all clusters: about 50 bytes per edge and 1.5 kB per member of a cluster.
    """
    paths = [_work(attempt.folder, "edges", f"{name}.arrow") for name in edge_items]
    edges = pa.Table.from_batches([batch for path in paths for batch in exchange.read_all(path)], EDGES)
    rows, labels = clusters(edges.column("a").to_numpy(), edges.column("b").to_numpy())
    members = _members(attempt.folder, documents, parts, rows.astype(np.int64), labels, same)
    cuts = np.searchsorted(rows, _first_rows(parts).astype(np.uint64))
    batches = [exchange.one_batch(members.slice(start, stop - start)) for start, stop in pairwise(cuts)]
    exchange.write(_work(attempt.folder, "members.arrow"), batches)
    counts = {"clusters": len(np.unique(labels)), "members": len(rows)}
    return Marker(item=attempt.item.name, fingerprint=attempt.fingerprint, rows=len(rows), counts=counts)


def _members(
    folder: str, documents: str, parts: Sequence[Mapping[str, Any]], rows: np.ndarray, labels: np.ndarray, same: str
) -> pa.Table:
    """Return one row per member of a cluster, in corpus order, `row` counted within its split."""
    bounds = _first_rows(parts)
    keys, hashes, signatures, local = [], [], [], []
    for part, (start, stop) in zip(parts, pairwise(bounds), strict=True):
        own = rows[(rows >= start) & (rows < stop)] - start
        table = pa.Table.from_batches(list(read_split(documents, part["name"], columns=["key"])))
        signed = _read_signatures(_work(folder, "signatures", f"{part['name']}.arrow"), own)
        keys.append(key_matrix(table.column("key"))[own])
        hashes.append(signed[0])
        signatures.append(signed[1])
        local.append(own)
    signed_by = np.concatenate(keys), np.concatenate(hashes), np.vstack(signatures)
    return _describe(np.concatenate(local), labels, *signed_by, same)


def _describe(
    rows: np.ndarray, labels: np.ndarray, keys: np.ndarray, hashes: np.ndarray, signatures: np.ndarray, method: str
) -> pa.Table:
    """Compare each member with its cluster's representative, the member with the smallest key.

    `method` names how members with equal hashes were found.
    """
    order = np.lexsort((keys.view("V16").ravel(), labels))
    starts = np.flatnonzero(np.r_[True, labels[order][1:] != labels[order][:-1]]) if len(order) else order
    lead = np.empty(len(order), np.int64)
    lead[order] = np.repeat(order[starts], np.diff(np.r_[starts, len(order)]))
    same = (hashes == hashes[lead]).all(axis=1) if len(order) else np.zeros(0, bool)
    near = similarity(signatures, signatures[lead]) if signatures.shape[1] else np.zeros(len(lead), np.float32)
    estimate = np.where(same, np.float32(1), near)
    columns = [
        pa.array(rows),
        key_array(cluster_names(keys, hashes)[lead]),
        pa.array(estimate.astype(np.float32)),
        pa.array(np.where(same, method, NEAR).tolist(), pa.string()),
    ]
    return pa.Table.from_arrays(columns, schema=MEMBERS)


def cluster_names(keys: np.ndarray, hashes: np.ndarray) -> np.ndarray:
    """Return the name of the cluster that each document leads: a hash of its key and its text; uint8[m, 16].

    Keys alone will not do: a source whose files all count their ids from 0 gives unrelated texts equal keys.
    """
    data = np.ascontiguousarray(np.hstack([keys, hashes])).reshape(-1)
    starts = np.arange(len(keys), dtype=np.int64) * 32
    halves = [hash_spans(data, starts, starts + 32, seed=seed) for seed in (1, 2)]
    return np.stack(halves, axis=1).view(np.uint8)


def write(attempt: Attempt, *, splits: Sequence[str]) -> Marker:
    """Commit one split of the sidecar: null where a document is alone."""
    part = attempt.item.payload["part"]
    members = exchange.read(_work(attempt.folder, "members.arrow"), splits.index(part["name"]))
    place = np.full(part["rows"], -1, np.int64)
    place[members.column("row").to_numpy()] = np.arange(len(members))
    indices = pa.array(place, mask=place < 0)
    table = pa.Table.from_arrays([members.column(name).take(indices) for name in SCHEMA.names], schema=SCHEMA)
    entry = {"name": part["name"], "rows": part["rows"], "keys": part["keys"]}
    return Marker(
        item=attempt.item.name,
        fingerprint=attempt.fingerprint,
        rows=part["rows"],
        keys=part["keys"],
        files=sidecars.write(attempt.folder, part["name"], table),
        parts=[entry],
    )


def _finish(step: Step, markers: Mapping[str, list[Marker]]) -> Manifest:
    clustered = markers["cluster"][0].counts
    return step.manifest(markers["write"], extra={name: int(count) for name, count in clustered.items()})
