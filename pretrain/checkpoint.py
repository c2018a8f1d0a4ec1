"""Checkpoints: committed whole, checked when read, the newest few kept.

`checkpoints/index.json` names the files that count, with their checksums; it is committed after each of them, so a
killed run never resumes from half a file. All ranks read the same checkpoint from a shared folder; rank 0 writes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
import torch

from corpuskit import manifest, storage

FOLDER = "checkpoints"
INDEX = "index.json"


@dataclass(frozen=True)
class Checkpoints:
    """The checkpoints of one run folder; those of another fingerprint count as absent."""

    run: str
    """The run's folder."""
    fingerprint: str
    kept: int
    """How many of the newest stay."""

    @property
    def folder(self) -> str:
        """Where the files lie."""
        return storage.join(self.run, FOLDER)

    def save(self, step: int, state: Mapping[str, Any]) -> None:
        """Commit the state after `step` steps, then drop checkpoints beyond the newest `kept`."""
        name = f"step-{step:08d}.pt"
        path = storage.join(self.folder, name)
        with storage.committing(path) as scratch:
            torch.save(dict(state), scratch)
        entries = [entry for entry in self._entries() if entry["step"] < step]
        entries.append({"step": step, "file": name, **manifest.file_entry(path)})
        index = {"fingerprint": self.fingerprint, "checkpoints": entries[-self.kept :]}
        storage.commit(storage.join(self.folder, INDEX), orjson.dumps(index, option=orjson.OPT_INDENT_2))
        for entry in entries[: -self.kept]:
            storage.remove(storage.join(self.folder, entry["file"]))

    def load(self, device: torch.device) -> dict[str, Any] | None:
        """Return the newest state whose file is whole, or None where there is none."""
        for entry in reversed(self._entries()):
            path = storage.join(self.folder, entry["file"])
            if storage.exists(path) and storage.checksum(path) == entry["xxh3"]:
                with storage.open_input(path) as file:
                    return torch.load(file, map_location=device, weights_only=True)
        return None

    def clear(self) -> None:
        """Remove all checkpoints."""
        storage.remove(self.folder)

    def _entries(self) -> list[dict[str, Any]]:
        path = storage.join(self.folder, INDEX)
        if not storage.exists(path):
            return []
        index = orjson.loads(storage.read_bytes(path))
        return index["checkpoints"] if index["fingerprint"] == self.fingerprint else []
