"""The commands on small inputs: what they print, what they leave, what a second call does."""

import gzip
import json
import shutil
from pathlib import Path

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from cli_harness import call
from corpora import small_fields, write_recipe
from pipelines_harness import small

import corpuskit
from corpuskit import manifest, tokenization
from corpuskit.shards import Shards

WORDS = "the quick brown fox and a lazy dog that have seen to it with some more words of prose in this very sentence"
MORE = "later on we walked along their river until evening, talked about old friends, bought bread, then slept"
MORE += " without dreams while rain fell on every roof"
TEXTS = [f"Document {number} says: {WORDS}. {number * 7} is its number, and {MORE}." for number in range(30)]
TEXTS += ["short", TEXTS[3], "天地玄黄，宇宙洪荒。日月盈昃，辰宿列张。"]
SPECIAL = [*TEXTS, "<|endoftext|> [CLS] \u2028 \ufeff café 👩\u200d👩", ""]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return small(tmp_path_factory.getbasetemp())


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_jsonl(tmp_path / "a.jsonl", TEXTS)
    return tmp_path


def write_jsonl(path: Path, texts: list[str]) -> None:
    rows = [{"id": str(number), "text": text, "more": number} for number, text in enumerate(texts)]
    path.write_bytes(b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows))


def alone(*arguments: object):
    """Run a command with its steps in this process; it must end well."""
    ended = call(*arguments, "--workers", "0")
    assert ended.code == 0, ended.err
    return ended


def test_annotate_shows_how_signals_are_distributed(here):
    ended = alone("annotate", "a.jsonl", "--signals", "length, gopher", "--out", "out")
    lines = [line.split() for line in ended.out.splitlines()]
    assert lines[0] == ["signal", "1", "%", "10", "%", "50", "%", "90", "%", "99", "%", "missing"]
    assert {line[0] for line in lines} > {"length.words", "gopher.stop_words"}
    assert ended.err.splitlines()[-1] == "prepared corpus: out"
    found = json.loads(alone("annotate", "a.jsonl", "--out", "out", "--json").out)
    assert found["signals"][0]["documents"] == len(TEXTS)
    table = corpuskit.open("out").read(["id"], signals=["length.words"])
    assert sorted(table.column("length.words").to_pylist())[0] == 1


def test_dedup_keeps_one_of_each_cluster(here):
    ended = alone("dedup", "a.jsonl", "--out", "out")
    assert "duplicate" in ended.out
    table = corpuskit.open("out").read(["id", "text"], variant="unique")
    assert len(set(table.column("text").to_pylist())) == len(table)


@pytest.mark.parametrize("name", ["kept.jsonl", "kept.jsonl.gz", "sub/kept.jsonl.zst", "kept.parquet"])
def test_select_says_why_and_exports_what_stays(name, here):
    ended = alone("select", "a.jsonl", "--policy", "gopher", "--out", "out", "--export", name)
    assert "gopher.words:min" in ended.out
    assert "dropped because of" in ended.out
    kept = corpuskit.open("out").read(["id"], variant="selected").num_rows
    assert 0 < kept < len(TEXTS)
    assert f"{kept} documents written to {name}" in ended.err
    again = alone("annotate", name, "--out", "again", "--json")
    assert json.loads(again.out)["funnel"][0]["documents"] == kept


def test_select_takes_rules_from_a_file_and_json_has_it_all(here):
    Path("rules.yaml").write_text("rules: [{signal: length.words, min: 10, reason: stub}]\nexclude: [gone.txt]\n")
    Path("gone.txt").write_text("4\n")
    ended = alone("select", "a.jsonl", "--policy", "rules.yaml", "--json", "--export", "x.jsonl")
    found = json.loads(ended.out)
    assert {drop["reason"]: drop["documents"] for drop in found["dropped"]["selected"]}["stub"] >= 1
    assert found["exported"]["path"] == "x.jsonl"
    assert found["exported"]["documents"] == found["funnel"][-1]["documents"]
    assert "exclude:gone.txt" in {drop["reason"] for drop in found["dropped"]["selected"]}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A tokenizer trained by the command, and what the command printed."""
    folder = tmp_path_factory.mktemp("tokenizer")
    write_jsonl(folder / "a.jsonl", TEXTS)
    ended = alone("tokenizer", "train", folder / "a.jsonl", "--vocab-size", "500", "--out", folder / "tok", "--json")
    return folder / "tok", json.loads(ended.out)


def test_a_tokenizer_is_trained_and_shown_by_the_corpus_it_lies_in(trained):
    folder, facts = trained
    assert facts["type"] == "bpe"
    assert facts["vocab_size"] <= 500
    assert json.loads(call("tokenizer", "show", folder, "--json").out) == facts
    assert json.loads(call("tokenizer", "show", facts["path"], "--json").out) == facts
    assert facts["fingerprint"] in call("tokenizer", "show", folder).out
    pieces = json.loads(call("tokenizer", "show", folder, "--text", "café", "--json").out)
    assert b"".join(bytes.fromhex(piece["hex"]) for piece in pieces) == "café".encode()
    assert r"b'\xa9'" in call("tokenizer", "show", folder, "--text", "café").out


@pytest.mark.parametrize("kind", ["jsonl", "jsonl.gz", "jsonl.zst", "parquet", "arrow", "txt"])
def test_tokenize_reads_every_format_and_loses_nothing(kind, trained, here):
    """Also with special tokens, odd Unicode and empty texts; decoding gives the text back byte for byte."""
    folder, facts = trained
    if kind == "txt":
        Path("in").mkdir()
        for number, text in enumerate(SPECIAL):
            Path(f"in/{number:03d}.txt").write_bytes(text.encode())
    elif kind in ("parquet", "arrow"):
        table = pa.table({"body": SPECIAL})
        pq.write_table(table, "in.parquet")
        with pa.ipc.new_file("in.arrow", table.schema) as writer:
            writer.write_table(table)
    else:
        write_jsonl(here / "plain", SPECIAL)
        data = Path("plain").read_bytes()
        pack = {"jsonl": bytes, "jsonl.gz": gzip.compress, "jsonl.zst": zstandard.ZstdCompressor().compress}[kind]
        Path(f"in.{kind}").write_bytes(pack(data))
    source = "in" if kind == "txt" else f"in.{kind}"
    field = ["--text-field", "body"] if kind in ("parquet", "arrow") else []
    ended = alone("tokenize", source, "--tokenizer", folder, "--out", "shards", "--json", *field)
    found = json.loads(ended.out)
    shards, tokenizer = Shards.open("shards"), tokenization.load(facts["path"])
    lists = pa.array([shards.tokens(row) for row in range(len(shards))], pa.large_list(pa.uint16()))
    assert tokenizer.decode_bytes(lists).to_pylist() == [text.encode() for text in SPECIAL]
    assert found["documents"] == len(SPECIAL)
    assert found["bytes"] == sum(len(text.encode()) for text in SPECIAL)


def test_the_corpus_is_the_same_however_it_is_stored(here):
    pq.write_table(pa.table({"id": [str(n) for n in range(len(TEXTS))], "text": TEXTS}), "a.parquet")
    variants = []
    for name in ("a.jsonl", "a.parquet"):
        alone("select", name, "--policy", "gopher", "--out", f"out-{name}")
        variants.append(corpuskit.open(f"out-{name}").read(["id", "text"], variant="selected"))
    assert variants[0].equals(variants[1])


def test_run_says_what_it_does_and_then_that_all_is_up_to_date(here, made):
    fields = small_fields(made.corpus) | {"split_bytes": "1 MB"}
    recipe = write_recipe(here / "recipe.yaml", fields)
    first = alone("run", recipe, "--out", "out")
    steps = [line[2:].split("  ")[0] for line in first.err.splitlines() if line.startswith("✓")]
    assert steps == [
        "documents",
        "signals, 4 groups",
        "signatures",
        "duplicates",
        "variant raw",
        "variant filtered",
        "counts bpe",
        "tokenizer bpe",
        "shards bpe",
    ]
    assert "up to date" not in first.err
    assert "records read" in first.out
    second = alone("run", recipe, "--out", "out")
    lines = [line for line in second.err.splitlines() if line.startswith("✓")]
    assert all(line.endswith("up to date") for line in lines)
    assert len(lines) == len(steps) + 3, "each group of signals has a line"
    assert second.out == first.out


def test_a_plan_names_what_changed_and_runs_nothing(here, made):
    recipe = write_recipe(here / "recipe.yaml", small_fields(made.corpus))
    before = manifest.read(str(made.out))
    same = call("run", recipe, "--out", made.out, "--plan")
    assert {line.split()[0] for line in same.out.splitlines()[1:]} == {"skip"}
    changed = call("run", recipe, "--out", made.out, "--plan", "--set", "variants.filtered.policy.rules[0].min=21").out
    assert "variants.filtered.policy.rules[0].min: 20.0 -> 21.0" in changed
    rows = {tuple(line.split()[1:3]): line.rstrip() for line in changed.splitlines() if line.count(" ") > 5}
    assert rows["variant", "raw"].startswith("skip ")
    assert rows["variant", "filtered"].startswith("run ")
    assert rows["variant", "filtered"].endswith("policy.rules[0].min: 20.0 -> 21.0")
    assert rows["counts", "bpe"].endswith("input variant changed")
    assert rows["tokenizer", "bpe"].endswith("input counts changed")
    assert rows["shards", "bpe"].endswith("after the variants")
    assert manifest.read(str(made.out)) == before
    fresh = json.loads(call("run", recipe, "--out", "fresh", "--plan", "--json").out)
    assert {line["action"] for line in fresh["artifacts"]} == {"run"}
    assert not Path("fresh").exists()


def test_json_alone_is_on_stdout_and_quiet_is_silent(here, made):
    for line in (
        ["inspect", made.out, "--no-html"],
        ["status", made.out],
        ["verify", made.out],
        ["gc", made.out],
        ["schema"],
    ):
        ended = call(*line) if line == ["schema"] else call(*line, "--json")
        assert ended.code == 0
        json.loads(ended.out)
    ended = alone("annotate", "a.jsonl", "--json")
    json.loads(ended.out)
    assert ended.err
    ended = alone("annotate", "a.jsonl", "--quiet", "--out", "other")
    assert ended.err == ""
    assert ended.out


@pytest.fixture
def copied(made, tmp_path):
    """A corpus that a test may damage."""
    shutil.copytree(made.out, tmp_path / "copy")
    return tmp_path / "copy"


def test_inspect_says_what_any_artifact_is(made):
    for line in json.loads(call("status", made.out, "--json").out):
        shown = call("inspect", line["folder"], "--no-html")
        assert shown.code == 0
        assert shown.out.startswith("kind ")
        found = json.loads(call("inspect", line["folder"], "--no-html", "--json").out)
        assert (found["kind"], found["rows"]) == (line["kind"], line["rows"])
        assert len(found["fingerprint"]) == 64
    documents = call("inspect", made.flow.documents.folder).out
    assert "large_string" in documents
    assert max(map(len, documents.splitlines())) <= 100
    (part,) = list(Path(made.flow.documents.folder).glob("*.parquet"))[:1]
    assert json.loads(call("inspect", part, "--json").out)["kind"] == "parquet"


def test_inspect_writes_no_control_characters_of_the_data_to_the_terminal(here):
    pq.write_table(pa.table({"text": ["\x1b[2J\x1b]0;owned\x07" * 3, "\u202egnirts"]}), "evil.parquet")
    shown = call("inspect", "evil.parquet").out
    assert "\x1b" not in shown
    assert "\x07" not in shown
    assert "\u202e" not in shown


def test_verify_names_every_damaged_file(copied):
    assert call("verify", copied).code == 0
    damaged = [path for path in sorted(copied.rglob("part-*")) if path.is_file()][::3]
    for path in damaged:
        path.write_bytes(path.read_bytes() + b"x")
    ended = call("verify", copied)
    assert ended.code == 2
    assert all(str(path) in ended.err for path in damaged)


def test_gc_removes_what_the_manifest_does_not_name(copied):
    shutil.copytree(copied / "variants", copied / "older" / "variants")
    (copied / "variants" / ".part.parquet.1-2.tmp").write_bytes(b"half")
    before = {path for path in copied.rglob("*") if path.is_file()}
    listed = call("gc", copied, "--dry-run")
    assert "would remove" in listed.out
    assert {path for path in copied.rglob("*") if path.is_file()} == before
    ended = call("gc", copied)
    assert ended.code == 0
    assert not list((copied / "older").rglob("*.parquet"))
    assert not list(copied.rglob("*.tmp"))
    assert call("verify", copied).code == 0
    assert "0 items" in call("gc", copied).err


def test_select_works_on_chinese(here):
    write_jsonl(
        here / "zh.jsonl",
        ["天地玄黄，宇宙洪荒。日月盈昃，辰宿列张。寒来暑往，秋收冬藏。" * 4 + str(n) for n in range(5)] + TEXTS,
    )
    ended = alone("select", "zh.jsonl", "--policy", "zh", "--json")
    assert json.loads(ended.out)["funnel"][-1]["documents"] <= 6
