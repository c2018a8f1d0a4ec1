"""Bodies of HTTP responses as crawls keep them: chunks and content encodings undone."""

import io
import re
import zlib
from collections.abc import Callable

import zstandard

from corpuskit.documents.records import Malformed

MAX_BODY = 256 << 20
"""Bytes of the largest body, decoded."""
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
    try:
        decoded, whole = decoder(body)
    except (zlib.error, zstandard.ZstdError, OSError) as error:
        if body.lstrip()[:1] == b"<":
            return body  # decoded already
        raise Malformed(f"body is not {encoding}: {error}") from None
    if len(decoded) > MAX_BODY:
        raise Malformed(f"{encoding} body grows over {MAX_BODY:,} bytes")
    return decoded if whole else _cut_off(decoded, f"{encoding} body", cut)


def _gzip(body: bytes) -> tuple[bytes, bool]:
    return _inflate(body, 31) if body[:2] == b"\x1f\x8b" else (body, True)


def _deflate(body: bytes) -> tuple[bytes, bool]:
    """Decode zlib's format, as the standard says, or bare deflate, as some servers send."""
    is_zlib = body[0] & 15 == 8 and int.from_bytes(body[:2]) % 31 == 0
    return _inflate(body, 15 if is_zlib else -15)


def _inflate(body: bytes, bits: int) -> tuple[bytes, bool]:
    decoder = zlib.decompressobj(wbits=bits)
    return decoder.decompress(body, MAX_BODY + 1), decoder.eof


def _brotli(body: bytes) -> tuple[bytes, bool]:
    from fastwarc.stream_io import BrotliReader

    return BrotliReader(io.BytesIO(body)).read(MAX_BODY + 1), True


def _zstd(body: bytes) -> tuple[bytes, bool]:
    with zstandard.ZstdDecompressor(max_window_size=1 << 23).stream_reader(body) as reader:  # 8 MiB: RFC 9659
        return reader.read(MAX_BODY + 1), True


DECODERS: dict[str, Decoder] = {"gzip": _gzip, "deflate": _deflate, "br": _brotli, "zstd": _zstd}
