"""Which config a task is, its fingerprint, and tasks of real files."""

import os
from pathlib import Path

import pytest
from pydantic import TypeAdapter, ValidationError

from corpuskit import tasks
from corpuskit.errors import InputError
from corpuskit.tasks import (
    Classification,
    LabelledConfig,
    MinimalPairs,
    OrderConfig,
    PairsConfig,
    TaskConfig,
    TopicConfig,
)

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
