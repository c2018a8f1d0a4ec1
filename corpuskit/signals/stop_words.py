"""Stop words of 33 languages, from the package stop-words, and how many of them a text has.

A stop word is the sequence of its `unicode` words: 我们 is two of them, "don't" too, whatever its apostrophe. It occurs
where these words follow one another, all as in the list, with a capital first letter, or all in capitals. Entries
without a letter (10, punctuation) are left out, and a form of two stop words (DASS of dass and daß) counts for the
first of them.
"""

import functools
import unicodedata
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from corpuskit.errors import MissingExtra
from corpuskit.kernels import Texts, fixed, inlined, kernel
from corpuskit.kernels.hashing import FINISHER, MULTIPLIER
from corpuskit.kernels.intrinsics import fold_multiply

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

GOES_ON = 1
"""Bit of a slot's value: longer stop words begin like this."""


class StopWordCounts(NamedTuple):
    """What `count_stop_words` gives for n texts."""

    found: np.ndarray
    """Distinct stop words that occur; int64[n]."""
    covered: np.ndarray
    """`unicode` words that lie in an occurrence; int64[n]."""
    known: np.ndarray
    """Whether the text's language has a list; bool[n]; without one the counts are 0."""


@dataclass(frozen=True, eq=False)
class StopWordTable:
    """A list as a hash table of all beginnings of its stop words' forms."""

    size: int
    """Number of stop words."""
    keys: np.ndarray
    """Hash of a sequence of words; uint64[slots], slots a power of two."""
    values: np.ndarray
    """0 in an empty slot, else 2 * (number of the stop word that ends here, from 1; else 0) + GOES_ON; int64[slots]."""


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


@inlined
def _extend(state, hashed):  # type: ignore[no-untyped-def]
    """Return the uint64 hash of a sequence of words and one more; an empty sequence has 0."""
    return fold_multiply(state * MULTIPLIER + hashed, FINISHER)


@inlined
def _slot(keys, values, key):  # type: ignore[no-untyped-def]
    """Return the slot of a key, or the empty one where it would go."""
    mask = np.int64(keys.size - 1)
    slot = np.int64(key & np.uint64(mask))
    while values[slot] != 0 and keys[slot] != key:
        slot = (slot + 1) & mask
    return slot


@kernel
def _fill(hashes, offsets, numbers, keys, values):  # type: ignore[no-untyped-def]
    """Enter forms, whose words have the `hashes`, into an empty table; numbers: int64[n_forms], from 1."""
    for form in range(offsets.size - 1):
        state = np.uint64(0)
        for word in range(offsets[form], offsets[form + 1]):
            state = _extend(state, hashes[word])
            slot = _slot(keys, values, state)
            keys[slot] = state
            if word + 1 < offsets[form + 1]:
                values[slot] |= GOES_ON
            elif values[slot] <= GOES_ON:
                values[slot] |= numbers[form] << 1


@functools.cache
def table_of(code: str) -> StopWordTable:
    """Return the table of a list.

    Raises:
        MissingExtra: the package stop-words is not installed.
    """
    numbered = [(form, number) for number, entry in enumerate(stop_words(code), 1) for form in forms(entry, code)]
    words = Texts.from_arrow(pa.array([form for form, _ in numbered], pa.large_string())).words("unicode")
    slots = 1 << (2 * len(words)).bit_length()  # at most half full
    keys, values = np.zeros(slots, np.uint64), np.zeros(slots, np.int64)
    _fill(words.hashes(), words.offsets, fixed([number for _, number in numbered], np.int64), keys, values)
    return StopWordTable(len(stop_words(code)), fixed(keys, np.uint64), fixed(values, np.int64))


@kernel
def _count(hashes, offsets, rows, size, keys, values, found, covered):  # type: ignore[no-untyped-def]
    """Fill `found` and `covered` at `rows`, the texts of one language with `size` stop words.

    From each word on, sequences are looked up as long as a stop word begins like this. Every word before `reach` that
    lies in an occurrence has been counted.
    """
    last_seen = np.full(size + 1, -1, np.int64)
    for row in rows:
        reach = offsets[row]
        for first in range(offsets[row], offsets[row + 1]):
            state = np.uint64(0)
            for word in range(first, offsets[row + 1]):
                state = _extend(state, hashes[word])
                value = values[_slot(keys, values, state)]
                number = value >> 1
                if number > 0:
                    found[row] += last_seen[number] != row
                    last_seen[number] = row
                    covered[row] += max(word + 1 - max(reach, first), 0)
                    reach = max(reach, word + 1)
                if not value & GOES_ON:
                    break


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
        table = table_of(code)
        rows = fixed(np.flatnonzero(codes == code), np.int64)
        _count(words.hashes(), words.offsets, rows, table.size, table.keys, table.values, found, covered)
    return StopWordCounts(found, covered, codes != None)  # noqa: E711  elementwise
