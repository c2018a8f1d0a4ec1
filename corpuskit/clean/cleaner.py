"""What a cleaner is: one declared step from text to text, with counts of what it did."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from corpuskit.config import Config


class Cleaned(NamedTuple):
    """What a cleaner gives for n texts."""

    texts: pa.Array
    """large_string[n], without nulls; the very array that came in where nothing changed."""
    counts: Mapping[str, np.ndarray]
    """int32[n] of each of the cleaner's counts: what it removed, replaced or found in each text."""


def _plain(config: Config) -> Mapping[str, Any]:
    return config.plain()


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleaner:
    """One cleaner, by the name under which recipes call it."""

    name: str
    revision: int
    """Raised whenever its texts or counts may change."""
    source: str
    """Whose definition it follows, and where it is its own."""
    config: type[Config]
    """What a recipe can set, with defaults; its field `step` is the cleaner's name."""
    counts: Mapping[str, str]
    """What each count counts, by name; the name is unique over all cleaners, its column is `clean.<name>`."""
    clean: Callable[[pa.Array, Any], Cleaned]
    """(large_string[n] without nulls, config) -> texts and counts. A pure function of each text by itself."""
    identity: Callable[[Any], Mapping[str, Any]] = _plain
    """Gives what of the config decides texts, as plain data: files by their content, not by their paths."""
    libraries: tuple[str, ...] = ("pyarrow", "numba")
    """Distributions whose version decides its texts."""
