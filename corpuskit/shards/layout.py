"""The columns of a token shard and the header that binds it to its tokenizer.

A shard is an uncompressed Arrow IPC *file*: its buffers lie in the file as they lie in memory, so a reader maps the
file and copies nothing. Shard *i* holds the documents of split *i*, in their order.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from corpuskit.errors import CorruptArtifact

FORMAT_VERSION = 1
UINT16_VOCABULARY = 1 << 16
"""Vocabularies up to this size are stored as uint16, larger ones as uint32."""
MAX_DOCUMENT_BYTES = (1 << 32) - 1
"""The largest UTF-8 length that the `bytes` column can hold."""


def token_dtype(vocab_size: int) -> "np.dtype[Any]":
    """Return the dtype that holds the ids of a vocabulary: uint16 up to 65,536 ids, else uint32."""
    return np.dtype(np.uint16 if vocab_size <= UINT16_VOCABULARY else np.uint32)


def part_file(name: str) -> str:
    """Return the file name of a part, relative to the shards' folder: `part-0000000` -> `part-0000000.arrow`."""
    return f"{name}.arrow"


@dataclass(frozen=True, kw_only=True)
class Header:
    """What every shard of a set has in common; kept in each file's schema metadata and in the manifest's `extra`."""

    tokenizer: str
    """Fingerprint of the tokenizer that made the ids."""
    vocab_size: int
    """Ids lie in [0, vocab_size)."""

    @property
    def dtype(self) -> "np.dtype[Any]":
        """uint16 or uint32."""
        return token_dtype(self.vocab_size)

    def schema(self) -> pa.Schema:
        """Return the schema of a shard file, this header in its metadata."""
        fields = [
            pa.field("key", pa.binary(16), nullable=False),
            pa.field("tokens", pa.large_list(pa.from_numpy_dtype(self.dtype)), nullable=False),
            pa.field("bytes", pa.uint32(), nullable=False),
        ]
        metadata = {
            "corpuskit.format_version": str(FORMAT_VERSION),
            "corpuskit.tokenizer": self.tokenizer,
            "corpuskit.vocab_size": str(self.vocab_size),
        }
        return pa.schema(fields, metadata)

    def manifest_extra(self) -> dict[str, Any]:
        """Return the `extra` field of the manifest of a folder of shards; `from_manifest_extra` reads it."""
        return {"tokenizer": self.tokenizer, "vocab_size": self.vocab_size, "dtype": self.dtype.name}

    @classmethod
    def from_manifest_extra(cls, folder: str, extra: Any) -> "Header":
        """Read the header from a manifest's `extra` field.

        Raises:
            CorruptArtifact: a field is missing or of another type.
        """
        try:
            return cls(tokenizer=str(extra["tokenizer"]), vocab_size=int(extra["vocab_size"]))
        except (KeyError, TypeError, ValueError) as error:
            raise CorruptArtifact(f"{folder}: the manifest of token shards lacks a valid {error} in `extra`") from error

    def check(self, path: str, found: pa.Schema) -> None:
        """Refuse a file whose schema is not this header's.

        Raises:
            CorruptArtifact: columns, types, tokenizer, vocabulary size or format version differ.
        """
        expected = self.schema()
        if not found.equals(expected):
            raise CorruptArtifact(f"{path}: columns {_columns(found)}, expected {_columns(expected)}")
        metadata = found.metadata or {}
        for name, value in expected.metadata.items():
            if metadata.get(name) != value:
                given = metadata.get(name, b"nothing").decode(errors="replace")
                raise CorruptArtifact(f"{path}: {name.decode()} is {given}, expected {value.decode()}")


def _columns(schema: pa.Schema) -> str:
    return ", ".join(f"{field.name} {field.type}" for field in schema)
