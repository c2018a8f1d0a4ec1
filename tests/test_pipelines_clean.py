"""Cleaning as revisions: the same text by every way, the right text for every step, held-out text left alone."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from corpora import PROSE_RULES, small_fields, small_recipe, write_file
from hostile import hostile_options
from pipelines_harness import (
    Plainly,
    content,
    corpus,
    documents,
    leftovers,
    run,
    run_plainly,
    shards,
    sidecar,
    snapshot,
    texts,
)

from corpuskit import clean, manifest, tokenization
from corpuskit.corpus import Corpus
from corpuskit.recipe import Recipe
from corpuskit.workflow.flow import Flow
from corpuskit.workflow.plan import plan
from corpuskit.workflow.summary import cleaning, funnel
from pipelines import clean as clean_step
from pipelines import select
from pipelines.engine import Attempt, Engine
from pipelines.select import Inputs

BASE = ["whitespace", "nfc"]
OWN: list[Any] = ["pii", {"step": "repeated_lines", "min_characters": 1}]


def recipe(folder: Path, **changes: Any) -> Recipe:
    """The shared text cleaned, and one variant with cleaners of its own, of which another has the same."""
    sources = [
        *small_fields(folder)["sources"],
        {"name": "mail", "paths": [str(write_mail(folder.parent / "mail.jsonl"))]},
    ]
    variants = {
        "raw": {},
        "masked": {"clean": OWN, "deduplicate": True, "policy": {"rules": PROSE_RULES}},
        "same": {"clean": OWN, "policy": {"rules": [{"signal": "clean.emails", "max": 0}]}},
    }
    tokenizers = {"bpe": {"type": "bpe", "vocab_size": 500, "train_on": "masked"}}
    return small_recipe(
        folder, **{"sources": sources, "clean": BASE, "variants": variants, "tokenizers": tokenizers} | changes
    )


def write_mail(path: Path) -> Path:
    """Forty letters, each twice, with addresses and a line that they have twice."""
    if not path.exists():
        texts = [f"Letter {number}\nwrite to person{number}@example.com  \nyours\nyours" for number in range(40)]
        records = [{"id": f"{number}{copy}", "text": text} for number, text in enumerate(texts) for copy in "ab"]
        write_file(path, "".join(json.dumps(record) + "\n" for record in records).encode())
    return path


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return corpus(tmp_path_factory.getbasetemp())


@pytest.fixture(scope="module")
def flow(tmp_path_factory: pytest.TempPathFactory, inputs: Path) -> Flow:
    return run_plainly(recipe(inputs), tmp_path_factory.mktemp("clean") / "out")


def cleaned(steps: list[Any], given: list[str]) -> list[str]:
    configs = Recipe.model_validate({"name": "x", "sources": [{"name": "x", "paths": ["x"]}], "clean": steps}).clean
    return clean.apply(configs, pa.array(given, pa.large_string()))[0].to_pylist()


def test_the_shared_text_is_the_cleaned_documents(flow: Flow) -> None:
    expected = cleaned(BASE, texts(flow.documents.folder))
    assert texts(flow.texts[0].documents.folder) == expected
    assert [batch["text"] for batch in Corpus(flow.out).read(["text"]).to_pylist()] == expected


def test_a_variant_s_own_cleaners_leave_held_out_text_alone(flow: Flow) -> None:
    rows = documents(flow.texts[0].documents.folder)
    everything = cleaned(OWN, [row["text"] for row in rows])
    expected = [row["text"] if row["heldout"] else text for row, text in zip(rows, everything, strict=True)]
    assert texts(flow.text_of("masked").documents.folder) == expected
    assert expected != [row["text"] for row in rows], "the made corpus has something to mask"


def test_copies_of_held_out_documents_leave_every_variant_whatever_its_own_cleaners_do(flow: Flow) -> None:
    rows = documents(flow.texts[0].documents.folder)
    heldout = {row["text"] for row in rows if row["heldout"]}
    copies = [index for index, row in enumerate(rows) if not row["heldout"] and row["text"] in heldout]
    changed = documents(flow.text_of("masked").documents.folder)
    assert any(changed[index]["text"] not in heldout for index in copies), "else its own clusters would be enough"
    for name, place in flow.variants.items():
        verdicts = sidecar(place.folder, flow.documents.folder)
        assert not any(verdicts[index]["kept"] for index in copies), name


def test_variants_with_the_same_cleaners_share_a_revision(flow: Flow) -> None:
    assert flow.text_of("masked") == flow.text_of("same")
    assert [text.variants for text in flow.texts] == [("raw",), ("masked", "same")]


def test_signals_and_lengths_are_measured_on_the_variant_s_text(flow: Flow) -> None:
    text = flow.text_of("masked")
    lengths = sidecar(flow.signals_by_text[flow.text_of("masked").name]["length"].folder, text.documents.folder)
    assert [row["length.bytes"] for row in lengths] == [len(text.encode()) for text in texts(text.documents.folder)]


def test_counts_are_row_aligned_signals_that_rules_read(flow: Flow) -> None:
    counts = sidecar(flow.text_of("same").counts[-1].folder, flow.documents.folder)
    verdicts = sidecar(flow.variants["same"].folder, flow.documents.folder)
    kept = [row["kept"] or "heldout" in str(row["reason"]) for row in verdicts]
    assert [row["clean.emails"] == 0 for row in counts] == kept
    assert not all(kept)


def test_shards_and_tokenizer_hold_the_variant_s_text(flow: Flow) -> None:
    rows = documents(flow.text_of("masked").documents.folder)
    verdicts = sidecar(flow.variants["masked"].folder, flow.documents.folder)
    wanted = [row for row, verdict in zip(rows, verdicts, strict=True) if row["heldout"] or verdict["kept"]]
    tokenizer = tokenization.load(flow.tokenizers["bpe"].folder)
    found = shards(flow.shards["bpe", "masked"].folder)
    ids = pa.array([tokens for _, tokens in found], pa.large_list(pa.int64()))
    assert tokenizer.decode(ids).to_pylist() == [row["text"] for row in wanted]
    assert flow.shards["bpe", "masked"].name in ("bpe@masked", f"bpe{flow.text_of('masked').suffix}")


def test_a_variant_is_exported_as_its_own_text(flow: Flow) -> None:
    table = Corpus(flow.out).read(["id", "text"], variant="masked")
    rows = documents(flow.text_of("masked").documents.folder)
    verdicts = sidecar(flow.variants["masked"].folder, flow.documents.folder)
    assert table.column("text").to_pylist() == [
        row["text"] for row, verdict in zip(rows, verdicts, strict=True) if verdict["kept"]
    ]


def test_the_funnel_and_the_counts_say_what_was_done(flow: Flow) -> None:
    found = cleaning(Corpus(flow.out))
    assert set(found) == {"clean", "masked, same"}
    assert found["masked, same"]["emails"] > 0
    before, after = texts(flow.documents.folder), texts(flow.texts[0].documents.folder)
    assert found["clean"]["changed documents"] == sum(old != new for old, new in zip(before, after, strict=True))
    steps = {step["step"]: step for step in funnel(Corpus(flow.out))}
    assert steps["cleaned"]["bytes"] == sum(len(text.encode()) for text in after)


def test_nothing_runs_twice_and_changed_cleaners_are_named(flow: Flow, inputs: Path) -> None:
    assert {line.action for line in plan(flow)} == {"skip"}
    changed = plan(Flow(recipe(inputs, clean=["nfc"]), flow.out))
    by_name = {(line.kind, line.name): line for line in changed}
    assert by_name["documents", "documents"].action == "skip"
    assert by_name["documents", "clean"].action == "run"
    assert any("steps" in change for change in by_name["documents", "clean"].changes)


def test_workers_and_runners_give_the_same_files(flow: Flow, inputs: Path, tmp_path: Path) -> None:
    expected = snapshot(Path(flow.out))
    run(recipe(inputs), tmp_path / "workers", workers=2)
    assert snapshot(tmp_path / "workers") == expected
    assert not leftovers(tmp_path / "workers")


def test_a_hostile_runner_gives_the_same_revisions(flow: Flow, tmp_path: Path) -> None:
    text = flow.text_of("masked")
    assert text.base is not None
    place = clean_step.places("masked", text.steps, text.base, str(tmp_path))
    (tmp_path / text.base.folder.removeprefix(flow.out + "/")).parent.mkdir(parents=True, exist_ok=True)
    with Engine(hostile_options()) as engine:
        engine.run(clean_step.step(place, text.steps, text.base.folder))
    found = manifest.read(place.revision.folder)
    expected = manifest.read(text.documents.folder)
    assert (found.rows, found.counts, found.parts) == (expected.rows, expected.counts, expected.parts)


@pytest.mark.parametrize("split_bytes", [10_000, 2**28])
def test_any_split_size_gives_the_same_content(flow: Flow, inputs: Path, tmp_path: Path, split_bytes: int) -> None:
    other = run_plainly(recipe(inputs, split_bytes=split_bytes), tmp_path)
    assert content(other) == content(flow)


def test_a_row_that_kills_its_worker_keeps_its_text_and_leaves_every_variant(flow: Flow, tmp_path: Path) -> None:
    steps, base = flow.texts[0].steps, flow.documents
    place = clean_step.places("clean", steps, base, str(tmp_path))
    step = clean_step.step(place, steps, base.folder)
    (phase,) = step.phases
    markers = [
        phase.work(Attempt(item=item, folder=step.folder, fingerprint=step.identity.fingerprint, poison=poison))
        for item, poison in zip(phase.items, [(1,), *[()] * len(phase.items)], strict=False)
    ]
    assert step.finish is not None
    made = step.finish(step, {"clean": markers})
    manifest.write(step.folder, made)
    rows = documents(base.folder)
    assert (made.rows, made.errors) == (len(rows) - 1, 1)
    expected = cleaned(BASE, [row["text"] for row in rows])
    assert texts(step.folder) == [expected[0], rows[1]["text"], *expected[2:]]
    inputs = Inputs(
        documents=place.revision,
        signals={"size.bytes": flow.signals["size"]},
        duplicates=None,
        counts=(place.counts,),
    )
    variant = select.target("raw", flow.recipe.variants["raw"], inputs, str(tmp_path))
    Plainly().run(select.step(variant, flow.recipe.variants["raw"], inputs))
    reasons = [row["reason"] for row in sidecar(variant.folder, base.folder)]
    assert reasons == [None, "not_cleaned:missing", *[None] * (len(rows) - 2)]


def test_unknown_cleaners_and_wrong_fields_are_named(inputs: Path) -> None:
    from corpuskit.errors import RecipeError
    from corpuskit.recipe.load import build

    for wrong, message in [("whitespcae", "clean"), ({"step": "pii", "kindz": []}, "kindz")]:
        with pytest.raises(RecipeError, match=message):
            build({**small_fields(inputs), "clean": [wrong]})
