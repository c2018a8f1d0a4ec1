"""WARC: damage costs the damaged record only, and no memory beyond a stated bound."""

import gzip
import os
import tracemalloc
from pathlib import Path

import pytest
import zstandard
from warc_files import PACKINGS, PAGE, SUFFIX, pack, page, read, read_bytes, record, response, wet

from corpuskit.documents import frames

pytest.importorskip("fastwarc")


def three(middle: bytes) -> list[bytes]:
    return [wet(1, "first"), middle, wet(3, "third")]


@pytest.mark.parametrize("packing", ["plain", "gzip", "one_gzip", "zstd", "one_zstd"])
@pytest.mark.parametrize(
    ("middle", "message"),
    [
        (wet(2, "x" * 500, length="100"), "wrong Content-Length: the record does not end after"),
        (wet(2, "x" * 500, length="501"), ""),
        (wet(2, "x" * 500, length="504"), ""),
        (wet(2, "x" * 500, length="600"), ""),  # the message depends on what follows in the same member
        (wet(2, "x" * 500, length="100000"), ""),
        (wet(2, "x", length="10" * 9), "a record of 101,010,101,010,101,"),
        (wet(2, "x", length="1" * 40), "Content-Length is not a number of bytes: '1111"),
        (wet(2, "x", length="-1"), "Content-Length is not a number of bytes: '-1'"),
        (wet(2, "x", length="one"), "Content-Length is not a number of bytes: 'one'"),
        (wet(2, "x", length="0x1"), "Content-Length is not a number of bytes: '0x1'"),
        (wet(2, "x", length="1\r\nContent-Length: 2"), "several different Content-Lengths"),
        (wet(2, "x").replace(b"Content-Length", b"Content-Strength"), "no Content-Length"),
        (wet(2, "x").replace(b"WARC/1.0", b"WORC/1.0"), "no WARC record begins here"),
        (b"rubbish " * 9000, "no WARC record begins here"),
        (b"WARC/1.0\r\nA: " + b"b" * 40000, "the header of the record does not end within 32,768 bytes"),
    ],
)
def test_a_bad_record_takes_no_other_with_it(packing: str, middle: bytes, message: str, tmp_path: Path) -> None:
    found = read_bytes(tmp_path, pack(three(middle), packing), f"x.warc{SUFFIX[packing]}")
    assert [row["text"] for row in found.rows] == ["first", "third"]
    (error,) = found.errors
    assert error.message.startswith(message)
    assert error.raw == middle[:4096]


def test_a_doubled_header_costs_the_first_of_them(tmp_path: Path) -> None:
    whole = wet(2, "second")
    head = whole[: whole.index(b"\r\n\r\n") + 4]
    found = read_bytes(tmp_path, b"".join(three(head + whole)))
    assert [row["text"] for row in found.rows] == ["first", "second", "third"]
    assert len(found.errors) == 1


def test_the_same_length_twice_is_no_contradiction(tmp_path: Path) -> None:
    assert page(tmp_path, wet(2, "x", length="1\r\nContent-Length: 1"))["text"] == "x"


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:-8] + bytes([data[-8] ^ 1]) + data[-7:],  # checksum
        lambda data: data[: len(data) // 2],  # cut
        lambda data: data[:40] + data[60:],
        lambda data: b"\x1f\x8c" + data[2:],
        lambda data: b"not a member at all",
        lambda data: data + b"junk",
    ],
)
@pytest.mark.parametrize("packing", ["gzip", "zstd"])
def test_a_damaged_member_costs_one_record(packing: str, damage: object, tmp_path: Path) -> None:
    records = three(response(2, os.urandom(5000)))
    first, middle, last = (pack([data], packing) for data in records)
    found = read_bytes(tmp_path, first + damage(middle) + last, f"x.warc{SUFFIX[packing]}")  # type: ignore[operator]
    assert [row["id"] for row in found.rows][:1] + [row["id"] for row in found.rows][-1:] == [
        "urn:uuid:1",
        "urn:uuid:3",
    ]
    (error,) = found.errors
    assert error.offset >= len(first)
    assert "gzip member" in error.message or "zstd frame" in error.message


def test_a_checksum_that_does_not_match_spoils_the_last_record_of_its_member(tmp_path: Path) -> None:
    data = bytearray(pack([wet(1, "a"), wet(2, "b"), wet(3, "c")], "one_gzip"))
    data[-5] ^= 255
    found = read_bytes(tmp_path, bytes(data) + pack([wet(4, "d")], "gzip"), "x.warc.gz")
    assert [row["text"] for row in found.rows] == ["a", "b", "d"]
    assert found.messages() == ["gzip member is corrupt: Error -3 while decompressing data: incorrect data check"]
    assert found.errors[0].raw.startswith(b"WARC/1.0\r\n")


def test_a_gzip_file_in_a_damaged_member_gives_no_records(tmp_path: Path) -> None:
    inner = response(2, gzip.compress(wet(9, "inside"), 0) * 3, "Content-Type: application/zip")
    member = bytearray(gzip.compress(inner, 0, mtime=0))
    member[-6] ^= 1
    pieces = [pack([wet(1, "first")], "gzip"), bytes(member), pack([wet(3, "third")], "gzip")]
    found = read_bytes(tmp_path, b"".join(pieces), "x.warc.gz")
    assert {row["text"] for row in found.rows} >= {"first", "third"}
    assert "incorrect data check" in found.messages()[0]


def test_records_over_several_members(tmp_path: Path) -> None:
    data = b"".join([wet(1, "first"), response(2, PAGE * 50), wet(3, "third")])
    pieces = [data[start : start + 700] for start in range(0, len(data), 700)]
    found = read_bytes(tmp_path, pack(pieces, "gzip"), "x.warc.gz")
    assert [row["id"] for row in found.rows] == ["urn:uuid:1", "urn:uuid:2", "urn:uuid:3"]
    assert not found.errors


def test_padding_is_no_record(tmp_path: Path) -> None:
    good = [wet(1, "a"), wet(2, "b")]
    plain = read_bytes(tmp_path, b"\r\n" + good[0] + b"\n\r\n\r\n\r\n" + good[1] + b"\0" * 99)
    assert ([row["text"] for row in plain.rows], plain.errors) == (["a", "b"], [])
    packed = [gzip.compress(data + b"\r\n" * 70000, mtime=0) for data in good]
    found = read_bytes(tmp_path, b"\0" * 3 + packed[0] + b"\0" * 512 + packed[1] + b"\0" * 70000, "x.warc.gz")
    assert ([row["text"] for row in found.rows], found.errors) == (["a", "b"], [])
    assert [row["offset"] for row in found.rows] == [3, 3 + len(packed[0]) + 512]


def test_files_whose_suffix_is_wrong_are_read_by_their_content(tmp_path: Path) -> None:
    for packing in PACKINGS:
        for suffix in ("", ".gz", ".zst"):
            found = read_bytes(tmp_path, pack(three(wet(2, "second")), packing), f"x.warc{suffix}")
            assert [row["text"] for row in found.rows] == ["first", "second", "third"]


@pytest.mark.parametrize("data", [b"", b"\0" * 100, gzip.compress(b""), gzip.compress(b"\r\n")])
def test_empty_files_hold_nothing(data: bytes, tmp_path: Path) -> None:
    assert read_bytes(tmp_path, data, "x.warc.gz").total == 0


@pytest.mark.parametrize("data", [b"x", b"\x1f\x8b", b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd", b"WARC", b"WARC/1.0\r\n"])
@pytest.mark.parametrize("suffix", ["", ".gz", ".zst"])
def test_files_of_a_few_bytes_are_one_error(data: bytes, suffix: str, tmp_path: Path) -> None:
    found = read_bytes(tmp_path, data, f"x.warc{suffix}")
    assert (len(found.errors), found.total) == (1, 1)


def test_a_zstd_dictionary_may_be_compressed_and_may_be_corrupt(tmp_path: Path) -> None:
    packed = pack(three(wet(2, "second")), "zstd_dictionary")
    size = int.from_bytes(packed[4:8], "little")
    inner = zstandard.compress(packed[8 : 8 + size])
    smaller = packed[:4] + len(inner).to_bytes(4, "little") + inner + packed[8 + size :]
    found = read_bytes(tmp_path, smaller, "x.warc.zst")
    assert [row["text"] for row in found.rows] == ["first", "second", "third"]
    spoilt = packed[:4] + len(inner).to_bytes(4, "little") + inner[:-3] + b"xyz" + packed[8 + size :]
    found = read_bytes(tmp_path, spoilt, "x.warc.zst")
    assert found.rows == []
    assert "zstd dictionary" in found.messages()[0]


def test_pages_that_quote_records_are_pages(tmp_path: Path) -> None:
    quoted = [b"<pre>" + wet(9, "quoted") + b"</pre>", wet(9, "quoted"), b"WARC/1.0\r\nA: b" * 50_000]
    found = read_bytes(tmp_path, b"".join(response(number, body) for number, body in enumerate(quoted)))
    assert [row["payload"] for row in found.rows] == quoted
    assert not found.errors


@pytest.mark.parametrize("quoted", [b"WARC/1.0\r\nA: b", b"WARC/1.0\r\nContent-Length: 99999999\r\n\r\n"])
def test_thousands_of_beginnings_without_a_record(quoted: bytes, tmp_path: Path) -> None:
    found = read_bytes(tmp_path, wet(1, "first") + quoted * 10_000 + wet(3, "third"))
    assert [row["text"] for row in found.rows] == ["first", "third"]
    assert len(found.errors) == 10_000


# ---------------------------------------------------------------------------------------------------- bounded memory


@pytest.mark.parametrize("packing", ["plain", "gzip", "one_gzip", "zstd"])
def test_records_over_the_limit_are_skipped_without_being_held(
    packing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frames, "MAX_RECORD", 1 << 20)
    data = pack(three(record("resource", 2, bytes(96 << 20))), packing)
    (tmp_path / "x.warc").write_bytes(data)
    del data
    tracemalloc.start()
    found = read(tmp_path / "x.warc")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [row["text"] for row in found.rows] == ["first", "third"]
    assert found.messages()[0].startswith("a record of 100,663,")
    assert peak < 64 << 20


@pytest.mark.parametrize("packing", ["gzip", "zstd"])
def test_members_without_end_are_given_up(packing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "MAX_SKIP", 8 << 20)
    pieces = three(b"WARC/1.0\r\nNo: record" + bytes(96 << 20))
    found = read_bytes(tmp_path, pack(pieces, packing), f"x.warc{SUFFIX[packing]}")
    assert [row["text"] for row in found.rows] == ["first", "third"]
    assert found.messages()[0].endswith("given up after 8,388,608 bytes that are no record")
