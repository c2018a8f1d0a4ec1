"""What keeps training documents that are like held-out ones out of every variant."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpuskit.documents import sidecars
from corpuskit.documents.schema import KEY
from corpuskit.manifest import Target

SAME_URL, NEAR = "heldout_url", "near_heldout"
"""What verdicts call documents of a held-out one's URL, and those whose text is like that of a held-out one."""
MATCHES = pa.schema(
    [("reason", pa.string()), ("value", pa.float32()), ("threshold", pa.float32()), ("duplicate_of", KEY)]
)
"""One row a document, null where it is like no held-out one: the most similar of those, as verdicts name it."""


def matches(part: Mapping[str, Any], searches: Mapping[str, Target | None]) -> pa.Table:
    """Return what the documents of a split have in common with held-out ones; `MATCHES`.

    A document of a held-out one's URL counts as that. Of the texts that a variant's rows had before its own cleaners
    (`shared`) and have now (`texts`), the more similar one counts.

    Args:
        part: the split.
        searches: `urls`, `shared` and `texts`: the searches for duplicates, None where there was none.
    """
    found = {kind: _found(part, search, kind) for kind, search in searches.items() if search}
    nothing = pa.Table.from_arrays([pa.nulls(part["rows"], field.type) for field in MATCHES], schema=MATCHES)
    texts, shared = found.get("texts", nothing), found.get("shared", nothing)
    nearer = pc.greater(shared.column("value").fill_null(0), texts.column("value").fill_null(0))
    by_text = _either(nearer, shared, texts)
    urls = found.get("urls", nothing)
    return _either(urls.column("reason").is_valid(), urls, by_text)


def below_duplicates(search: Target) -> float:
    """Return the largest similarity that makes no duplicate of two texts."""
    config = search.identity.config
    return 0.0 if config["verify"] == "none" else float(np.nextafter(np.float32(config["threshold"]), np.float32(0)))


def _found(part: Mapping[str, Any], search: Target, kind: str) -> pa.Table:
    read = sidecars.read(search.folder, part, ["heldout_similarity", "heldout_key"])
    is_match = read.column("heldout_key").is_valid()
    reason, bound = (SAME_URL, None) if kind == "urls" else (NEAR, below_duplicates(search))
    facts = {"reason": pa.scalar(reason, pa.string()), "threshold": pa.scalar(bound, pa.float32())}
    columns = {name: pc.if_else(is_match, fact, None) for name, fact in facts.items()}
    columns |= {"value": read.column(0), "duplicate_of": read.column(1)}
    return pa.table([columns[name] for name in MATCHES.names], schema=MATCHES)


def _either(chosen: pa.ChunkedArray, yes: pa.Table, no: pa.Table) -> pa.Table:
    """Return the rows of one table where they are chosen, else those of the other."""
    columns = [pc.if_else(chosen, yes.column(name), no.column(name)) for name in MATCHES.names]
    return pa.table(columns, schema=MATCHES)
