"""Words in the order of their bytes.

They are sorted by their first 8 bytes as one number; those that are still equal by the next 8, and so on. Only the
first pass takes all words.
"""

import numpy as np
import pyarrow as pa

from corpuskit.kernels.compiling import fixed, kernel
from corpuskit.kernels.spans import gather_spans
from corpuskit.tokenization.counts.words import WordCounts

CHUNK = 8
"""Bytes that are compared at once."""


@kernel
def _chunks(data, offsets, words, depth, chunks, left):  # type: ignore[no-untyped-def]
    """Fill chunks uint64[m] with 8 bytes of each word from byte `depth` on, big-endian, zeros behind its end.

    left: uint8[m], how many bytes it has there, 9 where there are more than 8.
    """
    for place in range(words.size):
        start, end = offsets[words[place]] + depth, offsets[words[place] + 1]
        value = np.uint64(0)
        for offset in range(CHUNK):
            byte = np.uint64(data[start + offset]) if start + offset < end else np.uint64(0)
            value = (value << np.uint64(8)) | byte
        chunks[place] = value
        left[place] = min(max(end - start, 0), CHUNK + 1)


def _ties(*keys: np.ndarray) -> np.ndarray:
    """Return which places of sorted keys equal a neighbour's; bool[m]."""
    equal = np.ones(keys[0].size - 1, bool)
    for key in keys:
        equal &= key[1:] == key[:-1]
    tied = np.zeros(keys[0].size, bool)
    tied[1:] |= equal
    tied[:-1] |= equal
    return tied


def _read(data: np.ndarray, offsets: np.ndarray, words: np.ndarray, depth: int) -> tuple[np.ndarray, np.ndarray]:
    chunks, left = np.empty(words.size, np.uint64), np.empty(words.size, np.uint8)
    _chunks(data, offsets, words, depth, chunks, left)
    return chunks, left


def _changes(*keys: np.ndarray) -> np.ndarray:
    """Return where sorted keys differ from those before them, the first place included; bool[m]."""
    changes = np.ones(keys[0].size, bool)
    changes[1:] = False
    for key in keys:
        changes[1:] |= key[1:] != key[:-1]
    return changes


def byte_order(data: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Return the numbers of the words in the order of their bytes; int64[n].

    Args:
        data: uint8[n_bytes].
        offsets: int64[n + 1]; word i is `data[offsets[i]:offsets[i + 1]]`, no two are equal.
    """
    chunks, left = _read(data, offsets, np.arange(offsets.size - 1), 0)
    order = np.argsort(chunks)
    left = left[order]
    changes = _changes(chunks[order])
    places, depth = np.arange(order.size), 0
    while True:
        alone = changes & np.append(changes[1:], True)
        places, groups, left = places[~alone], np.cumsum(changes)[~alone], left[~alone]
        if not places.size:
            return order
        depth += CHUNK
        words = order[places]
        chunks, next_left = _read(data, offsets, words, depth)
        arranged = np.lexsort((chunks, left, groups))  # words that end here come first, the shortest before the others
        order[places] = words[arranged]
        changes = _changes(groups, left[arranged], chunks[arranged])
        left = next_left[arranged]


def bytes_of(words: pa.LargeBinaryArray) -> tuple[np.ndarray, np.ndarray]:
    """Return data uint8[n_bytes] and offsets int64[n + 1], which may not begin at 0, of a column without nulls."""
    _, offset_buffer, data_buffer = words.buffers()
    if not len(words):
        return fixed(np.empty(0), np.uint8), fixed(np.zeros(1), np.int64)
    offsets = np.frombuffer(offset_buffer, np.int64)[words.offset : words.offset + len(words) + 1]
    return fixed(np.frombuffer(data_buffer or b"", np.uint8), np.uint8), fixed(offsets, np.int64)


def ordered_words(data: np.ndarray, offsets: np.ndarray, counts: np.ndarray) -> WordCounts:
    """Return the counts of different words in any order: data uint8[n_bytes], offsets int64[n + 1], counts int64[n]."""
    order = byte_order(data, offsets)
    gathered, ends = gather_spans(data, offsets[:-1][order], offsets[1:][order])
    words = pa.LargeBinaryArray.from_buffers(
        pa.large_binary(), order.size, [None, pa.py_buffer(ends), pa.py_buffer(gathered)]
    )
    return WordCounts(words, fixed(counts[order], np.int64))
