"""Cutting what other corpora or held-out documents have: equal to the slow rules; which document has it is told."""

import random
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from cut_oracle import Document, by_id, cut, normalized, reference, texts_of, write
from hypothesis import given, settings
from hypothesis import strategies as st
from near_copies import text as numbered
from pipelines_harness import command, documents, run_plainly, sidecar
from test_cut import CONFIGS, SPLITS, STEPS, config_of, corpus, halves, run
from test_kernels_words import unicode_words

from corpuskit.corpus import Corpus
from corpuskit.dedup.inside import evidence
from corpuskit.errors import InputError, RecipeError
from corpuskit.recipe import Recipe
from corpuskit.recipe.load import build
from corpuskit.workflow.explaining import find, story
from corpuskit.workflow.flow import Flow
from corpuskit.workflow.plan import plan
from corpuskit.workflow.summary import cuts
from pipelines.cut import step, target
from pipelines.engine import Engine, EngineOptions

# the rules


AGAINST = [("heldout",), ("april",), ("heldout", "april"), ("april", "may")]


@pytest.mark.parametrize("name", CONFIGS)
@settings(max_examples=15, deadline=None)
@given(
    splits=SPLITS,
    april=SPLITS,
    may=SPLITS,
    against=st.sampled_from(AGAINST),
    own=st.booleans(),
    partitions=st.sampled_from([1, 7]),
    memory=st.sampled_from([1, 10**9]),
)
def test_what_references_have_goes(
    name: str,
    splits: list[list[Document]],
    april: list[list[Document]],
    may: list[list[Document]],
    against: tuple[str, ...],
    own: bool,
    partitions: int,
    memory: int,
) -> None:
    config = config_of(CONFIGS[name] | {"against": against, "own": own or "over" in CONFIGS[name]})
    documents = [document for split in splits for document in split]
    with tempfile.TemporaryDirectory() as folder:
        references = [reference(Path(folder), *one) for one in (("april", april), ("may", may))]
        found = run(Path(folder), splits, config, partitions=partitions, memory=memory, references=references)
    others = {"april": [one for split in april for one in split], "may": [one for split in may for one in split]}
    assert by_id(documents, found) == by_id(documents, cut(documents, config, others))


@pytest.mark.parametrize("name", STEPS)
def test_with_references_order_splits_partitions_and_workers_change_nothing(tmp_path: Path, name: str) -> None:
    documents, config = corpus(), config_of(CONFIGS[name] | {"against": ["april", "heldout"]})
    april = corpus(2)[:20] + [Document("x", one.text) for one in documents[:9]]
    expected = by_id(documents, cut(documents, config, {"april": april}))
    assert expected != by_id(documents, cut(documents, config_of(CONFIGS[name])))
    told = []
    runs = [(1000, 1, 10**9, 0), (7, 5, 10**5, 1), (20, 64, 5000, 0), (20, 7, 10**9, 2)]
    for number, (size, partitions, memory, workers) in enumerate(runs):
        random.Random(number).shuffle(documents)
        random.Random(number).shuffle(april)
        folder = tmp_path / str(number)
        made, references = write(folder, halves(documents, size)), [reference(folder, "april", halves(april, size))]
        place = target(1, made.variant, config, made.documents, str(folder), references)
        folders = place, config, made.documents.folder, made.variant.folder, memory
        with Engine(EngineOptions(workers=workers)) as engine:
            engine.run(step(*folders, references=references, partitions=partitions))
        assert by_id(documents, texts_of(place.folder)) == expected
        told.append(set(evidence_of(place.folder, {"april": april, "heldout": documents}, documents, size)))
    assert len(told[0]) > 20
    assert all(one == told[0] for one in told)
    for text, start, end, _, other in told[0]:
        piece = text.encode()[start:end].decode()
        assert normalized(piece) in normalized(other), "each piece lies in the document that is named for it"


def evidence_of(
    folder: str, references: dict[str, list[Document]], documents: list[Document], size: int
) -> Iterator[tuple[str, int, int, str, str]]:
    """Yield (text, first byte, byte after, name of the reference, text of its document), of splits of one size."""
    for number, place in enumerate(sorted(Path(folder, "references").iterdir())):
        for row in pq.read_table(place).to_pylist():
            other = int(row["part"].removeprefix("part-")) * size + row["reference_row"]
            own = documents[number * size + row["row"]].text
            yield own, row["start"], row["end"], row["reference"], references[row["reference"]][other].text


# recipes


LETTERS = str.maketrans("0123456789", "abcdefghij")


def text(seed: int, count: int) -> str:
    """Made-up words without digits, which all count as the same."""
    return numbered(seed, count).translate(LETTERS)


LINES = [text(seed, 12) for seed in range(40)]
PASSAGE = text(99, 60)
OLD = ["\n".join([*LINES[:3], text(200, 30)]), f"{LINES[5]}\n{PASSAGE} {text(201, 9)}"]


def new(number: int) -> str:
    """A document of the later corpus: a line of the earlier one, one of twenty, one of its own, some with a passage."""
    lines = [LINES[number % 8], LINES[20 + number % 20], text(1000 + number, 12)]
    return "\n".join(lines + [f"{text(2000 + number, 6)} {PASSAGE} {text(3000 + number, 6)}"] * (number % 5 == 0))


def recipe(folder: Path, texts: list[str], cut: list[Any] | None = None, **changes: Any) -> Recipe:
    folder.mkdir(parents=True, exist_ok=True)
    for number, one in enumerate(texts):
        (folder / f"{number:03d}.txt").write_text(one)
    fields = {
        "name": folder.name,
        "sources": [{"name": folder.name, "format": "text", "paths": [f"{folder}/*.txt"]}],
        "split_bytes": 4000,
        "heldout": {"share": 0.2},
        "dedup": {"minhash": False},
        "variants": {"cut": {"cut": cut or []}},
    }
    return build(fields | changes)


@pytest.fixture(scope="module")
def april(tmp_path_factory: pytest.TempPathFactory) -> Flow:
    folder = tmp_path_factory.mktemp("april")
    return run_plainly(recipe(folder / "april", OLD), folder / "out")


CUTS = [
    {"step": "repeated_lines", "against": ["april", "heldout"], "own": False},
    {"step": "repeated_substrings", "against": ["april"]},
]


@pytest.fixture(scope="module")
def may(april: Flow, tmp_path_factory: pytest.TempPathFactory) -> Flow:
    folder = tmp_path_factory.mktemp("may")
    return run_plainly(recipe(folder / "may", list(map(new, range(60))), CUTS, dedup=searched(april)), folder / "out")


def searched(april: Flow) -> dict[str, Any]:
    return {"minhash": False, "against": {"april": april.out}}


def lines_of(text: str) -> set[str]:
    return {normalized(line) for line in text.split("\n") if len(unicode_words(line)) >= 8}


def test_nothing_of_references_or_held_out_documents_stays(april: Flow, may: Flow) -> None:
    before, after = documents(may.documents.folder), documents(may.cuts["cut"][0].folder)
    verdicts = sidecar(may.variants["cut"].folder, may.documents.folder)
    heldout = [row["text"] for row in before if row["heldout"]]
    theirs = set().union(*map(lines_of, [*OLD, *heldout]))
    assert any(lines_of(text) - set().union(*map(lines_of, OLD)) for text in heldout)
    for old, new, verdict in zip(before, after, verdicts, strict=True):
        if verdict["kept"] and not old["heldout"]:
            assert lines_of(new["text"]) == lines_of(old["text"]) - theirs
        else:
            assert new["text"] == old["text"]
    assert not any(PASSAGE in row["text"] for row in documents(may.cuts["cut"][1].folder) if not row["heldout"])


def test_each_piece_names_the_document_that_has_it(april: Flow, may: Flow) -> None:
    rows, opened = documents(may.documents.folder), Corpus(may.out)
    ids = {"heldout": {row["id"]: row["text"] for row in rows}}
    ids["april"] = {row["id"]: row["text"] for row in documents(april.documents.folder)}
    named = []
    for row in rows:
        (match,) = find(opened, row["id"])
        for told in story(opened, match)["cut"]:
            for piece in told["pieces"]:
                assert piece["references"], "all that was cut, others have"
                others = [ids[other["corpus"]][other["id"]] for other in piece["references"]]
                assert any(piece["begins"].strip()[:40] in other for other in others)
                for other in piece["references"]:
                    named.append((told["step"], other["corpus"]))
                    (found,) = find(Corpus(april.out) if other["corpus"] == "april" else opened, other["place"])
                    assert found.id == other["id"]
    assert set(named) == {
        ("repeated_lines", "april"),
        ("repeated_lines", "heldout"),
        ("repeated_substrings", "april"),
    }
    first, second = cuts(opened, "cut")
    assert first["of_references"] == sum(step == "repeated_lines" for step, _ in named)
    assert first["reference_documents"] == len(OLD) + sum(row["heldout"] for row in rows)
    assert second["of_references"] == second["copies"] > 0


def test_the_command_line_names_it(may: Flow) -> None:
    row = next(row["id"] for row in documents(may.documents.folder) if PASSAGE in row["text"] and not row["heldout"])
    told, said = command("explain", may.out, row).communicate(timeout=60)
    assert b"in april, part-0000000:" in told, said.decode()


def test_a_reference_that_is_gone_or_another_now_is_named_by_its_place(april: Flow, may: Flow, tmp_path: Path) -> None:
    out, other = tmp_path / "may", tmp_path / "april"
    shutil.copytree(may.out, out)
    shutil.copytree(april.out, other)
    fields = may.recipe.plain() | {"dedup": searched(april) | {"against": {"april": str(other)}}}
    Flow(build(fields), str(out)).record()
    opened = Corpus(str(out))
    part = Path(may.cuts["cut"][0].folder).name
    told = evidence.read(str(out / "revisions" / part), "part-0000000", 0)
    (match,) = find(opened, f"part-0000000:{_first_row_of(opened, 'april')}")
    pieces = [piece for step in story(opened, match)["cut"] for piece in step["pieces"]]
    assert any(one["id"] for piece in pieces for one in piece["references"] if one["corpus"] == "april"), told
    shutil.rmtree(other / Path(april.documents.folder).name)
    pieces = [piece for step in story(opened, match)["cut"] for piece in step["pieces"]]
    named = [one for piece in pieces for one in piece["references"] if one["corpus"] == "april"]
    assert named
    assert all(one["id"] is None and one["place"] for one in named)


def _first_row_of(opened: Corpus, name: str) -> int:
    """The first row that the first step cut something of that a reference has."""
    folder = opened.artifact("documents", opened.cuts("cut")[0])
    return next(
        row for row in range(100) if name in evidence.read(folder, "part-0000000", row).column("reference").to_pylist()
    )


def test_another_reference_is_another_revision(april: Flow, may: Flow, tmp_path: Path) -> None:
    other = run_plainly(recipe(tmp_path / "april", [*OLD, text(500, 20)]), tmp_path / "out")
    fields = may.recipe.plain() | {"dedup": searched(april) | {"against": {"april": other.out}}}
    lines = {line.name: line for line in plan(Flow(build(fields), may.out))}
    assert lines["cut1@cut"].action == "run"
    assert any("against.april" in change for change in lines["cut1@cut"].changes)


# mistakes


@pytest.mark.parametrize(
    ("changes", "place", "message"),
    [
        ({}, r"variants.cut.cut\[0\].against\[0\]", "`dedup.against` names no corpus 'april'"),
        ({"dedup": None}, r"variants.cut.cut\[0\].against\[0\]", "names no corpus 'april'"),
        (
            {"heldout": {"share": 0}, "dedup": {"against": {"april": "."}}},
            r"variants.cut.cut\[0\].against",
            "no documents are held out",
        ),
    ],
)
def test_names_that_say_nothing_are_refused(tmp_path: Path, changes: Any, place: str, message: str) -> None:
    with pytest.raises(RecipeError, match=f"{place}: .*{message}"):
        recipe(tmp_path / "may", ["one"], [{"step": "repeated_lines", "against": ["april", "heldout"]}], **changes)


def test_a_reference_without_texts_is_refused(april: Flow, tmp_path: Path) -> None:
    out = tmp_path / "april"
    shutil.copytree(april.out, out)
    shutil.rmtree(out / Path(april.documents.folder).name)
    for place, message in ((out, "are not at"), (out / Path(april.signatures[""].folder).name, "no prepared corpus")):
        against = {"minhash": False, "against": {"april": str(place)}}
        with pytest.raises(InputError, match=f"dedup.against.april: .*{message}"):
            run_plainly(recipe(tmp_path / "may", list(map(new, range(9))), CUTS, dedup=against), tmp_path / "out")
