"""One model on one task."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from corpuskit.recipe.evaluation import DownstreamConfig
from corpuskit.tasks import Classification, Example, MinimalPairs, Task
from pretrain.downstream.classify import fine_tune, predict, probe
from pretrain.downstream.likelihood import prefers_good
from pretrain.downstream.texts import Encoder, encode
from pretrain.model import Transformer
from pretrain.objectives import OBJECTIVES, Objective


@dataclass(frozen=True, kw_only=True, eq=False)
class TaskResult:
    """How one model did on one task."""

    name: str
    """The task's."""
    metric: str
    """Always `accuracy` so far."""
    accuracy: float
    """Mean of `items`."""
    items: np.ndarray
    """float32[n], one score a test text or pair, in the task's order: 1 right, 0 wrong, 0.5 a tie of a pair."""
    units: np.ndarray
    """int64[n], the independent unit of each item; see `by_unit`."""
    cut: int = 0
    """Test texts that `max_tokens` cut: not all of what `max_characters` leaves was read."""
    chance: float
    """What a constant answer scores."""
    seconds: float
    groups: Mapping[str, float] = field(default_factory=dict)
    """Accuracy by label (classification) or by phenomenon (minimal pairs)."""


def evaluate(
    task: Task, model: Transformer, tokenizer: Encoder, objective: str, config: DownstreamConfig, seed: int
) -> TaskResult:
    """Score a pretrained model on a task; the model is left as it was.

    Args:
        task: from `corpuskit.tasks.load`.
        model: the pretrained model, on the device to compute on.
        tokenizer: the tokenizer that the model was trained with.
        objective: name of the pretraining objective; decides attention, special ids and the pooled state.
        config: how to fine-tune or probe.
        seed: decides the order of the texts in fine-tuning; nothing else is random.
    """
    start = time.perf_counter()
    learned = OBJECTIVES[objective]
    training = model.training
    model.eval()
    cut = 0
    try:
        if isinstance(task, Classification):
            items, groups, cut = _classify(task, model, tokenizer, learned, config, seed)
        else:
            items, groups = _compare(task, model, tokenizer, learned, config)
    finally:
        model.train(training)
    return TaskResult(
        name=task.name,
        metric="accuracy",
        accuracy=float(items.mean(dtype=np.float64)),
        items=items,
        units=task.units,
        cut=cut,
        chance=task.chance,
        seconds=time.perf_counter() - start,
        groups=_means(items, groups),
    )


def _classify(
    task: Classification,
    model: Transformer,
    tokenizer: Encoder,
    objective: Objective,
    config: DownstreamConfig,
    seed: int,
) -> tuple[np.ndarray, list[str], int]:
    """Return what is right of the test texts, the label of each, and how many were cut."""
    device = next(model.parameters()).device
    train, test = (
        encode(tokenizer, _texts(part, config.max_characters), objective, device, config.max_tokens)
        for part in (task.train, task.test)
    )
    labels, expected = _labels(task.train), _labels(task.test)
    classifier = probe(model, objective, train, labels, len(task.labels), config)
    if config.mode == "fine_tune":
        classifier = fine_tune(classifier, train, labels, config, seed)
    found = predict(classifier, test, config.scoring_tokens)
    return (found == expected).astype(np.float32), [task.labels[label] for label in expected], test.cut


def _texts(examples: tuple[Example, ...], characters: int) -> list[str]:
    return [example.text[:characters] for example in examples]


def _labels(examples: tuple[Example, ...]) -> np.ndarray:
    return np.array([example.label for example in examples], np.int64)


def _compare(
    task: MinimalPairs, model: Transformer, tokenizer: Encoder, objective: Objective, config: DownstreamConfig
) -> tuple[np.ndarray, list[str]]:
    pairs = [(pair.good, pair.bad) for pair in task.pairs]
    items = prefers_good(model, tokenizer, objective, pairs, config.scoring_tokens)
    return items, [pair.phenomenon for pair in task.pairs]


def _means(items: np.ndarray, groups: list[str]) -> dict[str, float]:
    """Return the mean score of each group, in order of the groups' names."""
    names, index = np.unique(groups, return_inverse=True)
    sums = np.bincount(index, weights=items)
    return {str(name): float(total / count) for name, total, count in zip(names, sums, np.bincount(index), strict=True)}
