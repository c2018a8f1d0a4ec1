"""The characters that pieces are made of, numbered in the order of their code points, and their scripts."""

import unicodedata
from dataclasses import dataclass

import numpy as np

from corpuskit.kernels import Texts, fixed, kernel
from corpuskit.kernels.utf8 import decode

CODES = 1 << 21
"""Every number that four bytes of UTF-8 can decode to is below."""
NEVER = (0x0, 0x2581)
"""Code points that no piece holds: a trie of SentencePiece ends at the first, and writes a space as the second."""
INHERITED, SPACE, COMMON, HAN = range(4)
"""Scripts: that of the character before, U+0020 alone, no letter, and Chinese characters with Japanese kana."""
WIDTHS = ("FULLWIDTH", "HALFWIDTH")
HAN_NAMES = ("CJK", "IDEOGRAPHIC", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA")
"""The first words of the names of characters that SentencePiece, too, counts as one script."""


@dataclass(frozen=True, eq=False)
class Alphabet:
    """Characters as symbols: 1 is the smallest code point, 0 any character outside; arrays are read-only."""

    codes: np.ndarray
    """Code points, ascending; int64[n]."""
    symbols: np.ndarray
    """The symbol of each code point; int32[CODES]."""
    scripts: np.ndarray
    """The script of each symbol: `INHERITED`, `SPACE`, `COMMON`, `HAN` or another number; int32[n + 1]."""

    @classmethod
    def of(cls, codes: np.ndarray, split_scripts: bool) -> "Alphabet":
        """Number code points, int64[n] ascending; without `split_scripts` all but the space are of one script."""
        symbols = np.zeros(CODES, np.int32)
        symbols[codes] = np.arange(1, codes.size + 1)
        scripts = [INHERITED, *_scripts([chr(code) for code in codes.tolist()], split_scripts)]
        return cls(fixed(codes, np.int64), fixed(symbols, np.int32), fixed(scripts, np.int32))

    def __len__(self) -> int:
        return self.codes.size


def count_characters(texts: Texts, counts: np.ndarray) -> np.ndarray:
    """Return how often each code point occurs in texts that occur `counts` times, int64[n]; int64[CODES].

    The code points of `NEVER` are not counted.
    """
    totals = np.zeros(CODES, np.int64)
    _count_characters(texts.data, texts.offsets, fixed(counts, np.int64), totals)
    totals[list(NEVER)] = 0
    return totals


@kernel
def _count_characters(data: np.ndarray, offsets: np.ndarray, counts: np.ndarray, totals: np.ndarray) -> None:
    for text in range(counts.size):
        position = offsets[text]
        while position < offsets[text + 1]:
            code, length = decode(data, position, offsets[text + 1])
            totals[code] += counts[text]
            position += length


def covering(totals: np.ndarray, coverage: float) -> np.ndarray:
    """Return the fewest code points that make up a share of the text, commonest first; int64[*].

    Args:
        totals: occurrences of each code point, int64[CODES].
        coverage: the share, above 0 to 1. Ties go to the smaller code point.
    """
    order = np.argsort(-totals, kind="stable")[: np.count_nonzero(totals)]
    covered = np.cumsum(totals[order])
    return order[: 1 + int(np.searchsorted(covered, coverage * covered[-1]))] if order.size else order


def _scripts(characters: list[str], split: bool) -> list[int]:
    """Return the script of each character."""
    if not split:
        return [SPACE if character == " " else COMMON for character in characters]
    numbers: dict[str, int] = {"": INHERITED, " ": SPACE, "common": COMMON, "CJK": HAN}
    return [numbers.setdefault(script_name(character), len(numbers)) for character in characters]


def script_name(character: str) -> str:
    """Return the script of a character: for a letter, the word that the names of the script's letters begin with.

    Marks and modifier letters, which have the script of the character before them, give "", what is no letter
    "common". Python knows no scripts, and the names need no table of their own.
    """
    if character == " ":
        return " "
    words = [*unicodedata.name(character, "").split(), "", ""]
    first = words[1] if words[0] in WIDTHS else words[0]
    if first in HAN_NAMES:
        return "CJK"
    category = unicodedata.category(character)
    if category[0] == "M" or first == "MODIFIER":
        return ""
    return first if category[0] == "L" else "common"
