"""Multilingual balance: counts of several groups, languages or sources, weighted against one another.

A group's share is that of its occurrences of words. `temperature` makes shares proportional to n**alpha, where n is a
group's occurrences: 1 leaves them as they are, 0 makes all equal; 0.3 is what XLM-R was trained with (Conneau et al.
2020, https://arxiv.org/abs/1911.02116, section 3.1). Caps then bound shares: what a group has beyond its cap goes to
those below theirs, in proportion to their shares.

No word is lost: each group's counts are multiplied by a factor of 1 or more, and the smallest factor is 1. A product
is rounded up or down by a hash of the word, up as often as its fraction says: to the nearest integer, words that occur
once would all become too rare or too common. What a word's count becomes depends on nothing but its bytes, its count
and its group, so on no order.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Context, Decimal
from fractions import Fraction

import numpy as np

from corpuskit.errors import InputError, nearest
from corpuskit.kernels.compiling import fixed
from corpuskit.kernels.hashing import hash_spans
from corpuskit.tokenization.counts.merging import merge
from corpuskit.tokenization.counts.order import bytes_of
from corpuskit.tokenization.counts.table import MAX_COUNT, MAX_MEMORY
from corpuskit.tokenization.counts.words import WordCounts

DIGITS = Context(prec=40)
"""Powers are decimal numbers of so many digits: unlike those of floats they are the same on every machine."""

ROUNDING_SEED = 2
"""Of the hash by which products are rounded."""


@dataclass(frozen=True)
class Share:
    """One group before and after.

    Attributes:
        occurrences: of its words before.
        before: its share of all groups' occurrences, 0 to 1.
        after: its share of them once they are weighted.
        factor: what its counts were multiplied by.
    """

    group: str
    occurrences: int
    before: float
    after: float
    factor: float


def balance(
    groups: Mapping[str, WordCounts],
    *,
    temperature: float = 1.0,
    caps: Mapping[str, float] | None = None,
    max_memory: int = MAX_MEMORY,
) -> tuple[WordCounts, list[Share]]:
    """Return the counts of all groups together, weighted, and each group's share before and after.

    Args:
        groups: counts of each; empty ones have a share of 0.
        temperature: alpha, 0 to 1.
        caps: the largest share of each group named, above 0 to 1.
        max_memory: of the table that adds up the groups; bytes.

    Raises:
        InputError: the temperature or a cap is out of bounds; a cap's group is not among the groups; the caps leave no
            group to take the rest; no group has words; or counts outgrow 64 bits.
    """
    sizes = {group: counts.total for group, counts in groups.items()}
    _check(sizes, temperature, caps or {})
    shares = _capped(_tempered(sizes, temperature), {group: Fraction(str(cap)) for group, cap in (caps or {}).items()})
    ratios = {group: share / sizes[group] for group, share in shares.items()}
    least = min(ratios.values())
    factors = {group: ratio / least for group, ratio in ratios.items()}
    weighted = {group: _multiplied(groups[group], factor) for group, factor in factors.items()}
    return merge(weighted.values(), max_memory), _report(sizes, {g: c.total for g, c in weighted.items()}, factors)


def _check(sizes: Mapping[str, int], temperature: float, caps: Mapping[str, float]) -> None:
    if not 0 <= temperature <= 1:
        raise InputError(f"temperature must be from 0 (all groups equal) to 1 (as they are), not {temperature}")
    for group, cap in caps.items():
        if group not in sizes:
            raise InputError(f"a cap names the group {group!r}, of which there are no counts{nearest(group, sizes)}")
        if not 0 < cap <= 1:
            raise InputError(f"the cap of {group!r} must be a share above 0 and up to 1, not {cap}")
    if not any(sizes.values()):
        raise InputError(f"none of the {len(sizes)} groups has any words")
    filled = [group for group, size in sizes.items() if size]
    bound = sum((Fraction(str(caps.get(group, 1))) for group in filled), Fraction())
    if bound < 1:
        raise InputError(
            f"the caps of all {len(filled)} groups that have words add up to {float(bound):g}; they must reach 1"
        )


def _tempered(sizes: Mapping[str, int], temperature: float) -> dict[str, Fraction]:
    """Return the share of each group that has words."""
    alpha = Decimal(str(temperature))
    weights = {group: Fraction(DIGITS.power(Decimal(size), alpha)) for group, size in sizes.items() if size}
    total = sum(weights.values(), Fraction())
    return {group: weight / total for group, weight in weights.items()}


def _capped(shares: dict[str, Fraction], caps: Mapping[str, Fraction]) -> dict[str, Fraction]:
    """Return shares none of which is beyond its cap."""
    held: dict[str, Fraction] = {}
    while True:
        free = {group: share for group, share in shares.items() if group not in held}
        scale = (1 - sum(held.values(), Fraction())) / sum(free.values(), Fraction(not free))
        beyond = {group: caps[group] for group, share in free.items() if group in caps and share * scale > caps[group]}
        if not beyond:
            return held | {group: share * scale for group, share in free.items()}
        held |= beyond


def _multiplied(counts: WordCounts, factor: Fraction) -> WordCounts:
    """Return counts times a factor of 1 or more, in whole numbers."""
    distinct, places = np.unique(counts.counts, return_inverse=True)
    products = [divmod(count * factor.numerator, factor.denominator) for count in distinct.tolist()]
    if products[-1][0] >= MAX_COUNT:
        raise InputError(
            f"weighted by {float(factor):,.0f}, a word that occurs {int(distinct[-1]):,} times outgrows 64 bits: "
            "raise the temperature, or cap the largest groups less"
        )
    whole = np.array([quotient for quotient, _ in products], np.int64)
    bounds = np.array([(remainder << 64) // factor.denominator for _, remainder in products], np.uint64)
    data, offsets = bytes_of(counts.words)
    hashes = hash_spans(data, offsets[:-1], offsets[1:], ROUNDING_SEED)
    return WordCounts(counts.words, fixed(whole[places] + (hashes < bounds[places]), np.int64))


def _report(sizes: Mapping[str, int], weighted: Mapping[str, int], factors: Mapping[str, Fraction]) -> list[Share]:
    before, after = sum(sizes.values()), sum(weighted.values())
    return [
        Share(group, size, size / before, weighted.get(group, 0) / after, float(factors.get(group, 0)))
        for group, size in sizes.items()
    ]
