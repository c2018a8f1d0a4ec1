"""The line scan, and the breaks of `str.splitlines()`."""

import gc
import weakref

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpuskit.kernels import Texts, fixed, hash_spans, kernel
from corpuskit.kernels.blocks import padded
from corpuskit.kernels.breaks import find_break, has_break
from corpuskit.kernels.hash_tables import SMALL_TABLE

PIECES = st.sampled_from(
    ["\n", "\r", "\r\n", "\v", "\f", "\x1c", "\x1d", "\x1e", "\x1f", "\x85", "\u2028", "\u2029", "\u2027", "\xa0"]
) | st.sampled_from(
    ["a", "é", "你", "𝔘", "", "some longer line of text, of sixty-four characters or somewhat more", " ", "\n"]
)
TEXTS = st.lists(st.lists(PIECES, max_size=30).map("".join) | st.text(max_size=100), max_size=5)


def batch(texts: list[str]) -> Texts:
    return Texts.from_arrow(pa.array(["not in it\n", *texts, "\x85neither"], pa.large_string()).slice(1, len(texts)))


@given(TEXTS)
@settings(deadline=None)
def test_lines(texts: list[str]) -> None:
    lines = batch(texts).lines()
    expected = [line for text in texts for line in text.split("\n")]
    spans = zip(lines.starts, lines.ends, strict=True)
    assert [lines.data[start:end].tobytes().decode() for start, end in spans] == expected
    assert lines.counts().tolist() == [len(text.split("\n")) for text in texts]
    assert lines.characters().tolist() == list(map(len, expected))
    repeats = [line in text.split("\n")[:place] for text in texts for place, line in enumerate(text.split("\n"))]
    assert lines.repeats().tolist() == repeats
    assert lines.repeats() is lines.repeats()
    assert not lines.characters().flags.writeable


def test_lines_of_no_text() -> None:
    lines = batch([]).lines()
    assert (len(lines), lines.characters().size, lines.repeats().size) == (0, 0, 0)


def test_repeats_among_many_lines() -> None:
    """More than the small table holds, which is tried first."""
    numbers = np.random.default_rng(0).integers(0, 40_000, 60_000).astype(str).tolist()
    first = set(np.unique(numbers, return_index=True)[1].tolist())
    assert len(first) > SMALL_TABLE
    lines = batch(["7\n8", "\n".join(numbers), "7\n7"]).lines()
    assert lines.repeats().tolist() == [False] * 2 + [n not in first for n in range(60_000)] + [False, True]


@given(TEXTS)
@settings(deadline=None)
def test_stripped_lines(texts: list[str]) -> None:
    lines = batch(texts).lines().stripped()
    expected = [line.strip() for text in texts for line in text.split("\n")]
    spans = zip(lines.starts, lines.ends, strict=True)
    assert [lines.data[start:end].tobytes().decode() for start, end in spans] == expected
    assert lines.characters().tolist() == list(map(len, expected))
    assert lines.hashes().tolist() == hash_spans(lines.data, lines.starts, lines.ends).tolist()
    for document, text in enumerate(texts):
        split = [line.strip() for line in text.split("\n")]
        repeats = lines.repeats()[lines.offsets[document] : lines.offsets[document + 1]]
        assert repeats.tolist() == [line in split[:place] for place, line in enumerate(split)]


@pytest.mark.parametrize("text", ["a b\n\nc", " a\nb", "a\n ", "a\u3000"])
def test_stripped_lines_are_freed_with_the_lines(text: str) -> None:
    """They refer to each other in one direction at most: garbage collection would come too late for large batches."""
    lines = batch([text]).lines()
    stripped = lines.stripped()
    assert (stripped is lines) == (text == "a b\n\nc")
    assert lines.stripped() is stripped
    alive = weakref.ref(lines), weakref.ref(stripped)
    gc.disable()
    try:
        del lines, stripped
        assert [reference() for reference in alive] == [None, None]
    finally:
        gc.enable()


@kernel
def split_lines(data, start, stop, starts, ends):  # type: ignore[no-untyped-def]
    """The lines of `data[start:stop]`, and whether it has a break other than a line feed or CR LF."""
    count = 0
    position = start
    while position < stop:
        starts[count] = position
        ends[count], position = find_break(data, position, stop)
        count += 1
    return count, has_break(data, start, stop, stop)


@given(st.lists(PIECES, max_size=40).map("".join), st.integers(0, 70))
@settings(deadline=None)
def test_breaks_are_those_of_splitlines(text: str, blanks: int) -> None:
    before, after = b" " * blanks, b"\n\x85"  # what follows the text is none of it
    encoded = text.encode()
    data = padded(fixed(np.frombuffer(before + encoded + after, np.uint8), np.uint8))
    starts, ends = np.zeros((2, len(encoded) + 1), np.int64)
    count, other = split_lines(data, blanks, blanks + len(encoded), starts, ends)
    found = [data[a:b].tobytes().decode() for a, b in zip(starts[:count], ends[:count], strict=True)]
    assert found == text.splitlines()
    rest = text.replace("\r\n", "").replace("\n", "")
    assert other == (len(rest.splitlines()) > 1 or rest.splitlines() != [rest] * bool(rest))


@pytest.mark.parametrize("size", [0, 1, 63, 66, 67, 68, 200])
def test_padding_adds_what_is_missing(size: int) -> None:
    data = fixed(np.arange(size) % 7 + 1, np.uint8)
    longer = padded(data)
    assert longer[:size].tolist() == data.tolist()
    assert not longer[size:].any()
    assert longer.size >= 67
    assert (longer is data) == (size >= 67)


def test_lines_at_every_place_of_a_block() -> None:
    """Short data is copied, and the last block of longer data begins before the span that is read."""
    for size in range(1, 200):
        text = "x" * (size - 1) + "\n"
        assert Texts.from_arrow(pa.array([text])).lines().ends.tolist() == [size - 1, size]
        assert Texts.from_arrow(pa.array([text, "é" * 3])).lines().characters().tolist() == [size - 1, 0, 3]
