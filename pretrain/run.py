"""A finished run on disk: its record, its curves, its weights.

```
run.json             config, environment, counts, speed, validation
metrics.parquet      one row a step
validation.parquet   one row a held-out document of a set: how many bits it took
model.pt             the final weights
manifest.json        written last
```
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import torch

from corpuskit import manifest, storage
from corpuskit.manifest import Identity, Manifest
from corpuskit.recipe.training import ModelConfig
from pretrain.model import Transformer

RECORD, METRICS, VALIDATION, MODEL = "run.json", "metrics.parquet", "validation.parquet", "model.pt"
METRICS_SCHEMA = pa.schema(
    [
        pa.field("step", pa.int64()),  # counted from 1
        pa.field("bytes", pa.int64()),  # text consumed so far
        pa.field("tokens", pa.int64()),  # positions trained on so far
        pa.field("loss", pa.float64()),  # nats per predicted token
        pa.field("bits_per_byte", pa.float64()),  # of the training batch, separators included; null unless causal
        pa.field("learning_rate", pa.float64()),
        pa.field("gradient_norm", pa.float64()),  # before clipping
        pa.field("tokens_per_second", pa.float64()),
    ]
)


@dataclass(frozen=True, kw_only=True)
class RunRecord:
    """What a run did and found; `run.json` holds the same fields."""

    fingerprint: str
    objective: str
    config: Mapping[str, Any]
    """The PretrainConfig, as plain data."""
    model: Mapping[str, Any]
    """The ModelConfig, as plain data."""
    vocab_size: int
    parameters: int
    steps: int
    epochs: float
    tokens: int
    """Positions trained on."""
    bytes: int
    """UTF-8 bytes of text trained on: the first whole batch at or past the budget."""
    flops: float
    """Floating-point operations of training, by formula (`Transformer.training_flops`)."""
    seconds: float
    """Seconds of training, validation and interruptions apart."""
    validation_seconds: float
    tokens_per_second: float
    bytes_per_second: float
    resumed: int
    """Checkpoints that the run went on from."""
    validation: Mapping[str, Mapping[str, float]]
    """By set: `bits_per_byte` (causal) or `masked_loss` (nats per masked token), `loss`, documents, bytes, tokens."""
    environment: Mapping[str, Any]
    """Versions, platform, device, threads, ranks, precision."""


def metrics_table(columns: Mapping[str, Sequence[Any] | np.ndarray]) -> pa.Table:
    """Return the curves as a table of METRICS_SCHEMA; NaN becomes null."""
    arrays = [pa.array(np.asarray(columns[field.name]), field.type, from_pandas=True) for field in METRICS_SCHEMA]
    return pa.table(arrays, METRICS_SCHEMA)


def write_run(
    folder: str, identity: Identity, record: RunRecord, metrics: pa.Table, validation: pa.Table, model: Transformer
) -> None:
    """Write a finished run, its manifest last."""
    weights = {name: weight.detach().cpu() for name, weight in model.state_dict().items()}
    with storage.committing(storage.join(folder, MODEL)) as scratch:
        torch.save({"config": model.config.plain(), "vocab_size": model.vocab_size, "weights": weights}, scratch)
    for name, table in ((METRICS, metrics), (VALIDATION, validation)):
        with storage.committing(storage.join(folder, name)) as scratch:
            pq.write_table(table, scratch, compression="zstd")
    storage.commit(storage.join(folder, RECORD), orjson.dumps(asdict(record), option=manifest.OPTIONS))
    files = {name: manifest.file_entry(storage.join(folder, name)) for name in (RECORD, METRICS, VALIDATION, MODEL)}
    manifest.write(folder, _manifest(folder, identity, record, files))


def _manifest(folder: str, identity: Identity, record: RunRecord, files: Mapping[str, Mapping[str, Any]]) -> Manifest:
    return Manifest(
        kind="run",
        name=folder.rstrip("/").rpartition("/")[2],
        fingerprint=identity.fingerprint,
        identity=asdict(identity),
        rows=record.steps,
        counts={"tokens": record.tokens, "bytes": record.bytes, "flops": record.flops, "seconds": record.seconds},
        files=files,
        extra={"objective": record.objective, "parameters": record.parameters, "validation": record.validation},
        environment=manifest.environment(),
    )


def finished(folder: str, fingerprint: str) -> RunRecord | None:
    """Return the record of a folder's run if it is finished and has this fingerprint."""
    found = manifest.find(folder)
    return load_run(folder) if found and found.kind == "run" and found.fingerprint == fingerprint else None


def load_run(folder: str) -> RunRecord:
    """Read the record of a finished run.

    Raises:
        ArtifactError: the folder holds no finished run.
    """
    manifest.read(folder, "run")
    return RunRecord(**orjson.loads(storage.read_bytes(storage.join(folder, RECORD))))


def load_metrics(folder: str) -> pa.Table:
    """Read the curves of a finished run, METRICS_SCHEMA."""
    with storage.open_input(storage.join(folder, METRICS)) as file:
        return pq.read_table(file)


def load_model(folder: str, device: str | torch.device = "cpu") -> Transformer:
    """Return the model that a finished run trained, in evaluation mode.

    Raises:
        ArtifactError: the folder holds no finished run.
    """
    manifest.read(folder, "run")
    with storage.open_input(storage.join(folder, MODEL)) as file:
        saved = torch.load(file, map_location="cpu", weights_only=True)
    model = Transformer(ModelConfig(**saved["config"]), saved["vocab_size"])
    model.load_state_dict(saved["weights"])
    return model.to(device).eval()
