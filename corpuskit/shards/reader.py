"""Reads token shards through memory maps, by document."""

import functools
import resource
from bisect import bisect_right
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa

from corpuskit import manifest, storage
from corpuskit.errors import CorruptArtifact, InputError
from corpuskit.shards.layout import Header, part_file

MOST_MAPS = 1 << 14
"""Linux allows a process 65,530 memory maps by default."""


def map_limit() -> int:
    """Return how many files stay mapped at a time: half of the open files that the process may have (`ulimit -n`).

    With more shard files than that, spans in random order map a file each, 0.3 ms instead of 2 microseconds.
    """
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST_MAPS if soft == resource.RLIM_INFINITY else max(1, min(soft // 2, MOST_MAPS))


class Part:
    """One mapped shard file: views of its record batches, nothing copied."""

    def __init__(self, path: str, header: Header, rows: int) -> None:
        batches = _read_batches(path, header)
        self.starts = [0]
        for batch in batches:
            self.starts.append(self.starts[-1] + len(batch))
        if self.starts[-1] != rows:
            raise CorruptArtifact(f"{path}: {self.starts[-1]} documents, expected {rows}")
        tokens = [batch.column("tokens") for batch in batches]
        self._values = [array.values.to_numpy() for array in tokens]
        self._offsets = [array.offsets.to_numpy() for array in tokens]
        self._batches = batches

    def tokens(self, row: int) -> np.ndarray:
        """View one document's ids."""
        batch = bisect_right(self.starts, row) - 1
        offsets = self._offsets[batch]
        row -= self.starts[batch]
        return self._values[batch][offsets[row] : offsets[row + 1]]

    def lengths(self) -> np.ndarray:
        """Return int64[rows], tokens of each document."""
        return _concatenate([np.diff(offsets) for offsets in self._offsets], np.int64)

    def keys(self) -> np.ndarray:
        """Return uint8[rows * 16], the documents' keys one after the other."""
        views = [np.frombuffer(batch.column("key").buffers()[1], np.uint8, len(batch) * 16) for batch in self._batches]
        return _concatenate(views, np.uint8)

    def sizes(self) -> np.ndarray:
        """Return uint32[rows], UTF-8 bytes of each document."""
        return _concatenate([batch.column("bytes").to_numpy() for batch in self._batches], np.uint32)


class Shards:
    """The token shards of a folder as one sequence of documents, numbered in the order of the manifest's parts.

    Files are mapped when a document of theirs is first needed. Pickling keeps the folder's name alone, and the other
    process maps the files again.
    """

    def __init__(self, folder: str, meta: manifest.Manifest) -> None:
        self.folder = folder
        self.manifest = meta
        self.header = Header.from_manifest_extra(folder, meta.extra)
        self.part_names = [str(part["name"]) for part in meta.parts]
        self.part_starts = np.cumsum([0, *(int(part["rows"]) for part in meta.parts)], dtype=np.int64)
        self._part = functools.lru_cache(map_limit())(self._open_part)

    @classmethod
    def open(cls, folder: str) -> "Shards":
        """Open a folder of token shards.

        Raises:
            ArtifactError: the folder has no manifest of kind `shards`.
            CorruptArtifact: a file is missing or its size is not the manifest's. What else can be wrong (columns,
                tokenizer, number of documents) is found when a file is first mapped, checksums by `manifest.verify`.
            InputError: the folder is on an object store, which cannot be mapped.
        """
        if storage.is_remote(folder):
            raise InputError(f"{folder}: token shards are memory-mapped; copy them to a local disk first")
        shards = cls(folder, manifest.read(folder, "shards"))
        for name in shards.part_names:
            shards._check_size(part_file(name))
        return shards

    def _check_size(self, file: str) -> None:
        path = storage.join(self.folder, file)
        if not storage.exists(path):
            raise CorruptArtifact(f"{path}: missing")
        expected = self.manifest.files.get(file)
        if expected is None:
            raise CorruptArtifact(f"{path}: not among the files of the manifest")
        size = storage.stat(path).size
        if size != expected["bytes"]:
            raise CorruptArtifact(f"{path}: {size} bytes, expected {expected['bytes']}")

    def __reduce__(self) -> tuple[Callable[..., "Shards"], tuple[Any, ...]]:
        return Shards.open, (self.folder,)

    def __len__(self) -> int:
        return self.n_documents

    @property
    def n_documents(self) -> int:
        """Number of documents in all parts."""
        return int(self.part_starts[-1])

    @property
    def dtype(self) -> "np.dtype[Any]":
        """The dtype of token ids, uint16 or uint32."""
        return self.header.dtype

    @property
    def vocab_size(self) -> int:
        """Ids lie in [0, vocab_size)."""
        return self.header.vocab_size

    @property
    def tokenizer(self) -> str:
        """Fingerprint of the tokenizer that made the ids."""
        return self.header.tokenizer

    @functools.cached_property
    def _lengths(self) -> np.ndarray:
        return self._column(Part.lengths, np.int64)

    @functools.cached_property
    def _sizes(self) -> np.ndarray:
        return self._column(Part.sizes, np.uint32)

    @functools.cached_property
    def _keys(self) -> np.ndarray:
        return self._column(Part.keys, np.uint8).reshape(-1, 16)

    def lengths(self) -> np.ndarray:
        """Return int64[n_documents], tokens of each document; read once, then kept."""
        return self._lengths

    def bytes(self) -> np.ndarray:
        """Return uint32[n_documents], UTF-8 bytes of each document; read once, then kept."""
        return self._sizes

    def keys(self) -> np.ndarray:
        """Return uint8[n_documents, 16], document keys; read once, then kept."""
        return self._keys

    def tokens(self, document: int) -> np.ndarray:
        """View the ids of one document, uint16 or uint32[length], read-only.

        Raises:
            IndexError: there is no such document.
        """
        if not 0 <= document < self.n_documents:
            raise IndexError(f"document {document} of {self.n_documents} in {self.folder}")
        index = int(np.searchsorted(self.part_starts, document, side="right")) - 1
        return self._part(index).tokens(document - int(self.part_starts[index]))

    def gather(self, documents: np.ndarray, starts: np.ndarray, stops: np.ndarray) -> np.ndarray:
        """Concatenate spans of documents, in the order given.

        Args:
            documents: int64[k], document numbers, in any order and repeated at will.
            starts: int64[k], first token of each span.
            stops: int64[k], one past its last token, at most the document's length.

        Returns:
            uint16 or uint32[sum(stops - starts)], a copy.

        Raises:
            IndexError: there is no such document, or a span lies outside its document.
        """
        if len(documents) and not (documents.min() >= 0 and documents.max() < self.n_documents):
            raise IndexError(f"documents {documents.min()} to {documents.max()} of {self.n_documents} in {self.folder}")
        parts = np.searchsorted(self.part_starts, documents, side="right") - 1
        rows = documents - self.part_starts[parts]
        spans = zip(parts.tolist(), rows.tolist(), starts.tolist(), stops.tolist(), strict=True)
        pieces = [self._part(part).tokens(row)[start:stop] for part, row, start, stop in spans]
        out = _concatenate(pieces, self.dtype)
        if len(out) != int((stops - starts).sum()) or (len(starts) and starts.min() < 0):
            raise IndexError(f"a span lies outside its document in {self.folder}")
        return out

    def _open_part(self, index: int) -> Part:
        path = storage.join(self.folder, part_file(self.part_names[index]))
        return Part(path, self.header, int(self.part_starts[index + 1] - self.part_starts[index]))

    def _column(self, read: Callable[[Part], np.ndarray], dtype: Any) -> np.ndarray:
        column = _concatenate([read(self._part(index)) for index in range(len(self.part_names))], dtype)
        column.flags.writeable = False
        return column


def _read_batches(path: str, header: Header) -> list[pa.RecordBatch]:
    try:
        file = pa.ipc.open_file(pa.memory_map(str(storage.local(path))))
        header.check(path, file.schema)
        batches = [file.get_batch(index) for index in range(file.num_record_batches)]
        for batch in batches:
            batch.validate()
    except (pa.ArrowException, OSError) as error:
        raise CorruptArtifact(f"{path}: not a whole Arrow IPC file of tokens ({error})") from error
    return batches


def _concatenate(pieces: list[np.ndarray], dtype: Any) -> np.ndarray:
    return np.concatenate([np.empty(0, dtype), *pieces])
