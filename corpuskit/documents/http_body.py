"""Bodies of HTTP responses as crawls keep them: chunks and content encodings undone."""

import io
import re
import zlib
from collections.abc import Callable
from typing import Any

import zstandard

from corpuskit.documents.records import Malformed

MAX_BODY = 256 << 20
"""Bytes of the largest body, decoded."""
GZIP_FEED, ZSTD_FEED = 1 << 10, 1 << 5
"""Bytes given to a decoder at a time, which bound what it may give: 1 MiB, as 1 byte of deflate stands for 1,032 at
most, and 4 of zstd for a block of 128 KiB."""
BROTLI_READ = 1 << 10
"""Bytes taken from the Brotli decoder at a time: so many at most of a body that breaks off are lost at its end."""
GZIP = re.compile(rb"\x1f\x8b")
ZSTD = re.compile(rb"\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18")
"""How a gzip member begins, and a zstd frame or skippable frame (RFC 1952, RFC 8878)."""
CHUNK = re.compile(rb"([0-9a-fA-F]{1,8})[ \t]*(?:;[^\r\n]*)?\r?\n")
"""Size line of a chunk, with extensions (RFC 9112, 7.1)."""


def decode_body(body: bytes, transfer: str, encodings: str, cut: bool = False) -> bytes:
    """Undo the transfer encoding `chunked`, then the content encodings.

    Crawlers that store decoded bodies leave these headers as they were: a body that plainly has not the encoding is
    taken as it is, and so is one whose encoding is unknown.

    Args:
        body: what follows the HTTP header.
        transfer: value of Transfer-Encoding.
        encodings: value of Content-Encoding, such as "gzip" or "deflate, br".
        cut: whether the crawler cut the body, so that what is missing at its end is no error.

    Raises:
        Malformed: the body is corrupt, breaks off, or grows over `MAX_BODY`.
    """
    if "chunked" in transfer.lower():
        body = _join_chunks(body, cut)
    for encoding in reversed(encodings.lower().split(",")):
        decoder = DECODERS.get(encoding.strip().removeprefix("x-"))
        if decoder and body:
            body = _decode(decoder, body, encoding.strip(), cut)
    return body


def _join_chunks(body: bytes, cut: bool) -> bytes:
    parts: list[bytes] = []
    position = 0
    while head := CHUNK.match(body, position):
        start, size = head.end(), int(head[1], 16)
        if size == 0:
            return b"".join(parts)
        parts.append(body[start : start + size])
        newline = re.compile(rb"\r?\n").match(body, start + size)
        if newline is None:
            if start + size < len(body):
                break
            return _cut_off(b"".join(parts), "chunked body", cut)
        position = newline.end()
    if position == 0:
        return body  # joined already
    if position >= len(body):
        return _cut_off(b"".join(parts), "chunked body", cut)
    raise Malformed("chunked body is corrupt: no size where a chunk begins")


def _cut_off(body: bytes, what: str, cut: bool) -> bytes:
    if not cut:
        raise Malformed(f"{what} breaks off")
    return body


Decoder = Callable[[bytes], tuple[bytes, bool]]
"""Gives up to `MAX_BODY` + 1 decoded bytes, and whether the body ends there."""


def _decode(decoder: Decoder, body: bytes, encoding: str, cut: bool) -> bytes:
    decoded, whole, problem = b"", False, ""
    try:
        decoded, whole = decoder(body)
    except (zlib.error, zstandard.ZstdError, OSError) as error:
        problem = f"body is not {encoding}: {error}"
    if not decoded and not whole and body.lstrip()[:1] == b"<":
        return body  # decoded already
    if problem:
        raise Malformed(problem)
    if len(decoded) > MAX_BODY:
        raise Malformed(f"{encoding} body grows over {MAX_BODY:,} bytes")
    return decoded if whole else _cut_off(decoded, f"{encoding} body", cut)


def _gzip(body: bytes) -> tuple[bytes, bool]:
    return _joined(body, lambda: zlib.decompressobj(wbits=31), GZIP, GZIP_FEED) if GZIP.match(body) else (body, True)


def _deflate(body: bytes) -> tuple[bytes, bool]:
    """Decode zlib's format, as the standard says, or bare deflate, as some servers send."""
    is_zlib = body[0] & 15 == 8 and int.from_bytes(body[:2]) % 31 == 0
    decoder = zlib.decompressobj(wbits=15 if is_zlib else -15)
    return decoder.decompress(body, MAX_BODY + 1), decoder.eof


def _brotli(body: bytes) -> tuple[bytes, bool]:
    """Decode Brotli; to its reader, a corrupt body and one that breaks off are the same."""
    from fastwarc.stream_io import BrotliReader

    reader = BrotliReader(io.BytesIO(body))
    decoded = bytearray()
    try:
        while len(decoded) <= MAX_BODY and (piece := reader.read(BROTLI_READ)):
            decoded += piece
    except OSError:
        if not decoded:
            raise
        return bytes(decoded), False
    return bytes(decoded), True


def _zstd(body: bytes) -> tuple[bytes, bool]:
    if not ZSTD.match(body):
        raise zstandard.ZstdError("no zstd frame")
    frames = zstandard.ZstdDecompressor(max_window_size=1 << 23)  # 8 MiB: RFC 9659
    return _joined(body, frames.decompressobj, ZSTD, ZSTD_FEED)


def _joined(body: bytes, new: Callable[[], Any], begins: re.Pattern[bytes], feed: int) -> tuple[bytes, bool]:
    """Decode gzip members or zstd frames that follow one another; what follows and is none of them is left out."""
    decoded, position, decoder = bytearray(), 0, new()
    while position < len(body) and len(decoded) <= MAX_BODY:
        data = body[position : position + feed]
        decoded += decoder.decompress(data)
        position += len(data) - len(decoder.unused_data)
        if decoder.eof:
            if not begins.match(body, position):
                return bytes(decoded), True
            decoder = new()
    return bytes(memoryview(decoded)[: MAX_BODY + 1]), False


DECODERS: dict[str, Decoder] = {"gzip": _gzip, "deflate": _deflate, "br": _brotli, "zstd": _zstd}
