"""Encoding columns of text by each tokenizer type, beside the libraries that define them."""

import os
from collections.abc import Callable, Iterator
from typing import get_args

import numpy as np
import pyarrow as pa

from benchmarks.data import Corpus, corpora, size_of
from benchmarks.row import Row, best, megabytes
from corpuskit import tokenization
from corpuskit.tokenization import Tokenizer, TokenizerConfig, TokenizerType

TITLE = "text to token ids, one thread, text in memory"
TRAIN_BYTES = 2_000_000
VOCABULARY = 8192
BYTES = 32_000_000
PEER_BYTES: dict[TokenizerType, int] = {"bpe": 3_000_000, "wordpiece": 3_000_000, "unigram": 16_000_000}
"""A second or so each, so that loading the tokenizer, 20 ms, is no part to speak of."""
PEERS: dict[TokenizerType, tuple[str, ...]] = {
    "bpe": ("tokenizers",),
    "wordpiece": ("tokenizers",),
    "unigram": ("sentencepiece, arrays", "sentencepiece, lists"),
}

Encode = Callable[[list[str]], pa.LargeListArray]


def measure() -> Iterator[Row]:
    """Yield BPE, WordPiece and Unigram of 8,192 ids, trained on the first 2 MB of the same text."""
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    for corpus in corpora("eltec_eng", "zh_modern"):
        for kind in get_args(TokenizerType):
            yield from _rows(corpus, kind)


def _rows(corpus: Corpus, kind: TokenizerType) -> Iterator[Row]:
    """Yield corpuskit's figure beside that of each peer."""
    config = TokenizerConfig(type=kind, vocab_size=VOCABULARY)
    tokenizer = tokenization.train(config, [corpus.texts(TRAIN_BYTES)])
    texts, sample = corpus.texts(BYTES), corpus.texts(PEER_BYTES[kind])
    plain = sample.to_pylist()
    ids = tokenizer.encode(sample)  # compiles kernels, too
    ours = best(lambda: type(tokenizer).from_model(tokenizer.model).encode(texts))
    for name in PEERS[kind]:
        theirs = best(lambda name=name: ENCODERS[name](tokenizer)(plain))  # type: ignore[misc]
        _check(tokenizer, sample, ids, theirs.result)
        yield Row(
            task=kind,
            text=corpus.name,
            rate=megabytes(size_of(texts), ours.seconds),
            memory=ours.memory,
            peer=name,
            peer_rate=megabytes(size_of(sample), theirs.seconds),
            peer_memory=theirs.memory,
            note="Each call loads the tokenizer anew: libraries remember words, so a second pass measures less. "
            f"{BYTES / 1e6:.0f} MB of text; `tokenizers` was given {PEER_BYTES['bpe'] / 1e6:.0f} MB, sentencepiece "
            f"{PEER_BYTES['unigram'] / 1e6:.0f}, and every id of those is the same.",
        )


def huggingface(tokenizer: Tokenizer) -> Encode:
    """Return the encoder of `tokenizers`: whole texts, one thread, without offsets."""
    import tokenizers

    library = tokenizers.Tokenizer.from_str(tokenizer.model.decode())
    kind = pa.large_list(pa.uint16())
    return lambda texts: pa.array(
        [encoded.ids for encoded in library.encode_batch_fast(texts, add_special_tokens=False)], kind
    )


def sentencepiece_arrays(tokenizer: Tokenizer) -> Encode:
    """Return the encoder of SentencePiece that makes numpy arrays, its fastest."""
    import sentencepiece

    processor = sentencepiece.SentencePieceProcessor(model_proto=tokenizer.model)
    return lambda texts: _listed(processor.encode(texts, num_threads=1, return_type="numpy"))


def sentencepiece_lists(tokenizer: Tokenizer) -> Encode:
    """Return the encoder of SentencePiece that makes lists, what `encode` does when nothing else is said."""
    import sentencepiece

    processor = sentencepiece.SentencePieceProcessor(model_proto=tokenizer.model)
    kind = pa.large_list(pa.uint16())
    return lambda texts: pa.array(processor.encode(texts, num_threads=1), kind)


ENCODERS: dict[str, Callable[[Tokenizer], Encode]] = {
    "tokenizers": huggingface,
    "sentencepiece, arrays": sentencepiece_arrays,
    "sentencepiece, lists": sentencepiece_lists,
}


def _listed(arrays: list[np.ndarray]) -> pa.LargeListArray:
    offsets = np.cumsum([0, *map(len, arrays)])
    return pa.LargeListArray.from_arrays(pa.array(offsets, pa.int64()), pa.array(np.concatenate(arrays), pa.uint16()))


def _check(
    tokenizer: Tokenizer, texts: pa.LargeStringArray, ours: pa.LargeListArray, theirs: pa.LargeListArray
) -> None:
    """Make sure that both give the same ids, but for texts with the character that SentencePiece takes for a space.

    Raises:
        AssertionError: ids differ, or a text does not come back.
    """
    assert ours.type == theirs.type, f"{ours.type} and {theirs.type}"
    for text, one, other in zip(texts, ours, theirs, strict=True):
        assert "\u2581" in text.as_py() or one.values.equals(other.values), f"{tokenizer.type}: ids differ"
    assert tokenizer.decode(ours).equals(texts), f"{tokenizer.type} does not give the text back"
