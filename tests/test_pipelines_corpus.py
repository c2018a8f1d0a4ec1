"""A prepared corpus as Arrow, the shuffle's files, and raw files straight to shards."""

import pyarrow as pa
import pytest
from corpora import SOURCES, small_fields
from hypothesis import given
from hypothesis import strategies as st
from oracle import Oracle, signals_of
from pipelines_harness import Plainly, errors, full, run_plainly, shards, snapshot

import corpuskit
from corpuskit import manifest, tokenization
from corpuskit.corpus import Corpus
from corpuskit.documents import SourceConfig
from corpuskit.errors import ArtifactError, TooManyErrors
from corpuskit.recipe.load import build
from corpuskit.shards import Shards
from pipelines import exchange, tokenize
from pipelines.engine import Engine, EngineOptions


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return full(tmp_path_factory.getbasetemp())


@pytest.fixture(scope="module")
def oracle(made):
    return Oracle(made.flow.recipe)


def test_documents_come_with_their_signals(made, oracle):
    table = Corpus(made.flow.out).read(["id"], signals=["gopher.words", "length.bytes"])
    assert table.column_names == ["id", "gopher.words", "length.bytes"]
    expected = [(one.id, signals_of(one.text)["gopher.words"], one.size) for one in oracle.documents]
    assert [tuple(row.values()) for row in table.to_pylist()] == expected


@pytest.mark.parametrize("variant", ["raw", "unique", "filtered", "chinese"])
def test_a_variant_gives_its_documents_alone(made, oracle, variant):
    kept = [one for one, row in zip(oracle.documents, oracle.variant(variant), strict=True) if row["kept"]]
    table = Corpus(made.flow.out).read(["text"], signals=["length.words"], variant=variant)
    assert [row["text"] for row in table.to_pylist()] == [one.text for one in kept]
    assert table.column("length.words").to_pylist() == [signals_of(one.text)["length.words"] for one in kept]


def test_what_a_corpus_holds(made):
    corpus = corpuskit.open(made.flow.out)
    assert isinstance(corpus, Corpus)
    assert set(corpus.variants) == {"raw", "unique", "filtered", "chinese"}
    assert set(corpus.shard_sets("bpe")) == {"bpe", "bpe@chinese"}
    assert isinstance(corpuskit.open(corpus.artifact("shards", "bpe")), Shards)
    assert sum(map(len, corpuskit.open(corpus.documents))) == 287
    assert corpuskit.open(corpus.artifact("variant", "raw")).kind == "variant"
    with pytest.raises(ArtifactError, match="no variant is named 'filterd'; did you mean 'filtered'"):
        corpus.read(["id"], variant="filterd")
    with pytest.raises(ArtifactError, match="no signals is named 'goffer'; did you mean 'gopher'"):
        corpus.read(["id"], signals=["goffer.words"])
    with pytest.raises(ArtifactError, match="no manifest"):
        corpuskit.open(str(made.corpus))


@given(st.lists(st.tuples(st.integers(0, 4), st.binary(min_size=16, max_size=16))), st.sampled_from([1, 5, 9]))
def test_an_exchange_file_gives_each_partition_its_rows_in_order(tmp_path_factory, rows, count):
    path = str(tmp_path_factory.getbasetemp() / "exchange.arrow")
    numbers, keys = [number % count for number, _ in rows], [key for _, key in rows]
    batch = pa.RecordBatch.from_arrays([pa.array(numbers, pa.int64()), pa.array(keys, pa.binary(16))], ["n", "key"])
    exchange.write(path, exchange.split_by(batch, batch.column("n").to_numpy(), count))
    for partition in range(count):
        assert exchange.read(path, partition).to_pylist() == [row for row in batch.to_pylist() if row["n"] == partition]
    assert len(exchange.read_all(path)) == count
    both = exchange.gather([path, path], 0)
    assert exchange.one_batch(both).to_pylist() == exchange.read(path, 0).to_pylist() * 2


def test_an_exchange_file_keeps_the_order_and_holds_no_row_twice(tmp_path):
    batch = pa.RecordBatch.from_pydict({"row": pa.array(range(100_000), pa.int64())})
    numbers = batch.column("row").to_numpy() % 64
    exchange.write(str(tmp_path / "file"), exchange.split_by(batch, numbers, 64))
    assert (tmp_path / "file").stat().st_size < 1.1 * batch.nbytes
    for partition in (0, 63):
        rows = exchange.read(str(tmp_path / "file"), partition).column("row").to_pylist()
        assert rows == list(range(partition, 100_000, 64))


# raw files straight to shards


def source_of(made, name="web") -> SourceConfig:
    return next(source for source in made.flow.recipe.sources if source.name == name)


@pytest.mark.parametrize("split_bytes", [8_000, 2**28])
def test_raw_files_become_shards(tmp_path, made, oracle, split_bytes):
    tokenizer = made.flow.tokenizers["bpe"].folder
    step = tokenize.step(source_of(made), tokenizer, str(tmp_path), split_bytes=split_bytes, max_error_rate=0.05)
    done = Plainly().run(step)
    expected = [document for document in oracle.documents if document.source == "web"]
    found = shards(str(tmp_path))
    assert [key for key, _ in found] == [document.key for document in expected]
    texts = tokenization.load(tokenizer).decode(pa.array([ids for _, ids in found], pa.large_list(pa.uint16())))
    assert texts.to_pylist() == [document.text for document in expected]
    own = [(one.file, one.offset, one.raw) for one in oracle.errors if one.file in SOURCES["web"]]
    assert [row[:3] for row in errors(str(tmp_path))] == sorted(own)
    assert (done.rows, done.errors) == (len(expected), len(own))
    assert manifest.verify(str(tmp_path)) == len(done.files)
    assert len(done.parts) == (1 if split_bytes > 10**6 else 7)


def test_an_engine_makes_the_same_shards_from_raw_files(tmp_path, made):
    tokenizer = made.flow.tokenizers["bpe"].folder
    for out, engine in ((tmp_path / "a", Plainly()), (tmp_path / "b", Engine(EngineOptions(workers=0)))):
        engine.run(tokenize.step(source_of(made), tokenizer, str(out), split_bytes=8_000, max_error_rate=0.05))
    assert snapshot(tmp_path / "a") == snapshot(tmp_path / "b")


def test_too_many_malformed_records_stop_tokenizing(tmp_path, made):
    step = tokenize.step(
        source_of(made), made.flow.tokenizers["bpe"].folder, str(tmp_path), split_bytes=2**28, max_error_rate=0.01
    )
    with pytest.raises(TooManyErrors, match="5 of 197 records are malformed"):
        Plainly().run(step)


def test_a_corpus_without_variants_tokenizers_or_duplicates(tmp_path, made):
    fields = {name: small_fields(made.corpus)[name] for name in ("name", "sources", "max_error_rate")}
    corpus = Corpus(run_plainly(build({**fields, "dedup": None}), tmp_path).out)
    assert set(corpus.artifacts) == {"documents", "signals", "variant"}
    assert len(corpus.read(["key"], variant="all")) == 287
