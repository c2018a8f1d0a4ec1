"""A classifier from files to a signal: the command line, the artifact, and what is refused."""

import itertools
import json
import os
from pathlib import Path

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import typer
import zstandard
from typer.testing import CliRunner

from corpuskit import manifest
from corpuskit.cli import Commands, classifiers, console
from corpuskit.documents import SourceConfig
from corpuskit.errors import ArtifactError, CorruptArtifact, InputError
from corpuskit.kernels import Texts
from corpuskit.signals.classifier import CLASSIFIER, ClassifierConfig, TrainingConfig, model
from corpuskit.workflow.classifying import describe, train_classifier

DATA = os.environ.get("CORPUSKIT_TEST_DATA", "")
APP = typer.Typer(cls=Commands, pretty_exceptions_enable=False)
classifiers.register(APP)
TRAIN = "classifier train --positive good.jsonl --negative bad --out film --buckets 4096"


@APP.command()
def other() -> None:
    """A second command, so that the group keeps its name."""


def call(line: str) -> tuple[int, str, str]:
    console.set_quiet(False)
    ended = CliRunner().invoke(APP, line.split())
    if ended.exception and not isinstance(ended.exception, SystemExit):
        raise ended.exception
    return ended.exit_code, ended.stdout, ended.stderr


def made(count: int, words: str, seed: int) -> list[str]:
    generator = np.random.default_rng(seed)
    vocabulary = [*words.split(), *["and", "so", "it", "is", "that", "we", "all", "go", "on", "with", "this"]]
    return [" ".join(generator.choice(vocabulary, 30)) for _ in range(count)]


GOOD = made(80, "river mountain garden window", 1)
BAD = made(60, "buy cheap click offer", 2)


def write_lines(path: Path, texts: list[str], field: str = "text") -> None:
    path.parent.mkdir(exist_ok=True)
    lines = "".join(json.dumps({"id": str(number), field: text}) + "\n" for number, text in enumerate(texts))
    path.write_text(lines)


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A working folder with two classes: a file, and a folder of two packed files."""
    monkeypatch.chdir(tmp_path)
    write_lines(tmp_path / "good.jsonl", GOOD)
    write_lines(tmp_path / "bad/a.jsonl", BAD[:30])
    write_lines(tmp_path / "bad/b.jsonl", BAD[30:])
    packed = zstandard.ZstdCompressor().compress((tmp_path / "bad/b.jsonl").read_bytes())
    (tmp_path / "bad/b.jsonl").unlink()
    (tmp_path / "bad/b.jsonl.zst").write_bytes(packed)
    for path in tmp_path.rglob("*.*"):
        os.utime(path, (1_600_000_000, 1_600_000_000))
    return tmp_path


@pytest.fixture
def film(here):
    assert call(f"{TRAIN} --json")[0] == 0
    return here / "film"


def wrap(texts: list[str]) -> Texts:
    return Texts.from_arrow(pa.array(texts, pa.large_string()))


def test_a_trained_classifier_says_how_good_it_is_and_scores_texts(here):
    code, out, err = call(f"{TRAIN} --json")
    assert code == 0
    said = json.loads(out)
    assert said["metrics"]["auc"] > 0.99
    assert said["metrics"]["positive"] == 8
    assert said["counts"]["negative.read"] == 60
    assert {row["word"] for row in said["for_positive"][:4]} == {"river", "mountain", "garden", "window"}
    assert {row["word"] for row in said["for_negative"][:4]} == {"buy", "cheap", "click", "offer"}
    assert err.splitlines() == ["reading positive", "reading negative", "learning", "classifier: film"]
    config = ClassifierConfig(models={"film": "film"})
    values = CLASSIFIER.measure(wrap(["river and garden", "cheap offer", "", "?!"]), config)
    found, logits = values["film"], values["film_logit"]
    assert found.dtype == logits.dtype == np.float32
    assert found[0] > 0.5 > found[1]
    assert found[:2] == pytest.approx(1 / (1 + np.exp(-logits[:2])))
    assert np.isnan(found[2:]).all()
    assert np.isnan(logits[2:]).all()


def test_log_odds_rank_texts_whose_probability_is_one(film):
    _changed(film, lambda fields: fields["extra"].update(calibration={"slope": 50.0, "intercept": 0.0}))
    texts = ["river mountain garden window", "river mountain garden window and", "river garden and this"]
    values = CLASSIFIER.measure(wrap(texts), ClassifierConfig(models={"film": "film"}))
    assert values["film"].tolist() == [1, 1, 1]
    assert sorted(values["film_logit"], reverse=True) == values["film_logit"].tolist()
    assert len(set(values["film_logit"].tolist())) == 3


def test_the_tables_for_people_name_what_is_in_the_manifest(film):
    code, out, _ = call("classifier show film --words 2")
    metrics = manifest.read("film").extra["metrics"]
    assert code == 0
    assert f"{metrics['auc']:.4f}" in out
    assert f"{metrics['brier']:.4f}" in out
    assert "16 texts" not in out
    assert "14 texts of 14 documents" in out
    assert [line.split() for line in out.splitlines() if line.startswith("documents")] == [["documents", "80", "60"]]


def test_quiet_prints_the_result_alone(here):
    _, out, err = call(f"{TRAIN} --quiet --json")
    assert (json.loads(out)["path"], err) == ("film", "")


def test_the_same_inputs_give_the_same_bytes_and_are_not_trained_twice(film, here):
    files = {path.name: path.read_bytes() for path in film.iterdir()}
    times = {path.name: path.stat().st_mtime_ns for path in film.iterdir()}
    assert sorted(files) == ["manifest.json", "weights.npy", "words.parquet"]
    assert call(TRAIN)[2] == "classifier: film\n"
    assert {path.name: path.stat().st_mtime_ns for path in film.iterdir()} == times
    assert call(TRAIN.replace("film", "again"))[0] == 0
    again = {path.name: path.read_bytes() for path in (here / "again").iterdir()}
    assert again["weights.npy"] == files["weights.npy"]
    assert again["words.parquet"] == files["words.parquet"]
    assert orjson.loads(again["manifest.json"]) == {**orjson.loads(files["manifest.json"]), "name": "again"}
    assert manifest.verify("film") == 2


def test_other_settings_train_again(film):
    before = model.digest("film")
    assert CLASSIFIER.identity(ClassifierConfig(models={"a": "film"})) == {"a": before}
    assert call(f"{TRAIN} --seed 1")[0] == 0
    assert model.digest("film") != before
    config = ClassifierConfig(models={"film": "film"})
    score = CLASSIFIER.measure(wrap(["river"]), config)["film"][0]
    assert score == pytest.approx(1 / (1 + np.exp(-model.load("film").log_odds(wrap(["river"]))[0])))


def test_how_the_input_is_cut_into_files_decides_no_weight(film, here):
    write_lines(here / "good/1.jsonl", GOOD[50:])
    write_lines(here / "good/2.jsonl", GOOD[:50])
    line = TRAIN.replace("good.jsonl", "good/1.jsonl --positive good/2.jsonl").replace("film", "again")
    assert call(line)[0] == 0
    assert (here / "again/weights.npy").read_bytes() == (here / "film/weights.npy").read_bytes()


def test_parquet_text_and_other_fields_are_read(here):
    pq.write_table(pa.table({"body": GOOD, "name": [str(number) for number in range(80)]}), "good.parquet")
    write_lines(here / "bad.jsonl", BAD, field="body")
    line = "classifier train --positive good.parquet --negative bad.jsonl --text-field body --id-field name --out film"
    assert call(line)[0] == 0
    (here / "texts").mkdir()
    for number, text in enumerate(GOOD):
        (here / f"texts/{number}.txt").write_text(text)
    line = "classifier train --positive texts --negative bad.jsonl --text-field body --out film"
    assert call(line)[0] == 0
    assert manifest.read("film").counts["positive.read"] == 80


@pytest.mark.parametrize("suffix", ["parquet", "jsonl"])
def test_documents_that_a_corpus_holds_out_are_not_learnt_from(here, suffix):
    """As the Parquet of a prepared corpus marks them; a field of a field and a text are no mark."""
    held = [number % 4 == 0 for number in range(80)]
    rows = [
        {"id": str(number), "text": text, "heldout": mark, "more": {"heldout": True}, "source": '"heldout":true'}
        for number, (text, mark) in enumerate(zip(GOOD, held, strict=True))
    ]
    pq.write_table(pa.Table.from_pylist(rows), "marked.parquet")
    (here / "marked.jsonl").write_bytes(b"\n".join(map(orjson.dumps, rows)))
    write_lines(here / "rest.jsonl", [text for text, mark in zip(GOOD, held, strict=True) if not mark])
    assert call(TRAIN.replace("good.jsonl", f"marked.{suffix}"))[1].count("held out by corpus") == 1
    assert call(TRAIN.replace("good", "rest").replace("film", "again"))[1].count("held out by corpus") == 0
    assert (here / "film/weights.npy").read_bytes() == (here / "again/weights.npy").read_bytes()
    counts = manifest.read("film").counts
    assert (counts["positive.read"], counts["positive.held_out_by_corpus"], counts["positive.documents"]) == (
        80,
        20,
        60,
    )
    assert counts["negative.held_out_by_corpus"] == 0


def test_what_a_killed_training_left_is_no_other_file(here):
    (here / "film").mkdir()
    (here / "film/.weights.npy.12-34.tmp").write_bytes(b"half")
    (here / "film/weights.npy").write_bytes(b"whole")
    assert call(TRAIN)[0] == 0


def test_long_documents_are_cut_and_few_are_taken(here):
    write_lines(here / "long.jsonl", [" ".join(BAD[start::12]) for start in range(12)])
    line = TRAIN.replace("bad", "long.jsonl")
    assert call(f"{line} --cut-words 30 --max-documents 40 --max-words 60 --heldout 0.5 --epochs 2 --json")[0] == 0
    counts = manifest.read("film").counts
    assert counts["positive.documents"] == 40
    assert counts["positive.sampled_out"] == 40
    assert counts["negative.evaluate"] == 3 * 2
    assert len(manifest.read("film").extra["epochs"]) == 2


MISTAKES = {
    TRAIN.replace("good", "no"): "no.jsonl: no such file, folder or glob match",
    TRAIN.replace("bad", "few.jsonl"): "the negative class has 3 documents to learn from, expected 10 or more",
    TRAIN.replace("bad", "good.jsonl"): "80 are in both classes",
    TRAIN.replace("bad", "none.jsonl"): "--negative none.jsonl: the sources hold no documents: negative",
    TRAIN.replace("bad", "wrong.jsonl"): "3 of 3 records are malformed",
    f"{TRAIN} --text-field body": "field 'body' is missing or null",
    f"{TRAIN} --cut-words 0": "--cut-words: expected at least 1, given 0",
    f"{TRAIN} --epochs 0": "--epochs: expected at least 1, given 0",
    f"{TRAIN} --heldout 0.9": "--heldout: expected at most 0.8, given 0.9",
    f"{TRAIN} --max-documents 3": "--max-documents: expected at least 10, given 3",
    f"{TRAIN}0": "--buckets: expected a power of two, such as 1048576, given 40960",
    TRAIN.replace("film", "good.jsonl"): "is a file; an output folder cannot be made there",
    TRAIN.replace("film", "bad"): "bad holds other files, such as a.jsonl; choose another --out",
    TRAIN.replace("film", "shards"): "is an artifact of kind 'shards', which a classifier would overwrite",
    "classifier show nothing": "nothing: no such folder",
    "classifier show bad": "bad: no manifest.json here",
    "classifier show shards": "is an artifact of kind 'shards', expected 'classifier'",
}


@pytest.mark.parametrize("line", MISTAKES)
def test_a_mistake_gives_one_message(line, here):
    write_lines(here / "few.jsonl", BAD[:3])
    write_lines(here / "none.jsonl", [])
    (here / "wrong.jsonl").write_text("no\njson\nhere\n")
    shards = manifest.Manifest(kind="shards", name="x", fingerprint="0", identity={})
    manifest.write(str(here / "shards"), shards)
    code, out, err = call(line)
    assert (code, out) == (2, "")
    assert MISTAKES[line] in err
    assert "Traceback" not in err
    assert not (here / "film").exists()


def _changed(folder: Path, change) -> None:
    path = folder / "manifest.json"
    fields = orjson.loads(path.read_bytes())
    change(fields)
    path.write_bytes(orjson.dumps(fields))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda fields: fields.update(format_version=99), "has format version 99; this corpuskit reads version 1"),
        (lambda fields: fields["extra"].update(features=99), "has features of version 99, this corpuskit makes"),
        (lambda fields: fields.update(kind="tokenizer"), "is an artifact of kind 'tokenizer', expected 'classifier'"),
    ],
)
def test_a_classifier_of_another_version_is_refused(film, change, message):
    _changed(film, change)
    for use in (describe_film, measure_film, identify_film):
        with pytest.raises(ArtifactError, match=message):
            use()


def test_a_run_with_a_classifier_that_is_not_there_reads_nothing(here):
    from corpuskit.recipe import Recipe
    from corpuskit.workflow.flow import Flow

    fields = {"name": "x", "sources": [{"name": "a", "paths": "good.jsonl"}], "signals": ["classifier"]}
    flow = Flow(Recipe.model_validate({**fields, "classifiers": {"film": "nothing"}}), "out")
    with pytest.raises(ArtifactError, match=r"classifiers\.film: nothing: no such folder"):
        flow.prepare(None)  # whose first step would need an engine


def describe_film() -> None:
    describe("film", 3)


def measure_film() -> None:
    CLASSIFIER.measure(wrap(["text"]), ClassifierConfig(models={"film": "film"}))


def identify_film() -> None:
    CLASSIFIER.identity(ClassifierConfig(models={"film": "film"}))


def test_weights_that_do_not_match_their_manifest_are_refused(film):
    weights = film / "weights.npy"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    with pytest.raises(CorruptArtifact, match=r"weights.npy: xxh3 \w+, expected"):
        measure_film()
    weights.unlink()
    with pytest.raises(CorruptArtifact, match=r"weights.npy: missing"):
        measure_film()


def test_words_that_do_not_match_their_manifest_are_refused(film):
    words = film / "words.parquet"
    words.write_bytes(words.read_bytes()[:-9])
    with pytest.raises(CorruptArtifact, match=r"words.parquet: xxh3 \w+, expected"):
        describe_film()
    words.unlink()
    with pytest.raises(CorruptArtifact, match=r"words.parquet: missing"):
        describe_film()


def test_a_classifier_that_is_not_there_is_refused(here):
    for use in (measure_film, identify_film):
        with pytest.raises(ArtifactError, match=r"classifiers\.film: film: no such folder"):
            use()


def test_malformed_records_are_counted(here):
    with (here / "good.jsonl").open("a") as file:
        file.write("not json\n")
    source = {name: SourceConfig(name=name, paths=(path,)) for name, path in (("a", "good.jsonl"), ("b", "bad"))}
    config = TrainingConfig(buckets=2**12)
    with pytest.raises(InputError, match=r"1 of 81 records are malformed \(1.2%\)"):
        train_classifier(source["a"], source["b"], config, "film", lambda *_: None)
    found = train_classifier(source["a"], source["b"], config, "film", lambda *_: None, max_error_rate=0.1)
    assert (found.errors, describe("film", 1)["malformed"]) == (1, 1)


# real texts


needs_data = pytest.mark.skipif(not Path(DATA, "text").is_dir(), reason="CORPUSKIT_TEST_DATA is not set")


def source(name: str, max_bytes: int) -> SourceConfig:
    path = Path(DATA, "text", name, f"{name}.jsonl.zst")
    return SourceConfig(name=name, paths=(str(path),), max_bytes=max_bytes)


@needs_data
def test_film_reviews_are_told_from_novels(tmp_path):
    config = TrainingConfig(cut_words=230, heldout=0.4, epochs=2)
    reviews, novels = source("imdb_unsup", 6_000_000), source("eltec_eng", 18_000_000)
    found = train_classifier(reviews, novels, config, str(tmp_path / "film"), lambda *_: None)
    metrics = found.extra["metrics"]
    assert metrics["auc"] > 0.998
    assert metrics["auc_low"] > 0.99
    assert metrics["calibration_error"] < 0.02
    words = [row["word"] for row in describe(str(tmp_path / "film"), 10)["for_positive"]]
    assert {"movie", "film"} <= set(words)


@needs_data
def test_chinese_opinions_are_told_apart_by_ideographs(tmp_path):
    import csv

    with Path(DATA, "tasks/zh_hotel/ChnSentiCorp_htl_all.csv").open(encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    for label, group in itertools.groupby(sorted(rows, key=lambda row: row["label"]), lambda row: row["label"]):
        write_lines(tmp_path / f"{label}.jsonl", [row["review"] for row in group])
    sources = [SourceConfig(name=label, paths=(str(tmp_path / f"{label}.jsonl"),)) for label in "10"]
    found = train_classifier(*sources, TrainingConfig(), str(tmp_path / "hotel"), lambda *_: None)
    assert found.extra["metrics"]["auc"] > 0.93
    assert found.extra["metrics"]["calibration_error"] < 0.06
