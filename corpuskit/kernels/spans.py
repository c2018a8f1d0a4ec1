"""Spans of bytes: what word and line scans return."""

import functools
from dataclasses import dataclass

import numpy as np

from corpuskit.kernels.compiling import fixed, kernel
from corpuskit.kernels.hashing import check_spans, hash_scanned


@dataclass(frozen=True, eq=False)
class Spans:
    """Byte spans of a batch of documents, in text order; all arrays are read-only."""

    data: np.ndarray
    """The texts' bytes; uint8[n_bytes]."""
    starts: np.ndarray
    """Index in `data` of each span's first byte; int64[m]."""
    ends: np.ndarray
    """Index in `data` of the byte after each span; int64[m]."""
    offsets: np.ndarray
    """The spans of document i are `offsets[i]` to `offsets[i + 1]`; int64[n + 1], from 0 to m."""

    def __len__(self) -> int:
        return self.starts.size

    def counts(self) -> np.ndarray:
        """Return the number of spans in each document; int64[n]."""
        return np.diff(self.offsets)

    def lengths(self) -> np.ndarray:
        """Return the number of bytes of each span; int64[m]."""
        return self.ends - self.starts

    def hashes(self) -> np.ndarray:
        """Return a 64-bit hash of each span's bytes; uint64[m], computed once."""
        return self._hashes

    @functools.cached_property
    def _hashes(self) -> np.ndarray:
        return hash_scanned(self.data, self.starts, self.ends)


@kernel
def _gather_spans(
    data: np.ndarray, starts: np.ndarray, ends: np.ndarray, offsets: np.ndarray, gathered: np.ndarray
) -> None:
    for span in range(starts.size):
        target = offsets[span]
        for source in range(starts[span], ends[span]):
            gathered[target] = data[source]
            target += 1


def gather_spans(data: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Copy spans of bytes one after the other.

    Args:
        data: uint8[n_bytes].
        starts: int64[m], first byte of each span; spans may overlap and come in any order.
        ends: int64[m], byte after each span.

    Returns:
        The bytes, uint8[sum of lengths], and where each span begins in them, int64[m + 1]: what `Texts` takes.

    Raises:
        ValueError: a span lies outside the data, ends before it starts, or the arrays differ in length.
    """
    data, starts, ends = check_spans(data, starts, ends)
    offsets = np.zeros(starts.size + 1, np.int64)
    np.cumsum(ends - starts, out=offsets[1:])
    offsets = fixed(offsets, np.int64)
    gathered = np.empty(offsets[-1], np.uint8)
    _gather_spans(data, starts, ends, offsets, gathered)
    return fixed(gathered, np.uint8), offsets
