"""Word lists for URLs: whole words, and strings inside them.

A URL is folded first: its scheme is cut off, percent-encodings are decoded (what is no UTF-8 then counts as a space),
letters put in lower case. Its words are the runs of ASCII letters, digits and bytes beyond ASCII. Entries of word lists
are put in lower case too, without what is no part of a word: `Free-Stuff` is `freestuff`, as in datatrove's URL filter.
"""

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import unquote

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpuskit.errors import InputError
from corpuskit.kernels import Texts, fixed, hash_spans
from corpuskit.kernels.columns import as_arrow
from corpuskit.urls.automaton import Automaton, count_strings, count_words
from corpuskit.urls.lists import read_chunks

BETWEEN = re.compile(r"[^0-9a-z\u0080-\U0010ffff]+")
"""What is no word; of folded text."""


def fold(texts: Texts) -> Texts:
    """Return n URLs as their words are looked for."""
    urls = as_arrow(texts.data, texts.offsets)
    bare = pc.replace_substring_regex(urls, "^[A-Za-z][A-Za-z0-9+.-]*://", "")
    odd = pc.match_substring_regex(bare, "[^\\x00-\\x7f]|%[0-9A-Fa-f][0-9A-Fa-f]")
    decoded = [unquote(url).replace("\ufffd", " ").lower() for url in bare.filter(odd).to_pylist()]
    return Texts.from_arrow(pc.replace_with_mask(pc.ascii_lower(bare), odd, pa.array(decoded, pa.large_string())))


def read_words(path: str) -> tuple[str, ...]:
    """Return the distinct entries of a word list, folded, in order; one a line, a line that begins with # is none.

    Raises:
        InputError: the file cannot be read, is not UTF-8 or has no entry.
    """
    try:
        lines = b"\n".join(read_chunks(path)).decode().splitlines()
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 at byte {error.start}") from error
    entries = (BETWEEN.sub("", line.lower()) for line in lines if not line.startswith("#"))
    words = tuple(sorted({entry for entry in entries if entry}))
    if not words:
        raise InputError(f"{path}: no word in it")
    return words


@dataclass(frozen=True)
class Words:
    """Words to be found as whole words of URLs."""

    words: tuple[str, ...]

    @functools.cached_property
    def _hashes(self) -> np.ndarray:
        data, offsets = _bytes(self.words)
        return fixed(np.sort(hash_spans(data, offsets[:-1], offsets[1:])), np.uint64)

    def count(self, folded: Texts) -> np.ndarray:
        """Return how many of the words each URL has, each counted once; int32[n]."""
        return count_words(folded.data, folded.offsets, self._hashes)


@dataclass(frozen=True)
class Strings:
    """Words to be found anywhere in what is left of URLs without all that is between their words."""

    words: tuple[str, ...]

    @functools.cached_property
    def _automaton(self) -> Automaton:
        return Automaton.of(*_bytes(self.words))

    def count(self, folded: Texts) -> np.ndarray:
        """Return how often the words occur in each URL, overlaps included; int32[n]."""
        machine = self._automaton
        return count_strings(folded.data, folded.offsets, machine.classes, machine.following, machine.found)


def _bytes(words: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    texts = Texts.from_arrow(pa.array(words, pa.large_string()))
    return texts.data, texts.offsets
