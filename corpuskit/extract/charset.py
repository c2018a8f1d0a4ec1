"""Bytes of a page to text: which encoding they are in.

The order is

1. a byte order mark;
2. UTF-8, wherever the bytes fit it, whatever else was declared: text in another encoding practically never does;
3. what HTTP said, then the page's own XML declaration or `<meta>` tag; the page's own first where HTTP named a
   Western single-byte encoding, which old servers named for every page (RFC 2616, section 3.7.1, made it the default);
4. detection by uchardet (in resiliparse).

Browsers begin the same way (https://html.spec.whatwg.org/#determining-the-character-encoding): the mark wins over HTTP,
because a server's configuration may be about other files, while the mark is in this one. They have no step 2: authors
look at their pages, so that declarations a browser obeys are mostly right. Crawls also hold pages that no one looks at.

In steps 2 to 4 an encoding fits if at most a tenth of the page's characters beyond ASCII cannot be decoded: a page in
UTF-8 that was cut inside a character is in UTF-8 still. Where nothing fits, the first that was declared is used. Labels
mean what the WHATWG Encoding Standard says: `iso-8859-1` is windows-1252, `utf-16` in a tag that was read as ASCII is
UTF-8, unknown labels are ignored.
"""

import codecs
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
HEAD = 16_384
"""Bytes in which declarations are looked for. The standard says 1,024, and browsers look further for late ones."""
DECLARED = re.compile(
    rb"""<\?xml[^>]{0,200}?encoding\s*=\s*["']([^"']+) | <meta\b[^>]*?charset\s*=\s*["']?\s*([^\s"'/>;]+)""",
    re.IGNORECASE | re.VERBOSE,
)
COMMENT = re.compile(rb"<!--.*?(?:-->|$)", re.DOTALL)
SUPERSETS = {
    "gbk": "gb18030",
    "gb2312": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "big5": "big5hkscs",
    "iso8859-1": "cp1252",
    "ascii": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
}
"""Python codec -> the one that pages really use which carry its label."""
DEFAULTS = ("cp1252", "iso8859-15")
"""What servers name without looking at the page; any bytes fit."""
TOLERANCE = 10
"""One in so many characters beyond ASCII may be undecodable."""
ESCAPES = (b"\x1b$", b"\x1b(", b"<\0", b"\0<")
"""What no UTF-8 page has: the escapes of ISO-2022-JP, and markup in UTF-16."""
LAST_RESORT = "cp1252"


class Decoded(NamedTuple):
    """A page as text."""

    text: str
    charset: str
    """Python's name of the codec."""
    replaced: int
    """U+FFFD that stand for undecodable bytes."""


def decode(page: bytes, http: str | None = None) -> Decoded:
    """Decode a page.

    Args:
        page: its bytes, without content or transfer encoding.
        http: the charset that HTTP named, as it was written.

    Raises:
        ModuleNotFoundError: resiliparse is not installed.
    """
    for mark, charset in MARKS:
        if page.startswith(mark):
            return _decoded(page[len(mark) :], charset)
    escaped = any(byte in page for byte in (b"\x1b", b"\0")) and any(escape in page for escape in ESCAPES)
    if not escaped:
        try:
            return Decoded(page.decode(), "utf-8", 0)
        except UnicodeDecodeError:
            pass  # what follows says which encoding it is
    declared = _declared(page, http)
    for charset in _candidates(page, declared, escaped):
        found = _decoded(page, charset)
        if _fits(found):
            return found
    return _decoded(page, declared[0] if declared else LAST_RESORT)


def _candidates(page: bytes, declared: Sequence[str], escaped: bool) -> Iterator[str]:
    """Yield codecs in the order of the module's docstring."""
    if not escaped:
        yield "utf-8"
    yield from declared
    yield from _detected(page)


def _decoded(page: bytes, charset: str) -> Decoded:
    """Decode with U+FFFD for what is undecodable; those that the page itself holds are not counted."""
    try:
        return Decoded(page.decode(charset), charset, 0)
    except UnicodeDecodeError:
        text = page.decode(charset, "replace")
        return Decoded(text, charset, text.count("\ufffd"))


def _fits(found: Decoded) -> bool:
    if not found.replaced:
        return True
    beyond = len(found.text) - len(found.text.encode("ascii", "ignore"))
    return found.replaced * TOLERANCE <= beyond


def _declared(page: bytes, http: str | None) -> list[str]:
    """Return the codecs of labels that are known: HTTP's, then the page's own; a server's default comes last."""
    labels = (
        label.decode("latin-1")
        for match in DECLARED.finditer(COMMENT.sub(b"", page[:HEAD]))
        for label in match.groups(b"")
    )
    named, own = codec_of(http or ""), [_of_tag(codec_of(label)) for label in labels]
    found = [*own, named] if named in DEFAULTS else [named, *own]
    return [charset for charset in found if charset]


def _of_tag(charset: str | None) -> str | None:
    """Return what a declaration means that was read as ASCII: it cannot be in UTF-16."""
    return "utf-8" if charset and charset.startswith("utf-16") else charset


def _detected(page: bytes) -> Iterator[str]:
    from resiliparse.parse.encoding import detect_encoding

    opening = page.find(b"<")
    if b"\0" in page[max(opening - 1, 0) : opening + 2]:
        yield "utf-16-be" if opening % 2 else "utf-16-le"
    found = detect_encoding(page, html5_compatible=False)
    if found and (charset := _python_codec(found)):
        yield charset


def codec_of(label: str) -> str | None:
    """Return Python's codec for an encoding label of the web, None where the WHATWG standard does not know it.

    Raises:
        ModuleNotFoundError: resiliparse is not installed.
    """
    from resiliparse.parse.encoding import map_encoding_to_html5

    known = map_encoding_to_html5(label.strip().strip("\"'"), fallback_utf8=False)
    return _python_codec(known) if known else None


def _python_codec(name: str) -> str | None:
    try:
        found = codecs.lookup(name).name
    except LookupError:
        return None
    return SUPERSETS.get(found, found)
