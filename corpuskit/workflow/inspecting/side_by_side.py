"""Where two similar texts differ, side by side: a few words around each change."""

import difflib
import re
from collections.abc import Sequence

from corpuskit.report.corpus_data import Pieces
from corpuskit.workflow.excerpts import visible

TOKEN = re.compile(r"[\u2e80-\u9fff]|[^\W\u2e80-\u9fff]+|\W")
"""An ideograph, a word, or any other character."""
MOST_TOKENS = 5000
"""Tokens of each text that are compared."""
AROUND = 12
"""Tokens shown on either side of a change."""
MOST_PLACES = 8
LONGEST = 400
"""Characters of one change that are shown."""


def side_by_side(left: str, right: str) -> tuple[tuple[Pieces, Pieces], ...]:
    """Return the first places at which two texts differ, each with what either has there; changes are marked."""
    ours, theirs = TOKEN.findall(left)[:MOST_TOKENS], TOKEN.findall(right)[:MOST_TOKENS]
    matcher = difflib.SequenceMatcher(None, ours, theirs, autojunk=True)
    places = [] if ours == theirs else list(matcher.get_grouped_opcodes(AROUND))
    rows = [
        (
            tuple(_piece(ours[first:last], kind) for kind, first, last, _, _ in place if last > first),
            tuple(_piece(theirs[first:last], kind) for kind, _, _, first, last in place if last > first),
        )
        for place in places[:MOST_PLACES]
    ]
    more = len(places) - MOST_PLACES
    note = (f"… and {more:,} more place{'s' * (more != 1)}", False)
    return (*rows, *([((note,), ())] if more > 0 else []))


def _piece(tokens: Sequence[str], kind: str) -> tuple[str, bool]:
    text = "".join(tokens)
    return visible(text if len(text) <= LONGEST else f"{text[:LONGEST]}…"), kind != "equal"
