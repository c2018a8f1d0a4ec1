"""The page of a corpus as a file: it loads nothing, documents cannot become markup, and where it is written."""

import json
import re
from html.parser import HTMLParser

import pytest
from cli_harness import call
from pipelines_harness import full, run_plainly

from corpuskit.corpus import Corpus
from corpuskit.recipe.load import build

pytest.importorskip("altair")
pytest.importorskip("vl_convert")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return Corpus(str(full(tmp_path_factory.getbasetemp()).out))


class Reader(HTMLParser):
    """Collects what a page loads, its ids, and text within marks; checks that tags close in order."""

    VOID = frozenset({"meta", "path", "rect", "line", "br", "circle"})

    def __init__(self, text):
        super().__init__()
        self.open, self.loads, self.ids, self.links = [], [], [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.ids += [found["id"]] if "id" in found else []
        self.loads += [value for name, value in attrs if name in ("src", "srcset", "data")]
        self.links += [found["href"]] if "href" in found and tag == "a" else []
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open.pop() == tag


def test_the_page_is_one_small_file_that_loads_nothing(made, tmp_path):
    ended = call("inspect", made.folder, "--html", tmp_path / "page.html")
    assert ended.code == 0
    assert ended.err.splitlines()[-1] == f"page: {tmp_path / 'page.html'}"
    text = (tmp_path / "page.html").read_text()
    page = Reader(text)
    assert page.loads == []
    assert len(page.ids) == len(set(page.ids)), "drawings do not share ids"
    assert {link.removeprefix("#") for link in page.links} <= set(page.ids)
    assert not re.search(r"url\((?!#)|@import|<script", text)
    assert len(text) < 1_500_000
    assert "<mark>" in text


def test_what_documents_hold_cannot_become_markup(tmp_path, tmp_path_factory):
    evil = "<script>alert(1)</script>"
    record = {"id": evil, "text": f"# # {evil} \u202e \0", "url": evil}
    (tmp_path / "in.jsonl").write_text(json.dumps(record))
    fields = {
        "name": "evil",
        "sources": [{"name": "s", "paths": [str(tmp_path / "in.jsonl")]}],
        "heldout": {"share": 0},
        "dedup": None,
        "variants": {"all": {"policy": {"rules": [{"signal": "gopher.hash_ratio", "max": 0.01, "reason": evil}]}}},
    }
    run_plainly(build(fields), tmp_path / "out")
    assert call("inspect", tmp_path / "out").code == 0
    text = (tmp_path / "out" / "corpus.html").read_text()
    assert "<script" not in text
    assert "\0" not in text
    assert "&lt;script&gt;" in text
    assert text.count("<mark>#</mark>") == 2


def test_a_corpus_of_one_empty_text_has_a_page(tmp_path):
    (tmp_path / "in.jsonl").write_text('{"id": "a", "text": ""}')
    fields = {
        "name": "empty",
        "heldout": {"share": 0},
        "sources": [{"name": "s", "paths": [str(tmp_path / "in.jsonl")]}],
        "dedup": None,
        "variants": {"all": {}, "ruled": {"policy": {"rules": [{"signal": "length.words", "min": 5}]}}},
    }
    run_plainly(build(fields), tmp_path / "out")
    assert call("inspect", tmp_path / "out").code == 0
    assert "1 document," in (tmp_path / "out" / "corpus.html").read_text()


def test_no_page_where_none_is_asked_for_or_possible(made, tmp_path):
    before = set(tmp_path.iterdir())
    assert "html" not in call("inspect", made.folder, "--no-html", "--json").out
    assert set(tmp_path.iterdir()) == before
    ended = call("inspect", made.artifact("variant", "raw"), "--html", tmp_path / "x.html")
    assert ended.code == 2
    assert "only a prepared corpus has a page" in ended.err
    (tmp_path / "file").write_text("in the way")
    for path in (tmp_path / "file" / "page.html", tmp_path):
        refused = call("inspect", made.folder, "--html", path)
        assert refused.code == 2
        assert f"error: --html: {tmp_path}" in refused.err


def test_options_that_say_nothing_or_two_things_are_refused(made):
    both = call("inspect", made.folder, "--html", "x.html", "--no-html")
    assert (both.code, both.out) == (2, "")
    assert "--html and --no-html: expected one of the two" in both.err
    assert "--html: expected the name of a file" in call("inspect", made.folder, "--html", "").err


def test_no_line_of_the_description_is_without_a_name(made):
    shown = call("inspect", made.folder, "--no-html").out
    assert "(shared): documents" in shown
    assert " : documents" not in shown
