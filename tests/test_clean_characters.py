"""Cleaners of characters against slow, obvious Python, against ftfy, and on real text."""

import gzip
import io
import json
import re
import unicodedata
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import zstandard
from characters import ALL, BATCH, CODE_POINTS, DATA, ENCODINGS, by_ftfy, clean, column, spoil
from hypothesis import example, given, settings
from hypothesis import strategies as st

from corpuskit.clean import unicode, whitespace
from corpuskit.clean.cleaner import Cleaner
from corpuskit.clean.mojibake import MOJIBAKE
from corpuskit.clean.unicode import INVISIBLE, NFC
from corpuskit.clean.whitespace import WHITESPACE
from corpuskit.kernels import Texts


@pytest.mark.parametrize("cleaner", ALL, ids=lambda cleaner: cleaner.name)
def test_empty_batches_empty_texts_and_null_free_columns(cleaner: Cleaner) -> None:
    assert clean(cleaner, [])[0] == []
    assert clean(cleaner, ["", "", "a"])[0] == ["", "", "a"]
    assert cleaner.config().plain()["step"] == cleaner.name


# --- NFC


@given(BATCH)
@example(
    ["é", "e\u0301", "\u0301e", "é\u0323", "\u1100\u1161\u11a8", "가\u11a8", "각\u11a8", "\u0f73\u0f71", "\u09c7\u09be"]
)
@settings(max_examples=400, deadline=None)
def test_nfc_equals_the_standard_library(batch: list[str]) -> None:
    new, _ = clean(NFC, batch)
    assert new == [unicodedata.normalize("NFC", text) for text in batch]


def test_nfc_of_every_character_and_of_every_pair_that_may_compose() -> None:
    table = unicode.nfc_table()
    marked = [c for c in CODE_POINTS if table[ord(c)]]
    seconds = [c for c in marked if table[ord(c)] & unicode.SECOND and not "\u1161" <= c <= "\u11c2"]
    spelt = {
        c for c in CODE_POINTS if unicodedata.decomposition(c) and not unicodedata.decomposition(c).startswith("<")
    }
    firsts = sorted({*spelt, *(c for c in marked if table[ord(c)] & unicode.FIRST and not "가" <= c <= "힣"), *"xक中"})
    hangul = [a + b for a in "\u1100\u1112\u1113가각힣" for b in "\u1160\u1161\u1175\u1176\u11a7\u11a8\u11c2\u11c3"]
    pairs = [a + b for a in firsts for b in {*seconds[::6], "\u0301", "\u0323", "\u09be", "\u093c", "\u3099", "\u0338"}]
    batch = [
        *(c for c in CODE_POINTS if not "가" < c < "힣"),
        *pairs,
        *hangul,
        *(a + "\u0316" + "\u0301" for a in firsts),
    ]
    new, _ = clean(NFC, batch)
    assert new == [unicodedata.normalize("NFC", text) for text in batch]


def test_what_may_compose_is_not_marked_where_it_does_not() -> None:
    """Bengali, Hindi, Vietnamese, Hebrew and Thai have marks in every word, and are in NFC."""
    batch = ["আমার সোনার বাংলা", "लड़का पढ़ता है", "Tiếng Việt", "שָׁלוֹם", "ภาษาไทย", "தமிழ் மொழி", "한국어", "が ぎ パ"]
    batch = [unicodedata.normalize("NFC", text) for text in batch]
    texts = Texts.from_arrow(column(batch))
    verdicts = np.zeros(len(batch), np.uint8)
    unicode._quick_check(texts.data, texts.offsets, unicode.nfc_table(), verdicts)
    assert verdicts.tolist() == [unicode.NORMAL] * len(batch)


@pytest.mark.parametrize("marks", ["\u0301\u0316", "\u0301", "\u0f73", "\u0344\u0323", "\u0316\u0301\u0334"])
def test_long_runs_of_marks_are_sorted_like_short_ones(marks: str) -> None:
    batch = [f"x\u1100\u1161e{marks * 300}e\u0301 中", marks * 300, f"é{marks * 120}"]
    assert clean(NFC, batch)[0] == [unicodedata.normalize("NFC", text) for text in batch]
    huge = f"e{marks * 100_000}!"  # quadratic time would be an hour
    assert clean(NFC, [huge])[0][0].startswith(unicodedata.normalize("NFC", f"e{marks}")[0])


# --- invisible characters


ALWAYS_REMOVED = re.compile("[\u00ad\u061c\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffc\U000e0001]")
CONTROL = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ufdd0-\ufdef"
    + "".join(chr(plane << 16 | low) for plane in range(17) for low in (0xFFFE, 0xFFFF))
    + "]"
)
VIRAMAS = {unicodedata.name(c).split()[0] for c in CODE_POINTS if unicodedata.combining(c) == 9}
assert {"DEVANAGARI", "BENGALI", "TAMIL", "KHMER", "MYANMAR", "SINHALA"} < VIRAMAS
SHAPING = re.compile(
    "|".join(["ARABIC|SYRIAC|NKO|MANDAIC|MONGOLIAN|PHAGS-PA|ADLAM|HANIFI|MANICHAEAN", *VIRAMAS]) + "(?= )"
)
UNSPACED = re.compile("THAI|LAO|KHMER|MYANMAR|TAI |NEW TAI|JAVANESE|BALINESE")


def is_letter(character: str, scripts: re.Pattern[str]) -> bool:
    kind = unicodedata.category(character) if character else "Cn"
    return (kind[0] in "LM" or kind == "Nd") and bool(scripts.match(unicodedata.name(character, "")))


def is_emoji(character: str) -> bool:
    return bool(character) and bool(re.match("[\u2190-\u2bff\U0001f000-\U0001fbff\ufe0f]", character))


def without_invisible(text: str) -> str:
    """The rules of `corpuskit.clean.unicode`, character by character."""
    kept = ""
    for place, character in enumerate(text):
        last, following = kept[-1:], text[place + 1 : place + 2]
        beside = is_letter(last, SHAPING) or is_letter(following, SHAPING)
        stays = not (CONTROL.match(character) or ALWAYS_REMOVED.match(character))
        if character == "\u200c":
            stays = beside and last != character
        elif character == "\u200d":
            stays = (beside or (is_emoji(last) and is_emoji(following))) and last != character
        elif character == "\u200b":
            stays = is_letter(last, UNSPACED) and is_letter(following, UNSPACED)
        elif "\U000e0020" <= character <= "\U000e007f":
            stays = is_emoji(last) or "\U000e0020" <= last <= "\U000e007f"
        kept += character if stays else ""
    return kept


@given(BATCH)
@settings(max_examples=400, deadline=None)
def test_invisible_equals_the_plain_rules(batch: list[str]) -> None:
    new, counts = clean(INVISIBLE, batch)
    assert new == [without_invisible(text) for text in batch]
    controls = [len(CONTROL.findall(text)) for text in batch]
    removed = [len(a) - len(b) for a, b in zip(batch, new, strict=True)]
    assert counts["control_characters"] == controls
    assert counts["zero_width_characters"] == [a - b for a, b in zip(removed, controls, strict=True)]


def test_every_character_between_letters() -> None:
    batch = [f"a{character}b" for character in CODE_POINTS]
    new, _ = clean(INVISIBLE, batch)
    gone = {c for c, text in zip(CODE_POINTS, new, strict=True) if text == "ab"}
    joiners = {"\u200b", "\u200c", "\u200d", *map(chr, range(0xE0020, 0xE0080))}
    assert gone == {c for c in CODE_POINTS if CONTROL.match(c) or ALWAYS_REMOVED.match(c)} | joiners


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("می\u200cخواهم", "می\u200cخواهم"),  # Persian
        ("می\u200c\u200cخواهم", "می\u200cخواهم"),
        ("क्\u200dष and ക്\u200d", "क्\u200dष and ക്\u200d"),
        ("co\u200cope\u200dration\u200b", "cooperation"),
        ("ភាសា\u200bខ្មែរ a\u200bb", "ភាសា\u200bខ្មែរ ab"),
        (
            "👩\u200d👩\u200d👧 ❤\ufe0f\u200d🔥 🏃🏽\u200d♀\ufe0f",
            "👩\u200d👩\u200d👧 ❤\ufe0f\u200d🔥 🏃🏽\u200d♀\ufe0f",
        ),
        ("👩\u200d and \u200d👩", "👩 and 👩"),
        ("🏴\U000e0067\U000e0062\U000e007f, a\U000e0067", "🏴\U000e0067\U000e0062\U000e007f, a"),
        ("\ufeffhy\u00adphen\x00\x1b[0m \u202eabc\u202c", "hyphen[0m abc"),
        ("a\tb\r\nc\x0bd\x0ce\x85f\u2028g\u00a0h\ufffd\ue000", "a\tb\r\nc\x0bd\x0ce\x85f\u2028g\u00a0h\ufffd\ue000"),
        ("\u180e\u06dd\u034f\ufe0f", "\u180e\u06dd\u034f\ufe0f"),
    ],
)
def test_what_joins_letters_or_emoji_stays(text: str, cleaned: str) -> None:
    assert clean(INVISIBLE, [text])[0] == [cleaned]


# --- white space


SPACES = "\t \u00a0\u1680" + "".join(map(chr, range(0x2000, 0x200B))) + "\u202f\u205f\u3000"
LINE_END = "\r\n|[\n\r\x0b\x0c\x85\u2028\u2029]"


def indentation(spaces: str) -> str:
    return re.sub("[^\t\u3000]", " ", spaces)


def clean_whitespace(text: str, keep_indentation: bool) -> tuple[str, int]:
    """The rules of `corpuskit.clean.whitespace` on lines, and the number of characters that do not stay."""
    blocks = re.split(f"((?:[{SPACES}]|{LINE_END})+)", text)
    out, changed = blocks[0], 0
    for number, (block, content) in enumerate(zip(blocks[1::2], blocks[2::2], strict=True)):
        at_start = number == 0 and not blocks[0]
        parts = re.split(LINE_END, block)
        breaks, run = len(parts) - 1, parts[-1]
        if not content:
            new, kept = "", 0
        elif not breaks and not at_start:
            new = "\t" if "\t" in run else "\u3000" if set(run) == {"\u3000"} else " "
            kept = int(new in run)
        else:
            indent = indentation(run) if keep_indentation else ""
            lines = "" if at_start else "\n" * min(2, breaks)
            new = lines + indent
            kept = (Counter(lines) & Counter(block)).total() + sum(a == b for a, b in zip(run, indent, strict=False))
        out += new + content
        changed += len(block) - kept
    return out, changed


@given(BATCH, st.booleans())
@example(
    [
        "  a  b\r\n\r\n\r\nc \t d\u3000\u3000e",
        "　　中文。\u3000。\n　　",
        "\n\n  x",
        " ",
        "\r\n",
        "x\r\r\n\n",
        "\u3000",
        "。",
    ],
    True,
)
@settings(max_examples=500, deadline=None)
def test_whitespace_equals_the_plain_rules(batch: list[str], keep: bool) -> None:
    new, counts = clean(WHITESPACE, batch, keep_indentation=keep)
    expected = [clean_whitespace(text, keep) for text in batch]
    assert new == [text for text, _ in expected]
    assert counts["whitespace_characters"] == [changed for _, changed in expected]


def test_white_space_is_what_unicode_says() -> None:
    """`str.isspace` is White_Space and the four separators of ASCII, which have bidirectional type B or S."""
    known = set(whitespace.SPACES + whitespace.LINE_ENDS)
    assert known == {c for c in CODE_POINTS if c.isspace()} - set("\x1c\x1d\x1e\x1f")
    batch = [f"a{c}b" for c in CODE_POINTS]
    _, counts = clean(WHITESPACE, batch)
    unchanged = {c for c, count in zip(CODE_POINTS, counts["whitespace_characters"], strict=True) if not count}
    assert unchanged == set(CODE_POINTS) - known | set("\t\n \u3000")


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("def f():\n    return 1  \n\n\n\n# end\n", "def f():\n    return 1\n\n# end"),
        ("name\tvalue\na \t b\t\tc", "name\tvalue\na\tb\tc"),
        ("　　第一段。\r\n　　第二段。　完\u3000\u3000了", "　　第一段。\n　　第二段。　完　了"),
        ("\u00a0\u00a0x\u00a0= 5\u2009kg", "  x = 5 kg"),
        (" \n\t\n  verse\n \n \n  verse", "  verse\n\n  verse"),
    ],
)
def test_the_structure_of_lines_stays(text: str, cleaned: str) -> None:
    assert clean(WHITESPACE, [text])[0] == [cleaned]


# --- all


def test_huge_texts() -> None:
    size = 5_000_000
    assert clean(WHITESPACE, [" " * size, "\n" * size, "a" + "\u00a0" * size + "b"])[0] == ["", "", "a b"]
    assert clean(INVISIBLE, ["\x00" * size, "中\u200b" * (size // 4)])[0] == ["", "中" * (size // 4)]
    assert clean(NFC, ["e\u0301 " * (size // 4)])[0] == ["é " * (size // 4)]
    assert clean(MOJIBAKE, ["中文 é " * (size // 10)])[0] == ["中文 é " * (size // 10)]


def test_in_the_usual_order_the_result_is_clean_for_all() -> None:
    array = column(["\ufeffsÃ³ e\u200b\u0301\r\u00ad\n\n\n  x\x00  y", "plain"])
    for cleaner in ALL:
        array = cleaner.clean(array, cleaner.config()).texts
    assert array.to_pylist() == ["só é\n\n  x y", "plain"]
    for cleaner in ALL:
        assert cleaner.clean(array, cleaner.config()).texts is array


def lines_of(path: Path, limit: int) -> list[str]:
    """The first lines, records or verses of a file."""
    if path.suffix == ".zst":
        with path.open("rb") as file:
            stream = io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(file), "utf-8")
            return [json.loads(stream.readline())["text"][:20_000] for _ in range(limit)]
    if path.suffix == ".gz":
        with gzip.open(path, "rt", encoding="utf-8") as stream:
            return [line.rstrip("\n").split("\t", 1)[1] for line, _ in zip(stream, range(limit), strict=False)]
    with path.open(encoding="utf-8") as stream:
        return [line.rstrip("\n") for line, _ in zip(stream, range(limit), strict=False)]


@pytest.mark.skipif(not DATA, reason="CORPUSKIT_TEST_DATA is not set")
def test_real_text_of_fifty_languages() -> None:
    files = [*Path(DATA, "text/bible_nt/verses").glob("*.gz"), *Path(DATA, "text/parallel5").glob("??.txt")]
    names = sorted(files) + [Path(DATA, f"text/{name}/{name}.jsonl.zst") for name in ("imdb_unsup", "zh_modern")]
    assert len(names) > 50
    for path in names:
        batch = lines_of(path, 60)
        batch += [spoil(text, encoding) for text in batch[:6] for encoding in ENCODINGS]
        new, _ = clean(MOJIBAKE, batch)
        assert new == [by_ftfy(text) for text in batch], path.name
        assert clean(NFC, batch)[0] == [unicodedata.normalize("NFC", text) for text in batch], path.name
        assert clean(WHITESPACE, batch)[0] == [clean_whitespace(text, True)[0] for text in batch], path.name
        assert len(clean(INVISIBLE, batch)[0]) == len(batch)
