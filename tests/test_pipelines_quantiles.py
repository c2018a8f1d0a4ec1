"""Shares of a corpus in variants: the bounds that the pipeline finds, whatever the splits and workers."""

import math
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from corpora import small_recipe
from pipelines_harness import Rows, corpus, documents, run, run_plainly, sidecar

from corpuskit import manifest
from corpuskit.errors import RecipeError
from corpuskit.recipe import Recipe
from corpuskit.workflow.flow import Flow

PLAIN = {"signal": "length.words", "min": 20}
UNIQUE = {"signal": "composition.unique_words", "highest": "30 %"}
SHORT = {"signal": "length.bytes", "lowest": 0.4, "reason": "long"}
CJK = {"signal": "composition.cjk_ratio", "min": 0.5}
JUDGED = ("failed", "value", "threshold")
VARIANTS = {
    "one": {"policy": {"rules": [UNIQUE]}},
    "two": {"policy": {"rules": [PLAIN, UNIQUE, SHORT]}, "deduplicate": True},
    "either": {"policy": {"rules": [{"any": [UNIQUE, {"all": [SHORT, PLAIN]}, CJK], "reason": "neither"}]}},
    "all": {"policy": {"rules": [{"signal": "length.words", "highest": "100 %"}]}},
    "nothing": {"policy": {"rules": [{"signal": "length.words", "min": 10**6}, UNIQUE]}},
}


def recipe(folder: Path, **changes: Any) -> Recipe:
    return small_recipe(folder, **{"variants": VARIANTS, "tokenizers": {}, **changes})


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Flow:
    base = tmp_path_factory.getbasetemp()
    return run_plainly(recipe(corpus(base)), base / "quantiles")


# the slow, obvious way: sort the values of the training documents that pass the other rules


def rows_of(flow: Flow) -> Rows:
    rows = documents(flow.documents.folder)
    for place in flow.signals.values():
        for row, signals in zip(rows, sidecar(place.folder, flow.documents.folder), strict=True):
            row |= signals
    return rows


def passes(entry: dict[str, Any], row: dict[str, Any], bounds: dict[str, float]) -> bool:
    if "any" in entry or "all" in entry:
        found = [passes(member, row, bounds) for member in entry.get("any") or entry["all"]]
        return any(found) if "any" in entry else all(found)
    value = row[entry["signal"]]
    if value is None:
        return False
    if "highest" in entry:
        return bounds[entry["signal"]] <= value
    if "lowest" in entry:
        return value <= bounds[entry["signal"]]
    return value >= entry["min"]


def shares_in(entry: dict[str, Any]) -> list[dict[str, Any]]:
    members = entry.get("any") or entry.get("all")
    if members:
        return [share for member in members for share in shares_in(member)]
    return [entry] if "highest" in entry or "lowest" in entry else []


def slow_bounds(entries: list[dict[str, Any]], rows: Rows) -> dict[str, tuple[float | None, int]]:
    others = [entry for entry in entries if not shares_in(entry)]
    base = [row for row in rows if not row["heldout"] and all(passes(entry, row, {}) for entry in others)]
    found = {}
    for entry in entries:
        for share in shares_in(entry):
            best = "highest" in share
            values = [row[share["signal"]] for row in base if row[share["signal"]] is not None]
            written = share["highest" if best else "lowest"]
            part = Fraction(written.strip(" %")) / 100 if isinstance(written, str) else Fraction(str(written))
            ranked = sorted(values, reverse=best)
            found[share["signal"]] = (ranked[math.ceil(part * len(ranked)) - 1] if ranked else None, len(ranked))
    return found


@pytest.mark.parametrize("name", VARIANTS)
def test_the_bounds_are_those_of_the_sorted_values(made: Flow, name: str) -> None:
    entries = VARIANTS[name]["policy"]["rules"]
    expected = slow_bounds(entries, rows_of(made))
    told = manifest.read(made.variants[name].folder).extra["shares"]
    assert {share["signal"]: (share["threshold"], share["documents"]) for share in told} == expected
    assert len(told) == len(expected) > 0
    assert all((bound is None) == (name == "nothing") for bound, _ in expected.values())


@pytest.mark.parametrize("name", VARIANTS)
def test_the_bounds_judge_all_documents(made: Flow, name: str) -> None:
    entries = VARIANTS[name]["policy"]["rules"]
    rows = rows_of(made)
    bounds = {signal: bound for signal, (bound, _) in slow_bounds(entries, rows).items()}
    verdicts = sidecar(made.variants[name].folder, made.documents.folder)
    expected = [name != "nothing" and all(passes(entry, row, bounds) for entry in entries) for row in rows]
    assert [not verdict["failed"] for verdict in verdicts] == expected
    kinds = {row["heldout"] for row, keep in zip(rows, expected, strict=True) if keep}
    assert kinds == (set() if name == "nothing" else {True, False})
    kept = [verdict["kept"] for verdict in verdicts]
    copies = [verdict["duplicate_of"] is not None for verdict in verdicts]
    assert kept == [keep and not copy for keep, copy in zip(expected, copies, strict=True)]


def test_a_verdict_says_where_the_share_ends(made: Flow) -> None:
    bound = manifest.read(made.variants["one"].folder).extra["shares"][0]
    verdicts = sidecar(made.variants["one"].folder, made.documents.folder)
    rows = rows_of(made)
    dropped = [
        pair for pair in zip(verdicts, rows, strict=True) if pair[0]["reason"] == "composition.unique_words:highest"
    ]
    assert dropped
    assert bound == {
        "rule": "rules[0]",
        "signal": "composition.unique_words",
        "highest": 0.3,
        "threshold": bound["threshold"],
        "documents": bound["documents"],
    }
    for verdict, row in dropped:
        assert verdict["value"] == row["composition.unique_words"] < verdict["threshold"] == bound["threshold"]


def test_splits_and_workers_change_nothing(made: Flow, tmp_path: Path) -> None:
    folder = corpus(Path(made.out).parent)
    fewer = {"variants": {name: VARIANTS[name] for name in ("one", "either")}, "dedup": None}
    expected = content(made, fewer["variants"])
    whole = run_plainly(recipe(folder, split_bytes=10**8, **fewer), tmp_path / "whole")
    small = run(recipe(folder, split_bytes=15_000, **fewer), tmp_path / "small", workers=2)
    sizes = [len(manifest.read(flow.documents.folder).parts) for flow in (whole, made, small)]
    assert sizes == sorted(set(sizes))
    assert content(whole, fewer["variants"]) == content(small, fewer["variants"]) == expected


def content(flow: Flow, variants: Iterable[str]) -> dict[str, Any]:
    rows = documents(flow.documents.folder)
    found: dict[str, Any] = {}
    for name in variants:
        place = flow.variants[name]
        verdicts = sidecar(place.folder, flow.documents.folder)
        judged = [row["reason"] != "near_heldout" for row in verdicts]  # whose value is a similarity, and no signal's
        verdicts = [
            {field: value if own or field == "failed" else None for field, value in row.items() if field in JUDGED}
            for own, row in zip(judged, verdicts, strict=True)
        ]
        found[name] = sorted(
            (row["key"], row["text"], str(verdict)) for row, verdict in zip(rows, verdicts, strict=True)
        )
        found[f"{name}: shares"] = manifest.read(place.folder).extra["shares"]
    return found


def test_nothing_is_left_of_the_search(made: Flow) -> None:
    assert not list(Path(made.out).rglob("work"))


def test_a_share_counts_in_the_fingerprint(made: Flow) -> None:
    folder = corpus(Path(made.out).parent)
    other = {"policy": {"rules": [{**UNIQUE, "highest": "31 %"}]}}
    changed = Flow(recipe(folder, variants={**VARIANTS, "one": other}), made.out)
    assert changed.variants["one"].fingerprint != made.variants["one"].fingerprint
    assert changed.variants["two"].fingerprint == made.variants["two"].fingerprint


def test_a_share_of_an_unknown_signal_is_refused_with_its_place(made: Flow) -> None:
    wrong = {"v": {"policy": {"rules": [PLAIN, {"any": [{**UNIQUE, "signal": "gopher@datatrov.words"}]}]}}}
    with pytest.raises(RecipeError, match=r"variants\.v\.policy\.rules\[1\]\.any\[0\]\.signal: unknown signal"):
        recipe(corpus(Path(made.out).parent), variants=wrong)
