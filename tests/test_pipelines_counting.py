"""Words counted by the steps against plain Python, and the same counts whatever the workers, splits and partitions."""

import math
import os
import signal
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pytest
import regex
from corpora import PROSE_RULES, small_fields, write_file
from engine_harness import Recorder, children, snapshot
from oracle import Oracle
from pipelines_harness import Plainly, corpus, leftovers, run, run_plainly, sidecar

from corpuskit import manifest, tokenization
from corpuskit.errors import ArtifactError, CorruptArtifact, InputError
from corpuskit.manifest import Target
from corpuskit.recipe import Recipe
from corpuskit.recipe.load import build
from corpuskit.tokenization import CountsConfig, WordCounts
from corpuskit.tokenization.counts import files
from corpuskit.workflow.flow import Flow
from pipelines import counting, train_tokenizer
from pipelines.counting import words as counting_words
from pipelines.engine import Engine, EngineOptions

GPT2 = regex.compile(r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+")
BPE = {"type": "bpe", "vocab_size": 500, "train_on": "filtered"}
SPLITS = 4
STEP = sys.modules["pipelines.counting.step"]  # whose name in the package is that of a function


def fields(corpus: Path, **changes: Any) -> dict[str, Any]:
    """The small recipe without a search for duplicates, and one tokenizer."""
    variants = {"raw": {}, "filtered": {"policy": {"rules": PROSE_RULES}}}
    return {**small_fields(corpus), "dedup": None, "variants": variants, "tokenizers": {"bpe": BPE}, **changes}


def recipe(corpus: Path, **changes: Any) -> Recipe:
    return build(fields(corpus, **changes))


@pytest.fixture(scope="module")
def made_corpus(tmp_path_factory):
    return corpus(tmp_path_factory.getbasetemp())


@pytest.fixture(scope="module")
def oracle(made_corpus):
    return Oracle(recipe(made_corpus))


@pytest.fixture(scope="module")
def flow(made_corpus, tmp_path_factory):
    """A finished run that tests only read."""
    return run_plainly(recipe(made_corpus), tmp_path_factory.mktemp("counting"))


def plain(counts: WordCounts) -> dict[str, int]:
    return {word.decode(): count for word, count in zip(counts.words.to_pylist(), counts.counts.tolist(), strict=True)}


def read(folder: str) -> dict[str, dict[str, int]]:
    return {group: plain(counts) for group, counts in files.read_folder(folder).items()}


def counted(texts: Iterable[str]) -> Counter[str]:
    return Counter(word for text in texts for word in GPT2.findall(text))


def planned(flow: Flow, out: Path, config: CountsConfig, variant: str = "filtered") -> tuple[Target, Any]:
    """Where the words of a variant are counted, and the step that does it."""
    measured = flow.signals_by_text[flow.text_of(variant).name]
    rows = counting.Rows(
        documents=flow.kept_text(variant).folder,
        variant=flow.variants[variant].folder,
        sizes=measured["size"].folder,
        language=measured["language"].folder if "language" in measured else None,
    )
    place = counting.target("words", config, flow.kept_text(variant), flow.variants[variant], str(out))
    return place, counting.step(place, config, rows)


def count(flow: Flow, out: Path, config: CountsConfig, variant: str = "filtered") -> str:
    place, step = planned(flow, out, config, variant)
    Plainly().run(step)
    return place.folder


@pytest.mark.parametrize("variant", ["raw", "filtered"])
def test_words_are_those_of_the_training_text(tmp_path, flow, oracle, variant):
    folder = count(flow, tmp_path, CountsConfig(), variant)
    rows = oracle.training(variant)
    expected = counted(row.text for row in rows)
    assert read(folder) == {"all": expected}
    made = manifest.read(folder, "counts")
    assert made.rows == len(rows)
    assert made.counts == {
        "text_bytes": sum(row.size for row in rows),
        "words": len(expected),
        "occurrences": sum(expected.values()),
        "cut_words": 0,
        "cut_occurrences": 0,
    }
    assert manifest.verify(folder) == 1
    assert leftovers(Path(folder)) == []
    words = files.read_folder(folder)["all"].words.to_pylist()
    assert words == sorted(words)


def test_the_corpus_has_what_must_not_be_counted(oracle):
    """Held-out and dropped documents hold words that no training document has."""
    training = counted(row.text for row in oracle.training("filtered"))
    assert counted(row.text for row in oracle.documents).keys() - training.keys()
    assert counted(row.text for row in oracle.documents if row.heldout).keys() - training.keys()


@pytest.mark.parametrize(("max_bytes", "seed"), [(40_000, 0), (40_000, 7), (1, 0), (3_000, 3)])
def test_a_sample_is_that_of_the_oracle(tmp_path, flow, made_corpus, max_bytes, seed):
    tokenizer = {**BPE, "max_train_bytes": max_bytes, "seed": seed}
    texts = Oracle(recipe(made_corpus, tokenizers={"bpe": tokenizer})).sample("bpe")
    folder = count(flow, tmp_path, CountsConfig(max_bytes=max_bytes, seed=seed))
    assert read(folder) == {"all": counted(texts)}
    assert manifest.read(folder).rows == len(texts)
    assert leftovers(Path(folder)) == []


def test_another_seed_is_another_sample_and_none_where_all_is_counted(tmp_path, flow):
    configs = [CountsConfig(max_bytes=20_000, seed=seed) for seed in (0, 1)]
    first, second = (count(flow, tmp_path, config) for config in configs)
    assert read(first) != read(second)
    places = {planned(flow, tmp_path, CountsConfig(seed=seed))[0].folder for seed in (0, 1)}
    assert len(places) == 1


# the same files, or the same counts


@pytest.fixture(scope="module")
def sampled(flow, tmp_path_factory):
    """Counts of a sample: a folder whose making has all phases, made without an engine."""
    out = tmp_path_factory.mktemp("sampled")
    folder = count(flow, out, CountsConfig(max_bytes=40_000, groups="source"))
    return Path(folder)


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_any_number_of_workers_gives_the_same_files(tmp_path, flow, sampled, workers):
    place, step = planned(flow, tmp_path, CountsConfig(max_bytes=40_000, groups="source"))
    with Engine(EngineOptions(workers=workers)) as engine:
        engine.run(step)
    assert snapshot(Path(place.folder)) == snapshot(sampled)
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize("partitions", [1, 3, 7])
@pytest.mark.parametrize("groups", ["none", "source"])
def test_any_number_of_partitions_gives_the_same_counts(tmp_path, flow, monkeypatch, partitions, groups):
    config = CountsConfig(groups=groups, min_count=2)
    whole = count(flow, tmp_path / "whole", config)
    size = int(manifest.read(flow.documents.folder).counts["text_bytes"])
    monkeypatch.setattr(STEP, "PARTITION_BYTES", math.ceil(size / partitions))
    folder = count(flow, tmp_path / "parts", config)
    assert read(folder) == read(whole)
    assert len([name for name in snapshot(Path(folder)) if name.endswith(f"part-{partitions - 1:07d}.arrow")]) > 0
    made = manifest.read(folder)
    assert len(made.files) == partitions * (2 if groups == "source" else 1)
    assert made.counts == manifest.read(whole).counts
    assert made.fingerprint == manifest.read(whole).fingerprint


@pytest.mark.parametrize("change", [{"split_bytes": 10_000}, {"split_bytes": 2**28}, "sources", "paths"])
def test_other_splits_and_orders_give_the_same_counts_and_tokenizer(tmp_path, flow, made_corpus, change):
    sources = fields(made_corpus)["sources"]
    if change == "paths":
        for source in sources:
            source["paths"].reverse()
    other = {"sources": sources[::-1] if change == "sources" else sources}
    found = run_plainly(recipe(made_corpus, **(change if isinstance(change, dict) else other)), tmp_path)
    assert read(found.counts["bpe"].folder) == read(flow.counts["bpe"].folder)
    loaded = [tokenization.load(one.tokenizers["bpe"].folder).fingerprint for one in (found, flow)]
    assert loaded[0] == loaded[1]


def test_killed_workers_change_nothing(tmp_path, flow, sampled, monkeypatch):
    class Killer(Recorder):
        def item_finished(self, *event):
            super().item_finished(*event)
            if len(self.of("item")) in (2, SPLITS + 3):  # while items of `weigh` and of `count` run
                os.kill(children(os.getpid())[0], signal.SIGKILL)

    place, step = planned(flow, tmp_path, CountsConfig(max_bytes=40_000, groups="source"))
    with Engine(EngineOptions(workers=2), killer := Killer()) as engine:
        engine.run(step)
    assert len(killer.of("item")) >= 2 * SPLITS + 2
    assert snapshot(Path(place.folder)) == snapshot(sampled)


class Crash(BaseException):
    pass


def crash(*_: Any, **__: Any) -> None:
    raise Crash


def test_a_crash_between_counting_and_merging_goes_on_with_what_is_counted(tmp_path, flow, sampled, monkeypatch):
    config = CountsConfig(max_bytes=40_000, groups="source")
    with monkeypatch.context() as patched, Engine(EngineOptions(workers=0)) as engine:
        patched.setattr(counting_words, "merge", crash)
        with pytest.raises(Crash):
            engine.run(planned(flow, tmp_path, config)[1])
    with Engine(EngineOptions(workers=0), recorder := Recorder()) as engine:
        place, step = planned(flow, tmp_path, config)
        engine.run(step)
    assert {phase for _, phase, _ in recorder.of("item")} == {"merge"}
    assert snapshot(Path(place.folder)) == snapshot(sampled)


# groups


def test_words_by_source(tmp_path, flow, oracle):
    rows = oracle.training("filtered")
    expected = {name: counted(row.text for row in rows if row.source == name) for name in ("web", "news")}
    assert read(count(flow, tmp_path, CountsConfig(groups="source"))) == expected
    assert all(expected.values())


@pytest.mark.parametrize("name", counting_words.TAKEN)
def test_a_source_whose_folder_would_be_another_is_refused(tmp_path, name):
    """Words of a source lie in a folder of its name, beside folders of the step's own."""
    write_file(tmp_path / "in.jsonl", b'{"text": "some words"}\n{"text": "and more"}\n')
    source = {"name": name, "paths": [str(tmp_path / "in.jsonl")]}
    balanced = {"bpe": {"type": "bpe", "vocab_size": 400, "balance": {"by": "source"}}}
    made = build({"name": "x", "sources": [source], "heldout": {"share": 0}, "tokenizers": balanced})
    with pytest.raises(InputError, match=regex.escape(f"{name!r}")):
        run(made, tmp_path / "out")


def test_words_by_language_are_those_of_the_labels(tmp_path, made_corpus, oracle):
    tokenizer = {**BPE, "balance": {"by": "language", "temperature": 0.5}}
    found = run_plainly(recipe(made_corpus, tokenizers={"bpe": tokenizer}), tmp_path)
    labels = sidecar(found.signals["language"].folder, found.documents.folder)
    expected: dict[str, Counter[str]] = {}
    for label, row, verdict in zip(labels, oracle.documents, oracle.variant("filtered"), strict=True):
        if verdict["kept"] and not row.heldout:
            group = label["language.label"] or "unknown"
            expected.setdefault(group, Counter()).update(GPT2.findall(row.text))
    assert read(found.counts["bpe"].folder) == expected
    assert len(expected) > 1
    shares = training_facts(found.tokenizers["bpe"].folder)["shares"]
    assert {share["group"]: share["occurrences"] for share in shares} == {
        label: sum(words.values()) for label, words in expected.items()
    }


def training_facts(folder: str) -> dict[str, Any]:
    return dict(orjson.loads(Path(folder, "training.json").read_bytes()))


@pytest.mark.parametrize("partitions", [1, 3])
def test_rare_words_are_those_of_all_groups_together(tmp_path, flow, oracle, monkeypatch, partitions):
    size = int(manifest.read(flow.documents.folder).counts["text_bytes"])
    monkeypatch.setattr(STEP, "PARTITION_BYTES", math.ceil(size / partitions))
    rows = oracle.training("filtered")
    whole = counted(row.text for row in rows)
    by_source = {name: counted(row.text for row in rows if row.source == name) for name in ("web", "news")}
    frequent = {word for word, number in whole.items() if number >= 3}
    expected = {name: {word: n for word, n in words.items() if word in frequent} for name, words in by_source.items()}
    assert any(n < 3 for words in expected.values() for n in words.values()), "rare in a group, common in all"
    folder = count(flow, tmp_path, CountsConfig(groups="source", min_count=3))
    assert read(folder) == expected
    cut = {name: words.keys() - frequent for name, words in by_source.items()}
    told = manifest.read(folder).counts
    assert told["words"] == sum(map(len, expected.values()))
    assert told["occurrences"] == sum(sum(words.values()) for words in expected.values())
    assert told["cut_words"] == sum(map(len, cut.values())) > 0
    assert told["cut_occurrences"] == sum(by_source[name][word] for name, words in cut.items() for word in words)


def test_what_is_left_out_is_said_with_the_tokenizer(tmp_path, made_corpus):
    found = run_plainly(recipe(made_corpus, tokenizers={"bpe": {**BPE, "min_count": 3}}), tmp_path)
    told = manifest.read(found.counts["bpe"].folder).counts
    expected = f"{told['cut_words']:,} words that occur fewer than 3 times were left out: "
    assert train_tokenizer.notes(found.tokenizers["bpe"].folder)[-1] == (
        f"{expected}{told['cut_occurrences']:,} occurrences"
    )


# tokenizers


def test_tokenizers_with_the_same_words_share_their_counts(tmp_path, made_corpus):
    tokenizers = {
        "bpe": BPE,
        "more": {**BPE, "vocab_size": 600},
        "pieces": {**BPE, "type": "wordpiece", "vocab_size": 700},
        "other_text": {**BPE, "train_on": "raw"},
        "other_words": {**BPE, "pretokenizer": "gpt4"},
    }
    found = run_plainly(recipe(made_corpus, tokenizers=tokenizers), tmp_path)
    folders = {name: place.folder for name, place in found.counts.items()}
    assert folders["bpe"] == folders["more"] == folders["pieces"]
    assert len(set(folders.values())) == 3
    assert len(list((tmp_path / "counts").iterdir())) == 3
    assert len({place.folder for place in found.tokenizers.values()}) == 5


CONFIGS = {
    "bpe": {"type": "bpe", "vocab_size": 500},
    "wordpiece": {"type": "wordpiece", "vocab_size": 800},
    "unigram": {"type": "unigram", "vocab_size": 700},
}


@pytest.mark.parametrize("extra", [{}, {"min_count": 2}, {"max_train_bytes": 30_000}], ids=["all", "rare", "sample"])
def test_the_pipeline_trains_what_training_on_the_texts_does(tmp_path, made_corpus, extra):
    tokenizers = {name: {**fields, "train_on": "filtered", **extra} for name, fields in CONFIGS.items()}
    made = recipe(made_corpus, tokenizers=tokenizers)
    found = run_plainly(made, tmp_path)
    for name, config in made.tokenizers.items():
        texts = Oracle(made).sample(name)
        whole = config.model_copy(update={"max_train_bytes": None})
        expected = tokenization.train(whole, [pa.array(texts, pa.large_string())])
        loaded = tokenization.load(found.tokenizers[name].folder)
        assert loaded.fingerprint == expected.fingerprint
        assert loaded.type == name


# counts that are damaged


@pytest.fixture
def counts(tmp_path, flow):
    return Path(count(flow, tmp_path, CountsConfig()))


def train(counts: Path, out: Path) -> None:
    config = build({"name": "x", "sources": [{"name": "s", "format": "pydocs"}], "tokenizers": {"bpe": BPE_ALONE}})
    with Engine(EngineOptions(workers=0)) as engine:
        engine.run(train_tokenizer.of_counts(config.tokenizers["bpe"], [str(counts)], str(out)))


BPE_ALONE = {"type": "bpe", "vocab_size": 500}


def test_truncated_counts_are_refused_by_name(tmp_path, counts):
    file = counts / "all" / "part-0000000.arrow"
    data = file.read_bytes()
    train(counts, tmp_path / "whole")
    for size in (0, 10, len(data) // 2, len(data) - 1):
        file.write_bytes(data[:size])
        with pytest.raises(ArtifactError, match=regex.escape(str(file))):
            train(counts, tmp_path / "tokenizer")


def test_counts_that_are_others_are_refused_by_name(tmp_path, counts):
    file = counts / "all" / "part-0000000.arrow"
    found, other = files.read(str(file)), tmp_path / "other.arrow"
    schema = pa.ipc.open_file(file).schema
    with pa.ipc.new_file(other, schema) as writer:
        more = files.to_batch(WordCounts(found.words, found.counts + 1))
        writer.write_batch(more.replace_schema_metadata(schema.metadata))
    other.replace(file)
    with pytest.raises(CorruptArtifact, match=regex.escape(str(file))):
        train(counts, tmp_path / "tokenizer")


def test_counts_without_a_file_are_refused_by_name(tmp_path, counts):
    (counts / "all" / "part-0000000.arrow").unlink()
    with pytest.raises(ArtifactError, match=r"all/part-0000000\.arrow"):
        train(counts, tmp_path / "tokenizer")
    (counts / "manifest.json").unlink()
    with pytest.raises(ArtifactError, match=regex.escape(str(counts))):
        train(counts, tmp_path / "tokenizer")
