"""Cleaners of lines: C4's rules, boilerplate, repeats, and the sentence count, against slow obvious Python."""

import os
import re
import unicodedata
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pytest
import zstandard
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from corpuskit.clean.boilerplate import BOILERPLATE, COUNTS, MAX_WORDS, BoilerplateConfig, phrase_table
from corpuskit.clean.c4_lines import C4_LINES, C4LinesConfig
from corpuskit.clean.cleaner import Cleaned, Cleaner
from corpuskit.clean.lines import count_lines, keep_lines
from corpuskit.clean.phrases import BAR_TRAIL_HEADS, KINDS, PHRASES, TRAIL_HEADS, TRAIL_WORDS, Phrases
from corpuskit.clean.repeated_lines import REPEATED_LINES, RepeatedLinesConfig
from corpuskit.clean.sentences import count_sentences
from corpuskit.kernels import Texts
from corpuskit.kernels.utf8 import ALONE_RANGES

DATA = Path(os.environ.get("CORPUSKIT_TEST_DATA", "absent"))
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="CORPUSKIT_TEST_DATA names no folder")


def column(values: list[str]) -> pa.Array:
    return pa.array(values, pa.large_string())


def run(cleaner: Cleaner, values: list[str], **fields: Any) -> tuple[list[str], list[dict[str, int]]]:
    """The cleaned texts, and the counts of each."""
    cleaned: Cleaned = cleaner.clean(column(values), cleaner.config(**fields))
    assert list(cleaned.counts) == list(cleaner.counts)
    assert {counts.dtype for counts in cleaned.counts.values()} == {np.dtype(np.int32)}
    rows = [{name: int(counts[row]) for name, counts in cleaned.counts.items()} for row in range(len(values))]
    return cleaned.texts.to_pylist(), rows


def real(name: str, column_name: str = "text") -> list[str]:
    with (DATA / name).open("rb") as file:
        lines = zstandard.ZstdDecompressor().stream_reader(file).read().splitlines()
    return [orjson.loads(line)[column_name] for line in lines]


def gold_articles() -> list[str]:
    pages = orjson.loads((DATA / "web/article_extraction/ground-truth.json").read_bytes())
    return [page["articleBody"] for page in pages.values()]


# ---------------------------------------------------------------------------------------------------- C4's line rules
CITATION = re.compile(r"\[\d*]|\[edit]|\[citation needed]")
POLICIES = ("terms of use", "privacy policy", "cookie policy", "uses cookies", "use of cookies", "use cookies")


def c4_slowly(text: str, config: C4LinesConfig) -> tuple[str, dict[str, int]]:
    tfds = config.dialect == "c4@tfds"
    marks = tuple(('.?!"' if tfds else ".?!\"'") + config.end_marks)
    minimum = (5 if tfds else 3) if config.min_words is None else config.min_words
    counts: Counter[str] = Counter()
    kept = []
    for raw in text.splitlines():
        stripped = raw.strip()
        longest = max(map(len, stripped.split()), default=0)
        line, citations = CITATION.subn("", stripped)
        lowered = line.lower()
        if config.max_word_length is not None and longest > config.max_word_length:
            counts["c4_long_word"] += 1
        elif config.require_end_mark and (not line.endswith(marks) or line.endswith("...")):
            counts["c4_no_end_mark"] += 1
        elif len((line if tfds else stripped).split()) < minimum:
            counts["c4_few_words"] += 1
        else:
            counts["c4_lorem_ipsum"] += "lorem ipsum" in lowered
            if "javascript" in lowered:
                counts["c4_javascript"] += 1
                continue
            counts["c4_curly_bracket"] += "{" in line
            if any(policy in lowered for policy in POLICIES):
                counts["c4_policy"] += 1
                continue
            counts["c4_citations"] += citations
            kept.append(line)
    return "\n".join(kept).strip(), counts


PIECES = (
    st.sampled_from(
        ["[1]", "[", "]", "[edit]", "[citation needed]", "[٣٤]", "[]", "[[1]2]", ".", "...", "?", '"', "'", "”"]
    )
    | st.sampled_from(
        ["…", "。", " ", "  ", "\n", "\r", "\r\n", "\v", "\x1c", "\x85", "\u2028", "\u200b", "\u3000", "\xa0"]
    )
    | st.sampled_from(
        ["javascript", "JAVAscript", "lorem ipsum", "Lorem  ipsum", "terms of use", "Privacy Policy", "{"]
    )
    | st.sampled_from(
        ["use coo\u212aies", "cookie policy", "uses cookies", "Use Of cookies", "java[1]script", "\0", "İ"]
    )
    | st.sampled_from(
        ["use cook[edit]ies", "a", "word", "你好", "𝔘", "éxxxxxxx", "xxxxxxxxx", "one two three four five."]
    )
)
PAGES = st.lists(PIECES, max_size=40).map("".join) | st.lists(PIECES, max_size=40).map(" ".join) | st.text(max_size=60)
C4_CONFIGS = st.builds(
    C4LinesConfig,
    dialect=st.sampled_from(["c4@datatrove", "c4@tfds"]),
    require_end_mark=st.booleans(),
    end_marks=st.sampled_from(["", "。！？”…"]),
    min_words=st.none() | st.integers(0, 4),
    max_word_length=st.none() | st.sampled_from([1, 8, 1000]),
)


@given(st.lists(PAGES, max_size=5), C4_CONFIGS)
@example(["[1] [2] [3]\n a b c\n[1] b c"], C4LinesConfig(require_end_mark=False))
@settings(deadline=None)
def test_c4_rules(pages: list[str], config: C4LinesConfig) -> None:
    texts, counts = run(C4_LINES, pages, **config.model_dump())
    for page, text, found in zip(pages, texts, counts, strict=True):
        expected, expected_counts = c4_slowly(page, config)
        assert text == expected
        found.pop("c4_sentences")
        assert found == {name: expected_counts[name] for name in found}


@given(PAGES, C4_CONFIGS)
@settings(deadline=None)
def test_c4_rules_twice_are_the_rules_once_without_citations(page: str, config: C4LinesConfig) -> None:
    fields = config.model_dump()
    (once,), (counts,) = run(C4_LINES, [page], **fields)
    if not counts["c4_citations"]:
        assert run(C4_LINES, [once], **fields)[0] == [once]


DATATROVE = [  # what C4QualityFilter(min_num_sentences=-1) of datatrove 0.10 leaves, or why it drops the page
    ("One two three.", "One two three."),
    ("One two.", ""),
    ("One two three", ""),
    ('"One two three"', '"One two three"'),
    ("'One two three'", "'One two three'"),
    ("One two three”", ""),
    ("One two three...", ""),
    ("One two three…", ""),
    ("One two three!?", "One two three!?"),
    ("One two three。", ""),
    ("  One two three. \u3000", "One two three."),
    ("A b c.\r\nD e f.\u2028G h i.\x85J k l.\x0bM n o.", "A b c.\nD e f.\nG h i.\nJ k l.\nM n o."),
    ("sentence ends here. [1]", ""),
    ("sentence ends here.[1][٣٤][]", "sentence ends here."),
    ("[1] [2] word.", "word."),
    ("[[1]2] two three.", "[2] two three."),
    ("a [edit] b [citation needed] c.", "a  b  c."),
    ("Please enable JavaScript to go on.", ""),
    ("Please enable Java[1]Script to go on.", ""),
    ("It has { and this.\nMore text is here.", "curly_bracket"),
    ("{ short\nMore text is here.", "More text is here."),
    ("It has javascript { and this.\nMore text is here.", "More text is here."),
    ("Lorem ipsum.\nMore text is here.", "More text is here."),
    ("Lorem Ipsum dolor sit.\nMore text is here.", "lorem_ipsum"),
    ("Lorem  ipsum dolor sit.", "Lorem  ipsum dolor sit."),
    ("Read our Privacy Policy here.", ""),
    ("We use coo\u212aies on this site.", ""),
    ("Uses  cookies on this site.", "Uses  cookies on this site."),
    ("x" * 1000 + " two three.", "x" * 1000 + " two three."),
    ("x" * 1001 + " two three.", ""),
    ("é" * 1000 + " two three.", "é" * 1000 + " two three."),
    ("é" * 1001 + " two three.", ""),
    ("", ""),
    ("\n \n", ""),
    ("One\u200btwo three.", ""),
    ('He said "yes."\n\n\nShe said no to it.', 'He said "yes."\nShe said no to it.'),
    ("İ see TERMS OF USE now.", ""),
]


@pytest.mark.parametrize(("page", "expected"), DATATROVE)
def test_c4_rules_leave_what_datatrove_leaves(page: str, expected: str) -> None:
    (text,), (counts,) = run(C4_LINES, [page])
    reasons = [name for name in ("lorem_ipsum", "curly_bracket") if counts[f"c4_{name}"]]
    assert reasons == ([expected] if expected in ("lorem_ipsum", "curly_bracket") else [])
    assert reasons or text == expected


@needs_data
def test_c4_rules_agree_with_datatrove_on_real_pages() -> None:
    filters = pytest.importorskip("datatrove.pipeline.filters.c4_filters")
    document = pytest.importorskip("datatrove.data").Document
    pages = gold_articles() + real("text/imdb_unsup/imdb_unsup.jsonl.zst")[:2000]
    peer = filters.C4QualityFilter(min_num_sentences=-1)
    peer.stat_update = lambda *_, **__: None
    texts, counts = run(C4_LINES, pages)
    for page, text, found in zip(pages, texts, counts, strict=True):
        judged = document(text=page, id="0")
        dropped = peer.filter(judged) is not True
        assert dropped == bool(found["c4_lorem_ipsum"] or found["c4_curly_bracket"])
        assert dropped or judged.text == text


def test_c4_at_tfds_differs_in_marks_and_words() -> None:
    pages = ["One two three four.", "One two three four five.", "One two three four 'five'", "[1] one two three four."]
    assert run(C4_LINES, pages, dialect="c4@tfds")[0] == ["", pages[1], "", ""]
    assert run(C4_LINES, pages)[0] == [*pages[:3], "one two three four."]


def test_c4_rules_can_be_used_for_chinese() -> None:
    page = "你好，世界。\n导航\n“再见！”"
    assert run(C4_LINES, [page])[0] == [""]
    assert run(C4_LINES, [page], end_marks="。！？”…", min_words=1, max_word_length=None)[0] == [
        "你好，世界。\n“再见！”"
    ]


def test_c4_phrases_are_lowered_as_python_lowers() -> None:
    """The kernel knows of one character beyond ASCII that becomes a letter of the phrases and nothing else."""
    ascii_lower = {chr(code): chr(code).lower() for code in range(128, 0x110000) if chr(code).lower()[0] < "\x80"}
    assert ascii_lower == {"\u212a": "k", "İ": "i\u0307"}


def test_c4_rules_on_a_huge_line() -> None:
    page = "a " * 500_000 + "and " + "漢" * 1001 + " end.\n" + "b " * 500_000 + "漢" * 1000 + " end."
    (text,), (counts,) = run(C4_LINES, [page])
    assert counts["c4_long_word"] == 1
    assert text == page.split("\n")[1]


def test_texts_that_no_cleaner_changes_are_the_very_same() -> None:
    texts = column(["", "One two three.\nFour five six, and so on.", "", "Only this is here."])
    for cleaner in (C4_LINES, BOILERPLATE, REPEATED_LINES):
        assert cleaner.clean(texts, cleaner.config()).texts is texts
        sliced = texts.slice(1, 2)
        assert cleaner.clean(sliced, cleaner.config()).texts is sliced
        assert cleaner.clean(column([]), cleaner.config()).texts.to_pylist() == []


# ------------------------------------------------------------------------------------------------------------ sentences
@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("", 0),
        (" \n\n", 0),
        ("no mark", 1),
        ("One. Two! Three?", 3),
        ("One.Two", 1),
        ("At 3.14 p.m. we met. Fine.", 2),
        ("Mr. J. Smith of the U.S. Army came. He left.", 2),
        ('He said "no." Then (why?) he left.', 3),
        ("Wait... what?! Yes.", 2),
        ("a\nb.\nc", 3),
        ("你好。再见！“好？”", 3),
        ("क्या। हाँ।", 2),
        ("The end.”", 1),
        (". . .", 0),
    ],
)
def test_sentences(text: str, sentences: int) -> None:
    assert count_sentences(Texts.from_arrow(column(["other. ", text]))).tolist() == [1, sentences]


@given(
    st.lists(st.sampled_from(["Word", " ", ". ", "! ", "\n", "。", "”", ".", "Mr. ", "é"]), max_size=20).map("".join)
)
@settings(deadline=None)
def test_sentences_are_counted_in_each_text_by_itself(text: str) -> None:
    together = count_sentences(Texts.from_arrow(column([text, "x", text]))).tolist()
    assert together[0] == together[2] == count_sentences(Texts.from_arrow(column([text])))[0]
    lines = count_sentences(Texts.from_arrow(column(text.split("\n"))))
    assert lines.sum() == together[0]


# ---------------------------------------------------------------------------------------------------- keeping lines
@given(st.lists(st.lists(st.tuples(st.sampled_from(["", "a", "bc", "你好"]), st.booleans()), min_size=1), max_size=6))
@settings(deadline=None)
def test_keep_lines(pages: list[list[tuple[str, bool]]]) -> None:
    texts = column(["\n".join(line for line, _ in page) for page in pages])
    kept = np.array([stays for page in pages for _, stays in page], np.bool_)
    lines = Texts.from_arrow(texts).lines()
    expected = ["\n".join(line for line, stays in page if stays) for page in pages]
    result = keep_lines(texts, lines, kept)
    result.validate(full=True)
    assert result.to_pylist() == expected
    assert count_lines(lines, kept).tolist() == [sum(stays for _, stays in page) for page in pages]


# ----------------------------------------------------------------------------------------------------- repeated lines
def without_repeats(text: str, minimum: int) -> str:
    seen, kept = set(), []
    for line in text.split("\n"):
        says_enough = sum(unicodedata.category(c)[0] == "L" or unicodedata.category(c) == "Nd" for c in line) >= minimum
        if not (says_enough and line.strip() in seen):
            kept.append(line)
        if says_enough:
            seen.add(line.strip())
    return "\n".join(kept)


SOME_LINES = st.sampled_from(
    ["", "}", "- - - - -", "abcde", " abcde", "abcde\u3000", "Abcde", "ab cd e", "你好你好你", "一二三"]
)


@given(st.lists(st.lists(SOME_LINES, max_size=12).map("\n".join), max_size=5), st.integers(1, 6))
@settings(deadline=None)
def test_repeated_lines(pages: list[str], minimum: int) -> None:
    texts, counts = run(REPEATED_LINES, pages, min_characters=minimum)
    assert texts == [without_repeats(page, minimum) for page in pages]
    removed = [page.count("\n") - text.count("\n") for page, text in zip(pages, texts, strict=True)]
    assert [count["repeated_lines"] for count in counts] == removed  # a first line stays: never is a text left empty
    assert run(REPEATED_LINES, texts, min_characters=minimum)[0] == texts


def test_repeated_lines_leave_short_ones_and_marks() -> None:
    notice = "Portion Fix Containers: 1 Green, 2 Red, 1 Yellow, 1 tsp."
    page = "\n".join([notice, "CHAPTER III.", "-" * 80, "}", notice, "CHAPTER III.", "-" * 80, "}", f"  {notice}"])
    (text,), (counts,) = run(REPEATED_LINES, [page])
    assert text == "\n".join([notice, *["CHAPTER III.", "-" * 80, "}"] * 2])
    assert counts == {"repeated_lines": 2}


def test_repeats_in_other_texts_are_none() -> None:
    line = "the same words in two texts, over and over again, and yet no repeat"
    assert run(REPEATED_LINES, [line, line, f"x\n{line}"])[0] == [line, line, f"x\n{line}"]


def test_many_repeated_lines() -> None:
    lines = [
        f"line number {number % 30_000} of a page that says everything again and again" for number in range(90_000)
    ]
    (text,), (counts,) = run(REPEATED_LINES, ["\n".join(lines)])
    assert text == "\n".join(lines[:30_000])
    assert counts == {"repeated_lines": 60_000}


@pytest.mark.parametrize("value", [0, -1])
def test_repeated_lines_need_a_letter(value: int) -> None:
    with pytest.raises(ValueError, match="min_characters"):
        RepeatedLinesConfig(min_characters=value)


# -------------------------------------------------------------------------------------------------------- boilerplate
BOILERPLATE_LINES = {
    "navigation_lines": [
        "Read more",
        "» READ MORE…",
        "Home | About | Contact",
        "Home > World > Asia",
        "首页 > 新闻 > 国际",
        "当前位置：首页 > 新闻中心 > 正文",
        "Home / Blog / A post with a long title",
        "You are here: Home » News",
        "Home » Vaping Blog » There Are Six Types of Vapers – Which Are You?",
        "阅读全文",
        "[返回顶部]",
        "上一篇 下一篇",
        "Lire la suite →",
        "Weiterlesen",
        "Leer más",
        "À lire aussi :",
    ],
    "cookie_lines": [
        "We use cookies to improve your experience. By continuing to browse you agree to our policy.",
        "Accept all cookies",
        "本网站使用 Cookie，以便为您提供更好的服务。",
        "Diese Website verwendet Cookies.",
        "Nous utilisons des cookies pour vous garantir la meilleure expérience.",
        "Utilizamos cookies para mejorar su experiencia.",
        "我们使用 Cookie 改进网站。继续浏览即表示您同意。",
        "We use cookies.",
        "This website uses cookies. By continuing to use our website with these settings, you are agreeing to that.",
        "By using this site, you agree to the terms.",
    ],
    "share_lines": [
        "Share this:",
        "Facebook Twitter LinkedIn",
        "Share on Facebook, Twitter and WhatsApp",
        "Tweet",
        "分享到：微信 微博",
        "Share 12 Tweet 3",
    ],
    "subscribe_lines": [
        "Subscribe to our newsletter!",
        "Sign in or Register",
        "登录/注册",
        "You must be logged in to comment.",
        "Please log in.",
        "Sign up for our weekly newsletter and never miss a story.",
        "Enter your email address to subscribe to this blog and receive notifications of new posts by email.",
        "Please enable JavaScript to view the comments powered by Disqus.",
        "欢迎关注我们的微信公众号！",
    ],
    "comment_lines": ["12 Comments", "Comments (3)", "Leave a Reply", "发表评论", "Comments are closed."],
    "copyright_lines": [
        "© 2019 Example Ltd. All rights reserved.",
        "Copyright 2001-2019 by nobody",
        "Copyright 2019 BGR Media, LLC",
        "Copyright © 2019 BBC. The BBC is not responsible for the content of external sites. Read more about it.",
        "Proudly powered by WordPress.",
        "某某公司 版权所有",
        "版权所有，侵权必究。",
        "本站文章，未经许可不得转载",
        "ⓒ 2019 Example",
        "版权所有 © 2020 某某公司",
        "京ICP备12345678号",
        "All Rights Reserved",
    ],
}
PROSE = [
    "",
    "Home",
    "News",
    "Email",
    "Facebook",
    "Twitter, Facebook",
    "He used to read more books than I did.",
    "The site uses cookies to follow its readers, which the court found to be against the law.",
    "Share prices fell.",
    "Home | office",
    "Home | Away | Date | Score",
    "Home / End / Page Up / Page Down keys move the cursor.",
    "Home / Blog / About pages are what a site needs.",
    "Home > Display, then tap Night light.",
    "版权所有者有权禁止他人使用其作品。",
    "版权所有者有权禁止他人",
    "版权所有问题在互联网时代变得更加复杂。",
    "未经许可不得转载他人文章，这是对作者的尊重。",
    "他说，这些文章未经许可不得转载。",
    "关注微信公众号的用户越来越多。",
    "我们使用 Cookies 和 Session 两种方式实现登录。",
    "我们使用 Cookies 和 Session 两种方式实现登录",
    "We use cookies to hold the session id.",
    "We use cookies and cups for counting in the first grade",
    "This site uses cookies as the prize of every game.",
    "Wir verwenden Cookies als Beispiel für Gebäck.",
    "Please log in to the server with your SSH key, then run the installer.",
    "Please sign in at the desk.",
    "Please enable JavaScript in the settings before you go on.",
    "JavaScript is disabled by default in this browser.",
    "You must be logged in as root.",
    "Sign up for our free walking tour of the old town.",
    "Sign up for our free walking tour",
    "Subscribe to receive messages of a topic.",
    "Subscribe to our channel was what the man on the screen kept saying to her, again and again.",
    "Powered by WordPress, the blog was launched in 2009.",
    "The town is proudly powered by wind.",
    "Copyright 1998 Act amendments were passed.",
    "Copyright 1998 Act amendments",
    "© 2019 stood on the back of the picture that they had found under the floor.",
    "Home, sweet home.",
    "We met at the next shop.",
    "Comments on the law were few.",
    "© Reuters",
    "He holds the copyright of 20 songs.",
    "本网站创办于二〇〇一年。",
    "他把文章分享到微信朋友圈，大家都很喜欢。",
    "登录火星的计划",
    "12",
    "- - -",
    "All rights reserved " + "word " * 30,
]


@pytest.mark.parametrize(
    ("name", "line"), [(name, line) for name, lines in BOILERPLATE_LINES.items() for line in lines]
)
def test_boilerplate_goes(name: str, line: str) -> None:
    (text,), (counts,) = run(BOILERPLATE, [f"Some prose comes first.\n  {line}\nThe end."])
    assert text == "Some prose comes first.\nThe end."
    assert {key for key, value in counts.items() if value} == {name}


@pytest.mark.parametrize("line", PROSE)
def test_prose_stays(line: str) -> None:
    assert run(BOILERPLATE, [f"{line}\nOther prose."])[0] == [f"{line}\nOther prose."]


def test_a_kind_can_be_left_alone() -> None:
    page = "Read more\nText.\n© 2019 Example"
    assert run(BOILERPLATE, [page], kinds=["navigation"])[0] == ["Text.\n© 2019 Example"]
    with pytest.raises(ValidationError, match="at least 1"):
        run(BOILERPLATE, [page], kinds=[])


def slow_words(line: str) -> list[str]:
    words, before = [], "gap"
    for character in line:
        category = "Lo" if character == "〇" else unicodedata.category(character)
        kind = {"L": "letter", "M": before}.get(category[0], "digit" if category == "Nd" else "gap")
        if character in "©ⓒ" or any(
            first <= ord(character) <= last for first, last in ALONE_RANGES if kind == "letter"
        ):
            kind = "single"
        if kind != "gap" and (kind != before or (kind == "single" and category[0] != "M")):
            words.append("")
        if kind != "gap":
            lowered = character.lower() if len(character.lower()) == 1 else character
            words[-1] = "#" if kind == "digit" else words[-1] + lowered.replace("ⓒ", "©")
        before = kind
    return words


SLOW_TABLE = {
    (tuple(slow_words(phrase.replace("#", "0"))), group.role == "covers"): group
    for group in PHRASES
    for phrase in group.each()
}


def slow_end(line: str) -> str:
    """What stands behind the last word of a line."""
    return next((line[at + 1 :] for at in reversed(range(len(line))) if slow_words(line[at])), line)


def slow_fits(line: str, group: Phrases, n_words: int, first: int, stop: int) -> bool:
    sentence = any(mark in slow_end(line) for mark in ".。．｡!?！？")
    if group.role == "ends":
        return stop == n_words <= group.value and not sentence
    begins = group.role == "begins" and first == 0
    return (begins or group.role == "within") and n_words <= group.value / (2 if sentence else 1)


def slow_trail(line: str, head: list[str]) -> bool:
    marks = slow_end(line)
    if head in map(slow_words, TRAIL_HEADS):
        return any(arrow in line for arrow in ">»›→") and not any(mark in marks for mark in ".。．｡")
    bars = sum(line.count(bar) for bar in "|/·")
    return head in map(slow_words, BAR_TRAIL_HEADS) and bars > 1 and not any(mark in marks for mark in ".。．｡!?！？")


def slow_kind(line: str) -> str | None:
    """The kind of boilerplate that a line is, by the table of phrases alone."""
    words = slow_words(line)
    spans = [(first, stop) for first in range(len(words)) for stop in range(first + 1, len(words) + 1)]
    if len(words) > MAX_WORDS or len(line.encode()) > 1000:
        return None
    begun, covers = "", {}
    for first, stop in spans:
        group, whole = SLOW_TABLE.get((tuple(words[first:stop]), False)), (first, stop) == (0, len(words))
        if first == 0 and len(words) <= TRAIL_WORDS and slow_trail(line, words[:stop]):
            return "navigation"
        if group and (
            slow_fits(line, group, len(words), first, stop)
            or (group.role in ("begins", "within") and whole)
            or (group.role == "confirms" and group.kind == begun and len(words) <= group.value)
        ):
            return group.kind
        if group and group.role == "begins" and first == 0:
            begun = group.kind
        if (tuple(words[first:stop]), True) in SLOW_TABLE:
            covers[first] = stop, SLOW_TABLE[tuple(words[first:stop]), True]
    parts, place = [], 0
    while place in covers:
        place, group = covers[place]
        parts.append(group)
    covered = place == len(words) and sum(group.value for group in parts) >= 6
    return max(parts, key=lambda group: group.value).kind if covered else None


SCRAPS = (
    "home|share|tweet|facebook|twitter|email|and|on|7|c4|read|more|read more|»|>|/|| |we use cookies|Ⓒ|©|all rights|İ"
)
SCRAPS += "|rights reserved|comments|首页|分享到|微信|当前位置|news|next|\u0301|\u3000|-|’|some prose|登录|上一篇"
SCRAPS += "|.|!|。|you agree|blog|sign up for our|newsletter|copyright|inc|版权所有|his own house in the dark woods|”"


@given(st.lists(st.sampled_from(SCRAPS.split("|")) | st.text(max_size=3), max_size=9), st.sampled_from([" ", ""]))
@settings(deadline=None, max_examples=300)
def test_boilerplate_is_what_the_table_says(scraps: list[str], glue: str) -> None:
    line = glue.join(scraps).replace("\n", "")
    (_,), (counts,) = run(BOILERPLATE, [line])
    kind = slow_kind(line)
    assert {name for name, count in counts.items() if count} == ({COUNTS[kind][0]} if kind else set())


NOTICES = st.sampled_from([line for lines in BOILERPLATE_LINES.values() for line in lines])


@given(st.lists(NOTICES | st.sampled_from(PROSE[1:]) | st.text("ab©1 ", max_size=8), max_size=8))
@settings(deadline=None)
def test_boilerplate_is_judged_line_by_line(lines: list[str]) -> None:
    alone = [line for line in lines if run(BOILERPLATE, [line])[0] == [line]]
    (text,), (counts,) = run(BOILERPLATE, ["\n".join(lines)])
    assert text == "\n".join(alone)
    assert sum(counts.values()) >= len(lines) - len(alone)
    assert run(BOILERPLATE, [text])[0] == [text]


NEEDY = {
    "cookies": "We use cookies for prose",
    "subscribing": "Sign up for our prose",
    "copyright": "Copyright 1976 prose",
}
"""What needs a second phrase."""


def test_every_phrase_of_the_table_works() -> None:
    """Each in a line by itself, but for those that need company: three of them, or what they confirm."""
    assert run(BOILERPLATE, list(NEEDY.values()))[0] == list(NEEDY.values())
    for group in PHRASES:
        name = list(BOILERPLATE.counts)[KINDS.index(group.kind)]
        for phrase in group.each():
            times = 3 if group.role == "covers" and 0 < group.value < 6 else 1
            before = [NEEDY[group.kind]] if group.role == "confirms" else []
            line = " - ".join([*before, *[phrase.replace("#", "7")] * times])
            goes = group.role != "covers" or group.value > 0
            assert run(BOILERPLATE, [line])[1][0][name] == goes, line


def test_no_phrase_stands_in_the_table_twice() -> None:
    roles = [(phrase, group.role == "covers") for group in PHRASES for phrase in group.each()]
    assert [role for role, times in Counter(roles).items() if times > 1] == []
    groups = [group for group in PHRASES if group.value or group.role != "covers"]
    kinds = {(phrase, group.kind) for group in groups for phrase in group.each()}
    assert len(kinds) == len({phrase for phrase, _ in kinds})
    table = phrase_table(frozenset(KINDS))
    assert 4 * np.count_nonzero(table.hashes) < table.hashes.size
    assert table.longest < MAX_WORDS


def test_lines_with_many_words_or_bytes_are_prose() -> None:
    notice = "we use cookies, you agree "
    assert run(BOILERPLATE, [notice + "a " * (MAX_WORDS - 5)])[0] == [""]
    assert run(BOILERPLATE, [notice + "a " * (MAX_WORDS - 4)])[0] != [""]
    assert run(BOILERPLATE, [notice + " " * 1000])[0] != [""]


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="kinds"):
        BoilerplateConfig(kinds={"adverts"})  # type: ignore[arg-type]


@needs_data
@pytest.mark.parametrize("name", ["imdb_unsup", "eltec_eng", "zh_modern", "gold"])
def test_real_prose_is_no_boilerplate(name: str) -> None:
    pages = gold_articles() if name == "gold" else real(f"text/{name}/{name}.jsonl.zst")
    assert BOILERPLATE.clean(column(pages), BoilerplateConfig()).texts.to_pylist() == pages
