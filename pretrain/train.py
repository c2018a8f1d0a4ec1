"""Pretrains one model on a budget of bytes: exact resume, one record at the end."""

import logging
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from corpuskit import manifest, storage
from corpuskit.errors import InputError, StepFailed
from corpuskit.shards import Shards
from pretrain.checkpoint import Checkpoints
from pretrain.device import autocast, limited_threads, resolve_precision
from pretrain.distributed import Process, accumulating, joined
from pretrain.job import Job
from pretrain.model import Transformer
from pretrain.objectives import IGNORED, OBJECTIVES
from pretrain.optim import learning_rate, make_optimizer, set_learning_rate
from pretrain.run import METRICS_SCHEMA, RunRecord, finished, metrics_table, write_run
from pretrain.stream.dataset import Batch, BatchDataset, Share, open_stream
from pretrain.validation import check_sets, scores_table, validate


@dataclass(frozen=True)
class Progress:
    """Where a run stands; given to the progress callback after every step."""

    step: int
    bytes: int
    budget_bytes: int
    loss: float
    tokens_per_second: float


OnProgress = Callable[[Progress], None]
LOG = logging.getLogger("corpuskit.pretrain")
LOG_SECONDS = 10.0
"""Seconds between two lines of the log."""


def train(job: Job, progress: OnProgress | None = None) -> RunRecord:
    """Train a model, or return at once what a finished run with the same fingerprint found.

    Goes on from the newest checkpoint of the same fingerprint in `job.out`. On the same device with the same number of
    threads, a run that was interrupted, however often, gives bit for bit the weights and the losses of one that was
    not. Under torchrun, all ranks call this with the same job.

    Args:
        job: what to train on, how, and where to write.
        progress: called after each step, on rank 0.

    Raises:
        InputError: the selection or a validation set is empty, names documents that are not there, or the two share
            documents; `token_bytes` does not fit the shards.
        RecipeError: `batch_rows` is not a multiple of the number of ranks.
        StepFailed: the loss or the gradient is no longer finite.
    """
    if (record := finished(job.out, job.identity.fingerprint)) is not None:
        return record
    with joined(job.device) as process, limited_threads(job.threads):
        if process.leads:
            storage.remove(storage.join(job.out, manifest.NAME))  # of another run: it is about to be overwritten
        trainer = Trainer(job, process, progress)
        trainer.run()
        return trainer.finish()


@dataclass
class State:
    """What a run is besides weights and optimiser; saved in checkpoints."""

    step: int = 0
    """Steps done; the batch of step `step` comes next."""
    bytes: int = 0
    tokens: int = 0
    predicted: int = 0
    """Targets so far."""
    seconds: float = 0.0
    resumed: int = 0
    metrics: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in METRICS_SCHEMA.names})
    """One value a step in each column of METRICS_SCHEMA."""

    def saved(self) -> dict[str, Any]:
        """Return the state as a checkpoint holds it."""
        metrics = {name: torch.tensor(column, dtype=torch.float64) for name, column in self.metrics.items()}
        return {**vars(self), "metrics": metrics}

    @classmethod
    def restored(cls, saved: dict[str, Any]) -> "State":
        """Return the state that a checkpoint holds, resumed once more."""
        metrics = {name: column.tolist() for name, column in saved["metrics"].items()}
        return cls(**{**saved, "metrics": metrics, "resumed": saved["resumed"] + 1})


class ProgressLog:
    """A line of the log every `LOG_SECONDS`: where a run stands, and its speed since the line before."""

    def __init__(self, name: str, state: State) -> None:
        """Begin to count where `state` stands now."""
        self.name = name
        self._mark(state)

    def _mark(self, state: State) -> None:
        self._time, self._tokens = time.monotonic(), state.tokens

    def __call__(self, state: State, budget_bytes: int) -> None:
        """Write a line if the last one is old enough."""
        seconds = time.monotonic() - self._time
        if seconds < LOG_SECONDS:
            return
        share, speed = min(1.0, state.bytes / budget_bytes), (state.tokens - self._tokens) / seconds
        where = f"step {state.step}, {share:.1%} of the budget, loss {state.metrics['loss'][-1]:.3f}"
        LOG.info("%s: %s, %.0f tokens/s", self.name, where, speed)
        self._mark(state)


class Trainer:
    """One process of a run."""

    def __init__(self, job: Job, process: Process, progress: OnProgress | None) -> None:
        """Lay out the data and make the model, or load both from the newest checkpoint."""
        self.job, self.process, self.progress = job, process, progress
        self.config = job.config
        self.objective = OBJECTIVES[job.config.objective]
        self.shards = Shards.open(job.shards)
        check_data(job, self.shards)
        self.stream = open_stream(self.shards, job.selection, self.config)
        self.data = BatchDataset(
            self.stream, self.objective, self.config, job.token_bytes, Share(process.rank, process.world)
        )
        self.model = Transformer(job.model, self.shards.vocab_size, self.config.init_seed).to(process.device)
        if self.config.compile:
            self.model.hidden = torch.compile(self.model.hidden)  # type: ignore[method-assign]
        self.ranks = process.wrap(self.model)
        self.optimizer = make_optimizer(self.model, self.config)
        self.state = State()
        self.checkpoints = Checkpoints(job.out, job.identity.fingerprint, self.config.checkpoints_kept)
        self._restore()

    def run(self) -> None:
        """Take steps until the budget is consumed."""
        batches = self._batches()
        log = ProgressLog(storage.base_name(self.job.out), self.state)
        while self.state.bytes < self.config.budget_bytes:
            started = time.perf_counter()
            self._step(next(batches), started)
            if self.process.leads:
                log(self.state, self.config.budget_bytes)
            if self.state.step % self.config.checkpoint_every == 0 and self.process.leads:
                self._save()

    def finish(self) -> RunRecord:
        """Validate, write the run, and return its record."""
        started = time.perf_counter()
        sets, token_bytes = self.job.validation, self.job.token_bytes
        scores = validate(self.model, self.shards, token_bytes, sets, self.config, self.process)
        seconds = time.perf_counter() - started
        figures = {name: some.figures(self.objective.comparable) for name, some in scores.items()}
        record = self._record(figures, seconds)
        if self.process.leads:
            metrics = metrics_table(self.state.metrics)
            write_run(self.job.out, self.job.identity, record, metrics, scores_table(scores), self.model)
            self.checkpoints.clear()
        self.process.wait()
        return record

    def _batches(self) -> Iterator[Batch]:
        return self.data.batches(self.state.step, pin=self.process.device.type == "cuda")

    def _step(self, batch: Batch, started: float) -> None:
        """Take one optimiser step on a batch, which was asked for at the time `started`, and note its metrics."""
        state, config = self.state, self.config
        predicted, text_bytes, tokens = self._totals(batch)
        state.bytes += text_bytes
        rate = learning_rate(config, min(1.0, state.bytes / config.budget_bytes))
        set_learning_rate(self.optimizer, rate)
        loss = self._backward(batch, predicted)
        norm = float(torch.nn.utils.clip_grad_norm_(self.model.parameters(), config.clip))
        self._check_finite(loss, norm, rate)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        state.step += 1
        state.tokens += tokens
        state.predicted += predicted
        seconds = time.perf_counter() - started
        state.seconds += seconds
        self._note(loss, text_bytes, predicted, rate, norm, tokens / seconds)

    def _totals(self, batch: Batch) -> tuple[int, int, int]:
        """Return targets (at least 1), bytes of text and positions of the global batch."""
        counts = [int((batch.targets != IGNORED).sum()), batch.text_bytes, batch.targets.numel()]
        predicted, text_bytes, tokens = (int(total) for total in self.process.total(counts))
        if not text_bytes:
            raise StepFailed(
                f"{self.job.out}: step {self.state.step} read {tokens} tokens that stand for no byte of text; "
                "check that token_bytes belongs to the tokenizer of the shards"
            )
        return max(1, predicted), text_bytes, tokens

    def _backward(self, batch: Batch, predicted: int) -> float:
        """Add the gradient of the global batch's mean loss; return that loss in nats per predicted token.

        Each rank sums over its own rows and the ranks' gradients are averaged, hence the factor `world`.
        """
        device, config = self.process.device, self.config
        size = config.micro_rows or len(batch.inputs)
        inputs = batch.inputs.to(device, non_blocking=True).split(size)
        targets = batch.targets.to(device, non_blocking=True).split(size)
        total = torch.zeros((), device=device)
        for index, (some_inputs, some_targets) in enumerate(zip(inputs, targets, strict=True)):
            with accumulating(self.ranks, more=index + 1 < len(inputs)):
                with autocast(config.precision, device):
                    loss = self.ranks(some_inputs, some_targets, self.objective.causal)
                (loss * (self.process.world / predicted)).backward()
            total += loss.detach()
        return float(self.process.total([float(total)])[0]) / predicted

    def _check_finite(self, loss: float, norm: float, rate: float) -> None:
        if not (math.isfinite(loss) and math.isfinite(norm)):
            raise StepFailed(
                f"{self.job.out}: step {self.state.step} gave loss {loss} and gradient norm {norm} at learning rate "
                f"{rate:.3g}; lower pretrain.learning_rate or lengthen pretrain.warmup"
            )

    def _note(self, loss: float, text_bytes: int, predicted: int, rate: float, norm: float, speed: float) -> None:
        state = self.state
        bits = loss * predicted / math.log(2) / text_bytes if self.objective.comparable else math.nan
        row = (state.step, state.bytes, state.tokens, loss, bits, rate, norm, speed)
        for name, value in zip(METRICS_SCHEMA.names, row, strict=True):
            state.metrics[name].append(value)
        if self.progress and self.process.leads:
            self.progress(Progress(state.step, state.bytes, self.config.budget_bytes, loss, speed))

    def _save(self) -> None:
        parts = {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "state": self.state.saved(),
            "rng": torch.get_rng_state(),
        }
        self.checkpoints.save(self.state.step, parts)

    def _restore(self) -> None:
        parts = self.checkpoints.load(self.process.device)
        if parts is not None:
            self.model.load_state_dict(parts["model"])
            self.optimizer.load_state_dict(parts["optimizer"])
            torch.set_rng_state(parts["rng"].cpu())
            self.state = State.restored(parts["state"])

    def _record(self, figures: dict[str, dict[str, float]], validation_seconds: float) -> RunRecord:
        state, config = self.state, self.config
        share = state.predicted / state.tokens
        return RunRecord(
            fingerprint=self.job.identity.fingerprint,
            objective=config.objective,
            config=config.plain(),
            model=self.job.model.plain(),
            vocab_size=self.model.vocab_size,
            parameters=self.model.parameter_count,
            steps=state.step,
            epochs=self.stream.epochs(state.step),
            tokens=state.tokens,
            bytes=state.bytes,
            flops=state.tokens * self.model.training_flops(config.sequence_length, share),
            seconds=state.seconds,
            validation_seconds=validation_seconds,
            tokens_per_second=state.tokens / state.seconds,
            bytes_per_second=state.bytes / state.seconds,
            resumed=state.resumed,
            validation=figures,
            environment=self._environment(),
        )

    def _environment(self) -> dict[str, Any]:
        device = self.process.device
        name = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
        return {
            **manifest.environment(),
            **manifest.library_versions(("numpy", "torch")),
            "device": name,
            "threads": torch.get_num_threads(),
            "world": self.process.world,
            "precision": resolve_precision(self.config.precision, device),
        }


def check_data(job: Job, shards: Shards) -> None:
    """Refuse a job whose arrays do not fit its shards.

    Raises:
        InputError: token_bytes has another length than the vocabulary, or held-out documents are trained on; also what
            `check_sets` raises.
    """
    if len(job.token_bytes) != shards.vocab_size:
        raise InputError(
            f"token_bytes has {len(job.token_bytes)} ids, the shards' vocabulary {shards.vocab_size}: "
            "they belong to different tokenizers"
        )
    check_sets(shards, job.validation)
    for name, documents in job.validation.items():
        shared = len(np.intersect1d(job.selection, documents))
        if shared:
            raise InputError(f"{shared} documents of validation set {name!r} are also selected for training")
