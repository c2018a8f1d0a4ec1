"""The balance of groups against its definition in exact and in floating numbers."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpuskit.errors import InputError
from corpuskit.tokenization.counts import Share, WordCounts, balance


def make(**counts: int) -> WordCounts:
    return WordCounts.from_mapping(counts)


def plain(counts: WordCounts) -> dict[str, int]:
    return {word.decode(): count for word, count in zip(counts.words.to_pylist(), counts.counts.tolist(), strict=True)}


def after(shares: list[Share]) -> dict[str, float]:
    return {share.group: share.after for share in shares}


EN, DE, SW = make(the=600_000, a=300_000, of=100_000), make(der=70_000, a=30_000), make(ya=900, na=100)
GROUPS = {"en": EN, "de": DE, "sw": SW}


def test_temperature() -> None:
    counts, shares = balance(GROUPS, temperature=0.3)
    weights = {"en": 1e6**0.3, "de": 1e5**0.3, "sw": 1e3**0.3}
    for share in shares:
        assert share.after == pytest.approx(weights[share.group] / sum(weights.values()), rel=1e-4)
        assert share.before == pytest.approx(share.occurrences / 1_101_000)
    factors = {share.group: share.factor for share in shares}
    assert factors["en"] == 1
    assert factors["de"] == pytest.approx(10**0.7)
    assert factors["sw"] == pytest.approx(1000**0.7)
    assert plain(counts)["the"] == 600_000
    assert plain(counts)["a"] - 300_000 == pytest.approx(30_000 * 10**0.7, abs=1)
    assert plain(counts)["na"] == pytest.approx(100 * 1000**0.7, abs=1)


def test_rare_words_keep_their_share() -> None:
    many = WordCounts.from_mapping({f"w{number}": 1 for number in range(20_000)})
    for cap in (0.45, 0.4, 0.3):
        counts, shares = balance({"en": make(the=20_000), "many": many}, caps={"en": cap})
        assert after(shares) == pytest.approx({"en": cap, "many": 1 - cap}, rel=0.01)
        low = int(shares[1].factor)
        assert {count for word, count in plain(counts).items() if word != "the"} <= {low, low + 1}


def test_bounds_of_temperature() -> None:
    counts, shares = balance(GROUPS)
    assert plain(counts) == {"the": 600_000, "a": 330_000, "of": 100_000, "der": 70_000, "ya": 900, "na": 100}
    assert [share.before for share in shares] == [share.after for share in shares]
    assert after(balance(GROUPS, temperature=0)[1]) == pytest.approx({"en": 1 / 3, "de": 1 / 3, "sw": 1 / 3})


def test_caps() -> None:
    _, shares = balance(GROUPS, caps={"en": 0.5})
    assert after(shares) == pytest.approx({"en": 0.5, "de": 0.5 * 100 / 101, "sw": 0.5 / 101}, rel=1e-3)
    _, shares = balance(GROUPS, caps={"en": 0.5, "de": 0.3})
    assert after(shares) == pytest.approx({"en": 0.5, "de": 0.3, "sw": 0.2}, rel=1e-3)
    _, shares = balance(GROUPS, caps={"en": 0.99})
    assert after(shares) == pytest.approx({share.group: share.before for share in shares})
    _, shares = balance(GROUPS, temperature=0, caps={"en": 0.2})
    assert after(shares) == pytest.approx({"en": 0.2, "de": 0.4, "sw": 0.4}, rel=1e-3)


def test_caps_of_all_groups_may_reach_just_one() -> None:
    _, shares = balance(GROUPS, caps={"en": 0.2, "de": 0.3, "sw": 0.5})
    assert after(shares) == pytest.approx({"en": 0.2, "de": 0.3, "sw": 0.5}, rel=1e-3)


def test_caps_are_the_decimal_numbers_that_were_written() -> None:
    names = "abcdefghij"
    _, shares = balance(
        {name: make(**{name: 1000 + 100 * k}) for k, name in enumerate(names)}, caps=dict.fromkeys(names, 0.1)
    )
    assert after(shares) == pytest.approx(dict.fromkeys(names, 0.1), rel=1e-3)


def test_empty_groups() -> None:
    counts, shares = balance({"en": EN, "xx": make()}, temperature=0.3, caps={"xx": 0.1})
    assert plain(counts) == plain(EN)
    assert shares[1] == Share("xx", occurrences=0, before=0, after=0, factor=0)


sizes = st.dictionaries(st.sampled_from("abcde"), st.lists(st.integers(1, 10**6), max_size=4), min_size=1)


@settings(deadline=None)
@given(sizes, st.floats(0, 1).map(lambda value: round(value, 3)), st.floats(0.5, 1).map(lambda value: round(value, 3)))
def test_any_groups(sizes: dict[str, list[int]], temperature: float, cap: float) -> None:
    groups = {name: WordCounts.from_mapping({f"{name}{k}": n for k, n in enumerate(s)}) for name, s in sizes.items()}
    filled = [name for name, counts in groups.items() if len(counts)]
    if not filled:
        return
    caps = dict.fromkeys(filled[:1], cap) if len(filled) > 1 else {}
    counts, shares = balance(groups, temperature=temperature, caps=caps)
    before = {word: count for group in groups.values() for word, count in plain(group).items()}
    factors = {share.group: share.factor for share in shares}
    assert min(factor for factor in factors.values() if factor) == 1
    assert plain(counts).keys() == before.keys()
    for word, count in plain(counts).items():
        assert count >= before[word]
        assert count == pytest.approx(before[word] * factors[word[0]], rel=1e-9, abs=1)
    backwards, _ = balance(dict(reversed(groups.items())), temperature=temperature, caps=caps)
    assert plain(backwards) == plain(counts)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"temperature": 1.5}, "temperature must be from 0 .* not 1.5"),
        ({"temperature": float("nan")}, "temperature must be from 0"),
        ({"caps": {"eng": 0.5}}, "a cap names the group 'eng', of which there are no counts; did you mean 'en'"),
        ({"caps": {"en": 0.0}}, "the cap of 'en' must be a share above 0 and up to 1, not 0.0"),
        ({"caps": {"en": 0.5, "de": 0.2, "sw": 0.2}}, "the caps of all 3 groups that have words add up to 0.9"),
    ],
)
def test_mistakes(options: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        balance(GROUPS, **options)  # type: ignore[arg-type]


def test_no_words_at_all() -> None:
    with pytest.raises(InputError, match="none of the 2 groups has any words"):
        balance({"en": make(), "de": make()})
    with pytest.raises(InputError, match="none of the 0 groups"):
        balance({})


def test_overflow() -> None:
    with pytest.raises(InputError, match="64 bits"):
        balance({"en": make(a=2**62), "de": make(b=2**62, c=1), "sw": make(c=1)}, temperature=0)
