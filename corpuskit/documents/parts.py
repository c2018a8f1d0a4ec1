"""Writes and reads document parts: Parquet files, with their text inside or linked from the user's Parquet."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import xxhash

from corpuskit import manifest, storage
from corpuskit.documents.parquet import Link, is_damage
from corpuskit.documents.revisions import BASE, base_folder, revise
from corpuskit.documents.schema import SCHEMA, key_matrix
from corpuskit.documents.streams import binary_reader
from corpuskit.documents.tables import rows_per_batch
from corpuskit.errors import ArtifactError, CorruptArtifact, nearest

GROUP_BYTES = 8 << 20
"""Bytes of text in a row group: the unit in which parts are read back."""
LEVEL = 1
"""zstd level of documents: level 3 makes files 11 % smaller and takes 1.6 times as long to write."""
LINK = b"corpuskit.link"
"""Schema metadata of a linked part: JSON list of where its texts lie, in row order."""


class PartTotals:
    """Rows, bytes of text and key digest of the batches that pass through `watch`."""

    def __init__(self) -> None:
        self.rows = 0
        self.text_bytes = 0
        self._keys = xxhash.xxh3_64()

    def watch(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Pass batches on and count them."""
        for batch in batches:
            self.rows += len(batch)
            self.text_bytes += text_bytes(batch.column("text"))
            self._keys.update(key_matrix(batch.column("key")).tobytes())
            yield batch

    def entry(self, name: str) -> dict[str, Any]:
        """Return the part's entry in markers and manifests."""
        return {"name": name, "rows": self.rows, "text_bytes": self.text_bytes, "keys": self._keys.hexdigest()}


def text_bytes(texts: pa.Array) -> int:
    """Return the UTF-8 bytes of a column of texts."""
    return pc.sum(pc.binary_length(texts)).as_py() or 0


def write_parquet(path: str, batches: Iterable[pa.RecordBatch], schema: pa.Schema = SCHEMA) -> None:
    """Commit documents as one Parquet file (zstd, row groups of about 8 MiB of text)."""
    options = {
        "compression": "zstd",
        "compression_level": LEVEL,
        "use_dictionary": ["source"],
        "write_statistics": False,
    }
    with storage.committing(path) as scratch, pq.ParquetWriter(scratch, schema, **options) as writer:
        for group in _grouped(batches):
            table = pa.Table.from_batches(group).select(schema.names).cast(schema)
            writer.write_table(table, row_group_size=len(table))


def _grouped(batches: Iterable[pa.RecordBatch]) -> Iterator[list[pa.RecordBatch]]:
    """Gather batches until they hold `GROUP_BYTES` of text."""
    group: list[pa.RecordBatch] = []
    size = 0
    for batch in batches:
        if len(batch):
            group.append(batch)
            size += batch.nbytes
        if size >= GROUP_BYTES:
            yield group
            group, size = [], 0
    if group:
        yield group


def link_schema(links: Sequence[Link]) -> pa.Schema:
    """Return the schema of a part whose texts lie in the user's Parquet files."""
    narrow = SCHEMA.remove(SCHEMA.get_field_index("text"))
    return narrow.with_metadata({LINK: orjson.dumps([link._asdict() for link in links])})


def read_split(
    folder: str,
    part: str,
    columns: Sequence[str] | None = None,
    batch_rows: int | None = None,
    storage_options: dict[str, Any] | None = None,
) -> Iterator[pa.RecordBatch]:
    """Read one part of a documents folder in row order.

    Args:
        folder: the artifact's folder.
        part: the part's name, such as `part-0000003`.
        columns: names to read, in this order; all by default. Without `text`, linked files are not touched.
        batch_rows: most rows in a batch; by default a batch is a row group, about 8 MiB of text.
        storage_options: credentials for linked files on remote storage.

    Raises:
        ArtifactError: a column is unknown.
        CorruptArtifact: the part is unreadable, or a file that it links to is gone or has changed.
    """
    names = list(SCHEMA.names if columns is None else columns)
    for name in names:
        if name not in SCHEMA.names:
            raise ArtifactError(f"documents have no column {name!r}{nearest(name, SCHEMA.names)}")
    path = storage.join(folder, f"{part}.parquet")
    for batch in _guarded(_stored_batches(path, names, storage_options or {}), path):
        step = batch_rows or max(len(batch), 1)
        for start in range(0, len(batch), step):
            yield batch.slice(start, step)


def read_documents(folder: str, columns: Sequence[str] | None = None, **options: Any) -> Iterator[pa.RecordBatch]:
    """Read all parts of a documents artifact, in the order of its manifest; see `read_split` for the options.

    Raises:
        ArtifactError: the folder is not a finished documents artifact, or a column is unknown.
        CorruptArtifact: as `read_split`, or a part's row count differs from the manifest.
    """
    for part in manifest.read(folder, "documents").parts:
        rows = 0
        for batch in read_split(folder, part["name"], columns, **options):
            rows += len(batch)
            yield batch
        if rows != part["rows"]:
            raise CorruptArtifact(f"{folder}: {part['name']} has {rows} rows, the manifest says {part['rows']}")


def _guarded(batches: Iterator[pa.RecordBatch], path: str) -> Iterator[pa.RecordBatch]:
    """Name the part in errors that Arrow raises over damaged data."""
    try:
        yield from batches
    except Exception as error:
        if not is_damage(error):
            raise
        raise CorruptArtifact(f"{path}: {error}") from error


def _stored_batches(path: str, names: list[str], options: dict[str, Any]) -> Iterator[pa.RecordBatch]:
    if not storage.exists(path):
        raise CorruptArtifact(f"{path}: missing")
    file = pq.ParquetFile(binary_reader(path, {}))
    metadata = file.schema_arrow.metadata or {}
    if BASE in metadata:
        yield from _revised_batches(file, path, names, metadata[BASE], options)
        return
    links = metadata.get(LINK)
    if links is not None and "text" in names:
        yield from _joined(file, [Link(**link) for link in orjson.loads(links)], names, path, options)
        return
    schema = pa.schema([SCHEMA.field(name) for name in names])
    for index in range(file.num_row_groups):
        group = file.read_row_group(index, columns=names).select(names)
        columns = [_one_chunk(column) for column in group.columns]
        yield pa.RecordBatch.from_arrays(columns, schema=schema)


def _revised_batches(
    file: Any, path: str, names: list[str], link: bytes, options: dict[str, Any]
) -> Iterator[pa.RecordBatch]:
    """Read a part of a revision: the base's rows, their text revised."""
    folder, _, name = path.rpartition("/")
    batches = _stored_batches(storage.join(base_folder(folder, link), name), names, options)
    yield from revise(file, batches) if "text" in names else batches


def _one_chunk(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def _joined(
    file: Any, links: Sequence[Link], names: list[str], path: str, options: dict[str, Any]
) -> Iterator[pa.RecordBatch]:
    """Put the texts of linked files beside the other columns of a part."""
    for link in links:
        _check_link(link, path, options)
    schema = pa.schema([SCHEMA.field(name) for name in names])
    rest = [name for name in names if name != "text"]
    narrow = file.read(columns=rest or ["key"])
    first = 0
    for link in links:
        for texts in _linked_texts(link, options):
            rows = narrow.slice(first, len(texts))
            if len(rows) < len(texts):
                break
            columns = {name: _one_chunk(rows.column(name)) for name in rest} | {"text": texts}
            yield pa.RecordBatch.from_arrays([columns[name] for name in names], schema=schema)
            first += len(texts)
    if first != len(narrow):
        raise CorruptArtifact(f"{path}: has {len(narrow)} rows, the files it links to have others")


def _check_link(link: Link, path: str, options: dict[str, Any]) -> None:
    if not storage.exists(link.path, options):
        raise CorruptArtifact(f"{path}: the file it links to is gone: {link.path}")
    now = storage.stat(link.path, options)
    if (now.size, now.tag) != (link.size, link.tag):
        raise CorruptArtifact(
            f"{path}: the file it links to has changed: {link.path} "
            f"({link.size} bytes, tag {link.tag}; now {now.size} bytes, tag {now.tag})"
        )


def _linked_texts(link: Link, options: dict[str, Any]) -> Iterator[pa.Array]:
    file = pq.ParquetFile(binary_reader(link.path, options))
    for index in link.row_groups:
        group = file.metadata.row_group(index)
        step = rows_per_batch(group.num_rows, group.total_byte_size)
        for batch in file.iter_batches(step, row_groups=[index], columns=[link.column]):
            yield batch.column(0).cast(pa.large_string())
