"""The line rules of C4: sentences stay, menus, notices and code go.

Two programs are followed to the byte. They differ in a mark and two numbers:

| dialect | end marks | words a line | counted | sentences a page |
|---|---|---|---|---|
| `c4@datatrove`: C4QualityFilter of datatrove 0.10 | `. ? ! " '` | 3 | with citations | 5 |
| `c4@tfds`: clean_page of TensorFlow Datasets' c4_utils.py | `. ? ! "` | 5 | without | 3 |

Lines are those of `str.splitlines()`, stripped. The first of these rules that holds drops a line:

1. it has a word (`str.split()`) of more than 1000 characters;
2. after `[12]` (any digits of Unicode), `[]`, `[edit]` and `[citation needed]` are taken out, it does not end with an
   end mark, or it ends with `...`;
3. it has too few words;
4. it has `javascript` in it, in any case;
5. it has `terms of use`, `privacy policy`, `cookie policy`, `uses cookies`, `use of cookies` or `use cookies` in it.

What stays is joined by line feeds and stripped. Both programs also drop a page: for `lorem ipsum` in a line that passes
rule 3, for `{` in a line that passes rule 4, for too few sentences at the end (spaCy's and NLTK's; ours are those of
`corpuskit.clean.sentences`). Here these are counts, for a policy to judge: such a line goes through the other rules as
any line does.

A text cleaned twice is the text cleaned once, unless citations were removed: that can leave too few words for rule 3,
or, out of `[[1]2]`, another citation.
"""

from typing import Literal, NamedTuple

import numpy as np
import pyarrow as pa
from numba import literal_unroll
from pydantic import Field

from corpuskit.clean.cleaner import Cleaned, Cleaner
from corpuskit.clean.sentences import count_sentences
from corpuskit.config import Config
from corpuskit.kernels import Texts, fixed, inlined, kernel
from corpuskit.kernels.columns import as_arrow
from corpuskit.kernels.strip import ASCII_SPACE, skip_space, strip_span
from corpuskit.kernels.utf8 import DIGIT, SPACE, decode, lookup, properties

LINE_FEED, CARRIAGE_RETURN, DOT, BRACKET, CLOSING_BRACKET, CURLY_BRACKET = (np.uint8(ord(mark)) for mark in "\n\r.[]{")
KELVIN_SIGN = 0x212A
"""The one character beyond ASCII that `str.lower()` turns into a letter of the PHRASES alone: `k`."""


def _padded(texts: tuple[bytes, ...]) -> np.ndarray:
    """Return uint8[n, longest], zeros after each text's end."""
    return np.array([list(text.ljust(max(map(len, texts)), b"\0")) for text in texts], np.uint8)


CITATIONS = _padded((b"[edit]", b"[citation needed]"))
PHRASES = _padded(
    (
        b"lorem ipsum",
        b"javascript",
        b"terms of use",
        b"privacy policy",
        b"cookie policy",
        b"uses cookies",
        b"use of cookies",
        b"use cookies",
    )
)
FIRST_LETTERS = np.isin(np.arange(256), PHRASES[:, 0])
CASE = np.uint8(0x20)
"""The bit in which the cases of an ASCII letter differ."""
ANCHORS = tuple(
    tuple(np.uint8(byte) for byte in text) for text in (b"m ip", b"vasc", b"rms ", b"licy", b"kies", b"\xaaies")
)
"""Four bytes without one of which a line has none of the PHRASES; the last byte of KELVIN SIGN is 0xaa."""
LOREM, JAVASCRIPT, POLICY = 1, 2, 4
MEANINGS = (LOREM, JAVASCRIPT, POLICY, POLICY, POLICY, POLICY, POLICY, POLICY)
"""What each of the PHRASES is."""

COUNTS = {
    "c4_long_word": "lines dropped for a word that is too long",
    "c4_no_end_mark": "lines dropped for want of an end mark, blank ones included",
    "c4_few_words": "lines dropped for too few words",
    "c4_javascript": "lines dropped for `javascript`",
    "c4_policy": "lines dropped for `terms of use`, `use cookies` and the like",
    "c4_lorem_ipsum": "lines with `lorem ipsum`, for which C4 drops the page",
    "c4_curly_bracket": "lines with `{`, for which C4 drops the page",
    "c4_citations": "citations removed from lines that stay",
}
KEPT = -1
LONG_WORD, NO_END_MARK, FEW_WORDS, JAVASCRIPT_LINE, POLICY_LINE, LOREM_IPSUM, CURLY, REMOVED = range(len(COUNTS))


class Rules(NamedTuple):
    """The numbers of a config, as kernels take them."""

    end_marks: np.ndarray
    """Code points, int64[k]; none where any line may stay."""
    min_words: int
    """At least so many words in a line."""
    bare: bool
    """Whether words are counted after citations are removed."""
    max_word: int
    """At most so many characters in a word."""


@inlined
def _find_break(data, position, stop, index, pages):  # type: ignore[no-untyped-def]
    """Return (where the line at `position` ends, where the next begins), as `str.splitlines()` has it."""
    while position < stop:
        byte = data[position]
        if byte < 0x20:
            if 0x0A <= byte <= 0x0D or 0x1C <= byte <= 0x1E:
                pair = byte == CARRIAGE_RETURN and position + 1 < stop and data[position + 1] == LINE_FEED
                return position, position + 1 + pair
        elif byte == 0xC2 or byte == 0xE2:
            code, length = decode(data, position, stop)
            if code == 0x85 or code == 0x2028 or code == 0x2029:
                return position, position + length
        position += 1
    return stop, stop


@inlined
def _holds(data, start, end, mark):  # type: ignore[no-untyped-def]
    """Whether the byte `mark` is in `data[start:end]`; a reduction, so that it is compiled to vectors."""
    found = False
    for byte in data[start:end]:
        found |= byte == mark
    return found


@inlined
def _matches(data, position, end, pattern):  # type: ignore[no-untyped-def]
    """Return the length of the zero-padded pattern if `data[position:end]` begins with it, else 0."""
    length = 0
    while length < pattern.size and pattern[length]:
        if position + length >= end or data[position + length] != pattern[length]:
            return 0
        length += 1
    return length


@inlined
def _citation(data, position, end, index, pages):  # type: ignore[no-untyped-def]
    """Return the length in bytes of the citation at the bracket `data[position]`, 0 if it is none."""
    after = position + 1
    while after < end:
        code, length = decode(data, after, end)
        if not lookup(index, pages, code) & DIGIT:
            break
        after += length
    if after < end and data[after] == CLOSING_BRACKET:
        return after + 1 - position
    return max(_matches(data, position, end, CITATIONS[0]), _matches(data, position, end, CITATIONS[1]))


@kernel
def _copy_line(data, start, end, index, pages, out, written):  # type: ignore[no-untyped-def]
    """Copy `data[start:end]` without citations to `out[written:]`; return (its end there, their number)."""
    if not _holds(data, start, end, BRACKET):
        line, target = data[start:end], out[written:]
        for place in range(line.size):
            target[place] = line[place]
        return written + line.size, 0
    citations, position = 0, start
    while position < end:
        length = 0
        if data[position] == BRACKET:
            length = _citation(data, position, end, index, pages)
        if length:
            citations += 1
            position += length
        else:
            out[written] = data[position]
            written += 1
            position += 1
    return written, citations


@kernel
def _has_long_word(data, start, end, limit, index, pages):  # type: ignore[no-untyped-def]
    """Whether a word in `data[start:end]` has more than `limit` characters.

    Looks backwards for a space within reach, so that of short words most are never read.
    """
    position = start
    while end - position > limit:
        back = position + limit
        while back >= position and not ASCII_SPACE[data[back]]:
            back -= 1
        if back >= position:
            position = back + 1
            continue
        characters = 0
        while position < end:
            code, length = decode(data, position, end)
            position += length
            if lookup(index, pages, code) & SPACE:
                break
            characters += 1
            if characters > limit:
                return True
    return False


@inlined
def _ends_well(data, start, end, end_marks):  # type: ignore[no-untyped-def]
    """Whether one of the end marks, but not `...`, comes last."""
    if end == start:
        return False
    if end - start >= 3 and data[end - 1] == DOT and data[end - 2] == DOT and data[end - 3] == DOT:
        return False
    last = end - 1
    while last > start and (data[last] & 0xC0) == 0x80:
        last -= 1
    code, _ = decode(data, last, end)
    for mark in end_marks:  # noqa: SIM110 (numba compiles no generators)
        if mark == code:
            return True
    return False


@kernel
def _has_words(data, start, end, minimum, index, pages):  # type: ignore[no-untyped-def]
    """Whether `data[start:end]` has at least so many words."""
    position, words = skip_space(data, start, end, index, pages), 0
    while words < minimum and position < end:
        words += 1
        inside = True
        while inside and position < end:
            code, length = decode(data, position, end)
            inside = not lookup(index, pages, code) & SPACE
            position += length
        position = skip_space(data, position, end, index, pages)
    return words >= minimum


@inlined
def _may_have_phrase(data, start, end):  # type: ignore[no-untyped-def]
    """Whether one of the ANCHORS is in `data[start:end]`, letters in any case; compiled to vectors."""
    found, line = False, data[start:end]
    for place in range(line.size - 3):
        a, b = line[place] | CASE, line[place + 1] | CASE
        c, d = line[place + 2] | CASE, line[place + 3] | CASE
        for anchor in literal_unroll(ANCHORS):
            found |= (a == anchor[0]) & (b == anchor[1]) & (c == anchor[2]) & (d == anchor[3])
    return found


@kernel
def _phrases(data, start, end, lowered):  # type: ignore[no-untyped-def]
    """Return the MEANINGS of the PHRASES in the lower-cased `data[start:end]`; lowered: scratch, as long as `data`."""
    size, position = 0, start
    while position < end:
        code, length = decode(data, position, end)
        if ord("A") <= code <= ord("Z"):
            code += 32
        elif code == KELVIN_SIGN:
            code = ord("k")
        lowered[size] = min(code, 0xFF)
        size += 1
        position += length
    found = 0
    for position in range(size):
        if FIRST_LETTERS[lowered[position]]:
            for phrase in range(len(MEANINGS)):
                if _matches(lowered, position, size, PHRASES[phrase]):
                    found |= MEANINGS[phrase]
    return found


@kernel
def _judge(data, start, end, out, written, ends, rules, index, pages, lowered, count):  # type: ignore[no-untyped-def]
    """Return the rule that drops a line, KEPT if none does; count the pages' rules it meets.

    `data[start:end]` is the stripped line, `out[written:ends]` the same without citations.
    """
    if end - start > rules.max_word and _has_long_word(data, start, end, rules.max_word, index, pages):
        return LONG_WORD
    if rules.end_marks.size and not _ends_well(out, written, ends, rules.end_marks):
        return NO_END_MARK
    if rules.bare:
        enough = _has_words(out, written, ends, rules.min_words, index, pages)
    else:
        enough = _has_words(data, start, end, rules.min_words, index, pages)
    if not enough:
        return FEW_WORDS
    found = 0
    if _may_have_phrase(out, written, ends):
        found = _phrases(out, written, ends, lowered)
    count[LOREM_IPSUM] += (found & LOREM) != 0
    if found & JAVASCRIPT:
        return JAVASCRIPT_LINE
    count[CURLY] += _holds(out, written, ends, CURLY_BRACKET)
    return POLICY_LINE if found & POLICY else KEPT


@kernel
def _clean(data, offsets, rules, index, pages, out, out_offsets, counts):  # type: ignore[no-untyped-def]
    """Write the texts that stay to `out`, uint8[n_bytes + 1]; fill out_offsets int64[n + 1] and counts int64[n, 8]."""
    lowered = np.empty(out.size, np.uint8)
    written = 0
    for document in range(offsets.size - 1):
        count, begin = counts[document], written
        position, stop = offsets[document], offsets[document + 1]
        while position < stop:
            line_stop, after = _find_break(data, position, stop, index, pages)
            start, end = strip_span(data, position, line_stop, index, pages)
            ends, citations = _copy_line(data, start, end, index, pages, out, written)
            verdict = _judge(data, start, end, out, written, ends, rules, index, pages, lowered, count)
            position = after
            if verdict != KEPT:
                count[verdict] += 1
                continue
            count[REMOVED] += citations
            if written == begin:  # the text is stripped: taking out a citation can leave white space here
                first = skip_space(out, written, ends, index, pages)
                for place in range(ends - first):
                    out[written + place] = out[first + place]
                ends -= first - written
            if ends > begin:
                out[ends] = LINE_FEED
                written = ends + 1
        _, written = strip_span(out, begin, written, index, pages)
        out_offsets[document + 1] = written
    return written


class C4LinesConfig(Config):
    """The line rules of C4; with every other field at its default, those of the dialect to the byte."""

    step: Literal["c4_lines"] = "c4_lines"
    """The cleaner\'s name."""
    dialect: Literal["c4@datatrove", "c4@tfds"] = "c4@datatrove"
    """Whose numbers are followed. By default datatrove's: its 3 words and 5 sentences are those of the paper."""
    require_end_mark: bool = True
    """Whether a line needs an end mark (rule 2); FineWeb's recipe does without."""
    end_marks: str = ""
    """Further characters that may end a line, such as `。！？”…` for Chinese; these never make up for `...`."""
    min_words: int | None = Field(None, ge=0)
    """Words that a line needs (rule 3); null: the dialect's. For scripts without spaces: 1."""
    max_word_length: int | None = Field(1000, ge=1)
    """Characters of the longest word that a line may have (rule 1); null: any. For scripts without spaces: null."""

    def rules(self) -> Rules:
        """Return the numbers that kernels take."""
        datatrove = self.dialect == "c4@datatrove"
        end_marks = ".?!\"'" if datatrove else '.?!"'
        dialect_words = 3 if datatrove else 5
        return Rules(
            fixed([ord(mark) for mark in end_marks + self.end_marks] if self.require_end_mark else [], np.int64),
            dialect_words if self.min_words is None else self.min_words,
            not datatrove,
            np.iinfo(np.int64).max if self.max_word_length is None else self.max_word_length,
        )


def clean(texts: pa.Array, config: C4LinesConfig) -> Cleaned:
    """Apply the rules; as `Cleaner.clean`."""
    batch, table = Texts.from_arrow(texts), properties()
    out = np.empty(int(batch.offsets[-1] - batch.offsets[0]) + 1, np.uint8)
    offsets, counts = np.zeros(len(texts) + 1, np.int64), np.zeros((len(texts), len(COUNTS)), np.int64)
    written = _clean(batch.data, batch.offsets, config.rules(), table.index, table.pages, out, offsets, counts)
    cleaned = as_arrow(out[:written], offsets)
    sentences = count_sentences(Texts.from_arrow(cleaned))
    numbers = dict(zip(COUNTS, counts.T, strict=True)) | {"c4_sentences": sentences}
    same = cleaned.equals(texts)
    return Cleaned(texts if same else cleaned, {name: values.astype(np.int32) for name, values in numbers.items()})


C4_LINES = Cleaner(
    name="c4_lines",
    revision=1,
    source="Raffel et al. 2020 (C4), as datatrove 0.10 and TensorFlow Datasets implement it; sentences are corpuskit's",
    config=C4LinesConfig,
    counts=COUNTS | {"c4_sentences": "sentences of the lines that stay; C4 drops pages with fewer than 5 (tfds: 3)"},
    clean=clean,
)
