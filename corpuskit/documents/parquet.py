"""Reader of the user's Parquet files, and which of them can be linked rather than copied.

Files on the Hugging Face Hub are read in place, by ranges, where huggingface_hub is installed:
`hf://datasets/<owner>/<name>[@<branch, tag or commit>]/<file, folder or glob>`. A token for private and gated
repositories comes from `HF_TOKEN`, from `hf auth login`, or from `storage_options: {token: …}`; another Hub from
`HF_ENDPOINT` or `storage_options: {endpoint: …}`.
"""

import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from corpuskit.documents.pieces import FileRange, Piece, allotments, check_unchanged, pack
from corpuskit.documents.records import ALL, BadRecord, Choice, Records, bad
from corpuskit.documents.source import SourceConfig
from corpuskit.documents.streams import binary_reader
from corpuskit.documents.tables import Block, check_schema, collect_tables, rows_per_batch
from corpuskit.errors import InputError

FOOTER_THREADS = 16
PINNED = re.compile("@[0-9a-f]{40}/")
"""A commit in a path of the Hub, after the name of the repository."""


def is_damage(error: Exception) -> bool:
    """Whether an exception of Arrow means damaged data; failing disks and networks have an errno or another class."""
    return isinstance(error, pa.ArrowException | UnicodeDecodeError) or (type(error) is OSError and error.errno is None)


def plan(source: SourceConfig, files: Sequence[FileRange], split_bytes: int) -> list[Piece]:
    """Group row groups into pieces by the size of their text column; a damaged file is left for the reader to report.

    Raises:
        InputError: a file may not be read, or has no text column of that name.
    """
    limits = allotments(files, source.max_bytes)
    with ThreadPoolExecutor(FOOTER_THREADS) as threads:
        ranges = list(threads.map(partial(_row_groups, source), files, limits))
    return pack(source, (item for file in ranges for item in file), split_bytes)


def _row_groups(source: SourceConfig, file: FileRange, limit: int | None) -> list[tuple[FileRange, int]]:
    """Return each row group of a file as (range, bytes of text), the first ones up to `limit`."""
    try:
        _, groups = _open_checked(file, source)
    except Exception as error:
        if is_damage(error):
            return [(replace(file, stop=0), 0)]
        if isinstance(error, OSError):  # such as a remote file that may not be read
            raise InputError(f"{file.path}: {error}") from error
        raise
    total, ranges = 0, []
    for index, (_, size) in enumerate(groups):
        if limit is not None and total >= limit:
            break
        ranges.append((replace(file, start=index, stop=index + 1), size))
        total += size
    return ranges or [(replace(file, stop=0), 0)]


def _open(file: FileRange, source: SourceConfig) -> Any:
    return pq.ParquetFile(binary_reader(file.path, source.storage_options))


def _open_checked(file: FileRange, source: SourceConfig) -> tuple[Any, list[tuple[int, int]]]:
    """Open a file and read all of its footer; return it, and (rows, bytes of text) of each row group."""
    opened = _open(file, source)
    check_schema(opened.schema_arrow, file.path, source)
    groups = [opened.metadata.row_group(index) for index in range(opened.num_row_groups)]
    return opened, [(group.num_rows, _text_bytes(group, source.text)) for group in groups]


def _column_chunk(group: Any, column: str) -> Any:
    chunks = (group.column(index) for index in range(group.num_columns))
    for chunk in chunks:
        if chunk.path_in_schema == column:
            return chunk
    raise pa.ArrowInvalid(f"a row group has no column {column!r}, the schema does")


def _text_bytes(group: Any, column: str) -> int:
    return int(_column_chunk(group, column).total_uncompressed_size)


def read(piece: Piece, source: SourceConfig, choice: Choice = ALL) -> Iterator[Records]:
    """Read the row groups of a piece; a damaged file or row group is one bad record."""
    blocks = (block for file in piece.files for block in _blocks(file, source))
    return collect_tables(blocks, source, choice)


def _blocks(file: FileRange, source: SourceConfig) -> Iterator[Block | BadRecord]:
    check_unchanged(file, source.storage_options)
    try:
        opened, groups = _open_checked(file, source)
    except Exception as error:
        if not is_damage(error):
            raise
        yield bad(file.name, 0, f"not a readable Parquet file: {error}", b"")
        return
    rows = [count for count, _ in groups]
    if not file.start and sum(rows) != opened.metadata.num_rows:
        yield bad(file.name, 0, f"has {sum(rows)} rows where its footer says {opened.metadata.num_rows}", b"")
    for index in range(file.start, len(rows) if file.stop is None else file.stop):
        yield from _group(opened, index, file, sum(rows[:index]), rows_per_batch(*groups[index]))


def _group(opened: Any, index: int, file: FileRange, first: int, batch_rows: int) -> Iterator[Block | BadRecord]:
    """Give one row group in batches; damage ends it with one bad record."""
    try:
        for batch in opened.iter_batches(batch_rows, row_groups=[index]):
            yield file.name, first, batch
            first += len(batch)
    except Exception as error:
        if not is_damage(error):
            raise
        yield bad(file.name, first, f"row group {index} is damaged: {error}", b"")


class Link(NamedTuple):
    """Where the text of a linked part lies."""

    path: str
    size: int
    tag: str
    row_groups: list[int]
    column: str


def links(piece: Piece, source: SourceConfig) -> list[Link]:
    """Return the links that can stand for a piece's texts; none where a text would have to be changed or left out.

    The column must be string or large_string, and the statistics of every row group must say that it has no nulls.
    A branch on the Hugging Face Hub moves on: its files are linked only where their path pins a commit.
    """
    if piece.format != "parquet" or not source.link or source.storage_options:
        return []
    if any(file.path.startswith("hf://") and not PINNED.search(file.path) for file in piece.files):
        return []
    found = [_link(file, source) for file in piece.files]
    return [link for link in found if link] if all(found) else []


def _link(file: FileRange, source: SourceConfig) -> Link | None:
    try:
        opened = _open(file, source)
    except Exception as error:
        if not is_damage(error):
            raise
        return None
    groups = list(range(file.start, opened.num_row_groups if file.stop is None else file.stop))
    kind = opened.schema_arrow.field(source.text).type
    plain = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    if not any(opened.metadata.row_group(index).num_rows for index in groups):
        return None
    if not plain or not all(_no_nulls(opened.metadata.row_group(index), source.text) for index in groups):
        return None
    return Link(file.path, file.size, file.tag, groups, source.text)


def _no_nulls(group: Any, column: str) -> bool:
    statistics = _column_chunk(group, column).statistics
    return bool(statistics and statistics.has_null_count and statistics.null_count == 0)
