"""One document's story as plain data, from the record that was read to each variant's verdict."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import orjson
import pyarrow as pa

from corpuskit import manifest
from corpuskit.corpus import Corpus
from corpuskit.errors import InputError
from corpuskit.workflow.excerpts import Asked, excerpt, marked
from corpuskit.workflow.explaining.clusters import clusters, verdict_of
from corpuskit.workflow.explaining.copies import copy_of, with_similarities
from corpuskit.workflow.explaining.cut_pieces import cut_pieces
from corpuskit.workflow.explaining.differences import differences
from corpuskit.workflow.explaining.finding import Match, record
from corpuskit.workflow.explaining.judgement import FAILED, Judgement, judgements
from corpuskit.workflow.inspecting.columns import Series, all_series, items_of, read, series_of, words_of

Pieces = tuple[tuple[str, bool], ...]


def story(corpus: Corpus, match: Match) -> dict[str, Any]:
    """Return all that is known of a document, as data that JSON can hold.

    Raises:
        CorruptArtifact: a sidecar or the text is damaged.
    """
    raw = record(corpus.documents, match)
    text = raw.pop("text")
    raw["key"] = raw["key"].hex()
    raw["timestamp"] = raw["timestamp"] and raw["timestamp"].isoformat()
    raw["metadata"] = _metadata(raw["metadata"])
    values = signals(corpus, match)
    return {
        **raw,
        "place": match.place,
        "text": {"characters": len(text), "bytes": len(text.encode()), "excerpt": _joined(excerpt(text, None).pieces)},
        "cleaned": _cleaned(corpus, match, text, values),
        "signals": {series.title: value for series, value in values.items()},
        "clusters": clusters(corpus, match),
        "cut": cut_pieces(corpus, match),
        "variants": {name: _variant(corpus, name, match, values) for name in corpus.variants},
    }


def _metadata(text: str | None) -> Any:
    try:
        return orjson.loads(text) if text else None
    except orjson.JSONDecodeError:
        return text


def _joined(pieces: Pieces) -> str:
    return "".join(text for text, _ in pieces)


def signals(corpus: Corpus, match: Match) -> dict[Series, Any]:
    """Return every signal of a document; None where it has no value."""
    found = {}
    for series, column in read(all_series(corpus), match.part).items():
        value = column[match.row].as_py()
        found[series] = None if value != value else round_float32(value, column.type)
    return found


def round_float32(value: Any, dtype: pa.DataType) -> Any:
    """Return a float32 as the shortest decimal number that stands for it."""
    return float(f"{value:.8g}") if value is not None and pa.types.is_floating(dtype) else value


def _cleaned(corpus: Corpus, match: Match, text: str, values: Mapping[Series, Any]) -> list[dict[str, Any]]:
    """Return what cleaning made of the text, for each text that some variants share."""
    shared = corpus.text_folder(None)
    before = text if shared == corpus.documents else str(record(shared, match, ["text"])["text"])
    found = [] if shared == corpus.documents else [_change(corpus, None, text, before, values)]
    own = {corpus.text_folder(name): name for name in reversed(corpus.variants) if corpus.text_suffix(name)}
    for folder, name in reversed(own.items()):
        found.append(_change(corpus, name, before, str(record(folder, match, ["text"])["text"]), values))
    return found


def _change(
    corpus: Corpus, variant: str | None, before: str, after: str, values: Mapping[Series, Any]
) -> dict[str, Any]:
    suffix = corpus.text_suffix(variant)
    folder = corpus.artifacts.get("signals", {}).get(f"clean{suffix}", "")
    counts = {
        series.signal.removeprefix("clean."): value
        for series, value in values.items()
        if value and series.signal.startswith("clean.") and folder and series.folder.endswith(folder)
    }
    users = [name for name in corpus.variants if corpus.text_suffix(name) == suffix]
    return {
        "variants": users,
        "characters": len(after),
        "removed_characters": len(before) - len(after),
        "counts": counts,
        "differences": differences(before, after),
    }


def _variant(corpus: Corpus, name: str, match: Match, values: Mapping[Series, Any]) -> dict[str, Any]:
    verdict = verdict_of(corpus, name, match)
    rules = with_similarities(corpus, name, match, _judged(corpus, name, values, verdict["failed"]))
    for field in ("value", "threshold"):
        verdict[field] = round_float32(verdict[field], pa.float32())
    copy = copy_of(corpus, name, match, verdict)
    named = {"duplicate_of": copy and copy["key"], "copy": copy}
    return {**verdict, **named, "rules": [asdict(rule) for rule in rules]}


def _judged(corpus: Corpus, name: str, values: Mapping[Series, Any], failed: list[str]) -> list[Judgement]:
    own = {series.signal: value for series, value in values.items() if series == series_of(corpus, series.signal, name)}
    return judgements(manifest.read(corpus.artifact("variant", name), "variant"), own, failed)


def evidence_text(corpus: Corpus, match: Match, variant: str | None = None) -> tuple[list[str], Pieces]:
    """Return the rules that the document fails, and its text with what made it fail marked.

    Args:
        corpus: the corpus.
        match: the document.
        variant: whose text is shown, and whose rules; None for the shared text and the rules of all its variants.

    Raises:
        InputError: there is no such variant.
    """
    if variant is not None and variant not in corpus.variants:
        raise InputError(f"--variant: {corpus.folder} has no variant {variant!r}; known: {', '.join(corpus.variants)}")
    shared = [name for name in corpus.variants if not corpus.text_suffix(name)]
    values, items = signals(corpus, match), items_of(corpus)
    failed = [
        (rule.rule, Asked(rule.signal, rule.below, words_of(series_of(corpus, rule.signal, name)), items))
        for name in ([variant] if variant else shared)
        for rule in _judged(corpus, name, values, verdict_of(corpus, name, match)["failed"])
        if rule.outcome == FAILED
    ]
    text = str(record(corpus.text_folder(variant), match, ["text"])["text"])
    asked = list(dict.fromkeys(one for _, one in failed))
    return list(dict.fromkeys(reason for reason, _ in failed)), marked(text, asked)
