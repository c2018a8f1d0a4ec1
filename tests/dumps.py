"""Small MediaWiki dumps for tests: made pages in several languages, packed as the public dumps are."""

import bz2
from html import escape
from typing import NamedTuple

SITEINFO = """<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/" version="0.11" xml:lang="en">
  <siteinfo>
    <sitename>Wikipedia</sitename>
    <dbname>enwiki</dbname>
    <base>https://en.wikipedia.org/wiki/Main_Page</base>
    <namespaces>
      <namespace key="0" case="first-letter" />
      <namespace key="1" case="first-letter">Talk</namespace>
      <namespace key="6" case="first-letter">Bilddatei</namespace>
      <namespace key="14" case="first-letter">Schublade</namespace>
    </namespaces>
  </siteinfo>
"""
END = "</mediawiki>\n"


class Article(NamedTuple):
    id: int
    title: str
    wikitext: str
    ns: int = 0
    redirect: str = ""
    model: str = "wikitext"

    def xml(self) -> str:
        redirect = f'    <redirect title="{escape(self.redirect)}" />\n' if self.redirect else ""
        return f"""  <page>
    <title>{escape(self.title)}</title>
    <ns>{self.ns}</ns>
    <id>{self.id}</id>
{redirect}    <revision>
      <id>{self.id * 10}</id>
      <parentid>1</parentid>
      <timestamp>2024-02-03T04:05:06Z</timestamp>
      <contributor><username>A &amp; B</username><id>7</id></contributor>
      <model>{self.model}</model>
      <format>text/x-wiki</format>
      <text bytes="{len(self.wikitext.encode())}" xml:space="preserve">{escape(self.wikitext)}</text>
      <sha1>x</sha1>
    </revision>
  </page>
"""


ARTICLES = [
    Article(
        12,
        "Ada Lovelace",
        "'''Ada''' was a [[mathematician|writer of programs]].<ref>{{cite}}</ref>\n\n== Life ==\nShort.",
    ),
    Article(13, "AC", "#REDIRECT [[Alternating current]]", redirect="Alternating current"),
    Article(14, "Talk:Ada Lovelace", "Is this right? ~~~~", ns=1),
    Article(15, "计算机/基础 & 历史?", "'''计算机'''是[[电子]]设备。\n== 历史 ==\n* [[算盘]]\n* 图灵机 {{来源}}"),
    Article(16, "Math", "Euler: <math>e^{i\\pi} < {{0}}</math> holds.\n{| class=x\n| cell\n|}\n<pre>\n  a  b\n</pre>"),
    Article(17, "Data", '{"a": 1}', model="json"),
    Article(18, "Template:Foo", "{{{1}}}", ns=10),
    Article(19, "Empty", "{{only|templates}}"),
    Article(20, "Long", "word [[link]] " * 3000),
    Article(21, "Last", "The end 😀."),
]
ROWS = [12, 15, 16, 19, 20, 21]
SKIPPED = {"redirect": 1, "namespace 1": 1, "content model json": 1, "namespace 10": 1}


def dump(articles: list[Article]) -> bytes:
    return (SITEINFO + "".join(article.xml() for article in articles) + END).encode()


def multistream(articles: list[Article], pages: int = 2) -> bytes:
    """As `pages-articles-multistream.xml.bz2`: head, then `pages` pages a stream, then the end."""
    groups = ["".join(a.xml() for a in articles[at : at + pages]) for at in range(0, len(articles), pages)]
    return b"".join(bz2.compress(part.encode()) for part in (SITEINFO, *groups, END))


def anywhere(data: bytes, step: int) -> bytes:
    """As pbzip2 packs: streams that end anywhere."""
    return b"".join(bz2.compress(data[at : at + step]) for at in range(0, len(data), step))
