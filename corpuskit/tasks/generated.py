"""Minimal pairs drawn from templates: agreement and word order."""

from collections.abc import Mapping
from itertools import chain
from typing import Literal

from pydantic import Field

from corpuskit.config import Config
from corpuskit.errors import InputError
from corpuskit.tasks import chinese, english
from corpuskit.tasks.task import MinimalPairs, Pair, numbered
from corpuskit.tasks.template import Template

TEMPLATES: Mapping[tuple[str, str], tuple[Template, ...]] = {
    ("agreement", "en"): english.AGREEMENT,
    ("agreement", "zh"): chinese.AGREEMENT,
    ("order", "en"): english.ORDER,
    ("order", "zh"): chinese.ORDER,
}
"""Templates by (kind, language)."""


class GeneratedConfig(Config):
    """Pairs drawn from corpuskit's own templates."""

    language: Literal["en", "zh"] = "en"
    """Language of the sentences."""
    seed: int = Field(0, ge=0)
    """Decides which pairs are drawn."""


class AgreementConfig(GeneratedConfig):
    """Agreement: subject and verb, determiner and noun (en); classifier and noun, time and aspect, negation (zh)."""

    kind: Literal["agreement"] = "agreement"
    """Minimal pairs of agreement."""
    pairs: int = Field(300, ge=10, multiple_of=2)
    """Number of pairs, spread over the phenomena; even, as they come in twos that mirror each other."""


class OrderConfig(GeneratedConfig):
    """Word order: swapped neighbours (en); 把, 了, numeral and classifier, adverb, localizer (zh)."""

    kind: Literal["order"] = "order"
    """Minimal pairs of word order."""
    pairs: int = Field(300, ge=10)
    """Number of pairs, spread over the phenomena."""


def load(config: AgreementConfig | OrderConfig, name: str) -> MinimalPairs:
    """Draw the pairs; no sentence occurs twice. Pairs that mirror each other are one unit.

    Raises:
        InputError: the templates do not give as many pairs.
    """
    templates = TEMPLATES[config.kind, config.language]
    used: set[str] = set()
    groups: list[tuple[Pair, ...]] = []
    for quota, template in zip(_quotas(config, len(templates)), templates, strict=True):
        drawn = template.draw(quota, config.seed, used)
        if (found := sum(map(len, drawn))) < quota:
            raise InputError(f"task {name}: there are {found} pairs of {template.phenomenon}, not {quota}")
        groups += drawn
    units = numbered(number for number, group in enumerate(groups) for _ in group)
    return MinimalPairs(name=name, pairs=tuple(chain(*groups)), unit_of=units)


def _quotas(config: AgreementConfig | OrderConfig, phenomena: int) -> list[int]:
    """Spread the pairs evenly; agreement in even numbers."""
    unit = 2 if config.kind == "agreement" else 1
    share, rest = divmod(config.pairs // unit, phenomena)
    return [unit * (share + (index < rest)) for index in range(phenomena)]
