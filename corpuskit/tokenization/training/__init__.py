"""Trainers that read counted words."""

from corpuskit.tokenization.training.bpe import BpeModel, Order, Symbols, train_bpe
from corpuskit.tokenization.training.wordpiece import Score, WordPieceModel, train_wordpiece

__all__ = ["BpeModel", "Order", "Score", "Symbols", "WordPieceModel", "train_bpe", "train_wordpiece"]
