"""The commands for tokenizers, one after the other, on the documentation of this Python and on damaged files."""

import gzip
import json
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from cli_harness import Called, call
from encoded import DATA, needs_data
from engine_harness import snapshot

from corpuskit import manifest, tokenization
from corpuskit.errors import CorruptArtifact
from corpuskit.kernels import Texts
from corpuskit.shards import Shards
from corpuskit.tokenization import TokenizerConfig
from corpuskit.tokenization.counts import count_words, files, merge
from corpuskit.workflow.tokenizers import documentation
from pipelines import encode

SENTENCES = {
    "en": ["The river is long.", "We see the mountain today.", "Who knows the answer to the question?"],
    "de": ["Der Fluss ist lang.", "Wir sehen heute den Berg.", "Wer kennt die Antwort auf die Frage?"],
    "zh": ["这条河很长。", "我们今天看见那座山。", "谁知道这个问题的答案？"],
}
BAD = (b"{no JSON", b'{"id": "without", "body": "text"}')


@pytest.fixture(scope="module")
def texts() -> list[str]:
    """Real text that is everywhere."""
    found: list[str] = documentation(300_000).to_pylist()
    assert len(found) > 20
    return found


def write_jsonl(path: Path, texts: list[str], bad: tuple[bytes, ...] = ()) -> None:
    lines = [orjson.dumps({"id": str(number), "text": text}) for number, text in enumerate(texts)]
    data = b"\n".join([*lines[:3], *bad, *lines[3:]]) + b"\n"
    path.write_bytes(gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)


@pytest.fixture
def here(tmp_path, monkeypatch, texts):
    """A folder with the documents in two files and sentences in three languages."""
    monkeypatch.chdir(tmp_path)
    write_jsonl(tmp_path / "a.jsonl", texts[::2])
    write_jsonl(tmp_path / "b.jsonl.gz", texts[1::2])
    rows = ["\t".join(SENTENCES), *("\t".join(row) for row in zip(*SENTENCES.values(), strict=True))]
    (tmp_path / "same.tsv").write_text("\n".join(rows) + "\n")
    return tmp_path


def done(*arguments: object) -> Called:
    """Run a command with its steps in this process; it must end well."""
    ended = call(*arguments, "--workers", "0")
    assert ended.code == 0, ended.err
    return ended


def printed(*arguments: object) -> Any:
    return json.loads(done(*arguments, "--json").out)


def refused(*arguments: object) -> str:
    ended = call(*arguments)
    assert ended.code == 2, ended.out
    assert ended.out == ""
    return ended.err


def words_of(texts: list[str], pretokenizer: str = "gpt2") -> dict[bytes, int]:
    return plain(count_words([Texts.from_arrow(pa.array(texts, pa.large_string()))], pretokenizer))


def plain(counts: Any) -> dict[bytes, int]:
    return dict(zip(counts.words.to_pylist(), counts.counts.tolist(), strict=True))


def read(*folders: str) -> dict[bytes, int]:
    return plain(merge(files.read_folder(folder)["all"] for folder in folders))


def test_count_then_train_show_convert_and_tokenize(here, texts):
    """What one command writes the next one reads, and the text comes back."""
    counted = [printed("tokenizer", "count", name, "--out", f"counts/{name}") for name in ("a.jsonl", "b.jsonl.gz")]
    assert sum(one["documents"] for one in counted) == len(texts)
    assert sum(one["text_bytes"] for one in counted) == sum(len(text.encode()) for text in texts)
    assert [one["errors"] for one in counted] == [0, 0]
    assert read("counts/a.jsonl", "counts/b.jsonl.gz") == words_of(texts)
    assert sum(one["occurrences"] for one in counted) == sum(words_of(texts).values())

    both = ("--counts", "counts/a.jsonl", "--counts", "counts/b.jsonl.gz")
    facts = printed("tokenizer", "train", *both, "--vocab-size", 900, "--out", "tok")
    config = TokenizerConfig(type="bpe", vocab_size=900, max_train_bytes=None)
    expected = tokenization.train(config, [pa.array(texts, pa.large_string())])
    assert (facts["type"], facts["vocab_size"], facts["lossless"]) == ("bpe", 900, True)
    assert facts["fingerprint"] == expected.fingerprint
    assert json.loads(call("tokenizer", "show", "tok", "--json").out) == facts
    pieces = json.loads(call("tokenizer", "show", "tok", "--text", "import this café", "--json").out)
    assert b"".join(bytes.fromhex(piece["hex"]) for piece in pieces) == "import this café".encode()

    for target, name in (("tokenizer.json", "tokenizer.json"), ("tiktoken", "ranks.tiktoken")):
        Path("other").mkdir(exist_ok=True)
        ended = call("tokenizer", "convert", "tok", "--to", target, "--out", "other/", "--check", "a.jsonl")
        assert ended.code == 0, ended.err
        assert "ids compared, all equal" in ended.out
        ranks = ("--pretokenizer", "gpt2") if target == "tiktoken" else ()
        done("tokenize", "a.jsonl", "b.jsonl.gz", "-t", f"other/{name}", *ranks, "--verify", "--out", target)
        found = Shards.open(target)
        lists = pa.array([found.tokens(row) for row in range(len(found))], pa.large_list(pa.uint16()))
        loaded = tokenization.load(f"other/{name}", "gpt2" if ranks else None)
        assert sorted(loaded.decode_bytes(lists).to_pylist()) == sorted(text.encode() for text in texts)

    sums = printed("tokenize", "a.jsonl", "b.jsonl.gz", "-t", "tok", "--out", "shards")
    assert sums["documents"] == len(texts)
    assert sums["tokens"] == sum(map(len, expected.encode(pa.array(texts, pa.large_string())).to_pylist()))


@pytest.mark.parametrize(("kind", "size"), [("bpe", 700), ("wordpiece", 900), ("unigram", 800)])
def test_training_on_files_is_training_on_their_counts(here, texts, kind, size):
    options = ("--type", kind, "--vocab-size", size)
    whole = printed("tokenizer", "train", "a.jsonl", "b.jsonl.gz", *options, "--out", "whole")
    words = ("--pretokenizer", "metaspace_runs") if kind == "unigram" else ()
    for name in ("a.jsonl", "b.jsonl.gz"):
        done("tokenizer", "count", name, *words, "--out", f"counts/{name}")
    added = printed("tokenizer", "train", "--counts", "counts/b.jsonl.gz", "--counts", "counts/a.jsonl", *options)
    assert added["path"] == "tokenizer"
    assert added["fingerprint"] == whole["fingerprint"]
    expected = tokenization.train(
        TokenizerConfig(type=kind, vocab_size=size, max_train_bytes=None), [pa.array(texts, pa.large_string())]
    )
    assert whole["fingerprint"] == expected.fingerprint
    again = printed("tokenizer", "train", "--counts", "whole/counts", *options, "--out", "again")
    assert again["fingerprint"] == whole["fingerprint"]


def test_eval_measures_tokenizers_side_by_side(here):
    for name, size in (("small", 450), ("large", 1500)):
        done("tokenizer", "train", "a.jsonl", "--vocab-size", size, "--out", name)
    asked = ("small", "big=large", "--text", "docs=b.jsonl.gz", "--parallel", "same.tsv", "--reference", "en")
    ended = call("tokenizer", "eval", *asked, "--out", "evaluation", "--json")
    assert ended.code == 0, ended.err
    found = json.loads(ended.out)
    assert found["tokenizers"] == ["small", "big"]
    assert Path(found["page"]) == Path("evaluation/tokenizers.html")
    page = Path(found["page"]).read_text("utf-8")
    assert "small" in page
    assert "big" in page
    data = json.loads(Path("evaluation/evaluation.json").read_bytes())
    assert [one["name"] for one in data["tokenizers"]] == ["small", "big"]
    shown = call("tokenizer", "eval", *asked, "--out", "evaluation")
    assert shown.code == 0, shown.err
    assert shown.out.split()[:2] == ["small", "big"]
    assert "evaluation/evaluation.json" in shown.err


def test_eval_says_what_it_cannot_read(here):
    done("tokenizer", "train", "a.jsonl", "--vocab-size", 450, "--out", "tok")
    write_jsonl(here / "bad.jsonl", ["text"] * 5, BAD)
    assert "bad.jsonl" in refused("tokenizer", "eval", "tok", "--text", "x=bad.jsonl", "--out", "e")
    assert "none.tsv" in refused("tokenizer", "eval", "tok", "--parallel", "none.tsv", "--out", "e")
    assert not Path("e/evaluation.json").exists()


# a second call


COMMANDS = {
    "counts": ("tokenizer", "count", "a.jsonl"),
    "files": ("tokenizer", "train", "a.jsonl", "--vocab-size", 450),
    "words": ("tokenizer", "train", "--counts", "words", "--vocab-size", 450),
    "shards": ("tokenize", "a.jsonl", "-t", "tok"),
}
OTHERS = {
    "counts": [
        (("--pretokenizer", "gpt4"), "pretokenizer"),
        (("--normalization", "nfc"), "normalization"),
        (("--min-count", 2), "min_count"),
        (("--sample", "50%"), "share"),
        (("b.jsonl.gz",), "other input files"),
    ],
    "files": [(("--set", "min_pair_count=9"), "min_pair_count"), (("--sample", "50%"), "share")],
    "words": [(("--set", "min_pair_count=9"), "min_pair_count"), (("--counts", "more"), "other counts")],
    "shards": [(("--split-bytes", "1000"), "split_bytes"), (("b.jsonl.gz",), "other input files")],
}


@pytest.fixture
def ready(here):
    """What the commands read beside files."""
    done("tokenizer", "count", "a.jsonl", "--out", "words")
    done("tokenizer", "count", "b.jsonl.gz", "--out", "more")
    done("tokenizer", "train", "--counts", "words", "--vocab-size", 450, "--out", "tok")
    return here


@pytest.mark.parametrize("name", COMMANDS)
def test_the_same_call_is_up_to_date_and_another_is_refused(ready, name):
    first = done(*COMMANDS[name], "--out", "out")
    assert "up to date" not in first.err
    before = snapshot(Path("out"))
    again = done(*COMMANDS[name], "--out", "out")
    steps = [line for line in again.err.splitlines() if "✓" in line]
    assert steps
    assert all("up to date" in line for line in steps)
    assert again.out == first.out
    assert snapshot(Path("out")) == before
    for other, message in OTHERS[name]:
        said = refused(*COMMANDS[name], *other, "--out", "out", "--workers", 0)
        assert "of another call; choose another --out" in said
        assert message in said
        assert snapshot(Path("out")) == before


def test_a_tokenizer_that_changes_while_a_step_runs_is_noticed(ready):
    planned = tokenization.load("tok").fingerprint
    assert encode.loaded("tok", planned).fingerprint == planned
    done("tokenizer", "train", "--counts", "more", "--vocab-size", 450, "--out", "other")
    with pytest.raises(CorruptArtifact, match="other: has changed since this step began"):
        encode.loaded("other", planned)


def test_what_was_encoded_without_verification_is_not_called_verified(ready):
    shards = ("tokenize", "a.jsonl", "-t", "tok", "--out")
    done(*shards, "plain")
    assert "which were not decoded again" in refused(*shards, "plain", "--verify", "--workers", 0)
    for _ in range(2):
        done(*shards, "checked", "--verify")
    done(*shards, "checked")


def test_a_folder_of_another_kind_is_refused(ready):
    before = snapshot(ready)
    assert "kind 'tokenizer', which counts would overwrite" in refused("tokenizer", "count", "a.jsonl", "--out", "tok")
    said = refused("tokenizer", "train", "--counts", "words", "--vocab-size", 450, "--out", "more")
    assert "kind 'counts', which a tokenizer would overwrite" in said
    assert "kind 'tokenizer'" in refused("tokenizer", "train", "--counts", "tok", "--out", "new")
    assert snapshot(ready) == before


def test_training_on_files_in_a_folder_of_another_kind_writes_nothing(ready):
    before = snapshot(ready)
    said = refused("tokenizer", "train", "b.jsonl.gz", "--vocab-size", 450, "--out", "words", "--workers", 0)
    assert "kind 'counts', which a tokenizer would overwrite" in said
    assert snapshot(ready) == before


def test_training_on_files_over_another_tokenizer_counts_nothing(ready):
    before = snapshot(ready)
    said = refused("tokenizer", "train", "b.jsonl.gz", "--vocab-size", 450, "--out", "tok", "--workers", 0)
    assert "tok already holds a tokenizer of another call" in said
    sizes = ("--vocab-size", 450, "--vocab-size", 500)
    said = refused("tokenizer", "train", "b.jsonl.gz", *sizes, "--out", "tok", "--workers", 0)
    assert "no folder of tokenizers" in said
    assert snapshot(ready) == before


@pytest.mark.parametrize("given", [("--counts", "words"), ("a.jsonl",)])
def test_several_sizes_are_the_tokenizers_of_each_size(ready, given):
    facts = printed("tokenizer", "train", *given, "-v", 500, "-v", 450, "-v", 500, "--out", "sizes")
    assert [(one["path"], one["vocab_size"]) for one in facts] == [("sizes/450", 450), ("sizes/500", 500)]
    assert tokenization.load("sizes/450").fingerprint == tokenization.load("tok").fingerprint
    assert tokenization.load("sizes/500").tokens()[:450] == tokenization.load("tok").tokens()
    assert Path("sizes/counts").exists() == (given == ("a.jsonl",))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--set", "vocab_size=400"), "give it as --vocab-size"),
        (("--pretokenizer", "gpt4"), "words was counted with pretokenizer 'gpt2' and not 'gpt4'"),
        (("--normalization", "nfc"), "words was counted with normalization 'none' and not 'nfc'"),
        (("--type", "unigram"), "words was counted with pretokenizer 'gpt2' and not 'metaspace_runs'"),
        (("--set", "balance.by=source"), "balance"),
        (("--set", "min_count=2"), "--min-count"),
        (("--set", "max_train_bytes=1000"), "--sample"),
        (("--set", "seed=1"), "--sample"),
        (("--set", "train_on=raw"), "--sample"),
        (("--sample", "50%"), "give it to `tokenizer count`"),
    ],
)
def test_what_counts_cannot_give_is_refused(ready, options, message):
    said = refused("tokenizer", "train", "--counts", "words", *options, "--out", "new", "--workers", 0)
    assert message in said
    assert not Path("new").exists()


def test_damaged_counts_are_refused_by_name(ready):
    """Also where they are as many as before, and other words."""
    file = Path("words/all/part-0000000.arrow")
    data = file.read_bytes()
    assert data.count(b"documentation") > 0
    for damaged in (data.replace(b"documentation", b"documentatiom"), data[:-1], data[: len(data) // 2], b""):
        file.unlink()
        file.write_bytes(damaged)
        said = refused("tokenizer", "train", "--counts", "words", "--out", "new", "--workers", 0)
        assert "words/all/part-0000000.arrow: " in said
        assert not Path("new/manifest.json").exists()


def test_what_files_cannot_give_is_refused(here):
    said = refused("tokenizer", "train", "a.jsonl", "--set", "max_train_bytes=1000", "--out", "new", "--workers", 0)
    assert "--set: max_train_bytes: " in said
    assert not Path("new").exists()


def test_rare_words_of_files_are_left_out_and_said(here, texts):
    ended = done("tokenizer", "train", "a.jsonl", "--vocab-size", 450, "--set", "min_count=3", "--out", "tok")
    words = words_of(texts[::2])
    rare = {word: number for word, number in words.items() if number < 3}
    assert f"{len(rare):,} words that occur fewer than 3 times were left out" in ended.err
    assert read("tok/counts") == {word: number for word, number in words.items() if word not in rare}
    told = printed("tokenizer", "count", "a.jsonl", "--min-count", 3, "--out", "counts")
    assert (told["cut_words"], told["cut_occurrences"]) == (len(rare), sum(rare.values()))
    assert told["words"] == len(words) - len(rare)


def test_a_sample_is_a_part_of_the_documents(here, texts):
    told = printed("tokenizer", "count", "a.jsonl", "--sample", "50%", "--out", "half")
    assert 0 < told["documents"] < len(texts[::2])
    assert told["occurrences"] == sum(read("half").values()) < sum(words_of(texts[::2]).values())
    more = printed("tokenizer", "count", "a.jsonl", "--sample", "80%", "--out", "most")
    assert more["documents"] > told["documents"]
    half, most = read("half"), read("most")
    assert all(most.get(word, 0) >= number for word, number in half.items())


# malformed records


@pytest.mark.parametrize("command", ["count", "train", "tokenize"])
def test_malformed_records_are_counted_and_kept(ready, texts, command):
    write_jsonl(ready / "bad.jsonl", texts[:20], BAD)
    calls = {
        "count": ("tokenizer", "count", "bad.jsonl", "--out", "out"),
        "train": ("tokenizer", "train", "bad.jsonl", "--vocab-size", 450, "--out", "out"),
        "tokenize": ("tokenize", "bad.jsonl", "-t", "tok", "--out", "out"),
    }
    said = refused(*calls[command], "--workers", 0)
    assert "2 of 22" in said
    assert "bad.jsonl" in said
    told = printed(*calls[command], "--max-error-rate", "20%")
    folder = "out/counts" if command == "train" else "out"
    made = manifest.read(folder)
    assert (made.rows, made.errors) == (20, 2)
    if command != "train":
        assert (told["documents"], told["errors"]) == (20, 2)
    kept = [row for path in sorted(Path(folder, "errors").iterdir()) for row in pq.read_table(path).to_pylist()]
    assert [row["raw"] for row in kept] == list(BAD)
    assert {row["file"] for row in kept} == {"bad.jsonl"}
    lines = Path("bad.jsonl").read_bytes()
    assert [lines[row["offset"] :].split(b"\n")[0] for row in kept] == list(BAD)
    if command == "tokenize":
        assert len(Shards.open(folder)) == 20
    else:
        assert read(folder) == words_of(texts[:20])


# real text


@needs_data
def test_words_of_languages_counted_by_themselves_and_trained_together(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lines = {name: (DATA / "parallel5" / f"{name}.txt").read_text("utf-8").splitlines()[:300] for name in ("de", "ru")}
    for name, own in lines.items():
        write_jsonl(tmp_path / f"{name}.jsonl", own)
        done("tokenizer", "count", f"{name}.jsonl", "--out", name)
    facts = printed("tokenizer", "train", "--counts", "de", "--counts", "ru", "--vocab-size", 1200, "--out", "tok")
    whole = pa.array([line for own in lines.values() for line in own], pa.large_string())
    config = TokenizerConfig(type="bpe", vocab_size=1200, max_train_bytes=None)
    assert facts["fingerprint"] == tokenization.train(config, [whole]).fingerprint
    ended = call("tokenizer", "eval", "tok", "--parallel", DATA / "parallel5", "--text", "de=de.jsonl", "--json")
    assert ended.code == 0, ended.err
    assert json.loads(ended.out)["tokenizers"] == ["tok"]
