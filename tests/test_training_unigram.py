"""Training of Unigram models, against slow plain Python and by its properties."""

import math
from collections import Counter

import numpy as np
import pytest
from unigram_oracle import expectations, train, units

from corpuskit.errors import InputError
from corpuskit.tokenization.counts import WordCounts
from corpuskit.tokenization.training.unigram import UnigramModel, train_unigram
from corpuskit.tokenization.training.unigram.alphabet import script_name

SAMPLE_LETTERS = "abcdefghijklmno"
SAMPLE_SCRIPTS = {character: script_name(character) for character in f" .{SAMPLE_LETTERS}"}


def model_of(words: dict[str, int], size: int, **options: object) -> UnigramModel:
    """Train a model of `size` pieces."""
    given: dict = {"coverage": 1.0, "threads": 2} | options
    return train_unigram(WordCounts.from_mapping(words), 384 + size, **given)


def scores_of(model: UnigramModel) -> dict[str, float]:
    return {piece.decode(): score for piece, score in zip(model.pieces.to_pylist(), model.scores.tolist(), strict=True)}


def sample_words(seed: int, n: int, n_roots: int = 40) -> dict[str, int]:
    """Return words of a made language: roots and endings, with counts by Zipf's law."""
    dice = np.random.default_rng(seed)
    letters = list(SAMPLE_LETTERS)
    roots = ["".join(dice.choice(letters, dice.integers(2, 7))) for _ in range(n_roots)]
    words = ["".join(dice.choice(roots, dice.integers(1, 3))) + dice.choice(["", "ed", "ing", "."]) for _ in range(n)]
    return {f" {word}": 1 + 3000 // rank for rank, word in enumerate(words, 1)}


@pytest.mark.parametrize("seed", range(6))
def test_training_equals_the_slow_one(seed: int) -> None:
    words = sample_words(seed, 250)
    size = 60 + 10 * seed
    expected = train(units(words, SAMPLE_SCRIPTS), size, 8, 0.75, 2)
    found = scores_of(model_of(words, size, max_piece_chars=8))
    assert found.keys() == expected.keys()
    assert len(found) == size
    for piece, score in found.items():
        assert math.isclose(score, expected[piece], rel_tol=1e-5), piece


def test_threads_change_nothing() -> None:
    words = sample_words(1, 3000, 300)
    models = [model_of(words, 500, threads=threads) for threads in (1, 2, 1, 2, 3, 7)]
    for model in models[1:]:
        assert model.pieces.equals(models[0].pieces)
        assert model.scores.tobytes() == models[0].scores.tobytes()
        assert model.log_likelihood == models[0].log_likelihood
    assert len(models[0]) == 500


def test_pieces_are_whole_and_ordered() -> None:
    model = model_of(sample_words(2, 1000, 100), 300)
    assert (np.diff(model.scores) <= 0).all()
    assert math.isclose(np.exp(model.scores.astype(np.float64)).sum(), 1.0, rel_tol=1e-5)
    assert not model.scores.flags.writeable
    assert len(set(model.pieces.to_pylist())) == 300
    assert SAMPLE_SCRIPTS.keys() <= scores_of(model).keys()
    assert all(" " not in piece[1:] for piece in scores_of(model))
    assert model.warnings == ()
    assert model.coverage == 1.0


def test_log_likelihood_is_that_of_the_model() -> None:
    words = sample_words(4, 300)
    model = model_of(words, 80)
    expected = expectations(units(words, SAMPLE_SCRIPTS), scores_of(model))[1]
    assert math.isclose(model.log_likelihood, expected, rel_tol=1e-6)


def test_a_frequent_word_that_shares_nothing_is_one_piece() -> None:
    """Trainers that count the substrings of unique words once each split it into characters."""
    words = sample_words(5, 2000, 200) | {" zyxwv": 40_000, "zyxwv": 1}
    assert " zyxwv" in scores_of(model_of(words, 250))
    del words["zyxwv"]
    assert " zyxwv" in scores_of(model_of(words, 250))


def test_counts_decide_and_not_how_words_are_cut() -> None:
    words = list(sample_words(6, 400))
    glued = {f"{one}{other}": 7 for one, other in zip(words[::2], words[1::2], strict=False)}
    apart: Counter[str] = Counter()
    for word in glued:
        for part in word.split(" ")[1:]:
            apart[f" {part}"] += 7
    one, other = model_of(glued, 70), model_of(apart, 70)
    assert one.pieces.equals(other.pieces)
    assert np.allclose(one.scores, other.scores, rtol=1e-6)


def test_large_counts() -> None:
    words = sample_words(7, 300)
    huge = {word: count << 40 for word, count in words.items()}
    model = model_of(huge, 80)
    assert len(model) == 80
    assert np.isfinite(model.scores).all()
    with pytest.raises(InputError, match="too many to add up"):
        model_of(dict.fromkeys(words, 1 << 60), 80)


def test_runs_of_spaces() -> None:
    words = {" " * n + word: 50 for n in range(1, 9) for word in ("ab", "ba", "")}
    pieces = scores_of(model_of(words, 14))
    assert any(len(piece) > 1 and not piece.strip(" ") for piece in pieces)
    assert all(" " not in piece.lstrip(" ") and (piece.count(" ") < 2 or not piece.strip(" ")) for piece in pieces)


def test_scripts_may_be_mixed() -> None:
    words = {" ab12": 500, " ab": 10, " cd12": 10, "12": 3}
    assert not any("b1" in piece for piece in scores_of(model_of(words, 14)))
    assert " ab12" in scores_of(model_of(words, 14, split_scripts=False))


def test_max_piece_chars() -> None:
    words = sample_words(8, 500)
    assert max(map(len, scores_of(model_of(words, 120, max_piece_chars=4)))) == 4
    assert max(map(len, scores_of(model_of(words, 15 + 2, max_piece_chars=1)))) == 1


def test_characters_of_no_piece() -> None:
    model = model_of({"\u2581ab": 100, "ab\0": 100, "ab": 5}, 10)
    assert scores_of(model).keys() == {"a", "b", "ab"}
    with pytest.raises(InputError, match="no character"):
        model_of({"\u2581": 3}, 10)


def test_rare_characters_are_left_out() -> None:
    words = {" ab": 10_000, " ba": 5_000, "ü": 1}
    model = model_of(words, 50, coverage=0.9995)
    assert "ü" not in scores_of(model)
    assert 0.9995 < model.coverage < 1.0


def test_a_smaller_model_with_a_warning() -> None:
    model = model_of({" ab": 3, " abc": 2}, 100)
    assert len(model) < 100
    assert f"{len(model)} unigram pieces instead of 100" in model.warnings[0]
    assert "484" in model.warnings[0]


def test_an_alphabet_that_is_too_large() -> None:
    words = {chr(0x4E00 + index): 1000 - index for index in range(100)}
    model = model_of(words, 60)
    assert model.pieces.to_pylist()[0].decode() == "\u4e00"
    assert len(model) == 30
    assert "100 characters" in model.warnings[0]
    assert "30" in model.warnings[0]
    with pytest.raises(InputError, match=r"100 characters .* room for 60 pieces"):
        train_unigram(WordCounts.from_mapping(words), 188, byte_fallback=False, coverage=1.0)
    whole = train_unigram(WordCounts.from_mapping(words), 228, byte_fallback=False, coverage=1.0)
    assert len(whole) == 100


def test_no_room() -> None:
    with pytest.raises(InputError, match=r"vocabulary of 384 has no room .* 128 reserved ids and 256 bytes"):
        model_of({"a": 1}, 0)
    with pytest.raises(InputError, match="no room for pieces beside 5 reserved ids"):
        train_unigram(WordCounts.from_mapping({"a": 1}), 5, reserved=5, byte_fallback=False)


def test_no_words() -> None:
    with pytest.raises(InputError, match="no words"):
        model_of({}, 10)


def test_words_of_broken_characters() -> None:
    with pytest.raises(InputError, match="whole characters"):
        train_unigram(WordCounts.from_mapping({b"\xe4\xb8": 3}), 400)


@pytest.mark.parametrize(
    ("option", "value"),
    [("coverage", 0.0), ("coverage", 1.1), ("max_piece_chars", 0), ("max_piece_chars", 255), ("seed_size", 0),
     ("shrinking", 1.0), ("shrinking", 0.0), ("em_iterations", 0)],
)  # fmt: skip
def test_options_out_of_range(option: str, value: float) -> None:
    with pytest.raises(ValueError, match=option):
        model_of({"a": 1}, 10, **{option: value})


def test_no_threads() -> None:
    with pytest.raises(ValueError, match="greater than 0"):
        model_of({"ab": 5}, 10, threads=0)


def test_a_slice_of_counts() -> None:
    """Arrow columns may begin inside their buffers."""
    words = sample_words(9, 300)
    counts = WordCounts.from_mapping(words)
    part = WordCounts(counts.words.slice(50, 200), counts.counts[50:250])
    texts = [word.decode() for word in counts.words.to_pylist()[50:250]]
    same = {word: words[word] for word in texts}
    assert train_unigram(part, 444, coverage=1.0).pieces.equals(model_of(same, 60).pieces)
