"""Word scan and MinHash signatures over Arrow buffers, beside `re` and datasketch."""

import re
from collections.abc import Iterator
from functools import partial

import numpy as np
import pyarrow as pa

from benchmarks.data import corpora, size_of
from benchmarks.row import Row, best, megabytes
from corpuskit.dedup import DedupConfig, Signed, sign
from corpuskit.kernels import Texts

TITLE = "words and signatures, one core, text in memory"
BYTES = 32_000_000
PEER_BYTES = 2_000_000
CONFIG = DedupConfig()
WORD = re.compile("[\u3400-\u9fff]|[^\\W\u3400-\u9fff]+")
"""Runs of letters, digits and `_`; each ideograph by itself."""


def measure() -> Iterator[Row]:
    """Yield the word scan and the whole of `sign`: words, shingles of five, 112 permutations, text hash."""
    for corpus in corpora("imdb_unsup", "eltec_eng", "zh_modern"):
        texts, sample = corpus.texts(BYTES), corpus.texts(PEER_BYTES)
        size, sample_size = size_of(texts), size_of(sample)
        _scan(sample), _sign(sample)  # compile
        ours, peer = best(partial(_scan, texts)), best(partial(_regex, sample))
        yield Row(
            task="word scan",
            text=corpus.name,
            rate=megabytes(size, ours.seconds),
            memory=ours.memory,
            peer="`re.findall`",
            peer_rate=megabytes(sample_size, peer.seconds),
            peer_memory=peer.memory,
        )
        ours = best(partial(_sign, texts))
        peer = best(partial(datasketch_signatures, sample))
        yield Row(
            task="MinHash signatures",
            text=corpus.name,
            rate=megabytes(size, ours.seconds),
            memory=ours.memory,
            peer="datasketch, xxhash",
            peer_rate=megabytes(sample_size, peer.seconds),
            peer_memory=peer.memory,
        )


def _sign(texts: pa.LargeStringArray) -> Signed:
    return sign(Texts.from_arrow(texts), CONFIG)


def _scan(texts: pa.LargeStringArray) -> int:
    return len(Texts.from_arrow(texts).words("unicode").starts)


def _regex(texts: pa.LargeStringArray) -> int:
    return sum(len(WORD.findall(text)) for text in texts.to_pylist())


def datasketch_signatures(texts: pa.LargeStringArray) -> list[np.ndarray]:
    """Sign texts as users of datasketch do: `re` for words, one `update_batch` a text, the same permutations."""
    import xxhash
    from datasketch import MinHash

    def digest(data: bytes) -> int:
        return xxhash.xxh32_intdigest(data)

    signatures = []
    for text in texts.to_pylist():
        words = WORD.findall(text)
        shingles = {" ".join(words[i : i + CONFIG.ngram]).encode() for i in range(len(words) - CONFIG.ngram + 1)}
        signed = MinHash(num_perm=CONFIG.num_perm, seed=CONFIG.seed, hashfunc=digest, scheme="affine32")
        signed.update_batch(list(shingles))
        signatures.append(signed.hashvalues)
    return signatures
