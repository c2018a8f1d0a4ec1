"""What `inspect` shows of duplicates, and what `explain` says of the document that another is a copy of."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from cli_harness import call
from hypothesis import given
from hypothesis import strategies as st
from near_copies import chain, groups, jaccard, joined, kept, made, near, text, verdicts

from corpuskit.corpus import Corpus
from corpuskit.dedup import DedupConfig
from corpuskit.workflow.alike import search_of, true_similarity
from corpuskit.workflow.flow import Flow
from corpuskit.workflow.inspecting.duplicate_views import duplicate_views
from corpuskit.workflow.inspecting.side_by_side import MOST_PLACES, side_by_side

TEXTS = [*chain(25), text(1), text(1), near(1), text(2), near(2), text(3), text(4), text(4)]


@pytest.fixture(scope="module")
def april(tmp_path_factory: pytest.TempPathFactory) -> Flow:
    return made(tmp_path_factory.mktemp("april"), [near(3), text(8)], "a")


@pytest.fixture(scope="module")
def flow(april: Flow, tmp_path_factory: pytest.TempPathFactory) -> Flow:
    return made(tmp_path_factory.mktemp("may"), TEXTS, against={"april": april.out}, max_cluster=10)


def test_clusters_are_counted_by_size(flow: Flow) -> None:
    (view,) = duplicate_views(Corpus(flow.out))
    sizes = sorted(map(len, groups(joined(flow, flow.duplicates[""]))))
    assert view.sizes is not None
    low, high = view.sizes.edges[:-1], view.sizes.edges[1:]
    expected = [sum(first <= size < last for size in sizes) for first, last in zip(low, high, strict=True)]
    assert view.sizes.counts.tolist() == expected
    assert sum(expected) == len(sizes)
    assert expected[-1] > 0
    assert f"{sum(sizes):,} documents of 33 are in {len(sizes)} clusters; the largest has {sizes[-1]}." in view.summary
    assert "1 cluster of more members than max_cluster allows, 25 documents together, was split into " in view.summary


def test_the_largest_clusters_come_with_members_and_the_beginning_of_one(flow: Flow) -> None:
    (view,) = duplicate_views(Corpus(flow.out))
    rows = {row["id"]: row for row in joined(flow, flow.duplicates[""])}
    found = groups(list(rows.values()))
    assert [sample.title for sample in view.clusters] == [
        f"{size} documents" for size in sorted(map(len, found), reverse=True)[:10]
    ]
    for sample in view.clusters:
        facts = dict(sample.facts)
        first, second = facts["such as"].split(", ")
        assert rows[first]["cluster"] == rows[second]["cluster"]
        assert rows[first]["cluster"].hex().startswith(facts["cluster"])
        assert rows[first]["text"].startswith(sample.pieces[0][0][:200])


def test_pairs_are_of_a_copy_and_of_what_stays_instead(flow: Flow) -> None:
    (view,) = duplicate_views(Corpus(flow.out))
    rows = {row["id"]: row for row in verdicts(flow)}
    assert view.kept_by == "unique"
    assert len(view.pairs) == 3
    for pair in view.pairs:
        facts = dict(pair.facts)
        stays, gone = (rows[facts[name].removesuffix(" (s)")] for name in ("kept", "left out"))
        assert (stays["kept"], gone["reason"], gone["duplicate_of"]) == (True, "duplicate", stays["key"])
        assert float(facts["Jaccard similarity of shingles"]) == pytest.approx(
            jaccard(stays["text"], gone["text"]), abs=1e-3
        )
        assert pair.rows
        for left, right in pair.rows:
            assert "".join(piece for piece, _ in left) in stays["text"]
            assert "".join(piece for piece, _ in right) in gone["text"]


def test_the_page_shows_them_and_a_corpus_without_duplicates_has_no_such_part(flow: Flow, tmp_path: Path) -> None:
    pytest.importorskip("vl_convert")
    assert call("inspect", flow.out, "--html", tmp_path / "page.html").code == 0
    page = (tmp_path / "page.html").read_text()
    assert '<section id="duplicates">' in page
    assert page.count('class="beside"') == 3
    assert "Clusters by size (duplicates)" in page
    alone = made(tmp_path, [text(1), text(2)])
    assert duplicate_views(Corpus(alone.out)) == ()
    assert call("inspect", alone.out, "--html", tmp_path / "alone.html").code == 0
    assert 'id="duplicates"' not in (tmp_path / "alone.html").read_text()


def test_documents_of_one_url_have_a_part_of_their_own(tmp_path: Path) -> None:
    texts = [{"text": text(number), "url": f"http://example.org/{number % 2}"} for number in range(5)]
    flow = made(tmp_path, texts, urls=True, variant={"deduplicate_urls": True})
    (view,) = duplicate_views(Corpus(flow.out))
    assert view.title == "Documents of one URL"
    assert [sample.title for sample in view.clusters] == ["3 documents", "2 documents"]
    assert len(view.pairs) == 3
    assert all([name for name, _ in pair.facts] == ["kept", "left out"] for pair in view.pairs)


WORDY = st.lists(st.sampled_from(["a", "b", "and", " ", ",", "\n", "中", "文"]), max_size=60).map("".join)


@given(WORDY, WORDY)
def test_what_is_not_marked_is_in_both_texts(left: str, right: str) -> None:
    rows = side_by_side(left, right)
    assert bool(rows) == (left != right)
    for ours, theirs in rows[:MOST_PLACES]:
        assert "".join(piece for piece, _ in ours) in left
        assert "".join(piece for piece, _ in theirs) in right
        assert [piece for piece, marked in ours if not marked] == [piece for piece, marked in theirs if not marked]
        assert any(marked for _, marked in (*ours, *theirs))


def test_many_places_are_cut_off() -> None:
    words = [str(number) for number in range(2000)]
    changed = [word if number % 40 else f"x{word}" for number, word in enumerate(words)]
    rows = side_by_side(" ".join(words), " ".join(changed))
    assert len(rows) == MOST_PLACES + 1
    assert rows[-1] == ((("… and 42 more places", False),), ())


@given(st.lists(st.sampled_from("abcd"), max_size=12), st.lists(st.sampled_from("abcd"), max_size=12))
def test_the_true_similarity_is_that_of_sets(left: list[str], right: list[str]) -> None:
    sets = [{tuple(words[i : i + 2]) for i in range(max(len(words) - 1, len(words) and 1))} for words in (left, right)]
    union = sets[0] | sets[1]
    expected = len(sets[0] & sets[1]) / len(union) if union else 0.0
    assert true_similarity(" ".join(left), " ".join(right), DedupConfig(ngram=2)) == pytest.approx(expected)


# explain


def explained(flow: Flow, id: str) -> dict[str, Any]:
    ended = call("explain", flow.out, id, "--json")
    assert ended.code == 0, ended.err
    found: dict[str, Any] = json.loads(ended.out)["variants"]["unique"]
    return found


def test_a_copy_names_what_stays_instead_and_the_true_similarity(flow: Flow) -> None:
    rows = {row["id"]: row for row in verdicts(flow)}
    keys = {row["key"]: row for row in rows.values()}
    for row in rows.values():
        copy = explained(flow, row["id"])["copy"]
        if row["reason"] != "duplicate":
            assert copy is None or row["reason"] == "against.april"
            continue
        stays = keys[row["duplicate_of"]]
        assert (copy["id"], copy["key"], copy["corpus"]) == (stays["id"], stays["key"].hex(), "")
        assert copy["jaccard"] == pytest.approx(jaccard(row["text"], stays["text"]), abs=1e-4)
        assert copy["similarity"] is None
        assert stays["text"].startswith(copy["excerpt"][:200])


def test_a_copy_of_another_corpus_names_that_and_its_document(april: Flow, flow: Flow) -> None:
    (id,) = (row["id"] for row in verdicts(flow) if row["reason"] == "against.april")
    copy = explained(flow, id)["copy"]
    (other,) = (row for row in verdicts(april) if row["id"] == "a0")
    assert (copy["corpus"], copy["folder"], copy["id"], copy["key"]) == ("april", april.out, "a0", other["key"].hex())
    assert copy["jaccard"] == pytest.approx(jaccard(text(3), near(3)), abs=1e-4)
    assert copy["similarity"] == pytest.approx(copy["jaccard"], abs=0.15)
    (rule,) = explained(flow, id)["rules"]
    assert (rule["rule"], rule["value"], rule["condition"]) == ("against.april", copy["similarity"], "below 0.7")
    said = call("explain", flow.out, id).out
    assert f"a copy of a0 of april ({april.out})" in said
    assert "(estimated), " in said
    assert id not in kept(verdicts(flow))


def test_a_reference_without_its_documents_is_named_all_the_same(tmp_path: Path, april: Flow) -> None:
    copied = shutil.copytree(april.out, tmp_path / "april")
    flow = made(tmp_path, [text(3)], against={"april": str(copied)})
    shutil.rmtree(next(copied.glob("documents-*")))
    copy = explained(flow, "d0")["copy"]
    assert (copy["corpus"], copy["id"], copy["place"], copy["jaccard"]) == ("april", None, None, None)
    assert copy["similarity"] > 0.7
    said = call("explain", flow.out, "d0").out
    assert f"a copy of a document of april ({copied}) that is not there, key {copy['key']}" in said


def test_the_settings_of_a_search_are_those_of_the_recipe(flow: Flow) -> None:
    assert search_of(Corpus(flow.out)) == flow.recipe.dedup
