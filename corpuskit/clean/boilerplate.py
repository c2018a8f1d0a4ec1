"""Lines that are menus, cookie notices, share bars, login prompts, comment forms or copyright footers.

Precision comes first: an extractor has removed what the page's structure gives away; what is left is judged by its
words alone, on short lines alone. A line goes if

* it consists of phrases of the table (`corpuskit.clean.phrases`) whose weights reach that of a phrase that says enough
  by itself: `Read more`, `Facebook | Twitter | Email`, but not a heading `Email` or `News`;
* it has at most a stated number of words, half as many where it ends with a sentence mark, and begins with a phrase, or
  has it anywhere or at its end: `© 2019 ...`, `... All rights reserved.`;
* it begins with a phrase that prose begins with too, and another phrase of that kind confirms it: `We use cookies ...
  you agree ...`;
* it is a breadcrumb trail: `Home > World > Asia`.

Words are `unicode` words in lower case (`str.lower()` where that is one character), except that digits among letters
are a word, all numbers are alike, and `©` is a word. Of punctuation, sentence marks after the last word count, and in
trails arrows and bars. Lines of more than 60 words are never looked at. Cleaning twice changes nothing more.
"""

import functools
from collections.abc import Sequence
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
import pyarrow as pa
from pydantic import Field

from corpuskit.clean.cleaner import Cleaned, Cleaner
from corpuskit.clean.lines import count_lines, keep_lines
from corpuskit.clean.phrases import ALONE, BAR_TRAIL_HEADS, KINDS, PHRASES, TRAIL_HEADS, TRAIL_WORDS, Kind
from corpuskit.config import Config
from corpuskit.kernels import Texts, fixed, inlined, kernel
from corpuskit.kernels.utf8 import ALONE as ALONE_BIT
from corpuskit.kernels.utf8 import DIGIT, LETTER, MARK, decode, properties

MAX_WORDS = 60
"""Lines with more words are prose."""
MAX_BYTES = 1000
"""Lines with more bytes are, without a look at their words."""
SLOTS = 1 << 13
"""Slots of the table of phrases: a power of two, under a quarter full."""

GAP, DIGITS, LETTERS, SINGLE, JOINS, ARROW, BAR, STOP, MARKED = range(9)
"""Classes of characters: between words; in a number or a word; a word by itself; goes on with what it follows; trails'
separators that are hardly anything else, and that often are; sentence marks that titles lack, and that they have."""
ARROWS, BARS, STOPS, MARKS = ">»›→", "|/·", ".。．｡", "!?！？"

BEGINS, WITHIN, ENDS, CONFIRMS, TRAIL, BAR_TRAIL = range(1, 7)
"""What a phrase can be besides a part of a line that consists of phrases."""
ROLES = {"begins": BEGINS, "within": WITHIN, "ends": ENDS, "confirms": CONFIRMS}
COUNTS: dict[Kind, tuple[str, str]] = {
    "navigation": ("navigation_lines", "lines removed that are menus, pointers to other pages or breadcrumb trails"),
    "cookies": ("cookie_lines", "lines removed that are cookie and consent notices"),
    "sharing": ("share_lines", "lines removed that are share bars"),
    "subscribing": ("subscribe_lines", "lines removed that ask to subscribe, sign up or log in"),
    "comments": ("comment_lines", "lines removed that are headings and forms of comments"),
    "copyright": ("copyright_lines", "lines removed that are copyright footers"),
}

MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
NUMBER = np.uint64(0x9D39247E33776D41)
"""The hash of every run of digits."""


class Characters(NamedTuple):
    """What a line's characters are, by code point."""

    classes: np.ndarray
    """GAP to MARKED; uint8[2**21]."""
    lower: np.ndarray
    """The lower-case code point; int32[2**21]."""


class Table(NamedTuple):
    """The phrases by the hash of their words: open addressing, 0 where a slot is empty."""

    hashes: np.ndarray
    """uint64[SLOTS]."""
    weights: np.ndarray
    """What the phrase adds to a line that consists of phrases, -1 where it is no part of one; int64[SLOTS]."""
    roles: np.ndarray
    """BEGINS to BAR_TRAIL, 0 for none; int64[SLOTS]."""
    limits: np.ndarray
    """The most words that a line has for that role; int64[SLOTS]."""
    kinds: np.ndarray
    """Index in KINDS; int64[SLOTS]."""
    beginnings: np.ndarray
    """Whether a phrase begins with a word whose hash ends with these 16 bits; bool[65536]."""
    longest: int
    """Words of the longest phrase."""


@functools.cache
def characters() -> Characters:
    """Return the classes and lower-case forms of all code points."""
    table = properties()
    flags = table.pages[(table.index[:, None] * 256 + np.arange(256)).ravel()]
    classes = np.full(1 << 21, GAP, np.uint8)
    classes[(flags & LETTER) != 0] = LETTERS
    classes[(flags & DIGIT) != 0] = DIGITS
    classes[(flags & MARK) != 0] = JOINS
    classes[(flags & ALONE_BIT) != 0] = SINGLE
    classes[ord("©")] = classes[ord("ⓒ")] = SINGLE
    for kind, marks in ((ARROW, ARROWS), (BAR, BARS), (STOP, STOPS), (MARKED, MARKS)):
        classes[[ord(mark) for mark in marks]] = kind
    lower = np.arange(1 << 21, dtype=np.int32)
    for code in range(0x20000):
        form = chr(code).lower()
        if len(form) == 1:
            lower[code] = ord(form)
    lower[ord("ⓒ")] = ord("©")
    return Characters(fixed(classes, np.uint8), fixed(lower, np.int32))


@inlined
def _mix(state, value):  # type: ignore[no-untyped-def]
    """Return uint64 state and value as one."""
    mixed = (state ^ value) * MULTIPLIER
    return mixed ^ (mixed >> np.uint64(29))


@kernel
def _line_words(data, start, end, characters, words, signs):  # type: ignore[no-untyped-def]
    """Fill words uint64[MAX_WORDS] with the hashes of a line's words; return their number, -1 if there are more.

    signs: int64[9], how often each class of separators is in the line, and of sentence marks behind the last word.
    """
    before: Any = GAP
    count, state = 0, np.uint64(0)
    signs[:] = 0
    position = start
    while position < end:
        code, length = decode(data, position, end)
        position += length
        kind: Any = np.int64(characters.classes[code])
        if kind == JOINS and before != GAP:
            kind = before
        elif kind >= JOINS:
            signs[kind] += 1
            kind = GAP
        begins = kind != GAP and (kind != before or (kind == SINGLE and characters.classes[code] != JOINS))
        if begins:
            if count == words.size:
                return -1
            count += 1
            state = np.uint64(0)
            signs[STOP] = signs[MARKED] = 0
        before = kind
        if kind == DIGITS:
            words[count - 1] = NUMBER
        elif kind != GAP:
            state = _mix(state, np.uint64(characters.lower[code]))
            words[count - 1] = state
    return count


@inlined
def _find(table, hashed):  # type: ignore[no-untyped-def]
    """Return the slot of a phrase's hash, or of the empty slot where it would be."""
    slot = np.int64(hashed & np.uint64(SLOTS - 1))
    while table.hashes[slot] != hashed and table.hashes[slot] != 0:
        slot = (slot + 1) & (SLOTS - 1)
    return slot


@kernel
def _fits(table, slot, first, stop, n_words, signs):  # type: ignore[no-untyped-def]
    """Whether the phrase of the words `first` to `stop` of a line says by itself that the line is boilerplate."""
    role, limit = table.roles[slot], table.limits[slot]
    sentence = signs[STOP] + signs[MARKED] > 0
    if role == ENDS:
        return stop == n_words <= limit and not sentence
    if role == WITHIN or (role == BEGINS and first == 0):
        return n_words <= (limit // 2 if sentence else limit) or stop - first == n_words
    if first > 0 or n_words > limit:
        return False
    if role == TRAIL:
        return signs[ARROW] > 0 and signs[STOP] == 0
    return role == BAR_TRAIL and signs[BAR] > 1 and not sentence


@kernel
def _judge_words(words, n_words, signs, table):  # type: ignore[no-untyped-def]
    """Return the index in KINDS of the kind of boilerplate that a line is, -1 if it is none.

    The line is covered from its beginning with the longest phrases, as far as that goes.
    """
    covered, weight, heaviest, kind, found, begun = 0, 0, -1, -1, 0, -1
    for first in range(n_words):
        hashed, reach = np.uint64(0), 0
        if table.beginnings[words[first] & np.uint64(0xFFFF)]:
            for word in range(first, min(first + table.longest, n_words)):
                hashed = _mix(hashed, words[word])
                slot = _find(table, hashed)
                if table.hashes[slot] == 0:
                    continue
                if _fits(table, slot, first, word + 1, n_words, signs):
                    return table.kinds[slot]
                if table.roles[slot] == CONFIRMS and table.kinds[slot] == begun and n_words <= table.limits[slot]:
                    return begun
                if table.roles[slot] == BEGINS and first == 0:
                    begun = table.kinds[slot]
                if table.weights[slot] >= 0:
                    reach, found = word + 1 - first, slot
        if covered == first and reach:
            covered += reach
            weight += table.weights[found]
            if table.weights[found] > heaviest:
                heaviest, kind = table.weights[found], table.kinds[found]
    return kind if covered == n_words and weight >= ALONE else -1


@kernel
def _judge_lines(data, starts, ends, characters, table, kinds):  # type: ignore[no-untyped-def]
    """Fill kinds int8[m]: the index in KINDS of what each line is, -1 if it is none of them."""
    words, signs = np.empty(MAX_WORDS, np.uint64), np.empty(MARKED + 1, np.int64)
    for line in range(starts.size):
        kinds[line] = -1
        if 0 < ends[line] - starts[line] <= MAX_BYTES:
            n_words = _line_words(data, starts[line], ends[line], characters, words, signs)
            if n_words > 0:
                kinds[line] = _judge_words(words, n_words, signs, table)


@kernel
def _add_phrase(data, start, end, characters, table, weight, role, limit, kind):  # type: ignore[no-untyped-def]
    """Put the phrase `data[start:end]` into the table, or another role of it; return the number of its words."""
    words, hashed = np.empty(MAX_WORDS, np.uint64), np.uint64(0)
    n_words = _line_words(data, start, end, characters, words, np.empty(MARKED + 1, np.int64))
    for word in range(n_words):
        hashed = _mix(hashed, words[word])
    slot = _find(table, hashed)
    table.hashes[slot], table.kinds[slot] = hashed, kind
    table.weights[slot] = max(table.weights[slot], weight)
    if role:
        table.roles[slot], table.limits[slot] = role, limit
    table.beginnings[words[0] & np.uint64(0xFFFF)] = True
    return n_words


@functools.cache
def phrase_table(kinds: frozenset[Kind]) -> Table:
    """Return the table of the phrases of some kinds."""
    weights, roles, limits, numbers = np.full(SLOTS, -1), *np.zeros((3, SLOTS), np.int64)
    table = Table(np.zeros(SLOTS, np.uint64), weights, roles, limits, numbers, np.zeros(1 << 16, np.bool_), 0)
    longest = 0
    for group in PHRASES:
        if group.kind in kinds:
            covers = group.role == "covers"
            weight, role, limit = (group.value, 0, 0) if covers else (-1, ROLES[group.role], group.value)
            longest = max(longest, _add_phrases(table, group.each(), weight, role, limit, group.kind))
    if "navigation" in kinds:
        _add_phrases(table, TRAIL_HEADS, -1, TRAIL, TRAIL_WORDS, "navigation")
        _add_phrases(table, BAR_TRAIL_HEADS, -1, BAR_TRAIL, TRAIL_WORDS, "navigation")
    return Table(*(fixed(array, array.dtype) for array in table[:-1]), longest)  # type: ignore[call-arg, arg-type]


def _add_phrases(table: Table, phrases: Sequence[str], weight: int, role: int, limit: int, kind: Kind) -> int:
    """Add phrases to the table, with some digits for `#`; return the number of words of the longest."""
    texts = Texts.from_arrow(pa.array([phrase.replace("#", "0") for phrase in phrases], pa.large_string()))
    bounds = zip(texts.offsets[:-1].tolist(), texts.offsets[1:].tolist(), strict=True)
    place = KINDS.index(kind)
    return max(_add_phrase(texts.data, *span, characters(), table, weight, role, limit, place) for span in bounds)


class BoilerplateConfig(Config):
    """Lines of menus, notices and buttons, removed."""

    step: Literal["boilerplate"] = "boilerplate"
    """The cleaner\'s name."""
    kinds: Annotated[tuple[Kind, ...], Field(min_length=1)] = KINDS
    """The kinds of lines to remove."""


def line_kinds(texts: Texts, kinds: frozenset[Kind] = frozenset(KINDS)) -> np.ndarray:
    """Return which of KINDS each line is, by its index there, -1 for none; int8[number of lines]."""
    lines = texts.lines()
    found = np.empty(len(lines), np.int8)
    _judge_lines(texts.data, lines.starts, lines.ends, characters(), phrase_table(kinds), found)
    return found


def clean(texts: pa.Array, config: BoilerplateConfig) -> Cleaned:
    """Remove the lines; as `Cleaner.clean`."""
    batch = Texts.from_arrow(texts)
    lines, kinds = batch.lines(), line_kinds(batch, frozenset(config.kinds))
    counts = {name: count_lines(lines, kinds == KINDS.index(kind)) for kind, (name, _) in COUNTS.items()}
    return Cleaned(keep_lines(texts, lines, kinds < 0), counts)


BOILERPLATE = Cleaner(
    name="boilerplate",
    revision=1,
    source="corpuskit: the table in corpuskit.clean.phrases (English, Chinese, German, French, Spanish)",
    config=BoilerplateConfig,
    counts=dict(COUNTS.values()),
    clean=clean,
)
