"""Writes one token shard, whole or not at all."""

import itertools
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import numpy as np
import pyarrow as pa
import xxhash

from corpuskit import storage
from corpuskit.errors import InputError
from corpuskit.shards.layout import MAX_DOCUMENT_BYTES, Header

BATCH_TOKENS = 1 << 22
"""A record batch ends with the document that brings it to this many tokens ..."""
BATCH_DOCUMENTS = 1 << 16
"""... or to this many documents, however the documents arrived: the bytes of a shard depend on its documents alone."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Columns:
    """Documents as plain arrays: Arrow would write a slice with bytes of its neighbours in the padding."""

    keys: np.ndarray
    """void16[n]."""
    lengths: np.ndarray
    """int64[n], tokens of each document."""
    tokens: np.ndarray
    """uint16 or uint32[sum of lengths]."""
    sizes: np.ndarray
    """uint32[n], UTF-8 bytes of each document."""

    @classmethod
    def concatenate(cls, pieces: "list[_Columns]", dtype: "np.dtype[Any]") -> "_Columns":
        return cls(
            keys=np.concatenate([np.empty(0, "V16"), *(piece.keys for piece in pieces)]),
            lengths=np.concatenate([np.empty(0, np.int64), *(piece.lengths for piece in pieces)]),
            tokens=np.concatenate([np.empty(0, dtype), *(piece.tokens for piece in pieces)]),
            sizes=np.concatenate([np.empty(0, np.uint32), *(piece.sizes for piece in pieces)]),
        )

    def slice(self, start: int, stop: int) -> "_Columns":
        first = int(self.lengths[:start].sum())
        lengths = self.lengths[start:stop]
        tokens = self.tokens[first : first + int(lengths.sum())]
        return _Columns(keys=self.keys[start:stop], lengths=lengths, tokens=tokens, sizes=self.sizes[start:stop])

    def batch(self, schema: pa.Schema) -> pa.RecordBatch:
        offsets = np.zeros(len(self.keys) + 1, np.int64)
        np.cumsum(self.lengths, out=offsets[1:])
        columns = [
            pa.FixedSizeBinaryArray.from_buffers(pa.binary(16), len(self.keys), [None, pa.py_buffer(self.keys)]),
            pa.LargeListArray.from_arrays(pa.array(offsets), pa.array(self.tokens)),
            pa.array(self.sizes),
        ]
        return pa.RecordBatch.from_arrays(columns, schema=schema)


class ShardWriter:
    """Writes documents to one shard file; the file appears when the `with` block ends without an error.

    After the block, `rows`, `n_tokens`, `n_bytes` and `keys` (xxh3-64 of the keys in row order) describe what was
    written, and `part(name)` is the shard's entry in the manifest.
    """

    def __init__(self, path: str, header: Header) -> None:
        self.rows = 0
        self.n_tokens = 0
        self.n_bytes = 0
        self._path = path
        self._header = header
        self._schema = header.schema()
        self._digest = xxhash.xxh3_64()
        self._pending: list[_Columns] = []
        self._written_rows = 0
        self._written_tokens = 0
        self._stack = ExitStack()

    def __enter__(self) -> "ShardWriter":
        scratch = self._stack.enter_context(storage.committing(self._path))
        self._file = self._stack.enter_context(pa.ipc.new_file(scratch, self._schema))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._stack.__exit__(kind, error, trace)  # closes the file and commits nothing
            return
        with self._stack:
            self._write(last=True)

    def append(self, keys: pa.Array, tokens: pa.LargeListArray, n_bytes: np.ndarray) -> None:
        """Add documents.

        Args:
            keys: fixed_size_binary(16)[n].
            tokens: large_list<uint16|uint32>[n] of the header's dtype, without nulls, ids below the vocabulary size.
            n_bytes: integer[n], the UTF-8 length of each document.

        Raises:
            InputError: a document is 4 GiB or longer.
            ValueError: the arrays differ in length or type, or an id lies outside the vocabulary.
        """
        self._check(keys, tokens, n_bytes)
        self._digest.update(key_bytes := _key_bytes(keys))
        columns = _Columns(
            keys=np.frombuffer(key_bytes, "V16"),
            lengths=tokens.value_lengths().to_numpy(),
            tokens=tokens.flatten().to_numpy(),
            sizes=n_bytes.astype(np.uint32),
        )
        self.rows += len(keys)
        self.n_tokens += len(columns.tokens)
        self.n_bytes += int(n_bytes.sum())
        self._pending.append(columns)
        if self.n_tokens - self._written_tokens >= BATCH_TOKENS or self.rows - self._written_rows >= BATCH_DOCUMENTS:
            self._write(last=False)

    def _check(self, keys: pa.Array, tokens: pa.LargeListArray, n_bytes: np.ndarray) -> None:
        if not len(keys) == len(tokens) == len(n_bytes):
            raise ValueError(f"{len(keys)} keys, {len(tokens)} token lists and {len(n_bytes)} byte counts")
        if keys.null_count or tokens.null_count:
            raise ValueError("keys and token lists must not be null")
        too_long = np.flatnonzero(n_bytes > MAX_DOCUMENT_BYTES)
        if len(too_long):
            row, size = self.rows + int(too_long[0]), int(n_bytes[too_long[0]])
            raise InputError(f"document {row} of {self._path} has {size} bytes; a token shard holds under 4 GiB each")
        ids = tokens.flatten().to_numpy()
        if ids.dtype != self._header.dtype:
            raise ValueError(f"token ids of type {ids.dtype}, expected {self._header.dtype}")
        if len(ids) and int(ids.max()) >= self._header.vocab_size:
            raise ValueError(f"token id {ids.max()} in a vocabulary of {self._header.vocab_size}")

    def _write(self, *, last: bool) -> None:
        """Write the full record batches among the pending documents; the rest too when it is the `last` call."""
        columns = _Columns.concatenate(self._pending, self._header.dtype)
        cuts = batch_cuts(columns.lengths)
        if last and cuts[-1] < len(columns.keys):
            cuts.append(len(columns.keys))
        for start, stop in itertools.pairwise(cuts):
            self._file.write_batch(columns.slice(start, stop).batch(self._schema))
        rest = columns.slice(cuts[-1], len(columns.keys))
        self._pending = [rest]
        self._written_rows = self.rows - len(rest.keys)
        self._written_tokens = self.n_tokens - len(rest.tokens)

    @property
    def keys(self) -> str:
        """The xxh3-64 of the keys in row order, 16 hex digits; equals that of the documents when none was left out."""
        return self._digest.hexdigest()

    @property
    def files(self) -> list[str]:
        """The file's name, relative to its folder."""
        return [storage.base_name(self._path)]

    def part(self, name: str) -> dict[str, Any]:
        """Return the shard's entry in the manifest's `parts`; the file must be named `part_file(name)`."""
        return {"name": name, "rows": self.rows, "tokens": self.n_tokens, "bytes": self.n_bytes, "keys": self.keys}


def batch_cuts(lengths: np.ndarray) -> list[int]:
    """Return the row boundaries [0, …] of the full record batches; rows from the last one on fill no batch.

    Args:
        lengths: int64[n], tokens of each document.
    """
    ends = np.cumsum(lengths)
    cuts, before = [0], 0
    while True:
        by_tokens = int(np.searchsorted(ends, before + BATCH_TOKENS)) + 1
        cut = min(by_tokens, cuts[-1] + BATCH_DOCUMENTS)
        if cut > len(ends):
            return cuts
        cuts.append(cut)
        before = int(ends[cut - 1])


def _key_bytes(keys: pa.Array) -> memoryview:
    return memoryview(keys.buffers()[1] or b"")[keys.offset * 16 : (keys.offset + len(keys)) * 16]
