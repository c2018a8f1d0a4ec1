"""What a variant's `cut` steps took from one document: how many bytes, how each piece begins, what else has it."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from corpuskit import manifest
from corpuskit.corpus import Corpus
from corpuskit.dedup.config import HELDOUT
from corpuskit.dedup.inside import evidence
from corpuskit.documents.revisions import read_cuts
from corpuskit.errors import CorpuskitError
from corpuskit.manifest import Manifest
from corpuskit.workflow.explaining.copies import reference_folder
from corpuskit.workflow.explaining.finding import Match, record

MOST_PIECES = 20
"""Pieces of one step that are shown."""
MOST_DOCUMENTS = 3
"""Documents of references that are named for a piece."""
SHOWN = 80
"""Characters of a piece."""


def cut_pieces(corpus: Corpus, match: Match) -> list[dict[str, Any]]:
    """Return what each step cut, by variant and in order; nothing where a step left the document alone.

    Returns:
        For each step `variant`, `step`, `bytes`, `count` and the first `pieces`: their `bytes`, how each `begins`, and
        the `references` that have it or a part of it: the `corpus`, as the step calls it, the document's `place` there
        and its `id`, None where it is not there any more.
    """
    found = []
    for variant in corpus.variants:
        base = corpus.text_folder(variant)
        for name in corpus.cuts(variant):
            folder = corpus.artifact("documents", name)
            rows, cuts = read_cuts(folder, match.part["name"])
            own = cuts[rows == match.row]
            if len(own):
                text = str(record(base, match, ["text"])["text"]).encode()
                made = manifest.read(folder, "documents")
                told = evidence.read(folder, match.part["name"], match.row)
                places = {HELDOUT: base} | _reference_texts(corpus, made)
                step = {"variant": variant, "step": made.extra["config"]["step"]}
                found.append({**step, **_pieces(text, own, told, places)})
            base = folder
    return found


def _pieces(text: bytes, cuts: np.ndarray, told: pa.Table, places: Mapping[str, str]) -> dict[str, Any]:
    """Return the bytes of all pieces, how many there are, and the first ones."""
    pieces = [
        {
            "bytes": end - start,
            "begins": text[start:end].decode()[:SHOWN],
            "references": _documents(evidence.overlapping(told, start, end), places),
        }
        for start, end in cuts[:MOST_PIECES].tolist()
    ]
    return {"bytes": int((cuts[:, 1] - cuts[:, 0]).sum()), "count": len(cuts), "pieces": pieces}


def _documents(told: list[dict[str, Any]], places: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the first documents that are named."""
    named = dict.fromkeys((one["reference"], one["part"], one["reference_row"]) for one in told)
    return [
        {"corpus": name, "place": f"{part}:{row}", "id": _id(places.get(name), part, row)}
        for name, part, row in list(named)[:MOST_DOCUMENTS]
    ]


def _id(folder: str | None, part: str, row: int) -> str | None:
    """Return the id of a document; None where the folder does not hold it any more."""
    if folder is None:
        return None
    found = Match(part={"name": part}, row=row, key=b"", id="", url=None, source="")
    try:
        return str(record(folder, found, ["id"])["id"])
    except (CorpuskitError, OSError):
        return None


def _reference_texts(corpus: Corpus, made: Manifest) -> dict[str, str]:
    """Return where the texts lie that a step read, by reference; nothing of those that have other ones now."""
    found = {}
    for name in set(made.extra["config"].get("against", ())) - {HELDOUT}:
        try:
            folder = Corpus(reference_folder(corpus, name)).text_folder()
            if manifest.read(folder).fingerprint == made.identity["inputs"][f"against.{name}"]:
                found[name] = folder
        except (CorpuskitError, OSError):
            continue
    return found
