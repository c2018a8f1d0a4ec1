"""The processes of one run: ranks, and sums over ranks.

`torchrun` (`python -m torch.distributed.run -m pretrain …`) starts one process per rank and sets RANK, WORLD_SIZE and
LOCAL_RANK; without them a run is one process.
"""

import contextlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from pretrain.device import pick_device


@dataclass(frozen=True)
class Process:
    """This process among those of the run."""

    rank: int
    world: int
    device: torch.device

    @property
    def leads(self) -> bool:
        """Whether this process writes files and shows progress."""
        return self.rank == 0

    def total(self, values: Sequence[float] | np.ndarray) -> np.ndarray:
        """Return the sum of each number over all ranks; float64, so that byte counts stay exact up to 2**53."""
        sums = torch.tensor(values, dtype=torch.float64, device=self.device)
        if self.world > 1:
            dist.all_reduce(sums)
        return sums.cpu().numpy()

    def wait(self) -> None:
        """Wait until every rank is here."""
        if self.world > 1:
            dist.barrier()

    def wrap(self, model: nn.Module) -> nn.Module:
        """Return the model such that its backward pass averages gradients over the ranks."""
        if self.world == 1:
            return model
        return DistributedDataParallel(model, device_ids=[self.device] if self.device.type == "cuda" else None)


@contextlib.contextmanager
def joined(device: str) -> Iterator[Process]:
    """Join the other ranks of the run, if there are any, and leave them at the end.

    Args:
        device: `cpu`, `cuda` or `auto`, see `pick_device`.
    """
    rank, world = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
    place = pick_device(device)
    if place.type == "cuda":
        torch.cuda.set_device(place)
    if world == 1:
        yield Process(0, 1, place)
        return
    dist.init_process_group("nccl" if place.type == "cuda" else "gloo")
    try:
        yield Process(rank, world, place)
    finally:
        dist.destroy_process_group()


def accumulating(model: nn.Module, more: bool) -> contextlib.AbstractContextManager[Any]:
    """Return a context in which gradients stay on their rank while `more` micro-batches of the step follow."""
    if more and isinstance(model, DistributedDataParallel):
        return model.no_sync()
    return contextlib.nullcontext()
