"""Evaluation items in training text: what is looked for, n-grams shared, near-duplicates."""

from corpuskit.contamination.config import ContaminationConfig, DecontaminateConfig, MatchConfig, ReferenceConfig
from corpuskit.contamination.overlap import Overlap, overlap
from corpuskit.contamination.pairs import Best, Pairs
from corpuskit.contamination.table import NgramTable, build, folded_words

__all__ = [
    "Best",
    "ContaminationConfig",
    "DecontaminateConfig",
    "MatchConfig",
    "NgramTable",
    "Overlap",
    "Pairs",
    "ReferenceConfig",
    "build",
    "folded_words",
    "overlap",
]
