"""The funnel: documents and bytes after each step, and why documents were dropped."""

from typing import Any

from corpuskit import manifest
from corpuskit.corpus import Corpus
from corpuskit.documents import read_errors
from corpuskit.manifest import Manifest
from corpuskit.report import FunnelStep

MOST_SKIPPED = 8
"""Reasons for skipping records that the funnel names."""


def funnel(corpus: Corpus) -> list[dict[str, Any]]:
    """Return what is left after each step: {"step", "variant", "documents", "bytes"}.

    The first entries, with `variant` None, are common; then come, for each variant, what passes its policy and what is
    left once duplicates (and near-duplicates of held-out documents) are dropped.
    """
    documents = manifest.read(corpus.documents, "documents")
    size = documents.counts["text_bytes"]
    skipped = _skipped(documents)
    records = documents.rows + documents.errors + sum(skipped.values())
    steps = [_step("records read", None, records, size)]
    steps += [_step(f"  skipped: {reason}", None, count, 0) for reason, count in skipped.items()]
    if documents.errors:
        steps.append(_step("  malformed, in errors/", None, documents.errors, 0))
    steps.append(_step("documents", None, documents.rows, size))
    cleaned = manifest.read(corpus.text_folder(), "documents")
    if cleaned.fingerprint != documents.fingerprint:
        if cleaned.errors:
            steps.append(_step("  not cleaned: killed a worker", None, cleaned.errors, 0))
        steps.append(_step("cleaned", None, cleaned.rows, cleaned.counts["text_bytes"]))
    for name in corpus.variants:
        counts = manifest.read(corpus.artifact("variant", name), "variant").counts
        if counts["passed"] != counts["kept"]:
            steps.append(_step(f"{name}: pass the policy", name, counts["passed"], counts["passed_bytes"]))
        steps.append(_step(f"{name}: kept", name, counts["kept"], counts["kept_bytes"]))
        left = counts["kept_bytes"]
        for found in cuts(corpus, name):
            left -= found["bytes"]
            steps.append(_step(f"{name}: after {found['step']}", name, counts["kept"], left))
    return steps


def funnel_steps(corpus: Corpus) -> tuple[FunnelStep, ...]:
    """Return the funnel as reports draw it."""
    return tuple(
        FunnelStep(
            name=step["step"], documents=step["documents"], bytes=step["bytes"], branch=step["variant"] is not None
        )
        for step in funnel(corpus)
    )


def _skipped(documents: Manifest) -> dict[str, int]:
    """Return how many records were no documents by their kind, by reason, the most frequent first; few reasons."""
    counts = {key.removeprefix("skipped."): int(n) for key, n in documents.counts.items() if key.startswith("skipped.")}
    ranked = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    rest = sum(count for _, count in ranked[MOST_SKIPPED:])
    return dict(ranked[:MOST_SKIPPED]) | ({"other reasons": rest} if rest else {})


def malformed(corpus: Corpus, limit: int = 3) -> list[str]:
    """Return the first malformed records as `file, offset n: message`."""
    return read_errors(corpus.documents, manifest.read(corpus.documents, "documents").files, limit)


def cleaning(corpus: Corpus) -> dict[str, dict[str, int]]:
    """Return what cleaners and `cut` steps did, by revision: documents that changed, and each count that is not 0.

    The revision that all variants share is called `clean`, one of its own by the variants that have it, that of a `cut`
    step by its variant and the step.
    """
    texts = corpus.manifest.extra.get("texts", {})
    found = {}
    for name in corpus.artifacts["documents"]:
        counts = manifest.read(corpus.artifact("documents", name)).counts
        if "changed" in counts and "cut.bytes" not in counts:
            own = {key.removeprefix("clean."): int(n) for key, n in counts.items() if key.startswith("clean.") and n}
            users = [variant for variant, text in texts.items() if text == name]
            shown = name if "" in users else ", ".join(users)
            found[shown] = {"changed documents": int(counts["changed"]), **own}
    for variant in corpus.variants:
        for number, done in enumerate(cuts(corpus, variant), 1):
            own = {name: count for name, count in done.items() if name not in ("step", "changed") and count}
            found[f"{variant}, {number}. {done['step']}"] = {"changed documents": done["changed"], **own}
    return found


def cuts(corpus: Corpus, variant: str) -> list[dict[str, Any]]:
    """Return what each `cut` step of a variant did, in order: its name and its counts.

    `windows` that were looked at, `copies` of them, `pieces` and `bytes` that were cut, `changed` documents, and those
    `emptied` of all text; `unconfirmed` copies are those that byte by byte were none.
    """
    found = []
    for name in corpus.cuts(variant):
        made = manifest.read(corpus.artifact("documents", name), "documents")
        own = {key.removeprefix("cut."): int(n) for key, n in made.counts.items() if key.startswith("cut.")}
        found.append({"step": made.extra["config"]["step"], "changed": int(made.counts["changed"]), **own})
    return found


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
