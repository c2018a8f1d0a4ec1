"""Spans of characters in one text: of patterns, words, lines and paragraphs."""

import re
from collections.abc import Callable, Iterable

import numpy as np
import pyarrow as pa

from corpuskit.kernels import Texts, WordKind

Span = tuple[int, int]
"""First character and the one after the last, counted in code points."""
Finder = Callable[[str], list[Span]]
"""Gives the spans of a text, in text order."""


def pattern(expression: str, flags: re.RegexFlag = re.NOFLAG) -> Finder:
    """Return a finder of what a regular expression matches."""
    compiled = re.compile(expression, flags)
    return lambda text: [found.span() for found in compiled.finditer(text)]


def words(text: str, kind: WordKind) -> list[Span]:
    """Return the words of a text, those that signals count."""
    found = Texts.from_arrow(pa.array([text], pa.large_string())).words(kind)
    starts_character = (np.frombuffer(text.encode(), np.uint8) & 0xC0) != 0x80
    before = np.concatenate([[0], np.cumsum(starts_character)])
    return list(zip(before[found.starts].tolist(), before[found.ends].tolist(), strict=True))


def lines(text: str) -> list[Span]:
    r"""Return the lines of `text.split("\n")` that are not blank, without white space at their ends."""
    return _not_blank(text, r"\n")


def raw_lines(text: str) -> list[Span]:
    r"""Return the lines of `text.split("\n")` that are not blank, with the white space at their ends."""
    return [span for span in _between(text, r"\n") if text[slice(*span)].strip()]


def paragraphs(text: str) -> list[Span]:
    """Return what blank lines separate, without white space at its ends."""
    return _not_blank(text, r"\n\s*\n")


def _not_blank(text: str, separator: str) -> list[Span]:
    """Return what lies between separators, stripped, unless nothing is left of it."""
    inner = [stripped(text, part) for part in _between(text, separator)]
    return [(start, end) for start, end in inner if start < end]


def _between(text: str, separator: str) -> list[Span]:
    cuts = [found.span() for found in re.finditer(separator, text)]
    return list(zip([0, *(end for _, end in cuts)], [*(start for start, _ in cuts), len(text)], strict=True))


def stripped(text: str, span: Span) -> Span:
    """Return a span without the white space at its ends."""
    start, end = span
    inner = text[start:end]
    return start + len(inner) - len(inner.lstrip()), end - len(inner) + len(inner.rstrip())


def lines_where(holds: Callable[[str], bool], parts: Finder = lines) -> Finder:
    """Return a finder of the lines, stripped (or as `parts` gives them), for which `holds` is true."""
    return lambda text: [span for span in parts(text) if holds(text[slice(*span)])]


def words_where(kind: WordKind, holds: Callable[[str], bool]) -> Finder:
    """Return a finder of the words for which `holds` is true."""
    return lambda text: [span for span in words(text, kind) if holds(text[slice(*span)])]


def repeated(parts: Finder) -> Finder:
    """Return a finder of parts of a text that it has had before; the first of them is not marked."""

    def find(text: str) -> list[Span]:
        seen: set[str] = set()
        found = []
        for span in parts(text):
            part = text[slice(*span)]
            if part in seen:
                found.append(span)
            seen.add(part)
        return found

    return find


def merged(spans: Iterable[Span]) -> list[Span]:
    """Return spans in order, those that touch or overlap as one."""
    found: list[Span] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found
