r"""White space: line ends, spaces, indentation and blank lines.

* Line ends: `\r\n`, `\r`, `\v`, `\f`, U+0085, U+2028 and U+2029 become `\n` (the list of the Unicode Standard, section
  5.8, Newline Guidelines); more than two in a row, blank lines of spaces counted in, become two.
* Spaces are the other characters of the Unicode property White_Space: tab, space, no-break space, the typographic ones
  of U+2000 to U+200A and so on. `str.isspace` adds the separators U+001C to U+001F; they are control characters here.
* Inside a line, a run of spaces becomes one: a tab if it holds one, since tabs part the cells of tables; U+3000 if it
  is made of U+3000 alone, which in Chinese and Japanese is the space of the script; else U+0020.
* At the start of a line, spaces are kept one for one, because they are the structure of code and of verse, and U+3000
  twice is how Chinese text opens a paragraph: tabs and U+3000 stay, all others become U+0020.
* At the end of a line, and in blank lines at the start and the end of the text, spaces are removed.
"""

from typing import Literal

import numpy as np
import pyarrow as pa

from corpuskit.clean.cleaner import Cleaned, Cleaner
from corpuskit.clean.rewriting import rewrite
from corpuskit.config import Config
from corpuskit.kernels import Texts, fixed, inlined, kernel
from corpuskit.kernels.utf8 import decode

LINE_ENDS = "\n\v\f\r\x85\u2028\u2029"
SPACES = "\t \xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
"""White_Space of the Unicode Character Database (PropList.txt), in two parts; stable since Unicode 6.3."""

TAB, FEED, RETURN, SPACE, WIDE, LAST = 0x09, 0x0A, 0x0D, 0x20, 0x3000, 0x3000
"""Code points; LAST is the last that is white space."""

CONTENT, BLANK, LINE_END = 0, 1, 2
"""Kinds of characters."""
PLAIN, LONE, OTHER = 0, 1, 2
"""Kinds of bytes: begins no white space; white space that stays where a PLAIN byte follows; all else."""

KINDS = np.zeros(LAST + 1, np.uint8)
"""Kind of each character up to LAST."""
KINDS[[ord(character) for character in SPACES]] = BLANK
KINDS[[ord(character) for character in LINE_ENDS]] = LINE_END
BYTES = np.zeros(256, np.uint8)
"""Kind of each byte."""
BYTES[[character.encode()[0] for character in SPACES + LINE_ENDS]] = OTHER
BYTES[[TAB, FEED, SPACE]] = LONE


class WhitespaceConfig(Config):
    """How white space is cleaned."""

    step: Literal["whitespace"] = "whitespace"
    """The cleaner's name."""
    keep_indentation: bool = True
    """Whether spaces at the start of a line stay (code, verse, Chinese paragraphs); otherwise they are removed."""


@inlined
def _kind(code):  # type: ignore[no-untyped-def]
    """Return the kind of a character."""
    return KINDS[code] if code <= LAST else np.uint8(CONTENT)


@inlined
def _scan_block(data, position, stop):  # type: ignore[no-untyped-def]
    r"""Scan white space from `position` on; data uint8[n_bytes].

    Returns:
        Where it ends; characters; line ends (`\r\n` is one); line feeds; and of what follows the last line end: where
        it begins, characters, tabs, U+3000, U+0020.
    """
    characters = lines = feeds = 0
    begin, blanks, tabs, wides, spaces = position, 0, 0, 0, 0
    after_return = False
    while position < stop:
        code, length = decode(data, position, stop)
        kind = _kind(code)
        if kind == CONTENT:
            break
        position += length
        characters += 1
        if kind == LINE_END:
            lines += not (after_return and code == FEED)
            feeds += code == FEED
            begin, blanks, tabs, wides, spaces = position, 0, 0, 0, 0
        else:
            blanks += 1
            tabs += code == TAB
            wides += code == WIDE
            spaces += code == SPACE
        after_return = code == RETURN
    return position, characters, lines, feeds, begin, blanks, tabs, wides, spaces


@inlined
def _put(out, place, code, write):  # type: ignore[no-untyped-def]
    """Put TAB, FEED, SPACE or WIDE at `out[place]` if `write`; return the place after it."""
    if code == WIDE:
        if write:
            out[place], out[place + 1], out[place + 2] = 0xE3, 0x80, 0x80
        return place + 3
    if write:
        out[place] = code
    return place + 1


@inlined
def _put_indentation(data, position, stop, out, place, write):  # type: ignore[no-untyped-def]
    """Put the spaces `data[position:stop]` one for one; return the place after them."""
    while position < stop:
        code, length = decode(data, position, stop)
        place = _put(out, place, code if code in (TAB, WIDE) else SPACE, write)
        position += length
    return place


@inlined
def _put_run(blanks, tabs, wides, spaces, out, place, write):  # type: ignore[no-untyped-def]
    """Put the one character that a run inside a line becomes; return (place after it, characters that it kept)."""
    if tabs:
        return _put(out, place, TAB, write), 1
    if wides == blanks:
        return _put(out, place, WIDE, write), 1
    return _put(out, place, SPACE, write), int(spaces > 0)


@kernel
def _clean(data, offsets, rows, keep_indentation, places, out, counts, write):  # type: ignore[no-untyped-def]
    """Clean the texts `rows` int64[m]: fill counts int32[m] and, if `write`, the bytes from `out[places[i]]` on.

    places: int64[m]; each is moved to the end of its text.
    """
    for index in range(rows.size):
        position, stop = offsets[rows[index]], offsets[rows[index] + 1]
        first = place = places[index]
        changed = 0
        while position < stop:
            byte = data[position]
            kind = BYTES[byte]
            lone = kind == LONE and position + 1 < stop and place > first and BYTES[data[position + 1]] == PLAIN
            if kind == PLAIN or lone:
                if write:
                    out[place] = byte
                place += 1
                position += 1
                continue
            code, length = decode(data, position, stop)
            if _kind(code) == CONTENT:
                for step in range(length):
                    if write:
                        out[place + step] = data[position + step]
                place += length
                position += length
                continue
            position, characters, lines, feeds, begin, blanks, tabs, wides, spaces = _scan_block(data, position, stop)
            kept = 0
            if position == stop:
                pass  # nothing follows
            elif lines == 0 and place > first:
                place, kept = _put_run(blanks, tabs, wides, spaces, out, place, write)
            else:
                breaks = min(lines, 2) if place > first else 0
                kept = min(feeds, breaks)
                for _ in range(breaks):
                    place = _put(out, place, FEED, write)
                if keep_indentation:
                    place = _put_indentation(data, begin, position, out, place, write)
                    kept += tabs + wides + spaces
            changed += characters - kept
        places[index] = place
        counts[index] = changed


def clean(texts: pa.Array, config: WhitespaceConfig) -> Cleaned:
    """Clean white space, as the module's docstring says.

    Args:
        texts: large_string[n], without nulls.
        config: whether indentation stays.
    """
    batch = Texts.from_arrow(texts)
    keep = config.keep_indentation
    sizes, counts = np.zeros(len(batch), np.int64), np.zeros(len(batch), np.int32)
    rows = fixed(np.arange(len(batch)), np.int64)
    _clean(batch.data, batch.offsets, rows, keep, sizes, np.empty(0, np.uint8), counts, False)

    def write(rows: np.ndarray, bounds: np.ndarray, out: np.ndarray) -> None:
        again = np.empty(rows.size, np.int32)
        _clean(batch.data, batch.offsets, fixed(rows, np.int64), keep, bounds[:-1].copy(), out, again, True)

    return Cleaned(rewrite(texts, counts > 0, sizes, write), {"whitespace_characters": counts})


WHITESPACE = Cleaner(
    name="whitespace",
    revision=1,
    source="line ends: Unicode Standard 5.8; spaces: White_Space; what becomes of them: its own",
    config=WhitespaceConfig,
    counts={"whitespace_characters": "white space removed, or replaced by another character"},
    clean=clean,
)
