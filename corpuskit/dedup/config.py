"""What counts as a duplicate."""

from typing import Self

from pydantic import Field, model_validator

from corpuskit.config import Config


class DedupConfig(Config):
    """How duplicates are found; the default catches nearly all pairs of Jaccard similarity 0.8, few below 0.6.

    Two documents are compared if any of their bands is equal: at similarity s with probability 1 - (1 - s^rows)^bands.
    """

    exact: bool = True
    """Cluster documents whose text is equal byte for byte."""
    minhash: bool = True
    """Cluster documents that share a band of their MinHash signatures."""
    urls: bool = False
    """Also find documents with the same URL once it is normalised, such as captures of one page at several times. They
    are clusters of their own: a variant says whether it keeps one of each (`deduplicate_urls`)."""
    ngram: int = Field(5, ge=1, le=100)
    """Words in a row that make a shingle. Texts with fewer words have none: only `exact` compares them."""
    bands: int = Field(14, ge=1, le=1000)
    """Number of bands; more of them find less similar pairs."""
    rows: int = Field(8, ge=1, le=1000)
    """Permutations per band; more of them find only more similar pairs."""
    seed: int = Field(1, ge=0, lt=2**32)
    """Seed of the permutations."""

    @model_validator(mode="after")
    def _finds_something(self) -> Self:
        if not (self.texts or self.urls):
            raise ValueError("set exact, minhash, urls or several: else no duplicates are found")
        return self

    @property
    def texts(self) -> bool:
        """Whether texts are compared."""
        return self.exact or self.minhash

    @property
    def num_perm(self) -> int:
        """Length of a signature."""
        return self.bands * self.rows
