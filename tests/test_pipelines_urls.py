"""URL deduplication: one document of each address, chosen among those that pass, before copies of texts are."""

from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from pipelines_harness import documents, run, run_plainly, sidecar, snapshot

from corpuskit.errors import RecipeError
from corpuskit.recipe import Recipe
from corpuskit.recipe.load import build
from corpuskit.urls import normalize_urls
from corpuskit.workflow.flow import Flow
from pipelines import copies

WORDS = np.array([f"word{number}" for number in range(400)])


def write(path: Path, rows: int = 120, seed: int = 0) -> Path:
    """Documents of few addresses, some without; some texts occur twice, under other addresses."""
    random = np.random.default_rng(seed)
    texts = [" ".join(random.choice(WORDS, random.integers(20, 40))) for _ in range(rows)]
    records = []
    for number in range(rows):
        kind = number % 4
        url = None if kind == 3 else f"http://site.example/{random.integers(rows // 6)}" + ("/#x" if kind else "")
        text = texts[random.integers(number)] if number and kind == 2 else texts[number]
        records.append({"id": str(number), "text": text, "url": url, "timestamp": int(random.integers(1, 10**9))})
    path.write_bytes(b"".join(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE) for record in records))
    return path


def recipe(path: Path, **variant: Any) -> Recipe:
    return build(
        {
            "name": "urls",
            "sources": [{"name": "web", "paths": [str(path)]}],
            "split_bytes": 4000,
            "heldout": {"share": 0.1},
            "dedup": {"urls": True},
            "variants": {"raw": {}, "chosen": {"deduplicate_urls": True, **variant}},
        }
    )


def expected(rows: list[dict[str, Any]], config: dict[str, Any], order: Any) -> list[str | None]:
    """The reason of each row, one cluster at a time."""
    import pyarrow as pa

    addresses = normalize_urls(pa.array([row["url"] for row in rows])).to_pylist()
    reasons: list[str | None] = [None] * len(rows)

    def choose(groups: dict[Any, list[int]], duplicate: str) -> None:
        gone = [row for row, reason in enumerate(reasons) if reason]
        for members in groups.values():
            there = [row for row in members if row not in gone]
            for row in there:
                if row != min(there, key=lambda row: (-order(rows[row]), rows[row]["key"])):
                    reasons[row] = duplicate

    texts = [row["text"] for row in rows]
    for values, reason in [(texts, "near_heldout"), (addresses, "heldout_url")]:
        held = {value for value, row in zip(values, rows, strict=True) if row["heldout"]} - {None}
        for number, (value, row) in enumerate(zip(values, rows, strict=True)):
            if value in held and not row["heldout"]:
                reasons[number] = reason
    for values, reason, field in [
        (addresses, "duplicate_url", "deduplicate_urls"),
        (texts, "duplicate", "deduplicate"),
    ]:
        groups: dict[Any, list[int]] = {}
        for number, (value, row) in enumerate(zip(values, rows, strict=True)):
            if value is not None:
                groups.setdefault((value, row["heldout"]), []).append(number)
        if config.get(field):
            choose(groups, reason)
    return reasons


KEEP = {
    "longest": lambda row: len(row["text"].encode()),
    "newest": lambda row: row["timestamp"],
    "best:length.words": lambda row: len(row["text"].split()),
}


@pytest.mark.parametrize("keep", sorted(KEEP))
@pytest.mark.parametrize("deduplicate", [False, True])
@pytest.mark.parametrize("at_a_time", [1 << 21, 20])
def test_one_document_of_each_address_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keep: str, deduplicate: bool, at_a_time: int
) -> None:
    """Whether copies are chosen in one part or in seven."""
    monkeypatch.setattr(copies, "AT_A_TIME", at_a_time)
    config = {"deduplicate_urls": True, "deduplicate": deduplicate, "keep": keep}
    flow = run_plainly(recipe(write(tmp_path / "in.jsonl"), **config), tmp_path / "out")
    rows = documents(flow.documents.folder)
    for variant, fields in {"raw": {}, "chosen": config}.items():
        verdicts = sidecar(flow.variants[variant].folder, flow.documents.folder)
        assert [row["reason"] for row in verdicts] == expected(rows, fields, KEEP[keep if fields else "longest"])
        staying = {row["key"] for row, verdict in zip(rows, verdicts, strict=True) if verdict["kept"]}
        held = {row["key"] for row in rows if row["heldout"]}
        for row in verdicts:
            named = held if row["reason"] in ("heldout_url", "near_heldout") else staying
            assert (row["duplicate_of"] in named) == bool(row["reason"])


def test_the_choice_falls_on_members_that_pass_the_policy(tmp_path: Path) -> None:
    rules = {"rules": [{"signal": "length.words", "min": 30}]}
    flow = run_plainly(recipe(write(tmp_path / "in.jsonl"), policy=rules, keep="newest"), tmp_path / "out")
    rows = documents(flow.documents.folder)
    verdicts = sidecar(flow.variants["chosen"].folder, flow.documents.folder)
    kept = {row["url"] for row, verdict in zip(rows, verdicts, strict=True) if verdict["kept"] and row["url"]}
    passing = [row for row in rows if row["url"] and len(row["text"].split()) >= 30 and not row["heldout"]]
    held = {row["url"].split("/#")[0] for row in rows if row["heldout"] and row["url"]}
    for row in passing:
        address = row["url"].split("/#")[0]
        assert address in held or any(url.startswith(address) for url in kept), "no address vanishes"


def test_clusters_say_how_they_were_found(tmp_path: Path) -> None:
    flow = run_plainly(recipe(write(tmp_path / "in.jsonl")), tmp_path / "out")
    assert flow.urls is not None
    rows, clusters = documents(flow.documents.folder), sidecar(flow.urls.folder, flow.documents.folder)
    assert {row["method"] for row in clusters} == {"url", None}
    assert all(cluster["cluster"] is None for row, cluster in zip(rows, clusters, strict=True) if row["url"] is None)


def test_workers_and_splits_change_nothing(tmp_path: Path) -> None:
    chosen = recipe(write(tmp_path / "in.jsonl"), deduplicate=True, keep="newest")
    first = run_plainly(chosen, tmp_path / "plain")
    run(chosen, tmp_path / "workers", workers=2)
    assert snapshot(tmp_path / "plain") == snapshot(tmp_path / "workers")
    other = run_plainly(chosen.model_copy(update={"split_bytes": 2**28}), tmp_path / "whole")
    assert verdicts_of(first) == verdicts_of(other)


def verdicts_of(flow: Flow) -> list[Any]:
    verdicts = sidecar(flow.variants["chosen"].folder, flow.documents.folder)
    rows = documents(flow.documents.folder)
    return sorted((row["key"], verdict["reason"]) for row, verdict in zip(rows, verdicts, strict=True))


def test_what_is_not_found_cannot_be_chosen_from(tmp_path: Path) -> None:
    fields = recipe(write(tmp_path / "in.jsonl")).plain()
    with pytest.raises(RecipeError, match=r"variants\.chosen\.deduplicate_urls.*dedup\.urls"):
        build({**fields, "dedup": {}})
    for keep, message in [
        ("longst", "longest"),
        ("length.words", "did you mean 'best:length.words'"),
        ("best:language.label", "no largest value"),
        ("best:length.word", "length.words"),
    ]:
        fields["variants"]["chosen"]["keep"] = keep
        with pytest.raises(RecipeError, match=message):
            build(fields)
