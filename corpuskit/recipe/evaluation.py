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
    """Classification: train a copy of the whole model with a linear head, or logistic regression on frozen features."""
    epochs: int = Field(3, ge=1)
    """Passes over the training texts (fine_tune)."""
    batch_rows: int = Field(16, ge=1)
    """Texts of one optimiser step (fine_tune)."""
    learning_rate: float = Field(1e-3, gt=0)
    """Peak learning rate of the model; it rises linearly, then falls linearly to 0 (fine_tune)."""
    head_learning_rate: float = Field(3e-3, gt=0)
    """Peak learning rate of the new head, which starts from nothing (fine_tune)."""
    warmup: float = Field(0.1, ge=0, lt=1)
    """Share of the steps in which the learning rates rise (fine_tune)."""
    weight_decay: float = Field(0.01, ge=0)
    """AdamW's decay of weight matrices (fine_tune)."""
    clip: float = Field(1.0, gt=0)
    """Largest norm of the gradient (fine_tune)."""
    l2: float = Field(1.0, ge=0)
    """Strength of the penalty on the squared weights, as scikit-learn's 1/C (linear_probe)."""
    max_tokens: int = Field(128, ge=2)
    """Classification texts are cut to this many tokens, special ones included."""
    scoring_tokens: int = Field(2048, ge=1)
    """Tokens of one batch where nothing is trained."""
