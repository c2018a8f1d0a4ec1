"""What cleaners changed in a text: the lines that differ, cut to where they do."""

import difflib
from collections.abc import Iterator
from itertools import takewhile

MOST_LINES = 40
"""Changed lines that are shown."""
LONGEST = 200_000
"""Characters of a text that is still compared."""
CONTEXT = 40
"""Characters shown around a change within a line."""
LINE = 160
"""Characters of a line that was added or removed as a whole."""


def differences(before: str, after: str) -> list[str]:
    """Return changed lines, each with `-` or `+` before it; at most 40, and a last line that says how many more."""
    if before == after:
        return []
    if max(len(before), len(after)) > LONGEST:
        return [f"… texts of {len(before):,} and {len(after):,} characters are too long to compare"]
    lines = list(_changes(before.split("\n"), after.split("\n")))
    more = [f"… and {len(lines) - MOST_LINES:,} more lines"] if len(lines) > MOST_LINES else []
    return [*lines[:MOST_LINES], *more]


def _changes(before: list[str], after: list[str]) -> Iterator[str]:
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=len(before) > 2000)
    for kind, old_start, old_end, new_start, new_end in matcher.get_opcodes():
        old, new = before[old_start:old_end], after[new_start:new_end]
        if kind == "replace" and len(old) == len(new):
            for left, right in zip(old, new, strict=True):
                yield from _pair(left, right)
        elif kind != "equal":
            yield from (f"- {_cut(line, 0, len(line))}" for line in old)
            yield from (f"+ {_cut(line, 0, len(line))}" for line in new)


def _pair(old: str, new: str) -> Iterator[str]:
    """Give an old and a new line, cut to where they differ."""
    same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(old, new, strict=False)))
    rest = zip(reversed(old[same:]), reversed(new[same:]), strict=False)
    end = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], rest))
    yield f"- {_cut(old, same - CONTEXT, len(old) - end + CONTEXT)}"
    yield f"+ {_cut(new, same - CONTEXT, len(new) - end + CONTEXT)}"


def _cut(line: str, start: int, end: int) -> str:
    """Return a part of a line, with dots where it is cut."""
    first = max(start, 0)
    last = min(end, len(line), first + LINE)
    return f"{'…' * (first > 0)}{line[first:last]}{'…' * (last < len(line))}"
