"""The Unigram encoder: SentencePiece's ids to the last rounding, with a cache that changes nothing."""

import itertools
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from encoded import HOSTILE, LETTERS, any_text, batch, few_letters, lists, needs_data, real, sentencepiece_model
from hypothesis import example, given, settings
from hypothesis import strategies as st

from corpuskit.errors import InputError
from corpuskit.kernels import tries
from corpuskit.kernels.texts import Texts
from corpuskit.kernels.word_cache import LONGEST
from corpuskit.tokenization.encoding import UnigramEncoder, batches, give_back, segments, unigram

FIRST = 3 + 256
"""The id of the first piece of a model with bytes."""
pieces_of_letters = st.lists(st.text(LETTERS, min_size=1, max_size=5), max_size=25, unique=True).map(
    lambda pieces: [*pieces, *([] if " " in pieces else [" "])]  # as bytes, a space is not what it is to SentencePiece
)
some_scores = st.sampled_from([-1.0, -2.0, -3.0, -0.1, -1.1, -7.3]) | st.floats(-20, 0)
TIES = {"a": -2.1, "aa": -4.3, "aaa": -6.4, "b": -3.3, "ab": -5.4, "ba": -5.5, " ": -2.7, " a": -4.7, " b": -5.9}
TIES |= {"  ": -5.3, "é": -6.7, "我": -6.1, "我河": -9.9, "河": -7.3, "\n": -3.9, "\n\n": -7.8}
"""Pieces whose sums tie, or nearly, in exact arithmetic: roundings, and so the text before, decide."""
LONG = ["aab" * 30_000, "ab a aaa ba " * 20_000, "我河a " * 20_000, "a" * 200_000, "q " * 9_000]


def encoder_of(model: Any, **options: Any) -> UnigramEncoder:
    """An encoder of the pieces of a model from `sentencepiece_model`."""
    names = [model.id_to_piece(number) for number in range(model.get_piece_size())]
    scores = np.array([model.get_score(number) for number in range(len(names))], np.float32)
    with_bytes = model.is_byte(3)
    first = FIRST if with_bytes else 3
    pieces = [b""] * first + [name.replace("\u2581", " ").encode() for name in names[first:]]
    ids = {"byte_ids": range(3, FIRST)} if with_bytes else {"unknown": 0}
    return UnigramEncoder(pieces, scores, **ids, **options)


def reference(model: Any, text: str) -> list[int]:
    """What SentencePiece says of a text; a real U+2581, which it cannot tell from a space, stands for its bytes."""
    parts = re.split("(\u2581)", text)
    mark = [3 + byte for byte in "\u2581".encode()] if model.is_byte(3) else [0]
    return [number for part in parts for number in (mark if part == "\u2581" else model.encode(part))]


def check(model: Any, texts: Sequence[str], **options: Any) -> None:
    encoder = encoder_of(model, **options)
    expected = [reference(model, text) for text in texts]
    for _ in range(3):  # from an empty cache, and from a full one
        assert lists(*encoder.encode(batch(texts))) == expected


@given(
    pieces=pieces_of_letters,
    scores=st.lists(some_scores, min_size=26, max_size=26),
    texts=st.lists(few_letters, max_size=4),
    entries=st.sampled_from([2, 8, 1024]),
)
@settings(max_examples=300, deadline=None)
def test_ids_are_those_of_sentencepiece(pieces: list[str], scores: list[float], texts: list[str], entries: int) -> None:
    check(sentencepiece_model(pieces, scores[: len(pieces)]), texts, cached_segments=entries)


@given(pieces=pieces_of_letters, texts=st.lists(few_letters.map(lambda text: text.replace("\u2581", "")), max_size=4))
@settings(max_examples=100, deadline=None)
def test_unknown_characters_without_bytes(pieces: list[str], texts: list[str]) -> None:
    scores = [-1.0 - number % 5 for number in range(len(pieces))]
    check(sentencepiece_model(pieces, scores, byte_fallback=False), texts)


@given(pieces=pieces_of_letters, texts=st.lists(few_letters, max_size=4))
@settings(max_examples=60, deadline=None)
def test_scores_over_0_are_right_without_the_cache(pieces: list[str], texts: list[str]) -> None:
    scores = [2.5 - number % 5 for number in range(len(pieces))]
    check(sentencepiece_model(pieces, scores), texts)


def test_roundings_with_scores_over_0() -> None:
    model = sentencepiece_model(["a", "aa", "aaa", "b", "ab", "ba", " "], [2.1, 4.3, 6.4, -3.3, -1.2, -1.1, 0.7])
    check(model, ["aab baa ab aaaab " * 9_000, "aab" * 30_000])


@pytest.fixture(scope="module")
def letters_model() -> Any:
    return sentencepiece_model(list(TIES), list(TIES.values()))


@given(texts=st.lists(any_text, max_size=6))
@example(texts=HOSTILE)
@example(texts=[])
@settings(max_examples=100, deadline=None)
def test_hostile_texts(letters_model: Any, texts: list[str]) -> None:
    check(letters_model, texts)


@pytest.mark.parametrize(
    "text", ["aab" * 30_000, "ab a aaa ba " * 20_000, "我河a " * 20_000, "a" * 200_000, "q " * 9_000]
)
def test_roundings_of_long_texts(letters_model: Any, text: str) -> None:
    """Sums reach the score at which SentencePiece begins again at 0, several times."""
    check(letters_model, [text, text[1:], text[: 1 << 16], text[:9999] + "\u2581" + text[:9999]])


def test_a_space_that_is_no_piece_is_its_byte() -> None:
    encoder = encoder_of(sentencepiece_model(["a"], [-1.0]))
    assert encoder.encode(batch(["a a"]))[0].tolist() == [FIRST, 3 + 0x20, FIRST]


def test_near_ties_are_decided_by_the_text_before(letters_model: Any) -> None:
    """Otherwise the tests above would pass with a cache that knows nothing of roundings."""
    word = " aaaab"
    found = {tuple(letters_model.encode("b" * before + word)[-5:]) for before in range(0, 20_000, 37)}
    assert len(found) > 1


@given(texts=st.lists(any_text, min_size=1, max_size=6))
@settings(max_examples=60, deadline=None)
def test_neighbours_and_blocks_do_not_matter(letters_model: Any, texts: list[str]) -> None:
    alone = [lists(*encoder_of(letters_model).encode(batch([text])))[0] for text in texts]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batches, "BLOCK", 7)
        assert lists(*encoder_of(letters_model).encode(batch(texts))) == alone


def test_a_block_may_have_more_ids_than_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of normal forms that are longer than their text."""
    monkeypatch.setattr(batches, "BLOCK", 1)
    many = [np.arange(number, dtype=np.uint32) for number in (3, 50, 0, 7)]
    waiting = iter(many)

    def encode(block: Texts, room: np.ndarray) -> batches.Encoded:
        ids = next(waiting)
        return batches.Encoded(ids, np.array([0, ids.size]))

    found = batches.in_blocks(batch(["a", "b", "c", "d"]), encode, np.uint16)
    assert found.ids.dtype == np.uint16
    assert found.ids.tolist() == np.concatenate(many).tolist()
    assert found.offsets.tolist() == [0, 3, 53, 53, 60]


def test_parts_of_a_column(letters_model: Any) -> None:
    texts = batch(["a ab", "b", "", "aab 我河", "é"])
    encoder = encoder_of(letters_model)
    assert lists(*encoder.encode(texts.rows(1, 4))) == lists(*encoder.encode(texts))[1:4]


@pytest.mark.parametrize("letter", ["a", "我", "q", " "])
def test_five_megabytes_of_one_letter(letters_model: Any, letter: str) -> None:
    text = letter * (5_000_000 // len(letter.encode()))
    ids, offsets = encoder_of(letters_model).encode(batch([text]))
    assert len(ids) == offsets[1] > 0
    assert (ids == letters_model.encode(text, return_type="numpy")).all()


@given(texts=st.lists(few_letters, max_size=4))
@settings(max_examples=100, deadline=None)
def test_spans_with_bytes(letters_model: Any, texts: list[str]) -> None:
    encoder = encoder_of(letters_model)
    for _ in range(2):
        found = encoder.encode_with_spans(batch(texts))
        assert lists(found.ids, found.offsets) == lists(*encoder.encode(batch(texts)))
        for row, text in enumerate(texts):
            part = slice(found.offsets[row], found.offsets[row + 1])
            spans = list(zip(found.starts[part].tolist(), found.ends[part].tolist(), strict=True))
            assert [end for _, end in spans[:-1]] == [start for start, _ in spans[1:]]
            for number, (start, end) in zip(found.ids[part].tolist(), spans, strict=True):
                piece = letters_model.id_to_piece(number).replace("\u2581", " ").encode()
                expected = bytes([number - 3]) if number < FIRST else piece
                assert text.encode()[start:end] == expected


@given(text=few_letters.map(lambda text: text.replace("\u2581", "")))
@settings(max_examples=100, deadline=None)
def test_spans_of_unknown_runs(text: str) -> None:
    model = sentencepiece_model(["a", "ab", " a", "我"], [-1.0, -2.0, -2.0, -3.0], byte_fallback=False)
    found = encoder_of(model).encode_with_spans(batch([text]))
    expected = model.encode(text, return_type="proto").pieces
    assert found.ids.tolist() == [piece.id for piece in expected]
    assert found.starts.tolist() == [piece.begin for piece in expected]
    assert found.ends.tolist() == [piece.end for piece in expected]


@given(pieces=pieces_of_letters, text=st.text(LETTERS + "q\u2581", max_size=60))
@settings(max_examples=200, deadline=None)
def test_no_piece_crosses_a_segment(pieces: list[str], text: str) -> None:
    encoded = [piece.encode() for piece in pieces]
    found = segments.Segmenter(encoded).segments(batch(["é", text, ""]))
    assert found.offsets.tolist() == [0, 1, len(found), len(found)]
    data = text.encode()
    bounds = [*(found.starts[1:] - 2).tolist(), len(data)]
    assert found.ends.tolist()[1:] == [end + 2 for end in bounds[1:]]
    for bound in bounds[1:-1]:
        for piece in encoded:
            starts = range(max(0, bound - len(piece) + 1), bound)
            assert not any(data[start : start + len(piece)] == piece for start in starts)


@given(pieces=pieces_of_letters, text=st.text(LETTERS + "q😀\u2581", min_size=1, max_size=60))
@settings(max_examples=200, deadline=None)
def test_segments_end_where_no_piece_has_both_characters(pieces: list[str], text: str) -> None:
    pieces = [*pieces, "q😀", "😀b", "\0a"]
    found = segments.Segmenter([piece.encode() for piece in pieces]).segments(batch([text]))
    pairs = {pair for piece in pieces for pair in itertools.pairwise(piece)}
    ends = [number for number in range(1, len(text)) if (text[number - 1], text[number]) not in pairs]
    assert found.ends.tolist() == [len(text[:end].encode()) for end in [*ends, len(text)]]


def test_pieces_with_a_zero_byte_inside() -> None:
    pieces, scores = [b"", b"a", b"b", b"\0", b"a\0b"], np.array([0, -2, -2, -2, -3], np.float32)
    assert UnigramEncoder(pieces, scores, unknown=0).encode(batch(["a\0b", "a\0a"]))[0].tolist() == [4, 1, 3, 1]


@given(pieces=st.sets(st.text(max_size=3).filter(bool), min_size=1, max_size=8))
@settings(max_examples=60, deadline=None)
def test_units_behind_characters(pieces: set[str]) -> None:
    """They are those of a walk by hand, and 0 for all other characters."""
    units = tries.build_trie({piece.encode(): number for number, piece in enumerate(sorted(pieces))})
    found = tries.characters(units)
    firsts = {piece[0] for piece in pieces if piece[0] < "\U00010000"}
    assert np.flatnonzero(found).tolist() == sorted(map(ord, firsts))
    for character in firsts:
        unit = int(units[0])
        for byte in character.encode():
            unit = int(units[(unit >> 9 & 0x7FFFFF) ^ byte])
        assert found[ord(character)] == unit


def test_segments_are_words_where_pieces_are() -> None:
    found = segments.Segmenter([b" the", b"the", b" cat", b"s", b"cats"]).segments(batch(["the cats, the cat\u2581s"]))
    data = bytes(found.data)
    cut = [data[start:end].decode() for start, end in zip(found.starts, found.ends, strict=True)]
    assert cut == ["the", " cats", ",", " the", " cat", "\u2581", "s"]


@pytest.mark.parametrize("entries", [2, 4, 1 << 12])
def test_the_cache_takes_words_of_every_length(letters_model: Any, entries: int) -> None:
    words = [("ab" * 30)[:length] for length in range(1, LONGEST + 4)]
    check(letters_model, [" ".join(words * 3), *words, "a\0", "a", "a\0\0"], cached_segments=entries)


def test_the_cache_compares_every_byte() -> None:
    long_pieces = ["a" * length for length in range(2, 32)]
    model = sentencepiece_model([*"abc ", "ab", "ac", "ba", "ca", *long_pieces], [-3.0] * (8 + len(long_pieces)))
    for place in range(LONGEST):
        words = ["a" * place + letter + "a" * (LONGEST - place - 1) for letter in "bca"]
        check(model, ["\n".join(words * 5), *words], cached_segments=2)


def test_words_of_many_ids_stay_out_of_the_cache() -> None:
    model = sentencepiece_model([*"ab ", "ab", "ba", "aa", "bb"], [-1.0, -1.0, -1.0, -9.0, -9.0, -9.0, -9.0])
    words = [f"{number:0{length}b}".translate({48: "a", 49: "b"}) for number in range(9) for length in range(5, 14)]
    text = "\n".join(f"{one}\n{other}\n{one}" for one, other in itertools.pairwise(words))
    check(model, [text], cached_segments=2)


def test_a_mark_of_spaces_is_a_segment_even_if_pairs_collide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segments, "PAIR_WORDS", 1)
    others = [chr(0x4E00 + number) + chr(0x5E00 + number) for number in range(500)]
    model = sentencepiece_model([*TIES, *others], [*TIES.values(), *[-9.0] * len(others)])
    assert len(encoder_of(model)._segmenter.segments(batch(["éé我é"]))) == 1
    check(model, [text[:9999] + "\u2581" + text[:9999] for text in LONG])


def test_what_it_refuses() -> None:
    scores = np.array([0.0, -1.0], np.float32)
    with pytest.raises(InputError, match="2 pieces, but 1 scores"):
        UnigramEncoder([b"", b"a"], scores[:1], unknown=0)
    with pytest.raises(InputError, match="no pieces"):
        UnigramEncoder([b"", b""], scores, unknown=0)
    with pytest.raises(InputError, match="not finite"):
        UnigramEncoder([b"", b"a"], np.array([0, np.nan]), unknown=0)
    with pytest.raises(InputError, match="neither bytes nor an unknown"):
        UnigramEncoder([b"", b"a"], scores)
    with pytest.raises(InputError, match="255 bytes"):
        UnigramEncoder([b"", b"a"], scores, byte_ids=range(255))
    with pytest.raises(InputError, match=r"piece 1 .* not UTF-8"):
        UnigramEncoder([b"", b"\xe6"], scores, unknown=0)
    with pytest.raises(ValueError, match="power of 2"):
        UnigramEncoder([b"", b"a"], scores, unknown=0, cached_segments=3)


def test_how_many_pieces_there_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unigram, "MOST_PIECES", 2)
    UnigramEncoder([b"", b"a"], np.zeros(2, np.float32), unknown=0)
    with pytest.raises(InputError, match="3 pieces, more than 2"):
        UnigramEncoder([b"", b"a", b"b"], np.zeros(3, np.float32), unknown=0)


def test_ids_of_many_pieces_are_wider() -> None:
    pieces = [b"a", *[b""] * 65_535]
    for more, dtype in (([], np.uint16), ([b"b"], np.uint32)):
        encoder = UnigramEncoder([*pieces, *more], np.full(65_536 + len(more), -1, np.float32), unknown=7)
        ids, _ = encoder.encode(batch(["ab"]))
        assert ids.dtype == dtype
        assert ids.tolist() == [0, 65_536 if more else 7]


@needs_data
@pytest.mark.parametrize("name", ["imdb_unsup", "zh_modern", "eltec_eng"])
def test_real_text(name: str) -> None:
    import pyarrow as pa
    import sentencepiece

    from corpuskit.tokenization import TokenizerConfig, train
    from corpuskit.tokenization.unigram import UnigramTokenizer

    texts = [text.replace("\u2581", "") for text in real(name, 1_500_000)]
    tokenizer = train(TokenizerConfig(type="unigram", vocab_size=8000), [pa.array(texts[:1000], pa.large_string())])
    assert isinstance(tokenizer, UnigramTokenizer)
    library = sentencepiece.SentencePieceProcessor(model_proto=tokenizer.model)
    encoder = tokenizer._encoder
    ids, offsets = encoder.encode(batch(texts))
    assert lists(ids, offsets) == library.encode(texts, num_threads=1)
    assert give_back(batch(texts), ids, offsets, pa.array(tokenizer.tokens(), pa.large_binary())).all()
