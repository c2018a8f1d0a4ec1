"""Encoding columns of text by each tokenizer type, beside the libraries that define them."""

import os
from collections.abc import Callable, Iterator

import numpy as np
import pyarrow as pa

from benchmarks.data import Corpus, corpora, size_of
from benchmarks.row import Row, best, megabytes
from corpuskit import tokenization
from corpuskit.tokenization import Tokenizer, TokenizerConfig, TokenizerType

TITLE = "text to token ids, one thread, text in memory"
TRAIN_BYTES = 2_000_000
VOCABULARY = 8192
BYTES: dict[TokenizerType, int] = {"bpe": 32_000_000, "wordpiece": 2_000_000, "unigram": 4_000_000}
PEER_BYTES = 1_500_000
PEERS: dict[TokenizerType, str] = {"bpe": "tokenizers", "wordpiece": "tokenizers", "unigram": "sentencepiece"}

Encode = Callable[[list[str]], list[list[int]]]


def measure() -> Iterator[Row]:
    """Yield BPE, WordPiece and Unigram of 8,192 ids, trained on the first 2 MB of the same text."""
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    for corpus in corpora("eltec_eng", "zh_modern"):
        for kind in BYTES:
            yield _row(corpus, kind)


def _row(corpus: Corpus, kind: TokenizerType) -> Row:
    config = TokenizerConfig(type=kind, vocab_size=VOCABULARY)
    tokenizer = tokenization.train(config, [corpus.texts(TRAIN_BYTES)])
    texts, sample = corpus.texts(BYTES[kind]), corpus.texts(PEER_BYTES)
    _check(tokenizer, sample.slice(0, 20), peer(tokenizer))
    ours = best(lambda: type(tokenizer).from_model(tokenizer.model).encode(texts))
    theirs = best(lambda: pa.array(peer(tokenizer)(sample.to_pylist()), pa.large_list(pa.uint16())))
    return Row(
        task=kind,
        text=corpus.name,
        rate=megabytes(size_of(texts), ours.seconds),
        memory=ours.memory,
        peer=PEERS[kind],
        peer_rate=megabytes(size_of(sample), theirs.seconds),
        peer_memory=theirs.memory,
        note="Each call loads the tokenizer anew: libraries remember words, so a second pass measures less.",
    )


def peer(tokenizer: Tokenizer) -> Encode:
    """Return the encoder of the library whose file format the tokenizer has: whole texts, one thread."""
    if tokenizer.type == "unigram":
        import sentencepiece

        processor = sentencepiece.SentencePieceProcessor(model_proto=tokenizer.model)
        return lambda texts: processor.encode(texts, num_threads=1)
    import tokenizers

    library = tokenizers.Tokenizer.from_str(tokenizer.model.decode())
    return lambda texts: [encoded.ids for encoded in library.encode_batch_fast(texts, add_special_tokens=False)]


def _check(tokenizer: Tokenizer, texts: pa.LargeStringArray, encode: Encode) -> None:
    """Make sure that both give the same ids, but for the characters that SentencePiece takes for spaces."""
    ours = tokenizer.encode(texts)
    theirs = np.concatenate([np.array(ids, np.int64) for ids in encode(texts.to_pylist())])
    assert "\u2581" in "".join(texts.to_pylist()) or (ours.flatten().to_numpy() == theirs).all(), tokenizer.type
    assert tokenizer.decode(ours).equals(texts), f"{tokenizer.type} does not give the text back"
