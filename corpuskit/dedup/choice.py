"""Which copy of each cluster stays, per variant."""

import numpy as np

from corpuskit.dedup.edges import starts_of_runs


def choose(cluster: np.ndarray, order: np.ndarray, keys: np.ndarray) -> np.ndarray:
    """Return the index of the copy that stays for each member of clusters: its own where it stays; int64[m].

    The one with the largest `order` stays, of several the one with the smallest key. Which that is does not depend on
    the order of the members, unless two have the same key.

    Args:
        cluster: uint8[m, 16], the name of each member's cluster.
        order: float64[m], larger is better, such as the length of the text.
        keys: uint8[m, 16], document keys; the smallest, byte by byte, wins a tie.

    Raises:
        ValueError: the arrays differ in length, or `order` has NaN.
    """
    order = np.asarray(order, np.float64)
    if len({len(cluster), len(order), len(keys)}) > 1 or any(names.shape[1:] != (16,) for names in (cluster, keys)):
        shapes = f"{cluster.shape} clusters, {order.shape} places and {keys.shape} keys"
        raise ValueError(f"members have names, places and keys, [m, 16], [m] and [m, 16], not {shapes}")
    if np.isnan(order).any():
        raise ValueError("the order of a member is NaN")
    names = _halves(cluster)
    ranking = np.lexsort((*_halves(keys), -order, *names))
    begins = starts_of_runs([half[ranking] for half in names])
    stays = np.empty(len(order), np.int64)
    stays[ranking] = ranking[begins][np.cumsum(begins) - 1]
    return stays


def _halves(names: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the lower and the upper half of 16 bytes as numbers that sort as the bytes do; uint64[m] each."""
    upper, lower = np.ascontiguousarray(names, np.uint8).view(">u8").T.astype(np.uint64)
    return lower, upper
