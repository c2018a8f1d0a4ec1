"""Scoring on tasks: fine-tuning, probes, likelihood."""

from pretrain.downstream.evaluate import TaskResult, evaluate

__all__ = ["TaskResult", "evaluate"]
