"""Texts as padded batches of token ids."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import torch

from corpuskit.tokenization import PAD
from pretrain.objectives import Objective


class Encoder(Protocol):
    """What scoring needs of a tokenizer; `corpuskit.tokenization.Tokenizer` is one."""

    def encode(self, texts: Any) -> Any:
        """Turn a large_string array into a large list array of ids, without special ids."""
        ...


@dataclass(frozen=True)
class Batch:
    """Some of the texts, padded to the longest of them."""

    rows: np.ndarray
    """int64[B], the texts' numbers."""
    tokens: torch.Tensor
    """int64[B, T]"""
    lengths: torch.Tensor
    """int64[B], real tokens of each row."""

    @property
    def padding(self) -> torch.Tensor | None:
        """bool[B, T], True where a row has ended; None where all are equally long: attention then needs no mask."""
        places = torch.arange(self.tokens.shape[1], device=self.tokens.device)
        beyond = places >= self.lengths[:, None]
        return beyond if bool(beyond.any()) else None


class Sequences:
    """Framed token ids of many texts."""

    def __init__(self, ids: Sequence[np.ndarray], device: torch.device, cut: int = 0) -> None:
        """Hold `ids`, int64 arrays, of which `cut` lost their end; batches are made on `device`."""
        self.ids = ids
        self.cut = cut
        self.lengths = np.array([len(row) for row in ids], np.int64)
        self.device = device

    def __len__(self) -> int:
        return len(self.ids)

    def batch(self, rows: np.ndarray) -> Batch:
        """Return the given texts as one batch."""
        lengths = self.lengths[rows]
        tokens = np.full((len(rows), lengths.max()), PAD, np.int64)
        tokens[np.arange(tokens.shape[1]) < lengths[:, None]] = np.concatenate([self.ids[row] for row in rows])
        return Batch(rows, torch.from_numpy(tokens).to(self.device), torch.from_numpy(lengths).to(self.device))

    def by_length(self, limit: int) -> Iterator[Batch]:
        """Yield every text once, shortest first, in batches of up to `limit` tokens with padding, one text at least."""
        for rows in chunks(self.lengths, limit):
            yield self.batch(rows)


def frame(objective: Objective) -> tuple[list[int], list[int]]:
    """Return the special ids before and after a text to score.

    They are those of pretraining, but for a causal model's last one: all its states come before it.
    """
    before, after = objective.framing.before, objective.framing.after
    return [] if before is None else [before], [] if after is None or objective.causal else [after]


def encode(
    tokenizer: Encoder, texts: Sequence[str], objective: Objective, device: torch.device, limit: int | None = None
) -> Sequences:
    """Encode texts and put the objective's special ids around each.

    Args:
        tokenizer: encodes a column of texts.
        texts: the texts.
        objective: how the model was pretrained.
        device: where batches will lie.
        limit: longest sequence, special ids included; longer texts lose their end. None for no limit.
    """
    before, after = frame(objective)
    lists = tokenizer.encode(pa.array(texts, pa.large_string()))
    values, offsets = np.asarray(lists.values).astype(np.int64), np.asarray(lists.offsets)
    room = None if limit is None else max(0, limit - len(before) - len(after))
    rows = [values[start:stop][:room] for start, stop in pairwise(offsets)]
    cut = 0 if room is None else int((np.diff(offsets) > room).sum())
    return Sequences([np.concatenate([before, row, after]).astype(np.int64) for row in rows], device, cut)


def chunks(lengths: np.ndarray, limit: int) -> Iterator[np.ndarray]:
    """Yield the row numbers sorted by length, cut so that rows x longest row stays within `limit`, one row at least.

    Args:
        lengths: int64[n], tokens of each row.
        limit: tokens of a chunk, padding included.
    """
    order = np.argsort(lengths, kind="stable")
    begin = 0
    for end in range(1, len(order) + 1):
        if end == len(order) or (end - begin + 1) * lengths[order[end]] > limit:
            yield order[begin:end]
            begin = end
