"""BPE of real text in 22 languages: the merges of tokenizers, gigatoken, rustbpe and SentencePiece."""

import gzip
import io
import json
import os
from collections import Counter
from functools import cache
from pathlib import Path

import pytest
import regex
import zstandard
from bpe_oracle import GPT2, gigatoken, huggingface, rustbpe, sentencepiece, space_words, spelled

from corpuskit.tokenization.counts import WordCounts
from corpuskit.tokenization.training import Order, train_bpe

DATA = Path(os.environ.get("CORPUSKIT_TEST_DATA", "absent"), "text")
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="CORPUSKIT_TEST_DATA names no folder")
LANGUAGES = (
    *("amu", "chr", "cop", "dik", "est", "eus", "gla", "guj", "hye", "jac"),
    *("kab", "lav", "nhg", "oji", "rmn", "shi", "swh", "syr", "ukr", "zul"),
)
"""In nine scripts."""
CORPORA = ("imdb_unsup", "zh_modern", "bible_nt")
SMALL, LARGE = (800_000, 2500), (16_000_000, 32_768)
"""Bytes of text, and ids."""
SIZES = [pytest.param(SMALL, id="small"), pytest.param(LARGE, id="large", marks=pytest.mark.slow)]


def documents(name: str, n_bytes: int) -> list[str]:
    """The first texts of a corpus; of the Bible as much of each language."""
    if name == "bible_nt":
        return [text for language in LANGUAGES for text in verses(language, n_bytes // len(LANGUAGES))]
    texts: list[str] = []
    with zstandard.ZstdDecompressor().stream_reader((DATA / name / f"{name}.jsonl.zst").open("rb")) as stream:
        for line in io.TextIOWrapper(stream, "utf-8"):
            texts.append(json.loads(line)["text"])
            n_bytes -= len(texts[-1].encode())
            if n_bytes < 0:
                break
    return texts


def verses(language: str, n_bytes: int) -> list[str]:
    (path,) = (DATA / "bible_nt/verses").glob(f"{language}.*.gz")
    texts: list[str] = []
    for line in gzip.decompress(path.read_bytes()).decode().splitlines():
        texts.append(line.partition("\t")[2])
        n_bytes -= len(texts[-1].encode())
        if n_bytes < 0:
            break
    return texts


@cache
def corpus(name: str, n_bytes: int) -> tuple[tuple[str, ...], WordCounts]:
    """Texts and their words by GPT-2's pattern."""
    texts = tuple(documents(name, n_bytes))
    pattern = regex.compile(GPT2)
    return texts, WordCounts.from_mapping(Counter(word for text in texts for word in pattern.findall(text)))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", CORPORA)
def test_tokenizers(name: str, size: tuple[int, int]) -> None:
    texts, counts = corpus(name, size[0])
    assert spelled(train_bpe(counts, size[1], min_count=1, reserved=0)) == huggingface(texts, size[1])


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", CORPORA)
def test_gigatoken(name: str, size: tuple[int, int]) -> None:
    texts, counts = corpus(name, size[0])
    orders: tuple[tuple[Order, str], ...] = (("hf", "huggingface"), ("bytes", "raw_token_ids"))
    for order, ties in orders:
        model = train_bpe(counts, size[1], order=order, min_count=1, reserved=0)
        assert spelled(model) == gigatoken(texts, size[1], ties)[: len(model.merges)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", CORPORA)
def test_rustbpe(name: str, size: tuple[int, int]) -> None:
    texts, counts = corpus(name, size[0])
    expected = rustbpe(texts, size[1])
    assert list(train_bpe(counts, size[1], order="bytes", min_count=1, reserved=0).tokens) == expected


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", CORPORA)
def test_sentencepiece(name: str, size: tuple[int, int], tmp_path: Path) -> None:
    counted = space_words(corpus(name, size[0])[0])
    vocab_size = size[1] + 6000  # room for the characters of Chinese
    model = train_bpe(
        WordCounts.from_mapping(counted),
        vocab_size,
        order="sentencepiece",
        min_count=1,
        reserved=0,
        byte_fallback=False,
    )
    pieces = sentencepiece(counted, vocab_size, tmp_path)
    merges = vocab_size - model.base
    assert len(pieces) == vocab_size
    assert list(model.tokens) == pieces[merges:] + pieces[:merges]
