"""What the search for near-duplicates finds of planted pairs whose similarity plain Python counted."""

import math
import os
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, islice, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from pipelines_harness import documents, run_plainly, sidecar

from benchmarks import planted, recall
from benchmarks.data import Corpus
from benchmarks.planted import EDITS, Planted
from corpuskit.dedup import DedupConfig
from corpuskit.recipe import Recipe

DATA = Path(os.environ.get("CORPUSKIT_TEST_DATA", "absent"))
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="CORPUSKIT_TEST_DATA names no folder")
STRANGE = re.compile("[^\\W\\da-zA-Z\u3400-\u9fff]|_")
"""Letters whose words `planted.WORD` may see differently, such as kana."""
CONFIGS = {
    "default": DedupConfig(),
    "auto": DedupConfig(threshold=0.8, bands="auto", rows="auto"),
    "few rows": DedupConfig(threshold=0.5, bands=30, rows=4),
}


# pairs of sets, through signing, banding, matching and verification


def few(pairs: int) -> Any:
    return pytest.param(pairs, id=f"{pairs} pairs", marks=() if pairs < 20_000 else pytest.mark.slow)


@pytest.mark.parametrize("pairs", [few(2000), few(20_000)])
@pytest.mark.parametrize("similar", recall.SIMILARITIES)
@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_recall_is_what_theory_says(config: DedupConfig, similar: float, pairs: int) -> None:
    made = recall.pairs_of_sets(similar, pairs, np.random.default_rng(round(100 * similar)))
    found, expected = recall.find(made, config), recall.expected(similar, config)
    for name, share in found.shares.items():
        error = math.sqrt(expected[name] * (1 - expected[name]) / pairs)
        assert abs(share - expected[name]) <= 0.01 + 2 * error, name
    assert found.strangers == {"none": found.strangers["none"], "signature": 0, "exact": 0}
    assert found.strangers["none"] <= pairs / 100


@pytest.mark.parametrize("similar", recall.SIMILARITIES)
def test_planted_sets_have_the_similarity_that_they_are_said_to_have(similar: float) -> None:
    for own, other in recall.pairs_of_sets(similar, 20, np.random.default_rng(1)).tolist():
        assert len({*own} & {*other}) / len({*own} | {*other}) == similar


def test_the_expected_share_is_what_drawing_signatures_gives() -> None:
    config, similar = DedupConfig(bands=4, rows=3, threshold=0.6), 0.65
    places = np.random.default_rng(2).random((200_000, 4, 3)) < similar
    band = places.all(axis=2).any(axis=1)
    enough = places.mean(axis=(1, 2), dtype=np.float32) >= np.float32(config.threshold)
    expected = recall.expected(similar, config)
    assert expected["none"] == pytest.approx(band.mean(), abs=0.005)
    assert expected["signature"] == pytest.approx((band & enough).mean(), abs=0.005)
    assert recall.expected(0.55, config)["exact"] == 0


# documents, through whole flows


@dataclass(frozen=True)
class Searched:
    """A finished search among originals and copies."""

    pairs: Sequence[Planted]
    clusters: list[list[tuple[int, bool]]]
    """The members of each cluster: the number of the pair, and whether it is the copy."""

    def together(self) -> set[int]:
        """The numbers of the pairs that were found."""
        return {members[0][0] for members in self.clusters if len({number for number, _ in members}) == 1}


def searched(pairs: Sequence[Planted], folder: Path, **config: Any) -> Searched:
    records = [{"id": f"{number}", "text": pair.original} for number, pair in enumerate(pairs)]
    records += [{"id": f"{number} copy", "text": pair.copy} for number, pair in enumerate(pairs)]
    found = clusters_of(records, folder, **config)
    named = [[(int(name.split()[0]), " " in name) for name in members] for members in found]
    return Searched(pairs, named)


def clusters_of(records: Sequence[dict[str, str]], folder: Path, **config: Any) -> list[list[str]]:
    """The ids of the members of each cluster that `corpuskit dedup` would find."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "in.jsonl").write_bytes(b"\n".join(map(orjson.dumps, records)))
    source = {"name": "planted", "paths": [str(folder / "in.jsonl")]}
    fields = {"name": "quality", "sources": [source], "heldout": {"share": 0}, "dedup": config}
    flow = run_plainly(Recipe(**fields, variants={"unique": {"deduplicate": True}}), folder / "out")
    rows = sidecar(flow.duplicates[""].folder, flow.documents.folder)
    members = defaultdict(list)
    for row, document in zip(rows, documents(flow.documents.folder), strict=True):
        if row["cluster"] is not None:
            members[row["cluster"]].append(document["id"])
    return list(members.values())


def planted_pairs(texts: Iterator[str], each: int) -> list[Planted]:
    """Pairs of every kind and similarity; `case` once, as it has one similarity only."""
    rng = np.random.default_rng(7)
    wanted = [(kind, similar) for kind in EDITS for similar in recall.SIMILARITIES if kind != "case"]
    wanted += [("case", 1.0)] * 4
    return [planted.plant(next(texts), kind, similar, rng) for kind, similar in wanted for _ in range(each)]


def check(found: Searched, verify: str) -> None:
    """Clusters are planted pairs above the threshold, and as many of them as theory says, by what was edited."""
    config = DedupConfig()
    assert found.clusters
    for members in found.clusters:
        assert len({number for number, _ in members}) == 1, "strangers in one cluster"
        if verify == "exact":
            assert np.float32(found.pairs[members[0][0]].similarity) >= np.float32(config.threshold)
    together = found.together()
    for kind in EDITS:
        numbers = [number for number, pair in enumerate(found.pairs) if pair.kind == kind]
        chances = np.array([recall.expected(found.pairs[number].similarity, config)[verify] for number in numbers])
        spread = 3 * math.sqrt((chances * (1 - chances)).sum())
        assert abs(len(together & {*numbers}) - chances.sum()) <= 0.01 * len(numbers) + spread, kind


def made_up(number: int) -> Iterator[str]:
    return iter(planted.texts(number, seed=5, words=(150, 250)))


@pytest.mark.parametrize("verify", recall.VERIFY)
def test_a_flow_finds_what_was_planted_in_made_up_texts(verify: str, tmp_path: Path) -> None:
    check(searched(planted_pairs(made_up(200), 3), tmp_path, verify=verify), verify)


@pytest.mark.slow
@pytest.mark.parametrize("verify", recall.VERIFY)
def test_a_flow_finds_what_was_planted_in_many_made_up_texts(verify: str, tmp_path: Path) -> None:
    check(searched(planted_pairs(made_up(2000), 40), tmp_path, verify=verify), verify)


def test_a_large_family_of_copies_is_one_cluster(tmp_path: Path) -> None:
    """Not all of its pairs are compared: more documents share each band than have places in a window."""
    original = planted.texts(1, seed=9, words=(250, 250))[0]
    rng = np.random.default_rng(4)
    copies = [planted.plant(original, "words", 0.9, rng).copy for _ in range(80)]
    records = [{"id": f"{number}", "text": text} for number, text in enumerate([original, *copies])]
    assert [len(members) for members in clusters_of(records, tmp_path)] == [81]


@pytest.mark.parametrize("number", [300, pytest.param(1500, marks=pytest.mark.slow)], ids=str)
def test_copies_that_are_similar_to_their_original_alone_find_it(number: int, tmp_path: Path) -> None:
    """As many of them as share a band with it, though most buckets have no room to compare all with all."""
    original = planted.texts(1, seed=9, words=(250, 250))[0]
    rng = np.random.default_rng(4)
    copies = [planted.plant(original, "words", 0.8, rng) for _ in range(number)]
    assert np.mean([planted.jaccard(one.copy, other.copy) for one, other in pairwise(copies)]) < 0.68
    records = [
        {"id": f"{number}", "text": text} for number, text in enumerate([original, *(one.copy for one in copies)])
    ]
    clusters = clusters_of(records, tmp_path, verify="exact", max_cluster=10_000)
    found = next(members for members in clusters if "0" in members)
    assert (len(found) - 1) / number > recall.expected(0.8, DedupConfig())["exact"] - 0.05


def real(name: str) -> Iterator[str]:
    """Texts of 150 words or more in which all agree what a word is, and which share hardly a shingle."""
    seen: set[tuple[str, ...]] = set()
    for record in Corpus(name, str(DATA / "text" / name / f"{name}.jsonl.zst")).records():
        text = "".join(planted.PIECE.findall(record["text"][:3000])[:300])
        shingles = planted.shingle_set(text)
        if STRANGE.search(text) or len(shingles) < 150 or len(shingles & seen) > 5:
            continue
        seen |= shingles
        yield text


@needs_data
@pytest.mark.slow
@pytest.mark.parametrize("verify", recall.VERIFY)
@pytest.mark.parametrize("name", ["imdb_unsup", "zh_modern"])
def test_a_flow_finds_what_was_planted_in_real_texts(name: str, verify: str, tmp_path: Path) -> None:
    check(searched(planted_pairs(real(name), 10), tmp_path, verify=verify), verify)


@needs_data
@pytest.mark.parametrize("size", [100, 1000, 2500])
def test_all_pairs_of_articles_are_found_and_no_others(size: int, tmp_path: Path) -> None:
    folder = DATA / "dups" / "minhash_articles"
    lines = (folder / f"articles_{size}.train").read_text().splitlines()
    records = [dict(zip(("id", "text"), line.split(" ", 1), strict=True)) for line in lines]
    truth = {frozenset(line.split()) for line in (folder / f"articles_{size}.truth").read_text().splitlines()}
    assert {frozenset(members) for members in clusters_of(records, tmp_path)} == truth
    texts = {record["id"]: record["text"] for record in records}
    assert min(planted.jaccard(*(texts[name] for name in pair)) for pair in truth) > 0.9


# the planting itself


@pytest.mark.parametrize("similar", recall.SIMILARITIES)
@pytest.mark.parametrize("kind", EDITS)
def test_a_copy_is_about_as_similar_as_it_should_be(kind: str, similar: float) -> None:
    for text in planted.texts(3, seed=1, words=(200, 300)):
        pair = planted.plant(text, kind, similar, np.random.default_rng(3))
        assert pair.similarity == planted.jaccard(pair.original, pair.copy)
        assert pair.similarity == (1 if kind == "case" else pytest.approx(similar, abs=0.02))
        assert pair.copy != pair.original == text


def test_made_up_texts_are_no_duplicates_of_one_another() -> None:
    texts = planted.texts(40, seed=2)
    assert texts == planted.texts(40, seed=2)
    assert max(planted.jaccard(*pair) for pair in islice(combinations(texts, 2), 500)) < 0.1
