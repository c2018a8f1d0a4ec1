"""Revisions: documents whose text was edited, stored as what changed and read in place of the documents.

A revision is an artifact of kind `documents` with the same splits and rows as its base. Its parts hold the changed rows
alone: bytes cut from the base's text where whole lines went, else the new text. All columns but `text` are the base's.
"""

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from corpuskit import manifest, storage
from corpuskit.documents.streams import binary_reader

if TYPE_CHECKING:
    from corpuskit.kernels import Cuts

BASE = b"corpuskit.base"
"""Schema metadata of a revised part: where the base's folder lies, seen from the revision's."""
REVISED = pa.schema(
    [
        pa.field("row", pa.int64(), nullable=False),
        pa.field("cuts", pa.list_(pa.int64())),
        pa.field("text", pa.large_string()),
    ]
)
"""`row` counts within the split. `cuts` holds start, stop, start, stop, …: bytes of the base's text that are left out;
where it is null, `text` is the new text."""

CUT_BYTES = 16
"""What one cut takes: two integers."""


def base_link(folder: str, base: str) -> bytes:
    """Return where `base` lies, seen from `folder`, so that a corpus can be moved as a whole."""
    return posixpath.relpath(_plain(base), _plain(folder)).encode()


def base_folder(folder: str, link: bytes) -> str:
    """Return the folder that a revision in `folder` links to: the inverse of `base_link`."""
    scheme, _ = _scheme(folder)
    return scheme + posixpath.normpath(posixpath.join(_plain(folder), link.decode()))


def _plain(path: str) -> str:
    return _scheme(path)[1]


def _scheme(path: str) -> tuple[str, str]:
    """Cut a URL into `scheme://` and the rest; local paths have no scheme."""
    before, sign, rest = path.rpartition("://")
    return before + sign, rest


def changes(old: pa.Array, new: pa.Array, first: int) -> pa.RecordBatch:
    """Return the rows whose text differs, as a batch of `REVISED`.

    Args:
        old: large_string[n], the base's texts.
        new: large_string[n].
        first: number of the first row in its split.
    """
    from corpuskit.kernels import Texts, cuts  # numba, which reading documents without revisions can do without

    rows = np.empty(0, np.int64) if new is old else np.flatnonzero(_mask(pc.not_equal(old, new)))
    before, after = old.take(pa.array(rows)), new.take(pa.array(rows))
    found = cuts(Texts.from_arrow(before), Texts.from_arrow(after))
    sizes = Texts.from_arrow(after).lengths()
    by_cuts = found.exact & (np.diff(found.offsets) * CUT_BYTES <= sizes + CUT_BYTES)
    columns = [
        pa.array(rows + first),
        _cut_lists(found, by_cuts),
        pc.if_else(pa.array(by_cuts), pa.scalar(None, after.type), after),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=REVISED)


def cut_rows(rows: np.ndarray, ranges: "Cuts") -> pa.RecordBatch:
    """Return the rows that lose bytes, as a batch of `REVISED`.

    Args:
        rows: int64[n], numbers of some rows within their split, rising.
        ranges: what each of them loses, from the first byte of its text.
    """
    wanted = np.diff(ranges.offsets) > 0
    columns = [
        pa.array(rows[wanted]),
        _cut_lists(ranges, wanted).filter(pa.array(wanted)),
        pa.nulls(int(wanted.sum()), pa.large_string()),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=REVISED)


def _mask(column: pa.Array) -> np.ndarray:
    return np.asarray(column.to_numpy(zero_copy_only=False), bool)


def _cut_lists(found: "Cuts", wanted: np.ndarray) -> pa.ListArray:
    """Return each document's cuts as a list start, stop, start, …; null where it is not wanted."""
    pairs = np.stack([found.starts, found.ends], axis=1).reshape(-1)
    used = np.repeat(wanted, 2 * np.diff(found.offsets))
    lengths = np.where(wanted, 2 * np.diff(found.offsets), 0)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(pairs[used]), mask=pa.array(~wanted))


def write(folder: str, part: str, base: str, changed: Iterable[pa.RecordBatch]) -> dict[str, Any]:
    """Commit the changed rows of one split; return its `files` entry for the marker.

    Args:
        folder: the revision's folder.
        part: the split's name.
        base: folder of the documents, or of the revision of them, that was edited.
        changed: batches of `changes`, in row order.
    """
    name = f"{part}.parquet"
    schema = REVISED.with_metadata({BASE: base_link(folder, base)})
    options = {"compression": "zstd", "write_statistics": False}
    path = storage.join(folder, name)
    with storage.committing(path) as scratch, pq.ParquetWriter(scratch, schema, **options) as writer:
        for batch in changed:
            if len(batch):
                writer.write_batch(batch)
    return {name: manifest.file_entry(path)}


def bytes_cut(folder: str, part: Mapping[str, Any]) -> np.ndarray:
    """Return how many bytes a revision that cuts and nothing else takes from each row of a split; int64[rows].

    Args:
        folder: the revision's folder.
        part: the split's entry in its manifest, or in that of its base.
    """
    rows, cuts = read_cuts(folder, part["name"])
    return np.bincount(rows, cuts[:, 1] - cuts[:, 0], part["rows"]).astype(np.int64)


def read_cuts(folder: str, part: str) -> tuple[np.ndarray, np.ndarray]:
    """Return (the row of each cut, int64[m]; its first byte and the byte after it in the base's text, int64[m, 2])."""
    path = storage.join(folder, f"{part}.parquet")
    table = pq.ParquetFile(binary_reader(path, {})).read(columns=["row", "cuts"])
    lists = _whole(table.column("cuts"), REVISED.field("cuts").type)
    pairs = lists.flatten().to_numpy(zero_copy_only=False).reshape(-1, 2)
    counts = lists.value_lengths().fill_null(0).to_numpy(zero_copy_only=False) // 2
    return np.repeat(table.column("row").to_numpy(), counts), pairs


def revise(file: pq.ParquetFile, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Yield the base's batches, which hold all rows of a split in order, with the texts of a revised part in place."""
    changed = _Changes(file)
    first = 0
    for batch in batches:
        rows = changed.upto(first + len(batch))
        if len(rows):
            place = batch.schema.get_field_index("text")
            texts = _revised(batch.column(place), rows, first)
            batch = batch.set_column(place, batch.schema.field(place), texts)
        yield batch
        first += len(batch)


class _Changes:
    """Reads the changed rows of a part in order, one row group at a time."""

    def __init__(self, file: pq.ParquetFile) -> None:
        self._groups = (file.read_row_group(index) for index in range(file.num_row_groups))
        self._held = pa.Table.from_batches([], REVISED)

    def upto(self, row: int) -> pa.Table:
        """Return the rows before `row` that were not returned yet."""
        taken = []
        while True:
            count = int(np.searchsorted(self._held.column("row").to_numpy(), row))
            taken.append(self._held.slice(0, count))
            self._held = self._held.slice(count)
            if len(self._held):
                break
            group = next(self._groups, None)
            if group is None:
                break
            self._held = group.replace_schema_metadata(None)
        return pa.concat_tables(taken).combine_chunks()


def _revised(texts: pa.Array, rows: pa.Table, first: int) -> pa.Array:
    """Return large_string[n] with the changed rows, numbered from `first`, in place."""
    from corpuskit.kernels import Texts, as_arrow, cut, replace_rows

    numbers = rows.column("row").to_numpy() - first
    new, lists = _whole(rows.column("text"), texts.type), _whole(rows.column("cuts"), REVISED.field("cuts").type)
    by_cuts = np.flatnonzero(_mask(lists.is_valid()))
    wanted = lists.take(pa.array(by_cuts))
    pairs = wanted.flatten().to_numpy(zero_copy_only=False).reshape(-1, 2)
    offsets = np.concatenate([[0], np.cumsum(wanted.value_lengths().to_numpy(zero_copy_only=False) // 2)])
    old = Texts.from_arrow(texts.take(pa.array(numbers[by_cuts])))
    shortened = as_arrow(*cut(old, pairs[:, 0], pairs[:, 1], offsets.astype(np.int64)))
    return replace_rows(texts, numbers, replace_rows(new, by_cuts, shortened))


def _whole(column: pa.ChunkedArray, kind: pa.DataType) -> pa.Array:
    return column.combine_chunks().cast(kind) if column.num_chunks else pa.array([], kind)
