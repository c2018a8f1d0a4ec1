"""The funnel: documents and bytes after each step, and why documents were dropped."""

from typing import Any

from corpuskit import manifest
from corpuskit.corpus import Corpus


def funnel(corpus: Corpus) -> list[dict[str, Any]]:
    """Return what is left after each step: {"step", "variant", "documents", "bytes"}.

    The first entries, with `variant` None, are common; then come, for each variant, what passes its policy and what is
    left once duplicates (and near-duplicates of held-out documents) are dropped.
    """
    documents = manifest.read(corpus.documents, "documents")
    size = documents.counts["text_bytes"]
    steps = [
        _step("records read", None, documents.rows + documents.errors, size),
        _step("documents", None, documents.rows, size),
    ]
    for name in corpus.variants:
        counts = manifest.read(corpus.artifact("variant", name), "variant").counts
        if counts["passed"] != counts["kept"]:
            steps.append(_step(f"{name}: pass the policy", name, counts["passed"], counts["passed_bytes"]))
        steps.append(_step(f"{name}: kept", name, counts["kept"], counts["kept_bytes"]))
    return steps


def _step(step: str, variant: str | None, documents: float, size: float) -> dict[str, Any]:
    return {"step": step, "variant": variant, "documents": int(documents), "bytes": int(size)}


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
