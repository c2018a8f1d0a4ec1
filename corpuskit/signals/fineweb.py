r"""FineWeb's quality filters as numbers, as datatrove 0.10 computes them (FineWebQualityFilter; Penedo et al. 2024).

Lines are those of `text.split("\n")` that are not white space alone, *not* stripped: a line that ends with a mark and a
blank, or a carriage return, ends with no mark. FineWeb drops a page where

* `end_mark_lines`, lines whose last character is one of TERMINAL_MARKS (no quotes, no `…`) / lines, is below 0.12;
* `short_lines`, lines of at most 30 characters / lines, is above 0.67;
* `duplicate_line_characters`, characters of lines that equal an earlier one / characters of the text without "\n", is
  above 0.01; lines are equal where their 64-bit hashes are;
* `newlines_per_word`, "\n" / words, is above 0.3: all of them, those around blank lines too.

datatrove counts the words of spaCy's tokenizer, marks included; `words: tokens`, the default, is close to it. A text of
white space alone, which datatrove drops as "empty", has none of the four. `newlines_per_word` is undefined where a text
has no word of the kind that is counted; there datatrove divides by zero.
"""

import functools

import numpy as np
import pyarrow as pa

from corpuskit.kernels import Texts, fixed, kernel
from corpuskit.kernels.utf8 import decode
from corpuskit.signals.group import Signal, SignalGroup, WordsConfig, ratio

TERMINAL_MARKS = """
    21 2E 3F 589 61D-61F 6D4 700-702 7F9 837 839 83D-83E 964-965 104A-104B 1362 1367-1368 166E 1735-1736 17D4-17D6
    17D9-17DA 1803 1809 1944-1945 1AA8-1AAB 1B5A-1B5B 1B5E-1B5F 1B7D-1B7E 1C3B-1C3C 1C7E-1C7F 203C-203D 2047-2049 2E2E
    2E3C 2E53-2E54 3002 A4FF A60E-A60F A6F3 A6F7 A876-A877 A8CE-A8CF A92F A9C8-A9C9 AA5D-AA5F AAF0-AAF1 ABEB FE52
    FE56-FE57 FF01 FF0E FF1F FF61 10A56-10A57 10F55-10F59 10F86-10F89 11047-11048 110BE-110C1 11141-11143 111C5-111C6
    111CD 111DE-111DF 11238-11239 1123B-1123C 112A9 1144B-1144C 115C2-115C3 115C9-115D7 11641-11642 1173C-1173E 11944
    11946 11A42-11A43 11A9B-11A9C 11C41-11C42 11EF7-11EF8 11F43-11F44 16A6E-16A6F 16AF5 16B37-16B38 16B44 16E98 1BC9F
    1DA88
"""
"""datatrove's TERMINAL_PUNCTUATION, 159 code points: Unicode's property Sentence_Terminal as it was about version 15,
and three Khmer marks, U+17D6, U+17D9 and U+17DA."""
SHORT = 30
"""At most so many characters in a short line."""
LINES, MARKED, SHORT_LINES, REPEATED, CHARACTERS = range(5)


@functools.cache
def terminal_marks() -> np.ndarray:
    """Return whether each number that four bytes of UTF-8 can decode to is one of the TERMINAL_MARKS; bool[2**21]."""
    marks = np.zeros(1 << 21, np.bool_)
    for span in TERMINAL_MARKS.split():
        first, _, last = span.partition("-")
        marks[int(first, 16) : int(last or first, 16) + 1] = True
    return fixed(marks, np.bool_)


@kernel
def _count(data, ends, offsets, characters, repeats, blank, marks):  # type: ignore[no-untyped-def]
    """Return int64[n, 5]: lines, those with a mark, short ones; characters of repeated lines and of all lines.

    characters, repeats, blank: those of the lines, of which blank ones count for their characters alone.
    """
    counts = np.zeros((offsets.size - 1, 5), np.int64)
    for document in range(offsets.size - 1):
        lines = marked = short = repeated = total = 0
        for line in range(offsets[document], offsets[document + 1]):
            total += characters[line]
            if blank[line]:
                continue
            end = ends[line]
            last = end - 1
            while (data[last] & 0xC0) == 0x80:
                last -= 1
            code, _ = decode(data, last, end)
            lines += 1
            marked += marks[code]
            short += characters[line] <= SHORT
            repeated += characters[line] * repeats[line]
        counts[document] = lines, marked, short, repeated, total
    return counts


def measure(texts: Texts, config: WordsConfig) -> dict[str, np.ndarray]:
    """Return float32[n] of each signal of the group; NaN where it is undefined."""
    lines = texts.lines()
    blank = fixed(lines.stripped().lengths() == 0, np.bool_)
    of_lines = lines.ends, lines.offsets, lines.characters(), lines.repeats(), blank
    count = _count(texts.data, *of_lines, terminal_marks()).T
    words = np.where(count[LINES] > 0, texts.words(config.words).counts(), 0)
    return {
        "end_mark_lines": ratio(count[MARKED], count[LINES]),
        "short_lines": ratio(count[SHORT_LINES], count[LINES]),
        "duplicate_line_characters": ratio(count[REPEATED], np.where(count[LINES] > 0, count[CHARACTERS], 0)),
        "newlines_per_word": ratio(lines.counts() - 1, words),
    }


BLANK = "texts of white space alone"
FINEWEB_DATATROVE = SignalGroup(
    name="fineweb@datatrove",
    revision=1,
    source="Penedo et al. 2024 (FineWeb), as FineWebQualityFilter of datatrove 0.10 computes it",
    signals={
        "end_mark_lines": Signal(
            pa.float32(), "0 to 1", "lines that end with a terminal mark / non-blank lines", BLANK
        ),
        "short_lines": Signal(pa.float32(), "0 to 1", f"lines of at most {SHORT} characters / non-blank lines", BLANK),
        "duplicate_line_characters": Signal(
            pa.float32(),
            "0 to 1",
            "characters of non-blank lines seen before / characters other than line feeds",
            BLANK,
        ),
        "newlines_per_word": Signal(pa.float32(), "0 or more", "line feeds / words", f"{BLANK} or without a word"),
    },
    measure=measure,
    config=WordsConfig,
    defaults={"words": "tokens"},
)
