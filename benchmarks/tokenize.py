"""`corpuskit tokenize` from JSONL.zst to Arrow shards on one core, beside a plain loop over `tokenizers`."""

import itertools
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import orjson
import pyarrow as pa

from benchmarks.commands import Ran, corpuskit
from benchmarks.data import Corpus, corpora
from benchmarks.row import REPEATS, Row, best, megabytes
from corpuskit import tokenization
from corpuskit.shards import Shards
from corpuskit.tokenization import Tokenizer, TokenizerConfig

TITLE = "the command `corpuskit tokenize`, one core"
TRAIN_BYTES = 4_000_000
VOCABULARY = 32_768
PEER_BYTES = 2_000_000
CORE = "0"
ROWS = 64


def measure() -> Iterator[Row]:
    """Yield text encoded in a second beyond start-up; start-up is the same command on one short document."""
    for corpus in corpora("eltec_eng", "zh_modern"):
        with tempfile.TemporaryDirectory() as folder:
            yield _row(corpus, folder)


def _row(corpus: Corpus, folder: str) -> Row:
    tokenizer = tokenization.train(TokenizerConfig(type="bpe", vocab_size=VOCABULARY), [corpus.texts(TRAIN_BYTES)])
    tokenizer.save(f"{folder}/bpe")
    tiny = Path(folder, "tiny.jsonl")
    tiny.write_bytes(orjson.dumps({"id": "one", "text": "One short document."}) + b"\n")
    start, whole = [], []
    for i in range(REPEATS):
        start.append(_tokenize(str(tiny), folder, f"start{i}"))
        whole.append(_tokenize(corpus.path, folder, f"out{i}"))
    check_round_trip(corpus, tokenizer, f"{folder}/out0")
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    theirs = best(lambda: plain_loop(corpus, tokenizer, f"{folder}/plain.arrow"), repeats=1, clock=time.perf_counter)
    begin, end = min(run.seconds for run in start), min(run.seconds for run in whole)
    cpu = min(run.cpu for run in whole) - min(run.cpu for run in start)
    return Row(
        task=f"JSONL.zst to shards, BPE of {tokenizer.vocab_size:,}",
        text=corpus.name,
        rate=megabytes(corpus.size, end - begin),
        memory=max(run.memory for run in whole),
        peer="zstandard + orjson + tokenizers loop",
        peer_rate=megabytes(theirs.result, theirs.seconds),
        peer_memory=theirs.memory,
        note=f"{corpus.name}: start-up {begin:.2f} s; whole command {end:.2f} s for {corpus.size / 1e6:.1f} MB text, "
        f"{megabytes(corpus.size, cpu):.0f} MB a second of processor time beyond start-up. "
        "Decoding the shards gave every text back, byte for byte.",
    )


def _tokenize(path: str, folder: str, out: str) -> Ran:
    return corpuskit("tokenize", path, "-t", f"{folder}/bpe", "-o", f"{folder}/{out}", "--quiet", cores=CORE)


def check_round_trip(corpus: Corpus, tokenizer: Tokenizer, folder: str) -> None:
    """Decode all shards and compare every text with its record.

    Raises:
        AssertionError: a text differs or is missing.
    """
    shards = Shards.open(folder)
    documents = 0
    for number, record in enumerate(corpus.records()):
        ids = pa.array(shards.tokens(number))
        lists = pa.LargeListArray.from_arrays(pa.array([0, len(ids)], pa.int64()), ids)
        assert tokenizer.decode_bytes(lists)[0].as_py() == record["text"].encode(), f"document {number} differs"
        documents += 1
    assert documents == shards.n_documents, f"{shards.n_documents} documents in the shards, {documents} in the file"


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
