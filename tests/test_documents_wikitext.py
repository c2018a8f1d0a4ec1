"""Wikitext to text."""

import mwparserfromhell
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpuskit.documents.wikiblocks import dropped_links
from corpuskit.documents.wikitext import to_text

TEXTS = {
    "plain": "plain",
    "'''bold''' ''it'' '''''both''''' ''''four''' ''''''six'''''": "bold it both 'four 'six",
    "L'''arte'' '''b''' ''c''": "L'arte b c",
    "one '''two'' three": "one two three",
    "[[a]] [[b|c]] [[:Category:D]] [[e|''f'']]s": "a c Category:D fs",
    "[http://x/ label] [http://y/] see https://z.org/?a=b&c=d": "label see https://z.org/?a=b&c=d",
    "A&nbsp;B &amp;amp; &#960; &lt;ref> &bogus;": "A B &amp; π <ref> &bogus;",
    "x{{a|{{b}}}} y {{c}}, z": "x y, z",
    "A ({{lang|x}}; {{born}}) B (''c'', {{d}}) 中（{{e}}）文 f() g": "A B (c,) 中文 f() g",
    "[[File:a.jpg|thumb|A [[b]] c\nd]]e[[Category:X]][[image:b.png]]": "e",
    "[[文件:图.jpg|缩略图|说明]]中[[分类:人]]": "中",
    "[[de:Ada]]\n[[zh-classical:Ada]]\nx [[wikt:y]]": "x wikt:y",
    "== H ==\ntext\n=== Empty ===\n== Also empty ==\n{{reflist}}": "H\n\ntext",
    "= 1 =\n== 2 ==\nx\n== 3 ==\n=== 4 ===\ny": "1\n\n2\n\nx\n\n3\n\n4\n\ny",
    "* a\n** [[b]]\n# c\n* {{t}}\n; d\n: e": "- a\n- b\n- c\nd\ne",
    "a\n\n{{t}}\n\n\n\nb": "a\n\nb",
    "a <math>\\frac{{x}}{y}</math> b <math display=inline> z </math>": "a \\(\\frac{{x}}{y}\\) b \\(z\\)",
    "<math display='block'>z</math>": "\\[z\\]",
    "use <code>int a[2]</code> and <code><nowiki>[[x]]''</nowiki></code>": "use int a[2] and [[x]]''",
    "<source lang=c>\n\tif (a[[0]]) {{ /* ''b'' &lt; */ }}\n</source>": "\tif (a[[0]]) {{ /* ''b'' &lt; */ }}",
    "x <syntaxhighlight lang=c inline>a {{b}}</syntaxhighlight> y": "x a {{b}} y",
    "<pre>\n  a &lt; [[b]]\n</pre>": "  a < [[b]]",
    "a<ref>x {{y}} [[z]]</ref><ref name=a/> b<!-- c\nd --> e": "a b e",
    "a\n{| class=b\n| c\n{|\n| d\n|}\n| e\n|}\nf": "a\nf",
    "a\n<table><tr><td>b<table>c</table></td></tr></table>\nd": "a\nd",
    "<gallery>\nFile:x.jpg|y\n</gallery>z __NOTOC__ __init__": "z __init__",
    "<div class='x'>a<br/>b</div><span>c</span><sup>2</sup>": "a\nbc2",
    "<ul><li>a</li><li>b</li></ul>": "- a\n- b",
    "x < y and <stdio.h> a<b": "x < y and <stdio.h> a<b",
    "-{zh-hans:计算机;zh-hant:電腦}- -{a}- -{H|zh-cn:b;zh-tw:c}-d -{R|e}-": "计算机 a d e",
    "{{unclosed\n|a=b\ntext": "unclosed\ntext",
    "{|\n| unclosed\ntext": "text",
    "[[unclosed|x y": "unclosed|x y",
    "a]] }}b</ref></table>\n|}\nc": "a b\nc",
    "a <!-- unclosed": "a  unclosed",
    "----\na": "a",
    "a\n----b\n------ ''c''\n---d": "a\nb\nc\n---d",
    "x\n|x| is an absolute value\n|-3| too\n{|\n| cell\n|}\n| y\n|-\n|-- class=z\nz": (
        "x\n|x| is an absolute value\n|-3| too\n| y\nz"
    ),
    "{{begin}}\n|-\n| cell\n|}\na": "a",
    "name=b\n|c=d\n}}\na": "name=b\na",
    "": "",
    "\n": "",
    "'": "'",
    "=": "=",
    "==": "==",
}


@pytest.mark.parametrize(("wikitext", "text"), TEXTS.items())
def test_wikitext(wikitext, text):
    assert to_text(wikitext) == text


def test_namespaces_of_the_wiki_are_known():
    links = dropped_links(((6, "Bilddatei"), (14, "Schub(lade"), (0, "")))
    assert to_text("[[Bilddatei:x.png|a]]b[[schub(lade:c]] [[Other:d]]", links) == "b Other:d"


TOKENS = [
    "[[",
    "]]",
    "[",
    "{{",
    "}}",
    "{|",
    "\n{|",
    "\n|}",
    "''",
    "'''",
    "<ref>",
    "</ref>",
    "<b ",
    "=",
    "\n==",
    "&",
    "|",
]
TOKENS += [
    "http://a ",
    "<math>",
    "</math>",
    "<!--",
    "-->",
    "\n*",
    " ",
    "a",
    "中",
    "(",
    "-{",
    "}-",
    ":",
    "[[File:",
    "\x1a0\x1a",
    "<table>",
]


@settings(deadline=None, max_examples=300)
@given(st.lists(st.sampled_from(TOKENS), max_size=200).map("".join) | st.text())
def test_any_text_gives_text_without_traces(wikitext):
    text = to_text(wikitext)
    assert not set(map(chr, range(0x14, 0x1C))) & set(text)
    assert "\n\n\n" not in text or "<pre" in wikitext or "<syntax" in wikitext


@settings(deadline=None, max_examples=200)
@given(st.lists(st.text(st.sampled_from("abc 中é,.0"), min_size=1).map(str.strip).filter(bool), min_size=1, max_size=9))
def test_text_without_markup_stays(lines):
    assert to_text("\n".join(lines)) == "\n".join(lines)


@settings(deadline=None, max_examples=200)
@given(
    st.lists(
        st.sampled_from(["[[a]]", "[[b|c d]]", "''e''", "'''f'''", " g ", "中", "&amp;", "{{h}}", "<!--i-->"]),
        max_size=99,
    )
)
def test_inline_markup_agrees_with_the_library_on_whole_texts(parts):
    """Cutting a line into pieces of few marks changes nothing where links are whole."""
    wikitext = "x" + "".join(part + "-" for part in parts)
    assert to_text(wikitext) == mwparserfromhell.parse(wikitext).strip_code().strip()


PATHOLOGICAL = [
    "{{", "[[", "{|\n", "<b>", "''a ", "'''''a", "<ref>", "[http://a ", "{{a|[[b|", "<!--", "<nowiki>", "==a ", "\n=",
    "&", '<a b="', "{|\n|[[a|{{b|<b>", "\n*#:;", "''{{a|'''[[b|", "-{", "<span a=b ", "(", "<table>", "</ref",
    "\n\n", "[[File:",
]  # fmt: skip


@pytest.mark.parametrize("unit", PATHOLOGICAL)
def test_pathological_text_does_not_hang(unit):
    """mwparserfromhell alone takes hours over most of these, and crashes on one."""
    to_text("&" + unit * (100_000 // len(unit)) + "[[a]]")
