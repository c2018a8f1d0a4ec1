"""The cleaner `mojibake` against ftfy, and its automata against `re`."""

import re
import sys

import ftfy
import ftfy.badness
import pytest
from characters import BATCH, ENCODINGS, by_ftfy, clean, column, spoil
from hypothesis import example, given, settings
from hypothesis import strategies as st

from corpuskit.clean import automaton, mojibake
from corpuskit.clean.mojibake import MOJIBAKE
from corpuskit.errors import MissingExtra
from corpuskit.kernels import Texts


def segments(text: str) -> list[str]:
    lines = re.findall(r"[^\n]*\n|[^\n]+", text)
    size = mojibake.LONGEST
    return [line[start : start + size] for line in lines for start in range(0, len(line), size)]


@given(BATCH)
@example(
    ["sÃ³\nplain\nvoilÃ  le travail", "œ\n", "œ", "Â\x85", "â€\ufffd", "Ã\xa0 \n" * 3, "\xed\xa0\x80 Ã³", "Ã\x80\x80"]
)
@settings(max_examples=400, deadline=None)
def test_mojibake_finds_and_repairs_the_lines_that_ftfy_does(batch: list[str]) -> None:
    texts = Texts.from_arrow(column(batch))
    found = [texts.data[start:end].tobytes().decode() for _, start, end in mojibake.suspicious(texts)]
    assert found == [line for text in batch for line in segments(text) if ftfy.badness.is_bad(line)]
    new, counts = clean(MOJIBAKE, batch)
    assert new == [by_ftfy(text) for text in batch]
    assert new == ["".join(map(ftfy.fix_encoding, segments(text))) for text in batch]
    assert counts["mojibake"] == [sum(ftfy.fix_encoding(line) != line for line in segments(text)) for text in batch]


SAMPLES = (
    "“Curly” quotes — and naïve café, 20 € or £5… ½ °C",
    "Grüße aus Köln, die Straße",
    "Привет, мир! Ещё раз",
    "Ελληνικά κείμενα",
    "중국 한국어",
    "中文文本，标点。",
    "مرحبا بالعالم",
    "हिन्दी में",
    "Tiếng Việt",
    "emoji 😀 👩\u200d👩",
)


def test_mojibake_of_many_encodings_is_what_ftfy_makes_of_it() -> None:
    once = [spoil(text, encoding) for text in SAMPLES for encoding in ENCODINGS]
    twice = [spoil(text, encoding) for text in once for encoding in ENCODINGS[:4]]
    mixed = [f"{a}\n{b} {c}\n{a}" for a, b, c in zip(SAMPLES * 9, once, once[1:] + once[:1], strict=True)]
    batch = [*SAMPLES, *once, *twice, *mixed, "\n".join(once)]
    new, counts = clean(MOJIBAKE, batch)
    assert new == [by_ftfy(text) for text in batch]
    assert sum(new[len(SAMPLES) :].count(text) for text in SAMPLES) >= 20
    assert counts["mojibake"][: len(SAMPLES)] == [0] * len(SAMPLES)
    assert counts["mojibake"][-1] >= 20


def test_mojibake_lines_are_cut_where_they_are_too_long() -> None:
    size = mojibake.LONGEST
    batch = ["a" * (size - 1) + "Ã³", "中" * (size + 5) + "Ã³", "Â " + "x" * (size - 2) + "Â x", "é" * size + "\nÃ³"]
    new, _ = clean(MOJIBAKE, batch)
    assert new == [by_ftfy(text) for text in batch]
    assert new[3] == "é" * size + "\nó"


def test_more_suspicious_lines_than_there_is_room_for() -> None:
    text = "Ã³\n" * (mojibake.ROOM * 2 + 7)
    assert clean(MOJIBAKE, [text, "ok"]) == ([text.replace("Ã³", "ó"), "ok"], {"mojibake": [mojibake.ROOM * 2 + 7, 0]})


def test_without_ftfy_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ftfy", None)
    mojibake._fixer.cache_clear()
    with pytest.raises(MissingExtra, match=r"`mojibake` needs the package ftfy: pip install 'corpuskit\[web\]'"):
        MOJIBAKE.clean(column(["a"]), MOJIBAKE.config())


ATOMS = st.sampled_from(["a", "[ab]", "[^a]", r"\w", r"\s", ".", "[b-d]", r"[\xa0é]", "[ ]", "中", "[中\U0001f600]"])
PATTERN = st.lists(
    st.tuples(
        st.sampled_from(["", "^ "]), ATOMS, st.lists(ATOMS.flatmap(lambda a: st.sampled_from([a, a + "?"])), max_size=3)
    ),
    min_size=1,
    max_size=5,
).map(lambda found: "\n|\n".join(f"{start}{first} {' '.join(rest)} # note" for start, first, rest in found))


@given(PATTERN, st.lists(st.text("abd \né\xa0中😀_", max_size=12), max_size=10))
@settings(max_examples=40, deadline=None)
def test_automata_match_where_the_expression_does(pattern: str, batch: list[str]) -> None:
    pattern = re.sub(" # note", "", pattern)
    made = automaton.compile_automaton(pattern)
    expression = re.compile(pattern, re.VERBOSE)
    for text in batch:
        state = made.start
        for character in text:
            state = made.transitions[state + made.classes[ord(character)]]
        assert (state == automaton.ACCEPT) == bool(expression.search(text)), text


@pytest.mark.parametrize(
    "pattern", ["(a)", "a*", "a+", "a{2}", "a$", "?", "a(?=b)", r"\ba", r"\x41", "a^b", "a # note", "a?", "a|", ""]
)
def test_automata_refuse_what_they_do_not_know(pattern: str) -> None:
    with pytest.raises(ValueError, match="only sets"):
        automaton.compile_automaton(pattern)
