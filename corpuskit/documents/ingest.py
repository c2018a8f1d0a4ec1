"""One piece of the input to document parts and an errors file."""

import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from types import MappingProxyType
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from corpuskit import manifest, storage
from corpuskit.documents import formats
from corpuskit.documents.parquet import Link, links
from corpuskit.documents.parts import PartTotals, link_schema, write_parquet
from corpuskit.documents.pieces import Piece
from corpuskit.documents.records import BadRecord, Choice, Records, errors_batch
from corpuskit.documents.sampling import Sampler
from corpuskit.documents.schema import ERROR_SCHEMA, SCHEMA, HeldoutConfig, heldout_mask
from corpuskit.documents.source import SourceConfig
from corpuskit.documents.streams import binary_reader
from corpuskit.errors import InputError, TooManyErrors

Convert = Callable[[Iterator[Records]], Iterator[Records]]
ERRORS = "errors"
"""Subfolder of a documents artifact with its malformed records."""
SECONDS = "seconds"
"""Subfolder of a sample of documents that says how long reading took."""


class _Sieve:
    """Parts what a reader gives into documents, which pass through, and malformed records, which stay."""

    def __init__(self, records: Iterable[Records], heldout: HeldoutConfig) -> None:
        self.totals = PartTotals()
        self.documents = self.totals.watch(self._pass(records, heldout))
        self.errors = 0
        self.skipped: Counter[str] = Counter()
        self._malformed: list[pa.RecordBatch] = []

    def _pass(self, records: Iterable[Records], heldout: HeldoutConfig) -> Iterator[pa.RecordBatch]:
        for batch, errors, skipped in records:
            self.skipped.update(skipped)
            if errors:
                self._malformed.append(errors_batch(errors))
                self.errors += len(errors)
            if len(batch):
                yield with_heldout(batch, heldout)

    def write_errors(self, path: str) -> None:
        """Commit the malformed records."""
        with storage.committing(path) as scratch:
            pq.write_table(pa.Table.from_batches(self._malformed, ERROR_SCHEMA), scratch, compression="zstd")


def with_heldout(batch: pa.RecordBatch, config: HeldoutConfig) -> pa.RecordBatch:
    """Return what a reader gave as documents of the full schema."""
    if "payload" in batch.schema.names:
        raise ValueError("web pages must be extracted before they are documents")
    mask = pa.array(heldout_mask(batch.column("key"), config))
    columns = [mask if name == "heldout" else batch.column(name) for name in SCHEMA.names]
    return pa.RecordBatch.from_arrays(columns, schema=SCHEMA)


def ingest_piece(
    piece: Piece,
    source: SourceConfig,
    heldout: HeldoutConfig,
    folder: str,
    split_bytes: int,
    *,
    index: int | None = None,
    poison: Sequence[int] = (),
    only: tuple[int, int] | None = None,
    convert: Convert = iter,
    share: float = 1.0,
) -> dict[str, Any]:
    """Read one piece; commit `part-<index>.parquet`, `part-<index>-001.parquet`, … and `errors/part-<index>.parquet`.

    A part ends with the document that brings its text to `split_bytes`. Linked pieces are one part.

    Args:
        piece: what to read.
        source: the source it belongs to.
        heldout: which documents are held out.
        folder: the artifact's folder.
        split_bytes: bytes of text in a part.
        index: number in the parts' names; the piece's own by default, which is unique in its source only.
        poison: numbers of records, counted from 0 in reading order, that go to `errors/` without being parsed.
        only: parse just the records [start, stop) and commit nothing.
        convert: turns what the reader gives into batches of `READ_SCHEMA`: web pages must be extracted.
        share: share of the documents to take, by key; under 1, all else is read, counted as `population`, and left
            out, and `seconds/<name>.json` says how long reading alone took (see `reading_seconds`).

    Returns:
        The fields of a `manifest.Marker` except item and fingerprint: rows, errors, keys, counts, files, parts.

    Raises:
        InputError: a file is gone or has changed since it was planned.
    """
    name = piece.name if index is None else f"part-{index:07d}"
    start, stop = only or (0, None)
    choice = Choice(start, stop, frozenset(poison))
    sampler = Sampler(share) if share < 1 else None

    def fresh() -> _Sieve:
        records = formats.read(piece, source, choice)
        return _Sieve(convert(sampler.take(records) if sampler else records), heldout)

    if only is not None:
        sieve = fresh()
        deque(sieve.documents, maxlen=0)
        return {"rows": sieve.totals.rows, "errors": sieve.errors}
    linked = [] if poison or sampler else links(piece, source)
    started = time.perf_counter()
    sieve, parts = _write(name, fresh(), folder, split_bytes, linked)
    if linked and sieve.errors:  # the part would not have the rows of the linked file: copy the good ones
        sieve, parts = _write(name, fresh(), folder, split_bytes, [])
    result = _committed(name, folder, parts, sieve)
    if sampler:
        result["counts"] |= sampler.counts
        seconds = {"reading": sampler.seconds, "all": time.perf_counter() - started}
        storage.commit(storage.join(folder, SECONDS, f"{name}.json"), orjson.dumps(seconds))
    return result


def reading_seconds(folder: str) -> dict[str, float]:
    """Return how long the pieces of a sample took, summed: `reading` the whole, and `all`, the rest included.

    They lie beside the artifact's files and are not among them: two runs never take equally long.
    """
    files = storage.expand([storage.join(folder, SECONDS)])
    found = [orjson.loads(storage.read_bytes(file.path)) for file in files]
    return {name: sum(seconds[name] for seconds in found) for name in ("reading", "all")}


def _write(
    name: str, sieve: _Sieve, folder: str, split_bytes: int, linked: Sequence[Link]
) -> tuple[_Sieve, list[dict[str, Any]]]:
    """Commit the parts of a piece; return the emptied sieve and the parts' entries."""
    if linked:
        entry = _write_part(folder, name, sieve.documents, link_schema(linked))
        return sieve, [{**entry, "linked": True}]
    parts = []
    for number, group in groupby(_numbered(sieve.documents, split_bytes), key=itemgetter(0)):
        part = f"{name}-{number:03d}" if number else name
        parts.append(_write_part(folder, part, map(itemgetter(1), group), SCHEMA))
    return sieve, parts


def _write_part(folder: str, part: str, batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> dict[str, Any]:
    totals = PartTotals()
    write_parquet(storage.join(folder, f"{part}.parquet"), totals.watch(batches), schema)
    return totals.entry(part)


def _numbered(batches: Iterable[pa.RecordBatch], split_bytes: int) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Cut batches where a part's text reaches `split_bytes`; give (number of the part, rows)."""
    number = size = 0
    for batch in batches:
        ends = np.frombuffer(batch.column("text").buffers()[1], np.int64)[batch.column("text").offset :]
        sizes = np.cumsum(np.diff(ends[: len(batch) + 1]))
        start = before = 0
        while start < len(batch):
            stop = min(int(np.searchsorted(sizes, before + split_bytes - size)) + 1, len(batch))
            yield number, batch.slice(start, stop - start)
            size += int(sizes[stop - 1]) - before
            start, before = stop, int(sizes[stop - 1])
            if size >= split_bytes:
                number, size = number + 1, 0


def _committed(name: str, folder: str, parts: list[dict[str, Any]], sieve: _Sieve) -> dict[str, Any]:
    """Commit the errors file and describe all that the piece has committed."""
    paths = [f"{part['name']}.parquet" for part in parts]
    if sieve.errors:
        paths.append(f"{ERRORS}/{name}.parquet")
        sieve.write_errors(storage.join(folder, paths[-1]))
    total = sieve.totals.entry(name)
    return {
        "rows": total["rows"],
        "errors": sieve.errors,
        "keys": total["keys"],
        "counts": {
            "text_bytes": total["text_bytes"],
            **{f"skipped.{reason}": count for reason, count in sorted(sieve.skipped.items())},
        },
        "files": {path: manifest.file_entry(storage.join(folder, path)) for path in paths},
        "parts": parts,
    }


def write_errors(folder: str, name: str, errors: Iterable[BadRecord]) -> dict[str, dict[str, Any]]:
    """Commit malformed records to `errors/<name>.parquet`; return its `files` entry for the marker."""
    path = f"{ERRORS}/{name}.parquet"
    table = pa.Table.from_batches([errors_batch(list(errors))], ERROR_SCHEMA)
    with storage.committing(storage.join(folder, path)) as scratch:
        pq.write_table(table, scratch, compression="zstd")
    return {path: manifest.file_entry(storage.join(folder, path))}


def read_errors(folder: str, files: Iterable[str], limit: int = 3) -> list[str]:
    """Return the first `limit` malformed records of an artifact as `file, offset n: message`.

    `files` are the paths in its markers or manifest; those below `errors/` are read.
    """
    found: list[str] = []
    for path in sorted(path for path in files if path.startswith(f"{ERRORS}/")):
        if len(found) >= limit:
            break
        table = pq.ParquetFile(binary_reader(storage.join(folder, path), {})).read()
        rows: list[Mapping[str, Any]] = table.slice(0, limit - len(found)).to_pylist()
        found += [f"{row['file']}, offset {row['offset']}: {row['message']}" for row in rows]
    return found


def check_errors(rows: int, errors: int, max_rate: float, examples: Iterable[str] = ()) -> None:
    """Stop where more than `max_rate` of all records are malformed.

    Raises:
        TooManyErrors: with the counts and the examples.
    """
    records = rows + errors
    if errors > max_rate * records:
        lines = "".join(f"\n  {example}" for example in examples)
        raise TooManyErrors(
            f"{errors:,} of {records:,} records are malformed ({errors / records:.1%}); "
            f"max_error_rate allows {max_rate:.1%}. The first:{lines}"
        )


def require_documents(rows: int, sources: Iterable[str], counts: Mapping[str, float] = MappingProxyType({})) -> None:
    """Stop where the sources held no document at all.

    Raises:
        InputError: naming the sources, and why records were skipped (`skipped.<reason>` among the counts).
    """
    if rows:
        return
    skipped = [(int(count), name.removeprefix("skipped.")) for name, count in counts.items() if "skipped." in name]
    reasons = ", ".join(f"{reason} ({count:,})" for count, reason in sorted(skipped, reverse=True)[:5])
    why = f"; records were skipped: {reasons}" if reasons else ""
    raise InputError(f"the sources hold no documents: {', '.join(sources)}{why}")
