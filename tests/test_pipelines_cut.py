"""A recipe whose variants cut: what is made of the text that is left, what is told of it, and what stays as it was."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from corpora import small_fields, small_recipe, write_recipe
from cut_oracle import Document, cut
from engine_harness import snapshot
from pipelines_harness import (
    command,
    corpus,
    documents,
    run_plainly,
    shards,
    sidecar,
    texts,
)
from test_pipelines_kill import finish, kill_when, start

from corpuskit import tokenization
from corpuskit.corpus import Corpus
from corpuskit.documents.revisions import bytes_cut, read_cuts
from corpuskit.recipe import Recipe
from corpuskit.workflow import artifacts
from corpuskit.workflow.explaining import find, story
from corpuskit.workflow.flow import Flow
from corpuskit.workflow.plan import plan
from corpuskit.workflow.summary import cleaning, cuts, funnel

STEPS: list[Any] = [{"step": "repeated_lines", "min_words": 5}, {"step": "repeated_substrings", "tokens": 12}]


def recipe(folder: Path, **changes: Any) -> Recipe:
    variants = {"raw": {}, "whole": {"deduplicate": True}, "cut": {"cut": STEPS}}
    tokenizers = {"bpe": {"type": "bpe", "vocab_size": 500, "train_on": "cut"}}
    return small_recipe(folder, **{"variants": variants, "tokenizers": tokenizers} | changes)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return corpus(tmp_path_factory.getbasetemp())


@pytest.fixture(scope="module")
def flow(tmp_path_factory: pytest.TempPathFactory, inputs: Path) -> Flow:
    return run_plainly(recipe(inputs), tmp_path_factory.mktemp("cut") / "out")


def rows_of(flow: Flow) -> list[Document]:
    """The documents, and what the variant `cut` keeps of them."""
    rows, verdicts = documents(flow.documents.folder), sidecar(flow.variants["cut"].folder, flow.documents.folder)
    return [
        _Keyed(row["id"], row["text"], verdict["kept"], row["heldout"], row["key"])
        for row, verdict in zip(rows, verdicts, strict=True)
    ]


class _Keyed(Document):
    """A document with the key that it has."""

    def __init__(self, id: str, text: str, kept: bool, heldout: bool, key: bytes) -> None:
        super().__init__(id, text, kept, heldout)
        object.__setattr__(self, "_key", key)

    @property
    def key(self) -> bytes:
        return self._key


def test_steps_run_in_order_on_what_the_variant_keeps_for_training(flow: Flow) -> None:
    given = rows_of(flow)
    for config, place in zip(flow.recipe.variants["cut"].cut, flow.cuts["cut"], strict=True):
        left = cut(given, config)
        assert texts(place.folder) == left
        assert any(before.text != after for before, after in zip(given, left, strict=True))
        given = [_Keyed(one.id, text, one.kept, one.heldout, one.key) for one, text in zip(given, left, strict=True)]
    for before, after in zip(rows_of(flow), given, strict=True):
        assert before.text == after.text or (before.kept and not before.heldout)
    assert any(before.text and not after.text for before, after in zip(rows_of(flow), given, strict=True))


def test_tokenizers_and_shards_are_made_of_what_is_left(flow: Flow) -> None:
    tokenizer = tokenization.load(flow.tokenizers["bpe"].folder)
    verdicts = sidecar(flow.variants["cut"].folder, flow.documents.folder)
    rows = documents(flow.cuts["cut"][-1].folder)
    wanted = [row for row, verdict in zip(rows, verdicts, strict=True) if verdict["kept"] or row["heldout"]]
    found = shards(flow.shards["bpe", "cut"].folder)
    tokens = pa.array([one[1] for one in found], pa.large_list(pa.uint16()))
    assert tokenizer.decode(tokens).to_pylist() == [row["text"] for row in wanted]
    assert flow.shards["bpe", "cut"].name == "bpe@cut"
    assert flow.shards["bpe", "raw"].folder == flow.shards["bpe", "whole"].folder != flow.shards["bpe", "cut"].folder


def test_other_variants_are_not_touched(flow: Flow, inputs: Path, tmp_path: Path) -> None:
    plain = run_plainly(recipe(inputs, variants={"raw": {}, "whole": {"deduplicate": True}}, tokenizers={}), tmp_path)
    for name in ("raw", "whole"):
        assert flow.variants[name].fingerprint == plain.variants[name].fingerprint
        assert flow.cuts[name] == ()
    assert flow.variants["cut"].fingerprint == flow.variants["raw"].fingerprint, "cutting is no part of choosing"


def test_other_steps_choose_nothing_again(flow: Flow, inputs: Path) -> None:
    variants = {"raw": {}, "whole": {"deduplicate": True}, "cut": {"cut": STEPS[:1]}}
    planned = {(line.kind, line.name): line.action for line in plan(Flow(recipe(inputs, variants=variants), flow.out))}
    assert planned["variant", "cut"] == planned["documents", "cut1@cut"] == "skip"
    assert ("documents", "cut2@cut") not in planned
    assert planned["tokenizer", "bpe"] == planned["shards", "bpe@cut"] == "run"
    before = {
        line.name: line
        for line in plan(Flow(recipe(inputs, variants=variants | {"cut": {"cut": STEPS[1:]}}), flow.out))
    }
    assert 'step: "repeated_lines" -> "repeated_substrings"' in before["cut1@cut"].changes


def test_a_corpus_gives_the_text_that_is_left(flow: Flow) -> None:
    opened = Corpus(flow.out)
    verdicts = sidecar(flow.variants["cut"].folder, flow.documents.folder)
    left = [text for text, row in zip(texts(flow.cuts["cut"][-1].folder), verdicts, strict=True) if row["kept"]]
    assert opened.read(["text"], variant="cut").column("text").to_pylist() == left
    assert opened.text_folder("cut") == flow.documents.folder, "what signals and rules saw"
    assert opened.kept_text_folder("whole") == opened.kept_text_folder() == flow.documents.folder


def test_the_summary_says_what_was_cut(flow: Flow) -> None:
    opened = Corpus(flow.out)
    first, second = cuts(opened, "cut")
    assert [first["step"], second["step"]] == ["repeated_lines", "repeated_substrings"]
    given = texts(flow.documents.folder)
    for step, place in ((first, flow.cuts["cut"][0]), (second, flow.cuts["cut"][1])):
        left = texts(place.folder)
        lost = [len(before.encode()) - len(after.encode()) for before, after in zip(given, left, strict=True)]
        assert step["bytes"] == sum(lost) > 0
        assert step["changed"] == sum(size > 0 for size in lost)
        assert step["emptied"] == sum(bool(a) and not b for a, b in zip(given, left, strict=True))
        assert step["documents"] == sum(one.kept and not one.heldout for one in rows_of(flow))
        part = json.loads((Path(place.folder) / "manifest.json").read_bytes())["parts"]
        assert sum(one["text_bytes"] for one in part) == sum(len(text.encode()) for text in left)
        first_rows = bytes_cut(place.folder, part[0]).tolist()
        assert first_rows == lost[: len(first_rows)]
        given = left
    steps = {step["step"]: step["bytes"] for step in funnel(opened) if step["variant"] == "cut"}
    assert steps["cut: after repeated_lines"] == steps["cut: kept"] - first["bytes"]
    assert steps["cut: after repeated_substrings"] == steps["cut: kept"] - first["bytes"] - second["bytes"]
    told = cleaning(opened)
    assert told["cut, 1. repeated_lines"]["bytes"] == first["bytes"]
    assert told["cut, 2. repeated_substrings"]["changed documents"] == second["changed"]


def test_explain_says_what_was_cut_from_a_document(flow: Flow) -> None:
    opened = Corpus(flow.out)
    for number, place in enumerate(flow.cuts["cut"]):
        rows, ranges = read_cuts(place.folder, "part-0000000")
        row = int(rows[0])
        (match,) = find(opened, f"part-0000000:{row}")
        told = story(opened, match)["cut"]
        own = next(one for one in told if one["step"] == STEPS[number]["step"])
        assert own["variant"] == "cut"
        assert own["bytes"] == int((ranges[rows == row][:, 1] - ranges[rows == row][:, 0]).sum())
        base = flow.documents if not number else flow.cuts["cut"][0]
        data = texts(base.folder)[row].encode()
        assert own["pieces"][0]["begins"] == data[ranges[0, 0] : ranges[0, 1]].decode()[:80]
    untouched = next(row for row in range(40) if row not in rows)
    (match,) = find(opened, f"part-0000000:{untouched}")
    assert [one["step"] for one in story(opened, match)["cut"]] != [step["step"] for step in STEPS]


def test_the_command_line_shows_it(flow: Flow) -> None:
    rows, _ = read_cuts(flow.cuts["cut"][0].folder, "part-0000000")
    told, said = command("explain", flow.out, f"part-0000000:{int(rows[0])}").communicate(timeout=60)
    assert b"cut by repeated_lines: " in told, said.decode()


def test_splits_and_paths_change_no_cut(flow: Flow, inputs: Path, tmp_path: Path) -> None:
    fields = small_fields(inputs)
    sources = [{**source, "paths": source["paths"][::-1]} for source in fields["sources"][::-1]]
    other = run_plainly(recipe(inputs, sources=sources, split_bytes=9000), tmp_path)
    for one, two in zip(flow.cuts["cut"], other.cuts["cut"], strict=True):
        counts = [Counter((row["key"], row["text"]) for row in documents(place.folder)) for place in (one, two)]
        assert counts[0] == counts[1]
    ids = [tokenization.load(made.tokenizers["bpe"].folder).fingerprint for made in (flow, other)]
    assert ids[0] == ids[1]


def test_what_a_recipe_no_longer_cuts_is_garbage(flow: Flow, inputs: Path, tmp_path: Path) -> None:
    run_plainly(recipe(inputs), tmp_path)
    run_plainly(recipe(inputs, variants={"raw": {}}, tokenizers={}), tmp_path)
    gone = {path.name.split("-")[0] for path in artifacts.garbage(str(tmp_path))}
    assert {"cut1@cut", "cut2@cut"} <= gone
    artifacts.collect(str(tmp_path))
    assert {"cut1@cut", "cut2@cut"}.isdisjoint(path.name.split("-")[0] for path in tmp_path.rglob("*"))


def test_a_killed_run_goes_on_where_it_was(flow: Flow, inputs: Path, tmp_path: Path) -> None:
    plain = recipe(inputs).plain()
    path, out = write_recipe(tmp_path / "recipe.yaml", plain), tmp_path / "out"
    for moment in ("revisions/cut1*/markers/scan-1/*", "revisions/cut2*/markers/find-1/*"):
        kill_when(start(path, out), lambda moment=moment: any(out.glob(moment)))
        assert not (out / "manifest.json").exists()
    finish(path, out)
    files = {name: data for name, data in snapshot(out).items() if "cut" in name and name.endswith(".parquet")}
    assert files == {name: data for name, data in snapshot(Path(flow.out)).items() if name in files}
    assert len(files) >= 8
