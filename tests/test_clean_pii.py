import ipaddress
import itertools
import json
import os
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from corpuskit.clean.pii import COUNTS, KINDS, PII, PLACEHOLDERS, PiiConfig, find, mask

PLACEHOLDER = dict(zip(KINDS, (placeholder.decode() for placeholder in PLACEHOLDERS), strict=True))
LETTERS = "aB3dE5gH7"  # tokens are put together here, so that no scanner takes this file for a leak


def masked(texts: list[str], **config: object) -> list[str]:
    return PII.clean(pa.array(texts, pa.large_string()), PiiConfig(**config)).texts.to_pylist()


def counted(texts: list[str]) -> list[dict[str, int]]:
    counts = PII.clean(pa.array(texts, pa.large_string()), PiiConfig()).counts
    return [{name: int(counts[name][row]) for name in COUNTS if counts[name][row]} for row in range(len(texts))]


def letters(length: int) -> str:
    return "".join(itertools.islice(itertools.cycle(LETTERS), length))


def slow_mask(text: str) -> str:
    """What masking means: every place of the text is a candidate of every kind."""
    data = text.encode()
    matches = list(find(data, itertools.product(range(len(data)), range(len(KINDS)))))
    return slow_mask(mask(data, matches).decode()) if matches else text


# what is found

EMAILS = (
    "john@example.com",
    "John.O'Neil+news_1%x@mail.Example-Site.co.uk",
    "1@2.de",
    "prénom.nom@université.fr",
    "почта@пример.рф",
    "info@xn--bcher-kva.xn--p1ai",
    "a@b.museum",
    "x@deep.sub.domain.example.org",
    f"{'l' * 64}@example.com",
)
ADDRESSES = (
    "8.88.44.123",
    "165.201.143.205",
    "223.254.1.255",
    "2606:4700:4700::1111",
    "2a00:1450:4001:81B::200E",
    "2001:4860:4860:0:0:0:0:8888",
)
CARDS = (
    "4111111111111111",
    "4111 1111 1111 1111",
    "5555-5555-5555-4444",
    "2223003122003222",
    "378282246310005",
    "3782 822463 10005",
    "30569309025904",
    "6011000990139424",
    "3530111333300000",
    "6200000000000005",
)
PHONES = (
    "(415) 555-2671",
    "(415)555-2671",
    "415-555-2671",
    "415.555.2671",
    "415 555-2671",
    "1-800-555-2671",
    "1 (415) 555-2671",
    "+1 415 555 2671",
    "+14155552671",
    "(+1) 415-555-2671",
    "+1\u00a0415\u00a0555\u00a02671",
    "+44 20 7946 0958",
    "+44 (0)20 7946 0958",
    "(+44) 20 7946 0958",
    "+49 (0)40 890 85-433",
    "+49 30 1234567",
    "+33 1 23 45 67 89",
    "+86 138 1234 5678",
    "+8613812345678",
    "+86-10-12345678",
    "+91\u201198765\u201143210",
    "86-13812345678",
    "(+86)13812345678",
    "0086 13812345678",
    "13812345678",
    "138-1234-5678",
    "138 1234 5678",
    "010-12345678",
    "0755-1234567",
    "020 7946 0958",
    "07911123456",
    "07911 123456",
    "01632 960 983",
    "(08) 9262 0400",
    "01.23.45.67.89",
    "01-23-45-67-89",
    "030/1234567",
    "0221 / 1234567",
    "06-12345678",
    "0049 30 1234567",
)
TOKENS = (
    "AKIA" + "QRSTUVWXYZ234567",
    "ASIA" + "QRSTUVWXYZ234567",
    *(f"gh{kind}_" + letters(36) for kind in "pousr"),
    "github_pat_" + letters(22) + "_" + letters(59),
    "glpat-" + letters(20),
    "glpat-" + letters(27) + ".01.1x2y3z4",
    "xoxb-" + "1234567890-1234567890-" + letters(24),
    "xoxp-" + "1234567890-1234567890-1234567890-" + "0a1b2c3d" * 4,
    "AIza" + letters(33) + "-_",
    "sk_live_" + letters(24),
    "rk_live_" + letters(99),
    "sk-" + letters(20) + "T3BlbkFJ" + letters(20),
    "sk-proj-" + letters(74) + "T3BlbkFJ" + letters(74),
    "sk-ant-api03-" + letters(93) + "AA",
    "npm_" + letters(36),
    "pypi-AgEIcHlwaS5vcmc" + letters(150),
    "hf_" + "abcdefghijklmnopqrstuvwxyzABCDEFGH",
    ".".join(("eyJ" + letters(17), "eyJ" + letters(60), letters(43))),
)
BASE64 = "\n".join([(LETTERS + "+/") * 5 + "abcdefghi"] * 12) + "\nQUJD=="
KEYS = (
    *(
        f"-----BEGIN {name}-----\n{BASE64}\n-----END {name}-----"
        for name in ("PRIVATE KEY", "RSA PRIVATE KEY", "OPENSSH PRIVATE KEY", "PGP PRIVATE KEY BLOCK")
    ),
    f"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\n{BASE64}\n-----END RSA PRIVATE KEY-----",
    f"-----BEGIN PRIVATE KEY-----\\n{BASE64.replace(chr(10), chr(92) + 'n')}\\n-----END PRIVATE KEY-----",
    f"-----BEGIN EC PRIVATE KEY-----\n{BASE64}",  # cut off
)
POSITIVES = {
    "private_key": KEYS,
    "api_token": TOKENS,
    "email": EMAILS,
    "ip_address": ADDRESSES,
    "credit_card": CARDS,
    "phone": PHONES,
}
FRAMES = ("{}", "see {}, please", "联系{}。谢谢", "({})", "a:\n{}\nb", "“{}”", "é {}; x", "x {}. Then")
FRAGMENTS = [text for texts in POSITIVES.values() for text in texts]
EXPECTED = [(kind, text) for kind, texts in POSITIVES.items() for text in texts]


@pytest.mark.parametrize(("kind", "text"), EXPECTED, ids=[f"{kind}-{text[:24]!a}" for kind, text in EXPECTED])
def test_each_kind_is_found_in_any_frame(kind: str, text: str) -> None:
    framed = [frame.format(text) for frame in FRAMES]
    assert masked(framed) == [frame.format(PLACEHOLDER[kind]) for frame in FRAMES]
    assert counted(framed) == [{COUNTS[KINDS.index(kind)]: 1}] * len(FRAMES)  # type: ignore[arg-type]


# what is left alone

NEGATIVES = (
    # no e-mail addresses
    "user@localhost", "@handle on a site", "a @ b.com", "icon@2x.png", "react@17.0.2", "x@example.c", "a@b", "a@.com",
    "a@b..com", f"{'l' * 65}@example.com", "ａ＠ｂ.com", "joe at example dot com",
    # no public addresses
    "1.2.3.4.5", "10.0.19041.1", "192.168.1.20", "127.0.0.1", "10.1.2.3", "0.0.0.0", "255.255.255.255",
    "256.100.100.100", "54.012.3.9", "v54.12.3.9", "version 54.12.3.9", "Section 54.12.3.9", "版本：54.12.3.9",
    "Chrome/114.0.0.0", "Linux kernel 5.15.0.91", "OpenSSL 1.1.1.45", "Firefox 115.0.2.55", "glibc 2.35.0.1",
    "SQL Server 11.0.210.60", "Exchange Server 15.1.225.42", "observer 15.1.225.42", "8.8.4.123", "54.12.3.9",
    "libfoo-54.12.3.9", "54.12.3.9-beta", "54.12.3.9x", "3.2.1.10 Results", "8.8.8.8", "1.2.3.4",
    "2001:db8::1", "fe80::1", "::1", "12:30:45", "2012:05:10", "std::a::b", "00:1B:44:11:3A:B7", "2606:4700:1111",
    "2606:4700:4700::1111:", "x2606:4700:4700::1111",
    # no cards: check digit, issuer, length, longer runs, paths, decimals
    "4111111111111112", "1111111111111117", "9780306406157", "4006381333931", "41111111111111111111",
    "4111 1111-1111 1111", "411111111 1111111", "0.4111111111111111", "/4111111111111111", "a4111111111111111",
    "4111 1111 1111 1111 1111", "4111.1111.1111.1111", "4111111111111111-1",
    # no telephone numbers: dates, prices, identifiers, counts, ranges
    "2019-05-17", "05/17/2019 10:30", "04-22-2019 04:00", "1990-1995", "1914–1918 1939–1945", "978-0-306-40615-7",
    "0-306-40615-2", "ISSN 0317-8471", "02139-4307", "$415-555-2671", "1,234,567,890", "1234567890", "4155552671",
    "415-555-26711", "2415-555-2671", "911-555-2671", "415-911-2671", "495-555-2671", "115-555-2671", "12-415-555-2671",
    "AB415-555-2671", "/415-555-2671", "id=13812345678", "12812345678", "138123456789", "13800000000",
    "0.13812345678", "13812345678.50", "http://a.b/13812345678.html", "+12345", "5+4915112345678", "01 02 03 04 05 06",
    "00 01 02 03 04 05", "0.123 0.456 0.789", "84 104 105 115 32 112 114 111", "１３８１２３４５６７８", "٠١٢٣٤٥٦٧٨٩٠",
    "winning numbers 07 14 21 28 35", "MIDI: 01 60 64 90 00", "television 07 14 21 28 35", "01 23 45 67 89",
    "金额15000000001元", "价格13999999999元", "人口13800138000人", "13800138000 万",
    "总计138 1234 5678亿", "8613812345678美元",
    "订单号：13812345678", "编号 13812345678", "学号13812345678", "账号为13812345678", "金額13812345678",
    "ID: 13812345678",
    "Date 010 20240101", "010 20240101", "020-2024-01-01", "part no. 0612-345678", "Ref: 0612-345678", "no 0612-345678",
    "Order # 0612-345678", "serial number 415-555-2671",
    "QX-2019-0123-4567", "19700101000000", "1700000000", "1700000000000",
    # no tokens: lengths, placeholders, words, names
    "AKIA" + "QRSTUVWXYZ23456", "AKIA" + "QRSTUVWXYZ2345678", "ASIAN" + "INFRASTRUCTUREX", "ghp_" + letters(35),
    "xghp_" + letters(36), "github_pat_11", "task-based risk-free", "hf_" + "x" * 34, "npm_config_cache",
    "sk_test_" + letters(24), "sk-learn", "eyJhbGci.eyJ", "xoxb-your-token-here", "AIza" + letters(36), "pypi-server",
    # no keys
    "-----BEGIN PRIVATE KEY-----", "-----BEGIN PRIVATE KEY----- and -----END PRIVATE KEY-----",
    "-----BEGIN CERTIFICATE-----\n" + BASE64 + "\n-----END CERTIFICATE-----",
    "-----BEGIN PUBLIC KEY-----\n" + BASE64 + "\n-----END PUBLIC KEY-----", "-----------BY-----------",
)  # fmt: skip


@pytest.mark.parametrize("text", NEGATIVES, ids=[f"{text[:30]!a}" for text in NEGATIVES])
def test_what_may_be_something_else_is_left_alone(text: str) -> None:
    if text == "2606:4700:4700::1111:":
        assert masked([text]) == ["<IP_ADDRESS>:"]  # punctuation behind it
        return
    assert masked([f"x {text} y", text]) == [f"x {text} y", text]


# how kinds meet

TOKEN = TOKENS[2]
MEETINGS = {
    "http://1.2.3.4/": "http://<IP_ADDRESS>/",
    "http://8.8.8.8:53/x": "http://<IP_ADDRESS>:53/x",
    "IP地址：1.2.3.4": "IP地址：<IP_ADDRESS>",
    "ping 8.8.8.8": "ping <IP_ADDRESS>",
    "the server is at 8.8.8.8.": "the server is at <IP_ADDRESS>.",
    "our servers 8.8.8.8": "our servers <IP_ADDRESS>",
    "Server: 8.8.8.8": "Server: <IP_ADDRESS>",
    "DNS 8.8.8.8, 8.8.4.4 and 1.1.1.1": "DNS <IP_ADDRESS>, <IP_ADDRESS> and <IP_ADDRESS>",
    "host 8.8.8.8 with OpenSSL 1.1.1.45": "host <IP_ADDRESS> with OpenSSL 1.1.1.45",
    "host a@b.com, 1.1.1.45": "host <EMAIL>, 1.1.1.45",
    "服务器：8.8.8.8": "服务器：<IP_ADDRESS>",
    "服务器地址是8.8.8.8": "服务器地址是<IP_ADDRESS>",
    "Tél. : 01 60 64 90 00": "Tél. : <PHONE>",
    "TÉL 01 60 64 90 00": "TÉL <PHONE>",
    "Téléphone (standard) 01 60 64 90 00": "Téléphone (standard) <PHONE>",
    "Fax 01 60 64 90 00": "Fax <PHONE>",
    "Appelez-nous au 06 12 34 56 78": "Appelez-nous au <PHONE>",
    "+33 1 60 64 90 00": "<PHONE>",
    "Phone no. 0612-345678": "Phone no. <PHONE>",
    "No. (415) 555-2671": "No. <PHONE>",
    "No. +44 20 7946 0958": "No. <PHONE>",
    "手机账号13812345678": "手机账号<PHONE>",
    "联系人13812345678": "联系人<PHONE>",
    "54.12.3.9/24": "<IP_ADDRESS>/24",
    "IP 54.12.3.9-54.12.3.99": "IP <IP_ADDRESS>-<IP_ADDRESS>",
    "::ffff:54.12.33.99": "::ffff:<IP_ADDRESS>",
    "[2606:4700:4700::1111]:80": "[<IP_ADDRESS>]:80",
    "root@54.12.3.9": "root@<IP_ADDRESS>",
    "邮箱abc@example.com联系": "邮箱<EMAIL>联系",
    "电话13812345678或138 1234 5679": "电话<PHONE>或<PHONE>",
    "13812345678@qq.com": "<EMAIL>",
    "415-555-2671@example.com": "<EMAIL>",
    "john.415-555-2671@example.com": "<EMAIL>",
    f"https://{TOKEN}@github.com": "https://<API_TOKEN>@github.com",
    f"user:{TOKEN}": "user:<API_TOKEN>",
    "https://user:secret@host.example.com/": "https://user:<EMAIL>/",
    "mailto:a@b.com?subject=x": "mailto:<EMAIL>?subject=x",
    "a@b.com,c@d.org;e@f.net": "<EMAIL>,<EMAIL>;<EMAIL>",
    "a@b.com.": "<EMAIL>.",
    "a@b.com- and": "<EMAIL>- and",
    "4111111111111111 12/25": "<CREDIT_CARD> 12/25",
    "415-555-2671x12": "<PHONE>x12",
    "Tel. 415-555-2671.Call": "Tel. <PHONE>.Call",
    "tel:+14155552671": "tel:<PHONE>",
    f"key {KEYS[0]} mail a@b.com": "key <PRIVATE_KEY> mail <EMAIL>",
    f"{KEYS[6]}\nThat was all, a@b.com": "<PRIVATE_KEY>\nThat was all, <EMAIL>",
    "a@b.com+49 30 1234567": "<EMAIL><PHONE>",
    f"54.12.33.99-{TOKEN}": "<IP_ADDRESS>-<API_TOKEN>",
}


@pytest.mark.parametrize(("text", "expected"), MEETINGS.items(), ids=[f"{text[:30]!a}" for text in MEETINGS])
def test_kinds_that_meet(text: str, expected: str) -> None:
    assert masked([text]) == [expected]


# properties

WORDS = st.sampled_from(
    ["server is at ", "IP ", "and ", "no. ", "Tél. ", "01 60 64 90 00", "8.8.8.8", ", ", "元", "订单"]
)
ODD = st.text(st.sampled_from("aZ9 .@-+_/=:()\n0146é邮\u00a0\u2011１٣\U0001f600"), max_size=12)
GLUED = st.lists(st.one_of(st.sampled_from(FRAGMENTS), st.sampled_from(NEGATIVES), ODD, WORDS), max_size=8).map("".join)


@given(GLUED)
def test_the_scan_misses_nothing_that_the_patterns_match(text: str) -> None:
    assert masked([text]) == [slow_mask(text)]


@given(st.lists(st.text("0123456789.-+() @:abEGIN_", max_size=40), max_size=6))
def test_the_scan_misses_nothing_in_numbers(texts: list[str]) -> None:
    assert masked(texts) == list(map(slow_mask, texts))


@given(st.lists(GLUED, max_size=5))
def test_each_text_is_masked_by_itself_and_once(texts: list[str]) -> None:
    once = masked(texts)
    assert once == [masked([text])[0] for text in texts]
    assert masked(once) == once


@given(GLUED)
def test_counts_are_those_of_new_placeholders(text: str) -> None:
    found = Counter(re.findall("|".join(PLACEHOLDER.values()), masked([text])[0]))
    assert counted([text]) == [
        {count: found[PLACEHOLDER[kind]] for kind, count in zip(KINDS, COUNTS, strict=True) if found[PLACEHOLDER[kind]]}
    ]


@given(st.text(max_size=40), st.sampled_from(EXPECTED), st.text(max_size=40))
def test_what_is_planted_is_found_and_the_rest_stays(before: str, planted: tuple[str, str], after: str) -> None:
    kind, text = planted
    assert masked([f"{before} :\n{text}\n: {after}"]) == [
        f"{slow_mask(before + ' :')}\n{PLACEHOLDER[kind]}\n{slow_mask(': ' + after)}"
    ]


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="0123456789@-_IJz"))))
def test_texts_without_candidates_stay_the_very_same_array(texts: list[str]) -> None:
    array = pa.array(texts, pa.large_string())
    cleaned = PII.clean(array, PiiConfig())
    assert cleaned.texts is array
    assert not any(counts.any() for counts in cleaned.counts.values())


@given(st.ip_addresses())
def test_only_public_addresses_are_masked(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    public = address.is_global
    if address.version == 6:
        public &= address in ipaddress.ip_network("2000::/3") and len(str(address).strip(":").split(":")) >= 3
    else:
        public &= not str(address).endswith(".0.0")
    assert masked([f"IP: {address}"]) == ["IP: <IP_ADDRESS>" if public else f"IP: {address}"]


@given(st.text("0123456789", min_size=12, max_size=12), st.sampled_from(["5105", "4539", "3566", "6011", "2720"]))
def test_only_check_digits_that_fit_make_a_card(rest: str, prefix: str) -> None:
    digits = prefix + rest
    doubled = [int(digit) * (2 if place % 2 == 0 else 1) for place, digit in enumerate(digits)]
    fits = sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0
    assert masked([digits]) == ["<CREDIT_CARD>" if fits else digits]


@pytest.mark.parametrize(
    "period",
    [
        "a@", "a.", "a.@a.", "a@b.", "1", "1.", "1.1.1.", "1 ", "1-", "415-555-2671-", "+49 30 1234567", "(415)", "::",
        "2001:", "2606:4700:4700::1111", "-", "-----BEGIN PRIVATE KEY-----", "-----BEGIN PRIVATE KEY-----\n" + "A" * 40,
        "eyJ", "eyJ.", "eyJ" + "a" * 20 + ".", "sk-ant-api03-", "sk-proj-" + "T3BlbkFJ" * 9, "ghp_", "AKIA", "ASIA",
        "glpat-", "hf_", "hf_a" * 9 + " ", "-----BEGIN RSA PRIVATE KEY-----\n" + "A" * 40_000 + "\n",
        "4111 1111 ", "4111111111111111 ", "a@b.com", "a@b.com+49 30 1234567",
        "0" * 10 + "@", "a'", "IP 8.8.8.8, ", "1.1.1.1 ", "Tel 01 60 64 90 00 ", "no. 0612-345678 ",
        "-----END ", TOKENS[-1] + "+2415-555-2671", "(020) 7946 0958 ",
    ],
)  # fmt: skip
def test_long_repetitions_come_to_an_end(period: str) -> None:
    text = (period * (1_000_000 // len(period) + 1))[:1_000_000]
    once = masked([text])
    assert masked(once) == once


# batches


def test_empty_batches_and_texts() -> None:
    assert masked([]) == []
    assert masked(["", "a@b.com", "", "", "x"]) == ["", "<EMAIL>", "", "", "x"]


def test_slices_and_their_neighbours() -> None:
    array = pa.array(["a@b.com", "4155", "55-2671", "me@", "b.com", "415-555-2671"], pa.large_string())
    cleaned = PII.clean(array.slice(1, 5), PiiConfig())
    assert cleaned.texts.to_pylist() == ["4155", "55-2671", "me@", "b.com", "<PHONE>"]
    assert cleaned.counts["phone_numbers"].tolist() == [0, 0, 0, 0, 1]
    assert all(counts.dtype == np.int32 and len(counts) == 5 for counts in cleaned.counts.values())
    assert cleaned.texts.type == pa.large_string()


def test_more_candidates_than_room() -> None:
    text = "x@y.de 415-555-2671 " * 5000
    assert masked([text]) == ["<EMAIL> <PHONE> " * 5000]
    assert counted([text]) == [{"emails": 5000, "phone_numbers": 5000}]


def test_only_the_kinds_asked_for() -> None:
    text = "; ".join(texts[0] for texts in POSITIVES.values())
    for kind in KINDS:
        only = [PLACEHOLDER[name] if name == kind else texts[0] for name, texts in POSITIVES.items()]
        assert masked([text], kinds=(kind,)) == ["; ".join(only)]
    assert masked([text], kinds=("email", "phone"))[0].count("<") == 2


@pytest.mark.parametrize("kinds", [(), ("e-mail",)])
def test_kinds_that_do_not_exist_are_refused(kinds: tuple[str, ...]) -> None:
    with pytest.raises(ValidationError, match="kinds"):
        PiiConfig(kinds=kinds)


def test_the_declaration_is_whole() -> None:
    assert PII.name == PiiConfig().step == "pii"
    assert set(PII.counts) == set(COUNTS)
    assert PiiConfig().kinds == KINDS


# real texts


@pytest.mark.skipif("CORPUSKIT_TEST_DATA" not in os.environ, reason="CORPUSKIT_TEST_DATA is not set")
def test_web_pages() -> None:
    lines = (Path(os.environ["CORPUSKIT_TEST_DATA"]) / "web/c4_sample/c4.jsonl").read_text("utf-8").splitlines()
    texts = [json.loads(line)["text"] for line in lines]
    cleaned = PII.clean(pa.array(texts, pa.large_string()), PiiConfig())
    assert {name: int(counts.sum()) for name, counts in cleaned.counts.items() if counts.any()} == {
        "emails": 22,
        "ip_addresses": 3,
        "phone_numbers": 48,
    }
    assert cleaned.texts.to_pylist()[:100] == list(map(slow_mask, texts[:100]))
