"""Bodies of several members or frames, and bodies that break off."""

import contextlib
import gzip
import io
import os
import zlib

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from corpuskit.documents import http_body
from corpuskit.documents.http_body import decode_body
from corpuskit.documents.records import Malformed


def brotli(body: bytes) -> bytes:
    from fastwarc.stream_io import BrotliWriter

    writer = BrotliWriter(packed := io.BytesIO())
    writer.write(body)
    writer.close()
    return packed.getvalue()


ENCODERS = {"gzip": gzip.compress, "deflate": zlib.compress, "br": brotli, "zstd": zstandard.compress}
MEMBERS = ("gzip", "zstd")
BODY = b"".join(b"<p>%d %s\n" % (number, os.urandom(12).hex().encode()) for number in range(20_000))


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(MEMBERS), st.lists(st.binary(max_size=3000), min_size=1, max_size=5))
def test_all_members_of_a_body_are_kept(encoding: str, parts: list[bytes]) -> None:
    sent = b"".join(ENCODERS[encoding](part) for part in parts)
    assert decode_body(sent, "", encoding) == b"".join(parts)


@pytest.mark.parametrize("encoding", MEMBERS)
def test_what_follows_the_last_member_is_left_out(encoding: str) -> None:
    sent = ENCODERS[encoding](BODY)
    assert decode_body(sent + b"\r\n junk", "", encoding) == BODY


def test_skippable_zstd_frames_hold_no_text() -> None:
    skipped = b"\x5a\x2a\x4d\x18" + (300).to_bytes(4, "little") + bytes(300)
    assert decode_body(skipped + zstandard.compress(b"a") + skipped + zstandard.compress(b"b"), "", "zstd") == b"ab"


@pytest.mark.parametrize("encoding", ENCODERS)
@pytest.mark.parametrize("place", ["in the middle", "at the last byte"])
def test_bodies_that_break_off_are_errors_unless_cut(encoding: str, place: str) -> None:
    sent = ENCODERS[encoding](BODY)
    sent = sent[: len(sent) // 2 if place == "in the middle" else -1]
    with pytest.raises(Malformed, match="breaks off"):
        decode_body(sent, "", encoding)
    kept = decode_body(sent, "", encoding, cut=True)
    assert BODY.startswith(kept)
    there = len(BODY) * (0.4 if place == "in the middle" else 0.9)
    assert len(kept) > there - (128 << 10)  # zstd decodes whole blocks


@pytest.mark.parametrize("encoding", MEMBERS)
def test_second_member_that_breaks_off_is_an_error(encoding: str) -> None:
    first, second = ENCODERS[encoding](b"first"), ENCODERS[encoding](BODY)
    with pytest.raises(Malformed, match="breaks off"):
        decode_body(first + second[:-50], "", encoding)
    assert decode_body(first + second[:-50], "", encoding, cut=True).startswith(b"first<p>0 ")


@pytest.mark.parametrize("encoding", ENCODERS)
@pytest.mark.parametrize("page", [b"<", b"<p>", b" \t<!DOCTYPE html><title>t</title>", b"<p>" * 999])
def test_decoded_pages_are_taken_as_they_are_even_when_short(encoding: str, page: bytes) -> None:
    assert decode_body(page, "", encoding) == page
    assert decode_body(page, "", encoding, cut=True) == page


def test_corrupt_zstd_is_an_error() -> None:
    block = zstandard.compress(b"x" * 100)
    for sent in (b"plain words", bytes(100), block[:6] + b"\xff" * 50):
        with pytest.raises(Malformed, match="body is not zstd"):
            decode_body(sent, "", "zstd")


@pytest.mark.parametrize("encoding", MEMBERS)
def test_members_together_are_bounded(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_body, "MAX_BODY", 1 << 16)
    part = ENCODERS[encoding](bytes(1 << 15))
    assert decode_body(part * 2, "", encoding) == bytes(1 << 16)
    with pytest.raises(Malformed, match="grows over"):
        decode_body(part * 3, "", encoding)


@settings(deadline=None, max_examples=150)
@given(st.sampled_from(sorted(ENCODERS)), st.integers(0, 10**6), st.integers(0, 255), st.booleans())
def test_any_damage_gives_a_body_or_an_error(encoding: str, place: int, byte: int, cut: bool) -> None:
    sent = bytearray(ENCODERS[encoding](BODY[:5000]))
    sent[place % len(sent)] = byte
    with contextlib.suppress(Malformed):  # any other exception would stop a run
        assert isinstance(decode_body(bytes(sent), "", encoding, cut), bytes)
