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
`corpuskit.kernels.sentences`). Here these are counts, for a policy to judge: such a line goes through the other rules
as any line does. `corpuskit.signals.c4` counts the same without cleaning anything.

A text cleaned twice is the text cleaned once, unless citations were removed: that can leave too few words for rule 3,
or, out of `[[1]2]`, another citation.
"""

from typing import Literal

import numpy as np
import pyarrow as pa
from pydantic import Field

from corpuskit.clean.cleaner import Cleaned, Cleaner
from corpuskit.config import Config
from corpuskit.kernels import Texts, fixed, kernel
from corpuskit.kernels.blocks import BLOCK, REACH, padded
from corpuskit.kernels.breaks import find_break
from corpuskit.kernels.c4 import BRACKET, DIALECTS, KEPT, Rules, copy_line, holds, judge
from corpuskit.kernels.columns import as_arrow
from corpuskit.kernels.sentences import count_sentences
from corpuskit.kernels.strip import skip_space, strip_span
from corpuskit.kernels.utf8 import properties

LINE_FEED = np.uint8(ord("\n"))

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
REMOVED = len(COUNTS) - 1
"""Where the last of the COUNTS is; the others are in the order of `corpuskit.kernels.c4`."""


@kernel
def _clean(data, offsets, rules, index, pages, out, copied, out_offsets, counts):  # type: ignore[no-untyped-def]
    """Write the texts that stay to `out`; fill out_offsets int64[n + 1] and counts int64[n, 8].

    data: padded; out: uint8, at least n_bytes + 1; copied: the same memory, read-only, as `judge` takes it.
    """
    lowered = np.empty(out.size, np.uint8)
    written = 0
    for document in range(offsets.size - 1):
        count, begin = counts[document], written
        position, stop = offsets[document], offsets[document + 1]
        while position < stop:
            line_stop, after = find_break(data, position, stop)
            start, end = strip_span(data, position, line_stop, index, pages)
            position = after
            text, first, last, citations = data, start, end, 0
            if holds(data, start, end, BRACKET):
                text, first = copied, written
                last, citations = copy_line(data, start, end, index, pages, out, written)
            verdict = judge(data, start, end, text, first, last, rules, index, pages, lowered, count)
            if verdict != KEPT:
                count[verdict] += 1
                continue
            count[REMOVED] += citations
            if written == begin:  # the text is stripped: taking out a citation can leave white space here
                first = skip_space(text, first, last, index, pages)
            line, target = text[first:last], out[written : written + last - first]
            for place in range(line.size):
                target[place] = line[place]
            if line.size or written > begin:
                out[written + line.size] = LINE_FEED
                written += line.size + 1
        _, written = strip_span(copied, begin, written, index, pages)
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
        dialect = DIALECTS[self.dialect]
        end_marks = dialect.end_marks + self.end_marks if self.require_end_mark else ""
        return Rules(
            fixed([ord(mark) for mark in end_marks], np.int64),
            dialect.min_words if self.min_words is None else self.min_words,
            dialect.bare,
            np.iinfo(np.int64).max if self.max_word_length is None else self.max_word_length,
        )


def clean(texts: pa.Array, config: C4LinesConfig) -> Cleaned:
    """Apply the rules; as `Cleaner.clean`."""
    batch, table = Texts.from_arrow(texts), properties()
    out = np.empty(int(batch.offsets[-1] - batch.offsets[0]) + BLOCK + REACH, np.uint8)
    offsets, counts = np.zeros(len(texts) + 1, np.int64), np.zeros((len(texts), len(COUNTS)), np.int64)
    data, rules, copied = padded(batch.data), config.rules(), fixed(out, np.uint8)
    written = _clean(data, batch.offsets, rules, table.index, table.pages, out, copied, offsets, counts)
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
