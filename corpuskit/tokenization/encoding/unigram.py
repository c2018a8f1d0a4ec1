"""Unigram: the segmentation into pieces whose probabilities have the greatest product."""

import threading
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from corpuskit.errors import InputError
from corpuskit.kernels.compiling import fixed
from corpuskit.kernels.texts import Texts
from corpuskit.kernels.tries import build_trie, characters
from corpuskit.kernels.word_cache import empty_cache
from corpuskit.shards.layout import token_dtype
from corpuskit.tokenization.encoding.batches import NOTHING, Encoded, in_blocks
from corpuskit.tokenization.encoding.segments import Segmenter
from corpuskit.tokenization.encoding.unigram_kernels import MOST_PIECES, encode_documents

CACHED_SEGMENTS = 1 << 17
"""Entries of the cache, 4 MiB when it is full."""
UNKNOWN_PENALTY = np.float32(10)
"""How much less than the rarest piece an unknown character scores; SentencePiece's `kUnkPenalty`."""


class Model(NamedTuple):
    """The pieces."""

    units: np.ndarray
    """Their trie; uint64[n_units]."""
    firsts: np.ndarray
    """The unit behind the bytes of each character below U+10000; uint64[65536]."""
    scores: np.ndarray
    """Log probability of each id, and 0 behind them; float32[n + 1]."""
    lengths: np.ndarray
    """Bytes of each id; int32[n]."""
    byte_ids: np.ndarray
    """The id of each byte, int32[256], or int32[0]: unknown characters are `unknown`, a run of them once."""
    unknown: np.int64
    unknown_score: np.float32
    cached: np.bool_
    """Whether scores are 0 or less, as the limits of cache entries presume."""


class Lattice(NamedTuple):
    """Room for the longest document, one more than it has bytes; what no segment reaches is never touched."""

    best: np.ndarray
    """The score of the best path that ends behind so many bytes; float32[]."""
    second: np.ndarray
    """The best score of a path there that ends with another piece; float32[]."""
    pieces: np.ndarray
    """The last piece of the best path; int32[]."""
    path: np.ndarray
    """Where the pieces of the best path end, the last one first; int32[]."""


class Output(NamedTuple):
    """Where ids go."""

    ids: np.ndarray
    """uint32[room for an id a byte, and four more]."""
    ends: np.ndarray
    """Index in its document of the byte behind each id's text; int64[as much room], or int64[0]: not asked for."""


class UnigramEncoder:
    """The unigram language model of Kudo (2018).

    Ids are those of SentencePiece 0.2.3 on the same text, a space for each U+2581 of a piece; roundings included. Text
    is taken as it is: what a model wants normalized, or a space in front, comes normalized. A real U+2581 is an unknown
    character, and the text behind it is encoded as one of its own; a space that is no piece gives its byte, not those
    of U+2581. One thread encodes at a time.

    Attributes:
        dtype: of ids: uint16 where all fit, else uint32.
    """

    def __init__(
        self,
        pieces: Sequence[bytes],
        scores: np.ndarray,
        *,
        byte_ids: Sequence[int] | None = None,
        unknown: int | None = None,
        cached_segments: int = CACHED_SEGMENTS,
    ) -> None:
        """Make an encoder.

        Args:
            pieces: the text of each id, UTF-8 with U+0020 for a space; empty for those that text never matches:
                control symbols, bytes, unused pieces. User-defined symbols are not supported.
            scores: log probability of each id; float32[n], those of empty pieces do not matter.
            byte_ids: the id of each of the 256 bytes, for characters that are no piece.
            unknown: where there is no `byte_ids`, the id of a run of such characters.
            cached_segments: entries of the cache, a power of 2; 32 bytes each, and 64 of a segment of over 15 bytes or
                over 3 ids.

        Raises:
            InputError: there are no pieces, or 2**24 or more, one is no UTF-8, scores are not finite or not as
                many, or unknown characters have no id.
            ValueError: an option is out of range.
        """
        _check(pieces, scores, byte_ids, unknown)
        ids = {piece: number for number, piece in enumerate(pieces) if piece}
        scores = fixed(scores, np.float32)
        known = scores[list(ids.values())]
        units = build_trie(ids)
        self._segmenter = Segmenter(ids)
        self.model = Model(
            units,
            characters(units),
            fixed(np.append(scores, np.float32(0)), np.float32),
            fixed([len(piece) for piece in pieces], np.int32),
            fixed([] if byte_ids is None else byte_ids, np.int32),
            np.int64(-1 if unknown is None else unknown),
            known.min() - UNKNOWN_PENALTY,
            np.bool_(known.max() <= 0),
        )
        self._cache = empty_cache(cached_segments)
        self.dtype = token_dtype(len(pieces))
        self._lock = threading.Lock()

    def encode(self, texts: Texts) -> tuple[np.ndarray, np.ndarray]:
        """Return ids [n_tokens] of all documents, of `dtype`, and offsets int64[n + 1]."""
        encoded = self._encode_all(texts, False)
        return encoded.ids, encoded.offsets

    def encode_with_spans(self, texts: Texts) -> Encoded:
        """Return the ids with the bytes of the document that each stands for; a byte's id for that byte."""
        return self._encode_all(texts, True)

    def _encode_all(self, texts: Texts, spans: bool) -> Encoded:
        lattice = _lattice(1 + int(texts.lengths().max(initial=0)))
        encode = self._encode_with_spans if spans else self._encode
        with self._lock:
            return in_blocks(texts, lambda block, room: encode(block, lattice, room), self.dtype)

    def _encode(self, texts: Texts, lattice: Lattice, room: np.ndarray, ends: np.ndarray = NOTHING) -> Encoded:
        segments = self._segmenter.segments(texts)
        bounds = np.zeros(len(texts) + 1, np.int64)
        spans = segments.data, segments.starts, segments.ends, segments.offsets
        encode_documents(*spans, self.model, self._cache, lattice, Output(room, ends), bounds)
        return Encoded(room[: bounds[-1]], bounds)

    def _encode_with_spans(self, texts: Texts, lattice: Lattice, room: np.ndarray) -> Encoded:
        ends = np.empty(room.size, np.int64)
        encoded = self._encode(texts, lattice, room, ends)
        ends = ends[: encoded.ids.size]
        # Tokens cover their document: each begins where the one before it ends.
        starts, firsts = np.roll(ends, 1), encoded.offsets[:-1]
        starts[firsts[firsts < encoded.offsets[1:]]] = 0
        return encoded._replace(starts=starts, ends=ends)


def _check(pieces: Sequence[bytes], scores: np.ndarray, byte_ids: Sequence[int] | None, unknown: int | None) -> None:
    if len(pieces) != len(scores):
        raise InputError(f"{len(pieces)} pieces, but {len(scores)} scores")
    if len(pieces) > MOST_PIECES:
        raise InputError(f"a unigram vocabulary has {len(pieces)} pieces, more than {MOST_PIECES}")
    if not any(pieces):
        raise InputError("a unigram vocabulary has no pieces")
    if not np.isfinite(scores).all():
        raise InputError("a score of a unigram vocabulary is not finite")
    if byte_ids is None and unknown is None:
        raise InputError("a unigram vocabulary has neither bytes nor an unknown token")
    if byte_ids is not None and len(byte_ids) != 256:
        raise InputError(f"a unigram vocabulary has {len(byte_ids)} bytes rather than 256")
    for number, piece in enumerate(pieces):
        try:
            piece.decode()
        except UnicodeDecodeError as error:
            raise InputError(f"piece {number} of a unigram vocabulary is not UTF-8: {piece!r}") from error


def _lattice(size: int) -> Lattice:
    return Lattice(
        np.empty(size, np.float32), np.empty(size, np.float32), np.empty(size, np.int32), np.empty(size, np.int32)
    )
