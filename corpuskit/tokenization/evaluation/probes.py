"""How numbers and white space are cut: encodings of short texts made for the purpose."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from corpuskit.tokenization.evaluation.segmentation import Segment, segments
from corpuskit.tokenization.tokenizer import Tokenizer

LONGEST_NUMBER = 10
"""Digits of the longest numbers."""
NUMBERS = 50
"""Numbers that are drawn of each length; one that is drawn twice is tried once."""
BEFORE = ("", " ")
"""What the numbers stand after."""
ONE_TOKEN = "one token"
INCONSISTENT = "inconsistent"
WHITESPACE: dict[str, str] = {
    "one space": "a b",
    "two spaces": "a  b",
    "four spaces": "a    b",
    "sixteen spaces": "a" + " " * 16 + "b",
    "spaces at the start": "   b",
    "spaces at the end": "a   ",
    "only a space": " ",
    "tab": "a\tb",
    "two tabs": "a\t\tb",
    "line feed": "a\nb",
    "two line feeds": "a\n\nb",
    "carriage return, line feed": "a\r\nb",
    "space before a line end": "a \nb",
    "indented by four": "a:\n    b\n",
    "indented by eight": "a:\n        b\n",
    "indented by a tab": "a:\n\tb\n",
    "no-break space": "a\u00a0b",
    "ideographic space": "a\u3000b",
}
"""White space between two letters."""


@dataclass(frozen=True, kw_only=True)
class NumberCut:
    """How numbers of one length are cut."""

    digits: int
    numbers: int
    """Numbers that were tried, at the start of a text and after a space."""
    pattern: tuple[int, ...]
    """Digits of each token, in the commonest way."""
    share: float
    """The share of numbers that are cut this way."""
    example: str


@dataclass(frozen=True, kw_only=True)
class Numbers:
    """How numbers are cut."""

    rule: str
    """`one token`, `single digits`, `groups of 3 from the left`, `groups of 3 from the right` (any size), or
    `inconsistent`: numbers of one length are cut in several ways, or by no rule that holds for all lengths."""
    cuts: tuple[NumberCut, ...]
    """For 1 to 10 digits."""


@dataclass(frozen=True, kw_only=True)
class Whitespace:
    """What becomes of one kind of white space."""

    name: str
    text: str
    kept: bool
    """Whether decoding gives the text back."""
    segments: tuple[Segment, ...]


def numbers(tokenizer: Tokenizer) -> Numbers:
    """Cut numbers of 1 to 10 digits, drawn at random but always the same ones, without a leading zero."""
    generator = np.random.default_rng(0)
    found = {size: _patterns(tokenizer, _drawn(generator, size)) for size in range(1, LONGEST_NUMBER + 1)}
    cuts = []
    for size, patterns in found.items():
        counted = Counter(patterns.values())
        pattern, times = max(counted.items(), key=lambda item: (item[1], item[0]))
        example = next(number for number, own in patterns.items() if own == pattern)
        share = times / len(patterns)
        cuts.append(
            NumberCut(digits=size, numbers=len(patterns), pattern=pattern, share=share, example=example.strip())
        )
    return Numbers(rule=rule_of({pattern for own in found.values() for pattern in own.values()}), cuts=tuple(cuts))


def rule_of(patterns: set[tuple[int, ...]]) -> str:
    """Return the rule that gives all patterns (digits of each token), or `inconsistent`."""
    longest = max(sum(pattern) for pattern in patterns)
    for size in range(1, longest + 1):
        for side in ("left", "right"):
            if all(pattern == grouped(sum(pattern), size, side) for pattern in patterns):
                return _rule_name(size, side, longest)
    return INCONSISTENT


def grouped(digits: int, size: int, side: str) -> tuple[int, ...]:
    """Return the groups of `size` digits that a number falls into, counted from the `left` or the `right`."""
    full, rest = divmod(digits, size)
    groups, odd = (size,) * full, (rest,) * bool(rest)
    return groups + odd if side == "left" else odd + groups


def _rule_name(size: int, side: str, longest: int) -> str:
    if size == 1:
        return "single digits"
    return ONE_TOKEN if size == longest else f"groups of {size} from the {side}"


def _drawn(generator: np.random.Generator, digits: int) -> list[str]:
    first = 10 ** (digits - 1) if digits > 1 else 0
    return sorted({str(number) for number in generator.integers(first, 10**digits, NUMBERS)})


def _patterns(tokenizer: Tokenizer, drawn: list[str]) -> dict[str, tuple[int, ...]]:
    """Return how many digits each token of a number has, by the text that the number is in."""
    texts = [before + number for before in BEFORE for number in drawn]
    return {text: _digits(own) for text, own in zip(texts, segments(tokenizer, texts), strict=True)}


def _digits(cut: tuple[Segment, ...]) -> tuple[int, ...]:
    """Return the number of digits in each token that has any."""
    sizes = (sum(0x30 <= byte <= 0x39 for byte in bytes.fromhex(segment.hex)) for segment in cut)
    return tuple(size for size in sizes if size)


def whitespace(tokenizer: Tokenizer) -> tuple[Whitespace, ...]:
    """Cut each text of `WHITESPACE`."""
    texts = pa.array(WHITESPACE.values(), pa.large_string())
    back = tokenizer.decode(tokenizer.encode(texts)).to_pylist()
    cut = segments(tokenizer, list(WHITESPACE.values()))
    return tuple(
        Whitespace(name=name, text=text, kept=decoded == text, segments=own)
        for (name, text), decoded, own in zip(WHITESPACE.items(), back, cut, strict=True)
    )
