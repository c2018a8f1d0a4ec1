"""The task `topic`: labels of held-out documents, masked in their texts."""

import dataclasses
import re
from collections import Counter

import orjson
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpuskit import tasks
from corpuskit.errors import InputError
from corpuskit.tasks import (
    TopicConfig,
)
from corpuskit.tasks.task import same_text
from corpuskit.tasks.topic import PLACEHOLDER, mask_pattern


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
