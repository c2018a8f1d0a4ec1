import gzip
import json
import os
import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from corpuskit.errors import InputError
from corpuskit.kernels import Texts
from corpuskit.policy import PolicyConfig, Rule, check_signals, judge
from corpuskit.signals.url import URL, UrlConfig, identity, measure

DATA = Path(os.environ.get("CORPUSKIT_TEST_DATA", "missing"))


def write(path: Path, text: str) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return str(path)


def signals(urls: list[str | None], config: UrlConfig | None = None) -> dict[str, list[Any]]:
    texts = Texts.from_arrow(pa.array(urls, pa.large_string()))
    values = measure(texts, config or UrlConfig())
    assert list(values) == list(URL.columns())
    columns = {
        name: values[name].cast(dtype) if isinstance(values[name], pa.Array) else pa.array(values[name], dtype)
        for name, dtype in URL.columns().items()
    }
    assert {len(column) for column in columns.values()} == {len(urls)}
    return {name: column.to_pylist() for name, column in columns.items()}


@pytest.fixture
def ut1(tmp_path: Path) -> str:
    write(tmp_path / "ut1" / "adult" / "domains", "adult.com\nboth.com\n")
    write(tmp_path / "ut1" / "adult" / "urls", "example.com/bad\n")
    write(tmp_path / "ut1" / "phishing" / "domains.gz", "both.com\nphish.co.uk\n")
    return str(tmp_path / "ut1")


URLS = [
    "http://www.adult.com/x", "https://both.com", "http://a.phish.co.uk:8080/", "https://www.example.com/bad/page",
    "https://example.com/good", "http://192.0.2.1/", None, "", "no url",
]  # fmt: skip


def test_without_lists() -> None:
    found = signals(URLS)
    assert found["host"] == [
        "www.adult.com", "both.com", "a.phish.co.uk", "www.example.com", "example.com", "192.0.2.1", None, None, None,
    ]  # fmt: skip
    assert found["domain"] == [
        "adult.com", "both.com", "phish.co.uk", "example.com", "example.com", None, None, None, None,
    ]  # fmt: skip
    assert found["blocked"] == ["none"] * 9
    assert found["allowed"] == [None] * 9
    assert found["hard_words"] == found["soft_words"] == found["strict_words"] == [0] * 9
    assert signals([]) == {name: [] for name in URL.columns()}


def test_block_lists_by_category_and_by_name(ut1: str) -> None:
    by_category = ["adult", "adult", "phishing", "adult", "none", "none", "none", "none", "none"]
    assert signals(URLS, UrlConfig(block=(ut1,)))["blocked"] == by_category
    assert signals(URLS, UrlConfig(block=(f"{ut1}/phishing", f"{ut1}/adult")))["blocked"][:4] == [
        "adult", "phishing", "phishing", "adult",
    ]  # fmt: skip
    only = UrlConfig(block={"scam": f"{ut1}/phishing"})
    assert signals(URLS, only)["blocked"][:4] == ["none", "scam", "scam", "none"]
    assert signals(URLS, UrlConfig(block={"ut1": ut1}))["blocked"][:5] == ["ut1"] * 4 + ["none"]


def test_allow_lists(tmp_path: Path) -> None:
    files = (write(tmp_path / "one", "example.com"), write(tmp_path / "two", "co.uk"))
    allowed = [False, False, True, True, True, False, None, None, None]
    assert signals(URLS, UrlConfig(allow=files))["allowed"] == allowed


def test_words(tmp_path: Path) -> None:
    paths = {kind: write(tmp_path / kind, "Casino\nfree\n赌场") for kind in ("hard", "soft", "strict")}
    config = UrlConfig.model_validate({"words": paths})
    found = signals(["http://casino.com/FREE", "http://a.com/casinos", "http://a.cn/%E8%B5%8C%E5%9C%BA", None], config)
    assert found["hard_words"] == found["soft_words"] == [2, 0, 1, 0]
    assert found["strict_words"] == [2, 1, 1, 0]
    only_soft = UrlConfig.model_validate({"words": {"soft": paths["soft"]}})
    found = signals(["http://casino.com/FREE"], only_soft)
    assert (found["hard_words"], found["soft_words"], found["strict_words"]) == ([0], [2], [0])


@pytest.mark.parametrize(
    ("config", "field"),
    [
        ({"block": ["{}/missing"]}, r"url\.block: .*missing: no such file"),
        ({"block": {"adult": "{}/missing"}}, r"url\.block\.adult: .*missing: no such file"),
        ({"allow": ["{}/missing"]}, r"url\.allow: .*missing: no such file"),
        ({"words": {"soft": "{}/missing"}}, r"url\.words\.soft: .*missing"),
        ({"block": ["{}/empty"]}, r"url\.block: .*empty: no host"),
        ({"allow": ["{}/empty"]}, r"url\.allow: .*empty: no host"),
        ({"words": {"strict": "{}/empty"}}, r"url\.words\.strict: .*empty: no word"),
    ],
)
def test_a_list_that_cannot_be_used_is_named_with_its_field(tmp_path: Path, config: Any, field: str) -> None:
    write(tmp_path / "empty", "# nothing\n")
    given = json.loads(json.dumps(config).replace("{}", str(tmp_path)))
    with pytest.raises(InputError, match=field):
        signals(["http://a.com"], UrlConfig.model_validate(given))


def test_the_name_none_is_taken() -> None:
    with pytest.raises(ValidationError, match="no block list can be called 'none'"):
        UrlConfig(block={"none": "x"})


def test_identity_is_content_and_order_not_paths(ut1: str, tmp_path: Path) -> None:
    hard = write(tmp_path / "hard", "a")
    config = UrlConfig.model_validate({"block": {"a": f"{ut1}/adult", "b": f"{ut1}/phishing"}, "words": {"hard": hard}})
    before = identity(config)
    assert str(tmp_path) not in json.dumps(before)
    Path(ut1).rename(tmp_path / "moved")
    moved = config.model_copy(update={"block": {"a": f"{tmp_path}/moved/adult", "b": f"{tmp_path}/moved/phishing"}})
    assert identity(moved) == before
    swapped = moved.model_copy(update={"block": dict(reversed(moved.block.items()))})  # type: ignore[union-attr]
    assert json.dumps(identity(swapped), sort_keys=True) != json.dumps(before, sort_keys=True)
    write(tmp_path / "hard", "b")
    assert identity(moved) != before
    assert identity(UrlConfig()) == {"block": [], "allow": [], "words": {}}


def test_a_changed_list_is_read_again(tmp_path: Path) -> None:
    config = UrlConfig(block=(write(tmp_path / "list", "one.com"),))
    assert signals(["http://one.com", "http://two.com"], config)["blocked"] == ["list", "none"]
    write(tmp_path / "list", "two.com\n")
    assert signals(["http://one.com", "http://two.com"], config)["blocked"] == ["none", "list"]


def test_rules_read_well(ut1: str) -> None:
    policy = PolicyConfig(
        rules=(
            Rule.model_validate({"signal": "url.blocked", "in": ["none"]}),
            Rule(signal="url.hard_words", max=0),
            Rule(signal="url.soft_words", max=1),
            Rule(signal="url.strict_words", max=0),
        )
    )
    check_signals(policy, {f"url.{name}": dtype for name, dtype in URL.columns().items()})
    values = signals(URLS, UrlConfig(block=(ut1,)))
    table = pa.table({f"url.{name}": pa.array(values[name], dtype) for name, dtype in URL.columns().items()})
    assert judge(policy, table)["kept"].to_pylist() == [False] * 4 + [True] * 5


# datatrove's URL filter, as its source has it, over the parts in which it is not known to differ


def datatrove(url: str, domains: set[str], hard: set[str], soft: set[str], strict: set[str]) -> str | None:
    parts = url.partition("://")[2].partition("/")[0].split(".")
    if ".".join(parts) in domains or ".".join(parts[-2:]) in domains:
        return "domain"
    words = set(re.split("[^a-zA-Z0-9]+", url))
    if words & hard:
        return "hard"
    if len(words & soft) >= 2:
        return "soft"
    joined = re.sub("[^a-zA-Z0-9]+", "", url).lower()
    return "strict" if any(string in joined for string in strict) else None


WORD = st.sampled_from(["alpha", "beta", "gamma", "delta", "alphabeta", "x9"])
PLAIN = st.tuples(
    st.lists(WORD, min_size=1, max_size=3), st.lists(st.tuples(st.sampled_from("/-_?=&"), WORD), max_size=4)
)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(PLAIN, min_size=1, max_size=8),
    *[st.sets(WORD, min_size=1, max_size=3)] * 4,
    st.sampled_from(["http", "https"]),
)
def test_decisions_are_those_of_datatrove_where_it_has_no_quirk(
    tmp_path_factory: pytest.TempPathFactory,
    plain: list[tuple[list[str], list[tuple[str, str]]]],
    domains: set[str],
    hard: set[str],
    soft: set[str],
    strict: set[str],
    scheme: str,
) -> None:
    folder = tmp_path_factory.mktemp("lists")
    hosts = {f"{domain}.com" for domain in domains}
    words = {"hard": hard, "soft": soft, "strict": strict}
    files = {kind: write(folder / kind, "\n".join(sorted(own))) for kind, own in words.items()}
    block = write(folder / "block", "\n".join(sorted(hosts)))
    config = UrlConfig.model_validate({"block": [block], "words": files})
    urls = [f"{scheme}://{'.'.join(host)}.com/{''.join(map(''.join, rest))}" for host, rest in plain]
    found = signals(urls, config)
    decisions = [
        "domain"
        if blocked != "none"
        else "hard"
        if n_hard
        else "soft"
        if n_soft > 1
        else "strict"
        if n_strict
        else None
        for blocked, n_hard, n_soft, n_strict in zip(
            found["blocked"], found["hard_words"], found["soft_words"], found["strict_words"], strict=True
        )
    ]
    assert decisions == [datatrove(url, hosts, hard, soft, strict) for url in urls]


@pytest.mark.skipif(not (DATA / "web" / "c4_sample").exists(), reason="CORPUSKIT_TEST_DATA has no web/c4_sample")
def test_real_urls_have_hosts_and_domains_and_block_themselves(tmp_path: Path) -> None:
    lines = (DATA / "web" / "c4_sample" / "c4.jsonl").read_text().splitlines()
    urls = [json.loads(line)["url"] for line in lines]
    found = signals(urls)
    assert None not in found["host"]
    assert sum(domain is None for domain in found["domain"]) <= 5
    assert all(host.endswith(domain) for host, domain in zip(found["host"], found["domain"], strict=True) if domain)
    every_other = write(tmp_path / "pages", "\n".join(urls[::2]))
    blocked = signals(urls, UrlConfig(block=(every_other,)))["blocked"]
    assert blocked[::2] == ["pages"] * len(urls[::2])
    assert blocked[1::2].count("pages") < 10
