"""WARC: bodies of HTTP as they were sent: chunked, gzip, deflate, Brotli, zstd; cut or without end."""

import gzip
import io
import os
import tracemalloc
import zlib
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from warc_files import PAGE, read_bytes, response

from corpuskit.documents import http_body
from corpuskit.documents.records import Malformed

pytest.importorskip("fastwarc")


def chunked(body: bytes) -> bytes:
    middle = len(body) // 2
    parts = [part for part in (body[:middle], body[middle:]) if part]
    return b"".join(b"%X;name=value\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def brotli(body: bytes) -> bytes:
    from fastwarc.stream_io import BrotliWriter

    writer = BrotliWriter(packed := io.BytesIO())
    writer.write(body)
    writer.close()
    return packed.getvalue()


ENCODERS = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli,
    "zstd": zstandard.compress,
    "identity": bytes,
}


@given(st.binary(max_size=300), st.sampled_from(sorted(ENCODERS)), st.booleans())
def test_bodies_are_decoded(body: bytes, encoding: str, in_chunks: bool) -> None:
    sent = ENCODERS[encoding](body)
    if in_chunks:
        sent = chunked(sent)
    assert http_body.decode_body(sent, "chunked" if in_chunks else "", encoding.upper()) == body


def test_bodies_encoded_twice_and_bare_deflate() -> None:
    assert http_body.decode_body(brotli(gzip.compress(PAGE)), "", "gzip, br") == PAGE
    assert http_body.decode_body(zlib.compress(PAGE, wbits=-15), "", "deflate") == PAGE


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "x-unheard-of"])
def test_bodies_decoded_by_the_crawler_are_taken_as_they_are(encoding: str) -> None:
    assert http_body.decode_body(PAGE, "chunked", encoding) == PAGE


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_bodies_that_break_off_are_errors_unless_the_crawler_cut_them(encoding: str) -> None:
    body = os.urandom(3000)
    sent = ENCODERS[encoding](body)[:2000]
    with pytest.raises(Malformed, match="breaks off"):
        http_body.decode_body(sent, "", encoding)
    kept = http_body.decode_body(sent, "", encoding, cut=True)
    assert len(kept) > 1500
    assert body.startswith(kept)
    with pytest.raises(Malformed, match="breaks off"):
        http_body.decode_body(chunked(body)[:2000], "chunked", "")
    assert len(http_body.decode_body(chunked(body)[:2000], "chunked", "", cut=True)) > 1500
    with pytest.raises(Malformed, match="corrupt"):
        http_body.decode_body(b"3\r\nabc\r\nxyz\r\n", "chunked", "")


def test_bodies_that_grow_without_end_are_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_body, "MAX_BODY", 1 << 20)
    for encoding in ("gzip", "deflate", "br", "zstd"):
        bomb = ENCODERS[encoding](bytes(1 << 24))
        tracemalloc.start()
        with pytest.raises(Malformed, match="grows over 1,048,576 bytes"):
            http_body.decode_body(bomb, "", encoding)
        assert tracemalloc.get_traced_memory()[1] < 1 << 22
        tracemalloc.stop()


def test_empty_html_is_an_error_and_empty_text_is_not(tmp_path: Path) -> None:
    found = read_bytes(tmp_path, response(1, b"") + response(2, b"", "Content-Type: text/plain"))
    assert found.messages() == ["empty payload"]
    assert [row["text"] for row in found.rows] == [""]
