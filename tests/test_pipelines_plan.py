"""What a changed recipe runs again: the artifacts that depend on the field, and nothing else."""

import copy
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from corpora import MODIFIED, full_fields, write_corpus, write_recipe
from pipelines_harness import command, content, leftovers, run_plainly, snapshot

from corpuskit import manifest
from corpuskit.recipe.load import build
from corpuskit.workflow import artifacts
from corpuskit.workflow.flow import Flow
from corpuskit.workflow.plan import plan


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return write_corpus(tmp_path_factory.mktemp("plan") / "in")


@pytest.fixture(scope="module")
def fields(corpus):
    return full_fields(corpus)


@pytest.fixture(scope="module")
def out(fields, corpus):
    return Path(run_plainly(build(fields), corpus.parent / "out").out)


def planned(fields: dict[str, Any], out: Path) -> dict[str, Any]:
    return {f"{line.kind} {line.name}": line for line in plan(Flow(build(fields), str(out)))}


def actions(fields: dict[str, Any], out: Path) -> dict[str, str]:
    return {name: line.action for name, line in planned(fields, out).items()}


def to_run(lines: dict[str, Any]) -> set[str]:
    """What is not skipped; which shards there will be is only known after the variants."""
    return {name for name, line in lines.items() if line.action != "skip" and line.kind != "shards"}


def changed(fields: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {**copy.deepcopy(fields), **changes}


def stricter(fields: dict[str, Any]) -> dict[str, Any]:
    fields = changed(fields)
    rules = [dict(rule) for rule in fields["variants"]["filtered"]["policy"]["rules"]]
    rules[0]["min"] = 60
    fields["variants"]["filtered"]["policy"] = {"rules": rules}
    return fields


def test_before_the_first_run_everything_is_to_do(fields, tmp_path):
    lines = planned(fields, tmp_path / "nowhere")
    assert {line.action for line in lines.values()} == {"run"}
    assert {name for name in lines if not name.startswith("shards")} == {
        "documents documents",
        *(f"signals {name}" for name in ("composition", "gopher", "length", "size")),
        "signatures signatures",
        "duplicates duplicates",
        *(f"variant {name}" for name in ("raw", "filtered", "unique", "chinese")),
        *(f"{kind} {name}" for kind in ("counts", "tokenizer") for name in ("bpe", "bpe_raw")),
    }
    assert not (tmp_path / "nowhere").exists()


def test_the_same_recipe_has_nothing_to_do(fields, out):
    lines = planned(fields, out)
    assert {line.action for line in lines.values()} == {"skip"}
    assert sum(line.kind == "shards" for line in lines.values()) == 4
    before = snapshot(out)
    run_plainly(build(fields), out)
    assert snapshot(out) == before


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "another_name"},
        {"max_error_rate": 0.5},
        {"languages": ["en", "zh"]},
        {"compare": {"seeds": [5, 6]}, "pretrain": {"budget_bytes": 1000}, "model": {"layers": 1}},
        {"signals": ["gopher", "length"]},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_fields_that_decide_no_data_change_no_data(fields, out, changes):
    assert set(actions(changed(fields, **changes), out).values()) == {"skip"}


def test_a_moved_input_folder_is_the_same_input(fields, corpus, out, tmp_path):
    moved = shutil.copytree(corpus, tmp_path / "elsewhere")  # with modification times
    sources = [
        {**source, "paths": [str(moved / Path(path).name) for path in source["paths"]]} for source in fields["sources"]
    ]
    assert set(actions(changed(fields, sources=sources), out).values()) == {"skip"}


def test_a_touched_input_is_named(fields, corpus, out):
    os.utime(corpus / "a.jsonl", (MODIFIED + 1, MODIFIED + 1))
    lines = planned(fields, out)
    os.utime(corpus / "a.jsonl", (MODIFIED, MODIFIED))
    assert {line.action for line in lines.values()} == {"run"}
    assert "web" in lines["documents documents"].changes[0]
    assert "news" not in str(lines["documents documents"].changes)
    assert "documents" in lines["signals length"].changes[0]


@pytest.mark.parametrize(
    ("changes", "runs", "named"),
    [
        ({"heldout": {"share": 0.2}}, "documents documents", "heldout.share: 0.15 -> 0.2"),
        ({"split_bytes": 5000}, "documents documents", "split_bytes: 40000 -> 5000"),
        ({"dedup": {"ngram": 7}}, "signatures signatures", "ngram: 5 -> 7"),
        ({"dedup": {"threshold": 0.8}}, "duplicates duplicates", "threshold: 0.7 -> 0.8"),
    ],
    ids=["heldout", "split_bytes", "ngram", "threshold"],
)
def test_the_plan_names_the_changed_field(fields, out, changes, runs, named):
    lines = planned(changed(fields, **changes), out)
    assert lines[runs].action == "run"
    (change,) = lines[runs].changes
    assert change.endswith(named)
    signals = lines["signals length"]
    assert signals.action == ("run" if runs == "documents documents" else "skip")
    assert {lines[f"variant {name}"].action for name in ("raw", "filtered")} == {"run"}


def test_a_changed_list_of_exclusions_runs_its_variant(fields, corpus, out):
    before = (corpus / "takedowns.txt").read_bytes()
    (corpus / "takedowns.txt").write_bytes(before + b"doc-7\n")
    lines = planned(fields, out)
    (corpus / "takedowns.txt").write_bytes(before)
    assert to_run(lines) == {"variant unique"}
    assert "policy.exclude" in lines["variant unique"].changes[0]


def test_a_changed_rule_runs_its_variant_and_what_depends_on_it_and_touches_nothing_else(fields, corpus, out, tmp_path):
    copied = Path(shutil.copytree(out, tmp_path / "out"))
    lines = planned(stricter(fields), copied)
    assert to_run(lines) == {"variant filtered", "counts bpe", "tokenizer bpe"}
    (change,) = lines["variant filtered"].changes
    assert change.endswith("policy.rules[0].min: 20.0 -> 60.0")
    (change,) = lines["counts bpe"].changes
    assert "variant" in change

    before = {str(path): path.stat() for path in copied.rglob("*")}
    flow = run_plainly(build(stricter(fields)), copied)
    touched = [name for name, stat in before.items() if _moments(Path(name)) != (stat.st_ino, stat.st_mtime_ns)]
    folders = {f"{copied}{name}" for name in ("", "/variants", "/counts", "/tokenizers", "/shards", "/signals")}
    assert {name for name in touched if Path(name).is_file()} == {f"{copied}/manifest.json"}
    assert set(touched) <= folders | {f"{copied}/manifest.json"}

    made = {str(path.parent.relative_to(copied)) for path in copied.rglob("manifest.json")} - {
        str(Path(name).parent.relative_to(copied)) for name in before if name.endswith("/manifest.json")
    }
    names = sorted(name.rsplit("-", 1)[0] for name in made)
    assert names == [
        "counts/bpe",
        "shards/bpe",
        "shards/bpe@chinese",
        "shards/bpe@filtered",
        "shards/bpe_raw",
        "shards/bpe_raw@filtered",
        "tokenizers/bpe",
        "variants/filtered",
    ], "bpe_raw@chinese has the tokenizer and the variant it had"
    assert content(flow) == content(run_plainly(build(stricter(fields)), tmp_path / "fresh"))
    assert set(actions(stricter(fields), copied).values()) == {"skip"}

    artifacts.collect(str(copied))
    assert snapshot(copied) == snapshot(tmp_path / "fresh")
    assert leftovers(copied) == []


def _moments(path: Path) -> tuple[int, int]:
    return path.stat().st_ino, path.stat().st_mtime_ns


def test_going_back_to_an_earlier_recipe_finds_its_artifacts(fields, out, tmp_path):
    copied = Path(shutil.copytree(out, tmp_path / "out"))
    run_plainly(build(changed(fields, dedup={"ngram": 7})), copied)
    assert set(actions(fields, copied).values()) == {"skip"}
    before = manifest.read(str(out)).extra["artifacts"]
    run_plainly(build(fields), copied)
    assert manifest.read(str(copied)).extra["artifacts"] == before


def test_new_signals_measure_only_themselves(fields, out, tmp_path):
    fewer = {"name": "made", "sources": fields["sources"], "split_bytes": 40_000, "heldout": {"share": 0.15}}
    fewer["max_error_rate"] = 0.05
    first = run_plainly(build(fewer), tmp_path)
    before = (Path(first.signals["length"].folder) / "manifest.json").stat().st_mtime_ns
    more = run_plainly(build({**fewer, "signals": ["length", "gopher"]}), tmp_path)
    assert (Path(first.signals["length"].folder) / "manifest.json").stat().st_mtime_ns == before
    reference = Flow(build(fields), str(out))
    assert snapshot(Path(more.signals["gopher"].folder)) == snapshot(Path(reference.signals["gopher"].folder))
    assert leftovers(tmp_path) == []


def test_the_command_line_prints_the_plan(fields, out, tmp_path):
    recipe = write_recipe(tmp_path / "recipe.yaml", fields)
    ran = command("run", recipe, "--out", out, "--plan", "--json", "--set", "variants.filtered.policy.rules[0].min=60")
    printed, said = ran.communicate(timeout=60)
    assert ran.returncode == 0, said.decode()
    plan = json.loads(printed)
    assert plan["changes"] == ["variants.filtered.policy.rules[0].min: 20.0 -> 60.0"]
    lines = {f"{line['kind']} {line['name']}": line for line in plan["artifacts"]}
    assert lines["variant filtered"]["action"] == "run"
    assert lines["variant raw"]["action"] == "skip"
