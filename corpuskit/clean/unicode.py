"""Unicode: canonical composition (NFC), and characters that nobody sees.

`nfc` makes one spelling of each character out of the several that Unicode allows (Unicode Standard Annex 15).

`invisible` removes

* control characters: U+0000 to U+001F, U+007F to U+009F and the noncharacters, except those that `whitespace` turns
  into line ends and spaces. ftfy's `remove_control_chars` and Moses' `remove-non-printing-char` do likewise;
* format characters without a meaning of their own in running text: the soft hyphen, bidirectional controls, the word
  joiner and invisible operators, the byte order mark, deprecated format controls, interlinear annotation with the
  object replacement character, the language tag. ftfy takes the last four groups; NFKC_Casefold (Unicode Standard Annex
  44) takes all of them as "default ignorable", but also what has a meaning in some scripts;
* zero-width characters where they have none: the joiners U+200C and U+200D stay beside a letter of a script that they
  shape (cursive ones, and those with a virama: what RFC 5892, appendices A.1 and A.2, allows them for), U+200D also
  between emoji; U+200B stays between letters of scripts that write no spaces (Khmer and others mark words by it);
  tag characters stay after an emoji (flags of regions). The same joiner twice in a row is one.

Everything else stays: variation selectors, U+034F, private use, U+FFFD, signs such as U+06DD.
"""

import functools
import unicodedata
from collections.abc import Iterator
from itertools import chain, groupby
from typing import Literal

import numpy as np
import pyarrow as pa

from corpuskit.clean.cleaner import Cleaned, Cleaner
from corpuskit.clean.rewriting import rewrite
from corpuskit.config import Config
from corpuskit.kernels import Texts, fixed, inlined, kernel
from corpuskit.kernels.columns import replace_rows
from corpuskit.kernels.utf8 import PAGES, PLANES, decode

CODES = 256 * PAGES
"""Length of a table with a byte for every value that four bytes can decode to."""

ORDER, SECOND, FIRST, NEVER = 0x3F, 0x40, 0x80, 0xFF
"""What the NFC table says of a character: its combining class (as a rank among the classes), whether it may compose
with a character before it, whether one after it may compose with it, and (all bits) that it never is in NFC."""
LONG_RUN = 256
"""Marks in a row from which `unicodedata.normalize`, whose sorting is quadratic, is helped. Real text has under 20."""
NORMAL, DENORMAL, LONG = 0, 1, 2
"""What the kernel says of a text: is in NFC; may not be; may not be and has a LONG_RUN."""


class NfcConfig(Config):
    """NFC has nothing to set."""

    step: Literal["nfc"] = "nfc"
    """The cleaner's name."""


def _characters() -> Iterator[str]:
    """Every character that may be assigned."""
    return (chr(code) for plane in PLANES for code in range(plane << 16, (plane + 1) << 16))


@functools.cache
def nfc_table() -> np.ndarray:
    """Return what ORDER, SECOND, FIRST and NEVER say of each code point, from Python's `unicodedata`; uint8[2**21]."""
    marks = {c: unicodedata.combining(c) for c in _characters() if unicodedata.combining(c)}
    ranks = {value: rank for rank, value in enumerate(sorted({0, *marks.values()}))}
    canonical = [c for c in _characters() if unicodedata.decomposition(c) and unicodedata.normalize("NFD", c) != c]
    composed = [c for c in canonical if unicodedata.normalize("NFC", c) == c]
    pairs = [[chr(int(code, 16)) for code in unicodedata.decomposition(c).split()] for c in composed]
    firsts, seconds = {pair[0] for pair in pairs}, {pair[1] for pair in pairs}
    table = np.zeros(CODES, np.uint8)
    for c, value in marks.items():
        table[ord(c)] = ranks[value]
    for c in {*firsts, *seconds, *composed}:
        spelt = unicodedata.normalize("NFD", c)
        table[ord(c)] |= FIRST * bool(firsts & {c, *spelt}) | SECOND * (spelt[0] in seconds)
    _add_hangul(table)
    for c in canonical:
        if unicodedata.normalize("NFC", c) != c:
            table[ord(c)] = NEVER
    return fixed(table, np.uint8)


def _add_hangul(table: np.ndarray) -> None:
    """Syllables are composed by rule (Unicode Standard 3.12): lead + vowel, then syllable without a tail + tail."""
    table[0x1100:0x1113] |= FIRST
    table[0x1161:0x1176] |= SECOND
    table[0x11A8:0x11C3] |= SECOND
    table[0xAC00:0xD7A4:28] |= FIRST


@inlined
def _is_ascii(data, position, stop):  # type: ignore[no-untyped-def]
    high = np.uint8(0)
    for byte in data[position:stop]:
        high |= byte
    return high < 0x80


@kernel
def _quick_check(data, offsets, table, verdicts):  # type: ignore[no-untyped-def]
    """Fill verdicts uint8[n] with NORMAL, DENORMAL or LONG; table uint8[2**21].

    The quick check of Unicode Standard Annex 15, section 9, with its "maybe" narrowed: what may compose with a
    character before it does not where the last starter composes with nothing.
    """
    for document in range(offsets.size - 1):
        position, stop = offsets[document], offsets[document + 1]
        verdicts[document] = NORMAL
        if _is_ascii(data, position, stop):
            continue
        order = run = 0
        composes = False
        while position < stop:
            code, length = decode(data, position, stop)
            position += length
            value = table[code]
            before, order = order, value & ORDER
            if value == NEVER or (order and order < before) or (composes and value & SECOND):
                verdicts[document] = max(verdicts[document], DENORMAL)
            if order:
                run += 1
                if run == LONG_RUN:
                    verdicts[document] = LONG
                    break
            else:
                composes = (value & FIRST) != 0
                run = 0


def _sorted_marks(text: str) -> str:
    """Return a canonically equivalent text whose marks are in order, in time n log n."""
    spelt = chain.from_iterable(unicodedata.normalize("NFD", character) for character in text)
    runs = groupby(spelt, key=lambda character: unicodedata.combining(character) > 0)
    return "".join(chain.from_iterable(sorted(run, key=unicodedata.combining) if mark else run for mark, run in runs))


def compose(texts: pa.Array, config: NfcConfig) -> Cleaned:
    """Bring texts to NFC, by the Unicode version of Python's `unicodedata`.

    pyarrow's `utf8_normalize` is not used: at "NFC" it leaves texts decomposed (seen in pyarrow 25).

    Args:
        texts: large_string[n], without nulls.
        config: nothing to set.
    """
    batch = Texts.from_arrow(texts)
    verdicts = np.zeros(len(batch), np.uint8)
    _quick_check(batch.data, batch.offsets, nfc_table(), verdicts)
    counts = np.zeros(len(batch), np.int32)
    marked, values = np.flatnonzero(verdicts), []
    for row, old in zip(marked, texts.take(pa.array(marked)).to_pylist(), strict=True):
        new = unicodedata.normalize("NFC", _sorted_marks(old) if verdicts[row] == LONG else old)
        if new != old:
            counts[row] = 1
            values.append(new)
    return Cleaned(replace_rows(texts, np.flatnonzero(counts), values), {"nfc": counts})


KEPT, CONTROL, FORMAT, NON_JOINER, JOINER, ZERO_SPACE, TAG = range(7)
"""What becomes of a character: stays; removed; stays only where the rules of the module's docstring say."""
ACTION, SHAPED, EMOJI, UNSPACED, TAGGED = 0x0F, 0x10, 0x20, 0x40, 0x80
"""The bits that hold it, and what a character is to its neighbours: a letter that joiners shape, (a part of) an emoji,
a letter of a script without spaces, a tag."""

CONTROLS = (*range(0x09), *range(0x0E, 0x20), *range(0x7F, 0x85), *range(0x86, 0xA0))
NONCHARACTERS = (*range(0xFDD0, 0xFDF0), *(plane << 16 | low for plane in range(17) for low in (0xFFFE, 0xFFFF)))
FORMATS = (0xAD, 0x61C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2060, 0x2070), 0xFEFF, *range(0xFFF9, 0xFFFD))
LANGUAGE_TAG = 0xE0001
TAGS = range(0xE0020, 0xE0080)
EMOJI_PARTS = (range(0x2190, 0x2C00), range(0x1F000, 0x1FC00), (0xFE0F,))
"""Blocks of arrows, symbols and pictographs, and the variation selector for emoji: where the sequences of the Unicode
Technical Standard 51 take their parts from."""

CURSIVE = {"ADLAM", "ARABIC", "HANIFI", "MANDAIC", "MANICHAEAN", "MONGOLIAN", "NKO", "PHAGS-PA", "SYRIAC"}
"""Scripts whose letters join, by the first word of their characters' names (Unicode Standard, chapters 9 to 14)."""
WITHOUT_SPACES = {"BALINESE", "JAVANESE", "KHMER", "LAO", "MYANMAR", "NEW", "TAI", "THAI"}
"""South-East Asian scripts without spaces between words, likewise (Unicode Standard, chapters 16, 17); NEW is New Tai
Lue."""
VIRAMA = 9
"""The combining class of viramas: signs that kill a vowel, and join or split consonants together with joiners."""


class InvisibleConfig(Config):
    """What is invisible has nothing to set."""

    step: Literal["invisible"] = "invisible"
    """The cleaner's name."""


def _script(character: str) -> str:
    return unicodedata.name(character, "").partition(" ")[0]


@functools.cache
def invisible_table() -> np.ndarray:
    """Return ACTION and the bits for neighbours of each code point, from Python's `unicodedata`; uint8[2**21]."""
    table = np.zeros(CODES, np.uint8)
    marked = [c for c in _characters() if unicodedata.category(c) in ("Lo", "Lm", "Lu", "Ll", "Mn", "Mc", "Nd")]
    letters = [(c, _script(c)) for c in marked]
    shaped = CURSIVE | {script for c, script in letters if unicodedata.combining(c) == VIRAMA}
    for c, script in letters:
        table[ord(c)] = SHAPED * (script in shaped) | UNSPACED * (script in WITHOUT_SPACES)
    for codes in EMOJI_PARTS:
        table[list(codes)] |= EMOJI
    table[[*CONTROLS, *NONCHARACTERS]] = CONTROL
    table[[*FORMATS, LANGUAGE_TAG]] = FORMAT
    table[0x200B], table[0x200C], table[0x200D] = ZERO_SPACE, NON_JOINER, JOINER
    table[TAGS] = TAG | TAGGED
    return fixed(table, np.uint8)


@inlined
def _is_plain(data, position, stop):  # type: ignore[no-untyped-def]
    """Whether `data[position:stop]` is ASCII without control characters."""
    others = 0
    for byte in data[position:stop]:
        others += (byte >= 0x7F) | ((byte < 0x20) & ((byte < 0x09) | (byte > 0x0D)))
    return others == 0


@inlined
def _stays(value, previous, following):  # type: ignore[no-untyped-def]
    """Whether a character stays; values of the table for it, for the last one that stayed, and for the next one."""
    action = value & ACTION
    if action == KEPT:
        return True
    both = previous & following
    if action in (NON_JOINER, JOINER) and (previous & ACTION) != action:
        return (previous | following) & SHAPED != 0 or (action == JOINER and both & EMOJI != 0)
    if action == ZERO_SPACE:
        return both & UNSPACED != 0
    return action == TAG and previous & (EMOJI | TAGGED) != 0


@kernel
def _remove(data, offsets, rows, table, places, out, counts, write):  # type: ignore[no-untyped-def]
    """Clean the texts `rows` int64[m]: fill counts int32[2, m] and, if `write`, the bytes from `out[places[i]]` on.

    places: int64[m]; each is moved to the end of its text. counts: control characters, others.
    """
    for index in range(rows.size):
        position, stop = offsets[rows[index]], offsets[rows[index] + 1]
        place = places[index]
        if not write and _is_plain(data, position, stop):
            places[index] = place + stop - position
            continue
        previous = np.uint8(0)
        while position < stop:
            code, length = decode(data, position, stop)
            value = table[code]
            following = np.uint8(0)
            if value & ACTION > FORMAT and position + length < stop:
                following = table[decode(data, position + length, stop)[0]]
            if _stays(value, previous, following):
                previous = value
                for step in range(length):
                    if write:
                        out[place + step] = data[position + step]
                place += length
            else:
                counts[int(value != CONTROL), index] += 1
            position += length
        places[index] = place


def remove(texts: pa.Array, config: InvisibleConfig) -> Cleaned:
    """Remove invisible characters, as the module's docstring says.

    Args:
        texts: large_string[n], without nulls.
        config: nothing to set.
    """
    batch = Texts.from_arrow(texts)
    table = invisible_table()
    sizes, counts = np.zeros(len(batch), np.int64), np.zeros((2, len(batch)), np.int32)
    rows = fixed(np.arange(len(batch)), np.int64)
    _remove(batch.data, batch.offsets, rows, table, sizes, np.empty(0, np.uint8), counts, False)

    def write(rows: np.ndarray, bounds: np.ndarray, out: np.ndarray) -> None:
        again = np.zeros((2, rows.size), np.int32)
        _remove(batch.data, batch.offsets, fixed(rows, np.int64), table, bounds[:-1].copy(), out, again, True)

    cleaned = rewrite(texts, counts[0] + counts[1] > 0, sizes, write)
    return Cleaned(cleaned, {"control_characters": counts[0], "zero_width_characters": counts[1]})


NFC = Cleaner(
    name="nfc",
    revision=1,
    source="Unicode Standard Annex 15, by the Unicode version of Python",
    config=NfcConfig,
    counts={"nfc": "1 where the text was not in NFC"},
    clean=compose,
)
INVISIBLE = Cleaner(
    name="invisible",
    revision=1,
    source="ftfy, RFC 5892 and the Unicode Standard, as corpuskit.clean.unicode says",
    config=InvisibleConfig,
    counts={
        "control_characters": "control characters and noncharacters removed",
        "zero_width_characters": "zero-width and other format characters removed",
    },
    clean=remove,
)
