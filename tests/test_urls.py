import json
import os
import re
from pathlib import Path
from urllib.parse import quote, urlsplit

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from corpuskit.errors import MissingExtra
from corpuskit.kernels import Texts
from corpuskit.urls import (
    Urls,
    normalize_urls,
    registered_domains,
)
from corpuskit.urls.address import TRACKERS, parse, without_www

DATA = Path(os.environ.get("CORPUSKIT_TEST_DATA", "missing"))


def column(urls: list[str | None]) -> pa.Array:
    return pa.array(urls, pa.large_string())


def normal(url: str | None) -> str | None:
    return normalize_urls(column([url]))[0].as_py()


def host(url: str | None) -> str | None:
    return Urls(Texts.from_arrow(column([url]))).hosts[0].as_py()


# normal form

SAME = {
    "https://example.com": [
        "http://example.com",
        "https://www.example.com/",
        "HTTP://EXAMPLE.com:80/",
        "https://example.com:443//",
        "http://example.com:/",
        "https://example.com./",
        "https://user:password@example.com/",
        "https://example.com?",
        "https://example.com/#top",
        "https://example.com/#!",
        "https://example.com/?utm_source=x&fbclid=y",
        "https://example.com/?utm_anything=x&mtm_campaign=y&pk_kwd=z&matomo_campaign=1&hsa_acc=2&ITM_source=3",
        "example.com",
        "  https://example.com\n",
        "<https://example.com/>",
        "https://ex%61mple.com/",
        "https://www.www.example.com/a/..",
    ],
    "https://example.com/a/b": [
        "https://example.com/a/./b/",
        "https://example.com/a/c/../b",
        "https://example.com/../a/b",
        "https://example.com/%61/%7e/../b",
        "https://example.com\\a\\b",
        "https://example.com/a/b;jsessionid=0A1B2C",
        "https://example.com/a/b;JSESSIONID=0A1B2C?PHPSESSID=1",
        "https://example.com/a/b;%6asessionid=0A1B2C",
        "https://example.com/a/b?sid=0123456789abcdef0123456789abcdef",
        "https://example.com/a\t/\nb",
        "https://example.com/a/%2E/b",
    ],
    "https://example.com/a?b=1&c=2": [
        "https://example.com/a?c=2&b=1",
        "https://example.com/a/?c=2&&b=1&",
        "https://example.com/a?c=2&amp;b=1",
        "https://example.com/a?c=2&amp;amp;b=1&UTM_Campaign=x#part",
        "https://example.com/a?b=%31&c=2&gclid",
    ],
    "https://example.com/%E4%B8%AD%E6%96%87?q=%E6%96%87": [
        "https://example.com/中文?q=文",
        "https://example.com/%e4%b8%ad文/?q=%e6%96%87",
    ],
    "https://xn--fiq228c.xn--55qx5d/%20": ["http://中文.公司/ ;jsessionid=1", "http://中文。公司/%20", "https://XN--FIQ228C.xn--55qx5d/%20"],
    "https://xn--mnchen-3ya.de": ["https://münchen.de", "https://MÜNCHEN.DE", "https://mu\u0308nchen.de"],
    "https://xn--fa-hia.de": ["https://faß.de"],
    "https://xn--ls8h.la": ["https://💩.la"],
    "https://192.0.2.1:8080/a": ["http://192.0.2.1:8080/a", "http://192.0.2.1:08080/a/"],
    "https://[2001:db8::1]:8080/a": ["http://[2001:0DB8:0:0::1]:8080/a"],
    "https://example.com#!/page%20one": ["https://www.example.com/#!/page one"],
    "https://example.com/a%2Fb%25": ["https://example.com/a%2fb%"],
    "https://example.com/%22%5B%5D%7C": ['https://example.com/"[]|'],
    "ftp://example.com:80/a": ["FTP://www.example.com:80/a"],
    "https://under_score.example.com": ["https://Under_Score.example.com"],
    "https://localhost:5000/x": ["http://localhost:5000/x"],
    "https://web.archive.org/web/2020/http://example.com": ["http://web.archive.org/web/2020/http://example.com/"],
}  # fmt: skip


@pytest.mark.parametrize("form", SAME)
def test_urls_of_one_page_have_one_normal_form(form: str) -> None:
    urls = [form, *SAME[form]]
    assert dict(zip(urls, normalize_urls(column(urls)).to_pylist(), strict=True)) == dict.fromkeys(urls, form)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://example.com/A", "https://example.com/a"),
        ("https://example.com/?A=1", "https://example.com/?a=1"),
        ("https://example.com/a%2Fb", "https://example.com/a/b"),
        ("https://example.com/a//b", "https://example.com/a/b"),
        ("https://example.com/?a", "https://example.com/?a="),
        ("https://example.com/?a=1&a=2", "https://example.com/?a=1"),
        ("https://example.com/?a=b+c", "https://example.com/?a=b%20c"),
        ("https://example.com/?sid=1", "https://example.com/?sid=2"),
        ("https://example.com/?ref=main", "https://example.com/?ref=dev"),
        *(
            (f"https://example.com/item?{name}=5", f"https://example.com/item?{name}=12")
            for name in (
                "pk_id",
                "pk",
                "mtm_id",
                "itm_id",
                "hsa_id",
                "matomo_version",
                "piwik_id",
                "utm_zone",
                "utm_x",
                "utm",
            )
        ),
        ("https://example.com:8080/", "https://example.com/"),
        ("https://example.com/#!a", "https://example.com/#!b"),
        ("https://www.com/", "https://com/"),
        ("https://ww.example.com/", "https://example.com/"),
        ("ftp://example.com/", "https://example.com/"),
    ],
)
def test_different_pages_stay_different(one: str, other: str) -> None:
    assert normal(one) != normal(other)
    assert None not in (normal(one), normal(other))


@pytest.mark.parametrize(
    "url",
    [None, "", " ", "mailto:a@example.com", "a@example.com", "urn:isbn:0", "javascript:void(0)", "https://", "http:///a",
     "//example.com/a", "/a/b", "word", "https://a..b/", "https://.com", "https://a b/", "https://example.com:99999/",
     "https://example.com:1x/", "https://[::1", "https://[nonsense]/", "https://" + "a" * 64 + ".com", "https://%00.com",
     "https://" + "a." * 127 + "com", "https://\u2100.com", "https://a:80:80/", "http://\ufffd/", "https://%ff.com",
     "https://example.com:" + "9" * 5000],
)  # fmt: skip
def test_what_is_no_url_has_no_normal_form_and_no_host(url: str | None) -> None:
    assert normal(url) is None
    assert host(url) is None


def test_hosts_keep_www_and_lose_user_and_port() -> None:
    assert host("http://me@WWW.Example.co.uk:8080/x") == "www.example.co.uk"
    assert host("https://[::FFFF:1.2.3.4]/") == "[::ffff:102:304]"
    assert host("http://user:p@ss@example.com") == "example.com"
    assert host("http://example.com\\@other.com/") == "example.com"


def test_huge_urls() -> None:
    long = "https://example.com/" + "a/" * 50_000
    assert normal(long) == long.rstrip("/")
    assert normal("https://example.com/" + "../" * 50_000) == "https://example.com"
    assert normal("https://example.com/" + "中" * 30_000) == "https://example.com/" + quote("中") * 30_000
    assert normal("https://example.com/?" + "a&" * 50_000) == "https://example.com?" + "&".join("a" * 50_000)
    assert normal("www." * 50_000) is None


def test_columns() -> None:
    urls = pa.chunked_array([["http://a.com/x/", None], ["http://A.com", "", "no"]], pa.string())
    assert normalize_urls(urls).to_pylist() == ["https://a.com/x", None, "https://a.com", None, None]
    assert normalize_urls(column([])).to_pylist() == []
    assert normalize_urls(column(["x", "http://a.b/c", "http://d"])[1:]).to_pylist() == ["https://a.b/c", "https://d"]


PIECES = st.sampled_from(
    [*"/?&#!=:@%~-_. \t\n<>\"\\ab文💩ß。İ\u200d\0", "http://", "https://", "HTTPS://", "ftp://", "www.", "example.com",
     "EXAMPLE", "中文.cn", "münchen", "[::1]", "..", "//", "&amp;", "amp;", "#!", ":80", ":443", ":8080", "%2", "%41",
     "%2e", "%2F", "%e4%b8%ad", "%25", ";jsessionid=1", ";jsession", "id=1", "utm_source=1", "fbclid", "sid=", "xn--",
     "s=" + "0" * 32]
)  # fmt: skip
MESSY = st.lists(PIECES, max_size=14).map("".join)
LIKELY = st.tuples(st.sampled_from(["http://", "https://www.", "https://a.b.example.com:80/", ""]), MESSY).map("".join)
ANY_URL = st.one_of(LIKELY, MESSY, st.text(max_size=30).map("http://a.b/".__add__), st.text(max_size=20))


@settings(max_examples=1500, deadline=None)
@given(ANY_URL)
@example("https://a.b/.;jsessionid=1/c")
@example("https://a.b/?amp;x&b")
@example("https://www.www.com")
@example("http://a.b:443/;jsession;jsessionid=1id=2")
def test_the_normal_form_is_its_own_normal_form_in_plain_characters(url: str) -> None:
    form = normal(url)
    if form is None:
        assert host(url) is None
        return
    assert normal(form) == form
    assert re.fullmatch(r"[A-Za-z0-9\-._~!$&'()*+,;=:@/?%#\[\]]+", form)
    assert host(form) == without_www(host(url) or "")
    split = urlsplit(form)
    assert (split.hostname or "").strip("[]") == without_www(host(url) or "").strip("[]")
    assert split.username is None
    assert not split.path.endswith("/")
    assert not {".", ".."} & set(split.path.split("/"))


@settings(max_examples=300, deadline=None)
@given(st.lists(ANY_URL, max_size=20))
def test_the_kernel_agrees_with_plain_python(urls: list[str]) -> None:
    addresses = [parse(url) for url in urls]
    assert normalize_urls(column(urls)).to_pylist() == [address and address.normal for address in addresses]
    assert Urls(Texts.from_arrow(column(urls))).hosts.to_pylist() == [address and address.host for address in addresses]


@settings(max_examples=300, deadline=None)
@given(st.from_regex(r"https?://(www\.){0,2}[a-z0-9_.-]{1,70}(/[A-Za-z0-9~!$&'()*+,=:@._-]*){0,4}", fullmatch=True))
def test_the_kernel_agrees_with_plain_python_on_plain_urls(url: str) -> None:
    address = parse(url)
    assert normal(url) == (address and address.normal)


@settings(max_examples=300, deadline=None)
@given(ANY_URL, st.sampled_from(sorted(TRACKERS)), st.sampled_from(["a=1", "中=", "%41"]))
def test_trackers_and_order_do_not_matter(url: str, tracker: str, parameter: str) -> None:
    base = url.partition("#")[0].partition("?")[0]
    expected = normal(f"{base}?{parameter}&z=2")
    assert normal(f"{base}?z=2&{tracker}=9&{parameter}&{tracker.upper()}#x") == expected


@pytest.mark.skipif(not (DATA / "web" / "c4_sample").exists(), reason="CORPUSKIT_TEST_DATA has no web/c4_sample")
def test_real_urls_against_urllib() -> None:
    lines = (DATA / "web" / "c4_sample" / "c4.jsonl").read_text().splitlines()
    urls = [json.loads(line)["url"] for line in lines]
    forms = normalize_urls(column(urls)).to_pylist()
    assert len(set(forms)) == len(set(urls))
    assert Urls(Texts.from_arrow(column(urls))).hosts.to_pylist() == [
        (urlsplit(url).hostname or "").removesuffix(".") for url in urls
    ]
    plain = [not re.search(r"[?#%;]|/\.|\./", url) and url.isascii() for url in urls]
    c4 = [re.sub(r"https?://(www\.)?", "", url).rstrip("/") for url in urls]
    assert sum(plain) > 800
    stripped = [form.removeprefix("https://") for form in forms]
    assert np.array(stripped)[plain].tolist() == np.array(c4)[plain].tolist()


# registered domains


def test_registered_domains() -> None:
    expected = {
        "www.bbc.co.uk": "bbc.co.uk",
        "bbc.co.uk": "bbc.co.uk",
        "co.uk": None,
        "com": None,
        "a.b.example.com": "example.com",
        "blog.blogspot.com": "blogspot.com",
        "192.0.2.1": None,
        "[2001:db8::1]": None,
        "localhost": None,
        "xn--fiq228c.xn--55qx5d": "xn--fiq228c.xn--55qx5d",
        "a.b.xn--55qx5d.cn": "b.xn--55qx5d.cn",
        "something.nosuchsuffix": None,
    }
    assert dict(zip(expected, registered_domains(column(list(expected))).to_pylist(), strict=True)) == expected
    assert registered_domains(column([None])).to_pylist() == [None]


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from corpuskit.urls import address, domains

    address._punycode.cache_clear()
    domains._public_suffixes.cache_clear()
    monkeypatch.setitem(__import__("sys").modules, "idna", None)
    monkeypatch.setitem(__import__("sys").modules, "tldextract", None)
    with pytest.raises(MissingExtra, match=r"idna.*corpuskit\[web\]"):
        normal("https://中文.cn")
    with pytest.raises(MissingExtra, match=r"tldextract.*corpuskit\[web\]"):
        registered_domains(column(["a.com"]))
    assert normal("https://a.cn/中") == "https://a.cn/%E4%B8%AD"
