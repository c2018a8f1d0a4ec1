"""Documents to token shards: the rows that a variant keeps, and all held-out rows."""

import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpuskit import manifest, storage, tokenization
from corpuskit.documents import read_split, sidecars
from corpuskit.errors import CorruptArtifact
from corpuskit.manifest import Identity, Marker, Target
from corpuskit.shards import Header, ShardWriter, part_file
from corpuskit.shards.foreign import ForeignWriter
from corpuskit.tokenization import Tokenizer
from pipelines.engine import Attempt, Phase, Step

REVISION = 2
LIBRARIES = {
    "bpe": ["numba", "tokenizers", "gigatoken", "sentencepiece"],
    "wordpiece": ["numba", "tokenizers"],
    "unigram": ["numba", "sentencepiece", "tokenizers"],
}
"""What decides the ids of each type of tokenizer."""


def target(name: str, documents: Target, tokenizer: Target, variants: Sequence[Target], out: str) -> Target:
    """Return where the shards of one tokenizer go, for the rows that any of `variants` keeps."""
    inputs = {"documents": documents.fingerprint, "tokenizer": tokenizer.fingerprint}
    inputs |= {f"variants.{variant.name}": variant.fingerprint for variant in variants}
    identity = Identity(
        step="encode",
        revision=REVISION,
        config={},
        inputs=inputs,
        libraries=manifest.library_versions(["pyarrow", *LIBRARIES[tokenizer.identity.config["type"]]]),
    )
    return Target.place("shards", name, storage.join(out, "shards"), identity)


def step(place: Target, documents: str, tokenizer: str, variants: Sequence[str]) -> Step:
    """Plan the shards; arguments are folders. With no variants, every row is encoded."""
    from pipelines.annotate import split_items  # imports numba, which not all who import this module need

    common = header(tokenization.load(tokenizer))
    work = partial(
        run, documents=documents, tokenizer=tokenizer, fingerprint=common.tokenizer, variants=tuple(variants)
    )
    items = split_items(manifest.read(documents, "documents"))
    return Step(
        **vars(place),
        phases=(Phase(name="encode", items=items, work=work),),
        finish=partial(_finish, extra=common.manifest_extra()),
    )


@functools.lru_cache(maxsize=1)
def loaded(tokenizer: str, fingerprint: str, pretokenizer: str | None = None) -> Tokenizer:
    """Return a tokenizer, which a process loads once for all its items.

    Raises:
        CorruptArtifact: the file is not the one that the step was planned with.
    """
    found = tokenization.load(tokenizer, pretokenizer)
    if found.fingerprint != fingerprint:
        raise CorruptArtifact(f"{tokenizer}: has changed since this step began; run the command again")
    return found


def wanted_rows(part: Mapping[str, Any], documents: str, variants: Sequence[str]) -> np.ndarray:
    """Return which rows of a split belong into shards: kept by any variant, or held out; bool[rows]."""
    if not variants:
        return np.ones(part["rows"], bool)
    wanted = np.concatenate([batch.column(0).to_numpy(zero_copy_only=False) for batch in _heldout(documents, part)])
    for folder in variants:
        wanted = wanted | sidecars.read(folder, part, ["kept"]).column(0).to_numpy()
    return wanted


def _heldout(documents: str, part: Mapping[str, Any]) -> list[pa.RecordBatch]:
    return list(read_split(documents, part["name"], columns=["heldout"]))


def run(attempt: Attempt, *, documents: str, tokenizer: str, fingerprint: str, variants: Sequence[str]) -> Marker:
    """Encode one split and commit its shard."""
    part = attempt.item.payload["part"]
    wanted = wanted_rows(part, documents, variants)
    batches = _filtered(read_split(documents, part["name"], columns=["key", "text"]), wanted)
    writer = write_shard(attempt.folder, part["name"], batches, loaded(tokenizer, fingerprint))
    return shard_marker(attempt, part["name"], writer)


def _filtered(batches: Iterable[pa.RecordBatch], wanted: np.ndarray) -> Iterator[pa.RecordBatch]:
    first = 0
    for batch in batches:
        yield batch.filter(pa.array(wanted[first : first + len(batch)]))
        first += len(batch)


def header(tokenizer: Tokenizer) -> Header:
    """Return what the shards of a tokenizer have in common."""
    return Header(tokenizer=tokenizer.fingerprint, vocab_size=tokenizer.vocab_size)


def write_shard(folder: str, name: str, batches: Iterable[pa.RecordBatch], tokenizer: Tokenizer) -> ShardWriter:
    """Encode batches with columns `key` and `text` into one committed shard; return its closed writer."""
    return fill(ShardWriter(storage.join(folder, part_file(name)), header(tokenizer)), batches, tokenizer)


Writer = TypeVar("Writer", ShardWriter, ForeignWriter, ShardWriter | ForeignWriter)


def fill(writer: Writer, batches: Iterable[pa.RecordBatch], tokenizer: Tokenizer, verify: bool = False) -> Writer:
    """Encode batches with columns `key` and `text` into a shard; return its writer, closed.

    Raises:
        CorruptArtifact: `verify` is asked for, and a document's tokens do not give its text back.
    """
    with writer:
        for batch in batches:
            texts = batch.column("text")
            lists = tokenizer.encode(texts)
            if verify:
                _verify(batch, lists, tokenizer)
            writer.append(batch.column("key"), lists, pc.binary_length(texts).to_numpy())
    return writer


def _verify(batch: pa.RecordBatch, lists: pa.LargeListArray, tokenizer: Tokenizer) -> None:
    texts = batch.column("text").cast(pa.large_binary())
    found = tokenizer.decode_bytes(lists)
    if not found.equals(texts):
        row = int(np.flatnonzero(pc.not_equal(found, texts).to_numpy(zero_copy_only=False))[0])
        name = batch.column("id")[row] if "id" in batch.schema.names else batch.column("key")[row]
        raise CorruptArtifact(f"document {name}: its tokens do not give its text back; {tokenizer} loses text")


def shard_marker(attempt: Attempt, name: str, writer: ShardWriter | ForeignWriter, errors: int = 0) -> Marker:
    """Return the marker of an item that wrote one shard."""
    return Marker(
        item=attempt.item.name,
        fingerprint=attempt.fingerprint,
        rows=writer.rows,
        errors=errors,
        keys=writer.keys,
        counts={"tokens": writer.n_tokens, "bytes": writer.n_bytes},
        files={path: manifest.file_entry(storage.join(attempt.folder, path)) for path in writer.files},
        parts=[writer.part(name)],
    )


def _finish(step: Step, markers: Mapping[str, list[Marker]], extra: Mapping[str, Any]) -> manifest.Manifest:
    return step.manifest(markers["encode"], extra=extra)
