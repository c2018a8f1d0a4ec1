"""Scoring on tasks: fine-tuning, probes, likelihood."""

from pretrain.downstream.evaluate import TaskResult, evaluate
from pretrain.downstream.units import by_unit

__all__ = ["TaskResult", "by_unit", "evaluate"]
