"""What the data steps write equals what plain Python over lists gives, row by row."""

import json
from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from oracle import Oracle, signals_of
from pipelines_harness import documents, errors, full, shards, sidecar

from corpuskit import manifest, tokenization
from corpuskit.workflow.summary import drops, funnel

VARIANTS = ["raw", "unique", "filtered", "chinese"]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return full(tmp_path_factory.getbasetemp())


@pytest.fixture(scope="module")
def oracle(made):
    return Oracle(made.flow.recipe)


@pytest.fixture(scope="module")
def flow(made):
    return made.flow


def test_the_corpus_has_what_it_is_made_for(oracle):
    texts = [document.text for document in oracle.documents]
    methods = [member and member.method for member in oracle.members]
    clusters = {member.cluster for member in oracle.members if member}
    assert (len(texts), len(oracle.errors)) == (287, 7)
    assert texts.count("") >= 4
    assert methods.count("minhash") >= 20
    assert methods.count("exact") >= 60
    assert max([member and member.cluster for member in oracle.members].count(cluster) for cluster in clusters) >= 4
    keys = [document.key for document in oracle.documents]
    assert len(set(keys)) < len(keys), "some ids are taken twice"
    assert 30 < sum(document.heldout for document in oracle.documents) < 60
    for name in VARIANTS:
        reasons = [row["reason"] for row in oracle.variant(name)]
        assert "near_heldout" in reasons
        assert ("duplicate" in reasons) == oracle.recipe.variants[name].deduplicate


def test_documents(oracle, flow):
    found = documents(flow.documents.folder)
    expected = [{**vars(document), "metadata": document.metadata} for document in oracle.documents]
    assert [row | {"metadata": json.loads(row["metadata"] or "{}")} for row in found] == expected
    made = manifest.read(flow.documents.folder, "documents")
    assert (made.rows, made.errors) == (len(oracle.documents), len(oracle.errors))
    assert made.counts == {"text_bytes": sum(document.size for document in oracle.documents)}


def test_malformed_records(oracle, flow):
    found = errors(flow.documents.folder)
    assert [row[:3] for row in found] == sorted((error.file, error.offset, error.raw) for error in oracle.errors)
    assert all(len(message) > 10 for *_, message in found)


@pytest.mark.parametrize("group", ["length", "gopher", "composition"])
def test_signals(oracle, flow, group):
    found = sidecar(flow.signals[group].folder, flow.documents.folder)
    expected = [signals_of(document.text) for document in oracle.documents]
    assert all(found)
    sums = [row.pop("composition.unigram_entropy", None) for row in found]  # a sum: its last bit depends on the order
    assert found == [{name: row[name] for name in names} for names, row in zip(found, expected, strict=True)]
    for value, row in zip(sums, expected, strict=True):
        assert value is None or value == pytest.approx(row["composition.unigram_entropy"], rel=1e-6)
    made = manifest.read(flow.signals[group].folder, "signals")
    assert (made.rows, made.errors) == (len(oracle.documents), 0)


def test_duplicates(oracle, flow):
    found = sidecar(flow.duplicates[""].folder, flow.documents.folder)
    assert found == oracle.duplicates()
    made = manifest.read(flow.duplicates[""].folder, "duplicates")
    sizes = Counter(member.cluster.hex() for member in oracle.members if member)
    biggest = sorted(sizes.items(), key=lambda pair: (-pair[1], pair[0]))
    powers = Counter(str((size - 1).bit_length()) for size in sizes.values())
    assert made.extra == {
        "clusters": len(sizes),
        "members": sizes.total(),
        "large_clusters": 0,
        "large_members": 0,
        "large_parts": 0,
        "largest_cluster": biggest[0][1],
        "sizes": dict(powers),
        "biggest": [list(pair) for pair in biggest[:10]],
    }


@pytest.mark.parametrize("name", VARIANTS)
def test_variants(oracle, flow, name):
    found = sidecar(flow.variants[name].folder, flow.documents.folder)
    assert found == oracle.variant(name)


@pytest.mark.parametrize("name", VARIANTS)
def test_counts_of_a_variant(oracle, flow, name):
    rows = list(zip(oracle.documents, oracle.variant(name), strict=True))
    kept = [document for document, row in rows if row["kept"]]
    made = manifest.read(flow.variants[name].folder, "variant")
    counts = made.counts
    assert (made.rows, counts["kept"]) == (len(rows), len(kept))
    assert counts["kept_bytes"] == sum(document.size for document in kept)
    assert counts["kept_heldout"] == sum(document.heldout for document in kept)
    assert sum(part["kept"] for part in made.parts) == len(kept)
    reasons = {row["reason"] for _, row in rows} - {None}
    for kind in ("dropped.", "dropped_bytes."):
        assert {name.removeprefix(kind) for name in counts if name.startswith(kind)} == reasons
    for reason in reasons:
        dropped = [document for document, row in rows if row["reason"] == reason]
        assert counts[f"dropped.{reason}"] == len(dropped)
        assert counts[f"dropped_bytes.{reason}"] == sum(document.size for document in dropped)


def test_the_funnel_adds_up(oracle, made):
    from corpuskit.corpus import Corpus

    corpus = Corpus(made.flow.out)
    steps = {step["step"]: step for step in funnel(corpus)}
    assert steps["records read"]["documents"] == 287 + 7
    for name, reasons in drops(corpus).items():
        kept = len([row for row in oracle.variant(name) if row["kept"]])
        assert steps[f"{name}: kept"]["documents"] == kept
        assert kept + sum(reason["documents"] for reason in reasons) == steps["documents"]["documents"]


@pytest.mark.parametrize("name", ["bpe", "bpe_raw"])
def test_a_tokenizer_is_trained_on_the_sample(oracle, flow, name):
    sample = oracle.sample(name)
    expected = tokenization.train(oracle.recipe.tokenizers[name], [pa.array(sample, pa.large_string())])
    assert tokenization.load(flow.tokenizers[name].folder).fingerprint == expected.fingerprint
    counted = manifest.read(flow.counts[name].folder, "counts")
    size = sum(len(text.encode()) for text in sample)
    assert (counted.rows, counted.counts["text_bytes"]) == (len(sample), size)
    assert size <= 40_000 or name != "bpe"


@pytest.mark.parametrize("tokenizer", ["bpe", "bpe_raw"])
def test_shards_hold_what_their_variants_read_and_all_held_out_rows(oracle, flow, tokenizer):
    assert flow.shard_sets(tokenizer) == {
        tokenizer: ("raw", "filtered", "unique"),
        f"{tokenizer}@chinese": ("chinese",),
    }
    encoder = tokenization.load(flow.tokenizers[tokenizer].folder)
    for variants in flow.shard_sets(tokenizer).values():
        kept = np.any([[row["kept"] for row in oracle.variant(name)] for name in variants], axis=0)
        pairs = zip(oracle.documents, kept, strict=True)
        expected = [document for document, stays in pairs if stays or document.heldout]
        place = flow.shards[tokenizer, variants[0]]
        found = shards(place.folder)
        assert [key for key, _ in found] == [document.key for document in expected]
        texts = encoder.decode(pa.array([ids for _, ids in found], pa.large_list(pa.uint16())))
        assert texts.to_pylist() == [document.text for document in expected]
        made = manifest.read(place.folder, "shards")
        assert (made.rows, made.errors) == (len(expected), 0)
        assert made.counts["bytes"] == sum(document.size for document in expected)
        assert made.counts["tokens"] == sum(len(ids) for _, ids in found)
