"""Tokens as coloured pieces of text, for the page."""

import unicodedata
from collections.abc import Iterable

from corpuskit.report.tokenizers_data import Chip
from corpuskit.tokenization.evaluation.segmentation import Segment
from corpuskit.tokenization.evaluation.vocabulary import TokenUse

UNSEEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
"""Categories of characters that are shown by their number: they cannot be seen, or turn what follows around."""
TURNS = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
"""Characters that set the direction of what follows."""
NAMED = {"\n": "↵", "\t": "⇥", "\r": "⇤"}
SPACES = {" ": "␣", "\u00a0": "⍽", "\u3000": "□", **NAMED}
"""White space as it is shown where nothing else is of interest."""


def chip(token: Segment | TokenUse, spaces: bool = False) -> Chip:
    """Return a token as it is shown.

    Args:
        token: the token.
        spaces: write white space as visible characters.
    """
    data = bytes.fromhex(token.hex)
    title = f"id {token.id}, bytes {data.hex(' ') or 'none'}"
    if isinstance(token, TokenUse):
        title += f", occurs {token.count:,} times"
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return Chip(text=data.hex(" ").upper(), title=title, plain=False)
    if not text:
        return Chip(text="none", title=title, plain=False)
    shown = "".join(_visible(character, spaces) for character in text)
    # A mark that begins a token would be drawn over the token before it.
    carrier = "\u25cc" if unicodedata.category(text[0]) in ("Mn", "Mc", "Me") else ""
    return Chip(text=carrier + shown, title=title)


def _visible(character: str, spaces: bool) -> str:
    if spaces and character in SPACES:
        return SPACES[character]
    if character in NAMED:
        return NAMED[character] + ("\n" if character == "\n" else "")
    return _number(character) if unicodedata.category(character) in UNSEEN else character


def _number(character: str) -> str:
    return f"‹{ord(character):04X}›"


def readable(text: str) -> str:
    """Return a text to be read: controls, and what turns the direction around, as numbers."""
    return "".join(_number(character) if _is_hidden(character) else character for character in text)


def _is_hidden(character: str) -> bool:
    return character in TURNS or (unicodedata.category(character) == "Cc" and character != "\n")


def chips(tokens: Iterable[Segment | TokenUse], spaces: bool = False) -> tuple[Chip, ...]:
    """Return tokens as they are shown."""
    return tuple(chip(token, spaces) for token in tokens)
