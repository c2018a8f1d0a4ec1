"""What lies in a folder: states of artifacts, what gc takes, plans, places that a user names, distributions."""

import os
import shutil
import socket
from pathlib import Path

import numpy as np
import orjson
import pytest
from corpora import small_recipe
from pipelines_harness import full, small

import corpuskit
from corpuskit import manifest
from corpuskit.errors import ArtifactError, CorruptArtifact, InputError, MissingExtra
from corpuskit.workflow import artifacts, extras, places
from corpuskit.workflow.distributions import QUANTILES, distributions
from corpuskit.workflow.exporting import check_export
from corpuskit.workflow.flow import Flow
from corpuskit.workflow.plan import plan, recipe_changes


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return small(tmp_path_factory.getbasetemp())


@pytest.fixture
def copied(made, tmp_path):
    """A corpus that a test may change."""
    shutil.copytree(made.out, tmp_path / "copy")
    return tmp_path / "copy"


def unfinish(folder: Path) -> Path:
    """Make an artifact look as if its step were at work: a marker, and no manifest."""
    (folder / manifest.NAME).unlink()
    marker = folder / "markers" / "phase" / "item.json"
    marker.parent.mkdir(parents=True)
    marker.write_text("{}")
    return folder


def claim(folder: Path, pid: int) -> None:
    path = folder / "claims" / "phase" / "other"
    path.parent.mkdir(parents=True)
    holder = {"host": socket.gethostname(), "pid": pid, "token": "", "heartbeat": 10.0}
    path.write_bytes(orjson.dumps(holder))


def test_status_tells_done_stopped_running_and_dead_apart(copied):
    documents, raw = next(copied.glob("documents-*")), next(copied.glob("variants/raw-*"))
    tokenizer = next(copied.glob("tokenizers/bpe-*"))
    unfinish(documents)
    claim(unfinish(raw), os.getpid())
    claim(unfinish(tokenizer), 2**22 + 1)  # above the largest process number
    lines = {line.folder: line for line in artifacts.status(str(copied))}
    found = {(line.kind, line.state, line.items) for line in lines.values() if line.state != "done"}
    assert found == {("documents", "stopped", 1), ("variant", "running", 1), ("tokenizer", "dead", 1)}
    assert all(line.rows for line in lines.values() if line.state == "done")


def test_an_artifact_whose_first_item_is_at_work_is_seen(copied):
    claim(copied / "shards" / "new-01234567", os.getpid())
    (found,) = [line for line in artifacts.status(str(copied)) if line.state != "done"]
    assert (found.kind, found.state, found.items) == ("shards", "running", 0)


def test_nothing_is_removed_while_a_process_is_at_work(copied):
    shutil.copytree(next(copied.glob("variants/raw-*")), copied / "variants" / "old-01234567")
    assert [path.name for path in artifacts.garbage(str(copied))] == ["old-01234567"]
    claim(copied / "shards" / "new-01234567", os.getpid())
    with pytest.raises(ArtifactError, match="in use"):
        artifacts.collect(str(copied))
    assert (copied / "variants" / "old-01234567").exists()
    shutil.rmtree(copied / "shards" / "new-01234567")
    size = sum(path.stat().st_size for path in (copied / "variants" / "old-01234567").rglob("*") if path.is_file())
    assert artifacts.collect(str(copied)) == size
    assert artifacts.garbage(str(copied)) == []


def test_verify_checks_all_before_it_complains(copied):
    first, second = sorted(copied.glob("signals/*/part-0000000.parquet"))[:2]
    for path in (first, second):
        path.write_bytes(b"")
    checked = []
    with pytest.raises(CorruptArtifact) as raised:
        checked.extend(artifacts.verify(str(copied)))
    assert {str(first), str(second)} == {line.split(": ")[0] for line in str(raised.value).splitlines()}
    assert len(checked) == len(artifacts.status(str(copied))) - 2


def test_a_finished_corpus_has_nothing_to_do(made):
    assert {line.action for line in plan(made.flow)} == {"skip"}
    assert recipe_changes(made.flow) == []


def test_a_plan_names_own_changes_inputs_and_what_goes_on(made, tmp_path):
    recipe = small_recipe(made.corpus, heldout={"share": 0.15, "seed": 9})
    flow = Flow(recipe, str(made.out))
    lines = {(line.kind, line.name): line for line in plan(flow)}
    assert recipe_changes(flow) == ["heldout.seed: 0 -> 9"]
    assert lines["documents", "documents"].changes == ("heldout.seed: 0 -> 9",)
    assert lines["signals", "length"].changes == ("input documents changed",)
    assert "input documents changed" in lines["variant", "raw"].changes
    assert lines["shards", "bpe"].changes == ("after the variants",)
    fresh = Flow(recipe, str(tmp_path))
    (Path(fresh.documents.folder) / "markers").mkdir(parents=True)
    assert {line.kind: line.action for line in plan(fresh)}["documents"] == "resume"


def test_a_changed_file_is_named_as_an_input(made, tmp_path):
    shutil.copytree(made.corpus, tmp_path / "in")
    with (tmp_path / "in" / "a.jsonl").open("ab") as file:
        file.write(b'{"text": "one more"}\n')
    lines = {line.kind: line for line in plan(Flow(small_recipe(tmp_path / "in"), str(made.out)))}
    assert lines["documents"].changes == ("input web changed",)


def test_a_tokenizer_may_be_named_by_its_corpus(made, tmp_path_factory):
    folder = made.flow.tokenizers["bpe"].folder
    assert places.tokenizer_path(str(made.out)) == folder
    assert places.tokenizer_path(folder) == folder
    assert places.tokenizer_path(f"{folder}/tokenizer.json") == f"{folder}/tokenizer.json"
    several = full(tmp_path_factory.getbasetemp())
    with pytest.raises(ArtifactError, match="2 tokenizers; name one of them:") as raised:
        places.tokenizer_path(str(several.out))
    assert all(place.folder in str(raised.value) for place in several.flow.tokenizers.values())


def test_a_corpus_goes_into_a_new_folder_or_into_a_corpus(made, tmp_path):
    places.check_corpus_folder(str(tmp_path / "a" / "b"))
    places.check_corpus_folder(str(made.out))
    assert not (tmp_path / "a").exists()
    for place in (*made.flow.shards.values(), *made.flow.tokenizers.values()):
        with pytest.raises(ArtifactError, match=f"is an artifact of kind '{place.kind}'"):
            places.check_corpus_folder(place.folder)
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="is a file"):
        places.check_corpus_folder(str(tmp_path / "file" / "below"))
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / manifest.NAME).write_text('{"name": "a web app"}')
    with pytest.raises(ArtifactError, match="not a corpuskit manifest"):
        places.check_corpus_folder(str(tmp_path / "foreign"))


def test_checking_a_folder_leaves_nothing_there(tmp_path):
    places.check_writable(str(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_distributions_are_the_quantiles_of_all_documents(made):
    found = {entry["signal"]: entry for entry in distributions(made.flow.signals)}
    names = [name for name in found if name.startswith(("length.", "gopher."))]
    table = corpuskit.open(str(made.out)).read(["id"], signals=names)
    for name in names:
        values = table.column(name).drop_null().to_numpy()
        assert np.allclose(found[name]["quantiles"], np.quantile(values, QUANTILES))
        assert found[name]["missing"] + len(values) == found[name]["documents"] == table.num_rows


def test_an_export_is_checked_before_the_work(tmp_path):
    check_export(str(tmp_path / "new" / "x.jsonl.zst"))
    for path in (tmp_path / "x.csv", tmp_path / "x.jsonl.bz2"):
        with pytest.raises(InputError, match="documents are exported as"):
            check_export(str(path))
    (tmp_path / "x.jsonl").mkdir()
    with pytest.raises(InputError, match="is a folder"):
        check_export(str(tmp_path / "x.jsonl"))


def test_extras_are_named_with_their_package(monkeypatch):
    extras.require_comparison()
    monkeypatch.setitem(extras.REPORT, "no_such_module", "no-such-package")
    with pytest.raises(MissingExtra, match=r"no-such-package: pip install 'corpuskit\[report\]'"):
        extras.require_comparison()
    extras.require_training()
