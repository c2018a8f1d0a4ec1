"""The recipe fields of one tokenizer."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from corpuskit.config import Bytes, Config
from corpuskit.tokenization.reserved import RESERVED

TokenizerType = Literal["bpe", "wordpiece", "unigram"]
SMALLEST: dict[TokenizerType, tuple[int, str]] = {
    "bpe": (RESERVED + 256, "128 reserved ids and 256 bytes"),
    "wordpiece": (RESERVED + 512, "128 reserved ids and 256 bytes, each at the start of a word and inside one"),
    "unigram": (RESERVED + 256 + 128, "128 reserved ids, 256 bytes and room for 128 pieces"),
}
"""The smallest vocabulary of each type, and what fills it."""
LARGEST = 1 << 24
MAX_TRAIN_BYTES = 2_000_000_000
"""`tokenizers` counts pairs in 32 bits: above 2,147,483,647 occurrences the commonest pair would vanish."""


class TokenizerConfig(Config):
    """One tokenizer to train."""

    type: TokenizerType
    """Byte-level BPE, WordPiece over bytes, or Unigram with byte fallback; all lossless."""
    vocab_size: Annotated[int, Field(le=LARGEST)]
    """Ids asked for, the 128 reserved ones included; a small corpus may give fewer."""
    train_on: str | None = None
    """Name of the variant whose training documents it is trained on; the first variant of the recipe by default."""
    max_train_bytes: Annotated[Bytes, Field(gt=0, le=MAX_TRAIN_BYTES)] = 100_000_000
    """Train on at most this much UTF-8 text, 2 GB at most; Unigram needs about 20 times as much memory."""
    seed: int = 0
    """Which documents are trained on where there are more than `max_train_bytes`: another seed, another sample."""

    @model_validator(mode="after")
    def _check_size(self) -> "TokenizerConfig":
        least, filling = SMALLEST[self.type]
        if self.vocab_size < least:
            raise ValueError(f"vocab_size {self.vocab_size} is too small for {self.type}: {filling} take {least}")
        return self
