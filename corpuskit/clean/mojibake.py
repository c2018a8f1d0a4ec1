"""Mojibake: text that was decoded in the wrong encoding, repaired by ftfy where its heuristic sees any.

A kernel runs ftfy's own heuristic (`ftfy.badness`) as a finite automaton and finds the lines that ftfy would look at;
`ftfy.fix_encoding` sees these and no others. Lines are repaired one by one, as `ftfy.fix_text` does, because a page may
hold one mojibake paragraph: repaired as a whole, it would have to be mojibake in one encoding from end to end.
"""

import functools
from collections.abc import Callable
from itertools import groupby
from typing import Literal

import numpy as np
import pyarrow as pa

from corpuskit.clean.automaton import ACCEPT, Automaton, compile_automaton
from corpuskit.clean.cleaner import Cleaned, Cleaner
from corpuskit.config import Config
from corpuskit.errors import MissingExtra
from corpuskit.kernels import Texts, kernel
from corpuskit.kernels.columns import replace_rows
from corpuskit.kernels.utf8 import decode

FEED = 0x0A
LONGEST = 100_000
"""Characters after which a line is cut: in the worst case ftfy's time grows with the square of what it repairs at once
(a line of CESU-8 mojibake: 0.5 s for 100,000 characters, 20 s for the 1,000,000 of ftfy's own `max_decode_length`)."""
ROOM = 1024
"""Suspicious lines that the first pass over a batch has room for."""


class MojibakeConfig(Config):
    """Mojibake repair has nothing to set."""

    step: Literal["mojibake"] = "mojibake"
    """The cleaner's name."""


@functools.cache
def _fixer() -> Callable[[str], str]:
    """Return ftfy's repair of one line.

    Raises:
        MissingExtra: ftfy is not installed.
    """
    try:
        import ftfy
    except ImportError:
        raise MissingExtra("ftfy", "web", "the cleaner `mojibake`") from None
    return functools.partial(ftfy.fix_encoding, config=ftfy.TextFixerConfig(explain=False))


@functools.cache
def badness() -> Automaton:
    """Return ftfy's heuristic as an automaton; takes some 0.3 s.

    Raises:
        MissingExtra: ftfy is not installed.
        ValueError: this version of ftfy has a heuristic of another form.
    """
    _fixer()
    from ftfy.badness import BADNESS_RE

    return compile_automaton(BADNESS_RE.pattern)


@kernel
def _find(data, offsets, classes, transitions, start, found):  # type: ignore[no-untyped-def]
    """Find the lines in which the automaton accepts; return how many there are.

    Each goes to found int64[room, 3] while there is room: document, first byte, byte after it. A line includes its line
    feed, and ends after LONGEST characters.
    """
    count = 0
    for document in range(offsets.size - 1):
        position, stop = offsets[document], offsets[document + 1]
        high = np.uint8(0)
        for byte in data[position:stop]:
            high |= byte
        if high < 0x80:
            continue  # ASCII is never mojibake
        while position < stop:
            begin, characters, code = position, 0, np.int64(0)
            state = np.int64(start)
            while position < stop and characters < LONGEST and code != FEED:
                code, length = decode(data, position, stop)
                state = np.int64(transitions[state + classes[code]])
                position += length
                characters += 1
            if state == ACCEPT:
                if count < found.shape[0]:
                    found[count, 0], found[count, 1], found[count, 2] = document, begin, position
                count += 1
    return count


def suspicious(texts: Texts) -> np.ndarray:
    """Return (document, first byte, byte after it) of each line that ftfy takes for mojibake; int64[m, 3].

    Raises:
        MissingExtra: ftfy is not installed.
    """
    automaton = badness()
    room = ROOM
    while True:
        found = np.empty((room, 3), np.int64)
        arguments = automaton.classes, automaton.transitions, automaton.start, found
        count = _find(texts.data, texts.offsets, *arguments)
        if count <= room:
            return found[:count]
        room = count


def repair(texts: pa.Array, config: MojibakeConfig) -> Cleaned:
    """Repair the lines that ftfy takes for mojibake.

    Args:
        texts: large_string[n], without nulls.
        config: nothing to set.

    Raises:
        MissingExtra: ftfy is not installed.
    """
    batch = Texts.from_arrow(texts)
    fix = _fixer()
    counts = np.zeros(len(batch), np.int32)
    values = []
    for row, lines in groupby(suspicious(batch).tolist(), key=lambda line: line[0]):
        pieces, done, stop = [], int(batch.offsets[row]), int(batch.offsets[row + 1])
        for _, start, end in lines:
            old = batch.data[start:end].tobytes().decode()
            new = fix(old)
            if new != old:
                pieces += [batch.data[done:start].tobytes(), new.encode()]
                done = end
                counts[row] += 1
        if pieces:
            values.append(b"".join([*pieces, batch.data[done:stop].tobytes()]).decode())
    return Cleaned(replace_rows(texts, np.flatnonzero(counts), values), {"mojibake": counts})


MOJIBAKE = Cleaner(
    name="mojibake",
    revision=1,
    source="ftfy, `fix_encoding` line by line",
    config=MojibakeConfig,
    counts={"mojibake": "lines repaired"},
    clean=repair,
    libraries=("pyarrow", "numba", "ftfy"),
)
