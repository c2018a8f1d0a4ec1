"""Text to ids, by kernels: BPE, WordPiece and Unigram, random segmentations, and where tokens lie."""

from corpuskit.tokenization.encoding.alignment import give_back, lossless_spans
from corpuskit.tokenization.encoding.batches import Encoded
from corpuskit.tokenization.encoding.bpe import BpeEncoder
from corpuskit.tokenization.encoding.sampling import BpeSampler, UnigramSampler
from corpuskit.tokenization.encoding.unigram import UnigramEncoder
from corpuskit.tokenization.encoding.wordpiece import WordPieceEncoder

__all__ = [
    "BpeEncoder",
    "BpeSampler",
    "Encoded",
    "UnigramEncoder",
    "UnigramSampler",
    "WordPieceEncoder",
    "give_back",
    "lossless_spans",
]
