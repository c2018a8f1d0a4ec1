"""The word scan: where words begin and end.

`unicode` words are maximal runs of letters, marks and digits (categories L*, M*, Nd), with one exception: a letter of
a script written without spaces between words (`utf8.ALONE_RANGES`: CJK ideographs, kana, Thai, Lao, Khmer, Myanmar) is
a word together with the marks that follow it, and with nothing else. All other characters, zero-width joiners and
apostrophes included, lie between words.

`whitespace` words are those of `str.split()`: maximal runs of characters that are not `str.isspace()`.
"""

import functools
from typing import Literal

import numpy as np

from corpuskit.kernels.compiling import fixed, inlined, kernel
from corpuskit.kernels.hashing import ALL_BITS
from corpuskit.kernels.intrinsics import ascii_masks, trailing_zeros
from corpuskit.kernels.spans import Spans
from corpuskit.kernels.utf8 import ALONE, DIGIT, LETTER, MARK, SPACE, CharacterTable, decode, lookup, properties

WordKind = Literal["unicode", "whitespace"]

GAP, RUN, JOIN, SINGLE = 0, 1, 2, 3
"""Classes of characters: between words; in a run; joins whatever word it follows; begins a word by itself.

GAP, RUN and SINGLE are also the states of the scan: outside words, inside a run, inside a word begun by a SINGLE.
"""

OPENS, CLOSES, NEXT = 1, 2, 2
"""A transition of the scan: the bit that opens a word, the bit that closes one, how far the next state is shifted."""

BLOCK = 64


def _transition(state: int, character: int) -> int:
    closes = state != GAP and (character in (GAP, SINGLE) or (state == SINGLE and character == RUN))
    opens = character != GAP and (state == GAP or closes)
    after = (state or RUN) if character == JOIN else character
    return OPENS * opens | CLOSES * closes | after << NEXT


TRANSITIONS = np.array([_transition(state, character) for state in range(4) for character in range(4)], np.int64)
"""What a character of class c does in state s: `TRANSITIONS[4 * s + c]`."""


class Words(Spans):
    """The words of a batch of documents."""


@functools.cache
def character_classes(kind: WordKind) -> CharacterTable:
    """Return the table that gives each code point its class GAP, RUN, JOIN or SINGLE.

    Raises:
        ValueError: `kind` is no kind of word.
    """
    flags = np.arange(256, dtype=np.uint8)
    classes = np.full(256, GAP, np.uint8)
    if kind == "whitespace":
        classes[(flags & SPACE) == 0] = RUN
    elif kind == "unicode":
        classes[(flags & (LETTER | DIGIT)) != 0] = RUN
        classes[(flags & MARK) != 0] = JOIN
        classes[(flags & ALONE) != 0] = SINGLE
    else:
        raise ValueError(f"no kind of word is called {kind!r}; known: unicode, whitespace")
    return properties().map(classes)


@inlined
def _ascii_run(
    data: np.ndarray, position: np.int64, stop: np.int64, scratch: np.ndarray, whitespace: bool
) -> tuple[np.uint64, np.int64]:
    """Return (uint64 mask of the word characters, length) of the run of ASCII at `position`, 64 bytes at most.

    scratch: uint8[64], used where a whole block would reach past the end of `data`; what follows `stop` is ignored.
    """
    if position + BLOCK <= data.size:
        not_ascii, letters_digits, spaces = ascii_masks(data, position)
    else:
        for place in range(position, data.size):
            scratch[place - position] = data[place]
        not_ascii, letters_digits, spaces = ascii_masks(scratch, 0)
    length = np.int64(BLOCK)
    if not_ascii:
        length = trailing_zeros(not_ascii)
    if length > stop - position:
        length = stop - position
    inside = ~spaces if whitespace else letters_digits
    return inside & (ALL_BITS >> np.uint64(BLOCK - length)), length


@inlined
def _write_places(mask: np.uint64, base: np.int64, places: np.ndarray, count: np.int64) -> np.int64:
    """Append `base` + the place of each set bit to `places`, which holds `count`; return the new count."""
    while mask:
        places[count] = base + trailing_zeros(mask)
        count += 1
        mask &= mask - np.uint64(1)
    return count


@kernel
def _scan_words(
    data: np.ndarray,
    offsets: np.ndarray,
    index: np.ndarray,
    pages: np.ndarray,
    whitespace: bool,
    starts: np.ndarray,
    ends: np.ndarray,
    word_offsets: np.ndarray,
) -> np.int64:
    """Fill starts int64[room], ends int64[room] and word_offsets int64[n_documents + 1]; return the number of words.

    Runs of ASCII are scanned 64 bytes at a time through bit masks. Other characters go through the automaton without
    a branch: each writes its position as a start and as an end, and the counters advance only where it is one.
    """
    scratch = np.empty(BLOCK, np.uint8)
    opened = closed = np.int64(0)
    for document in range(offsets.size - 1):
        position, stop = offsets[document], offsets[document + 1]
        state = np.int64(GAP)
        while position < stop:
            if data[position] < 0x80:
                inside, length = _ascii_run(data, position, stop, scratch, whitespace)
                if state == SINGLE:
                    ends[closed] = position
                    closed += 1
                    state = np.int64(GAP)
                before = (inside << np.uint64(1)) | np.uint64(state)
                scanned = ALL_BITS >> np.uint64(BLOCK - length)
                opened = _write_places(inside & ~before, position, starts, opened)
                closed = _write_places(~inside & before & scanned, position, ends, closed)
                state = np.int64(inside >> np.uint64(length - 1))
            else:
                code, length = decode(data, position, stop)
                transition = TRANSITIONS[4 * state + lookup(index, pages, code)]
                starts[opened] = position
                opened += transition & OPENS
                ends[closed] = position
                closed += (transition & CLOSES) >> 1
                state = transition >> NEXT
            position += length
        if state != GAP:
            ends[closed] = stop
            closed += 1
        word_offsets[document + 1] = opened
    return opened


def scan_words(data: np.ndarray, offsets: np.ndarray, kind: WordKind = "unicode") -> Words:
    """Find the words of each document.

    Args:
        data: uint8[n_bytes], UTF-8; read-only and contiguous, as `Texts` holds it.
        offsets: int64[n + 1], document i is `data[offsets[i]:offsets[i + 1]]`; likewise.
        kind: `unicode` or `whitespace`, as the module's docstring defines them.

    Raises:
        ValueError: `kind` is no kind of word.
    """
    table = character_classes(kind)
    n_documents = offsets.size - 1
    room = int(offsets[-1] - offsets[0] + n_documents) // 2 + 1  # of two bytes in a row at most one begins a word
    starts, ends = np.empty(room, np.int64), np.empty(room, np.int64)
    word_offsets = np.zeros(n_documents + 1, np.int64)
    n_words = _scan_words(data, offsets, table.index, table.pages, kind == "whitespace", starts, ends, word_offsets)
    starts.resize(n_words, refcheck=False)
    ends.resize(n_words, refcheck=False)
    return Words(data, fixed(starts, np.int64), fixed(ends, np.int64), fixed(word_offsets, np.int64))
