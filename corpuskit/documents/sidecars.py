"""Row-aligned sidecars: signals, duplicates and verdicts beside the documents."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from corpuskit import manifest, storage
from corpuskit.documents.streams import binary_reader
from corpuskit.errors import CorruptArtifact


def file_name(part: str) -> str:
    """Return the file of a split in any sidecar folder, such as `part-0000003.parquet`."""
    return f"{part}.parquet"


def write(folder: str, part: str, table: pa.Table | pa.RecordBatch) -> dict[str, Any]:
    """Commit one split of a sidecar; return its `files` entry for the marker."""
    path = storage.join(folder, file_name(part))
    if isinstance(table, pa.RecordBatch):
        table = pa.Table.from_batches([table])
    with storage.committing(path) as scratch:
        pq.write_table(table, scratch, compression="zstd", write_statistics=False)
    return {file_name(part): manifest.file_entry(path)}


def read(folder: str, part: Mapping[str, Any], columns: Sequence[str] | None = None) -> pa.Table:
    """Return one split of a sidecar, aligned with the rows of a documents part.

    Args:
        folder: the sidecar's folder.
        part: the split's entry in the *documents* manifest: name, rows, keys.
        columns: names to read; all by default.

    Raises:
        CorruptArtifact: the sidecar belongs to other rows (row count or keys differ) or misses the split.
    """
    own = parts_by_name(folder).get(part["name"])
    path = storage.join(folder, file_name(part["name"]))
    if own is None:
        raise CorruptArtifact(f"{path}: the manifest of {folder} has no such split")
    if own["keys"] != part["keys"]:
        raise CorruptArtifact(f"{path}: made for keys {own['keys']}, but the documents have {part['keys']}")
    table = pq.ParquetFile(binary_reader(path, {})).read(columns=list(columns) if columns else None)
    if len(table) != part["rows"]:
        raise CorruptArtifact(f"{path}: {len(table)} rows, but the documents have {part['rows']}")
    return table


def parts_by_name(folder: str) -> dict[str, Mapping[str, Any]]:
    """Return the manifest's split entries by split name."""
    return _parts(folder, storage.stat(storage.join(folder, manifest.NAME)).tag)


@lru_cache(maxsize=64)
def _parts(folder: str, tag: str) -> dict[str, Mapping[str, Any]]:
    """Parse a manifest once per process: every split of a step asks for it; `tag` tells a new one apart."""
    return {part["name"]: part for part in manifest.read(folder).parts}
