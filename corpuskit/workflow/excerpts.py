"""Excerpts of texts around what is marked in them, safe to show on a page or in a terminal."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from corpuskit.contamination import ContaminationConfig
from corpuskit.kernels import WordKind
from corpuskit.signals.evidence import Span, evidence, merged

LONGEST = 200_000
"""Characters of a text in which evidence is searched."""
LENGTH = 700
"""Characters of an excerpt, about."""
CONTEXT = 90
"""Characters shown before and after a mark, at least."""
GAP = " … "
UNSEEN = {
    **{code: 0x2400 + code for code in range(0x20) if chr(code) not in "\n\t"},
    0x7F: 0x2421,
    **dict.fromkeys([*range(0x80, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A)], 0xFFFD),
}
"""What stands for characters that command a terminal or turn the direction of writing."""


@dataclass(frozen=True)
class Excerpt:
    """Pieces of a text in order."""

    pieces: tuple[tuple[str, bool], ...]
    """Each with whether it is marked."""
    what: str = ""
    """What the marks are, in words; empty without marks."""
    marks: int = 0
    """How many there are in the whole text, or in the first 200,000 characters."""
    whole: bool = False
    """Whether it is the whole text."""


def visible(text: str) -> str:
    """Return a text with pictures in place of its control characters."""
    return text.translate(UNSEEN)


@dataclass(frozen=True)
class Asked:
    """The signal whose evidence is asked for."""

    signal: str
    """As `group.name`."""
    below: bool = False
    """Whether its value was too small."""
    words: WordKind | None = None
    """Which words it counted, where the recipe says."""
    items: ContaminationConfig | None = field(default=None, compare=False)
    """The evaluation items that the corpus's recipe names."""

    def spans(self, text: str) -> tuple[str, list[Span]]:
        """Return what the evidence is, in words, and where it is in the beginning of a text."""
        return evidence(self.signal, text[:LONGEST], self.below, self.words, self.items)


def excerpt(text: str, asked: Asked | None, length: int = LENGTH) -> Excerpt:
    """Return the part of a text that shows most about a signal: its beginning, or what lies around the first marks.

    Args:
        text: the text.
        asked: the signal; None marks nothing.
        length: characters to show, about.
    """
    what, spans = asked.spans(text) if asked else ("", [])
    marks = merged(spans)
    windows = [(0, len(text))] if len(text) <= length else _windows(text, marks, length)
    pieces = [(GAP, False)] if windows[0][0] else []
    for window in windows:
        pieces += _pieces(text, window, marks) + [(GAP, False)] * (window[1] < len(text))
    return Excerpt(tuple(pieces), what if spans else "", len(spans), windows == [(0, len(text))])


def marked(text: str, asked: Sequence[Asked]) -> tuple[tuple[str, bool], ...]:
    """Return a whole text as pieces, with the evidence of several signals marked."""
    spans = merged(span for one in asked for span in one.spans(text)[1])
    return tuple(_pieces(text, (0, len(text)), spans))


def _windows(text: str, marks: Sequence[Span], length: int) -> list[Span]:
    """Return the spans to show: around the first marks until the length is used up, else the beginning."""
    context = max(CONTEXT, (length - sum(end - start for start, end in marks)) // (2 * len(marks) or 1))
    shown: list[Span] = []
    for start, end in marks:
        window = (max(0, start - context), min(len(text), min(end, start + length) + context))
        grown = merged([*shown, window])
        if shown and sum(stop - first for first, stop in grown) > length:
            break
        shown = grown
    return shown or [(0, min(length, len(text)))]


def _pieces(text: str, window: Span, marks: Sequence[Span]) -> list[tuple[str, bool]]:
    """Return a window's text, cut where marks begin and end."""
    first, last = window
    inside = [(max(start, first), min(end, last)) for start, end in marks if start < last and end > first]
    cuts = sorted({first, last, *(edge for span in inside for edge in span)})
    starts = {start for start, _ in inside}
    return [(visible(text[left:right]), left in starts) for left, right in pairwise(cuts)]
