"""RefinedWeb's line rules, against regular expressions and slow obvious Python."""

import re
import unicodedata

import numpy as np
import pyarrow as pa
import pytest
from cleaning import gold_articles, needs_data
from hypothesis import example, given, settings
from hypothesis import strategies as st

from corpuskit.kernels import Texts
from corpuskit.signals.refinedweb import REFINEDWEB, measure

COUNTER = re.compile(
    "[^a-z0-9]*[0-9][0-9.,]*[kmb]?[\t-\r\x1c-\x20]+"
    "(?:like|share|comment|retweet|repost|quote|bookmark|upvote|downvote|download|view|follower)s?[^a-z0-9]*",
    re.IGNORECASE | re.ASCII,
)
PATTERN = re.compile(
    r"\Asign[- ]in(?![a-z0-9])|(?<![a-z0-9])read more(?:\.\.\.|…)?\Z|(?<![a-z0-9])items in cart(?![a-z0-9])",
    re.IGNORECASE | re.ASCII,
)
KINDS = ("uppercase", "numeric", "counter", "one_word", "pattern")


def values(pages: list[str]) -> list[dict[str, float | None]]:
    texts = Texts.from_arrow(pa.array(["3 likes\nA", *pages, "\nSIGN IN"], pa.large_string()).slice(1, len(pages)))
    found = measure(texts)
    assert list(found) == list(REFINEDWEB.signals)
    assert {value.dtype for value in found.values()} == {np.dtype(np.float32)}
    columns = {name: pa.array(value, from_pandas=True).to_pylist() for name, value in found.items()}
    return [{name: column[row] for name, column in columns.items()} for row in range(len(pages))]


def kinds(line: str) -> set[str]:
    visible = "".join(line.split())
    holds = {
        "uppercase": sum(map(str.isupper, visible)) > len(visible) / 2,
        "numeric": all(unicodedata.category(character) == "Nd" for character in visible),
        "counter": COUNTER.fullmatch(line) is not None,
        "one_word": len(line.split()) == 1,
        "pattern": len(line.split()) <= 10 and PATTERN.search(line) is not None,
    }
    return {kind for kind, true in holds.items() if true}


def slowly(page: str) -> dict[str, float | None]:
    lines = [line.strip() for line in page.split("\n") if line.strip()]
    if not lines:
        return dict.fromkeys(REFINEDWEB.signals)
    shares = {f"{kind}_lines": sum(kind in kinds(line) for line in lines) / len(lines) for kind in KINDS}
    flagged = sum(len(line.split()) for line in lines if kinds(line)) / len(page.split())
    return {name: float(np.float32(share)) for name, share in (shares | {"flagged_words": flagged}).items()}


PIECES = (
    st.sampled_from(
        [
            "\n",
            " ",
            "\t",
            "\u3000",
            "\r",
            "3",
            "1,234.5",
            "٣",
            "²",
            "K",
            "k",
            "\u212a",
            "A",
            "ABC",
            "É",
            "Ⅷ",
            "\0",
            "-",
            "İ",
        ]
    )
    | st.sampled_from(
        [
            "like",
            "likes",
            "views",
            "View",
            "Followers",
            "comment",
            "s",
            "♥",
            ".",
            "...",
            "…",
            "é",
            "a",
            "word",
            "ǅ",
            "你好",
        ]
    )
    | st.sampled_from(
        ["sign-in", "Sign In", "sign  in", "read more", "Read More", "items in cart", "Items In Cart", " ", "\n", "3"]
    )
)
PAGES = st.lists(PIECES, max_size=30).map("".join) | st.lists(PIECES, max_size=30).map(" ".join) | st.text(max_size=60)


@given(st.lists(PAGES, max_size=5))
@example(
    ["", " \n ", "3 likes", "♥ 1.2K views!", "read more...", "x read more…", "...", "…", "0 items in cart now", "A"]
)
@settings(deadline=None)
def test_refinedweb_signals(pages: list[str]) -> None:
    assert values(pages) == [slowly(page) for page in pages]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("THE END OF IT", {"uppercase"}),
        ("The END of it", set()),
        ("AB cd", set()),
        ("ABC cd", {"uppercase"}),
        ("ÄÖÜ äö", {"uppercase"}),
        ("1990 1991", {"numeric"}),
        ("٣٤ ٥", {"numeric"}),
        ("3.5 1", set()),
        ("1990", {"numeric", "one_word"}),
        ("3 likes", {"counter"}),
        ("1 Comment", {"counter"}),
        ("(12,345 views)", {"counter"}),
        ("1.2K followers", {"counter"}),
        ("3likes", {"one_word"}),
        ("3 likes it", set()),
        ("he likes 3", set()),
        ("Home", {"one_word"}),
        ("Sign-in to go on", {"pattern"}),
        ("Sign-ins are many", set()),
        ("Please sign in", set()),
        ("The rest is here: Read more...", {"pattern"}),
        ("I like to thread more", set()),
        ("There are 2 items in cart now", {"pattern"}),
        ("a b c d e f g h read more", {"pattern"}),
        ("a b c d e f g h i read more", set()),
    ],
)
def test_kinds_of_lines(line: str, expected: set[str]) -> None:
    assert kinds(line) == expected
    (value,) = values([f"{line}\nan ordinary line of text"])
    assert {kind for kind in KINDS if value[f"{kind}_lines"]} == expected
    words = len(line.split())
    assert value["flagged_words"] == np.float32(words / (words + 5) if expected else 0)


def test_a_flagged_line_counts_once() -> None:
    (value,) = values(["HOME\n \nthis one stays here"])
    assert (value["uppercase_lines"], value["one_word_lines"]) == (0.5, 0.5)
    assert value["flagged_words"] == np.float32(1 / 5)


def test_refinedweb_signals_of_huge_texts() -> None:
    pages = ["1 like\n" * 5000, "\n" * 5000, "A " * 50_000, "read more " * 20_000, "é" * 100_000, "1" * 100_000]
    pages += ["sign in\n" + "x" * 100_000 + " items in cart", "3" + ",3" * 50_000 + " views"]
    assert values(pages) == [slowly(page) for page in pages]


@needs_data
def test_refinedweb_signals_of_real_texts() -> None:
    assert values(gold_articles()) == [slowly(page) for page in gold_articles()]
