"""Training: budget, schedule, exact resume (kill -9 included), ranks, validation, refusals."""

import dataclasses
import json
import math
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from training_data import RESERVED, TOKEN_BYTES, VOCAB, make_documents, make_job, write_shards

from corpuskit import manifest
from corpuskit.errors import InputError, StepFailed
from corpuskit.recipe.training import ModelConfig, PretrainConfig
from corpuskit.shards import Shards
from corpuskit.tokenization import BOS
from pretrain.checkpoint import Checkpoints
from pretrain.distributed import Process
from pretrain.job import Job
from pretrain.optim import learning_rate, make_optimizer
from pretrain.run import load_metrics, load_model, load_run
from pretrain.train import train
from pretrain.validation import beginnings, choose, cut, validate

ROOT = Path(__file__).resolve().parent.parent
ALONE = Process(0, 1, torch.device("cpu"))
TIMED = {"tokens_per_second"}


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    torch.set_num_threads(1)


class InterruptionError(Exception):
    """Raised by a progress callback to interrupt a run."""


def stop_at(step: int):
    def callback(progress):
        if progress.step == step:
            raise InterruptionError

    return callback


def curves(folder: str) -> dict[str, list[float]]:
    return {name: values for name, values in load_metrics(folder).to_pydict().items() if name not in TIMED}


def weights(folder: str) -> dict[str, torch.Tensor]:
    return load_model(folder).state_dict()


def assert_same_run(one: str, other: str) -> None:
    assert curves(one) == curves(other)
    first, second = weights(one), weights(other)
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert load_run(one).validation == load_run(other).validation


@pytest.fixture(scope="module")
def causal(tmp_path_factory) -> Job:
    """A finished causal run."""
    job = make_job(tmp_path_factory.mktemp("causal"))
    train(job)
    return job


def test_training_learns_and_stops_at_the_budget(causal: Job):
    record, metrics = load_run(causal.out), load_metrics(causal.out).to_pydict()
    assert metrics["bytes"][-2] < causal.config.budget_bytes <= metrics["bytes"][-1] == record.bytes
    assert metrics["step"] == list(range(1, record.steps + 1))
    assert record.tokens == record.steps * 8 * 16 == metrics["tokens"][-1]
    assert metrics["loss"][0] == pytest.approx(math.log(VOCAB), abs=0.3)
    assert np.mean(metrics["loss"][-5:]) < metrics["loss"][0] - 1.0
    assert record.validation["raw"]["bits_per_byte"] < 0.8 * math.log2(VOCAB) / 3
    assert record.epochs == pytest.approx(record.steps * 8 / 200, rel=0.3)


def test_run_folder_is_an_artifact(causal: Job):
    assert manifest.verify(causal.out) == 4
    found = manifest.read(causal.out, "run")
    assert found.fingerprint == causal.identity.fingerprint == load_run(causal.out).fingerprint
    assert sorted(path.name for path in Path(causal.out).iterdir()) == [
        "manifest.json", "metrics.parquet", "model.pt", "run.json", "validation.parquet",
    ]  # fmt: skip
    environment = load_run(causal.out).environment
    assert environment["threads"] == 1
    assert environment["precision"] == "float32"


def test_finished_run_is_returned_at_once(causal: Job):
    started = Path(causal.out, "run.json").stat().st_mtime_ns
    assert train(causal, stop_at(1)) == load_run(causal.out)
    assert Path(causal.out, "run.json").stat().st_mtime_ns == started


def test_run_of_another_fingerprint_is_replaced(tmp_path: Path):
    train(make_job(tmp_path, budget_bytes=500))
    other = make_job(tmp_path, budget_bytes=500, init_seed=1)
    with pytest.raises(InterruptionError):
        train(other, stop_at(1))
    assert manifest.find(other.out) is None, "the old manifest would vouch for files about to be overwritten"
    assert train(other).fingerprint == other.identity.fingerprint


def test_fingerprint_names_what_decides_and_nothing_else(causal: Job):
    def fingerprint(**changes):
        config = causal.config.model_copy(update=changes.pop("config", {}))
        return dataclasses.replace(causal, config=config, **changes).identity.fingerprint

    same = fingerprint()
    assert fingerprint(out="elsewhere", threads=2, device="cuda") == same
    assert fingerprint(config={"checkpoint_every": 7, "loader_workers": 2, "checkpoints_kept": 9}) == same
    assert fingerprint(selection=causal.selection[::-1]) == same
    assert fingerprint(selection=causal.selection[1:]) != same
    assert fingerprint(config={"data_seed": 5}) != same
    assert fingerprint(validation={}) != same
    assert fingerprint(inputs={"variant": "abc"}) != same


@pytest.mark.parametrize("objective", ["causal", "masked"])
def test_interrupted_runs_equal_an_uninterrupted_one(tmp_path: Path, objective: str):
    whole = make_job(tmp_path, "whole", objective=objective)
    train(whole)
    broken = dataclasses.replace(whole, out=str(tmp_path / "broken"))
    for step in (3, 7, 13, 14):  # before the first checkpoint, between checkpoints, and twice after the same one
        with pytest.raises(InterruptionError):
            train(broken, stop_at(step))
    assert train(broken).resumed == 2, "from steps 5 and 10: what was done after step 10 twice left no trace"
    assert_same_run(whole.out, broken.out)


def run_job(job: Job, folder: Path, *launcher: str) -> list[str]:
    return [sys.executable, "-m", *launcher, "pretrain", "--job", job.save(str(folder))]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}


def test_killed_process_goes_on_to_the_same_result(tmp_path: Path):
    whole = make_job(tmp_path, "whole", budget_bytes=60_000, checkpoint_every=10)
    killed = dataclasses.replace(whole, out=str(tmp_path / "killed"))
    command = run_job(killed, tmp_path / "job")
    process = subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    index = Path(killed.out, "checkpoints", "index.json")
    while not index.exists() and process.poll() is None:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert manifest.find(killed.out) is None, "the run was over before it was killed"
    finished = subprocess.run(command, env=environment(), capture_output=True, check=True)
    record = json.loads(finished.stdout.splitlines()[-1])
    assert record["resumed"] == 1
    assert record["bytes"] == train(whole).bytes
    assert_same_run(whole.out, killed.out)


@pytest.mark.parametrize("objective", ["causal", "masked"])
def test_two_ranks_give_the_losses_of_one(tmp_path: Path, objective: str):
    one = make_job(tmp_path, "one", objective=objective, budget_bytes=3000)
    two = dataclasses.replace(one, out=str(tmp_path / "two"))
    launcher = ("torch.distributed.run", "--standalone", "--nproc-per-node=2", "-m")
    finished = subprocess.run(run_job(two, tmp_path / "job", *launcher), env=environment(), capture_output=True)
    assert finished.returncode == 0, finished.stderr.decode()
    train(one)
    alone, together = curves(one.out), curves(two.out)
    assert together["bytes"] == alone["bytes"]
    assert together["loss"] == pytest.approx(alone["loss"], abs=2e-4)
    assert together["gradient_norm"] == pytest.approx(alone["gradient_norm"], rel=2e-3)
    assert load_run(two.out).environment["world"] == 2
    for name, figures in load_run(one.out).validation.items():
        assert load_run(two.out).validation[name] == pytest.approx(figures, rel=1e-3)


def test_accumulated_micro_batches_give_the_gradient_of_the_batch(tmp_path: Path):
    whole = make_job(tmp_path, "whole", objective="masked", budget_bytes=2000)
    parts = make_job(tmp_path, "parts", objective="masked", budget_bytes=2000, micro_rows=3)
    train(whole)
    train(parts)
    assert curves(parts.out)["loss"] == pytest.approx(curves(whole.out)["loss"], abs=1e-4)


@pytest.mark.slow
def test_compiled_model_learns_the_same(tmp_path: Path):
    eager = make_job(tmp_path, "eager", budget_bytes=2000)
    compiled = make_job(tmp_path, "compiled", budget_bytes=2000, compile=True)
    train(eager)
    train(compiled)
    assert curves(compiled.out)["loss"] == pytest.approx(curves(eager.out)["loss"], abs=1e-3)


def test_bfloat16_is_close_to_float32(tmp_path: Path):
    full = make_job(tmp_path, "full", budget_bytes=2000)
    half = make_job(tmp_path, "half", budget_bytes=2000, precision="bfloat16")
    assert train(half).environment["precision"] == "bfloat16"
    train(full)
    assert curves(half.out)["loss"] == pytest.approx(curves(full.out)["loss"], abs=0.05)


def test_loader_workers_change_nothing(tmp_path: Path):
    alone = make_job(tmp_path, "alone", budget_bytes=2000)
    ahead = make_job(tmp_path, "ahead", budget_bytes=2000, loader_workers=2)
    train(alone)
    train(ahead)
    assert_same_run(alone.out, ahead.out)


def test_progress_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch):
    caplog.set_level("INFO", "corpuskit.pretrain")
    steps = train(make_job(tmp_path, "slow", budget_bytes=2000)).steps
    assert caplog.messages == [], "the run took no ten seconds"
    monkeypatch.setattr("pretrain.train.LOG_SECONDS", 0.0)
    train(make_job(tmp_path, "logged", budget_bytes=2000))
    assert len(caplog.messages) == steps
    line = r"logged: step \d+, \d+\.\d% of the budget, loss \d\.\d{3}, \d+ tokens/s"
    assert all(re.fullmatch(line, message) for message in caplog.messages)
    assert "100.0% of the budget" in caplog.messages[-1]


def test_divergence_is_reported(tmp_path: Path):
    job = make_job(tmp_path, learning_rate=1e30, warmup=0.0)
    with pytest.raises(StepFailed, match=r"gave loss .* learning rate .*lower pretrain.learning_rate"):
        train(job)


def test_refusals(tmp_path: Path):
    job = make_job(tmp_path)
    for changes, message in [
        ({"token_bytes": TOKEN_BYTES[:-1]}, "token_bytes has 191 ids, the shards' vocabulary 192"),
        ({"selection": np.arange(105)}, "5 documents of validation set 'raw' are also selected for training"),
        ({"selection": np.array([7, 500])}, "names documents 7 to 500, but the shards hold 120"),
        ({"validation": {"raw": np.array([], np.int64)}}, "validation set 'raw' is empty"),
        ({"validation": {"raw": np.array([500])}}, "names documents beyond the 120"),
    ]:
        with pytest.raises(InputError, match=message):
            train(dataclasses.replace(job, **changes))
    with pytest.raises(StepFailed, match="stand for no byte of text"):
        train(dataclasses.replace(job, token_bytes=np.zeros(VOCAB, np.int32)))


def test_job_survives_being_saved(tmp_path: Path):
    job = make_job(tmp_path, data_seed=4)
    loaded = Job.load(job.save(str(tmp_path / "job")))
    assert loaded.identity == job.identity
    assert (loaded.out, loaded.threads, loaded.device) == (job.out, job.threads, job.device)
    (tmp_path / "job.json").write_text('{"shards": "x"}')
    with pytest.raises(InputError, match="is not a pretraining job"):
        Job.load(str(tmp_path / "job.json"))


def test_command_reports_a_mistake_without_a_traceback(tmp_path: Path):
    job = dataclasses.replace(make_job(tmp_path), validation={"raw": np.array([], np.int64)})
    done = subprocess.run(run_job(job, tmp_path / "job"), env=environment(), capture_output=True)
    assert done.returncode == 2
    assert done.stderr.decode().strip() == "validation set 'raw' is empty: hold out more documents"


def test_bits_per_byte_is_the_likelihood_of_each_document_by_itself(causal: Job):
    model, shards, size = load_model(causal.out), Shards.open(causal.shards), causal.config.sequence_length
    nats, total = 0.0, 0
    for document in range(100, 120):
        tokens = [BOS, *shards.tokens(document).tolist()]
        for start in range(0, len(tokens) - 1, size):
            window = torch.tensor([tokens[start : start + size + 1]])
            logits = model.logits(model.hidden(window[:, :-1], causal=True))
            nats += torch.nn.functional.cross_entropy(logits[0], window[0, 1:], reduction="sum").item()
        total += int(TOKEN_BYTES[shards.tokens(document)].sum())
    figures = load_run(causal.out).validation["raw"]
    assert figures["bits_per_byte"] == pytest.approx(nats / math.log(2) / total, rel=1e-5)
    assert figures["bytes"] == total
    assert figures["documents"] == 20


def test_sets_that_overlap_agree_with_sets_scored_alone(causal: Job):
    model, shards = load_model(causal.out), Shards.open(causal.shards)
    both = load_run(causal.out).validation
    alone = validate(model, shards, TOKEN_BYTES, {"common": np.arange(110, 120)}, causal.config, ALONE)["common"]
    assert alone.figures(likelihood=True) == pytest.approx(both["common"], rel=1e-6)
    table = pq.read_table(Path(causal.out, "validation.parquet"))
    assert table["set"].to_pylist() == ["raw"] * 20 + ["common"] * 10
    assert table["document"].to_pylist() == [*range(100, 120), *range(110, 120)]
    assert table["bits"].to_numpy()[20:] == pytest.approx(alone.nats / math.log(2), rel=1e-6)
    assert table["bits"].to_numpy()[:20].sum() / both["raw"]["bytes"] == pytest.approx(both["raw"]["bits_per_byte"])


def test_run_without_validation_sets(tmp_path: Path):
    job = dataclasses.replace(make_job(tmp_path, budget_bytes=500), validation={})
    assert train(job).validation == {}
    assert pq.read_table(Path(job.out, "validation.parquet")).num_rows == 0


def test_validation_is_capped_by_bytes_in_a_fixed_order(causal: Job):
    shards = Shards.open(causal.shards)
    everything = choose(shards, np.arange(120), 10**9, 10**9)
    assert everything.tolist() == list(range(120))
    some = choose(shards, np.arange(120), 2000, 10**9)
    sizes = shards.bytes()[some]
    assert 2000 <= sizes.sum() < 2000 + shards.bytes().max()
    assert set(choose(shards, np.arange(120)[::-1], 1000, 10**9)) <= set(some)
    assert some.tolist() != list(range(len(some))), "the first documents are no sample"
    assert set(some) < set(choose(shards, np.arange(120), 2000, 40)), "shorter pieces, more documents"


@pytest.mark.parametrize("each", [1, 40, 100])
def test_beginnings_are_the_tokens_that_begin_within_a_limit(causal: Job, each: int):
    shards, documents = Shards.open(causal.shards), np.arange(0, 120, 3)
    found = beginnings(shards, documents, TOKEN_BYTES, each)
    for document, tokens, size in zip(documents, found.tokens, found.bytes, strict=True):
        sizes = TOKEN_BYTES[shards.tokens(document)]
        begins = np.cumsum(sizes) - sizes
        assert tokens == (begins < each).sum()
        assert size == sizes[:tokens].sum()
    assert (shards.bytes()[documents] > found.bytes).any()


def test_long_documents_are_scored_at_their_beginning(causal: Job):
    model, shards = load_model(causal.out), Shards.open(causal.shards)
    config = causal.config.model_copy(update={"validation_document_bytes": 50})
    cut_short = validate(model, shards, TOKEN_BYTES, {"raw": np.arange(100, 120)}, config, ALONE)["raw"]
    size = config.sequence_length
    for place, document in enumerate(range(100, 120)):
        tokens = [BOS, *shards.tokens(document)[: cut_short.tokens[place]].tolist()]
        nats = 0.0
        for start in range(0, len(tokens) - 1, size):
            window = torch.tensor([tokens[start : start + size + 1]])
            logits = model.logits(model.hidden(window[:, :-1], causal=True))
            nats += torch.nn.functional.cross_entropy(logits[0], window[0, 1:], reduction="sum").item()
        assert cut_short.nats[place] == pytest.approx(nats, rel=1e-5)
        assert cut_short.bytes[place] == TOKEN_BYTES[tokens[1:]].sum()
    assert cut_short.bytes.max() < 55


def test_masked_model_has_no_bits_per_byte(tmp_path: Path):
    job = make_job(tmp_path, objective="masked", budget_bytes=2000)
    record = train(job)
    assert set(record.validation["raw"]) == {"masked_loss", "documents", "bytes", "tokens"}
    assert load_metrics(job.out)["bits_per_byte"].null_count == record.steps
    assert 0 < record.validation["raw"]["masked_loss"] < math.log(VOCAB) + 1


def test_windows_cover_each_document_once():
    starts = np.array([0, 5, 6, 30])
    place, begin, length = cut(starts, overlap=1, size=8)
    assert place.tolist() == [0, 2, 2, 2]
    assert begin.tolist() == [0, 6, 14, 22]
    assert length.tolist() == [4, 8, 8, 7]


def test_schedule():
    config = PretrainConfig(learning_rate=1.0, final_learning_rate=0.1, warmup=0.1)
    assert learning_rate(config, 0.05) == pytest.approx(0.5)
    assert learning_rate(config, 0.1) == pytest.approx(1.0)
    assert learning_rate(config, 0.55) == pytest.approx(0.55)
    assert learning_rate(config, 1.0) == pytest.approx(0.1)
    rates = [learning_rate(config, share) for share in np.linspace(0.1, 1, 50)]
    assert rates == sorted(rates, reverse=True)


def test_only_matrices_decay():
    from pretrain.model import Transformer

    decayed, kept = make_optimizer(Transformer(ModelConfig(), 200), PretrainConfig()).param_groups
    assert decayed["weight_decay"] == 0.1
    assert kept["weight_decay"] == 0.0
    assert all(weight.ndim == 1 for weight in kept["params"])
    assert len(kept["params"]) == 5


def test_checkpoints_keep_the_newest_and_survive_a_damaged_file(tmp_path: Path):
    checkpoints = Checkpoints(str(tmp_path), "abc", kept=2)
    for step in (1, 2, 3):
        checkpoints.save(step, {"step": step})
    folder = tmp_path / "checkpoints"
    assert sorted(path.name for path in folder.glob("*.pt")) == ["step-00000002.pt", "step-00000003.pt"]
    assert checkpoints.load(torch.device("cpu")) == {"step": 3}
    (folder / "step-00000003.pt").write_bytes(b"torn")
    assert checkpoints.load(torch.device("cpu")) == {"step": 2}
    assert Checkpoints(str(tmp_path), "another", kept=2).load(torch.device("cpu")) is None


def test_long_documents_are_trained_on_across_parts(tmp_path: Path):
    """Documents far longer than a row, and shards of one document each."""
    documents = [np.resize(document, 3000) for document in make_documents(4)]
    assert min(document.min() for document in documents) >= RESERVED
    shards = tmp_path / "long"
    shards.mkdir()
    write_shards(shards, documents, per_part=1)
    job = dataclasses.replace(
        make_job(tmp_path, budget_bytes=60_000),
        shards=str(shards), selection=np.arange(3), validation={"raw": np.array([3])},
    )  # fmt: skip
    record = train(job)
    assert record.epochs > 1
    assert record.validation["raw"]["tokens"] == beginnings(Shards.open(str(shards)), [3], TOKEN_BYTES, 2000).tokens[0]
