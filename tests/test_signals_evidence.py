"""Evidence marks what the signals count: compared with the signals themselves, and with texts where one can see it."""

import re
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpuskit.kernels import Texts
from corpuskit.signals import SIGNALS, compute
from corpuskit.signals.evidence import EVIDENCE, evidence, merged
from corpuskit.workflow.excerpts import CONTEXT, GAP, Asked, excerpt, marked, visible

HASHES = Asked("gopher.hash_ratio")
ODD = (
    "",
    "\n\n \n",
    "caf\u00e9 #tags … and ... more\n• bullet\n● other\n- third\n* fourth…\nThe end of\u2028it",
    "天地玄黄，宇宙洪荒。\n天地玄黄，宇宙洪荒。\n日月 12 { lorem Ipsum",
    "e\u0301\u200d👩\u200d👧 \U0010ffff 𝔘𝔫𝔦 \x85 x\r\nWINDOWS LINES\r\n\r\nRead more...\n3 likes\n",
    "one two three four five six one two three four five six seven and one two three four five six",
)
TEXTS = st.text(st.sampled_from("aB ?.…#•-\n\té天{1"), max_size=80) | st.sampled_from(ODD)


def cut(signal, text, below=False):
    return [text[start:end] for start, end in evidence(signal, text, below)[1]]


@settings(deadline=None)  # kernels compile in the first call
@given(TEXTS)
def test_spans_are_in_order_and_inside_the_text(text):
    for signal in EVIDENCE:
        if kind_is_there(signal):
            what, spans = evidence(signal, text)
            assert what
            assert spans == sorted(spans)
            assert all(0 <= start < end <= len(text) for start, end in spans)


def kind_is_there(signal):
    """Whether the kernels have the words that a signal counts."""
    try:
        return evidence(signal, "a b")[0]
    except ValueError:
        return False


def measured(signal, text):
    import pyarrow as pa

    return compute([signal], Texts.from_arrow(pa.array([text]))).column(0)[0].as_py()


@settings(deadline=None)  # kernels compile in the first call
@given(TEXTS)
def test_what_is_marked_adds_up_to_the_signal(text):
    """Independent of the kernels: plain code marks, kernels count."""
    words, lines = len(text.split()), len([line for line in text.split("\n") if line.strip()])
    for signal, whole in {
        "gopher.hash_ratio": words,
        "gopher.ellipsis_ratio": words,
        "gopher.bullet_lines": lines,
        "gopher.ellipsis_lines": lines,
    }.items():
        value = measured(signal, text)
        expected = len(cut(signal, text)) / whole if whole else None
        assert value == (None if expected is None else pytest.approx(expected, rel=1e-6)), signal
    if words:
        without = len(cut("gopher.alpha_words", text)) / words
        assert measured("gopher.alpha_words", text) == pytest.approx(1 - without, abs=1e-6)
        assert measured("gopher.stop_words", text) == len(set(cut("gopher.stop_words", text)))


LINES = st.lists(
    st.sampled_from(
        [
            "A B",
            "a. ",
            "SHOUT",
            "SHOUt it",
            "12 34",
            "3 likes",
            "1.2k views!",
            "sign in now",
            "one",
            "",
            " ",
            "天。",
            "½ ２",
        ]
    )
    | st.text("aB1. ", max_size=40),
    max_size=8,
).map("\n".join)


@settings(deadline=None)
@given(LINES)
def test_shares_of_lines_are_those_that_are_marked(text):
    lines = len([line for line in text.split("\n") if line.strip()])
    shares = ["uppercase_lines", "numeric_lines", "counter_lines", "one_word_lines", "pattern_lines"]
    for signal in [
        *(f"refinedweb.{name}" for name in shares),
        "fineweb@datatrove.short_lines",
        "repetition.duplicate_lines",
    ]:
        expected = pytest.approx(len(cut(signal, text)) / lines, rel=1e-6) if lines else None
        assert measured(signal, text) == expected, signal
    ended = measured("fineweb@datatrove.end_mark_lines", text)
    assert ended == (
        pytest.approx(1 - len(cut("fineweb@datatrove.end_mark_lines", text)) / lines, abs=1e-6) if lines else None
    )


@settings(deadline=None)
@given(st.lists(st.sampled_from(["ab", "c", "天", "lorem ipsum", "{", "x\n"]), max_size=40).map(" ".join))
def test_repeated_words_and_occurrences_are_those_that_are_marked(text):
    assert measured("c4.curly_bracket", text) == len(cut("c4.curly_bracket", text))
    assert measured("c4.lorem_ipsum", text) == len(cut("c4.lorem_ipsum", text))
    words = re.findall("天|[a-z]+", text)
    for name in ("top_2_gram", "top_3_gram", "duplicate_5_grams"):
        inside = merged(evidence(f"repetition.{name}", text)[1])
        marked_words = [word for start, end in inside for word in re.findall("天|[a-z]+", text[start:end])]
        expected = len("".join(marked_words)) / len("".join(words)) if words else None
        assert measured(f"repetition.{name}", text) == (None if expected is None else pytest.approx(expected, rel=1e-6))


def test_ideographs_and_repeated_words_are_those_of_composition():
    text = ODD[3]
    visible_characters = len(re.sub(r"\s", "", text))
    assert len("".join(cut("composition.cjk_ratio", text))) / visible_characters == pytest.approx(
        measured("composition.cjk_ratio", text)
    )
    found = cut("composition.unique_words", text)
    assert found[:3] == ["天", "地", "玄"]
    assert "".join(cut("composition.cjk_ratio", text, below=True)) == "loremIpsum"


@pytest.mark.parametrize(
    ("signal", "text", "expected"),
    [
        ("repetition.duplicate_lines", "a b\n c\na b \nc\nd", ["a b", "c"]),
        ("repetition.duplicate_paragraphs", "a\nb\n\nc\n \na\nb\n\n", ["a\nb"]),
        ("gopher.top_2_gram", "x y z x y. x y", ["x y", "x y"]),
        ("gopher.top_3_gram", "all words of this differ", []),
        ("gopher.duplicate_5_grams", "a b c d e a b c d e a b c d e", ["a b c d e", "a b c d e"]),
        ("repetition.duplicate_5_grams", "天地玄黄宇宙。天地玄黄宇宙", ["天地玄黄宇"]),
        ("redpajama.frac_chars_dupe_5grams", "a b c d e f a b c d e", list("abcdeabcde")),
        ("c4.curly_bracket", "if {x} {", ["{", "{"]),
        ("c4@datatrove.lorem_ipsum", "Lorem Ipsum dolor", ["Lorem Ipsum"]),
        ("c4@datatrove.no_end_mark_lines", "Yes.\nno\nperhaps...\n“quoted.”\n'so!'", ["no", "perhaps...", "“quoted.”"]),
        ("c4.no_end_mark_lines", "“quoted.”\nno", ["no"]),
        ("c4@tfds.few_word_lines", "one two three four\none two three four five", ["one two three four"]),
        ("c4.policy_lines", "Our Privacy Policy and terms of use", ["Privacy Policy", "terms of use"]),
        ("c4.long_word_lines", f"{'x' * 1000} {'y' * 1001}", ["y" * 1001]),
        ("fineweb@datatrove.short_lines", f"{'x' * 30}\n{'y' * 31}", ["x" * 30]),
        ("fineweb@datatrove.end_mark_lines", "ends.\n结束。\nhe said “x.”\nno", ["he said “x.”", "no"]),
        ("refinedweb.uppercase_lines", "ALL OF IT\nNot All", ["ALL OF IT"]),
        ("refinedweb.numeric_lines", "12 34\n12 likes", ["12 34"]),
        ("refinedweb.counter_lines", "3 likes\n1.2k views\nthree likes", ["3 likes", "1.2k views"]),
        ("refinedweb.pattern_lines", "Sign in\nGo on, Read more...\n2 items in cart", None),
        ("refinedweb.flagged_words", "SHOUT IT\nfine line here\n12", ["SHOUT IT", "12"]),
        ("gopher.mean_word_length", "short incomprehensible", ["incomprehensible"]),
        ("composition.punctuation_ratio", "a, b. -- “c”", [",", ".", "--", "“", "”"]),
    ],
)
def test_evidence_is_what_one_would_mark(signal, text, expected):
    assert cut(signal, text) == (text.split("\n") if expected is None else expected)


def test_a_value_that_is_too_small_has_evidence_of_its_own():
    assert cut("gopher.mean_word_length", "a bb ccc", below=True) == ["a", "bb"]
    assert evidence("length.words", "any text", below=True) == ("", [])
    assert evidence("no.such", "any text") == ("", [])


@pytest.mark.parametrize(
    ("signal", "kind", "expected"),
    [
        ("gopher@datatrove.alpha_words", "tokens", [":", "1", "!", "—", "!", "!", "1", "!", "—", "!", "?"]),
        ("gopher@datatrove.alpha_words", "whitespace", ["1!", "—", "1!", "—"]),
        ("repetition.top_2_gram", "unicode", ["a 1", "a 1"]),
        ("repetition.top_2_gram", "whitespace", ["-a 1!", "-a 1!"]),
    ],
)
def test_words_are_those_that_the_recipe_set(signal, kind, expected):
    text = "Say: -a 1! — yes! Oh! -a 1! — no! What?"
    found = [text[start:end] for start, end in evidence(signal, text, words=kind)[1]]
    assert found == expected
    default = SIGNALS[signal.split(".")[0]].default_config().words
    assert evidence(signal, text, words=default) == evidence(signal, text)


@pytest.mark.parametrize(("kind", "expected"), [("whitespace", ["I"]), ("tokens", ["I", "."])])
def test_short_words_are_those_that_the_recipe_set(kind, expected):
    spans = evidence("gopher@datatrove.mean_word_length", "I know.", below=True, words=kind)[1]
    assert ["I know."[start:end] for start, end in spans] == expected


def test_every_entry_is_of_a_signal_that_exists():
    """Of groups that are registered."""
    groups = {name: set(group.signals) for name, group in SIGNALS.items()}
    for signal in EVIDENCE:
        group, _, column = signal.partition(".")
        if group in groups:
            assert column in groups[group], signal


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 9))))
def test_merged_spans_cover_the_same_characters_and_do_not_touch(pairs):
    spans = [(start, start + length) for start, length in pairs]
    found = merged(spans)
    covered = {place for start, end in spans for place in range(start, end)}
    assert {place for start, end in found for place in range(start, end)} == covered
    assert all(left[1] < right[0] for left, right in pairwise(found))


@given(TEXTS, st.integers(1, 40))
def test_an_excerpt_is_part_of_its_text(text, length):
    shown = excerpt(text, HASHES, length=length)
    rest = visible(text)
    for piece in "".join(piece for piece, _ in shown.pieces).split(GAP):
        assert piece in rest or not piece
    assert all(set(piece) == {"#"} for piece, is_marked in shown.pieces if is_marked)
    assert shown.marks == text.count("#")


def test_an_excerpt_of_a_long_text_lies_around_the_marks():
    text = "x" * 5_000 + "#" + "y" * 5_000
    shown = excerpt(text, HASHES)
    joined = "".join(piece for piece, _ in shown.pieces)
    assert f"{'x' * CONTEXT}#{'y' * CONTEXT}" in joined
    assert len(joined) < 1_000
    assert joined.startswith(GAP)
    assert joined.endswith(GAP)
    assert not shown.whole
    assert excerpt("short # text", HASHES).whole
    assert excerpt(text, Asked("length.words")).pieces[0][0] == "x" * 700


def test_control_characters_are_made_visible():
    shown = excerpt("\x1b[2J \u202eevil\x00\x9b \t\n", None)
    text = "".join(piece for piece, _ in shown.pieces)
    assert text == "␛[2J \ufffdevil␀\ufffd \t\n"


def test_a_whole_text_is_marked_for_several_signals():
    pieces = marked("a # b {c} …", [HASHES, Asked("c4.curly_bracket")])
    assert "".join(piece for piece, _ in pieces) == "a # b {c} …"
    assert [piece for piece, is_marked in pieces if is_marked] == ["#", "{"]
