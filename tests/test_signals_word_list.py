import unicodedata
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from test_signals import slow_unicode_words

from corpuskit.errors import InputError
from corpuskit.kernels import Texts
from corpuskit.signals.word_list import WORD_LIST, WordListConfig, fold, identity, measure


def counted(batch: list[str | None], **files: Path) -> dict[str, list[int]]:
    config = WordListConfig(lists={name: str(path) for name, path in files.items()})
    values = measure(Texts.from_arrow(pa.array(batch, pa.large_string())), config)
    assert list(values) == list(WORD_LIST.columns(config))
    assert all(array.dtype == np.int32 for array in values.values())
    return {name: array.tolist() for name, array in values.items()}


@pytest.fixture
def lists(tmp_path: Path) -> Path:
    """A folder whose file `list` a test writes."""
    return tmp_path / "list"


# slow and obvious definitions


def slow_fold(text: str) -> str:
    folded = ""
    for character in text:
        word = unicodedata.category(character)[0] in "LM"
        decomposed = unicodedata.normalize("NFD", unicodedata.normalize("NFD", character).casefold())
        folded += decomposed if word else character
    return folded


def slow_words(text: str) -> tuple[str, ...]:
    return tuple(slow_unicode_words(slow_fold(text)))


def slow_count(text: str, phrases: list[str]) -> int:
    words = slow_words(text)
    wanted = {slow_words(phrase) for phrase in phrases} - {()}
    ends = range(len(words) + 1)
    return sum(words[start:end] in wanted for end in ends for start in range(end))


PIECES = st.sampled_from("bad Bad BAD word straße STRASSE é e\u0301 É 我 们 ΣΑΣ σας".split())  # noqa: SIM905
SEPARATORS = st.sampled_from([" ", " ", "", ", ", "\n", "'", "≠", "\u0301", "’"])
TEXTS = st.one_of(
    st.lists(st.tuples(PIECES, SEPARATORS), max_size=12).map(lambda pairs: "".join(map("".join, pairs))),
    st.text(max_size=30),
)
PHRASES = TEXTS.map(lambda text: " ".join(text.split())).filter(lambda text: slow_words(text) and text[0] != "#")


@settings(max_examples=200, deadline=None)
@given(st.lists(TEXTS, max_size=5), st.lists(PHRASES, min_size=1, max_size=6))
def test_occurrences_are_those_of_the_slow_definition(batch: list[str], phrases: list[str]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "list"
        path.write_text("\n".join(phrases))
        found = counted([*batch, " ".join(phrases)], list=path)["list"]
    assert found == [slow_count(text, phrases) for text in [*batch, " ".join(phrases)]]
    assert found[-1] >= len({slow_words(phrase) for phrase in phrases})


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text(max_size=40), max_size=6), st.integers(0, 6), st.integers(0, 6))
def test_folding(batch: list[str], start: int, length: int) -> None:
    texts = Texts.from_arrow(pa.array(["É", *batch], pa.string()).slice(1).slice(start, length))
    folded = fold(texts)
    data = folded.data.tobytes()
    bounds = folded.offsets.tolist()
    found = [data[bounds[i] : bounds[i + 1]].decode() for i in range(len(folded))]
    assert found == [slow_fold(text) for text in batch[start : start + length]]


def test_folding_keeps_the_words_of_every_character() -> None:
    """A character is as many words after folding as before, so that text and phrases are cut alike."""
    characters = [chr(code) for code in [*range(0xD800), *range(0xE000, 0x30000)]]
    texts = [f"a{character}b" for character in characters if unicodedata.category(character)[0] in "LMNS"]
    column = Texts.from_arrow(pa.array(texts, pa.large_string()))
    before, after = column.words("unicode").counts(), fold(column).words("unicode").counts()
    grown = [text for text, more in zip(texts, after != before, strict=True) if more]
    assert grown == []


def test_by_hand(lists: Path) -> None:
    lists.write_text("\ufeff# bad words\n\nbad  word\nWord\n  Straße \n我们\ndon't\n🖕\n!!!\n")
    batch = ["A BAD, word? BAD WORDS", "STRASSE, straße strasse", "我们的", "DON’T don t dont", "", None, "🖕 !!!"]
    assert counted(batch, bad=lists) == {"bad": [2, 3, 1, 2, 0, 0, 0]}
    lists.write_text("a a\na\n")
    assert counted(["a a a", "A", "á"], x=lists) == {"x": [5, 1, 0]}


def test_lists_do_not_share_their_phrases(lists: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    lists.write_text("one\ntwo\n")
    other.write_text("two\r\nthree\r\n")
    assert counted(["one two two three"], first=lists, second=other) == {"first": [3], "second": [3]}
    assert counted([]) == {}
    assert measure(Texts.from_arrow(pa.array(["a"])), WordListConfig()) == {}


def test_a_list_that_changes_is_read_again(lists: Path) -> None:
    lists.write_text("one")
    config = WordListConfig(lists={"list": str(lists)})
    before = identity(config)
    assert counted(["one two"], list=lists) == {"list": [1]}
    lists.write_text("one\ntwo")
    assert counted(["one two"], list=lists) == {"list": [2]}
    assert identity(config) != before
    moved = lists.rename(lists.with_name("moved"))
    assert identity(WordListConfig(lists={"list": str(moved)})) == identity(WordListConfig(lists={"list": str(moved)}))
    moved.write_text("one")
    assert identity(WordListConfig(lists={"list": str(moved)})) == before


def test_huge_texts(lists: Path) -> None:
    lists.write_text(" ".join(["a"] * 20) + "\nb\n")
    text = "a " * 20_000 + "b" * 100_000 + " B"
    assert counted([text, "b"], list=lists) == {"list": [20_000 - 19 + 1, 1]}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "word_lists.bad: .*nothing"),
        (b"caf\xe9\n", "word_lists.bad: .*not UTF-8 at byte 3; expected one phrase a line in UTF-8"),
        (b"# only this\n\n!!!\n", "word_lists.bad: .*no phrase in it; expected one a line"),
    ],
)
def test_a_list_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "nothing"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        counted(["a"], bad=path)


def test_a_folder_instead_of_a_list_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"word_lists\.bad: .*directory"):
        identity(WordListConfig(lists={"bad": str(tmp_path)}))


@pytest.mark.parametrize("name", ["1st", "a.b", "", "a b", "a-b"])
def test_names_are_those_of_columns(name: str) -> None:
    with pytest.raises(ValidationError):
        WordListConfig(lists={name: "file"})
