"""Whole lines cut out of texts, found and taken out again."""

import itertools

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from corpuskit.kernels import Texts
from corpuskit.kernels.cuts import Cuts, cut, cuts

LINES = st.lists(st.sampled_from(["", "a", "b", "a longer line of text", "a longer line of taxt", "é\r", "你好"]))
PAIRS = st.lists(st.tuples(LINES, st.lists(st.booleans(), min_size=1)), max_size=6)


def batch(values: list[str]) -> Texts:
    return Texts.from_arrow(pa.array(values, pa.large_string()))


def decoded(data: np.ndarray, offsets: np.ndarray) -> list[str]:
    return [data[a:b].tobytes().decode() for a, b in itertools.pairwise(offsets)]


def cut_again(old: list[str], found: Cuts) -> list[str]:
    return decoded(*cut(batch(old), found.starts, found.ends, found.offsets))


def is_subsequence(lines: list[str], of: list[str]) -> bool:
    rest = iter(of)
    return all(line in rest for line in lines)


@given(PAIRS)
@settings(deadline=None)
def test_lines_taken_out_are_found(pairs: list[tuple[list[str], list[bool]]]) -> None:
    old = ["\n".join(lines) for lines, _ in pairs]
    new = ["\n".join(itertools.compress(lines, itertools.cycle(kept))) for lines, kept in pairs]
    found = cuts(batch(old), batch(new))
    assert found.exact.all()
    assert cut_again(old, found) == new


@given(st.lists(st.tuples(LINES, LINES), max_size=6))
@settings(deadline=None)
def test_exact_means_old_lines_in_their_order(pairs: list[tuple[list[str], list[str]]]) -> None:
    old, new = (["\n".join(lines) for lines in side] for side in zip(*pairs, strict=True)) if pairs else ([], [])
    found = cuts(batch(old), batch(new))
    expected = [not b or is_subsequence(b.split("\n"), a.split("\n")) for a, b in zip(old, new, strict=True)]
    assert found.exact.tolist() == expected
    given_back = cut_again(old, found)
    assert given_back == [b if good else a for a, b, good in zip(old, new, expected, strict=True)]


@given(LINES, st.lists(st.booleans(), min_size=1))
@example(["", "a", "", ""], [True, False])
@settings(deadline=None)
def test_ranges_ascend_and_are_of_whole_lines(lines: list[str], kept: list[bool]) -> None:
    old, new = "\n".join(lines).encode(), "\n".join(itertools.compress(lines, itertools.cycle(kept))).encode()
    found = cuts(batch([old.decode()]), batch([new.decode()]))
    ranges = list(zip(found.starts.tolist(), found.ends.tolist(), strict=True))
    assert all(start < end for start, end in ranges)
    assert all(end <= start for (_, end), (start, _) in itertools.pairwise(ranges))
    for start, end in ranges:
        whole_lines = (not start or old[start - 1 : start] == b"\n") and old[end - 1 : end] == b"\n"
        assert whole_lines or end == len(old)


@pytest.mark.parametrize(
    ("old", "new", "ranges"),
    [
        ("", "", []),
        ("a", "a", []),
        ("a", "", [(0, 1)]),
        ("\n", "", [(0, 1)]),
        ("a\nb\nc", "a\nc", [(2, 4)]),
        ("a\nb\nc", "a\nb", [(3, 5)]),
        ("a\nb\nc", "b", [(0, 2), (3, 5)]),
        ("a\n\n\nb", "a\n\nb", [(3, 4)]),
        ("a\nb\n", "a\nb", [(3, 4)]),
        ("x\nx\nx", "x", [(1, 5)]),
        ("a\nb", "a b", None),
        ("a\nb", "b\na", None),
        ("a\nb ", "a\nb", None),
        ("", "a", None),
        ("a", "a\na", None),
        ("café\n你好", "你好", [(0, 6)]),
    ],
)
def test_ranges(old: str, new: str, ranges: list[tuple[int, int]] | None) -> None:
    found = cuts(batch(["before\nit", old]), batch(["it", new]))
    assert found.exact.tolist() == [True, ranges is not None]
    assert list(zip(found.starts[1:].tolist(), found.ends[1:].tolist(), strict=True)) == (ranges or [])


def test_ranges_count_from_their_document_in_any_batch() -> None:
    values = pa.array(["first\nsecond", "a\nb\nc", "last"], pa.large_string()).slice(1, 2)
    old = Texts.from_arrow(values)
    found = cuts(old, batch(["a\nc", "last"]))
    assert (found.starts.tolist(), found.ends.tolist(), found.offsets.tolist()) == ([2], [4], [0, 1, 1])
    assert decoded(*cut(old, found.starts, found.ends, found.offsets)) == ["a\nc", "last"]


def test_a_huge_text_and_no_text() -> None:
    lines = [f"line {number}" for number in range(200_000)]
    old, new = "\n".join(lines), "\n".join(lines[::2])
    found = cuts(batch([old]), batch([new]))
    assert found.exact.all()
    assert found.starts.size == 100_000
    assert cut_again([old], found) == [new]
    assert cuts(batch([]), batch([])).offsets.tolist() == [0]
    assert cut_again([], cuts(batch([]), batch([]))) == []


def test_batches_of_other_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="2 old texts, but 1 new"):
        cuts(batch(["a", "b"]), batch(["a"]))


@pytest.mark.parametrize(
    ("starts", "ends", "offsets"),
    [
        ([0], [4], [0, 1, 1]),  # past the first document's end, though not past the data's
        ([-1], [1], [0, 0, 1]),  # before the second document's start
        ([2], [1], [0, 1, 1]),
        ([0, 1], [2, 3], [0, 2, 2]),  # overlap
        ([1, 0], [2, 1], [0, 2, 2]),  # out of order
        ([0], [1], [0, 0, 0]),
        ([0], [1], [0, 1]),
        ([0], [1], [0, 2, 1]),
    ],
)
def test_ranges_that_do_not_fit_are_refused(starts: list[int], ends: list[int], offsets: list[int]) -> None:
    with pytest.raises(ValueError, match=r"range|span"):
        cut(batch(["abc", "def"]), *(np.array(values, np.int64) for values in (starts, ends, offsets)))
