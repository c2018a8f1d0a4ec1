"""Byte-level BPE: merges in the order in which they were learned, within each word."""

import threading
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from corpuskit.errors import InputError
from corpuskit.kernels.compiling import fixed
from corpuskit.kernels.spans import Spans
from corpuskit.kernels.texts import Texts
from corpuskit.kernels.tries import build_trie
from corpuskit.kernels.word_cache import empty_cache
from corpuskit.shards.layout import token_dtype
from corpuskit.tokenization.encoding.batches import Encoded, in_blocks
from corpuskit.tokenization.encoding.bpe_kernels import (
    FREE,
    ID_BITS,
    RANK_BITS,
    VERDICT_BITS,
    encode_words,
    fill_masks,
    fill_pairs,
    find_lasts,
    find_shorter,
    token_spans,
)
from corpuskit.tokenization.pretokens import check_pretokenizer, pretokenize

CACHED_WORDS = 1 << 17
"""Entries of the cache, 4 MiB."""
MOST_BYTES = 1 << 23
"""Of all tokens together: a trie holds no more."""
LONGEST_TOKEN = 1 << 12
"""Bytes. To find out whether merges in odd order give a token takes the square of its length."""
NO_UNITS = np.empty(0, np.uint64)


class Model(NamedTuple):
    """The merges, and the tokens that they give."""

    units: np.ndarray
    """Trie of the tokens that BPE gives for their own text; others never occur. uint64[n_units]."""
    whole: np.ndarray
    """Trie of further tokens, which only a whole word is; uint64[n_units], or uint64[0] for none."""
    lengths: np.ndarray
    """Bytes of each id, 0 for one that is no token; int32[n]."""
    shorter: np.ndarray
    """The longest token that each one begins with, but itself, or -1; int32[n]."""
    lasts: np.ndarray
    """The merge that BPE of each token's text ends with: the ids of its two parts, its rank, and 1 if it and each merge
    before it have a higher rank than those that gave their parts, else 0. A byte has itself and -1, and 1; what is no
    token has -1. int32[n, 4]."""
    masks: np.ndarray
    """Ids as one of 64 bits each: parts of a token that it begins with, and itself; those that it ends with; the left
    parts of merges that could cross the boundary before it; the right parts of those behind it. uint64[n, 4]."""
    pairs: np.ndarray
    """The table of ranks that `fill_pairs` writes; uint64[a power of 2]."""
    merged: np.ndarray
    """The id that each merge gives; int64[k]."""
    byte_ids: np.ndarray
    """int64[256]."""
    text_data: np.ndarray
    """The bytes of all ids, one after the other; uint8[]."""
    text_offsets: np.ndarray
    """int64[n + 1]."""
    symbols: np.ndarray
    """Room for the bytes of two tokens; int64[]."""


class BpeEncoder:
    """Byte-level BPE (Sennrich et al. 2016; Radford et al. 2019).

    Ids are those of the library `tokenizers` on the same words: of all pairs side by side the one learned first is
    merged, the leftmost of several, until none is left. Merges need not be trained, nor be in an order in which they
    could have been learned. The time a text takes is linear in its length, whatever its words. A cache holds short
    words of few tokens: with it English takes half the time, Chinese as long. One thread encodes at a time.

    Attributes:
        dtype: of ids: uint16 where all fit, else uint32.
    """

    def __init__(
        self,
        byte_ids: Sequence[int],
        merges: np.ndarray,
        merged: Sequence[int],
        *,
        words: str = "gpt2",
        whole_words: Mapping[bytes, int] | None = None,
    ) -> None:
        """Make an encoder.

        Args:
            byte_ids: the id of each of the 256 bytes.
            merges: integer[k, 2], the ids of the left and the right part, in the order in which they were learned. Of
                a pair that is listed again the last place counts, as in `tokenizers`; several may give one id.
            merged: k ids, what each gives.
            words: the pre-tokenizer, a name of `corpuskit.tokenization.pretokens`.
            whole_words: words that are one token whatever the merges give, with their ids: the vocabulary for what
                `tokenizers` calls `ignore_merges` (Llama 3), none by default.

        Raises:
            InputError: an id stands for two texts or a text for two ids, ids are negative or 2**21 or more, merges
                2**22 - 1 or more, tokens have too many bytes, one or together, or no pre-tokenizer has that name.
            ValueError: there are not 256 bytes, not as many merges as results, or a whole word is empty.
        """
        check_pretokenizer(words)
        self.words = words
        merges = np.asarray(merges, np.int64).reshape(-1, 2)
        self._model = _model(byte_ids, merges, fixed(merged, np.int64), whole_words or {})
        self._verdicts = np.zeros(1 << VERDICT_BITS, np.uint32)
        self.dtype = token_dtype(len(self._model.lengths))
        self._cache = empty_cache(CACHED_WORDS)
        self._lock = threading.Lock()

    def encode(self, texts: Texts) -> tuple[np.ndarray, np.ndarray]:
        """Return ids [n_tokens] of all documents, of `dtype`, and offsets int64[n + 1]."""
        with self._lock:
            encoded = in_blocks(texts, lambda block, room: self._encode(block, room)[0], self.dtype)
        return encoded.ids, encoded.offsets

    def encode_with_spans(self, texts: Texts) -> Encoded:
        """Return the ids with the bytes of the document that each stands for."""
        with self._lock:
            return in_blocks(texts, self._encode_with_spans, self.dtype)

    def _encode(self, texts: Texts, room: np.ndarray) -> tuple[Encoded, Spans]:
        words = pretokenize(texts, self.words)
        bounds = np.empty(len(texts) + 1, np.int64)
        dead = np.zeros((words.data.size >> 6) + 1, np.uint64)
        spans = words.data, words.starts, words.ends, words.offsets
        encode_words(*spans, self._model, self._verdicts, self._cache, dead, room, bounds)
        return Encoded(room[: bounds[-1]], bounds), words

    def _encode_with_spans(self, texts: Texts, room: np.ndarray) -> Encoded:
        encoded, words = self._encode(texts, room)
        starts, ends = np.empty(encoded.ids.size, np.int64), np.empty(encoded.ids.size, np.int64)
        lengths = self._model.lengths
        token_spans(words.starts, words.ends, words.offsets, texts.offsets, lengths, encoded.ids, starts, ends)
        return encoded._replace(starts=starts, ends=ends)


# ----------------------------------------------------------------------------------------------------------- tables


def _model(byte_ids: Sequence[int], merges: np.ndarray, merged: np.ndarray, whole_words: Mapping[bytes, int]) -> Model:
    _check(byte_ids, merges, merged, whole_words)
    texts = _texts(byte_ids, merges, merged, whole_words)
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
    lasts = np.full((len(texts), 4), -1, np.int32)
    for byte in byte_ids:
        lasts[byte] = byte, byte, -1, 1
    lefts, rights = fixed(merges[:, 0], np.int64), fixed(merges[:, 1], np.int64)
    model = Model(
        units=NO_UNITS,
        whole=NO_UNITS,
        lengths=fixed(lengths, np.int32),
        shorter=np.full(len(texts), -1, np.int32),
        lasts=lasts,
        masks=np.zeros((len(texts), 4), np.uint64),
        pairs=_pairs(lefts, rights),
        merged=merged,
        byte_ids=fixed(byte_ids, np.int64),
        text_data=fixed(np.frombuffer(b"".join(texts), np.uint8), np.uint8),
        text_offsets=fixed(offsets, np.int64),
        symbols=np.empty(2 * int(lengths.max()), np.int64),
    )
    find_lasts(fixed(np.argsort(lengths[merged], kind="stable"), np.int64), lefts, rights, model)
    fill_masks(lefts, rights, model, model.masks)
    return _with_tries(model, texts, whole_words)


def _check(byte_ids: Sequence[int], merges: np.ndarray, merged: np.ndarray, whole_words: Mapping[bytes, int]) -> None:
    if len(byte_ids) != 256 or len(merges) != len(merged):
        raise ValueError(f"{len(byte_ids)} bytes of 256, {len(merges)} merges with {len(merged)} results")
    if b"" in whole_words:
        raise ValueError("a whole word has no bytes")
    ids = np.array([*byte_ids, *whole_words.values(), merges.min(initial=0), merges.max(initial=0)], np.int64)
    ids = np.concatenate([ids, merged])
    if not 0 <= ids.min() <= ids.max() < 1 << ID_BITS:
        raise InputError(f"ids of a BPE vocabulary run from {ids.min()} to {ids.max()}, beyond 0 to 2**{ID_BITS} - 1")
    if len(merges) >= (1 << RANK_BITS) - 1:
        raise InputError(f"a BPE vocabulary has {len(merges)} merges, more than 2**{RANK_BITS} - 2")


def _texts(
    byte_ids: Sequence[int], merges: np.ndarray, merged: np.ndarray, whole_words: Mapping[bytes, int]
) -> list[bytes]:
    """Return the bytes of each id; none for an id that nothing gives.

    Raises:
        InputError: an id has two texts, a text two ids, or texts have too many bytes.
    """
    texts = [b""] * (1 + max([*byte_ids, *whole_words.values(), merges.max(initial=0), merged.max(initial=0)]))
    for byte, token in enumerate(byte_ids):
        _name(texts, token, bytes([byte]))
    before = len(merged) + 1
    waiting = list(zip(merges[:, 0].tolist(), merges[:, 1].tolist(), merged.tolist(), strict=True))
    while len(waiting) < before:  # more than one turn where a merge is listed before those that give its parts
        before, waiting = len(waiting), _spell(waiting, texts)
    for text, token in whole_words.items():
        _name(texts, token, text)
    owners: dict[bytes, int] = {}
    for token, text in enumerate(texts):
        if text and owners.setdefault(text, token) != token:
            raise InputError(f"ids {owners[text]} and {token} of a BPE vocabulary both stand for {text!r}")
    return texts


def _name(texts: list[bytes], token: int, text: bytes) -> None:
    if texts[token] and texts[token] != text:
        raise InputError(f"id {token} of a BPE vocabulary stands for both {texts[token]!r} and {text!r}")
    texts[token] = text


def _spell(merges: list[tuple[int, int, int]], texts: list[bytes]) -> list[tuple[int, int, int]]:
    """Fill in what merges give whose parts have texts; return the others."""
    waiting, room = [], MOST_BYTES - sum(map(len, texts))
    for merge in merges:
        left, right, token = merge
        if not (texts[left] and texts[right]):
            waiting.append(merge)
            continue
        room -= 0 if texts[token] else len(texts[left]) + len(texts[right])
        if room < 0:
            raise InputError(f"the tokens of a BPE vocabulary have more than {MOST_BYTES} bytes together")
        _name(texts, token, texts[left] + texts[right])
        if len(texts[token]) > LONGEST_TOKEN:
            raise InputError(f"a token of a BPE vocabulary has {len(texts[token])} bytes, more than {LONGEST_TOKEN}")
    return waiting


def _pairs(lefts: np.ndarray, rights: np.ndarray) -> np.ndarray:
    pairs = np.full(1 << max(4, (2 * len(lefts)).bit_length()), FREE)
    fill_pairs(lefts, rights, pairs)
    return pairs


def _with_tries(model: Model, texts: list[bytes], whole_words: Mapping[bytes, int]) -> Model:
    """Return the model with its tries and the column `shorter`, once it is known what is a token of its own text."""
    own = model.lasts[:, 0] >= 0
    tokens = np.flatnonzero(own)
    further = {text: token for text, token in whole_words.items() if not own[token]}
    model = model._replace(
        units=build_trie({texts[token]: token for token in tokens.tolist()}),
        whole=build_trie(further) if further else model.whole,
    )
    find_shorter(fixed(tokens, np.int64), model, model.shorter)
    return model
