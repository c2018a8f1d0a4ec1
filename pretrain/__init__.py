"""Pretraining in torch: stream, model, objectives, training, evaluation.

Importing this package loads nothing. Its public names load their module when first used:

    from pretrain import Job, load_model, load_run
    from pretrain.train import train

    record = train(Job(shards=…, token_bytes=…, selection=…, validation={"raw": …}, out="runs/first"))
    model = load_model("runs/first")

`pretrain.stream` needs numpy alone; everything else needs torch (`pip install 'corpuskit[train]'`).
"""

import importlib
import importlib.util
from typing import Any

from corpuskit.errors import MissingExtra

PUBLIC = {
    "Job": "pretrain.job",
    "RunRecord": "pretrain.run",
    "TokenStream": "pretrain.stream",
    "Transformer": "pretrain.model",
    "load_metrics": "pretrain.run",
    "load_model": "pretrain.run",
    "load_run": "pretrain.run",
}
NEED_TORCH = {"pretrain.model", "pretrain.run"}


def require_torch() -> None:
    """Check that torch can be imported, before a module that needs it is.

    Raises:
        MissingExtra: torch is not installed.
    """
    if importlib.util.find_spec("torch") is None:
        raise MissingExtra("torch", "train", "pretraining")


def __getattr__(name: str) -> Any:
    if name not in PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if PUBLIC[name] in NEED_TORCH:
        require_torch()
    return getattr(importlib.import_module(PUBLIC[name]), name)
