"""Planted items through a whole run: signals, dropped, cut, and the report of what is left in which variant."""

import json
import random
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from pipelines_harness import Plainly, command, documents, run, run_plainly, sidecar, snapshot

from corpuskit import manifest
from corpuskit.corpus import Corpus
from corpuskit.recipe import Recipe
from corpuskit.recipe.load import build
from corpuskit.workflow import contamination
from corpuskit.workflow.explaining import evidence_text, the_one
from corpuskit.workflow.flow import Flow
from corpuskit.workflow.summary import cleaning, drops
from pipelines.contamination import FOUND, REPORT
from pipelines.engine import Engine, EngineOptions

ENGLISH = (
    "In 1998 the committee decided, after long debate, that no further ships should be built on the northern coast "
    "until the two harbours had been dredged and the old lighthouse was repaired."
)
CHINESE = "一九九八年，委员会经过长时间的辩论后决定，在两个港口疏浚完毕之前，北部海岸不再建造任何船只。"
SHORT = "The quick brown fox jumps"
WORDS = "garden window letter market engine signal bridge harbour forest village teacher winter".split()  # noqa: SIM905
HALF = " ".join(ENGLISH.split()[:18])
"""6 of the 19 13-grams."""
PLANTED = {
    "whole": f"Before it. {ENGLISH} After it.",
    "loud": f"Before it.\n{ENGLISH.upper().replace(',', ' —')}\nAfter it.",
    "chinese": f"前面的话。{CHINESE}后面的话。",
    "short": f"So it was: “{SHORT}”, he said.",
    "both": f"{ENGLISH} {CHINESE}",
    "half": f"Before it. {HALF} and after it.",
    "none": "",
    **{f"other{number}": f"Also this one, number {number}: {SHORT}." for number in range(12)},
}
FOUND_IN = {*PLANTED} - {"half", "none"}


def corpus_file(folder: Path) -> Path:
    generator = random.Random(1)
    rows = [{"id": f"plain{number}", "text": " ".join(generator.choices(WORDS, k=60))} for number in range(40)]
    rows[3:3] = [{"id": name, "text": text} for name, text in PLANTED.items()]
    return write(folder / "in.jsonl", "".join(json.dumps(row) + "\n" for row in rows))


def write(path: Path, text: str) -> Path:
    """A file that is there stays: its time is part of fingerprints."""
    if not path.exists():
        path.write_text(text)
    return path


def recipe(folder: Path, **changes: Any) -> Recipe:
    lines = [json.dumps({"text": text}) + "\n" for text in (ENGLISH, CHINESE, SHORT, "too short")]
    items = write(folder / "items.jsonl", "".join(lines))
    more = write(folder / "more.txt", f"{ENGLISH}\nnothing like this is to be found anywhere\n")
    fields = {
        "name": "planted",
        "sources": [{"name": "in", "paths": [str(corpus_file(folder))]}],
        "split_bytes": 4000,
        "heldout": {"share": 0.25},
        "dedup": None,
        "tasks": {"order": {"kind": "order", "pairs": 20}},
        "decontaminate": {"references": {"bench": str(items), "more": str(more)}},
        "variants": {"raw": {}, "dropped": {"decontaminate": "drop"}, "cut": {"decontaminate": "cut"}},
    }
    return build(fields | changes)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("contamination")


@pytest.fixture(scope="module")
def flow(folder: Path) -> Flow:
    return run_plainly(recipe(folder), folder / "out")


@pytest.fixture(scope="module")
def report(flow: Flow) -> dict[str, Any]:
    with Engine(EngineOptions(workers=0)) as engine:
        return dict(contamination.measure_corpus(flow.out, engine).report)


def by_id(flow: Flow, rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {row["id"]: own for row, own in zip(documents(flow.documents.folder), rows, strict=True)}


def heldout(flow: Flow) -> set[str]:
    return {row["id"] for row in documents(flow.documents.folder) if row["heldout"]}


def test_signals(flow: Flow) -> None:
    found = by_id(flow, sidecar(flow.signals["contamination"].folder, flow.documents.folder))
    shares = {name: (row["contamination.bench"], row["contamination.bench_ngrams"]) for name, row in found.items()}
    n_english, n_chinese = len(ENGLISH.split()) - 12, len([c for c in CHINESE if c not in "，。"]) - 12
    assert shares["whole"] == shares["loud"] == (1.0, n_english)
    assert shares["chinese"] == (1.0, n_chinese)
    assert shares["both"] == (1.0, n_english + n_chinese)
    assert shares["short"] == (1.0, 1)
    assert shares["half"] == (pytest.approx(6 / n_english), 6)
    assert shares["none"] == shares["plain7"] == (0.0, 0)
    assert found["whole"]["contamination.more"] == 1.0
    assert found["chinese"]["contamination.more"] == 0.0
    assert found["whole"]["contamination.order"] == 0.0


def test_dropped_documents_have_rule_value_and_threshold(flow: Flow) -> None:
    found = by_id(flow, sidecar(flow.variants["dropped"].folder, flow.documents.folder))
    dropped = {name: row for name, row in found.items() if not row["kept"]}
    assert set(dropped) == FOUND_IN
    row = dropped["whole"]
    assert (row["reason"], row["value"], row["threshold"]) == ("contamination.bench:max", 1.0, 0.5)
    assert row["failed"] == ["contamination.bench:max", "contamination.more:max"]
    kept = by_id(flow, sidecar(flow.variants["raw"].folder, flow.documents.folder))
    assert all(row["kept"] for row in kept.values())


def test_items_are_cut_from_training_text_alone(flow: Flow) -> None:
    rows = {row["id"]: row["text"] for row in documents(flow.text_of("cut").documents.folder)}
    given = {row["id"]: row["text"] for row in documents(flow.documents.folder)}
    changed = {name for name in given if rows[name] != given[name]}
    assert changed == FOUND_IN - heldout(flow)
    assert FOUND_IN & heldout(flow), "else nothing shows that held-out documents keep their text"
    expected = {
        "whole": "Before it. After it.",
        "loud": "Before it.\n\nAfter it.",
        "chinese": "前面的话。后面的话。",
        "short": "So it was: “he said.",
        "both": "",
        **{f"other{number}": f"Also this one, number {number}: " for number in range(12)},
    }
    assert {name: rows[name] for name in changed} == {name: expected[name] for name in changed}
    counts = cleaning(Corpus(flow.out))["cut"]
    assert counts["changed documents"] == len(changed)


def test_the_report_says_what_is_left_where(flow: Flow, report: dict[str, Any]) -> None:
    training = FOUND_IN - heldout(flow)
    assert report["sets"] == {
        "bench": {"items": 4, "too_short": 1},
        "more": {"items": 2, "too_short": 0},
        "order": {"items": 20, "too_short": report["sets"]["order"]["too_short"]},
    }
    raw = report["variants"]["raw"]
    assert raw["documents"] == len(documents(flow.documents.folder)) - len(heldout(flow))
    assert raw["sets"]["bench"]["documents_contaminated"] == len(training)
    assert raw["sets"]["bench"]["documents_touched"] == len(training | ({"half"} - heldout(flow)))
    assert raw["sets"]["bench"]["items_found"] == 3
    assert raw["sets"]["more"]["items_found"] == raw["sets"]["more"]["items_touched"] == 1
    for variant in ("cut", "dropped"):
        assert report["variants"][variant]["sets"]["bench"]["items_found"] == 0
        touched = report["variants"][variant]["sets"]["bench"]["items_touched"]
        assert touched == int("half" not in heldout(flow)), "half of an item is not too much of it"


def test_each_match_names_item_document_and_overlap(flow: Flow, report: dict[str, Any]) -> None:
    matches = {(row["variant"], row["set"], row["item"]): row for row in report["matches"]}
    assert {key for key in matches if key[0] == "raw"} == {("raw", "bench", item) for item in range(3)} | {
        ("raw", "more", 0)
    }
    short, n_heldout = (
        matches["raw", "bench", 2],
        len([name for name in heldout(flow) if SHORT in PLANTED.get(name, "")]),
    )
    expected = {"text": SHORT, "words": 5, "ngrams": 1, "shared": 1, "share": 1.0, "documents": 13 - n_heldout}
    assert {name: short[name] for name in expected} == expected
    keys = {row["id"]: row["key"].hex() for row in documents(flow.documents.folder)}
    assert short["key"] == keys[short["id"]]
    english = matches["raw", "bench", 0]
    holders = {"whole", "loud", "both"} - heldout(flow)
    assert english["contaminated"] == len(holders)
    assert english["key"] == min(keys[name] for name in holders), "of equal shares the smallest key"


def test_the_report_is_an_artifact_of_the_corpus(flow: Flow, report: dict[str, Any]) -> None:
    folder = Corpus(flow.out).artifact("contamination", "contamination")
    assert manifest.verify(folder) == 2
    rows = pq.read_table(Path(folder, FOUND)).to_pylist()
    assert len(rows) == len(report["matches"])
    assert json.loads(Path(folder, REPORT).read_text()) == report
    with Engine(EngineOptions(workers=0)) as engine:
        assert contamination.measure_corpus(flow.out, engine).folder == folder
    flow.record()
    assert Corpus(flow.out).artifact("contamination", "contamination") == folder, "a later run keeps it"


@pytest.mark.parametrize("changes", [{"split_bytes": 100_000}, {"split_bytes": 1500}])
def test_splits_decide_nothing(folder: Path, report: dict[str, Any], tmp_path: Path, changes: dict[str, Any]) -> None:
    other = run_plainly(recipe(folder, **changes), tmp_path / "out")
    with Engine(EngineOptions(workers=0)) as engine:
        assert contamination.measure_corpus(other.out, engine).report == report


def test_workers_give_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    found = []
    for workers in (1, 2):
        flow = run(recipe(folder), tmp_path / str(workers), workers=workers)
        with Engine(EngineOptions(workers=workers)) as engine:
            contamination.measure_corpus(flow.out, engine)
        found.append(snapshot(Path(flow.out)))
    assert found[0].keys() == found[1].keys()
    data = {name for name in found[0] if not name.endswith("manifest.json")}
    assert {name for name in data if found[0][name] != found[1][name]} == set()


def test_the_funnel_names_the_rule(flow: Flow) -> None:
    reasons = [entry["reason"] for entry in drops(Corpus(flow.out))["dropped"]]
    assert reasons == ["contamination.bench:max"]


def test_warnings_and_tables(report: dict[str, Any]) -> None:
    lines = contamination.warnings(report)
    assert len(lines) == 2
    assert contamination.warnings(None)[0].startswith("the recipe has no tasks and no references")
    assert lines[0].startswith("variant raw: 3 of 4 items of bench are in its training text, in ")
    counts, matches = contamination.tables(report)
    assert len(counts.rows) == 9
    assert len(matches.rows) == len(report["matches"])


def test_a_change_of_the_items_is_another_search_and_only_what_reads_it_runs_again(flow: Flow, folder: Path) -> None:
    (folder / "more.txt").write_text("one quite different item for the same set\n")
    changed = Flow(build(flow.recipe.plain()), flow.out)
    try:
        assert changed.documents.done
        assert changed.variants["raw"].done
        assert not changed.signals["contamination"].done
        assert not changed.variants["dropped"].done
        assert not changed.text_of("cut").documents.done
    finally:
        (folder / "more.txt").write_text(f"{ENGLISH}\nnothing like this is to be found anywhere\n")


def test_the_command(flow: Flow, report: dict[str, Any], tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    ended = command("contamination", flow.out, "--json", "--html", page, "--workers", 1)
    out, err = ended.communicate(timeout=120)
    assert ended.returncode == 0, err
    found = json.loads(out)
    assert found["matches"] == report["matches"]
    assert found["html"] == str(page)
    text = page.read_text()
    assert "Evaluation items in the training text" in text
    assert "一九九八年" in text
    ended = command("contamination", flow.out, "--workers", 1)
    out, err = ended.communicate(timeout=120)
    assert b"Too short" in out
    assert "一九九八年".encode() in out


def test_near_duplicates_are_reported_by_item_and_document(tmp_path: Path, folder: Path) -> None:
    changed = ENGLISH.replace("committee", "council").replace("coast", "shore")
    rows = [
        {"id": "near", "text": changed},
        {"id": "exact", "text": ENGLISH},
        {"id": "other", "text": CHINESE[:12] * 3},
    ]
    source = write(tmp_path / "in.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    decontaminate = recipe(folder).plain()["decontaminate"] | {"minhash": True}
    own = {"sources": [{"name": "in", "paths": [str(source)]}], "heldout": {"share": 0}, "decontaminate": decontaminate}
    variants = {"raw": {}, "dropped": {"decontaminate": "drop"}}
    flow = run_plainly(recipe(folder, **own, variants=variants), tmp_path / "out")
    report = contamination.measure_corpus(flow.out, Plainly()).report  # type: ignore[arg-type]
    assert (report["minhash"], report["max_similarity"]) == (True, 0.5)
    raw, dropped = (report["variants"][name]["sets"]["bench"] for name in ("raw", "dropped"))
    assert (raw["items_found"], raw["documents_contaminated"]) == (1, 1), "no document but one has half of the 13-grams"
    assert (raw["items_similar"], raw["documents_similar"]) == (1, 2)
    assert dropped["items_similar"] == dropped["documents_similar"] == 0
    (match,) = (row for row in report["matches"] if row["method"] == "minhash" and row["set"] == "bench")
    expected = {
        "variant": "raw",
        "item": 0,
        "share": 1.0,
        "documents": 2,
        "id": "exact",
        "ngrams": None,
        "shared": None,
    }
    assert {name: match[name] for name in expected} == expected
    captions = [table.caption for table in contamination.tables(report)]
    assert len(captions) == 4
    lines = contamination.warnings(report)
    assert "variant raw: 1 of 4 items of bench have near-duplicates in its training text, 2 documents" in lines


def test_the_words_that_failed_a_document_are_marked(flow: Flow) -> None:
    corpus = Corpus(flow.out)
    failed, pieces = evidence_text(corpus, the_one(corpus, "whole"), "dropped")
    assert failed == ["contamination.bench:max", "contamination.more:max"]
    assert [piece for piece, is_marked in pieces if is_marked] == [ENGLISH.removesuffix(".")]


def test_a_corpus_without_items(tmp_path: Path, folder: Path) -> None:
    plain = run_plainly(recipe(folder, tasks={}, decontaminate=None, variants={"raw": {}}), tmp_path / "out")
    ended = command("contamination", plain.out)
    _, err = ended.communicate(timeout=120)
    assert ended.returncode == 2
    assert b"nothing to look for" in err
