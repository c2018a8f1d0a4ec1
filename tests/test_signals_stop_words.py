import functools
import unicodedata

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_signals import slow_unicode_words

from corpuskit.kernels import Texts
from corpuskit.signals.gopher import STOP_WORDS as GOPHER_STOP_WORDS
from corpuskit.signals.language import LanguageConfig, measure
from corpuskit.signals.stop_words import LANGUAGES, count_stop_words, list_of, stop_words

ODD = st.text(st.sampled_from("aAzZ éßİıǅ\n\t\0\xa0\u3000<>我们é\u0301\ufeff😀𐐀ª1٣"), max_size=60)

patient = settings(deadline=None)  # the first call compiles


def slow_forms(entry: str, code: str) -> list[str]:
    if code == "tr":
        upper = entry.translate({ord("i"): "İ", ord("ı"): "I"}).upper()
        return [entry, upper[0] + entry[1:], upper]
    return [entry, entry[0].upper() + entry[1:], entry.upper()]


@functools.cache
def slow_list(code: str) -> dict[tuple[str, ...], int]:
    """The sequences of words that are forms of stop words, and whose."""
    owners: dict[tuple[str, ...], int] = {}
    for number, entry in enumerate(stop_words(code)):
        for form in slow_forms(entry, code):
            owners.setdefault(tuple(slow_unicode_words(form)), number)
    return owners


def slow_stop_words(text: str, code: str) -> tuple[int, int]:
    """Distinct stop words, and words that lie in one."""
    words, owners = slow_unicode_words(text), slow_list(code)
    longest = max(map(len, owners))
    spans = [(i, j) for i in range(len(words)) for j in range(i + 1, min(i + longest, len(words)) + 1)]
    found = [(owners[tuple(words[i:j])], i, j) for i, j in spans if tuple(words[i:j]) in owners]
    return len({number for number, _, _ in found}), len({place for _, i, j in found for place in range(i, j)})


def counted(texts: list[str], codes: list[str | None]) -> list[tuple[int, int]]:
    counts = count_stop_words(Texts.from_arrow(pa.array(texts, pa.large_string())), pa.array(codes, pa.string()))
    assert counts.known.tolist() == [code in LANGUAGES for code in codes]
    return list(zip(counts.found.tolist(), counts.covered.tolist(), strict=True))


@st.composite
def stop_word_texts(draw: st.DrawFn) -> tuple[str, str]:
    code = draw(st.sampled_from([*LANGUAGES, "vi", "ko", "zh", "tr", "fa"]))
    entries = stop_words(code)
    entry = st.integers(0, len(entries) - 1).map(entries.__getitem__)
    parts = entry | entry.flatmap(lambda e: st.sampled_from(slow_forms(e, code))) | entry.map(lambda e: e[:-1]) | ODD
    return draw(st.sampled_from([" ", "", ", ", "\n"])).join(draw(st.lists(parts, max_size=12))), code


@given(st.lists(stop_word_texts(), max_size=5))
@patient
def test_stop_words_are_those_of_the_slow_definition(cases: list[tuple[str, str]]) -> None:
    texts, codes = [text for text, _ in cases], [code for _, code in cases]
    assert counted(texts, codes) == [slow_stop_words(text, code) for text, code in cases]


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_list(code: str) -> None:
    entries = stop_words(code)
    assert len(entries) >= 40
    assert all(entry == unicodedata.normalize("NFC", entry.lower()) for entry in entries)
    assert all(any(map(str.isalpha, entry)) for entry in entries)
    text = " . ".join(entries)
    ((found, covered),) = counted([text], [code])
    assert (found, covered) == slow_stop_words(text, code)
    assert found >= 0.95 * len(entries)  # "itse" and "itse”" are one
    assert covered == len(slow_unicode_words(text))


def test_all_languages_of_the_package_have_a_list() -> None:
    import stop_words as package

    assert set(LANGUAGES) == set(package.LANGUAGE_MAPPING)
    assert len(LANGUAGES) >= 20


def test_stop_words_by_hand() -> None:
    assert counted(
        ["我们的书", "我", "们", "Und DASS und", "don’t Don't DON'T", "WE we Wé"], ["zh", "zh", "zh", "de", "en", "en"]
    ) == [
        slow_stop_words("我们的书", "zh"),
        (1, 1),
        slow_stop_words("们", "zh"),
        (2, 3),
        slow_stop_words("don’t Don't DON'T", "en"),
        slow_stop_words("WE we Wé", "en"),
    ]
    assert counted(["İçin için İÇİN", "Için IÇIN"], ["tr", "tr"]) == [(1, 3), (0, 0)]
    assert counted(["the", ""], [None, "en"]) == [(0, 0), (0, 0)]


def test_signals_of_stop_words() -> None:
    english, chinese, russian = "The baker and the oven; THE end", "我们的书店在那个山谷里，你们去过吗？", "Привет"
    esperanto = "Saluton, ĉu vi parolas Esperanton? Mi ŝatas legi librojn en la ĝardeno ĉiutage."
    texts = pa.array([english, chinese, russian, esperanto, "12 34"], pa.large_string())
    signals = measure(Texts.from_arrow(texts), LanguageConfig())
    assert signals["label"].to_pylist() == ["en", "zh", "ru", "eo", None]
    (found, covered), (found_zh, covered_zh) = slow_stop_words(english, "en"), slow_stop_words(chinese, "zh")
    assert signals["stop_words"].to_pylist() == [found, found_zh, 0, None, None]
    ratios = np.array([covered / 7, covered_zh / 16, 0, np.nan, np.nan], np.float32)
    np.testing.assert_array_equal(signals["stop_word_ratio"], ratios)
    assert min(found, found_zh, covered, covered_zh) > 0


def test_labels_name_lists() -> None:
    known = {
        "en": "en",
        "eng_Latn": "en",
        "eng": "en",
        "no": "nb",
        "nno_Latn": "nb",
        "cmn_Hani": "zh",
        "zho_Hant": "zh",
    }
    known |= {"arb_Arab": "ar", "kor_Hang": "ko", "jpn_Jpan": "ja", "pes_Arab": "fa", "zsm_Latn": "ms"}
    unknown = ["", "eo", "hin_Latn", "eng_", "eng_Cyrl", "yue", "English", "en_", None]
    assert {label: list_of(label) for label in known} == known
    assert [list_of(label) for label in unknown if label not in ("eng_", "en_")] == [None] * 7


@given(st.lists(st.sampled_from([*GOPHER_STOP_WORDS, "baker", "oven", "The"]), min_size=1, max_size=30))
@patient
def test_the_english_list_has_the_words_of_gopher(words: list[str]) -> None:
    ((found, _),) = counted([" ".join(words)], ["en"])
    assert found >= len(set(words) & set(GOPHER_STOP_WORDS))
    assert "The" not in words or found > 0  # to the signal of Gopher it is no stop word
