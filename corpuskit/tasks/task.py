"""What a task is: labelled texts or minimal pairs."""

import hashlib
import unicodedata
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

import numpy as np
import orjson
import xxhash

from corpuskit.errors import InputError

T = TypeVar("T")


class Example(NamedTuple):
    """One labelled text; `label` is an index into `Classification.labels`."""

    text: str
    label: int


class Pair(NamedTuple):
    """One minimal pair: a grammatical sentence and its ungrammatical twin."""

    good: str
    bad: str
    phenomenon: str


@dataclass(frozen=True, kw_only=True)
class Classification:
    """Texts to train a classifier on and texts to measure it on; build it with `classification`."""

    name: str
    labels: tuple[str, ...]
    train: tuple[Example, ...]
    test: tuple[Example, ...]
    unit_of: tuple[int, ...] | None = None
    """The unit of each test text; None: each is its own. See `units`."""
    dropped: Mapping[str, int] = field(default_factory=dict)
    """Rows left out, by reason."""

    @property
    def units(self) -> np.ndarray:
        """int64[len(test)], the number of each test text's independent unit.

        Texts of one document, and texts that are equal, are right or wrong together: they tell as much as one text, or
        little more, and intervals that took them for independent would be too narrow.
        """
        return _units(self.unit_of, len(self.test))

    @property
    def chance(self) -> float:
        """Share of the test set that has the most frequent training label: what a constant answer gets."""
        counts = Counter(example.label for example in self.train)
        answer = min(counts, key=lambda label: (-counts[label], label))
        return sum(example.label == answer for example in self.test) / len(self.test)


@dataclass(frozen=True, kw_only=True)
class MinimalPairs:
    """Sentence pairs of which a language model should find the good one more likely."""

    name: str
    pairs: tuple[Pair, ...]
    unit_of: tuple[int, ...] | None = None
    """The unit of each pair; None: each is its own. See `units`."""
    dropped: Mapping[str, int] = field(default_factory=dict)
    """Pairs left out, by reason."""

    @property
    def units(self) -> np.ndarray:
        """int64[len(pairs)], the number of each pair's independent unit.

        Of two pairs that mirror each other, a model that prefers one form gets exactly one right: intervals that took
        them for independent would be far too wide.
        """
        return _units(self.unit_of, len(self.pairs))

    @property
    def chance(self) -> float:
        """Half of the pairs, whatever they are."""
        return 0.5


Task = Classification | MinimalPairs


def _units(unit_of: Sequence[int] | None, n: int) -> np.ndarray:
    units = np.arange(n) if unit_of is None else np.array(unit_of, np.int64)
    if len(units) != n:
        raise ValueError(f"{len(units)} units, but {n} items")
    return units


def numbered(units: Iterable[Hashable]) -> tuple[int, ...] | None:
    """Number units from 0 in order of appearance; None where no two items share one."""
    numbers: dict[Hashable, int] = {}
    found = tuple(numbers.setdefault(unit, len(numbers)) for unit in units)
    return None if len(numbers) == len(found) else found


def classification(
    name: str,
    labels: Sequence[str],
    train: Iterable[Example],
    test: Iterable[Example],
    dropped: Mapping[str, int],
    units: Iterable[Hashable] | None = None,
) -> Classification:
    """Build a classification task; training texts that are in the test set too (`same_text`) are removed and counted.

    Args:
        name: the task's name.
        labels: names of the labels.
        train: texts to train on.
        test: texts to test on.
        dropped: rows left out before, by reason.
        units: what each test text belongs to (a document); by default equal texts (`same_text`) belong together.

    Raises:
        InputError: nothing is left to train or to test on, or the training set has fewer than two labels.
    """
    tested = tuple(test)
    known = {same_text(example.text) for example in tested}
    everything = tuple(train)
    clean = tuple(example for example in everything if same_text(example.text) not in known)
    for part, examples in (("train", clean), ("test", tested)):
        if not examples:
            raise InputError(f"task {name}: no text left to {part} on")
    if len({example.label for example in clean}) < 2:
        raise InputError(f"task {name}: the training texts all have one label; two are needed")
    counts = {**dropped, "in_test_too": len(everything) - len(clean)}
    unit_of = numbered(units if units is not None else (same_text(example.text) for example in tested))
    return Classification(
        name=name, labels=tuple(labels), train=clean, test=tested, unit_of=unit_of, dropped=nonzero(counts)
    )


def same_text(text: str) -> str:
    """Return what two texts share when they count as the same: NFKC, case folded, white space collapsed."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def nonzero(counts: Mapping[str, int]) -> dict[str, int]:
    """Drop the reasons that never applied."""
    return {reason: count for reason, count in counts.items() if count}


def rank(content: str | bytes, seed: int, purpose: str) -> int:
    """Return a fixed pseudo-random 64-bit number for an item: splits and samples follow it, not the file's order."""
    data = content.encode(errors="surrogatepass") if isinstance(content, str) else content
    return xxhash.xxh3_64_intdigest(purpose.encode() + b"\0" + data, seed & 0xFFFF_FFFF_FFFF_FFFF)


def sample(items: Sequence[T], ranks: Sequence[int], limit: int | None) -> list[T]:
    """Return the `limit` items of smallest rank in their given order; all of them for None."""
    if limit is None or len(items) <= limit:
        return list(items)
    chosen = sorted(range(len(items)), key=lambda index: (ranks[index], index))[:limit]
    return [items[index] for index in sorted(chosen)]


def fingerprint(task: Task) -> str:
    """Return the sha256 of a task's items and units, 64 hex digits: results compare only where it is equal."""
    if isinstance(task, Classification):
        content: dict[str, Sequence[object]] = {"labels": task.labels, "train": task.train, "test": task.test}
    else:
        content = {"pairs": task.pairs}
    if task.unit_of is not None:
        content["units"] = task.unit_of
    return hashlib.sha256(orjson.dumps(content, default=tuple, option=orjson.OPT_SORT_KEYS)).hexdigest()
