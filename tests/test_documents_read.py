"""Readers of byte streams: JSONL and text, plain and compressed, whole and cut, sound and damaged."""

import json

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reading import jsonl, pack, read_all, source_of, texts_of

from corpuskit.documents import Choice, make_key
from corpuskit.documents.records import RAW_LIMIT, to_seconds
from corpuskit.documents.streams import split


def test_record_becomes_a_document(tmp_path):
    record = {
        "id": "a",
        "text": "Hello",
        "url": "http://x/",
        "timestamp": "2019-04-25T12:57:54Z",
        "n": [1, {"k": None}],
    }
    path = tmp_path / "in.jsonl"
    path.write_bytes(jsonl([record]))
    (row,), _ = read_all(source_of(path))
    assert row["key"] == make_key("s", "a")
    assert (row["id"], row["text"], row["url"], row["source"]) == ("a", "Hello", "http://x/", "s")
    assert row["timestamp"].isoformat() == "2019-04-25T12:57:54+00:00"
    assert json.loads(row["metadata"]) == {"n": [1, {"k": None}]}


def test_fields_can_have_other_names(tmp_path):
    path = tmp_path / "in.jsonl"
    path.write_bytes(jsonl([{"content": "x", "doc": 7, "link": "u", "date": 3.9, "id": "stays", "text": 1}]))
    (row,), _ = read_all(source_of(path, text="content", id="doc", url="link", timestamp="date"))
    assert (row["id"], row["text"], row["url"], row["timestamp"].timestamp()) == ("7", "x", "u", 3)
    assert json.loads(row["metadata"]) == {"id": "stays", "text": 1}


def test_url_and_time_that_are_not_understood_stay_in_metadata(tmp_path):
    path = tmp_path / "in.jsonl"
    path.write_bytes(jsonl([{"text": "x", "url": 5, "timestamp": "yesterday"}]))
    (row,), _ = read_all(source_of(path))
    assert (row["url"], row["timestamp"]) == (None, None)
    assert json.loads(row["metadata"]) == {"url": 5, "timestamp": "yesterday"}


def test_id_falls_back_to_name_and_offset(tmp_path):
    folder = tmp_path / "in" / "deep"
    folder.mkdir(parents=True)
    (folder / "a.jsonl").write_bytes(b'{"text": "one"}\n\n{"text": "two", "id": null}\r\n')
    rows, _ = read_all(source_of(tmp_path / "in"))
    assert [row["id"] for row in rows] == ["deep/a.jsonl:0", "deep/a.jsonl:17"]
    assert [row["key"] for row in rows] == [make_key("s", row["id"]) for row in rows]


def test_offset_counts_decompressed_bytes(tmp_path):
    data = b'{"text": "one"}\n{"text": "two"}\n'
    for suffix in ("", ".gz", ".zst"):
        (tmp_path / f"a.jsonl{suffix}").write_bytes(pack(data, suffix, members=3))
        rows, errors = read_all(source_of(tmp_path / f"a.jsonl{suffix}"))
        assert [row["id"] for row in rows] == [f"a.jsonl{suffix}:0", f"a.jsonl{suffix}:16"]
        assert not errors


MALFORMED = {
    b"{": "not JSON",
    b"not json": "not JSON",
    b"[1]": "not a JSON object but an array",
    b'"text"': "not a JSON object but a string",
    b"null": "not a JSON object",
    b'{"id": "a"}': "field 'text' is missing or null",
    b'{"text": null}': "field 'text' is missing or null",
    b'{"text": 5}': "field 'text' is a number, expected a string",
    b'{"text": ["a"]}': "field 'text' is an array",
    b'{"text": "a", "id": true}': "field 'id' is a boolean",
    b'{"text": "a", "id": {}}': "field 'id' is an object",
    b'{"text": "\xff"}': "UTF-8",
    b'{"text": "\xed\xa0\x80"}': "UTF-8",  # a surrogate, encoded
    rb'{"text": "\ud800"}': "surrogate",
    b'{"text": "a", "deep": ' + b"[" * 300 + b"]" * 300 + b"}": "cannot be kept as metadata",
    b'{"text": "' + b"x" * 5000: "not JSON",
    b'{"text": "a"} {"text": "b"}': "not JSON",
}


@pytest.mark.parametrize(("line", "message"), MALFORMED.items())
def test_malformed_line_is_one_bad_record(tmp_path, line, message):
    path = tmp_path / "in.jsonl"
    good = b'{"text": "good"}\n'
    path.write_bytes(good + line + b"\n" + good)
    rows, errors = read_all(source_of(path))
    assert [row["text"] for row in rows] == ["good", "good"]
    (error,) = errors
    assert (error.file, error.offset, error.raw) == ("in.jsonl", len(good), line[:RAW_LIMIT])
    assert message in error.message


@pytest.mark.parametrize(
    "text",
    ["", " ", "\0", "\u2028\x85\x0b", "\U0001f600", "e\u0301", "\ufeff", "a\r\nb", "<|endoftext|>", "\u202e", "\uffff"],
)
def test_odd_texts_are_kept_as_they_are(tmp_path, text):
    path = tmp_path / "in.jsonl"
    path.write_bytes(jsonl([{"text": text}]))
    assert texts_of(path) == [text]


@pytest.mark.parametrize("suffix", ["", ".gz", ".zst"])
def test_blank_lines_bom_and_crlf(tmp_path, suffix):
    path = tmp_path / f"in.jsonl{suffix}"
    path.write_bytes(pack(b'\xef\xbb\xbf{"text": "a"}\r\n\r\n  \n\n{"text": "b"}', suffix))
    assert texts_of(path) == ["a", "b"]


@pytest.mark.parametrize("suffix", ["", ".gz", ".zst"])
def test_empty_file_holds_no_records(tmp_path, suffix):
    for data in (b"", pack(b"", suffix), pack(b"\n\n", suffix)):
        path = tmp_path / f"in.jsonl{suffix}"
        path.write_bytes(data)
        assert read_all(source_of(path)) == ([], [])


@pytest.mark.parametrize("suffix", ["", ".gz", ".zst"])
def test_document_of_50_mb(tmp_path, suffix):
    text = "0123456789" * 5_000_000
    path = tmp_path / f"in.jsonl{suffix}"
    path.write_bytes(pack(jsonl([{"text": text}, {"text": "next"}]), suffix))
    rows, _ = read_all(source_of(path), split_bytes=1 << 20)
    assert [len(row["text"]) for row in rows] == [50_000_000, 4]


def test_other_encodings(tmp_path):
    path = tmp_path / "in.jsonl"
    path.write_bytes('{"text": "Grüße"}\n{"text": "\\u00e9"}\n'.encode("latin-1"))
    assert texts_of(path, encoding="latin-1") == ["Grüße", "é"]
    for name, message in (("utf-16", "does not keep ASCII"), ("klingon", "not a text encoding"), ("zip", "encoding")):
        with pytest.raises(ValueError, match=message):
            source_of(path, encoding=name)


records_strategy = st.lists(
    st.fixed_dictionaries({"text": st.text(max_size=60)}, optional={"id": st.text(max_size=3), "x": st.integers(0, 9)}),
    max_size=12,
)


@settings(max_examples=60, deadline=None)
@given(records_strategy, st.integers(1, 200), st.sampled_from(["\n", "\r\n", "\n\n"]), st.booleans())
def test_any_cut_gives_the_same_documents(tmp_path_factory, records, split_bytes, newline, ends):
    path = tmp_path_factory.mktemp("cut") / "in.jsonl"
    data = newline.join(orjson.dumps(record).decode() for record in records) + (newline if ends else "")
    path.write_bytes(data.encode())
    source = source_of(path)
    whole, _ = read_all(source)
    assert [row["text"] for row in whole] == [record["text"] for record in records]
    assert read_all(source, split_bytes) == (whole, [])


@settings(max_examples=60, deadline=None)
@given(records_strategy, st.sampled_from([".gz", ".zst"]), st.integers(1, 5), st.data())
def test_truncation_loses_nothing_before_it(tmp_path_factory, records, suffix, members, data):
    raw = jsonl(records)
    packed = pack(raw, suffix, members)
    stop = data.draw(st.integers(0, len(packed)))
    path = tmp_path_factory.mktemp("cut") / f"in.jsonl{suffix}"
    path.write_bytes(packed[:stop])
    rows, errors = read_all(source_of(path))
    assert [row["text"] for row in rows] == [record["text"] for record in records][: len(rows)]
    assert len(errors) <= 2  # the damage, and a record that a member's clean end cuts in two
    if len(rows) < len(records) and not errors:
        step = max(-(-len(raw) // members), 1)
        assert stop in {len(pack(raw[:end], suffix, -(-end // step))) for end in range(0, len(raw), step) if end} | {0}


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_truncated_file_reports_where_it_breaks_off(tmp_path, suffix):
    raw = jsonl([{"text": f"{number} " + "x" * 100} for number in range(50_000)])
    packed = pack(raw, suffix)
    path = tmp_path / f"in.jsonl{suffix}"
    path.write_bytes(packed[: len(packed) // 2])
    rows, (error,) = read_all(source_of(path))
    assert len(rows) > 10_000
    assert "truncated" in error.message
    assert raw[error.offset :].startswith(error.raw[:100])
    assert raw[: error.offset].count(b"\n") == len(rows)


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_corruption_in_the_middle_is_one_bad_record_and_the_next_file_is_read(tmp_path, suffix):
    good, broken = jsonl([{"text": "first" * 1000}]), b"\x00\x11garbage that is no member"
    (tmp_path / f"a.jsonl{suffix}").write_bytes(pack(good, suffix) + broken)
    (tmp_path / f"b.jsonl{suffix}").write_bytes(b"never compressed at all")
    (tmp_path / f"c.jsonl{suffix}").write_bytes(pack(jsonl([{"text": "last"}]), suffix))
    rows, errors = read_all(source_of(tmp_path))
    assert [row["text"][:5] for row in rows] == ["first", "last"]
    assert [(error.file, error.offset) for error in errors] == [
        (f"a.jsonl{suffix}", len(good)),
        (f"b.jsonl{suffix}", 0),
    ]
    assert all("is corrupt" in error.message for error in errors)


def test_zero_padding_and_skippable_frames_are_no_damage(tmp_path):
    raw = jsonl([{"text": "a"}])
    (tmp_path / "a.jsonl.gz").write_bytes(pack(raw, ".gz") + b"\0" * 40_000 + pack(raw, ".gz") + b"\0")
    skippable = (0x184D2A50).to_bytes(4, "little") + (4).to_bytes(4, "little") + b"abcd"
    (tmp_path / "b.jsonl.zst").write_bytes(skippable + pack(raw, ".zst") + skippable)
    rows, errors = read_all(source_of(tmp_path))
    assert len(rows) == 3
    assert not errors


@given(st.binary(max_size=60), st.sampled_from([b"\n", b"ab", b"aab", b"\n\n\n"]), st.lists(st.integers(1, 7)))
def test_split_equals_bytes_split_for_any_blocks(data, separator, sizes):
    blocks, rest = [], data
    for size in sizes:
        blocks.append(rest[:size])
        rest = rest[size:]
    found = list(split(iter([*blocks, rest]), separator))
    expected = data.split(separator)
    if not expected[-1]:
        expected.pop()
    assert [record for _, record in found] == expected
    assert all(data[offset:].startswith(record) for offset, record in found)
    assert [offset for offset, _ in found] == [
        sum(len(record) + len(separator) for record in expected[:index]) for index in range(len(expected))
    ]


def test_text_documents_by_file_line_and_separator(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbfone\r\n\r\ntwo\n\n\n")
    assert texts_of(tmp_path) == ["one\r\n\r\ntwo\n\n\n"]
    assert texts_of(tmp_path, document="line") == ["one", "two"]
    (tmp_path / "a.txt").write_bytes(b"one\nmore%%\n%%two%%")
    assert texts_of(tmp_path, document="separator", separator="%%") == ["one\nmore", "two"]
    (tmp_path / "a.txt").write_bytes(b"")
    assert texts_of(tmp_path) == [""]
    assert texts_of(tmp_path, document="line") == []


@pytest.mark.parametrize("document", ["file", "line", "separator"])
def test_text_that_is_not_utf8(tmp_path, document):
    (tmp_path / "a.txt.gz").write_bytes(pack(b"good\n\nb\xe9d\n\n", ".gz"))
    rows, (error,) = read_all(source_of(tmp_path, document=document))
    assert [row["text"] for row in rows] == ([] if document == "file" else ["good"])
    assert error.message.startswith("not utf-8: ")
    assert error.message.endswith("at byte 7")


def test_truncated_text_file_is_set_aside(tmp_path):
    whole = pack(b"".join(b"%d\n" % number for number in range(100_000)), ".gz")
    (tmp_path / "a.txt.gz").write_bytes(whole[: len(whole) // 2])
    rows, (error,) = read_all(source_of(tmp_path, document="file"))
    assert not rows
    assert error.raw.startswith(b"0\n1\n")
    rows, (error,) = read_all(source_of(tmp_path, document="line"))
    assert [row["text"] for row in rows] == [str(number) for number in range(len(rows))]
    assert len(rows) > 10_000


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 3), max_size=30), st.data())
def test_records_are_numbered_before_parsing(tmp_path_factory, kinds, data):
    """Probing [start, stop) for every record finds the same rows and errors as one read; poison is never parsed."""
    lines = [[b'{"text": "t"}', b"bad", b"", b"{}"][kind] for kind in kinds]
    path = tmp_path_factory.mktemp("numbers") / "in.jsonl"
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    source = source_of(path)
    rows, errors = read_all(source)
    count = sum(kind != 2 for kind in kinds)
    assert len(rows) + len(errors) == count
    probes = [read_all(source, choice=Choice(number, number + 1)) for number in range(count)]
    assert [row for found, _ in probes for row in found] == rows
    assert [error for _, found in probes for error in found] == errors
    poison = data.draw(st.sets(st.integers(0, max(count - 1, 0)))) if count else set()
    kept, set_aside = read_all(source, choice=Choice(poison=frozenset(poison)))
    assert len(kept) + len(set_aside) == count
    assert sum(error.message == "killed its worker" for error in set_aside) == len(poison)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("1970-01-02", 86400), ("1970-01-01T00:00:01.9Z", 1), ("1970-01-01T01:00:00+01:00", 0), (5, 5), (-0.5, -1),
        ("", None), ("12", None), (True, None), (None, None), ({}, None), (1e300, None), (float("nan"), None),
    ],
)  # fmt: skip
def test_to_seconds(value, seconds):
    assert to_seconds(value) == seconds
