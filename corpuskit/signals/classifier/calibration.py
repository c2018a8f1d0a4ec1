"""From margins to probabilities, and how good these are.

Both classes count the same, however many texts each has: a probability of 0.5 says that a text is as likely among the
positive texts as among the negative ones.
"""

from dataclasses import dataclass

import numpy as np

BINS = 10
RESAMPLES = 200
ITERATIONS = 100
RIDGE = 1e-12
"""Added to the diagonal of the Hessian, as in algorithm 1 of Lin, Lin and Weng."""


@dataclass(frozen=True, kw_only=True)
class Metrics:
    """How good probabilities are on texts that were neither learnt from nor calibrated on; both classes count alike."""

    positive: int
    """Positive texts."""
    negative: int
    documents: int
    """Documents that they are pieces of."""
    auc: float
    """The probability that a positive text has a larger probability than a negative one; ties count half."""
    auc_low: float
    """The 95 % interval of `auc`: percentiles over resampled documents."""
    auc_high: float
    brier: float
    """Mean squared difference of probability and truth: 0.25 for a constant 0.5."""
    log_loss: float
    """Mean of -ln(probability of the truth): 0.693 for a constant 0.5."""
    calibration_error: float
    """Expected calibration error: the mean over 10 bins of equal width of |mean probability - share of positives|."""
    true_positive: int
    """Positive texts with a probability of 0.5 or more."""
    false_positive: int
    true_negative: int
    false_negative: int


def class_costs(labels: np.ndarray) -> np.ndarray:
    """Return what each text counts, float64[n], so that both classes of bool[n] count n / 2 each.

    Raises:
        ValueError: a class has no texts.
    """
    positive = int(labels.sum())
    if not 0 < positive < labels.size:
        raise ValueError(f"of {labels.size} texts {positive} are positive; both classes are needed")
    return np.where(labels, labels.size / (2 * positive), labels.size / (2 * (labels.size - positive)))


def sigmoid(margins: np.ndarray) -> np.ndarray:
    """Return 1 / (1 + exp(-margin)); float64[n], NaN where the margin is. Small values keep all their digits."""
    with np.errstate(invalid="ignore"):
        return np.exp(-np.logaddexp(0, -margins))


def log_loss(margins: np.ndarray, labels: np.ndarray) -> float:
    """Return the mean logistic loss of margins float64[n] against bool[n], both classes counting the same."""
    losses = np.logaddexp(0, np.where(labels, -margins, margins))
    return float(np.average(losses, weights=class_costs(labels)))


def platt(margins: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """Return (slope, intercept), with which sigmoid(slope * margin + intercept) is a probability.

    The maximum likelihood by Newton's method, with Platt's targets, which are finite where the classes do not overlap.
    Source: Platt 1999, "Probabilistic outputs for support vector machines"; Lin, Lin and Weng 2007, algorithm 1.

    Args:
        margins: float64[n].
        labels: bool[n], with both classes.
    """
    costs = class_costs(labels)
    positive = int(labels.sum())
    targets = np.where(labels, (positive + 1) / (positive + 2), 1 / (labels.size - positive + 2))
    slope = intercept = 0.0
    for _ in range(ITERATIONS):
        step = _newton(margins, sigmoid(slope * margins + intercept), targets, costs)
        length = _length(step, (slope, intercept), margins, targets, costs)
        slope, intercept = slope - length * step[0], intercept - length * step[1]
        if length * max(map(abs, step)) <= 1e-10 * (1 + abs(slope) + abs(intercept)):
            break
    return slope, intercept


def _newton(margins: np.ndarray, chances: np.ndarray, targets: np.ndarray, costs: np.ndarray) -> tuple[float, float]:
    """Return the step of (slope, intercept): the inverse of the 2 x 2 Hessian times the gradient.

    Sums are numpy's, not those of a BLAS, whose order depends on its threads.
    """
    errors, curvature = costs * (chances - targets), costs * chances * (1 - chances)
    gradient = float(np.sum(errors * margins)), float(np.sum(errors))
    a, b, c = (float(np.sum(curvature * margins**power)) for power in (2, 1, 0))
    a, c = a + RIDGE, c + RIDGE
    determinant = a * c - b * b
    return (c * gradient[0] - b * gradient[1]) / determinant, (a * gradient[1] - b * gradient[0]) / determinant


def _length(
    step: tuple[float, float],
    found: tuple[float, float],
    margins: np.ndarray,
    targets: np.ndarray,
    costs: np.ndarray,
) -> float:
    """Return how much of a step to take: all of it, halved until the loss does not rise, or nothing."""

    def loss(length: float) -> float:
        scores = (found[0] - length * step[0]) * margins + found[1] - length * step[1]
        return float(np.sum(costs * (np.logaddexp(0, scores) - targets * scores)))

    before = loss(0.0)
    lengths = (0.5**halvings for halvings in range(ITERATIONS))
    return next((length for length in lengths if loss(length) <= before), 0.0)


def evaluate(probabilities: np.ndarray, labels: np.ndarray, documents: np.ndarray, seed: int = 0) -> Metrics:
    """Measure probabilities.

    Args:
        probabilities: float64[n].
        labels: bool[n], with both classes.
        documents: uint64[n], which document each text is from; a document has one label.
        seed: of the resamples.
    """
    costs = class_costs(labels)
    chances = np.clip(probabilities, 1e-15, 1 - 1e-15)
    low, high = _auc_interval(probabilities, labels, documents, seed)
    said = probabilities >= 0.5
    return Metrics(
        positive=int(labels.sum()),
        negative=int((~labels).sum()),
        documents=int(np.unique(documents).size),
        auc=auc(probabilities, labels),
        auc_low=low,
        auc_high=high,
        brier=float(np.average((probabilities - labels) ** 2, weights=costs)),
        log_loss=float(np.average(-np.log(np.where(labels, chances, 1 - chances)), weights=costs)),
        calibration_error=_calibration_error(probabilities, labels, costs),
        true_positive=int((said & labels).sum()),
        false_positive=int((said & ~labels).sum()),
        true_negative=int((~said & ~labels).sum()),
        false_negative=int((~said & labels).sum()),
    )


def auc(scores: np.ndarray, labels: np.ndarray, weights: np.ndarray | None = None) -> float:
    """Return the area under the ROC curve of scores float64[n] against bool[n], ties counting half; weights float64[n].

    Source: the statistic of Mann and Whitney, as in Hanley and McNeil 1982.
    """
    _, places = np.unique(scores, return_inverse=True)
    return _auc_of(places, labels, np.ones(labels.size) if weights is None else weights)


def _auc_of(places: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> float:
    """Return the AUC by the rank of each score among the distinct scores; int64[n]."""
    size = int(places.max()) + 1
    positive = np.bincount(places, weights * labels, size)
    negative = np.bincount(places, weights * ~labels, size)
    below = np.cumsum(negative) - negative / 2
    return float(np.sum(positive * below) / (positive.sum() * negative.sum()))


def _auc_interval(scores: np.ndarray, labels: np.ndarray, documents: np.ndarray, seed: int) -> tuple[float, float]:
    """Return the 95 % percentile interval of the AUC over documents, resampled in each class."""
    _, places = np.unique(scores, return_inverse=True)
    _, first, owner = np.unique(documents, return_index=True, return_inverse=True)
    positive = labels[first]
    generator = np.random.default_rng(seed)
    found = []
    for _ in range(RESAMPLES):
        weights = np.empty(first.size)
        for rows in (np.flatnonzero(positive), np.flatnonzero(~positive)):
            weights[rows] = np.bincount(generator.integers(0, rows.size, rows.size), minlength=rows.size)
        found.append(_auc_of(places, labels, weights[owner]))
    low, high = np.quantile(found, [0.025, 0.975])
    return float(low), float(high)


def _calibration_error(probabilities: np.ndarray, labels: np.ndarray, costs: np.ndarray) -> float:
    bins = np.minimum((probabilities * BINS).astype(np.int64), BINS - 1)
    gaps = np.bincount(bins, costs * (probabilities - labels), BINS)
    return float(np.abs(gaps).sum() / costs.sum())
