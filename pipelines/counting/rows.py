"""Which documents are counted: a variant's training rows, or a sample of them by a hash of their keys."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from corpuskit import storage
from corpuskit.documents import read_split, revisions, sidecars
from corpuskit.documents.schema import key_matrix
from corpuskit.kernels import hash_spans
from corpuskit.manifest import Marker
from corpuskit.signals import BYTES
from pipelines import exchange
from pipelines.engine import Attempt

BUCKET_BITS = 20
"""Documents are taken in the order of a hash of their keys, a millionth of the corpus at a time."""
LIMIT = "work/limit.arrow"


@dataclass(frozen=True, kw_only=True)
class Rows:
    """The folders that say which rows of which text are counted."""

    documents: str
    """The documents, or a revision of them."""
    variant: str
    """The documents that it keeps and that are not held out are counted."""
    sizes: str
    """The signals `size`."""
    cuts: tuple[str, ...] = ()
    """Revisions that cut the text since those were measured."""
    language: str | None = None
    """The signals `language`, where words are counted by language."""

    def training(self, part: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
        """Return the training rows of a split, int64[m], and their keys, uint8[m, 16]."""
        table = pa.Table.from_batches(list(read_split(self.documents, part["name"], columns=["key", "heldout"])))
        training = ~table.column("heldout").to_numpy()
        training &= sidecars.read(self.variant, part, ["kept"]).column(0).to_numpy()
        rows = np.flatnonzero(training)
        return rows, key_matrix(table.column("key"))[rows]

    def bytes_of(self, part: Mapping[str, Any]) -> np.ndarray:
        """Return the bytes of each row of a split; int64[n]."""
        sizes = sidecars.read(self.sizes, part, [BYTES]).column(0).fill_null(0).to_numpy()
        lost = sum((revisions.bytes_cut(folder, part) for folder in self.cuts), np.zeros(part["rows"], np.int64))
        return np.asarray(sizes.astype(np.int64) - lost)


def buckets(keys: np.ndarray, seed: int) -> np.ndarray:
    """Return which millionth of the corpus each document belongs to; int64[m].

    Args:
        keys: uint8[m, 16].
        seed: another one gives another order.
    """
    starts = np.arange(len(keys), dtype=np.int64) * 16
    hashes = hash_spans(keys.reshape(-1), starts, starts + 16, seed=seed)
    return (hashes >> np.uint64(64 - BUCKET_BITS)).astype(np.int64)


def weigh(attempt: Attempt, *, rows: Rows, seed: int) -> Marker:
    """Write how many bytes of one split belong to each bucket."""
    part = attempt.item.payload["part"]
    chosen, keys = rows.training(part)
    found, place = np.unique(buckets(keys, seed), return_inverse=True)
    sizes = np.zeros(len(found), np.int64)
    np.add.at(sizes, place, rows.bytes_of(part)[chosen])
    batch = pa.RecordBatch.from_arrays([pa.array(found), pa.array(sizes)], ["bucket", "bytes"])
    exchange.write(_weights(attempt.folder, part["name"]), [batch])
    return Marker(item=attempt.item.name, fingerprint=attempt.fingerprint, rows=len(chosen))


def choose(attempt: Attempt, *, splits: Sequence[str], max_bytes: int) -> Marker:
    """Write the number of buckets whose documents are counted: as many as fit into `max_bytes`, one at least."""
    totals = np.zeros(1 << BUCKET_BITS, np.int64)
    for split in splits:
        batch = exchange.read(_weights(attempt.folder, split), 0)
        totals[batch.column("bucket").to_numpy()] += batch.column("bytes").to_numpy()
    filled = np.cumsum(totals)
    limit = max(int(np.searchsorted(filled, max_bytes, side="right")), int(np.argmax(filled > 0)) + 1)
    exchange.write(storage.join(attempt.folder, LIMIT), [pa.RecordBatch.from_arrays([pa.array([limit])], ["buckets"])])
    return Marker(item=attempt.item.name, fingerprint=attempt.fingerprint, rows=1)


def sampled(folder: str, rows: Rows, part: Mapping[str, Any], seed: int) -> np.ndarray:
    """Return which rows of a split are counted; bool[n]."""
    chosen, keys = rows.training(part)
    mask = np.zeros(part["rows"], bool)
    limit = storage.join(folder, LIMIT)
    if storage.exists(limit):
        chosen = chosen[buckets(keys, seed) < exchange.read(limit, 0).column("buckets")[0].as_py()]
    mask[chosen] = True
    return mask


def batches(rows: Rows, part: Mapping[str, Any], mask: np.ndarray, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """Yield some columns of the chosen rows of a split."""
    first = 0
    for batch in read_split(rows.documents, part["name"], columns=list(columns)):
        yield batch.filter(pa.array(mask[first : first + len(batch)]))
        first += len(batch)


def _weights(folder: str, split: str) -> str:
    return storage.join(folder, "work", "weights", f"{split}.arrow")
