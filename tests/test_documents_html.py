"""HTML files, alone and in tar archives, sound and damaged."""

import bz2
import gzip
import io
import re
import tarfile
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from corpuskit.documents import BadRecord, Choice, SourceConfig, html, make_key, plan, read, tar
from corpuskit.documents.html import page_url
from corpuskit.documents.records import PAGE_SCHEMA
from corpuskit.errors import InputError

BIG = 1 << 40
PAGE = b"<html><body><p>Hello \xe4</p></body></html>"


class Found(NamedTuple):
    rows: list[dict]
    errors: list[BadRecord]
    skipped: Counter[str]

    @property
    def ids(self) -> list[str]:
        return [row["id"] for row in self.rows]

    @property
    def messages(self) -> list[str]:
        return [error.message for error in self.errors]


def read_all(path: Path, split_bytes: int = BIG, choice: Choice | None = None, **options: object) -> Found:
    source = SourceConfig(name="h", paths=str(path), **{"format": "html", **options})
    found = Found([], [], Counter())
    for piece in plan(source, split_bytes):
        for records in read(piece, source, choice or Choice()):
            assert records.documents.schema == PAGE_SCHEMA
            records.documents.validate(full=True)
            found.rows.extend(records.documents.to_pylist())
            found.errors.extend(records.errors)
            found.skipped.update(records.skipped)
    return found


def archive(members: dict[str, bytes], kind: int = tarfile.PAX_FORMAT) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=kind) as writer:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            writer.addfile(info, io.BytesIO(data))
    return file.getvalue()


def read_tar(folder: Path, data: bytes, name: str = "a.tar", **options: object) -> Found:
    (folder / name).write_bytes(data)
    return read_all(folder / name, **options)


def test_file_becomes_a_page(tmp_path):
    (tmp_path / "in" / "deep").mkdir(parents=True)
    (tmp_path / "in" / "deep" / "a.html").write_bytes(PAGE)
    (row,) = read_all(tmp_path / "in").rows
    assert row == {
        "key": make_key("h", "deep/a.html"), "id": "deep/a.html", "text": "", "url": None, "source": "h",
        "timestamp": None, "metadata": None, "payload": PAGE, "charset": None, "file": "deep/a.html", "offset": 0,
    }  # fmt: skip


def test_folder_gives_its_pages_alone(tmp_path):
    for name in ("b.HTM", "a.xhtml", "c.txt", "noise", ".hidden.html"):
        (tmp_path / name).write_bytes(PAGE)
    (tmp_path / "d.html.gz").write_bytes(gzip.compress(PAGE))
    (tmp_path / "e.htm.zst").write_bytes(zstandard.compress(PAGE))
    (tmp_path / "z.tgz").write_bytes(gzip.compress(archive({"f.html": PAGE})))
    found = read_all(tmp_path)
    assert found.ids == ["a.xhtml", "b.HTM", "d.html.gz", "e.htm.zst", "z.tgz:f.html"]
    assert {row["payload"] for row in found.rows} == {PAGE}
    assert read_all(tmp_path / "noise").ids == ["noise"]
    assert read_all(tmp_path / "d.html.gz", format="auto").ids == ["d.html.gz"]


def test_folder_may_be_called_like_a_glob(tmp_path):
    for name in ("pages[1]", "pages1", "page?"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.html").write_bytes(PAGE)
        (tmp_path / name / "b.txt").write_bytes(PAGE)
    assert read_all(tmp_path / "pages[1]").ids == ["a.html"]
    assert read_all(tmp_path / "page?").ids == ["a.html"]
    assert read_all(tmp_path / "pages[1]" / "a.html").ids == ["a.html"]
    assert read_all(tmp_path / "pages[12]" / "*.html").ids == ["pages1/a.html"]


def test_bad_files_are_errors(tmp_path, monkeypatch):
    monkeypatch.setattr(html, "MAX_PAGE", 1 << 20)
    (tmp_path / "a.html").write_bytes(b"")
    (tmp_path / "b.html.gz").write_bytes(gzip.compress(PAGE)[:-9])
    (tmp_path / "c.html.gz").write_bytes(gzip.compress(b""))
    (tmp_path / "d.html.zst").write_bytes(zstandard.compress(b"x" * (3 << 20)))
    (tmp_path / "e.html").write_bytes(PAGE)
    found = read_all(tmp_path)
    assert found.ids == ["e.html"]
    assert sorted(found.messages) == ["empty file", "empty file", "gzip stream is truncated", "over 1 MiB"]
    assert {error.file for error in found.errors} == {"a.html", "b.html.gz", "c.html.gz", "d.html.zst"}


MEMBERS = {
    "pages/a.html": PAGE,
    "pages/" + "long" * 60 + "/b.html": b"<p>b" * 3000,
    "c.html.gz": gzip.compress(b"<p>c"),
    "页面/d.htm": b"<p>d",
    "style.CSS": b"x",
    "e.png.gz": b"x",
    "README": b"x",
    "empty.html": b"",
    "f.xhtml.zst": zstandard.compress(b"<p>f"),
    "broken.html.gz": gzip.compress(b"x" * 100)[:-20],
}
PAGES = [name for name in MEMBERS if re.search(r"\b[a-f]\.x?html?", name)]
PACKED = {
    "a.tar": bytes,
    "a.tar.gz": gzip.compress,
    "a.tgz": gzip.compress,
    "a.TAR.zst": zstandard.compress,
}


@pytest.mark.parametrize("name", PACKED)
@pytest.mark.parametrize("kind", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_archive_gives_its_pages(tmp_path, name, kind):
    found = read_tar(tmp_path, PACKED[name](archive(MEMBERS, kind)), name)
    assert found.ids == [f"{name}:{member}" for member in PAGES]
    assert [row["payload"] for row in found.rows] == [PAGE, b"<p>b" * 3000, b"<p>c", b"<p>d", b"<p>f"]
    assert found.skipped == {"not HTML: .css": 1, "not HTML: .png": 1, "not HTML": 1}
    assert found.messages == ["empty file", "gzip stream is truncated"]
    assert found.rows[0]["offset"] == 0
    assert {row["file"] for row in found.rows} == {name}


def test_formats_of_archives_agree_with_tarfile(tmp_path):
    names = {f"x{'y' * length}/p{'q' * (length % 70)}.html": b"<p>%d" % length for length in range(0, 300, 7)}
    names["big.html"] = b"0123456789" * 100_000
    for kind in (tarfile.PAX_FORMAT, tarfile.GNU_FORMAT):
        found = read_tar(tmp_path, archive(names, kind))
        assert {row["id"].partition(":")[2]: row["payload"] for row in found.rows} == names
        assert not found.errors
    short = {name: data for name, data in names.items() if len(name) < 100}
    for kind in (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT):
        assert len(read_tar(tmp_path, archive(short, kind)).rows) == len(short)


def test_what_is_no_file_is_no_record(tmp_path):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as writer:
        for name, kind in {"d.html": tarfile.DIRTYPE, "l.html": tarfile.SYMTYPE, "h.html": tarfile.LNKTYPE}.items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "elsewhere"
            writer.addfile(info)
        info = tarfile.TarInfo("p.html")
        info.size = len(PAGE)
        writer.addfile(info, io.BytesIO(PAGE))
    found = read_tar(tmp_path, file.getvalue())
    assert (found.ids, found.errors, found.skipped) == (["a.tar:p.html"], [], {})


FOUR = {f"{name}.html": name.encode() * 700 for name in "abcd"}


def test_broken_header_loses_one_member(tmp_path):
    data = bytearray(archive(FOUR))
    at = data.index(b"b.html")
    data[at] ^= 1
    found = read_tar(tmp_path, bytes(data))
    assert found.ids == ["a.tar:a.html", "a.tar:c.html", "a.tar:d.html"]
    assert [(error.offset, error.message) for error in found.errors] == [(at, "not a tar header")]


def test_shifted_archive_goes_on_at_the_next_header(tmp_path):
    data = archive(FOUR)
    at = data.index(b"b.html")
    for changed in (data[: at + 600] + b"x" * 77 + data[at + 600 :], data[: at + 600] + data[at + 650 :]):
        found = read_tar(tmp_path, changed)
        assert {"a.tar:a.html", "a.tar:d.html"} <= set(found.ids)
        assert len(found.rows) + len(found.errors) >= 4


def test_truncated_archive_keeps_what_came_before(tmp_path):
    data = archive(FOUR)
    at = data.index(b"c.html")
    found = read_tar(tmp_path, data[: at + 700])
    assert found.ids == ["a.tar:a.html", "a.tar:b.html"]
    assert found.messages == ["c.html: the member breaks off"]
    packed = read_tar(tmp_path, gzip.compress(data[: at + 700], 0)[:-300], "b.tar.gz")
    assert packed.ids == ["b.tar.gz:a.html", "b.tar.gz:b.html"]
    assert "gzip stream is truncated" in packed.messages


def test_member_that_claims_the_rest_does_not_swallow_it(tmp_path):
    info = tarfile.TarInfo("liar.html")
    info.size = 1 << 20
    header = info.tobuf(tarfile.USTAR_FORMAT)
    found = read_tar(tmp_path, header + archive(FOUR))
    assert found.ids == [f"a.tar:{name}" for name in FOUR]
    assert found.messages == ["liar.html: the member breaks off"]


def test_too_large_members_are_passed_over(tmp_path, monkeypatch):
    monkeypatch.setattr(tar, "MAX_MEMBER", 1 << 20)
    found = read_tar(tmp_path, archive({"a.html": b"x" * (2 << 20), "a.bin": b"x" * (2 << 20), "b.html": PAGE}))
    assert found.ids == ["a.tar:b.html"]
    assert found.messages == ["a.html: over 1 MiB"]
    assert found.skipped == {"not HTML: .bin": 1}


def test_bombs_in_members_do_not_expand(tmp_path, monkeypatch):
    monkeypatch.setattr(html, "MAX_PAGE", 1 << 20)
    found = read_tar(tmp_path, archive({"a.html.gz": gzip.compress(b"\0" * (50 << 20)), "b.html": PAGE}))
    assert (found.ids, found.messages) == (["a.tar:b.html"], ["over 1 MiB"])


def test_archives_one_after_another(tmp_path):
    found = read_tar(tmp_path, archive({"a.html": PAGE}) + archive({"b.html": PAGE}))
    assert found.ids == ["a.tar:a.html", "a.tar:b.html"]


def test_names_that_are_not_utf8(tmp_path):
    data = archive({"x.html": PAGE}, tarfile.GNU_FORMAT)
    info = tarfile.TarInfo.frombuf(data[:512], "utf-8", "strict")
    info.name = "\udcff.html"
    found = read_tar(tmp_path, info.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape") + data[512:])
    assert found.ids == ["a.tar:\\xff.html"]


@pytest.mark.parametrize("data", [b"", b"\0" * 10240, b"not a tar" * 300, b"x"])
def test_what_is_no_archive(tmp_path, data):
    found = read_tar(tmp_path, data)
    assert not found.rows
    expected = {b"": ["empty file"], bytes(10240): []}  # the latter is what tar makes of no files
    assert found.messages == expected.get(data, ["not a tar header"])


@pytest.mark.parametrize("name", ["a.tar.gz", "a.tar.zst"])
def test_compressed_archives_of_no_bytes_are_errors(tmp_path, name):
    assert read_tar(tmp_path, b"", name).messages == ["empty file"]
    assert read_tar(tmp_path, PACKED[name.replace("a.tar.zst", "a.TAR.zst")](b""), name).messages == ["empty file"]


def test_hidden_members_are_skipped(tmp_path, monkeypatch):
    hidden = ["__MACOSX/._a.html", ".hidden.html", "./x/.git/b.html", ".tar.html/c.css", "._d.html.gz"]
    shown = ["./a.html", "../b.html", "x/c..html", "…/d.html"]
    found = read_tar(tmp_path, archive(dict.fromkeys(hidden + shown, PAGE)), ".named.tar")
    assert found.ids == [f".named.tar:{name}" for name in shown]
    assert (found.errors, found.skipped) == ([], {"hidden": len(hidden)})
    monkeypatch.setattr(tar, "MAX_MEMBER", 1 << 10)
    big = read_tar(tmp_path, archive({"._a.html": bytes(1 << 11), "a.html": bytes(1 << 11)}))
    assert (big.messages, big.skipped) == (["a.html: over 0 MiB"], {"hidden": 1})


@pytest.mark.parametrize("name", ["page.html.bz2", "PAGES.ZIP", "pages.tar.xz"])
def test_files_compressed_otherwise_are_refused(tmp_path, name):
    (tmp_path / name).write_bytes(bz2.compress(PAGE))
    with pytest.raises(InputError, match=rf"{name}: of compressed files, those with .gz, .zst"):
        read_all(tmp_path / name)


def test_max_bytes_takes_the_first_files_and_members(tmp_path):
    for name in "abc":
        (tmp_path / f"{name}.html").write_bytes(b"x" * 1000)
    assert read_all(tmp_path, max_bytes=2500).ids == ["a.html", "b.html"]
    assert read_all(tmp_path, max_bytes=1).ids == ["a.html"]
    (tmp_path / "c.html").unlink()
    (tmp_path / "c.tar").write_bytes(archive(FOUR))
    assert read_all(tmp_path, max_bytes=5000).ids == ["a.html", "b.html", "c.tar:a.html", "c.tar:b.html"]


def test_pieces_are_groups_of_files(tmp_path):
    for number in range(10):
        (tmp_path / f"{number}.html").write_bytes(b"x" * 1000)
    pieces = plan(SourceConfig(name="h", paths=str(tmp_path)), 3000)
    assert [len(piece.files) for piece in pieces] == [3, 3, 3, 1]


def test_choice_counts_records_in_reading_order(tmp_path):
    data = archive(MEMBERS)
    each = [read_tar(tmp_path, data, choice=Choice(n, n + 1)) for n in range(len(MEMBERS) + 1)]
    assert [one for found in each for one in found.ids] == read_tar(tmp_path, data).ids
    assert [len(found.rows) + len(found.errors) + found.skipped.total() for found in each] == [1] * len(MEMBERS) + [0]
    poisoned = read_tar(tmp_path, data, choice=Choice(poison=frozenset({0})))
    assert (len(poisoned.rows), len(poisoned.errors)) == (4, 3)


URLS = {
    b'<link rel="canonical" href="https://a.org/x?a=1&amp;b=2">': "https://a.org/x?a=1&b=2",
    b"<LINK HREF=http://a.org/ REL=canonical>": "http://a.org/",
    b"<link href='https://a.org/\xe4\xbd\xa0' rel='canonical' />": "https://a.org/你",
    b'<meta property="og:url" content="https://o.org/">': "https://o.org/",
    b'<meta content="https://o.org/" property="og:url">': "https://o.org/",
    b'<meta property="og:url" content="https://o.org/"><link rel=canonical href="https://c.org/">': "https://c.org/",
    b'<link rel="canonical" href="/relative">': None,
    b'<link rel="canonical" href="javascript:alert(1)">': None,
    b'<link rel="canonical" href="https://a.org/\xff">': None,
    b'<link rel="canonical">https://a.org/': None,
    b'<link rel="stylesheet" href="https://a.org/"><a rel=canonical>': None,
    b"": None,
    b" " * (1 << 16) + b'<link rel="canonical" href="https://late.org/">': None,
    b"<link rel=canonical " * 4000: None,
    b"<link " + b"rel=canonical href " * 4000: None,
    b"<link " + b" " * 60_000: None,
}


@pytest.mark.parametrize(("page", "url"), URLS.items())
def test_url_that_a_page_states(page, url):
    assert page_url(page) == url


@settings(deadline=None, max_examples=200)
@given(
    st.binary(max_size=600)
    | st.lists(st.sampled_from([b"<link ", b"rel=canonical ", b"href=", b"http://x/", b">", b"'"])).map(b"".join)
)
def test_any_page_gives_a_url_or_none(page):
    url = page_url(page)
    assert url is None or url.startswith(("http://", "https://"))


@settings(deadline=None, max_examples=150)
@given(
    st.dictionaries(
        st.text("ab/é中.", min_size=1, max_size=150).map(lambda name: f"n{name}x.html"),
        st.binary(min_size=1, max_size=2000),
        max_size=6,
    )
)
def test_any_members_are_given_as_tarfile_gives_them(tmp_path_factory, members):
    found = read_tar(tmp_path_factory.mktemp("tar"), archive(members))
    shown = {name: data for name, data in members.items() if not re.search(r"/\.(?!\.?/)", name)}
    assert {row["id"]: row["payload"] for row in found.rows} == {f"a.tar:{name}": shown[name] for name in shown}
    assert (found.errors, found.skipped.total()) == ([], len(members) - len(shown))
