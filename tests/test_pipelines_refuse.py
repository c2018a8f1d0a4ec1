"""What is refused, by name: too many malformed records, damage, and sidecars of other documents."""

import gzip
import shutil
from pathlib import Path

import pytest
from corpora import small_fields, small_recipe, write_corpus, write_file, write_recipe
from pipelines_harness import command, documents, errors, run_plainly, small, snapshot

from corpuskit import manifest, tokenization
from corpuskit.corpus import Corpus
from corpuskit.errors import CorruptArtifact, InputError, TooManyErrors
from corpuskit.recipe.load import build
from corpuskit.workflow import artifacts
from corpuskit.workflow.flow import Flow
from pipelines import encode, select
from pipelines.engine import Engine, EngineOptions


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return small(tmp_path_factory.getbasetemp())


@pytest.fixture(scope="module")
def engine():
    with Engine(EngineOptions(workers=0)) as engine:
        yield engine


def test_too_many_malformed_records_stop_the_run_until_the_limit_is_raised(tmp_path, made, engine):
    strict = Flow(small_recipe(made.corpus, max_error_rate=0.02), str(tmp_path))
    with pytest.raises(TooManyErrors) as refused:
        strict.prepare(engine)
    first, *examples = str(refused.value).splitlines()
    assert first == "7 of 294 records are malformed (2.4%); max_error_rate allows 2.0%. The first:"
    assert len(examples) == 3
    assert examples[0].split(": ", 1)[0].strip().startswith("a.jsonl, offset ")
    assert not (Path(strict.documents.folder) / "manifest.json").exists()
    before = {path: path.stat().st_ino for path in Path(strict.documents.folder).glob("*.parquet")}

    lenient = Flow(small_recipe(made.corpus, max_error_rate=0.03), str(tmp_path))
    assert lenient.documents == strict.documents, "the limit decides no bytes"
    engine.run(lenient.ingest)
    assert {path: path.stat().st_ino for path in before} == before, "nothing is read again"
    assert snapshot(Path(lenient.documents.folder)) == snapshot(Path(made.flow.documents.folder))


def test_the_command_line_says_so_without_a_traceback(tmp_path, made):
    recipe = write_recipe(tmp_path / "recipe.yaml", small_fields(made.corpus))
    ran = command("run", recipe, "--out", tmp_path / "out", "--set", "max_error_rate=0.02", "--workers", 0)
    _, said = ran.communicate(timeout=60)
    assert ran.returncode == 2
    assert b"error: 7 of 294 records are malformed (2.4%)" in said
    assert b"Traceback" not in said


def test_a_truncated_file_gives_what_it_holds_and_one_error(tmp_path, made):
    corpus = write_corpus(tmp_path / "in")
    data = (corpus / "b.jsonl.gz").read_bytes()
    write_file(corpus / "b.jsonl.gz", data[: len(data) * 2 // 3])
    flow = run_plainly(small_recipe(corpus), tmp_path / "out")
    before = [row for row in documents(made.flow.documents.folder) if row["source"] == "web"]
    found = [row for row in documents(flow.documents.folder) if row["source"] == "web"]
    assert len(before) - 60 < len(found) < len(before)
    assert found == before[: len(found)]
    (damage,) = [row for row in errors(flow.documents.folder) if "truncated" in row[3]]
    assert damage[0] == "b.jsonl.gz"
    assert gzip.decompress(data)[damage[1] :].startswith(damage[2])
    made_here = manifest.read(flow.documents.folder)
    assert made_here.rows + made_here.errors == len(documents(flow.documents.folder)) + len(
        errors(flow.documents.folder)
    )


def test_a_file_that_changes_after_planning_is_refused(tmp_path, engine):
    corpus = write_corpus(tmp_path / "in")
    flow = Flow(small_recipe(corpus), str(tmp_path / "out"))
    step = flow.ingest
    (corpus / "a.jsonl").write_bytes(b'{"text": "something else"}\n')
    with pytest.raises(InputError, match=r"a\.jsonl has changed since the run was planned"):
        engine.run(step)


def test_sources_without_a_document_are_refused(tmp_path, engine):
    write_file(tmp_path / "empty.jsonl", b"\n  \n")
    recipe = build({"name": "none", "sources": [{"name": "nothing", "paths": str(tmp_path / "empty.jsonl")}]})
    with pytest.raises(InputError, match="the sources hold no documents: nothing"):
        Flow(recipe, str(tmp_path / "out")).prepare(engine)


# damage


@pytest.fixture(scope="module")
def copied(tmp_path_factory, made):
    return Path(shutil.copytree(made.out, tmp_path_factory.mktemp("damage") / "out"))


def test_an_intact_corpus_verifies(copied):
    checked = dict(artifacts.verify(str(copied)))
    files = [path for path in copied.rglob("*") if path.is_file() and path.name != "manifest.json"]
    assert sum(checked.values()) == len(files)


@pytest.mark.parametrize(
    "pattern",
    [
        "documents-*/part-0000001.parquet",
        "documents-*/errors/part-0000000.parquet",
        "signals/gopher-*/part-0000000.parquet",
        "duplicates-*/part-0000002.parquet",
        "variants/raw-*/part-0000003.parquet",
        "tokenizers/bpe-*/tokenizer.json",
        "shards/bpe-*/part-0000000.arrow",
    ],
)
def test_a_flipped_byte_anywhere_is_found_by_verify(copied, pattern):
    (path,) = copied.glob(pattern)
    intact = path.read_bytes()
    middle = len(intact) // 2
    path.write_bytes(intact[:middle] + bytes([intact[middle] ^ 1]) + intact[middle + 1 :])
    folder = path.parent.parent if path.parent.name == "errors" else path.parent
    try:
        with pytest.raises(CorruptArtifact, match=rf"{path.name}: xxh3 \w+, expected"):
            manifest.verify(str(folder))
        with pytest.raises(CorruptArtifact, match=path.name):
            list(artifacts.verify(str(copied)))
        if path.name == "tokenizer.json":
            with pytest.raises(CorruptArtifact, match=r"tokenizer\.json: sha256"):
                tokenization.load(str(folder))
    finally:
        path.write_bytes(intact)
    assert manifest.verify(str(folder))


# sidecars of other documents


@pytest.fixture(scope="module")
def stranger(tmp_path_factory, made):
    """The same recipe over one source alone: files of the same names, other rows."""
    recipe = small_recipe(made.corpus, sources=small_fields(made.corpus)["sources"][1:])
    return run_plainly(recipe, tmp_path_factory.mktemp("stranger"))


@pytest.fixture
def mixed(tmp_path, copied, stranger):
    """A corpus some of whose sidecars were replaced by those of other documents, manifest and all."""

    def replace(kind: str, *names: str) -> Path:
        out = Path(shutil.copytree(copied, tmp_path / "out"))
        for name in names or ("",):
            (own,) = out.glob(f"{kind}{name}-*")
            (other,) = Path(stranger.out).glob(f"{kind}{name}-*")
            shutil.rmtree(own)
            shutil.copytree(other, own)
        return out

    return replace


def test_signals_of_other_documents_are_refused_by_name(mixed, made):
    out = mixed("signals/", "length", "size", "gopher")
    named = r"signals/\w+-\w+/part-0000000\.parquet: made for keys \w{16}, but the documents have \w{16}"
    with pytest.raises(CorruptArtifact, match=named):
        Corpus(str(out)).read(["id"], signals=["length.bytes"])
    flow = Flow(made.flow.recipe, str(out))
    shutil.rmtree(flow.variants["raw"].folder)
    step = select.step(flow.variants["raw"], flow.recipe.variants["raw"], flow.selection_inputs("raw"))
    with Engine(EngineOptions(workers=0)) as engine, pytest.raises(CorruptArtifact, match=named):
        engine.run(step)


def test_duplicates_of_other_documents_are_refused_by_name(mixed, made):
    flow = Flow(made.flow.recipe, str(mixed("duplicates")))
    shutil.rmtree(flow.variants["raw"].folder)
    step = select.step(flow.variants["raw"], flow.recipe.variants["raw"], flow.selection_inputs("raw"))
    named = r"duplicates-\w+/part-0000000\.parquet: made for keys"
    with Engine(EngineOptions(workers=0)) as engine, pytest.raises(CorruptArtifact, match=named):
        engine.run(step)


def test_verdicts_of_other_documents_are_refused_by_name(mixed, made):
    out = mixed("variants/", "filtered")
    named = r"variants/filtered-\w+/part-0000000\.parquet: made for keys"
    with pytest.raises(CorruptArtifact, match=named):
        Corpus(str(out)).read(["id"], variant="filtered")
    flow = Flow(made.flow.recipe, str(out))
    place = encode.target("again", flow.documents, flow.tokenizers["bpe"], [flow.variants["filtered"]], str(out))
    folders = [flow.variants["filtered"].folder]
    step = encode.step(place, flow.documents.folder, flow.tokenizers["bpe"].folder, folders)
    with Engine(EngineOptions(workers=0)) as engine, pytest.raises(CorruptArtifact, match=named):
        engine.run(step)


def test_a_run_makes_such_sidecars_again(mixed, made):
    out = mixed("signals/", "length", "size", "gopher")
    run_plainly(made.flow.recipe, out)
    assert snapshot(out) == made.files


def test_a_sidecar_with_other_rows_or_without_a_split_is_refused(copied, made, tmp_path):
    out = Path(shutil.copytree(copied, tmp_path / "out"))
    (folder,) = out.glob("signals/length-*")
    shutil.copy(folder / "part-0000001.parquet", folder / "part-0000000.parquet")
    with pytest.raises(CorruptArtifact, match=r"part-0000000\.parquet: 5 rows, but the documents have 91"):
        Corpus(str(out)).read(["id"], signals=["length.bytes"])
    text = (folder / "manifest.json").read_text().replace('"name": "part-0000000"', '"name": "part-0000009"')
    (folder / "manifest.json").write_text(text)
    with pytest.raises(CorruptArtifact, match=r"the manifest of .*signals/length-\w+ has no such split"):
        Corpus(str(out)).read(["id"], signals=["length.bytes"])
