"""Cleaners of lines: boilerplate and repeats, against slow obvious Python."""

import unicodedata
from collections import Counter

import numpy as np
import pytest
from cleaning import column, gold_articles, needs_data, real, run
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from corpuskit.clean.boilerplate import BOILERPLATE, COUNTS, MAX_WORDS, BoilerplateConfig, phrase_table
from corpuskit.clean.lines import count_lines, keep_lines
from corpuskit.clean.phrases import BAR_TRAIL_HEADS, KINDS, PHRASES, TRAIL_HEADS, TRAIL_WORDS, Phrases
from corpuskit.clean.repeated_lines import REPEATED_LINES, RepeatedLinesConfig
from corpuskit.kernels import Texts
from corpuskit.kernels.utf8 import ALONE_RANGES


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
