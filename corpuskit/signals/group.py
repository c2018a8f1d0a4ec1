"""What a signal group is: columns of numbers, and the function that measures them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from corpuskit.config import Config
from corpuskit.kernels import WordKind


@dataclass(frozen=True, slots=True)
class Signal:
    """One number a document."""

    type: pa.DataType
    """Arrow type of its column; ratios are float32."""
    range: str
    """The values it can take."""
    formula: str
    """What is counted, and divided by what."""
    undefined: str = ""
    """For which texts it is null; empty: for none."""


class WordsConfig(Config):
    """The setting of groups that count words."""

    words: WordKind
    """Which words: `unicode`, `whitespace` or `tokens`, as `corpuskit.kernels.words` defines them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalGroup:
    """Signals that are measured together; a group's columns lie in one sidecar."""

    name: str
    revision: int
    """Raised whenever a value may change, so that old sidecars are not taken for new ones."""
    source: str
    """Whose definition the group follows, and where it is its own."""
    signals: Mapping[str, Signal]
    """The group's signals by column name, without the group's name; those of its config are not among them."""
    measure: Callable[..., Mapping[str, np.ndarray | pa.Array]]
    """Gives for n texts an array[n] of each signal; NaN or null where a signal is undefined. Called with the `Texts`,
    and with the group's config where it has one."""
    reads: Literal["text", "url"] = "text"
    """The column of documents that it measures; a document without URL is an empty one."""
    config: type[Config] | None = None
    """What a recipe can set."""
    defaults: Mapping[str, Any] = field(default_factory=dict)
    """What the config's fields are where a recipe sets none, besides their own defaults."""
    named: Callable[[Any], Mapping[str, Signal]] | None = None
    """Gives the signals that the config names, such as one for each word list of the recipe."""
    named_in: str = ""
    """Where a recipe names them, in words."""
    identity: Callable[[Any], Mapping[str, Any]] = dict
    """Gives what of the config decides values, as plain data: files by their content, not by their paths."""
    libraries: tuple[str, ...] = ("pyarrow", "numba")
    """Distributions whose version decides values."""

    def default_config(self) -> Config | None:
        """Return the settings of a recipe that sets none; None for a group without any."""
        return self.config(**self.defaults) if self.config else None

    def columns(self, config: Config | None = None) -> dict[str, pa.DataType]:
        """Return the Arrow type of each column, without the group's name, under a config or the default one."""
        named = self.named(config or self.default_config()) if self.named else {}
        return {name: signal.type for name, signal in {**self.signals, **named}.items()}


def ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """Divide counts; float32[n], NaN where the denominator is 0. Rounded once, so 3/10 is the float32 next to 0.3."""
    undefined = denominator == 0
    quotient = numerator / np.where(undefined, 1, denominator)
    return np.where(undefined, np.nan, quotient).astype(np.float32)
