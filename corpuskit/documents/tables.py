"""From the columns of a user's table to documents, without a Python string per text."""

import base64
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from corpuskit.documents.records import (
    BATCH_BYTES,
    BATCH_ROWS,
    POISON,
    READ_SCHEMA,
    BadRecord,
    Choice,
    Records,
    bad,
    constant,
    to_batch,
    to_seconds,
)
from corpuskit.documents.schema import make_keys
from corpuskit.documents.source import SourceConfig
from corpuskit.errors import InputError, nearest

Block = tuple[str, int, pa.RecordBatch]
"""Rows as a file holds them: input name, row number of the first, the rows."""
TEXT_TYPES = "string, large_string, string_view, binary or a dictionary of one of them"


def collect_tables(blocks: Iterable[Block | BadRecord], source: SourceConfig, choice: Choice) -> Iterator[Records]:
    """Turn blocks of rows into documents; rows without a valid text are set aside."""
    number = 0
    for block in blocks:
        if isinstance(block, BadRecord):
            if choice.rows(number, 1):
                yield Records(to_batch([], source.name), [block])
            number += 1
            continue
        name, first, rows = block
        chosen = choice.rows(number, len(rows))
        if chosen:
            poison = [record - number for record in choice.poison if record - number in chosen]
            kept = np.setdiff1d(np.arange(chosen.start, chosen.stop), np.asarray(poison, np.int64))
            if poison:
                errors = [bad(name, first + row, POISON, b"") for row in sorted(poison)]
                yield Records(to_batch([], source.name), errors)
            taken = rows if len(kept) == len(rows) else rows.take(pa.array(kept))
            yield from convert(name, first + kept, taken, source)
        number += len(rows)


def rows_per_batch(rows: int, text_bytes: int) -> int:
    """Return how many rows make about `BATCH_BYTES` of text."""
    return int(min(max(BATCH_BYTES * rows // max(text_bytes, 1), 1), BATCH_ROWS))


def is_text(kind: pa.DataType) -> bool:
    """Whether a column type can hold texts."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    checks = ("is_string", "is_large_string", "is_string_view", "is_binary", "is_large_binary", "is_binary_view")
    return any(getattr(pa.types, check)(kind) for check in checks)


def check_schema(schema: pa.Schema, path: str, source: SourceConfig) -> None:
    """Make sure that a table has the text column.

    Raises:
        InputError: it has no column of that name, or one of another type; or the id column is no string nor integer.
    """
    if source.text not in schema.names:
        raise InputError(f"{path}: no column {source.text!r} for the text{nearest(source.text, schema.names)}")
    kind = schema.field(source.text).type
    if not is_text(kind):
        raise InputError(f"{path}: column {source.text!r} has the type {kind}; a text is {TEXT_TYPES}")
    if source.id in schema.names:
        kind = schema.field(source.id).type
        if not (is_text(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_null(kind)):
            raise InputError(f"{path}: column {source.id!r} has the type {kind}; an id is a string or a number")


def convert(name: str, numbers: np.ndarray, rows: pa.RecordBatch, source: SourceConfig) -> Iterator[Records]:
    """Give rows as documents, and those that cannot be one as bad records; `numbers` are their row numbers, int64[n].

    A row that Python or JSON cannot represent, such as one of a column that lies about its type, is found by halving.
    """
    try:
        yield _convert(name, numbers, rows, source)
    except (ValueError, TypeError, OverflowError, pa.ArrowException) as error:
        if len(rows) == 1:
            yield Records(to_batch([], source.name), [bad(name, int(numbers[0]), str(error), b"")])
            return
        middle = len(rows) // 2
        yield from convert(name, numbers[:middle], rows.slice(0, middle), source)
        yield from convert(name, numbers[middle:], rows.slice(middle), source)


def _convert(name: str, numbers: np.ndarray, rows: pa.RecordBatch, source: SourceConfig) -> Records:
    texts, wrong = valid_texts(rows.column(source.text))
    errors = []
    if wrong:
        rest = rows.drop_columns([source.text])
        for row, message in sorted(wrong.items()):
            (raw,) = _json(rest.slice(row, 1), 1)
            errors.append(bad(name, int(numbers[row]), f"column {source.text!r} {message}", raw))
        kept = np.setdiff1d(np.arange(len(rows)), np.fromiter(wrong, np.int64))
        rows, texts, numbers = rows.take(pa.array(kept)), texts.take(pa.array(kept)), numbers[kept]
    return Records(_documents(name, numbers, rows, texts, source), errors)


def valid_texts(column: pa.Array) -> tuple[pa.Array, dict[int, str]]:
    """Return a column as large_string, and what is wrong with its invalid rows (nulls, bytes that are not UTF-8)."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    data = column.cast(pa.large_binary())
    wrong = {int(row): "is null" for row in np.flatnonzero(pc.is_null(data).to_numpy(zero_copy_only=False))}
    texts = pa.Array.from_buffers(pa.large_string(), len(data), data.buffers(), offset=data.offset)
    try:
        texts.validate(full=True)
    except pa.ArrowInvalid:
        for row, value in enumerate(data):
            if value.is_valid and (reason := _not_utf8(value.as_py())):
                wrong[row] = reason
    return texts, wrong


def _not_utf8(data: bytes) -> str:
    try:
        data.decode()
    except UnicodeDecodeError as error:
        return f"is not UTF-8: {error.reason} at byte {error.start}"
    return ""


def _documents(
    name: str, numbers: np.ndarray, rows: pa.RecordBatch, texts: pa.Array, source: SourceConfig
) -> pa.RecordBatch:
    rest = rows.drop_columns([source.text])
    ids = pa.array([f"{name}:{number}" for number in numbers.tolist()], pa.string())
    if source.id in rest.schema.names:
        ids = pc.coalesce(_strings(rest.column(source.id)), ids)
        rest = rest.drop_columns([source.id])
    url = pa.nulls(len(rows), pa.string())
    if source.url in rest.schema.names and is_text(rest.schema.field(source.url).type):
        url = _strings(rest.column(source.url))
        rest = rest.drop_columns([source.url])
    timestamp, rest = _take_timestamps(rest, source.timestamp)
    columns = {
        "key": make_keys(source.name, ids.to_pylist()),
        "id": ids,
        "text": texts,
        "url": url,
        "source": constant(source.name, len(rows)),
        "timestamp": timestamp,
        "metadata": pa.array([text.decode() or None for text in _json(rest, len(rows))], pa.string()),
    }
    return pa.RecordBatch.from_arrays([columns[name] for name in READ_SCHEMA.names], schema=READ_SCHEMA)


def _strings(column: pa.Array) -> pa.Array:
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    return column.cast(pa.string())


def _take_timestamps(rest: pa.RecordBatch, name: str) -> tuple[pa.Array, pa.RecordBatch]:
    """Return a column of times, and the other columns; times that are not understood stay in the metadata."""
    kind = READ_SCHEMA.field("timestamp").type
    if name not in rest.schema.names:
        return pa.nulls(len(rest), kind), rest
    column = rest.column(name)
    if pa.types.is_timestamp(column.type):
        naive = column if column.type.tz else column.cast(pa.timestamp(column.type.unit, "UTC"))
        return pc.floor_temporal(naive, unit="second").cast(kind, safe=False), rest.drop_columns([name])
    seconds = pa.array([to_seconds(value) for value in column.to_pylist()], pa.int64())
    if seconds.null_count == column.null_count:
        rest = rest.drop_columns([name])
    return seconds.cast(kind), rest


def _json(rows: pa.RecordBatch, count: int) -> list[bytes]:
    """Return each of `count` rows as JSON, nothing where there are no columns.

    Bytes become base64, times ISO 8601, and what else JSON lacks its Python text.
    """
    if not rows.num_columns:
        return [b""] * count
    plain = [_microseconds(column) for column in rows.columns]
    rows = pa.RecordBatch.from_arrays(plain, names=rows.schema.names)
    return [orjson.dumps(row, default=_jsonable, option=orjson.OPT_NON_STR_KEYS) for row in rows.to_pylist()]


def _microseconds(column: pa.Array) -> pa.Array:
    """Python's times have no nanoseconds."""
    if pa.types.is_timestamp(column.type) and column.type.unit == "ns":
        return column.cast(pa.timestamp("us", column.type.tz), safe=False)
    return column


def _jsonable(value: Any) -> str:
    return base64.b64encode(value).decode() if isinstance(value, bytes) else str(value)
