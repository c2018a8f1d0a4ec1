"""What extraction finds in one page."""

from typing import NamedTuple


class Page(NamedTuple):
    """One extracted page."""

    text: str
    """The main text: valid Unicode without lone surrogates, empty where the page has none."""
    title: str | None
    date: str | None
    """The day of publication that the page states, as ISO 8601: `2019-11-18`."""
    charset: str
    """Python's name of the codec that decoded the page."""
    replaced: int
    """Byte sequences that the codec could not decode: each is one U+FFFD in the decoded page."""
