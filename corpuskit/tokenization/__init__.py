"""Tokenizers that can be compared: BPE, WordPiece and Unigram, lossless, behind one interface.

All reserve ids 0 to 127 and none of them can lose or invent a byte: what `encode` gives, `decode` turns back into the
same text, and no text gives a reserved id.
"""

from corpuskit.tokenization.config import TokenizerConfig, TokenizerType
from corpuskit.tokenization.load import load
from corpuskit.tokenization.reserved import BOS, CLS, EOS, MASK, PAD, RESERVED, RESERVED_NAMES, SENTINELS, SEP, UNK
from corpuskit.tokenization.tokenizer import Tokenizer
from corpuskit.tokenization.train import train

__all__ = [
    "BOS",
    "CLS",
    "EOS",
    "MASK",
    "PAD",
    "RESERVED",
    "RESERVED_NAMES",
    "SENTINELS",
    "SEP",
    "UNK",
    "Tokenizer",
    "TokenizerConfig",
    "TokenizerType",
    "load",
    "train",
]
