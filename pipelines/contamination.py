"""Which evaluation items the training text of each variant holds: one pass over the kept documents."""

import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from corpuskit import manifest, storage
from corpuskit.contamination import ContaminationConfig, NgramTable, Overlap, build, overlap
from corpuskit.contamination.items import Items, digest
from corpuskit.contamination.loading import n_items
from corpuskit.corpus import Corpus
from corpuskit.documents import read_split, sidecars
from corpuskit.documents.schema import KEY
from corpuskit.kernels import Texts
from corpuskit.kernels.utf8 import UNICODE_VERSION
from corpuskit.manifest import Identity, Manifest, Marker, Target
from pipelines.engine import Attempt, Item, Phase, Step

REVISION = 1
REPORT, FOUND = "contamination.json", "items.parquet"
EXCERPT = 200
"""Characters of an item that the report shows."""
LISTED = 100
"""Items that the report lists for each variant and set, those with the largest shares; `items.parquet` has all."""
SCHEMA = pa.schema(
    [
        ("variant", pa.string()),
        ("item", pa.int64()),
        ("documents", pa.int64()),
        ("contaminated", pa.int64()),
        ("share", pa.float32()),
        ("shared", pa.int64()),
        ("key", KEY),
        ("id", pa.string()),
    ]
)
"""An item that a variant's training text holds any n-gram of: how many documents do, how many of them more than
`max_share`, and of the one that has most (ties: the smallest key) share, distinct n-grams, key and id."""


@dataclass(frozen=True, kw_only=True)
class Search:
    """What is looked for in a prepared corpus."""

    items: Items
    config: ContaminationConfig
    """How; its sets are those of the items."""
    max_share: float

    def plain(self) -> dict[str, Any]:
        """Return all that decides what is found."""
        settings = self.config.model_dump(include={"ngram", "min_words", "training_rows"})
        return {**settings, "max_share": self.max_share, "sets": digest(self.items)}

    def table(self) -> NgramTable:
        """Return the items' n-grams; made once a process."""
        return _table(tuple(self.items.items()), self.config.ngram, self.config.min_words)


@functools.lru_cache(maxsize=2)
def _table(sets: tuple[tuple[str, tuple[str, ...]], ...], ngram: int, min_words: int) -> NgramTable:
    return build(sets, ngram, min_words)


def target(search: Search, corpus: Corpus) -> Target:
    """Return where the report on a prepared corpus goes."""
    folders = {name: corpus.artifact("variant", name) for name in corpus.variants}
    texts = {corpus.kept_text_folder(name) for name in corpus.variants}
    fingerprints = {f"variants.{name}": manifest.read(folder).fingerprint for name, folder in folders.items()}
    documents = sorted(manifest.read(folder).fingerprint for folder in texts)
    identity = Identity(
        step="contamination",
        revision=REVISION,
        config=search.plain(),
        inputs={**fingerprints, "documents": documents},
        libraries=manifest.library_versions(["pyarrow", "numba"]) | {"unicode": UNICODE_VERSION},
    )
    return Target.place("contamination", "contamination", corpus.folder, identity)


def step(search: Search, corpus: Corpus) -> Step:
    """Plan the search in the training documents of all variants, each on the text that it is trained on."""
    phase = Phase(name="look", items=tuple(_items(corpus)), work=partial(look, search=search))
    finish = partial(_finish, search=search, variants=corpus.variants)
    return Step(**vars(target(search, corpus)), phases=(phase,), scratch=("work",), finish=finish)


def _items(corpus: Corpus) -> Iterator[Item]:
    """Give one item a split of each text."""
    texts: dict[str, dict[str, str]] = {}
    for name in corpus.variants:
        texts.setdefault(corpus.kept_text_folder(name), {})[name] = corpus.artifact("variant", name)
    for number, (folder, variants) in enumerate(texts.items()):
        for part in manifest.read(folder).parts:
            payload = {"folder": folder, "variants": variants, "part": part}
            name = f"{part['name']}-text{number}"
            yield Item(name=name, payload=payload, size=part["text_bytes"], records=part["rows"])


@dataclass
class _Tally:
    """What one variant's documents of one split hold."""

    table: NgramTable
    max_share: float
    documents: int = 0
    touched: np.ndarray = field(init=False)
    """Documents that have an n-gram of any item, by set; int64[sets]."""
    contaminated: np.ndarray = field(init=False)
    """Documents that have more than `max_share` of an item, by set; int64[sets]."""
    rows: list[pa.Table] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.touched = np.zeros(len(self.table.names), np.int64)
        self.contaminated = np.zeros(len(self.table.names), np.int64)

    def add(self, found: Overlap, batch: pa.RecordBatch, kept: np.ndarray) -> None:
        """Count some of the documents of a batch; kept: bool[n]."""
        shares = found.shares()[kept]
        self.documents += int(kept.sum())
        self.touched += (shares > 0).sum(axis=0)
        self.contaminated += (shares > np.float32(self.max_share)).sum(axis=0)
        pairs = found.pairs
        wanted = np.flatnonzero(kept[pairs.documents])
        if wanted.size:
            rows = pa.array(pairs.documents[wanted])
            columns = {
                "item": pairs.items[wanted],
                "documents": np.ones(len(wanted), np.int64),
                "contaminated": (pairs.shares[wanted] > np.float32(self.max_share)).astype(np.int64),
                "share": pairs.shares[wanted],
                "shared": pairs.shared[wanted],
                "key": batch.column("key").take(rows),
                "id": batch.column("id").take(rows),
            }
            self.rows = [_best(pa.concat_tables([*self.rows, pa.table(columns, schema=SCHEMA.remove(0))]))]


def _best(rows: pa.Table) -> pa.Table:
    """Return one row an item: counts summed, the rest from the row with the largest share and the smallest key."""
    rows = rows.sort_by([("item", "ascending"), ("share", "descending"), ("key", "ascending")])
    items = rows.column("item").to_numpy()
    firsts = np.flatnonzero(np.append(True, items[1:] != items[:-1])[: len(items)])
    best = rows.take(pa.array(firsts))
    for name in ("documents", "contaminated"):
        sums = np.add.reduceat(rows.column(name).to_numpy(), firsts) if firsts.size else firsts
        best = best.set_column(best.schema.get_field_index(name), name, pa.array(sums, pa.int64()))
    return best


def look(attempt: Attempt, *, search: Search) -> Marker:
    """Look for the items in one split of one text; commit what each variant's training documents hold."""
    payload = attempt.item.payload
    part, table = payload["part"], search.table()
    kept = {name: sidecars.read(folder, part, ["kept"]).column(0) for name, folder in payload["variants"].items()}
    tallies = {name: _Tally(table, search.max_share) for name in kept}
    first = 0
    for batch in read_split(payload["folder"], part["name"], ["key", "id", "text", "heldout"]):
        training = ~np.asarray(batch.column("heldout").to_numpy(zero_copy_only=False), bool)
        own = {name: column.slice(first, len(batch)).to_numpy() & training for name, column in kept.items()}
        first += len(batch)
        chosen = np.logical_or.reduce(list(own.values()))
        documents = batch.filter(pa.array(chosen))
        found = overlap(Texts.from_arrow(documents.column("text")), table)
        for name, rows in own.items():
            tallies[name].add(found, documents, rows[chosen])
    _write(_part_path(attempt.folder, attempt.item.name), tallies)
    counts = {key: float(count) for name, tally in tallies.items() for key, count in _counts(name, tally).items()}
    return Marker(item=attempt.item.name, fingerprint=attempt.fingerprint, rows=part["rows"], counts=counts)


def _part_path(folder: str, item: str) -> str:
    return storage.join(folder, "work", f"{item}.parquet")


def _write(path: str, tallies: Mapping[str, _Tally]) -> None:
    """Commit the rows of all variants, by variant and item."""
    tables = [
        rows.add_column(0, SCHEMA.field("variant"), pa.array([name] * len(rows), pa.string()))
        for name, tally in tallies.items()
        for rows in tally.rows
    ]
    _write_table(path, pa.concat_tables([SCHEMA.empty_table(), *tables]))


def _write_table(path: str, table: pa.Table) -> None:
    with storage.committing(path) as scratch:
        pq.write_table(table, scratch, compression="zstd", write_statistics=False)


def _counts(variant: str, tally: _Tally) -> dict[str, int]:
    """Return the counts of documents of one variant; names hold no slash."""
    counts = {f"{variant}/documents": tally.documents}
    for name, touched, contaminated in zip(tally.table.names, tally.touched, tally.contaminated, strict=True):
        counts |= {f"{variant}/{name}/documents": int(touched), f"{variant}/{name}/contaminated": int(contaminated)}
    return counts


def _finish(step: Step, markers: Mapping[str, list[Marker]], search: Search, variants: Sequence[str]) -> Manifest:
    table = search.table()
    parts = [pq.read_table(_open(_part_path(step.folder, marker.item))) for marker in markers["look"]]
    whole = pa.concat_tables([SCHEMA.empty_table(), *parts])
    found = {name: _best(whole.filter(pc.equal(whole.column("variant"), name))) for name in variants}
    counts = manifest.merge(markers["look"])["counts"]
    _write_table(storage.join(step.folder, FOUND), pa.concat_tables(found.values()))
    report = _report(search, table, found, counts)
    storage.commit(storage.join(step.folder, REPORT), orjson.dumps(report, option=orjson.OPT_SERIALIZE_NUMPY))
    files = {name: manifest.file_entry(storage.join(step.folder, name)) for name in (FOUND, REPORT)}
    return replace(step.manifest(markers["look"]), files=files)


def _open(path: str) -> pa.BufferReader:
    return pa.BufferReader(storage.read_bytes(path))


def _report(
    search: Search, table: NgramTable, found: Mapping[str, pa.Table], counts: Mapping[str, float]
) -> dict[str, Any]:
    """Return the report as plain data: settings, sets, variants, and the items that are found most."""
    totals, short = n_items(table)
    sizes = zip(table.names, totals.tolist(), short.tolist(), strict=True)
    settings = {name: value for name, value in search.plain().items() if name != "sets"}
    variants = {
        name: {"documents": int(counts[f"{name}/documents"]), "sets": _by_set(name, table, rows, counts)}
        for name, rows in found.items()
    }
    matches = [match for name, rows in found.items() for match in _matches(name, search, table, rows)]
    sets = {name: {"items": items, "too_short": few} for name, items, few in sizes}
    return {**settings, "sets": sets, "variants": variants, "matches": matches}


def _by_set(variant: str, table: NgramTable, rows: pa.Table, counts: Mapping[str, float]) -> dict[str, dict[str, int]]:
    sets = table.set_of[rows.column("item").to_numpy()]
    over = sets[rows.column("contaminated").to_numpy() > 0]
    touched, found = (np.bincount(values, minlength=len(table.names)).tolist() for values in (sets, over))
    return {
        name: {
            "items_found": found[index],
            "items_touched": touched[index],
            "documents_contaminated": int(counts[f"{variant}/{name}/contaminated"]),
            "documents_touched": int(counts[f"{variant}/{name}/documents"]),
        }
        for index, name in enumerate(table.names)
    }


def _matches(variant: str, search: Search, table: NgramTable, rows: pa.Table) -> Iterator[dict[str, Any]]:
    """Give the items with the largest shares of each set, the first ones first where shares are equal."""
    order = np.lexsort((rows.column("item").to_numpy(), -rows.column("share").to_numpy()))
    listed = [0] * len(table.names)
    for row in rows.take(pa.array(order)).to_pylist():
        index = int(table.set_of[row["item"]])
        listed[index] += 1
        if listed[index] > LISTED:
            continue
        name, number = table.names[index], row["item"] - table.first_item(index)
        yield {
            "variant": variant,
            "set": name,
            "item": number,
            "text": search.items[name][number][:EXCERPT],
            "words": int(table.item_words[row["item"]]),
            "ngrams": int(table.totals[row["item"]]),
            **{field: row[field] for field in ("shared", "share", "documents", "contaminated", "id")},
            "key": row["key"].hex(),
        }
