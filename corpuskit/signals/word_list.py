"""How often the phrases of a recipe's own lists occur: bad words, boilerplate, names.

A list is a UTF-8 file with one phrase a line; a line that begins with # is none. A phrase is the sequence of its
`unicode` words, so that each ideograph is one and "don't" two, whatever its apostrophe; one without words (an emoji,
punctuation) is left out. It occurs where these words follow one another, whatever stands between them, as
RedPajama-V2 counts the list LDNOOBW; overlapping occurrences count each.

Texts and phrases are compared without regard to letter case and canonical form: letters and marks are decomposed and
their case folded as in `str.casefold()` (Unicode, 3.13, D145: canonical caseless match), so Straße is STRASSE. Marks
stay in the order in which they were typed.
"""

import functools
import unicodedata
from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np
import pyarrow as pa
from pydantic import Field, StringConstraints

from corpuskit import storage
from corpuskit.config import Config
from corpuskit.errors import InputError
from corpuskit.kernels import Texts
from corpuskit.kernels.character_map import CharacterMap, character_map, rewrite
from corpuskit.signals.group import Signal, SignalGroup
from corpuskit.signals.phrases import PhraseTable, count_phrases, phrase_table
from corpuskit.storage import StoredFile

ListName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")]


class WordListConfig(Config):
    """Lists for the `word_list` signals."""

    lists: dict[ListName, str] = Field(default_factory=dict)
    """Files of phrases, one a line, by the name of their signal: `bad_words: lists/ldnoobw_en.txt` gives
    `word_list.bad_words`. Local paths or fsspec URLs."""


def read_lines(path: str) -> tuple[str, ...]:
    """Return the lines of a list without white space at their ends, empty ones and those that begin with #.

    Raises:
        InputError: the file cannot be read or is not UTF-8.
    """
    try:
        lines = storage.read_bytes(path).decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 at byte {error.start}; expected one phrase a line in UTF-8") from error
    stripped = (line.strip() for line in lines)
    return tuple(line for line in stripped if line and not line.startswith("#"))


def list_file(field: str, path: str) -> StoredFile:
    """Return the file of a list.

    Raises:
        InputError: it does not exist; the message names the field.
    """
    try:
        return storage.stat(path)
    except InputError as error:
        raise InputError(f"{field}: {error}") from error


def list_checksum(field: str, path: str) -> str:
    """Return the checksum of a list.

    Raises:
        InputError: it cannot be read; the message names the field.
    """
    file = list_file(field, path)
    try:
        return storage.checksum(file.path)
    except InputError as error:
        raise InputError(f"{field}: {error}") from error


def _fold(character: str) -> str:
    """Return a letter or mark decomposed, with its case folded; another character as it is.

    Some symbols decompose to a symbol and a mark, which would be part of a word.
    """
    if unicodedata.category(character)[0] not in "LM":
        return character
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", character).casefold())


@functools.cache
def _folding() -> CharacterMap:
    return character_map(_fold)


def fold(texts: Texts) -> Texts:
    """Return n texts as phrases are looked for in them."""
    folded, _ = rewrite(texts, _folding())
    return folded


@functools.lru_cache(maxsize=64)
def read_list(field: str, file: StoredFile) -> PhraseTable:
    """Read a list once a process, and again when size or tag of its file changes.

    Raises:
        InputError: it cannot be read, is not UTF-8 or has no phrase; the message names the field.
    """
    try:
        lines = read_lines(file.path)
    except InputError as error:
        raise InputError(f"{field}: {error}") from error
    phrases = fold(Texts.from_arrow(pa.array(lines, pa.large_string()))).words("unicode")
    if not len(phrases):
        raise InputError(f"{field}: {file.path}: no phrase in it; expected one a line")
    return phrase_table(phrases, np.arange(1, len(lines) + 1))


def _field(name: str) -> str:
    return f"word_lists.{name}"


def measure(texts: Texts, config: WordListConfig) -> Mapping[str, np.ndarray]:
    """Return int32[n] for each list: occurrences of its phrases.

    Raises:
        InputError: a list cannot be read; the message names the field.
    """
    tables = {name: read_list(_field(name), list_file(_field(name), path)) for name, path in config.lists.items()}
    words = fold(texts).words("unicode")
    rows = np.arange(len(texts))
    return {name: count_phrases(words, table, rows).occurrences.astype(np.int32) for name, table in tables.items()}


def identity(config: WordListConfig) -> dict[str, Any]:
    """Return what of the config decides values: the checksum of each list.

    Raises:
        InputError: a file cannot be read; the message names the field.
    """
    return {name: list_checksum(_field(name), path) for name, path in config.lists.items()}


def named(config: WordListConfig) -> dict[str, Signal]:
    """Return the signal of each list."""
    return {name: Signal(pa.int32(), "0 or more", f"occurrences of the phrases of {name}") for name in config.lists}


WORD_LIST = SignalGroup(
    name="word_list",
    revision=1,
    source="as RedPajama-V2 counts LDNOOBW (Weber et al. 2024); words and folding in corpuskit.signals.word_list",
    signals={},
    measure=measure,
    config=WordListConfig,
    named=named,
    identity=identity,
    named_in="`word_lists`",
)
