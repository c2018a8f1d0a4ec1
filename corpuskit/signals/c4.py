r"""C4's rules as numbers: which lines stay and why the others go, in three readings.

`c4@datatrove` (C4QualityFilter of datatrove 0.10) and `c4@tfds` (clean_page of TensorFlow Datasets' c4_utils.py) follow
a program to the value; `c4` is the paper (Raffel et al. 2020, section 2.2).

| | end marks | words a line | counted | `lorem_ipsum`, `curly_bracket` | sentences a page |
|---|---|---|---|---|---|
| `c4` | `. ? ! " ' ” ’` | 3 | without citations | occurrences in the text | 5 |
| `c4@datatrove` | `. ? ! " '` | 3 | with citations | lines in which they drop the page | 5 |
| `c4@tfds` | `. ? ! "` | 5 | without | the same | 3 |

Lines are those of `str.splitlines()`, stripped. Each that goes is counted under the first rule that it breaks:

1. `long_word_lines`: a word (`str.split()`) of more than 1000 characters;
2. `no_end_mark_lines`: without citations (`[12]`, `[]`, `[edit]`, `[citation needed]`) it does not end with an end
   mark, or it ends with `...`; blank lines are among these;
3. `few_word_lines`: too few words;
4. `javascript_lines`: `javascript` in any case;
5. `policy_lines`: `terms of use`, `privacy policy`, `cookie policy`, `uses cookies`, `use of cookies` or `use cookies`.

`sentences` are those of the lines that stay, as `corpuskit.kernels.sentences` counts them, not as spaCy (datatrove) and
NLTK (TFDS) do. Both programs drop a page for `lorem ipsum` in a line that passes rule 3 and for `{` in a line that
passes rule 4: such lines are counted, and judged on as any line is. The first line that would drop the page decides
which of the two is datatrove's reason; these counts do not say.

The paper is silent on rule 1 and on `...`; for `c4` both are as in the two programs, of which one is its authors'. Its
"end quotation mark" is read as straight or curly, double or single. Citations are taken out before words are counted,
as they are no words of the text. `lorem ipsum` and `{` drop a page wherever they appear.

`third_longest_line` is that of mC4 (Xue et al. 2021, section 3.1; C4ParagraphFilter in datatrove): lines of
`text.split("\n")`, not stripped, at least three of 200 characters or more. It is the same in all three groups.
"""

import functools

import numpy as np
import pyarrow as pa

from corpuskit.kernels import Texts, fixed, inlined, kernel
from corpuskit.kernels.blocks import BLOCK, REACH, padded
from corpuskit.kernels.breaks import CARRIAGE_RETURN, find_break, has_break
from corpuskit.kernels.c4 import (
    ANCHOR,
    BRACKET,
    CURLY,
    CURLY_BRACKET,
    DIALECTS,
    HAS_ANCHOR,
    HAS_ANY,
    HAS_BRACKET,
    HAS_BREAK,
    HAS_CURLY,
    KEPT,
    LOREM_IPSUM,
    NO_END_MARK,
    Rules,
    copy_line,
    find_anchor,
    holds,
    judge,
)
from corpuskit.kernels.patterns import match_caseless, patterns
from corpuskit.kernels.sentences import character_classes, sentences_within
from corpuskit.kernels.strip import strip_span
from corpuskit.kernels.utf8 import properties
from corpuskit.signals.group import Signal, SignalGroup

MAX_WORD_LENGTH = 1000
COLUMNS = {
    "long_word_lines": f"lines dropped for a word of more than {MAX_WORD_LENGTH:,} characters",
    "no_end_mark_lines": "lines dropped for want of an end mark, blank ones included",
    "few_word_lines": "lines dropped for too few words",
    "javascript_lines": "lines dropped for `javascript`",
    "policy_lines": "lines dropped for `terms of use`, `use cookies` and the like",
    "lorem_ipsum": "lines with `lorem ipsum`, for which the page is dropped",
    "curly_bracket": "lines with `{`, for which the page is dropped",
    "lines": "lines of `str.splitlines()`",
    "kept_lines": "lines that stay",
    "sentences": "sentences of the lines that stay",
}
"""What the kernel counts, in its order: first what `judge` counts."""
LINES, KEPT_LINES, SENTENCES = range(7, 10)
LOREM_IPSUM_ANYWHERE, CURLY_ANYWHERE = range(10, 12)
"""Beyond the COLUMNS: how often `lorem ipsum` and `{` occur in the text."""
PLACEHOLDER = patterns("lorem ipsum")[0]
BEFORE_ANCHOR = 4
"""Where in the PLACEHOLDER its anchor, `m ip`, lies."""
WINDOW = 4096
"""Bytes that are looked through at once for what few texts have."""


@inlined
def _is_letter_or_digit(byte):  # type: ignore[no-untyped-def]
    """Whether a byte is a letter or digit of ASCII."""
    return ord("a") <= byte | 0x20 <= ord("z") or ord("0") <= byte <= ord("9")


@inlined
def _count_line(data, start, end, rules, index, pages, classes, rare, scratch, copied, lowered, count):  # type: ignore[no-untyped-def]
    """Judge the line `data[start:end]` and count it; rare: what it may have."""
    count[LINES] += 1
    if 0 < end - start <= rules.max_word and rules.end_marks.size and _is_letter_or_digit(data[end - 1]):
        count[NO_END_MARK] += 1  # headings and menus: neither a mark nor a citation is last, and no word is too long
        return
    start, end = strip_span(data, start, end, index, pages)
    if start == end:
        count[NO_END_MARK] += 1
        return
    text, first, last = data, start, end
    if rare & HAS_BRACKET and holds(data, start, end, BRACKET):
        text, first, rare = copied, np.int64(0), HAS_ANY  # one of the ANCHORS may have had a citation inside
        last, _ = copy_line(data, start, end, index, pages, scratch, first)
    verdict = judge(data, start, end, text, first, last, rules, index, pages, lowered, count, rare)
    if verdict == KEPT:
        count[KEPT_LINES] += 1
        count[SENTENCES] += sentences_within(text, first, last, classes)
    else:
        count[verdict] += 1


@inlined
def _find_rare(data, position, seen, begin, stop, count):  # type: ignore[no-untyped-def]
    """Return the bits of what begins in `data[position:seen]` of the text `data[begin:stop]`.

    Counts `lorem ipsum` and `{` on the way.
    """
    rare = HAS_BREAK * has_break(data, position, seen, stop) | HAS_BRACKET * holds(data, position, seen, BRACKET)
    if holds(data, position, seen, CURLY_BRACKET):
        rare |= HAS_CURLY
        curly_brackets = 0
        for byte in data[position:seen]:
            curly_brackets += byte == CURLY_BRACKET
        count[CURLY_ANYWHERE] += curly_brackets
    end = min(seen + ANCHOR - 1, stop)
    anchor = find_anchor(data, position, end)
    while anchor < end:
        rare |= HAS_ANCHOR
        begins = anchor - BEFORE_ANCHOR
        count[LOREM_IPSUM_ANYWHERE] += begins >= begin and match_caseless(data, begins, stop, PLACEHOLDER) > 0
        anchor = find_anchor(data, anchor + 1, end)
    return rare


@kernel
def _count(data, starts, ends, offsets, rules, index, pages, classes, scratch, copied):  # type: ignore[no-untyped-def]
    r"""Return int64[n, 12], the COLUMNS of each document, and LOREM_IPSUM_ANYWHERE and CURLY_ANYWHERE.

    data: padded; starts, ends, offsets: the lines of `split("\n")`; scratch: uint8, the longest line and a block;
    copied: the same memory, read-only.
    """
    counts = np.zeros((offsets.size - 1, CURLY_ANYWHERE + 1), np.int64)
    lowered = np.empty(scratch.size, np.uint8)
    for document in range(offsets.size - 1):
        count, final = counts[document], offsets[document + 1] - 1
        begin, stop = starts[offsets[document]], ends[final]
        seen, rare = begin, 0
        for line in range(offsets[document], offsets[document + 1]):
            position, end = starts[line], ends[line]
            if line == final and position == end:
                break
            if end > seen:  # rare stands for what lies before `seen`, and in this line
                before, seen = seen, min(max(end, seen + WINDOW), stop)
                rare = _find_rare(data, before, seen, begin, stop, count) | (rare if position < before else 0)
            if line < final and end > position and data[end - 1] == CARRIAGE_RETURN:
                end -= 1
            more = True  # a line feed has one line before it at least; the end of the text, only what is left
            while more:
                piece, after = end, end
                if rare & HAS_BREAK:
                    piece, after = find_break(data, position, end)
                _count_line(data, position, piece, rules, index, pages, classes, rare, scratch, copied, lowered, count)
                more = piece < end and (after < end or line < final)
                position = after
    return counts


@kernel
def _third_longest(lengths, offsets):  # type: ignore[no-untyped-def]
    """Return int64[n]: the third largest of each document's lengths (int64[m]), 0 where there are fewer than three."""
    found = np.zeros(offsets.size - 1, np.int64)
    for document in range(offsets.size - 1):
        first = second = third = np.int64(0)
        for length in lengths[offsets[document] : offsets[document + 1]]:
            if length > third:
                third = length
                if third > second:
                    second, third = third, second
                if second > first:
                    first, second = second, first
        found[document] = third
    return found


def _rules(name: str) -> Rules:
    dialect = DIALECTS[name]
    end_marks = fixed([ord(mark) for mark in dialect.end_marks], np.int64)
    return Rules(end_marks, dialect.min_words, dialect.bare, MAX_WORD_LENGTH)


def measure(texts: Texts, dialect: str) -> dict[str, np.ndarray]:
    """Return int32[n] of each signal of a group, by the DIALECTS that `corpuskit.kernels.c4` knows."""
    lines, table, data = texts.lines(), properties(), padded(texts.data)
    scratch = np.empty(int(lines.lengths().max(initial=0)) + BLOCK + REACH, np.uint8)
    spans = (lines.starts, lines.ends, lines.offsets)
    tables = (table.index, table.pages, character_classes())
    counts = _count(data, *spans, _rules(dialect), *tables, scratch, fixed(scratch, np.uint8))
    if dialect == "c4":
        counts[:, [LOREM_IPSUM, CURLY]] = counts[:, [LOREM_IPSUM_ANYWHERE, CURLY_ANYWHERE]]
    values = dict(zip(COLUMNS, counts.T[: len(COLUMNS)], strict=True))
    values["third_longest_line"] = _third_longest(lines.characters(), lines.offsets)
    return {name: value.astype(np.int32) for name, value in values.items()}


def _group(name: str, source: str, **meanings: str) -> SignalGroup:
    described = COLUMNS | meanings
    described["third_longest_line"] = (
        'characters of the third longest line of `text.split("\\n")`; 0 for fewer than three'
    )
    return SignalGroup(
        name=name,
        revision=1,
        source=f"{source}; sentences are corpuskit's",
        signals={column: Signal(pa.int32(), "0 or more", meaning) for column, meaning in described.items()},
        measure=functools.partial(measure, dialect=name),
    )


C4 = _group(
    "c4",
    "Raffel et al. 2020 (C4), section 2.2; what the paper leaves open is stated in corpuskit.signals.c4",
    lorem_ipsum="occurrences of `lorem ipsum`, in any case, anywhere in the text",
    curly_bracket="occurrences of `{` anywhere in the text",
)
C4_DATATROVE = _group("c4@datatrove", "C4QualityFilter and C4ParagraphFilter of datatrove 0.10")
C4_FINEWEB = _group("c4@fineweb", "C4QualityFilter as datatrove's examples/fineweb.py sets it: lines need no end mark")
C4_TFDS = _group("c4@tfds", "clean_page of TensorFlow Datasets' c4_utils.py")
