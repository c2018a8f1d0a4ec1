"""From raw records to batches of documents, with everything malformed set aside."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import islice
from types import MappingProxyType
from typing import Any, NamedTuple

import pyarrow as pa

from corpuskit.documents.schema import ERROR_SCHEMA, RAW_LIMIT, SCHEMA, make_keys

READ_SCHEMA = SCHEMA.remove(SCHEMA.get_field_index("heldout"))
"""What readers give: the document schema before documents are held out."""
PAGE_SCHEMA = pa.schema(
    [
        *READ_SCHEMA,
        pa.field("payload", pa.large_binary()),
        pa.field("charset", pa.string()),
        pa.field("file", pa.string(), nullable=False),
        pa.field("offset", pa.int64(), nullable=False),
    ]
)
"""What readers of web pages give. `payload` is a page's HTML as it was sent, whose text is still empty (extraction
fills it in), or null where `text` is the text already. `charset` is what HTTP said of the payload. `file` and `offset`
say where the record lies, as in `BadRecord`."""
BATCH_BYTES = 8 << 20
"""A batch ends once its raw records have this many bytes …"""
BATCH_ROWS = 16_384
"""… or this many documents."""
POISON = "killed its worker"


class BadRecord(NamedTuple):
    """A record that could not be read."""

    file: str
    """Input name of the file."""
    offset: int
    """Its byte offset in the decompressed stream, or its row number."""
    message: str
    raw: bytes
    """Its first `RAW_LIMIT` bytes."""


class Malformed(ValueError):
    """A record is not a document; the message says why."""


class Document(NamedTuple):
    """One document as Python objects; only the record loops of readers use it."""

    id: str
    text: str
    url: str | None = None
    timestamp: int | None = None
    """Seconds since 1970, UTC."""
    metadata: str | None = None
    """JSON of all else the record held."""


class Records(NamedTuple):
    """One batch of what a reader found."""

    documents: pa.RecordBatch
    """Schema `READ_SCHEMA`, or `PAGE_SCHEMA` for web pages; about `BATCH_BYTES` of text or pages."""
    errors: list[BadRecord]
    skipped: Mapping[str, int] = MappingProxyType({})
    """Records that are no documents by their kind, such as requests and images: how many, by the reason."""


Raw = tuple[str, int, bytes]
"""A record before parsing: input name, offset, bytes."""
Parse = Callable[[str, int, bytes], Sequence[Document]]
"""Turns (input name, offset, bytes) into documents; raises `Malformed`."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Which records of a piece to read, by number: counted from 0 in reading order, before parsing."""

    start: int = 0
    stop: int | None = None
    """End, not included; None: to the end of the piece."""
    poison: frozenset[int] = field(default_factory=frozenset)
    """Records known to kill a worker: reported as bad without being touched."""

    def rows(self, first: int, count: int) -> range:
        """Return which of `count` rows, whose first has the number `first`, are chosen."""
        stop = count if self.stop is None else min(self.stop - first, count)
        return range(min(max(self.start - first, 0), count), max(stop, 0))


ALL = Choice()


def collect(
    raws: Iterable[Raw | BadRecord], parse: Parse, source: str, choice: Choice = ALL, limit: int | None = None
) -> Iterator[Records]:
    """Parse raw records into batches; stop once `limit` bytes of text were read."""
    documents: list[Document] = []
    errors: list[BadRecord] = []
    size = total = 0
    for number, raw in islice(enumerate(raws), choice.start, choice.stop):
        if len(errors) >= BATCH_ROWS:
            yield Records(to_batch(documents, source), errors)
            documents, errors, size = [], [], 0
        if isinstance(raw, BadRecord):
            errors.append(raw)
            continue
        name, offset, data = raw
        if number in choice.poison:
            errors.append(bad(name, offset, POISON, data))
            continue
        try:
            found = parse(name, offset, data)
        except Malformed as error:
            errors.append(bad(name, offset, str(error), data))
            continue
        documents += found
        size += len(data)
        if size >= BATCH_BYTES or len(documents) >= BATCH_ROWS:
            yield Records(to_batch(documents, source), errors)
            documents, errors, size = [], [], 0
        if limit is not None:
            total += sum(len(document.text.encode()) for document in found)
            if total >= limit:
                break
    if documents or errors:
        yield Records(to_batch(documents, source), errors)


def bad(file: str, offset: int, message: str, raw: bytes) -> BadRecord:
    """Return a bad record with its raw bytes cut to `RAW_LIMIT`."""
    return BadRecord(file, offset, message, bytes(raw[:RAW_LIMIT]))


def to_batch(documents: Sequence[Document], source: str) -> pa.RecordBatch:
    """Return documents of one source as a batch of `READ_SCHEMA`."""
    if not documents:
        return pa.RecordBatch.from_pylist([], READ_SCHEMA)
    ids, texts, urls, timestamps, metadata = zip(*documents, strict=True)
    columns = {
        "key": make_keys(source, ids),
        "id": ids,
        "text": texts,
        "url": urls,
        "source": constant(source, len(documents)),
        "timestamp": timestamps,
        "metadata": metadata,
    }
    return pa.RecordBatch.from_arrays(
        [_column(columns[field.name], field.type) for field in READ_SCHEMA], schema=READ_SCHEMA
    )


def _column(values: Any, kind: pa.DataType) -> pa.Array:
    return values if isinstance(values, pa.Array) else pa.array(values, kind)


def constant(value: str, count: int) -> pa.Array:
    """Return a string column of one value."""
    return pa.repeat(pa.scalar(value, pa.string()), count)


def errors_batch(errors: Sequence[BadRecord]) -> pa.RecordBatch:
    """Return bad records as a batch of `ERROR_SCHEMA`."""
    columns = zip(*errors, strict=True) if errors else [()] * len(ERROR_SCHEMA)
    arrays = [pa.array(values, kind.type) for values, kind in zip(columns, ERROR_SCHEMA, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=ERROR_SCHEMA)


def to_seconds(value: Any) -> int | None:
    """Return a time as whole seconds since 1970 (rounded down); None where it is not one.

    Understands ISO 8601 text, dates and datetimes (UTC where they have no zone), and numbers of seconds.
    """
    try:
        if isinstance(value, str):
            value = datetime.fromisoformat(value.strip())
        if isinstance(value, date) and not isinstance(value, datetime):
            value = datetime(value.year, value.month, value.day)
        if isinstance(value, datetime):
            value = (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        return int(value // 1) if abs(value) < 2**53 else None
    except (ValueError, OverflowError):
        return None
