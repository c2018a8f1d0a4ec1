"""Which encoding a page is in: declarations, their disagreements, and detection."""

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpuskit.extract.charset import codec_of, decode

FRENCH = "L’été dernier, la société a créé une œuvre à Besançon : voilà l’élève déçu, où qu’il fût, naïf et gêné."
RUSSIAN = "Россия является крупнейшей страной мира по территории. Сегодня обсудим историю развития технологий языка."
CHINESE = (
    "中国的经济发展迅速，人民生活水平不断提高。今天我们来讨论一下自然语言处理技术的发展历史，以及它在日常生活中的应用。"
)
TRADITIONAL = (
    "中國的經濟發展迅速，人民生活水準不斷提高。今天我們來討論自然語言處理技術的發展歷史，以及它在日常生活中的應用。"
)
JAPANESE = "日本の経済は急速に発展し、人々の生活水準は向上し続けています。カタカナもあります。"
KOREAN = "한국의 경제는 빠르게 발전하고 있으며 국민의 생활 수준도 계속 향상되고 있습니다."
LEGACY = [
    (FRENCH, "cp1252", "iso-8859-1"),
    (RUSSIAN, "cp1251", "windows-1251"),
    (RUSSIAN, "koi8-r", "KOI8-R"),
    (CHINESE, "gbk", "gb2312"),
    (CHINESE, "gb18030", "gb18030"),
    (TRADITIONAL, "big5", "Big5"),
    (JAPANESE, "shift_jis", "Shift_JIS"),
    (JAPANESE, "euc_jp", "euc-jp"),
    (JAPANESE, "iso2022_jp", "iso-2022-jp"),
    (KOREAN, "euc_kr", "ks_c_5601-1987"),
]


def html(text: str, head: str = "") -> str:
    return f"<html><head>{head}<title>x</title></head><body><p>{text}</p></body></html>"


@pytest.mark.parametrize(("text", "codec", "label"), LEGACY)
def test_legacy_pages_are_decoded_however_they_say_it(text: str, codec: str, label: str) -> None:
    heads = [f'<meta charset="{label}">', f"<META http-equiv=Content-Type content='text/html; charset={label}'>"]
    for head in heads:
        page = html(text, head)
        assert decode(page.encode(codec)).text == page
    xml = f'<?xml version="1.0" encoding="{label}"?>{html(text)}'
    assert decode(xml.encode(codec)).text == xml
    assert decode(html(text).encode(codec), label).text == html(text)
    assert decode(html(text).encode(codec), f' "{label.upper()}" ').text == html(text)


@pytest.mark.parametrize(("text", "codec", "label"), LEGACY)
def test_legacy_pages_that_say_nothing_are_detected(text: str, codec: str, label: str) -> None:
    assert decode(html(text).encode(codec)).text == html(text)
    assert decode(html(text, '<meta charset="no-such">').encode(codec), "none").text.endswith(
        f"<p>{text}</p></body></html>"
    )


@pytest.mark.parametrize(("mark", "codec"), [("utf-8-sig", "utf-8"), ("utf-16", "utf-16-le")])
def test_a_byte_order_mark_wins_over_every_declaration(mark: str, codec: str) -> None:
    page = html(RUSSIAN, '<meta charset="windows-1251">')
    assert decode(page.encode(mark), "iso-8859-1") == (page, codec, 0)
    assert decode(codecs.BOM_UTF16_BE + page.encode("utf-16-be")) == (page, "utf-16-be", 0)


@pytest.mark.parametrize("label", ["iso-8859-1", "windows-1251", "gb2312", "shift_jis", "utf-16", None])
def test_utf8_is_utf8_whatever_is_declared(label: str | None) -> None:
    page = html(RUSSIAN + CHINESE, f'<meta charset="{label}">')
    assert decode(page.encode(), label) == (page, "utf-8", 0)


def test_http_wins_over_the_page() -> None:
    page = html(RUSSIAN, '<meta charset="windows-1252">')
    assert decode(page.encode("cp1251"), "windows-1251") == (page, "cp1251", 0)


@pytest.mark.parametrize("default", ["iso-8859-1", "us-ascii", "windows-1252", "ISO-8859-15"])
@pytest.mark.parametrize(("text", "codec", "label"), LEGACY[1:])
def test_the_page_wins_over_a_servers_default(text: str, codec: str, label: str, default: str) -> None:
    page = html(text, f'<meta charset="{label}">')
    assert decode(page.encode(codec), default).text == page


@pytest.mark.parametrize("label", ["gbk", "big5", "euc-jp", "shift_jis", "euc-kr", "utf-8", "utf-16"])
def test_a_servers_default_stays_where_the_page_cannot_be_what_it_says(label: str) -> None:
    page = html(FRENCH, f'<meta charset="{label}">')
    assert decode(page.encode("cp1252"), "iso-8859-1") == (page, "cp1252", 0)


def test_a_declaration_that_cannot_be_is_passed_over() -> None:
    page = html(RUSSIAN, '<meta charset="windows-1251">')
    assert decode(page.encode("cp1251"), "utf-8") == (page, "cp1251", 0)
    page = html(CHINESE, '<meta charset="utf-8">')
    assert decode(page.encode("gbk"), "utf-8") == (page, "gb18030", 0)


def test_a_declaration_in_a_comment_is_none() -> None:
    page = html(RUSSIAN, '<!-- <meta charset="iso-8859-5"> --><meta charset="windows-1251">')
    assert decode(page.encode("cp1251")).text == page


def test_utf16_without_mark() -> None:
    for codec in ("utf-16-le", "utf-16-be"):
        assert decode(html(RUSSIAN).encode(codec)) == (html(RUSSIAN), codec, 0)
        assert decode(html(RUSSIAN).encode(codec), codec) == (html(RUSSIAN), codec, 0)


def test_a_cut_page_is_what_it_was() -> None:
    page = html(RUSSIAN).encode()
    cut = page[: page.rindex("а".encode()) + 1]
    found = decode(cut, "utf-8")
    assert (found.charset, found.replaced) == ("utf-8", 1)
    assert found.text == cut.decode("utf-8", "replace")
    assert decode(cut, "windows-1252").charset == "utf-8"


def test_a_single_wrong_byte_is_not_utf8() -> None:
    assert decode(b"<p>It\x92s here</p>").text == "<p>It’s here</p>"


@pytest.mark.parametrize(
    ("label", "codec"),
    [
        ("latin1", "cp1252"),
        ("us-ascii", "cp1252"),
        ("ISO-8859-9", "cp1254"),
        ("gb2312", "gb18030"),
        ("x-sjis", "cp932"),
        ("euc-kr", "cp949"),
        ("big5", "big5hkscs"),
        ("tis-620", "cp874"),
        ("unicode-1-1-utf-8", "utf-8"),
        ("utf-7", None),
        ("hz-gb-2312", None),
        ("no-such", None),
        ("", None),
    ],
)
def test_labels_mean_what_the_encoding_standard_says(label: str, codec: str | None) -> None:
    assert codec_of(label) == codec


@given(st.binary(max_size=300), st.none() | st.text(max_size=12))
def test_any_bytes_give_text_that_can_be_encoded(page: bytes, label: str | None) -> None:
    found = decode(page, label)
    found.text.encode()
    assert 0 <= found.replaced <= len(page)


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\x1b"), max_size=200))
def test_utf8_round_trips(text: str) -> None:
    page = f"<p>{text}"
    assert decode(page.encode()) == (page, "utf-8", 0)
