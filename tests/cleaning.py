"""What the tests of cleaners share: calls, and the real texts."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pytest
import zstandard

from corpuskit.clean.cleaner import Cleaned, Cleaner

DATA = Path(os.environ.get("CORPUSKIT_TEST_DATA", "absent"))
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="CORPUSKIT_TEST_DATA names no folder")


def column(values: list[str]) -> pa.Array:
    return pa.array(values, pa.large_string())


def run(cleaner: Cleaner, values: list[str], **fields: Any) -> tuple[list[str], list[dict[str, int]]]:
    """The cleaned texts, and the counts of each."""
    cleaned: Cleaned = cleaner.clean(column(values), cleaner.config(**fields))
    assert list(cleaned.counts) == list(cleaner.counts)
    assert {counts.dtype for counts in cleaned.counts.values()} == {np.dtype(np.int32)}
    rows = [{name: int(counts[row]) for name, counts in cleaned.counts.items()} for row in range(len(values))]
    return cleaned.texts.to_pylist(), rows


def real(name: str, column_name: str = "text") -> list[str]:
    with (DATA / name).open("rb") as file:
        lines = zstandard.ZstdDecompressor().stream_reader(file).read().splitlines()
    return [orjson.loads(line)[column_name] for line in lines]


def gold_articles() -> list[str]:
    pages = orjson.loads((DATA / "web/article_extraction/ground-truth.json").read_bytes())
    return [page["articleBody"] for page in pages.values()]
