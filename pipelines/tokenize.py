"""Raw inputs straight to token shards, without a prepared corpus between them."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import pyarrow as pa

from corpuskit import documents, manifest, tokenization
from corpuskit.documents import BadRecord, SourceConfig
from corpuskit.extract import ExtractConfig, extract_records
from corpuskit.manifest import Identity, Manifest, Marker, Target
from pipelines import encode
from pipelines.engine import Attempt, Item, Phase, Step
from pipelines.extraction import with_formats

REVISION = 1
EXTRACTION = ExtractConfig()
"""How the text of web pages is extracted; a recipe can say otherwise."""
LIBRARIES = ("pyarrow", "orjson", "xxhash", "tokenizers", "sentencepiece", "gigatoken")


def step(source: SourceConfig, tokenizer: str, out: str, split_bytes: int, max_error_rate: float) -> Step:
    """Plan the encoding of a source into `out` itself: one shard per piece of the input, errors beside them.

    Args:
        source: the input.
        tokenizer: folder or file of a tokenizer.
        out: folder of the shards.
        split_bytes: bytes of text in a piece.
        max_error_rate: share of malformed records above which the step fails.
    """
    loaded = tokenization.load(tokenizer)
    pieces = documents.plan(source, split_bytes)
    identity = Identity(
        step="tokenize",
        revision=REVISION,
        config={"source": source.identity(), "split_bytes": split_bytes},
        inputs={"source": documents.identify(pieces), "tokenizer": loaded.fingerprint},
        libraries=manifest.library_versions(LIBRARIES),
    )
    identity = with_formats(identity, pieces, EXTRACTION)
    work = partial(run, source=source, tokenizer=tokenizer)
    items = tuple(Item(name=piece.name, payload={"piece": piece}, size=piece.size) for piece in pieces)
    extra = encode.header(loaded).manifest_extra()
    return Step(
        **vars(Target(kind="shards", name="tokenize", folder=out, identity=identity)),
        phases=(Phase(name="encode", items=items, work=work),),
        finish=partial(_finish, extra=extra, max_error_rate=max_error_rate),
    )


def run(attempt: Attempt, *, source: SourceConfig, tokenizer: str) -> Marker:
    """Read one piece, encode it and commit its shard and its malformed records."""
    name = attempt.item.name
    errors: list[BadRecord] = []
    skipped: Counter[str] = Counter()
    batches = _documents(attempt.item.payload["piece"], source, errors, skipped)
    writer = encode.write_shard(attempt.folder, name, batches, tokenization.load(tokenizer))
    marker = encode.shard_marker(attempt, name, writer, errors=len(errors))
    counts = {f"skipped.{reason}": count for reason, count in sorted(skipped.items())}
    files = documents.write_errors(attempt.folder, name, errors) if errors else {}
    return replace(marker, counts={**marker.counts, **counts}, files={**marker.files, **files})


def _documents(
    piece: Any, source: SourceConfig, errors: list[BadRecord], skipped: Counter[str]
) -> Iterator[pa.RecordBatch]:
    for batch, bad, others in extract_records(documents.read(piece, source), EXTRACTION):
        errors += bad
        skipped.update(others)
        yield batch


def _finish(
    step: Step, markers: Mapping[str, list[Marker]], extra: Mapping[str, Any], max_error_rate: float
) -> Manifest:
    merged = manifest.merge(markers["encode"])
    examples = documents.read_errors(step.folder, merged["files"])
    documents.check_errors(merged["rows"], merged["errors"], max_error_rate, examples)
    return step.manifest(markers["encode"], extra=extra)
