"""Merging counts, their partitions, rare words, counts from elsewhere, and files of counts."""

import collections
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpuskit import manifest
from corpuskit.errors import ArtifactError, CorruptArtifact, InputError
from corpuskit.tokenization.counts import WordCounts, cut_rare, files, from_columns, merge, partition
from corpuskit.tokenization.counts.merging import Cut

GREATEST = 2**63 - 1

mappings = st.dictionaries(
    st.binary(min_size=1, max_size=20) | st.sampled_from([b"a", b"b", b"a longer word, which lies in the store"]),
    st.integers(1, 1000) | st.integers(2**31 - 2, 2**33),
    max_size=20,
)


def plain(counts: WordCounts) -> dict[bytes, int]:
    return dict(zip(counts.words.to_pylist(), counts.counts.tolist(), strict=True))


def make(**counts: int) -> WordCounts:
    return WordCounts.from_mapping(counts)


@settings(deadline=None)
@given(st.lists(mappings, max_size=5), st.randoms())
def test_merge_in_any_order(mapped: list[dict[bytes, int]], random: object) -> None:
    expected: collections.Counter[bytes] = collections.Counter()
    for mapping in mapped:
        expected.update(mapping)
    counted = [WordCounts.from_mapping(mapping) for mapping in mapped]
    random.shuffle(counted)  # type: ignore[attr-defined]
    merged = merge(counted)
    assert plain(merged) == expected
    assert merged.words.to_pylist() == sorted(expected)


@settings(deadline=None)
@given(mappings, mappings, st.integers(1, 5))
def test_merge_by_partition(one: dict[bytes, int], other: dict[bytes, int], number: int) -> None:
    counted = [WordCounts.from_mapping(mapping) for mapping in (one, other)]
    parts = [partition(counts, number) for counts in counted]
    merged = [merge(part[k] for part in parts) for k in range(number)]
    assert [part.words.to_pylist() for part in merged] == [sorted(part.words.to_pylist()) for part in merged]
    assert plain(merge(merged)) == plain(merge(counted))
    assert sum(map(len, merged)) == len(merge(counted))


def test_slices_of_words() -> None:
    counts = make(a=1, b=2, c=3)
    part = WordCounts(counts.words[1:], counts.counts[1:])
    assert plain(merge([part, part])) == {b"b": 4, b"c": 6}


def test_counts_beyond_32_bits_and_overflow() -> None:
    assert plain(merge([make(a=2**40), make(a=2**40, b=1)])) == {b"a": 2**41, b"b": 1}
    assert plain(merge([make(a=GREATEST - 1), make(a=1)])) == {b"a": GREATEST}
    assert make(a=GREATEST, b=GREATEST).total == 2 * GREATEST
    for more in (make(a=1), make(b=1)):
        with pytest.raises(InputError, match=r"9,223,372,036,854,775,808 occurrences of words do not fit into 64 bits"):
            merge([make(a=GREATEST), more])


def test_words_longer_than_those_of_texts_are_merged_whole() -> None:
    long = b"x" * 100_000
    assert plain(merge([WordCounts.from_mapping({long: 3}), WordCounts.from_mapping({long: 4})])) == {long: 7}


def test_cut_rare() -> None:
    counts = make(a=1, b=5, c=4, d=5)
    kept, cut = cut_rare(counts, 5)
    assert plain(kept) == {b"b": 5, b"d": 5}
    assert cut == Cut(minimum=5, words=2, occurrences=5, of_words=4, of_occurrences=15)
    assert str(cut) == "2 of 4 words occur fewer than 5 times: 5 of 15 occurrences are left out"
    kept, cut = cut_rare(counts, 1)
    assert plain(kept) == plain(counts)
    assert (cut.words, cut.occurrences) == (0, 0)
    assert len(cut_rare(make(), 7)[0]) == 0
    with pytest.raises(InputError, match="minimum count 6 leaves no word: the commonest of 4 occurs 5 times"):
        cut_rare(counts, 6)


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.binary(), pa.large_binary()])
@pytest.mark.parametrize("number", [pa.int64(), pa.uint8(), pa.int32(), pa.uint64()])
def test_from_columns(kind: pa.DataType, number: pa.DataType) -> None:
    words = pa.chunked_array([pa.array(["b", "é"], kind), pa.array(["a", "b"], kind)])
    counts = pa.chunked_array([pa.array([1, 2], number), pa.array([3, 4], number)])
    assert plain(from_columns(words, counts)) == {b"a": 3, b"b": 5, "é".encode(): 2}


@pytest.mark.parametrize(
    ("words", "counts", "message"),
    [
        (pa.array(["a", None]), pa.array([1, 2]), "1 of 2 words are null"),
        (pa.array(["a", ""]), pa.array([1, 2]), "1 of 2 words are empty"),
        (pa.array([b"\xff"]), pa.array([1]), "words must be UTF-8"),
        (pa.array([[1]]), pa.array([1]), "words must be UTF-8 in a column of strings"),
        (pa.array(["a"]), pa.array([0]), "counts must be 1 or more, not 0"),
        (pa.array(["a"]), pa.array([-3]), "counts must be 1 or more, not -3"),
        (pa.array(["a"]), pa.array([1.5]), "counts must be integers, not double"),
        (pa.array(["a"]), pa.array([None], pa.int64()), "1 of 1 counts are null"),
        (pa.array(["a"]), pa.array([2**63], pa.uint64()), "must fit into 64 bits"),
    ],
)
def test_columns_that_are_refused(words: pa.Array, counts: pa.Array, message: str) -> None:
    with pytest.raises(InputError, match=message):
        from_columns(words, counts)


def test_files(tmp_path: Path) -> None:
    path = str(tmp_path / "counts.arrow")
    counts = WordCounts.from_mapping({"a": 1, " b\n": 2**40, "\0": 3})
    entry = files.write(path, counts, {"pretokenizer": "gpt2"})
    assert entry == manifest.file_entry(path)
    found = files.read(path)
    assert plain(found) == plain(counts)
    assert found.words.equals(counts.words)
    assert files.about(path) == {"pretokenizer": "gpt2"}
    assert plain(merge([found, files.read(path)]))[b"a"] == 2


def test_a_file_of_no_words(tmp_path: Path) -> None:
    path = str(tmp_path / "counts.arrow")
    files.write(path, make(), {})
    assert len(files.read(path)) == 0
    assert len(merge([files.read(path)])) == 0


def test_same_counts_same_bytes(tmp_path: Path) -> None:
    entries = [
        files.write(str(tmp_path / f"{k}.arrow"), merge(partition(make(a=1, b=2, c=9), k)), {}) for k in (1, 2, 7)
    ]
    assert entries[0] == entries[1] == entries[2]


def test_files_that_are_none(tmp_path: Path) -> None:
    path = tmp_path / "counts.arrow"
    with pytest.raises(InputError, match=r"counts\.arrow"):
        files.read(str(path))
    path.write_bytes(b"no Arrow file")
    with pytest.raises(ArtifactError, match="not a file of counts"):
        files.read(str(path))
    with pa.ipc.new_file(str(path), pa.schema({"word": pa.string()})):
        pass
    with pytest.raises(ArtifactError, match=r"not a file of counts that corpuskit wrote; its columns are \['word'\]"):
        files.read(str(path))


def test_files_that_do_not_hold_what_they_say(tmp_path: Path) -> None:
    path = str(tmp_path / "counts.arrow")
    files.write(path, make(a=1, b=2), {})
    schema = pa.ipc.open_file(path).schema
    with pa.ipc.new_file(path, schema) as writer:
        writer.write_batch(files.to_batch(make(a=1, b=3)).replace_schema_metadata(schema.metadata))
    with pytest.raises(CorruptArtifact, match="2 words and 4 occurrences, but it says 2 and 3"):
        files.read(path)
    newer = schema.with_metadata({files.ABOUT: b'{"format_version": 99}'})
    with pa.ipc.new_file(path, newer) as writer:
        writer.write_batch(files.to_batch(make(a=1)))
    with pytest.raises(ArtifactError, match="version 99 of the format; this corpuskit reads 1"):
        files.read(path)


def test_batches_of_exchange_files() -> None:
    counts = make(a=1, b=2)
    assert plain(files.from_batch(files.to_batch(counts))) == plain(counts)
    assert files.to_batch(make()).num_rows == 0
    assert np.array_equal(files.from_batch(files.to_batch(counts)).counts, counts.counts)
