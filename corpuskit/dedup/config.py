"""What counts as a duplicate."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from corpuskit.config import Config
from corpuskit.dedup.banding import collision_probability, optimal_bands

ReferenceName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")]
"""Names of references become names of columns: a letter, then letters, digits and `_`."""

Count = Annotated[int, Field(ge=1, le=1000)]

HELDOUT = "heldout"
"""What the search calls the corpus's own held-out documents, as the name of a reference."""

SIGNING = ("normalized", "minhash", "unit", "ngram", "lower_case", "seed")
"""Fields that decide what signatures hold, beside their length: all else can change without reading texts again."""


class DedupConfig(Config):
    """How duplicates are found; the default finds 92 % of pairs of Jaccard similarity 0.8, under 1 % of those of 0.6.

    Two documents are compared if any of their bands is equal: at similarity s with probability 1 - (1 - s^rows)^bands.
    Those that are as similar as `threshold` or more are duplicates. 14 bands of 8 rows of 5 words are FineWeb's.
    """

    exact: bool = True
    """Cluster documents whose text is equal byte for byte."""
    normalized: bool = False
    """Cluster documents that have equal words in equal order, whatever their case and what stands between them."""
    minhash: bool = True
    """Cluster documents whose sets of shingles are similar, found by bands of MinHash signatures."""
    urls: bool = False
    """Also find documents with the same URL once it is normalised, such as captures of one page at several times. They
    are clusters of their own: a variant says whether it keeps one of each (`deduplicate_urls`)."""
    unit: Literal["words", "characters"] = "words"
    """What shingles are made of: words (each CJK ideograph is one), or the characters of the text."""
    ngram: int = Field(5, ge=1, le=100)
    """Units in a row that make a shingle. A text of fewer is one shingle, which only another such text can equal."""
    lower_case: bool = True
    """Whether shingles are made of the text in lower case."""
    threshold: float = Field(0.7, gt=0, le=1)
    """Jaccard similarity of the sets of shingles from which on documents are duplicates."""
    verify: Literal["none", "signature", "exact"] = "signature"
    """How documents that share a band are compared: by the share of equal places of their signatures (standard error
    at most 0.05 with 112 places), by their shingles themselves, or not at all: then chains of ever other documents
    grow, as in tools that do not compare."""
    bands: Count | Literal["auto"] = 14
    """Number of bands; more of them find less similar pairs. `auto`, for both: the best for `threshold`."""
    rows: Count | Literal["auto"] = 8
    """Permutations per band; more of them find only more similar pairs."""
    num_perm: int = Field(128, ge=2, le=10_000)
    """Most permutations of a signature that `auto` may use."""
    max_cluster: int = Field(1000, ge=2)
    """Members from which on a cluster is reported and split: every member must then be as similar as `threshold`, by
    signatures, to the one that its part is named after."""
    against: dict[ReferenceName, str] = Field(default_factory=dict)
    """Other prepared corpora by name: folders whose signatures (made with the same settings) these documents are
    compared with, such as earlier crawls. Variants drop documents that are duplicates of theirs."""
    seed: int = Field(1, ge=0, lt=2**32)
    """Seed of the permutations."""

    @model_validator(mode="after")
    def _finds_something(self) -> Self:
        if not (self.texts or self.urls):
            raise ValueError("set exact, normalized, minhash, urls or several: else no duplicates are found")
        if self.against and not self.texts:
            raise ValueError("`against` compares texts: set exact, normalized, minhash or several")
        if HELDOUT in self.against:
            raise ValueError(f"`{HELDOUT}` names the held-out documents of this corpus: call that reference otherwise")
        if (self.bands == "auto") != (self.rows == "auto"):
            raise ValueError("bands and rows are both `auto` or both numbers")
        return self

    @property
    def texts(self) -> bool:
        """Whether texts are compared."""
        return self.exact or self.normalized or self.minhash

    @property
    def banding(self) -> tuple[int, int]:
        """Number of bands, and permutations per band."""
        if self.bands == "auto" or self.rows == "auto":
            return optimal_bands(self.threshold, self.num_perm)
        return self.bands, self.rows

    @property
    def places(self) -> int:
        """Length of a signature; 0 without MinHash."""
        bands, rows = self.banding
        return bands * rows if self.minhash else 0

    @property
    def found_at_threshold(self) -> float:
        """The probability that two documents that are just as similar as `threshold` share a band."""
        return float(collision_probability(self.threshold, *self.banding))

    def signing(self) -> dict[str, Any]:
        """Return what decides the signatures, as plain data."""
        return {**self.model_dump(mode="json", include=set(SIGNING)), "places": self.places}

    def searching(self) -> dict[str, Any]:
        """Return what decides the clusters beside the signatures, as plain data."""
        left_out = {*SIGNING, "urls", "bands", "rows", "num_perm", "against"}
        return {**self.model_dump(mode="json", exclude=left_out), "banding": list(self.banding)}
