"""How many bands of how many rows find the pairs above a threshold of similarity."""

import functools

import numpy as np
import numpy.typing as npt


def collision_probability(similarity: npt.ArrayLike, bands: npt.ArrayLike, rows: npt.ArrayLike) -> np.ndarray:
    """Return the probability that two signatures share a band, 1 - (1 - similarity^rows)^bands; float64, broadcast.

    Source: Leskovec, Rajaraman, Ullman, Mining of Massive Datasets, 3.4.2, http://www.mmds.org/.

    Args:
        similarity: Jaccard similarity of the two sets, 0 to 1.
        bands: number of bands.
        rows: places of the signature per band.
    """
    return 1.0 - (1.0 - np.asarray(similarity, np.float64) ** np.asarray(rows)) ** np.asarray(bands)


@functools.cache
def optimal_bands(
    threshold: float, num_perm: int, *, false_positive_weight: float = 0.5, false_negative_weight: float = 0.5
) -> tuple[int, int]:
    """Return (bands, rows) with bands * rows <= num_perm that err least about which pairs reach the threshold.

    The error is the weighted sum of two areas: under the collision probability below the threshold (pairs that should
    not be found) and above that curve from the threshold to 1 (pairs that should be). Similarities count as spread
    evenly over 0 to 1. The fewest bands, then the fewest rows win a tie. Source: the same search in datasketch,
    `datasketch.lsh.MinHashLSH`, whose answers these are.

    Args:
        threshold: Jaccard similarity, above 0 and at most 1.
        num_perm: length of the signature, at least 1.
        false_positive_weight: weight of the first area, 0 or more.
        false_negative_weight: weight of the second, 0 or more.

    Raises:
        ValueError: an argument is out of range, or both weights are 0.
    """
    _check(threshold, num_perm, false_positive_weight, false_negative_weight)
    bands, rows = _shapes(num_perm)
    false_positives = _area(0.0, threshold, bands, rows)
    false_negatives = (1.0 - threshold) - _area(threshold, 1.0, bands, rows)
    best = np.argmin(false_positive_weight * false_positives + false_negative_weight * false_negatives)
    return int(bands[best]), int(rows[best])


def _check(threshold: float, num_perm: int, *weights: float) -> None:
    if not 0 < threshold <= 1:
        raise ValueError(f"a threshold of similarity lies above 0 and is at most 1, not {threshold}")
    if num_perm < 1:
        raise ValueError(f"a signature has at least 1 permutation, not {num_perm}")
    if not (min(weights) >= 0 and max(weights) > 0):
        raise ValueError(f"weights must be 0 or more, one of them more than 0, not {weights}")


def _shapes(num_perm: int) -> tuple[np.ndarray, np.ndarray]:
    """Return all (bands, rows) of at most num_perm places, by bands, then rows; int64[k] each."""
    most_rows = num_perm // np.arange(1, num_perm + 1)
    bands = np.repeat(np.arange(1, num_perm + 1), most_rows)
    rows = np.arange(bands.size) - np.repeat(np.cumsum(most_rows) - most_rows, most_rows) + 1
    return bands, rows


def _area(start: float, stop: float, bands: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Integrate the collision probability over similarity for each (bands, rows); float64[k].

    It is a polynomial of degree bands * rows: Gauss's rule is exact with half as many points.
    """
    nodes, weights = np.polynomial.legendre.leggauss(int((bands * rows).max()) // 2 + 1)
    half = (stop - start) / 2
    similarities = start + half * (nodes + 1)
    return half * (collision_probability(similarities, bands[:, None], rows[:, None]) @ weights)
