"""Deaths: of workers, of the whole command at any moment, and of a worker over one record."""

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest
from corpora import small_fields, small_recipe, write_file, write_recipe
from deadly import WORD, deadly
from engine_harness import Recorder, children, is_running, snapshot, wait_for
from pipelines_harness import command, documents, errors, leftovers, run, shards, sidecar, small

from corpuskit import manifest
from corpuskit.recipe.load import build
from corpuskit.workflow import artifacts
from corpuskit.workflow.flow import Flow
from pipelines import annotate
from pipelines.engine import Engine, EngineOptions, jobs


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    return small(tmp_path_factory.getbasetemp())


def temporary(out: Path) -> list[str]:
    """Files of killed writers, which only `gc` removes."""
    return sorted(str(path.relative_to(out)) for path in out.rglob(".*.tmp"))


def check(out: Path, reference: dict[str, bytes]) -> None:
    """All files are those of an undisturbed run, and what else lies there is for `gc` to remove."""
    assert snapshot(out) == reference
    assert leftovers(out) == temporary(out)
    assert [str(path.relative_to(out)) for path in artifacts.garbage(str(out))] == temporary(out)
    artifacts.collect(str(out))
    assert leftovers(out) == []
    assert snapshot(out) == reference


def test_workers_killed_in_the_middle_change_nothing(tmp_path, reference):
    class Killer(Recorder):
        def item_finished(self, *event):
            super().item_finished(*event)
            if len(self.of("item")) in (2, 11, 26):  # while the next items of ingest, dedup and select run
                os.kill(children(os.getpid())[0], signal.SIGKILL)

    run(small_recipe(reference.corpus), tmp_path, killer := Killer(), workers=2)
    assert len(killer.of("item")) > 30
    check(tmp_path, reference.files)


class Crash(BaseException):
    pass


def test_a_crash_before_or_after_any_manifest_changes_nothing(tmp_path, reference, monkeypatch):
    """The moments that kills rarely hit: a step's manifest is, or is not yet, written; its cleaning is not done."""
    write, crashed = manifest.write, set()

    def write_or_crash(folder, made):
        for moment in ("before", "after"):
            if (folder, moment) not in crashed:
                crashed.add((folder, moment))
                if moment == "after":
                    write(folder, made)
                raise Crash
        write(folder, made)

    monkeypatch.setattr(manifest, "write", write_or_crash)
    with Engine(EngineOptions(workers=0)) as engine:
        for _ in range(40):
            try:
                Flow(small_recipe(reference.corpus), str(tmp_path)).prepare(engine)
                break
            except Crash:
                continue
    assert len(crashed) >= 2 * 9
    check(tmp_path, reference.files)


def start(recipe: Path, out: Path) -> subprocess.Popen[bytes]:
    return command("run", recipe, "--out", out, "--workers", 2, "--quiet")


def kill_when(process: subprocess.Popen[bytes], moment: Callable[[], bool]) -> None:
    """Kill the parent alone, if it has not finished by then; its workers must end by themselves."""
    wait_for(lambda: moment() or process.poll() is not None, 60)
    workers = children(process.pid)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    wait_for(lambda: not any(is_running(pid) for pid in workers))


def finish(recipe: Path, out: Path) -> None:
    process = start(recipe, out)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 0, said.decode()


def test_a_killed_run_goes_on_where_it_was(tmp_path, reference):
    recipe, out = write_recipe(tmp_path / "recipe.yaml", small_fields(reference.corpus)), tmp_path / "out"
    for moment in ("signals/pass-*/markers/*/*", "duplicates-*/work/bands-*/*"):
        kill_when(start(recipe, out), lambda moment=moment: any(out.glob(moment)))
        assert not (out / "manifest.json").exists()
    finish(recipe, out)
    check(out, reference.files)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_a_run_killed_at_random_moments_goes_on_where_it_was(tmp_path, reference, seed):
    recipe, out = write_recipe(tmp_path / "recipe.yaml", small_fields(reference.corpus)), tmp_path / "out"
    dice = random.Random(seed)
    for _ in range(8):
        begun = time.monotonic()
        delay = dice.uniform(1, 5)
        kill_when(start(recipe, out), lambda begun=begun, delay=delay: time.monotonic() - begun > delay)
    finish(recipe, out)
    check(out, reference.files)


# a record that kills its worker


def deadly_corpus(folder: Path) -> Path:
    """20 records: every fifth is a near copy of the first, and one of those holds the deadly word."""
    words = [f"w{number}" for number in range(60)]
    texts = [" ".join(words[number:] + words[:number]) if number % 5 else " ".join(words) for number in range(20)]
    texts[15] = texts[15].replace("w30", WORD)
    rows = [orjson.dumps({"id": str(number), "text": text}) for number, text in enumerate(texts)]
    folder.mkdir()
    write_file(folder / "in.jsonl", b"\n".join(rows))
    return folder


def deadly_recipe(folder: Path):
    source = {"name": "s", "paths": [str(folder / "in.jsonl")]}
    variants = {
        "raw": {},
        "short": {"deduplicate": True, "policy": {"rules": [{"signal": "length.words", "max": 100}]}},
        "lenient": {
            "deduplicate": True,
            "policy": {"rules": [{"signal": "length.words", "max": 100, "missing": "keep"}]},
        },
    }
    fields = {"name": "deadly", "sources": [source], "max_error_rate": 0.1, "dedup": {}, "heldout": {"share": 0}}
    tokenizers = {"bpe": {"type": "bpe", "vocab_size": 400, "train_on": "lenient"}}
    return build({**fields, "variants": variants, "tokenizers": tokenizers})


@pytest.fixture
def engine(monkeypatch):
    monkeypatch.setattr(jobs, "FIRST", 16)  # the search begins with fewer records: each death costs a worker's start
    with Engine(EngineOptions(workers=1), recorder := Recorder()) as engine:
        engine.recorder = recorder
        yield engine


def test_a_record_that_kills_its_worker_while_it_is_read_ends_in_errors(tmp_path, engine):
    flow = Flow(deadly_recipe(deadly_corpus(tmp_path / "in")), str(tmp_path / "out"))
    engine.run(deadly(flow.ingest))
    flow.prepare(engine)
    assert engine.recorder.of("note") == [("note", "ingest: records of 0000000 that kill their worker: 15")]
    assert [row["id"] for row in documents(flow.documents.folder)] == [str(n) for n in range(20) if n != 15]
    ((file, _, raw, message),) = errors(flow.documents.folder)
    assert (file, message) == ("in.jsonl", "killed its worker")
    assert WORD in orjson.loads(raw)["text"]
    made = manifest.read(flow.documents.folder)
    assert (made.rows, made.errors) == (19, 1)


def test_a_record_that_kills_its_worker_while_it_is_measured_has_no_signals(tmp_path, engine):
    flow = Flow(deadly_recipe(deadly_corpus(tmp_path / "in")), str(tmp_path / "out"))
    engine.run(flow.ingest)
    engine.run(deadly(annotate.step(list(flow.signals.values()), flow.documents.folder, flow.out)))
    flow.prepare(engine)
    assert [note for _, note in engine.recorder.of("note")] == [
        "measure: records of part-0000000 that kill their worker: 15"
    ]
    signals = sidecar(flow.signals["length"].folder, flow.documents.folder)
    assert set(signals[15].values()) == {None}
    assert {row["length.words"] for number, row in enumerate(signals) if number != 15} == {60}
    made = manifest.read(flow.signals["length"].folder)
    assert (made.rows, made.errors) == (19, 1)
    verdicts = {name: sidecar(place.folder, flow.documents.folder) for name, place in flow.variants.items()}
    assert [row["reason"] for row in verdicts["short"]][15] == "length.words:missing"
    assert [row["reason"] for row in verdicts["lenient"]][15] == "duplicate"
    assert verdicts["raw"][15]["kept"]
    assert len(shards(flow.shards["bpe", "raw"].folder)) == 20


def test_the_deadly_word_is_deadly_only_in_its_tests(tmp_path):
    flow = run(deadly_recipe(deadly_corpus(tmp_path / "in")), tmp_path / "out")
    assert manifest.read(flow.documents.folder).errors == 0
