"""Raw inputs straight to token shards, without a prepared corpus between them."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

import pyarrow as pa

from corpuskit import documents, manifest, storage, tokenization
from corpuskit.documents import BadRecord, SourceConfig
from corpuskit.errors import InputError
from corpuskit.extract import ExtractConfig, extract_records
from corpuskit.manifest import Identity, Manifest, Marker, Target
from corpuskit.shards import Header, ShardWriter, part_file
from corpuskit.shards.foreign import MDS_INDEX, WRITERS, ForeignWriter, mds_index
from corpuskit.tokenization import Tokenizer
from pipelines import encode
from pipelines.engine import Attempt, Item, Phase, Step
from pipelines.extraction import with_formats

REVISION = 1
Format = Literal["arrow", "megatron", "mds"]
EXTRACTION = ExtractConfig()
"""How the text of web pages is extracted; a recipe can say otherwise."""
VERIFIED = "verified"
"""What a manifest counts documents as that were decoded again."""
LIBRARIES = ("pyarrow", "orjson", "xxhash", "numba", "tokenizers", "sentencepiece", "gigatoken")


@dataclass(frozen=True, kw_only=True)
class Encoding:
    """What a piece is encoded with, and into what."""

    tokenizer: str
    fingerprint: str
    pretokenizer: str | None
    format: Format
    append: int | None
    verify: bool

    def load(self) -> Tokenizer:
        """Return the tokenizer."""
        return encode.loaded(self.tokenizer, self.fingerprint, self.pretokenizer)

    def writer(self, folder: str, name: str, tokenizer: Tokenizer) -> ShardWriter | ForeignWriter:
        """Return a writer of one shard."""
        if self.format == "arrow":
            return ShardWriter(storage.join(folder, part_file(name)), encode.header(tokenizer))
        return WRITERS[self.format](folder, name, encode.header(tokenizer), self.append)


def step(
    source: SourceConfig,
    tokenizer: str,
    out: str,
    *,
    split_bytes: int,
    max_error_rate: float,
    format_: Format = "arrow",
    append: int | None = None,
    pretokenizer: str | None = None,
    verify: bool = False,
) -> Step:
    """Plan the encoding of a source into `out` itself: one shard per piece of the input, errors beside them.

    Args:
        source: the input.
        tokenizer: folder or file of a tokenizer.
        out: folder of the shards.
        split_bytes: bytes of text in a piece.
        max_error_rate: share of malformed records above which the step fails.
        format_: of the shards.
        append: an id that is written after each document, where the shards are not Arrow's.
        pretokenizer: what a word is, for ranks of tiktoken.
        verify: whether each document is decoded again and compared.

    Raises:
        InputError: the id is not in the vocabulary.
    """
    loaded = tokenization.load(tokenizer, pretokenizer)
    if append is not None and append >= loaded.vocab_size:
        raise InputError(f"the id {append} that is to end documents is not among the tokenizer's {loaded.vocab_size:,}")
    pieces = documents.plan(source, split_bytes)
    written = {} if format_ == "arrow" else {"format": format_, "append": append}
    identity = Identity(
        step="tokenize",
        revision=REVISION,
        config={"source": source.identity(), "split_bytes": split_bytes, **written},
        inputs={"source": documents.identify(pieces), "tokenizer": loaded.fingerprint},
        libraries=manifest.library_versions(LIBRARIES),
    )
    identity = with_formats(identity, pieces, EXTRACTION)
    encoding = Encoding(
        tokenizer=tokenizer,
        fingerprint=loaded.fingerprint,
        pretokenizer=pretokenizer,
        format=format_,
        append=append,
        verify=verify,
    )
    work = partial(run, source=source, encoding=encoding)
    items = tuple(Item(name=piece.name, payload={"piece": piece}, size=piece.size) for piece in pieces)
    return Step(
        **vars(Target(kind="shards", name="tokenize", folder=out, identity=identity)),
        phases=(Phase(name="encode", items=items, work=work),),
        finish=partial(_finish, header=encode.header(loaded), format_=format_, max_error_rate=max_error_rate),
    )


def run(attempt: Attempt, *, source: SourceConfig, encoding: Encoding) -> Marker:
    """Read one piece, encode it and commit its shard and its malformed records."""
    name = attempt.item.name
    errors: list[BadRecord] = []
    skipped: Counter[str] = Counter()
    batches = _documents(attempt.item.payload["piece"], source, errors, skipped)
    tokenizer = encoding.load()
    writer = encode.fill(encoding.writer(attempt.folder, name, tokenizer), batches, tokenizer, encoding.verify)
    marker = encode.shard_marker(attempt, name, writer, errors=len(errors))
    counts = {f"skipped.{reason}": count for reason, count in sorted(skipped.items())}
    if encoding.verify:
        counts[VERIFIED] = writer.rows
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
    step: Step, markers: Mapping[str, list[Marker]], header: Header, format_: Format, max_error_rate: float
) -> Manifest:
    merged = manifest.merge(markers["encode"])
    examples = documents.read_errors(step.folder, merged["files"])
    documents.check_errors(merged["rows"], merged["errors"], max_error_rate, examples)
    if format_ == "mds":
        storage.commit(storage.join(step.folder, MDS_INDEX), mds_index(merged["parts"], header))
    extra = header.manifest_extra() if format_ == "arrow" else {**header.manifest_extra(), "format": format_}
    return step.manifest(markers["encode"], extra=extra)
