"""What a page says about itself: title and day of publication, from its meta tags, JSON-LD and `<time>`.

trafilatura's own metadata (authors, tags, licence, dates guessed from the text and the URL) takes half as long as its
extraction of the text, this 0.3 ms. On the 90 pages of the article benchmark, 80 titles are the same; 82 pages state a
date here, and trafilatura finds the same on 76. Dates that are only guessed are not taken.
"""

import re
from collections.abc import Callable, Iterable
from datetime import date
from email.utils import parsedate
from typing import NamedTuple

TAGS = ("meta", "title", "script", "time")
"""The elements that are read."""
TITLES = ("og:title", "citation_title", "dc.title", "dcterms.title", "twitter:title", "headline")
"""Names of meta tags with a title, best first; `<title>` comes after them: it often names the site too."""
DATES = (
    "article:published_time",
    "og:article:published_time",
    "datepublished",
    "citation_publication_date",
    "dc.date.issued",
    "dcterms.issued",
    "dcterms.created",
    "dc.date.created",
    "dc.date",
    "parsely-pub-date",
    "sailthru.date",
    "pubdate",
    "publishdate",
    "publish-date",
    "publish_date",
    "publication_date",
    "date",
)
"""Names of meta tags with the day of publication, best first."""
JSON_DATE = re.compile(r'"datePublished"\s*:\s*"([^"]{8,40})"')
"""The first in the text of a JSON-LD script, which need not be valid JSON (many are not)."""
NUMERIC = re.compile(r"\s*(\d{4})([-/.]?)(\d{2})\2(\d{2})(?!\d)")
FIRST_DAY = date(1991, 1, 1)
"""Days before the web are what software writes that knows none: 0001-01-01, 1970-01-01."""
TITLE_LIMIT = 1_000
"""Characters of a title that are kept."""


class Header(NamedTuple):
    """An element that may say something about the page, of whichever parser."""

    tag: str
    get: Callable[[str], str | None]
    """Gives the value of an attribute."""
    text: Callable[[], str | None]


def describe(headers: Iterable[Header]) -> tuple[str | None, str | None]:
    """Return title and ISO date from the elements of `TAGS` in document order."""
    titles: dict[str, str] = {}
    dates: dict[str, str] = {}
    for header in headers:
        if header.tag == "meta":
            name = (header.get("property") or header.get("name") or header.get("itemprop") or "").strip().lower()
            content = header.get("content")
            if content and name in TITLES:
                titles.setdefault(name, content)
            elif content and name in DATES:
                _add_date(dates, name, content)
        elif header.tag == "title":
            titles.setdefault("title", header.text() or "")
        elif header.tag == "time":
            _add_date(dates, "time", header.get("datetime") or "")
        elif "json" in (header.get("type") or "") and (match := JSON_DATE.search(header.text() or "")):
            _add_date(dates, "json", match[1])
    return _first_title(titles), _best(dates, (*DATES[:2], "json", *DATES[2:], "time"))


def _first_title(titles: dict[str, str]) -> str | None:
    cleaned = {name: " ".join(title.split())[:TITLE_LIMIT] for name, title in titles.items()}
    return _best(cleaned, (*TITLES, "title"))


def _best(found: dict[str, str], names: Iterable[str]) -> str | None:
    return next((found[name] for name in names if found.get(name)), None)


def _add_date(dates: dict[str, str], name: str, value: str) -> None:
    if name not in dates and (day := to_day(value)):
        dates[name] = day


def to_day(value: str) -> str | None:
    """Return the day of a time in ISO 8601, `YYYYMMDD`, `YYYY/MM/DD` or an e-mail's form; None where it is none."""
    match = NUMERIC.match(value)
    parts = (match[1], match[3], match[4]) if match else (parsedate(value) or ())[:3]
    try:
        day = date(*map(int, parts)) if parts else None
    except (ValueError, OverflowError):
        return None
    return day.isoformat() if day and day >= FIRST_DAY else None
