"""WARC and WET: the same records as FastWARC gives, in every packing; damage costs the damaged record only."""

import gzip
import io
import json
import os
import sys
from collections import Counter
from pathlib import Path

import pytest
import warc_files
from hypothesis import given
from hypothesis import strategies as st
from warc_files import PACKINGS, PAGE, SOURCE, SUFFIX, Found, pack, page, read, read_bytes, record, response, wet

from corpuskit.documents import warc
from corpuskit.documents.records import PAGE_SCHEMA, POISON, Choice
from corpuskit.documents.source import SourceConfig
from corpuskit.errors import InputError, MissingExtra

pytest.importorskip("fastwarc")
DATA = Path(os.environ.get("CORPUSKIT_TEST_DATA", "/nonexistent")) / "web"
REAL = [
    *(f"dolma_warc/sample-000{number}.warc.gz" for number in (0, 1)),
    *(f"commoncrawl_whirlwind/whirlwind.warc{end}" for end in ("", ".gz", ".wet", ".wet.gz", ".wat", ".wat.gz")),
]
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="CORPUSKIT_TEST_DATA has no web data")


def peer(path: Path) -> list[dict[str, object]]:
    """Return the records of a file as FastWARC iterates over them."""
    from fastwarc.warc import ArchiveIterator

    found = []
    for item in ArchiveIterator(io.BytesIO(path.read_bytes()), parse_http=True, auto_decode="all"):
        kind = item.headers.get("WARC-Type")
        body = item.reader.read()
        http = item.http_headers if kind == "response" else None
        found.append(
            {
                "id": item.record_id.strip("<>"),
                "offset": item.stream_pos,
                "kind": kind,
                "status": http.status_code if http else None,
                "mime": (item.http_content_type or "").split(";")[0].lower() if http else None,
                "charset": item.http_charset if http else None,
                "body": body,
            }
        )
    return found


def split_real(name: str) -> list[bytes]:
    """Return the records of a real file as bytes."""
    data = (DATA / name).read_bytes()
    data = gzip.decompress(data) if name.endswith(".gz") else data
    parts = data.split(b"WARC/1.0\r\nWARC-Type: ")  # occurs in none of their contents
    return [b"WARC/1.0\r\nWARC-Type: " + part for part in parts[1:]]


# ---------------------------------------------------------------------------------------------- against FastWARC


@needs_data
@pytest.mark.parametrize("name", REAL)
def test_real_files_give_what_fastwarc_gives(name: str) -> None:
    found, expected = read(DATA / name), peer(DATA / name)
    assert found.total == len(expected)
    assert not found.errors
    pages = [item for item in expected if item["kind"] == "response" or item["kind"] == "conversion"]
    assert len(found.rows) == len(pages)
    for row, item in zip(found.rows, pages, strict=True):
        assert (row["id"], row["offset"], row["file"]) == (item["id"], item["offset"], Path(name).name)
        if item["kind"] == "conversion":
            assert (row["text"].encode(), row["payload"]) == (item["body"], None)
        else:
            assert (row["payload"], row["text"]) == (item["body"], "")
            assert (row["metadata"]["status"], row["metadata"]["mime"]) == (item["status"], item["mime"])
            assert (row["charset"] or "").lower() == (item["charset"] or "").lower()
    kinds = Counter(item["kind"] for item in expected if item not in pages)
    assert found.skipped == kinds


@needs_data
@pytest.mark.parametrize("packing", PACKINGS)
@pytest.mark.parametrize("name", REAL)
def test_packing_changes_no_row(name: str, packing: str, tmp_path: Path) -> None:
    records = split_real(name)
    expected = read(DATA / name)
    assert len(records) == expected.total
    found = read_bytes(tmp_path, pack(records, packing), f"again.warc{SUFFIX[packing]}")
    assert found.contents() == expected.contents()
    assert [row["metadata"] for row in found.rows] == [row["metadata"] for row in expected.rows]
    assert (found.skipped, found.errors) == (expected.skipped, [])


@needs_data
@pytest.mark.parametrize("packing", PACKINGS)
def test_truncation_costs_the_last_records_only(packing: str, tmp_path: Path) -> None:
    name = "dolma_warc/sample-0000.warc.gz"
    records = split_real(name)
    whole = read_bytes(tmp_path, pack(records, packing), f"whole.warc{SUFFIX[packing]}")
    data = pack(records, packing)
    for share in (0.3, 0.5, 0.77):
        found = read_bytes(tmp_path, data[: int(len(data) * share)], f"cut.warc{SUFFIX[packing]}")
        assert 0 < len(found.rows) < len(whole.rows)
        assert found.contents() == whole.contents()[: len(found.rows)]
        assert len(found.errors) == 1
        assert "breaks off" in found.errors[0].message or "truncated" in found.errors[0].message


# ------------------------------------------------------------------------------------------------ what a page holds


def test_a_response_fills_the_page_schema(tmp_path: Path) -> None:
    (path := tmp_path / "x.warc").write_bytes(response(3, PAGE, "Content-Type: TEXT/html; Charset='GBK'"))
    source = SourceConfig(name="crawl", paths=(str(tmp_path),), format="warc")
    (piece,) = warc.plan(source, [warc_files.file_range(path)], 1 << 20)
    (records,) = warc.read(piece, source)
    assert records.documents.schema == PAGE_SCHEMA
    (row,) = records.documents.to_pylist()
    assert row["id"] == "urn:uuid:3"
    assert row["url"] == "https://example.org/3"
    assert row["timestamp"].isoformat() == "2024-05-18T01:58:10+00:00"
    assert (row["payload"], row["charset"], row["text"], row["source"]) == (PAGE, "GBK", "", "crawl")
    kept = {"type": "response", "status": 200, "mime": "text/html", "http_charset": "GBK"}
    assert json.loads(row["metadata"]) == kept


def test_wet_keeps_languages_and_empty_texts(tmp_path: Path) -> None:
    fields = [("WARC-Identified-Content-Language", "spa, eng"), ("Content-Type", "text/plain")]
    found = read_bytes(tmp_path, record("conversion", 1, "Menú\n".encode(), fields) + wet(2, ""))
    assert [row["text"] for row in found.rows] == ["Menú\n", ""]
    assert found.rows[0]["metadata"]["languages"] == ["spa", "eng"]
    assert found.rows[0]["payload"] is None


def test_ids_without_a_record_id_are_distinct(tmp_path: Path) -> None:
    bare = wet(1, "text").replace(b"WARC-Record-ID: <urn:uuid:1>\r\n", b"")
    size = len(bare)
    plain = read_bytes(tmp_path, bare * 3, "x.warc")
    assert [(row["id"], row["offset"]) for row in plain.rows] == [(f"x.warc:{n * size}", n * size) for n in range(3)]
    member = gzip.compress(bare * 2, mtime=0)
    packed = read_bytes(tmp_path, member * 2, "x.warc.gz")
    start = len(member)
    assert [row["offset"] for row in packed.rows] == [0, size, start, start + size]
    assert [row["id"] for row in packed.rows] == [
        "x.warc.gz:0",
        f"x.warc.gz:0+{size}",
        f"x.warc.gz:{start}",
        f"x.warc.gz:{start}+{size}",
    ]


def test_angle_brackets_around_uris_are_left_out(tmp_path: Path) -> None:
    data = response(1, PAGE).replace(b"https://example.org/1", b"<https://example.org/1>")
    assert page(tmp_path, data)["url"] == "https://example.org/1"


def test_a_date_that_is_none_stays_in_the_metadata(tmp_path: Path) -> None:
    row = page(tmp_path, wet(1, "x").replace(b"2024-05-18T01:58:10Z", b"last tuesday"))
    assert row["timestamp"] is None
    assert row["metadata"]["warc_date"] == "last tuesday"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (record("request", 1, b"GET / HTTP/1.1\r\n\r\n"), "request"),
        (record("revisit", 1, b"HTTP/1.1 200 OK\r\n\r\n"), "revisit"),
        (record("made-up", 1, b""), "unknown WARC-Type"),
        (record("response", 1, b"x", [("Content-Type", "text/dns")]), "response not of HTTP"),
        (response(1, b"gone", status="301 Moved"), "HTTP status 301"),
        (response(1, b"gone", status="999 What"), "HTTP status unknown"),
        (response(1, b"\x89PNG", "Content-Type: IMAGE/PNG ; q=1"), "not HTML: image/png"),
        (response(1, b"x", "Content-Type: image/x-own-invention-77"), "not HTML: other image"),
        (response(1, b"x", "Content-Type: own/invention"), "not HTML: other type"),
        (response(1, b"\x00\x01\x02", "X-Type: none"), "not HTML: unknown type"),
        (record("conversion", 1, b"{}", [("Content-Type", "application/json")]), "conversion to application/json"),
    ],
)
def test_records_that_are_no_pages_are_skipped_with_a_reason(data: bytes, reason: str, tmp_path: Path) -> None:
    found = read_bytes(tmp_path, data)
    assert (found.rows, found.errors, found.skipped) == ([], [], {reason: 1})


@pytest.mark.parametrize("head", ["X-Type: none", "Content-Type: application/octet-stream", "Content-Type: ?"])
def test_html_of_unknown_type_is_recognised(head: str, tmp_path: Path) -> None:
    assert (
        page(tmp_path, response(1, b"\n<!-- hi -->\n<HTML lang=en>", head))["payload"]
        == b"\n<!-- hi -->\n<HTML lang=en>"
    )


def test_header_lines_that_end_in_newlines_only(tmp_path: Path) -> None:
    block = b"HTTP/1.1 200 OK\nContent-Type: text/html\n\n" + PAGE
    lines = f"WARC/1.0\nWARC-Type: response\nContent-Type: application/http\nContent-Length: {len(block)}\n\n".encode()
    found = read_bytes(tmp_path, (lines + block + b"\n\n") * 2)
    assert [row["payload"] for row in found.rows] == [PAGE, PAGE]


# ------------------------------------------------------------------------------------------------------ plain text


@pytest.mark.parametrize(
    ("label", "encoded", "text"),
    [
        ("", "日本\n".encode(), "日本\n"),
        ("utf-8", b"\xef\xbb\xbfx", "x"),
        ("GB2312", "中文".encode("gb2312"), "中文"),
        ("iso-8859-1", b"\x93caf\xe9\x94 \x81", "“café” \x81"),
        ("utf-16", "é".encode("utf-16"), "é"),
    ],
)
def test_plain_text_is_decoded_by_its_label(label: str, encoded: bytes, text: str, tmp_path: Path) -> None:
    head = f"Content-Type: text/plain; charset={label}" if label else "Content-Type: text/plain"
    row = page(tmp_path, response(1, encoded, head))
    assert (row["text"], row["payload"]) == (text, None)


@pytest.mark.parametrize(
    ("label", "encoded", "message"),
    [
        ("klingon", b"x", "unknown charset: 'klingon'"),
        ("rot13", b"x", "unknown charset: 'rot13'"),
        ("unicode_escape", b"x", "unknown charset: 'unicode_escape'"),
        ("utf-7", b"+2AA-", "unknown charset: 'utf-7'"),
        ("a\0b", b"x", "unknown charset: 'a\\x00b'"),
        ("utf-8", b"\xff\xfe", "text is not utf-8"),
        ("utf-16", b"x", "text is not utf-16"),
    ],
)
def test_unknown_charsets_and_wrong_bytes_are_errors(label: str, encoded: bytes, message: str, tmp_path: Path) -> None:
    found = read_bytes(tmp_path, response(1, encoded, f"Content-Type: text/plain; charset={label}"))
    (error,) = found.errors
    assert error.message.startswith(message)


def test_an_unknown_charset_of_html_is_left_to_extraction(tmp_path: Path) -> None:
    assert page(tmp_path, response(1, PAGE, "Content-Type: text/html; charset=klingon"))["charset"] == "klingon"


# ------------------------------------------------------------------------------------------------- choices and plans


def mixed() -> list[bytes]:
    return [
        wet(0, "zero"),
        record("request", 1, b"GET"),
        response(2, PAGE),
        b"rubbish that is no record\r\n",
        wet(4, "four"),
        response(5, b"", status="404 Not Found"),
        wet(6, "six"),
    ]


@pytest.mark.parametrize("packing", PACKINGS)
def test_a_choice_counts_every_record(packing: str, tmp_path: Path) -> None:
    path = tmp_path / f"x.warc{SUFFIX[packing]}"
    path.write_bytes(pack(mixed(), packing))
    parts = [read(path, Choice(number, number + 1)) for number in range(8)]
    assert [part.total for part in parts] == [1] * 7 + [0]
    ids = [[row["id"] for row in part.rows] for part in parts]
    assert ids == [["urn:uuid:0"], [], ["urn:uuid:2"], [], ["urn:uuid:4"], [], ["urn:uuid:6"], []]
    whole = read(path)
    assert whole.total == 7
    assert whole.skipped == {"request": 1, "HTTP status 404": 1}
    poisoned = read(path, Choice(poison=frozenset([1, 4])))
    assert poisoned.total == 7
    assert [error.message for error in poisoned.errors if error.message == POISON] == [POISON] * 2
    assert len(poisoned.errors) == 3
    assert poisoned.skipped == {"HTTP status 404": 1}


def test_max_bytes_ends_a_file_after_its_share(tmp_path: Path) -> None:
    (path := tmp_path / "x.warc.gz").write_bytes(pack([wet(number, "x" * 1000) for number in range(50)], "gzip"))
    source = SOURCE.model_copy(update={"max_bytes": 10_000})
    (piece,) = warc.plan(source, [warc_files.file_range(path)], 1 << 20)
    rows = sum(len(records.documents) for records in warc.read(piece, source))
    assert 8 <= rows <= 10
    assert piece.size == 10_000


def test_a_missing_fastwarc_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fastwarc.warc", None)
    with pytest.raises(MissingExtra, match=r"reading WARC files needs the package fastwarc: .*corpuskit\[web\]"):
        read_bytes(tmp_path, wet(1, "x"))


def test_a_plan_is_a_piece_a_short_file(tmp_path: Path) -> None:
    files = []
    for name in ("a.warc", "b.warc.gz"):
        (tmp_path / name).write_bytes(bytes(100))
        files.append(warc_files.file_range(tmp_path / name))
    pieces = warc.plan(SOURCE, files, 1)
    assert [(piece.index, piece.size, len(piece.files), piece.format) for piece in pieces] == [
        (0, 100, 1, "warc"),
        (1, 100 * warc.EXPANSION, 1, "warc"),
    ]


def test_a_file_that_changed_since_the_plan_is_refused(tmp_path: Path) -> None:
    (path := tmp_path / "x.warc").write_bytes(wet(1, "x"))
    (piece,) = warc.plan(SOURCE, [warc_files.file_range(path)], 1)
    path.write_bytes(wet(1, "longer"))
    with pytest.raises(InputError, match="has changed"):
        list(warc.read(piece, SOURCE))


def test_batches_are_bounded(tmp_path: Path) -> None:
    (path := tmp_path / "x.warc").write_bytes(b"".join(response(n, b"<p>" * 700_000) for n in range(12)))
    (piece,) = warc.plan(SOURCE, [warc_files.file_range(path)], 1 << 30)
    assert [len(records.documents) for records in warc.read(piece, SOURCE)] == [4, 4, 4]


@given(st.lists(st.text(max_size=50), max_size=6), st.sampled_from(PACKINGS))
def test_any_texts_come_back(tmp_path_factory: pytest.TempPathFactory, texts: list[str], packing: str) -> None:
    records = [wet(number, text) for number, text in enumerate(texts)]
    found: Found = read_bytes(tmp_path_factory.getbasetemp(), pack(records, packing), f"any.warc{SUFFIX[packing]}")
    assert [row["text"] for row in found.rows] == [text.removeprefix("\ufeff") for text in texts]
    assert not found.errors


def test_plain_text_is_utf_8_wherever_the_bytes_fit(tmp_path: Path) -> None:
    sent = {"é 中文": "iso-8859-1", "ünï": "gbk", "plain": "iso-2022-jp", "日本": "klingon"}
    records = [
        response(number, text.encode(), f"Content-Type: text/plain; charset={label}")
        for number, (text, label) in enumerate(sent.items())
    ]
    records.append(response(9, "日本語".encode("iso-2022-jp"), "Content-Type: text/plain; charset=iso-2022-jp"))
    found = read_bytes(tmp_path, b"".join(records))
    assert [row["text"] for row in found.rows] == [*sent, "日本語"]
