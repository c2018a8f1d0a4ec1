"""The stream: global batches as a pure function of their number.

Each epoch shuffles the selected documents, puts the objective's special ids around them, lays them end to end and cuts
the result into rows; rows are then shuffled within windows of a fixed number of batches, so that one long document does
not fill a whole batch. The order of documents depends on the selection, the seed and the epoch alone: streams of
several tokenizers over the same documents read (nearly) the same text in the same windows, which makes their
comparison paired. Ranks and loader workers only divide what this order gives.

Rows run on from one epoch to the next inside a batch; the last, incomplete row of an epoch is dropped (at most one row
of tokens an epoch, another one each time). Attention crosses the documents of a row.
"""

import hashlib
from collections.abc import Callable
from typing import Any

import numpy as np

from corpuskit.errors import InputError, RecipeError
from pretrain.stream.plan import EpochPlan, Framing, Source, Spans, permutation

DOCUMENTS, ROWS = 0, 1
"""First word of the keys of the two permutations, which keeps them independent."""
PLANS_KEPT = 2
WINDOWS_KEPT = 4


class TokenStream:
    """Fixed-length rows of tokens over a selection of documents, by step.

    A stream has no state that matters: `batch(step)` is random access, and the step is all that a resume needs. It
    holds 24 bytes a document for the epoch being read.
    """

    def __init__(
        self,
        source: Source,
        selection: np.ndarray,
        *,
        sequence_length: int,
        batch_rows: int,
        seed: int,
        framing: Framing,
        overlap: int = 0,
        shuffle_batches: int = 256,
    ) -> None:
        """Lay the stream out.

        Args:
            source: the token shards.
            selection: int64[k], the documents to read, each once an epoch; their order does not matter.
            sequence_length: tokens from the beginning of one row to the beginning of the next.
            batch_rows: rows of a global batch.
            seed: of both shuffles, at least 0.
            framing: ids put around each document.
            overlap: ids that a row has beyond `sequence_length`, shared with the row that follows in the text; 1 for
                next-token prediction, so that every token but an epoch's first is a target.
            shuffle_batches: batches in a window of the row shuffle.

        Raises:
            InputError: the selection names a document that is not there, or holds less than one row of tokens.
        """
        self.source = source
        self.sequence_length = sequence_length
        self.batch_rows = batch_rows
        self.seed = seed
        self.framing = framing
        self.width = sequence_length + overlap
        self.window = shuffle_batches * batch_rows
        self.documents = _checked(selection, source)
        self.tokens_per_epoch = int(source.lengths()[self.documents].sum()) + framing.size * len(self.documents)
        self.rows_per_epoch = (self.tokens_per_epoch - overlap) // sequence_length
        if self.rows_per_epoch < 1:
            raise InputError(
                f"the selection holds {self.tokens_per_epoch} tokens, less than one row of {self.width}; "
                "select more documents or make sequence_length smaller"
            )
        self._plans: dict[int, EpochPlan] = {}
        self._windows: dict[tuple[int, int], np.ndarray] = {}

    @property
    def fingerprint(self) -> str:
        """The sha256 of all that decides the order, apart from the tokens themselves; 64 hex digits."""
        numbers = [self.sequence_length, self.width, self.batch_rows, self.window, self.seed]
        layout = f"{numbers} {self.framing}".encode()
        return hashlib.sha256(layout + self.documents.tobytes()).hexdigest()

    def batch(self, step: int, rank: int = 0, world: int = 1) -> np.ndarray:
        """Return one rank's rows of the global batch of a step; int64[batch_rows / world, width].

        Concatenated over the ranks, they are the global batch, whatever `world` is.

        Raises:
            RecipeError: `batch_rows` is not a multiple of `world`.
        """
        numbers = self._row_numbers(step, rank, world)
        out = np.empty((len(numbers), self.width), np.int64)
        for epoch, where in _groups(numbers // self.rows_per_epoch):
            begins = self._begins(epoch, numbers[where] % self.rows_per_epoch)
            out[where] = self._plan(epoch).fill(self.source, begins, self.width)
        return out

    def spans(self, step: int) -> Spans:
        """Return which pieces of which documents the global batch of a step is made of, row by row."""
        numbers = self._row_numbers(step, 0, 1)
        found = []
        for epoch, where in _groups(numbers // self.rows_per_epoch):
            begins = self._begins(epoch, numbers[where] % self.rows_per_epoch)
            spans, _ = self._plan(epoch).spans(begins, self.width)
            found.append((where[spans.row], spans.document, spans.start, spans.stop))
        return Spans(*(np.concatenate(parts) for parts in zip(*found, strict=True)))

    def epochs(self, step: int) -> float:
        """Return how many epochs the batches before `step` amount to."""
        return step * self.batch_rows / self.rows_per_epoch

    def _row_numbers(self, step: int, rank: int, world: int) -> np.ndarray:
        if self.batch_rows % world:
            raise RecipeError("pretrain.batch_rows", f"{self.batch_rows} rows cannot be divided among {world} ranks")
        rows = self.batch_rows // world
        return step * self.batch_rows + rank * rows + np.arange(rows)

    def _begins(self, epoch: int, places: np.ndarray) -> np.ndarray:
        """Turn places in the shuffled sequence of an epoch's rows into positions at which those rows begin."""
        rows = np.empty_like(places)
        for window, where in _groups(places // self.window):
            first = window * self.window
            rows[where] = first + self._window(epoch, window)[places[where] - first]
        return rows * self.sequence_length

    def _window(self, epoch: int, window: int) -> np.ndarray:
        size = min(self.window, self.rows_per_epoch - window * self.window)
        key = (epoch, window)
        return _cached(self._windows, key, WINDOWS_KEPT, lambda: permutation(size, ROWS, self.seed, epoch, window))

    def _plan(self, epoch: int) -> EpochPlan:
        return _cached(self._plans, epoch, PLANS_KEPT, lambda: self._lay_out(epoch))

    def _lay_out(self, epoch: int) -> EpochPlan:
        documents = self.documents[permutation(len(self.documents), DOCUMENTS, self.seed, epoch)]
        return EpochPlan(documents, self.source.lengths()[documents], self.framing)

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_plans": {}, "_windows": {}}


def _checked(selection: np.ndarray, source: Source) -> np.ndarray:
    """Return the selected documents that have tokens, sorted, each once; int64[k]."""
    documents = np.unique(np.asarray(selection, np.int64))
    if len(documents) and not 0 <= documents[0] <= documents[-1] < source.n_documents:
        raise InputError(
            f"the selection names documents {documents[0]} to {documents[-1]}, but the shards hold {source.n_documents}"
        )
    return documents[source.lengths()[documents] > 0]


def _groups(labels: np.ndarray) -> list[tuple[int, np.ndarray]]:
    """Return (label, indices that have it) for each distinct label."""
    return [(int(label), np.flatnonzero(labels == label)) for label in np.unique(labels)]


def _cached(cache: dict[Any, Any], key: Any, size: int, make: Callable[[], Any]) -> Any:
    """Return cache[key], made if need be; the cache keeps the `size` values made last."""
    if key not in cache:
        while len(cache) >= size:
            del cache[next(iter(cache))]
        cache[key] = make()
    return cache[key]
