"""How a pretrained model is scored on downstream tasks."""

from typing import Literal

from pydantic import Field

from corpuskit.config import Config


class DownstreamConfig(Config):
    """Fine-tuning or probing for classification, likelihood for minimal pairs.

    The defaults suit models of about a million parameters; large ones want a learning rate ten to a hundred times
    smaller.
    """

    mode: Literal["fine_tune", "linear_probe"] = "fine_tune"
    """Classification: logistic regression on frozen features, and with `fine_tune` then training of all weights."""
    pooling: Literal["mean", "last"] = "mean"
    """Features: the mean of a text's states, or the last one, which says little in small causal models."""
    max_characters: int = Field(200, ge=1)
    """Classification texts are cut to this many characters before they are encoded, so that every tokenizer's model
    reads the same text."""
    max_tokens: int = Field(512, ge=2)
    """A bound on memory: longer token sequences are cut, special tokens included, so at another place for each
    tokenizer. Scores say how many test texts it cut; there should be none."""
    l2: float = Field(10.0, ge=0)
    """Logistic regression: penalty on the squared weights, as scikit-learn's 1/C."""
    epochs: int = Field(2, ge=1)
    """Fine-tuning: passes over the training texts."""
    batch_rows: int = Field(16, ge=1)
    """Fine-tuning: texts of one optimiser step."""
    learning_rate: float = Field(3e-3, gt=0)
    """Fine-tuning: peak learning rate; it rises linearly, then falls linearly to 0."""
    warmup: float = Field(0.1, ge=0, lt=1)
    """Fine-tuning: share of the steps in which the learning rate rises."""
    weight_decay: float = Field(0.01, ge=0)
    """Fine-tuning: AdamW's decay of weight matrices."""
    clip: float = Field(1.0, gt=0)
    """Fine-tuning: largest norm of the gradient."""
    scoring_tokens: int = Field(2048, ge=1)
    """Tokens of one batch where nothing is trained."""
