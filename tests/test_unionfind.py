"""Connected components while edges arrive, against slow Python."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from corpuskit.kernels import Forest, unionfind

Edges = list[tuple[int, int]]
GRAPHS = st.integers(1, 30).flatmap(
    lambda n: st.tuples(st.just(n), st.lists(st.lists(st.tuples(*[st.integers(0, n - 1)] * 2), max_size=9), max_size=4))
)


def slow_labels(edges: Edges, n: int) -> list[int]:
    labels = list(range(n))
    for _ in range(n):
        for a, b in edges:
            labels[a] = labels[b] = min(labels[a], labels[b])
    return labels


@given(graph=GRAPHS, narrow=st.booleans())
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_edges_may_arrive_in_pieces(
    graph: tuple[int, list[Edges]], narrow: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The labels after each piece are those of all edges so far, in both widths."""
    n, pieces = graph
    monkeypatch.setattr(unionfind, "NARROW", 2**32 if narrow else 0)
    forest, edges = Forest(n), []
    for piece in pieces:
        edges += piece
        a, b = np.array(piece, np.uint64).reshape(-1, 2).T
        forest.join(b, a)
        assert forest.labels().tolist() == slow_labels(edges, n)
    assert forest.labels().dtype == (np.uint32 if narrow else np.uint64)
    assert len(forest) == n


def test_labels_need_no_second_array() -> None:
    forest = Forest(3)
    labels = forest.labels()
    forest.join(np.array([1]), np.array([2]))
    assert np.shares_memory(labels, forest.labels())
    assert not labels.flags.writeable


def test_no_nodes_have_no_labels() -> None:
    forest = Forest(0)
    forest.join(np.array([], np.int64), np.array([], np.int64))
    assert forest.labels().size == 0


@pytest.mark.parametrize(("a", "b"), [([0], [2]), ([2], [0]), ([-1], [0]), ([0, 1], [1])])
def test_edges_to_nowhere_are_refused(a: list[int], b: list[int]) -> None:
    forest = Forest(2)
    with pytest.raises(ValueError, match="edge"):
        forest.join(np.array(a), np.array(b))
    assert forest.labels().tolist() == [0, 1]


def test_a_negative_number_of_nodes_is_refused() -> None:
    with pytest.raises(ValueError, match="0 nodes or more, not -1"):
        Forest(-1)
