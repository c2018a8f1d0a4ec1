"""Which evaluation items the training text of each variant holds: one pass over the kept documents."""

import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Literal

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from corpuskit import manifest, storage
from corpuskit.contamination import Best, MatchConfig, NgramTable, Pairs, overlap
from corpuskit.contamination.items import Items, digest
from corpuskit.contamination.loading import Wanted, make, n_items
from corpuskit.contamination.similarity import similar_pairs
from corpuskit.corpus import Corpus
from corpuskit.documents import read_split, sidecars
from corpuskit.documents.schema import KEY
from corpuskit.kernels import Texts
from corpuskit.kernels.utf8 import UNICODE_VERSION
from corpuskit.manifest import Identity, Manifest, Marker, Target
from pipelines.engine import Attempt, Item, Phase, Step

REVISION = 2
REPORT, FOUND = "contamination.json", "items.parquet"
EXCERPT = 200
"""Characters of an item that the report shows."""
LISTED = 100
"""Items that the report lists for each variant, set and method, those with the largest shares; `items.parquet` has
all."""
Method = Literal["ngrams", "minhash"]
"""How an item was found."""
SCHEMA = pa.schema(
    [
        ("variant", pa.string()),
        ("method", pa.string()),
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
`max_share`, and of the one that has most (ties: the smallest key) share, distinct n-grams, key and id. By `minhash` an
item that a document is similar to, more than `max_similarity`; `share` is the similarity, `shared` the equal places of
the signatures."""


@dataclass(frozen=True, kw_only=True)
class Search:
    """What is looked for in a prepared corpus."""

    items: Items
    config: MatchConfig
    """How."""
    max_share: float
    max_similarity: float

    @property
    def bounds(self) -> dict[Method, float]:
        """What is too much of an item, by the methods that are used."""
        found: dict[Method, float] = {"ngrams": self.max_share}
        return found | {"minhash": self.max_similarity} if self.config.minhash else found

    def settings(self) -> dict[str, Any]:
        """Return all that decides what is found, apart from the items."""
        settings = self.config.model_dump(include={"ngram", "min_words", "training_rows", "minhash"})
        own = {"max_similarity": self.max_similarity} if self.config.minhash else {}
        return {**settings, "max_share": self.max_share, **own}

    def wanted(self) -> Wanted:
        """Return the tables of the items; made once a process."""
        return _wanted(tuple(self.items.items()), self.config.model_dump_json(include=set(MatchConfig.model_fields)))


@functools.lru_cache(maxsize=2)
def _wanted(sets: tuple[tuple[str, tuple[str, ...]], ...], config: str) -> Wanted:
    return make(dict(sets), MatchConfig.model_validate_json(config))


def target(search: Search, corpus: Corpus) -> Target:
    """Return where the report on a prepared corpus goes."""
    folders = {name: corpus.artifact("variant", name) for name in corpus.variants}
    texts = {corpus.kept_text_folder(name) for name in corpus.variants}
    fingerprints = {f"variants.{name}": manifest.read(folder).fingerprint for name, folder in folders.items()}
    documents = sorted(manifest.read(folder).fingerprint for folder in texts)
    identity = Identity(
        step="contamination",
        revision=REVISION,
        config={**search.settings(), "sets": digest(search.items)},
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
    """What one variant's documents of one split hold, as one method finds it."""

    table: NgramTable
    bound: float
    """More than this share of an item is too much."""
    documents: int = 0
    touched: np.ndarray = field(init=False)
    """Documents that have any of some item, by set; int64[sets]."""
    contaminated: np.ndarray = field(init=False)
    """Documents that have too much of some item, by set; int64[sets]."""
    rows: list[pa.Table] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.touched = np.zeros(len(self.table.names), np.int64)
        self.contaminated = np.zeros(len(self.table.names), np.int64)

    def add(self, found: Best, batch: pa.RecordBatch, kept: np.ndarray) -> None:
        """Count some of the documents of a batch; kept: bool[n]."""
        self.documents += int(kept.sum())
        self.touched += (found.highest > 0).sum(axis=0)
        self.contaminated += (found.highest > np.float32(self.bound)).sum(axis=0)
        items = np.flatnonzero(found.documents)
        if items.size:
            rows = found.rows[items]
            columns = {
                "item": items,
                "documents": found.documents[items],
                "contaminated": found.contaminated[items],
                "share": found.highest[rows, self.table.set_of[items]],
                "shared": found.shared[items],
                "key": batch.column("key").take(pa.array(rows)),
                "id": batch.column("id").take(pa.array(rows)),
            }
            self.rows = [_best(pa.concat_tables([*self.rows, pa.table(columns, schema=SCHEMA.remove(0).remove(0))]))]


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


Tallies = dict[tuple[str, Method], _Tally]
"""By variant and method."""


def look(attempt: Attempt, *, search: Search) -> Marker:
    """Look for the items in one split of one text; commit what each variant's training documents hold."""
    payload = attempt.item.payload
    part, wanted = payload["part"], search.wanted()
    kept = {name: sidecars.read(folder, part, ["kept"]).column(0) for name, folder in payload["variants"].items()}
    tallies: Tallies = {
        (name, method): _Tally(wanted.table, bound) for name in kept for method, bound in search.bounds.items()
    }
    first = 0
    for batch in read_split(payload["folder"], part["name"], ["key", "id", "text", "heldout"]):
        training = ~np.asarray(batch.column("heldout").to_numpy(zero_copy_only=False), bool)
        own = {name: column.slice(first, len(batch)).to_numpy() & training for name, column in kept.items()}
        first += len(batch)
        chosen = np.logical_or.reduce(list(own.values()))
        documents = batch.filter(pa.array(chosen))
        _add(tallies, documents, {name: rows[chosen] for name, rows in own.items()}, wanted)
    _write(_part_path(attempt.folder, attempt.item.name), tallies)
    counts = {key: float(count) for names, tally in tallies.items() for key, count in _counts(*names, tally).items()}
    return Marker(item=attempt.item.name, fingerprint=attempt.fingerprint, rows=part["rows"], counts=counts)


def _add(tallies: Tallies, documents: pa.RecordBatch, kept: Mapping[str, np.ndarray], wanted: Wanted) -> None:
    """Look for the items in documents; add what is found to the tallies of the variants that keep them."""
    order = np.argsort(pc.sort_indices(documents.column("key")).to_numpy())
    table = wanted.table
    found = overlap(Texts.from_arrow(documents.column("text")), table)
    pairs: dict[Method, Iterator[Pairs]] = {"ngrams": found.pairs()}
    if wanted.similar:
        pairs["minhash"] = similar_pairs(found.words, wanted.similar)
    for method, parts in pairs.items():
        best = {name: Best(table.set_of, len(table.names), order) for name in kept}
        for part in parts:
            for name, rows in kept.items():
                bound = tallies[name, method].bound
                own = part.within(rows)
                best[name].add(own if method == "ngrams" else own.over(bound), bound)
        for name, rows in kept.items():
            tallies[name, method].add(best[name], documents, rows)


def _part_path(folder: str, item: str) -> str:
    return storage.join(folder, "work", f"{item}.parquet")


def _write(path: str, tallies: Tallies) -> None:
    """Commit the rows of all variants, by variant, method and item."""
    tables = [
        rows.add_column(0, SCHEMA.field("variant"), pa.array([name] * len(rows), pa.string())).add_column(
            1, SCHEMA.field("method"), pa.array([method] * len(rows), pa.string())
        )
        for (name, method), tally in tallies.items()
        for rows in tally.rows
    ]
    _write_table(path, pa.concat_tables([SCHEMA.empty_table(), *tables]))


def _write_table(path: str, table: pa.Table) -> None:
    with storage.committing(path) as scratch:
        pq.write_table(table, scratch, compression="zstd", write_statistics=False)


def _counts(variant: str, method: Method, tally: _Tally) -> dict[str, int]:
    """Return the counts of documents of one variant; names hold no slash."""
    counts = {f"{variant}/documents": tally.documents} if method == "ngrams" else {}
    for name, touched, contaminated in zip(tally.table.names, tally.touched, tally.contaminated, strict=True):
        own = f"{variant}/{name}/{method}"
        counts |= {f"{own}/documents": int(touched), f"{own}/contaminated": int(contaminated)}
    return counts


def _finish(step: Step, markers: Mapping[str, list[Marker]], search: Search, variants: Sequence[str]) -> Manifest:
    parts = [pq.read_table(_open(_part_path(step.folder, marker.item))) for marker in markers["look"]]
    whole = pa.concat_tables([SCHEMA.empty_table(), *parts])
    found = {
        (name, method): _best(whole.filter((pc.field("variant") == name) & (pc.field("method") == method)))
        for name in variants
        for method in search.bounds
    }
    counts = manifest.merge(markers["look"])["counts"]
    _write_table(storage.join(step.folder, FOUND), pa.concat_tables(found.values()))
    report = _report(search, found, counts)
    storage.commit(storage.join(step.folder, REPORT), orjson.dumps(report, option=orjson.OPT_SERIALIZE_NUMPY))
    files = {name: manifest.file_entry(storage.join(step.folder, name)) for name in (FOUND, REPORT)}
    return replace(step.manifest(markers["look"]), files=files)


def _open(path: str) -> pa.BufferReader:
    return pa.BufferReader(storage.read_bytes(path))


Found = Mapping[tuple[str, Method], pa.Table]
"""Rows of `SCHEMA`, one an item, by variant and method."""


def _report(search: Search, found: Found, counts: Mapping[str, float]) -> dict[str, Any]:
    """Return the report as plain data: settings, sets, variants, and the items that are found most."""
    table = search.wanted().table
    totals, short = n_items(table)
    sizes = zip(table.names, totals.tolist(), short.tolist(), strict=True)
    variants: dict[str, dict[str, Any]] = {}
    for (name, method), rows in found.items():
        own = variants.setdefault(name, {"documents": int(counts[f"{name}/documents"]), "sets": {}})
        for task, numbers in _by_set(name, method, table, rows, counts).items():
            own["sets"].setdefault(task, {}).update(numbers)
    matches = [match for names, rows in found.items() for match in _matches(*names, search, table, rows)]
    sets = {name: {"items": items, "too_short": few} for name, items, few in sizes}
    return {**search.settings(), "sets": sets, "variants": variants, "matches": matches}


def _by_set(
    variant: str, method: Method, table: NgramTable, rows: pa.Table, counts: Mapping[str, float]
) -> dict[str, dict[str, int]]:
    sets = table.set_of[rows.column("item").to_numpy()]
    over = sets[rows.column("contaminated").to_numpy() > 0]
    touched, found = (np.bincount(values, minlength=len(table.names)).tolist() for values in (sets, over))
    by_set = {}
    for index, name in enumerate(table.names):
        documents, contaminated = (
            int(counts[f"{variant}/{name}/{method}/{of}"]) for of in ("documents", "contaminated")
        )
        if method == "minhash":
            by_set[name] = {"items_similar": found[index], "documents_similar": contaminated}
        else:
            by_set[name] = {
                "items_found": found[index],
                "items_touched": touched[index],
                "documents_contaminated": contaminated,
                "documents_touched": documents,
            }
    return by_set


def _matches(
    variant: str, method: Method, search: Search, table: NgramTable, rows: pa.Table
) -> Iterator[dict[str, Any]]:
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
            "method": method,
            "ngrams": int(table.totals[row["item"]]) if method == "ngrams" else None,
            "shared": row["shared"] if method == "ngrams" else None,
            **{field: row[field] for field in ("share", "documents", "contaminated", "id")},
            "key": row["key"].hex(),
        }
