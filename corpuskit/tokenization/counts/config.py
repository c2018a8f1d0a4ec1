"""The recipe fields of one count of words."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from corpuskit.config import Bytes, Config
from corpuskit.errors import InputError
from corpuskit.tokenization.normalization import Normalization
from corpuskit.tokenization.pretokens import check_pretokenizer


class CountsConfig(Config):
    """How words are found, and what of the text is counted."""

    pretokenizer: str = "gpt2"
    """What a word is: `gpt2`, `gpt4`, `llama3`, `o200k`, `bert`, `metaspace`, `metaspace_runs`, or `regex:` and an
    expression."""
    normalization: Normalization = "none"
    """What is done to the text before: `none`, `nfc`, `nfkc`, `nmt_nfkc` or `lower`; all but `none` lose something."""
    groups: Literal["none", "source", "language"] = "none"
    """Count the words of each source or language by themselves, so that they can be balanced."""
    max_bytes: Annotated[Bytes, Field(gt=0)] | None = None
    """Count at most this much text, a sample of documents by a hash of their keys; null: all of it."""
    seed: int = 0
    """Which documents are counted where there are more than `max_bytes`."""
    min_count: int = Field(default=1, ge=1)
    """Words that occur less often are left out; how many those are is told."""

    @model_validator(mode="after")
    def _check_pretokenizer(self) -> "CountsConfig":
        try:
            check_pretokenizer(self.pretokenizer)
        except InputError as error:
            raise ValueError(str(error)) from None
        return self

    def identity(self) -> dict[str, Any]:
        """Return what decides the counts; the seed does not where all text is counted."""
        return self.plain() if self.max_bytes else {**self.plain(), "seed": 0}
