"""The cluster that a document is in: its members, how similar they are, and which of them each variant keeps."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpuskit import manifest
from corpuskit.corpus import Corpus
from corpuskit.documents import sidecars
from corpuskit.errors import ArtifactError
from corpuskit.recipe import BEST
from corpuskit.workflow.explaining.finding import Match, rows_of
from corpuskit.workflow.inspecting.columns import Part

MOST_MEMBERS = 20
"""Members that are shown."""
ORDERS = {"longest": "the longest", "newest": "the newest", "source_order": "the one of the source named first"}
"""Ways to choose a copy, in words; any other is the largest value of a signal."""


def clusters(corpus: Corpus, match: Match) -> list[dict[str, Any]]:
    """Return each cluster of the document, of texts and of URLs, as plain data; none for a document alone."""
    found = []
    for name in corpus.artifacts.get("duplicates", {}):
        folder = corpus.artifact("duplicates", name)
        label = sidecars.read(folder, match.part, ["cluster"]).column("cluster")[match.row].as_py()
        if label is not None:
            found.append(_cluster(corpus, name, folder, label, match))
    return found


def _cluster(corpus: Corpus, name: str, folder: str, label: bytes, match: Match) -> dict[str, Any]:
    members: list[dict[str, Any]] = []
    size = 0
    for part in manifest.read(corpus.documents, "documents").parts:
        table = sidecars.read(folder, part, ["cluster", "similarity", "method"])
        rows = np.flatnonzero(pc.equal(table.column("cluster"), label).fill_null(False).to_numpy())
        size += len(rows)
        shown = _shown(rows, MOST_MEMBERS - len(members), match.row if part["name"] == match.part["name"] else None)
        members += _members(corpus, part, shown, table.take(pa.array(shown, pa.int64())))
    kind = "urls" if name == "urls" else "texts"
    return {"kind": kind, "name": name, "size": size, "members": members, "keeps": _keeps(corpus, name)}


def _shown(rows: np.ndarray, room: int, own: int | None) -> list[int]:
    """Return the first rows there is room for, and the document's own in any case."""
    first: list[int] = rows[: max(room, 0)].tolist()
    return first if own is None or own in first else [*first, own]


def _members(corpus: Corpus, part: Part, rows: list[int], facts: pa.Table) -> list[dict[str, Any]]:
    """Return members that lie in one split: who they are, how similar, and which variants keep them."""
    if not rows:
        return []
    kept = {
        variant: sidecars.read(corpus.artifact("variant", variant), part, ["kept"]).column("kept")
        for variant in corpus.variants
    }
    return [
        {
            "place": match.place,
            "id": match.id,
            "key": match.key.hex(),
            "source": match.source,
            "similarity": None if fact["similarity"] is None else round(fact["similarity"], 4),
            "method": fact["method"],
            "kept_by": [variant for variant, column in kept.items() if column[match.row].as_py()],
        }
        for match, fact in zip(rows_of(corpus, part, rows), facts.to_pylist(), strict=True)
    ]


def verdict_of(corpus: Corpus, variant: str, match: Match) -> dict[str, Any]:
    """Return a document's verdict in a variant, by column."""
    table = sidecars.read(corpus.artifact("variant", variant), match.part)
    verdict: dict[str, Any] = table.slice(match.row, 1).to_pylist()[0]
    return verdict


def _keeps(corpus: Corpus, name: str) -> dict[str, str]:
    """Return which copy each variant keeps of a cluster of this kind, in words."""
    return {variant: _rule(corpus, variant, name) for variant in corpus.variants if _looks(corpus, variant, name)}


def _looks(corpus: Corpus, variant: str, name: str) -> bool:
    """Whether a variant chooses among the copies of a clustering: that of its own text, or of URLs."""
    return name in ("urls", f"duplicates{corpus.text_suffix(variant)}")


def _rule(corpus: Corpus, variant: str, name: str) -> str:
    try:
        config = manifest.read(corpus.artifact("variant", variant)).extra["config"]
    except (ArtifactError, KeyError):
        return ""
    if not config.get("deduplicate_urls" if name == "urls" else "deduplicate"):
        return "every copy, but for those of held-out documents"
    keep = str(config.get("keep", "longest"))
    best = ORDERS.get(keep, f"the one with the largest {keep.removeprefix(BEST)}")
    return f"{best} of the members that pass its policy; among equals the one with the smallest key"
