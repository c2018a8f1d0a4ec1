"""Classifiers are learnt, calibrated and measured as their definitions say."""

import itertools
import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from corpuskit.errors import InputError
from corpuskit.kernels import Texts
from corpuskit.signals.classifier import TrainingConfig
from corpuskit.signals.classifier.calibration import auc, class_costs, evaluate, log_loss, platt, sigmoid
from corpuskit.signals.classifier.training import Collected, train


def wrap(texts: list[str]) -> Texts:
    return Texts.from_arrow(pa.array(texts, pa.large_string()))


def slow_auc(scores: list[float], labels: list[bool], weights: list[float]) -> float:
    rows = list(zip(scores, labels, weights, strict=True))
    pairs = [(left, right, v * w) for left, positive, v in rows if positive for right, other, w in rows if not other]
    won = sum(weight * ((left > right) + 0.5 * (left == right)) for left, right, weight in pairs)
    return won / sum(weight for *_, weight in pairs)


# calibration


SCORED = st.lists(st.tuples(st.integers(-3, 3), st.booleans(), st.integers(0, 3)), min_size=2, max_size=30).filter(
    lambda rows: {label for _, label, weight in rows if weight} == {True, False}
)


@settings(deadline=None)
@given(SCORED)
def test_auc_is_the_share_of_pairs_in_the_right_order(rows):
    scores, labels, weights = map(list, zip(*rows, strict=True))
    found = auc(np.array(scores, float), np.array(labels), np.array(weights, float))
    assert found == pytest.approx(slow_auc(scores, labels, weights))


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(-3, 3), st.booleans()), min_size=4, max_size=40))
def test_platt_finds_the_least_loss(rows):
    scores = np.array([score for score, _ in rows])
    labels = np.array([label for _, label in rows])
    if labels.all() or not labels.any() or np.ptp(scores) < 0.1:
        return
    positive, negative = int(labels.sum()), int((~labels).sum())

    def loss(slope: float, intercept: float) -> float:
        total = 0.0
        for score, label in zip(scores, labels, strict=True):
            target = (positive + 1) / (positive + 2) if label else 1 / (negative + 2)
            chance = 1 / (1 + math.exp(-slope * score - intercept))
            weight = 1 / positive if label else 1 / negative
            total -= weight * (target * math.log(chance) + (1 - target) * math.log(1 - chance))
        return total

    slope, intercept = platt(scores, labels)
    least = loss(slope, intercept)
    for up, right in itertools.product((-0.01, 0, 0.01), repeat=2):
        assert loss(slope + up, intercept + right) >= least - 1e-9


def test_platt_undoes_a_known_scale():
    generator = np.random.default_rng(5)
    scores = generator.normal(size=200_000)
    labels = generator.random(scores.size) < 1 / (1 + np.exp(-(2 * scores - 0.5)))
    kept = labels | (generator.random(scores.size) < labels.sum() / (~labels).sum())  # classes of like size …
    slope, _ = platt(scores[kept], labels[kept])
    assert slope == pytest.approx(2, abs=0.05)  # … which moves the intercept alone


def test_platt_of_classes_that_do_not_overlap_is_finite():
    scores, labels = np.array([-2.0, -1, 1, 2]), np.array([False, False, True, True])
    slope, intercept = platt(scores, labels)
    chances = sigmoid(slope * scores + intercept)
    assert 0 < slope < 100
    assert intercept == pytest.approx(0, abs=1e-6)
    assert ((chances > 0) & (chances < 1)).all()


def test_metrics_of_a_table_worked_out_by_hand():
    chances = np.array([0.9, 0.6, 0.4, 0.1, 0.5])
    labels = np.array([True, True, True, False, False])
    found = evaluate(chances, labels, np.arange(5, dtype=np.uint64))
    assert (found.true_positive, found.false_negative, found.false_positive, found.true_negative) == (2, 1, 1, 1)
    assert found.auc == pytest.approx(5 / 6)
    assert found.brier == pytest.approx(((0.01 + 0.16 + 0.36) / 3 + (0.01 + 0.25) / 2) / 2)
    assert found.log_loss == pytest.approx(
        -((math.log(0.9) + math.log(0.6) + math.log(0.4)) / 3 + (math.log(0.9) + math.log(0.5)) / 2) / 2
    )
    # each positive weighs 1/6, each negative 1/4; every text has a bin of its own
    assert found.calibration_error == pytest.approx((0.1 + 0.4 + 0.6) / 6 + (0.1 + 0.5) / 4)
    assert found.auc_low <= found.auc <= found.auc_high
    assert (found.positive, found.negative, found.documents) == (3, 2, 5)


def test_texts_of_one_document_do_not_narrow_the_interval():
    generator = np.random.default_rng(0)
    labels = np.repeat([True, False], 20)
    scores = np.where(labels, 0.6, 0.4) + generator.normal(0, 0.3, 40)
    chances = np.clip(scores, 0, 1)
    once = evaluate(chances, labels, np.arange(40, dtype=np.uint64))
    often = evaluate(np.repeat(chances, 50), np.repeat(labels, 50), np.repeat(np.arange(40, dtype=np.uint64), 50))
    assert often.auc == pytest.approx(once.auc)
    assert (often.auc_low, often.auc_high) == pytest.approx((once.auc_low, once.auc_high))


@settings(deadline=None)
@given(st.lists(st.floats(-800, 800), min_size=1, max_size=10))
def test_sigmoid_and_log_loss_stay_finite(values):
    scores = np.array([*values, 0.0])
    chances = sigmoid(scores)
    assert ((chances >= 0) & (chances <= 1)).all()
    assert chances[-1] == pytest.approx(0.5)
    assert math.isfinite(log_loss(scores, np.arange(scores.size) == 0))


def test_classes_count_alike():
    costs = class_costs(np.array([True, False, False, False]))
    assert costs.tolist() == pytest.approx([2, 2 / 3, 2 / 3, 2 / 3])
    with pytest.raises(ValueError, match="both classes"):
        class_costs(np.array([True, True]))


# training


def made(count: int, words: str, seed: int, length: int = 40) -> list[str]:
    """Texts of random words, half of them from `words`, half shared."""
    generator = np.random.default_rng(seed)
    vocabulary = [*words.split(), *["and", "so", "it", "is", "that", "we", "all", "go", "on", "with", "this"]]
    return [" ".join(generator.choice(vocabulary, length)) for _ in range(count)]


GOOD, BAD = made(200, "river mountain garden window", 1), made(120, "buy cheap click offer", 2)
SMALL = TrainingConfig(buckets=2**12, shown_documents=2)


def collected(positive: list[str], negative: list[str], config: TrainingConfig = SMALL, step: int = 50) -> Collected:
    found = Collected(config)
    for name, texts in (("positive", positive), ("negative", negative)):
        for start in range(0, len(texts), step):
            found.add(name, wrap(texts[start : start + step]))
    return found


def quiet(stage: str, share: float) -> None:
    assert 0 <= share <= 1


def test_training_tells_two_kinds_of_text_apart():
    stages: dict[str, list[float]] = {}
    trained = train(collected(GOOD, BAD), SMALL, lambda stage, share: stages.setdefault(stage, []).append(share))
    assert trained.metrics.auc > 0.99
    assert trained.metrics.calibration_error < 0.1
    assert trained.counts["positive.documents"] == 200
    assert sum(trained.counts[f"negative.{side}"] for side in ("train", "calibrate", "evaluate")) == 120
    words = trained.words.column("word").to_pylist()
    assert set(words[:4]) == {"river", "mountain", "garden", "window"}
    assert set(words[-4:]) == {"buy", "cheap", "click", "offer"}
    assert stages["learning"] == sorted(stages["learning"])
    assert len(trained.epochs) == SMALL.epochs


def test_training_gives_the_same_bytes_whatever_the_order_of_documents():
    first = train(collected(GOOD, BAD), SMALL, quiet)
    again = train(collected(GOOD[::-1], BAD[::-1], step=7), SMALL, quiet)
    assert first.weights.tobytes() == again.weights.tobytes()
    assert (first.bias, first.slope, first.intercept) == (again.bias, again.slope, again.intercept)
    assert first.metrics == again.metrics
    other = train(collected(GOOD, BAD), SMALL.model_copy(update={"seed": 1}), quiet)
    assert first.weights.tobytes() != other.weights.tobytes()


def test_classes_that_do_not_differ_give_an_auc_of_a_half():
    trained = train(collected(made(400, "", 3), made(400, "", 4)), SMALL.model_copy(update={"heldout": 0.5}), quiet)
    assert trained.metrics.auc_low < 0.5 < trained.metrics.auc_high
    assert trained.metrics.brier == pytest.approx(0.25, abs=0.03)


def test_texts_of_both_classes_are_learnt_from_in_neither():
    trained = train(collected([*GOOD, *BAD[:20]], BAD), SMALL, quiet)
    assert trained.counts["positive.in_both"] == trained.counts["negative.in_both"] == 20
    assert trained.counts["positive.documents"] == 200
    clean = train(collected(GOOD, BAD[20:]), SMALL, quiet)
    assert clean.weights.tobytes() == trained.weights.tobytes()


def test_pieces_of_a_document_stay_on_one_side():
    config = SMALL.model_copy(update={"cut_words": 10})
    trained = train(collected(GOOD, [" ".join(BAD[start::12]) for start in range(12)], config), config, quiet)
    assert trained.counts["negative.documents"] == 12
    assert trained.counts["negative.evaluate"] == 40  # one document of ten texts of 40 words
    assert trained.metrics.documents == 20 + 1
    assert trained.metrics.auc > 0.99


@pytest.mark.parametrize(
    ("positive", "negative", "message"),
    [
        (GOOD, [], "negative class has 0 documents"),
        (GOOD[:9], BAD, "positive class has 9 documents"),
        (GOOD, ["same"] * 50, "49 were duplicates"),
        (GOOD, GOOD, "200 are in both classes"),
        (GOOD, ["..."] * 50, "50 had no words"),
    ],
)
def test_a_class_with_too_few_documents_is_said(positive, negative, message):
    with pytest.raises(InputError, match=message):
        train(collected(positive, negative), SMALL, quiet)


@pytest.mark.parametrize("buckets", [1000, 2**9, 2**29, 0, -4])
def test_buckets_are_a_power_of_two(buckets):
    with pytest.raises(ValidationError, match="buckets"):
        TrainingConfig(buckets=buckets)
