"""The table of words, their order, and counting texts, against plain Python."""

import collections

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from corpuskit.errors import InputError
from corpuskit.kernels import Spans, Texts
from corpuskit.tokenization.counts import WordCounts, WordTable, count_words
from corpuskit.tokenization.counts.order import byte_order
from corpuskit.tokenization.counts.table import FIRST_SLOTS, LONGEST_WORD, _hash_short, _short_key
from corpuskit.tokenization.pretokens import pretokenize

some_bytes = st.binary(min_size=1, max_size=40) | st.text(
    st.sampled_from(["a", "b", "\0"]), min_size=1, max_size=40
).map(str.encode)
batches = st.lists(st.lists(some_bytes, max_size=30), max_size=4)


def spans(words: list[bytes]) -> Spans:
    ends = np.cumsum([len(word) for word in words], dtype=np.int64)
    starts = ends - np.array([len(word) for word in words], np.int64)
    return Spans(np.frombuffer(b"".join(words), np.uint8), starts, ends, np.array([0, len(words)]))


def plain(counts: WordCounts) -> dict[bytes, int]:
    return dict(zip(counts.words.to_pylist(), counts.counts.tolist(), strict=True))


def table_of(words: list[bytes], max_memory: int = 1 << 30) -> WordTable:
    table = WordTable(max_memory)
    table.add(spans(words))
    return table


@settings(deadline=None)
@given(batches)
@example([[b"a", b"a\0", b"a\0\0", b"", b"\0"], [b"x" * length for length in range(1, 40)] * 2])
@example([[b"12345678", b"12345678\0", b"123456789012345", b"123456789012345\0", b"1234567890123456"] * 3])
def test_counts_of_batches(found: list[list[bytes]]) -> None:
    table = WordTable()
    for words in found:
        table.add(spans(words))
    expected = collections.Counter(word for words in found for word in words if word)
    counts = table.counts()
    assert plain(counts) == expected
    assert counts.words.to_pylist() == sorted(expected)
    assert table.words == len(expected)
    assert table.occurrences == counts.total == sum(expected.values())


def test_growing() -> None:
    rng = np.random.default_rng(0)
    words = [b"%d" % number for number in rng.integers(0, 3 * FIRST_SLOTS, 5 * FIRST_SLOTS)]
    words += [b"long words lie in the store %d" % number for number in rng.integers(0, 20_000, 50_000)]
    table = WordTable()
    for start in range(0, len(words), 100_000):
        table.add(spans(words[start : start + 100_000]))
    assert plain(table.counts()) == collections.Counter(words)


def colliding(rng: np.random.Generator) -> list[bytes]:
    """Words of 7 bytes that share the slot they are looked for in."""
    data = rng.integers(97, 123, 7 * 400_000, np.uint8)
    padded = np.concatenate([data, np.zeros(16, np.uint8)])
    slots = [int(_hash_short(*_short_key(padded, 7 * number, 7))) >> 50 for number in range(400_000)]
    return [data[7 * number : 7 * number + 7].tobytes() for number, slot in enumerate(slots) if slot == 0]


def test_collisions_are_no_equality() -> None:
    words = colliding(np.random.default_rng(1))
    assert len(words) > 15
    assert plain(table_of(words * 2).counts()) == {
        word: 2 * count for word, count in collections.Counter(words).items()
    }


def test_words_at_the_end_of_the_data() -> None:
    text = b"one two three"
    for length in range(1, len(text) + 1):
        assert plain(table_of([text[-length:]]).counts()) == {text[-length:]: 1}


@settings(deadline=None)
@given(st.lists(some_bytes, unique=True, max_size=60))
@example([])
@example([b"a" * 8, b"a" * 8 + b"\0", b"a" * 9, b"a" * 16, b"a" * 7, b"a" * 7 + b"\0", b"\0", b"\0" * 20, b"\xff"])
def test_order_is_that_of_bytes(words: list[bytes]) -> None:
    found = spans(words)
    offsets = np.append(found.starts, found.data.size)
    assert [words[number] for number in byte_order(found.data, offsets)] == sorted(words)


def test_long_words_are_cut_between_characters() -> None:
    text = "中" * LONGEST_WORD
    parts = plain(table_of([b"a", text.encode(), b"b" * 2 * LONGEST_WORD, b"c" * (LONGEST_WORD + 1), b"d"]).counts())
    assert all(len(word) <= LONGEST_WORD for word in parts)
    assert sum(len(word) * count for word, count in parts.items() if word[0] > 0x80) == len(text.encode())
    assert all(set(word.decode()) == {"中"} for word in parts if word[0] > 0x80)
    assert parts[b"b" * LONGEST_WORD] == 2
    assert parts[b"c" * LONGEST_WORD] == parts[b"c"] == parts[b"a"] == parts[b"d"] == 1


def test_text_without_spaces_stays_small() -> None:
    texts = Texts.from_arrow(pa.array(["a" * 20_000_000]))
    counts = count_words([texts], "gpt2")
    assert len(counts) <= 2
    assert sum(len(word) * count for word, count in plain(counts).items()) == 20_000_000


def test_too_many_words() -> None:
    words = [b"%d" % number for number in range(3 * FIRST_SLOTS)]
    with pytest.raises(InputError, match=r"different words among .* would take 0\.0 GB and may take 0\.0\. Words that"):
        table_of(words, 5 << 20)
    with pytest.raises(InputError, match="different words"):
        table_of([b"%090d" % number for number in range(30_000)], 3 << 20)


@pytest.mark.parametrize("name", ["gpt2", "bert", "metaspace"])
def test_texts_of_many_blocks(name: str) -> None:
    rng = np.random.default_rng(2)
    texts = [" ".join(map(str, rng.integers(0, 3000, rng.integers(0, 3000)))) for _ in range(400)]
    column = pa.chunked_array([pa.array(["", *texts[:50]]), pa.array([*texts[50:], None, ""])])
    whole = Texts.from_arrow(column)
    found = pretokenize(whole, name)
    data = found.data.tobytes()
    expected = collections.Counter(data[start:end] for start, end in zip(found.starts, found.ends, strict=True))
    assert plain(count_words([whole], name)) == expected
    assert plain(count_words([whole.rows(3, 200), whole.rows(0, 3), whole.rows(200, len(whole))], name)) == expected


def test_no_text() -> None:
    for texts in ([], [""], ["", ""]):
        assert len(count_words([Texts.from_arrow(pa.array(texts, pa.string()))], "gpt2")) == 0
    assert len(count_words([], "gpt4")) == 0


def test_unknown_pretokenizer_is_refused_before_reading() -> None:
    with pytest.raises(InputError, match="no pre-tokenizer is called 'gtp2'; did you mean 'gpt2'"):
        count_words((Texts.from_arrow(pa.array([1 / 0])) for _ in range(1)), "gtp2")


def test_words_never_cross_documents() -> None:
    texts = ["ab", "cd", "a", "bcd"]
    assert plain(count_words([Texts.from_arrow(pa.array(texts))], "gpt2")) == {b"ab": 1, b"cd": 1, b"a": 1, b"bcd": 1}
