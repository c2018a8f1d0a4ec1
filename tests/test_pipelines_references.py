"""Duplicates of other prepared corpora, such as earlier crawls, found by their signatures alone."""

import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from near_copies import chain, clusters, groups, jaccard, kept, made, near, recipe, text, verdicts, write
from pipelines_harness import Rows, run, run_plainly, search, snapshot

from corpuskit import manifest
from corpuskit.dedup import DedupConfig
from corpuskit.documents import read_documents
from corpuskit.errors import InputError, RecipeError
from corpuskit.recipe.load import build
from corpuskit.workflow.flow import Flow
from corpuskit.workflow.plan import plan

OLD = [text(1), text(2), near(3), "", "one two", *chain(8)]
NEW = [text(2), text(9), near(1), text(3), "", "One, two!", "three", text(9), near(1), chain(12)[11], near(1, 6)]
"""Equal to an old text; alone; near copies; empty; short; a copy within; and the end of a chain that began there."""
MATCHED = {"d0": "a1", "d2": "a0", "d3": "a2", "d4": "a3", "d5": "a4", "d8": "a0", "d10": "a0"}
ALONE = {"d1", "d6", "d7", "d9"}


@pytest.fixture(scope="module")
def april(tmp_path_factory: pytest.TempPathFactory) -> Flow:
    """An earlier corpus; nobody may read its texts."""
    flow = made(tmp_path_factory.mktemp("april"), OLD, "a")
    shutil.move(flow.documents.folder, f"{flow.out}-documents")
    return flow


@pytest.fixture(scope="module")
def may(april: Flow, tmp_path_factory: pytest.TempPathFactory) -> Flow:
    return made(tmp_path_factory.mktemp("may"), NEW, against={"april": april.out})


def old_keys(april: Flow) -> dict[bytes, str]:
    """The ids of the earlier corpus's documents by key."""
    rows = [row for batch in read_documents(f"{april.out}-documents") for row in batch.to_pylist()]
    return {row["key"]: row["id"] for row in rows}


def expected_matches(rows: Rows, april: Flow) -> None:
    """Check the columns of the sidecar: what each document is most similar to in the earlier corpus."""
    ids = old_keys(april)
    assert {row["id"]: ids[row["april.key"]] for row in rows if row["april.key"]} == MATCHED
    for row in rows:
        if row["id"] in MATCHED:
            other = OLD[int(MATCHED[row["id"]][1:])]
            close = jaccard(row["text"], other) if len(other) > 20 else 1.0
            assert row["april.similarity"] == pytest.approx(close, abs=0.12)
        else:
            assert (row["april.key"], row["april.similarity"]) == (None, None)


def test_documents_know_their_nearest_in_an_earlier_corpus(april: Flow, may: Flow) -> None:
    rows = clusters(may)
    expected_matches(rows, april)
    assert groups(rows) == {frozenset({"d1", "d7"}), frozenset({"d2", "d8", "d10"})}, (
        "clusters are of this corpus alone"
    )
    counts = manifest.read(may.duplicates[""].folder).counts
    assert counts["matched.april"] == len(MATCHED)


def test_verdicts_name_the_corpus_the_document_and_the_similarity(april: Flow, may: Flow) -> None:
    rows, found, ids = verdicts(may), clusters(may), old_keys(april)
    for row, match in zip(rows, found, strict=True):
        if row["id"] in MATCHED:
            assert (row["kept"], row["reason"], row["failed"]) == (False, "against.april", ["against.april"])
            assert ids[row["duplicate_of"]] == MATCHED[row["id"]]
            assert row["value"] == match["april.similarity"]
            assert row["threshold"] == pytest.approx(0.7)
            assert row["value"] > row["threshold"]
        else:
            assert row["reason"] in (None, "duplicate")
    staying = kept(rows)
    assert len(staying) == len(ALONE) - 1
    assert set(staying) < ALONE
    assert manifest.read(may.variants["unique"].folder).counts["dropped.against.april"] == len(MATCHED)


def test_two_crawls_one_after_the_other_keep_what_one_search_over_both_would(april: Flow, may: Flow) -> None:
    old = [{"text": one, "id": f"a{number}"} for number, one in enumerate(OLD)]
    new = [{"text": one, "id": f"d{number}"} for number, one in enumerate(NEW)]
    together = {row["id"]: row["cluster"] for row in clusters(made(Path(april.out).parent / "both", [*old, *new]))}
    seen = {cluster for id, cluster in together.items() if cluster and id.startswith("a")}
    expected = {id for id, cluster in together.items() if id.startswith("d") and cluster not in seen}
    assert expected == ALONE
    assert set(kept(verdicts(may))) == expected - {max("d1", "d7", key=lambda id: rows_of(may)[id]["key"])}


def rows_of(flow: Flow) -> dict[str, Any]:
    return {row["id"]: row for row in verdicts(flow)}


@pytest.mark.parametrize(
    ("against", "dropped"),
    [
        ("all", {"against.april"}),
        (["march"], {"against.march"}),
        (["april"], {"against.april"}),
        ([], set()),
    ],
    ids=str,
)
def test_a_variant_says_whose_duplicates_it_drops(tmp_path: Path, april: Flow, against: Any, dropped: set[str]) -> None:
    march = made(tmp_path / "march", [text(3), text(2)], "m")
    references = {"april": april.out, "march": march.out}
    flow = made(tmp_path / "may", NEW, against=references, variant={"against": against})
    rows = {row["id"]: row for row in verdicts(flow)}
    assert {row["reason"] for row in rows.values()} - {None, "duplicate"} == dropped
    if against == "all":
        assert rows["d0"]["failed"] == ["against.april", "against.march"]
        assert rows["d2"]["failed"] == ["against.april"]
    if against == ["march"]:
        assert {id for id, row in rows.items() if row["reason"] == "against.march"} == {"d0", "d3"}


def test_the_order_of_references_changes_nothing(tmp_path: Path, april: Flow) -> None:
    march = made(tmp_path / "march", [text(3), text(2)], "m")
    one = made(tmp_path / "may", NEW, against={"april": april.out, "march": march.out})
    other = made(tmp_path / "again", NEW, against={"march": march.out, "april": april.out})
    assert verdicts(one) == verdicts(other)
    assert [dict(sorted(row.items())) for row in clusters(one)] == [
        dict(sorted(row.items())) for row in clusters(other)
    ]


@pytest.mark.parametrize("partitions", [1, 7, 64])
@pytest.mark.parametrize("verify", ["none", "signature", "exact"])
def test_partitions_change_no_byte(tmp_path: Path, april: Flow, verify: str, partitions: int) -> None:
    config = {"against": {"april": april.out}, "verify": verify, "ngram": 5}
    flow = made(tmp_path / "may", NEW, **config)
    expected_matches(clusters(flow), april)
    options = {"references": flow.references, "partitions": partitions}
    place = search(DedupConfig(**config), flow.documents, tmp_path / "again", **options)
    assert snapshot(Path(place.folder)) == snapshot(Path(flow.duplicates[""].folder))


def test_splits_and_workers_change_no_decision(tmp_path: Path, april: Flow, may: Flow) -> None:
    chosen = recipe([tmp_path / "in.jsonl"], against={"april": april.out})
    write(tmp_path / "in.jsonl", NEW)
    small = run(chosen.model_copy(update={"split_bytes": 900}), tmp_path / "small", workers=2)
    assert len(manifest.read(small.documents.folder).parts) > 4
    assert clusters(small) == clusters(may)
    assert verdicts(small) == verdicts(may)


def test_the_folder_of_signatures_is_a_reference_too(tmp_path: Path, april: Flow, may: Flow) -> None:
    flow = made(tmp_path, NEW, against={"april": april.signatures[""].folder})
    assert clusters(flow) == clusters(may)
    copied = shutil.copytree(april.signatures[""].folder, tmp_path / "moved")
    again = Flow(recipe([tmp_path / "in.jsonl"], against={"april": str(copied)}), flow.out)
    assert again.duplicates[""].fingerprint == flow.duplicates[""].fingerprint


def test_a_text_near_a_heldout_one_of_an_earlier_corpus_is_dropped(tmp_path: Path) -> None:
    before = made(tmp_path / "april", [text(seed) for seed in range(40)], "a", heldout=0.3)
    held = {row["id"] for row in verdicts(before) if row["heldout"]}
    assert 5 < len(held) < 30
    after = made(tmp_path / "may", [near(seed) for seed in range(40)], heldout=0.3, against={"april": before.out})
    assert kept(verdicts(after)) == []


def test_variants_with_a_text_of_their_own_are_compared_too(tmp_path: Path, april: Flow) -> None:
    spaced = [one.replace(" ", "   ") for one in NEW]
    flow = made(tmp_path, spaced, against={"april": april.out}, variant={"clean": ["whitespace"]})
    assert set(flow.duplicates) == {"", "@unique"} or len(flow.duplicates) == 2
    reasons = {row["id"]: row["reason"] for row in verdicts(flow)}
    assert {id for id, reason in reasons.items() if reason == "against.april"} == set(MATCHED)


def test_equally_similar_documents_of_a_reference_give_the_first(tmp_path: Path) -> None:
    before = made(tmp_path / "april", [near(1), near(1), near(1)], "a")
    rows = clusters(made(tmp_path / "may", [text(1)], against={"april": before.out}))
    keys = [row["key"] for row in verdicts(before)]
    assert rows[0]["april.key"] in keys


# what is refused


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("ngram", 4),
        ("unit", "characters"),
        ("lower_case", False),
        ("seed", 5),
        ("normalized", True),
        ("minhash", False),
        ("bands", 10),
    ],
)
def test_signatures_of_other_settings_are_refused_by_the_field_that_differs(
    tmp_path: Path, april: Flow, field: str, value: Any
) -> None:
    named = f"{field}: {april_value(field)}, expected {value}"
    if field == "bands":
        named = "bands and rows here make 80: give bands and rows whose product is 112 (28 x 4, 16 x 7, 14 x 8)"
    with pytest.raises(InputError, match=re.escape(named)) as refused:
        made(tmp_path, NEW, against={"april": april.out}, **{field: value})
    assert str(refused.value).startswith("dedup.against.april: the signatures of ")
    assert not (tmp_path / "out").exists(), "refused before anything is read"


def april_value(field: str) -> Any:
    return getattr(DedupConfig(), field)


@pytest.mark.parametrize("changes", [{"threshold": 0.9}, {"verify": "exact"}, {"max_cluster": 5}, {"exact": False}])
def test_settings_that_sign_nothing_may_differ(tmp_path: Path, april: Flow, changes: Mapping[str, Any]) -> None:
    rows = verdicts(made(tmp_path, NEW, against={"april": april.out}, **changes))
    assert {row["id"]: row["reason"] for row in rows}["d0"] == "against.april"


def test_what_is_no_reference_is_refused(tmp_path: Path, april: Flow) -> None:
    unsigned = build({**recipe([write(tmp_path / "in.jsonl", NEW)]).plain(), "dedup": None, "variants": {"all": {}}})
    run_plainly(unsigned, tmp_path / "unsigned")
    wrong = {
        str(tmp_path / "nowhere"): "is neither a prepared corpus nor its folder of signatures",
        april.variants["unique"].folder: "is neither a prepared corpus nor its folder of signatures",
        str(tmp_path / "unsigned"): "has no signatures; run its recipe again with `dedup`",
    }
    for folder, message in wrong.items():
        with pytest.raises(InputError, match=message):
            Flow(recipe([tmp_path / "in.jsonl"], against={"april": folder}), str(tmp_path / "out")).references  # noqa: B018
    with pytest.raises(RecipeError, match=r"variants\.unique\.against\[1\].*'apirl'; did you mean 'april'"):
        recipe([tmp_path / "in.jsonl"], {"against": ["april", "apirl"]}, against={"april": april.out})


def test_a_corpus_is_no_reference_of_itself(tmp_path: Path) -> None:
    flow = made(tmp_path, NEW)
    for folder in (flow.out, shutil.copytree(flow.out, tmp_path / "copy")):
        again = recipe([tmp_path / "in.jsonl"], against={"me": str(folder)})
        with pytest.raises(InputError, match="has the same documents as this corpus: all would be duplicates"):
            run_plainly(again, Path(flow.out))


def test_signatures_of_another_revision_are_refused(tmp_path: Path, april: Flow, monkeypatch: Any) -> None:
    from pipelines import signatures

    monkeypatch.setattr(signatures, "REVISION", signatures.REVISION + 1)
    with pytest.raises(InputError, match="were made by another corpuskit; run its recipe again"):
        made(tmp_path, NEW, against={"april": april.out})


def test_a_changed_reference_is_compared_again(tmp_path: Path) -> None:
    before = made(tmp_path / "april", [text(1)], "a")
    flow = made(tmp_path / "may", NEW, against={"april": before.out})
    lines = {line.kind: line.action for line in plan(Flow(flow.recipe, flow.out))}
    assert set(lines.values()) == {"skip"}
    made(tmp_path / "april", [text(1), text(9)], "a")
    changed = {line.kind: line for line in plan(Flow(flow.recipe, flow.out))}
    assert {kind for kind, line in changed.items() if line.action == "run"} == {"duplicates", "variant"}
    assert "against.april" in changed["duplicates"].changes[0]
    after = run_plainly(flow.recipe, Path(flow.out))
    assert not {"d1", "d7"} & set(kept(verdicts(after)))


def test_similarities_are_shares_of_equal_places(april: Flow, may: Flow) -> None:
    found = np.array([row["april.similarity"] for row in clusters(may) if row["april.similarity"]])
    assert np.allclose(found * 112, np.round(found * 112), atol=1e-3)
