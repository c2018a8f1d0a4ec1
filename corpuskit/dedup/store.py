"""Signature files: what a corpus's documents are compared by, one Arrow file a split, kept for later corpora."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from corpuskit import manifest, storage
from corpuskit.dedup.signatures import Signed
from corpuskit.documents.schema import KEY, key_array

BLOCK_ROWS = 1 << 14
"""Documents in a batch of a file; with 112 places 8 MB."""


def schema(places: int, normalized: bool) -> pa.Schema:
    """Return the columns of signature files.

    `key` and `heldout` are the document's; `text_hash` and `normal_hash` are xxh3-128 of its text and of its normalised
    text; `valid` says whether it has a shingle; `signature` is its MinHash signature.
    """
    columns = {"key": KEY, "heldout": pa.bool_(), "text_hash": KEY, "valid": pa.bool_()}
    if normalized:
        columns["normal_hash"] = KEY
    if places:
        columns["signature"] = pa.list_(pa.uint32(), places)
    return pa.schema(columns)


def row_bytes(places: int) -> int:
    """Return about how many bytes a document takes in a signature file."""
    return 2 * 16 + 4 * places


def batch(keys: pa.Array, heldout: pa.Array, signed: Signed) -> pa.RecordBatch:
    """Return the rows of a signature file for some documents, in their order."""
    columns = {
        "key": keys,
        "heldout": heldout,
        "text_hash": key_array(signed.text_hash),
        "valid": pa.array(signed.valid),
    }
    if signed.normal_hash is not None:
        columns["normal_hash"] = key_array(signed.normal_hash)
    if signed.signatures.shape[1]:
        columns["signature"] = signature_array(signed.signatures)
    return pa.RecordBatch.from_pydict(columns)


def signature_array(signatures: np.ndarray) -> pa.FixedSizeListArray:
    """Turn uint32[n, places] into a column."""
    return pa.FixedSizeListArray.from_arrays(pa.array(signatures.reshape(-1)), signatures.shape[1])


def signature_matrix(column: pa.Array) -> np.ndarray:
    """View a column of signatures as uint32[n, places]."""
    places = column.type.list_size
    values = column.values.to_numpy()[column.offset * places : (column.offset + len(column)) * places]
    return values.reshape(-1, places)


def file_name(part: str) -> str:
    """Return the file of a split, such as `part-0000003.arrow`."""
    return f"{part}.arrow"


def write(folder: str, part: str, batches: Iterable[pa.RecordBatch], columns: pa.Schema) -> dict[str, Any]:
    """Commit one split; return its `files` entry for the marker."""
    path = storage.join(folder, file_name(part))
    with storage.committing(path) as scratch, pa.ipc.new_file(scratch, columns) as writer:
        for block in _full_blocks(batches):
            writer.write_batch(block)
    return {file_name(part): manifest.file_entry(path)}


def _full_blocks(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Yield the rows again, `BLOCK_ROWS` at a time, so that a row's number says in which block it lies."""
    held: list[pa.RecordBatch] = []
    count = 0
    for found in batches:
        held.append(found)
        count += len(found)
        if count >= BLOCK_ROWS:
            table = pa.Table.from_batches(held).combine_chunks().to_batches()[0]
            full = count - count % BLOCK_ROWS
            yield from (table.slice(start, BLOCK_ROWS) for start in range(0, full, BLOCK_ROWS))
            held, count = [table.slice(full)], count - full
    if count:
        yield pa.Table.from_batches(held).combine_chunks().to_batches()[0]


def read(folder: str, part: str, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
    """Yield one split's rows in order, at most `BLOCK_ROWS` at a time.

    Args:
        folder: the artifact's folder.
        part: the split's name.
        columns: names to read, in this order; all by default.
    """
    for _, found in _blocks(folder, part, columns):
        yield found


def _blocks(
    folder: str, part: str, columns: Sequence[str] | None, wanted: Sequence[int] | None = None
) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Yield (number, rows) of some batches of a file, of all by default."""
    path = storage.join(folder, file_name(part))
    with storage.open_input(path) as stream:
        # Read, not mapped: mapped pages would count as this process's memory until the file is closed.
        source = stream if storage.is_remote(path) else pa.OSFile(str(storage.local(path)))
        with pa.ipc.open_file(source, options=_only(path, columns)) as reader:
            for index in range(reader.num_record_batches) if wanted is None else wanted:
                found = reader.get_batch(index)
                yield index, found.select(columns) if columns else found


def _only(path: str, columns: Sequence[str] | None) -> pa.ipc.IpcReadOptions:
    if columns is None:
        return pa.ipc.IpcReadOptions(use_threads=False)
    with storage.open_input(path) as stream, pa.ipc.open_file(stream) as reader:
        places = [reader.schema.get_field_index(name) for name in columns]
    return pa.ipc.IpcReadOptions(use_threads=False, included_fields=sorted(places))


def read_rows(
    folder: str, part: str, rows: np.ndarray, columns: Sequence[str]
) -> Iterator[tuple[slice, pa.RecordBatch]]:
    """Yield some rows of a split, block by block; blocks without any of them are not read.

    Args:
        folder: the artifact's folder.
        part: the split's name.
        rows: their numbers in the split, rising; int64[m].
        columns: names to read, in this order.

    Yields:
        Which of the rows, as a slice of them, and their columns.
    """
    for index, found in _blocks(folder, part, columns, np.unique(rows // BLOCK_ROWS).tolist()):
        first = index * BLOCK_ROWS
        start, stop = np.searchsorted(rows, [first, first + BLOCK_ROWS]).tolist()
        yield slice(start, stop), found.take(pa.array(rows[start:stop] - first))
