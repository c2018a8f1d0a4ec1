"""The group `redpajama`: its signals, from what is counted in texts and in their normal forms."""

import functools
from typing import Any

import numpy as np
import pyarrow as pa

from corpuskit.config import Config
from corpuskit.errors import InputError
from corpuskit.kernels import Texts
from corpuskit.kernels.repeats import DUPLICATE_SIZES, TOP_SIZES, repeated_characters, repeated_sequences
from corpuskit.signals.group import Signal, SignalGroup, ratio
from corpuskit.signals.redpajama.normal import NormalCounts, count_normal
from corpuskit.signals.redpajama.raw import RawCounts, count_raw, stop_word_table
from corpuskit.signals.redpajama.stop_words import SMART_STOP_WORDS
from corpuskit.signals.unigrams import count_unigrams
from corpuskit.signals.word_list import list_checksum, list_file, read_lines
from corpuskit.storage import StoredFile


class RedPajamaConfig(Config):
    """The setting of the `redpajama` signals."""

    stop_words: str | None = None
    """File of stop words, one a line, spelt as they are to be found; none: the English ones of SMART."""


FIELD = "redpajama.stop_words"


@functools.lru_cache(maxsize=8)
def _stop_words(file: StoredFile | None) -> np.ndarray:
    """Read stop words once a process, and again when size or tag of their file changes."""
    if file is None:
        return stop_word_table(SMART_STOP_WORDS)
    try:
        words = read_lines(file.path)
    except InputError as error:
        raise InputError(f"{FIELD}: {error}") from error
    if not words:
        raise InputError(f"{FIELD}: {file.path}: no stop word in it; expected one a line")
    return stop_word_table(words)


def _file(config: RedPajamaConfig) -> StoredFile | None:
    return list_file(FIELD, config.stop_words) if config.stop_words is not None else None


def identity(config: RedPajamaConfig) -> dict[str, Any]:
    """Return what of the config decides values: the checksum of the stop words.

    Raises:
        InputError: the file cannot be read; the message names the field.
    """
    return {"stop_words": list_checksum(FIELD, config.stop_words) if config.stop_words is not None else None}


def measure(texts: Texts, config: RedPajamaConfig) -> dict[str, np.ndarray]:
    """Return int32[n] or float32[n] of each signal of the group; NaN where it is undefined.

    Raises:
        InputError: the stop words cannot be read; the message names the field.
    """
    raw, normal = count_raw(texts, _stop_words(_file(config))), count_normal(texts)
    n_words = normal.words.counts()
    n_characters = _sums(normal.characters, normal.words.offsets)
    return {
        **_of_raw(raw, n_words),
        **_of_words(normal, n_words, n_characters),
        **_of_lines(raw, normal, n_words),
        **_of_ngrams(normal, n_characters),
    }


def _sums(values: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Return the sum of each document's values; int64[n]."""
    totals = np.concatenate([[0], np.cumsum(values, dtype=np.int64)])
    return np.diff(totals[offsets])


def _of_raw(raw: RawCounts, n_words: np.ndarray) -> dict[str, np.ndarray]:
    count = raw.counts
    tokens = count["tokens"]
    stop_tokens = np.where(n_words, count["stop_tokens"], 0)
    return {
        "curly_bracket": _or_zero(count["braces"], count["characters"]),
        "stop_word_fraction": _or_zero(stop_tokens, tokens),
        "frac_all_caps_words": ratio(count["capital_tokens"], tokens),
        "frac_no_alph_words": ratio(tokens - count["letter_tokens"], tokens),
        "symbol_to_word_ratio": ratio(count["symbols"], tokens),
        "num_sentences": count["sentences"].astype(np.int32),
        "frac_lines_end_with_ellipsis": ratio(count["ellipsis_lines"], count["lines"]),
    }


def _or_zero(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """Divide as `ratio`, but with 0 where there is nothing to divide by."""
    return ratio(numerator, np.maximum(denominator, 1))


def _of_words(normal: NormalCounts, n_words: np.ndarray, n_characters: np.ndarray) -> dict[str, np.ndarray]:
    unigrams = count_unigrams(normal.words, 0)
    spaced = n_characters + np.maximum(n_words - 1, 0)
    return {
        "word_count": n_words.astype(np.int32),
        "mean_word_length": ratio(n_characters, n_words),
        "frac_unique_words": ratio(unigrams.distinct, n_words),
        "unigram_entropy": np.where(n_words, unigrams.entropy, np.nan).astype(np.float32),
        "lorem_ipsum": _or_zero(normal.lorem_ipsum, spaced),
    }


def _of_lines(raw: RawCounts, normal: NormalCounts, n_words: np.ndarray) -> dict[str, np.ndarray]:
    lines = raw.counts["lines"]
    sums = {
        "ending_with_terminal_punctuation_mark": raw.counts["terminal_lines"],
        "javascript_counts": normal.javascript,
        "num_words": n_words,
        "numerical_chars_fraction": normal.numeric_shares,
        "start_with_bulletpoint": raw.counts["bullet_lines"],
        "uppercase_letter_fraction": raw.uppercase_shares,
    }
    return {name: ratio(total, lines) for name, total in sums.items()}


def _of_ngrams(normal: NormalCounts, n_characters: np.ndarray) -> dict[str, np.ndarray]:
    words = normal.words
    top = repeated_sequences(words, longest=TOP_SIZES[-1], cover=False)
    in_top = np.where(top.counts > 1, top.counts * top.lengths, 0)
    repeated = repeated_characters(words)
    return {
        **{f"frac_chars_top_{n}gram": _or_zero(in_top[:, place], n_characters) for place, n in enumerate(TOP_SIZES)},
        **{
            f"frac_chars_dupe_{n}grams": _or_zero(repeated[:, place], n_characters)
            for place, n in enumerate(DUPLICATE_SIZES)
        },
    }


NO_WORD, NO_TOKEN, EMPTY = "texts without a word", "texts of white space alone", "empty texts"


def _share(formula: str, undefined: str = "") -> Signal:
    return Signal(pa.float32(), "0 to 1", formula, undefined)


def _line_mean(formula: str, range_: str = "0 to 1") -> Signal:
    return Signal(pa.float32(), range_, f"mean over the lines: {formula}", EMPTY)


REDPAJAMA = SignalGroup(
    name="redpajama",
    revision=1,
    source="RedPajama-V2 (Weber et al. 2024) and its code; words, tokens, differences: corpuskit.signals.redpajama",
    signals={
        "curly_bracket": _share("`{` and `}` / characters; 0 for empty texts"),
        "stop_word_fraction": _share("tokens that are stop words / tokens; 0 for texts without a word"),
        "frac_all_caps_words": _share("tokens in capitals (`str.isupper`) / tokens", NO_TOKEN),
        "frac_no_alph_words": _share("tokens without a letter of ASCII / tokens", NO_TOKEN),
        "symbol_to_word_ratio": Signal(pa.float32(), "0 or more", "`#`, `...` and `…` / tokens", NO_TOKEN),
        "num_sentences": Signal(pa.int32(), "0 or more", r"matches of `\b[^.!?]+[.!?]*`"),
        "frac_lines_end_with_ellipsis": _share("lines that end with `...` or `…` / lines", EMPTY),
        "word_count": Signal(pa.int32(), "0 or more", "words"),
        "mean_word_length": Signal(pa.float32(), "1 or more", "characters of the words / words", NO_WORD),
        "frac_unique_words": _share("distinct words / words", NO_WORD),
        "unigram_entropy": Signal(
            pa.float32(), "0 or more, in nats", "-sum(p ln p) over the shares p of the distinct words", NO_WORD
        ),
        "lorem_ipsum": _share("`lorem ipsum` / characters, both of the normal form; 0 for texts without a word"),
        "ending_with_terminal_punctuation_mark": _line_mean("whether it ends with `.`, `!`, `?` or `”`"),
        "javascript_counts": _line_mean("words `javascript`", "0 or more"),
        "num_words": _line_mean("words", "0 or more"),
        "numerical_chars_fraction": _line_mean("numeric characters (`str.isnumeric`) / characters, of its normal form"),
        "start_with_bulletpoint": _line_mean("whether it begins with one of `•‣▶◀◦■□▪▫–`"),
        "uppercase_letter_fraction": _line_mean("capitals (`str.isupper`) / characters"),
        **{
            f"frac_chars_top_{n}gram": Signal(
                pa.float32(),
                "0 or more",
                f"occurrences of the most frequent {n}-gram, 0 if it occurs once, times characters of its words / "
                "characters of all words; 0 for texts without a word",
            )
            for n in TOP_SIZES
        },
        **{
            f"frac_chars_dupe_{n}grams": _share(
                f"characters of the words of {n}-grams that occur more than once, each word once / characters of all "
                "words; 0 for texts without a word"
            )
            for n in DUPLICATE_SIZES
        },
    },
    measure=measure,
    config=RedPajamaConfig,
    identity=identity,
)
