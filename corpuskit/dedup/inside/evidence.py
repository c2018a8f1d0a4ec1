"""Which documents of references have what was cut: a file beside each split of the revision."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from corpuskit import manifest, storage
from corpuskit.documents.streams import binary_reader

SCHEMA = pa.schema(
    [
        pa.field("row", pa.int64(), nullable=False),
        pa.field("start", pa.int64(), nullable=False),
        pa.field("end", pa.int64(), nullable=False),
        pa.field("reference", pa.string(), nullable=False),
        pa.field("part", pa.string(), nullable=False),
        pa.field("reference_row", pa.int64(), nullable=False),
    ]
)
"""A row of the split and the bytes of its text, as it was before, that a reference has; the reference's name, its split
and the row there. Where several of its documents have them, it is the one with the smallest key."""


def file_name(part: str) -> str:
    """Return the file of a split within the revision's folder."""
    return f"references/{part}.parquet"


def write(folder: str, part: str, found: pa.Table) -> dict[str, Any]:
    """Commit what was found in a split, rows of `SCHEMA`; return its `files` entry for the marker."""
    path = storage.join(folder, file_name(part))
    with storage.committing(path) as scratch:
        pq.write_table(found, scratch, compression="zstd", write_statistics=False)
    return {file_name(part): manifest.file_entry(path)}


def read(folder: str, part: str, row: int) -> pa.Table:
    """Return what was found in one row of a split, in the order of the text; none where no reference was asked."""
    path = storage.join(folder, file_name(part))
    if not storage.exists(path):
        return SCHEMA.empty_table()
    table = pq.ParquetFile(binary_reader(path, {})).read()
    return table.filter(pc.equal(table.column("row"), row)).sort_by([("start", "ascending"), ("end", "ascending")])


def overlapping(found: pa.Table, start: int, end: int) -> list[dict[str, Any]]:
    """Return the rows of `SCHEMA` whose bytes a piece has, or some of them."""
    starts, ends = (found.column(name).to_numpy() for name in ("start", "end"))
    rows: list[dict[str, Any]] = found.take(pa.array(np.flatnonzero((starts < end) & (ends > start)))).to_pylist()
    return rows
