"""Pages to documents: batches, formulas, code, lists, title and date, and real pages."""

import gzip
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lxml.html
import orjson
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from corpuskit.documents.records import PAGE_SCHEMA, READ_SCHEMA, BadRecord, Records
from corpuskit.extract import ExtractConfig, extract_page, extract_records, markup
from corpuskit.extract.engines import _parsed, extract, valid
from corpuskit.extract.headers import to_day

ENGINES = ["trafilatura", "resiliparse"]
SENTENCE = "This is a paragraph of ordinary text, with commas, which says that the page has something to say."
BEFORE, AFTER = f"<p>Before. {SENTENCE}</p>", f"<p>After. {SENTENCE}</p>"
DATA = Path(os.environ.get("CORPUSKIT_TEST_DATA", "/nonexistent"), "web", "article_extraction")


def page(body: str, head: str = "") -> bytes:
    content = f"<article><h1>Heading</h1>{BEFORE}{body}{AFTER}</article>"
    return f"<!doctype html><html><head><title>Title</title>{head}</head><body>{content}</body></html>".encode()


def text_of(body: str, engine: str) -> str:
    text = extract(page(body), None, ExtractConfig.model_validate({"engine": engine})).text
    assert f"Before. {SENTENCE}" in text
    assert f"After. {SENTENCE}" in text
    return text


MATH = (
    "<math><semantics><mrow><mi>x</mi></mrow>"
    '<annotation encoding="application/x-tex">x^2 + {}</annotation></semantics></math>'
)
WIKI = (
    '<span class="mwe-math-element"><span class="mwe-math-mathml-inline mwe-math-mathml-a11y" style="display: none;">'
    '<math alttext="{\\displaystyle E=mc^{2}}"><semantics><mi>E</mi></semantics></math></span><img src="a.svg" '
    'class="mwe-math-fallback-image-inline" aria-hidden="true" alt="{\\displaystyle E=mc^{2}}"></span>'
)
KATEX = (
    f'<span class="katex"><span class="katex-mathml">{MATH}</span><span class="katex-html" aria-hidden="true">'
    '<span class="base">RENDERED</span></span></span>'
)
FORMULAS = {
    "annotation": (MATH.format("1"), "\\(x^2 + 1\\)"),
    "alttext": ('<math alttext="y^3"><mi>RENDERED</mi></math>', "\\(y^3\\)"),
    "block": ('<math display="block" alttext="z"><mi>RENDERED</mi></math>', "\\[z\\]"),
    "presentation": (
        "<math><mfrac><mi>a</mi><msqrt><mi>b</mi></msqrt></mfrac><mo>+</mo><msup><mi>c</mi><mn>2</mn></msup></math>",
        "\\(\\frac{a}{\\sqrt{b}}+{c}^{2}\\)",
    ),
    "mathjax 2": (
        '<span class="MathJax_Preview"></span><span class="MathJax"><nobr>RENDERED</nobr></span>'
        '<script type="math/tex">e^{i\\pi} < 2</script>',
        "\\(e^{i\\pi} < 2\\)",
    ),
    "mathjax 2 display": (
        '<div class="MathJax_Display"><span class="MathJax">RENDERED</span></div>'
        '<script type="math/tex; mode=display">e</script>',
        "\\[e\\]",
    ),
    "mathjax 3": (
        '<mjx-container class="MathJax" jax="CHTML"><mjx-math aria-hidden="true">RENDERED</mjx-math><mjx-assistive-mml>'
        "<math><msub><mi>x</mi><mi>i</mi></msub></math></mjx-assistive-mml></mjx-container>",
        "\\({x}_{i}\\)",
    ),
    "katex": (KATEX.format("2"), "\\(x^2 + 2\\)"),
    "katex display": (f'<span class="katex-display">{KATEX.format("3")}</span>', "\\[x^2 + 3\\]"),
    "wikipedia": (WIKI, "\\(E=mc^{2}\\)"),
    "wordpress": ('<img src="latex.php?latex=f" alt="\\int f" class="latex">', "\\(\\int f\\)"),
    "delimited alt": ('<img src="f.png" alt="$\\alpha$" class="tex">', "\\(\\alpha\\)"),
}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", FORMULAS)
def test_formulas_are_there_once_as_tex(engine: str, name: str) -> None:
    html, tex = FORMULAS[name]
    for body in (f"<p>We see {html} here.</p>", f"<ul><li>We see {html} here.</li><li>b</li></ul>"):
        text = " ".join(text_of(body, engine).split())
        assert f"We see {tex} here." in text
        assert "RENDERED" not in text
        assert text.count(tex) == 1


@pytest.mark.parametrize("engine", ENGINES)
def test_a_formula_by_itself_survives(engine: str) -> None:
    formula = f'<span class="katex-display">{KATEX.format(4)}</span>'
    assert "\\[x^2 + 4\\]" in text_of(f"<div><p>Some text before it.</p>{formula}<p>And after it.</p></div>", engine)


@pytest.mark.parametrize("engine", ENGINES)
def test_pictures_without_tex_are_no_formulas(engine: str) -> None:
    text = text_of(
        '<p>See <img src="a.png" alt="a cat" class="photo"> here.</p><script>var math = "tex"</script>', engine
    )
    assert "cat" not in text
    assert "\\(" not in text


def test_formulas_in_a_row_keep_their_places() -> None:
    formulas = [f"<math alttext='x_{number}'><mi>x</mi></math>" for number in range(5)]
    middle, end = f"{formulas[0]}{formulas[1]} and <b>bold</b> ", f"{formulas[2]}, {formulas[3]}<i>i</i>{formulas[4]}"
    text = text_of(f"<p>See {middle}{end} end.</p>", "trafilatura")
    assert "See \\(x_0\\)\\(x_1\\) and bold \\(x_2\\), \\(x_3\\)i\\(x_4\\) end." in text


def test_formulas_are_rewritten_in_linear_time() -> None:
    """Each character is put together once, however many formulas a paragraph has."""
    joined = 0

    class Counted(lxml.html.HtmlElement):  # type: ignore[misc]
        @property
        def text(self) -> str | None:
            return super().text

        @text.setter
        def text(self, value: str) -> None:
            nonlocal joined
            joined += len(value)
            lxml.html.HtmlElement.text.__set__(self, value)

    lookup = lxml.html.HtmlElementClassLookup({"p": Counted})
    parser = lxml.html.HTMLParser()
    parser.set_element_class_lookup(lookup)
    body = "".join(f"see <math alttext='x_{number}'></math> and " for number in range(300))
    tree = lxml.html.fromstring(f"<html><body><p>{body}</p></body></html>", parser=parser)
    markup.rewrite(tree, list(tree.iter(*markup.TAGS)))
    paragraph = tree.find(".//p")
    assert paragraph.text == "".join(f"see \\(x_{number}\\) and " for number in range(300))
    assert joined == len(paragraph.text)


CODE = "def f(x):\n    return x\n\n\n\tif  x <  3:\n        pass"
HIGHLIGHTED = (
    '<div class="highlight"><pre><span></span><code class="python">'
    '<span class="k">for</span> i <span class="ow">in</span> x:\n    <span>print</span>(i)\n\n    y = <span>2</span>\n'
    "</code></pre></div>"
)
BLOCKS = {
    "pre": (f"<pre>{CODE.replace('<', '&lt;')}</pre>", CODE),
    "indented": ("<pre>    four\n  two</pre>", "    four\n  two"),
    "highlighted": (HIGHLIGHTED, "for i in x:\n    print(i)\n\n    y = 2"),
    "br": ("<pre>one<br>&nbsp;&nbsp;two<br/><br/>three</pre>", "one\n  two\n\nthree"),
    "in an item": ("<ul><li>Item: <pre>a {\n  b\n}</pre></li><li>c</li></ul>", "a {\n  b\n}"),
}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", BLOCKS)
def test_code_keeps_lines_and_indentation(engine: str, name: str) -> None:
    html, code = BLOCKS[name]
    text = text_of(html, engine)
    if engine == "resiliparse" and name in ("br", "in an item"):  # its own rendering of `pre`, indented or with &nbsp;
        text, code = (" ".join(value.replace("\xa0", " ").split()) for value in (text, code))
    assert code in text


def test_code_elements_with_lines_are_blocks_and_others_are_not() -> None:
    assert "a = 1\n  b = 2\nc" in text_of("<p>Do: <code>a = 1<br>  b = 2<br>c</code></p>", "trafilatura")
    assert "a = 1\n  b = 2\nc" in text_of("<div><code>a = 1\n  b = 2\nc</code></div>", "trafilatura")
    assert "call foo bar now" in text_of("<p>Please call <code>foo bar</code> now, and wait.</p>", "trafilatura")


def test_symbols_of_the_page_are_not_taken_for_white_space() -> None:
    symbols = "".join(map(chr, range(0x2400, 0x2403)))
    assert f"See {symbols} here" in text_of(f"<p>See {symbols} here.</p><pre>a\n  b</pre>", "trafilatura")
    every = "".join(map(chr, range(0x2400, 0x2421)))
    assert every in text_of(f"<p>See {every} here.</p><pre>a\n  b</pre>", "trafilatura")


LISTS = {
    "ul": ("<ul><li>First thing</li><li>Second <b>thing</b></li></ul>", ["- First thing", "- Second thing"]),
    "nested": ("<ul><li>Outer<ul><li>Inner</li></ul></li></ul>", ["- Outer", "  - Inner"]),
    "ol": ("<ol><li>First thing</li><li>Second thing</li></ol>", ["First thing", "Second thing"]),
    "dl": ("<dl><dt>Term</dt><dd>Its definition</dd></dl>", ["Term", "Its definition"]),
}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", LISTS)
def test_items_of_lists_are_lines(engine: str, name: str) -> None:
    html, lines = LISTS[name]
    found = text_of(html, engine).splitlines()
    if name in ("ol", "dl"):
        found = [line.lstrip("-123. ") for line in found]
    assert [line for line in found if line in lines] == lines


@pytest.mark.parametrize("engine", ENGINES)
def test_title_and_date(engine: str) -> None:
    config = ExtractConfig.model_validate({"engine": engine})

    def described(head: str, body: str = "") -> tuple[Any, Any]:
        return extract(page(body, head), None, config)[1:3]

    assert described("") == ("Title", None)
    assert described('<meta property="og:title" content=" A &amp; B ">') == ("A & B", None)
    published = '<meta property="article:published_time" content="2019-11-18T10:00:00+02:00">'
    json_ld = '<script type="application/ld+json">{broken, "datePublished" : "2018-01-02"}</script>'
    assert described(published + json_ld)[1] == "2019-11-18"
    assert described(json_ld)[1] == "2018-01-02"
    assert described("", '<time datetime="2017-03-04 10:00">yesterday</time>')[1] == "2017-03-04"
    assert described('<meta name="date" content="soon">', '<time datetime="2017-03-04">x</time>')[1] == "2017-03-04"
    assert extract(b"<p>no head</p>", None, config)[:3] == ("no head", None, None)


@pytest.mark.parametrize(
    ("value", "day"),
    [
        ("2019-11-18", "2019-11-18"),
        ("20191118", "2019-11-18"),
        ("2019/11/18 10:00", "2019-11-18"),
        ("Mon, 18 Nov 2019 10:00:00 GMT", "2019-11-18"),
        ("2019-13-18", None),
        ("0001-01-01T00:00:00", None),
        ("1970-01-01", None),
        ("2019-11-1844", None),
        ("18.11.2019", None),
        ("", None),
    ],
)
def test_days(value: str, day: str | None) -> None:
    assert to_day(value) == day


@given(st.text(max_size=60))
def test_any_text_is_a_day_or_none(value: str) -> None:
    day = to_day(value)
    assert day is None or to_day(day) == day


@given(st.text(st.characters(), max_size=30))
def test_valid_text_keeps_what_is_valid(text: str) -> None:
    found = valid(text)
    found.encode()
    if not any("\ud800" <= character <= "\udfff" for character in text):
        assert found == text


def test_surrogates() -> None:
    assert valid("\ud83d\ude00") == "😀"
    assert valid("a\ud800") == "a\ufffd"


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(ENGINES), st.lists(st.sampled_from([
    "<p>", "</p>", "<pre>", "</pre>", "<code>", "</code>", "<math>", "</math>", "<math alttext='a'>", "<mfrac>", "<br>",
    "<script type='math/tex'>", "</script>", "<img class=latex alt=x>", "<span class=katex>", "</span>", "<li>", "<ul>",
    "<table><tr><td>", "<time datetime=2020-01-01>", "<meta name=date content=1>", "a  b\n  c", "&#xD800;", "中", "␊",
]), max_size=25))  # fmt: skip
def test_any_markup_gives_valid_text(engine: str, parts: list[str]) -> None:
    html = f"<html><body>{''.join(parts)}<p>{SENTENCE}</p>"
    extract(html.encode(), None, ExtractConfig.model_validate({"engine": engine})).text.encode()


def batch(rows: list[dict[str, Any]]) -> pa.RecordBatch:
    filled = [
        {"key": bytes([row]) * 16, "id": str(row), "text": "", "source": "s", "file": "f", "offset": row * 10} | values
        for row, values in enumerate(rows)
    ]
    return pa.RecordBatch.from_pylist(filled, PAGE_SCHEMA)


def extracted(*records: Records, **config: Any) -> Iterator[Records]:
    return extract_records(iter(records), ExtractConfig.model_validate(config))


def test_batches_keep_rows_texts_errors_and_counts() -> None:
    earlier = BadRecord("f", 7, "was bad before", b"raw")
    rows: list[dict[str, Any]] = [
        {"payload": page("", "<meta property=og:title content=T>"), "metadata": '{"mime":"text/html","n":1}'},
        {"text": "is text already", "metadata": '{"a":2}'},
        {"payload": "<p>é, à, ü</p>".encode("latin-1"), "charset": "latin1"},
        {"payload": b"x" * 3000},
        {"payload": b""},
        {"text": "", "url": "u"},
    ]
    pages = batch(rows)
    sliced = batch([{"text": "not in it"}, *rows])[1:]
    for documents in (pages, sliced):
        [found] = extracted(Records(documents, [earlier], {"request": 3}), max_bytes=2000)
        assert found.documents.schema == READ_SCHEMA
        assert found.documents.column("id").to_pylist() == [documents["id"][row].as_py() for row in (0, 1, 2, 4, 5)]
        texts = found.documents.column("text").to_pylist()
        assert texts[0].startswith("Heading\nBefore.")
        assert texts[1:] == ["is text already", "é, à, ü", "", ""]
        metadata = [value and json.loads(value) for value in found.documents.column("metadata").to_pylist()]
        assert metadata == [
            {"mime": "text/html", "n": 1, "title": "T", "charset": "utf-8"},
            {"a": 2},
            {"charset": "cp1252"},
            {"charset": "utf-8"},
            None,
        ]
        message = "has 3,000 bytes, over the 2,000 of max_bytes"
        offset = documents["offset"][3].as_py()
        assert found.errors == [earlier, BadRecord("f", offset, message, b"x" * 3000)]
        assert found.skipped == {"request": 3}


def test_batches_of_documents_and_empty_ones_pass() -> None:
    documents = pa.RecordBatch.from_pylist([], READ_SCHEMA)
    [same, empty] = extracted(Records(documents, []), Records(batch([]), [], {"x": 1}))
    assert same.documents is documents
    assert (empty.documents.schema, empty.documents.num_rows, empty.skipped) == (READ_SCHEMA, 0, {"x": 1})


def test_undecodable_bytes_are_counted() -> None:
    payload = f"<p>{'é' * 50}".encode() + b"\xff</p>"
    [found] = extracted(Records(batch([{"payload": payload}]), []))
    assert orjson.loads(found.documents["metadata"][0].as_py()) == {"charset": "utf-8", "undecodable": 1}
    assert found.documents["text"][0].as_py() == "é" * 50 + "\ufffd"


def nested(tag: str, levels: int) -> bytes:
    return f"<html><body>{''.join(f'<{tag}><p>Paragraph {level}, with text.</p>' for level in range(levels))}".encode()


@pytest.mark.parametrize("config", [{}, {"thorough": True}, {"engine": "resiliparse"}])
@pytest.mark.parametrize("tag", ["font", "div", "blockquote"])
def test_elements_that_are_never_closed_lose_no_text(tag: str, config: dict[str, Any]) -> None:
    text = extract(nested(tag, 1_000), None, ExtractConfig.model_validate(config)).text
    assert [line for line in text.split("\n") if line] == [f"Paragraph {level}, with text." for level in range(1_000)]


@pytest.mark.parametrize("tag", ["font", "div", "blockquote"])
def test_what_is_nested_too_deeply_is_an_error(tag: str) -> None:
    page = nested(tag, 100_000)
    rows = [{"payload": payload} for payload in (b"<p>before</p>", page, b"<p>after</p>")]
    [found] = extracted(Records(batch(rows), []))
    assert found.documents["text"].to_pylist() == ["before", "after"]
    [error] = found.errors
    assert "the parser gave up (Excessive depth in document: 2048)" in error.message


@settings(max_examples=200, deadline=None)
@example(False, ["<table><tr><td>", "<table><tr><td>", "<p>", "<p>", "<p>", "<!doctype html>"])
@given(st.booleans(), st.lists(st.sampled_from([
    "<p>", "</p>", "<div>", "</div>", "<html>", "<html/>\n", "<body>", "<head>", "<br>", "<table><tr><td>",
    "<!-- c -->", "<!doctype html>", "<!DOCTYPE html/>\n", "<?xml version='1.0' encoding='koi8-r'?>",
    "<meta charset=gbk>", "a", " ", "é", "中", "😀", "\0", "\x0b", "&#xD800;", "&amp;", "<title>T</title>",
    "<frameset>", "<svg>", "x" * 60,
]), max_size=12))  # fmt: skip
def test_trees_are_those_of_trafilatura(whole: bool, parts: list[str]) -> None:
    import trafilatura

    source = f"<html>{''.join(parts)}" if whole else "".join(parts)
    expected, found = trafilatura.load_html(source), _parsed(source)
    refused = expected is None
    if refused:
        expected = trafilatura.load_html(f"<html>{source}")
    if found is None:
        assert not "".join(expected.itertext()).strip()
        return
    shown, wanted = lxml.html.tostring(found), lxml.html.tostring(expected)
    if refused:  # its repair of the first 50 characters sees others behind the tag: line breaks may differ
        shown, wanted = b"".join(shown.split()), b"".join(wanted.split())
    assert shown == wanted


def real_pages() -> dict[str, bytes]:
    if not DATA.exists():
        pytest.skip("CORPUSKIT_TEST_DATA has no web/article_extraction")
    return {path.name: gzip.decompress(path.read_bytes()) for path in sorted((DATA / "html").iterdir())[::6]}


def test_real_pages_give_what_trafilatura_gives() -> None:
    """Child, charset and rewriting change nothing on pages without formulas and code."""
    import trafilatura

    for name, html in real_pages().items():
        if b"<pre" in html or b"<code" in html or b"<math" in html:
            continue
        assert extract_page(html).text == trafilatura.extract(html, fast=True, include_comments=False), name
        thorough = extract_page(html, ExtractConfig(thorough=True, comments=True, tables=False))
        assert thorough.text == trafilatura.extract(html, include_tables=False), name


@pytest.mark.parametrize("engine", ENGINES)
def test_no_real_page_is_lost(engine: str) -> None:
    pages = real_pages()
    rows = [{"payload": html, "id": name} for name, html in pages.items()]
    [found] = extracted(Records(batch(rows), []), engine=engine)
    assert found.documents["id"].to_pylist() == list(pages)
    assert all(len(text) > 200 for text in found.documents["text"].to_pylist())
    metadata = [orjson.loads(value) for value in found.documents["metadata"].to_pylist()]
    assert all(entry["title"] for entry in metadata)
    assert sum("date" in entry for entry in metadata) > len(metadata) / 2
