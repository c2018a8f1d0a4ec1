"""What spans lines in wikitext: cut out, or set aside, in one pass over the text."""

import re
from collections.abc import Iterable
from functools import cache
from html import unescape
from typing import NamedTuple

CUT, KEPT = "\x1b", "\x1a"
"""Where something was cut out; around the number of a verbatim text. XML cannot hold these characters."""
NAMESPACES = {
    6: "File Image Bild Fichier Archivo Imagen Imagem Afbeelding Immagine Файл Изображение 文件 檔案 档案 图像 圖像",
    14: "Category Kategorie Catégorie Categoría Categoria Категория 分类 分類 カテゴリ",
}
"""Names of the namespaces of files and categories, besides those that a dump lists (MediaWiki's canonical names and
`namespaceAliases`)."""
_DROPPED = """
ref references gallery timeline graph score imagemap categorytree inputbox hiero mapframe maplink section templatedata
templatestyles indicator includeonly style script
"""
DROPPED = frozenset(_DROPPED.split())
"""Elements that go with their content."""
VERBATIM = frozenset({"nowiki", "pre", "syntaxhighlight", "source", "math", "chem", "ce"})
"""Elements whose content is no wikitext."""
_TAGS = """
abbr b bdi bdo big blockquote br center cite code data dd del dfn div dl dt em font h1 h2 h3 h4 h5 h6 hr i ins kbd li
mark noinclude ol onlyinclude p poem q rb rp rt rtc ruby s samp small span strike strong sub sup tbody td tfoot th thead
time tr tt u ul var wbr
"""
TAGS = frozenset(_TAGS.split())
"""Tags that go, with their content staying: those that MediaWiki's sanitizer lets pass."""
BREAKS = {"br": "\n", "li": "\n* ", "hr": "\n", "p": "\n", "blockquote": "\n", "dd": "\n", "dt": "\n", "poem": "\n"}
TOKEN = re.compile(
    r"""<!-- | </?([a-z][a-z0-9]*)\b([^<>]*)> | \{\{+ | \}\}+ | ^[ \t:]*\{\|(?!\}) | ^[ \t]*\|\}(?!\}) | \[\[ | \]\]""",
    re.X | re.M | re.I,
)
CLOSES = {"}}": "{{", "|}": "{|", "]]": "[[", "</table": "<table"}


class _Open(NamedTuple):
    kind: str
    pieces: int
    """Length of the output before it."""
    end: int
    """Where it ends in the wikitext."""


def dropped_links(namespaces: Iterable[tuple[int, str]] = ()) -> re.Pattern[str]:
    """Return the pattern of what follows `[[` in links to files and categories.

    Args:
        namespaces: (number, local name) of the wiki's namespaces.
    """
    names = " ".join(NAMESPACES.values()).split()
    names += [re.escape(name) for number, name in namespaces if number in NAMESPACES and name]
    return re.compile(rf"\s*(?:{'|'.join(names)})\s*:", re.I)


class Blocks:
    """One pass over a text, which looks at each character a bounded number of times."""

    def __init__(self, text: str, dropped: re.Pattern[str]) -> None:
        self.text, self.dropped = text, dropped
        self.pieces: list[str] = []
        self.stack: list[_Open] = []
        self.open = dict.fromkeys(CLOSES.values(), 0)
        self.unclosed: set[str] = set()
        """Elements of which no closing tag follows any more."""
        self.kept: list[str] = []
        self.unbalanced = False
        """Whether a table or template has no beginning, or once `run` is done no end: rows of tables may be left over.
        The beginning of some tables is in a template, which is not expanded."""

    def run(self) -> str:
        """Return the text without blocks, and with the numbers of verbatim texts in their places."""
        position = 0
        while found := TOKEN.search(self.text, position):
            self.pieces.append(self.text[position : found.start()])
            position = self._token(found)
        self.pieces.append(self.text[position:])
        self.unbalanced |= any(kind in ("{{", "{|") for kind, _, _ in self.stack)
        return "".join(self.pieces)

    def _token(self, found: re.Match[str]) -> int:
        """Take one token; return where to go on."""
        sign = found[0]
        if sign == "<!--":
            return self._skip(found.end(), "-->")
        if found[1]:
            return self._tag(found)
        kind, times = sign.strip(" \t:")[:2], len(sign) // 2 if sign[0] in "{}" else 1
        for _ in range(times):
            if kind in CLOSES:
                self._close(kind)
            else:
                self._open(kind, found.end())
        return found.end()

    def _skip(self, start: int, end: str) -> int:
        at = -1 if end in self.unclosed else self.text.find(end, start)
        if at < 0:
            self.unclosed.add(end)
            return start
        self.pieces.append(CUT)
        return at + len(end)

    def _open(self, kind: str, end: int) -> None:
        self.stack.append(_Open(kind, len(self.pieces), end))
        self.open[kind] += 1
        self.pieces.append(kind if kind in ("[[", "{|") else "")

    def _close(self, kind: str) -> None:
        """Cut out what a closing sign ends. Links end at the nearest sign only; others close what is open inside."""
        opener = CLOSES[kind]
        if kind == "]]" and not (self.stack and self.stack[-1].kind == opener):
            self.pieces.append("]]")
            return
        if not self.open[opener]:
            self.unbalanced |= kind in ("}}", "|}")
            self.pieces.append(CUT)
            return
        while True:
            last = self.stack.pop()
            self.open[last.kind] -= 1
            if last.kind == opener:
                break
        if kind == "]]" and not self.dropped.match(self.text, last.end):
            self.pieces.append("]]")
        else:
            self.pieces[last.pieces :] = [CUT]

    def _tag(self, found: re.Match[str]) -> int:
        name, attributes = found[1].lower(), found[2]
        opening, single = found[0][1] != "/", attributes.endswith("/")
        if name == "table":
            self._open("<table", found.end()) if opening else self._close("</table")
        elif opening and not single and (name in DROPPED or name in VERBATIM):
            return self._element(found, name, attributes)
        elif name in TAGS:
            self.pieces.append(BREAKS.get(name, "") if opening or name not in ("br", "li", "hr") else "")
        else:
            self.pieces.append(CUT if name in DROPPED else "" if name in VERBATIM else found[0])
        return found.end()

    def _element(self, found: re.Match[str], name: str, attributes: str) -> int:
        """Drop an element, or keep its content as it is."""
        close = None if name in self.unclosed else _closing_tag(name).search(self.text, found.end())
        if close is None:
            self.unclosed.add(name)
            return found.end()
        self.pieces.append(CUT)
        if name in VERBATIM:
            self.pieces[-1] = f"{KEPT}{len(self.kept)}{KEPT}"
            self.kept.append(_verbatim(name, attributes, self.text[found.end() : close.start()]))
        return close.end()


@cache
def _closing_tag(name: str) -> re.Pattern[str]:
    return re.compile(rf"</{name}\s*>", re.I)


def _verbatim(name: str, attributes: str, content: str) -> str:
    """Return the content of an element that is no wikitext; the entities in code are its own."""
    if name in ("math", "chem", "ce"):
        left, right = ("\\[", "\\]") if "block" in attributes.lower() else ("\\(", "\\)")
        return f"{left}{unescape(content).strip()}{right}"
    if name == "nowiki":
        return unescape(content)
    content = unescape(content) if name == "pre" else content
    return content if "inline" in attributes.lower() else "\n" + content.strip("\n") + "\n"
