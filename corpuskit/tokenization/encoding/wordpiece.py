"""WordPiece: each word by the longest token that matches, then the longest that goes on, and so on."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from corpuskit.errors import InputError
from corpuskit.kernels.compiling import inlined, kernel
from corpuskit.kernels.spans import Spans
from corpuskit.kernels.texts import Texts
from corpuskit.kernels.tries import build_trie, longest
from corpuskit.shards.layout import token_dtype
from corpuskit.tokenization.encoding.batches import Encoded, in_blocks
from corpuskit.tokenization.pretokens import pretokenize

ANY = np.int64(1 << 62)
"""No limit."""


class Tables(NamedTuple):
    """What the kernel looks words up in."""

    start: np.ndarray
    """Trie of the tokens that begin a word; uint64[n_units]."""
    inside: np.ndarray
    """Trie of those that go on in one; uint64[n_units]."""
    unknown: np.int64
    """The id of a word that cannot be matched, or -1."""
    most_characters: np.int64
    """Words of more are unknown."""
    cut: np.int64
    """Bytes after which a word ends and the rest is a new one."""


@inlined
def _match(data, start, stop, tables, ids, out):  # type: ignore[no-untyped-def]
    """Append the ids of a word that is neither too long nor to be cut; return where the next one goes."""
    position, found = longest(data, start, stop, tables.start)
    next_out = out
    while found >= 0:
        ids[next_out] = found
        next_out += 1
        if position == stop:
            return next_out
        position, found = longest(data, position, stop, tables.inside)
    ids[out] = tables.unknown
    return out + 1


@inlined
def _too_long(data, start, stop, most):  # type: ignore[no-untyped-def]
    if stop - start <= most:
        return False
    count = 0
    for position in range(start, stop):
        count += (data[position] & 0xC0) != 0x80
    return count > most


@inlined
def _encode_word(data, start, stop, tables, ids, out):  # type: ignore[no-untyped-def]
    if _too_long(data, start, stop, tables.most_characters):
        ids[out] = tables.unknown
        return out + 1
    while stop - start > tables.cut:
        out = _match(data, start, start + tables.cut, tables, ids, out)
        start += tables.cut
    return _match(data, start, stop, tables, ids, out)


@kernel
def _encode(data, starts, ends, offsets, tables, ids, bounds):  # type: ignore[no-untyped-def]
    """Write the ids, uint32[room for one a byte], and where those of each document begin and end, int64[n + 1]."""
    out = np.int64(0)
    bounds[0] = 0
    for document in range(offsets.size - 1):
        for word in range(offsets[document], offsets[document + 1]):
            out = _encode_word(data, starts[word], ends[word], tables, ids, out)
        bounds[document + 1] = out


@kernel
def _spans(starts, ends, offsets, origins, lengths, unknown, ids, token_starts, token_ends):  # type: ignore[no-untyped-def]
    """Write where each token's text lies in its document: an unknown one's is its whole word."""
    token = 0
    for document in range(offsets.size - 1):
        for word in range(offsets[document], offsets[document + 1]):
            position = starts[word]
            while position < ends[word]:
                length = ends[word] - position if ids[token] == unknown else lengths[ids[token]]
                token_starts[token] = position - origins[document]
                position += length
                token_ends[token] = position - origins[document]
                token += 1


class WordPieceEncoder:
    """WordPiece (Schuster and Nakajima 2012; Devlin et al. 2019) over words of bytes.

    Ids are those of the library `tokenizers` on the same words. Matching costs at most a word's bytes times those of
    the longest token, so that words need no limit. There is no cache of words: a word costs about one look at memory a
    byte, which is what a look into such a cache costs (measured: no faster on English, slower on Chinese).

    Attributes:
        dtype: of ids: uint16 where all fit, else uint32.
    """

    def __init__(
        self,
        start: Mapping[bytes, int],
        inside: Mapping[bytes, int],
        *,
        words: str = "gpt2",
        unknown: int | None = None,
        most_characters: int | None = None,
        cut_bytes: int | None = None,
    ) -> None:
        """Make an encoder.

        Args:
            start: tokens that begin a word, with their ids.
            inside: tokens that go on in one, without the prefix that marks them.
            words: the pre-tokenizer, a name of `corpuskit.tokenization.pretokens`.
            unknown: id of a word that no tokens spell; needed unless every byte is a token in both forms.
            most_characters: longer words are unknown (BERT: 100).
            cut_bytes: longer words are cut after so many bytes, each part a word (corpuskit's own: 64).

        Raises:
            InputError: a word may match no tokens and there is no unknown id; the tokens are too many.
            ValueError: an option is out of range.
        """
        bytewise = all(bytes([byte]) in tokens for tokens in (start, inside) for byte in range(256))
        if unknown is None and (most_characters is not None or not bytewise):
            raise InputError("without an unknown token, a WordPiece vocabulary must hold every byte in both forms")
        if (most_characters is not None and most_characters < 1) or (cut_bytes is not None and cut_bytes < 1):
            raise ValueError("most_characters and cut_bytes must be at least 1")
        self.words = words
        self._tables = Tables(
            build_trie(start),
            build_trie(inside),
            np.int64(-1 if unknown is None else unknown),
            ANY if most_characters is None else np.int64(most_characters),
            ANY if cut_bytes is None else np.int64(cut_bytes),
        )
        self._lengths = np.zeros(1 + max([0, *start.values(), *inside.values()]), np.int64)
        for token, number in [*start.items(), *inside.items()]:
            self._lengths[number] = len(token)
        self.dtype = token_dtype(self._lengths.size)

    def encode(self, texts: Texts) -> tuple[np.ndarray, np.ndarray]:
        """Return ids [n_tokens] of all documents, of `dtype`, and offsets int64[n + 1]."""
        encoded = in_blocks(texts, lambda block, room: self._encode(block, room)[0], self.dtype)
        return encoded.ids, encoded.offsets

    def encode_with_spans(self, texts: Texts) -> Encoded:
        """Return the ids with the bytes of the document that each stands for: of an unknown word, all of it."""
        return in_blocks(texts, self._encode_with_spans, self.dtype)

    def _encode(self, texts: Texts, room: np.ndarray) -> tuple[Encoded, Spans]:
        words = pretokenize(texts, self.words)
        bounds = np.empty(len(texts) + 1, np.int64)
        _encode(words.data, words.starts, words.ends, words.offsets, self._tables, room, bounds)
        return Encoded(room[: bounds[-1]], bounds), words

    def _encode_with_spans(self, texts: Texts, room: np.ndarray) -> Encoded:
        encoded, words = self._encode(texts, room)
        starts, ends = np.empty(encoded.ids.size, np.int64), np.empty(encoded.ids.size, np.int64)
        unknown = self._tables.unknown
        _spans(
            words.starts, words.ends, words.offsets, texts.offsets, self._lengths, unknown, encoded.ids, starts, ends
        )
        return encoded._replace(starts=starts, ends=ends)
