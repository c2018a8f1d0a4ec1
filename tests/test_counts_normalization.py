"""Normalisations against the libraries that define them."""

import unicodedata
from collections.abc import Callable

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sentencepiece import SentencePieceNormalizer
from tokenizers import normalizers

from corpuskit.errors import InputError
from corpuskit.tokenization.counts import NORMALIZATIONS, lossy_warning, normalize

library = SentencePieceNormalizer(
    rule_name="nmt_nfkc", add_dummy_prefix=False, escape_whitespaces=False, remove_extra_whitespaces=False
)
REFERENCES: dict[str, Callable[[str], str]] = {
    "none": str,
    "nfc": normalizers.NFC().normalize_str,
    "nfkc": normalizers.NFKC().normalize_str,
    "nmt_nfkc": library.normalize,
    "lower": normalizers.Lowercase().normalize_str,
}
names = pytest.mark.parametrize("name", NORMALIZATIONS)
texts_of_marks = st.text(st.sampled_from("aEÀe\u0301\u0308İIıßΣς가가각ﬁ①½ＡＢ \n\u3000\u200b")) | st.text(
    st.characters(codec="utf-8"), max_size=20
)


@names
@settings(deadline=None)  # the first call makes a table
@given(texts=st.lists(st.none() | texts_of_marks, max_size=6))
def test_texts(name: str, texts: list[str | None]) -> None:
    for kind in (pa.string(), pa.large_string()):
        found = normalize(pa.array(texts, kind), name).to_pylist()
        assert found == [None if text is None else REFERENCES[name](text) for text in texts]


def test_every_character_in_lower_case() -> None:
    everything = [chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000]
    found = normalize(pa.array(everything, pa.large_string()), "lower").to_pylist()
    assert found == [REFERENCES["lower"](character) for character in everything]


def test_composed_forms() -> None:
    assert normalize(pa.array(["e\u0301", "é", "ﬁ"]), "nfc").to_pylist() == ["é", "é", "ﬁ"]
    assert normalize(pa.array(["e\u0301", "é", "ﬁ"]), "nfkc").to_pylist() == ["é", "é", "fi"]
    assert normalize(pa.array(["ａ\n\tb\u200b  c "]), "nmt_nfkc").to_pylist() == ["a  b   c "]


@settings(deadline=None)
@given(st.text(st.characters(max_codepoint=0x24F)))
def test_latin_is_as_in_python(text: str) -> None:
    assert normalize(pa.array([text]), "nfc").to_pylist() == [unicodedata.normalize("NFC", text)]
    assert normalize(pa.array([text]), "nfkc").to_pylist() == [unicodedata.normalize("NFKC", text)]


@names
def test_warnings(name: str) -> None:
    warning = lossy_warning(name)
    changes = normalize(pa.array(["Ｅ\u0301\n"]), name).to_pylist() != ["Ｅ\u0301\n"] or name == "nfc"
    assert (warning is not None) == changes
    if warning:
        assert warning.startswith(f"normalisation {name!r} is lossy: ")


def test_unknown() -> None:
    for function in (lossy_warning, lambda name: normalize(pa.array(["a"]), name)):
        with pytest.raises(InputError, match="no normalisation is called 'NFC'; known: lower, nfc"):
            function("NFC")
