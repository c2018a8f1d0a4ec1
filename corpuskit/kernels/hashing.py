"""Hashes of byte spans and of whole texts."""

import itertools
from typing import TYPE_CHECKING

import numpy as np
import xxhash

from corpuskit.kernels.compiling import fixed, inlined, kernel
from corpuskit.kernels.intrinsics import fold_multiply, load64

if TYPE_CHECKING:
    from corpuskit.kernels.texts import Texts

MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
"""2**64 divided by the golden ratio, made odd."""
FINISHER = np.uint64(0xD6E8FEB86659FD93)
"""Another odd constant with well-spread bits."""
ALL_BITS = np.uint64(0xFFFFFFFFFFFFFFFF)


@inlined
def _tail64(data: np.ndarray, start: np.int64, length: np.int64) -> np.uint64:
    """Return the 0 to 8 bytes from `start` as a little-endian uint64, reading no byte outside `data`."""
    if length == 0:
        return np.uint64(0)
    if start + 8 <= data.size:
        return load64(data, start) & (ALL_BITS >> np.uint64(64 - 8 * length))
    value = np.uint64(0)
    for place in range(length):
        value |= np.uint64(data[start + place]) << np.uint64(8 * place)
    return value


@inlined
def hash_span(data: np.ndarray, start: np.int64, stop: np.int64, seed: np.uint64) -> np.uint64:
    """Return the 64-bit hash of `data[start:stop]`; data uint8[n_bytes], seed uint64.

    Each 8 bytes are added with xor and multiplied to 128 bits whose halves are folded, then the length likewise (the
    construction of wyhash). Not for adversaries: whoever knows the seed can make collisions.
    """
    state = seed ^ MULTIPLIER
    position = start
    while stop - position > 8:
        state = fold_multiply(state ^ load64(data, position), MULTIPLIER)
        position += 8
    state = fold_multiply(state ^ _tail64(data, position, stop - position), MULTIPLIER)
    return fold_multiply(state ^ np.uint64(stop - start), FINISHER)


@kernel
def _hash_spans(data: np.ndarray, starts: np.ndarray, ends: np.ndarray, seed: np.uint64, hashes: np.ndarray) -> None:
    for span in range(starts.size):
        hashes[span] = hash_span(data, starts[span], ends[span], seed)


def hash_spans(data: np.ndarray, starts: np.ndarray, ends: np.ndarray, seed: int = 0) -> np.ndarray:
    """Return a 64-bit hash of each `data[starts[i]:ends[i]]`; uint64[m].

    Args:
        data: uint8[n_bytes].
        starts: int64[m], first byte of each span.
        ends: int64[m], byte after each span.
        seed: 0 to 2**64 - 1; another seed gives independent hashes.

    Raises:
        ValueError: a span lies outside the data, ends before it starts, or the arrays differ in length.
    """
    return hash_scanned(*check_spans(data, starts, ends), seed)


def hash_scanned(data: np.ndarray, starts: np.ndarray, ends: np.ndarray, seed: int = 0) -> np.ndarray:
    """Do the same with spans that a kernel has found, and that need no check; arrays as `check_spans` returns them."""
    hashes = np.empty(starts.size, np.uint64)
    _hash_spans(data, starts, ends, np.uint64(seed), hashes)
    return fixed(hashes, np.uint64)


def check_spans(data: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the arrays as kernels take them (read-only, contiguous; uint8, int64, int64).

    Raises:
        ValueError: a span lies outside the data, ends before it starts, or the arrays differ in length.
    """
    data, starts, ends = fixed(data, np.uint8), fixed(starts, np.int64), fixed(ends, np.int64)
    if starts.shape != ends.shape:
        raise ValueError(f"{starts.size} starts, but {ends.size} ends")
    if starts.size and (starts.min() < 0 or ends.max() > data.size or (starts > ends).any()):
        raise ValueError(f"a span lies outside the {data.size} bytes of data or ends before it starts")
    return data, starts, ends


def hash_texts(texts: "Texts", seed: int = 0) -> np.ndarray:
    """Return the xxh3-128 of each document's bytes, big-endian; uint8[n, 16]. Equal texts have equal hashes."""
    view = texts.data.data
    bounds = texts.offsets.tolist()
    digest = xxhash.xxh3_128_digest
    digests = [digest(view[start:stop], seed) for start, stop in itertools.pairwise(bounds)]
    return np.frombuffer(b"".join(digests), np.uint8).reshape(-1, 16)
