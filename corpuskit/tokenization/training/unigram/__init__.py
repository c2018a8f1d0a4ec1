"""Trains Unigram models on counted words."""

from corpuskit.tokenization.training.unigram.model import UnigramModel
from corpuskit.tokenization.training.unigram.trainer import train_unigram

__all__ = ["UnigramModel", "train_unigram"]
