"""Splitting a cluster that chains of near-duplicates made too big."""

import numpy as np

from corpuskit.kernels import fixed, inlined, kernel

STRIDE = 16
"""Places of two signatures that are compared before the count is looked at: a vector or a few."""


@inlined
def _reaches(leaders, place, signatures, member, needed):  # type: ignore[no-untyped-def]
    """Return whether two signatures, rows of uint32[m, p], are equal in `needed` places or more."""
    width = signatures.shape[1]
    spare = width - needed
    whole = width - width % STRIDE
    for first in range(0, whole, STRIDE):
        different = np.uint32(0)
        for column in range(STRIDE):
            left, right = leaders[place, first + column], signatures[member, first + column]
            different = np.uint32(different + np.uint32(left != right))
        spare -= np.int64(different)
        if spare < 0:
            return False
    for column in range(whole, width):
        spare -= leaders[place, column] != signatures[member, column]
    return spare >= 0


@kernel
def _lead(signatures: np.ndarray, order: np.ndarray, needed: np.int64, leader: np.ndarray) -> None:
    """Fill leader int64[m]. The signatures of leaders lie side by side: most of the time goes into reading them."""
    leaders = np.empty_like(signatures)
    names = np.empty(order.size, np.int64)
    size = 0
    for member in order:
        leader[member] = member
        for place in range(size):
            if _reaches(leaders, place, signatures, member, needed):
                leader[member] = names[place]
                break
        if leader[member] == member:
            names[size] = member
            for column in range(signatures.shape[1]):
                leaders[size, column] = signatures[member, column]
            size += 1


def split(signatures: np.ndarray, order: np.ndarray, threshold: float) -> np.ndarray:
    """Split a cluster into groups that are similar to their leader; return each member's leader, int64[m].

    Members come in the given order. Each goes to the first leader so far whose signature agrees with its own in a share
    of places of at least the threshold, or leads where there is none.

    The cost is members times leaders; most comparisons end after the first few places.

    Args:
        signatures: uint32[m, p], MinHash signatures.
        order: int64[m], every member once: who may lead first.
        threshold: 0 to 1; compared as float32 with the share, as `agreement` gives it.

    Raises:
        ValueError: the arrays differ in length, the order is no permutation, signatures are empty, or the threshold is
            out of range.
    """
    signatures, order = fixed(signatures, np.uint32), fixed(order, np.int64)
    _check(signatures, order, threshold)
    width = signatures.shape[1]
    shares = np.arange(width + 1, dtype=np.float32) / np.float32(width)
    needed = int(np.searchsorted(shares, np.float32(threshold)))
    leader = np.empty(order.size, np.int64)
    _lead(signatures, order, needed, leader)
    return leader


def _check(signatures: np.ndarray, order: np.ndarray, threshold: float) -> None:
    if signatures.ndim != 2 or not signatures.shape[1]:
        raise ValueError(f"signatures of shape {signatures.shape} are not [members, places]")
    members = signatures.shape[0]
    if order.shape != (members,):
        raise ValueError(f"{members} signatures, but {order.size} places")
    if members and not (np.bincount(order.clip(-1) + 1, minlength=members + 1)[1:] == 1).all():
        raise ValueError("the order must name every member once")
    if not 0 <= threshold <= 1:
        raise ValueError(f"a share of equal places lies between 0 and 1, not {threshold}")
