"""Signatures, band keys, edges, and which copy of a cluster stays."""

import itertools

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from corpuskit.dedup import REASONS, DedupConfig, band_keys, choose, clusters, sign, similarity, star_edges
from corpuskit.kernels import Texts

VOCABULARY = [f"word{i}" for i in range(5000)]


def texts_of(values: list[str]) -> Texts:
    return Texts.from_arrow(pa.array(values, pa.large_string()))


def shingles(text: str) -> set[tuple[str, ...]]:
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
        sets = [shingles(copy) for copy in copies]
        true = [len(sets[0] & other) / len(sets[0] | other) for other in sets]
        errors.append(similarity(np.repeat(signed[:1], len(copies), axis=0), signed) - true)
    errors_ = np.array(errors)
    assert not errors_[:, 0].any()
    assert np.abs(errors_).max() < 4.5 * np.sqrt(0.25 / config.num_perm)
    assert np.abs(errors_.mean(axis=0)).max() < 0.01


def test_near_copies_share_a_band_and_strangers_do_not() -> None:
    config = DedupConfig()
    near = [copy for seed in range(50) for copy in edited_copies(seed, [0, 4])]
    keys = band_keys(sign(texts_of(near), config).signatures, config)
    assert keys.shape == (100, 14)
    a, b = star_edges(keys.reshape(-1), np.repeat(np.arange(100), 14))
    assert {(int(x), int(y)) for x, y in zip(a, b, strict=True)} == {(2 * i, 2 * i + 1) for i in range(50)}


def test_equal_bands_in_other_places_have_other_keys() -> None:
    config = DedupConfig(bands=3, rows=2)
    keys = band_keys(np.array([[7, 8] * 3, [7, 8, 1, 2, 8, 7]], np.uint32), config)
    assert keys[0, 0] == keys[1, 0]
    assert len(set(keys.reshape(-1).tolist())) == 5


def test_short_texts_are_compared_by_their_whole_text_only() -> None:
    signed = sign(texts_of(["", "one two three four", "one two three four", "one two three four five"]), DedupConfig())
    assert signed.valid.tolist() == [False, False, False, True]
    assert (signed.signatures[:3] == 0xFFFFFFFF).all()
    a, b = star_edges(signed.text_hash, np.arange(4))
    assert (a.tolist(), b.tolist()) == ([1], [2])


def test_a_signature_ignores_spaces_and_punctuation_but_not_case() -> None:
    signed = sign(texts_of(["a b c d e f", "a, b -- c\nd (e) f!", "A b c d e f"]), DedupConfig()).signatures
    assert np.array_equal(signed[0], signed[1])
    assert not np.array_equal(signed[0], signed[2])


def test_without_minhash_there_are_no_signatures() -> None:
    config = DedupConfig(minhash=False)
    signed = sign(texts_of(["a b c d e f"] * 2), config)
    assert signed.signatures.shape == (2, 0)
    assert not signed.valid.any()
    assert np.array_equal(signed.text_hash[0], signed.text_hash[1])


def test_an_empty_batch_signs() -> None:
    config = DedupConfig()
    signed = sign(texts_of([]), config)
    assert (signed.text_hash.shape, signed.signatures.shape, signed.valid.shape) == ((0, 16), (0, 112), (0,))
    assert band_keys(signed.signatures, config).shape == (0, 14)


def test_signatures_never_change() -> None:
    """What duplicates are on disk: change these numbers only with the revision of the dedup step."""
    config = DedupConfig()
    signed = sign(texts_of(["The quick brown fox jumps over the lazy dog. 敏捷的棕色狐狸"]), config)
    assert signed.signatures[0, :3].tolist() == GOLDEN_SIGNATURE
    assert int(band_keys(signed.signatures, config)[0, 13]) == GOLDEN_BAND


GOLDEN_SIGNATURE = [222012948, 140434042, 156367536]
GOLDEN_BAND = 5614586407993643487


@pytest.mark.parametrize(
    "fields", [{"ngram": 0}, {"bands": 0}, {"exact": False, "minhash": False}, {"unit": "bytes"}, {"band": 3}]
)
def test_a_config_out_of_range_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        DedupConfig(**fields)


def test_signatures_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match="14 bands of 8 rows"):
        band_keys(np.zeros((2, 100), np.uint32), DedupConfig())
    with pytest.raises(ValueError, match="cannot compare"):
        similarity(np.zeros((2, 4), np.uint32), np.zeros((1, 4), np.uint32))
    with pytest.raises(ValueError, match="cannot compare"):
        similarity(np.zeros((2, 0), np.uint32), np.zeros((2, 0), np.uint32))


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 9))))
@settings(deadline=None)
def test_star_edges_connect_what_shares_a_key(pairs: list[tuple[int, int]]) -> None:
    keys, rows = np.array(pairs, np.uint64).reshape(-1, 2).T
    buckets = [{row for key, row in pairs if key == wanted} for wanted in range(5)]
    expected = sorted((min(bucket), row) for bucket in buckets if bucket for row in bucket - {min(bucket)})
    a, b = star_edges(keys, rows)
    found = sorted({*zip(a.tolist(), b.tolist(), strict=True)})
    assert found == sorted(set(expected))
    wide = np.zeros((len(pairs), 16), np.uint8)
    wide[:, 9] = keys
    a, b = star_edges(wide, rows)
    assert sorted({*zip(a.tolist(), b.tolist(), strict=True)}) == found


def test_star_edges_refuse_what_does_not_fit() -> None:
    with pytest.raises(ValueError, match="2 keys, but 3 rows"):
        star_edges(np.zeros(2, np.uint64), np.zeros(3, np.uint64))
    with pytest.raises(ValueError, match="uint64\\[m\\] or uint8\\[m, 16\\]"):
        star_edges(np.zeros((2, 8), np.uint8), np.zeros(2, np.uint64))


def test_clusters_take_rows_of_any_numbering() -> None:
    huge = 2**63 + 5
    rows, labels = clusters(np.array([7, 900, 7], np.uint64), np.array([900, huge, 8], np.uint64))
    assert rows.tolist() == [7, 8, 900, huge]
    assert labels.tolist() == [7, 7, 7, 7]
    assert clusters(np.array([], np.uint64), np.array([], np.uint64))[0].size == 0


def slow_choose(members: list[tuple[int, bool, bool, int, int]], deduplicate: bool) -> list[tuple[bool, int, str]]:
    """The rules of `choose`, cluster by cluster; a member is (cluster, passes, heldout, order, key)."""
    fates = [(passes, -1, "") for _, passes, _, _, _ in members]
    for cluster in {member[0] for member in members}:
        inside = [i for i, member in enumerate(members) if member[0] == cluster]
        heldout = [i for i in inside if members[i][2]]
        passing = [i for i in heldout or inside if members[i][1]]
        if passing:
            stands = min(passing, key=lambda i: (-members[i][3], members[i][4]))
        else:
            stands = min(heldout or inside, key=lambda i: members[i][4])
        for i in inside:
            if members[i][1] and heldout and not members[i][2]:
                fates[i] = (False, stands, "near_heldout")
            elif members[i][1] and i != stands and deduplicate:
                fates[i] = (False, stands, "duplicate")
    return fates


MEMBERS = st.lists(
    st.tuples(st.integers(0, 4), st.booleans(), st.booleans(), st.sampled_from([-(2**63), -1, 0, 5, 2**63 - 1])),
    max_size=20,
).flatmap(
    lambda rows: st.permutations(range(len(rows))).map(
        lambda keys: [(*row, key) for row, key in zip(rows, keys, strict=True)]
    )
)


@given(MEMBERS, st.booleans(), st.sampled_from([np.int64, np.float64]))
@settings(max_examples=300, deadline=None)
def test_choose_follows_the_plain_rules(
    members: list[tuple[int, bool, bool, int, int]], deduplicate: bool, dtype: type
) -> None:
    keys = np.zeros((len(members), 16), np.uint8)
    for i, member in enumerate(members):
        keys[i, [3, 15]] = divmod(member[4], 4)  # both halves of the key decide
    cluster, passes, heldout, order, _ = zip(*members, strict=True) if members else ([], [], [], [], [])
    choice = choose(
        np.array(cluster, np.int64),
        np.array(passes, bool),
        np.array(heldout, bool),
        np.array(order, np.int64).astype(dtype),
        keys,
        deduplicate=deduplicate,
    )
    found = zip(choice.keep.tolist(), choice.duplicate_of.tolist(), choice.reason.tolist(), strict=True)
    assert [(keep, of, REASONS[reason]) for keep, of, reason in found] == slow_choose(members, deduplicate)


def test_no_cluster_vanishes_because_its_longest_member_failed() -> None:
    keys = np.arange(48, dtype=np.uint8).reshape(3, 16)
    choice = choose(np.zeros(3), np.array([False, True, True]), np.zeros(3, bool), np.array([9, 5, 7]), keys)
    assert choice.keep.tolist() == [False, False, True]
    assert choice.duplicate_of.tolist() == [-1, 2, -1]
    assert choice.reason.tolist() == [0, 1, 0]


def test_training_rows_near_a_heldout_row_are_dropped_even_where_duplicates_stay() -> None:
    keys = np.arange(64, dtype=np.uint8).reshape(4, 16)
    cluster, heldout = np.array([1, 1, 1, 2]), np.array([False, True, True, False])
    for passes in itertools.product([False, True], repeat=2):
        flags = np.array([True, *passes, True])
        choice = choose(cluster, flags, heldout, np.zeros(4), keys, deduplicate=False)
        assert choice.keep.tolist() == [False, *passes, True]
        assert choice.reason.tolist() == [2, 0, 0, 0]
        assert choice.duplicate_of[0] == (2 if passes == (False, True) else 1)


@pytest.mark.parametrize("wrong", ["length", "nan", "keys"])
def test_choose_refuses_bad_input(wrong: str) -> None:
    order = np.array([np.nan if wrong == "nan" else 1.0] * 2)
    keys = np.zeros((2, 8 if wrong == "keys" else 16), np.uint8)
    with pytest.raises(ValueError, match=r"NaN|number"):
        choose(np.zeros(3 if wrong == "length" else 2), np.ones(2, bool), np.zeros(2, bool), order, keys)
