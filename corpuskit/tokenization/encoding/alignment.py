"""Tokens beside their text, for tokenizers that lose nothing: where each lies, and whether they give the text back."""

import numpy as np
import pyarrow as pa

from corpuskit.kernels.compiling import fixed, kernel
from corpuskit.kernels.texts import Texts


def lossless_spans(ids: np.ndarray, offsets: np.ndarray, lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the first byte of each token in its document and the byte behind its last; int64[n_tokens] both.

    Args:
        ids: integer[n_tokens], of a tokenizer whose tokens are the text cut into pieces, such as byte-level BPE.
        offsets: int64[n + 1], the ids of document i are `offsets[i]` to `offsets[i + 1]` - 1.
        lengths: integer[vocab_size], bytes of text that each id stands for.
    """
    sizes = lengths[ids].astype(np.int64)
    bounds = np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)])
    starts = bounds[:-1] - np.repeat(bounds[offsets[:-1]], np.diff(offsets))
    return starts, starts + sizes


@kernel
def _give_back(data, text_offsets, ids, offsets, token_data, token_offsets, same):  # type: ignore[no-untyped-def]
    for document in range(same.size):
        position, stop = text_offsets[document], text_offsets[document + 1]
        equal = True
        for token in range(offsets[document], offsets[document + 1]):
            for place in range(token_offsets[ids[token]], token_offsets[ids[token] + 1]):
                equal &= position < stop and data[position] == token_data[place]
                position += 1
            if not equal:
                break
        same[document] = equal and position == stop


def give_back(texts: Texts, ids: np.ndarray, offsets: np.ndarray, tokens: pa.LargeBinaryArray) -> np.ndarray:
    """Return whether the ids of each document decode to its very bytes; bool[n].

    Args:
        texts: n documents.
        ids: integer[n_tokens].
        offsets: int64[n + 1].
        tokens: the text bytes of each id, without nulls.

    Raises:
        IndexError: an id is no token.
        ValueError: there are not as many lists of ids as documents.
    """
    if len(offsets) != len(texts) + 1:
        raise ValueError(f"{len(texts)} documents, but {len(offsets) - 1} lists of ids")
    if len(ids) and not 0 <= int(ids.min()) <= int(ids.max()) < len(tokens):
        raise IndexError(f"an id lies outside the vocabulary of {len(tokens)}")
    _, ends, data = tokens.buffers()
    token_offsets = np.frombuffer(ends, np.int64)[tokens.offset : tokens.offset + len(tokens) + 1]
    same = np.empty(len(texts), np.bool_)
    _give_back(
        texts.data,
        texts.offsets,
        fixed(ids, np.int64),
        fixed(offsets, np.int64),
        fixed(np.frombuffer(data or b"", np.uint8), np.uint8),
        fixed(token_offsets, np.int64),
        same,
    )
    return same
