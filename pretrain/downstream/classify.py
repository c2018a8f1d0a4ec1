"""Classification with a pretrained model: logistic regression on its features, then fine-tuning.

Both modes begin with the same head, fitted on frozen features; fine-tuning goes on from there with all weights, so it
never starts from a random head that would first distort the pretrained features (Kumar et al. 2022, arXiv:2202.10054).
"""

import copy
from collections.abc import Iterator

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from corpuskit.recipe.evaluation import DownstreamConfig
from pretrain.downstream.texts import Batch, Sequences
from pretrain.model import Transformer
from pretrain.objectives import Objective

POOL_BATCHES = 16
"""Batches are cut from pools of this many, sorted by length: little padding, and still another order each epoch."""
PROBE_STEPS = 100
"""Most L-BFGS iterations."""
SMALLEST_DEVIATION = 1e-6


class Head(nn.Module):
    """A linear layer on features that are centred and scaled by the training texts' frozen ones."""

    def __init__(self, train: torch.Tensor, n_labels: int) -> None:
        """Take centre and scale from `train`, float64[n, D]; the layer starts as zeros."""
        super().__init__()
        self.register_buffer("mean", train.mean(0).float())
        self.register_buffer("scale", train.std(0, correction=0).clamp_min(SMALLEST_DEVIATION).float())
        self.weight = nn.Parameter(torch.zeros(n_labels, train.shape[1]))
        self.bias = nn.Parameter(torch.zeros(n_labels))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Map float32[B, D] to float32[B, labels], unnormalised log-probabilities."""
        return functional.linear((features - self.mean) / self.scale, self.weight, self.bias)


class Classifier(nn.Module):
    """A pretrained model with a head on one vector a text."""

    def __init__(self, model: Transformer, objective: Objective, pooling: str, head: Head) -> None:
        """Join a model and a head; see `pool` for `pooling`."""
        super().__init__()
        self.model = model
        self.objective = objective
        self.pooling = pooling
        self.head = head

    def forward(self, batch: Batch) -> torch.Tensor:
        """Return float32[B, labels], unnormalised log-probabilities."""
        return self.head(pool(self.model, self.objective, self.pooling, batch))


def pool(model: Transformer, objective: Objective, pooling: str, batch: Batch) -> torch.Tensor:
    """Return one vector a text, float32[B, D]: the `mean` of its states, or the `last` one."""
    padding = batch.padding
    # Padding is on the right, where no state of a causal model looks.
    hidden = model.hidden(batch.tokens, objective.causal, None if objective.causal else padding).float()
    if pooling == "last":
        return hidden[torch.arange(len(hidden), device=hidden.device), batch.lengths - 1]
    if padding is not None:
        hidden = hidden.masked_fill(padding[..., None], 0)
    return hidden.sum(1) / batch.lengths[:, None]


def probe(
    model: Transformer,
    objective: Objective,
    sequences: Sequences,
    labels: np.ndarray,
    n_labels: int,
    config: DownstreamConfig,
) -> Classifier:
    """Fit a head on the model's frozen features; deterministic, no seed.

    Args:
        model: the pretrained model, in evaluation mode; it becomes part of the classifier, unchanged.
        objective: how it was pretrained.
        sequences: the training texts, n of them.
        labels: int64[n].
        n_labels: number of classes.
        config: pooling and penalty.
    """
    features = _all_features(model, objective, sequences, config)
    head = Head(features, n_labels)
    scaled = (features - head.mean.cpu()) / head.scale.cpu()
    weight, bias = logistic_regression(scaled, torch.from_numpy(labels), n_labels, config.l2)
    with torch.no_grad():
        head.weight.copy_(weight)
        head.bias.copy_(bias)
    return Classifier(model, objective, config.pooling, head.to(sequences.device)).eval()


@torch.no_grad()
def _all_features(
    model: Transformer, objective: Objective, sequences: Sequences, config: DownstreamConfig
) -> torch.Tensor:
    """Return the features of all texts; float64[n, D] on the CPU."""
    found = torch.zeros(len(sequences), model.config.width, dtype=torch.float64)
    for batch in sequences.by_length(config.scoring_tokens):
        found[torch.from_numpy(batch.rows)] = pool(model, objective, config.pooling, batch).double().cpu()
    return found


def logistic_regression(
    features: torch.Tensor, labels: torch.Tensor, n_labels: int, l2: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Fit multinomial logistic regression by L-BFGS from zero.

    Returns float64[labels, D] weights and float64[labels] biases.

    Args:
        features: float64[n, D].
        labels: int64[n].
        n_labels: number of classes.
        l2: the loss is the summed cross-entropy + l2 / 2 x the sum of squared weights, biases excepted.
    """
    weight = torch.zeros(n_labels, features.shape[1], dtype=torch.float64, requires_grad=True)
    bias = torch.zeros(n_labels, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([weight, bias], max_iter=PROBE_STEPS, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        penalty = l2 / (2 * len(features)) * weight.square().sum()
        value = functional.cross_entropy(features @ weight.T + bias, labels) + penalty
        value.backward()
        return value

    optimizer.step(loss)
    return weight.detach(), bias.detach()


def fine_tune(
    probed: Classifier, sequences: Sequences, labels: np.ndarray, config: DownstreamConfig, seed: int
) -> Classifier:
    """Train a copy of a probed classifier, all weights; the original stays as it is.

    AdamW, learning rate rising linearly and falling linearly to 0.

    Args:
        probed: from `probe`.
        sequences: the training texts, n of them.
        labels: int64[n].
        config: epochs, batches, learning rate.
        seed: decides the order of the texts, and dropout where the model has any.
    """
    devices = [sequences.device] if sequences.device.type == "cuda" else []
    with torch.random.fork_rng(devices):
        torch.manual_seed(seed)
        classifier = copy.deepcopy(probed).train()
        _train(classifier, sequences, torch.from_numpy(labels).to(sequences.device), config, seed)
    return classifier.eval()


def _train(
    classifier: Classifier, sequences: Sequences, labels: torch.Tensor, config: DownstreamConfig, seed: int
) -> None:
    generator = np.random.default_rng(seed)
    steps = config.epochs * -(-len(sequences) // config.batch_rows)
    optimizer = _optimizer(classifier, config)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: rate(step, steps, config.warmup))
    for _ in range(config.epochs):
        for rows in shuffled_batches(sequences.lengths, config.batch_rows, generator):
            loss = functional.cross_entropy(classifier(sequences.batch(rows)), labels[rows])
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(classifier.parameters(), config.clip)
            optimizer.step()
            schedule.step()


def _optimizer(classifier: Classifier, config: DownstreamConfig) -> torch.optim.Optimizer:
    matrices = [weight for weight in classifier.parameters() if weight.ndim > 1]
    vectors = [weight for weight in classifier.parameters() if weight.ndim <= 1]
    groups = [{"params": matrices, "weight_decay": config.weight_decay}, {"params": vectors, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=config.learning_rate)


def rate(step: int, steps: int, warmup: float) -> float:
    """Return the share of the peak learning rate at `step` (from 0) of `steps`; above 0 for all of them."""
    rising = int(warmup * steps)
    if step < rising:
        return (step + 1) / (rising + 1)
    return (steps - step) / (steps - rising)


def shuffled_batches(lengths: np.ndarray, rows: int, generator: np.random.Generator) -> Iterator[np.ndarray]:
    """Yield every row number once in batches of `rows` (the last may be smaller), rows of similar length together."""
    order = generator.permutation(len(lengths))
    size = rows * POOL_BATCHES
    batches = []
    for begin in range(0, len(order), size):
        part = order[begin : begin + size]
        part = part[np.argsort(lengths[part], kind="stable")]
        batches += [part[start : start + rows] for start in range(0, len(part), rows)]
    for index in generator.permutation(len(batches)):
        yield batches[index]


@torch.inference_mode()
def predict(classifier: Classifier, sequences: Sequences, limit: int) -> np.ndarray:
    """Return each text's most likely label; int64[n]. Batches hold up to `limit` tokens."""
    found = np.zeros(len(sequences), np.int64)
    for batch in sequences.by_length(limit):
        found[batch.rows] = classifier(batch).argmax(1).cpu().numpy()
    return found
