"""The record loop of web readers: pages as they were sent, or their text, as batches of `PAGE_SCHEMA`."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import NamedTuple

import pyarrow as pa

from corpuskit.documents.records import (
    ALL,
    BATCH_BYTES,
    BATCH_ROWS,
    PAGE_SCHEMA,
    POISON,
    BadRecord,
    Choice,
    Document,
    Malformed,
    Records,
    bad,
    to_batch,
)


class RawPage(NamedTuple):
    """A record before parsing."""

    file: str
    """Input name of the file."""
    offset: int
    """Where it lies in the file; see `PAGE_SCHEMA`."""
    data: bytes
    id: str
    """The id of its page, where the record itself names none."""


class Page(NamedTuple):
    """One page: its text in the document, or its HTML in `payload` (the document's text is empty then)."""

    document: Document
    payload: bytes | None = None
    charset: str | None = None
    """The label HTTP gave for the payload's encoding, as it was sent."""


class Skipped(NamedTuple):
    """A record that is no document by its kind."""

    reason: str
    """Such as `request`; one of few, because they are counted by reason."""


ParsePage = Callable[[RawPage], Page | Skipped]
"""Turns a record into a page; raises `Malformed`."""


class _Batch:
    """The pages, errors and skipped records since the last batch."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.clear()

    def clear(self) -> None:
        self.pages: list[Page] = []
        self.places: list[tuple[str, int]] = []
        self.errors: list[BadRecord] = []
        self.skipped: Counter[str] = Counter()
        self.size = 0

    def add(self, raw: RawPage, found: Page) -> None:
        self.pages.append(found)
        self.places.append(raw[:2])
        self.size += len(found.document.text if found.payload is None else found.payload)

    @property
    def full(self) -> bool:
        return self.size >= BATCH_BYTES or len(self.pages) + len(self.errors) >= BATCH_ROWS

    @property
    def empty(self) -> bool:
        return not (self.pages or self.errors or self.skipped)

    def take(self) -> Records:
        """Return what was collected, and begin anew."""
        records = Records(pages_batch(self.pages, self.places, self.source), self.errors, self.skipped)
        self.clear()
        return records


def collect_pages(
    raws: Iterable[RawPage | BadRecord], parse: ParsePage, source: str, choice: Choice = ALL
) -> Iterator[Records]:
    """Parse raw records into batches of about `BATCH_BYTES` of pages.

    Each chosen record becomes a row, an error or a skipped one: `raws` that are bad records already, those that are
    poison, and those that `parse` calls `Malformed` become errors.
    """
    batch = _Batch(source)
    for number, raw in islice(enumerate(raws), choice.start, choice.stop):
        if isinstance(raw, BadRecord):
            batch.errors.append(raw)
        elif number in choice.poison:
            batch.errors.append(bad(raw.file, raw.offset, POISON, raw.data))
        else:
            try:
                found = parse(raw)
            except Malformed as error:
                batch.errors.append(bad(raw.file, raw.offset, str(error), raw.data))
            else:
                if isinstance(found, Skipped):
                    batch.skipped[found.reason] += 1
                else:
                    batch.add(raw, found)
        if batch.full:
            yield batch.take()
    if not batch.empty:
        yield batch.take()


def pages_batch(pages: list[Page], places: list[tuple[str, int]], source: str) -> pa.RecordBatch:
    """Return pages of one source, and the (file, offset) of each, as a batch of `PAGE_SCHEMA`."""
    documents = to_batch([page.document for page in pages], source)
    columns = (
        [page.payload for page in pages],
        [page.charset for page in pages],
        [file for file, _ in places],
        [offset for _, offset in places],
    )
    added = list(PAGE_SCHEMA)[len(documents.schema) :]
    arrays = [pa.array(values, column.type) for values, column in zip(columns, added, strict=True)]
    return pa.RecordBatch.from_arrays([*documents.columns, *arrays], schema=PAGE_SCHEMA)
