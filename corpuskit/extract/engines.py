"""The extractors: decoded HTML to main text, title and date."""

import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache, partial
from typing import Any

from corpuskit.extract import charset, headers, markup
from corpuskit.extract.config import ExtractConfig
from corpuskit.extract.headers import Header
from corpuskit.extract.page import Page

Found = tuple[str, Iterable[Header]]
"""The main text, and the elements that describe the page."""
Engine = Callable[[str, ExtractConfig], Found]
SHALLOW_LISTS = "body > ul, body > * > ul, body > * > * > ul"
"""resiliparse takes a list for navigation where fewer than four elements are around it."""
DEPTH = 3
BULLET = re.compile(r"^ {2}( *)(?:•|(\d+\.)) ", re.MULTILINE)
"""How resiliparse writes the beginning of a list item."""


def extract(page: bytes, http_charset: str | None, config: ExtractConfig) -> Page:
    """Extract a page in this process, without limits.

    Raises:
        ModuleNotFoundError: the engine's package is not installed.
        Exception: whatever the engine raises on this page.
    """
    decoded = charset.decode(page, http_charset)
    text, elements = ENGINES[config.engine](decoded.text, config)
    title, date = headers.describe(elements)
    return Page(valid(text), title and valid(title), date, decoded.charset, decoded.replaced)


def valid(text: str) -> str:
    """Return text with surrogates paired, and lone ones replaced by U+FFFD."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def with_trafilatura(html: str, config: ExtractConfig) -> Found:
    """Extract by trafilatura's rules and, if `thorough`, by readability and jusText too.

    The tree is parsed once. `thorough` is off by default because on the 90 pages of the article benchmark the text of
    the rules alone has the better F1 (see `benchmarks/extraction.py`) for half the time; trafilatura's rescue of pages
    of which it finds little works either way.
    """
    import trafilatura

    tree = _parsed(html)
    if tree is None:
        return "", ()
    elements = list(tree.iter(*{*headers.TAGS, *markup.TAGS}))
    found = list(_from_lxml(elements))
    marks = markup.rewrite(tree, [element for element in elements if element.tag in markup.TAGS])
    text = trafilatura.extract(tree, options=_options(config.thorough, config.comments, config.tables))
    if text is None:  # no text, or an error that trafilatura keeps to itself
        text = trafilatura.baseline(tree)[1]
    return text if marks is None else marks.restore(text), found


def _parsed(html: str) -> Any:
    """Parse a page by lxml; None where nothing is in it.

    trafilatura's own `load_html` stops at 256 levels of elements and says nothing. Up to there this gives the same
    tree, and one for what it would refuse because it does not look like a whole page.

    Raises:
        ValueError: the parser stopped early, at 2,048 levels: text would be missing.
    """
    from lxml.etree import ErrorTypes, ParserError
    from lxml.html import fromstring
    from trafilatura.utils import repair_faulty_html

    start, parser = html[:50].lower(), _parser()
    source = repair_faulty_html(html, start).encode()
    try:
        tree = fromstring(source, parser=parser)
        if "html" not in start and len(tree) < 2:  # a fragment would be the element in it rather than a page
            tree = fromstring(b"<html>" + source, parser=parser)
    except ParserError:
        return None
    stops = (error for error in parser.error_log if error.type == ErrorTypes.ERR_RESOURCE_LIMIT)
    if (stop := next(stops, None)) is not None:
        raise ValueError(f"the parser gave up ({stop.message.partition(',')[0]})")
    return tree


@lru_cache
def _parser() -> Any:
    """Return trafilatura's parser, with a limit of 2,048 levels."""
    from lxml.html import HTMLParser

    return HTMLParser(
        collect_ids=False,
        default_doctype=False,
        encoding="utf-8",
        remove_comments=True,
        remove_pis=True,
        huge_tree=True,
    )


@lru_cache
def _options(thorough: bool, comments: bool, tables: bool) -> Any:
    from trafilatura.settings import Extractor

    return Extractor(fast=not thorough, comments=comments, tables=tables)


def _from_lxml(elements: Iterable[Any]) -> Iterator[Header]:
    for element in elements:
        if element.tag in headers.TAGS:
            yield Header(element.tag, element.get, partial(getattr, element, "text"))


def with_resiliparse(html: str, config: ExtractConfig) -> Found:
    """Extract by resiliparse's rules for main content; pages with formulas are rewritten by lxml first."""
    from resiliparse.extract.html2text import extract_plain_text
    from resiliparse.parse.html import HTMLTree

    tree = HTMLTree.parse(html)
    found = list(_from_resiliparse(tree))
    marks = None
    if tree.document and tree.document.query_selector(markup.FORMULAS) is not None:
        html, marks = _rewritten(html)
        tree = HTMLTree.parse(html)
    _sink_lists(tree)
    skipped = [] if config.tables else ["table"]
    text = extract_plain_text(tree, main_content=True, alt_texts=False, comments=config.comments, skip_elements=skipped)
    text = BULLET.sub(lambda match: f"{match[1]}{match[2] or '-'} ", text).strip()
    return text if marks is None else marks.restore(text), found


def _from_resiliparse(tree: Any) -> Iterator[Header]:
    for element in tree.document.query_selector_all(", ".join(headers.TAGS))[
        :
    ]:  # taken one by one, each costs a search
        yield Header(element.tag, element.getattr, partial(getattr, element, "text"))


def _rewritten(html: str) -> tuple[str, markup.Marks | None]:
    from lxml.html import tostring

    tree = _parsed(html)
    if tree is None:
        return html, None
    marks = markup.rewrite(tree, list(tree.iter(*markup.TAGS)))
    return tostring(tree, encoding="unicode"), marks


def _sink_lists(tree: Any) -> None:
    """Put elements around lists near the body; those that are mostly links are dropped all the same."""
    for element in tree.document.query_selector_all(SHALLOW_LISTS)[:]:
        for _ in range(DEPTH):
            wrapper = tree.create_element("div")
            element.parent.replace_child(wrapper, element)
            wrapper.append_child(element)


ENGINES: dict[str, Engine] = {"trafilatura": with_trafilatura, "resiliparse": with_resiliparse}


def load(engine: str) -> None:
    """Import what an engine needs, so that processes forked later have it."""
    ENGINES[engine]("<html><body><p>.</p></body></html>", ExtractConfig.model_validate({"engine": engine}))
    charset.codec_of("utf-8")


def forget(engine: str) -> None:
    """Empty an engine's caches: trafilatura keeps strings of pages it has seen."""
    if engine == "trafilatura":
        from trafilatura.meta import reset_caches

        reset_caches()
