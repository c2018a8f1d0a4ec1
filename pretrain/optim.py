"""AdamW with weight decay on matrices, and the schedule over the budget."""

import math

import torch
from torch import nn

from corpuskit.recipe.training import PretrainConfig


def make_optimizer(model: nn.Module, config: PretrainConfig) -> torch.optim.AdamW:
    """Return AdamW (Loshchilov & Hutter 2019) with one group that decays (matrices) and one that does not (gains)."""
    matrices = [weight for weight in model.parameters() if weight.ndim >= 2]
    gains = [weight for weight in model.parameters() if weight.ndim < 2]
    groups = [{"params": matrices, "weight_decay": config.weight_decay}, {"params": gains, "weight_decay": 0.0}]
    return torch.optim.AdamW(
        groups, lr=config.learning_rate, betas=(config.beta1, config.beta2), eps=config.epsilon, fused=True
    )


def learning_rate(config: PretrainConfig, share: float) -> float:
    """Return the learning rate once a share of the budget, in (0, 1], is consumed: linear warm-up, then cosine.

    The schedule runs over bytes of text, not steps: every tokenizer goes through all of it for the same text.
    """
    if share < config.warmup:
        return config.learning_rate * share / config.warmup
    rest = min(1.0, (share - config.warmup) / (1.0 - config.warmup))
    cosine = 0.5 * (1.0 + math.cos(math.pi * rest))
    return config.learning_rate * (config.final_learning_rate + (1.0 - config.final_learning_rate) * cosine)


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Use a learning rate in every group."""
    for group in optimizer.param_groups:
        group["lr"] = rate
