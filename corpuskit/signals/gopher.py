r"""The quality signals of Gopher (Rae et al. 2021).

The paper (arXiv 2112.11446, appendix A, "Quality filtering") names the rules and their thresholds and leaves details
open; they are decided here as follows.

* Words are those of `str.split()`: punctuation stays with its word, as in dolma and DCLM.
* Symbols are counted as they occur: `#`, and `...` (from the left, without overlap: "......" has two) or `…`.
* Lines are separated by "\n"; lines of white space alone count neither as lines nor as bullets.
* A bullet is the first character of a line after white space: `•`, `●`, `*` or `-`, the union of what datatrove, dolma
  and DCLM take. A line ends with an ellipsis when `...` or `…` comes last, white space after it ignored.
* Alphabetic is a character of category L* (`str.isalpha()`), or the ideographic zero 〇.
* Stop words are counted distinct, spelt as in the paper: "The" and "that," are none.
"""

import numpy as np
import pyarrow as pa

from corpuskit.kernels import Texts, fixed, inlined, kernel
from corpuskit.kernels.intrinsics import load64
from corpuskit.kernels.utf8 import LETTER, decode, lookup, properties
from corpuskit.signals.group import Signal, SignalGroup, ratio

STOP_WORDS = ("the", "be", "to", "of", "and", "that", "have", "with")
BULLETS = "•●*-"

HASH, NEWLINE = ord("#"), ord("\n")
THREE_DOTS, ELLIPSIS = (int.from_bytes(text.encode(), "big") for text in ("...", "…"))
"""The two ellipses as UTF-8; each takes three bytes."""

COUNTS = (
    "words",
    "characters",
    "hashes",
    "ellipses",
    "alpha_words",
    "lines",
    "bullet_lines",
    "ellipsis_lines",
    "stop_words",
)
WORDS, CHARACTERS, HASHES, ELLIPSES, ALPHA_WORDS, LINES, BULLET_LINES, ELLIPSIS_LINES, STOP = range(len(COUNTS))


@kernel
def _count_symbols(data):  # type: ignore[no-untyped-def]
    """Return the numbers of characters, of `#`, and of `...` or `…` in uint8[n] data."""
    characters = hashes = ellipses = 0
    for byte in data:
        characters += (byte & 0xC0) != 0x80
        hashes += byte == HASH
    last_three = np.int64(0)
    for byte in data:
        last_three = ((last_three << 8) | byte) & 0xFFFFFF
        if last_three in (THREE_DOTS, ELLIPSIS):
            ellipses += 1
            last_three = np.int64(0)
    return characters, hashes, ellipses


@inlined
def _has_letter(data, start, end, index, pages):  # type: ignore[no-untyped-def]
    """Whether a LETTER of the character table (index, pages) is in `data[start:end]`."""
    position = start
    while position < end:
        code, length = decode(data, position, end)
        if lookup(index, pages, code) & LETTER:
            return True
        position += length
    return False


@inlined
def _pack(data, start, end):  # type: ignore[no-untyped-def]
    """Return a word of up to 7 bytes as a uint64, length and bytes, so that no two words are equal; 0 if longer."""
    length = np.uint64(end - start)
    if length > 7:
        return np.uint64(0)
    packed = length << np.uint64(56)
    if start + 8 <= data.size:
        return packed | (load64(data, start) & ((np.uint64(1) << (np.uint64(8) * length)) - np.uint64(1)))
    for position in range(start, end):
        packed |= np.uint64(data[position]) << np.uint64(8 * (position - start))
    return packed


@inlined
def _begins_with(data, start, end, codes):  # type: ignore[no-untyped-def]
    """Whether the first character of `data[start:end]` is one of the code points."""
    first, _ = decode(data, start, end)
    for code in codes:  # noqa: SIM110 (numba compiles no generators)
        if code == first:
            return True
    return False


@inlined
def _ends_with_ellipsis(data, start, end):  # type: ignore[no-untyped-def]
    """Whether `data[start:end]` ends with `...` or `…`."""
    if end - start < 3:
        return False
    last = (np.int64(data[end - 3]) << 16) | (np.int64(data[end - 2]) << 8) | np.int64(data[end - 1])
    return last in (THREE_DOTS, ELLIPSIS)


@inlined
def _scan_gap(data, start, end):  # type: ignore[no-untyped-def]
    """Return (number of characters, whether a line feed is among them) of the white space `data[start:end]`."""
    if end - start == 1:
        return 1, data[start] == NEWLINE
    count = 0
    newline = False
    for position in range(start, end):
        count += (data[position] & 0xC0) != 0x80
        newline |= data[position] == NEWLINE
    return count, newline


@kernel
def _count(data, starts, ends, offsets, index, pages, stop_words, bullets):  # type: ignore[no-untyped-def]
    """Return int64[n, 9], the COUNTS of each document.

    starts, ends, offsets: the whitespace words. No line feed lies inside a word, so the lines that are not blank are
    found between words. stop_words: uint64[8], packed; bullets: int64[4], code points.
    """
    counts = np.zeros((offsets.size - 1, 9), np.int64)
    for document in range(offsets.size - 1):
        count = counts[document]
        first, stop = offsets[document], offsets[document + 1]
        if first == stop:
            continue
        count[WORDS] = stop - first
        span = data[starts[first] : ends[stop - 1]]
        count[CHARACTERS], count[HASHES], count[ELLIPSES] = _count_symbols(span)
        found = np.int64(0)
        begins_line = True
        for word in range(first, stop):
            start, end = starts[word], ends[word]
            count[ALPHA_WORDS] += _has_letter(data, start, end, index, pages)
            packed = _pack(data, start, end)
            for bit in range(stop_words.size):
                found |= np.int64(packed == stop_words[bit]) << bit
            ends_line = True
            if word + 1 < stop:
                gap, ends_line = _scan_gap(data, end, starts[word + 1])
                count[CHARACTERS] -= gap
            if begins_line:
                count[LINES] += 1
                count[BULLET_LINES] += _begins_with(data, start, end, bullets)
            if ends_line:
                count[ELLIPSIS_LINES] += _ends_with_ellipsis(data, start, end)
            begins_line = ends_line
        while found:
            count[STOP] += found & 1
            found >>= 1
    return counts


def measure(texts: Texts) -> dict[str, np.ndarray]:
    """Return int32[n] or float32[n] of each signal of the group; NaN where it is undefined."""
    words = texts.words("whitespace")
    table = properties()
    stop_words = fixed([len(word) << 56 | int.from_bytes(word.encode(), "little") for word in STOP_WORDS], np.uint64)
    bullets = fixed([ord(bullet) for bullet in BULLETS], np.int64)
    counts = _count(texts.data, words.starts, words.ends, words.offsets, table.index, table.pages, stop_words, bullets)
    count = dict(zip(COUNTS, counts.T, strict=True))
    return {
        "words": count["words"].astype(np.int32),
        "mean_word_length": ratio(count["characters"], count["words"]),
        "hash_ratio": ratio(count["hashes"], count["words"]),
        "ellipsis_ratio": ratio(count["ellipses"], count["words"]),
        "bullet_lines": ratio(count["bullet_lines"], count["lines"]),
        "ellipsis_lines": ratio(count["ellipsis_lines"], count["lines"]),
        "alpha_words": ratio(count["alpha_words"], count["words"]),
        "stop_words": count["stop_words"].astype(np.int32),
    }


BLANK = "texts of white space alone"
GOPHER = SignalGroup(
    name="gopher",
    revision=1,
    source="Rae et al. 2021 (Gopher), appendix A; what the paper leaves open is stated in corpuskit.signals.gopher",
    signals={
        "words": Signal(pa.int32(), "0 or more", "words of `str.split()`"),
        "mean_word_length": Signal(pa.float32(), "1 or more", "characters of the words / words", BLANK),
        "hash_ratio": Signal(pa.float32(), "0 or more", "`#` / words", BLANK),
        "ellipsis_ratio": Signal(pa.float32(), "0 or more", "`...` and `…` / words", BLANK),
        "bullet_lines": Signal(
            pa.float32(), "0 to 1", "lines that begin with `•`, `●`, `*` or `-` / non-blank lines", BLANK
        ),
        "ellipsis_lines": Signal(pa.float32(), "0 to 1", "lines that end with `...` or `…` / non-blank lines", BLANK),
        "alpha_words": Signal(pa.float32(), "0 to 1", "words with a letter / words", BLANK),
        "stop_words": Signal(pa.int32(), "0 to 8", "how many of the, be, to, of, and, that, have, with occur as words"),
    },
    measure=measure,
)
