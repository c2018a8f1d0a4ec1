"""N-gram hashes, MinHash signatures and connected components against slow Python and datasketch."""

import numpy as np
import pyarrow as pa
import pytest
from datasketch import MinHash
from hypothesis import given, settings
from hypothesis import strategies as st

from corpuskit.kernels import Texts, components, ngram_hashes, permutations, signatures

SMALL_TEXT = st.text("ab 。一", max_size=30)


@given(st.lists(SMALL_TEXT, max_size=6), st.integers(1, 6))
@settings(deadline=None)
def test_ngram_hashes_stand_for_word_sequences(batch: list[str], n: int) -> None:
    """As many as n-grams, in text order, equal exactly where the sequences of words are equal."""
    texts = Texts.from_arrow(pa.array(batch, pa.string()))
    words = texts.words()
    spelled = [texts.data[a:b].tobytes() for a, b in zip(words.starts, words.ends, strict=True)]
    hashes, offsets = ngram_hashes(words, n)
    named: dict[tuple[bytes, ...], int] = {}
    for document in range(len(batch)):
        own = spelled[words.offsets[document] : words.offsets[document + 1]]
        sequences = [tuple(own[i : i + n]) for i in range(len(own) - n + 1)]
        found = hashes[offsets[document] : offsets[document + 1]].tolist()
        assert len(found) == len(sequences)
        assert all(named.setdefault(sequence, value) == value for sequence, value in zip(sequences, found, strict=True))
    assert len(set(named.values())) == len(named)


def test_word_boundaries_and_order_count() -> None:
    texts = Texts.from_arrow(pa.array(["ab c", "a bc", "c ab"]))
    assert len(set(ngram_hashes(texts.words(), 2)[0].tolist())) == 3


def test_an_ngram_has_a_word() -> None:
    with pytest.raises(ValueError, match="at least 1 word, not 0"):
        ngram_hashes(Texts.from_arrow(pa.array(["a"])).words(), 0)


@pytest.mark.parametrize(("num_perm", "seed"), [(112, 1), (1, 1), (128, 42), (17, 2**32 - 1)])
def test_permutations_equal_datasketch(num_perm: int, seed: int) -> None:
    assert np.array_equal(permutations(num_perm, seed), MinHash(num_perm, seed, scheme="affine32").permutations)


@pytest.mark.parametrize(("num_perm", "seed"), [(0, 1), (5, -1), (5, 2**32)])
def test_permutations_out_of_range_are_refused(num_perm: int, seed: int) -> None:
    with pytest.raises(ValueError, match=r"permutation|seed|Seed"):
        permutations(num_perm, seed)


HASHES = st.lists(st.integers(0, 2**64 - 1) | st.sampled_from([0, 1, 2**32 - 1, 2**32]), max_size=11)


@given(st.lists(HASHES, max_size=6), st.sampled_from([1, 7, 112]))
@settings(deadline=None)
def test_signatures_equal_datasketch(documents: list[list[int]], num_perm: int) -> None:
    hashes = np.array([value for document in documents for value in document], np.uint64)
    offsets = np.cumsum([0, *map(len, documents)])
    found = signatures(hashes, offsets, permutations(num_perm, 1))
    assert found.dtype == np.uint32
    assert found.shape == (len(documents), num_perm)
    for document, signature in zip(documents, found, strict=True):
        oracle = MinHash(num_perm, 1, scheme="affine32", hashfunc=lambda value: value & 0xFFFFFFFF)
        oracle.update_batch(document)
        assert np.array_equal(signature, oracle.hashvalues)


@pytest.mark.parametrize("offsets", [[], [0, 4], [-1, 2], [0, 2, 1]])
def test_signatures_refuse_bad_offsets(offsets: list[int]) -> None:
    with pytest.raises(ValueError, match="offsets"):
        signatures(np.zeros(3, np.uint64), np.array(offsets, np.int64), permutations(2, 1))


def slow_components(edges: list[tuple[int, int]], n: int) -> list[int]:
    labels = list(range(n))
    while True:
        before = labels.copy()
        for a, b in edges:
            labels[a] = labels[b] = min(labels[a], labels[b])
        if labels == before:
            return labels


@given(st.integers(1, 30).flatmap(lambda n: st.tuples(st.just(n), st.lists(st.tuples(*[st.integers(0, n - 1)] * 2)))))
@settings(deadline=None)
def test_components_have_the_smallest_label_in_any_edge_order(graph: tuple[int, list[tuple[int, int]]]) -> None:
    n, edges = graph
    a, b = np.array(edges, np.int64).reshape(-1, 2).T
    labels = components(a, b, n)
    assert labels.tolist() == slow_components(edges, n)
    shuffled = np.random.default_rng(0).permutation(len(edges))
    assert np.array_equal(components(b[shuffled].astype(np.uint64), a[shuffled], n), labels)


def test_a_long_chain_is_one_component() -> None:
    nodes = np.arange(200_000)
    assert not components(nodes[1:], nodes[:-1], nodes.size).any()
    assert not components(nodes[:0:-1], nodes[-2::-1], nodes.size).any()


@pytest.mark.parametrize(("a", "b", "n"), [([0], [2], 2), ([-1], [0], 2), ([0, 1], [1], 2), ([0], [0], 0)])
def test_edges_to_nowhere_are_refused(a: list[int], b: list[int], n: int) -> None:
    with pytest.raises(ValueError, match="edge"):
        components(np.array(a), np.array(b), n)
