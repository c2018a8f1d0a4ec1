"""Token shards in the formats of other trainers: Megatron's indexed data set, and Mosaic's MDS.

Documents follow each other as in an Arrow shard, without special tokens unless one is asked for; keys are not written.
"""

import json
import struct
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Literal

import numpy as np
import pyarrow as pa
import xxhash

from corpuskit import storage
from corpuskit.errors import InputError
from corpuskit.shards.layout import Header

ForeignFormat = Literal["megatron", "mds"]
MEGATRON_MAGIC = b"MMIDIDX\x00\x00"
MEGATRON_DTYPES = {"uint16": 8, "int32": 4}
"""Codes of Megatron's index: `DType` of megatron.core.datasets.indexed_dataset. It has no uint32."""
MEGATRON_UINT16 = 65_500
"""Vocabularies below this size are read as uint16, larger ones as int32, when Megatron chooses itself."""
MDS_BYTES = 1 << 26
"""An MDS file ends with the document that brings it to this size: the default of its own writer."""
MDS_INDEX = "index.json"
MDS_SHAPES = (("uint8", 1 << 8), ("uint16", 1 << 16), ("uint32", 1 << 32))
"""Types of an array's length in MDS, by number."""


class ForeignWriter(ABC):
    """Writes documents to one shard; its files appear when the `with` block ends without an error.

    After the block, `rows`, `n_tokens`, `n_bytes` and `keys` describe what was written, as those of `ShardWriter` do.
    """

    def __init__(self, folder: str, name: str, header: Header, end: int | None = None) -> None:
        """Begin a shard.

        Args:
            folder: where its files go.
            name: what their names begin with.
            header: tokenizer and vocabulary.
            end: an id that is written after each document.
        """
        self.folder, self.name, self.header, self.end = folder, name, header, end
        self.rows = self.n_tokens = self.n_bytes = self.empty = 0
        self.files: list[str] = []
        """Names of the files, relative to the folder."""
        self._digest = xxhash.xxh3_64()
        self._stack = ExitStack()

    def __enter__(self) -> "ForeignWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._stack.__exit__(kind, error, trace)
            return
        with self._stack:
            self._finish()

    @property
    def keys(self) -> str:
        """The xxh3-64 of the documents' keys in row order, 16 hex digits."""
        return self._digest.hexdigest()

    def append(self, keys: pa.Array, tokens: pa.LargeListArray, n_bytes: np.ndarray) -> None:
        """Add documents.

        Args:
            keys: fixed_size_binary(16)[n].
            tokens: large_list<uint16|uint32>[n] without nulls.
            n_bytes: integer[n], the UTF-8 length of each document.
        """
        self._digest.update(memoryview(keys.buffers()[1] or b"")[keys.offset * 16 : (keys.offset + len(keys)) * 16])
        lengths = tokens.value_lengths().to_numpy()
        values = tokens.flatten().to_numpy()
        if self.end is not None:
            values = np.insert(values, np.cumsum(lengths), self.end)
            lengths = lengths + 1
        self.rows, self.n_bytes = self.rows + len(keys), self.n_bytes + int(n_bytes.sum())
        self.n_tokens += len(values)
        self.empty += int((lengths == 0).sum())
        self._add(values, lengths)

    @abstractmethod
    def _add(self, values: np.ndarray, lengths: np.ndarray) -> None:
        """Write the ids of documents, one after the other, and how many each has."""

    @abstractmethod
    def _finish(self) -> None:
        """Write what comes last."""

    def part(self, name: str) -> dict[str, Any]:
        """Return the shard's entry in the manifest's `parts`."""
        return {"name": name, "rows": self.rows, "tokens": self.n_tokens, "bytes": self.n_bytes, "keys": self.keys}

    def _open(self, name: str) -> IO[bytes]:
        self.files.append(name)
        path = self._stack.enter_context(storage.committing(storage.join(self.folder, name)))
        return self._stack.enter_context(Path(path).open("wb"))


class MegatronWriter(ForeignWriter):
    """`NAME.bin`, the ids of all documents, and `NAME.idx`, where each begins (Megatron-LM's `IndexedDataset`)."""

    def __init__(self, folder: str, name: str, header: Header, end: int | None = None) -> None:
        super().__init__(folder, name, header, end)
        self._dtype = np.dtype(np.uint16 if header.vocab_size < MEGATRON_UINT16 else np.int32)
        self._lengths: list[np.ndarray] = []

    def __enter__(self) -> "MegatronWriter":
        self._data = self._open(f"{self.name}.bin")
        return self

    def _add(self, values: np.ndarray, lengths: np.ndarray) -> None:
        self._data.write(values.astype(self._dtype).data)
        self._lengths.append(lengths)

    def _finish(self) -> None:
        lengths = np.concatenate([np.empty(0, np.int64), *self._lengths])
        if len(lengths) and lengths.max() > np.iinfo(np.int32).max:
            raise InputError(f"{self.name}: a document has {lengths.max()} tokens; Megatron's index holds 2**31 - 1")
        starts = (np.cumsum(lengths) - lengths) * self._dtype.itemsize
        index = self._open(f"{self.name}.idx")
        index.write(MEGATRON_MAGIC + struct.pack("<QB", 1, MEGATRON_DTYPES[self._dtype.name]))
        index.write(struct.pack("<QQ", len(lengths), len(lengths) + 1))
        index.write(lengths.astype("<i4").tobytes())
        index.write(starts.astype("<i8").tobytes())
        index.write(np.arange(len(lengths) + 1, dtype="<i8").tobytes())


class MdsWriter(ForeignWriter):
    """`NAME.00000.mds` and so on: samples with one column, `tokens`. Documents without tokens are left out: MDS holds
    no empty array."""

    def __init__(self, folder: str, name: str, header: Header, end: int | None = None) -> None:
        super().__init__(folder, name, header, end)
        self._samples: list[bytes] = []
        self._size = 0
        self.shards: list[dict[str, int | str]] = []
        """What the index says of each file."""

    def _add(self, values: np.ndarray, lengths: np.ndarray) -> None:
        ends = np.cumsum(lengths).tolist()
        for start, stop in zip([0, *ends], ends, strict=False):
            if start == stop:
                continue
            sample = _mds_array(values[start:stop])
            self._samples.append(sample)
            self._size += len(sample)
            if self._size >= MDS_BYTES:
                self._write()

    def _write(self) -> None:
        config = json.dumps(_mds_config(self.header), sort_keys=True).encode()
        sizes = [len(sample) for sample in self._samples]
        first = 4 + 4 * (len(sizes) + 1) + len(config)
        if first + self._size >= 1 << 32:
            raise InputError(f"{self.name}: a document is too long for MDS, whose files end at 4 GiB")
        offsets = first + np.cumsum([0, *sizes])
        name = f"{self.name}.{len(self.shards):05d}.mds"
        with self._open(name) as file:
            file.write(np.uint32(len(sizes)).tobytes() + offsets.astype("<u4").tobytes() + config)
            file.writelines(self._samples)
        self.shards.append({"file": name, "samples": len(sizes), "bytes": int(offsets[-1])})
        self._samples, self._size = [], 0

    def _finish(self) -> None:
        if self._samples:
            self._write()

    def part(self, name: str) -> dict[str, Any]:
        """Return the shard's entry in the manifest's `parts`, with its files."""
        return {**super().part(name), "mds": self.shards}


def mds_index(parts: Sequence[dict[str, Any]], header: Header) -> bytes:
    """Return the `index.json` of a folder of MDS files, from the manifest's parts."""
    shards = [
        {
            **_mds_config(header),
            "raw_data": {"basename": shard["file"], "bytes": shard["bytes"], "hashes": {}},
            "samples": shard["samples"],
            "zip_data": None,
        }
        for part in parts
        for shard in part["mds"]
    ]
    return json.dumps({"version": 2, "shards": shards}, sort_keys=True).encode()


def _mds_config(header: Header) -> dict[str, Any]:
    return {
        "version": 2,
        "format": "mds",
        "compression": None,
        "hashes": [],
        "size_limit": MDS_BYTES,
        "column_names": ["tokens"],
        "column_encodings": [f"ndarray:{header.dtype.name}"],
        "column_sizes": [None],
    }


def _mds_array(values: np.ndarray) -> bytes:
    """Return a sample of one array: its size, the kind of its shape, the shape, the values."""
    number = next(number for number, (_, limit) in enumerate(MDS_SHAPES) if len(values) < limit)
    shape = np.array([len(values)], MDS_SHAPES[number][0]).tobytes()
    body = bytes([1 << 2 | number]) + shape + values.tobytes()
    return struct.pack("<I", len(body)) + body


WRITERS: dict[ForeignFormat, type[ForeignWriter]] = {"megatron": MegatronWriter, "mds": MdsWriter}
