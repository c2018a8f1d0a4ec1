import dataclasses
import gzip
import io
import os
import re
import tarfile
from collections import Counter
from pathlib import Path

import orjson
import pyarrow as pa
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from corpuskit import tasks
from corpuskit.errors import InputError
from corpuskit.tasks import (
    AgreementConfig,
    Classification,
    LabelledConfig,
    MinimalPairs,
    OrderConfig,
    PairsConfig,
    TaskConfig,
    TopicConfig,
    chinese,
)
from corpuskit.tasks.generated import TEMPLATES
from corpuskit.tasks.task import rank, same_text, sample
from corpuskit.tasks.topic import PLACEHOLDER, mask_pattern

GENERATED = [kind(language=language) for kind in (AgreementConfig, OrderConfig) for language in ("en", "zh")]


def generated_id(config):
    return f"{config.kind}-{config.language}"


# Templates


@pytest.mark.parametrize("config", GENERATED, ids=generated_id)
def test_generated_pairs_are_distinct_and_differ(config):
    task = tasks.load(config)
    assert len(task.pairs) == config.pairs
    sentences = [sentence for pair in task.pairs for sentence in (pair.good, pair.bad)]
    assert len(set(sentences)) == len(sentences)
    assert len(Counter(pair.phenomenon for pair in task.pairs)) == len(TEMPLATES[config.kind, config.language])


@pytest.mark.parametrize("config", GENERATED, ids=generated_id)
def test_generated_pairs_follow_the_seed_alone(config):
    other = tasks.load(config.model_copy(update={"seed": 7}))
    assert tasks.load(config) == tasks.load(config)
    assert tasks.fingerprint(tasks.load(config)) != tasks.fingerprint(other)


@pytest.mark.parametrize("config", [OrderConfig(), OrderConfig(language="zh")], ids=generated_id)
def test_order_pairs_hold_the_same_words(config):
    for pair in tasks.load(config).pairs:
        assert sorted(pair.good) == sorted(pair.bad)


def test_chinese_pairs_are_equally_long():
    for config in (AgreementConfig(language="zh"), OrderConfig(language="zh")):
        assert all(len(pair.good) == len(pair.bad) for pair in tasks.load(config).pairs)


@pytest.mark.parametrize("config", [AgreementConfig(), AgreementConfig(language="zh")], ids=generated_id)
def test_counting_words_decides_no_agreement_pair(config):
    """Each word occurs as often in good sentences as in bad ones, and the shorter sentence is good half the time."""
    task = tasks.load(config)
    split = str.split if config.language == "en" else list
    good = Counter(word for pair in task.pairs for word in split(pair.good))
    bad = Counter(word for pair in task.pairs for word in split(pair.bad))
    assert good == bad
    shorter = sum(0.5 + 0.5 * ((len(p.good) < len(p.bad)) - (len(p.good) > len(p.bad))) for p in task.pairs)
    assert shorter == len(task.pairs) / 2


@pytest.mark.parametrize("config", GENERATED, ids=generated_id)
def test_units_of_generated_pairs_are_what_mirrors_each_other(config):
    task = tasks.load(config)
    if config.kind == "order":
        assert task.units.tolist() == list(range(config.pairs))
        return
    assert task.units.tolist() == [number // 2 for number in range(config.pairs)]
    split = str.split if config.language == "en" else list
    for first, second in zip(task.pairs[::2], task.pairs[1::2], strict=True):
        assert Counter(split(first.good) + split(second.good)) == Counter(split(first.bad) + split(second.bad))


def test_classifiers_share_no_noun():
    nouns = [noun for _, noun in chinese.NOUNS]
    assert len(set(nouns)) == len(nouns)


def test_english_agreement_is_right_by_an_independent_rule():
    plural_subject = re.compile(r"^The (?:new |old |first |last |next |other |main |small |default |empty )?(\w+)")
    for pair in tasks.load(AgreementConfig()).pairs:
        if pair.phenomenon == "determiner_noun":
            found = re.search(r"\b(this|that|these|those) (\w+)", pair.good)
            plural, expected = is_plural(found[2]), found[1] in ("these", "those")
        else:
            plural = is_plural(plural_subject.match(pair.good)[1])
            expected = re.search(r"\b(are|were|have|do)\b", pair.good) is not None
        assert plural == expected, pair


def is_plural(noun):
    return noun.endswith("s") and noun not in ("class",)


def test_generated_pairs_stay_the_same():
    """Other pairs make other results: whoever changes a template or its words changes this list knowingly."""
    assert [tasks.fingerprint(tasks.load(config))[:8] for config in GENERATED] == [
        "d3fa44a4",
        "28e17d0f",
        "b67551a8",
        "11e24084",
    ]


def test_too_many_pairs_is_an_error():
    with pytest.raises(InputError, match="object_marker"):
        tasks.load(OrderConfig(language="zh", pairs=5000))


def test_agreement_needs_an_even_number():
    with pytest.raises(ValidationError, match="multiple of 2"):
        AgreementConfig(pairs=301)


# Topic


def heldout(documents):
    """documents: (key number, text, metadata object or raw string or None)."""
    texts = [text for _, text, _ in documents]
    metadata = [
        value if value is None or isinstance(value, str) else orjson.dumps(value).decode() for *_, value in documents
    ]
    keys = [number.to_bytes(16, "big") for number, *_ in documents]
    return pa.table(
        {
            "key": pa.array(keys, pa.binary(16)),
            "text": pa.array(texts, pa.large_string()),
            "metadata": pa.array(metadata, pa.string()),
        }
    )


def library(package, count, first=0, text="{package} gives number {i} and much more"):
    return [(first + i, text.format(package=package, i=first + i), {"package": package}) for i in range(count)]


SMALL = TopicConfig(min_documents=5, min_characters=5, texts_per_label=10, test_share=0.4, excerpts=1)


def test_topic_takes_the_most_frequent_labels_and_caps_each():
    table = heldout(
        [*library("alpha", 30), *library("beta", 20, 100), *library("gamma", 6, 200), *library("rare", 3, 300)]
    )
    task = tasks.load(SMALL.model_copy(update={"labels": 3}), table)
    assert task.labels == ("alpha", "beta", "gamma")
    assert Counter(label for _, label in task.test) == {0: 4, 1: 4, 2: 2}
    assert Counter(label for _, label in task.train) == {0: 6, 1: 6, 2: 4}
    two = tasks.load(SMALL.model_copy(update={"labels": 2}), table)
    assert two.labels == ("alpha", "beta")


def test_topic_does_not_depend_on_the_order_of_rows():
    rows = [*library("alpha", 30), *library("beta", 20, 100)]
    tables = [heldout(rows), heldout(rows[::-1]), pa.concat_tables([heldout(rows[25:]), heldout(rows[:25])])]
    assert len({tasks.fingerprint(tasks.load(SMALL, table)) for table in tables}) == 1
    assert tasks.load(SMALL.model_copy(update={"seed": 1}), tables[0]) != tasks.load(SMALL, tables[0])


def test_topic_masks_every_label_in_every_text():
    text = "Use scikit-learn, Scikit_Learn and scikitlearn with RE in a return value; alpha {i} of {package}"
    table = heldout([*library("scikit-learn", 9, 0, text), *library("re", 9, 100, text)])
    task = tasks.load(SMALL.model_copy(update={"mask": ("alpha",)}), table)
    for text, _ in (*task.train, *task.test):
        assert not re.search(r"scikit|learn|\bre\b|alpha", text, re.IGNORECASE)
        assert "return value" in text
        assert text.count(PLACEHOLDER) == 6


LETTERS = "abAB-_. 中"


@given(st.lists(st.text(LETTERS, max_size=9), max_size=4), st.text(LETTERS, max_size=80), st.randoms())
def test_no_long_name_survives_masking(names, text, random):
    names = [name for name in names if len(re.sub(r"[-_.\s]", "", name)) >= 5]
    for name in names:
        at = random.randint(0, len(text))
        text = text[:at] + random.choice([name, name.upper(), name.replace("_", "-")]) + text[at:]
    masked = mask_pattern([*names, "zzzzz"]).sub("|", text).lower()
    for name in names:
        assert name.strip("-_. ").lower() not in masked


def test_topic_keeps_excerpts_of_a_document_on_one_side():
    documents = [
        (number, " ".join(f"{package}word{number}x{i}" for i in range(40)), {"package": package})
        for start, package in ((0, "alpha"), (100, "beta"))
        for number in range(start, start + 12)
    ]
    config = SMALL.model_copy(update={"excerpts": 3, "max_characters": 50, "texts_per_label": 30})
    task = tasks.load(config, heldout(documents))
    sides = [{re.search(r"word(\d+)x", text)[1] for text, _ in side} for side in (task.train, task.test)]
    assert not sides[0] & sides[1]
    assert len(task.train) == 2 * 18
    assert len(task.test) == 2 * 12
    assert units_of(task) == groups_of(re.search(r"word(\d+)x", text)[1] for text, _ in task.test)
    assert all(len(text) <= 50 for text, _ in (*task.train, *task.test))


def units_of(task):
    return groups_of(task.units.tolist())


def groups_of(values):
    """Number values by first appearance, so that two groupings compare."""
    seen = {}
    return [seen.setdefault(value, len(seen)) for value in values]


def test_units_of_topic_are_part_of_its_fingerprint():
    rows = [*library("alpha", 30), *library("beta", 20, 100)]
    task = tasks.load(SMALL, heldout(rows))
    assert task.unit_of is None, "one excerpt of each document"
    twins = dataclasses.replace(task, unit_of=tuple(number // 2 for number in range(len(task.test))))
    assert tasks.fingerprint(twins) != tasks.fingerprint(task)
    with pytest.raises(ValueError, match="1 units, but"):
        _ = dataclasses.replace(task, unit_of=(0,)).units


def test_topic_drops_repeated_and_ambiguous_texts():
    rows = [*library("alpha", 10), *library("beta", 10, 100)]
    rows += [
        (500 + i, "The same licence text everywhere", {"package": name}) for i, name in enumerate(["alpha", "beta"])
    ]
    rows += [(600 + i, "ALPHA  repeats itself a lot", {"package": "alpha"}) for i in range(4)]
    task = tasks.load(SMALL.model_copy(update={"texts_per_label": 100}), heldout(rows))
    assert task.dropped == {"two_labels": 2, "repeated": 3}
    texts = [same_text(text) for text, _ in (*task.train, *task.test)]
    assert len(set(texts)) == len(texts) == 21


def test_topic_counts_documents_without_a_label():
    rows = [*library("alpha", 10), *library("beta", 10, 100)]
    rows += [(900 + i, "some text", value) for i, value in enumerate([None, "not json", "[1]", {"package": None}, {}])]
    assert tasks.load(SMALL, heldout(rows)).dropped["unlabelled"] == 5


def test_topic_errors_say_what_was_found():
    table = heldout([*library("alpha", 10), *library("beta", 3, 100)])
    with pytest.raises(InputError, match=r"field 'site'; fields: package \(13\)"):
        tasks.load(SMALL.model_copy(update={"field": "site"}), table)
    with pytest.raises(InputError, match=r"alpha 10, beta 3"):
        tasks.load(SMALL, table)
    with pytest.raises(InputError, match="held-out"):
        tasks.load(SMALL)
    with pytest.raises(InputError, match="none of 0 held"):
        tasks.load(SMALL, table.slice(0, 0))


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


# The union


def test_kind_decides_the_config():
    adapter = TypeAdapter(dict[str, TaskConfig])
    found = adapter.validate_python({"a": {"kind": "topic"}, "b": {"kind": "pairs", "files": ["x"]}})
    assert isinstance(found["a"], TopicConfig)
    assert isinstance(found["b"], PairsConfig)
    with pytest.raises(ValidationError):
        adapter.validate_python({"a": {"kind": "riddle"}})
    assert adapter.json_schema()


def test_fingerprint_follows_items_not_names():
    task = tasks.load(OrderConfig())
    assert tasks.fingerprint(task) == tasks.fingerprint(tasks.load(OrderConfig(), name="else"))
    assert tasks.fingerprint(task) != tasks.fingerprint(MinimalPairs(name=task.name, pairs=task.pairs[1:]))


# Real files


def real(*parts):
    root = os.environ.get("CORPUSKIT_TEST_DATA")
    if not root:
        pytest.skip("CORPUSKIT_TEST_DATA is not set")
    path = Path(root, "tasks", *parts)
    if not path.exists():
        pytest.skip(f"{path} does not exist")
    return str(path)


def sizes(task):
    assert isinstance(task, Classification)
    return len(task.train), len(task.test), len(task.labels), dict(task.dropped)


def test_sst2():
    config = LabelledConfig(train=real("sst2", "stsa.binary.train"), test=real("sst2", "stsa.binary.test"))
    assert sizes(tasks.load(config)) == (6920 - 3, 1821, 2, {"in_test_too": 3})


def test_trec():
    files = {"train": real("trec", "TREC.train.all"), "test": real("trec", "TREC.test.all")}
    assert sizes(tasks.load(LabelledConfig(**files, encoding="latin-1"))) == (5452 - 11, 500, 6, {"in_test_too": 11})
    with pytest.raises(InputError, match=r"TREC\.train\.all:66: byte 0xf0 is not utf-8.*latin-1"):
        tasks.load(LabelledConfig(**files))


def test_zh_hotel():
    task = tasks.load(LabelledConfig(train=real("zh_hotel", "ChnSentiCorp_htl_all.csv"), text="review"))
    train, test, labels, dropped = sizes(task)
    assert (train + test, labels, dropped) == (7766 - 1, 2, {"empty": 1})


def test_ag_news():
    config = LabelledConfig(train=real("ag_news", "dev.csv"), test=real("ag_news", "test.csv"), text="content")
    assert sizes(tasks.load(config)) == (8000 - 16, 7600, 4, {"in_test_too": 16})


def test_cola():
    config = LabelledConfig(train=real("cola", "train.tsv"), test=real("cola", "dev.tsv"), text=3, label=1)
    assert sizes(tasks.load(config)) == (7250 - 11, 1043, 2, {"in_test_too": 11})


def test_blimp():
    task = tasks.load(PairsConfig(files=(real("blimp", "blimp.tar.zst"),)))
    assert len({pair.phenomenon for pair in task.pairs}) == 67
    assert len(task.pairs) == 67_000 - 7
    assert task.dropped == {"identical": 7}
    few = tasks.load(PairsConfig(files=(real("blimp", "blimp.tar.zst"),), max_per_phenomenon=5))
    assert len(few.pairs) == 67 * 5
