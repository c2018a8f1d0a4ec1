"""Minimal pairs made from templates."""

import re
from collections import Counter

import pytest
from pydantic import ValidationError

from corpuskit import tasks
from corpuskit.errors import InputError
from corpuskit.tasks import (
    AgreementConfig,
    OrderConfig,
    chinese,
)
from corpuskit.tasks.generated import TEMPLATES

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
