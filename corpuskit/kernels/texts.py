"""`Texts`: a batch of documents as bytes and offsets, with its scans."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpuskit.kernels.compiling import fixed
from corpuskit.kernels.hashing import hash_texts
from corpuskit.kernels.lines import Lines, scan_lines
from corpuskit.kernels.tokens import find_cuts
from corpuskit.kernels.words import WORD_KINDS, WordKind, Words, scan_words


class Texts:
    """A batch of documents, zero-copy over an Arrow column; word and line scans are made once and kept.

    Attributes:
        data: the bytes, UTF-8; uint8[n_bytes], read-only. It may begin before the first document and go on after the
            last: only `offsets` says where documents lie.
        offsets: document i is `data[offsets[i]:offsets[i + 1]]`; int64[n + 1], read-only, first not always 0.
    """

    def __init__(self, data: np.ndarray, offsets: np.ndarray) -> None:
        """Wrap a batch.

        Raises:
            ValueError: the offsets are empty, fall, or point outside the data (kernels do not check bounds).
        """
        self.data = fixed(data, np.uint8)
        self.offsets = fixed(offsets, np.int64)
        if not self.offsets.size or self.offsets[0] < 0 or self.offsets[-1] > self.data.size:
            raise ValueError(f"offsets must run from 0 or more to at most the {self.data.size} bytes of data")
        if (self.offsets[1:] < self.offsets[:-1]).any():
            raise ValueError("offsets must not fall")
        self._words: dict[str, Words] = {}
        self._lines: Lines | None = None

    @classmethod
    def from_arrow(cls, column: pa.Array | pa.ChunkedArray) -> "Texts":
        """Wrap an Arrow column of type string or large_string; a null is an empty text.

        The bytes are shared with Arrow, unless the column has nulls or more than one chunk.

        Raises:
            TypeError: the column holds no strings.
        """
        if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
            raise TypeError(f"texts must be an Arrow column of type string or large_string, not {column.type}")
        array = _one_array(column)
        if array.null_count:
            array = pc.fill_null(array, "")
        return cls(*_buffers(array))

    def __len__(self) -> int:
        return self.offsets.size - 1

    def rows(self, start: int, stop: int) -> "Texts":
        """Return the documents from `start` to `stop` - 1 over the same bytes, with scans of their own."""
        first, last = self.offsets[start], self.offsets[stop]
        return Texts(self.data[first:last], self.offsets[start : stop + 1] - first)

    def lengths(self) -> np.ndarray:
        """Return the number of bytes of each document; int64[n]."""
        return np.diff(self.offsets)

    def words(self, kind: WordKind = "unicode") -> Words:
        """Return where the words lie; `corpuskit.kernels.words` defines the kinds.

        Raises:
            ValueError: `kind` is no kind of word.
        """
        if kind not in self._words:
            self._words[kind] = self._scan_words(kind)
        return self._words[kind]

    def _scan_words(self, kind: WordKind) -> Words:
        if kind not in WORD_KINDS:
            raise ValueError(f"no kind of word is called {kind!r}; known: {', '.join(WORD_KINDS)}")
        if kind == "tokens":
            return scan_words(self.data, self.offsets, "whitespace", find_cuts(self.data, self.offsets))
        return scan_words(self.data, self.offsets, kind)

    def lines(self) -> Lines:
        r"""Return where the lines lie: those of `text.split("\n")`."""
        if self._lines is None:
            self._lines = scan_lines(self.data, self.offsets)
        return self._lines

    def hashes(self) -> np.ndarray:
        """Return the xxh3-128 of each document; uint8[n, 16]."""
        return hash_texts(self)


def _one_array(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    if isinstance(column, pa.Array):
        return column
    if column.num_chunks == 1:
        return column.chunk(0)
    return column.cast(pa.large_string()).combine_chunks()


def _buffers(array: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """Return data uint8[n_bytes] and offsets int32|int64[n + 1] of a string array without nulls."""
    _, offset_buffer, data_buffer = array.buffers()
    if not len(array):
        return np.empty(0, np.uint8), np.zeros(1, np.int64)
    dtype = np.int64 if pa.types.is_large_string(array.type) else np.int32
    offsets = np.frombuffer(offset_buffer, dtype)[array.offset : array.offset + len(array) + 1]
    return np.frombuffer(data_buffer or b"", np.uint8), offsets
