"""Words of a corpus and how often each occurs."""

from corpuskit.tokenization.counts.balance import Share, balance
from corpuskit.tokenization.counts.config import CountsConfig
from corpuskit.tokenization.counts.counting import count_into, count_words
from corpuskit.tokenization.counts.merging import Cut, cut_rare, from_columns, merge, partition, select
from corpuskit.tokenization.counts.table import WordTable
from corpuskit.tokenization.counts.words import WordCounts
from corpuskit.tokenization.normalization import NORMALIZATIONS, Normalization, lossy_warning, normalize

__all__ = [
    "NORMALIZATIONS",
    "CountsConfig",
    "Cut",
    "Normalization",
    "Share",
    "WordCounts",
    "WordTable",
    "balance",
    "count_into",
    "count_words",
    "cut_rare",
    "from_columns",
    "lossy_warning",
    "merge",
    "normalize",
    "partition",
    "select",
]
