"""Lower case: every code point, texts of any script, and what lies around a text."""

import itertools

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from corpuskit.kernels import Texts
from corpuskit.kernels.casing import lowered

MIXED = st.lists(
    st.text(st.sampled_from("aZ [@`{ÀéßẞİıȺⱥΣςÅ中あ!😀𐐀\n") | st.characters(codec="utf-8"), max_size=40), max_size=6
)


def slowly(text: str) -> str:
    """The simple mapping; only the capital I with a dot has a longer `str.lower()`."""
    return "".join(character.lower()[0] for character in text)


def lower(texts: list[str]) -> list[str]:
    found = lowered(Texts.from_arrow(pa.array(texts, pa.large_string())))
    data, offsets = found.data.tobytes(), found.offsets.tolist()
    return [data[start:stop].decode() for start, stop in itertools.pairwise(offsets)]


def test_every_code_point() -> None:
    everything = [chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000]
    longer = [character for character in everything if len(character.lower()) > 1]
    assert longer == ["İ"]
    assert lower(everything) == [slowly(character) for character in everything]


@given(MIXED)
def test_texts(texts: list[str]) -> None:
    assert lower(texts) == [slowly(text) for text in texts]


@given(st.binary(max_size=60), st.integers(0, 20), st.integers(0, 20))
def test_bytes_that_are_no_text_stay_within_bounds(data: bytes, first: int, length: int) -> None:
    array = np.frombuffer(data, np.uint8)
    start, stop = min(first, len(data)), min(first + length, len(data))
    alone = lowered(Texts(array[start:stop], np.array([0, stop - start])))
    inside = lowered(Texts(array, np.array([start, stop])))
    assert inside.data.tobytes() == alone.data.tobytes()
    assert len(inside.data) <= 1.5 * (stop - start)


def test_no_texts() -> None:
    assert lower([]) == []
    assert lower(["", ""]) == ["", ""]
