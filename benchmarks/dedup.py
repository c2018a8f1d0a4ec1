"""`corpuskit dedup` from JSONL.zst to clusters, beside datasketch's MinHashLSH."""

import tempfile
import time
from collections.abc import Iterator

import numpy as np
import orjson

from benchmarks.commands import corpuskit
from benchmarks.data import Corpus, corpora
from benchmarks.kernels import datasketch_signatures
from benchmarks.row import REPEATS, Row, best, megabytes
from corpuskit import manifest
from corpuskit.corpus import Corpus as Prepared
from corpuskit.dedup import DedupConfig

TITLE = "near-duplicates end to end, one core"
PEER_DOCUMENTS = 4000
CONFIG = DedupConfig()


def measure() -> Iterator[Row]:
    """Yield the whole command, documents, signals and variant included, against reading, signing and LSH."""
    for corpus in corpora("acl_abstracts"):
        with tempfile.TemporaryDirectory() as folder:
            yield _row(corpus, folder)


def _row(corpus: Corpus, folder: str) -> Row:
    runs = [
        corpuskit("dedup", corpus.path, "-o", f"{folder}/out{i}", "--quiet", "--json", cores="0")
        for i in range(REPEATS)
    ]
    seconds, cpu = min(run.seconds for run in runs), min(run.cpu for run in runs)
    found = Prepared(f"{folder}/out0")
    clusters = manifest.read(found.artifact("duplicates", "duplicates")).extra
    funnel = orjson.loads(runs[0].output)["funnel"]
    kept = funnel[-1]["documents"]
    theirs = best(lambda: lsh(corpus, PEER_DOCUMENTS), repeats=2, clock=time.perf_counter)
    size, pairs = theirs.result
    return Row(
        task="JSONL.zst to clusters and a deduplicated variant",
        text=corpus.name,
        rate=megabytes(corpus.size, seconds),
        memory=max(run.memory for run in runs),
        peer="orjson + datasketch MinHashLSH",
        peer_rate=megabytes(size, theirs.seconds),
        peer_memory=theirs.memory,
        note=f"{corpus.name}: {funnel[0]['documents']:,} documents in {seconds:.1f} s ({cpu:.1f} s of processor time), "
        f"start-up included; {clusters['members']:,} of them in {clusters['clusters']:,} clusters, {kept:,} kept. "
        f"datasketch was given the first {PEER_DOCUMENTS:,} documents ({pairs:,} pairs).",
    )


def lsh(corpus: Corpus, limit: int) -> tuple[int, int]:
    """Read, sign, insert and query the first documents; return (bytes of text, candidate pairs)."""
    import pyarrow as pa
    from datasketch import MinHash, MinHashLSH

    records = [record for record, _ in zip(corpus.records(), range(limit), strict=False)]
    texts = pa.array([record["text"] for record in records], pa.large_string())
    index = MinHashLSH(num_perm=CONFIG.num_perm, params=(CONFIG.bands, CONFIG.rows))
    pairs = 0
    for number, values in enumerate(datasketch_signatures(texts)):
        signed = MinHash(num_perm=CONFIG.num_perm, seed=CONFIG.seed, hashvalues=np.asarray(values), scheme="affine32")
        pairs += len(index.query(signed))
        index.insert(number, signed)
    return sum(len(record["text"].encode()) for record in records), pairs
