"""What is said of single lines, stripped of white space: end marks, bullets, capitals, counters, prompts."""

import re

from corpuskit.signals.evidence.spans import pattern

LONGEST_WORD = 1000
"""Characters above which a word makes C4 drop its line."""
BULLETS = ("•", "●", "*", "-", "‣", "▶", "◀", "◦", "■", "□", "▪", "▫", "–")
"""What begins a line of a list: the union of what the systems take."""
POLICY = pattern(
    "terms of use|privacy policy|cookie policy|uses cookies|use of cookies|use cookies",
    re.IGNORECASE,
)
"""Finds C4's policy phrases."""
CITATION = re.compile(r"\[\d*]|\[edit]|\[citation needed]")
COUNTED = "like|share|comment|retweet|repost|quote|bookmark|upvote|downvote|download|view|follower"
COUNTER = re.compile(rf"[^A-Z\d]*\d[\d.,]*[KMB]?\s+({COUNTED})s?[^A-Z\d]*", re.ASCII | re.IGNORECASE)
PROMPT_WORDS = 10
PROMPT = re.compile(r"^sign[- ]in\b|\bread more(\.\.\.|…)?$|\bitems in cart\b", re.IGNORECASE)


def ends_with_ellipsis(line: str) -> bool:
    """Whether `...` or `…` comes last."""
    return line.endswith(("...", "…"))


def is_ended(line: str, marks: str) -> bool:
    """Whether one of the marks comes last, citations apart, and no ellipsis."""
    text = CITATION.sub("", line)
    return text.endswith(tuple(marks)) and not text.endswith("...")


def is_bullet(line: str) -> bool:
    """Whether a bullet comes first."""
    return line.startswith(BULLETS)


def is_uppercase(line: str) -> bool:
    """Whether more than half of the characters other than white space are upper-case letters."""
    visible = [character for character in line if not character.isspace()]
    return 2 * sum(map(str.isupper, visible)) > len(visible)


def is_numeric(line: str) -> bool:
    """Whether the line is digits of any script alone, but for white space."""
    return "".join(line.split()).isdecimal()


def is_counter(line: str) -> bool:
    """Whether the line counts likes, shares, views and such, as `3 likes`."""
    return COUNTER.fullmatch(line) is not None


def is_prompt(line: str) -> bool:
    """Whether a line of at most 10 words asks to sign in, to read more, or counts items in a cart."""
    return len(line.split()) <= PROMPT_WORDS and PROMPT.search(line) is not None
