"""Recipe models of a comparison: seeds, confidence, baseline."""

from collections.abc import Iterable
from typing import Annotated

from pydantic import Field, field_validator

from corpuskit.config import Config
from corpuskit.errors import RecipeError, nearest


class BaselineConfig(Config):
    """The cell that every other cell is compared with."""

    tokenizer: str
    """Name of a tokenizer of the recipe."""
    variant: str
    """Name of a variant of the recipe."""


class CompareConfig(Config):
    """The grid tokenizers x variants x seeds, and how its scores are judged."""

    seeds: tuple[Annotated[int, Field(ge=0)], ...] = Field(default=(0, 1, 2), min_length=1)
    """One training run per tokenizer, variant and seed. One seed gives no interval, two a wide one: three or more."""
    confidence: float = Field(default=0.95, ge=0.5, lt=1)
    """Confidence of the intervals; a difference is decided where its corrected p value is under 1 - confidence."""
    power: float = Field(default=0.8, ge=0.5, lt=1)
    """Chance of deciding a true difference as large as the measured one: how many seeds open questions need."""
    baseline: BaselineConfig | None = None
    """Compare cells with this one only; all pairs of cells by default, which costs certainty where cells are many."""

    @field_validator("seeds")
    @classmethod
    def _unique(cls, seeds: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(seeds)) != len(seeds):
            raise ValueError("seeds must differ from one another: a repeated seed repeats its run")
        return seeds

    def check(self, tokenizers: Iterable[str], variants: Iterable[str], path: str = "compare") -> None:
        """Check that the baseline is a cell of the grid; `path` is this config's place in the recipe.

        Raises:
            RecipeError: the recipe has no tokenizer or variant of the baseline's name.
        """
        if self.baseline is None:
            return
        for kind, name, known in (
            ("tokenizer", self.baseline.tokenizer, list(tokenizers)),
            ("variant", self.baseline.variant, list(variants)),
        ):
            if name not in known:
                raise RecipeError(f"{path}.baseline.{kind}", f"no {kind} is named {name!r}{nearest(name, known)}")
