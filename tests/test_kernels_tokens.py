"""Tokens against slow, obvious Python, and against what spaCy is known to give."""

import itertools
import re
import unicodedata

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from corpuskit.kernels import Texts
from corpuskit.kernels.tokens import ABBREVIATIONS
from corpuskit.kernels.utf8 import ALONE_RANGES

# the definition, character by character


def category(character: str) -> str:
    return unicodedata.category(character) if character else ""


def letter(character: str) -> bool:
    return category(character)[:1] in ("L", "M") and character != ""


def digit(character: str) -> bool:
    return category(character) == "Nd"


def upper(character: str) -> bool:
    return category(character) in ("Lu", "Lt")


def closing(character: str) -> bool:
    if character.isascii():
        return character != "" and character in "!\"#&'()*,:;<>?[]_`{}"
    return category(character)[0] == "P" or character == "´"


def opening(character: str) -> bool:
    return character != "" and (closing(character) or character in "$%=" or category(character) == "Sc")


def alone(character: str) -> bool:
    code = ord(character)
    if category(character)[0] == "P" and (0x3000 <= code <= 0x303F or 0xFF00 <= code <= 0xFFEF):
        return True
    if category(character) == "So" or character == "…" or character == "〇":
        return True
    if category(character) == "Sc" and 0xFF00 <= code <= 0xFFEF:
        return True
    return category(character)[0] == "L" and any(first <= code <= last for first, last in ALONE_RANGES)


def marks(text: str) -> int:
    """How many marks that join what is alone begin the text."""
    return next((i for i, c in enumerate(text) if not (category(c)[0] == "M" or c == "\u200d")), len(text))


def tokens(text: str) -> list[str]:
    return [token for word in text.split() for token in parts(word)]


def parts(word: str) -> list[str]:
    for place, character in enumerate(word):
        if alone(character):
            end = place + 1 + marks(word[place + 1 :])
            before = piece(word[:place]) if place else []
            return [*before, word[place:end], *parts(word[end:])]
    return piece(word) if word else []


def piece(text: str) -> list[str]:
    front: list[str] = []
    while text and (text.startswith("..") or opening(text[0])):
        size = len(text) - len(text.lstrip(".")) or 1
        front.append(text[:size])
        text = text[size:]
    back: list[str] = []
    while text and text not in ABBREVIATIONS.split():
        size = comes_off(text)
        if not size:
            break
        back.insert(0, text[-size:])
        text = text[:-size]
    core = [text] if text in ABBREVIATIONS.split() else inside(text)
    return [part for part in [*front, *core, *back] if part]


def comes_off(text: str) -> int:
    """How many characters come off the end of a piece at once."""
    before, last = text[:-1], text[-1]
    if text.endswith(".."):
        return len(text) - len(text.rstrip("."))
    if last == ".":
        previous = before[-1:]
        two_upper = len(before) > 1 and upper(before[-1]) and upper(before[-2])
        lower = letter(previous) and not upper(previous) and len(before) > 1
        return int(opening(previous) or digit(previous) or two_upper or lower)
    return int(closing(last) or (opening(last) and digit(before[-1:])))


def inside(text: str) -> list[str]:
    if text in ("cannot", "Cannot"):
        return [text[:3], text[3:]]
    if "://" in text:
        return [text]
    cuts = {0, len(text)}
    place = 0
    while place < len(text):
        match = re.match(r"(?s)\.+|([-~–—])\1{0,2}|.", text[place:])
        assert match
        mark = match[0]
        if text[place] in "'’":
            cuts.add(contraction(text, place))
        elif is_cut(text[place - 1 : place], mark, text[place + len(mark) :][:1]):
            cuts |= {place, place + len(mark)}
        place += len(mark)
    ordered = sorted(cuts)
    return [text[a:b] for a, b in itertools.pairwise(ordered)]


def is_cut(before: str, mark: str, after: str) -> bool:
    if mark[0] == ".":
        return len(mark) > 1 or (letter(before) and not upper(before) and upper(after))
    if mark == ",":
        return letter(before) and letter(after)
    if mark in ("+", "-", "*", "^") and digit(before) and digit(after):
        return True
    return (
        (mark[0] in "-~–—" or mark in (":", "<", ">", "=", "/")) and (letter(before) or digit(before)) and letter(after)
    )


def contraction(text: str, place: int) -> int:
    """Where the apostrophe at `place` has a contraction cut off; 0 if it has none."""
    before = text[place - 1 : place]
    match = re.match(r"t|[sSmd]|ve|re|ll", text[place + 1 :])
    if not (letter(before) or digit(before)) or not match:
        return 0
    after = text[place + 1 + len(match[0]) :][:1]
    if letter(after) or digit(after):
        return 0
    if match[0] == "t":
        return place - 1 if before == "n" else 0
    return place


# hypothesis


def found(texts: list[str]) -> list[list[str]]:
    batch = Texts.from_arrow(pa.array(texts, pa.large_string()))
    words = batch.words("tokens")
    assert (words.starts < words.ends).all()
    every = [batch.data[a:b].tobytes().decode() for a, b in zip(words.starts, words.ends, strict=True)]
    return [every[first:last] for first, last in zip(words.offsets[:-1], words.offsets[1:], strict=True)]


ENGLISH = "Mr. Prof. e.g. U.S. a. J. don't I'll they've it's can't o'clock cannot well known 3.5 10,000 12:30 5% $5 x's"
MARKS = ". .. ... , : ; ! ? ( ) [ ] < > / @ _ - -- --- – — ~ ' ’ \" “ ” = + * ^ # & $ % € ´ …"
CHARACTERS = "abzAZntsmdlervi019éÉßǅʼ½²\u0301\u200d\u200b中か。，！＄ก็😀한אا१ \n\t\xa0\u3000  "
PARTS = "://|nn|not|can|'s|n't|'ll|'re"
PIECES = st.sampled_from([*ENGLISH.split(" "), *MARKS.split(" "), *CHARACTERS, *PARTS.split("|")])
TEXT = st.lists(PIECES, max_size=12).map("".join) | st.lists(PIECES, max_size=90).map("".join) | st.text(max_size=30)


@settings(max_examples=600, deadline=None)
@given(st.lists(TEXT, max_size=6))
@example(["x" * 63 + "," + " y", "a-b " * 40, "(" * 70 + "a" + ")" * 70, "." * 200, "", "cannot" * 20, "a://b-c " * 9])
@example(
    ["中" * 50 + "a" * 70 + "-b", "\xa0\u0301a\xa0b.", "don't " * 30, "'" * 130, " 'tis Mr. Smith's (e.g. a.m.)" * 4]
)
@example(["an't一", "t's文", "cannot。" * 30, '文\u0301"a/>b"文' * 9, "カ・ー゛“文”" * 9, "a/>b/(", "＋，＄A1"])
def test_tokens_equal_the_definition(batch: list[str]) -> None:
    assert found(batch) == [tokens(text) for text in batch]


@settings(max_examples=100, deadline=None)
@given(st.lists(TEXT, max_size=6), st.integers(0, 3), st.integers(0, 200))
def test_neither_alignment_nor_what_lies_around_matters(batch: list[str], skip: int, padding: int) -> None:
    array = pa.array([*["x" * (padding % 70)] * skip, *batch, "y" * padding])
    words = Texts.from_arrow(array.slice(skip, len(batch))).words("tokens")
    assert words.counts().tolist() == [len(tokens(text)) for text in batch]


def test_every_code_point_is_parted_by_the_rules() -> None:
    planes = [code for plane in (0, 1, 2, 3, 14) for code in range(plane << 16, (plane + 1) << 16)]
    characters = [chr(code) for code in planes if not 0xD800 <= code < 0xE000]
    for pattern in ("ab{}ab", "{}a 1{} {}", "1{}1 A{}."):
        batch = [pattern.replace("{}", character) for character in characters[:0x3400:2] + characters[1:256:2]]
        assert found(batch) == [tokens(text) for text in batch]
    ideographs = [chr(code) for code in range(0x5000, 0xA000, 3)]
    assert found([f"中{character}\u0301a" for character in ideographs]) == [
        ["中", f"{c}\u0301", "a"] for c in ideographs
    ]
    sample = characters[0x3400::13]
    assert found([f"ab{character}ab" for character in sample]) == [tokens(f"ab{c}ab") for c in sample]


@settings(deadline=None)
@given(st.lists(st.binary(max_size=80), max_size=5))
def test_bytes_that_are_no_utf8_stay_inside_their_document(batch: list[bytes]) -> None:
    offsets = np.cumsum([0, *map(len, batch)])
    words = Texts(np.frombuffer(b"".join(batch), np.uint8), offsets).words("tokens")
    assert (words.starts < words.ends).all()
    document = np.repeat(np.arange(len(batch)), words.counts())
    assert (words.starts >= offsets[document]).all()
    assert (words.ends <= offsets[document + 1]).all()


# golden vectors: what spaCy 3.8, `spacy.blank("en")`, gives for the same texts

SPACY = {
    "Don't panic, it's Mr. Smith's dog.": ["Do", "n't", "panic", ",", "it", "'s", "Mr.", "Smith", "'s", "dog", "."],
    "I'll cannot they've we’re": ["I", "'ll", "can", "not", "they", "'ve", "we", "’re"],
    '("well-known," he said...)': ["(", '"', "well", "-", "known", ",", '"', "he", "said", "...", ")"],
    "3.5 10,000 12:30 1990-2000 $5 5%": ["3.5", "10,000", "12:30", "1990", "-", "2000", "$", "5", "5", "%"],
    "U.S. and U.K., e.g. J. R. at 9 a.m. NASA.": [
        *("U.S.", "and", "U.K.", ",", "e.g.", "J.", "R.", "at", "9", "a.m.", "NASA", ".")
    ],
    "end.Next one,two a--b either/or wait….": [
        *("end", ".", "Next", "one", ",", "two", "a", "--", "b", "either", "/", "or", "wait", "…", ".")
    ],
    "good<br /><br />film": ["good", "<", "br", "/><br", "/>film"],
    "see http://www.example.org/a-b, please": ["see", "http://www.example.org/a-b", ",", "please"],
    "‘quoted’ “text” €5 #tag @user a_b": ["‘", "quoted", "’", "“", "text", "”", "€", "5", "#", "tag", "@user", "a_b"],
}


@pytest.mark.parametrize("text", SPACY)
def test_tokens_are_those_of_spacy(text: str) -> None:
    assert found([text]) == [SPACY[text]]
    assert tokens(text) == SPACY[text]


def test_ideographs_and_their_marks_are_tokens() -> None:
    assert found(["今天，“很好”。か\u3099あ ก็ 😀👍"]) == [[*"今天，“很好”。", "か\u3099", "あ", "ก็", "😀", "👍"]]


@pytest.mark.parametrize("text", ["cannot " * 100_000, "." * 500_000, "a-" * 300_000, "中" * 100_000, "'s" * 200_000])
def test_long_and_hostile_texts(text: str) -> None:
    count = Texts.from_arrow(pa.array([text])).words("tokens").counts()
    assert count.tolist() == [{"c": 200_000, ".": 1, "a": 599_999, "中": 100_000, "'": 200_001}[text[0]]]
