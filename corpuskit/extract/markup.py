r"""Formulas and code in a parsed page, rewritten so that no extractor loses them.

* A formula becomes its TeX source between `\(` and `\)`, or between `\[` and `\]` where it stands by itself: from
  MathML (its TeX annotation, its `alttext`, else its structure), MathJax, KaTeX, and images whose `alt` is TeX
  (Wikipedia, WordPress). What was rendered from it goes, so that no formula is there twice.
* Code keeps line breaks and indentation: extractors collapse white space or drop blank lines, so it travels as marks,
  characters that the page has not, and comes back after the extraction.
"""

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

INLINE = "corpuskit-formula"
"""The tag of formulas in text until all are rewritten: text that grows by one after the other takes quadratic time."""
TAGS = ("math", "script", "img", "pre", "code")
"""The elements that `rewrite` wants to see."""
TEX_ENCODINGS = {"application/x-tex", "application/x-latex", "tex", "latex", "text/x-tex"}
TEX_IMAGES = {
    "tex",
    "latex",
    "mwe-math-fallback-image-inline",
    "mwe-math-fallback-image-display",
    "ql-img-inline-formula",
    "ql-img-displayed-equation",
}
"""Classes of images whose `alt` is TeX: MediaWiki, WordPress and its QuickLaTeX."""
FORMULAS = ", ".join(["math", "script[type^='math/']", *(f"img.{name}[alt]" for name in sorted(TEX_IMAGES))])
"""A CSS selector for formulas."""
RENDERED = re.compile(r"(?:^|\s)(?:katex(?:-\w+)?|mwe-math-\S+|MathJax\w*|MJX\w*|mjx-\S+)(?=\s|$)")
"""Classes of elements that hold a formula and what was rendered from it: KaTeX, MediaWiki, MathJax 2 and 3."""
DISPLAY = re.compile(r"display|block", re.IGNORECASE)
STYLE = re.compile(r"^\{\s*\\(?:display|text)style\b\s*(.*)\}$", re.DOTALL)
DELIMITED = re.compile(r"^(\$\$?|\\\[|\\\()([^$]+?)(?:\$\$?|\\\]|\\\))$", re.DOTALL)
BLOCKS = {"article", "blockquote", "body", "center", "div", "main", "section"}
"""Elements whose loose text extractors tend to drop: a formula right in one becomes a paragraph."""
MARK_CANDIDATES = "".join(map(chr, range(0x2400, 0x2421)))
"""Symbols for control characters: printable, and in hardly any text."""
SPACES = re.compile(r"^[ \t]+|\t+| {2,}", re.MULTILINE)
MIN_CODE_BREAKS = 2
"""Line breaks that make a `<code>` outside `<pre>` code in lines; fewer are where the source was wrapped."""
STRUCTURE = {
    "msup": "{0}^{1}",
    "msub": "{0}_{1}",
    "msubsup": "{0}_{1}^{2}",
    "munder": "{0}_{1}",
    "mover": "{0}^{1}",
    "munderover": "{0}_{1}^{2}",
    "mfrac": "\\frac{0}{1}",
    "mroot": "\\sqrt[{1}]{0}",
}
"""MathML element -> the TeX of its children, by their number."""


class Marks(NamedTuple):
    """The characters that stand for white space in code."""

    line: str
    space: str
    tab: str

    def restore(self, text: str) -> str:
        """Turn marks back into white space."""
        return text.translate({ord(self.line): "\n", ord(self.space): " ", ord(self.tab): "\t"})


def rewrite(root: Any, elements: Sequence[Any]) -> Marks | None:
    """Rewrite formulas and code in an lxml tree, in place.

    Args:
        root: the tree's root.
        elements: all its elements of `TAGS`, in document order.

    Returns:
        The marks that the extracted text holds where code had white space; None where no code was rewritten.
    """
    formulas = [element for element in elements if _is_formula(element)]
    for element in sorted(formulas, key=lambda element: element.tag != "script"):  # what a script was rendered to goes
        if _is_within(element, root):
            _rewrite_formula(element)
    if formulas:
        for parent in {element.getparent() for element in root.iter(INLINE)}:
            _merge(parent)
    code = [element for element in elements if _is_code(element)]
    marks = _choose_marks(root) if code else None
    if marks is not None:
        for element in code:
            if _is_within(element, root):
                _rewrite_code(element, marks)
    return marks


def _is_within(element: Any, root: Any) -> bool:
    return any(ancestor is root for ancestor in element.iterancestors())


def _is_formula(element: Any) -> bool:
    if element.tag == "script":
        return (element.get("type") or "").startswith("math/")
    if element.tag == "img":
        return not TEX_IMAGES.isdisjoint((element.get("class") or "").split()) and bool(element.get("alt"))
    return element.tag == "math"


def _rewrite_formula(element: Any) -> None:
    tex = _tex(element)
    if not tex:
        return
    holder = _holder(element)
    kinds = (
        element.get("display"),
        element.get("class"),
        element.get("type"),
        holder.get("class"),
        holder.get("display"),
    )
    display = holder.tag == "div" or any(kind and (DISPLAY.search(kind) or kind == "true") for kind in kinds)
    if element.tag == "script":
        _remove_rendered(element)
    _replace(holder, f"\\[{tex}\\]" if display else f"\\({tex}\\)")


def _tex(element: Any) -> str:
    if element.tag == "math":
        notes = (note for note in element.iter("annotation") if (note.get("encoding") or "").lower() in TEX_ENCODINGS)
        note = next(notes, None)
        tex = element.get("alttext") if note is None else note.text
        tex = tex or _linear(element)
    else:
        tex = element.get("alt") if element.tag == "img" else element.text
    tex = " ".join((tex or "").split())
    for pattern, group in ((DELIMITED, 2), (STYLE, 1)):
        match = pattern.match(tex)
        tex = match[group].strip() if match else tex
    return tex


def _linear(element: Any) -> str:
    """Return the TeX of presentation MathML, as far as its structure goes."""
    tag = str(element.tag)
    if tag in ("annotation", "annotation-xml"):
        return ""
    parts = [_linear(child) for child in element if isinstance(child.tag, str)]
    if tag in STRUCTURE and len(parts) == len(set(re.findall(r"\{\d", STRUCTURE[tag]))):
        pieces = re.split(r"\{(\d)\}", STRUCTURE[tag])
        return "".join(f"{{{parts[int(piece)]}}}" if index % 2 else piece for index, piece in enumerate(pieces))
    text = f"{(element.text or '').strip()}{''.join(parts)}"
    return f"\\sqrt{{{text}}}" if tag == "msqrt" else text


def _holder(element: Any) -> Any:
    """Return the outermost element that holds nothing but this formula and what was rendered from it."""
    holder = element
    for parent in element.iterancestors():
        rendered = RENDERED.search(parent.get("class") or "") or str(parent.tag).startswith("mjx-")
        if not rendered or (parent.tag in BLOCKS and parent.tag != "div"):
            break
        holder = parent
    return holder


def _remove_rendered(script: Any) -> None:
    """Remove what MathJax 2 wrote before the script with the source."""
    while (before := script.getprevious()) is not None and RENDERED.search(before.get("class") or ""):
        if (before.tail or "").strip():
            return
        before.getparent().remove(before)


def _replace(element: Any, text: str) -> None:
    """Put text in an element's place; a paragraph where loose text would be lost."""
    is_paragraph = element.getparent().tag in BLOCKS and text.startswith("\\[")
    element.clear(keep_tail=True)
    element.tag, element.text = "p" if is_paragraph else INLINE, text


def _merge(parent: Any) -> None:
    """Make the formulas in an element part of its text and of its children's tails."""
    before, pieces = None, [parent.text or ""]
    for child in [*parent, None]:
        if child is not None and child.tag == INLINE:
            pieces += child.text, child.tail or ""
            parent.remove(child)
            continue
        if before is None:
            parent.text = "".join(pieces)
        else:
            before.tail = "".join(pieces)
        if child is not None:
            before, pieces = child, [child.tail or ""]


def _is_code(element: Any) -> bool:
    if element.tag == "pre":
        return True
    if element.tag != "code" or next(element.iterancestors("pre"), None) is not None:
        return False
    return element.find(".//br") is not None or "".join(element.itertext()).strip().count("\n") >= MIN_CODE_BREAKS


def _choose_marks(root: Any) -> Marks | None:
    text = "".join(root.itertext())
    free = [mark for mark in MARK_CANDIDATES if mark not in text]
    return Marks(*free[:3]) if len(free) >= 3 else None


def _rewrite_code(element: Any, marks: Marks) -> None:
    for line_break in element.iter("br"):
        line_break.tail = f"\n{line_break.tail or ''}"
    lines = "".join(element.itertext()).replace("\xa0", " ").splitlines()
    code = "\n".join(line.rstrip() for line in lines).strip("\n")
    code = SPACES.sub(lambda match: match[0].replace(" ", marks.space).replace("\t", marks.tab), code)
    tail = element.tail
    element.clear()
    element.tag = "p" if element.tag == "pre" else element.tag
    element.text, element.tail = code.replace("\n", marks.line), tail
