"""A trained BPE tokenizer as the model that training goes on from."""

import numpy as np
import orjson

from corpuskit.errors import InputError
from corpuskit.kernels import fixed
from corpuskit.tokenization.bpe import BpeTokenizer
from corpuskit.tokenization.config import TokenizerConfig
from corpuskit.tokenization.reserved import RESERVED
from corpuskit.tokenization.tokenizer import Tokenizer
from corpuskit.tokenization.training import BpeModel


def bpe_model(tokenizer: Tokenizer, config: TokenizerConfig) -> BpeModel:
    """Return the ids and merges of a byte-level BPE tokenizer that corpuskit trained.

    Raises:
        InputError: it is another one, or has other words than those that `config` counts.
    """
    if not isinstance(tokenizer, BpeTokenizer) or config.characters:
        raise InputError(
            f"`extend` goes on from a byte-level BPE tokenizer that corpuskit trained, not from {tokenizer}"
        )
    fields = orjson.loads(tokenizer.model)
    _check_words(fields, config)
    vocabulary: dict[str, int] = fields["model"]["vocab"]
    pairs = [
        (vocabulary[left], vocabulary[right], vocabulary[left + right]) for left, right in fields["model"]["merges"]
    ]
    merges = np.array(pairs, np.int32).reshape(-1, 3)
    return BpeModel(
        tokens=tuple(tokenizer.tokens()),
        merges=fixed(merges[:, :2], np.int32),
        merged=fixed(merges[:, 2], np.int32),
        counts=fixed(np.zeros(len(merges)), np.int64),
        given=len(merges),
        base=tokenizer.vocab_size,
        reserved=RESERVED,
        symbols="bytes",
        byte_fallback=False,
        protected=tuple(token["id"] for token in fields["added_tokens"]),
    )


def _check_words(fields: dict[str, object], config: TokenizerConfig) -> None:
    from corpuskit.tokenization.formats.tokenizer_json import byte_level_bpe

    same = orjson.loads(byte_level_bpe(["a"], np.empty((0, 2), np.int32), config.words, config.normalization))
    if any(fields[name] != same[name] for name in ("pre_tokenizer", "normalizer")):
        raise InputError(
            f"`extend`: the tokenizer has other words or another normal form than pretokenizer: {config.words}, "
            f"normalization: {config.normalization}"
        )
