"""Intervals and tests over seeds and items, Holm's correction, power.

**Model.** A score `y[s, i]` of seed `s` on item `i` is mu + seed[s] + item[i] + rest[s, i], all three random: other
seeds would give other models, and the test set is a sample of items. The difference of two cells is the same model over
`yA[s, i] - yB[s, i]`, paired by seed and by item. The mean's variance is then

    var(mean) = seed_variance / S + rest_variance / (S n) + item_variance / n

Averaging over seeds leaves the last term alone. It is estimated as `between_seeds / S + item_variance / n`:
`between_seeds` is the sample variance of the S per-seed means, whose expectation is seed_variance + rest_variance / n;
`item_variance` = (MS_items - MS_rest) / S, at least 0, from the two-way analysis of variance (Searle, Casella and
McCulloch, Variance Components, 1992).

**Critical value.** The first term has S - 1 degrees of freedom, the second n - 1. Satterthwaite's formula trusts their
estimated shares too much when S is 2 to 5. Cochran and Cox weigh the two t quantiles by the terms' shares of the
variance (Experimental Designs, 1950), which is up to 2.2 points too safe at S = 3. Here the seeds' share enters
to the power `SHARE_POWER`, chosen by simulation to keep 95 % intervals within 93 to 97 % from three seeds on.

**Coverage** of nominal intervals over all mixes of the three variances (balanced normal model, n = 200, 40,000 draws a
mix; `tests/test_statistics.py` repeats it on simulated items, binary and byte-weighted ones too), lowest to highest:

              95 %             99 %             99.67 %          Satterthwaite, 95 %
    S = 2     93.7 to 97.4     97.9 to 99.7     98.9 to 99.9     87.3 to 95.1
    S = 3     94.9 to 96.8     98.7 to 99.6     99.4 to 99.9     92.1 to 95.1
    S = 5     95.0 to 96.1     99.0 to 99.4     99.6 to 99.9     94.1 to 95.1

It is safest where the items' term is two thirds of the variance. The higher levels are those that Holm's correction
asks for: with two seeds they are passed up to 3.4 times too often, with three up to 1.8 times.

**Weights.** Bits per byte is a ratio: bits of all documents by bytes of all documents. Items then carry weights
(bytes), and the ratio is linearised: item `i` counts as m + n w[i] / sum(w) * (y[s, i] - m), with m the weighted mean
(Cochran, Sampling Techniques, 1977, ch. 6); for n - 1 stands Kish's effective number of items, less 1. In a difference
each score is linearised under its own weights.

**Units.** Items must be independent draws. Excerpts of one document or pairs that mirror each other are not: their mean
is one item, weighted by their number (`pretrain.downstream.by_unit`). Topic classification over excerpts taken for
independent had standard errors 1.4 times too small.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from scipy import optimize, special

MAX_SEEDS = 1000
"""The power estimate looks no further."""
SHARE_POWER = 1.15
"""1 is Cochran and Cox's approximation; see above."""
MIN_TAIL = 1e-200
"""Smaller tails are not told apart."""

Numbers = float | np.ndarray


@dataclass(frozen=True, kw_only=True)
class Spread:
    """A mean over seeds and items, and the variances around it."""

    mean: float
    seeds: int
    """S, the number of seeds."""
    between_seeds: float | None
    """Sample variance of the S per-seed means, the rest's share included; None for one seed."""
    items: int = 0
    """n, the number of items; 0 where no per-item scores are known, and the seeds alone carry the interval."""
    effective_items: float = 0.0
    """Kish's effective number of items, sum(w)^2 / sum(w^2); equal to `items` without weights."""
    item_variance: float = 0.0
    """Variance component of the items, in squared units of the score."""

    @property
    def seed_term(self) -> float | None:
        """The seeds' part of the mean's variance."""
        return None if self.between_seeds is None else self.between_seeds / self.seeds

    @property
    def item_term(self) -> float:
        """The items' part of the mean's variance, which more seeds do not reduce."""
        return self.item_variance / self.items if self.items else 0.0

    @property
    def standard_error(self) -> float | None:
        """Standard error of the mean.

        None where it cannot be estimated: for one seed, and where all seeds score alike and no item variance is known.
        """
        if self.seed_term is None:
            return None
        variance = self.seed_term + self.item_term
        return sqrt(variance) if variance > 0 else None

    @property
    def seed_share(self) -> float | None:
        """The seeds' share of the mean's variance, 0 to 1; None where there is no standard error."""
        if self.seed_term is None or self.standard_error is None:
            return None
        return self.seed_term / (self.seed_term + self.item_term)

    def critical(self, tail: float) -> float:
        """Return how many standard errors leave the probability `tail`, under 0.5, on one side."""
        assert self.seed_share is not None
        return float(_critical(tail, self.seed_share, self.seeds, self.effective_items))


def _critical(tail: float, seed_share: Numbers, seeds: Numbers, items: float) -> Numbers:
    """Weigh the t quantiles of S - 1 and n - 1 degrees of freedom by the shares of the variance, nearly."""
    by_seeds = -special.stdtrit(seeds - 1, tail)
    by_items = -special.stdtrit(max(items - 1, 1), tail)
    weight = seed_share**SHARE_POWER
    return np.asarray(weight * by_seeds + (1 - weight) * by_items)


def spread_of(values: np.ndarray, items: np.ndarray | None = None, weights: np.ndarray | None = None) -> Spread:
    """Estimate the mean and its variances.

    Args:
        values: float[S], the score of each seed; used only where `items` is None.
        items: float[S, n], the score of each seed on each item, or None.
        weights: float[n], the items' weights (bytes), or None for equal ones.

    Raises:
        ValueError: no seed, no item, shapes that do not fit, numbers that are not finite, weights not positive.
    """
    if items is None:
        return _seeds_only(np.asarray(values, np.float64))
    scores = np.asarray(items, np.float64)
    if scores.ndim != 2 or 0 in scores.shape:
        raise ValueError(f"items must be [seeds, items], at least 1 x 1, given shape {scores.shape}")
    if not np.isfinite(scores).all():
        raise ValueError("items hold numbers that are not finite")
    return two_way(*linearise(scores, weights))


def _seeds_only(values: np.ndarray) -> Spread:
    if values.ndim != 1 or len(values) == 0 or not np.isfinite(values).all():
        raise ValueError(f"values must be one finite number for each of one or more seeds, given {values!r}")
    between = _variance(values) if len(values) > 1 else None
    return Spread(mean=float(values.mean()), seeds=len(values), between_seeds=between)


def _variance(values: np.ndarray) -> float:
    """Return the sample variance; 0 where the values differ by rounding only."""
    if np.ptp(values) <= 1e-12 * np.abs(values).max():
        return 0.0
    return float(values.var(ddof=1))


def linearise(items: np.ndarray, weights: np.ndarray | None) -> tuple[np.ndarray, float]:
    """Return items whose plain means are the weighted ones, float64[S, n], and Kish's effective number of items."""
    scores = np.asarray(items, np.float64)
    if weights is None:
        return scores, float(scores.shape[1])
    weights = np.asarray(weights, np.float64)
    if weights.shape != scores.shape[1:]:
        raise ValueError(f"{scores.shape[1]} items, but weights of shape {weights.shape}")
    if not (np.isfinite(weights).all() and (weights > 0).all()):
        raise ValueError("weights must be finite and positive")
    shares = weights / weights.mean()
    mean = (scores * shares).mean()
    return mean + shares * (scores - mean), float(weights.sum() ** 2 / (weights**2).sum())


def two_way(scores: np.ndarray, effective: float) -> Spread:
    """Two-way analysis of variance without replication of float64[S, n], worth `effective` items."""
    seeds, items = scores.shape
    mean = float(scores.mean())
    by_seed, by_item = scores.mean(axis=1), scores.mean(axis=0)
    if seeds == 1:
        return Spread(mean=mean, seeds=1, between_seeds=None, items=items, effective_items=effective)
    between = _variance(by_seed)
    item_variance = 0.0
    if items > 1:
        rest = scores - by_seed[:, None] - by_item[None, :] + mean
        rest_square = float((rest**2).sum()) / ((seeds - 1) * (items - 1))
        item_variance = max(_variance(by_item) - rest_square / seeds, 0.0)
    return Spread(
        mean=mean,
        seeds=seeds,
        between_seeds=between,
        items=items,
        effective_items=effective,
        item_variance=item_variance,
    )


def interval(spread: Spread, confidence: float) -> tuple[float, float] | None:
    """Return the two-sided interval of the mean, or None where the standard error cannot be estimated."""
    if spread.standard_error is None:
        return None
    half = spread.standard_error * spread.critical((1 - confidence) / 2)
    return spread.mean - half, spread.mean + half


def p_value(spread: Spread) -> float:
    """Return the two-sided p value of "the mean is 0": 1 - the confidence at which `interval` just reaches 0.

    1.0 where the standard error cannot be estimated.
    """
    if spread.standard_error is None:
        return 1.0
    errors = abs(spread.mean) / spread.standard_error
    if errors == 0:
        return 1.0
    # The critical value lies between those of its two terms, so the tail lies between theirs (with room for rounding).
    tails = special.stdtr([spread.seeds - 1, max(spread.effective_items - 1, 1)], -errors)
    low, high = max(tails.min() / 1.1, MIN_TAIL), max(min(tails.max() * 1.1, 0.5), 2 * MIN_TAIL)
    if spread.critical(low) <= errors:
        return 2 * float(low)
    return 2 * float(optimize.brentq(lambda tail: spread.critical(tail) - errors, low, high, xtol=MIN_TAIL, rtol=1e-9))


def holm(p_values: Sequence[float]) -> list[float]:
    """Return Holm's adjusted p values (Scandinavian Journal of Statistics 6, 1979), in the order given.

    Rejecting those at or under alpha keeps the chance of any false rejection in the family at alpha, whatever the
    dependence between the tests.
    """
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    adjusted = [0.0] * len(p_values)
    running = 0.0
    for rank, index in enumerate(order):
        running = max(running, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = running
    return adjusted


def seeds_needed(spread: Spread, alpha: float, power: float) -> int | None:
    """Return how many seeds would decide a true mean as large as the measured one with probability `power`.

    The usual approximation: |mean| >= (t(alpha / 2) + t(1 - power)) * standard error, with the variances as estimated
    here, themselves uncertain where seeds are few. None where they cannot be, or `MAX_SEEDS` seeds do not suffice.
    """
    if spread.between_seeds is None or spread.standard_error is None:
        return None
    seeds = np.arange(spread.seeds + 1, MAX_SEEDS + 1)
    seed_term = spread.between_seeds / seeds
    variance = seed_term + spread.item_term
    quantiles = sum(
        _critical(tail, seed_term / variance, seeds, spread.effective_items) for tail in (alpha / 2, 1 - power)
    )
    enough = abs(spread.mean) >= quantiles * np.sqrt(variance)
    return int(seeds[enough.argmax()]) if enough.any() else None


def items_needed(spread: Spread, alpha: float, power: float) -> int | None:
    """Return how many test items would decide the measured mean if seeds were no issue; None if items are not known."""
    if not spread.items or spread.mean == 0 or spread.item_variance == 0:
        return None
    quantiles = special.ndtri(1 - alpha / 2) + special.ndtri(power)
    return int(np.ceil(spread.item_variance * (quantiles / spread.mean) ** 2))
