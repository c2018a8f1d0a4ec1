"""Byte-level BPE by the kernel, by gigatoken and by `tokenizers`: the same ids."""

import sys

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from test_tokenization import CORPUS, NASTY, any_text, column, whole

from corpuskit.tokenization import TokenizerConfig, fast_bpe, pieces, train
from corpuskit.tokenization.bpe import BpeTokenizer
from corpuskit.tokenization.encoding.bpe_json import ByteLevelBpe
from corpuskit.tokenization.fast_bpe import FastBpe


def plain(tokenizer: BpeTokenizer) -> BpeTokenizer:
    """The same BPE by `tokenizers`."""
    other = BpeTokenizer.from_model(tokenizer.model)
    other.__dict__["_fast"] = None
    return other


@pytest.fixture(scope="module")
def bpe() -> BpeTokenizer:
    found = train(TokenizerConfig(type="bpe", vocab_size=1500), [column(CORPUS)])
    assert isinstance(found, BpeTokenizer)
    return found


@pytest.fixture(scope="module")
def protecting() -> BpeTokenizer:
    """BPE with a protected text, which gigatoken encodes."""
    config = TokenizerConfig(type="bpe", vocab_size=900, protected=["<x>"])
    found = train(config, [pa.array(CORPUS, pa.large_string())])
    assert isinstance(found, BpeTokenizer)
    return found


def test_what_encodes(bpe: BpeTokenizer, protecting: BpeTokenizer) -> None:
    assert isinstance(bpe._fast, ByteLevelBpe)
    assert isinstance(protecting._fast, FastBpe)


@given(texts=st.lists(any_text, max_size=5))
@example(texts=NASTY)
@example(texts=CORPUS)
@settings(max_examples=150, deadline=None)
def test_the_kernel_equals_tokenizers(bpe: BpeTokenizer, texts: list[str]) -> None:
    assert whole(bpe, texts) == whole(plain(bpe), texts)


@given(
    texts=st.lists(any_text | st.sampled_from(["<x>", " <x><x", "a<x>b"]), max_size=5).map("".join).map(lambda x: [x])
)
@example(texts=NASTY)
@settings(max_examples=100, deadline=None)
def test_gigatoken_equals_tokenizers(protecting: BpeTokenizer, texts: list[str]) -> None:
    assert whole(protecting, texts) == whole(plain(protecting), texts)


def test_gigatoken_is_loaded_anew(protecting: BpeTokenizer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fast_bpe, "CACHED_TEXT", 10)
    tokenizer = BpeTokenizer.from_model(protecting.model)
    expected = whole(tokenizer, ["0123456789"])
    fast = tokenizer._fast
    assert isinstance(fast, FastBpe)
    first = fast._tokenizer
    assert whole(tokenizer, ["0123456789"]) == expected
    assert fast._tokenizer is not first
    with monkeypatch.context() as patch:
        patch.setattr(fast_bpe, "CACHED_TEXT", 10**9)
        first = fast._tokenizer
        assert whole(tokenizer, CORPUS) == whole(protecting, CORPUS)
        assert fast._tokenizer is first


def test_without_gigatoken(bpe: BpeTokenizer, protecting: BpeTokenizer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gigatoken", None)
    for tokenizer, kind in ((bpe, ByteLevelBpe), (protecting, type(None))):
        fallback = BpeTokenizer.from_model(tokenizer.model)
        assert isinstance(fallback._fast, kind)
        assert whole(fallback, NASTY) == whole(tokenizer, NASTY)


@pytest.mark.parametrize(
    "words", ["regex: ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+", "gpt4", "metaspace", "o200k"]
)
def test_other_words(words: str) -> None:
    config = TokenizerConfig(type="bpe", vocab_size=900, pretokenizer=words)
    found = train(config, [pa.array(CORPUS, pa.large_string())])
    assert isinstance(found, BpeTokenizer)
    assert isinstance(found._fast, ByteLevelBpe)
    assert whole(found, [*NASTY, *CORPUS]) == whole(plain(found), [*NASTY, *CORPUS])


@given(text=st.lists(any_text | st.sampled_from([" ", "\n", " \n ", "\u3000 ", " 's"]), max_size=12).map("".join))
@settings(max_examples=100, deadline=None)
def test_pieces_give_the_ids_of_the_whole(bpe: BpeTokenizer, text: str) -> None:
    tokenizer = plain(bpe)
    expected = whole(tokenizer, [text])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pieces, "PIECE", 3)
        patch.setattr(pieces, "GROUP", 5)
        assert "".join(pieces.cut(text)) == text
        assert whole(tokenizer, [text, "", text]) == [*expected, [], *expected]
