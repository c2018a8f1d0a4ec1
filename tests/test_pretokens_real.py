"""Pre-tokenizers on real text in some 50 languages, against regular expressions and against gigatoken."""

import collections
import gzip
import itertools
import os
from functools import cache
from pathlib import Path

import numpy as np
import orjson
import pyarrow as pa
import pytest
import zstandard
from test_pretokens import REFERENCES

from corpuskit.kernels import Texts
from corpuskit.tokenization.counts import count_words
from corpuskit.tokenization.pretokens import PATTERNS, pretokenize
from corpuskit.tokenization.pretokens.categories import MARK, NUMBER, SPACE, categories

DATA = Path(os.environ.get("CORPUSKIT_TEST_DATA", "absent"), "text")
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="CORPUSKIT_TEST_DATA names no folder")
VERSES = 150
"""Of each translation."""


def records(name: str, count: int) -> list[str]:
    with zstandard.open(DATA / name / f"{name}.jsonl.zst", "rt", encoding="utf-8", newline="\n") as file:
        return [orjson.loads(line)["text"] for line in itertools.islice(file, count)]


@cache
def texts() -> list[str]:
    """About 3 MB: 46 translations of one text, five languages, Chinese, reviews, abstracts, and a piece of a novel."""
    found = [
        (DATA / "parallel5" / f"{name}.txt").read_text("utf-8")[:100_000] for name in ("ar", "de", "en", "es", "ru")
    ]
    for path in sorted((DATA / "bible_nt" / "verses").iterdir()):
        with gzip.open(path, "rt", encoding="utf-8") as file:
            found.append("".join(itertools.islice(file, VERSES)))
    found += records("zh_modern", 40) + records("imdb_unsup", 200) + records("acl_abstracts", 200)
    return [*found, records("eltec_eng", 1)[0][:200_000]]


def batch(chosen: list[str]) -> Texts:
    return Texts.from_arrow(pa.array(chosen, pa.large_string()))


@pytest.mark.parametrize("name", sorted(REFERENCES))
def test_against_tokenizers(name: str) -> None:
    found = pretokenize(batch(texts()), name)
    lengths = found.lengths()
    for text, start, stop in zip(texts(), found.offsets[:-1], found.offsets[1:], strict=True):
        assert lengths[start:stop].tolist() == [len(word.encode()) for word in REFERENCES[name](text)]


@pytest.mark.parametrize("name", sorted(PATTERNS))
def test_against_regex(name: str) -> None:
    """The package `regex` knows a later Unicode: it can only be asked about texts of characters that both know."""
    regex = pytest.importorskip("regex")
    expression = regex.compile(PATTERNS[name])
    found = pretokenize(batch(texts()), name)
    lengths = found.lengths()
    for text, start, stop in zip(texts(), found.offsets[:-1], found.offsets[1:], strict=True):
        words = expression.findall(text)
        assert lengths[start:stop].tolist() == [len(word.encode()) for word in words]


@pytest.mark.slow
def test_counts_are_those_of_gigatoken() -> None:
    from gigatoken import gigatoken_rs

    chosen = texts() + records("imdb_unsup", 3_000) + records("zh_modern", 400)
    counts = count_words([batch(chosen)], "gpt2")
    found: collections.Counter[bytes] = collections.Counter()
    for text in chosen:
        found.update({bytes(word): count for word, count in gigatoken_rs.pretokenized_counts(text.encode())})
    assert dict(zip(counts.words.to_pylist(), counts.counts.tolist(), strict=True)) == found


def test_the_texts_have_many_kinds_of_characters() -> None:
    codes = np.unique(np.frombuffer("".join(texts()).encode("utf-32-le"), np.uint32))
    assert codes.size > 4000
    for bits in (MARK, NUMBER, SPACE):
        assert np.count_nonzero(categories()[codes] & bits) >= 5
