"""What one pretraining run needs, in memory or as files."""

import functools
import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import orjson

from corpuskit import manifest, storage
from corpuskit.errors import InputError
from corpuskit.manifest import Identity
from corpuskit.recipe.training import ModelConfig, PretrainConfig

STEP = "pretrain"
REVISION = 2
"""Raised by whoever changes what a run computes."""
LIBRARIES = ("numpy", "torch")


@dataclass(frozen=True, kw_only=True, eq=False)
class Job:
    """One run: data, model, recipe, and where it is written."""

    shards: str
    """Folder of token shards."""
    token_bytes: np.ndarray
    """int32[vocab], the UTF-8 bytes of text that each id stands for: `Tokenizer.token_bytes()`."""
    selection: np.ndarray
    """int64[n], the documents to train on; their order does not matter."""
    validation: Mapping[str, np.ndarray] = field(default_factory=dict)
    """Held-out documents by the name of their set, int64[n] each; sets may overlap one another."""
    config: PretrainConfig = field(default_factory=PretrainConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    out: str
    """The run's folder."""
    inputs: Mapping[str, Any] = field(default_factory=dict)
    """Fingerprints worth naming when a run is done again because they changed, such as that of the variant."""
    device: str = "auto"
    """`cpu`, `cuda`, or `auto`: CUDA where there is a GPU. Not part of the fingerprint."""
    threads: int | None = None
    """CPU threads of each process; torch decides where None. Bit-exact resume holds for the same number of threads.
    Not part of the fingerprint."""

    @functools.cached_property
    def identity(self) -> Identity:
        """All that decides the run: configs, digests of selections and token sizes, fingerprint of the shards.

        Raises:
            ArtifactError: `shards` is no folder of token shards.
        """
        arrays = {
            "token_bytes": _digest(self.token_bytes, np.int32),
            "selection": _digest(np.unique(self.selection), np.int64),
            **{f"validation.{name}": _digest(np.unique(rows), np.int64) for name, rows in self.validation.items()},
        }
        return Identity(
            step=STEP,
            revision=REVISION,
            config={"model": self.model.plain(), "pretrain": self.config.deciding()},
            inputs={**self.inputs, **arrays, "shards": manifest.read(self.shards, "shards").fingerprint},
            libraries=manifest.library_versions(LIBRARIES),
        )

    def save(self, folder: str) -> str:
        """Write the job to a folder, arrays as .npy beside `job.json`; return the path of `job.json`."""
        arrays = {"token_bytes": self.token_bytes, "selection": self.selection}
        arrays |= {f"validation-{name}": rows for name, rows in self.validation.items()}
        for name, array in arrays.items():
            buffer = io.BytesIO()
            np.save(buffer, array)
            storage.commit(storage.join(folder, f"{name}.npy"), buffer.getvalue())
        fields = {
            "shards": self.shards,
            "token_bytes": "token_bytes.npy",
            "selection": "selection.npy",
            "validation": {name: f"validation-{name}.npy" for name in self.validation},
            "config": self.config.plain(),
            "model": self.model.plain(),
            "out": self.out,
            "inputs": dict(self.inputs),
            "device": self.device,
            "threads": self.threads,
        }
        path = storage.join(folder, "job.json")
        storage.commit(path, orjson.dumps(fields, option=orjson.OPT_INDENT_2))
        return path

    @classmethod
    def load(cls, path: str) -> "Job":
        """Read a job; paths of arrays are relative to the folder of `job.json`.

        Raises:
            InputError: the file or one of its arrays is missing or not what it should be.
        """
        folder = path.rpartition("/")[0] or "."
        try:
            fields = orjson.loads(storage.read_bytes(path))
            fields["token_bytes"] = _read_array(folder, fields["token_bytes"])
            fields["selection"] = _read_array(folder, fields["selection"])
            validation = fields.get("validation", {})
            fields["validation"] = {name: _read_array(folder, file) for name, file in validation.items()}
            fields["config"] = PretrainConfig(**fields.get("config", {}))
            fields["model"] = ModelConfig(**fields.get("model", {}))
            return cls(**fields)
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"{path} is not a pretraining job: {error}") from error


def _read_array(folder: str, name: str) -> np.ndarray:
    path = name if storage.is_remote(name) or name.startswith("/") else storage.join(folder, name)
    return np.load(io.BytesIO(storage.read_bytes(path)))


def _digest(array: np.ndarray, dtype: Any) -> str:
    return hashlib.sha256(np.ascontiguousarray(array, dtype).tobytes()).hexdigest()
