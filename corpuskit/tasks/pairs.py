"""Minimal pairs from files in the layout of BLiMP."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath
from typing import Literal

from pydantic import Field

from corpuskit import storage
from corpuskit.config import Config
from corpuskit.errors import InputError, nearest
from corpuskit.tasks import files
from corpuskit.tasks.task import MinimalPairs, Pair, nonzero, rank, sample


class PairsConfig(Config):
    """JSONL files with `sentence_good` and `sentence_bad` (BLiMP, Warstadt et al. 2020).

    Plain, `.gz` or `.zst`, or tar archives of them. A pair that occurs twice is used once, one
    whose two sentences are the same (BLiMP has some) never; both are counted.
    """

    kind: Literal["pairs"] = "pairs"
    """Minimal pairs from files."""
    files: tuple[str, ...] = Field(min_length=1)
    """Files, folders, globs or URLs."""
    phenomenon: str = "UID"
    """Field that names a pair's phenomenon; the file's name where a pair does not have it."""
    only: tuple[str, ...] = ()
    """Phenomena to use; all when empty."""
    max_per_phenomenon: int | None = Field(None, ge=1)
    """Use a fixed sample of this many pairs of each phenomenon."""
    seed: int = 0
    """Decides the sample."""


def load(config: PairsConfig, name: str) -> MinimalPairs:
    """Read the files and build the task, phenomena in order of their names.

    Raises:
        InputError: a file cannot be read, a row is malformed (file and line are named), or `only` names none of theirs.
    """
    groups: dict[str, list[Pair]] = defaultdict(list)
    identical = 0
    for pair in _read(config):
        if pair.good == pair.bad:
            identical += 1
        else:
            groups[pair.phenomenon].append(pair)
    for wanted in config.only:
        if wanted not in groups:
            raise InputError(f"task {name}: no pair has the phenomenon {wanted!r}{nearest(wanted, groups)}")
    distinct = {phenomenon: list(dict.fromkeys(group)) for phenomenon, group in groups.items()}
    repeated = sum(len(groups[phenomenon]) - len(group) for phenomenon, group in distinct.items())
    chosen = [pair for phenomenon in sorted(config.only or distinct) for pair in _sampled(config, distinct[phenomenon])]
    if not chosen:
        raise InputError(f"task {name}: the files hold no pairs")
    return MinimalPairs(name=name, pairs=tuple(chosen), dropped=nonzero({"repeated": repeated, "identical": identical}))


def _sampled(config: PairsConfig, group: list[Pair]) -> list[Pair]:
    ranks = [rank("\0".join(pair), config.seed, "sample") for pair in group]
    return sample(group, ranks, config.max_per_phenomenon)


def _read(config: PairsConfig) -> Iterator[Pair]:
    for stored in storage.expand(config.files):
        for path, data in files.members(stored.path, ".jsonl"):
            yield from _pairs(config, path, files.json_lines(path, files.decode(path, data, "utf-8")))


def _pairs(config: PairsConfig, path: str, lines: Iterable[tuple[str, dict[str, object]]]) -> Iterator[Pair]:
    file_name = PurePosixPath(path).name.split(".")[0]
    for place, record in lines:
        good, bad = (files.text_field(place, record, name) for name in ("sentence_good", "sentence_bad"))
        if not good.strip() or not bad.strip():
            raise InputError(f"{place}: a sentence is empty")
        yield Pair(good, bad, str(record.get(config.phenomenon, file_name)))
