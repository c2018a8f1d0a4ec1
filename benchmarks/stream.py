"""Training rows out of token shards, beside a numpy memmap of concatenated tokens."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from benchmarks.data import corpora
from benchmarks.row import Row, best
from corpuskit import manifest, tokenization
from corpuskit.documents.schema import make_keys
from corpuskit.shards import Header, Shards, ShardWriter, part_file
from corpuskit.tokenization import EOS, Tokenizer, TokenizerConfig
from pretrain.stream import Framing, TokenStream

TITLE = "batches of token rows, one process, files in the page cache"
BYTES = 16_000_000
LENGTH = 1024
ROWS = 32
BATCHES = 200
PIECE = 4096
"""Characters of one document: novels are cut, or there would be few of them to shuffle."""


def measure() -> Iterator[Row]:
    """Yield global batches of 32 rows of 1,024 tokens, documents shuffled, against random crops of a flat file."""
    for corpus in corpora("eltec_eng", "imdb_unsup"):
        texts = corpus.texts(BYTES)
        pieces = pa.array([text[i : i + PIECE] for text in texts.to_pylist() for i in range(0, len(text), PIECE)])
        tokenizer = tokenization.train(TokenizerConfig(type="bpe", vocab_size=4096), [texts.slice(0, 200)])
        with tempfile.TemporaryDirectory() as folder:
            shards = write_shards(folder, pieces, tokenizer)
            flat = write_flat(f"{folder}/flat.bin", shards)
            yield _row(corpus.name, shards, flat)


def _row(name: str, shards: Shards, flat: np.memmap) -> Row:
    stream = TokenStream(
        shards,
        np.arange(len(shards)),
        sequence_length=LENGTH,
        batch_rows=ROWS,
        seed=0,
        framing=Framing(after=EOS),
        overlap=1,
    )
    stream.batch(0)  # lays the first epoch out
    ours = best(lambda: [stream.batch(step).shape for step in range(BATCHES)])
    theirs = best(lambda: [crops(flat, step).shape for step in range(BATCHES)])
    return Row(
        task=f"{ROWS} x {LENGTH:,} tokens",
        text=f"{name}, {len(shards):,} documents",
        rate=BATCHES / ours.seconds,
        unit="batches/s",
        memory=ours.memory,
        peer="numpy memmap, random crops",
        peer_rate=BATCHES / theirs.seconds,
        peer_memory=theirs.memory,
        note="The stream reads every document once an epoch and resumes exactly; random crops do neither.",
    )


def crops(flat: np.memmap, step: int) -> np.ndarray:
    """Return rows that begin anywhere, as plain loaders of a concatenated file do; int64[ROWS, LENGTH + 1]."""
    begins = np.random.default_rng(step).integers(0, len(flat) - LENGTH - 1, ROWS)
    return np.stack([flat[begin : begin + LENGTH + 1].astype(np.int64) for begin in begins])


def write_shards(folder: str, texts: pa.Array, tokenizer: Tokenizer) -> Shards:
    """Write one shard and its manifest."""
    header = Header(tokenizer=tokenizer.fingerprint, vocab_size=tokenizer.vocab_size)
    file = part_file("part-0000000")
    with ShardWriter(f"{folder}/{file}", header) as writer:
        keys = make_keys("benchmark", map(str, range(len(texts))))
        sizes = np.array([len(text.encode()) for text in texts.to_pylist()], np.int64)
        writer.append(keys, tokenizer.encode(texts), sizes)
    made = manifest.Manifest(
        kind="shards",
        name="benchmark",
        fingerprint="0" * 64,
        identity={},
        rows=len(texts),
        parts=[writer.part("part-0000000")],
        files={file: manifest.file_entry(f"{folder}/{file}")},
        extra=header.manifest_extra(),
    )
    manifest.write(folder, made)
    return Shards.open(folder)


def write_flat(path: str, shards: Shards) -> np.memmap:
    """Write the same tokens as one flat file, an end-of-text id after each document."""
    with Path(path).open("wb") as file:
        for number in range(len(shards)):
            file.write(shards.tokens(number).tobytes() + np.array([EOS], shards.dtype).tobytes())
    return np.memmap(path, shards.dtype, "r")
