"""Connected components of a graph given as edges."""

import numpy as np

from corpuskit.kernels.compiling import fixed, inlined, kernel

NARROW = 2**32
"""Nodes from which on their numbers take 8 bytes."""


@inlined
def _root(parents, node):  # type: ignore[no-untyped-def]
    """Return the root of a node's tree, halving the path to it."""
    while parents[node] != node:
        parents[node] = parents[parents[node]]
        node = np.uint64(parents[node])
    return node


@kernel
def _join(a: np.ndarray, b: np.ndarray, parents: np.ndarray) -> None:
    """Join the trees of the ends of each edge, the larger root under the smaller; a, b: uint64[m]."""
    for edge in range(a.size):
        left, right = _root(parents, a[edge]), _root(parents, b[edge])
        if left < right:
            parents[right] = left
        else:
            parents[left] = right


@kernel
def _flatten(parents: np.ndarray) -> None:
    """Turn parents into labels.

    A root is the smallest node of its tree, since the larger root always goes under the smaller one. Therefore a
    parent is never larger than its child, and one pass in rising order finds every parent labelled already.
    """
    for node in range(parents.size):
        parents[node] = parents[parents[node]]


class Forest:
    """The connected components of nodes 0 to n - 1, while edges arrive; 4 bytes a node, 8 from 2**32 nodes on."""

    def __init__(self, n: int) -> None:
        """Begin with each node alone.

        Raises:
            ValueError: n is negative.
        """
        if n < 0:
            raise ValueError(f"a graph has 0 nodes or more, not {n}")
        self._parents = np.arange(n, dtype=np.uint32 if n < NARROW else np.uint64)

    def __len__(self) -> int:
        return self._parents.size

    def join(self, a: np.ndarray, b: np.ndarray) -> None:
        """Add edges, in any order and direction; an edge may come again.

        Args:
            a: uint64[m] (or another integer type), one end of each edge.
            b: uint64[m], the other end.

        Raises:
            ValueError: an edge names a node that is not there, or the arrays differ in length.
        """
        a, b = fixed(a, np.uint64), fixed(b, np.uint64)  # a negative number becomes a huge one: refused as well
        if a.shape != b.shape:
            raise ValueError(f"{a.size} ends on one side of the edges, but {b.size} on the other")
        if a.size and max(a.max(), b.max()) >= len(self):
            raise ValueError(f"an edge names a node outside 0 to {len(self) - 1}")
        _join(a, b, self._parents)

    def labels(self) -> np.ndarray:
        """Return the smallest node of each node's component; uint32[n], or uint64[n] from 2**32 nodes on.

        The labels depend on the set of edges only, not on their order or direction. It is a read-only view of the
        forest itself, not a copy: joining more edges changes it.
        """
        _flatten(self._parents)
        return fixed(self._parents, self._parents.dtype)


def components(a: np.ndarray, b: np.ndarray, n: int) -> np.ndarray:
    """Label each node with the smallest node of its connected component; uint32[n], or uint64[n] from 2**32 on.

    Args:
        a: uint64[m] (or another integer type), one end of each edge.
        b: uint64[m], the other end.
        n: number of nodes; nodes are 0 to n - 1.

    Raises:
        ValueError: an edge names a node that is not there, or the arrays differ in length.
    """
    forest = Forest(n)
    forest.join(a, b)
    return forest.labels()
