"""Held-out loss: bits per byte of documents, whatever the tokenizer and the packing.

Each document is scored by itself: `bos`, then its tokens, in windows of `sequence_length`. The first token of a window
sees the last one of the window before and nothing earlier: context is cut at windows, for every tokenizer alike.

Of each document the tokens are scored whose text begins within its first `validation_document_bytes`: documents, not
bytes, are what an interval counts, and the rest of a long one takes as long as the beginnings of many others. The last
of these tokens may reach a few bytes further, under each tokenizer to another place.

Bits per byte is the sum of -log2 p over the scored tokens of a set, divided by the UTF-8 bytes of exactly these tokens.
Only a causal model has such a likelihood; for a masked one the loss of masked tokens is reported, under another name,
because tokenizers cannot be compared by it.
"""

import dataclasses
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import torch

from corpuskit.errors import InputError
from corpuskit.recipe.training import PretrainConfig
from corpuskit.shards import Shards
from pretrain.device import autocast
from pretrain.distributed import Process
from pretrain.model import Transformer, token_losses
from pretrain.objectives import IGNORED, OBJECTIVES, Place
from pretrain.stream import EpochPlan, permutation

BATCH_TOKENS = 4096
"""Positions that go through the model at a time."""
SEED = 2
"""Seed of the order in which a set's documents are taken up to `validation_bytes`, and of validation masks."""


@dataclass(frozen=True)
class Scores:
    """What each held-out document was scored, in the order of `document`."""

    document: np.ndarray
    """int64[n], sorted document numbers"""
    bytes: np.ndarray
    """uint32[n], UTF-8 bytes of what was scored"""
    tokens: np.ndarray
    """int64[n], positions scored"""
    nats: np.ndarray
    """float64[n], summed loss"""

    def of(self, documents: np.ndarray) -> "Scores":
        """Return the scores of some of the documents, int64[k]."""
        at = np.searchsorted(self.document, documents)
        return Scores(documents, self.bytes[at], self.tokens[at], self.nats[at])

    def figures(self, likelihood: bool) -> dict[str, float]:
        """Return the figures of all documents together: see `RunRecord.validation`."""
        nats, size, tokens = float(self.nats.sum()), int(self.bytes.sum(dtype=np.int64)), int(self.tokens.sum())
        loss = nats / max(1, tokens)
        counts = {"documents": len(self.document), "bytes": size, "tokens": tokens}
        if likelihood:
            return {"bits_per_byte": nats / math.log(2) / size, "loss": loss, **counts}
        return {"masked_loss": loss, **counts}


def scores_table(sets: Mapping[str, Scores]) -> pa.Table:
    """Return one row a document of a set: `set`, `document`, `tokens` scored, their `bytes` and `bits` (-log2 p)."""
    names = [pa.repeat(name, len(scores.document)).cast(pa.string()) for name, scores in sets.items()]
    columns = {
        "set": pa.chunked_array(names, pa.string()),
        "document": pa.chunked_array([scores.document for scores in sets.values()], pa.int64()),
        "bytes": pa.chunked_array([scores.bytes for scores in sets.values()], pa.uint32()),
        "tokens": pa.chunked_array([scores.tokens for scores in sets.values()], pa.int64()),
        "bits": pa.chunked_array([scores.nats / math.log(2) for scores in sets.values()], pa.float64()),
    }
    return pa.table(columns)


def check_sets(shards: Shards, sets: Mapping[str, np.ndarray]) -> None:
    """Refuse validation sets that cannot be scored.

    Raises:
        InputError: a set is empty, names a document that is not there, or holds no text.
    """
    for name, documents in sets.items():
        if not len(documents):
            raise InputError(f"validation set {name!r} is empty: hold out more documents")
        if not 0 <= documents.min() <= documents.max() < shards.n_documents:
            raise InputError(f"validation set {name!r} names documents beyond the {shards.n_documents} of the shards")
        if not (shards.lengths()[documents] * shards.bytes()[documents]).any():
            raise InputError(f"validation set {name!r} holds no text")


def choose(shards: Shards, documents: np.ndarray, limit: int, each: int) -> np.ndarray:
    """Return documents of a set worth about `limit` bytes, sorted: the same ones for every tokenizer; int64[k].

    They are taken in a fixed random order until the limit is reached, each for `each` bytes at most; documents without
    text are left out.
    """
    sizes = np.minimum(shards.bytes(), each)
    documents = np.unique(documents)
    documents = documents[sizes[documents] > 0]
    order = documents[permutation(len(documents), SEED)]
    before = np.cumsum(sizes[order], dtype=np.int64) - sizes[order]
    return np.sort(order[before < limit])


@dataclass(frozen=True)
class Beginnings:
    """What is scored of documents."""

    document: np.ndarray
    """int64[n], sorted document numbers"""
    tokens: np.ndarray
    """int64[n], how many tokens"""
    bytes: np.ndarray
    """uint32[n], their UTF-8 bytes"""


def beginnings(shards: Shards, documents: np.ndarray, token_bytes: np.ndarray, each: int) -> Beginnings:
    """Take the tokens of documents (int64[n], sorted) that begin within their first `each` bytes."""
    tokens, sizes = shards.lengths()[documents], shards.bytes()[documents]
    for place in np.flatnonzero(sizes > each):
        ends = np.cumsum(token_bytes[shards.tokens(documents[place])])
        count = np.searchsorted(ends, each) + 1
        if count < len(ends):
            tokens[place], sizes[place] = count, ends[count - 1]
    return Beginnings(documents, tokens, sizes)


def validate(
    model: Transformer,
    shards: Shards,
    token_bytes: np.ndarray,
    sets: Mapping[str, np.ndarray],
    config: PretrainConfig,
    process: Process,
) -> dict[str, Scores]:
    """Score held-out documents, each once however many sets it is in; return the scores of each set.

    Args:
        model: the model.
        shards: token shards that hold the documents.
        token_bytes: int32[vocab], the bytes of text that each id stands for.
        sets: held-out documents by the name of their set, int64[n] each.
        config: objective, windows, and how much to score.
        process: this process among the ranks.
    """
    total, each = config.validation_bytes, config.validation_document_bytes
    chosen = {name: choose(shards, documents, total, each) for name, documents in sets.items()}
    documents = np.unique(np.concatenate([np.empty(0, np.int64), *chosen.values()]))
    scores = score(model, shards, beginnings(shards, documents, token_bytes, each), config, process)
    return {name: scores.of(rows) for name, rows in chosen.items()}


@torch.no_grad()
def score(model: Transformer, shards: Shards, parts: Beginnings, config: PretrainConfig, process: Process) -> Scores:
    """Score beginnings of documents, divided among the ranks."""
    nats, tokens = np.zeros(len(parts.document)), np.zeros(len(parts.document))
    model.eval()
    with autocast(config.precision, process.device):
        for number, (place, rows) in enumerate(_batches(shards, parts, config)):
            if number % process.world == process.rank:
                losses, counts = _score_rows(model, rows, number, config)
                np.add.at(nats, place, losses)
                np.add.at(tokens, place, counts)
    model.train()
    nats, tokens = process.total(nats), process.total(tokens).astype(np.int64)
    return Scores(parts.document, parts.bytes, tokens, nats)


def _score_rows(
    model: Transformer, rows: np.ndarray, number: int, config: PretrainConfig
) -> tuple[np.ndarray, np.ndarray]:
    """Return each row's summed loss and its number of targets; float64[B], int64[B]."""
    objective = OBJECTIVES[config.objective]
    place = Place(SEED, number, 0, model.vocab_size, config.mask_share)
    inputs, targets = objective.examples(rows, place)
    device = model.output_weight.device
    states = model.hidden(torch.tensor(inputs, device=device), objective.causal)
    losses = token_losses(states.flatten(0, 1), model.output_weight, torch.tensor(targets, device=device).flatten())
    return losses.view(targets.shape).double().sum(1).cpu().numpy(), (targets != IGNORED).sum(1)


def _batches(shards: Shards, parts: Beginnings, config: PretrainConfig) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield (place of each row's document in `parts`, rows int64[B, length + overlap]).

    Rows of one batch have one length, so nothing is padded.
    """
    objective = OBJECTIVES[config.objective]
    after = None if objective.causal else objective.framing.after
    plan = EpochPlan(parts.document, parts.tokens, dataclasses.replace(objective.framing, after=after))
    place, begin, length = cut(plan.starts, objective.overlap, config.sequence_length)
    for size in np.unique(length)[::-1]:
        members = np.flatnonzero(length == size)
        for part in np.split(members, range(step := max(1, BATCH_TOKENS // size), len(members), step)):
            yield place[part], plan.fill(shards, begin[part], int(size) + objective.overlap)


def cut(starts: np.ndarray, overlap: int, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cut the documents of a plan into windows of at most `size` scored positions.

    Args:
        starts: int64[n + 1], where each framed document begins.
        overlap: positions at the beginning of each document that are seen but not scored.
        size: scored positions in a window.

    Returns:
        For each window its document's place, its first position in the plan and its scored positions; int64[k] each.
    """
    scored = np.diff(starts) - overlap
    counts = -(-scored // size)
    place = np.repeat(np.arange(len(scored)), counts)
    offset = (np.arange(len(place)) - np.repeat(np.cumsum(counts) - counts, counts)) * size
    return place, starts[place] + offset, np.minimum(size, scored[place] - offset)
