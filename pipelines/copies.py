"""Which copies stay in a variant: chosen over all splits, by URL and by text, one round after the other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pyarrow as pa

from corpuskit import storage
from corpuskit.dedup import REASONS as TEXT_REASONS
from corpuskit.dedup import choose
from corpuskit.documents.schema import KEY, key_array, key_matrix
from corpuskit.manifest import Marker
from corpuskit.recipe import VariantConfig
from pipelines import exchange
from pipelines.engine import Attempt

REASONS = {"urls": ("", "duplicate_url", "heldout_url"), "shared": TEXT_REASONS, "texts": TEXT_REASONS}
"""The kinds of clusters, and what verdicts call the reason codes of a choice among them. `urls`: documents of one URL;
`texts`: equal and similar texts of the variant; `shared`: of the text that variants share, where the variant has
another: held-out documents, which no variant's own cleaners change, are found there."""
MEMBERS = pa.schema(
    [
        ("row", pa.int64()),
        ("cluster", KEY),
        ("key", KEY),
        ("passes", pa.bool_()),
        ("heldout", pa.bool_()),
        ("order", pa.float64()),
    ]
)
CHOICES = pa.schema([("row", pa.int64()), ("reason", pa.string()), ("duplicate_of", KEY)])
SPLIT_SHIFT = 40
"""A row's number over all splits is its split's number shifted by so many bits, plus its own."""


def members_path(folder: str, kind: str, split: str) -> str:
    """Return where a split's members of one kind of clusters lie."""
    return storage.join(folder, "work", kind, f"{split}.arrow")


def choices_path(folder: str) -> str:
    """Return where the rows lie that lost against a copy, one batch a split."""
    return storage.join(folder, "work", "choices.arrow")


@dataclass(frozen=True, eq=False)
class Clusters:
    """All members of one kind of clusters."""

    members: pa.Table
    """Schema `MEMBERS`."""
    ids: np.ndarray
    """Their rows, numbered over all splits; int64[m]."""


@dataclass(eq=False)
class _Lost:
    """The rows that lost so far, round by round."""

    ids: list[np.ndarray] = field(default_factory=list)
    heads: list[np.ndarray] = field(default_factory=list)
    """The row that each lost against."""
    reasons: list[pa.Array] = field(default_factory=list)

    def play(self, clusters: Clusters, reasons: Sequence[str], deduplicate: bool) -> None:
        """Choose among the members that are still there; those that are not are as good as failed."""
        members = clusters.members
        there = ~np.isin(clusters.ids, np.concatenate([np.empty(0, np.int64), *self.ids]))
        choice = choose(
            cluster=members.column("cluster").combine_chunks().dictionary_encode().indices.to_numpy().astype(np.int64),
            passes=members.column("passes").to_numpy() & there,
            heldout=members.column("heldout").to_numpy(),
            order=members.column("order").to_numpy(),
            keys=key_matrix(members.column("key")),
            deduplicate=deduplicate,
        )
        dropped = np.flatnonzero(choice.duplicate_of >= 0)
        self.ids.append(clusters.ids[dropped])
        self.heads.append(clusters.ids[choice.duplicate_of[dropped]])
        self.reasons.append(pa.array(reasons).take(pa.array(choice.reason[dropped])))

    def by_split(self, splits: int, found: Mapping[str, Clusters]) -> list[pa.RecordBatch]:
        """Return one batch of `CHOICES` a split; `duplicate_of` is the copy that stays in the end."""
        ids = np.concatenate(self.ids)
        order = np.argsort(ids)
        ids, heads = ids[order], np.concatenate(self.heads)[order]
        while (lost := np.isin(heads, ids)).any():  # at most once a round: who beat it lost in a later one
            heads[lost] = heads[np.searchsorted(ids, heads[lost])]
        table = pa.Table.from_arrays(
            [
                pa.array(ids & ((1 << SPLIT_SHIFT) - 1)),
                pa.chunked_array(self.reasons, pa.string()).combine_chunks().take(pa.array(order)),
                _keys_of(heads, found),
            ],
            schema=CHOICES,
        )
        bounds = np.searchsorted(ids, np.arange(splits + 1) << SPLIT_SHIFT)
        return [exchange.one_batch(table.slice(start, stop - start)) for start, stop in pairwise(bounds)]


def choose_copies(attempt: Attempt, *, splits: Sequence[str], config: VariantConfig) -> Marker:
    """Choose over all splits which members of clusters stay; one small item, members only.

    Copies of held-out documents go first, so that none of them stands for a cluster whose other members are clean. Then
    one document of each URL is chosen, then one of each cluster of texts among those that are left.
    """
    found = {kind: _read(attempt.folder, kind, splits) for kind in REASONS}
    lost = _Lost()
    for kind, reasons in REASONS.items():
        lost.play(found[kind], reasons, deduplicate=False)
    if config.deduplicate_urls:
        lost.play(found["urls"], REASONS["urls"], deduplicate=True)
    if config.deduplicate:
        lost.play(found["texts"], REASONS["texts"], deduplicate=True)
    exchange.write(choices_path(attempt.folder), lost.by_split(len(splits), found))
    return Marker(item=attempt.item.name, fingerprint=attempt.fingerprint, rows=sum(map(len, lost.ids)))


def _read(folder: str, kind: str, splits: Sequence[str]) -> Clusters:
    batches = [exchange.read(members_path(folder, kind, split), 0) for split in splits]
    numbers = [batch.column("row").to_numpy() | split << SPLIT_SHIFT for split, batch in enumerate(batches)]
    return Clusters(pa.Table.from_batches(batches, MEMBERS), np.concatenate([np.empty(0, np.int64), *numbers]))


def _keys_of(ids: np.ndarray, found: Mapping[str, Clusters]) -> pa.Array:
    """Return the document keys of rows that are members of some cluster."""
    numbers, first = np.unique(np.concatenate([clusters.ids for clusters in found.values()]), return_index=True)
    keys = np.concatenate([key_matrix(clusters.members.column("key")) for clusters in found.values()])
    return key_array(keys[first[np.searchsorted(numbers, ids)]])
