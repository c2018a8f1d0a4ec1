"""C4's line rules and the sentence count, against slow obvious Python and datatrove."""

import re
from collections import Counter

import pytest
from cleaning import column, gold_articles, needs_data, real, run
from hypothesis import example, given, settings
from hypothesis import strategies as st

from corpuskit.clean.boilerplate import BOILERPLATE
from corpuskit.clean.c4_lines import C4_LINES, C4LinesConfig
from corpuskit.clean.repeated_lines import REPEATED_LINES
from corpuskit.kernels import Texts
from corpuskit.kernels.sentences import count_sentences

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
