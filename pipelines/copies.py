"""Which copies stay in a variant: chosen over all splits, by URL and by text, one round after the other."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyarrow as pa

from corpuskit import storage
from corpuskit.dedup import choose
from corpuskit.documents.schema import KEY, key_array, key_matrix
from corpuskit.manifest import Marker
from corpuskit.recipe import VariantConfig
from pipelines import exchange
from pipelines.engine import Attempt

REASONS = {"urls": "duplicate_url", "texts": "duplicate"}
"""The kinds of clusters in the order in which copies are chosen, and what verdicts call the copies that do not stay."""
MEMBERS = pa.schema([("row", pa.int64()), ("cluster", KEY), ("key", KEY), ("order", pa.float64())])
"""A member that passes the policy: its row in its split, its cluster, the document's key, what the best has most of."""
CHOICES = pa.schema([("row", pa.int64()), ("reason", pa.string()), ("duplicate_of", KEY)])
AT_A_TIME = 1 << 21
"""Rows of a corpus from which on it is chosen in parts: about 300 MB if all of them are members."""
SPLIT_SHIFT = 40
"""A row's number over all splits is its split's number shifted by so many bits, plus its own."""
NO_ROWS = np.empty(0, np.int64)


def kinds(config: VariantConfig) -> tuple[str, ...]:
    """Return which kinds of clusters a variant keeps one copy of, in order."""
    asked = {"urls": config.deduplicate_urls, "texts": config.deduplicate}
    return tuple(kind for kind in REASONS if asked[kind])


def parts(rows: int) -> int:
    """Return in how many parts copies are chosen among so many rows; changes no result."""
    return 1 + rows // AT_A_TIME


def members_path(folder: str, kind: str, split: str) -> str:
    """Return where a split's members of one kind of clusters lie."""
    return storage.join(folder, "work", kind, f"{split}.arrow")


def choices_paths(folder: str, config: VariantConfig, n_parts: int) -> list[str]:
    """Return where the rows lie that lost against a copy, one batch a split in each file."""
    found = {"urls": [_choices_path(folder, "urls")], "texts": [_texts_path(folder, part) for part in range(n_parts)]}
    return [path for kind in kinds(config) for path in found[kind]]


def _texts_path(folder: str, part: int) -> str:
    return _choices_path(folder, f"texts-{part:05d}")


def _choices_path(folder: str, name: str) -> str:
    return storage.join(folder, "work", "choices", f"{name}.arrow")


def write_members(folder: str, kind: str, split: str, members: pa.RecordBatch, n_parts: int) -> None:
    """Commit a split's members by the part of their cluster."""
    first = key_matrix(members.column("cluster"))[:, :4]
    numbers = np.ascontiguousarray(first).view("<u4").reshape(-1) % n_parts
    exchange.write(members_path(folder, kind, split), exchange.split_by(members, numbers, n_parts))


@dataclass(eq=False)
class Lost:
    """Rows that lost against a copy."""

    rows: np.ndarray
    """Numbered over all splits, rising; int64[m]."""
    stays: np.ndarray
    """The row that each lost against; int64[m]."""
    keys: np.ndarray
    """The keys of those that stay; uint8[m, 16]."""

    def follow(self, later: "Lost") -> None:
        """Name the copy that stays where one that beat a row lost against another one later."""
        found = _places(self.stays, later.rows)
        self.keys[found >= 0] = later.keys[found[found >= 0]]

    def batches(self, reason: str, splits: int) -> Iterator[pa.RecordBatch]:
        """Yield one batch of `CHOICES` a split."""
        bounds = np.searchsorted(self.rows, np.arange(splits + 1) << SPLIT_SHIFT).tolist()
        for start, stop in pairwise(bounds):
            rows = pa.array(self.rows[start:stop] & ((1 << SPLIT_SHIFT) - 1))
            columns = [rows, pa.repeat(reason, stop - start), key_array(self.keys[start:stop])]
            yield pa.RecordBatch.from_arrays(columns, schema=CHOICES)


def choose_copies(attempt: Attempt, *, splits: Sequence[str], config: VariantConfig, n_parts: int) -> Marker:
    """Choose over all splits which members of clusters stay: one process, a part of the clusters at a time.

    One document of each URL is chosen first, then one of each cluster of texts among those that are left. Those that
    lost by URL are held throughout, 32 bytes each.
    """
    asked, folder = kinds(config), attempt.folder
    by_url = [_choose(folder, "urls", splits, part) for part in range(n_parts)] if "urls" in asked else []
    gone = _together(by_url)
    count = len(gone.rows)
    for part in range(n_parts) if "texts" in asked else ():
        lost = _choose(folder, "texts", splits, part, gone.rows)
        exchange.write(_texts_path(folder, part), lost.batches(REASONS["texts"], len(splits)), CHOICES)
        gone.follow(lost)
        count += len(lost.rows)
    if "urls" in asked:
        exchange.write(_choices_path(folder, "urls"), gone.batches(REASONS["urls"], len(splits)), CHOICES)
    return Marker(item=attempt.item.name, fingerprint=attempt.fingerprint, rows=count)


def _choose(folder: str, kind: str, splits: Sequence[str], part: int, gone: np.ndarray = NO_ROWS) -> Lost:
    """Choose among the members of a part of the clusters that are still there; `gone`: int64[m], rising."""
    rows, members = _read(folder, kind, splits, part)
    if len(gone):
        there = _places(rows, gone) < 0
        rows, members = rows[there], members.filter(pa.array(there))
    keys = key_matrix(members.column("key"))
    stays = choose(key_matrix(members.column("cluster")), members.column("order").to_numpy(), keys)
    lost = np.flatnonzero(stays != np.arange(len(stays)))
    return Lost(rows[lost], rows[stays[lost]], keys[stays[lost]])


def _read(folder: str, kind: str, splits: Sequence[str], part: int) -> tuple[np.ndarray, pa.Table]:
    """Return the members of a part of the clusters: their rows over all splits, rising, int64[m], and all columns."""
    batches = [exchange.read(members_path(folder, kind, split), part) for split in splits]
    numbers = [batch.column("row").to_numpy() | split << SPLIT_SHIFT for split, batch in enumerate(batches)]
    return np.concatenate([NO_ROWS, *numbers]), pa.Table.from_batches(batches, MEMBERS)


def _together(parts: Sequence[Lost]) -> Lost:
    rows = np.concatenate([NO_ROWS, *(part.rows for part in parts)])
    order = np.argsort(rows)
    stays = np.concatenate([NO_ROWS, *(part.stays for part in parts)])[order]
    keys = np.concatenate([np.empty((0, 16), np.uint8), *(part.keys for part in parts)])[order]
    return Lost(rows[order], stays, keys)


def _places(rows: np.ndarray, among: np.ndarray) -> np.ndarray:
    """Return where rows stand among others, which rise; -1 where they do not; int64[m]."""
    places = np.searchsorted(among, rows)
    found = np.append(among, -1)[places] == rows
    return np.where(found, places, -1)
