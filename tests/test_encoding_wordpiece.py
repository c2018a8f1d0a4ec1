"""The WordPiece encoder: the ids of `tokenizers`, in corpuskit's lossless form and in BERT's."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pytest
from encoded import HOSTILE, any_text, batch, few_letters, lists, needs_data, real
from hypothesis import example, given, settings
from hypothesis import strategies as st

from corpuskit.errors import InputError
from corpuskit.kernels.tries import build_trie
from corpuskit.tokenization.bytelevel import byte_alphabet
from corpuskit.tokenization.encoding import WordPieceEncoder, batches, give_back
from corpuskit.tokenization.pretokens import pretokenize

EVERY_BYTE = [bytes([byte]) for byte in range(256)]
tokens_of_letters = st.lists(st.text("ab é我\n", min_size=1, max_size=5).map(str.encode), max_size=20, unique=True)


def vocabulary(start: Sequence[bytes], inside: Sequence[bytes]) -> tuple[dict[bytes, int], dict[bytes, int]]:
    """Ids from 0 on: tokens that begin a word and all bytes, then those that go on in one and all bytes."""
    starts = list(dict.fromkeys([*EVERY_BYTE, *start]))
    insides = list(dict.fromkeys([*EVERY_BYTE, *inside]))
    first = len(starts)
    return {token: i for i, token in enumerate(starts)}, {token: first + i for i, token in enumerate(insides)}


def library(start: dict[bytes, int], inside: dict[bytes, int], cut: int | None) -> Any:
    """The same vocabulary in `tokenizers`, over the byte alphabet, U+2060 before tokens inside a word."""
    from tokenizers import Tokenizer, models, pre_tokenizers

    letters = byte_alphabet()
    names = {"".join(letters[byte] for byte in token): number for token, number in start.items()}
    names |= {"\u2060" + "".join(letters[byte] for byte in token): number for token, number in inside.items()}
    most = cut or 1_000_000
    model = models.WordPiece(names, unk_token="?", max_input_chars_per_word=most, continuing_subword_prefix="\u2060")
    made = Tokenizer(model)
    steps = [pre_tokenizers.ByteLevel(add_prefix_space=False)]
    made.pre_tokenizer = pre_tokenizers.Sequence([*steps, *([pre_tokenizers.FixedLength(cut)] if cut else [])])
    return made


@given(
    start=tokens_of_letters, inside=tokens_of_letters, texts=st.lists(few_letters, max_size=4), cut=st.integers(1, 9)
)
@settings(max_examples=200, deadline=None)
def test_ids_are_those_of_tokenizers(start: list[bytes], inside: list[bytes], texts: list[str], cut: int) -> None:
    vocabularies = vocabulary(start, inside)
    for limit in (cut, None):
        encoder = WordPieceEncoder(*vocabularies, cut_bytes=limit)
        expected = [found.ids for found in library(*vocabularies, limit).encode_batch(texts)]
        assert lists(*encoder.encode(batch(texts))) == expected


@given(texts=st.lists(any_text, max_size=5))
@example(texts=HOSTILE)
@example(texts=[])
@settings(max_examples=100, deadline=None)
def test_hostile_texts(texts: list[str]) -> None:
    vocabularies = vocabulary([b" a", b"ab", b"aba", "我家".encode(), b"x" * 9], [b"ab", b"b", b"xx", b"\xbc\x8c"])
    encoder = WordPieceEncoder(*vocabularies, cut_bytes=64)
    assert lists(*encoder.encode(batch(texts))) == [
        found.ids for found in library(*vocabularies, 64).encode_batch(texts)
    ]


# ------------------------------------------------------------------------------------------------------ BERT's form

BERT_TOKENS = ["[UNK]", "a", "b", "##a", "##b", "##ab", "ab", "aba", "é", "##é", "我", "河", ",", "q", "##😀", "'", "t"]


def bert_vocabulary(tokens: Sequence[str]) -> tuple[dict[bytes, int], dict[bytes, int]]:
    numbered = list(enumerate(tokens))
    start = {token.encode(): number for number, token in numbered[1:] if not token.startswith("##")}
    return start, {token[2:].encode(): number for number, token in numbered if token.startswith("##")}


def bert(tokens: Sequence[str], most: int = 100) -> Any:
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

    vocabulary = {token: number for number, token in enumerate(tokens)}
    made = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]", max_input_chars_per_word=most))
    # The words of `bert` are those of both: normalization sets Chinese characters apart.
    made.normalizer = normalizers.BertNormalizer(clean_text=False, strip_accents=False, lowercase=False)
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return made


@given(texts=st.lists(few_letters | any_text, max_size=4), most=st.integers(1, 12))
@example(texts=["a" * 100, "a" * 101, "é" * 100, "é" * 101], most=100)
@settings(max_examples=200, deadline=None)
def test_ids_of_bert(texts: list[str], most: int) -> None:
    encoder = WordPieceEncoder(*bert_vocabulary(BERT_TOKENS), words="bert", unknown=0, most_characters=most)
    expected = bert(BERT_TOKENS, most).encode_batch(texts)
    found = encoder.encode_with_spans(batch(texts))
    assert lists(found.ids, found.offsets) == lists(*encoder.encode(batch(texts))) == [one.ids for one in expected]
    for row, one in enumerate(expected):
        part = slice(found.offsets[row], found.offsets[row + 1])
        in_bytes = [len(texts[row][:place].encode()) for place in range(len(texts[row]) + 1)]
        assert found.starts[part].tolist() == [in_bytes[start] for start, _ in one.offsets]
        assert found.ends[part].tolist() == [in_bytes[end] for _, end in one.offsets]


# ------------------------------------------------------------------------------------------------------------- spans


@given(start=tokens_of_letters, inside=tokens_of_letters, texts=st.lists(few_letters, max_size=4))
@settings(max_examples=100, deadline=None)
def test_spans_hold_the_tokens(start: list[bytes], inside: list[bytes], texts: list[str]) -> None:
    starts, insides = vocabulary(start, inside)
    tokens = [*starts, *insides]
    found = WordPieceEncoder(starts, insides, cut_bytes=3).encode_with_spans(batch(texts))
    for row, text in enumerate(texts):
        part = slice(found.offsets[row], found.offsets[row + 1])
        cut = [text.encode()[a:b] for a, b in zip(found.starts[part], found.ends[part], strict=True)]
        assert cut == [tokens[number] for number in found.ids[part]]
        assert b"".join(cut) == text.encode()


# -------------------------------------------------------------------------------------------------- batches and sizes


@given(texts=st.lists(any_text, min_size=1, max_size=6))
@settings(max_examples=60, deadline=None)
def test_neighbours_and_blocks_do_not_matter(texts: list[str]) -> None:
    encoder = WordPieceEncoder(*vocabulary([b" a", b"ab"], [b"ab"]), cut_bytes=64)
    whole = encoder.encode_with_spans(batch(texts))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batches, "BLOCK", 5)
        parts = encoder.encode_with_spans(batch(texts))
    for one, other in zip(whole, parts, strict=True):
        assert one.tolist() == other.tolist()
    assert lists(whole.ids, whole.offsets) == [lists(*encoder.encode(batch([text])))[0] for text in texts]


def test_a_word_of_50_megabytes_is_not_quadratic() -> None:
    """Square cost would be hours: the test limit of minutes is the assertion."""
    encoder = WordPieceEncoder(*vocabulary([], [b"ab" * 16]))
    ids, _ = encoder.encode(batch(["ab" * 25_000_000]))
    assert len(ids) == 1 + 1 + 1_562_499 + 30
    assert len(pretokenize(batch(["ab" * 100]), "gpt2")) == 1


def test_what_it_refuses() -> None:
    start, inside = vocabulary([], [])
    with pytest.raises(InputError, match="every byte in both forms"):
        WordPieceEncoder({b"a": 1}, inside)
    with pytest.raises(InputError, match="without an unknown token"):
        WordPieceEncoder(start, inside, most_characters=100)
    with pytest.raises(ValueError, match="at least 1"):
        WordPieceEncoder(start, inside, cut_bytes=0)
    with pytest.raises(InputError, match="no pre-tokenizer is called 'gtp2'"):
        WordPieceEncoder(start, inside, words="gtp2").encode(batch(["a"]))


# -------------------------------------------------------------------------------------------------------------- tries


def matches(units: Any, text: bytes) -> list[tuple[int, int]]:
    """Every token that begins a text, as (length, id)."""
    found, node = [], 0
    for length, byte in enumerate(text, 1):
        node = (int(units[node]) >> 9 & 0x7FFFFF) ^ byte
        if int(units[node]) & 511 != byte:
            break
        if int(units[node]) >> 32:
            found.append((length, (int(units[node]) >> 32) - 1))
    return found


@given(
    tokens=st.sets(st.binary(min_size=1, max_size=4) | st.text("ab\0", min_size=1, max_size=9).map(str.encode)),
    texts=st.lists(st.binary(max_size=6) | st.text("ab\0", max_size=9).map(str.encode), max_size=9),
)
@settings(max_examples=300, deadline=None)
def test_trie(tokens: set[bytes], texts: list[bytes]) -> None:
    ids = {token: number for number, token in enumerate(sorted(tokens))}
    units = build_trie(ids)
    for text in [*texts, *tokens]:
        expected = [(length, ids[text[:length]]) for length in range(1, len(text) + 1) if text[:length] in ids]
        assert matches(units, text) == expected


def test_trie_grows() -> None:
    tokens = {number.to_bytes(3, "big"): number for number in range(0, 1 << 24, 111)}
    units = build_trie(tokens)
    assert units.size > 1 << 17
    assert all(matches(units, token) == [(3, number)] for token, number in list(tokens.items())[::50])


def test_trie_refuses() -> None:
    with pytest.raises(ValueError, match="tokens must have bytes"):
        build_trie({b"": 1})
    with pytest.raises(ValueError, match="ids from 0"):
        build_trie({b"a": -1})


@needs_data
@pytest.mark.parametrize("name", ["imdb_unsup", "zh_modern"])
def test_real_text(name: str) -> None:
    from corpuskit.tokenization import TokenizerConfig, train

    texts = real(name, 1_000_000)
    column = pa.array(texts, pa.large_string())
    tokenizer = train(TokenizerConfig(type="wordpiece", vocab_size=8000), [column])
    encoder = tokenizer._encoder  # type: ignore[attr-defined]
    ids, offsets = encoder.encode(batch(texts))
    assert lists(ids, offsets) == [one.ids for one in tokenizer._library.encode_batch_fast(texts)]  # type: ignore[attr-defined]
    assert give_back(batch(texts), ids, offsets, pa.array(tokenizer.tokens(), pa.large_binary())).all()
