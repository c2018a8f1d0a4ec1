"""The parts that cutting is made of: normal forms, hashes, first occurrences, runs, ranges of bytes."""

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from cut_oracle import normalized
from hypothesis import given
from hypothesis import strategies as st
from test_kernels_words import TEXT, unicode_words

from corpuskit.dedup.inside import (
    Firsts,
    Occurrences,
    Rule,
    byte_ranges,
    document_orders,
    equal_spans,
    merge_runs,
    scatter,
    windows,
)
from corpuskit.dedup.inside.normalized import hash_units
from corpuskit.kernels import Texts, cut

FEW = st.lists(st.integers(0, 6), max_size=60)


def texts_of(*texts: str) -> Texts:
    return Texts.from_arrow(pa.array(texts, pa.large_string()))


# normal forms


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("  Hello,   WORLD!\r", "hello world"),
        ("Page 12 of 345", "page 00 of 000"),
        ("٣ ３ ½", "0 0 ½"),
        ("— Ça va? — «Oui»", "ça va oui"),
        ("zero\u200bwidth\ufeff, soft\u00adhyphen", "zerowidth softhyphen"),
        ("第12章：开始。", "第00章开始"),
        ("a$b+c", "a$b+c"),
        ("...", ""),
    ],
)
def test_the_normal_form(text: str, form: str) -> None:
    assert normalized(text) == form
    lines = texts_of(text, form).lines()
    first, second = hash_units(lines, normalize=True).hashes.tolist()
    assert first == second


@given(st.lists(TEXT.map(lambda text: text.replace("\n", " ")), min_size=1, max_size=6))
def test_hashes_are_equal_where_normal_forms_are(lines: list[str]) -> None:
    lines = [*lines, *(line.upper() for line in lines), *(f" {line}. " for line in lines)]
    hashed = hash_units(texts_of(*lines).lines(), normalize=True)
    forms = [normalized(line) for line in lines]
    for hashes in (hashed.hashes.tolist(), hashed.checks.tolist()):
        assert len(set(zip(hashes, forms, strict=True))) == len(set(hashes)) == len(set(forms))
    plain = hash_units(texts_of(*lines).lines(), normalize=False)
    assert plain.characters.tolist() == hashed.characters.tolist()
    assert (
        len(set(zip(plain.hashes.tolist(), lines, strict=True))) == len(set(plain.hashes.tolist())) == len(set(lines))
    )


# windows and orders


@given(st.lists(TEXT, max_size=4), st.integers(2, 6))
def test_hashes_of_words_in_a_row_are_equal_where_the_bytes_are(documents: list[str], size: int) -> None:
    documents = [*documents, *documents]
    texts = texts_of(*documents)
    hashes = windows.window_hashes(texts.words(), size).tolist()
    expected = []
    for text in documents:
        starts, position = [], 0
        for word in unicode_words(text):
            position = text.index(word, position) + len(word)
            starts.append((position - len(word), position))
        expected += [text[starts[i][0] : starts[i + size - 1][1]] for i in range(len(starts) - size + 1)]
    assert len(set(zip(hashes, expected, strict=True))) == len(set(hashes)) == len(set(expected))


def test_orders_are_those_of_keys_then_of_texts() -> None:
    keys = np.frombuffer(bytes(range(1, 17)) * 2 + bytes(16) + b"\xff" * 16, np.uint8).reshape(4, 16)
    same, other, first, last = document_orders(keys, texts_of("a", "b", "c", "d")).tolist()
    assert first < min(same, other) <= max(same, other) < last
    assert same != other
    assert same >> 20 == other >> 20
    assert document_orders(keys[:2], texts_of("b", "a")).tolist() == [other, same]


# scattering, first occurrences


@given(st.lists(st.lists(st.integers(0, 2**64 - 1), max_size=20), max_size=4), st.integers(1, 70))
def test_rows_are_put_in_the_order_of_partitions(pieces: list[list[int]], partitions: int) -> None:
    arrays = [np.array(piece, np.uint64) for piece in pieces]
    columns, bounds = scatter(
        [[hashes, np.arange(len(hashes)).astype(np.uint64)] for hashes in arrays]
        or [[arr] * 2 for arr in [np.empty(0, np.uint64)]],
        partitions,
    )
    rows = [(value, number) for piece in pieces for number, value in enumerate(piece)]
    ordered = sorted(rows, key=lambda row: (row[0] >> 32) * partitions >> 32)
    assert list(zip(*(column.tolist() for column in columns), strict=True)) == ordered
    counts = Counter((value >> 32) * partitions >> 32 for value, _ in rows)
    assert np.diff(bounds).tolist() == [counts[number] for number in range(partitions)]


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 40), st.integers(0, 1), st.integers(0, 5)), max_size=80),
    st.integers(0, 3),
)
def test_the_first_of_each_window_stays(rows: list[tuple[int, int, int, int]], over: int) -> None:
    """Rows: split, hash, check, order; the place is the number of the row."""
    batches = [[(*row[1:], place) for place, row in enumerate(rows) if row[0] == split] for split in range(4)]
    occurrences = [Occurrences(*np.array(batch, np.uint64).reshape(-1, 4).T.copy()) for batch in batches]
    firsts = Firsts(len(rows))
    for batch in occurrences:
        firsts.see(batch.hashes)
    for split, batch in enumerate(occurrences):
        firsts.note(batch, split)
    known: dict[tuple[int, int], list[tuple[int, int, int]]] = {}
    for place, (split, hashed, check, order) in enumerate(rows):
        known.setdefault((hashed, check), []).append((order, place, split))
    for split, batch in enumerate(occurrences):
        found, slots = firsts.copies(batch, split, Rule(over=np.uint64(over)))
        expected = []
        for number, (hashed, check, order, place) in enumerate(batches[split]):
            copies = sorted(known[hashed, check])
            if len(copies) > over if over else copies[0] != (order, place, split):
                expected.append((number, copies[0][2], copies[0][1]))
        first_splits, first_places = firsts.first(slots)
        assert list(zip(found.tolist(), first_splits.tolist(), first_places.tolist(), strict=True)) == expected


def test_a_table_grows_with_the_windows_that_repeat() -> None:
    count = 20_000
    hashes = np.repeat(np.random.default_rng(0).integers(0, 2**64, count, np.uint64), 3)
    places = np.arange(3 * count, dtype=np.uint64)
    batch = Occurrences(hashes, np.zeros(3 * count, np.uint64), places[::-1].copy(), places)
    firsts = Firsts(3 * count)
    firsts.see(hashes)
    firsts.note(batch, 0)
    found, slots = firsts.copies(batch, 0)
    assert found.tolist() == [number for number in range(3 * count) if number % 3 != 2]
    assert (firsts.first(slots)[1] == found - found % 3 + 2).all()


# runs and ranges


def test_copies_in_a_row_of_windows_in_a_row_are_one_run() -> None:
    places = np.array([7, 5, 6, 9, 10, 1 << 32, 11], np.uint64)
    splits = np.array([0, 0, 0, 1, 1, 1, 2], np.uint32)
    firsts = np.array([102, 100, 101, 50, 51, 52, 52], np.uint64)
    runs = merge_runs(places, splits, firsts)
    assert runs.places.tolist() == [5, 9, 11, 1 << 32]
    assert runs.lengths.tolist() == [3, 2, 1, 1]
    assert runs.first_splits.tolist() == [0, 1, 2, 1]
    assert runs.first_places.tolist() == [100, 50, 52, 52]
    assert merge_runs(places[:0], splits[:0], firsts[:0]).places.size == 0


def test_spans_are_compared_byte_by_byte() -> None:
    left, right = np.frombuffer(b"abcdef", np.uint8), np.frombuffer(b"xabcxf", np.uint8)
    spans = [(0, 3, 1, 4), (0, 3, 1, 5), (0, 4, 1, 5), (2, 2, 0, 0), (5, 6, 5, 6)]
    columns = [np.array(column) for column in zip(*spans, strict=True)]
    assert equal_spans(left, *columns[:2], right, *columns[2:]).tolist() == [True, False, False, True, True]
    with pytest.raises(ValueError, match="outside"):
        equal_spans(left, np.array([0]), np.array([7]), right, np.array([0]), np.array([7]))


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 12), st.integers(0, 12)), max_size=12))
def test_ranges_are_merged_and_texts_without_a_word_left_lose_all(ranges: list[tuple[int, int, int]]) -> None:
    documents = ["ab, cd. ef!!!", "", "中文, 文 中."]
    texts = texts_of("before", *documents, "after").rows(1, 4)
    lengths, bases = texts.lengths(), texts.offsets[:-1]
    clipped = [(row, min(start, lengths[row]), min(end, lengths[row])) for row, start, end in ranges]
    columns = [np.array([one[column] for one in clipped], np.int64) for column in range(3)]
    found = byte_ranges(texts, columns[0], bases[columns[0]] + columns[1], bases[columns[0]] + columns[2])
    data, offsets = cut(texts, found.starts, found.ends, found.offsets)
    assert (found.ends > found.starts).all()
    assert found.exact.all()
    for row, text in enumerate(documents):
        lost = {place for one, start, end in clipped if one == row for place in range(start, end)}
        left = bytes(byte for place, byte in enumerate(text.encode()) if place not in lost)
        starts = {len(text[: text.index(word)].encode()) for word in unicode_words(text)}
        expected = b"" if lost and starts <= lost and unicode_words(text) else left
        got = data[offsets[row] : offsets[row + 1]].tobytes()
        if len(set(unicode_words(text))) == len(unicode_words(text)):  # `index` finds each word
            assert got == expected
