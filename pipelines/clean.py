"""Documents to a revision: cleaned texts, stored as what changed, and the cleaners' counts as signals."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpuskit import clean, manifest, storage
from corpuskit.clean import AnyStep
from corpuskit.documents import read_split, revisions, sidecars
from corpuskit.documents.parts import text_bytes
from corpuskit.kernels.columns import replace_rows
from corpuskit.kernels.utf8 import UNICODE_VERSION
from corpuskit.manifest import Identity, Manifest, Marker, Target
from pipelines.annotate import split_items, with_files_below
from pipelines.engine import Attempt, Phase, Step

REVISION = 1


@dataclass(frozen=True, kw_only=True)
class Places:
    """Where cleaning goes: the texts, and what was done to each."""

    revision: Target
    counts: Target


SHARED = "clean"
"""Name of the revision that all variants share."""


def places(name: str, steps: Sequence[AnyStep], base: Target, out: str) -> Places:
    """Return where a revision of `base` and its counts go.

    Args:
        name: the revision's name. Any but `SHARED` leaves the text of held-out documents alone, so that all variants
            are measured on the same text (their counts, which policies read, are taken all the same).
        steps: the cleaners, in order.
        base: the documents, or another revision of them.
        out: the corpus's folder.
    """
    identity = Identity(
        step="clean",
        revision=REVISION,
        config={"steps": clean.identity(steps), "heldout": name == SHARED},
        inputs={"documents": base.fingerprint},
        libraries=manifest.library_versions(clean.libraries(steps)) | {"unicode": UNICODE_VERSION},
    )
    columns = clean.counts_schema(steps).names
    counts = replace(identity, step="clean.counts", config={**identity.config, "counts": columns})
    return Places(
        revision=Target.place("documents", name, storage.join(out, "revisions"), identity),
        counts=Target.place(
            "signals", "clean" if name == SHARED else f"clean@{name}", storage.join(out, "signals"), counts
        ),
    )


def step(place: Places, steps: Sequence[AnyStep], base: str) -> Step:
    """Plan the cleaning of the documents in the folder `base`."""
    found = manifest.read(base, "documents")
    heldout = place.revision.identity.config["heldout"]
    work = partial(run, steps=tuple(steps), base=base, counts=place.counts.folder, heldout=heldout)
    return Step(
        **vars(place.revision),
        phases=(Phase(name="clean", items=split_items(found), work=work, bisects=True),),
        finish=partial(_finish, counts=place.counts),
    )


def run(attempt: Attempt, *, steps: Sequence[AnyStep], base: str, counts: str, heldout: bool) -> Marker:
    """Clean one split; commit its changed rows and its counts.

    A row that kills its worker keeps its text, has null counts, and counts as an error: no variant keeps it.
    """
    part = attempt.item.payload["part"]
    cleaning = _Cleaning(attempt, steps, heldout)
    edits = cleaning.edits(read_split(base, part["name"], ["text", "heldout"]))
    if attempt.only:
        deque(edits, maxlen=0)
        return Marker(item=attempt.item.name, fingerprint=attempt.fingerprint)
    files = revisions.write(attempt.folder, part["name"], base, edits)
    table = pa.Table.from_batches(cleaning.counts, clean.counts_schema(steps))
    written = sidecars.write(counts, part["name"], table)
    entry = {name: part[name] for name in ("name", "rows", "keys")}
    errors = len(attempt.poison)
    return Marker(
        item=attempt.item.name,
        fingerprint=attempt.fingerprint,
        rows=part["rows"] - errors,
        errors=errors,
        keys=part["keys"],
        counts={"text_bytes": cleaning.text_bytes, "changed": cleaning.changed, **_sums(table)},
        files=files | {f"clean/{path}": checks for path, checks in written.items()},
        parts=[{**entry, "errors": errors, "text_bytes": cleaning.text_bytes}],
    )


class _Cleaning:
    """Cleans one split batch by batch: its texts are never in memory as a whole."""

    def __init__(self, attempt: Attempt, steps: Sequence[AnyStep], heldout: bool) -> None:
        self._attempt, self._steps, self._heldout = attempt, steps, heldout
        self.counts: list[pa.RecordBatch] = []
        self.changed = self.text_bytes = 0

    def edits(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Give the changed rows of each batch; add up what else there is to say."""
        first = 0
        for batch in batches:
            old = batch.column("text")
            new, counts = _clean(self._steps, old, _touched(len(batch), first, self._attempt))
            if not self._heldout:
                new = pc.if_else(batch.column("heldout"), old, new)
            changes = revisions.changes(old, new, first)
            self.counts.append(counts)
            self.changed += len(changes)
            self.text_bytes += text_bytes(new)
            yield changes
            first += len(batch)


def _touched(count: int, first: int, attempt: Attempt) -> np.ndarray:
    """Return which of `count` rows, whose first has the number `first`, are cleaned; bool[n]."""
    rows = np.arange(first, first + count)
    start, stop = attempt.only or (0, first + count)
    return (rows >= start) & (rows < stop) & ~np.isin(rows, attempt.poison)


def _clean(steps: Sequence[AnyStep], texts: pa.Array, touched: np.ndarray) -> tuple[pa.Array, pa.RecordBatch]:
    """Clean some rows; the others keep their text and have null counts."""
    if touched.all():
        return clean.apply(steps, texts)
    rows = np.flatnonzero(touched)
    new, counts = clean.apply(steps, texts.filter(pa.array(touched)))
    place = np.zeros(len(texts), np.int64)
    place[rows] = np.arange(len(rows))
    spread = pa.array(place, mask=~touched)
    columns = [column.take(spread) for column in counts.columns]
    return replace_rows(texts, rows, new), pa.RecordBatch.from_arrays(columns, schema=counts.schema)


def _sums(table: pa.Table) -> dict[str, float]:
    """Return the sum of each count over the split."""
    return {name: pc.sum(table.column(name)).as_py() or 0 for name in table.column_names}


def _finish(step: Step, markers: Mapping[str, list[Marker]], counts: Target) -> Manifest:
    found = markers["clean"]
    own = [with_files_below(marker, "clean/") for marker in found]
    extra = {"reads": "text", "columns": counts.identity.config["counts"]}
    manifest.write(counts.folder, Step(**vars(counts), phases=()).manifest(own, extra))
    texts = [replace(marker, files=_without(marker.files, "clean/")) for marker in found]
    return step.manifest(texts)


def _without(files: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    return {path: entry for path, entry in files.items() if not path.startswith(prefix)}
