"""Classification with a pretrained model: fine-tuning, or logistic regression on frozen features."""

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
PROBE_STEPS = 200


class Classifier(nn.Module):
    """A pretrained model with a linear head on one vector a text."""

    def __init__(self, model: Transformer, objective: Objective, labels: int) -> None:
        """Put a head for `labels` classes on `model`."""
        super().__init__()
        self.model = model
        self.objective = objective
        self.head = nn.Linear(model.config.width, labels)
        nn.init.normal_(self.head.weight, std=0.02)
        nn.init.zeros_(self.head.bias)

    def forward(self, batch: Batch) -> torch.Tensor:
        """Return float32[B, labels], unnormalised log-probabilities."""
        return self.head(features(self.model, self.objective, batch))


def features(model: Transformer, objective: Objective, batch: Batch) -> torch.Tensor:
    """Return float32[B, D]: the last real token's state of a causal model, the mean state of a masked one."""
    if objective.causal:
        # Padding is on the right, where no earlier token looks.
        hidden = model.hidden(batch.tokens, causal=True, padding=None)
        return hidden[torch.arange(len(hidden), device=hidden.device), batch.lengths - 1].float()
    padding = batch.padding
    hidden = model.hidden(batch.tokens, causal=False, padding=padding).float()
    if padding is not None:
        hidden = hidden.masked_fill(padding[..., None], 0)
    return hidden.sum(1) / batch.lengths[:, None]


def fine_tune(
    model: Transformer,
    objective: Objective,
    sequences: Sequences,
    labels: np.ndarray,
    n_labels: int,
    config: DownstreamConfig,
    seed: int,
) -> Classifier:
    """Train a copy of `model` with a new head; the model itself stays as it is.

    AdamW, learning rates rising linearly and falling linearly to 0. Head and order of texts depend on `seed` alone.

    Args:
        model: the pretrained model.
        objective: how it was pretrained.
        sequences: the training texts, n of them.
        labels: int64[n].
        n_labels: number of classes.
        config: epochs, batches, learning rates.
        seed: decides the new head, the order of texts, and dropout where the model has any.
    """
    devices = [sequences.device] if sequences.device.type == "cuda" else []
    with torch.random.fork_rng(devices):
        torch.manual_seed(seed)
        classifier = Classifier(copy.deepcopy(model), objective, n_labels)
        classifier.to(sequences.device).train()
        _train(classifier, sequences, torch.from_numpy(labels).to(sequences.device), config, seed)
    return classifier.eval()


def _train(
    classifier: Classifier, sequences: Sequences, labels: torch.Tensor, config: DownstreamConfig, seed: int
) -> None:
    generator = np.random.default_rng(seed)
    steps = config.epochs * -(-len(sequences) // config.batch_rows)
    optimizer = _optimizer(classifier, config)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rate(step, steps, config.warmup))
    for _ in range(config.epochs):
        for rows in shuffled_batches(sequences.lengths, config.batch_rows, generator):
            loss = functional.cross_entropy(classifier(sequences.batch(rows)), labels[rows])
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(classifier.parameters(), config.clip)
            optimizer.step()
            schedule.step()


def _optimizer(classifier: Classifier, config: DownstreamConfig) -> torch.optim.Optimizer:
    body = [parameter for parameter in classifier.model.parameters() if parameter.requires_grad]
    groups = [
        {"params": [item for item in body if item.ndim > 1], "weight_decay": config.weight_decay},
        {"params": [item for item in body if item.ndim <= 1], "weight_decay": 0.0},
        {"params": list(classifier.head.parameters()), "weight_decay": 0.0, "lr": config.head_learning_rate},
    ]
    return torch.optim.AdamW([group for group in groups if group["params"]], lr=config.learning_rate)


def _rate(step: int, steps: int, warmup: float) -> float:
    """Return the share of the peak learning rate at `step` of `steps`: never 0 before the end."""
    rising = round(warmup * steps)
    if step < rising:
        return (step + 1) / (rising + 1)
    return (steps - step) / (steps - rising)


def shuffled_batches(lengths: np.ndarray, rows: int, generator: np.random.Generator) -> Iterator[np.ndarray]:
    """Yield every row number once in batches of `rows` (the last may be smaller), rows of similar length together."""
    order = generator.permutation(len(lengths))
    pool = rows * POOL_BATCHES
    batches = []
    for begin in range(0, len(order), pool):
        part = order[begin : begin + pool]
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


@torch.inference_mode()
def all_features(model: Transformer, objective: Objective, sequences: Sequences, limit: int) -> torch.Tensor:
    """Return the frozen features of all texts; float64[n, D] on the CPU."""
    found: list[torch.Tensor] = [torch.empty(0)] * len(sequences)
    for batch in sequences.by_length(limit):
        for row, feature in zip(batch.rows, features(model, objective, batch).double().cpu(), strict=True):
            found[row] = feature
    return torch.stack(found).clone()


def logistic_regression(
    train: torch.Tensor, labels: torch.Tensor, test: torch.Tensor, n_labels: int, l2: float
) -> np.ndarray:
    """Return the labels that multinomial logistic regression predicts; int64[n_test].

    Features are standardised by the training texts' mean and deviation; fitted by L-BFGS from zero, so no seed.

    Args:
        train: float64[n, D].
        labels: int64[n].
        test: float64[n_test, D].
        n_labels: number of classes.
        l2: the loss is the summed cross-entropy + l2 / 2 x the sum of squared weights, biases excepted.
    """
    mean, deviation = train.mean(0), train.std(0).clamp_min(1e-6)
    train, test = ((part - mean) / deviation for part in (train, test))
    weight = torch.zeros(n_labels, train.shape[1], dtype=torch.float64, requires_grad=True)
    bias = torch.zeros(n_labels, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([weight, bias], max_iter=PROBE_STEPS, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        value = (
            functional.cross_entropy(train @ weight.T + bias, labels) + l2 / (2 * len(train)) * weight.square().sum()
        )
        value.backward()
        return value

    optimizer.step(loss)
    return (test @ weight.T + bias).argmax(1).numpy()
