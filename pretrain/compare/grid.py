"""The grid of a comparison: tokenizers x variants x seeds."""

from collections.abc import Iterable
from dataclasses import dataclass

SEPARATOR = "--"
"""Between the parts of a cell's name; recipe names cannot hold it."""


@dataclass(frozen=True, order=True, slots=True)
class Cell:
    """One choice to compare: a tokenizer and a data variant."""

    tokenizer: str
    variant: str

    @property
    def name(self) -> str:
        """A file name, such as `bpe--filtered`."""
        return f"{self.tokenizer}{SEPARATOR}{self.variant}"

    @property
    def label(self) -> str:
        """The name in tables and sentences, such as `bpe on filtered`."""
        return f"{self.tokenizer} on {self.variant}"


@dataclass(frozen=True, order=True, slots=True)
class GridRun:
    """One training run of the grid."""

    cell: Cell
    seed: int

    @property
    def name(self) -> str:
        """A file name, such as `bpe--filtered--seed1`."""
        return f"{self.cell.name}{SEPARATOR}seed{self.seed}"


def cells(tokenizers: Iterable[str], variants: Iterable[str]) -> list[Cell]:
    """Return every (tokenizer, variant), in the recipe's order: tokenizers outside, variants inside."""
    inner = list(variants)
    return [Cell(tokenizer, variant) for tokenizer in tokenizers for variant in inner]


def runs(tokenizers: Iterable[str], variants: Iterable[str], seeds: Iterable[int]) -> list[GridRun]:
    """Return every training run, seeds outside: a grid that is stopped early has whole seeds, which can be compared."""
    grid = cells(tokenizers, variants)
    return [GridRun(cell, seed) for seed in seeds for cell in grid]
