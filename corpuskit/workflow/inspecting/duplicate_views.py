"""Clusters of duplicates put in words, tables and pairs of texts."""

import numpy as np

from corpuskit.corpus import Corpus
from corpuskit.dedup import DedupConfig
from corpuskit.report.corpus_data import Distribution, DuplicatesView, PairView, Sample
from corpuskit.workflow.alike import search_of, true_similarity
from corpuskit.workflow.excerpts import excerpt, visible
from corpuskit.workflow.inspecting.duplicates import URLS, Clustering, Pair, clusterings
from corpuskit.workflow.inspecting.rule_views import documents
from corpuskit.workflow.inspecting.samples import Document
from corpuskit.workflow.inspecting.side_by_side import side_by_side

TITLES = {True: "Documents of one URL", False: "Equal and similar texts"}
EXCERPT = 300
"""Characters of a member that are shown, about."""


def duplicate_views(corpus: Corpus) -> tuple[DuplicatesView, ...]:
    """Return what the page shows of each search for duplicates; searches that found none are left out."""
    config = search_of(corpus)
    return tuple(_view(found, config) for found in clusterings(corpus) if found.made.extra.get("clusters"))


def _view(found: Clustering, config: DedupConfig | None) -> DuplicatesView:
    suffix = found.name.partition("@")[2]
    return DuplicatesView(
        title=TITLES[found.name == URLS] + (f" ({suffix})" if suffix else ""),
        summary=_summary(found),
        sizes=_sizes(found),
        clusters=tuple(_cluster(found, name, size) for name, size in found.made.extra.get("biggest", ())),
        pairs=tuple(_pair(pair, None if found.name == URLS else config) for pair in found.pairs),
        kept_by=found.variant or "",
    )


def _summary(found: Clustering) -> str:
    extra = found.made.extra
    count = f"{extra['clusters']:,} cluster{'s' * (extra['clusters'] != 1)}"
    members, largest = documents(extra["members"]), extra["largest_cluster"]
    text = f"{members} of {found.made.rows:,} are in {count}; the largest has {largest:,}."
    if large := extra.get("large_clusters"):
        text += (
            f" {large:,} cluster{'s' * (large != 1)} of more members than max_cluster allows, "
            f"{extra['large_members']:,} documents together, {'was' if large == 1 else 'were'} split into "
            f"{extra['large_parts']:,} parts, whose members are all similar to the one that the part is named after."
        )
    return text


def _sizes(found: Clustering) -> Distribution | None:
    """Return how many clusters there are of 2, of 3 or 4, of 5 to 8 members, and so on."""
    sizes = {int(power): count for power, count in found.made.extra.get("sizes", {}).items()}
    if not sizes:
        return None
    powers = range(1, max(sizes) + 1)
    return Distribution(
        title=f"size ({found.name})",
        formula="clusters of 2 documents, of 3 and 4, of 5 to 8, and so on",
        edges=np.array([2.0, *(2.0**power + 1 for power in powers)]),
        counts=np.array([sizes.get(power, 0) for power in powers], np.int64),
        log=True,
        whole=True,
    )


def _cluster(found: Clustering, name: str, size: int) -> Sample:
    members = found.members.get(name, [])
    pieces: list[tuple[str, bool]] = []
    for member in members[:1]:
        pieces += excerpt(member.text, None, EXCERPT).pieces
    named = ", ".join(visible(member.id) for member in members)
    return Sample(title=documents(size), facts=[("cluster", name[:16]), ("such as", named)], pieces=pieces)


def _pair(pair: Pair, config: DedupConfig | None) -> PairView:
    facts = [("kept", _named(pair.kept)), ("left out", _named(pair.dropped))]
    if config is not None:
        true = true_similarity(pair.kept.text, pair.dropped.text, config)
        facts.append(("Jaccard similarity of shingles", f"{true:.3f}"))
    return PairView(facts=facts, rows=side_by_side(pair.kept.text, pair.dropped.text))


def _named(document: Document) -> str:
    return visible(f"{document.id} ({document.source})")
