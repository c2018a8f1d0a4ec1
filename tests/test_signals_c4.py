"""C4's rules as signals, against slow obvious Python, the cleaner and datatrove."""

import re
from collections import Counter

import pyarrow as pa
import pytest
from cleaning import gold_articles, needs_data, real
from hypothesis import example, given, settings
from hypothesis import strategies as st

from corpuskit.clean.c4_lines import C4_LINES, C4LinesConfig
from corpuskit.kernels import Texts
from corpuskit.kernels.sentences import count_sentences
from corpuskit.signals.c4 import C4, C4_DATATROVE, C4_TFDS, WINDOW
from corpuskit.signals.group import SignalGroup

GROUPS = (C4, C4_DATATROVE, C4_TFDS)
CITATION = re.compile(r"\[\d*]|\[edit]|\[citation needed]")
POLICIES = ("terms of use", "privacy policy", "cookie policy", "uses cookies", "use of cookies", "use cookies")
END_MARKS = {"c4": tuple(".?!\"'”’"), "c4@datatrove": tuple(".?!\"'"), "c4@tfds": tuple('.?!"')}


def measure(group: SignalGroup, pages: list[str]) -> list[dict[str, int]]:
    column = pa.array(["other text.\n[1]", *pages, "{"], pa.large_string()).slice(1, len(pages))
    values = group.measure(Texts.from_arrow(column))
    assert list(values) == list(group.signals)
    assert {str(value.dtype) for value in values.values()} <= {"int32"}
    return [{name: int(value[row]) for name, value in values.items()} for row in range(len(pages))]


def sentences(line: str) -> int:
    return int(count_sentences(Texts.from_arrow(pa.array([line])))[0])


def slowly(group: str, page: str) -> dict[str, int]:
    counts: Counter[str] = Counter(lines=len(page.splitlines()))
    for raw in page.splitlines():
        stripped = raw.strip()
        line = CITATION.sub("", stripped)
        words = (stripped if group == "c4@datatrove" else line).split()
        lowered = line.lower()
        if any(len(word) > 1000 for word in stripped.split()):
            counts["long_word_lines"] += 1
        elif not line.endswith(END_MARKS[group]) or line.endswith("..."):
            counts["no_end_mark_lines"] += 1
        elif len(words) < (5 if group == "c4@tfds" else 3):
            counts["few_word_lines"] += 1
        else:
            counts["lorem_ipsum"] += "lorem ipsum" in lowered
            if "javascript" in lowered:
                counts["javascript_lines"] += 1
                continue
            counts["curly_bracket"] += "{" in line
            if any(policy in lowered for policy in POLICIES):
                counts["policy_lines"] += 1
            else:
                counts["kept_lines"] += 1
                counts["sentences"] += sentences(line)
    if group == "c4":
        counts["lorem_ipsum"] = page.lower().count("lorem ipsum")
        counts["curly_bracket"] = page.count("{")
    lengths = sorted(map(len, page.split("\n")), reverse=True)
    counts["third_longest_line"] = lengths[2] if len(lengths) > 2 else 0
    return {name: counts[name] for name in C4.signals}


PIECES = (
    st.sampled_from(["[1]", "[", "]", "[edit]", "[citation needed]", "[٣٤]", "[]", "[[1]2]"])
    | st.sampled_from([".", "...", "?", '"', "'", "”", "’", "…", "。"])
    | st.sampled_from(
        ["\n", " ", "  ", "\r", "\r\n", "\v", "\x1c", "\x85", "\u2028", "\u200b", "\u3000", "\xa0", "\0", "x" * 900]
    )
    | st.sampled_from(
        ["javascript", "JAVAscript", "lorem ipsum", "LOREM Ipsum", "Lorem\0ipsum", "lorem\nipsum", "lorem İpsum", "{"]
    )
    | st.sampled_from(
        ["terms of use", "Privacy Policy", "use coo\u212aies", "cookie policy", "uses cookies", "Use Of cookies", "\n"]
    )
    | st.sampled_from(
        ["java[1]script", "İ", "use cook[edit]ies", "a", "word", "你好", "𝔘", "é" * 101, "one two three four five."]
    )
)
PAGES = st.lists(PIECES, max_size=40).map("".join) | st.lists(PIECES, max_size=40).map(" ".join) | st.text(max_size=60)


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.name)
@given(pages=st.lists(PAGES, max_size=5))
@example(
    pages=["", "\n", "\n\n", "\r", "a b c.\r", "a b c.\r\n", "a b c.\r\r\n.", "a b c.\x0b\n", "\x0b", "\u2028\n\u2029"]
)
@example(pages=["a b c. [1]", "[1] b c.", "[1] [2] [3].", "{ [" + "1" * 70 + "] b c."])
@settings(deadline=None)
def test_c4_signals(group: SignalGroup, pages: list[str]) -> None:
    assert measure(group, pages) == [slowly(group.name, page) for page in pages]


@pytest.mark.parametrize("group", [C4_DATATROVE, C4_TFDS], ids=lambda group: group.name)
@given(pages=st.lists(PAGES, max_size=5))
@settings(deadline=None)
def test_c4_signals_are_what_the_cleaner_counts(group: SignalGroup, pages: list[str]) -> None:
    found = measure(group, pages)
    cleaned = C4_LINES.clean(pa.array(pages, pa.large_string()), C4LinesConfig(dialect=group.name))
    names = {"c4_long_word": "long_word_lines", "c4_no_end_mark": "no_end_mark_lines", "c4_few_words": "few_word_lines"}
    names |= {"c4_javascript": "javascript_lines", "c4_policy": "policy_lines", "c4_sentences": "sentences"}
    names |= {f"c4_{name}": name for name in ("lorem_ipsum", "curly_bracket")}
    for theirs, ours in names.items():
        assert cleaned.counts[theirs].tolist() == [row[ours] for row in found]


FIVE = "This is one. It is two! Is it three? This is four. And five."
DECISIONS = [  # what C4QualityFilter of datatrove 0.10 says
    (FIVE, None),
    (FIVE[:-10], "too_few_sentences"),
    ("", "too_few_sentences"),
    (FIVE + "\n{ short", None),
    (FIVE + "\nIt has javascript { and this.", None),
    (FIVE + "\nIt has { and this.", "curly_bracket"),
    (FIVE + "\nLorem ipsum.", None),
    (FIVE + "\nLorem ipsum dolor.", "lorem_ipsum"),
    (FIVE + "\nLorem ipsum and javascript.", "lorem_ipsum"),
    (FIVE + "”", "too_few_sentences"),
    (FIVE + " [1]", "too_few_sentences"),
    (FIVE + "[1]", None),
]


def dropped(row: dict[str, int]) -> str | None:
    reasons = [name for name in ("lorem_ipsum", "curly_bracket") if row[name]]
    return reasons[0] if reasons else "too_few_sentences" if row["sentences"] < 5 else None


@pytest.mark.parametrize(("page", "reason"), DECISIONS)
def test_c4_at_datatrove_decides_as_datatrove(page: str, reason: str | None) -> None:
    assert dropped(measure(C4_DATATROVE, [page])[0]) == reason


@needs_data
def test_c4_at_datatrove_decides_as_datatrove_on_real_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """With our sentences in the place of spaCy's, every decision is the same."""
    filters = pytest.importorskip("datatrove.pipeline.filters.c4_filters")
    document = pytest.importorskip("datatrove.data").Document
    monkeypatch.setattr(filters, "split_into_sentences", lambda line, _: [None] * sentences(line))
    peer, paragraphs = filters.C4QualityFilter(), filters.C4ParagraphFilter()
    peer.stat_update = lambda *_, **__: None
    pages = gold_articles() + real("text/imdb_unsup/imdb_unsup.jsonl.zst")[:1000]
    pages += [page[start : start + 700] for page in gold_articles() for start in range(0, len(page), 700)]
    pages += [page + "\nSee { this one." for page in pages[:50]] + [
        f"Lorem ipsum is here.\n{page}" for page in pages[:50]
    ]
    for page, row in zip(pages, measure(C4_DATATROVE, pages), strict=True):
        verdict = peer.filter(document(text=page, id="0"))
        assert (verdict is True) == (dropped(row) is None)
        assert verdict is True or verdict[1] == "too_few_sentences" or row[verdict[1]]
        assert (paragraphs.filter(document(text=page, id="0")) is True) == (row["third_longest_line"] >= 200)


def test_c4_readings_differ_in_marks_words_and_pages() -> None:
    pages = [
        "One two three.”",
        "'One two three four five'",
        "[1] two three.",
        "lorem ipsum {\nLorem Ipsum, {{ and more.",
    ]
    kept = {group.name: [row["kept_lines"] for row in measure(group, pages)] for group in GROUPS}
    assert kept == {"c4": [1, 1, 0, 1], "c4@datatrove": [0, 1, 1, 1], "c4@tfds": [0, 0, 0, 1]}
    of_the_page = {group.name: measure(group, pages)[3] for group in GROUPS}
    assert {name: (row["lorem_ipsum"], row["curly_bracket"]) for name, row in of_the_page.items()} == {
        "c4": (2, 3),
        "c4@datatrove": (1, 1),
        "c4@tfds": (1, 1),
    }


@pytest.mark.parametrize(
    "lengths", [[], [5], [5, 7], [300, 200, 199], [200, 300, 200, 1], [200, 250, 250, 300], [3, 2, 1]]
)
def test_third_longest_line_counts_characters(lengths: list[int]) -> None:
    page = "\n".join("你" * length for length in lengths)
    expected = sorted(lengths)[-3] if len(lengths) > 2 else 0
    assert {measure(group, [page])[0]["third_longest_line"] for group in GROUPS} == {expected}


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.name)
def test_c4_signals_of_huge_texts(group: SignalGroup) -> None:
    """Longer than the window in which rare things are looked for, with each of them somewhere."""
    line = "Some words are here, and some more of them follow in this line of text. "
    pages = [line * 3000, (line + "\n") * 3000, (line + "\r\n") * 300 + "x\x0by. a b c d.\n" + (line + "\n") * 300]
    pages += [(line + "\n") * 200 + "Cited is this line of five words[2].\n" + (line + "\n") * 200]
    pages += ["a\n" * 5000, "\n" * 5000, "use cookies " * 5000 + ".", "{ [1] [edit] x.\n" * 2000, "[1" * 5000 + "."]
    pages += ["a " * 50_000 + "漢" * 1001 + " end.\n" + "b " * 50_000 + "漢" * 1000 + " end."]
    assert measure(group, pages) == [slowly(group.name, page) for page in pages]


RARE = [
    "a {b} c.",
    "é lorem ipsum ö.",
    "ä privacy policy.",
    "中文 use coo\u212aies now.",
    "a b[1] c.",
    "a b c.\u2028d e f.",
]


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.name)
@pytest.mark.parametrize("rare", RARE)
def test_c4_signals_where_windows_meet(group: SignalGroup, rare: str) -> None:
    """Rare things are looked for in windows: here they lie before, across and after the end of one."""
    places = range(WINDOW - len(rare.encode()) - 3, WINDOW + 3)
    plain = "One two three.\n" * 30
    before = [plain + "x" * (place - len(plain) - 1) + gap for place in places for gap in (" ", "\n")]
    pages = [page + rare + "\n" + plain for page in before]
    assert measure(group, pages) == [slowly(group.name, page) for page in pages]


@needs_data
@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.name)
def test_c4_signals_of_real_texts(group: SignalGroup) -> None:
    pages = gold_articles() + real("text/imdb_unsup/imdb_unsup.jsonl.zst")[:200]
    pages += [page[:20_000] for page in real("text/zh_modern/zh_modern.jsonl.zst")[:30]]
    assert measure(group, pages) == [slowly(group.name, page) for page in pages]
