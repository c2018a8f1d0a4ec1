"""What a sample says of the whole: estimates with 95 % intervals, and bounds where it is biased.

A sample takes each document with probability p, by a hash of its key. Sums over documents are estimated by their ratio
to something whose sum over the whole is known, such as bytes of text; the variance is the linearised one (Cochran,
Sampling Techniques, 1977, 6.3 and 2.6), the interval of a share Wilson's with the sample size that gives that variance
(Dean and Pagano, J. Surv. Stat. Methodol. 2015, `Wilson`).

Copies are another matter: a pair is in the sample with probability p * p. Of a cluster with m members, m - 1 are copies
and m p - (1 - (1 - p)^m) of them are expected to be seen: p times (m - 1) p for pairs, nearly (m - 1) p for large ones.
The copies of the whole are therefore at least those of the sample / p. They are at most the first copy of each cluster
/ p^2 and all others / p: for a pair that is what there is, for each larger cluster more, since at least two of its
members are seen with probability P >= (m - 1) p^2 (1 - p)^(m - 2).
"""

from dataclasses import dataclass
from math import sqrt

import numpy as np

Z = 1.959964
"""Quantile of the normal distribution for 95 %."""
FEW = 100
"""Documents of one kind under which their variance is not taken from them alone."""
OVERDISPERSION = 1.4
"""The most that the variance of the copies seen of one cluster is over their mean: where about two members are seen."""


@dataclass(frozen=True)
class Estimate:
    """A number of the whole, and the interval that holds it in 95 of 100 samples."""

    value: float | None
    """None where the sample gives bounds only."""
    low: float
    high: float


def exact(value: float) -> Estimate:
    """Return a number that is known."""
    return Estimate(value, value, value)


def wilson(share: float, size: float) -> tuple[float, float]:
    """Return the 95 % interval of a share that was seen in a sample of `size`."""
    middle = share + Z * Z / (2 * size)
    half = Z * sqrt(share * (1 - share) / size + Z * Z / (4 * size * size))
    scale = 1 + Z * Z / size
    return min(max((middle - half) / scale, 0.0), share), max(min((middle + half) / scale, 1.0), share)


def total(values: np.ndarray, known: np.ndarray, whole: float, p: float) -> Estimate:
    """Estimate the sum of `values` over the whole.

    Args:
        values: of each document of the sample, at least 0; float64[n].
        known: of each document of the sample, at least 0, what `whole` is the sum of; float64[n].
        whole: the sum of `known` over the whole.
        p: share of the documents that the sample takes, under 1.
    """
    base = float(known.sum())
    if not base:
        return Estimate(None, 0.0, whole)
    ratio = float(values.sum()) / base
    errors = values - ratio * known
    variance = (1 - p) * float((errors**2).sum()) / base**2 * len(values) / max(len(values) - 1, 1)
    if (values > known).any():
        half = Z * sqrt(variance)
        return Estimate(ratio * whole, max(ratio - half, 0.0) * whole, (ratio + half) * whole)
    low, high = wilson(ratio, _effective_size(ratio, variance, values, known, p))
    return Estimate(ratio * whole, low * whole, high * whole)


def _effective_size(ratio: float, variance: float, values: np.ndarray, known: np.ndarray, p: float) -> float:
    """Return the size of a simple random sample that knows a share as well as this sample does.

    Few documents that differ from the rest say little about how such documents vary. It is then at most Kish's size,
    that of weights which have nothing to do with the share.
    """
    kish = float(known.sum()) ** 2 / float((known**2).sum()) / (1 - p)
    if not variance:
        return kish
    size = ratio * (1 - ratio) / variance
    fewest = min(np.count_nonzero(values), np.count_nonzero(values < known))
    return min(size, kish) if fewest < FEW else size


def copies(clusters: np.ndarray, weights: np.ndarray, typical: float, p: float) -> Estimate:
    """Return bounds for the sum over all copies of the whole, which a sample sees too few of.

    Args:
        clusters: cluster of each copy in the sample; int64[m].
        weights: of each copy, 1 or its bytes; those of a cluster are taken to be about equal; float64[m].
        typical: `size_biased` weight of all documents, for a sample with few copies.
        p: share of the documents that the sample takes.
    """
    own = size_biased(weights)
    unit = own if len(weights) >= FEW else max(own, typical)
    _, places, counts = np.unique(clusters, return_inverse=True, return_counts=True)
    first = float((weights / counts[places]).sum())
    others = float(weights.sum()) - first
    low, _ = _poisson(float(weights.sum()), OVERDISPERSION * unit)
    _, pairs = _poisson(first, unit)
    _, larger = _poisson(others, OVERDISPERSION * unit) if counts.max(initial=0) > 1 else (0.0, 0.0)
    return Estimate(None, low / p, pairs / p**2 + larger / p)


def size_biased(weights: np.ndarray) -> float:
    """Return the mean weight that a unit of the sum comes from: the sum of squares over the sum; 0 for nothing."""
    whole = float(weights.sum())
    return float((weights**2).sum()) / whole if whole else 0.0


def _poisson(seen: float, unit: float) -> tuple[float, float]:
    """Return the 95 % interval of a sum of independent events of one size, of which so much was seen."""
    events = seen / unit if unit else 0.0
    half = Z * sqrt(events + Z * Z / 4)
    return max(events + Z * Z / 2 - half, 0.0) * unit, (events + Z * Z / 2 + half) * unit


def less(whole: Estimate, lost: Estimate) -> Estimate:
    """Return bounds for what is left of something estimated once something bounded is gone."""
    return Estimate(None, max(whole.low - lost.high, 0.0), max(whole.high - lost.low, 0.0))
