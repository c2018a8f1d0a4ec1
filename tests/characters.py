"""What the tests of cleaners of characters share: odd texts, and what holds for each cleaner."""

import os

import ftfy
import ftfy.badness
import numpy as np
import pyarrow as pa
from hypothesis import strategies as st

from corpuskit.clean import mojibake
from corpuskit.clean.cleaner import Cleaned, Cleaner
from corpuskit.clean.mojibake import MOJIBAKE
from corpuskit.clean.unicode import INVISIBLE, NFC
from corpuskit.clean.whitespace import WHITESPACE

DATA = os.environ.get("CORPUSKIT_TEST_DATA", "")
ALL = (MOJIBAKE, INVISIBLE, NFC, WHITESPACE)
CODE_POINTS = [chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000]

ODD = st.sampled_from(
    "aZ9.?= \t\n\r\x00\x0b\x0c\x1b\x1c\x1f\x7f\x85\x90\xa0\xad\u1680\u2000\u200a\u202f\u205f\u3000\u2028\u2029"
    "\u061c\u200b\u200c\u200d\u200e\u202a\u2060\u206f\ufeff\ufff9\ufffc\ufffd\ufdd0\ufffe\U0010ffff\ue000"
    "e\u0301\u0316\u0344é\u1e0b\u0323가\u1100\u1161\u11a8\u0f73\u0958न\u093c\u09c7\u09bec\u0337Å\u212b"
    "ش۵क\u094dខកไทยမ\u1039漢中。，👩❤\ufe0f\U0001f3fb🏴\U000e0067\U000e007f\U000e0001\u180e\u2642"
)
MOJI = st.sampled_from([*"".join(ftfy.badness.MOJIBAKE_CATEGORIES.values()), *"aÂÃÐØŠ \n\x80\x9dà²œÂ√ГВ‚Ä×·±?\x1a中"])
TEXT = st.text(ODD, max_size=40) | st.text(MOJI, max_size=30) | st.text(max_size=40) | st.text("ab \n é", max_size=200)
BATCH = st.lists(TEXT, max_size=6)


ENCODINGS = ("latin-1", "cp1252", "cp1251", "cp1250", "cp1253", "mac-roman", "cp437", "gbk", "iso8859-2")
OTHER_FIXES = (
    "unescape_html",
    "remove_terminal_escapes",
    "fix_latin_ligatures",
    "fix_character_width",
    "uncurl_quotes",
    "fix_line_breaks",
    "fix_surrogates",
    "remove_control_chars",
    "normalization",
    "explain",
)


def column(texts: list[str]) -> pa.Array:
    return pa.array(texts, pa.large_string())


def clean(cleaner: Cleaner, texts: list[str], **fields: object) -> tuple[list[str], dict[str, list[int]]]:
    """Clean texts that lie in the middle of a larger array, and check what holds for each cleaner."""
    array = column(["\ufeff  Ã³ e\u0301", *texts, "  \x00"]).slice(1, len(texts))
    config = cleaner.config(**fields)
    cleaned: Cleaned = cleaner.clean(array, config)
    cleaned.texts.validate(full=True)
    assert cleaned.texts.type == pa.large_string()
    assert set(cleaned.counts) == set(cleaner.counts)
    assert all(values.dtype == np.int32 and values.shape == (len(texts),) for values in cleaned.counts.values())
    counted = sum(cleaned.counts.values()) > 0
    new = cleaned.texts.to_pylist()
    assert [a != b for a, b in zip(texts, new, strict=True)] == counted.tolist()
    assert (cleaned.texts is array) == (not counted.any())
    assert cleaner.clean(cleaned.texts, config).texts is cleaned.texts, "a second time changes nothing"
    return new, {name: values.tolist() for name, values in cleaned.counts.items()}


def by_ftfy(text: str) -> str:
    """ftfy's own way through a text, line by line, with all but the repair of encodings off."""
    off = {name: None if name == "normalization" else False for name in OTHER_FIXES}
    return ftfy.fix_text(text, ftfy.TextFixerConfig(**off, max_decode_length=mojibake.LONGEST, fix_c1_controls=False))


def spoil(text: str, encoding: str) -> str:
    """Text as it looks when its UTF-8 was read in another encoding."""
    return text.encode().decode(encoding, "replace")
