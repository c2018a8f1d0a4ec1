"""What a pretraining run is asked for: the model and the training recipe."""

from typing import Any, Literal

from pydantic import Field, model_validator

from corpuskit.config import Bytes, Config

RUNTIME_FIELDS = frozenset({"checkpoint_every", "checkpoints_kept", "loader_workers"})
"""Fields that decide how a run proceeds but not what it computes: they are no part of its fingerprint."""


class ModelConfig(Config):
    """One pre-norm Transformer: RMSNorm, rotary positions, SwiGLU, no biases.

    The defaults have 0.95 M parameters with a vocabulary of 4,096.
    """

    layers: int = Field(default=2, gt=0)
    """Transformer blocks."""
    width: int = Field(default=128, gt=0)
    """Width of the residual stream, a multiple of `heads`."""
    heads: int = Field(default=4, gt=0)
    """Attention heads; width / heads must be even (rotary positions turn pairs of channels)."""
    hidden: int | None = Field(default=None, gt=0)
    """Width of the feed-forward layer; 8/3 of `width`, rounded up to a multiple of 64, where not given."""
    tied: bool = True
    """Whether the output layer is the embedding table."""
    rope_base: float = Field(default=10_000.0, gt=1)
    """Base of the rotary wavelengths."""
    norm_epsilon: float = Field(default=1e-5, gt=0)
    """Added to the mean square in RMSNorm."""

    @property
    def feed_forward(self) -> int:
        """Width of the feed-forward layer, `hidden` or its default."""
        return self.hidden or -(-8 * self.width // (3 * 64)) * 64

    @model_validator(mode="after")
    def _check_heads(self) -> "ModelConfig":
        if self.width % self.heads or (self.width // self.heads) % 2:
            raise ValueError(f"width {self.width} does not give each of {self.heads} heads an even number of channels")
        return self


class PretrainConfig(Config):
    """Objective, budget in bytes of text, batches, optimiser and schedule of one run.

    The defaults suit a model of 1 M parameters and a budget around 1 MB; larger budgets want larger batches.
    """

    objective: Literal["causal", "masked"] = "causal"
    """Next-token prediction, or prediction of masked tokens with bidirectional attention."""
    budget_bytes: Bytes = Field(default=750_000, gt=0)
    """UTF-8 bytes of text to train on; documents repeat where the selection holds fewer. Tokenizers are compared at
    the same number of bytes, not of tokens or steps."""
    sequence_length: int = Field(default=128, gt=1)
    """Tokens of one row."""
    batch_rows: int = Field(default=4, gt=0)
    """Rows of the global batch of one optimiser step, over all ranks."""
    micro_rows: int | None = Field(default=None, gt=0)
    """Rows that go through the model at a time on each rank (gradients are accumulated); all of them by default."""
    shuffle_batches: int = Field(default=256, gt=0)
    """Rows are shuffled within windows of so many global batches, after documents are shuffled over the whole epoch."""
    learning_rate: float = Field(default=3e-3, gt=0)
    """Peak learning rate."""
    final_learning_rate: float = Field(default=0.1, ge=0, le=1)
    """Learning rate at the end of the budget, as a share of the peak."""
    warmup: float = Field(default=0.05, ge=0, lt=1)
    """Share of the budget over which the learning rate rises to its peak."""
    weight_decay: float = Field(default=0.1, ge=0)
    """Decoupled weight decay of matrices; gains of norms are not decayed."""
    beta1: float = Field(default=0.9, ge=0, lt=1)
    """AdamW's decay of the mean gradient."""
    beta2: float = Field(default=0.99, ge=0, lt=1)
    """AdamW's decay of the mean squared gradient."""
    epsilon: float = Field(default=1e-8, gt=0)
    """AdamW's denominator term."""
    clip: float = Field(default=1.0, gt=0)
    """Largest norm of the gradient; longer gradients are scaled down to it."""
    mask_share: float = Field(default=0.15, gt=0, lt=1)
    """Masked objective: share of the tokens to predict; of those 80 % become the mask, 10 % a random token."""
    init_seed: int = Field(default=0, ge=0)
    """Seed of the initial weights."""
    data_seed: int = Field(default=0, ge=0)
    """Seed of the order of documents and rows, and of the masks."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """`bfloat16` runs matrix products in bfloat16 and keeps weights in float32; `auto` does so on CUDA and uses float32
    elsewhere. CPUs with AVX512-BF16 or AMX gain half as much speed again by it, others lose."""
    compile: bool = False
    """Whether to compile the model with torch.compile."""
    threads: int = Field(1, gt=0)
    """CPU threads of each run: sums of floats depend on them, so they are part of the recipe."""
    validation_document_bytes: Bytes = Field(2000, gt=0)
    """Bytes scored of each held-out document, from its beginning: many documents tell more than a few long ones."""
    validation_bytes: Bytes = Field(default=500_000, gt=0)
    """Bytes of held-out text to score per validation set, the same documents for every run."""
    checkpoint_every: int = Field(default=100, gt=0)
    """Steps between checkpoints."""
    checkpoints_kept: int = Field(default=2, gt=0)
    """Newest checkpoints kept while the run goes on; a finished run keeps its final weights alone."""
    loader_workers: int = Field(default=0, ge=0)
    """Worker processes that read batches ahead, on each rank; 0 reads in the training process."""

    def deciding(self) -> dict[str, Any]:
        """Return the fields that decide a run's results, as plain data, for its fingerprint."""
        return {name: value for name, value in self.plain().items() if name not in RUNTIME_FIELDS}
