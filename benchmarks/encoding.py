"""Encoding columns of text by each tokenizer type, beside the libraries that define them."""

import os
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks.data import Corpus, corpora, size_of
from benchmarks.row import Row, best, megabytes
from corpuskit import tokenization
from corpuskit.tokenization import Tokenizer, TokenizerConfig
from corpuskit.tokenization.fast_bpe import FastBpe

TITLE = "text to token ids, one thread, text in memory"
TRAIN_BYTES = 2_000_000
VOCABULARY = 8192
BYTES = 32_000_000
PEER_BYTES = {
    "tokenizers": 3_000_000,
    "gigatoken": BYTES,
    "sentencepiece, arrays": 16_000_000,
    "sentencepiece, lists": 16_000_000,
}
"""A second or so each, so that loading the tokenizer, 20 ms, is no part to speak of."""
TASKS: dict[str, tuple[dict[str, str], tuple[str, ...]]] = {
    "bpe": ({"type": "bpe"}, ("gigatoken", "tokenizers")),
    "wordpiece": ({"type": "wordpiece"}, ("tokenizers",)),
    "wordpiece, BERT's form": (
        {"type": "wordpiece", "symbols": "characters", "pretokenizer": "bert", "normalization": "lower"},
        ("tokenizers",),
    ),
    "unigram": ({"type": "unigram"}, ("sentencepiece, arrays", "sentencepiece, lists")),
}
"""What is trained, and its peers."""

Encode = Callable[[Any], pa.LargeListArray]
"""A list of texts to the column of their ids; gigatoken takes a column of texts."""


def measure() -> Iterator[Row]:
    """Yield tokenizers of 8,192 ids of each type, trained on the first 2 MB of the same text."""
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    for corpus in corpora("eltec_eng", "zh_modern"):
        for task in TASKS:
            yield from _rows(corpus, task)


def _rows(corpus: Corpus, task: str) -> Iterator[Row]:
    """Yield corpuskit's figure beside that of each peer."""
    fields, peers = TASKS[task]
    config = TokenizerConfig.model_validate({**fields, "vocab_size": VOCABULARY})
    tokenizer = tokenization.train(config, [corpus.texts(TRAIN_BYTES)])
    texts = corpus.texts(BYTES)
    tokenizer.encode(texts.slice(0, 1))  # compiles kernels
    ours = best(lambda: type(tokenizer).from_model(tokenizer.model).encode(texts))
    for name in peers:
        sample = corpus.texts(PEER_BYTES[name])
        given = sample if name == "gigatoken" else sample.to_pylist()
        theirs = best(lambda name=name, given=given: ENCODERS[name](tokenizer)(given))  # type: ignore[misc]
        _check(tokenizer, sample, tokenizer.encode(sample), theirs.result)
        yield Row(
            task=task,
            text=corpus.name,
            rate=megabytes(size_of(texts), ours.seconds),
            memory=ours.memory,
            peer=name,
            peer_rate=megabytes(size_of(sample), theirs.seconds),
            peer_memory=theirs.memory,
            note="Each call loads the tokenizer anew: libraries remember words, so a second pass measures less. "
            f"{BYTES / 1e6:.0f} MB of text; `tokenizers` was given {PEER_BYTES['tokenizers'] / 1e6:.0f} MB, "
            f"sentencepiece {PEER_BYTES['sentencepiece, lists'] / 1e6:.0f}, and every id of those is the same.",
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


def gigatoken(tokenizer: Tokenizer) -> Encode:
    """Return the encoder of gigatoken: an Arrow column borrowed, arrays given back."""
    fast = FastBpe.of_json(tokenizer.model)
    assert fast is not None, "gigatoken is not installed"
    return lambda texts: _column(*fast.encode(texts))


ENCODERS: dict[str, Callable[[Tokenizer], Encode]] = {
    "gigatoken": gigatoken,
    "tokenizers": huggingface,
    "sentencepiece, arrays": sentencepiece_arrays,
    "sentencepiece, lists": sentencepiece_lists,
}


def _listed(arrays: list[np.ndarray]) -> pa.LargeListArray:
    return _column(np.concatenate(arrays), np.cumsum([0, *map(len, arrays)]))


def _column(ids: np.ndarray, offsets: np.ndarray) -> pa.LargeListArray:
    return pa.LargeListArray.from_arrays(pa.array(offsets, pa.int64()), pa.array(ids, pa.uint16()))


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
    assert not tokenizer.lossless or tokenizer.decode(ours).equals(texts), f"{tokenizer.type} loses text"
