"""Scores of items as scores of independent units."""

import numpy as np


def by_unit(items: np.ndarray, units: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean score of each unit and its number of items: what statistics take for items and their weights.

    Items of one unit (excerpts of a document, pairs that mirror each other) are no independent draws, so an interval
    over them would be too narrow or too wide. The weighted mean over units is the plain mean over items, exactly; its
    interval is that of a cluster sample (Cochran, Sampling Techniques, 1977, ch. 9A; Miller 2024, arXiv:2411.00640).

    Args:
        items: float32[n], one score an item.
        units: int64[n], the unit of each item.

    Returns:
        float32[u] means and float64[u] sizes, in rising order of the units' numbers.
    """
    _, place = np.unique(units, return_inverse=True)
    sizes = np.bincount(place).astype(np.float64)
    sums = np.bincount(place, weights=items.astype(np.float64))
    return (sums / sizes).astype(np.float32), sizes
