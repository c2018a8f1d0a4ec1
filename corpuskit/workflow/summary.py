"""The funnel: documents and bytes after each step, and why documents were dropped."""

from typing import Any

from corpuskit import manifest
from corpuskit.corpus import Corpus


def funnel(corpus: Corpus) -> list[dict[str, Any]]:
    """Return one entry per step: {"step", "documents", "bytes"}, from the records read to what each variant keeps."""
    documents = manifest.read(corpus.documents, "documents")
    size = documents.counts["text_bytes"]
    steps: list[dict[str, Any]] = [
        {"step": "records read", "documents": documents.rows + documents.errors, "bytes": size},
        {"step": "documents", "documents": documents.rows, "bytes": size},
    ]
    for name in corpus.variants:
        counts = manifest.read(corpus.artifact("variant", name)).counts
        steps.append({"step": f"variant {name}", "documents": int(counts["kept"]), "bytes": counts["kept_bytes"]})
    return steps


def drops(corpus: Corpus) -> dict[str, list[dict[str, Any]]]:
    """Return for each variant its reasons, most frequent first: {"reason", "documents", "bytes"}."""
    found = {}
    for name in corpus.variants:
        counts = manifest.read(corpus.artifact("variant", name)).counts
        reasons = {key.removeprefix("dropped."): count for key, count in counts.items() if key.startswith("dropped.")}
        found[name] = [
            {"reason": reason, "documents": int(count), "bytes": counts[f"dropped_bytes.{reason}"]}
            for reason, count in sorted(reasons.items(), key=lambda pair: -pair[1])
        ]
    return found
