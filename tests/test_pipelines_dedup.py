"""What counts as a duplicate, from documents to clusters and copies that stay."""

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from near_copies import chain, clusters, groups, jaccard, kept, made, near, recipe, text, verdicts, write
from pipelines_harness import Plainly, content, run, run_plainly, search, snapshot

from corpuskit import manifest
from corpuskit.dedup import DedupConfig
from corpuskit.workflow.flow import Flow


def test_near_copies_are_clusters_and_strangers_are_alone(tmp_path: Path) -> None:
    texts = [text(1), text(2), near(1), text(3), text(2), near(1, edits=8)]
    rows = clusters(made(tmp_path, texts))
    assert groups(rows) == {frozenset({"d0", "d2", "d5"}), frozenset({"d1", "d4"})}
    leads = {row["cluster"]: min(row["key"] for row in rows) for row in rows if row["cluster"]}
    assert len(leads) == 2
    for row in rows:
        if row["cluster"] is None:
            assert (row["id"], row["similarity"], row["method"]) == ("d3", None, None)
    methods = {row["id"]: row["method"] for row in rows}
    assert methods["d1"] == methods["d4"] == "exact"
    lead = min((row for row in rows if row["id"] in ("d0", "d2", "d5")), key=lambda row: row["key"])
    for row in (rows[number] for number in (0, 2, 5)):
        assert row["similarity"] == pytest.approx(jaccard(row["text"], lead["text"]), abs=0.15)
        assert (row["method"] == "exact") == (row["id"] == lead["id"])


def test_texts_too_short_for_a_shingle_are_alike_to_the_same_words_alone(tmp_path: Path) -> None:
    texts = ["", "", ".", "!", "one", "One!", "two", "one two", "ONE, two", "one three", "", " "]
    flow = made(tmp_path, texts)
    assert groups(clusters(flow)) == {
        frozenset({"d0", "d1", "d10"}),
        frozenset({"d4", "d5"}),
        frozenset({"d7", "d8"}),
    }
    assert len(kept(verdicts(flow))) == len(texts) - 4


def test_without_equal_texts_those_without_a_word_are_never_compared(tmp_path: Path) -> None:
    assert groups(clusters(made(tmp_path, ["", "", "...", "...", "one", "one"], exact=False))) == {
        frozenset({"d4", "d5"})
    }


@pytest.mark.parametrize("unit", ["words", "characters"])
def test_chinese_texts_are_compared(tmp_path: Path, unit: str) -> None:
    long = "".join(map(chr, np.random.default_rng(1).integers(0x4E00, 0x9FA0, 400)))
    texts = [long, long[:-8] + "换了一些字的结尾", long[::-1]]
    assert groups(clusters(made(tmp_path, texts, unit=unit))) == {frozenset({"d0", "d1"})}


def test_normalized_texts_are_a_way_of_their_own(tmp_path: Path) -> None:
    texts = ["A text, of Words.", "a text of words", "a text of wordS!", "A text, of Words.", "a text", "...", "!"]
    flow = made(tmp_path, texts, exact=False, minhash=False, normalized=True)
    rows = clusters(flow)
    assert groups(rows) == {frozenset({"d0", "d1", "d2", "d3"})}
    assert {row["method"] for row in rows} <= {"exact", "normalized", None}
    assert {row["similarity"] for row in rows} == {1.0, None}
    assert len(kept(verdicts(flow))) == 4


def test_normalized_texts_without_words_are_strangers(tmp_path: Path) -> None:
    """Also where they have shingles: those of characters."""
    texts = ["... ... ...", "!!! ??", "(-:", "... ... ...", " a. ", "A"]
    rows = clusters(made(tmp_path, texts, normalized=True, unit="characters"))
    assert groups(rows) == {frozenset({"d0", "d3"}), frozenset({"d4", "d5"})}


# verification


def pair(similarity: float, count: int = 1000) -> list[str]:
    """Two texts that are about so similar."""
    edits = round((count - 4) * (1 - similarity) / (1 + similarity))
    texts = [text(5, count), near(5, edits, count)]
    assert jaccard(*texts) == pytest.approx(similarity, abs=0.01)
    return texts


@pytest.mark.parametrize(
    ("verify", "similarity", "together"),
    [
        ("none", 0.45, True),
        ("signature", 0.45, False),
        ("exact", 0.45, False),
        ("signature", 0.85, True),
        ("exact", 0.85, True),
    ],
)
def test_pairs_that_share_a_band_are_compared_as_asked(
    tmp_path: Path, verify: str, similarity: float, together: bool
) -> None:
    """60 bands of 2 rows share one almost surely, whatever the similarity."""
    rows = clusters(made(tmp_path, pair(similarity), verify=verify, bands=60, rows=2))
    assert groups(rows) == ({frozenset({"d0", "d1"})} if together else set())


@pytest.mark.parametrize("distance", [-1, 0, 1])
def test_exact_verification_goes_by_the_true_similarity(tmp_path: Path, distance: int) -> None:
    """The threshold is the true similarity of the pair, or the next number above or below."""
    texts = [text(5), near(5, 20)]
    threshold = float(np.float32(jaccard(*texts)))
    asked = float(np.nextafter(np.float32(threshold), np.float32(distance * 9))) if distance else threshold
    flow = made(tmp_path, texts, verify="exact", threshold=asked, bands=60, rows=2)
    assert groups(clusters(flow)) == (set() if distance > 0 else {frozenset({"d0", "d1"})})


def test_unverified_chains_grow_and_verified_ones_of_strangers_do_not(tmp_path: Path) -> None:
    """Texts of which each is 0.45 alike to the next."""
    texts = chain(6, step=75)
    assert jaccard(*texts[:2]) == pytest.approx(0.45, abs=0.02)
    found = {
        verify: groups(clusters(made(tmp_path / verify, texts, verify=verify, bands=60, rows=2)))
        for verify in ("none", "signature", "exact")
    }
    assert found == {"none": {frozenset(f"d{number}" for number in range(6))}, "signature": set(), "exact": set()}


@pytest.mark.parametrize(
    ("dedup", "warned"),
    [
        (
            {"threshold": 0.5},
            ["14 bands of 8 rows find 5% of the pairs", "0.5; `bands: auto` and `rows: auto` find 55%"],
        ),
        ({"threshold": 0.9, "bands": 2, "rows": 40}, ["2 bands of 40 rows find 3% of the pairs", "of 0.9;"]),
        ({"threshold": 0.5, "bands": "auto", "rows": "auto"}, []),
        ({"threshold": 0.97, "bands": "auto", "rows": "auto"}, []),
        ({"threshold": 0.5, "minhash": False}, []),
        ({"threshold": 0.65}, []),
        ({}, []),
    ],
    ids=str,
)
def test_bands_that_miss_what_the_threshold_asks_for_are_warned_of(
    tmp_path: Path, dedup: dict[str, Any], warned: list[str]
) -> None:
    flow = Flow(recipe([write(tmp_path / "in.jsonl", [text(1)])], **dedup), str(tmp_path / "out"))
    notes = [note for note in flow.prepare(Plainly()) if note.startswith("dedup: ")]  # type: ignore[arg-type]
    assert len(notes) == bool(warned)
    for part in warned:
        assert part in notes[0]


# large clusters


def test_a_large_cluster_is_split_so_that_all_are_similar_to_their_lead(tmp_path: Path) -> None:
    texts = [*chain(40), text(1), text(1), near(1)]
    whole = groups(clusters(made(tmp_path / "whole", texts)))
    assert whole == {frozenset(f"d{number}" for number in range(40)), frozenset({"d40", "d41", "d42"})}
    flow = made(tmp_path / "split", texts, max_cluster=10)
    rows = clusters(flow)
    parts = groups(rows)
    assert frozenset({"d40", "d41", "d42"}) in parts
    assert len(parts) > 3
    texts_of = {row["id"]: row for row in rows}
    for part in parts:
        lead = min((texts_of[one] for one in part), key=lambda row: row["key"])
        assert all(texts_of[one]["similarity"] >= np.float32(0.7) for one in part)
        assert texts_of[lead["id"]]["similarity"] == 1
        assert all(jaccard(texts_of[one]["text"], lead["text"]) > 0.55 for one in part)
    found = manifest.read(flow.duplicates[""].folder).extra
    assert (found["large_clusters"], found["clusters"]) == (1, len(parts))
    assert found["largest_cluster"] == max(map(len, parts))
    assert found["members"] == sum(map(len, parts))


def test_equal_texts_stay_together_in_a_large_cluster(tmp_path: Path) -> None:
    texts = [one for one in chain(12) for _ in range(3)]
    rows = clusters(made(tmp_path, texts, max_cluster=5))
    for number in range(12):
        assert len({rows[3 * number + copy]["cluster"] for copy in range(3)}) == 1
    assert len(groups(rows)) > 1
    rows = clusters(made(tmp_path / "exact", [text(1)] * 9, minhash=False, max_cluster=2))
    assert groups(rows) == {frozenset(f"d{number}" for number in range(9))}


@pytest.mark.parametrize("heldout", [0.1, 0.3])
def test_no_training_document_stays_that_is_similar_to_a_heldout_one(tmp_path: Path, heldout: float) -> None:
    """Also where the chain that connects them is split."""
    texts = [*chain(60), *chain(60)[::7]]
    flow = made(tmp_path, texts, heldout=heldout, max_cluster=10, verify="signature", bands=60, rows=2)
    rows = verdicts(flow)
    held = [row for row in rows if row["heldout"]]
    assert 2 < len(held) < 40
    staying = [row for row in rows if row["kept"] and not row["heldout"]]
    assert staying
    assert {"near_heldout", "duplicate"} <= {row["reason"] for row in rows}
    assert not [one for one in staying for other in held if jaccard(one["text"], other["text"]) > 0.85]
    keys = {row["key"]: row for row in rows}
    for row in rows:
        if row["reason"] == "near_heldout":
            assert keys[row["duplicate_of"]]["heldout"]
            assert row["value"] == pytest.approx(jaccard(row["text"], keys[row["duplicate_of"]]["text"]), abs=0.15)
            assert row["value"] > row["threshold"]


def test_a_chain_to_a_heldout_text_is_no_reason(tmp_path: Path) -> None:
    """A document is left out for one that it is similar to itself, not for its neighbour's neighbour."""
    texts = chain(60)
    rows = verdicts(made(tmp_path, texts, heldout=0.03, variant={"deduplicate": False}))
    held = [row for row in rows if row["heldout"]]
    assert 0 < len(held) < 6
    for row in rows:
        nearest = max(jaccard(row["text"], other["text"]) for other in held)
        if not row["heldout"] and abs(nearest - 0.7) > 0.15:
            assert (row["reason"] == "near_heldout") == (nearest > 0.7)
    assert sum(row["kept"] for row in rows) > 20


def test_heldout_and_training_documents_share_no_cluster(tmp_path: Path) -> None:
    rows = clusters(made(tmp_path, [one for one in chain(20) for _ in range(3)], heldout=0.3))
    found = groups(rows)
    held = {row["id"] for row in rows if row["heldout"]}
    assert {one <= held for one in found} == {True, False}
    assert all(one <= held or not one & held for one in found)


@pytest.mark.parametrize("dedup", [{}, {"minhash": False}, {"exact": False}, {"verify": "none"}], ids=str)
def test_every_copy_of_a_heldout_text_is_found(tmp_path: Path, dedup: dict[str, Any]) -> None:
    """However many held-out texts share a bucket: these differ in one word each."""
    texts = [f"{text(1)} {number % 60}" for number in range(400)]
    rows = verdicts(made(tmp_path, texts, heldout=0.3, variant={"deduplicate": False}, **dedup))
    held = {row["text"]: row for row in rows if row["heldout"]}
    assert 40 < len(held) < 60
    copies = [row for row in rows if not row["heldout"] and row["text"] in held]
    assert len(copies) > 200
    for row in copies:
        assert (row["reason"], row["value"]) == ("near_heldout", 1.0)


@pytest.mark.parametrize("verify", ["signature", "exact", "none"])
def test_which_of_equal_heldout_texts_is_named_depends_on_no_order(tmp_path: Path, verify: str) -> None:
    texts = [one for seed in range(12) for one in (text(seed), text(seed), near(seed), near(seed, 6), text(seed))]
    records = [{"id": f"{number}", "text": one} for number, one in enumerate(texts * 2)]
    found = []
    for order in (1, -1):
        flow = made(tmp_path / str(order), records[::order], heldout=0.4, verify=verify)
        rows = {row["id"]: row for row in verdicts(flow)}
        found.append({id: (row["reason"], row["value"], row["duplicate_of"]) for id, row in rows.items()})
        keys: dict[str, bytes] = {}
        for row in rows.values():
            if row["heldout"]:
                keys[row["text"]] = min(row["key"], keys.get(row["text"], row["key"]))
        named = {row["duplicate_of"] for row in rows.values() if row["reason"] == "near_heldout"}
        assert named
        assert named <= set(keys.values())
    assert found[0] == found[1]


def test_copies_of_a_heldout_text_are_one_document_in_a_large_cluster(tmp_path: Path) -> None:
    rows = verdicts(made(tmp_path, [text(1)] * 60, heldout=0.3, max_cluster=5))
    assert sum(row["heldout"] for row in rows) > 5
    assert [row["heldout"] for row in rows if row["kept"]] == [True]


# which copy stays


def copies() -> list[dict[str, Any]]:
    """Three near copies, of which each is the best by another rule, and two that are equal by every rule."""
    return [
        {"text": near(1, 2), "timestamp": 300},
        {"text": near(1, 3) + " and more words", "timestamp": 200},
        {"text": text(1), "timestamp": None},
        {"text": text(2), "timestamp": 5},
        {"text": text(2), "timestamp": 5},
    ]


@pytest.mark.parametrize(
    ("keep", "stays"),
    [("longest", "d1"), ("newest", "d0"), ("source_order", None), ("best:length.words", "d1")],
)
def test_the_copy_that_stays(tmp_path: Path, keep: str, stays: str | None) -> None:
    rows = verdicts(made(tmp_path, copies(), variant={"keep": keep}))
    first, second = rows[:3], rows[3:]
    smallest = min(first, key=lambda row: row["key"])["id"]
    assert kept(first) == [stays or smallest]
    assert kept(second) == [min(second, key=lambda row: row["key"])["id"]], "ties go to the smallest key"
    assert {row["duplicate_of"] for row in first if not row["kept"]} == {row["key"] for row in first if row["kept"]}


def test_the_source_that_is_named_first_wins(tmp_path: Path) -> None:
    names = {"a": [near(1), text(2)], "b": [text(1), text(3)], "c": [near(1, 2), text(3)]}
    paths = {name: write(tmp_path / f"{name}.jsonl", texts, name) for name, texts in names.items()}
    for order in itertools.permutations(names):
        fields = recipe([paths["a"]], {"keep": "source_order"}).plain()
        fields["sources"] = [{"name": name, "paths": [str(paths[name])]} for name in order]
        flow = run_plainly(type(recipe([paths["a"]])).model_validate(fields), tmp_path / "".join(order))
        expected = {f"{order[0]}0", "a1", f"{min('bc', key=order.index)}1"}
        assert set(kept(verdicts(flow))) == expected


# what must change nothing


@pytest.fixture(scope="module")
def mixed() -> list[str]:
    """Copies of all kinds, chains and short texts, in a mixed order."""
    texts = [*chain(30), *(text(seed) for seed in range(12)), *(near(seed) for seed in range(8)), "", "", "a b", "A, b"]
    texts += [text(seed) for seed in range(0, 12, 3)]
    return [texts[number] for number in np.random.default_rng(3).permutation(len(texts))]


SETTINGS = [{}, {"verify": "exact"}, {"verify": "none"}, {"max_cluster": 7}, {"normalized": True, "exact": False}]


@pytest.mark.parametrize("dedup", SETTINGS, ids=str)
@pytest.mark.parametrize("partitions", [1, 7, 64])
def test_partitions_change_no_byte(tmp_path: Path, mixed: list[str], dedup: dict[str, Any], partitions: int) -> None:
    flow = made(tmp_path / "flow", mixed, heldout=0.2, **dedup)
    assert manifest.read(flow.duplicates[""].folder).counts["matched.heldout"]
    place = search(DedupConfig(**dedup), flow.documents, tmp_path / "again", partitions=partitions)
    assert snapshot(Path(place.folder)) == snapshot(Path(flow.duplicates[""].folder))


@pytest.mark.parametrize("dedup", SETTINGS, ids=str)
def test_splits_and_the_order_of_files_change_no_decision(
    tmp_path: Path, mixed: list[str], dedup: dict[str, Any]
) -> None:
    paths = [write(tmp_path / f"{name}.jsonl", mixed[start::3], name) for start, name in enumerate("xyz")]
    expected = content(run_plainly(recipe(paths, heldout=0.1, **dedup), tmp_path / "first"))
    assert sum(row["cluster"] is not None for row in expected["duplicates"]) > 20
    for number, split_bytes in enumerate([3000, 2**28]):
        changed = recipe(paths[::-1], heldout=0.1, **dedup).model_copy(update={"split_bytes": split_bytes})
        assert content(run_plainly(changed, tmp_path / str(number))) == expected


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_workers_and_memory_change_no_byte(tmp_path: Path, mixed: list[str], workers: int) -> None:
    chosen = recipe([write(tmp_path / "in.jsonl", mixed)], heldout=0.2, verify="exact", max_cluster=7)
    run_plainly(chosen, tmp_path / "plain")
    run(chosen, tmp_path / "out", workers=workers, memory=30_000)
    assert snapshot(tmp_path / "out") == snapshot(tmp_path / "plain")
