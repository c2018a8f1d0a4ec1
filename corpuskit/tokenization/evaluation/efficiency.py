"""How evenly tokens are used: the Rényi efficiency of a token distribution."""

import numpy as np

ALPHA = 2.5
"""The order that agreed best with translation quality in Zouhar et al. (2023)."""


def renyi_entropy(counts: np.ndarray, alpha: float = ALPHA) -> float:
    """Return the Rényi entropy of a token distribution in bits; `alpha` 1 is Shannon's.

    Args:
        counts: int64[vocab_size], how often each token occurs; zeros are left out.
        alpha: the order, above 0.

    Raises:
        ValueError: no token occurs, or `alpha` is not above 0.
    """
    if not alpha > 0:
        raise ValueError(f"the order of a Rényi entropy is above 0, not {alpha}")
    used = counts[counts > 0].astype(np.float64)
    if not used.size:
        raise ValueError("no token occurs, so there is no distribution")
    shares = used / used.sum()
    if alpha == 1:
        return float(-np.sum(shares * np.log2(shares)))
    return float(np.log2(np.sum(shares**alpha)) / (1 - alpha))


def renyi_efficiency(counts: np.ndarray, alpha: float = ALPHA, vocab_size: int | None = None) -> float | None:
    """Return the Rényi entropy over the most that it could be, log2 of the vocabulary's size: 0 to 1.

    Source: Zouhar et al. 2023, "Tokenization and the Noiseless Channel". Their package `tokenization-scorer` divides
    by the number of *distinct tokens that occur*, as is done here without `vocab_size`; values are then equal to its.

    Args:
        counts: int64[vocab_size], how often each token occurs.
        alpha: the order.
        vocab_size: divide by the logarithm of this number instead.

    Returns:
        The efficiency, or None where fewer than two tokens are there to choose from.

    Raises:
        ValueError: `alpha` is not above 0.
    """
    size = int(np.count_nonzero(counts)) if vocab_size is None else vocab_size
    if size < 2 or not counts.any():
        return None
    return renyi_entropy(counts, alpha) / float(np.log2(size))
