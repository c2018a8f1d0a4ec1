"""One epoch as a sequence of positions: which document lies where."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np


class Source(Protocol):
    """What the stream needs of token shards; `corpuskit.shards.Shards` is one."""

    @property
    def n_documents(self) -> int:
        """Number of documents."""
        ...

    def lengths(self) -> np.ndarray:
        """Return int64[n_documents], tokens of each document."""
        ...

    def gather(self, documents: np.ndarray, starts: np.ndarray, stops: np.ndarray) -> np.ndarray:
        """Concatenate the spans [start, stop) of documents, in the order given."""
        ...


@dataclass(frozen=True)
class Framing:
    """The special ids that an objective puts around each document; shards hold none."""

    before: int | None = None
    after: int | None = None

    @property
    def size(self) -> int:
        """Ids added to each document: 0, 1 or 2."""
        return (self.before is not None) + (self.after is not None)


@dataclass(frozen=True)
class Spans:
    """Pieces of documents in the order in which they fill the rows of a batch; int64[k] each."""

    row: np.ndarray
    """Row of the batch."""
    document: np.ndarray
    """Document number in the shards."""
    start: np.ndarray
    """First token of the piece, counted in the document's own tokens."""
    stop: np.ndarray
    """One past its last token; equal to `start` where only a special id of the document falls into the row."""


def permutation(n: int, *key: int) -> np.ndarray:
    """Return a permutation of range(n) that depends on `n` and the non-negative integers of `key` alone; int64[n].

    Sorting raw Philox words, rather than `Generator.permutation`, keeps the order the same under every version of
    numpy: bit generators have a stable stream, the methods of `Generator` do not (NEP 19).
    """
    words = np.random.Philox(np.random.SeedSequence(key)).random_raw(n)
    return np.argsort(words, kind="stable")


class EpochPlan:
    """The framed documents of one epoch, one after the other; position *p* is the epoch's *p*-th id.

    Holds 24 bytes a document: its number, its length and its first position.
    """

    def __init__(self, documents: np.ndarray, lengths: np.ndarray, framing: Framing) -> None:
        """Lay out `documents` (int64[n], in the epoch's order) of `lengths` tokens (int64[n])."""
        self.documents = documents
        self.lengths = lengths
        self.framing = framing
        self.starts = np.zeros(len(documents) + 1, np.int64)
        np.cumsum(lengths + framing.size, out=self.starts[1:])

    def spans(self, begins: np.ndarray, width: int) -> tuple[Spans, np.ndarray]:
        """Return the pieces that fill the rows [begin, begin + width), and each piece's place in the plan.

        Args:
            begins: int64[rows], the position at which each row begins; all rows end within the epoch.
            width: ids in a row.
        """
        first = np.searchsorted(self.starts, begins, side="right") - 1
        counts = np.searchsorted(self.starts, begins + width, side="left") - first
        row = np.repeat(np.arange(len(begins)), counts)
        place = np.arange(len(row)) + np.repeat(first - (np.cumsum(counts) - counts), counts)
        # Offsets into the document's own tokens: ids before and after it fall outside [0, length) and are clipped.
        offset = begins[row] - self.starts[place] - (self.framing.before is not None)
        start = np.clip(offset, 0, self.lengths[place])
        stop = np.clip(offset + width, 0, self.lengths[place])
        return Spans(row, self.documents[place], start, stop), place

    def fill(self, source: Source, begins: np.ndarray, width: int) -> np.ndarray:
        """Return the rows that begin at positions `begins`; int64[len(begins), width]."""
        spans, place = self.spans(begins, width)
        out = np.empty(len(begins) * width, np.int64)
        text = np.ones(len(out), bool)
        # Where the framed document would begin in the flat output, were it whole in this row.
        base = spans.row * width + self.starts[place] - begins[spans.row]
        if self.framing.before is not None:
            _put(out, text, base, spans.row * width, width, self.framing.before)
        if self.framing.after is not None:
            last = base + self.lengths[place] + self.framing.size - 1
            _put(out, text, last, spans.row * width, width, self.framing.after)
        out[text] = source.gather(spans.document, spans.start, spans.stop)
        return out.reshape(-1, width)


def _put(out: np.ndarray, text: np.ndarray, at: np.ndarray, row_start: np.ndarray, width: int, value: Any) -> None:
    """Write a special id at the places `at` that lie in their own row, and mark them as no text."""
    inside = at[(at >= row_start) & (at < row_start + width)]
    out[inside] = value
    text[inside] = False
