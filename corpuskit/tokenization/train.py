"""Trains a tokenizer on a stream of Arrow text columns."""

from collections.abc import Iterable, Iterator

import pyarrow as pa

from corpuskit.errors import InputError
from corpuskit.tokenization.bpe import BpeTokenizer
from corpuskit.tokenization.bytelevel import ByteLevelTokenizer
from corpuskit.tokenization.config import TokenizerConfig, TokenizerType
from corpuskit.tokenization.tokenizer import Tokenizer
from corpuskit.tokenization.unigram import UnigramTokenizer
from corpuskit.tokenization.wordpiece import WordPieceTokenizer

TYPES: dict[TokenizerType, type[ByteLevelTokenizer] | type[UnigramTokenizer]] = {
    "bpe": BpeTokenizer,
    "wordpiece": WordPieceTokenizer,
    "unigram": UnigramTokenizer,
}


def train(config: TokenizerConfig, batches: Iterable[pa.Array]) -> Tokenizer:
    """Train a tokenizer on documents in the order given, up to `config.max_train_bytes` of text.

    Args:
        config: type, vocabulary size, most bytes; the caller has applied `train_on` and `seed`.
        batches: string or large_string[*] columns of documents; nulls are skipped. Read no further than needed.

    Returns:
        A tokenizer of at most `config.vocab_size` ids: fewer where the text runs out of things to merge.

    Raises:
        InputError: there is no text at all, or the library cannot train on it.
    """
    return TYPES[config.type].fit(config.vocab_size, limited(batches, config.max_train_bytes))


def limited(batches: Iterable[pa.Array], max_bytes: int) -> Iterator[list[str]]:
    """Yield lists of non-empty texts until `max_bytes` of UTF-8; the last text is cut between two characters.

    Raises:
        InputError: there is no text.
    """
    left = max_bytes
    for batch in batches:
        texts = []
        for text in batch.drop_null().to_pylist():
            encoded = text.encode()
            texts.append(text if len(encoded) <= left else encoded[:left].decode("utf-8", "ignore"))
            left -= min(left, len(encoded))
            if not left:
                break
        texts = [text for text in texts if text]
        if texts:
            yield texts
        if not left:
            return
    if left == max_bytes:
        raise InputError("there is no text to train a tokenizer on")
