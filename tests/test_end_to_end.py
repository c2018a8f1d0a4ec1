"""The whole flow on real text: the documentation of this Python, from a recipe to a report, killed and resumed."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from corpuskit import manifest
from corpuskit.workflow.demo import RECIPE

SMALL = {
    "name": "small",
    "sources": [{"name": "pydocs", "format": "pydocs", "max_bytes": "1500 KB"}],
    "split_bytes": "400 KB",
    "heldout": {"share": 0.2},
    "variants": {
        "raw": {},
        "filtered": {
            "deduplicate": True,
            "policy": {"rules": [{"signal": "gopher.words", "min": 20, "reason": "short"}]},
        },
    },
    "tokenizers": {
        "bpe": {"type": "bpe", "vocab_size": 600, "train_on": "filtered"},
        "unigram": {"type": "unigram", "vocab_size": 600, "train_on": "filtered"},
    },
    "tasks": {"agreement": {"kind": "agreement", "pairs": 20}},
    "model": {"layers": 1, "width": 32, "heads": 2},
    "pretrain": {"budget_bytes": "20 KB", "sequence_length": 64, "validation_bytes": "10 KB"},
    "compare": {"seeds": [0, 1]},
}


def compare(recipe: Path, out: Path, *extra: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "corpuskit.cli", "compare", str(recipe), "--out", str(out), "--quiet", *extra]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=280)


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recipe") / "small.yaml"
    path.write_text(yaml.safe_dump(SMALL))
    return path


@pytest.fixture(scope="module")
def compared(recipe: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("compared")
    ended = compare(recipe, out)
    assert ended.returncode == 0, ended.stderr
    return out


def comparison(out: Path) -> dict:
    (folder,) = out.glob("comparison-*")
    return json.loads((folder / "comparison.json").read_text())


def test_the_report_answers_and_shows_its_evidence(compared: Path) -> None:
    page = (compared / "report.html").read_text()
    shown = ("agreement", "bits per byte", "records read", "filtered", "unigram", "vocab_size", "ndecided")
    for part in (*shown, "Evaluation items in the training text"):
        assert part in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "<script src" not in page


def test_every_cell_was_scored_with_every_seed(compared: Path) -> None:
    found = comparison(compared)
    assert [task["task"] for task in found["tasks"]] == ["agreement", "held-out text, common", "held-out text, raw"]
    for task in found["tasks"]:
        assert len(task["rows"]) == 4
        assert all(row["seeds"] == [0, 1] for row in task["rows"])


def test_budgets_match_in_bytes(compared: Path) -> None:
    runs = [manifest.read(str(path.parent)) for path in compared.glob("runs/*/manifest.json")]
    assert len(runs) == 8
    sizes = [run.counts["bytes"] for run in runs]
    assert min(sizes) >= 20_000
    assert max(sizes) < 21_500  # one batch more at the most


def test_a_second_run_makes_nothing_again(recipe: Path, compared: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in compared.rglob("part-*")}
    assert compare(recipe, compared).returncode == 0
    assert {path: path.stat().st_mtime_ns for path in compared.rglob("part-*")} == before


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [6, 14, 22])
def test_killed_and_run_again_gives_the_same_comparison(
    recipe: Path, compared: Path, tmp_path: Path, seconds: float
) -> None:
    command = [sys.executable, "-m", "corpuskit.cli", "compare", str(recipe), "--out", str(tmp_path), "--quiet"]
    running = subprocess.Popen(command, start_new_session=True)
    time.sleep(seconds)
    os.killpg(running.pid, signal.SIGKILL)
    running.wait()
    assert compare(recipe, tmp_path).returncode == 0
    assert comparison(tmp_path) == comparison(compared)


@pytest.mark.slow
def test_a_masked_model_goes_the_whole_way(recipe: Path, compared: Path, tmp_path: Path) -> None:
    ended = compare(recipe, tmp_path, "--set", "pretrain.objective=masked", "--set", "compare.seeds=[0]")
    assert ended.returncode == 0, ended.stderr
    assert [task["task"] for task in comparison(tmp_path)["tasks"]] == ["agreement"]


@pytest.mark.slow
def test_without_items_the_training_text_is_not_searched_and_the_report_says_so(recipe: Path, tmp_path: Path) -> None:
    one = ["tokenizers={bpe: {type: bpe, vocab_size: 600, train_on: filtered}}", "compare.seeds=[0]", "tasks={}"]
    ended = compare(recipe, tmp_path, "--json", *(word for value in one for word in ("--set", value)))
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["contamination"] is None
    assert not list(tmp_path.glob("contamination-*"))
    page = (tmp_path / "report.html").read_text()
    assert "no evaluation items were looked for in the training text" in page
    assert "Evaluation items in the training text" not in page


def test_the_demo_recipe_is_valid() -> None:
    from corpuskit.recipe import load

    demo = load(RECIPE)
    assert len(demo.tokenizers) * len(demo.variants) * len(demo.compare.seeds) == 18
