"""Every mistake of a user gives one clear message on stderr, exit code 2, and no traceback."""

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from cli_harness import call
from corpora import small_fields, write_recipe
from pipelines_harness import environment, small

RECORDS = [
    {"id": str(number), "text": f"This is the text of document {number}, and it is short."} for number in range(40)
]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return small(tmp_path_factory.getbasetemp())


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A working folder with a few inputs, right and wrong."""
    monkeypatch.chdir(tmp_path)
    lines = "".join(json.dumps(record) + "\n" for record in RECORDS)
    for name in ("a.jsonl", "a.weird", "sub/b.jsonl"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(lines)
    (tmp_path / "empty").mkdir()
    (tmp_path / "rules.yaml").write_text("rules: [{signal: gopher.wrods, min: 3}]")
    (tmp_path / "field.yaml").write_text("rulez: []")
    (tmp_path / "list.yaml").write_text("- a")
    (tmp_path / "without.yaml").write_text("without: [gopher.words]")
    (tmp_path / "both.yaml").write_text("preset: [gopher, zh]")
    (tmp_path / "norwegian.yaml").write_text("by_language: {no: {preset: none}}")
    (tmp_path / "listed.yaml").write_text("exclude: [a.jsonl, absent.txt]")
    (tmp_path / "latin.txt").write_bytes(b"caf\xe9")
    (tmp_path / "nobody.yaml").write_text("name: x")
    return tmp_path


MISTAKES = {
    "annotate nofile.jsonl": "nofile.jsonl: no such file, folder or glob match",
    "annotate ''": "an input is empty, perhaps a variable of the shell; write . for the working folder",
    "select a.jsonl '' --policy none": "an input is empty",
    "tokenizer train '' --out x": "an input is empty",
    "tokenize '' --tokenizer {bpe} --out x": "an input is empty",
    "classifier train --positive a.jsonl --negative '' --out x": "an input is empty",
    "annotate no*.jsonl": "no*.jsonl: no such file, folder or glob match",
    "annotate empty": "empty: no such file, folder or glob match",
    "annotate a.jsonl --signals ,": "--signals: expected at least one group of signals",
    "annotate a.weird": "a.weird: unknown suffix; known are .jsonl, ",
    "annotate a.jsonl --signals lenght": "--signals: unknown signal group 'lenght'; did you mean 'length'?",
    "annotate a.jsonl --out a.jsonl": "a.jsonl: {here}/a.jsonl is a file; an output folder cannot be made there",
    "annotate a.jsonl --out a.jsonl/x/y": "a.jsonl/x/y: {here}/a.jsonl is a file; an output folder cannot",
    "annotate a.jsonl --text-field body": "field 'body' is missing or null, expected a string; the record's other "
    "fields: id, text",
    "dedup a.jsonl --ngram 0": "--ngram: expected at least 1, given 0",
    "dedup a.jsonl --threshold 1.5": "--threshold: expected at most 1.0, given 1.5",
    "dedup a.jsonl --bands many": "--bands: ",
    "dedup a.jsonl --bands auto --rows 8": "error: bands and rows are both `auto` or both numbers",
    "dedup a.jsonl --verify maybe": "--verify: expected 'none', 'signature' or 'exact', given 'maybe'",
    "dedup a.jsonl --unit word": "--unit: expected 'words' or 'characters', given 'word'",
    "dedup a.jsonl --exact-only --ngram 3": "--exact-only: compares no shingles; leave out --ngram",
    "dedup a.jsonl --keep longst": "--keep: expected longest, newest, source_order or best:<signal>, given 'longst'",
    "dedup a.jsonl --keep best:length.word": "--keep: no signal is named 'length.word'; did you mean 'length.words'?",
    "dedup a.jsonl --against april": "--against: 'april': expected NAME=DIR, such as april=april-out",
    "dedup a.jsonl --against a=x --against a=y": "--against: the name 'a' is given twice",
    "dedup a.jsonl --against 1=x": "--against: '1' is not a name",
    "dedup a.jsonl --against april=empty": "dedup.against.april: empty is neither a prepared corpus nor its folder of ",
    "dedup a.jsonl --memory 1GB --workers 8": "--memory: 1,000 MB is too little: 9 processes need 3,500 MB or more; "
    "fewer --workers than 8 need less",
    "dedup a.jsonl --export x.csv": "--export: x.csv: documents are exported as .jsonl, ",
    "run {recipe} --memory 1MB --workers 0": "--memory: 1 MB is too little: one process needs 400 MB or more",
    "select a.jsonl --policy gophr": "--policy: 'gophr' is neither a preset nor a YAML file; did you mean 'gopher'?",
    "select a.jsonl --policy none.yaml": "none.yaml: No such file or directory",
    "select a.jsonl --policy rules.yaml": "rules.yaml: rules[0].signal: unknown signal 'gopher.wrods'; did you mean "
    "'gopher.words'?",
    "select a.jsonl --policy field.yaml": "field.yaml: rulez: unknown field; did you mean 'rules'?",
    "select a.jsonl --policy list.yaml": "list.yaml: expected fields with values, found a list",
    "select a.jsonl --policy without.yaml": "without.yaml: `without`: no rule of the preset judges 'gopher.words'; ",
    "select a.jsonl --policy both.yaml": "both.yaml: preset: the presets are meant for different languages: 'gopher' "
    "for en, eng; 'zh' for zh, ",
    "select a.jsonl --policy norwegian.yaml": "norwegian.yaml: by_language: false is not a name (YAML reads yes, no",
    "select a.jsonl --policy listed.yaml": "listed.yaml: exclude[1]: absent.txt: No such file or directory",
    "select a.jsonl --policy urls,gopher,zh": "--policy: the presets are meant for different languages: ",
    "select a.jsonl --policy zh,gofer": "--policy: 'gofer' is neither a preset nor a YAML file",
    "select a.jsonl --policy zh --languages en": "--policy: preset 'zh' is meant for zh, ",
    "select a.jsonl --policy none --export x.csv": "--export: x.csv: documents are exported as .jsonl, ",
    "select a.jsonl --policy none --export sub": "--export: sub: documents are exported as .jsonl, ",
    "tokenizer train a.jsonl --out x --type bpee": "--type: expected 'bpe', 'wordpiece' or 'unigram', given 'bpee'",
    "tokenizer train a.jsonl --out x --vocab-size 9": "--vocab-size 9 is too small for bpe: ",
    "tokenizer train --out x": "name files to train on, or counts by --counts",
    "tokenizer train a.jsonl --counts sub --out x": "name files to train on, or counts by --counts",
    "tokenizer train a.jsonl --set covrage=1 --out x": "covrage: unknown field; did you mean 'coverage'?",
    "tokenizer train a.jsonl --set coverage --out x": "--set: 'coverage': expected FIELD=VALUE",
    "tokenizer train a.jsonl --pretokenizer gpt3 --out x": "no pre-tokenizer is called 'gpt3'",
    "tokenizer train a.jsonl --set balance.by=source --out x": "balance.by: unknown field",
    "tokenizer count a.jsonl --normalization nfd --out x": "normalization: expected 'none', 'nfc',",
    "tokenizer eval sub --out x": "sub: no tokenizer_config.json of corpuskit's, and none of tokenizer.json",
    "tokenizer eval {bpe} {bpe} --out x": "is there twice; give one as NAME=PATH",
    "tokenizer convert {bpe} --to spm -o x": "--to: expected tokenizer.json, sentencepiece, tiktoken, given 'spm'",
    "tokenizer convert {bpe} --to sentencepiece -o x --no-check": "whole characters, and words end at spaces alone",
    "tokenize a.jsonl -t {bpe} --out x --format mega": "--format: expected arrow, megatron, mds, given 'mega'",
    "tokenize a.jsonl -t {bpe} --out x --append 3": "--append: Arrow shards hold no special ids",
    "tokenize a.jsonl -t {bpe} --out x --format mds --append 99999": "the id 99999 that is to end documents is not",
    "tokenizer show nothing": "nothing: No such file or directory",
    "tokenizer show sub": "sub: no tokenizer_config.json of corpuskit's, and none of tokenizer.json, tokenizer.model",
    "tokenizer show a.jsonl": "a.jsonl: not a tokenizer.json that tokenizers",
    "tokenize a.jsonl --tokenizer sub --out x": "sub: no tokenizer_config.json of corpuskit's",
    "tokenize nofile.jsonl --tokenizer {bpe} --out x": "nofile.jsonl: no such file, folder or glob match",
    "tokenize a.jsonl --tokenizer {bpe} --out x --split-bytes big": "--split-bytes: 'big' is not a size; ",
    "tokenize a.jsonl --tokenizer {bpe} --out x --split-bytes 0": "--split-bytes: a shard holds at least 1 byte",
    "tokenize a.jsonl --tokenizer {bpe} --out x --slice 5": "--slice: '5': expected K/N, such as 3/16",
    "tokenize a.jsonl --tokenizer {bpe} --out x --slice 3/2": "--slice: 3/2: expected K/N with 1 <= K <= N",
    "tokenize a.jsonl --tokenizer {bpe} --out {made}": "which shards would overwrite; choose another --out",
    "tokenize a.jsonl --tokenizer {bpe} --out x --text-field body --workers 0": "field 'body' is missing or null",
    "run nobody.yaml": "sources: this field is required",
    "run none.yaml": "none.yaml: No such file or directory",
    "run {recipe} --set x": "--set: expected path=value, such as pretrain.budget_bytes=10MB, given 'x'",
    "run {recipe} --sample 10": "error: --sample: expected at most 1.0, given 10",
    "run {recipe} --sample ''": "error: --sample: expected a number, given nothing",
    "run {recipe} --set sample=10": "error: sample: expected at most 1.0, given 10",
    "run {recipe} --runner flinkk": "--runner flinkk: ",
    "run {recipe} --out {shards}": "which a corpus would overwrite; choose another --out",
    "run {recipe} --set variants.raw.policy.exclude=[absent.txt] --plan": "variants.raw.policy.exclude[0]: absent.txt: "
    "No such file or directory",
    "run {recipe} --set variants.raw.policy.exclude=[latin.txt]": "variants.raw.policy.exclude[0]: latin.txt: not "
    "UTF-8 at byte 3",
    "compare {recipe} --set variants.raw.policy.exclude=[sub]": "variants.raw.policy.exclude[0]: sub: Is a directory",
    "pretrain {recipe} --set variants.raw.policy.exclude=[no.txt]": "variants.raw.policy.exclude[0]: no.txt: No such",
    "compare {recipe} --set tokenizers={{}}": "tokenizers: this recipe has no tokenizer",
    "compare {recipe} --set 'tasks.x={{kind: labelled, train: no.csv, test: no.csv}}'": "no.csv: No such file",
    "pretrain {recipe} --set tokenizers={{}}": "tokenizers: this recipe has no tokenizer",
    "evaluate nothing": "nothing: no such folder",
    "evaluate {made}": "is an artifact of kind 'corpus', expected 'run'",
    "inspect nothing": "nothing: no such folder",
    "inspect sub": "sub: no manifest.json here",
    "inspect a.jsonl": "a.jsonl: expected an artifact folder, a .parquet or an .arrow file",
    "verify nothing": "nothing: no such folder",
    "verify sub": "sub: nothing that corpuskit finished is here",
    "status sub": "sub: nothing that corpuskit made is here",
    "gc sub": "sub: no manifest.json here",
    "gc {shards}": "is an artifact of kind 'shards', expected 'corpus'",
}
"""Command -> what its message must say."""


@pytest.mark.parametrize("line", MISTAKES)
def test_a_mistake_gives_one_message(line, here, made):
    names = {
        "here": here,
        "made": made.out,
        "bpe": made.flow.tokenizers["bpe"].folder,
        "shards": next(iter(made.flow.shards.values())).folder,
        "recipe": write_recipe(here / "recipe.yaml", small_fields(made.corpus)),
    }
    ended = call(*(word.format(**names) for word in shlex.split(line)), *_inline(line))
    assert ended.code == 2, ended.err
    assert ended.out == ""
    assert MISTAKES[line].format(**names) in ended.err
    assert ended.err.count("error:") == 1


def _inline(line: str) -> list[str]:
    """Steps run in this process, where a command has that choice."""
    takes = ("annotate", "dedup", "select", "run", "compare", "pretrain", "tokenize ", "tokenizer train")
    return ["--workers", "0"] if line.startswith(takes) and "--workers" not in line else []


USAGE = {
    "annotate": "Missing argument 'IN...'",
    "annotate a.jsonl --workers -1": "Invalid value for '--workers'",
    "select a.jsonl": "Missing option '--policy'",
    "tokenize a.jsonl --out x": "Missing option '--tokenizer'",
    "classifier train --positive a --negative b --out c --heldout 2%0": "'2%0' is not a share; write 0.01 or 1%",
    "tokenize a --tokenizer b --out c --max-error-rate 101%": "expected a share from 0 to 1",
    "bogus": "No such command 'bogus'",
    "run --plna": "No such option: --plna",
    "tokenizer": "",
}


@pytest.mark.parametrize("line", USAGE)
def test_wrong_usage_is_exit_code_2_too(line, here):
    ended = call(*line.split())
    assert ended.code == 2
    assert USAGE[line] in ended.err


def test_shards_of_another_call_are_not_overwritten(here, made):
    bpe = made.flow.tokenizers["bpe"].folder
    common = ("--tokenizer", bpe, "--out", "shards", "--workers", "0")
    assert call("tokenize", "a.jsonl", *common).code == 0
    before = {path: path.read_bytes() for path in Path("shards").rglob("*") if path.is_file()}
    assert call("tokenize", "a.jsonl", *common).code == 0
    other = call("tokenize", "sub/b.jsonl", *common)
    assert other.code == 2
    assert "shards already holds shards of another call" in other.err
    assert "other input files" in other.err
    field = call("tokenize", "a.jsonl", *common, "--text-field", "id")
    assert 'source.text: "text" -> "id"' in field.err
    assert {path: path.read_bytes() for path in Path("shards").rglob("*") if path.is_file()} == before


def test_unfinished_shards_of_another_call_are_not_mixed_with_these(here, made):
    marker = Path("shards/markers/encode/part-0000000.json")
    marker.parent.mkdir(parents=True)
    marker.write_text('{"item": "part-0000000", "fingerprint": "0123"}')
    bpe = made.flow.tokenizers["bpe"].folder
    ended = call("tokenize", "a.jsonl", "--tokenizer", bpe, "--out", "shards", "--workers", "0")
    assert ended.code == 2
    assert "shards already holds shards of another call, unfinished" in ended.err


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="no folder that nobody can write to")
def test_a_folder_that_cannot_be_written_is_said_at_once(here):
    ended = call("annotate", "a.jsonl", "--out", "/proc/corpuskit", "--workers", "0")
    assert ended.code == 2
    assert "/proc/corpuskit: cannot write to /proc: " in ended.err


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is read-only for root")
def test_a_read_only_folder_is_said_at_once(here):
    Path("locked").mkdir(mode=0o500)
    ended = call("annotate", "a.jsonl", "--out", "locked/out", "--workers", "0")
    assert ended.code == 2
    assert "locked/out: cannot write to " in ended.err


WITHOUT = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == {module!r}:
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Missing())
sys.argv[0] = "corpuskit"
from corpuskit.cli import main
main()
"""


@pytest.mark.parametrize(("module", "package", "extra"), [("torch", "torch", "train"), ("jinja2", "jinja2", "report")])
def test_a_missing_extra_is_said_before_any_work(module, package, extra, here, made):
    recipe = write_recipe(here / "recipe.yaml", small_fields(made.corpus))
    command = [sys.executable, "-c", WITHOUT.format(module=module), "compare", recipe, "--out", "out"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, env=environment())
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert f"needs the package {package}: pip install 'corpuskit[{extra}]'" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not Path("out").exists()
