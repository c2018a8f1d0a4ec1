"""Held-out documents, and what is nearly like them, never reach training."""

import numpy as np
import pyarrow as pa
import pytest
from corpora import full_fields
from oracle import Oracle
from pipelines_harness import full, run_plainly, sidecar

from corpuskit import tokenization
from corpuskit.corpus import Corpus
from corpuskit.kernels import Texts
from corpuskit.recipe.load import build
from corpuskit.shards import Shards
from corpuskit.tokenization.counts import count_words, files
from corpuskit.workflow.cells import CellData

CELLS = [
    (tokenizer, variant) for tokenizer in ("bpe", "bpe_raw") for variant in ("raw", "unique", "filtered", "chinese")
]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return full(tmp_path_factory.getbasetemp())


@pytest.fixture(scope="module")
def oracle(made):
    return Oracle(made.flow.recipe)


@pytest.fixture(scope="module")
def corpus(made):
    return Corpus(made.flow.out)


def texts_of(cell: CellData, rows: np.ndarray) -> list[str]:
    shards = Shards.open(cell.shards)
    tokens = pa.array([shards.tokens(row) for row in rows.tolist()], pa.large_list(pa.uint16()))
    return tokenization.load(cell.tokenizer_folder).decode(tokens).to_pylist()


@pytest.mark.parametrize(("tokenizer", "variant"), CELLS)
def test_training_rows_are_the_variants_own_and_never_held_out(oracle, corpus, tokenizer, variant):
    cell = CellData(corpus, tokenizer, variant)
    expected = oracle.training(variant)
    assert len(expected) > 10
    keys = Shards.open(cell.shards).keys()
    training = cell.rows.training
    assert [keys[row].tobytes() for row in training] == [document.key for document in expected]
    assert texts_of(cell, training) == [document.text for document in expected]
    assert not {keys[row].tobytes() for row in training} & {one.key for one in oracle.documents if one.heldout}


@pytest.mark.parametrize(("tokenizer", "variant"), CELLS)
def test_validation_sets(oracle, corpus, tokenizer, variant):
    cell = CellData(corpus, tokenizer, variant)
    kept_by_all = np.all([[row["kept"] for row in oracle.variant(name)] for name in oracle.recipe.variants], axis=0)
    rows = list(zip(oracle.documents, kept_by_all, strict=True))
    sets = {
        "raw": [one for one, _ in rows if one.heldout],
        "common": [one for one, kept in rows if one.heldout and kept],
    }
    for name, documents in list(sets.items()):
        for source in ("news", "web"):
            sets[f"{name}, {source}"] = [one for one in documents if one.source == source]
    assert {name: texts_of(cell, found) for name, found in cell.rows.validation.items()} == {
        name: [one.text for one in documents] for name, documents in sets.items() if documents
    }
    assert len(sets["raw"]) > 30


@pytest.mark.parametrize("variant", ["raw", "unique", "filtered", "chinese"])
def test_no_copy_of_a_held_out_document_is_trained_on(oracle, made, variant):
    """Also in `raw`, which keeps all other duplicates; the verdict names the nearest, and how similar the two are."""
    rows = sidecar(made.flow.variants[variant].folder, made.flow.documents.folder)
    held = {document.key for document in oracle.documents if document.heldout}
    texts = {document.text for document in oracle.documents if document.heldout}
    dropped = 0
    for document, match, row in zip(oracle.documents, oracle.matches, rows, strict=True):
        assert document.heldout or not row["kept"] or (match is None and document.text not in texts)
        if row["reason"] == "near_heldout":
            dropped += 1
            assert row["duplicate_of"] in held
            assert (row["duplicate_of"], row["value"]) == (match.key, match.similarity)
            assert row["value"] > row["threshold"]
    assert dropped


def words(texts):
    found = count_words([Texts.from_arrow(pa.array(texts, pa.large_string()))], "gpt2")
    return dict(zip(found.words.to_pylist(), found.counts.tolist(), strict=True))


@pytest.mark.parametrize("name", ["bpe", "bpe_raw"])
def test_no_word_of_a_held_out_text_is_counted(oracle, made, name):
    (counts,) = files.read_folder(made.flow.counts[name].folder).values()
    sample = oracle.sample(name)
    counted = dict(zip(counts.words.to_pylist(), counts.counts.tolist(), strict=True))
    assert counted == words(sample)
    assert not set(sample) & {document.text for document in oracle.documents if document.heldout}
    held = words([document.text for document in oracle.documents if document.heldout])
    assert set(held) - set(words([document.text for document in oracle.training("raw")])) - set(counted)


@pytest.mark.parametrize("materialize", ["always", "never"])
def test_own_and_shared_shards_give_the_same_training_and_validation_text(tmp_path, made, corpus, materialize):
    fields = full_fields(made.corpus)
    other = Corpus(run_plainly(build({**fields, "materialize": materialize}), tmp_path).out)
    own = {"always": {"bpe@raw", "bpe@unique", "bpe@filtered", "bpe@chinese"}, "never": {"bpe"}}
    assert set(other.shard_sets("bpe")) == own[materialize]
    assert set(corpus.shard_sets("bpe")) == {"bpe", "bpe@chinese"}
    for tokenizer, variant in CELLS:
        before, after = CellData(corpus, tokenizer, variant), CellData(other, tokenizer, variant)
        assert texts_of(before, before.rows.training) == texts_of(after, after.rows.training)
        for name, rows in before.rows.validation.items():
            assert texts_of(before, rows) == texts_of(after, after.rows.validation[name])
