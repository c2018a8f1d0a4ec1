"""Stop words of 33 languages, from the package stop-words, and how many of them a text has.

A stop word is the sequence of its `unicode` words: 我们 is two of them, "don't" too, whatever its apostrophe. It occurs
where these words follow one another, all as in the list, with a capital first letter, or all in capitals. Entries
without a letter (10, punctuation) are left out, and a form of two stop words (DASS of dass and daß) counts for the
first of them.
"""

import functools
import unicodedata
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from corpuskit.errors import MissingExtra
from corpuskit.kernels import Texts
from corpuskit.signals.phrases import PhraseTable, count_phrases, phrase_table

LANGUAGES = {
    "ar": ("Arab", "ara arb"),
    "bg": ("Cyrl", "bul"),
    "ca": ("Latn", "cat"),
    "cs": ("Latn", "ces"),
    "da": ("Latn", "dan"),
    "de": ("Latn", "deu"),
    "el": ("Grek", "ell"),
    "en": ("Latn", "eng"),
    "es": ("Latn", "spa"),
    "fa": ("Arab", "fas pes"),
    "fi": ("Latn", "fin"),
    "fr": ("Latn", "fra"),
    "gu": ("Gujr", "guj"),
    "he": ("Hebr", "heb"),
    "hi": ("Deva", "hin"),
    "hu": ("Latn", "hun"),
    "id": ("Latn", "ind"),
    "it": ("Latn", "ita"),
    "ja": ("Jpan", "jpn"),
    "ko": ("Hang Kore", "kor"),
    "ms": ("Latn", "msa zsm"),
    "nb": ("Latn", "no nn nor nob nno"),
    "nl": ("Latn", "nld"),
    "pl": ("Latn", "pol"),
    "pt": ("Latn", "por"),
    "ro": ("Latn", "ron"),
    "ru": ("Cyrl", "rus"),
    "sk": ("Latn", "slk"),
    "sv": ("Latn", "swe"),
    "tr": ("Latn", "tur"),
    "uk": ("Cyrl", "ukr"),
    "vi": ("Latn", "vie"),
    "zh": ("Hani Hans Hant", "zho cmn"),
}
"""The lists by ISO 639-1 code: the scripts (ISO 15924) that they are written in, and the other codes of their language
(ISO 639-3 with its macrolanguages). The Norwegian list has the words of both written forms."""

LISTS = {alias: code for code, (_, others) in LANGUAGES.items() for alias in (code, *others.split())}
"""The list of each language code."""


class StopWordCounts(NamedTuple):
    """What `count_stop_words` gives for n texts."""

    found: np.ndarray
    """Distinct stop words that occur; int64[n]."""
    covered: np.ndarray
    """`unicode` words that lie in an occurrence; int64[n]."""
    known: np.ndarray
    """Whether the text's language has a list; bool[n]; without one the counts are 0."""


def list_of(label: str | None) -> str | None:
    """Return the code of the list for a label such as `en` or `eng_Latn`, or None where there is none."""
    language, _, script = (label or "").partition("_")
    code = LISTS.get(language)
    return code if code and (not script or script in LANGUAGES[code][0].split()) else None


@functools.cache
def stop_words(code: str) -> tuple[str, ...]:
    """Return a list's stop words in lower case and NFC, in the order of the package.

    Args:
        code: one of LANGUAGES.

    Raises:
        MissingExtra: the package stop-words is not installed.
    """
    try:
        from stop_words import get_stop_words
    except ImportError as error:
        raise MissingExtra("stop-words", "web", "counting stop words") from error
    entries = (unicodedata.normalize("NFC", entry).lower() for entry in get_stop_words(code))
    return tuple(dict.fromkeys(entry for entry in entries if any(map(str.isalpha, entry))))


def forms(entry: str, code: str) -> list[str]:
    """Return a stop word as it is, with a capital first letter, and in capitals (Turkish: i, İ; ı, I)."""
    dotted = entry.replace("i", "İ") if code == "tr" else entry
    return list(dict.fromkeys((entry, dotted[0].upper() + entry[1:], dotted.upper())))


@functools.cache
def table_of(code: str) -> PhraseTable:
    """Return the table of a list's forms, each with the number of its stop word.

    Raises:
        MissingExtra: the package stop-words is not installed.
    """
    numbered = [(form, number) for number, entry in enumerate(stop_words(code), 1) for form in forms(entry, code)]
    texts = Texts.from_arrow(pa.array([form for form, _ in numbered], pa.large_string()))
    return phrase_table(texts.words("unicode"), np.array([number for _, number in numbered]))


def count_stop_words(texts: Texts, labels: pa.Array) -> StopWordCounts:
    """Count in each text the stop words of its language.

    Args:
        texts: n texts.
        labels: their languages; string[n], with nulls.

    Raises:
        MissingExtra: the package stop-words is not installed.
    """
    encoded = labels.dictionary_encode()
    lists = [list_of(label) for label in encoded.dictionary.to_pylist()] + [None]
    codes = np.array(lists, object)[encoded.indices.fill_null(len(lists) - 1).to_numpy()]
    words = texts.words("unicode")
    found, covered = np.zeros(len(texts), np.int64), np.zeros(len(texts), np.int64)
    for code in dict.fromkeys(filter(None, lists)):
        counts = count_phrases(words, table_of(code), np.flatnonzero(codes == code))
        found += counts.found
        covered += counts.covered
    return StopWordCounts(found, covered, codes != None)  # noqa: E711  elementwise
