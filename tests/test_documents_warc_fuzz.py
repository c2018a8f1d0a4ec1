"""10,000 mutated records: no exception, no hang, nothing lost but what was touched."""

import gzip
import os
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import warc_files

from corpuskit.documents import warc

pytest.importorskip("fastwarc")
RECORDS, FILES = 21, 250
"""Records a file, of which every other one is mutated; files for each of the four packings."""


def cut(data: bytes, random: np.random.Generator) -> bytes:
    start, stop = sorted(random.integers(0, len(data) + 1, 2))
    return data[:start] + data[stop:]


def tail(data: bytes, random: np.random.Generator) -> bytes:
    return data[: random.integers(0, len(data))]


def flip(data: bytes, random: np.random.Generator) -> bytes:
    changed = bytearray(data)
    for index in random.integers(0, len(data), random.integers(1, 5)):
        changed[index] ^= 1 << random.integers(0, 8)
    return bytes(changed)


def junk(data: bytes, random: np.random.Generator) -> bytes:
    index = random.integers(0, len(data) + 1)
    return data[:index] + random.bytes(random.integers(1, 300)) + data[index:]


def twice(data: bytes, random: np.random.Generator) -> bytes:
    """Double the header, with or without the blank line between."""
    end = data.index(b"\r\n\r\n") + int(random.choice([2, 4]))
    return data[:end] + data


def length(data: bytes, random: np.random.Generator) -> bytes:
    def change(found: re.Match[bytes]) -> bytes:
        true = int(found[1])
        near, far = true + int(random.integers(-30, 30)), int(random.integers(0, 10_000))
        values = [near, far, -true, true * 10, 10**17, 10**30, 0, "many", "", f"{true}\r\nContent-Length: {near}"]
        return f"Content-Length: {values[random.integers(len(values))]}\r\n".encode()

    return re.sub(rb"Content-Length: (\d+)\r\n", change, data, count=1)


Mutation = Callable[[bytes, np.random.Generator], bytes]
DATA = Path(os.environ.get("CORPUSKIT_TEST_DATA", "/nonexistent")) / "web"
STORED: tuple[Mutation, ...] = (cut, tail, flip, junk)
"""Mutations of the stored bytes of a record."""
WRITTEN: tuple[Mutation, ...] = (cut, tail, flip, junk, twice, length)
"""Mutations of a record before it is compressed."""


WORDS = ["corpus", "crawl", "WARC/1.0", "日本語", "\r\n\r\n", "<p>", "Content-Length:", "5\r\n", "\x1f\x8b\x08", "été"]


def original(number: int, random: np.random.Generator) -> bytes:
    text = " ".join(random.choice(WORDS, random.integers(0, 60)))
    body = f"<html>{text}</html>".encode()
    if number % 4 == 0:
        return warc_files.wet(number, text)
    if number % 4 == 1:
        return warc_files.response(number, body)
    if number % 4 == 2:
        head = "Content-Type: text/html; charset=utf-8\r\nContent-Encoding: gzip"
        return warc_files.response(number, gzip.compress(body, mtime=0), head)
    return warc_files.response(number, text.encode(), "Content-Type: text/plain")


def real_records() -> list[bytes]:
    """Return small real responses."""
    found = []
    for name in ("dolma_warc/sample-0000.warc.gz", "dolma_warc/sample-0001.warc.gz"):
        data = gzip.decompress((DATA / name).read_bytes())
        parts = data.split(b"WARC/1.0\r\nWARC-Type: ")  # occurs in none of their contents
        found += [
            b"WARC/1.0\r\nWARC-Type: " + part for part in parts if part.startswith(b"response") and len(part) < 50_000
        ]
    return found


def mutated(records: list[bytes], packing: str, random: np.random.Generator) -> list[bytes]:
    """Return the stored records, every other one mutated; an empty one where a mutation left nothing."""
    lead = len(warc_files.pack([], packing))
    stored = []
    for number, data in enumerate(records):
        packed = bool(number % 2 and random.random() < 0.5)
        if number % 2 and not packed:
            data = WRITTEN[random.integers(len(WRITTEN))](data, random)
        data = warc_files.pack([data], packing)[lead:] if data.strip(b"\r\n") else b""
        if packed:
            data = STORED[random.integers(len(STORED))](data, random)
        stored.append(data)
    if random.random() < 0.3:  # members swapped, and one doubled; a mutated one stays between two good ones
        stored[0], stored[-1] = stored[-1], stored[0]
        stored.append(stored[2])
    return stored


def check(path: Path, stored: list[bytes], untouched: list[tuple[object, ...]]) -> None:
    found = warc_files.read(path)
    framed = list(warc.records(warc_files.file_range(path), {}))
    assert found.total == len(framed)
    assert found.total >= sum(bool(data.strip(b"\r\n\0")) for data in stored)
    assert set(found.contents()).issuperset(untouched)


@pytest.mark.parametrize("packing", ["plain", "gzip", "zstd", "zstd_dictionary"])
def test_mutated_records_never_take_others_with_them(packing: str, tmp_path: Path) -> None:
    random = np.random.default_rng([7, len(packing)])
    path = tmp_path / f"fuzz.warc{warc_files.SUFFIX[packing]}"
    count = 0
    lead = warc_files.pack([], packing)
    for _ in range(FILES):
        records = [original(number, random) for number in range(RECORDS)]
        good = warc_files.read_bytes(tmp_path, b"".join(records), "good.warc").contents()
        assert len(good) == RECORDS
        stored = mutated(records, packing, random)
        path.write_bytes(b"".join([lead, *stored]))
        check(path, stored, good[::2])
        count += RECORDS // 2
    assert count * 4 == 10_000


@pytest.mark.skipif(not DATA.is_dir(), reason="CORPUSKIT_TEST_DATA has no web data")
@pytest.mark.parametrize("packing", ["plain", "gzip", "zstd"])
def test_mutated_real_records_never_take_others_with_them(packing: str, tmp_path: Path) -> None:
    random = np.random.default_rng([8, len(packing)])
    path = tmp_path / f"fuzz.warc{warc_files.SUFFIX[packing]}"
    records = real_records()
    assert len(records) > 10
    identified = {content[0]: content for content in warc_files.read_bytes(tmp_path, b"".join(records)).contents()}
    ids = [re.search(rb"<(urn:uuid:[^>]+)>", data)[1].decode() for data in records]  # type: ignore[index]
    untouched = [identified[document_id] for document_id in ids[::2] if document_id in identified]
    assert len(untouched) > 5
    for _ in range(10):
        stored = mutated(records, packing, random)
        path.write_bytes(b"".join(stored))
        check(path, stored, untouched)


@pytest.mark.parametrize("packing", ["one_gzip", "one_zstd"])
def test_records_before_the_damage_of_a_long_member_are_there(packing: str, tmp_path: Path) -> None:
    random = np.random.default_rng(9)
    path = tmp_path / f"fuzz.warc{warc_files.SUFFIX[packing]}"
    records = [warc_files.wet(number, random.bytes(900).hex()) for number in range(300)]
    data = warc_files.pack(records, packing)
    good = warc_files.read_bytes(tmp_path, b"".join(records)).contents()
    for _ in range(20):
        place = int(random.integers(len(data)))
        path.write_bytes(data[:place] + bytes([data[place] ^ 255]) + data[place + 1 :])
        found = warc_files.read(path)
        assert found.errors
        share = max(place / len(data) - 0.5, 0)  # a zstd block is 128 KiB of 540
        assert found.contents()[: int(share * 300)] == good[: int(share * 300)]
