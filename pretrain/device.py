"""Where a run computes: device, threads, precision."""

import contextlib
import os
from collections.abc import Iterator
from typing import Any

import torch

from corpuskit.errors import InputError


def pick_device(device: str) -> torch.device:
    """Turn `cpu`, `cuda` (the GPU of the local rank) or `auto` (CUDA where there is a GPU) into a device.

    Raises:
        InputError: CUDA is asked for and there is none.
    """
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    if device != "cuda":
        return torch.device(device)
    if not torch.cuda.is_available():
        raise InputError("device cuda: torch finds no usable GPU here; use cpu or auto")
    return torch.device("cuda", int(os.environ.get("LOCAL_RANK", 0)))


@contextlib.contextmanager
def limited_threads(threads: int | None) -> Iterator[int]:
    """Let torch use so many CPU threads inside the block (None: as it does already); give the number in use."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads or before)
    try:
        yield torch.get_num_threads()
    finally:
        torch.set_num_threads(before)


def resolve_precision(precision: str, device: torch.device) -> str:
    """Turn `auto` into `bfloat16` on CUDA and `float32` elsewhere."""
    if precision != "auto":
        return precision
    return "bfloat16" if device.type == "cuda" else "float32"


def autocast(precision: str, device: torch.device) -> contextlib.AbstractContextManager[Any]:
    """Return the context in which a model runs at a precision; weights stay in float32."""
    enabled = resolve_precision(precision, device) == "bfloat16"
    return torch.autocast(device.type, torch.bfloat16, enabled=enabled)
