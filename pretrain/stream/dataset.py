"""Batches of a stream as a torch dataset, divided among ranks and loader workers."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from corpuskit.recipe.training import PretrainConfig
from pretrain.objectives import OBJECTIVES, Objective, Place
from pretrain.stream.plan import Source
from pretrain.stream.tokens import TokenStream

BATCHES_AHEAD = 4
"""Batches that each loader worker reads ahead."""


class Batch(NamedTuple):
    """One rank's share of a global batch."""

    inputs: torch.Tensor
    """int64[rows, T]"""
    targets: torch.Tensor
    """int64[rows, T], IGNORED where nothing is predicted"""
    text_bytes: int
    """UTF-8 bytes of text that the rows stand for; exact, since each token counts once."""


@dataclass(frozen=True)
class Share:
    """Which part of every global batch a process reads."""

    rank: int = 0
    world: int = 1


class BatchDataset(IterableDataset[Batch]):
    """The batches of one rank, from a step on, without end.

    With n loader workers, worker w reads the steps start + w, start + w + n, …; DataLoader takes from its workers in
    turn, so batches come in the order of steps for any n.
    """

    def __init__(
        self, stream: TokenStream, objective: Objective, config: PretrainConfig, token_bytes: np.ndarray, share: Share
    ) -> None:
        """Read `stream` for `objective`; `token_bytes` is int32[vocab], the bytes of text each id stands for."""
        self.stream = stream
        self.objective = objective
        self.config = config
        self.token_bytes = token_bytes
        self.share = share
        self.start = 0

    def at(self, step: int) -> Batch:
        """Return this rank's share of the batch of a step."""
        rows = self.stream.batch(step, self.share.rank, self.share.world)
        place = Place(
            seed=self.config.data_seed,
            step=step,
            first_row=self.share.rank * len(rows),
            vocab_size=len(self.token_bytes),
            mask_share=self.config.mask_share,
        )
        inputs, targets = self.objective.examples(rows, place)
        text_bytes = int(self.token_bytes[rows[:, self.objective.overlap :]].sum())
        return Batch(_tensor(inputs), _tensor(targets), text_bytes)

    def __iter__(self) -> Iterator[Batch]:
        worker = get_worker_info()
        step, stride = (self.start, 1) if worker is None else (self.start + worker.id, worker.num_workers)
        while True:
            yield self.at(step)
            step += stride

    def batches(self, start: int, pin: bool = False) -> Iterator[Batch]:
        """Iterate over the batches from step `start` on, read ahead by `config.loader_workers` processes."""
        self.start = start
        workers = self.config.loader_workers
        ahead = BATCHES_AHEAD if workers else None
        return iter(DataLoader(self, batch_size=None, num_workers=workers, prefetch_factor=ahead, pin_memory=pin))


def open_stream(source: Source, selection: np.ndarray, config: PretrainConfig) -> TokenStream:
    """Lay out the stream that a config asks for.

    Raises:
        InputError: the selection names a document that is not there, or holds less than one row of tokens.
    """
    objective = OBJECTIVES[config.objective]
    return TokenStream(
        source,
        selection,
        sequence_length=config.sequence_length,
        batch_rows=config.batch_rows,
        seed=config.data_seed,
        framing=objective.framing,
        overlap=objective.overlap,
        shuffle_batches=config.shuffle_batches,
    )


def _tensor(array: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(array))
