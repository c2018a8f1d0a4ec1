"""What a person sees while steps run, and how a comparison reads in a terminal."""

import io
import itertools
import re

import numpy as np
import pytest
from engine_toys import toy_step
from rich.console import Console

from corpuskit.cli import console, progress
from corpuskit.cli.console import bytes_text, counted, seconds_text
from corpuskit.cli.progress import Bars, Lines, facts, label_of, line
from corpuskit.cli.scores import block, print_scores
from corpuskit.manifest import Identity, Manifest, Marker
from pipelines.engine import Engine, EngineOptions, Item, Phase, Step
from pretrain.compare import Outcome, RunScores, runs, summarise


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (999_949, "999.9 kB"), (999_960, "1.0 MB"), (3.2e12, "3.2 TB")],
)
def test_sizes_read_well(count, text):
    assert bytes_text(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (59.94, "59.9 s"), (59.96, "1 min 00 s"), (3599.7, "60 min 00 s"), (11_520, "3 h 12 min")],
)
def test_durations_read_well(seconds, text):
    assert seconds_text(seconds) == text.replace("60 min 00 s", "1 h 00 min")


def test_numbers_have_their_nouns():
    assert [counted(n, "file") for n in (0, 1, 2000)] == ["0 files", "1 file", "2,000 files"]


def step(kind: str, name: str, **inputs: str) -> Step:
    identity = Identity(step=kind, revision=1, config={}, inputs=inputs)
    return Step(kind=kind, name=name, folder="nowhere", identity=identity, phases=())


def made(kind: str, **fields) -> Manifest:
    return Manifest(kind=kind, name=kind, fingerprint="", identity={}, **fields)


LABELS = {
    "documents": step("documents", "documents"),
    "signals gopher, length": step("pass", "annotate", gopher="1", length="2"),
    "signals, 3 groups": step("pass", "annotate", composition="0", gopher="1", length="2"),
    "signals gopher": step("signals", "gopher"),
    "variant raw": step("variant", "raw"),
    "shards bpe@raw": step("shards", "bpe@raw"),
    "shards": step("shards", "tokenize"),
    "comparison": step("comparison", "comparison"),
}


@pytest.mark.parametrize("label", LABELS)
def test_steps_are_called_what_a_person_calls_them(label):
    assert label_of(LABELS[label]) == label


FACTS = {
    ("29,831 rows, 3 malformed", "27.2 MB"): made("documents", rows=29_831, errors=3, counts={"text_bytes": 27.2e6}),
    ("1 row", "9 B"): made("signals", rows=1, counts={"text_bytes": 9}),
    ("1,203 rows in 590 clusters", ""): made("duplicates", rows=9, extra={"members": 1203, "clusters": 590}),
    ("18 of 29 kept", "1.0 kB"): made("variant", rows=29, counts={"kept": 18, "kept_bytes": 1000}),
    ("4,096 ids", "8.0 MB"): made("tokenizer", rows=5, counts={"vocab_size": 4096, "text_bytes": 8e6}),
    ("5 rows, 700 tokens", "2.0 kB"): made("shards", rows=5, counts={"tokens": 700, "bytes": 2000}),
    ("12 runs, 700 tokens", "2.0 kB"): made("comparison", rows=12, counts={"tokens": 700, "bytes": 2000}),
    ("4 rows", ""): made("of another kind", rows=4),
}


@pytest.mark.parametrize("found", FACTS)
def test_a_step_says_what_it_made_in_79_columns(found):
    manifest = FACTS[found]
    assert facts(manifest.kind, manifest) == found
    assert len(line("✓", "signals gopher, length", *found, f"{'12 min 05 s':>{progress.TIME}}")) <= 79


@pytest.fixture
def shown(monkeypatch):
    """Return a function that makes the messages go to a terminal, or to a file, and gives what was written."""

    def redirect(terminal: bool) -> io.StringIO:
        text = io.StringIO()
        fake = Console(file=text, force_terminal=terminal, width=80, color_system=None, highlight=False)
        monkeypatch.setattr(progress, "messages", fake)
        return text

    return redirect


@pytest.mark.parametrize("display", [Lines, Bars])
def test_a_step_has_one_line_and_again_when_it_is_up_to_date(display, shown, tmp_path):
    text = shown(display is Bars)
    for _ in range(2):
        with display() as progress_display, Engine(EngineOptions(workers=0), progress_display) as engine:
            engine.run(toy_step(tmp_path / "out"))
    written = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text.getvalue()).replace("\r", "\n")
    lines = [line.strip() for line in written.splitlines() if "✓" in line]
    assert [line.split()[:4] for line in lines] == [["✓", "toy", "4", "rows"]] * 2
    assert lines[0].endswith(" s")
    assert lines[1].endswith("up to date")


def grid_step() -> Step:
    items = tuple(Item(name=f"bpe--raw--seed{seed}", size=1000) for seed in range(3))
    identity = Identity(step="compare", revision=1, config={}, inputs={})
    phase = Phase(name="train and score", items=items, work=Marker)
    return Step(kind="comparison", name="comparison", folder="nowhere", identity=identity, phases=(phase,))


@pytest.mark.parametrize("display", [Lines, Bars])
def test_a_grid_shows_each_finished_run(display, shown):
    text, step = shown(display is Bars), grid_step()
    (phase,) = step.phases
    with display() as progress_display:
        progress_display.phase_started(step, phase, 3, 1, 3000, 1000)
        for item in phase.items[1:]:
            progress_display.item_finished(step, phase, item, Marker(item=item.name, fingerprint=""))
        if display is Bars:
            progress_display._bars.refresh()
        progress_display.phase_finished(step, phase)
    written = text.getvalue()
    if display is Bars:
        assert "3/3 runs" in written
    else:
        assert [line.split()[1:4] for line in written.splitlines()] == [
            ["comparison:", "bpe--raw--seed1", "2/3"],
            ["comparison:", "bpe--raw--seed2", "3/3"],
        ]


def test_names_with_brackets_are_no_markup(shown):
    text = shown(False)
    progress_display = Lines()
    progress_display.step_finished(step("variant", "[red]x[/]"), FACTS["18 of 29 kept", "1.0 kB"], skipped=True)
    progress_display.note("[bold]n[/]")
    assert "variant [red]x[/]" in text.getvalue()
    assert "[bold]n[/]" in text.getvalue()


def comparison(seeds: int = 3, comparable: bool = True):
    """Two tokenizers with long names on two variants: a task, and held-out text as a whole and by source."""
    dice = np.random.default_rng(5)
    found = []
    for run in runs(["bpe", "unigram_of_32768"], ["raw", "filtered_strictly"], range(seeds)):
        right = (dice.random(300) < 0.5).astype(np.float32)
        lossy = run.cell.tokenizer != "bpe" and not comparable
        bits = (dice.normal(2.5, 0.1, 40) + 0.2 * (run.cell.tokenizer == "bpe")).astype(np.float32)
        outcomes = [Outcome(task="agreement", metric="accuracy", value=float(right.mean()), items=right, chance=0.5)]
        for name, source in (("held-out text, raw", None), ("held-out text, raw, acl", "acl")):
            outcomes.append(
                Outcome(
                    task=name,
                    metric="bits_per_byte",
                    value=float(bits.mean()),
                    items=bits,
                    comparable=not lossy,
                    source=source,
                )
            )
        found.append(RunScores(cell=run.cell, seed=run.seed, outcomes=tuple(outcomes)))
    return summarise(found)


def test_a_comparison_has_a_block_for_each_task_in_100_columns(capsys, monkeypatch):
    monkeypatch.setattr(console.results, "_file", None)
    print_scores(comparison())
    text = capsys.readouterr().out
    lines = text.splitlines()
    assert max(map(len, lines)) <= 100
    assert "2 tokenizers x 2 data variants x 3 seeds; mean over seeds [95 % interval]" in lines
    assert "agreement: accuracy, %, higher is better, chance 50.0" in lines
    assert "held-out text, raw: bits per byte, lower is better" in lines
    assert "acl" not in text
    rows = [line.split() for line in lines if line.startswith("  bpe ")]
    assert [row[1] for row in rows] == ["raw", "filtered_strictly"] * 2
    assert sum(line.startswith("  → tokenizers: ") for line in lines) == 2
    assert sum(line.startswith("  → data: ") for line in lines) == 2
    assert any("unigram_of_32768 is better than bpe by 0.2" in line for line in lines)


def test_one_seed_has_no_interval_and_a_lossy_tokenizer_has_a_mark(capsys):
    print_scores(comparison(seeds=1))
    assert "1 seed; one seed: no interval" in capsys.readouterr().out
    task = next(task for task in comparison(comparable=False).overall if task.metric == "bits_per_byte")
    lines = list(block(task))
    assert any(line.startswith("  unigram_of_32768 * ") for line in lines)
    assert sum("loses text" in line for line in lines) == 1


def test_blocks_are_aligned():
    for task in comparison().overall:
        rows = list(itertools.takewhile(lambda line: "→" not in line, list(block(task))[2:]))
        assert len({row.index("[") for row in rows}) == 1
        assert len({len(row) for row in rows}) == 1
