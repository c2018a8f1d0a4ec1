"""Reading JSON lines into document batches, beside the plain zstd + orjson loop."""

import itertools
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pyarrow as pa

from benchmarks.data import Corpus, corpora
from benchmarks.row import Row, best, megabytes
from corpuskit.documents import SourceConfig, plan, read

TITLE = "JSONL.zst to Arrow, one core"
SPLIT = 256 << 20
ROWS = 1000
"""Records in a batch of the plain loop."""


def measure() -> Iterator[Row]:
    """Yield documents with keys and metadata, against a loop that keeps id and text alone."""
    for corpus in corpora("imdb_unsup", "eltec_eng", "acl_abstracts", "zh_modern"):
        ours, peer = best(partial(_read, corpus)), best(partial(_loop, corpus))
        rows, loops = ours.result, peer.result
        assert rows == loops, f"{corpus.name}: {rows} documents read, the plain loop finds {loops}"
        yield Row(
            task="documents from JSONL.zst",
            text=corpus.name,
            rate=megabytes(corpus.size, ours.seconds),
            memory=ours.memory,
            peer="zstandard + orjson loop",
            peer_rate=megabytes(corpus.size, peer.seconds),
            peer_memory=peer.memory,
            note=_note(corpus),
        )


def _note(corpus: Corpus) -> str:
    return f"Rates are of text; {corpus.name} has {corpus.size / 1e6:.1f} MB, {_packed(corpus):.1f} MB compressed."


def _packed(corpus: Corpus) -> float:
    return Path(corpus.path).stat().st_size / 1e6


def _read(corpus: Corpus) -> int:
    source = SourceConfig(name="input", paths=(corpus.path,))
    return sum(len(batch) for piece in plan(source, SPLIT) for batch, *_ in read(piece, source))


def _loop(corpus: Corpus) -> int:
    """Read every record and make Arrow batches of id and text, none kept."""
    records, rows = corpus.records(), 0
    while chunk := list(itertools.islice(records, ROWS)):
        ids, texts = zip(*((record["id"], record["text"]) for record in chunk), strict=True)
        rows += len(pa.RecordBatch.from_arrays([pa.array(ids), pa.array(texts, pa.large_string())], ["id", "text"]))
    return rows
