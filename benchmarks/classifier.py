"""A linear n-gram classifier: training and scoring, beside the same rule in plain Python."""

import itertools
import re
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import pyarrow as pa

from benchmarks.data import corpora, size_of
from benchmarks.row import Row, best, megabytes
from corpuskit.kernels import Texts
from corpuskit.signals.classifier import TrainingConfig
from corpuskit.signals.classifier.model import Classifier
from corpuskit.signals.classifier.training import Collected, Trained, train

TITLE = "a linear classifier of words and pairs of words, one core, text in memory"
BYTES = 32_000_000
PEER_BYTES = 2_000_000
CONFIG = TrainingConfig(cut_words=230)
WORD = re.compile(r"[\u4e00-\u9fff]|[^\W_]+")


def measure() -> Iterator[Row]:
    """Yield training on reviews against novels, then scoring."""
    found = corpora("imdb_unsup", "eltec_eng")
    positive, negative = found[0].texts(BYTES), found[-1].texts(BYTES)
    if len(found) == 1:  # one corpus alone: its halves
        positive, negative = positive.slice(0, len(positive) // 2), negative.slice(len(negative) // 2)
    _train(positive.slice(0, 20), negative.slice(len(negative) - 20))  # compile
    taken = best(partial(_train, positive, negative))
    metrics = taken.result.metrics
    yield Row(
        task=f"training, {CONFIG.epochs} epochs",
        text=" against ".join(dict.fromkeys(corpus.name for corpus in found)),
        rate=megabytes(size_of(positive) + size_of(negative), taken.seconds),
        memory=taken.memory,
        note=f"Held-out AUC of the trained classifier: {metrics.auc:.4f} ({metrics.auc_low:.4f} to "
        f"{metrics.auc_high:.4f}, 95 % over documents), calibration error {metrics.calibration_error:.4f}.",
    )
    yield from _scoring(taken.result)


def _train(positive: pa.LargeStringArray, negative: pa.LargeStringArray) -> Trained:
    collected = Collected(CONFIG)
    collected.add("positive", Texts.from_arrow(positive))
    collected.add("negative", Texts.from_arrow(negative))
    return train(collected, CONFIG, lambda stage, share: None)


def _scoring(trained: Trained) -> Iterator[Row]:
    model = Classifier(trained.weights, trained.bias, trained.slope, trained.intercept)
    peer = _plain(trained.weights, trained.bias)
    for corpus in corpora("imdb_unsup", "eltec_eng", "zh_modern"):
        texts, sample = corpus.texts(BYTES), corpus.texts(PEER_BYTES)
        ours = best(lambda texts=texts: model.log_odds(Texts.from_arrow(texts)))
        theirs = best(lambda sample=sample: [peer(text) for text in sample.to_pylist()])
        yield Row(
            task="scoring",
            text=corpus.name,
            rate=megabytes(size_of(texts), ours.seconds),
            memory=ours.memory,
            peer="plain Python",
            peer_rate=megabytes(size_of(sample), theirs.seconds),
            peer_memory=theirs.memory,
        )


def _plain(weights: np.ndarray, bias: float) -> Callable[[str], float]:
    """Return a function that scores a text as a dictionary of weights would, with Python's own hashes."""
    values, mask = weights.tolist(), weights.size - 1

    def score(text: str) -> float:
        words = WORD.findall(text)
        features = [hash(word) & mask for word in words]
        features += [hash(pair) & mask for pair in itertools.pairwise(words)]
        return bias + sum(values[feature] for feature in features) / max(len(features), 1)

    return score
