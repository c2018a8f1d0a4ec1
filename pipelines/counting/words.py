"""Counting the words of one split, and merging the counts of one partition."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpuskit import documents, storage
from corpuskit.documents import BadRecord, SourceConfig, sidecars
from corpuskit.errors import InputError
from corpuskit.extract import ExtractConfig, extract_records
from corpuskit.manifest import Marker
from corpuskit.tokenization.counts import CountsConfig, WordCounts, WordTable, count_into, files, partition, select
from corpuskit.tokenization.counts import merge as merge_counts
from pipelines import exchange
from pipelines.counting.rows import Rows, batches, sampled
from pipelines.engine import Attempt

ALL = "all"
"""The group of every document where words are not counted by group."""
UNKNOWN = "unknown"
"""The group of documents whose language was not measured."""
TAKEN = (".", "..", "claims", "errors", "manifest.json", "markers", "work")
"""What no group may be called: its words lie in a folder of its name, beside those of the step."""
EXTRACTION = ExtractConfig()
GROUPED = pa.schema([pa.field("group", pa.string(), nullable=False), *files.SCHEMA])
Grouped = Iterator[tuple[str, pa.Array]]


def count_split(attempt: Attempt, *, rows: Rows, config: CountsConfig, partitions: int) -> Marker:
    """Count the words of one split's training documents."""
    part = attempt.item.payload["part"]
    mask = sampled(attempt.folder, rows, part, config.seed)
    return _count(attempt, _by_group(rows, part, mask, config), config, partitions)


def count_piece(
    attempt: Attempt, *, source: SourceConfig, share: float, config: CountsConfig, partitions: int
) -> Marker:
    """Count the words of one piece of raw input; malformed records go to `errors/`."""
    errors: list[BadRecord] = []
    marker = _count(attempt, _records(attempt.item.payload["piece"], source, share, config, errors), config, partitions)
    written = documents.write_errors(attempt.folder, attempt.item.name, errors) if errors else {}
    return replace(marker, errors=len(errors), files=written)


def _records(piece: Any, source: SourceConfig, share: float, config: CountsConfig, errors: list[BadRecord]) -> Grouped:
    for batch, bad, _ in extract_records(documents.read(piece, source), EXTRACTION):
        errors += bad
        if share < 1:
            batch = batch.filter(pa.array(documents.sample_mask(batch.column("key"), share)))
        yield source.name if config.groups == "source" else ALL, batch.column("text")


def _by_group(rows: Rows, part: Mapping[str, Any], mask: np.ndarray, config: CountsConfig) -> Grouped:
    """Yield the texts of the chosen rows, those of one group at a time."""
    columns = ["text", "source"] if config.groups == "source" else ["text"]
    labels = None
    if config.groups == "language":
        column = sidecars.read(str(rows.language), part, ["language.label"]).column(0)
        labels = column.combine_chunks().fill_null(UNKNOWN).filter(pa.array(mask))
    first = 0
    for batch in batches(rows, part, mask, columns):
        texts = batch.column("text")
        if config.groups == "none":
            yield ALL, texts
            continue
        groups = batch.column("source") if labels is None else labels.slice(first, len(batch))
        first += len(batch)
        for group in sorted(pc.unique(groups).to_pylist()):
            yield group, texts.filter(pc.equal(groups, group))


def _count(attempt: Attempt, grouped: Grouped, config: CountsConfig, partitions: int) -> Marker:
    tables: dict[str, WordTable] = {}
    rows = size = 0
    for group, texts in grouped:
        _check(group)
        count_into(tables.setdefault(group, WordTable()), texts, config)
        rows, size = rows + len(texts), size + int(pc.sum(pc.binary_length(texts)).as_py() or 0)
    counted = {group: table.counts() for group, table in sorted(tables.items())}
    parts = {group: partition(counts, partitions) for group, counts in counted.items()}
    written = [_grouped({group: own[k] for group, own in parts.items()}) for k in range(partitions)]
    exchange.write(_counted(attempt.folder, attempt.item.name), written)
    return Marker(item=attempt.item.name, fingerprint=attempt.fingerprint, rows=rows, counts={"text_bytes": size})


def _check(group: str) -> None:
    if group in TAKEN:
        raise InputError(f"words cannot be counted by source where one is called {group!r}: give it another name")


def merge(attempt: Attempt, *, splits: Sequence[str], config: CountsConfig) -> Marker:
    """Add up one partition of all splits, and commit it, a file a group, without the words that are too rare."""
    number = attempt.item.payload["partition"]
    found = _merged(exchange.read(_counted(attempt.folder, split), number) for split in splits)
    rare = _rare(found, config.min_count)
    counts, written = dict.fromkeys(("words", "occurrences", "cut_words", "cut_occurrences"), 0), {}
    for group, whole in sorted(found.items()):
        kept = _without(whole, rare)
        name = files.part_file(group, number)
        written[name] = files.write(storage.join(attempt.folder, name), kept, {"group": group, **config.plain()})
        counts["words"] += len(kept)
        counts["occurrences"] += kept.total
        counts["cut_words"] += len(whole) - len(kept)
        counts["cut_occurrences"] += whole.total - kept.total
    return Marker(item=attempt.item.name, fingerprint=attempt.fingerprint, counts=counts, files=written)


def _grouped(counted: Mapping[str, WordCounts]) -> pa.RecordBatch:
    """Return the counts of all groups as one batch of GROUPED."""
    found = [exchange.empty(GROUPED)]
    for group, counts in counted.items():
        groups = pa.array([group]).take(pa.array(np.zeros(len(counts), np.int8)))
        found.append(pa.RecordBatch.from_arrays([groups, *files.to_batch(counts).columns], schema=GROUPED))
    return exchange.one_batch(pa.Table.from_batches(found))


def _merged(read: Iterable[pa.RecordBatch]) -> dict[str, WordCounts]:
    tables: dict[str, WordTable] = {}
    for batch in read:
        for group in pc.unique(batch.column("group")).to_pylist():
            own = batch.filter(pc.equal(batch.column("group"), group)).select(files.SCHEMA.names)
            tables.setdefault(group, WordTable()).add_counts(files.from_batch(own))
    return {group: table.counts() for group, table in tables.items()}


def _rare(found: Mapping[str, WordCounts], min_count: int) -> pa.Array:
    """Return the words that occur less than `min_count` times in all groups together; large_binary[]."""
    if min_count <= 1:
        return pa.array([], pa.large_binary())
    whole = merge_counts(found.values())
    return whole.words.filter(pa.array(whole.counts < min_count))


def _without(whole: WordCounts, rare: pa.Array) -> WordCounts:
    return select(whole, ~pc.is_in(whole.words, rare).to_numpy(zero_copy_only=False)) if len(rare) else whole


def _counted(folder: str, split: str) -> str:
    return storage.join(folder, "work", "counted", f"{split}.arrow")
