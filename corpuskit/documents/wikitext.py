r"""Wikitext to plain text: blocks are cut out in one pass, the inline markup of a line is left to mwparserfromhell.

mwparserfromhell takes quadratic to cubic time on markup that does not close, and overflows its stack on some of it. So
what spans lines (templates, tables, tags, comments, links to files) is matched in `wikiblocks`, in time linear in the
text, and the library sees pieces of a line with at most `MARKS` marks.

What stays: paragraphs, headings (those of sections that have text), list items, labels of links, the content of
`<code>`, `<pre>`, `<poem>` and `<syntaxhighlight>`, formulas as TeX in `\(…\)` or `\[…\]`. What goes: templates,
tables, references, files and their captions, galleries, categories, links to other languages, comments, and brackets
that held only these.
"""

import re
from collections.abc import Callable, Iterator
from functools import cache
from html import unescape
from typing import Any, NamedTuple

from corpuskit.documents.wikiblocks import CUT, KEPT, Blocks, dropped_links
from corpuskit.errors import MissingExtra

MARKS = 32
"""Marks that the inline parser sees at once, which bounds what a page can cost it."""
MARK = re.compile(r"\]\]|\[\[?|&|://")
QUOTES = re.compile(r"''+")
HIDDEN = str.maketrans("<>{}=*", "\x14\x15\x16\x17\x18\x19")
SHOWN = str.maketrans("\x14\x15\x16\x17\x18\x19", "<>{}=*")
"""Signs of blocks that are left over are mere text: the inline parser must not try to make something of them."""
MAGIC_WORD = re.compile(r"__[A-Z]{3,}__")
VARIANT = re.compile(r"-\{([^{}\n]*)\}-")
LANGUAGE_LINK = re.compile(r"\[\[[a-z][a-z-]{1,11}:[^\[\]|]*\]\]")
ROW, PART_OF_TABLE = re.compile(r"\{\||\|-+\s*(?:\w+\s*=|$)"), re.compile(r"\{?\|")
"""Lines that can only be of a table: its beginning, or what parts two rows; and any that may be of one."""
BRACKET = re.compile(rf"[(（\[][\s,;:，；：、{CUT}]*[)）\]]?")
"""An opening bracket with what may be left behind it once things were cut out, up to its end where nothing was."""


ANY_WIKI = dropped_links()


def to_text(wikitext: str, dropped: re.Pattern[str] = ANY_WIKI) -> str:
    """Return the plain text of a page, without white space around it; paragraphs are parted by one blank line.

    Args:
        wikitext: the page's source.
        dropped: links that go with their captions, from `dropped_links`.

    Raises:
        MissingExtra: mwparserfromhell is not installed.
    """
    blocks = Blocks(re.sub(r"[\x14-\x1b\r]", "", wikitext), dropped)
    text = VARIANT.sub(_variant, MAGIC_WORD.sub(CUT, blocks.run()))
    row = PART_OF_TABLE if blocks.unbalanced else ROW
    lines = [line for source in text.split("\n") if (line := _line(source, dropped, row)) is not None]
    text = "\n".join(_without_empty_sections(lines))
    text = re.sub(r"\n{3,}", "\n\n", text).strip()
    return re.sub(rf"{KEPT}(\d+){KEPT}", lambda found: blocks.kept[int(found[1])], text).strip("\n")


def _variant(found: re.Match[str]) -> str:
    """Return what `-{…}-` shows: its text, or the first of its variants (simplified where it is among them)."""
    flags, bar, rules = found[1].rpartition("|")
    if bar and set(flags.strip()) & set("HTDR-"):
        return unescape(rules) if flags.strip() == "R" else ""
    variants = dict(rule.partition(":")[::2] for rule in rules.split(";") if ":" in rule)
    names = {name.strip(): text.strip() for name, text in variants.items()}
    known = next((names[name] for name in ("zh-hans", "zh-cn", "zh-hant", "zh-tw") if name in names), None)
    return rules if known is None else known


class _Line(NamedTuple):
    text: str
    level: int
    """Of a heading, 1 to 6; 0: text."""


def _line(source: str, dropped: re.Pattern[str], row: re.Pattern[str]) -> _Line | None:
    """Return a line as text; None where nothing is left of one that held something.

    What begins as a `row` does is left over from a table, and dropped. All else is text, as for MediaWiki: outside of
    tables, a bar at the beginning of a line has no meaning.
    """
    if not source:
        return _Line("", 0)
    line = source.rstrip(f" \t{CUT}")
    bare = line.lstrip(CUT)
    if bare.startswith("----"):
        bare = bare.lstrip("-").lstrip()  # what follows a rule is text
    if row.match(bare) or LANGUAGE_LINK.fullmatch(bare):
        return None
    level = min(len(bare) - len(bare.lstrip("=")), len(bare) - len(bare.rstrip("=")), (len(bare) - 1) // 2, 6)
    if level:
        return _Line(_inline(bare[level:-level], dropped).strip(), level)
    content = bare.lstrip("*#:;")
    text = _inline(content, dropped).rstrip()
    if len(content) < len(bare):
        bullet = "- " if set(bare[: len(bare) - len(content)]) & set("*#") else ""
        return _Line(bullet + text.lstrip(), 0) if text.strip() else None
    return _Line(text, 0) if text.strip() or not source.strip() else None


def _without_empty_sections(lines: list[_Line]) -> Iterator[str]:
    """Give the lines without headings under which there is nothing; a blank line around the others."""
    kept: list[str] = []
    below = 0  # level of the heading that comes next, 7 for text, 0 for nothing
    for line in reversed(lines):
        if line.level == 0:
            kept.append(line.text)
            below = 7 if line.text else below
        elif below > line.level and line.text:
            kept += ["", line.text, ""]
            below = line.level
    return reversed(kept)


def _inline(text: str, dropped: re.Pattern[str]) -> str:
    """Return a line's text without links, quotes and entities."""
    text = _unquoted(text) if "''" in text else text
    if MARK.search(text):
        text = "".join(_render(piece, dropped) for piece in _pieces(text))
    return _close_gaps(text) if CUT in text else text


def _unquoted(text: str) -> str:
    """Take out the signs of italic and bold text; of more apostrophes than they need, and of some four, one is text.

    As MediaWiki does (`Parser::doQuotes`): where both signs are odd in number, as in "l'''amour''", the first bold
    one that follows a letter is an apostrophe and an italic one.
    """
    runs = [len(run) for run in QUOTES.findall(text)]
    bold = sum(run != 2 for run in runs)
    spare = bold % 2 and sum(run == 2 or run >= 5 for run in runs) % 2

    def plain(found: re.Match[str]) -> str:
        nonlocal spare
        size = len(found[0])
        if spare and size == 3 and found.start() and not text[found.start() - 1].isspace():
            spare = 0
            return "'"
        return "'" * (size - 5 if size > 5 else size == 4)

    return QUOTES.sub(plain, text)


def _pieces(text: str) -> Iterator[str]:
    """Cut a line after every `MARKS` marks; after the end of a link where there is one among them."""
    start = link = count = 0
    for found in MARK.finditer(text):
        count += 1
        link = found.end() if found[0] == "]]" else link
        if count >= MARKS:
            end = link if link > start else found.end()
            yield text[start:end]
            start, count = end, 0
    yield text[start:]


def _render(piece: str, dropped: re.Pattern[str]) -> str:
    if not MARK.search(piece):
        return piece
    text = _text_of(_parser()(piece.translate(HIDDEN), skip_style_tags=True), dropped)
    return re.sub(r"\[\[|\]\]", "", text).translate(SHOWN)


def _text_of(code: Any, dropped: re.Pattern[str]) -> str:
    return "".join(RENDER.get(type(node).__name__, _as_it_is)(node, dropped) for node in code.nodes)


def _as_it_is(node: Any, dropped: re.Pattern[str]) -> str:
    return str(node)


def _link(node: Any, dropped: re.Pattern[str]) -> str:
    if dropped.match(str(node.title)):
        return CUT
    return _text_of(node.text, dropped) if node.text else str(node.title).strip().removeprefix(":")


def _external(node: Any, dropped: re.Pattern[str]) -> str:
    if node.title:
        return _text_of(node.title, dropped)
    return CUT if node.brackets else str(node.url)


def _entity(node: Any, dropped: re.Pattern[str]) -> str:
    return unescape(str(node)).replace("\xa0", " ")


RENDER: dict[str, Callable[[Any, re.Pattern[str]], str]] = {
    "Wikilink": _link,
    "ExternalLink": _external,
    "HTMLEntity": _entity,
}


def _bracket(found: re.Match[str]) -> str:
    if CUT not in found[0]:
        return found[0]
    return CUT if found[0][-1] in ")）]" else found[0][0]


def _close_gaps(text: str) -> str:
    """Take out marks of cuts, brackets that held nothing else, and the second of two spaces around them."""
    text = BRACKET.sub(_bracket, text)
    pieces: list[str] = []
    for piece in text.split(CUT):
        if pieces and pieces[-1].endswith(" ") and piece:
            if piece[0] in ",.;:)，。；：、）":
                pieces[-1] = pieces[-1].rstrip(" ")
            piece = piece.lstrip(" ")
        if piece:
            pieces.append(piece)
    return "".join(pieces)


def require_parser() -> None:
    """Check that mwparserfromhell is there.

    Raises:
        MissingExtra: it is not installed.
    """
    _parser()


@cache
def _parser() -> Callable[..., Any]:
    try:
        from mwparserfromhell import parse
    except ImportError:
        raise MissingExtra("mwparserfromhell", "web", "reading Wikipedia dumps") from None
    return parse
