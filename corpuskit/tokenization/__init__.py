"""Tokenizers that can be compared: BPE, WordPiece and Unigram, lossless, behind one interface.

All reserve ids 0 to 127 and none of them can lose or invent a byte: what `encode` gives, `decode` turns back into the
same text, and no text gives a reserved id. Tokenizers of other programs are read too; what they lose they say.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from corpuskit.tokenization.load import load
from corpuskit.tokenization.reserved import BOS, CLS, EOS, MASK, PAD, RESERVED, RESERVED_NAMES, SENTINELS, SEP, UNK
from corpuskit.tokenization.tokenizer import Tokenizer

if TYPE_CHECKING:
    from corpuskit.tokenization.config import TokenizerConfig, TokenizerType
    from corpuskit.tokenization.counts import CountsConfig, WordCounts
    from corpuskit.tokenization.trainers import Trained, train, train_counted

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
    "CountsConfig",
    "Tokenizer",
    "TokenizerConfig",
    "TokenizerType",
    "Trained",
    "WordCounts",
    "load",
    "train",
    "train_counted",
]
_LATER = {
    "CountsConfig": "corpuskit.tokenization.counts",
    "TokenizerConfig": "corpuskit.tokenization.config",
    "TokenizerType": "corpuskit.tokenization.config",
    "Trained": "corpuskit.tokenization.trainers",
    "WordCounts": "corpuskit.tokenization.counts",
    "train": "corpuskit.tokenization.trainers",
    "train_counted": "corpuskit.tokenization.trainers",
}
"""Names that bring numba along, which processes that encode nothing can do without."""


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_LATER[name]), name)
