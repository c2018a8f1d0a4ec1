"""The document schema, document keys, and which documents are held out."""

from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import xxhash
from pydantic import Field

from corpuskit.config import Config

KEY = pa.binary(16)
SCHEMA = pa.schema(
    [
        pa.field("key", KEY, nullable=False),
        pa.field("id", pa.string(), nullable=False),
        pa.field("text", pa.large_string(), nullable=False),
        pa.field("url", pa.string()),
        pa.field("source", pa.string(), nullable=False),
        pa.field("timestamp", pa.timestamp("s", tz="UTC")),
        pa.field("heldout", pa.bool_(), nullable=False),
        pa.field("metadata", pa.string()),
    ]
)
ERROR_SCHEMA = pa.schema(
    [
        pa.field("file", pa.string(), nullable=False),
        pa.field("offset", pa.int64(), nullable=False),
        pa.field("message", pa.string(), nullable=False),
        pa.field("raw", pa.binary(), nullable=False),
    ]
)
RAW_LIMIT = 4096
"""Bytes of a malformed record that `errors/` keeps."""


class HeldoutConfig(Config):
    """Which documents are held out: a fixed hash of the key under a seed, so no later choice moves them."""

    share: float = Field(default=0.02, ge=0, le=0.5)
    """Share of the documents, 0 to 0.5."""
    seed: int = 0
    """Another seed holds out other documents."""


def make_key(source: str, document_id: str) -> bytes:
    """Return a document's key: xxh3-128 of (source, id), 16 bytes."""
    return xxhash.xxh3_128_digest(f"{source}\0{document_id}".encode())


def make_keys(source: str, ids: Iterable[str]) -> pa.Array:
    """Return `make_key` of every id as a key column."""
    digest, prefix = xxhash.xxh3_128_digest, f"{source}\0"
    data = b"".join([digest((prefix + document_id).encode()) for document_id in ids])
    return pa.FixedSizeBinaryArray.from_buffers(KEY, len(data) // 16, [None, pa.py_buffer(data)])


def heldout_mask(keys: pa.Array | pa.ChunkedArray, config: HeldoutConfig) -> np.ndarray:
    """Return which keys are held out; bool[n]."""
    return share_mask(keys, config.share, config.seed)


def share_mask(keys: pa.Array | pa.ChunkedArray, share: float, seed: int, salt: bytes = b"") -> np.ndarray:
    """Return which keys a share (0 to 1) takes; bool[n]. A smaller share takes some of those that a larger one takes.

    Taken are the keys whose xxh3-64, with `salt` after the key, lies in the lowest `share` of all hashes.
    """
    if not share:
        return np.zeros(len(keys), np.bool_)
    data, digest = key_matrix(keys).tobytes(), xxhash.xxh3_64_intdigest
    hashes = np.fromiter(
        (digest(data[start : start + 16] + salt, seed) for start in range(0, len(data), 16)), np.uint64, len(keys)
    )
    return hashes < np.uint64(min(round(share * 2**64), 2**64 - 1))


def key_matrix(keys: pa.Array | pa.ChunkedArray) -> np.ndarray:
    """View a key column as uint8[n, 16] without copying where it is one chunk."""
    if isinstance(keys, pa.ChunkedArray):
        keys = keys.combine_chunks() if keys.num_chunks != 1 else keys.chunk(0)
    data = np.frombuffer(keys.buffers()[1] or b"", np.uint8)
    return data[keys.offset * 16 : (keys.offset + len(keys)) * 16].reshape(-1, 16)


def key_array(matrix: np.ndarray) -> pa.Array:
    """Turn uint8[n, 16] back into a key column."""
    matrix = np.ascontiguousarray(matrix, np.uint8)
    return pa.FixedSizeBinaryArray.from_buffers(KEY, len(matrix), [None, pa.py_buffer(matrix)])


def keys_digest(keys: pa.Array | pa.ChunkedArray) -> str:
    """Return the xxh3-64 of a split's keys in row order: all files of the split must agree on it."""
    return xxhash.xxh3_64_hexdigest(key_matrix(keys).tobytes())
