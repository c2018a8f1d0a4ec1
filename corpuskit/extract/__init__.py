"""HTML to text: charset, main text with formulas, code and lists, title and date; a page can fail, its worker cannot.

documents.Records with payloads -> extract_records -> documents.Records with text
                                        |  one page and one answer at a time (`frames`)
                                        v
`limits` (this process)  <-->  `child` (another process: `charset`, `engines`, `markup`, `headers`)
"""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from corpuskit.extract.config import LIBRARIES, REVISION, ExtractConfig, require
from corpuskit.extract.limits import extract_page
from corpuskit.extract.page import Page

if TYPE_CHECKING:
    from corpuskit.documents.records import Records

__all__ = ["LIBRARIES", "REVISION", "ExtractConfig", "Page", "extract_page", "extract_records", "require"]


def extract_records(records: "Iterable[Records]", config: ExtractConfig) -> "Iterator[Records]":
    """Turn batches of web pages (`PAGE_SCHEMA`) into batches of documents (`READ_SCHEMA`), in row order.

    Batches of documents, errors and skipped counts pass through. A row without payload keeps its text. A page without
    main text is a row with empty text; one that cannot be extracted becomes a `BadRecord`. Title, date and charset go
    to the metadata.

    Raises:
        MissingExtra: a batch has pages and the engine's package is not installed.
        StepFailed: it is installed and does not work.
    """
    from corpuskit.extract.records import extract  # the child imports this package, and needs no Arrow

    return (extract(batch, config) for batch in records)
