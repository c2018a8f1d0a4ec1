"""Prepared corpora as the files that a classifier is trained on."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pipelines_harness import run_plainly
from test_classifier import BAD, GOOD, TRAIN, call, write_lines

from corpuskit import manifest
from corpuskit.corpus import Corpus
from corpuskit.recipe.load import build


def corpus_of(out: Path, path: Path, **more: object) -> Corpus:
    fields = {
        "name": "prepared",
        "sources": [{"name": "s", "paths": [str(path)]}],
        "split_bytes": 4_000,
        "heldout": {"share": 0.2},
        "dedup": None,
        **more,
    }
    return Corpus(run_plainly(build(fields), out).out)


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_lines(tmp_path / "good.jsonl", GOOD)
    write_lines(tmp_path / "bad/a.jsonl", BAD)
    return tmp_path


@pytest.mark.parametrize("kind", ["corpus", "documents"])
def test_a_prepared_corpus_is_read_without_what_it_holds_out(kind, here):
    corpus = corpus_of(here / "out", here / "good.jsonl")
    assert len(manifest.read(corpus.documents).parts) > 1
    heldout = sum(batch.column("heldout").true_count for batch in corpus.batches(["heldout"]))
    code, _, err = call(TRAIN.replace("good.jsonl", "out/" if kind == "corpus" else corpus.documents))
    assert code == 0, err
    counts = manifest.read("film").counts
    assert counts["positive.read"] == len(GOOD)
    assert counts["positive.held_out_by_corpus"] == heldout > 0


def test_both_ways_to_name_a_corpus_are_the_same_classifier(here):
    corpus = corpus_of(here / "out", here / "good.jsonl")
    assert call(TRAIN.replace("good.jsonl", "out"))[0] == 0
    first = manifest.read("film").fingerprint
    assert call(TRAIN.replace("good.jsonl", corpus.documents).replace("film", "film2"))[0] == 0
    assert manifest.read("film2").fingerprint == first


def test_texts_of_a_cleaned_corpus_are_the_cleaned_ones(here):
    write_lines(here / "spaced.jsonl", [text.replace(" ", "  ") + " \u200b" for text in GOOD])
    corpus = corpus_of(here / "out", here / "spaced.jsonl", clean=["invisible", "whitespace"])
    for name, given in (("film", "out"), ("again", corpus.text_folder()), ("raw", corpus.documents)):
        assert call(TRAIN.replace("good.jsonl", given).replace("film", name) + " --cut-words 10")[0] == 0
    film, again, raw = (manifest.read(name).fingerprint for name in ("film", "again", "raw"))
    assert film == again != raw


def test_texts_that_lie_in_the_users_parquet_are_read_without_what_is_held_out(here):
    texts = pa.array(GOOD, pa.large_string())
    pq.write_table(pa.table({"id": [str(n) for n in range(len(GOOD))], "text": texts}), here / "own.parquet")
    corpus = corpus_of(here / "out", here / "own.parquet")
    heldout = sum(batch.column("heldout").true_count for batch in corpus.batches(["heldout"]))
    assert call(TRAIN.replace("good.jsonl", "out"))[0] == 0
    assert manifest.read("film").counts["positive.held_out_by_corpus"] == heldout > 0


def test_corpora_and_files_can_be_one_class(here):
    corpus_of(here / "out", here / "good.jsonl")
    write_lines(here / "more.jsonl", [text + " moreover" for text in GOOD])
    assert call(TRAIN + " --positive out --positive more.jsonl")[0] == 0
    counts = manifest.read("film").counts
    assert counts["positive.read"] == 3 * len(GOOD)


def test_what_is_no_corpus_is_no_input(here):
    corpus = corpus_of(here / "out", here / "good.jsonl")
    folder = corpus.artifact("signals", "length")
    code, _, err = call(TRAIN.replace("bad", folder))
    assert code == 2
    assert f"--negative: {folder} is an artifact of kind 'signals'; expected documents, a corpus or files" in err
    (Path(corpus.documents) / "part-0000001.parquet").unlink()
    code, _, err = call(TRAIN.replace("good.jsonl", "out"))
    assert code == 2
    assert "part-0000001.parquet: missing" in err


def test_a_file_called_manifest_may_be_an_input(here):
    (here / "bad/manifest.json").write_text(json.dumps({"id": "x", "text": "an offer to click"}))
    assert call(TRAIN)[0] == 0
    assert manifest.read("film").counts["negative.read"] == len(BAD) + 1
