"""Pre-tokenizers against the regular expressions and the pre-tokenizers of `tokenizers` that define them."""

import itertools
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tokenizers import Regex, normalizers, pre_tokenizers

from corpuskit.errors import InputError
from corpuskit.kernels import Texts
from corpuskit.tokenization.pretokens import PATTERNS, PRETOKENIZERS, pretokenize
from corpuskit.tokenization.pretokens.categories import LETTERS, MARK, NUMBER, PUNCTUATION, SPACE, categories

HOSTILE = list(
    "aZsStTdDmMrReEvVlLſ'''’‘ʼ    \n\n\r\t\v\f\0\x1c\x1f/!.-_$<`~0929²½¼Ⅷⅷ٣०𝟘"
    "é×÷ñßÿĀбЀ中䷀䷿一䶿龥㐀豈𠀀あ々〇、。「ア한ᄀאبमา"
    "\u0301\u0308\u200b\u200d\ufeff\u0345😀👩🏽𐐀𝔘\ue000\ufffd\U0010ffff"
    "\x85\xa0\u1680\u2000\u200a\u2028\u2029\u202f\u205f\u3000\u180e"
)
WINDOW = 64
"""Bytes that the kernels look at, at once."""

alphabets = st.lists(st.sampled_from(HOSTILE), min_size=1, max_size=12)
hostile = alphabets.flatmap(lambda letters: st.text(st.sampled_from(letters), max_size=3 * WINDOW))
documents = st.lists(hostile | st.text(st.characters(codec="utf-8"), max_size=80), max_size=4)


def words(texts: list[str], name: str) -> list[list[str]]:
    found = pretokenize(Texts.from_arrow(pa.array(texts, pa.large_string())), name)
    data = found.data.tobytes()
    cut = [data[start:end].decode() for start, end in zip(found.starts.tolist(), found.ends.tolist(), strict=True)]
    return [cut[start:stop] for start, stop in itertools.pairwise(found.offsets.tolist())]


def by_pattern(pattern: str) -> Callable[[str], list[str]]:
    splitter = pre_tokenizers.Split(Regex(pattern), "isolated")
    return lambda text: [word for word, _ in splitter.pre_tokenize_str(text)]


def gpt2(text: str) -> list[str]:
    """GPT-2's own pre-tokenizer in `tokenizers`; it shows bytes as characters, so its offsets are read."""
    level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    return [text[start:stop] for _, (start, stop) in level.pre_tokenize_str(text)]


def bert(text: str) -> list[str]:
    normalizer = normalizers.BertNormalizer(
        clean_text=False, handle_chinese_chars=True, strip_accents=False, lowercase=False
    )
    return [word for word, _ in pre_tokenizers.BertPreTokenizer().pre_tokenize_str(normalizer.normalize_str(text))]


def metaspace(text: str) -> list[str]:
    splitter = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex("\n+"), "isolated"), pre_tokenizers.Metaspace("▁", prepend_scheme="never")]
    )
    return [word.replace("▁", " ") for word, _ in splitter.pre_tokenize_str(text)]


REFERENCES: dict[str, Callable[[str], list[str]]] = {
    "gpt2": gpt2,
    "gpt4": by_pattern(PATTERNS["gpt4"]),
    "llama3": by_pattern(PATTERNS["llama3"]),
    "o200k": by_pattern(PATTERNS["o200k"]),
    "bert": bert,
    "metaspace": metaspace,
    "metaspace_runs": by_pattern("\n+| *[^ \n]+| +"),
}

names = pytest.mark.parametrize("name", sorted(REFERENCES))


def check(texts: list[str], name: str) -> None:
    assert words(texts, name) == [REFERENCES[name](text) for text in texts]


def test_all_are_tested() -> None:
    assert REFERENCES.keys() == PRETOKENIZERS.keys()


@names
@settings(max_examples=150, deadline=None)
@given(texts=documents)
@example(texts=["", " ", "\n", "'s", "a'S b'ſ 'x", "  \n \n  x", "!\n\n \n\ty", "12345 1٣²4", ""])
@example(texts=["don't he'll she'VE 'tis ''s \t's", "«é» …à", "a\u3000\u3000b\n\u3000\u3000中", "x/\n/y", "\u0301a"])
def test_any_text(name: str, texts: list[str]) -> None:
    check(texts, name)


@names
def test_every_place_in_a_window(name: str) -> None:
    tails = [
        "'s",
        "'ll x",
        "'ſx",
        " \n  \n  x",
        "\u3000\u3000x",
        "1234567",
        "😀x",
        "“x",
        "!\r\n x",
        "中、中",
        "\u0301x",
    ]
    texts = ["b" * length + tail for length in range(2 * WINDOW) for tail in tails]
    check(texts, name)
    check([" " * length + tail for length in range(2 * WINDOW) for tail in tails], name)


@names
def test_long_runs(name: str) -> None:
    texts = [character * length for character in ("a", "1", " ", "\n", "!", "中", "٣", "\u3000", "😀") for length in
             (61, 64, 190, 1001)]  # fmt: skip
    check([*texts, "".join(texts), "\n".join(texts), "\n   " * 100, "\n   " * 100 + "x"], name)


@names
@given(texts=documents, seed=st.integers(0, 2**31))
@settings(max_examples=40, deadline=None)
def test_slices(name: str, texts: list[str], seed: int) -> None:
    """Documents that begin inside the data, and end before it does, have the words that they have alone."""
    column = pa.array(["a'", *texts, "s 7"], pa.large_string())
    whole = Texts.from_arrow(column[1:-1])
    if not texts:
        return
    start = seed % len(texts)
    found = pretokenize(whole.rows(start, len(texts)), name)
    expected = [word for text in texts[start:] for word in REFERENCES[name](text)]
    lengths = (found.ends - found.starts).tolist()
    assert lengths == [len(word.encode()) for word in expected]


@pytest.mark.parametrize("name", sorted(REFERENCES.keys() - {"bert"}))
@given(texts=documents)
@settings(max_examples=40, deadline=None)
def test_nothing_is_left_out(name: str, texts: list[str]) -> None:
    assert ["".join(found) for found in words(texts, name)] == texts


def test_more_words_than_expected() -> None:
    texts = ["a " * 5000, "1,2" * 4000, "\n." * 4000]
    for name in REFERENCES:
        check(texts, name)


def test_bytes_that_are_no_text_are_not_read_beyond() -> None:
    data = np.frombuffer(b"\xf0\x9f" * 100 + b"\xe4\xb8", np.uint8)
    for name in PRETOKENIZERS:
        found = pretokenize(Texts(data, np.array([0, data.size])), name)
        assert found.starts[0] == 0
        assert found.ends[-1] == data.size


def test_categories_are_those_of_tokenizers() -> None:
    everything = "".join(chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000)
    codes = np.array([ord(character) for character in everything])
    for pattern, bits in ((r"\p{L}+", LETTERS), (r"\p{N}+", NUMBER), (r"\s+", SPACE), (r"\p{M}+", MARK)):
        splitter = pre_tokenizers.Split(Regex(pattern), "removed", invert=True)
        expected = np.zeros(0x110000, bool)
        for _, (start, stop) in splitter.pre_tokenize_str(everything):
            expected[codes[start:stop]] = True
        assert np.array_equal((categories()[:0x110000] & bits) != 0, expected), pattern


def test_bert_marks_are_those_of_tokenizers() -> None:
    known = categories()[:0x110000]
    alone = [code for code in range(1, 0x110000) if not 0xD800 <= code < 0xE000 and known[code] & (PUNCTUATION | SPACE)]
    others = range(0x21, 0xD800), range(0x10000, 0x32000, 7), range(0xE000, 0xFFFF, 3)
    texts = [f"a{chr(code)}b" for code in itertools.chain(alone, *others)]
    found = pretokenize(Texts.from_arrow(pa.array(texts, pa.large_string())), "bert").counts()
    assert found.tolist() == [len(bert(text)) for text in texts]


def test_own_expression() -> None:
    assert words(["aab c", "", "xé"], "regex:a+") == [["aa", "b c"], [], ["xé"]]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("gpt3", "no pre-tokenizer is called 'gpt3'; did you mean 'gpt4'"),
        ("regex:(", r"not a regular expression that `tokenizers` can match: '\('"),
        ("regex:", "is empty"),
    ],
)
def test_mistakes(name: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        pretokenize(Texts.from_arrow(pa.array(["a"])), name)
