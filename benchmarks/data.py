"""The texts that benchmarks read: real sets where they are, else the documentation of this Python."""

import functools
import io
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import zstandard

from corpuskit import storage
from corpuskit.documents import SourceConfig, plan, read, write_jsonl

ROOT = os.environ.get("CORPUSKIT_TEST_DATA", "")
CACHE = Path(tempfile.gettempdir()) / f"corpuskit-benchmarks-{os.getuid()}"
"""Where harvested documentation is kept between runs."""
PYDOCS_BYTES = 16_000_000


@dataclass(frozen=True)
class Corpus:
    """One JSONL.zst file with `id` and `text`."""

    name: str
    path: str

    def texts(self, max_bytes: int) -> pa.LargeStringArray:
        """Return the first texts, about `max_bytes` of UTF-8; the last one is cut so that novels do not overshoot."""
        chosen: list[str] = []
        left = max_bytes
        for record in self.records():
            text = record["text"].encode()[: max(left, 0)].decode("utf-8", "ignore")
            if not text:
                break
            chosen.append(text)
            left -= len(text.encode())
        return pa.array(chosen, pa.large_string())

    def records(self) -> Iterator[dict[str, Any]]:
        """Yield the records, by the plain loop that benchmarks of reading compare with."""
        with Path(self.path).open("rb") as file:
            for line in io.BufferedReader(zstandard.ZstdDecompressor().stream_reader(file), 1 << 20):
                yield orjson.loads(line)

    @functools.cached_property
    def size(self) -> int:
        """UTF-8 bytes of all texts."""
        return sum(len(record["text"].encode()) for record in self.records())


def corpora(*names: str) -> list[Corpus]:
    """Return the named sets of the test data that are there; without any, the documentation of this Python."""
    paths = {name: Path(ROOT, "text", name, f"{name}.jsonl.zst") for name in names}
    found = [Corpus(name, str(path)) for name, path in paths.items() if ROOT and path.exists()]
    return found or [pydocs()]


@functools.cache
def pydocs() -> Corpus:
    """Harvest the documentation of this Python once, and keep it."""
    path = str(CACHE / "pydocs.jsonl.zst")
    if not storage.exists(path):
        source = SourceConfig(name="pydocs", format="pydocs", max_bytes=PYDOCS_BYTES)
        write_jsonl(path, (batch for piece in plan(source, PYDOCS_BYTES) for batch, *_ in read(piece, source)))
    return Corpus("pydocs", path)


def size_of(texts: pa.LargeStringArray) -> int:
    """Return the UTF-8 bytes of a column without nulls."""
    return sum(len(text.encode()) for text in texts.to_pylist())
