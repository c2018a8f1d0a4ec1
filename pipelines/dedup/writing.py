"""The sidecar: each document's cluster, and its nearest document in each reference."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from corpuskit.dedup import store
from corpuskit.dedup.config import HELDOUT
from corpuskit.documents import sidecars
from corpuskit.documents.schema import KEY, key_array, key_matrix
from corpuskit.manifest import Marker
from pipelines import exchange
from pipelines.dedup.clustering import CLUSTERS
from pipelines.dedup.rows import Rows, work
from pipelines.engine import Attempt


def match_schema(reference: str) -> pa.Schema:
    """Return the columns for one reference: the key of the most similar document there, and its similarity.

    `april.key` for a corpus that the recipe calls so, `heldout_key` for this corpus's held-out documents.
    """
    prefix = f"{HELDOUT}_" if reference == HELDOUT else f"{reference}."
    return pa.schema([(f"{prefix}key", KEY), (f"{prefix}similarity", pa.float32())])


CLUSTER = pa.schema([field for field in CLUSTERS if field.name != "row"])
SCHEMA = pa.unify_schemas([CLUSTER, match_schema(HELDOUT)])
"""Columns of the sidecar; for each other corpus, `match_schema` adds two."""


def write(
    attempt: Attempt, *, rows: Rows, cluster_files: Sequence[str], match_files: Sequence[str], references: Sequence[str]
) -> Marker:
    """Commit one split of the sidecar: null where a document is alone."""
    number = attempt.item.payload["split"]
    own, first = rows.splits[number], int(rows.first[number])
    members = exchange.gather([work(attempt.folder, name) for name in cluster_files], number).combine_chunks()
    columns = _placed(
        members.select(CLUSTER.names), members.column("row").to_numpy().astype(np.int64) - first, own.rows
    )
    matches = exchange.gather([work(attempt.folder, name) for name in match_files], number)
    schema, counts = CLUSTER, {}
    for reference in references:
        best = _best(matches, rows, reference)
        columns += _placed(best.drop_columns(["row"]), best.column("row").to_numpy() - first, own.rows)
        schema = pa.unify_schemas([schema, match_schema(reference)])
        counts[f"matched.{reference}"] = len(best)
    return Marker(
        item=attempt.item.name,
        fingerprint=attempt.fingerprint,
        rows=own.rows,
        keys=own.keys,
        counts=counts,
        files=sidecars.write(attempt.folder, own.part, pa.Table.from_arrays(columns, schema=schema)),
        parts=[{"name": own.part, "rows": own.rows, "keys": own.keys}],
    )


def _placed(table: pa.Table, rows: np.ndarray, count: int) -> list[pa.ChunkedArray]:
    """Return the columns of some rows of a split as columns of all its rows, null elsewhere."""
    place = np.full(count, -1, np.int64)
    place[rows] = np.arange(len(rows))
    indices = pa.array(place, mask=place < 0)
    return [column.take(indices) for column in table.columns]


def _best(matches: pa.Table, rows: Rows, reference: str) -> pa.Table:
    """Return each row's most similar document in a reference, the smallest key among equals: row, key, similarity."""
    row, other = (matches.column(name).to_numpy().astype(np.int64) for name in ("row", "other"))
    similarity = matches.column("similarity").to_numpy()
    inside = np.flatnonzero(np.array([split.reference == reference for split in rows.splits])[rows.split_of(other)])
    row, other, similarity = row[inside], other[inside], similarity[inside]
    place = np.unique(row, return_inverse=True)[1]
    largest = np.zeros(len(row), np.float32)
    np.maximum.at(largest, place, similarity)
    nearest = np.flatnonzero(similarity == largest[place])
    keys = _keys(rows, other[nearest])
    upper, lower = keys.view(">u8").T
    ranked = np.lexsort((lower, upper, row[nearest]))
    first = ranked[np.unique(row[nearest][ranked], return_index=True)[1]]
    chosen = nearest[first]
    columns = [pa.array(row[chosen]), key_array(keys[first]), pa.array(similarity[chosen])]
    return pa.Table.from_arrays(columns, names=["row", *match_schema(reference).names])


def _keys(rows: Rows, numbers: np.ndarray) -> np.ndarray:
    """Return the documents' keys of rows anywhere; uint8[m, 16]."""
    wanted, places = np.unique(numbers, return_inverse=True)
    keys = np.empty((len(wanted), 16), np.uint8)
    for number in np.unique(rows.split_of(wanted)).tolist():
        split, first = rows.splits[number], rows.first[number]
        start, stop = np.searchsorted(wanted, [first, rows.first[number + 1]]).tolist()
        for chosen, block in store.read_rows(split.folder, split.part, wanted[start:stop] - first, ["key"]):
            keys[start + chosen.start : start + chosen.stop] = key_matrix(block.column(0))
    return keys[places]
