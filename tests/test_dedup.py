"""Shingles, signatures, band keys, clusters, settings, and which copy of a cluster stays."""

import itertools
import re
import tracemalloc
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from corpuskit.dedup import Clusters, DedupConfig, band_keys, choose, shingles, sign, similarity, store
from corpuskit.dedup.edges import BLOCK
from corpuskit.errors import RecipeError
from corpuskit.kernels import Texts
from corpuskit.kernels.pairs import buckets, star
from corpuskit.recipe.load import build

VOCABULARY = [f"word{i}" for i in range(5000)]


def texts_of(values: list[str]) -> Texts:
    return Texts.from_arrow(pa.array(values, pa.large_string()))


def plain_shingles(text: str) -> set[tuple[str, ...]]:
    words = text.split()
    return {tuple(words[i : i + 5]) for i in range(len(words) - 4)}


def edited_copies(seed: int, edits: list[int], length: int = 400) -> list[str]:
    """Return a random text and copies in which that many words are replaced."""
    generator = np.random.default_rng(seed)
    words = generator.choice(VOCABULARY, length)
    copies = []
    for count in edits:
        copy = words.copy()
        copy[generator.choice(length, count, replace=False)] = "edited"
        copies.append(" ".join(copy))
    return copies


def test_the_similarity_estimates_jaccard() -> None:
    config = DedupConfig(bands=64, rows=8)
    errors = []
    for seed in range(20):
        copies = edited_copies(seed, [0, 1, 5, 15, 40])
        signed = sign(texts_of(copies), config).signatures
        sets = [plain_shingles(copy) for copy in copies]
        true = [len(sets[0] & other) / len(sets[0] | other) for other in sets]
        errors.append(similarity(np.repeat(signed[:1], len(copies), axis=0), signed) - true)
    errors_ = np.array(errors)
    assert not errors_[:, 0].any()
    assert np.abs(errors_).max() < 4.5 * np.sqrt(0.25 / config.places)
    assert np.abs(errors_.mean(axis=0)).max() < 0.01


def test_near_copies_share_a_band_and_strangers_do_not() -> None:
    near = [copy for seed in range(50) for copy in edited_copies(seed, [0, 4])]
    keys = band_keys(sign(texts_of(near), DedupConfig()).signatures, 14, 8)
    assert keys.shape == (100, 14)
    rows = np.repeat(np.arange(100, dtype=np.uint64), 14)
    a, b = star(rows, *buckets(keys.reshape(-1), rows, rows))
    assert {(int(x), int(y)) for x, y in zip(a, b, strict=True)} == {(2 * i, 2 * i + 1) for i in range(50)}


def test_equal_bands_in_other_places_have_other_keys() -> None:
    keys = band_keys(np.array([[7, 8] * 3, [7, 8, 1, 2, 8, 7]], np.uint32), 3, 2)
    assert keys[0, 0] == keys[1, 0]
    assert len(set(keys.reshape(-1).tolist())) == 5


def units(text: str, config: DedupConfig) -> list[str]:
    """The words or characters of ASCII text that shingles are made of."""
    text = text.lower() if config.lower_case else text
    return re.findall(r"[A-Za-z0-9]+", text) if config.unit == "words" else list(text)


CONFIGS = st.builds(
    DedupConfig, unit=st.sampled_from(["words", "characters"]), ngram=st.integers(1, 6), lower_case=st.booleans()
)


@given(st.lists(st.text("ab B.1 ", max_size=30), max_size=6), CONFIGS)
@settings(deadline=None)
def test_shingles_are_those_of_plain_python(values: list[str], config: DedupConfig) -> None:
    """Two shingles have equal hashes where their units are equal; a short text is one shingle, one of none has none."""
    hashes, offsets = shingles(texts_of(values), config)
    expected: list[tuple[str, ...]] = []
    for number, text in enumerate(values):
        own = units(text, config)
        count = max(len(own) - config.ngram + 1, min(len(own), 1))
        expected += [tuple(own[i : i + config.ngram]) for i in range(count)]
        assert offsets[number + 1] - offsets[number] == count
    named: dict[tuple[str, ...], int] = {}
    assert [named.setdefault(shingle, int(found)) for shingle, found in zip(expected, hashes, strict=True)] == (
        hashes.tolist()
    )
    assert len(set(named.values())) == len(named)


def test_a_short_text_is_alike_to_the_same_words_alone() -> None:
    texts = ["", "...", "one two three", "One, two - three!", "one two", "one two three four five", "one two four"]
    signed = sign(texts_of(texts), DedupConfig())
    assert signed.valid.tolist() == [False, False, True, True, True, True, True]
    alike = [
        (i, j)
        for i, j in itertools.combinations(range(2, 7), 2)
        if (signed.signatures[i] == signed.signatures[j]).any()
    ]
    assert alike == [(2, 3)]
    assert np.array_equal(signed.signatures[2], signed.signatures[3])


def test_a_signature_ignores_spaces_punctuation_and_by_default_case() -> None:
    texts = texts_of(["a b c d e f", "a, b -- c\nd (e) f!", "A b c d E f"])
    signed = sign(texts, DedupConfig()).signatures
    assert np.array_equal(signed[0], signed[1])
    assert np.array_equal(signed[0], signed[2])
    signed = sign(texts, DedupConfig(lower_case=False)).signatures
    assert np.array_equal(signed[0], signed[1])
    assert not np.array_equal(signed[0], signed[2])


def test_normalized_texts_have_equal_hashes() -> None:
    texts = ["Ein Test, ja!", "ein  test ja", "ein testja", "", " .. ", "Ein Test, ja!"]
    signed = sign(texts_of(texts), DedupConfig(normalized=True, minhash=False))
    assert signed.normal_hash is not None
    same = [(signed.normal_hash[0] == one).all() for one in signed.normal_hash]
    assert same == [True, True, False, False, False, True]
    assert signed.valid.tolist() == [True, True, True, False, False, True]


def test_without_minhash_there_are_no_signatures() -> None:
    config = DedupConfig(minhash=False)
    signed = sign(texts_of(["a b c d e f"] * 2), config)
    assert config.places == 0
    assert signed.signatures.shape == (2, 0)
    assert not signed.valid.any()
    assert signed.normal_hash is None
    assert np.array_equal(signed.text_hash[0], signed.text_hash[1])


def test_an_empty_batch_signs() -> None:
    signed = sign(texts_of([]), DedupConfig())
    assert (signed.text_hash.shape, signed.signatures.shape, signed.valid.shape) == ((0, 16), (0, 112), (0,))
    assert band_keys(signed.signatures, 14, 8).shape == (0, 14)


def test_signatures_never_change() -> None:
    """What signatures are on disk: change these numbers only with the revision of the step that signs."""
    signed = sign(texts_of(["The quick brown fox jumps over the lazy dog. 敏捷的棕色狐狸"]), DedupConfig())
    assert signed.signatures[0, :3].tolist() == [222012948, 140434042, 156367536]
    assert int(band_keys(signed.signatures, 14, 8)[0, 13]) == 8161063893919983372


# settings


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"ngram": 0}, "dedup.ngram"),
        ({"bands": 0}, "dedup.bands"),
        ({"threshold": 0}, "dedup.threshold"),
        ({"threshold": 1.5}, "dedup.threshold"),
        ({"unit": "bytes"}, "dedup.unit"),
        ({"verify": "maybe"}, "dedup.verify"),
        ({"max_cluster": 1}, "dedup.max_cluster"),
        ({"seed": -1}, "dedup.seed"),
        ({"num_perm": 1}, "dedup.num_perm"),
        ({"against": {"0": "x"}}, "dedup.against"),
        ({"against": {"heldout": "x"}}, "dedup: `heldout` names the held-out documents of this corpus"),
        ({"band": 3}, "dedup.band: unknown field; did you mean 'bands'?"),
        ({"exact": False, "minhash": False}, "dedup: set exact, normalized, minhash, urls"),
        ({"exact": False, "minhash": False, "urls": True, "against": {"a": "x"}}, "dedup: `against` compares texts"),
        ({"bands": "auto"}, "dedup: bands and rows are both `auto` or both numbers"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_setting_out_of_range_is_refused_by_name(fields: dict[str, object], place: str) -> None:
    with pytest.raises(ValidationError):
        DedupConfig(**fields)
    with pytest.raises(RecipeError, match=re.escape(place)):
        build({"name": "x", "sources": [{"name": "s", "paths": ["x.jsonl"]}], "dedup": fields})


def test_automatic_bands_use_no_more_permutations_than_asked_for() -> None:
    config = DedupConfig(bands="auto", rows="auto", threshold=0.5, num_perm=128)
    assert config.banding == (25, 5)
    assert config.places == 125
    assert DedupConfig().banding == (14, 8)


def test_what_decides_signatures_and_what_decides_clusters() -> None:
    """A new threshold or way to verify signs no text again; equal bands are equal however they were asked for."""
    base = DedupConfig()
    for fields in ({"threshold": 0.8}, {"verify": "exact"}, {"max_cluster": 9}, {"exact": False}):
        assert DedupConfig(**fields).signing() == base.signing()
        assert DedupConfig(**fields).searching() != base.searching()
    for fields in ({"ngram": 7}, {"seed": 2}, {"lower_case": False}, {"bands": 20}, {"normalized": True}):
        assert DedupConfig(**fields).signing() != base.signing()
    assert DedupConfig(urls=True).signing() == base.signing()
    assert DedupConfig(urls=True).searching() == base.searching()
    automatic = DedupConfig(bands="auto", rows="auto", threshold=0.5)
    named = DedupConfig(bands=25, rows=5, threshold=0.5)
    assert (automatic.signing(), automatic.searching()) == (named.signing(), named.searching())


def test_signatures_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match="14 bands of 8 rows"):
        band_keys(np.zeros((2, 100), np.uint32), 14, 8)
    with pytest.raises(ValueError, match="cannot compare"):
        similarity(np.zeros((2, 4), np.uint32), np.zeros((1, 4), np.uint32))
    with pytest.raises(ValueError, match="cannot compare"):
        similarity(np.zeros((2, 0), np.uint32), np.zeros((2, 0), np.uint32))


# signature files


@pytest.mark.parametrize("block", [1, 3, 100])
def test_signature_files_give_back_any_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    monkeypatch.setattr(store, "BLOCK_ROWS", block)
    config = DedupConfig(normalized=True, bands=2, rows=3)
    texts = [f"text number {number} of some words more" for number in range(10)]
    keys = pa.array([bytes([number] * 16) for number in range(10)], pa.binary(16))
    whole = store.batch(keys, pa.array([False] * 10), sign(texts_of(texts), config))
    schema = store.schema(config.places, config.normalized)
    store.write(str(tmp_path), "part-0000000", (whole.slice(start, 4) for start in range(0, 10, 4)), schema)
    read = pa.Table.from_batches(store.read(str(tmp_path), "part-0000000"))
    assert read.to_pylist() == pa.Table.from_batches([whole.select(schema.names)]).to_pylist()
    wanted = np.array([0, 2, 3, 9])
    found = list(store.read_rows(str(tmp_path), "part-0000000", wanted, ["key", "valid"]))
    assert [row for chosen, _ in found for row in wanted[chosen].tolist()] == wanted.tolist()
    assert [key[0] for _, batch in found for key in batch.column("key").to_pylist()] == wanted.tolist()


# clusters


@given(st.integers(1, 40).flatmap(lambda rows: st.tuples(st.just(rows), edges_of(rows))), st.integers(0, 40))
@settings(deadline=None)
def test_clusters_are_connected_components(given_: tuple[int, list[list[tuple[int, int]]]], cut: int) -> None:
    rows, batches = given_
    label = list(range(rows))
    for a, b in itertools.chain(*batches):
        old, new = max(label[a], label[b]), min(label[a], label[b])
        label = [new if one == old else one for one in label]
    expected = {row: one for row, one in enumerate(label) if label.count(one) > 1}
    columns = (np.array(batch, np.uint64).reshape(-1, 2).T for batch in batches)
    clusters = Clusters(((a, b) for a, b in columns), rows)
    cut = min(cut, rows)
    for start, stop in [(0, rows), (0, cut), (cut, rows)]:
        members, labels = clusters.members(start, stop)
        found = dict(zip(members.tolist(), labels.tolist(), strict=True))
        assert found == {row: one for row, one in expected.items() if start <= row < stop}
        assert members.tolist() == sorted(found)


def test_clustering_takes_five_bytes_a_row() -> None:
    """Also where every row is a member: members are named a split at a time."""
    rows = 1 << 22
    ends = np.arange(rows // 4, dtype=np.uint64)
    edges = [(ends, ends + np.uint64(part * rows // 4)) for part in (1, 2, 3)]
    Clusters([(ends[:1], ends[1:2])], 2)
    tracemalloc.start()
    clusters = Clusters(edges, rows)
    found = sum(len(clusters.members(start, start + rows // 64)[0]) for start in range(0, rows, rows // 64))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found == rows
    assert peak < 5 * rows + 40 * BLOCK


def edges_of(rows: int) -> st.SearchStrategy[list[list[tuple[int, int]]]]:
    row = st.integers(0, rows - 1)
    return st.lists(st.lists(st.tuples(row, row), max_size=10), max_size=4)


# which copy stays


def slow_choose(members: list[tuple[int, float, int]]) -> list[int]:
    """Who stays for each member; a member is (cluster, order, key)."""
    best: dict[int, int] = {}
    for i, (cluster, order, key) in enumerate(members):
        if cluster not in best or (-order, key) < (-members[best[cluster]][1], members[best[cluster]][2]):
            best[cluster] = i
    return [best[cluster] for cluster, _, _ in members]


MEMBERS = st.lists(
    st.tuples(st.integers(0, 4), st.sampled_from([-np.inf, -1.0, 0.0, 5.0, 2.0**63])), max_size=20
).flatmap(
    lambda rows: st.permutations(range(len(rows))).map(
        lambda keys: [(*row, key) for row, key in zip(rows, keys, strict=True)]
    )
)


def names_of(numbers: list[int]) -> np.ndarray:
    """16 bytes for each number, of which both halves decide, and order as the numbers do."""
    names = np.zeros((len(numbers), 16), np.uint8)
    for i, number in enumerate(numbers):
        names[i, [3, 15]] = divmod(number, 4)
    return names


@given(MEMBERS)
@settings(max_examples=300, deadline=None)
def test_choose_follows_the_plain_rules(members: list[tuple[int, float, int]]) -> None:
    cluster, order, keys = zip(*members, strict=True) if members else ([], [], [])
    found = choose(names_of(list(cluster)), np.array(order, np.float64), names_of(list(keys)))
    assert found.tolist() == slow_choose(members)


@pytest.mark.parametrize("wrong", ["length", "nan", "keys"])
def test_choose_refuses_bad_input(wrong: str) -> None:
    order = np.array([np.nan if wrong == "nan" else 1.0] * 2)
    keys = np.zeros((2, 8 if wrong == "keys" else 16), np.uint8)
    with pytest.raises(ValueError, match=r"NaN|members have"):
        choose(np.zeros((3 if wrong == "length" else 2, 16), np.uint8), order, keys)
