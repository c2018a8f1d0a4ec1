"""The document that another one was left out for: in the same corpus, or in one that it was compared with."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpuskit import manifest
from corpuskit.corpus import Corpus
from corpuskit.documents import read_split, sidecars
from corpuskit.documents.schema import KEY
from corpuskit.errors import CorpuskitError
from corpuskit.workflow.alike import search_of, true_similarity
from corpuskit.workflow.excerpts import excerpt
from corpuskit.workflow.explaining.finding import Match, record
from corpuskit.workflow.explaining.judgement import Judgement

EXCERPT = 300
"""Characters that are shown of the other document, about."""
AGAINST = "against."
"""What the reasons begin with that name another corpus."""
HELDOUT = ("near_heldout", "heldout_url")
"""The reasons that name a held-out document, which a variant may leave out itself."""


def copy_of(corpus: Corpus, variant: str, match: Match, verdict: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what is known of the document that a verdict names as `duplicate_of`; None where it names none.

    Returns:
        `key`; `corpus`, the reference's name, and its `folder`, both empty for a copy in the same corpus; `id`, `place`
        and `excerpt`, None where the document is not there any more; `similarity`, as the search for duplicates
        measured it, None for a copy that stays instead; `jaccard`, the true similarity of the texts, None where one of
        them is not there.
    """
    key = verdict["duplicate_of"]
    if key is None:
        return None
    reason = str(verdict["reason"])
    name = reason.removeprefix(AGAINST) if reason.startswith(AGAINST) else ""
    folder = reference_folder(corpus, name) if name else ""
    whose = None if name or reason in HELDOUT else variant
    found = _document(folder or corpus.folder, whose, key) if folder or not name else None
    text = str(record(corpus.text_folder(variant), match, ["text"])["text"])
    config = search_of(corpus)
    return {
        "key": key.hex(),
        "corpus": name,
        "folder": folder,
        "id": found and found["id"],
        "place": found and found["place"],
        "excerpt": found and "".join(piece for piece, _ in excerpt(found["text"], None, EXCERPT).pieces),
        "similarity": verdict["value"] if name or reason in HELDOUT else None,
        "jaccard": round(true_similarity(text, found["text"], config), 4) if found and config else None,
    }


def with_similarities(corpus: Corpus, variant: str, match: Match, rules: Sequence[Judgement]) -> list[Judgement]:
    """Say how similar the nearest document is in each other corpus that a document was left out for."""
    config, folder = search_of(corpus), ""
    condition = f"below {config.threshold:g}" if config and config.verify != "none" else "no copy"
    found = []
    for rule in rules:
        if rule.rule.startswith(AGAINST):
            folder = folder or corpus.artifact("duplicates", f"duplicates{corpus.text_suffix(variant)}")
            column = f"{rule.rule.removeprefix(AGAINST)}.similarity"
            value = sidecars.read(folder, match.part, [column]).column(0)[match.row].as_py()
            rule = replace(rule, value=float(f"{value:.8g}"), condition=condition)
        found.append(rule)
    return found


def reference_folder(corpus: Corpus, name: str) -> str:
    """Return where the recipe says that a reference lies; empty where that is not known."""
    config = search_of(corpus)
    return config.against.get(name, "") if config else ""


def _document(folder: str, variant: str | None, key: bytes) -> dict[str, Any] | None:
    """Return the first document with a key, of those that a variant keeps if one is named; None where there is none.

    A reference may be signatures alone, or a corpus whose documents were removed.
    """
    try:
        corpus = Corpus(folder)
        texts = corpus.text_folder(variant)
        for part in manifest.read(texts).parts:
            row = _row(corpus, variant, texts, part, key)
            if row is not None:
                match = Match(part=part, row=row, key=key, id="", url=None, source="")
                return {**record(texts, match, ["id", "text"]), "place": match.place}
    except (CorpuskitError, OSError):
        return None
    return None


def _row(corpus: Corpus, variant: str | None, texts: str, part: Mapping[str, Any], key: bytes) -> int | None:
    """Return the first row of a split with a key."""
    wanted = pa.scalar(key, KEY)
    found = [pc.equal(batch.column(0), wanted) for batch in read_split(texts, part["name"], ["key"])]
    hits = np.concatenate([np.empty(0, bool), *(one.to_numpy(zero_copy_only=False) for one in found)])
    if hits.any() and variant is not None:
        hits &= _kept(corpus, variant, part)
    rows = np.flatnonzero(hits)
    return int(rows[0]) if rows.size else None


def _kept(corpus: Corpus, variant: str, part: Mapping[str, Any]) -> np.ndarray:
    verdicts = sidecars.read(corpus.artifact("variant", variant), part, ["kept"])
    return np.asarray(verdicts.column("kept").to_numpy(), bool)
