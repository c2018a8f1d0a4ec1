"""Token shards for tests of the stream and of training: in memory, and tiny real ones on disk."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from corpuskit import manifest
from corpuskit.recipe.training import ModelConfig, PretrainConfig
from corpuskit.shards import Header, ShardWriter, part_file
from pretrain.job import Job

RESERVED = 128
VOCAB = 192
TOKEN_BYTES = np.concatenate([np.zeros(RESERVED, np.int32), np.arange(VOCAB - RESERVED, dtype=np.int32) % 5 + 1])


@dataclass
class MemoryShards:
    """The part of `Shards` that the stream uses, over plain lists."""

    documents: Sequence[np.ndarray]

    @property
    def n_documents(self) -> int:
        return len(self.documents)

    def lengths(self) -> np.ndarray:
        return np.array([len(document) for document in self.documents], np.int64)

    def gather(self, documents: np.ndarray, starts: np.ndarray, stops: np.ndarray) -> np.ndarray:
        spans = zip(documents, starts, stops, strict=True)
        pieces = [self.documents[document][start:stop] for document, start, stop in spans]
        return np.concatenate([np.empty(0, np.uint16), *pieces])


def make_documents(n: int, seed: int = 0, longest: int = 60) -> list[np.ndarray]:
    """Return documents with a pattern that a tiny model can learn: each token is the one before plus a small step."""
    rng = np.random.default_rng(seed)
    documents = []
    for _ in range(n):
        steps = rng.integers(0, 3, rng.integers(1, longest))
        documents.append((RESERVED + np.cumsum(steps) % (VOCAB - RESERVED)).astype(np.uint16))
    return documents


def write_shards(folder: Path, documents: Sequence[np.ndarray], per_part: int = 40) -> str:
    """Write documents as token shards of several parts."""
    header = Header(tokenizer="f" * 64, vocab_size=VOCAB)
    entries, files = [], {}
    for start in range(0, len(documents), per_part):
        name = f"part-{start // per_part:07d}"
        path = str(folder / part_file(name))
        some = documents[start : start + per_part]
        with ShardWriter(path, header) as shard:
            keys = pa.array([(start + i).to_bytes(16, "little") for i in range(len(some))], pa.binary(16))
            offsets = np.cumsum([0, *map(len, some)], dtype=np.int64)
            lists = pa.LargeListArray.from_arrays(pa.array(offsets), pa.array(np.concatenate(some)))
            shard.append(keys, lists, np.array([TOKEN_BYTES[document].sum() for document in some], np.int64))
        entries.append(shard.part(name))
        files[part_file(name)] = manifest.file_entry(path)
    meta = manifest.Manifest(
        kind="shards",
        name="tiny",
        fingerprint="0" * 64,
        identity={"step": "encode"},
        rows=len(documents),
        parts=entries,
        files=files,
        extra=header.manifest_extra(),
    )
    manifest.write(str(folder), meta)
    return str(folder)


def make_job(tmp_path: Path, out: str = "run", **config: Any) -> Job:
    """Return a job over 120 tiny documents, the last 20 held out, that takes under a second."""
    shards = tmp_path / "shards"
    if not shards.exists():
        write_shards(shards, make_documents(120))
    settings = {
        "budget_bytes": 8000,
        "sequence_length": 16,
        "batch_rows": 8,
        "checkpoint_every": 5,
        "learning_rate": 1e-2,
        **config,
    }
    return Job(
        shards=str(shards),
        token_bytes=TOKEN_BYTES,
        selection=np.arange(100),
        validation={"raw": np.arange(100, 120), "common": np.arange(110, 120)},
        config=PretrainConfig(**settings),
        model=ModelConfig(layers=1, width=32, heads=2),
        out=str(tmp_path / out),
        device="cpu",
        threads=1,
    )
