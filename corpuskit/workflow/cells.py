"""What one cell of the grid trains on: shards, training rows and held-out rows of a prepared corpus."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from corpuskit import manifest, tokenization
from corpuskit.corpus import Corpus
from corpuskit.documents import read_split, sidecars
from corpuskit.documents.schema import key_array, key_matrix, keys_digest
from corpuskit.errors import CorruptArtifact


@dataclass(frozen=True)
class CellData:
    """A (tokenizer, variant) of a prepared corpus."""

    corpus: Corpus
    tokenizer: str
    variant: str

    @property
    def shards(self) -> str:
        """Folder of the token shards: the variant's own, else those of its text."""
        own = f"{self.tokenizer}@{self.variant}"
        shared = self.tokenizer + self.corpus.text_suffix(self.variant)
        named = self.corpus.artifacts.get("shards", {})
        return self.corpus.artifact("shards", own if own in named else shared)

    @property
    def tokenizer_folder(self) -> str:
        """Folder of the tokenizer."""
        return self.corpus.artifact("tokenizer", self.tokenizer)

    @cached_property
    def rows(self) -> "ShardRows":
        """Which documents of the shards are for training, and which for validation."""
        return _shard_rows(self.corpus, self.shards, self.variant)

    @cached_property
    def token_bytes(self) -> np.ndarray:
        """Bytes of text that each id stands for; int32[vocabulary]."""
        return tokenization.load(self.tokenizer_folder).token_bytes()

    @cached_property
    def fingerprints(self) -> dict[str, str]:
        """Fingerprints that decide a run: shards, tokenizer and the variant's selection."""
        folders = {
            "shards": self.shards,
            "tokenizer": self.tokenizer_folder,
            "variant": self.corpus.artifact("variant", self.variant),
        }
        return {name: manifest.read(folder).fingerprint for name, folder in folders.items()}


@dataclass(frozen=True, eq=False)
class ShardRows:
    """Document numbers within the shards; int64 arrays in shard order."""

    training: np.ndarray
    """Kept by the variant and not held out."""
    validation: Mapping[str, np.ndarray]
    """`raw`: all held-out documents; `common`: those that every variant keeps; each also by source, as `raw, acl`."""


def _shard_rows(corpus: Corpus, shards: str, variant: str) -> ShardRows:
    """Map rows of the documents to rows of the shards, split by split, and check that the keys agree."""
    encoded = sidecars.parts_by_name(shards)
    pieces: dict[str, list[np.ndarray]] = {"training": [], "raw": [], "common": [], "sources": []}
    readers = _readers_of(corpus, shards)
    for part in manifest.read(corpus.documents).parts:
        rows = pa.Table.from_batches(list(read_split(corpus.documents, part["name"], ["key", "heldout", "source"])))
        heldout = rows.column("heldout").to_numpy()
        kept = {name: _kept(corpus, name, part) for name in corpus.variants}
        wanted = np.logical_or.reduce([heldout, *(kept[name] for name in readers)])
        _check_keys(shards, encoded[part["name"]], key_matrix(rows.column("key"))[wanted])
        pieces["training"].append((kept[variant] & ~heldout)[wanted])
        pieces["raw"].append(heldout[wanted])
        pieces["common"].append(np.logical_and.reduce([heldout, *kept.values()])[wanted])
        pieces["sources"].append(rows.column("source").to_numpy()[wanted])
    masks = {name: np.concatenate(arrays) for name, arrays in pieces.items()}
    return ShardRows(np.flatnonzero(masks["training"]), _validation(masks))


def _validation(masks: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the held-out sets that hold documents: all, and by source where there is more than one."""
    sources = np.unique(masks["sources"])
    sets = {}
    for name in ("raw", "common"):
        sets[name] = np.flatnonzero(masks[name])
        if len(sources) > 1:
            sets |= {
                f"{name}, {source}": np.flatnonzero(masks[name] & (masks["sources"] == source)) for source in sources
            }
    return {name: rows for name, rows in sets.items() if len(rows)}


def _readers_of(corpus: Corpus, shards: str) -> Sequence[str]:
    """Return the variants whose rows the shards hold, as their fingerprint says."""
    inputs = manifest.read(shards, "shards").identity["inputs"]
    return [name.removeprefix("variants.") for name in inputs if name.startswith("variants.")]


def _kept(corpus: Corpus, variant: str, part: Mapping[str, Any]) -> np.ndarray:
    kept: np.ndarray = sidecars.read(corpus.artifact("variant", variant), part, ["kept"]).column(0).to_numpy()
    return kept


def _check_keys(shards: str, part: Mapping[str, Any], keys: np.ndarray) -> None:
    found = keys_digest(key_array(keys))
    if found != part["keys"]:
        raise CorruptArtifact(f"{shards}: split {part['name']} holds keys {part['keys']}, the variants give {found}")
