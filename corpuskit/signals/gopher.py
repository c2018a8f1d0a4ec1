r"""The signals of Gopher (Rae et al. 2021), in two readings: those of quality, and the repetition fractions.

The paper (arXiv 2112.11446, appendix A, "Quality filtering") names the rules and their thresholds and leaves details
open. `gopher` decides them as follows.

* Words are those of `str.split()`: punctuation stays with its word, as in dolma and DCLM.
* Symbols are counted as they occur: `#`, and `...` (from the left, without overlap: "......" has two) or `…`.
* Lines are separated by "\n"; lines of white space alone count neither as lines nor as bullets.
* A bullet is the first character of a line after white space: `•`, `●`, `*` or `-`, the union of what datatrove, dolma
  and DCLM take. A line ends with an ellipsis when `...` or `…` comes last, white space after it ignored.
* Alphabetic is a character of category L* (`str.isalpha()`), or the ideographic zero 〇.
* Stop words are counted distinct, spelt as in the paper: "The" and "that," are none.

`gopher@datatrove` has the values that datatrove 0.10 compares (`gopher_quality_filter.py`), given its words.

* Its `tokens` are spaCy's, punctuation marks among them; `words: tokens`, the default, is close to them. Its `words`
  are the tokens with a character outside its PUNCTUATION_SET; their number and mean length are those of Gopher's rules,
  while symbols and alphabetic words are divided by the number of tokens.
* Lines are those of `str.splitlines()`, blank ones too; bullets are `•` and `-`; 〇 is not alphabetic.
* Departures: where there is nothing to divide by, it fails or warns, and the signal here is null.
"""

import functools

import numpy as np
import pyarrow as pa

from corpuskit.kernels import Texts, WordKind
from corpuskit.kernels.short_words import ShortWords
from corpuskit.kernels.utf8 import IDEOGRAPHIC_ZERO, LETTER, PAGES, CharacterTable, properties, two_levels
from corpuskit.signals.fineweb import terminal_marks
from corpuskit.signals.gopher_counts import ALPHABETIC, WORDLIKE, count_lines, count_symbols, count_words
from corpuskit.signals.group import Signal, SignalGroup, WordsConfig, ratio
from corpuskit.signals.repetition import DATATROVE_REPETITION_SIGNALS, REPETITION_SIGNALS, fractions

STOP_WORDS = ("the", "be", "to", "of", "and", "that", "have", "with")
BULLETS, DATATROVE_BULLETS = "•●*-", "•-"

ASCII_MARKS = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
OTHER_MARKS = "«´»–—’“”„…∶━►、〈〉《》「」【】％（），１：；～"
CONTROLS = (*range(0x09), *range(0x0B, 0x20), *range(0x7F, 0xA0))
"""datatrove's PUNCTUATION_SET, 281 characters: these (the fullwidth digit one too) and the 159 `terminal_marks`."""


@functools.cache
def stop_words() -> ShortWords:
    """Return the stop words of the paper."""
    return ShortWords.of(STOP_WORDS)


@functools.cache
def letters() -> CharacterTable:
    """Return the table in which every character is WORDLIKE and letters are ALPHABETIC."""
    flags = np.arange(256)
    return properties().map(np.where(flags & LETTER, ALPHABETIC | WORDLIKE, WORDLIKE).astype(np.uint8))


@functools.cache
def datatrove_characters() -> CharacterTable:
    """Return the table in which what is outside datatrove's PUNCTUATION_SET is WORDLIKE and letters are ALPHABETIC."""
    table, codes = letters(), np.arange(PAGES * 256)
    flat = table.pages[(table.index[codes >> 8] << 8) | (codes & 0xFF)]
    flat[IDEOGRAPHIC_ZERO] = WORDLIKE
    flat[[ord(mark) for mark in ASCII_MARKS + OTHER_MARKS]] = 0
    flat[list(CONTROLS)] = 0
    flat[terminal_marks()] = 0
    return two_levels(flat)


def quality(texts: Texts) -> dict[str, np.ndarray]:
    """Return int32[n] or float32[n] of each of QUALITY_SIGNALS; NaN where it is undefined."""
    words = count_words(texts.words("whitespace"), letters(), stop_words())
    hashes, ellipses = count_symbols(texts)
    lines = count_lines(texts, BULLETS, all_breaks=False)
    n_words, n_lines = words["words"], lines["lines"] - lines["blank_lines"]
    return {
        "words": n_words.astype(np.int32),
        "mean_word_length": ratio(words["word_characters"], n_words),
        "hash_ratio": ratio(hashes, n_words),
        "ellipsis_ratio": ratio(ellipses, n_words),
        "bullet_lines": ratio(lines["bullet_lines"], n_lines),
        "ellipsis_lines": ratio(lines["ellipsis_lines"], n_lines),
        "alpha_words": ratio(words["alpha_words"], n_words),
        "stop_words": words["stop_words"].astype(np.int32),
    }


def datatrove_quality(texts: Texts, kind: WordKind) -> dict[str, np.ndarray]:
    """Return int32[n] or float32[n] of each of DATATROVE_QUALITY_SIGNALS; NaN where it is undefined.

    Args:
        texts: n documents.
        kind: What counts as a token.
    """
    words = count_words(texts.words(kind), datatrove_characters(), stop_words())
    hashes, ellipses = count_symbols(texts)
    lines = count_lines(texts, DATATROVE_BULLETS, all_breaks=True)
    tokens, n_lines = words["tokens"], lines["lines"]
    return {
        "tokens": tokens.astype(np.int32),
        "words": words["words"].astype(np.int32),
        "mean_word_length": ratio(words["word_characters"], words["words"]),
        "hash_ratio": ratio(hashes, tokens),
        "ellipsis_ratio": ratio(ellipses, tokens),
        "bullet_lines": ratio(lines["bullet_lines"], n_lines),
        "ellipsis_lines": ratio(lines["ellipsis_lines"], n_lines),
        "alpha_words": ratio(words["alpha_words"], tokens),
        "stop_words": words["stop_words"].astype(np.int32),
    }


def measure(texts: Texts) -> dict[str, np.ndarray]:
    """Return an array[n] of each signal of `gopher`; NaN where it is undefined."""
    return quality(texts) | fractions(texts, "whitespace", "corpuskit")


def measure_datatrove(texts: Texts, config: WordsConfig) -> dict[str, np.ndarray]:
    """Return an array[n] of each signal of `gopher@datatrove`; NaN where it is undefined."""
    return datatrove_quality(texts, config.words) | fractions(texts, config.words, "datatrove")


BLANK = "texts of white space alone"
EMPTY = "empty texts"
DISTINCT = Signal(pa.int32(), "0 to 8", "how many of the, be, to, of, and, that, have, with occur as words")
QUALITY_SIGNALS = {
    "words": Signal(pa.int32(), "0 or more", "words of `str.split()`"),
    "mean_word_length": Signal(pa.float32(), "1 or more", "characters of the words / words", BLANK),
    "hash_ratio": Signal(pa.float32(), "0 or more", "`#` / words", BLANK),
    "ellipsis_ratio": Signal(pa.float32(), "0 or more", "`...` and `…` / words", BLANK),
    "bullet_lines": Signal(
        pa.float32(), "0 to 1", "lines that begin with `•`, `●`, `*` or `-` / non-blank lines", BLANK
    ),
    "ellipsis_lines": Signal(pa.float32(), "0 to 1", "lines that end with `...` or `…` / non-blank lines", BLANK),
    "alpha_words": Signal(pa.float32(), "0 to 1", "words with a letter / words", BLANK),
    "stop_words": DISTINCT,
}
DATATROVE_QUALITY_SIGNALS = {
    "tokens": Signal(pa.int32(), "0 or more", "words and marks"),
    "words": Signal(pa.int32(), "0 or more", "tokens with a character outside PUNCTUATION_SET"),
    "mean_word_length": Signal(pa.float32(), "1 or more", "characters of the words / words", "texts without words"),
    "hash_ratio": Signal(pa.float32(), "0 or more", "`#` / tokens", "texts without tokens"),
    "ellipsis_ratio": Signal(pa.float32(), "0 or more", "`...` and `…` / tokens", "texts without tokens"),
    "bullet_lines": Signal(pa.float32(), "0 to 1", "lines that begin with `•` or `-` / lines, blank ones too", EMPTY),
    "ellipsis_lines": Signal(pa.float32(), "0 to 1", "lines that end with `...` or `…` / lines, blank ones too", EMPTY),
    "alpha_words": Signal(pa.float32(), "0 to 1", "tokens with a letter / tokens", "texts without tokens"),
    "stop_words": DISTINCT,
}
GOPHER = SignalGroup(
    name="gopher",
    revision=2,
    source="Rae et al. 2021 (Gopher), appendix A; what the paper leaves open is stated in corpuskit.signals.gopher",
    signals={**QUALITY_SIGNALS, **REPETITION_SIGNALS},
    measure=measure,
)
GOPHER_DATATROVE = SignalGroup(
    name="gopher@datatrove",
    revision=1,
    source="datatrove 0.10, GopherQualityFilter and GopherRepetitionFilter, given its words",
    signals={**DATATROVE_QUALITY_SIGNALS, **DATATROVE_REPETITION_SIGNALS},
    measure=measure_datatrove,
    config=WordsConfig,
    defaults={"words": "tokens"},
)
