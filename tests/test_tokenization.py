"""Tokenizers: lossless on any text, ids in range, the same ids from every path, clear refusals."""

import argparse
import email.message
import os
import pickle
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import get_args

import numpy as np
import orjson
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from corpuskit.errors import InputError
from corpuskit.tokenization import (
    BOS,
    CLS,
    EOS,
    MASK,
    PAD,
    RESERVED,
    RESERVED_NAMES,
    SENTINELS,
    SEP,
    UNK,
    Tokenizer,
    TokenizerConfig,
    TokenizerType,
    train,
)
from corpuskit.tokenization.bpe import BpeTokenizer
from corpuskit.tokenization.bytelevel import ByteLevelTokenizer, byte_alphabet
from corpuskit.tokenization.trainers import limited

TYPES: tuple[TokenizerType, ...] = get_args(TokenizerType)
CHINESE = "我家门前有一条小河，河水清清，缓缓地流向远方。春天来了，\n\n\u3000\u3000孩子们在河边放风筝、捉小鱼；" * 40
ENGLISH = [Path(module.__file__ or "").read_text() for module in (argparse, textwrap, email.message)]
CORPUS = [*ENGLISH, CHINESE]
NASTY = [
    "",
    " ",
    "  two  ",
    "\0",
    "a\0b",
    "\t\ttabs",
    "\r\n",
    "\n\n\n",
    "\u2581",
    "\u2581 a\u2581\u2581 b",
    "\u2585",
    "\u2060joined\u2060",
    "\u0301\u0327 lone marks",
    "👩\u200d👩\u200d👧 🇫🇮",
    "\ufeffbom",
    "\ufdd0\ufffe\U0010ffff",
    "\u2028\u2029\x85\u00a0\u3000",
    "\x1b[0m\x7f\x01",
    "<|endoftext|>",
    "<0x0A><0x00>",
    "[UNK] [MASK] ##x",
    "<unk><s></s><pad>",
    "".join(RESERVED_NAMES[:12]),
    "ſﬁİı ẞ",
    "x" * 3000,
    "é" * 1000,
    "我家门前",
]
any_text = st.lists(st.text(max_size=12) | st.sampled_from(NASTY), max_size=5).map("".join)


def column(texts: list[str]) -> pa.Array:
    return pa.array(texts, pa.large_string())


@pytest.fixture(scope="module")
def trained() -> dict[str, Tokenizer]:
    return {kind: train(TokenizerConfig(type=kind, vocab_size=1500), [column(CORPUS)]) for kind in TYPES}


@pytest.fixture(params=TYPES)
def tokenizer(request: pytest.FixtureRequest, trained: dict[str, Tokenizer]) -> Tokenizer:
    return trained[request.param]


def whole(tokenizer: Tokenizer, texts: list[str]) -> list[list[int]]:
    return tokenizer.encode(column(texts)).to_pylist()


# ---------------------------------------------------------------------------------------------------- round trips


def check_round_trip(tokenizer: Tokenizer, texts: list[str]) -> None:
    lists = tokenizer.encode(column(texts))
    assert tokenizer.decode(lists).to_pylist() == texts
    ids = lists.values.to_numpy()
    assert ids.dtype == tokenizer.dtype
    assert not len(ids) or (ids.min() >= RESERVED and ids.max() < tokenizer.vocab_size)
    sizes = tokenizer.token_bytes()
    assert [int(sizes[row].sum()) for row in lists.to_pylist()] == [len(text.encode()) for text in texts]


@pytest.mark.parametrize("kind", TYPES)
@given(texts=st.lists(any_text, max_size=6))
@example(texts=NASTY)
@example(texts=["", "", "a", "", ""])
@example(texts=[])
@settings(max_examples=120, deadline=None)
def test_round_trip(trained: dict[str, Tokenizer], kind: str, texts: list[str]) -> None:
    check_round_trip(trained[kind], texts)


def test_round_trip_of_real_text(tokenizer: Tokenizer) -> None:
    check_round_trip(tokenizer, [*CORPUS, Path(pickle.__file__).read_text()])


@pytest.mark.parametrize("kind", TYPES)
@given(texts=st.lists(any_text, min_size=1, max_size=6))
@settings(max_examples=40, deadline=None)
def test_neighbours_do_not_matter(trained: dict[str, Tokenizer], kind: str, texts: list[str]) -> None:
    assert whole(trained[kind], texts) == [whole(trained[kind], [text])[0] for text in texts]


def test_columns_of_every_shape(tokenizer: Tokenizer) -> None:
    texts = ["zero", "", "two  words", "třeti"]
    expected = whole(tokenizer, texts)
    assert tokenizer.encode(pa.array(texts)).to_pylist() == expected
    assert tokenizer.encode(pa.array(["cut", *texts, "cut"]).slice(1, 4)).to_pylist() == expected
    assert tokenizer.encode(pa.chunked_array([texts[:1], texts[1:]])).to_pylist() == expected
    assert tokenizer.encode(pa.array(["zero", None, "two  words", "třeti"])).to_pylist() == expected
    lists = tokenizer.encode(pa.array(texts))
    assert tokenizer.decode(lists.slice(2, 2)).to_pylist() == texts[2:]
    assert tokenizer.decode(lists.cast(pa.list_(pa.int64()))).to_pylist() == texts
    assert tokenizer.decode(lists.slice(1, 1)).to_pylist() == [""]
    assert tokenizer.decode(lists.slice(4)).to_pylist() == []


def test_decoding_what_no_text_gives(tokenizer: Tokenizer) -> None:
    lists = tokenizer.encode(pa.array(["é"]))
    names = pa.array([[PAD, MASK, *lists[0].as_py(), SENTINELS[0], EOS]], pa.large_list(pa.uint16()))
    assert tokenizer.decode(names).to_pylist() == ["é"]
    half = [index for index, token in enumerate(tokenizer.tokens()) if token == b"\xc3"][:1]
    assert tokenizer.decode(pa.array([half, []], pa.large_list(pa.uint16()))).to_pylist() == ["\ufffd", ""]
    with pytest.raises(IndexError):
        tokenizer.decode(pa.array([[tokenizer.vocab_size]], pa.large_list(pa.uint16())))


# ---------------------------------------------------------------------------------------------------- vocabulary


def test_reserved_ids() -> None:
    assert (PAD, UNK, BOS, EOS, CLS, SEP, MASK) == (0, 1, 2, 3, 4, 5, 6)
    assert (SENTINELS.start, SENTINELS.stop) == (7, 107)
    assert len(RESERVED_NAMES) == len(set(RESERVED_NAMES)) == RESERVED == 128
    assert RESERVED_NAMES[MASK] == "⟨mask⟩"
    assert RESERVED_NAMES[SENTINELS[99]] == "⟨sentinel_99⟩"
    assert not {"⟨", "⟩", "\u2060"} & set(byte_alphabet())


def test_vocabulary(tokenizer: Tokenizer) -> None:
    tokens = tokenizer.tokens()
    assert len(tokens) == tokenizer.vocab_size == 1500
    assert tokens[:RESERVED] == [b""] * RESERVED
    assert all(tokens[RESERVED:])
    assert {bytes([byte]) for byte in range(256)} <= set(tokens)
    assert tokenizer.token_bytes().dtype == np.int32
    assert tokenizer.token_bytes().tolist() == [len(token) for token in tokens]


def test_byte_alphabet_is_that_of_the_library() -> None:
    from tokenizers import pre_tokenizers

    alphabet = byte_alphabet()
    assert set(alphabet) == set(pre_tokenizers.ByteLevel.alphabet())
    assert (alphabet[ord("A")], alphabet[ord(" ")], alphabet[0], alphabet[0xAD]) == ("A", "Ġ", "Ā", "Ń")


def test_unigram_learns_line_breaks(trained: dict[str, Tokenizer]) -> None:
    assert b"\n\n" in trained["unigram"].tokens()


def test_small_corpus_gives_a_small_vocabulary() -> None:
    for kind, least in (("bpe", 384), ("wordpiece", 640), ("unigram", 384)):
        tokenizer = train(TokenizerConfig(type=kind, vocab_size=50_000), [column(["abab abab abab"])])
        assert least < tokenizer.vocab_size < least + 20
        check_round_trip(tokenizer, NASTY)


def test_vocabulary_over_16_bits() -> None:
    alphabet = byte_alphabet()
    pairs = [(left, right) for left in reversed(alphabet) for right in alphabet]
    names = [*RESERVED_NAMES, *alphabet, *(left + right for left, right in pairs)]
    fields = orjson.loads(train(TokenizerConfig(type="bpe", vocab_size=384), [column(["x"])]).model)
    fields["model"]["vocab"] = {name: index for index, name in enumerate(names)}
    fields["model"]["merges"] = [list(pair) for pair in pairs]
    tokenizer = BpeTokenizer.from_model(orjson.dumps(fields))
    assert tokenizer.vocab_size == 65_920
    assert tokenizer.dtype == np.uint32
    check_round_trip(tokenizer, [*NASTY, CHINESE])
    assert whole(tokenizer, ["\0\0"])[0][0] >= 1 << 16


# ---------------------------------------------------------------------------------------------------- the same ids


def test_library_decoder_agrees(trained: dict[str, Tokenizer]) -> None:
    for kind in ("bpe", "wordpiece"):
        tokenizer = trained[kind]
        assert isinstance(tokenizer, ByteLevelTokenizer)
        for text in NASTY:
            assert tokenizer._library.decode(whole(tokenizer, [text])[0]) == text


SCRIPT = """
import sys, pyarrow as pa
from corpuskit.tokenization import TokenizerConfig, train
texts = [open(path).read() for path in sys.argv[1:]]
for kind in ("bpe", "wordpiece", "unigram"):
    print(train(TokenizerConfig(type=kind, vocab_size=1200), [pa.array(texts)]).fingerprint)
"""


def test_training_is_reproducible_across_processes() -> None:
    paths = [str(module.__file__) for module in (argparse, textwrap)]
    environments = [
        {"PYTHONHASHSEED": "1"},
        {"PYTHONHASHSEED": "2", "RAYON_NUM_THREADS": "1"},
        {"RAYON_NUM_THREADS": "7"},
    ]
    environments.append({"TOKENIZERS_PARALLELISM": "false", "OMP_NUM_THREADS": "3"})
    found = set()
    for environment in environments:
        variables = {**os.environ, **environment, "PYTHONPATH": str(Path(__file__).parents[1])}
        command = [sys.executable, "-c", SCRIPT, *paths]
        found.add(subprocess.run(command, env=variables, capture_output=True, text=True, check=True).stdout)
    assert len(found) == 1
    assert len(next(iter(found)).split()) == 3


def test_batching_does_not_matter() -> None:
    for kind in TYPES:
        config = TokenizerConfig(type=kind, vocab_size=1000)
        one = train(config, [column(CORPUS)])
        many = train(config, [column([text]) for text in CORPUS])
        assert one.fingerprint == many.fingerprint


def test_environment_is_left_alone(tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKENIZERS_PARALLELISM", "maybe")
    tokenizer.encode(column(["a"]))
    assert os.environ["TOKENIZERS_PARALLELISM"] == "maybe"
    monkeypatch.delenv("TOKENIZERS_PARALLELISM")
    tokenizer.encode(column(["a"]))
    assert "TOKENIZERS_PARALLELISM" not in os.environ


# ---------------------------------------------------------------------------------------------------- long documents


def test_one_megabyte_word(tokenizer: Tokenizer) -> None:
    started = time.perf_counter()
    check_round_trip(tokenizer, ["ab" * 500_000, "河" * 300_000])
    assert time.perf_counter() - started < 20


@pytest.mark.slow
def test_fifty_megabyte_document(tokenizer: Tokenizer) -> None:
    text = ("".join(ENGLISH) + CHINESE) * (50_000_000 // sum(map(len, CORPUS)))
    lists = tokenizer.encode(column(["", text, ""]))
    assert tokenizer.decode(lists).to_pylist() == ["", text, ""]


# ---------------------------------------------------------------------------------------------------- training text


@given(texts=st.lists(any_text, max_size=6), limit=st.integers(1, 60))
def test_limited(texts: list[str], limit: int) -> None:
    filled = [text for text in texts if text]
    if not filled:
        with pytest.raises(InputError, match="no text"):
            list(limited([column(texts)], limit))
        return
    taken = [text for batch in limited([column([text]) for text in texts], limit) for text in batch.to_pylist()]
    assert taken == filled[: len(taken)]
    sizes = np.cumsum([len(text.encode()) for text in filled])
    assert len(taken) == max(1, int((sizes <= limit).sum()))


def test_limited_reads_no_further_than_needed() -> None:
    def batches() -> "list[pa.Array]":  # type: ignore[misc]
        yield column(["four", "four", "more"])
        raise AssertionError("read too far")

    assert [batch.to_pylist() for batch in limited(batches(), 8)] == [["four", "four"]]


def test_no_text() -> None:
    for kind in TYPES:
        for batches in ([], [column([])], [column(["", ""])], [pa.array([None], pa.string())]):
            with pytest.raises(InputError, match="no text"):
                train(TokenizerConfig(type=kind, vocab_size=1000), batches)


def test_unigram_cannot_train_on_nothing_but_spaces() -> None:
    with pytest.raises(InputError, match="no character"):
        train(TokenizerConfig(type="unigram", vocab_size=1000), [column(["\u2581"])])
