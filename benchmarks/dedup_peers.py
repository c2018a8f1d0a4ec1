"""Other programs that find near-duplicates; runs in a process that imports nothing of corpuskit's.

`python dedup_peers.py NAME SOURCE FOLDER WORKERS` reads the JSONL.zst files of a folder, may write to another one, and
prints JSON: the version, and how many documents were found to be copies. All compare shingles of five words by 14 bands
of 8 places.
"""

import importlib.metadata
import io
import json
import re
import sys
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import orjson
import zstandard

BANDS, ROWS, NGRAM, SEED = 14, 8, 5, 1
BATCH = 4096
"""Documents that are signed at a time where a library can do so."""
WORD = re.compile("[\u3400-\u9fff]|[^\\W\u3400-\u9fff]+")
"""Runs of letters, digits and `_`; each ideograph by itself."""


def shingles(source: str) -> Iterator[list[str]]:
    """Yield the shingles of each document."""
    for path in sorted(Path(source).iterdir()):
        with path.open("rb") as file:
            for line in io.BufferedReader(zstandard.ZstdDecompressor().stream_reader(file), 1 << 20):
                words = WORD.findall(orjson.loads(line)["text"].lower())
                yield [" ".join(words[start : start + NGRAM]) for start in range(max(len(words) - NGRAM + 1, 1))]


def datasketch(source: str, folder: str, workers: int) -> int:
    """Query and insert one document after the other, signed by its fastest scheme and hash."""
    import xxhash
    from datasketch import MinHash, MinHashLSH

    index = MinHashLSH(num_perm=BANDS * ROWS, params=(BANDS, ROWS))
    copies = 0
    for number, found in enumerate(shingles(source)):
        signed = MinHash(num_perm=BANDS * ROWS, seed=SEED, hashfunc=xxhash.xxh32_intdigest, scheme="affine32")
        signed.update_batch([shingle.encode() for shingle in {*found}])
        copies += bool(index.query(signed))
        index.insert(number, signed)
    return copies


def rensa(source: str, folder: str, workers: int) -> int:
    """Sign batches of documents into matrices, and ask for those that share a band."""
    from rensa import RMinHash, RMinHashLSH

    index = RMinHashLSH(0.7, BANDS * ROWS, BANDS)
    documents = shingles(source)
    copies = first = 0
    while batch := list(islice(documents, BATCH)):
        signed = RMinHash.digest_matrix_from_token_sets(batch, BANDS * ROWS, SEED)
        copies += sum(index.insert_matrix_and_query_duplicate_flags(signed, first))
        first += len(batch)
    return copies


def datatrove(source: str, folder: str, workers: int) -> int:
    """Run its four stages; the last one writes the documents that stay."""
    from datatrove.executor import LocalPipelineExecutor
    from datatrove.pipeline.dedup import minhash
    from datatrove.pipeline.readers import JsonlReader
    from datatrove.pipeline.writers import JsonlWriter
    from datatrove.utils.hashing import HashConfig

    hashes = HashConfig(hash_fc="sha1")  # its xxhash takes `str`, which xxhash 4 refuses
    config = minhash.MinhashConfig(NGRAM, BANDS, ROWS, SEED, hash_config=hashes)
    reader = JsonlReader(source)
    stages = (
        (workers, [reader, minhash.MinhashDedupSignature(f"{folder}/signatures", config)]),
        (BANDS, [minhash.MinhashDedupBuckets(f"{folder}/signatures", f"{folder}/buckets", config=config)]),
        (1, [minhash.MinhashDedupCluster(f"{folder}/buckets", f"{folder}/removed", config=config)]),
        (workers, [reader, minhash.MinhashDedupFilter(f"{folder}/removed"), JsonlWriter(f"{folder}/kept")]),
    )
    for tasks, pipeline in stages:
        LocalPipelineExecutor(pipeline, tasks=tasks, workers=workers, logging_dir=None).run()
    removed = sum(file.stat().st_size for file in Path(folder, "removed").rglob("*.remove"))
    return removed // 4


PEERS: dict[str, Callable[[str, str, int], int]] = {
    "datatrove": datatrove,
    "datasketch": datasketch,
    "rensa": rensa,
}


def main(name: str, source: str, folder: str, workers: str) -> None:
    """Run one of `PEERS`."""
    copies = PEERS[name](source, folder, int(workers))
    print(json.dumps({"version": importlib.metadata.version(name), "copies": copies}))


if __name__ == "__main__":
    main(*sys.argv[1:])
