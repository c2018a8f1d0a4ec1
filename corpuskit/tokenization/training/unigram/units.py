"""What the model is trained on: counted words, cut wherever no piece can lie across.

A piece holds no space but in front (or nothing but spaces), one script, and no character outside the alphabet. A word
is cut at all these places, and equal parts are counted together: the sum over segmentations of a word is the product
over its parts, so nothing changes but the cost.
"""

from dataclasses import dataclass

import numpy as np

from corpuskit.errors import InputError
from corpuskit.kernels import Texts, fixed, inlined, kernel
from corpuskit.kernels.hash_tables import clear_slots, empty_slots
from corpuskit.kernels.hashing import hash_span
from corpuskit.kernels.utf8 import decode
from corpuskit.tokenization.training.unigram.alphabet import Alphabet

LONGEST = 4096
"""Symbols; a longer part is cut, so that what a part needs while it is segmented stays small."""
MOST_SYMBOLS = (1 << 31) - 1
"""Places are numbered in 32 bits."""
_INHERITED, _SPACE = 0, 1  # as in `alphabet`: kernels use constants of their own file


@dataclass(frozen=True, eq=False)
class Units:
    """Parts of words, each once; arrays are read-only."""

    symbols: np.ndarray
    """The symbols of the alphabet, a 0 after each unit; int32[m]."""
    offsets: np.ndarray
    """Unit i is `symbols[offsets[i]:offsets[i + 1] - 1]`; int64[n + 1]."""
    weights: np.ndarray
    """How often each unit occurs; int64[n]."""

    def __len__(self) -> int:
        return self.weights.size

    def owners(self) -> np.ndarray:
        """Return the unit of each place in `symbols`; int32[m]."""
        return fixed(np.repeat(np.arange(len(self), dtype=np.int32), np.diff(self.offsets)), np.int32)


def make_units(texts: Texts, counts: np.ndarray, alphabet: Alphabet) -> Units:
    """Cut words and count the parts.

    Args:
        texts: the words.
        counts: how often each occurs, int64[n].
        alphabet: the characters and their scripts.

    Returns:
        The parts in the order of their first occurrence.

    Raises:
        InputError: there are more than `MOST_SYMBOLS` symbols.
    """
    symbols = np.empty(texts.data.size, np.int32)
    bounds = np.zeros(len(texts) + 1, np.int64)
    size = _translate(texts.data, texts.offsets, alphabet.symbols, symbols, bounds)
    symbols, bounds = fixed(symbols[:size], np.int32), fixed(bounds, np.int64)
    empty = np.empty(0, np.int64)
    n_parts = _cut(symbols, bounds, alphabet.scripts, LONGEST, empty, empty, empty)
    starts, ends, words = (np.empty(n_parts, np.int64) for _ in range(3))
    _cut(symbols, bounds, alphabet.scripts, LONGEST, starts, ends, words)
    weights = np.zeros(n_parts, np.int64)
    kept = _merge(symbols, symbols.view(np.uint8), starts, ends, counts[words], empty_slots(n_parts), weights)
    return _gathered(symbols, starts[:kept], ends[:kept], weights[:kept])


def _gathered(symbols: np.ndarray, starts: np.ndarray, ends: np.ndarray, weights: np.ndarray) -> Units:
    """Copy the parts one after the other, a 0 behind each."""
    offsets = np.zeros(starts.size + 1, np.int64)
    np.cumsum(ends - starts + 1, out=offsets[1:])
    if offsets[-1] > MOST_SYMBOLS:
        raise InputError(f"{offsets[-1]} characters of unique words are too many to train on; most: {MOST_SYMBOLS}")
    gathered = np.zeros(offsets[-1], np.int32)
    _gather(symbols, starts, ends, offsets, gathered)
    return Units(fixed(gathered, np.int32), fixed(offsets, np.int64), fixed(weights, np.int64))


@kernel
def _translate(
    data: np.ndarray, offsets: np.ndarray, table: np.ndarray, symbols: np.ndarray, bounds: np.ndarray
) -> int:
    """Write the symbols of all texts and where each text ends; return how many there are."""
    size = 0
    for text in range(offsets.size - 1):
        position = offsets[text]
        while position < offsets[text + 1]:
            code, length = decode(data, position, offsets[text + 1])
            symbols[size] = table[code]
            size += 1
            position += length
        bounds[text + 1] = size
    return size


@inlined
def _starts_part(script, after_space, current):  # type: ignore[no-untyped-def]
    """Tell whether no piece may hold a character and those before it in the part."""
    if script == _SPACE:
        return not after_space
    return current not in (_INHERITED, script) and script != _INHERITED


@kernel
def _cut(
    symbols: np.ndarray,
    bounds: np.ndarray,
    scripts: np.ndarray,
    longest: int,
    starts: np.ndarray,
    ends: np.ndarray,
    words: np.ndarray,
) -> int:
    """Write where the parts of each word lie, if there is room for any; return how many there are."""
    size = 0
    for word in range(bounds.size - 1):
        start = bounds[word]
        after_space = True  # all of the part so far is spaces
        current = _INHERITED
        for place in range(bounds[word], bounds[word + 1] + 1):
            outside = place == bounds[word + 1] or symbols[place] == 0
            script = _INHERITED if outside else scripts[symbols[place]]
            if outside or place - start >= longest or _starts_part(script, after_space, current):
                if place > start:
                    if starts.size:
                        starts[size], ends[size], words[size] = start, place, word
                    size += 1
                start = place + outside
                after_space, current = True, _INHERITED
            after_space &= outside or script == _SPACE
            if script not in (_INHERITED, _SPACE):
                current = script
    return size


@kernel
def _merge(
    symbols: np.ndarray,
    data: np.ndarray,
    starts: np.ndarray,
    ends: np.ndarray,
    counts: np.ndarray,
    slots: np.ndarray,
    weights: np.ndarray,
) -> int:
    """Move the first of equal parts to the front, in order, with the sum of their counts; return how many they are."""
    shift, last = clear_slots(slots, starts.size)
    kept = 0
    for part in range(starts.size):
        start, length = starts[part], ends[part] - starts[part]
        slot = hash_span(data, 4 * start, 4 * ends[part], np.uint64(0)) >> shift
        while slots[slot]:
            other = np.int64(slots[slot]) - 1
            same = ends[other] - starts[other] == length
            for place in range(length if same else 0):
                same &= symbols[starts[other] + place] == symbols[start + place]
            if same:
                break
            slot = (slot + np.uint64(1)) & last
        if not slots[slot]:
            starts[kept], ends[kept] = start, start + length
            kept += 1
            slots[slot] = kept
        weights[np.int64(slots[slot]) - 1] += counts[part]
    return kept


@kernel
def _gather(
    symbols: np.ndarray, starts: np.ndarray, ends: np.ndarray, offsets: np.ndarray, gathered: np.ndarray
) -> None:
    for unit in range(starts.size):
        for place in range(ends[unit] - starts[unit]):
            gathered[offsets[unit] + place] = symbols[starts[unit] + place]
