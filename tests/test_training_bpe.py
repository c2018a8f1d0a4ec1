"""BPE from counted words: slow Python, the rules of three systems, options, refusals."""

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bpe_oracle import Merge, huggingface, sentencepiece, slow_merges, spelled
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from corpuskit.errors import InputError
from corpuskit.tokenization.bytelevel import byte_alphabet
from corpuskit.tokenization.counts import WordCounts
from corpuskit.tokenization.training import BpeModel, Order, train_bpe
from corpuskit.tokenization.training.merges import Pairs, _with_room

LARGE = 3_000_000_000
"""More than 32 bits hold."""
COUNTED = st.dictionaries(
    st.one_of(st.text("ab", min_size=1, max_size=9), st.text("abcé的 ", min_size=1, max_size=6)),
    st.one_of(st.integers(1, 4), st.just(LARGE)),
    min_size=1,
    max_size=12,
)
QUICK = settings(deadline=None, max_examples=80, suppress_health_check=[HealthCheck.too_slow])


def trained(counted: dict[str, int] | Counter[str], vocab_size: int, **options: Any) -> BpeModel:
    return train_bpe(WordCounts.from_mapping(counted), vocab_size, **{"min_count": 1, "reserved": 0, **options})


def some_words(seed: int = 0, words: int = 400, letters: str = "abcdeé的 ") -> Counter[str]:
    dice = random.Random(seed)
    return Counter("".join(dice.choices(letters, k=dice.randint(1, 9))) for _ in range(words))


def learnt(model: BpeModel) -> list[tuple[int, int, int]]:
    pairs = zip(model.merges.tolist(), model.counts.tolist(), strict=True)
    return [(left, right, count) for (left, right), count in pairs]


@given(COUNTED, st.sampled_from(["hf", "bytes"]), st.integers(1, 3), st.sampled_from([None, 2, 3, 5]))
@example({"aaaa": 1, "aaaaa": 1, "aaaaaaaa": 2}, "hf", 1, None)
@example({"abababab": 1, "bababa": 1}, "hf", 1, None)
@QUICK
def test_bytes_as_slow_python(counted: dict[str, int], order: Order, least: int, longest: int | None) -> None:
    model = trained(counted, 300, order=order, min_count=least, max_token_length=longest)
    shown = byte_alphabet()
    codes = sorted(range(256), key=(lambda byte: ord(shown[byte])) if order == "hf" else int)
    tokens = [chr(code) for code in codes]
    ids = {code: index for index, code in enumerate(codes)}
    words = [([ids[byte] for byte in word.encode()], count) for word, count in counted.items()]
    assert learnt(model) == slow_merges(words, tokens, 300, least=least, longest=longest or 1 << 30)
    assert list(model.tokens) == [token.encode("latin1") for token in tokens]
    assert model.merged.tolist() == list(range(256, len(tokens)))


@given(COUNTED, st.sampled_from(["hf", "sentencepiece"]), st.integers(1, 3), st.sampled_from([None, 2, 3, 5]))
@example({"aaaa": 1, "aaaaa": 1, " aaaaaaaa": 2}, "sentencepiece", 1, None)
@QUICK
def test_characters_as_slow_python(counted: dict[str, int], order: Order, least: int, longest: int | None) -> None:
    options = {"symbols": "characters", "byte_fallback": False, "min_count": least, "max_token_length": longest}
    model = trained(counted, 40, order=order, **options)
    by_spelling = order == "sentencepiece"
    frequency = Counter[str]()
    for word, count in counted.items():
        for character in word:
            frequency[character] += count
    tokens = sorted(frequency, key=lambda one: (-frequency[one], one) if by_spelling else one)
    ids = {character: index for index, character in enumerate(tokens)}
    shown = [token.replace(" ", "\u2581") for token in tokens]
    words = []
    for word, count in counted.items():
        parts = (word[:1] + word[1:].replace(" ", "\n ")).split("\n") if by_spelling else [word]
        words += [([ids[character] for character in part], count) for part in parts]
    most = longest or (16 if by_spelling else 1 << 30)
    assert learnt(model) == slow_merges(words, shown, 40, least=least, longest=most, by_spelling=by_spelling)
    assert list(model.tokens) == [token.replace("\u2581", " ").encode() for token in shown]


@pytest.mark.parametrize("seed", range(3))
def test_merges_are_those_of_tokenizers(seed: int) -> None:
    counted = some_words(seed)
    texts = list(counted.elements())
    assert spelled(trained(counted, 600)) == huggingface(texts, 600, split=False)


@pytest.mark.parametrize("seed", range(3))
def test_pieces_are_those_of_sentencepiece(seed: int, tmp_path: Path) -> None:
    counted = Counter({word: count for word, count in some_words(seed, 900).items() if word.strip()})
    model = trained(counted, 300, order="sentencepiece", byte_fallback=False)
    pieces = sentencepiece(counted, 300, tmp_path)
    merges = 300 - model.base
    assert list(model.tokens[model.base :]) == pieces[:merges]
    assert list(model.tokens[: model.base]) == pieces[merges:]


@pytest.mark.parametrize(
    ("words", "pieces"),
    [
        (["abracadabra"], "ab ra abra ad cad abracad abracadabra"),
        (["pen", "pineapple", "apple"], "ap le app apple en in ine pen pine pineapple"),
        (["hellohe"], "he ll llo hello hellohe"),
    ],
)
def test_sentencepieces_own_cases(words: list[str], pieces: str) -> None:
    """Its unit tests, up to where pairs that do not occur are merged there."""
    model = trained(Counter(words), 100, order="sentencepiece", byte_fallback=False)
    assert b" ".join(model.tokens[model.base :]).decode() == pieces


def test_tokenizers_own_case() -> None:
    words = ["roses", "are", "red", "voilets", "are", "blue", "BERT", "is", "big", "and", "so", "is", "GPT-2"]
    model = trained(Counter(words), 1000, symbols="characters", byte_fallback=False, min_count=2)
    assert b" ".join(model.tokens).decode() == "- 2 B E G P R T a b d e g i l n o r s t u v re are is"


def test_counts_have_64_bits() -> None:
    """In 32 bits the commonest pair of these would be negative, and never merged."""
    counted = {"    ": LARGE, "ab": 2_000_000_000, "cd": 5}
    assert spelled(trained(counted, 259)) == [(b" ", b" "), (b"  ", b"  "), (b"a", b"b")]
    assert trained(counted, 258).counts.tolist() == [2 * LARGE, LARGE]


def test_a_frequent_word_is_one_token() -> None:
    counted = Counter({"zyxwv": 40_000, **some_words(1)})
    assert b"zyxwv" in trained(counted, 300).tokens


def test_only_the_order_of_counts_matters() -> None:
    counted = some_words(2)
    times = {word: 1000 * count for word, count in counted.items()}
    small, large = trained(counted, 500), trained(times, 500)
    assert small.tokens == large.tokens
    assert (1000 * small.counts).tolist() == large.counts.tolist()


def test_it_stops_when_nothing_is_left() -> None:
    model = trained({"abc": 2, "x": 5}, 500)
    assert model.tokens[256:] == (b"ab", b"abc")
    assert model.warning == (
        "only 258 of the 500 ids asked for can be had: no two neighbouring tokens occur 1 times or more any longer"
    )
    assert not trained({"abc": 2}, 258).warning
    assert trained({"abc": 2}, 500, min_count=3).tokens[256:] == ()


@pytest.mark.parametrize("order", ["hf", "bytes", "sentencepiece"])
def test_smaller_vocabularies_are_prefixes(order: Order) -> None:
    counted = WordCounts.from_mapping(some_words(3, 3000))
    large = train_bpe(counted, 700, order=order, seed_tokens=[b"abcd"])
    for size in (large.base, large.base + 1, 600, 700):
        small, cut = train_bpe(counted, size, order=order, seed_tokens=[b"abcd"]), large.prefix(size)
        assert (small.tokens, small.merges.tolist(), small.merged.tolist(), small.counts.tolist(), small.warning) == (
            cut.tokens,
            cut.merges.tolist(),
            cut.merged.tolist(),
            cut.counts.tolist(),
            cut.warning,
        )
    with pytest.raises(InputError, match=r"can be cut to .* to 700 ids, not to 701"):
        large.prefix(701)


def test_runs_and_threads_are_identical() -> None:
    """With one thread and with two, in memory that earlier runs have written to."""
    counted = WordCounts.from_mapping(some_words(4, 6000, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOP的是"))
    models = [train_bpe(counted, 3000, order="sentencepiece", min_count=1) for _ in range(6)]
    with ThreadPoolExecutor(2) as threads:
        models += threads.map(lambda _: train_bpe(counted, 3000, order="sentencepiece", min_count=1), range(6))
    assert len({(model.tokens, model.merges.tobytes(), model.counts.tobytes()) for model in models}) == 1


def test_a_table_that_grows_reads_nothing_behind_its_pairs() -> None:
    """What lies there may be pairs of a table that the memory belonged to before."""
    keys, numbers, sizes = np.full(4096, 5, np.uint64), np.zeros(4096, np.int64), np.zeros(4096, np.uint32)
    grown = _with_room(Pairs(keys, keys, numbers, numbers, sizes, np.zeros(8192, np.uint32)), 1, 5000)
    assert grown.keys.size == 8192
    assert grown.slots[grown.slots > 0].tolist() == [1]


def encoded(model: BpeModel, text: bytes) -> list[bytes]:
    """Encode a word by its merges, in order."""
    ids = [model.tokens.index(bytes([byte])) for byte in text]
    for (left, right), merged in zip(model.merges.tolist(), model.merged.tolist(), strict=True):
        new: list[int] = []
        for one in ids:
            if new and (new[-1], one) == (left, right):
                new[-1] = merged
            else:
                new.append(one)
        ids = new
    return [model.tokens[one] for one in ids]


def test_seeds_are_tokens_in_any_case() -> None:
    model = trained({"ab": 9, "xyz": 1, "no": 1}, 262, seed_tokens=[b"abq", b"xyz", b"xyab"])
    assert model.tokens[256:] == (b"ab", b"abq", b"xy", b"xyz", b"xyab", b"no")
    assert [encoded(model, seed) for seed in (b"abq", b"xyz", b"xyab")] == [[b"abq"], [b"xyz"], [b"xyab"]]
    assert model.counts.tolist() == [9, 0, 1, 1, 0, 1]
    assert (model.given, model.base) == (5, 261)


def test_seeds_may_be_longer_and_rarer_than_what_is_learnt() -> None:
    model = trained({"abcd": 1, "xyzxyz": 5}, 300, seed_tokens=[b"abcd"], min_count=2, max_token_length=3)
    assert model.tokens[256:] == (b"ab", b"abc", b"abcd", b"xy", b"xyz")


def test_protected_tokens_are_never_merged() -> None:
    counted = {"a<x>b": 5, "<x>": 7, "aa<x><x>b": 1, "<x": 9, "ab": 3, "x>": 2, "<xx>": 4}
    model = trained(counted, 300, protected=[b"<x>", b"<xx>"])
    assert [model.tokens[index] for index in model.protected] == [b"<x>", b"<xx>"]
    parts = {"a": 5, "b": 6, "aa": 1, "<x": 9, "ab": 3, "x>": 2}
    plain = trained(parts, 300)
    assert spelled(model) == spelled(plain)
    assert not set(model.protected) & {*model.merges.ravel().tolist(), *model.merged.tolist()}


@pytest.mark.parametrize("symbols", ["bytes", "characters"])
def test_training_goes_on_where_it_stopped(symbols: str) -> None:
    """From a smaller vocabulary of the same corpus it gives what one run gives."""
    counted, options = some_words(5), {"symbols": symbols, "reserved": 3}
    start = trained(counted, 320, protected=[b"abc"], **options)
    model, whole = trained(counted, 400, start=start), trained(counted, 400, protected=[b"abc"], **options)
    assert (model.tokens, model.merges.tolist()) == (whole.tokens, whole.merges.tolist())
    assert model.counts.tolist() == whole.counts.tolist()
    assert (model.given, model.base, model.protected) == (len(start.merges), 320, start.protected)


def test_a_vocabulary_is_continued_on_another_corpus() -> None:
    start = trained({"abab": 5, "cd": 3}, 300)
    model = trained({"abx": 2, "xyz": 4, "cd": 1}, 300, start=start)
    assert model.tokens[: len(start.tokens)] == start.tokens
    assert model.counts[: len(start.merges)].tolist() == [2, 0, 1]
    assert model.tokens[len(start.tokens) :] == (b"xy", b"xyz", b"abx")


def test_a_token_that_no_merge_makes_is_taken_up() -> None:
    """Its id is used when its bytes are merged; the vocabulary does not get them twice, and is full all the same."""
    start = trained({"q": 1}, 256)
    tokens = (*start.tokens, b"abc", b"never")
    odd = BpeModel(tokens, start.merges, start.merged, start.counts, 0, 258, 0, "bytes", False, ())
    model = trained({"abcd": 3, "abc": 3, "ef": 1}, 261, start=odd)
    assert spelled(model) == [(b"a", b"b"), (b"ab", b"c"), (b"abc", b"d"), (b"e", b"f")]
    assert model.merged.tolist() == [258, 256, 259, 260]
    assert len(set(model.tokens)) == len(model.tokens) == 261


def test_rare_characters_cut_their_words() -> None:
    counted = {"aab": 50, "aéb": 1, "é": 1}
    model = trained(counted, 300, symbols="characters", coverage=0.9)
    assert model.tokens[256:258] == (b"a", b"b")
    assert model.byte_fallback
    assert spelled(model) == [(b"a", b"a"), (b"aa", b"b")]
    assert "é".encode() not in model.tokens


def test_what_sentencepiece_takes_for_marks_is_never_merged() -> None:
    model = trained({"a\u2581b": 5, "a\0b": 5, "x\x1fy": 1}, 300, order="sentencepiece")
    assert model.tokens[256:] == (b"a", b"b", b"x", b"y")


@pytest.mark.parametrize(
    ("counted", "options", "message"),
    [
        ({}, {}, "no words to train on"),
        ({"ab": 1}, {"vocab_size": 255}, "vocab_size 255 is too small: 256 bytes take 256"),
        (
            {"abcd": 1},
            {"vocab_size": 300, "symbols": "characters", "reserved": 128},
            "vocab_size 300 is too small: 128 reserved ids, 256 bytes, 4 characters take 388",
        ),
        ({"ab": 1}, {"vocab_size": 257, "seed_tokens": [b"abc"]}, "256 bytes, 2 given tokens take 258"),
        ({"ab": 1}, {"symbols": "characters", "seed_tokens": [b"ac"]}, r"seed token b'ac' has no symbols, or one that"),
        ({"ab": 1}, {"seed_tokens": [b""]}, "has no symbols"),
        ({"ab": 1}, {"protected": [b""]}, "a protected token is empty"),
        ({"ab": 2**62}, {}, "stand for 9.22e\\+18 bytes of text; no more than 4.61e\\+18"),
    ],
)
def test_refusals(counted: dict[str, int], options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        trained(counted, **{"vocab_size": 1000, **options})


@pytest.mark.parametrize(
    "options",
    [
        {"min_count": 0},
        {"max_token_length": 1},
        {"coverage": 0.0},
        {"coverage": 1.1},
        {"order": "huggingface"},
        {"symbols": "letters"},
    ],
)
def test_options_outside_their_range(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        trained({"ab": 1}, 300, **options)


def test_a_long_word_is_no_trouble() -> None:
    """A word of a million letters takes as long as a million letters of words."""
    dice = np.random.default_rng(0)
    word = "".join(dice.choice(list("abc"), 1_000_000))
    merges: list[Merge] = spelled(trained({word: 1, "c" * 500_000: 1}, 400))
    assert len(merges) == 400 - 256
