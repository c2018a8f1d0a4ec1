"""Learning a classifier from two samples: the texts of each side, the epochs, the calibration and the measurement."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from pydantic import Field, field_validator

from corpuskit.config import Config
from corpuskit.errors import InputError
from corpuskit.signals.classifier.calibration import Metrics, class_costs, evaluate, log_loss, platt, sigmoid
from corpuskit.signals.classifier.examples import (
    CALIBRATE,
    EVALUATE,
    FEWEST,
    TRAIN,
    Examples,
    Sample,
    joined,
    sides,
    without,
)
from corpuskit.signals.classifier.features import Learner, margins
from corpuskit.signals.classifier.vocabulary import Vocabulary

CLASSES = ("positive", "negative")
Report = Callable[[str, float], None]
"""Told what is being done, and the share of it that is done."""


class TrainingConfig(Config):
    """How a classifier is trained."""

    seed: int = Field(default=0, ge=0)
    """Of the order of the texts, and of which documents are held out. The same seed gives the same bytes."""
    buckets: int = Field(default=2**20, ge=2**10, le=2**28)
    """Buckets that features are hashed into, 4 bytes each in the model: a power of two."""
    epochs: int = Field(default=5, ge=1, le=1000)
    """Passes over the texts; the one after which the log loss on held-out texts was smallest is kept."""
    rate: float = Field(default=3.0, gt=0)
    """Learning rate of AdaGrad."""
    heldout: float = Field(default=0.2, gt=0, le=0.8)
    """Share of the documents of each class that is held out: half to calibrate on, half to measure on."""
    max_documents: int = Field(default=200_000, ge=FEWEST)
    """Documents of each class at most, a sample by hash; DCLM learnt from 200,000 of each (Li et al. 2024, 4.4)."""
    max_words: int | None = Field(default=None, ge=1)
    """Words of a document that count, from its beginning; null: all."""
    cut_words: int | None = Field(default=None, ge=1)
    """Cut documents into equal pieces of about this many words, so that lengths are alike; null: leave them whole."""
    shown_documents: int = Field(default=5, ge=1)
    """Documents that must have a word for it to be in the model's table of words; it must also be the better half of
    what shares its bucket."""
    shown_words: int = Field(default=100, ge=0)
    """Words of each class in that table: those that speak for it most."""

    @field_validator("buckets")
    @classmethod
    def _power_of_two(cls, value: int) -> int:
        if value & (value - 1):
            raise ValueError(f"expected a power of two, such as 1048576, given {value}")
        return value


@dataclass(frozen=True, kw_only=True, eq=False)
class Trained:
    """A classifier, and what is known of it."""

    weights: np.ndarray
    """float32[buckets]."""
    bias: float
    slope: float
    """The probability is sigmoid(slope * margin + intercept)."""
    intercept: float
    words: pa.Table
    """The words that speak most for and against: `word`, `weight`, `positive` and `negative` documents."""
    metrics: Metrics
    counts: Mapping[str, int]
    """What became of the documents, as `positive.duplicates`."""
    epochs: tuple[float, ...]
    """Log loss of the margins on the texts to calibrate on, after each epoch."""


class Collected:
    """What the reading of both inputs leaves: a sample of each class, and the words."""

    def __init__(self, config: TrainingConfig) -> None:
        self.samples = {name: Sample(config.max_documents, config.max_words) for name in CLASSES}
        self.vocabulary = Vocabulary(config.buckets)
        self.held_out = dict.fromkeys(CLASSES, 0)
        """Documents of each class that a corpus holds out, which are not among those that were added."""

    def add(self, name: str, texts: Any) -> None:
        """Add documents, as `Texts`, to the class `positive` or `negative`."""
        self.samples[name].add(texts)
        self.vocabulary.add(texts, positive=name == "positive")


def train(collected: Collected, config: TrainingConfig, report: Report) -> Trained:
    """Learn, calibrate and measure a classifier.

    Raises:
        InputError: a class has too few distinct documents that the other one has not.
    """
    chosen, counts = _classes(collected)
    parts = [_Part(chosen, side, config) for side in (TRAIN, CALIBRATE, EVALUATE)]
    learning, calibrating, evaluating = parts
    best, epochs = _learn(learning, calibrating, config, report)
    slope, intercept = platt(calibrating.margins(*best), calibrating.labels)
    chances = sigmoid(slope * evaluating.margins(*best) + intercept)
    texts = {f"{name}.{side}": count for part in parts for (name, side), count in part.counts().items()}
    return Trained(
        weights=best[0],
        bias=best[1],
        slope=slope,
        intercept=intercept,
        words=_strongest(collected.vocabulary, best[0], np.sign(slope), config),
        metrics=evaluate(chances, evaluating.labels, evaluating.examples.documents, config.seed),
        counts={**counts, **texts},
        epochs=epochs,
    )


def _classes(collected: Collected) -> tuple[dict[str, Examples], dict[str, int]]:
    """Return the documents of each class without those of both, and what became of the others."""
    found = {name: sample.examples() for name, sample in collected.samples.items()}
    alone = {name: without(found[name], found[other]) for name, other in zip(CLASSES, CLASSES[::-1], strict=True)}
    counts: dict[str, int] = {}
    for name, sample in collected.samples.items():
        in_both = len(found[name]) - len(alone[name])
        sampled_out = sample.read - sample.empty - sample.duplicates - len(found[name])
        held_out = collected.held_out[name]
        counts |= {
            f"{name}.read": sample.read + held_out,
            f"{name}.held_out_by_corpus": held_out,
            f"{name}.empty": sample.empty,
            f"{name}.duplicates": sample.duplicates,
            f"{name}.sampled_out": sampled_out,
            f"{name}.in_both": in_both,
            f"{name}.documents": len(alone[name]),
        }
        if len(alone[name]) < FEWEST:
            raise InputError(
                f"the {name} class has {len(alone[name])} documents to learn from, expected {FEWEST} or more: "
                f"{sample.read + held_out:,} were read, {held_out:,} are held out by their corpus, {sample.empty:,} "
                f"had no words, {sample.duplicates:,} were duplicates, {in_both:,} are in both classes"
            )
    return alone, counts


class _Part:
    """The texts of one side, of both classes."""

    def __init__(self, classes: Mapping[str, Examples], side: int, config: TrainingConfig) -> None:
        chosen = []
        for name in CLASSES:
            rows = np.flatnonzero(sides(classes[name].documents, config.heldout, config.seed) == side)
            chosen.append(classes[name].take(rows).pieces(config.cut_words))
        self.side = ("train", "calibrate", "evaluate")[side]
        self.examples = joined(chosen)
        self.labels = np.repeat([True, False], [len(examples) for examples in chosen])

    def margins(self, weights: np.ndarray, bias: float) -> np.ndarray:
        """Return the margin of each text; float64[n]."""
        return margins(self.examples.words, self.examples.offsets, weights, bias)

    def counts(self) -> dict[tuple[str, str], int]:
        """Return the number of texts, pieces where documents were cut, of each class."""
        positive = int(self.labels.sum())
        return {("positive", self.side): positive, ("negative", self.side): self.labels.size - positive}


def _learn(
    learning: _Part, calibrating: _Part, config: TrainingConfig, report: Report
) -> tuple[tuple[np.ndarray, float], tuple[float, ...]]:
    """Return the best (weights, bias) of all epochs, and the log loss after each."""
    learner = Learner(config.buckets, config.rate)
    costs = class_costs(learning.labels)
    texts = learning.examples
    losses: list[float] = []
    for epoch in range(config.epochs):
        report("learning", epoch / config.epochs)
        order = np.random.default_rng([config.seed, epoch]).permutation(len(texts))
        learner.learn(texts.words, texts.offsets, order, learning.labels, costs)
        losses.append(log_loss(calibrating.margins(learner.weights, learner.bias), calibrating.labels))
        if losses[-1] == min(losses):
            best = learner.weights.copy(), learner.bias
    report("learning", 1.0)
    return best, tuple(losses)


def _strongest(vocabulary: Vocabulary, weights: np.ndarray, sign: float, config: TrainingConfig) -> pa.Table:
    """Return the words that speak most for the positive class, then those for the negative one, the strongest last."""
    table = vocabulary.words(config.shown_documents)
    speaks = sign * weights[table.column("bucket").to_numpy()]
    order = np.argsort(-speaks, kind="stable")
    shown = config.shown_words
    rows = order if order.size <= 2 * shown else np.concatenate([order[:shown], order[order.size - shown :]])
    chosen = table.take(pa.array(rows))
    return chosen.set_column(1, "weight", pa.array(speaks[rows], pa.float32()))


def described(trained: Trained) -> dict[str, Any]:
    """Return what a manifest says of a classifier, as plain data."""
    return {
        "bias": trained.bias,
        "calibration": {"slope": trained.slope, "intercept": trained.intercept},
        "metrics": asdict(trained.metrics),
        "epochs": list(trained.epochs),
    }
