"""The page of tokenizers: it loads nothing, tokens cannot become markup, and it says what was measured."""

import re

import pytest
from evaluated import column, toy
from test_inspect_page import Reader

from corpuskit.report import tokenizers_charts
from corpuskit.report.tokenizers_data import Bars
from corpuskit.tokenization.evaluation import Gold, Parallel, evaluate
from corpuskit.tokenization.evaluation.chips import chip
from corpuskit.tokenization.evaluation.page import page_of, write_page
from corpuskit.tokenization.evaluation.segmentation import Segment
from corpuskit.tokenization.evaluation.summary import measures

pytest.importorskip("altair")
pytest.importorskip("vl_convert")
EVIL = "<script>alert(1)</script>"


def evaluated(names=("plain", "other"), **options):
    tokens = [["ab", EVIL, "\u0301a", "\u202e"], ["ab", " ab", "cd"]]
    tokenizers = {name: toy(own) for name, own in zip(names, tokens, strict=False)}
    texts = {"Latin": column(["ab ab cd", f"{EVIL} ab"]), "Han": column(["我们 ab"])}
    pairs = Parallel("pairs", {"en": column(["ab"]), "zh": column(["我们"])}, ("de",))
    gold = Gold("gold.tsv", (("ab", "cd"), ("c", "d")))
    return evaluate(tokenizers, texts, parallel=[pairs], gold=[gold], timed=False, **options)


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "tokenizers.html"
    write_page(str(path), evaluated(sentences={"one": f"ab {EVIL}\u202e \u0301a 我"}), "Two", {"made": EVIL})
    return path.read_text()


def test_the_page_is_one_file_that_loads_nothing_and_has_no_script(page):
    read = Reader(page)
    assert read.loads == []
    assert len(read.ids) == len(set(read.ids)), "drawings do not share ids"
    assert {link.removeprefix("#") for link in read.links} <= set(read.ids)
    assert not re.search(r"url\((?!#)|@import|<script|javascript:", page)
    assert len(page) < 1_000_000


def test_tokens_names_and_texts_cannot_become_markup(tmp_path):
    path = str(tmp_path / "page.html")
    write_page(path, evaluated(names=(EVIL, "b & <i>"), sentences={EVIL: EVIL, "b": "\u202e\0"}), EVIL)
    text = (tmp_path / "page.html").read_text()
    assert "<script" not in text
    assert "<i>b" not in text
    assert "\u202e" not in text, "nothing turns what follows around"
    assert "\0" not in text
    assert "&lt;script&gt;" in text


def test_the_page_says_what_was_measured(page):
    for heading in ("Summary", "Texts", "Languages", "Vocabularies", "Numbers", "White space", "Morphology"):
        assert f">{heading}</h2>" in page
    assert "2 tokenizers on 3 documents" in page
    assert "1 parallel lines in 2 languages; premiums refer to en. Left out, with too few lines: de." in page
    assert re.search(r'<span class="t0" title="id 128, bytes 61 62">ab</span>', page)
    assert ">E6</i>" in page, "a part of a character is shown as its byte"
    assert "‹202E›" in page
    assert "\u25cc\u0301a" in page, "a mark at the start of a token stands on a circle"


def test_the_best_of_each_row_is_marked_and_ties_of_all_are_not():
    rows = {row.name: row for row in measures(evaluated().tokenizers)}
    assert rows["Fertility"].better == "lower is better"
    values = [one.overall.fertility for one in evaluated().tokenizers]
    assert rows["Fertility"].best == tuple(value == min(values) for value in values)
    assert rows["Bytes per token"].best == tuple(not value for value in rows["Bytes per token"].best)[::-1]
    assert rows["Round trip"].best == (False, False), "all are the best"
    assert "Speed" not in rows, "what no tokenizer has a value of is left out"
    assert "Gini, pairs" in rows
    assert "Morpheme F1, gold.tsv" in rows


def test_one_tokenizer_without_sets_and_sentences_has_a_page():
    alone = evaluate({"a": toy()}, {"text": column(["", "x"])}, sentences={}, timed=False)
    page = page_of(alone, "One", {})
    assert (page.overlap, page.parities, page.morphology, page.sentences) == (None, (), None, ())


def test_a_text_of_nothing_has_a_page(tmp_path):
    write_page(str(tmp_path / "p.html"), evaluate({"a": toy()}, {"empty": column([])}, timed=False))
    assert "1 tokenizer on 0 documents" in (tmp_path / "p.html").read_text()


@pytest.mark.parametrize(
    ("data", "shown", "plain"),
    [
        (b"a b", "a b", True),
        (b"\n\t", "↵\n⇥", True),
        ("我".encode(), "我", True),
        ("我".encode()[:2], "E6 88", False),
        (b"", "none", False),
        ("\u200d".encode(), "‹200D›", True),
    ],
)
def test_how_a_token_is_shown(data, shown, plain):
    found = chip(Segment(id=7, hex=data.hex()))
    assert (found.text, found.plain) == (shown, plain)
    assert found.title.startswith("id 7, bytes ")


def test_spaces_are_written_where_they_are_of_interest():
    assert chip(Segment(id=1, hex=b" a\n".hex()), spaces=True).text == "␣a↵"


def test_many_values_are_drawn_as_dots_and_few_as_bars():
    labels = tuple(f"language {index}" for index in range(30))
    many = Bars(axis="premium", labels=labels, values={name: [1.0] * 29 + [None] for name in "ab"}, reference=1.0)
    few = Bars(axis="premium", labels=labels[:3], values={name: [1.0, 2.0, None] for name in "ab"})
    dots, bars = (tokenizers_charts.by_label(shown, ["a", "b"], "chart") for shown in (many, few))
    assert dots.wide.count('aria-roledescription="point"') == 58
    assert bars.wide.count('aria-roledescription="bar"') == 4
    assert "language 0, a: 1" in bars.alt
