"""Wikipedia dumps: pages of all packings and ranges, damage."""

import bz2
import gzip
import json
import sys
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pytest
import zstandard
from dumps import ARTICLES, END, ROWS, SITEINFO, SKIPPED, Article, anywhere, dump, multistream
from hypothesis import given, settings
from hypothesis import strategies as st

from corpuskit.documents import BadRecord, Choice, SourceConfig, make_key, wikipedia
from corpuskit.documents import dump as framing
from corpuskit.documents.dump import Site
from corpuskit.documents.pieces import list_files
from corpuskit.documents.records import READ_SCHEMA
from corpuskit.errors import MissingExtra

BIG = 1 << 40


class Found(NamedTuple):
    rows: list[dict]
    errors: list[BadRecord]
    skipped: Counter[str]

    @property
    def ids(self) -> list[int]:
        return [int(row["id"]) for row in self.rows]

    @property
    def records(self) -> int:
        return len(self.rows) + len(self.errors) + self.skipped.total()


def read_all(path: Path, split_bytes: int = BIG, choice: Choice | None = None, **options: object) -> Found:
    source = SourceConfig(name="w", paths=str(path), **options)
    found = Found([], [], Counter())
    for piece in wikipedia.plan(source, list_files(source, None), split_bytes):
        for records in wikipedia.read(piece, source, choice or Choice()):
            assert records.documents.schema == READ_SCHEMA
            records.documents.validate(full=True)
            found.rows.extend(records.documents.to_pylist())
            found.errors.extend(records.errors)
            found.skipped.update(records.skipped)
    return found


def read_bytes(folder: Path, data: bytes, split_bytes: int = BIG, name: str = "d.xml.bz2") -> Found:
    (folder / name).write_bytes(data)
    return read_all(folder / name, split_bytes)


def test_the_library_is_named_where_it_is_missing(monkeypatch, tmp_path):
    from corpuskit.documents import wikitext

    wikitext._parser.cache_clear()
    monkeypatch.setitem(sys.modules, "mwparserfromhell", None)
    with pytest.raises(MissingExtra, match=r"corpuskit\[web\]"):
        read_bytes(tmp_path, b"")


def test_article_becomes_a_document(tmp_path):
    row, zh = read_bytes(tmp_path, multistream(ARTICLES)).rows[:2]
    assert row["key"] == make_key("w", "12")
    assert (row["id"], row["source"], row["url"]) == ("12", "w", "https://en.wikipedia.org/wiki/Ada_Lovelace")
    assert row["text"] == "Ada was a writer of programs.\n\nLife\n\nShort."
    assert row["timestamp"].isoformat() == "2024-02-03T04:05:06+00:00"
    assert json.loads(row["metadata"]) == {"title": "Ada Lovelace", "namespace": 0, "revision": "120"}
    assert zh["url"].endswith("/wiki/%E8%AE%A1%E7%AE%97%E6%9C%BA/%E5%9F%BA%E7%A1%80_%26_%E5%8E%86%E5%8F%B2%3F")
    assert zh["text"] == "计算机是电子设备。\n\n历史\n\n- 算盘\n- 图灵机"


PACKINGS = {
    "d.xml": dump(ARTICLES),
    "d.xml.gz": gzip.compress(dump(ARTICLES)),
    "d.xml.zst": zstandard.compress(dump(ARTICLES)),
    "d.xml.bz2": bz2.compress(dump(ARTICLES)),
    "multi.xml.bz2": multistream(ARTICLES),
    "single.XML.BZ2": multistream(ARTICLES, 1),
    "anywhere.xml.bz2": anywhere(dump(ARTICLES), 700),
    "everywhere.xml.bz2": anywhere(dump(ARTICLES[:5]), 1)
    + anywhere(dump(ARTICLES)[len(dump(ARTICLES[:5])) - len(END) :], 999),
    "padded.xml.bz2": b"\0" * 9
    + multistream(ARTICLES).replace(b"BZh9", b"\0\0BZh9")
    + bz2.compress(b"")
    + b"\0" * 70_000,
}


@pytest.mark.parametrize("name", PACKINGS)
def test_packings_give_the_same(tmp_path, name):
    found = read_bytes(tmp_path, PACKINGS[name], name=name)
    assert not found.errors
    assert found.skipped == SKIPPED
    assert found.rows == read_bytes(tmp_path, dump(ARTICLES), name="plain.xml").rows
    assert found.ids == ROWS


@pytest.mark.parametrize("name", [name for name in PACKINGS if name != "everywhere.xml.bz2"])
@pytest.mark.parametrize("split_bytes", [1, 50, 997, 4096])
def test_ranges_give_every_page_once(tmp_path, name, split_bytes):
    if split_bytes == 1 and len(PACKINGS[name]) > 20_000:
        pytest.skip("a piece a byte: only of small files")
    found = read_bytes(tmp_path, PACKINGS[name], split_bytes, name)
    assert (found.ids, found.errors, found.skipped) == (ROWS, [], SKIPPED)


def test_large_dumps_are_cut(tmp_path):
    (tmp_path / "d.xml.bz2").write_bytes(multistream(ARTICLES, 1))
    source = SourceConfig(name="w", paths=str(tmp_path))
    pieces = wikipedia.plan(source, list_files(source, None), 4000)
    assert len(pieces) > 3
    assert all(piece.size <= 4000 for piece in pieces)


def test_no_more_than_max_bytes(tmp_path):
    for name in ("multi.xml.bz2", "d.xml", "d.xml.gz"):
        (tmp_path / name).write_bytes(PACKINGS[name])
        few = read_all(tmp_path / name, max_bytes=2500)
        assert few.ids == ROWS[: len(few.ids)]
        assert 0 < len(few.ids) < len(ROWS)


def test_choice_counts_records_in_reading_order(tmp_path):
    (tmp_path / "d.xml").write_bytes(dump(ARTICLES))
    ids = [read_all(tmp_path / "d.xml", choice=Choice(n, n + 1)).ids for n in range(len(ARTICLES) + 1)]
    assert [one for found in ids for one in found] == ROWS
    assert ids[0] == [12]
    assert ids[1] == []
    poisoned = read_all(tmp_path / "d.xml", choice=Choice(poison=frozenset({0, 1})))
    assert (poisoned.ids, len(poisoned.errors), poisoned.skipped["redirect"]) == (ROWS[1:], 2, 0)


BAD_PAGES = {
    "not XML": b"  <page><title>x</titel></page>\n",
    "not XML: undefined entity": b"<page><title>&lol;</title></page>",
    "not XML: not well-formed": b'<page><!DOCTYPE p [<!ENTITY a "b">]><title>&a;</title></page>',
    "not XML: not well-formed (invalid token)": b"<page><title>\xff</title></page>",
    "not XML: reference to invalid character": b"<page><title>&#xD800;</title></page>",
    "no <id>": b"<page><title>x</title><ns>0</ns></page>",
    "no <title>": b"<page><id>3</id><ns>0</ns></page>",
    "<ns> is 'zero'": b"<page><id>3</id><title>t</title><ns>zero</ns></page>",
    "<id> is ''": b"<page><id /><title>t</title><ns>0</ns></page>",
    "<model> is": b"<page><id>3</id><title>t</title><ns>0</ns><revision><model>a b</model></revision></page>",
    "nested too deep": b"<page>" + b"<a>" * 50 + b"</a>" * 50 + b"</page>",
    "breaks off": b"<page><title>no end</title>\n",
    "characters of wikitext": Article(5, "t", "x" * (wikipedia.MAX_WIKITEXT + 1)).xml().encode(),
}


@pytest.mark.parametrize(("message", "page"), BAD_PAGES.items())
def test_bad_page_is_one_bad_record(tmp_path, message, page):
    whole = dump(ARTICLES[:3])
    at = whole.index(b"  <page>", whole.index(b"</page>"))
    found = read_bytes(tmp_path, whole[:at] + page + whole[at:], name="d.xml")
    (error,) = found.errors
    assert message in error.message
    assert error.offset == at + page.index(b"<page>")
    assert error.raw.strip() == page.strip()[:4096]
    assert (found.ids, found.skipped.total()) == ([12], 2)


def test_what_is_no_page_is_an_error(tmp_path):
    whole = dump(ARTICLES[:1])
    lost = whole.replace(b"<page>", b"<pag>")
    assert [error.message for error in read_bytes(tmp_path, lost, name="a.xml").errors] == [
        "not a page, before the first page"
    ]
    after = dump(ARTICLES[:2]).replace(b"  <page>\n    <title>AC", b"  <pag>\n    <title>AC")
    found = read_bytes(tmp_path, after, name="b.xml")
    assert found.ids == [12]
    assert [error.message for error in found.errors] == ["not a page, after the page that begins here"]
    assert "not a MediaWiki dump" in read_bytes(tmp_path, b"<html>", name="c.xml").errors[0].message
    assert "not a MediaWiki dump" in read_bytes(tmp_path, b"", name="d.xml").errors[0].message
    assert read_bytes(tmp_path, dump([]), name="e.xml").records == 0


BROKEN_OFF = "the dump breaks off: no </mediawiki> behind what begins here"


@pytest.mark.parametrize("split_bytes", [BIG, 400, 4])
def test_dump_that_ends_between_two_streams_is_an_error(tmp_path, split_bytes):
    data = multistream(ARTICLES)
    for at, rows in zip(starts(data)[-3:], [ROWS[:3], ROWS[:4], ROWS], strict=True):  # no (18, 19), no (20, 21), no end
        found = read_bytes(tmp_path, data[:at], split_bytes)
        last = starts(data[:at])[-1]
        assert found.ids == rows
        assert [(error.offset, error.message) for error in found.errors] == [(last, BROKEN_OFF)]


@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstandard.compress, bz2.compress])
def test_dump_without_its_end_is_an_error(tmp_path, pack):
    name = {bytes: "d.xml", gzip.compress: "d.xml.gz", zstandard.compress: "d.xml.zst"}.get(pack, "d.xml.bz2")
    whole = dump(ARTICLES)
    for end in (whole.index(END.encode()), whole.index(b"  <page>")):
        found = read_bytes(tmp_path, pack(whole[:end]), name=name)
        assert [error.message for error in found.errors] == [BROKEN_OFF]
    partial = read_bytes(tmp_path, pack(whole[:-9]), name=name)
    assert [error.message for error in partial.errors] == ["not a page, after the page that begins here"]
    assert partial.ids == ROWS


def test_entity_bombs_do_not_expand(tmp_path):
    bomb = '<!DOCTYPE x [<!ENTITY a "' + "x" * 1000 + '"><!ENTITY b "' + "&a;" * 1000 + '">]>'
    page = Article(1, "t", "BOMB").xml().replace("BOMB", "&b;" * 1000)
    found = read_bytes(tmp_path, (bomb + SITEINFO + page + ARTICLES[0].xml() + END).encode(), name="d.xml")
    assert found.ids == [12]
    assert "undefined entity" in found.errors[0].message


def test_page_without_end_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(framing, "MAX_PAGE", 3 << 20)
    whole = dump(ARTICLES)
    at = whole.index(b"</page>")
    endless = whole[:at] + b"x" * (8 << 20) + whole[at:]
    found = read_bytes(tmp_path, endless, name="d.xml")
    assert found.ids == ROWS[1:]
    assert [error.message for error in found.errors] == ["no <page> within 3 MiB"]


def test_last_revision_is_read_and_missing_parts_are_empty(tmp_path):
    page = Article(3, "t", "old").xml()
    revision = page[page.index("    <revision>") : page.index("  </page>")]
    page = page.replace(revision, revision + revision.replace(">old<", ">new<").replace("30", "31"))
    bare = "<page><title>b</title><ns>0</ns><id>4</id></page>"
    found = read_bytes(tmp_path, f"<mediawiki>{page}{bare}{END}".encode(), name="d.xml")
    assert [(row["text"], row["url"]) for row in found.rows] == [("new", None), ("", None)]
    assert json.loads(found.rows[0]["metadata"])["revision"] == "31"
    assert found.rows[1]["timestamp"] is None


def starts(data: bytes) -> list[int]:
    return [at for at in range(len(data)) if data.startswith(b"BZh91AY&SY", at)]


@pytest.mark.parametrize("split_bytes", [BIG, 400, 4])
def test_damaged_stream_is_lost_alone(tmp_path, split_bytes):
    data = bytearray(multistream(ARTICLES))
    at = starts(bytes(data))[3]  # head, (12, 13), (14, 15), (16, 17)
    data[at + 60] ^= 255
    found = read_bytes(tmp_path, bytes(data), split_bytes)
    assert found.ids == [12, 15, 19, 20, 21]
    assert [(error.offset, error.message) for error in found.errors] == [(at, "bzip2 stream is corrupt")]


@pytest.mark.parametrize("split_bytes", [BIG, 400, 4])
def test_truncated_file_loses_its_last_stream(tmp_path, split_bytes):
    data = multistream(ARTICLES)
    at = starts(data)[-2]  # (20, 21)
    found = read_bytes(tmp_path, data[: at + 100], split_bytes)
    assert found.ids == ROWS[:4]
    assert [(error.offset, error.message) for error in found.errors] == [(at, "bzip2 stream is truncated")]


@pytest.mark.parametrize("split_bytes", [BIG, 400, 4])
def test_junk_between_streams_is_an_error(tmp_path, split_bytes):
    data = multistream(ARTICLES)
    at = starts(data)[2]
    found = read_bytes(tmp_path, data[:at] + b"junk" * 9 + data[at:] + b"tail", split_bytes)
    assert found.ids == ROWS
    assert [(error.offset, error.message) for error in found.errors] == [
        (at, "not a bzip2 stream"),
        (len(data) + 36, "not a bzip2 stream"),
    ]


def test_damaged_gzip_keeps_what_came_before(tmp_path):
    data = gzip.compress(dump(ARTICLES))
    found = read_bytes(tmp_path, data[:-30], name="d.xml.gz")
    assert found.ids == ROWS[: len(found.ids)]
    assert [error.message for error in found.errors] == ["gzip stream is truncated"]


@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 2**32),
    pages=st.integers(1, 4),
    step=st.integers(200, 3000) | st.none(),
    split=st.integers(100, 4000),
    flips=st.integers(0, 3),
)
def test_ranges_of_damaged_dumps_give_the_same_rows(tmp_path_factory, seed, pages, step, split, flips):
    folder = tmp_path_factory.mktemp("dump")
    short = [article for article in ARTICLES if len(article.wikitext) < 1000]
    data = bytearray(multistream(short, pages) if step is None else anywhere(dump(short), step))
    for flip in range(flips):
        data[(seed * (flip + 7919)) % len(data)] ^= 1 + seed % 255
    whole, cut = read_bytes(folder, bytes(data)), read_bytes(folder, bytes(data), split)
    assert whole.rows == cut.rows
    assert whole.skipped == cut.skipped
    assert sorted(whole.errors) == sorted(cut.errors)


def test_site_is_read_from_the_head_of_the_file(tmp_path):
    (tmp_path / "d.xml.bz2").write_bytes(multistream(ARTICLES))
    (file,) = list_files(SourceConfig(name="w", paths=str(tmp_path)), None)
    site = framing.read_site(file, {})
    assert site.root == "https://en.wikipedia.org/wiki/"
    assert (6, "Bilddatei") in site.namespaces
    (tmp_path / "d.xml.bz2").write_bytes(b"BZh9 broken")
    (file,) = list_files(SourceConfig(name="w", paths=str(tmp_path)), None)
    assert framing.read_site(file, {}) == Site()
