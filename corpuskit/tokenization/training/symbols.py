"""The alphabet of a corpus, and its words as symbols of it: what the merge loop begins with."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from corpuskit.errors import InputError
from corpuskit.kernels import fixed, kernel
from corpuskit.kernels.utf8 import decode
from corpuskit.tokenization.counts import WordCounts
from corpuskit.tokenization.training.merges import CUT, Cells

CODE_POINTS = 1 << 21
"""One more than the highest number that four bytes decode to."""
MOST_CELLS = 2**32 - 2
"""Places are numbers of 32 bits."""
LARGEST_TEXT = 2**62
"""Bytes; no count of a pair can then pass 64 bits."""
SPACE, SHOWN_SPACE = 0x20, 0x2581
"""SentencePiece compares a space as the character that it shows it as."""


@dataclass(frozen=True, eq=False)
class Alphabet:
    """The symbols that words are made of: bytes or characters.

    Attributes:
        codes: value of each symbol's byte, or its code point; int64[n], each once.
        ids: the symbols' ids; int32[n].
        characters: whether symbols are characters.
    """

    codes: np.ndarray
    ids: np.ndarray
    characters: bool

    def __len__(self) -> int:
        return self.codes.size

    def tokens(self) -> list[bytes]:
        """Return each byte, or the UTF-8 of each character."""
        return [chr(code).encode() if self.characters else bytes([code]) for code in self.codes.tolist()]

    def ids_of(self, text: bytes) -> list[int] | None:
        """Return the id of each symbol of a text, or None if some symbol is not in the alphabet."""
        ids = dict(zip(self.codes.tolist(), self.ids.tolist(), strict=True))
        codes = map(ord, text.decode()) if self.characters else text
        found = [ids.get(code) for code in codes]
        return None if None in found else [one for one in found if one is not None]

    def table(self) -> np.ndarray:
        """Return the id of each code, or CUT; int32[256], or int32[CODE_POINTS] for characters."""
        table = np.full(CODE_POINTS if self.characters else 256, CUT, np.int32)
        table[self.codes] = self.ids
        return table

    def ranks(self) -> np.ndarray:
        """Return, by id + 1, each symbol's place from 1 on in the order of their UTF-8, U+0020 as U+2581; int32[*].

        UTF-8 compares as code points do.
        """
        shown = np.where(self.codes == SPACE, SHOWN_SPACE, self.codes) if self.characters else self.codes
        ranks = np.zeros(self.ids.max(initial=0) + 2, np.int32)
        ranks[self.ids[np.argsort(shown)] + 1] = np.arange(1, len(self) + 1)
        return ranks


@kernel
def _count_characters(data, offsets, counts, found):  # type: ignore[no-untyped-def]
    """Add each word's count to its characters; found: int64[2, CODE_POINTS], at the start of words and inside them."""
    for word in range(offsets.size - 1):
        position = offsets[word]
        while position < offsets[word + 1]:
            code, length = decode(data, position, offsets[word + 1])
            found[np.int64(position > offsets[word]), code] += counts[word]
            position += length


@kernel
def _lay_out(data, offsets, characters, table, inside, leads, longest, cut, ids, words):  # type: ignore[no-untyped-def]
    """Fill ids int32[*] and words uint32[*]; return how many cells there are.

    table: ids by code, or `cut`, int32[256] or int32[CODE_POINTS]; inside: the same inside words; leads: a code that
    only begins words, or -1: elsewhere it begins a new one; longest: symbols after which a word is cut.
    """
    cell, nothing = np.int64(0), np.int64(0)
    for word in range(offsets.size - 1):
        position, size = offsets[word], nothing
        ids[cell], words[cell] = cut, word
        cell += 1
        while position < offsets[word + 1]:
            code, length = decode(data, position, offsets[word + 1]) if characters else (np.int64(data[position]), 1)
            if size == longest or (size > 0 and code == leads):
                ids[cell], words[cell] = cut, word
                cell, size = cell + 1, nothing
            ids[cell], words[cell] = table[code] if size == 0 else inside[code], word
            cell, size, position = cell + 1, size + 1, position + length
    ids[cell], words[cell] = cut, 0
    return cell + 1


def buffers(words: pa.LargeBinaryArray) -> tuple[np.ndarray, np.ndarray]:
    """Return the bytes of words, uint8[*], and where each begins, int64[n + 1]."""
    _, offsets, data = words.buffers()
    bounds = np.frombuffer(offsets, np.int64)[words.offset : words.offset + len(words) + 1]
    return fixed(np.frombuffer(data or b"", np.uint8), np.uint8), fixed(bounds, np.int64)


def check_words(counts: WordCounts) -> None:
    """Check that words can be trained on.

    Raises:
        InputError: there are none, or so many that a count could pass 64 bits.
    """
    if not len(counts):
        raise InputError(
            "there are no words to train on: the corpus is empty, or a minimum count has cut all its words"
        )
    _, offsets = buffers(counts.words)
    total = float(np.dot(np.diff(offsets).astype(np.float64), counts.counts.astype(np.float64)))
    if total > LARGEST_TEXT:
        raise InputError(
            f"the words stand for {total:.3g} bytes of text; no more than {LARGEST_TEXT:.3g} can be counted"
        )


def count_characters(counts: WordCounts) -> np.ndarray:
    """Return how often each code point begins a word (row 0) and stands inside one (row 1); int64[2, CODE_POINTS]."""
    found = np.zeros((2, CODE_POINTS), np.int64)
    _count_characters(*buffers(counts.words), fixed(counts.counts, np.int64), found)
    return found


def covering(found: np.ndarray, coverage: float) -> np.ndarray:
    """Return the code points that make up a share of the text, the most frequent first, equal ones by code; int64[k].

    found: int64[*], how often each occurs. As SentencePiece does, characters are taken until the share is reached.
    """
    codes = np.flatnonzero(found)
    codes = codes[np.argsort(-found[codes], kind="stable")]
    before = np.cumsum(found[codes]) - found[codes]
    return codes[before < coverage * found.sum()]


def lay_out(
    counts: WordCounts,
    alphabet: Alphabet,
    *,
    inside: Alphabet | None = None,
    leads: int = -1,
    longest_word: int | None = None,
    spelled: bool = False,
) -> Cells:
    """Return the words as cells; a character outside the alphabet cuts its word.

    Args:
        counts: the words.
        alphabet: the symbols.
        inside: the symbols inside words, where those have ids of their own.
        leads: a code that only begins words: elsewhere the word is cut before it.
        longest_word: symbols after which a word is cut, and the rest taken for a new one.
        spelled: whether `Cells.spelling` is needed.

    Raises:
        InputError: the words are more than 4 billion symbols.
    """
    data, offsets = buffers(counts.words)
    n_bytes = int(offsets[-1] - offsets[0])
    most = n_bytes * (1 if leads < 0 and longest_word is None else 2) + len(counts) + 1
    if most > MOST_CELLS:
        raise InputError(f"{len(counts):,} words of {n_bytes:,} bytes are too many for one training: cut rare words")
    ids, words = np.empty(most, np.int32), np.empty(most, np.uint32)
    table, longest = alphabet.table(), longest_word or MOST_CELLS
    inner = table if inside is None else inside.table()
    size = _lay_out(data, offsets, alphabet.characters, table, inner, leads, longest, CUT, ids, words)
    ids, words = ids[:size], words[:size]
    spelling = alphabet.ranks()[ids + 1] if spelled else np.empty(0, np.int32)
    return Cells(ids, words, fixed(counts.counts, np.int64), spelling)
