"""Connected components of a graph given as edges."""

import numpy as np

from corpuskit.kernels.compiling import fixed, inlined, kernel


@inlined
def _root(parents: np.ndarray, node: np.int64) -> np.int64:
    """Return the root of a node's tree, halving the path to it."""
    while parents[node] != node:
        parents[node] = parents[parents[node]]
        node = parents[node]
    return node


@kernel
def _components(a: np.ndarray, b: np.ndarray, parents: np.ndarray) -> None:
    """Turn parents int64[n], each node its own to begin with, into labels.

    A root is the smallest node of its tree, since the larger root always goes under the smaller one. Therefore a
    parent is never larger than its child, and one pass in rising order finds every parent labelled already.
    """
    for edge in range(a.size):
        left, right = _root(parents, a[edge]), _root(parents, b[edge])
        if left < right:
            parents[right] = left
        else:
            parents[left] = right
    for node in range(parents.size):
        parents[node] = parents[parents[node]]


def components(a: np.ndarray, b: np.ndarray, n: int) -> np.ndarray:
    """Label each node with the smallest node of its connected component; int64[n].

    The labels depend on the set of edges only, not on their order or direction.

    Args:
        a: int64[m] (or uint64[m]), one end of each edge.
        b: int64[m] (or uint64[m]), the other end.
        n: number of nodes; nodes are 0 to n - 1.

    Raises:
        ValueError: an edge names a node that is not there, or the arrays differ in length.
    """
    a, b = fixed(a, np.int64), fixed(b, np.int64)
    if a.shape != b.shape:
        raise ValueError(f"{a.size} ends on one side of the edges, but {b.size} on the other")
    if a.size and (min(a.min(), b.min()) < 0 or max(a.max(), b.max()) >= n):
        raise ValueError(f"an edge names a node outside 0 to {n - 1}")
    labels = np.arange(n, dtype=np.int64)
    _components(a, b, labels)
    return labels
