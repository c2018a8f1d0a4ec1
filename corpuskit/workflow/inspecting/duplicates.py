"""Clusters of duplicates on the page of a corpus: their sizes, the biggest, and pairs of a kept and a dropped copy."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpuskit import manifest
from corpuskit.corpus import Corpus
from corpuskit.documents import read_split, sidecars
from corpuskit.documents.schema import KEY
from corpuskit.manifest import Manifest
from corpuskit.workflow.inspecting.columns import Part
from corpuskit.workflow.inspecting.samples import Chosen, Document, Place, read_rows, spread

URLS = "urls"
REASONS = {True: "duplicate_url", False: "duplicate"}
"""What verdicts call copies, by whether they are of one URL."""
MEMBERS = 2
"""Members of a big cluster that are shown."""


@dataclass(frozen=True)
class Pair:
    """A kept document and one that was left out for it."""

    kept: Document
    dropped: Document
    similarity: float | None
    """As the search estimated it to the cluster's lead."""


@dataclass(eq=False)
class Clustering:
    """What a page shows of one search for duplicates."""

    name: str
    made: Manifest
    variant: str | None
    """The first variant that keeps one copy of each cluster; None where none does."""
    members: dict[str, list[Document]] = field(default_factory=dict)
    """The first members of the biggest clusters by the cluster's name."""
    pairs: list[Pair] = field(default_factory=list)


def clusterings(corpus: Corpus) -> list[Clustering]:
    """Read what the page shows of each search; texts of a few documents alone."""
    parts = manifest.read(corpus.documents, "documents").parts
    return [_clustering(corpus, name, parts) for name in corpus.artifacts.get("duplicates", {})]


def _clustering(corpus: Corpus, name: str, parts: Sequence[Part]) -> Clustering:
    folder = corpus.artifact("duplicates", name)
    variant = next((one for one in corpus.variants if _chooses(corpus, one, name)), None)
    found = Clustering(name, manifest.read(folder), variant)
    suffix = name.removeprefix("duplicates") if name != URLS else ""
    texts = corpus.text_folder(next((one for one in corpus.variants if corpus.text_suffix(one) == suffix), None))
    found.members = _members(folder, texts, [label for label, _ in found.made.extra.get("biggest", ())], parts)
    if variant is not None:
        found.pairs = _pairs(corpus, found, folder, parts)
    return found


def _chooses(corpus: Corpus, variant: str, name: str) -> bool:
    """Whether a variant keeps one copy of each cluster of a search: of those of its own text, or of URLs."""
    config = manifest.read(corpus.artifact("variant", variant)).extra.get("config", {})
    if name == URLS:
        return bool(config.get("deduplicate_urls"))
    return bool(config.get("deduplicate")) and name == f"duplicates{corpus.text_suffix(variant)}"


def _members(folder: str, texts: str, names: Sequence[str], parts: Sequence[Part]) -> dict[str, list[Document]]:
    """Return the first members of some clusters."""
    labels = pa.array([bytes.fromhex(name) for name in names], KEY)
    found: dict[str, list[Document]] = {name: [] for name in names}
    for part in parts:
        wanted = [name for name in names if len(found[name]) < MEMBERS]
        if not wanted:
            break
        numbers = pc.index_in(sidecars.read(folder, part, ["cluster"]).column("cluster"), labels).fill_null(-1)
        rows = {
            int(row): name
            for name in wanted
            for row in np.flatnonzero(numbers.to_numpy() == names.index(name))[: MEMBERS - len(found[name])]
        }
        if rows:
            for row, document in read_rows(texts, part["name"], sorted(rows)).items():
                found[rows[row]].append(document)
    return found


def _pairs(corpus: Corpus, clustering: Clustering, folder: str, parts: Sequence[Part]) -> list[Pair]:
    """Return a few copies that were left out, chosen by their keys, with those that stayed instead."""
    assert clustering.variant is not None
    chosen, reason = Chosen(), REASONS[clustering.name == URLS]
    copies: dict[tuple[str, int], bytes] = {}
    sampled = spread(parts)
    for part in (part for part in parts if part["name"] in sampled):
        verdicts = sidecars.read(corpus.artifact("variant", clustering.variant), part, ["reason", "duplicate_of"])
        facts = sidecars.read(folder, part, ["similarity", "method"])
        dropped = pc.and_(pc.equal(verdicts.column("reason"), reason), pc.not_equal(facts.column("method"), "exact"))
        keys = pa.Table.from_batches(list(read_split(corpus.documents, part["name"], ["key"]))).column("key")
        values = facts.column("similarity").fill_null(np.nan).to_numpy()
        chosen.add(part, keys.combine_chunks(), reason, dropped.fill_null(False).to_numpy(), values)
        for place in chosen.places.get(reason, []):
            if place.part == part["name"]:
                copies[place.part, place.row] = verdicts.column("duplicate_of")[place.row].as_py()
    return _with_kept(corpus, clustering.variant, chosen.places.get(reason, []), copies, parts)


def _with_kept(
    corpus: Corpus,
    variant: str,
    places: Sequence[Place],
    copies: Mapping[tuple[str, int], bytes],
    parts: Sequence[Part],
) -> list[Pair]:
    """Find the kept documents by their keys, and read both texts of each pair."""
    texts = corpus.text_folder(variant)
    kept = _kept_by_key(corpus, variant, {copies[place.part, place.row] for place in places}, parts)
    pairs = []
    for place in places:
        other = kept.get(copies[place.part, place.row])
        if other is not None:
            dropped = read_rows(texts, place.part, [place.row])[place.row]
            pairs.append(Pair(read_rows(texts, other[0], [other[1]])[other[1]], dropped, place.value))
    return pairs


def _kept_by_key(corpus: Corpus, variant: str, keys: set[bytes], parts: Sequence[Part]) -> dict[bytes, tuple[str, int]]:
    """Return the split and the row of the kept documents that have these keys."""
    wanted = pa.array(sorted(keys), KEY)
    found: dict[bytes, tuple[str, int]] = {}
    for part in parts:
        if len(found) == len(keys):
            break
        column = pa.Table.from_batches(list(read_split(corpus.documents, part["name"], ["key"]))).column("key")
        stays = sidecars.read(corpus.artifact("variant", variant), part, ["kept"]).column("kept")
        hits = pc.and_(pc.is_in(column, value_set=wanted), stays)
        for row in np.flatnonzero(hits.to_numpy()).tolist():
            found.setdefault(column[row].as_py(), (part["name"], row))
    return found
