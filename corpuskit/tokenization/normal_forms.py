"""Normal forms of `tokenizers` as tables of characters, which are asked of the library itself.

`BertNormalizer` and `Lowercase` look at one character at a time. NFC and NFKC do too where no character has to do with
the one before it; and so does taking off accents where at most accents have a combining class, by which characters
change places. Documents with other characters, which a table marks, are normalised by the library.
Sources: https://github.com/huggingface/tokenizers/blob/v0.23.1/tokenizers/src/normalizers/bert.rs and Unicode Standard
Annex 15, https://www.unicode.org/reports/tr15/.
"""

import functools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from corpuskit.kernels.character_map import CharacterMap, map_of_changes, rewrite_with
from corpuskit.kernels.texts import Texts

LONGEST = 15
"""Bytes of what a character may become in the table, so that room for texts is not reserved for the rarest."""
BETWEEN = "\u2603"
"""A character that no form changes, that none becomes, and that has nothing to do with its neighbours."""
CLASS_240 = "\u0345"
"""The mark that goes behind all others that have a combining class."""
ASKED = (range(0x3400), range(0xA000, 0xD800), range(0xE000, 0x20000), range(0x2F800, 0x2FA20), range(0xE0000, 0xE1000))
"""Code points among which all lie that change or have a combining class, but for private planes."""
PRIVATE_PLANES = (range(0xF0000, 0xFFFFE), range(0x100000, 0x10FFFE))
"""Code points of which all change as the first does."""


class BertSettings(NamedTuple):
    """What is done to the characters of a text, one by one."""

    clean_text: bool
    strip_accents: bool
    lowercase: bool
    lowercase_before: bool
    """Whether `Lowercase` comes before `BertNormalizer`."""


class NormalForm:
    """A normalizer of the library, and the table that does its work."""

    def __init__(self, library: Any, characters: CharacterMap) -> None:
        """Make it from a normalizer and its table, which marks characters of documents that are left to the former."""
        self._library = library
        self._characters = characters

    def apply(self, texts: Texts) -> Texts:
        """Return n texts normalised."""
        return rewrite_with(texts, self._characters, self._library.normalize_str)


@functools.cache
def composed(name: str) -> NormalForm:
    """Return NFC or NFKC, by its name in `tokenizers`. Takes some 0.2 s.

    Marked is what the end of the text before it may change or change places with: what begins, decomposed, with a
    character that has a combining class or is a later part of another character.
    """
    from tokenizers import normalizers

    library = getattr(normalizers, name)()
    decomposed = {"NFC": normalizers.NFD, "NFKC": normalizers.NFKD}[name]()
    codes = _asked()
    parts = {part for text in _forms(normalizers.NFD(), codes) for part in text[1:]}
    marked = {*_classed(decomposed)}
    marked.update(code for code, text in zip(codes, _forms(decomposed, codes), strict=True) if text[0] in parts)
    changes = dict(_changes(library))
    marked.update(code for code, text in changes.items() if len(text.encode()) > LONGEST)
    return NormalForm(
        library, map_of_changes({code: text for code, text in changes.items() if code not in marked}, marked)
    )


@functools.cache
def bert_form(settings: BertSettings) -> NormalForm:
    """Return BERT's form without the spaces that it puts around ideographs. Takes some 0.2 s.

    Marked are characters that have a combining class and are no accents to the library: those newer than its tables of
    accents, and signs of a few scripts.
    """
    from tokenizers import normalizers

    library: Any = normalizers.BertNormalizer(
        clean_text=settings.clean_text,
        handle_chinese_chars=False,
        strip_accents=settings.strip_accents,
        lowercase=settings.lowercase,
    )
    if settings.lowercase_before:
        library = normalizers.Sequence([normalizers.Lowercase(), library])
    changes = dict(_changes(library))
    if not settings.strip_accents:
        return NormalForm(library, map_of_changes(changes))
    left = {code for code in _classed(normalizers.NFD()) if library.normalize_str(chr(code))}
    letters = {chr(code) for code in left}
    left.update(code for code, text in changes.items() if not letters.isdisjoint(text))
    return NormalForm(library, map_of_changes(changes, left))


def _asked() -> list[int]:
    return [code for codes in ASKED for code in codes if chr(code) != BETWEEN]


def _forms(library: Any, codes: Iterable[int], before: str = "") -> Sequence[str]:
    """Return the normal form of each character behind `before`."""
    between = BETWEEN + before
    forms: list[str] = library.normalize_str(between + between.join(map(chr, codes))).split(BETWEEN)
    return forms[1:]


def _changes(library: Any) -> Iterator[tuple[int, str]]:
    """Yield (code point, what it becomes) where that is another text."""
    codes = _asked()
    yield from ((code, text) for code, text in zip(codes, _forms(library, codes), strict=True) if text != chr(code))
    for plane in PRIVATE_PLANES:
        if not library.normalize_str(chr(plane.start)):
            yield from ((code, "") for code in plane)


def _classed(decomposed: Any) -> list[int]:
    """Return the code points that, decomposed, begin with a combining class: they move before the mark of class 240."""
    codes = _asked()
    forms = _forms(decomposed, codes, CLASS_240)
    return [code for code, text in zip(codes, forms, strict=True) if text[0] != CLASS_240]
