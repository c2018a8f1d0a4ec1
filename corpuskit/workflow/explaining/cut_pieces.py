"""What a variant's `cut` steps took from one document: how many bytes, and how each piece begins."""

from typing import Any

import numpy as np

from corpuskit import manifest
from corpuskit.corpus import Corpus
from corpuskit.documents.revisions import read_cuts
from corpuskit.workflow.explaining.finding import Match, record

MOST_PIECES = 20
"""Pieces of one step that are shown."""
SHOWN = 80
"""Characters of a piece."""


def cut_pieces(corpus: Corpus, match: Match) -> list[dict[str, Any]]:
    """Return what each step cut, by variant and in order; nothing where a step left the document alone."""
    found = []
    for variant in corpus.variants:
        base = corpus.text_folder(variant)
        for name in corpus.cuts(variant):
            folder = corpus.artifact("documents", name)
            rows, cuts = read_cuts(folder, match.part["name"])
            own = cuts[rows == match.row]
            if len(own):
                text = str(record(base, match, ["text"])["text"]).encode()
                step = manifest.read(folder, "documents").extra["config"]["step"]
                found.append({"variant": variant, "step": step, **_pieces(text, own)})
            base = folder
    return found


def _pieces(text: bytes, cuts: np.ndarray) -> dict[str, Any]:
    """Return the bytes of all pieces, how many there are, and the beginnings of the first ones."""
    begins = [text[start:end].decode()[:SHOWN] for start, end in cuts[:MOST_PIECES].tolist()]
    sizes = cuts[:, 1] - cuts[:, 0]
    pieces = [{"bytes": int(size), "begins": begin} for size, begin in zip(sizes, begins, strict=False)]
    return {"bytes": int(sizes.sum()), "count": len(cuts), "pieces": pieces}
