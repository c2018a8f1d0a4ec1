"""Which copy of each cluster stays, per variant."""

from dataclasses import dataclass

import numpy as np

from corpuskit.dedup.edges import starts_of_runs

NOT_DROPPED, DUPLICATE, NEAR_HELDOUT = 0, 1, 2
REASONS = ("", "duplicate", "near_heldout")
"""Names of the reason codes, as verdicts hold them."""


@dataclass(frozen=True, eq=False)
class Choice:
    """The fate of m members of clusters; a member that neither stays nor has a reason here failed the policy."""

    keep: np.ndarray
    """Whether the member stays; bool[m]."""
    duplicate_of: np.ndarray
    """For members dropped here, the index of the member that stands for the cluster, else -1; int64[m]."""
    reason: np.ndarray
    """Why a passing member is dropped: an index into `REASONS`; uint8[m]."""


def choose(
    cluster: np.ndarray,
    passes: np.ndarray,
    heldout: np.ndarray,
    order: np.ndarray,
    keys: np.ndarray,
    *,
    deduplicate: bool = True,
) -> Choice:
    """Choose which copy of each cluster stays in a variant; independent of the order of the members.

    One member stands for its cluster: a held-out one if there is any, then a passing one if there is any among those,
    then the one with the largest `order`, then the one with the smallest key. Among held-out members of which none
    passes only the key decides. Then, of the members that pass the policy,

    * training members of a cluster with a held-out member are dropped as `near_heldout`, whether or not a held-out
      member passes, and even where the variant does not deduplicate;
    * other members that do not stand for the cluster are dropped as `duplicate`, if the variant deduplicates;
    * the rest is kept.

    Args:
        cluster: int64[m], the cluster of each member, any numbering.
        passes: bool[m], whether the member passes the variant's policy.
        heldout: bool[m], whether the document is held out.
        order: int64[m] or float64[m], larger is better, such as the length of the text.
        keys: uint8[m, 16], document keys; the smallest, byte by byte, wins a tie.
        deduplicate: False for a variant that keeps duplicates.

    Raises:
        ValueError: the arrays differ in length, or `order` has NaN.
    """
    cluster, order = np.asarray(cluster), np.asarray(order)
    passes, heldout = np.asarray(passes, bool), np.asarray(heldout, bool)
    _check(cluster, passes, heldout, order, keys)
    head = _heads(cluster, passes, heldout, order, keys)
    near_heldout = passes & ~heldout & heldout[head]
    duplicate = passes & ~near_heldout & (head != np.arange(len(head))) & deduplicate
    dropped = near_heldout | duplicate
    reason = np.where(near_heldout, NEAR_HELDOUT, np.where(duplicate, DUPLICATE, NOT_DROPPED)).astype(np.uint8)
    return Choice(passes & ~dropped, np.where(dropped, head, -1), reason)


def _heads(
    cluster: np.ndarray, passes: np.ndarray, heldout: np.ndarray, order: np.ndarray, keys: np.ndarray
) -> np.ndarray:
    """Return the index of the member that stands for each member's cluster; int64[m]."""
    if not len(cluster):
        return np.empty(0, np.int64)
    upper, lower = np.ascontiguousarray(keys, np.uint8).view(">u8").T
    worst_first = np.unique(order, return_inverse=True)[1]  # ranks: the negative of any dtype's order would overflow
    preference = np.where(passes, -worst_first, 0)
    ranking = np.lexsort((lower, upper, preference, ~passes, ~heldout, cluster))
    begins = starts_of_runs([cluster[ranking]])
    head = np.empty(len(cluster), np.int64)
    head[ranking] = ranking[begins][np.cumsum(begins) - 1]
    return head


def _check(cluster: np.ndarray, passes: np.ndarray, heldout: np.ndarray, order: np.ndarray, keys: np.ndarray) -> None:
    lengths = {len(cluster), len(passes), len(heldout), len(order), len(keys)}
    if len(lengths) > 1 or keys.ndim != 2 or keys.shape[1] != 16:
        raise ValueError(f"members differ in number: {sorted(lengths)}, or keys of shape {keys.shape} are not [m, 16]")
    if order.dtype.kind == "f" and np.isnan(order).any():
        raise ValueError("the order of a member is NaN")
