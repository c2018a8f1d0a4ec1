"""Training the demo's model, beside `torch.nn.TransformerEncoder` of the same size in a bare loop."""

import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pyarrow as pa
import torch
from torch import nn
from torch.nn import functional

from benchmarks.data import corpora
from benchmarks.row import Row, peak
from benchmarks.stream import write_shards
from corpuskit import tokenization
from corpuskit.recipe.training import ModelConfig, PretrainConfig
from corpuskit.tokenization import TokenizerConfig
from pretrain import Job, Transformer, load_metrics
from pretrain.train import train

TITLE = "tokens trained on a second, forward, backward and AdamW"
BYTES = 2_000_000
VOCABULARY = 4096
BUDGET = 120_000
"""Bytes of text of one training run: about 70 steps."""
STEPS = 70
REPEATS = 3
BUDGET_SECONDS = 20.0
"""After which a row is not repeated."""
PIECE = 2000


def measure() -> Iterator[Row]:
    """Yield `pretrain.train` on shards, from batches to metrics, against a loop over random ids."""
    corpus = corpora("eltec_eng")[0]
    with tempfile.TemporaryDirectory() as folder:
        job = make_job(folder, corpus.texts(BYTES))
        yield _row(corpus.name, job, job.config.threads)


def _row(name: str, job: Job, threads: int) -> Row:
    torch.set_num_threads(threads)
    bare = Bare(job.model, job.config.sequence_length)
    ours, theirs = [], []
    started = time.perf_counter()
    for repeat in range(REPEATS):
        if repeat and time.perf_counter() - started > BUDGET_SECONDS:
            break
        ours.append(trained(job, threads, repeat))
        theirs.append(bare.speed(job.config.batch_rows))
    parameters = [sum(weight.numel() for weight in model.parameters()) for model in (_transformer(job), bare)]
    return Row(
        task=f"{parameters[0] / 1e6:.2f} M parameters, {job.config.batch_rows} rows of {job.config.sequence_length}",
        text=f"{name}, {threads} thread{'s' * (threads > 1)}",
        rate=max(ours),
        unit="tokens/s",
        memory=peak(),
        peer=f"torch.nn.TransformerEncoder, {parameters[1] / 1e6:.2f} M",
        peer_rate=max(theirs),
        note="Rates are those of the median step, the best of three runs; memory is that of both together.",
    )


def make_job(folder: str, texts: pa.Array) -> Job:
    """Write shards and return a job of the demo's size over them."""
    pieces = pa.array([text[i : i + PIECE] for text in texts.to_pylist() for i in range(0, len(text), PIECE)])
    tokenizer = tokenization.train(TokenizerConfig(type="bpe", vocab_size=VOCABULARY), [pieces])
    shards = write_shards(f"{folder}/shards", pieces, tokenizer)
    return Job(
        shards=shards.folder,
        token_bytes=tokenizer.token_bytes(),
        selection=np.arange(len(shards)),
        config=PretrainConfig(budget_bytes=BUDGET),
        model=ModelConfig(),
        out=f"{folder}/run",
        device="cpu",
    )


def trained(job: Job, threads: int, repeat: int) -> float:
    """Train once; return the tokens a second of the median step."""
    out = f"{job.out}-{threads}-{repeat}"
    train(replace(job, out=out, threads=threads))
    return float(np.median(load_metrics(out)["tokens_per_second"].to_numpy()))


def _transformer(job: Job) -> Transformer:
    return Transformer(job.model, VOCABULARY)


class Bare(nn.Module):
    """A causal Transformer out of torch's own layers, pre-norm, tied output."""

    def __init__(self, config: ModelConfig, length: int) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(
            config.width,
            config.heads,
            3 * config.feed_forward // 2,  # two matrices hold as many weights as SwiGLU's three
            dropout=0.0,
            activation="gelu",
            batch_first=True,
            norm_first=True,
            bias=False,
        )
        self.embedding = nn.Embedding(VOCABULARY, config.width)
        self.positions = nn.Parameter(torch.zeros(length, config.width))
        self.blocks = nn.TransformerEncoder(
            layer, config.layers, nn.LayerNorm(config.width), enable_nested_tensor=False
        )
        self.length = length

    def speed(self, rows: int) -> float:
        """Take steps; return the tokens a second of the median one."""
        optimizer = torch.optim.AdamW(self.parameters(), lr=1e-3)
        times = []
        for _ in range(STEPS):
            started = time.perf_counter()
            self.step(optimizer, rows)
            times.append(time.perf_counter() - started)
        return rows * self.length / float(np.median(times))

    def step(self, optimizer: torch.optim.Optimizer, rows: int) -> None:
        """Train on one batch of random ids."""
        ids = torch.randint(VOCABULARY, (rows, self.length + 1))
        mask = nn.Transformer.generate_square_subsequent_mask(self.length)
        states = self.blocks(self.embedding(ids[:, :-1]) + self.positions, mask=mask, is_causal=True)
        logits = functional.linear(states, self.embedding.weight)
        functional.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten()).backward()
        nn.utils.clip_grad_norm_(self.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
