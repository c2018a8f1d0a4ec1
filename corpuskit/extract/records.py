"""Batches of web pages to batches of documents."""

from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from corpuskit.documents.records import READ_SCHEMA, BadRecord, Records, bad
from corpuskit.extract.config import ExtractConfig, require
from corpuskit.extract.limits import Failed, limited
from corpuskit.extract.page import Page


def extract(records: Records, config: ExtractConfig) -> Records:
    """Extract one batch; see `corpuskit.extract.extract_records`."""
    pages = records.documents
    if "payload" not in pages.schema.names:
        return records
    if pages.column("payload").null_count < len(pages):
        require(config)
    rows = _Rows(pages)
    found = [rows.extract(row, config) for row in range(len(pages))]
    kept = pa.array([not isinstance(page, BadRecord) for page in found], pa.bool_())
    columns = {name: pages.column(name) for name in READ_SCHEMA.names}
    columns["text"] = _texts(found, columns["text"])
    columns["metadata"] = _metadata(found, columns["metadata"])
    documents = pa.RecordBatch.from_arrays(list(columns.values()), schema=READ_SCHEMA).filter(kept)
    return records._replace(
        documents=documents, errors=[*records.errors, *(page for page in found if isinstance(page, BadRecord))]
    )


class _Rows:
    """The payloads of a batch as views of Arrow's memory, and where they come from."""

    def __init__(self, pages: pa.RecordBatch) -> None:
        self.payloads = pages.column("payload")
        self.charsets = pages.column("charset")
        self.files = pages.column("file")
        self.offsets = pages.column("offset")

    def extract(self, row: int, config: ExtractConfig) -> Page | BadRecord | None:
        """Return what a row's page holds; None where it has no payload."""
        payload = self.payloads[row].as_buffer()
        if payload is None:
            return None
        try:
            return limited(memoryview(payload), self.charsets[row].as_py(), config)
        except Failed as error:
            return bad(self.files[row].as_py(), self.offsets[row].as_py(), str(error), payload)


def _texts(found: list[Page | BadRecord | None], before: pa.Array) -> pa.Array:
    texts = pa.array([page.text if isinstance(page, Page) else None for page in found], pa.large_string())
    return pc.coalesce(texts, before)


def _metadata(found: list[Page | BadRecord | None], before: pa.Array) -> pa.Array:
    added = [
        _with(text, page) if isinstance(page, Page) else text
        for page, text in zip(found, before.to_pylist(), strict=True)
    ]
    return pa.array(added, pa.string())


def _with(metadata: str | None, page: Page) -> str:
    """Return a record's metadata with what its page says; nothing is added that is not known."""
    known: dict[str, Any] = orjson.loads(metadata) if metadata else {}
    known |= {name: value for name, value in (("title", page.title), ("date", page.date)) if value}
    known["charset"] = page.charset
    if page.replaced:
        known["undecodable"] = page.replaced
    return orjson.dumps(known).decode()
