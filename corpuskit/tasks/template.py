"""A sentence template: slots, and how their fillers make minimal pairs."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from corpuskit.tasks.task import Pair

Build = Callable[..., tuple[tuple[str, str], ...]]
"""Takes a filler of each slot; returns (good, bad) sentences used together or not at all; () skips the fillers."""


@dataclass(frozen=True)
class Template:
    """All minimal pairs of one phenomenon."""

    phenomenon: str
    slots: tuple[Sequence[Any], ...]
    build: Build

    def draw(self, quota: int, seed: int, used: set[str]) -> list[tuple[Pair, ...]]:
        """Draw groups of up to `quota` pairs in random order, no sentence twice; adds the sentences to `used`."""
        drawn: list[tuple[Pair, ...]] = []
        room = quota
        for group in self._shuffled(seed):
            sentences = {sentence for pair in group for sentence in pair}
            if len(group) > room:
                break
            if not sentences & used:
                used |= sentences
                room -= len(group)
                drawn.append(tuple(Pair(good, bad, self.phenomenon) for good, bad in group))
        return drawn

    def _shuffled(self, seed: int) -> Iterator[tuple[tuple[str, str], ...]]:
        """Yield the groups of all combinations of fillers in an order that no version of numpy changes (NEP 19)."""
        shape = [len(slot) for slot in self.slots]
        name = int.from_bytes(self.phenomenon.encode(), "big")
        words = np.random.Philox(np.random.SeedSequence([seed, name])).random_raw(math.prod(shape))
        for flat in np.argsort(words, kind="stable"):
            position = np.unravel_index(flat, shape)
            group = self.build(*(slot[int(index)] for slot, index in zip(self.slots, position, strict=True)))
            if group:
                yield group


def template(*slots: Sequence[Any]) -> Callable[[Build], Template]:
    """Turn a function into the template of the phenomenon that it is named after."""
    return lambda build: Template(build.__name__, slots, build)


def mirrored(sentences: tuple[tuple[str, str], tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Make two pairs of ((good, bad), (bad, good)), rows by subject and columns by form."""
    (one, not_one), (not_other, other) = sentences
    return (one, not_one), (other, not_other)
