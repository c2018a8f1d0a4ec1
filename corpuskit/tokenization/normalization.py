r"""Normalisation of texts before words are counted, by name.

`none` is the only one that gives every text back. The others follow the programs that a tokenizer is written for, so
that training and encoding see the same characters: `nfc`, `nfkc` and `lower` are those of `tokenizers`, `nmt_nfkc` is
SentencePiece's rule, without its changes to spaces at the ends and between words.

`pyarrow.compute.utf8_normalize` is not used: up to version 25 it decomposes for every form
(https://github.com/apache/arrow/issues/51225).
"""

import functools
from collections.abc import Callable
from typing import Any, Literal, get_args

import pyarrow as pa
import pyarrow.compute as pc

from corpuskit.errors import InputError, nearest

Normalization = Literal["none", "nfc", "nfkc", "nmt_nfkc", "lower"]
NORMALIZATIONS: tuple[Normalization, ...] = get_args(Normalization)

LOSSES: dict[str, str] = {
    "nfc": "characters and marks that Unicode calls equivalent become one form",
    "nfkc": "besides what nfc does, ligatures, widths, fractions, superscripts and the like are written out",
    "nmt_nfkc": (
        "besides what nfkc does, line breaks and other white space become spaces, and control and zero-width "
        "characters are dropped"
    ),
    "lower": "capital letters are lost",
}
"""What each normalisation but `none` loses."""

CAPITAL_I_DOT, SMALL_I_DOT = "\u0130", "i\u0307"
"""The one letter that becomes two in lower case; Arrow makes it one."""


def lossy_warning(name: str) -> str | None:
    """Return what a user should be told about a normalisation, or None: it is lossless.

    Raises:
        InputError: no normalisation has that name.
    """
    _check(name)
    if name not in LOSSES:
        return None
    return (
        f"normalisation {name!r} is lossy: {LOSSES[name]}. A decoded text is then not the text that was encoded, and "
        "bits per byte cannot be compared with those of tokenizers without it; 'none' loses nothing."
    )


def normalize(texts: pa.Array, name: str) -> pa.Array:
    """Return texts normalised.

    Args:
        texts: string or large_string[n]; nulls stay.
        name: one of NORMALIZATIONS.

    Returns:
        The same array for `none`, else large_string[n].

    Raises:
        InputError: no normalisation has that name.
    """
    _check(name)
    return _FUNCTIONS[name](texts)


def _check(name: str) -> None:
    if name not in NORMALIZATIONS:
        raise InputError(f"no normalisation is called {name!r}{nearest(name, NORMALIZATIONS)}")


def _lower(texts: pa.Array) -> pa.Array:
    texts = pc.replace_substring(texts.cast(pa.large_string()), CAPITAL_I_DOT, SMALL_I_DOT)
    return pc.utf8_lower(texts)


def _composed(form: str, texts: pa.Array) -> pa.Array:
    """Compose the texts that are not ASCII alone."""
    texts = texts.cast(pa.large_string())
    plain = pc.string_is_ascii(texts)
    if pc.all(plain).as_py() in (True, None):
        return texts
    from corpuskit.kernels import Texts, as_arrow  # compiles kernels
    from corpuskit.tokenization.normal_forms import composed

    other = pc.invert(plain)
    found = composed(form).apply(Texts.from_arrow(texts.filter(other)))
    return pc.replace_with_mask(texts, other, as_arrow(found.data, found.offsets))


@functools.cache
def _sentencepiece() -> Callable[[str], str]:
    """Return what normalises one text."""
    from sentencepiece import SentencePieceNormalizer

    library: Any = SentencePieceNormalizer(
        rule_name="nmt_nfkc", add_dummy_prefix=False, escape_whitespaces=False, remove_extra_whitespaces=False
    )
    return library.normalize


def _nmt_nfkc(texts: pa.Array) -> pa.Array:
    normalizer = _sentencepiece()
    return pa.array([None if text is None else normalizer(text) for text in texts.to_pylist()], pa.large_string())


_FUNCTIONS: dict[str, Callable[[pa.Array], pa.Array]] = {
    "none": lambda texts: texts,
    "nfc": functools.partial(_composed, "NFC"),
    "nfkc": functools.partial(_composed, "NFKC"),
    "nmt_nfkc": _nmt_nfkc,
    "lower": _lower,
}
"""How each normalisation is made."""
