"""Lists of hosts, pages and words: every form of entry, and lookups against sets of strings."""

import gzip
import logging
import os
import re
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpuskit.errors import InputError
from corpuskit.kernels import Texts
from corpuskit.urls import (
    NONE,
    Strings,
    Urls,
    Words,
    fold,
    list_files,
    lists,
    read_lists,
    read_words,
)
from corpuskit.urls.address import Address, parse


def column(urls: list[str | None]) -> pa.Array:
    return pa.array(urls, pa.large_string())


# lists of hosts and pages


def write(path: Path, text: str) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return str(path)


def found(table: lists.HostLists, urls: list[str]) -> list[str | None]:
    batch = Urls(Texts.from_arrow(column(urls)))
    numbers = np.minimum(table.find_hosts(batch.hosts.fill_null("")), table.find_pages(batch.normal))
    return [None if number == NONE else table.names[number] for number in numbers]


LIST = """\ufeff# comment
plain.com
UPPER.com   # after an entry
*.star.com
.dot.com
0.0.0.0 hosts.com
127.0.0.1\thosts2.com hosts3.com
::1 six.com
192.0.2.1
[2001:db8::1]
中文.cn
https://whole.com/
http://www.page.com/bad/
page.com/Query?x=1
port.com:8080/p
xxx
||adblock.com^
! Title of a list
"""


def test_every_form_of_an_entry(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = write(tmp_path / "list.txt", LIST.replace("\n", "\r\n"))
    with caplog.at_level(logging.WARNING):
        table = read_lists(list_files(path))
    assert "2 lines" in caplog.text
    assert "||adblock.com^" in caplog.text
    assert table.names == ("list",)
    blocked = [
        "http://plain.com", "http://a.b.plain.com/x", "http://upper.com", "http://star.com", "http://a.star.com", "http://dot.com",
        "http://hosts.com", "http://hosts2.com", "http://hosts3.com", "http://six.com", "http://192.0.2.1/", "https://中文.cn/x",
        "http://[2001:db8:0::1]:80/", "http://sub.whole.com/y", "http://page.com/bad", "https://www.page.com/bad/x",
        "http://page.com/BAD?x", "http://page.com/bad#!x", "http://page.com/query?x=1", "http://page.com/Query?x=1&y=2",
        "http://port.com:8080/p/q", "http://any.xxx/",
    ]  # fmt: skip
    free = [
        "http://plain.com.org", "http://notplain.com", "http://com", "http://page.com/badger", "http://page.com/", "http://page.com",
        "http://sub.page.com/bad", "http://page.com/query?x=12", "http://port.com/p", "http://0.0.0.0/", "http://comment.com",
        "http://adblock.com/", "http://192.0.2.10/", "http://title/", "not a url", "http://xxx.com",
    ]  # fmt: skip
    assert found(table, blocked) == ["list"] * len(blocked)
    assert found(table, free) == [None] * len(free)


def test_ut1_folders(tmp_path: Path) -> None:
    write(tmp_path / "ut1" / "adult" / "domains", "adult.com\nboth.com\n")
    write(tmp_path / "ut1" / "adult" / "urls", "")
    write(tmp_path / "ut1" / "adult" / "expressions", "(sex|xxx)\n")
    write(tmp_path / "ut1" / "phishing" / "domains.gz", "both.com\nphish.com")
    write(tmp_path / "ut1" / "phishing" / "urls.gz", "adult.com/login\nhost.com/login\n")
    write(tmp_path / "ut1" / "README", "see.com")
    whole = list_files(str(tmp_path / "ut1"))
    assert {name: len(files) for name, files in whole.items()} == {"adult": 2, "phishing": 2}
    urls = [
        "http://adult.com/login",
        "http://both.com",
        "http://www.phish.com",
        "http://host.com/login/x",
        "http://see.com",
    ]
    assert found(read_lists(whole), urls) == ["adult", "adult", "phishing", "phishing", None]
    assert list(list_files(str(tmp_path / "ut1" / "phishing"))) == ["phishing"]
    assert list(list_files(str(tmp_path / "ut1" / "phishing" / "urls.gz"))) == ["phishing"]
    assert list(list_files(str(tmp_path / "ut1"), "mine")) == ["mine"]
    assert list(list_files(write(tmp_path / "takedown.v2.txt.gz", "a.com"))) == ["takedown"]
    reverse = dict(reversed(whole.items()))
    assert found(read_lists(reverse), urls[:3]) == ["phishing", "phishing", "phishing"]


def test_lists_that_cannot_be_used(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        list_files(str(tmp_path / "missing"))
    write(tmp_path / "folder" / "notes.txt", "a.com")
    with pytest.raises(InputError, match="domains or urls"):
        list_files(str(tmp_path / "folder"))
    with pytest.raises(InputError, match=r"empty\.txt: no host and no URL"):
        read_lists(list_files(write(tmp_path / "empty.txt", "# nothing\n\n")))
    path = tmp_path / "cut.gz"
    path.write_bytes(gzip.compress(os.urandom(10_000))[:-100])
    with pytest.raises(InputError, match=r"cut\.gz"):
        read_lists(list_files(str(path)))
    (tmp_path / "not.gz").write_bytes(b"a.com\n")
    with pytest.raises(InputError, match=r"not\.gz"):
        read_lists(list_files(str(tmp_path / "not.gz")))


@pytest.mark.parametrize("chunk", [1, 7, 64])
def test_lists_are_read_in_chunks_of_whole_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, chunk: int
) -> None:
    path = write(tmp_path / "list.txt", LIST)
    whole = read_lists(list_files(path))
    monkeypatch.setattr(lists, "CHUNK", chunk)
    pieces = read_lists(list_files(path))
    np.testing.assert_array_equal(whole.hosts.hashes, pieces.hosts.hashes)
    np.testing.assert_array_equal(whole.pages.hashes, pieces.pages.hashes)
    assert whole.longest == pieces.longest


def test_the_first_list_counts_whether_it_has_the_host_or_its_domain(tmp_path: Path) -> None:
    below = list_files(write(tmp_path / "below", "a.x.com"))
    above = list_files(write(tmp_path / "above", "x.com"))
    urls = ["http://b.a.x.com", "http://x.com"]
    assert found(read_lists(below | above), urls) == ["below", "above"]
    assert found(read_lists(above | below), urls) == ["above", "above"]


def test_a_table_keeps_the_first_list_of_each_entry() -> None:
    generator = np.random.default_rng(7)
    owned = [generator.integers(0, 2_000, 1_500).astype(np.uint64) for _ in range(3)]
    table = lists.Table.of(owned)
    first: dict[int, int] = {}
    for number, entries in enumerate(owned):
        for entry in entries.tolist():
            first.setdefault(entry, number)
    assert dict(zip(table.hashes.tolist(), table.numbers.tolist(), strict=True)) == first
    assert table.hashes.tolist() == sorted(first)
    assert len(lists.Table.of([])) == 0


LABEL = st.sampled_from(["a", "b", "com", "www", "x1"])
HOSTS = st.lists(LABEL, min_size=1, max_size=4).map(".".join)
PAGES = st.tuples(HOSTS, st.lists(st.sampled_from(["/a", "/b", "/A", "/ab", "/"]), min_size=1, max_size=3).map("".join),
                  st.sampled_from(["", "?a", "?a=1&b", "?b"])).map("".join)  # fmt: skip


@settings(max_examples=120, deadline=None)
@given(
    st.lists(st.lists(st.one_of(HOSTS, PAGES), min_size=1, max_size=6), min_size=1, max_size=3),
    st.lists(PAGES, max_size=12),
)
def test_lookups_against_sets_of_strings(
    tmp_path_factory: pytest.TempPathFactory, entries: list[list[str]], pages: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("lists")
    names = [f"list{number}" for number in range(len(entries))]
    for name, own in zip(names, entries, strict=True):
        write(folder / name, "\n".join(own))
    table = read_lists({name: list_files(str(folder / name))[name] for name in names})

    def key(page: Address) -> str:
        return page.normal.removeprefix("https://").lower()

    def matches(page: str, entry: str) -> bool:
        address, listed = parse(f"https://{page}"), parse(f"https://{entry}")
        assert address is not None
        assert listed is not None
        if not listed.rest:
            return f".{address.host}".endswith(f".{listed.host}")
        return key(address) == key(listed) or key(address).startswith(tuple(key(listed) + sign for sign in "/?&#"))

    expected = [
        next(
            (name for name, own in zip(names, entries, strict=True) if any(matches(page, entry) for entry in own)), None
        )
        for page in pages
    ]
    assert found(table, [f"http://{page}" for page in pages]) == expected


def test_a_long_page_costs_no_more_than_the_longest_entry(tmp_path: Path) -> None:
    table = read_lists(list_files(write(tmp_path / "list", "a.com/x\nb.com")))
    assert table.longest == len("a.com/x")
    assert found(table, ["http://a.com/x" + "/y" * 50_000, "http://a.com" + "/y" * 50_000]) == ["list", None]


# words


def words_of(tmp_path: Path, *entries: str) -> tuple[str, ...]:
    return read_words(write(tmp_path / "words.txt", "\n".join(entries)))


def counted(matcher: Words | Strings, *urls: str) -> list[int]:
    return matcher.count(fold(Texts.from_arrow(column(list(urls))))).tolist()


def test_word_files(tmp_path: Path) -> None:
    assert words_of(tmp_path, "# no", "Free-Stuff ", "色情", "", "free stuff", "b") == ("b", "freestuff", "色情")
    assert read_words(write(tmp_path / "w.gz", "B\r\na")) == ("a", "b")
    with pytest.raises(InputError, match="no word"):
        words_of(tmp_path, "# only", "--")
    (tmp_path / "latin").write_bytes(b"caf\xe9\n")
    with pytest.raises(InputError, match="not UTF-8"):
        read_words(str(tmp_path / "latin"))


def test_words_are_whole_and_counted_once(tmp_path: Path) -> None:
    matcher = Words(words_of(tmp_path, "sex", "porn", "色情", "http"))
    assert counted(matcher, "https://SEX.com/Porn-sex/porn", "http://essex.com/sexy", "") == [2, 0, 0]
    assert counted(matcher, "http://a.com/%E8%89%B2%E6%83%85/x", "http://a.com/色情", "http://a.com/%73ex") == [1, 1, 1]
    assert counted(matcher, "sex", "a/http") == [1, 1]
    assert counted(matcher, "http://a.com/%B3%C9sex") == [1]  # GB 18030: what is no UTF-8 lies between words


def test_strings_are_found_across_separators_but_not_across_the_scheme(tmp_path: Path) -> None:
    matcher = Strings(words_of(tmp_path, "sex", "es", "色情"))
    assert counted(matcher, "https://exposure.com", "http://a.com/s-e_X", "http://essex.com", "http://色-情.cn") == [
        0,
        1,
        2,
        1,
    ]


TEXTS = st.text(st.sampled_from("abcA-./%é色"), max_size=12)


@settings(max_examples=400, deadline=None)
@given(
    st.sets(st.text(st.sampled_from("abcé色"), min_size=1, max_size=4), min_size=1, max_size=8),
    st.lists(TEXTS, max_size=6),
)
def test_words_and_strings_against_plain_python(entries: set[str], urls: list[str]) -> None:
    words = tuple(sorted(entries))
    separated = [re.split(r"[^0-9a-z\x80-\U0010ffff]+|\ufffd+", unquote(url).lower()) for url in urls]
    assert counted(Words(words), *urls) == [len(entries & set(own)) for own in separated]
    joined = ["".join(own) for own in separated]
    occurrences = [sum(text.startswith(word, at) for word in words for at in range(len(text))) for text in joined]
    assert counted(Strings(words), *urls) == occurrences
