"""Batches over Arrow columns, hashes and span copies."""

import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest
import xxhash
from hypothesis import given, settings
from hypothesis import strategies as st

from corpuskit.kernels import Texts, compiling, gather_spans, hash_spans, kernel
from corpuskit.kernels.hashing import hash_span


def documents(texts: Texts) -> list[str]:
    return [texts.data[a:b].tobytes().decode() for a, b in zip(texts.offsets[:-1], texts.offsets[1:], strict=True)]


VALUES = st.lists(st.none() | st.text(max_size=20), max_size=10)


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string()])
@given(values=VALUES, start=st.integers(0, 10), length=st.integers(0, 10))
@settings(deadline=None)
def test_from_arrow_reads_slices_nulls_and_both_types(
    kind: pa.DataType, values: list[str | None], start: int, length: int
) -> None:
    array = pa.array(values, kind).slice(min(start, len(values)), length)
    expected = [value or "" for value in values[start : start + length]]
    assert documents(Texts.from_arrow(array)) == expected


@given(st.lists(VALUES, max_size=4))
@settings(deadline=None)
def test_from_arrow_joins_chunks(chunks: list[list[str | None]]) -> None:
    column = pa.chunked_array([pa.array(chunk, pa.string()) for chunk in chunks], pa.string())
    assert documents(Texts.from_arrow(column)) == [value or "" for chunk in chunks for value in chunk]


def test_a_null_with_bytes_under_it_is_empty() -> None:
    valid = pa.py_buffer(b"\x05")
    offsets, data = pa.py_buffer(np.array([0, 1, 3, 4], np.int32)), pa.py_buffer(b"aXXb")
    array = pa.StringArray.from_buffers(3, offsets, data, valid)
    assert documents(Texts.from_arrow(array)) == ["a", "", "b"]


def test_from_arrow_shares_memory() -> None:
    array = pa.array(["some", "text"], pa.large_string())
    texts = Texts.from_arrow(array)
    assert texts.data.ctypes.data == array.buffers()[2].address
    assert texts.offsets.ctypes.data == array.buffers()[1].address
    assert not texts.data.flags.writeable


@pytest.mark.parametrize("column", [pa.array([1]), pa.array([b"a"]), pa.array([], pa.null())])
def test_from_arrow_refuses_what_is_no_text(column: pa.Array) -> None:
    with pytest.raises(TypeError, match="string or large_string"):
        Texts.from_arrow(column)


@pytest.mark.parametrize("offsets", [[], [-1, 2], [0, 9], [0, 2, 1]])
def test_bad_offsets_are_refused(offsets: list[int]) -> None:
    with pytest.raises(ValueError, match="offsets"):
        Texts(np.zeros(3, np.uint8), np.array(offsets, np.int64))


def test_text_hashes_are_xxh3_128() -> None:
    values = ["", "a", "same", "same", "long " * 100]
    hashes = Texts.from_arrow(pa.array(values)).hashes()
    assert [row.tobytes() for row in hashes] == [xxhash.xxh3_128_digest(value.encode()) for value in values]
    assert Texts.from_arrow(pa.array([], pa.string())).hashes().shape == (0, 16)


@given(st.lists(st.binary(max_size=40), max_size=12), st.integers(0, 30))
@settings(deadline=None)
def test_span_hashes_depend_on_the_bytes_alone(values: list[bytes], shift: int) -> None:
    """Wherever a span lies, near the end of the data or not, its hash is the same."""
    bounds = np.cumsum([shift, *map(len, values)])
    packed = np.frombuffer(b"\xff" * shift + b"".join(values), np.uint8)
    alone = [hash_spans(np.frombuffer(v, np.uint8), np.array([0]), np.array([len(v)]))[0] for v in values]
    assert hash_spans(packed, bounds[:-1], bounds[1:]).tolist() == alone
    assert len(set(alone)) == len(set(values))


def test_hashes_never_change() -> None:
    """These numbers decide signatures and clusters on disk: change them only with the revisions of those steps."""
    data = np.frombuffer(b"The quick brown fox", np.uint8)
    starts, ends = np.array([0, 0, 4, 0]), np.array([0, 3, 9, 19])
    assert hash_spans(data, starts, ends).tolist() == GOLDEN
    assert hash_spans(data, starts, ends, seed=1).tolist() != GOLDEN


GOLDEN = [12541808378758357365, 13017092802641044323, 716522259347271013, 17037847533167475872]


@pytest.mark.parametrize("length", [2, 5, 8, 9, 16, 24])
def test_every_input_bit_changes_half_of_the_hash(length: int) -> None:
    generator = np.random.default_rng(length)
    values = generator.integers(0, 256, (2000, length), np.uint8)
    spans = np.arange(2000) * length
    before = hash_spans(values.reshape(-1), spans, spans + length)
    for bit in range(0, 8 * length, 3):
        flipped = values.copy()
        flipped[:, bit // 8] ^= 1 << bit % 8
        changed = before ^ hash_spans(flipped.reshape(-1), spans, spans + length)
        shares = np.unpackbits(changed.view(np.uint8).reshape(-1, 8), axis=1).mean(axis=0)
        assert shares.min() > 0.4
        assert shares.max() < 0.6


@pytest.mark.parametrize(("starts", "ends"), [([-1], [1]), ([0], [4]), ([2], [1]), ([0, 1], [1])])
def test_spans_outside_the_data_are_refused(starts: list[int], ends: list[int]) -> None:
    data = np.zeros(3, np.uint8)
    for function in (hash_spans, gather_spans):
        with pytest.raises(ValueError, match=r"span|starts"):
            function(data, np.array(starts), np.array(ends))


@given(st.binary(max_size=60), st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=10))
@settings(deadline=None)
def test_gather_spans_copies_bytes(data: bytes, pairs: list[tuple[int, int]]) -> None:
    spans = [(min(a, b, len(data)), min(max(a, b), len(data))) for a, b in pairs]
    starts, ends = np.array(spans, np.int64).reshape(-1, 2).T
    gathered, offsets = gather_spans(np.frombuffer(data, np.uint8), starts, ends)
    assert gathered.tobytes() == b"".join(data[a:b] for a, b in spans)
    assert np.diff(offsets).tolist() == [b - a for a, b in spans]


def test_kernels_compile_once_for_read_only_and_writable_input() -> None:
    from corpuskit.kernels.hashing import _hash_spans

    data = np.zeros(9, np.uint8)
    hash_spans(data, np.array([0]), np.array([3]))
    hash_spans(data[::2], [0], [3])
    hash_spans(np.frombuffer(b"abc", np.uint8), np.array([0], np.int32), np.array([3], np.uint8))
    assert len(_hash_spans.signatures) == 1


def test_the_cache_folder_is_named_by_the_sources(tmp_path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    compiling.cache_folder.cache_clear()
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    assert compiling.cache_folder() == tmp_path / f"numba-{compiling.source_hash()}"
    double = kernel(_double)
    assert double(3) == 6
    assert list(tmp_path.rglob("*.nbc"))
    compiling.cache_folder.cache_clear()
    (tmp_path / "file").touch()
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "file"))
    assert compiling.cache_folder() is None
    assert kernel(_double)(3) == 6
    compiling.cache_folder.cache_clear()


def _double(value: int) -> int:
    return value + value


def test_corpuskit_itself_imports_neither_numba_nor_numpy() -> None:
    code = "import sys, corpuskit; sys.exit(any(name in sys.modules for name in ('numba', 'numpy', 'pyarrow')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_hash_span_is_what_other_kernels_may_call() -> None:
    @kernel
    def first_byte(data):  # type: ignore[no-untyped-def]
        return hash_span(data, 0, 1, np.uint64(0))

    data = np.frombuffer(b"xyz", np.uint8)
    assert first_byte(data) == hash_spans(data, np.array([0]), np.array([1]))[0]
