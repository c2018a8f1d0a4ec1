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
from pii_texts import EXPECTED, FRAGMENTS, FRAMES, KEYS, NEGATIVES, POSITIVES, TOKENS
from pydantic import ValidationError

from corpuskit.clean.pii import COUNTS, KINDS, PII, PLACEHOLDERS, PiiConfig, find, mask

PLACEHOLDER = dict(zip(KINDS, (placeholder.decode() for placeholder in PLACEHOLDERS), strict=True))


def masked(texts: list[str], **config: object) -> list[str]:
    return PII.clean(pa.array(texts, pa.large_string()), PiiConfig(**config)).texts.to_pylist()


def counted(texts: list[str]) -> list[dict[str, int]]:
    counts = PII.clean(pa.array(texts, pa.large_string()), PiiConfig()).counts
    return [{name: int(counts[name][row]) for name in COUNTS if counts[name][row]} for row in range(len(texts))]


def slow_mask(text: str) -> str:
    """What masking means: every place of the text is a candidate of every kind."""
    data = text.encode()
    matches = list(find(data, itertools.product(range(len(data)), range(len(KINDS)))))
    return slow_mask(mask(data, matches).decode()) if matches else text


# what is found


@pytest.mark.parametrize(("kind", "text"), EXPECTED, ids=[f"{kind}-{text[:24]!a}" for kind, text in EXPECTED])
def test_each_kind_is_found_in_any_frame(kind: str, text: str) -> None:
    framed = [frame.format(text) for frame in FRAMES]
    assert masked(framed) == [frame.format(PLACEHOLDER[kind]) for frame in FRAMES]
    assert counted(framed) == [{COUNTS[KINDS.index(kind)]: 1}] * len(FRAMES)  # type: ignore[arg-type]


# what is left alone


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
