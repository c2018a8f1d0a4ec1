"""WordPiece from counted words: slow Python, `tokenizers` with its symbols named, options, refusals."""

import random
from collections import Counter
from typing import Any

import numpy as np
import orjson
import pytest
from bpe_oracle import by_count, by_likelihood, slow_merges
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from corpuskit.errors import InputError
from corpuskit.tokenization.bytelevel import byte_alphabet
from corpuskit.tokenization.counts import WordCounts
from corpuskit.tokenization.training import Score, WordPieceModel, train_wordpiece

COUNTED = st.dictionaries(
    st.one_of(st.text("ab", min_size=1, max_size=9), st.text("abcé的", min_size=1, max_size=6)),
    st.one_of(st.integers(1, 4), st.just(3_000_000_000)),
    min_size=1,
    max_size=12,
)
QUICK = settings(deadline=None, max_examples=80, suppress_health_check=[HealthCheck.too_slow])
MARK = "\u2060"


def trained(counted: dict[str, int] | Counter[str], vocab_size: int, **options: Any) -> WordPieceModel:
    return train_wordpiece(WordCounts.from_mapping(counted), vocab_size, **{"min_count": 1, "reserved": 0, **options})


def learnt(model: WordPieceModel) -> list[tuple[int, int, int]]:
    pairs = zip(model.merges.tolist(), model.counts.tolist(), strict=True)
    return [(left, right, count) for (left, right), count in pairs]


def some_words(seed: int = 0, words: int = 400, letters: str = "abcdeé的") -> Counter[str]:
    dice = random.Random(seed)
    return Counter("".join(dice.choices(letters, k=dice.randint(1, 9))) for _ in range(words))


@given(COUNTED, st.sampled_from(["hf", "likelihood"]), st.integers(1, 3), st.sampled_from([None, 2, 4]))
@example({"aaaa": 1, "aaaaa": 1, "aaaaaaaa": 2}, "likelihood", 1, None)
@QUICK
def test_berts_form_as_slow_python(counted: dict[str, int], score: Score, least: int, longest: int | None) -> None:
    model = trained(counted, 40, symbols="characters", score=score, min_count=least, max_token_length=longest)
    start = sorted({character for word in counted for character in word})
    inside = sorted({character for word in counted for character in word[1:]})
    ids = {character: index for index, character in enumerate(start)}
    inner = {character: len(start) + index for index, character in enumerate(inside)}
    words = [([ids[word[0]], *(inner[one] for one in word[1:])], count) for word, count in counted.items()]
    tokens = [*start, *inside]
    rule = {"hf": by_count, "likelihood": by_likelihood}[score]
    assert learnt(model) == slow_merges(words, tokens, 40, least=least, longest=longest or 1 << 30, score=rule)
    assert list(model.tokens) == [token.encode() for token in tokens]
    firsts = list(range(len(tokens)))
    for index, (left, _) in enumerate(model.merges.tolist()):
        firsts[model.base + index] = firsts[left]
    assert model.inside.tolist() == [first >= len(start) for first in firsts]


@given(COUNTED, st.sampled_from(["hf", "likelihood"]), st.sampled_from([None, 1, 3]))
@QUICK
def test_bytes_as_slow_python(counted: dict[str, int], score: Score, longest_word: int | None) -> None:
    model = trained(counted, 560, score=score, longest_word=longest_word)
    shown = byte_alphabet()
    codes = sorted(range(256), key=lambda byte: ord(shown[byte]))
    ids = {code: index for index, code in enumerate(codes)}
    words = []
    for word, count in counted.items():
        data, step = word.encode(), longest_word or 1 << 20
        for part in (data[begin : begin + step] for begin in range(0, len(data), step)):
            words.append(([ids[part[0]], *(256 + ids[one] for one in part[1:])], count))
    tokens = [chr(code) for code in codes] * 2
    rule = {"hf": by_count, "likelihood": by_likelihood}[score]
    assert learnt(model) == slow_merges(words, tokens, 560, score=rule)
    assert list(model.tokens) == [token.encode("latin1") for token in tokens]


@pytest.mark.parametrize("seed", range(3))
def test_tokenizers_with_named_symbols(seed: int) -> None:
    """Named as special tokens, the marked symbols have fixed ids there too, and the vocabulary is ours."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    counted = some_words(seed)
    shown = sorted(byte_alphabet())
    tokenizer = Tokenizer(models.WordPiece(unk_token="?"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    trainer = trainers.WordPieceTrainer(
        vocab_size=900,
        min_frequency=0,
        special_tokens=[*shown, *(MARK + character for character in shown)],
        continuing_subword_prefix=MARK,
        show_progress=False,
    )
    tokenizer.train_from_iterator(list(counted.elements()), trainer)
    vocabulary: dict[str, int] = orjson.loads(tokenizer.to_str())["model"]["vocab"]
    model, alphabet = trained(counted, 900), byte_alphabet()
    names = [
        MARK * inside + "".join(alphabet[byte] for byte in token)
        for token, inside in zip(model.tokens, model.inside.tolist(), strict=True)
    ]
    assert names == sorted(vocabulary, key=vocabulary.__getitem__)


@pytest.mark.parametrize("score", ["hf", "likelihood"])
def test_every_run_is_the_same_and_large_enough_to_grow(score: Score) -> None:
    """Tables grow several times here, in memory that earlier runs have written to."""
    counted = WordCounts.from_mapping(some_words(1, 6000, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOP的是"))
    models = [train_wordpiece(counted, 3000, score=score, min_count=1) for _ in range(6)]
    assert len({(model.tokens, model.merges.tobytes(), model.counts.tobytes()) for model in models}) == 1
    assert len(models[0].tokens) == 3000


def test_likelihood_prefers_parts_that_occur_with_no_others() -> None:
    """The pair of "q" and "u" is rarer than that of "t" and "h", but neither occurs without the other."""
    counted = {"qu": 10, "th": 50, "tx": 100, "zh": 100}
    assert trained(counted, 513).tokens[-1] == b"tx"
    assert trained(counted, 513, score="likelihood").tokens[-1] == b"qu"


@pytest.mark.parametrize("score", ["hf", "likelihood"])
def test_smaller_vocabularies_are_prefixes(score: Score) -> None:
    counted = some_words(3)
    large = trained(counted, 700, score=score)
    for size in (large.base, 600, 700):
        small, cut = trained(counted, size, score=score), large.prefix(size)
        assert (small.tokens, small.merges.tolist(), small.counts.tolist(), small.inside.tolist()) == (
            cut.tokens,
            cut.merges.tolist(),
            cut.counts.tolist(),
            cut.inside.tolist(),
        )
    with pytest.raises(InputError, match="can be cut to 512 to 700 ids, not to 511"):
        large.prefix(511)


def test_a_frequent_word_is_one_token() -> None:
    counted = Counter({"zyxwv": 40_000, **some_words(1)})
    model = trained(counted, 600)
    assert not model.inside[model.tokens.index(b"zyxwv")]


def test_it_stops_when_nothing_is_left() -> None:
    model = trained({"abc": 2, "x": 5}, 600, score="likelihood")
    assert model.tokens[512:] == (b"ab", b"abc")
    assert model.warning.startswith("only 514 of the 600 ids asked for can be had")


def test_rare_characters_cut_their_words() -> None:
    model = trained({"aab": 50, "aéb": 1}, 30, symbols="characters", coverage=0.9)
    assert model.tokens == (b"a", b"b", b"a", b"b", b"aa", b"aab")
    assert np.flatnonzero(model.inside).tolist() == [2, 3]


@pytest.mark.parametrize(
    ("counted", "options", "message"),
    [
        ({}, {}, "no words to train on"),
        ({"ab": 1}, {"vocab_size": 511}, "256 bytes at the start of words and 256 inside them take 512"),
        (
            {"abcd": 1},
            {"vocab_size": 6, "symbols": "characters"},
            "vocab_size 6 is too small: 0 reserved ids, 4 characters at the start of words and 3 inside them take 7",
        ),
    ],
)
def test_refusals(counted: dict[str, int], options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        trained(counted, **{"vocab_size": 1000, **options})


@pytest.mark.parametrize("options", [{"min_count": 0}, {"coverage": 2.0}, {"score": "pmi"}, {"longest_word": 0}])
def test_options_outside_their_range(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        trained({"ab": 1}, 600, **options)
