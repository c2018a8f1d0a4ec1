"""`corpuskit tokenize` from JSONL.zst to Arrow shards on one core, beside a plain loop over `tokenizers`."""

import itertools
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import orjson
import pyarrow as pa
import zstandard

from benchmarks.commands import Ran, corpuskit
from benchmarks.data import CACHE, ROOT, Corpus, corpora
from benchmarks.row import BUDGET, REPEATS, Row, Taken, best, megabytes
from corpuskit import tokenization
from corpuskit.shards import Shards
from corpuskit.tokenization import Tokenizer, TokenizerConfig, TokenizerType

TITLE = "the command `corpuskit tokenize`, one core"
SIZE = 500_000_000 if ROOT else 50_000_000
"""Bytes of text at least: each corpus is written as often as that takes."""
TRAIN_BYTES = 4_000_000
VOCABULARY = 32_768
PEER_BYTES = 2_000_000
CORE = "0"
ROWS = 64
LOOP = "zstandard + orjson + tokenizers loop"


def measure() -> Iterator[Row]:
    """Yield text encoded in a second beyond start-up; start-up is the same command on one short document."""
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    for corpus in corpora("eltec_eng", "zh_modern"):
        path, copies = repeated(corpus)
        for kind in get_args(TokenizerType):
            with tempfile.TemporaryDirectory() as folder:
                yield _row(corpus, kind, path, copies, folder)


def repeated(corpus: Corpus) -> tuple[Path, int]:
    """Return a JSONL.zst file, made once, with a corpus several times, and how often; ids stay different."""
    copies = -(-SIZE // corpus.size)
    path = CACHE / f"{corpus.name}-{copies}-times.jsonl.zst"
    if not path.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(".unfinished")
        with unfinished.open("wb") as file, zstandard.ZstdCompressor().stream_writer(file) as writer:
            for copy, record in itertools.product(range(copies), list(corpus.records())):
                writer.write(orjson.dumps({"id": f"{copy}-{record['id']}", "text": record["text"]}) + b"\n")
        unfinished.rename(path)
    return path, copies


def _row(corpus: Corpus, kind: TokenizerType, path: Path, copies: int, folder: str) -> Row:
    tokenizer = tokenization.train(TokenizerConfig(type=kind, vocab_size=VOCABULARY), [corpus.texts(TRAIN_BYTES)])
    tokenizer.save(f"{folder}/tokenizer")
    tiny = Path(folder, "tiny.jsonl")
    tiny.write_bytes(orjson.dumps({"id": "one", "text": "One short document."}) + b"\n")
    _tokenize(tiny, folder, "warm")  # compiles kernels where they are not yet
    start = [_tokenize(tiny, folder, f"start{number}") for number in range(REPEATS)]
    whole = _repeatedly(path, folder)
    check_round_trip(corpus, copies, tokenizer, f"{folder}/out0")
    theirs = _loop(corpus, tokenizer, folder) if kind == "bpe" else None
    size = copies * corpus.size
    begin, end = min(run.seconds for run in start), min(run.seconds for run in whole)
    cpu = min(run.cpu for run in whole) - min(run.cpu for run in start)
    return Row(
        task=f"JSONL.zst to shards, {kind} of {tokenizer.vocab_size:,}",
        text=f"{corpus.name}, {copies} times",
        rate=megabytes(size, end - begin),
        memory=max(run.memory for run in whole),
        peer=LOOP if theirs else "",
        peer_rate=megabytes(theirs.result, theirs.seconds) if theirs else None,
        peer_memory=theirs.memory if theirs else 0,
        note=f"{corpus.name}, {kind}: start-up {begin:.2f} s; whole command {end:.2f} s for {size / 1e6:.0f} MB text, "
        f"{megabytes(size, cpu):.0f} MB a second of processor time beyond start-up. "
        "Decoding the shards gave every text back, byte for byte.",
    )


def _repeatedly(path: Path, folder: str) -> list[Ran]:
    """Run the command until it has taken BUDGET seconds, REPEATS times at most; into `out0`, `out1`, …"""
    runs: list[Ran] = []
    while len(runs) < REPEATS and sum(run.seconds for run in runs) < BUDGET:
        runs.append(_tokenize(path, folder, f"out{len(runs)}"))
    return runs


def _tokenize(path: Path, folder: str, out: str) -> Ran:
    return corpuskit("tokenize", str(path), "-t", f"{folder}/tokenizer", "-o", f"{folder}/{out}", "--quiet", cores=CORE)


def check_round_trip(corpus: Corpus, copies: int, tokenizer: Tokenizer, folder: str) -> None:
    """Decode the first copy, and compare every text with its record and its ids with those of the other copies.

    Raises:
        AssertionError: a text differs or is missing.
    """
    shards = Shards.open(folder)
    documents = shards.n_documents // copies
    numbers = set[int]()
    for number, record in enumerate(corpus.records()):
        ids = pa.array(shards.tokens(number))
        lists = pa.LargeListArray.from_arrays(pa.array([0, len(ids)], pa.int64()), ids)
        assert tokenizer.decode_bytes(lists)[0].as_py() == record["text"].encode(), f"document {number} differs"
        for other in range(number + documents, shards.n_documents, documents):
            assert ids.equals(pa.array(shards.tokens(other))), f"documents {number} and {other} differ"
        numbers.add(number)
    assert copies * len(numbers) == shards.n_documents, f"{shards.n_documents} documents for {copies} x {len(numbers)}"


def _loop(corpus: Corpus, tokenizer: Tokenizer, folder: str) -> Taken:
    return best(lambda: plain_loop(corpus, tokenizer, f"{folder}/plain.arrow"), repeats=1, clock=time.perf_counter)


def plain_loop(corpus: Corpus, tokenizer: Tokenizer, path: str) -> int:
    """Do the same with the libraries alone, on the first texts; return the bytes of text encoded."""
    import tokenizers

    library = tokenizers.Tokenizer.from_str(tokenizer.model.decode())
    kind = pa.large_list(pa.uint16())
    done = 0
    with pa.ipc.new_file(path, pa.schema([("tokens", kind)])) as writer:
        texts = iter(_first(corpus, PEER_BYTES))
        while chunk := list(itertools.islice(texts, ROWS)):
            ids = [encoded.ids for encoded in library.encode_batch_fast(chunk, add_special_tokens=False)]
            writer.write_batch(pa.RecordBatch.from_arrays([pa.array(ids, kind)], ["tokens"]))
            done += sum(len(text.encode()) for text in chunk)
    return done


def _first(corpus: Corpus, limit: int) -> Iterator[str]:
    size = 0
    for record in corpus.records():
        yield record["text"]
        size += len(record["text"].encode())
        if size >= limit:
            return
