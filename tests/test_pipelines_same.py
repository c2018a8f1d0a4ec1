"""The same files for any workers and runners; the same rows and decisions for any splits, order and partitions."""

import json
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from corpora import small_fields, small_recipe, write_recipe
from hostile import hostile_options
from oracle import Oracle
from pipelines_harness import (
    command,
    content,
    corpus,
    full,
    leftovers,
    run,
    run_plainly,
    search,
    sidecar,
    small,
    snapshot,
)

from corpuskit import manifest
from corpuskit.dedup import DedupConfig
from corpuskit.documents import read_documents
from corpuskit.workflow.flow import Flow
from pipelines import dedup, select, signatures
from pipelines.engine import Engine

EMBEDDED = ("--job_endpoint=embed", "--environment_type=beam:env:embedded_python:v1")


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return tmp_path_factory.getbasetemp()


@pytest.fixture(scope="module")
def reference(base):
    return small(base)


@pytest.fixture(scope="module")
def expected(reference):
    return content(reference.flow)


@pytest.mark.parametrize("workers", [0, 1, 3, pytest.param(2, marks=pytest.mark.slow)])
def test_any_number_of_workers_gives_the_same_files(tmp_path, reference, workers):
    run(small_recipe(reference.corpus), tmp_path, workers=workers)
    assert snapshot(tmp_path) == reference.files
    assert leftovers(tmp_path) == []


def test_the_reference_is_tidy_and_has_several_splits(reference):
    kinds = {name.split("/")[0].split("-")[0] for name in reference.files}
    assert kinds == {
        "documents",
        "signals",
        "signatures",
        "duplicates",
        "variants",
        "counts",
        "tokenizers",
        "shards",
        "manifest.json",
    }
    assert leftovers(reference.out) == []
    assert len(manifest.read(reference.flow.documents.folder).parts) == 4


def test_any_beam_runner_gives_the_same_files_from_the_command_line(tmp_path, reference):
    recipe = write_recipe(tmp_path / "recipe.yaml", small_fields(reference.corpus))
    ran = command("run", recipe, "--out", tmp_path / "out", "--runner", "FnApiRunner", "--json")
    printed, said = ran.communicate(timeout=120)
    assert ran.returncode == 0, said.decode()
    funnel = {step["step"]: step["documents"] for step in json.loads(printed)["funnel"]}
    assert funnel["documents"] == 287
    assert snapshot(tmp_path / "out") == reference.files


def test_the_portable_runner_gives_the_same_files(tmp_path, reference):
    run(small_recipe(reference.corpus), tmp_path, runner="PortableRunner", runner_options=EMBEDDED)
    assert snapshot(tmp_path) == reference.files


def test_a_hostile_runner_gives_the_same_duplicates_and_variants(tmp_path, reference):
    flow, recipe = reference.flow, reference.flow.recipe
    signed = signatures.target(recipe.dedup, flow.documents, str(tmp_path))
    duplicates = dedup.target(recipe.dedup, signed, str(tmp_path))
    inputs = replace(flow.selection_inputs("filtered"), duplicates=duplicates)
    variant = select.target("filtered", recipe.variants["filtered"], inputs, str(tmp_path))
    with Engine(hostile_options()) as engine:
        engine.run(signatures.step(signed, recipe.dedup, flow.documents.folder))
        engine.run(dedup.step(duplicates, recipe.dedup, signed.folder, flow.documents.folder))
        engine.run(select.step(variant, recipe.variants["filtered"], inputs))
    assert snapshot(Path(duplicates.folder)) == snapshot(Path(flow.duplicates[""].folder))
    assert snapshot(Path(variant.folder)) == snapshot(Path(flow.variants["filtered"].folder))


@pytest.mark.slow
def test_a_hostile_runner_gives_the_same_files(tmp_path, reference):
    flow = Flow(small_recipe(reference.corpus), str(tmp_path))
    with Engine(hostile_options()) as engine:
        flow.prepare(engine)
    assert snapshot(tmp_path) == reference.files


@pytest.mark.parametrize(
    "split_bytes",
    [10_000, 2**28, pytest.param(700, marks=pytest.mark.slow), pytest.param(64_000, marks=pytest.mark.slow)],
)
def test_any_split_size_gives_the_same_rows_decisions_and_tokenizers(tmp_path, reference, expected, split_bytes):
    flow = run_plainly(small_recipe(reference.corpus, split_bytes=split_bytes), tmp_path)
    assert content(flow) == expected
    assert flow.documents.fingerprint != reference.flow.documents.fingerprint
    parts = [part["name"] for part in manifest.read(flow.documents.folder).parts]
    assert any("-001" in part for part in parts) == (split_bytes < 40_000), "one piece gives several parts"


def test_the_order_of_paths_changes_no_file(tmp_path, reference):
    fields = small_fields(reference.corpus)
    for source in fields["sources"]:
        source["paths"].reverse()
    run_plainly(small_recipe(reference.corpus, sources=fields["sources"]), tmp_path)
    files = {name: data for name, data in snapshot(tmp_path).items() if name != "manifest.json"}
    assert files == {name: data for name, data in reference.files.items() if name != "manifest.json"}


def test_the_order_of_sources_changes_no_row(tmp_path, reference, expected):
    sources = small_fields(reference.corpus)["sources"][::-1]
    assert content(run_plainly(small_recipe(reference.corpus, sources=sources), tmp_path)) == expected


@pytest.mark.parametrize("link", [True, False])
def test_parquet_linked_or_copied_gives_the_same_decisions(tmp_path, reference, expected, link):
    rows = pa.Table.from_batches(list(read_documents(reference.flow.documents.folder)))
    fields = small_fields(reference.corpus)
    for source in fields["sources"]:
        path = tmp_path / f"{source['name']}.parquet"
        own = rows.filter(pc.equal(rows.column("source"), source["name"]))
        pq.write_table(own.select(["id", "text", "url", "timestamp"]), path, row_group_size=30)
        source |= {"paths": [str(path)], "link": link}
    flow = run_plainly(small_recipe(reference.corpus, sources=fields["sources"]), tmp_path / "out")
    parts = manifest.read(flow.documents.folder).parts
    assert len(parts) >= 3
    assert all(part.get("linked", False) == link for part in parts)
    found = content(flow)
    assert [row | {"metadata": None} for row in expected["documents"]] == found.pop("documents")
    assert found.pop("errors") == []
    assert found == {name: table for name, table in expected.items() if name not in ("documents", "errors")}


@pytest.mark.parametrize("partitions", [2, 7, 64])
def test_any_number_of_partitions_gives_the_same_files(tmp_path, reference, partitions):
    documents = reference.flow.documents
    place = search(DedupConfig(), documents, tmp_path, partitions=partitions)
    assert snapshot(Path(place.folder)) == snapshot(Path(reference.flow.duplicates[""].folder))


@pytest.mark.parametrize(
    "fields",
    [
        {"minhash": False},
        {"exact": False},
        {"ngram": 2, "bands": 30, "rows": 3, "seed": 7, "threshold": 0.4},
        {"ngram": 2, "bands": 30, "rows": 3, "verify": "none"},
        {"ngram": 3, "bands": 30, "rows": 3, "verify": "exact", "threshold": 0.5},
        {"unit": "characters", "ngram": 9, "bands": "auto", "rows": "auto", "lower_case": False},
    ],
    ids=["exact", "near", "loose", "unverified", "by shingles", "characters"],
)
def test_other_definitions_of_a_duplicate_agree_with_the_oracle(tmp_path, base, fields):
    config = DedupConfig(**fields)
    documents = small(base).flow.documents
    place = search(config, documents, tmp_path, partitions=3)
    oracle = Oracle(small_recipe(corpus(base), dedup=fields))
    assert sidecar(place.folder, documents.folder) == oracle.duplicates()
    assert any(oracle.members)
    assert any(oracle.matches)


def test_more_variants_and_tokenizers_change_nothing_of_the_others(base, expected):
    more = content(full(base).flow)
    assert {name: more[name] for name in expected if not name.startswith("shards")} == {
        name: rows for name, rows in expected.items() if not name.startswith("shards")
    }


@pytest.mark.slow
def test_two_commands_may_share_a_folder(tmp_path, reference):
    recipe, out = write_recipe(tmp_path / "recipe.yaml", small_fields(reference.corpus)), tmp_path / "out"
    both = [command("run", recipe, "--out", out, "--workers", 1, "--quiet") for _ in range(2)]
    said = [process.communicate(timeout=200)[1].decode() for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert snapshot(out) == reference.files
    assert leftovers(out) == []


@pytest.mark.slow
def test_slices_that_come_again_and_again_finish(tmp_path, reference):
    recipe, out = write_recipe(tmp_path / "recipe.yaml", small_fields(reference.corpus)), tmp_path / "out"
    codes = []
    while codes[-2:] != [0, 0]:
        both = [
            command("run", recipe, "--out", out, "--workers", 0, "--quiet", "--slice", f"{share}/2") for share in (1, 2)
        ]
        said = [process.communicate(timeout=200)[1].decode() for process in both]
        codes += [process.returncode for process in both]
        assert set(codes) <= {0, 75}, said
        assert len(codes) < 60
    assert snapshot(out) == reference.files
    assert leftovers(out) == []
