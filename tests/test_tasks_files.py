"""Labelled files and files of pairs: formats, mistakes, samples."""

import gzip
import io
import re
import tarfile
from pathlib import Path

import orjson
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from corpuskit import tasks
from corpuskit.errors import InputError
from corpuskit.tasks import (
    LabelledConfig,
    PairsConfig,
)
from corpuskit.tasks.task import rank, sample

# Labelled files


def write(folder, name, data):
    path = Path(folder) / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return str(path)


SST = "1 a fine film\n0 a dull film\n\n1 lovely , really\n0 no\n"


NAMES = {"text": "t", "label": "l"}


def test_label_first(tmp_path):
    train, test = write(tmp_path, "x.train", SST), write(tmp_path, "x.test", "0 not good\r\n1 good\u2028stuff\r\n")
    task = tasks.load(LabelledConfig(train=train, test=test), name="sst")
    assert task.name == "sst"
    assert task.labels == ("0", "1")
    assert task.test == (("not good", 0), ("good\u2028stuff", 1))
    assert len(task.train) == 4


@pytest.mark.parametrize(
    ("name", "data", "fields"),
    [
        ("a.csv", 'label,review\n1,"a, ""b""\nc"\n0,d\n1,e\n0,f\n', {"text": "review"}),
        ("a.csv", '\ufefflabel,review\r\n1,"a, ""b""\nc"\r\n0,d\r\n1,e\r\n0,f\r\n', {"text": "review"}),
        ("a.csv", '1,"a, ""b""\nc"\n0,d\n1,e\n0,f\n', {"text": 1, "label": 0}),
        ("a.csv", 'x,y\n1,"a, ""b""\nc"\n0,d\n1,e\n0,f\n', {"text": 1, "label": 0, "header": True}),
        ("a.jsonl", '{"t":"a, \\"b\\"\\nc","l":1}\n{"t":"d","l":"0"}\n{"t":"e","l":1}\n{"t":"f","l":0}\n', NAMES),
    ],
)  # fmt: skip
def test_column_files_agree(tmp_path, name, data, fields):
    path = write(tmp_path, name, data)
    test = write(tmp_path, "test.txt", "0 zz\n")
    rows = tasks.labelled.read_rows(LabelledConfig(train=path, test=test, **fields), path)
    assert [(row.text, row.label) for row in rows] == [('a, "b"\nc', "1"), ("d", "0"), ("e", "1"), ("f", "0")]


def test_tsv_has_no_quoting(tmp_path):
    path = write(tmp_path, "a.tsv", 'gj04\t1\t\tSay "yes\ngj04\t0\t*\tyes" say\n')
    rows = tasks.labelled.read_rows(LabelledConfig(train=path, text=3, label=1), path)
    assert [(row.text, row.label, row.place) for row in rows] == [
        ('Say "yes', "1", f"{path}:1"),
        ('yes" say', "0", f"{path}:2"),
    ]


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_compressed_files(tmp_path, suffix):
    pack = gzip.compress if suffix == ".gz" else zstandard.compress
    path = write(tmp_path, f"a.csv{suffix}", pack(b"label,text\n0,a\n1,b\n"))
    assert len(tasks.labelled.read_rows(LabelledConfig(train=path), path)) == 2
    broken = write(tmp_path, f"b.csv{suffix}", pack(b"label,text\n0,a\n1,b\n" * 99)[:-9])
    with pytest.raises(InputError, match=r"b\.csv"):
        tasks.load(LabelledConfig(train=broken))


@pytest.mark.parametrize(
    ("name", "data", "fields", "message"),
    [
        ("a.txt", "0 fine\nlonely\n", {}, "a.txt:2: expected a label, a space and a text, found 'lonely'"),
        ("a.txt", b"0 fine\n1 caf\xe9\n", {}, "a.txt:2: byte 0xe9 is not utf-8"),
        ("a.csv", "label,text\n0,a,b\n", {}, "a.csv:2: 3 columns, expected 2"),
        ("a.csv", 'label,text\n0,a\n1,"open\nto the end\n', {}, "a.csv:3: not a CSV row"),
        ("a.csv", 'label,text\n1,"two\nlines"\n,x\n', {}, "a.csv:4: the label is empty"),
        ("a.csv", "label,review\n0,a\n", {"text": "reviews"}, "no column 'reviews'; did you mean 'review'"),
        ("a.tsv", "0\ta\n", {"text": 5, "label": 0}, "no column 5"),
        ("a.csv", "", {}, "no rows"),
        ("a.jsonl", '{"text":"a","label":0}\n{"text":\n', {}, "a.jsonl:2: not JSON"),
        ("a.jsonl", '{"text":"a","label":0}\n[1]\n', {}, "a.jsonl:2: expected a JSON object, found list"),
        ("a.jsonl", '{"text":7,"label":0}\n', {}, "a.jsonl:1: expected text in the field 'text'; it holds int"),
        ("a.jsonl", '{"text":"a","label":0.5}\n', {}, "a.jsonl:1: expected a label"),
        ("a.jsonl", '{"txt":"a","label":1}\n', {}, "the fields are txt, label"),
    ],
)
def test_malformed_files_name_file_and_line(tmp_path, name, data, fields, message):
    path = write(tmp_path, name, data)
    with pytest.raises(InputError, match=re.escape(message)):
        tasks.load(LabelledConfig(train=path, **fields))


def test_missing_file(tmp_path):
    with pytest.raises(InputError, match="nowhere"):
        tasks.load(LabelledConfig(train=str(tmp_path / "nowhere")))


@pytest.mark.parametrize(
    "fields",
    [
        {"encoding": "klingon"},
        {"text": "t", "label": 0},
        {"text": 0, "label": 0},
        {"text": -1, "label": 0},
        {"header": False},
        {"text": 1, "label": 0, "format": "jsonl"},
        {"test_share": 1.0},
        {"colour": "red"},
    ],
)
def test_wrong_labelled_configs(fields):
    with pytest.raises(ValidationError):
        LabelledConfig(train="x.csv", **fields)


def test_unknown_test_label_names_its_line(tmp_path):
    train, test = write(tmp_path, "a.txt", SST), write(tmp_path, "b.txt", "0 x\n2 y\n")
    with pytest.raises(InputError, match=r"b\.txt:2: label 2 never occurs .* known: 0, 1"):
        tasks.load(LabelledConfig(train=train, test=test))


def test_texts_of_the_test_set_leave_the_training_set(tmp_path):
    train = write(tmp_path, "a.txt", "0 One  Film\n1 two films\n0 ｔｈｒｅｅ\n0 five\n1 six\n")
    test = write(tmp_path, "b.txt", "0 one film\n1 three\n1 four\n1 four\n")
    task = tasks.load(LabelledConfig(train=train, test=test))
    assert [text for text, _ in task.train] == ["two films", "five", "six"]
    assert len(task.test) == 4
    assert task.units.tolist() == [0, 1, 2, 2], "equal texts are one unit"
    assert task.dropped == {"in_test_too": 2}
    assert task.chance == 0.25 or task.chance == 0.75


def test_one_file_is_split_by_text(tmp_path):
    lines = [f"{i % 2} text number {i // 3}" for i in range(3000)]
    forward = tasks.load(LabelledConfig(train=write(tmp_path, "a.txt", "\n".join(lines))))
    backward = tasks.load(LabelledConfig(train=write(tmp_path, "b.txt", "\n".join(lines[::-1]))))
    assert 0.16 < len(forward.test) / 3000 < 0.24
    assert not {text for text, _ in forward.train} & {text for text, _ in forward.test}
    assert "in_test_too" not in forward.dropped
    assert sorted(forward.test) == sorted(backward.test)


def test_samples_are_fixed_and_nested(tmp_path):
    path = write(tmp_path, "a.txt", "\n".join(f"{i % 2} text {i}" for i in range(500)))
    small, large = (tasks.load(LabelledConfig(train=path, max_train=n, max_test=20)) for n in (50, 100))
    assert (len(small.train), len(small.test)) == (50, 20)
    assert set(small.train) < set(large.train)
    assert small.test == large.test


def test_empty_texts_are_counted(tmp_path):
    path = write(tmp_path, "a.csv", "label,text\n" + "".join(f"{i % 2},t{i}\n" for i in range(50)) + "0,\n1,  \n")
    assert tasks.load(LabelledConfig(train=path)).dropped == {"empty": 2}


def test_one_label_is_an_error(tmp_path):
    path, test = write(tmp_path, "a.txt", "0 a\n0 b\n"), write(tmp_path, "b.txt", "0 c\n")
    with pytest.raises(InputError, match="two are needed"):
        tasks.load(LabelledConfig(train=path, test=test))


def test_numbers_are_ordered_as_numbers(tmp_path):
    path = write(tmp_path, "a.txt", "\n".join(f"{i % 12} text {i}" for i in range(600)))
    assert tasks.load(LabelledConfig(train=path)).labels == tuple(str(i) for i in range(12))


@given(st.lists(st.integers(0, 20), max_size=40), st.integers(1, 20))
def test_sample_keeps_order_and_takes_the_lowest_ranks(ranks, limit):
    chosen = sample(range(len(ranks)), ranks, limit)
    assert chosen == sorted(chosen)
    assert sorted(ranks[i] for i in chosen) == sorted(ranks)[:limit]


def test_ranks_are_stable():
    assert rank("text", 0, "split") == rank(b"text", 0, "split") == 0x22A80EC4B77E7425
    assert len({rank("text", 0, "split"), rank("text", 1, "split"), rank("text", 0, "sample")}) == 3


# Pair files


def pair_lines(*pairs, uid="island"):
    return b"\n".join(orjson.dumps({"sentence_good": good, "sentence_bad": bad, "UID": uid}) for good, bad in pairs)


def test_pair_files_and_archives_agree(tmp_path):
    contents = {
        "data/b.jsonl": pair_lines(("I go.", "I goes."), ("I go.", "I goes."), ("same", "same"), uid="agreement"),
        "data/a.jsonl": pair_lines(("Who went?", "Went who?")),
    }
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, data in {**contents, "data/readme.txt": b"no pairs"}.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    (tmp_path / "data").mkdir()
    for name, data in contents.items():
        write(tmp_path, name, data)
    packed = write(tmp_path, "all.tar.zst", zstandard.compress(buffer.getvalue()))
    from_archive = tasks.load(PairsConfig(files=(packed,)))
    assert from_archive == tasks.load(PairsConfig(files=(str(tmp_path / "data"),)))
    assert from_archive.pairs == (("I go.", "I goes.", "agreement"), ("Who went?", "Went who?", "island"))
    assert from_archive.dropped == {"repeated": 1, "identical": 1}


def test_pairs_can_be_chosen_and_sampled(tmp_path):
    path = write(tmp_path, "a.jsonl", pair_lines(*((f"good {i}", f"bad {i}") for i in range(50))))
    task = tasks.load(PairsConfig(files=(path,), max_per_phenomenon=10))
    assert len(task.pairs) == 10
    assert task == tasks.load(PairsConfig(files=(path,), max_per_phenomenon=10))
    assert task != tasks.load(PairsConfig(files=(path,), max_per_phenomenon=10, seed=1))
    with pytest.raises(InputError, match="did you mean 'island'"):
        tasks.load(PairsConfig(files=(path,), only=("islands",)))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            b'{"sentence_good": "a"}',
            "a.jsonl:1: expected text in the field 'sentence_bad'; the fields are sentence_good",
        ),
        (b'{"sentence_good": "a", "sentence_bad": " "}', "a.jsonl:1: a sentence is empty"),
        (b'\n\n{"sentence_good": ', "a.jsonl:3: not JSON"),
        (b"", "hold no pairs"),
    ],
)
def test_malformed_pairs(tmp_path, data, message):
    with pytest.raises(InputError, match=re.escape(message)):
        tasks.load(PairsConfig(files=(write(tmp_path, "a.jsonl", data),)))


def test_archives_without_pairs(tmp_path):
    with pytest.raises(InputError, match="not a tar archive"):
        tasks.load(PairsConfig(files=(write(tmp_path, "a.tar", b"x" * 2000),)))
