"""Small corpora of texts that are similar to a known degree, and the recipes that look for them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from pipelines_harness import Rows, documents, run_plainly, sidecar

from corpuskit.manifest import Target
from corpuskit.recipe import Recipe
from corpuskit.recipe.load import build
from corpuskit.workflow.flow import Flow

Text = str | Mapping[str, Any]


def words(seed: int, count: int = 200) -> list[str]:
    """Return made-up words; two texts of other seeds share no shingle."""
    return [f"w{number}" for number in np.random.default_rng(seed).integers(0, 10**9, count)]


def text(seed: int, count: int = 200) -> str:
    """Return a text of made-up words."""
    return " ".join(words(seed, count))


def near(seed: int, edits: int = 4, count: int = 200) -> str:
    """Return a copy of `text(seed)` whose last words are replaced: (count - 4 - edits) / (count - 4 + edits) alike."""
    return " ".join([*words(seed, count)[: count - edits], *words(10**6 + seed, edits)])


def chain(length: int, step: int = 10, count: int = 200) -> list[str]:
    """Return texts of which each is the window of one long text, `step` words after the one before."""
    whole = words(77, count + step * length)
    return [" ".join(whole[step * number : step * number + count]) for number in range(length)]


def jaccard(a: str, b: str, ngram: int = 5) -> float:
    """Return the true similarity of the sets of shingles of two texts of words alone."""
    sets = [{tuple(own[i : i + ngram]) for i in range(len(own) - ngram + 1)} for own in (a.split(), b.split())]
    return len(sets[0] & sets[1]) / len(sets[0] | sets[1])


def write(path: Path, texts: Sequence[Text], prefix: str = "d") -> Path:
    """Write documents, each a text or the fields of a record, as JSON lines; ids are the prefix and a number."""
    path.parent.mkdir(parents=True, exist_ok=True)
    records = [{"id": f"{prefix}{number}", **_record(one)} for number, one in enumerate(texts)]
    path.write_bytes(b"".join(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE) for record in records))
    return path


def _record(given: Text) -> dict[str, Any]:
    return {"text": given} if isinstance(given, str) else dict(given)


def recipe(
    paths: Sequence[Path], variant: Mapping[str, Any] | None = None, heldout: float = 0.0, **dedup: Any
) -> Recipe:
    """Return a recipe that keeps one document of each cluster in its variant `unique`."""
    return build(
        {
            "name": "near",
            "sources": [{"name": "s", "paths": list(map(str, paths))}],
            "split_bytes": 16_000,
            "heldout": {"share": heldout},
            "dedup": dedup,
            "variants": {"unique": {"deduplicate": True, **(variant or {})}},
        }
    )


def made(folder: Path, texts: Sequence[Text], prefix: str = "d", **options: Any) -> Flow:
    """Run the recipe over some documents."""
    return run_plainly(recipe([write(folder / "in.jsonl", texts, prefix)], **options), folder / "out")


def clusters(flow: Flow) -> Rows:
    """Return each document's id, text, cluster, similarity and method, in order."""
    return joined(flow, flow.duplicates[""])


def verdicts(flow: Flow, variant: str = "unique") -> Rows:
    """Return each document's id, text and verdict, in order."""
    return joined(flow, flow.variants[variant])


def joined(flow: Flow, place: Target) -> Rows:
    """Return the documents with what a sidecar says of each, in order."""
    rows = documents(flow.documents.folder)
    return [row | beside for row, beside in zip(rows, sidecar(place.folder, flow.documents.folder), strict=True)]


def groups(rows: Rows) -> set[frozenset[str]]:
    """Return the clusters as sets of ids."""
    found: dict[bytes, set[str]] = {}
    for row in rows:
        if row["cluster"] is not None:
            found.setdefault(row["cluster"], set()).add(row["id"])
    return {frozenset(ids) for ids in found.values()}


def kept(rows: Rows) -> list[str]:
    """Return the ids of the documents that stay."""
    return [row["id"] for row in rows if row["kept"]]
