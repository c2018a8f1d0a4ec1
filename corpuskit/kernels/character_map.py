"""Texts with each character replaced by others: letter case folded, characters decomposed or left out."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from unicodedata import combining

import numpy as np

from corpuskit.kernels.columns import as_arrow, replace_rows
from corpuskit.kernels.compiling import fixed, kernel
from corpuskit.kernels.intrinsics import load64
from corpuskit.kernels.texts import Texts
from corpuskit.kernels.utf8 import PAGES, decode, lookup, two_levels

MAPPED = (range(0x80, 0xD800), range(0xE000, 0x20000), range(0x2F800, 0x2FA20))
"""Code points beyond ASCII with letter case, a decomposition or a combining class (Unicode 15)."""


@dataclass(frozen=True, eq=False)
class CharacterMap:
    """What replaces each character."""

    ascii: np.ndarray
    """What replaces each character of ASCII; uint8[128]."""
    kept: np.ndarray
    """1 for the characters of ASCII that are not left out, else 0; uint8[128]."""
    index: np.ndarray
    """Table of the other characters' rows in the arrays below; int64[8192]. What row 0 holds replaces itself."""
    pages: np.ndarray
    """Likewise; uint16[]."""
    starts: np.ndarray
    """A row's replacement is `bytes[starts[row]:starts[row + 1]]`; int64[rows + 1]."""
    bytes: np.ndarray
    """The replacements, UTF-8, one after the other; uint8[]."""
    first_class: np.ndarray
    """Canonical combining class of the first character of each replacement, ODD for what no map can do; uint8[rows]."""
    last_class: np.ndarray
    """That of the last one; uint8[rows]."""
    growth: int
    """How many times as long as its character a replacement can be, rounded up."""


EIGHT = 8
HIGH_BITS = np.uint64(0x8080808080808080)
"""Of eight bytes: the bits that no character of ASCII has."""

ODD = 255
"""No character's combining class."""


def character_map(replacement: Callable[[str], str], odd: str = "") -> CharacterMap:
    """Make the map of a function from one character to others.

    Args:
        replacement: gives the empty text or one character of ASCII for characters of ASCII, and leaves alone all code
            points that are not MAPPED.
        odd: characters whose replacement depends on their neighbours.
    """
    numbers = np.zeros(PAGES * 256, np.uint16)
    targets = [""]
    growth = 1
    for code in (code for codes in MAPPED for code in codes):
        character = chr(code)
        target = replacement(character)
        if target != character or combining(character) or character in odd:
            numbers[code] = len(targets)
            targets.append(target)
            growth = max(growth, -(-len(target.encode()) // len(character.encode())))
    numbers_of_odd = [numbers[ord(character)] for character in odd]
    first_class = np.array([combining(target[:1] or "a") for target in targets], np.uint8)
    first_class[numbers_of_odd] = ODD
    last_class = np.array([combining(target[-1:] or "a") for target in targets], np.uint8)
    return _assembled(replacement, numbers, targets, first_class, last_class, growth)


def map_of_changes(changes: Mapping[int, str], marked: Collection[int] = ()) -> CharacterMap:
    """Make a map of what code points become; texts with one that is marked, which is not ASCII, are odd.

    Raises:
        ValueError: a character of ASCII becomes something else than one of ASCII or nothing, or is marked.
    """
    rows: dict[tuple[str, bool], int] = {("", False): 1}
    numbers = np.zeros(PAGES * 256, np.uint16)
    growth = 1
    for code in {*changes, *marked}:
        target = changes.get(code, chr(code))
        if code < 128 and (code in marked or len(target) > 1 or not target.isascii()):
            raise ValueError(f"U+{code:04X} is ASCII: it can become {target!r} or be marked in no map")
        if code >= 128:
            numbers[code] = rows.setdefault((target, code in marked), len(rows) + 1)
            growth = max(growth, -(-len(target.encode()) // len(chr(code).encode("utf-8", "surrogatepass"))))
    classes = np.array([0, *(ODD * is_marked for _, is_marked in rows)], np.uint8)
    targets = ["", *(target for target, _ in rows)]
    return _assembled(lambda text: changes.get(ord(text), text), numbers, targets, classes, 0 * classes, growth)


def _assembled(
    replacement: Callable[[str], str],
    numbers: np.ndarray,
    targets: Sequence[str],
    first_class: np.ndarray,
    last_class: np.ndarray,
    growth: int,
) -> CharacterMap:
    ascii_targets = [replacement(chr(code)) for code in range(128)]
    table = two_levels(numbers)
    return CharacterMap(
        ascii=fixed([ord(target or "\0") for target in ascii_targets], np.uint8),
        kept=fixed([len(target) for target in ascii_targets], np.uint8),
        index=table.index,
        pages=table.pages,
        starts=_starts(targets),
        bytes=fixed(np.frombuffer("".join(targets).encode(), np.uint8), np.uint8),
        first_class=fixed(first_class, np.uint8),
        last_class=fixed(last_class, np.uint8),
        growth=growth,
    )


def _starts(targets: Iterable[str]) -> np.ndarray:
    return fixed(np.cumsum([0, *(len(target.encode()) for target in targets)]), np.int64)


@kernel
def _rewrite(  # type: ignore[no-untyped-def]
    data, offsets, ascii_bytes, kept, index, pages, starts, replacements, first_class, last_class, out, out_offsets, odd
):
    """Fill out uint8[room], out_offsets int64[n + 1] and odd bool[n]; the other arrays are those of a CharacterMap."""
    size = 0
    for document in range(odd.size):
        position, stop = offsets[document], offsets[document + 1]
        last = 0  # the combining class of the character that was written last
        while position < stop:
            if data[position] < 0x80:
                before = size
                while position + EIGHT <= stop and not load64(data, position) & HIGH_BITS:
                    for place in range(position, position + EIGHT):
                        out[size] = ascii_bytes[data[place]]
                        size += kept[data[place]]
                    position += EIGHT
                while position < stop and data[position] < 0x80:
                    out[size] = ascii_bytes[data[position]]
                    size += kept[data[position]]
                    position += 1
                last = last if size == before else 0
                continue
            code, length = decode(data, position, stop)
            row = lookup(index, pages, code)
            if row == 0:
                out[size] = data[position]
                if length == 3:  # most characters of Chinese; a loop is half as fast
                    out[size + 1], out[size + 2] = data[position + 1], data[position + 2]
                else:
                    for place in range(1, length):
                        out[size + place] = data[position + place]
                size += length
                last = 0
            else:
                first = first_class[row]
                odd[document] |= first == ODD or 0 < first < last
                for place in range(starts[row], starts[row + 1]):
                    out[size] = replacements[place]
                    size += 1
                last = last_class[row]
            position += length
        out_offsets[document + 1] = size


def rewrite(texts: Texts, characters: CharacterMap) -> tuple[Texts, np.ndarray]:
    """Replace each character of n texts.

    Returns:
        The new texts, and which of them have an odd character or a combining mark that canonical order (Unicode, 3.11)
        puts before the mark it follows; bool[n].
    """
    n_bytes = int(texts.offsets[-1] - texts.offsets[0])
    out = np.empty(n_bytes * characters.growth + 1, np.uint8)  # a character of ASCII that is left out is written too
    out_offsets, odd = np.zeros(len(texts) + 1, np.int64), np.zeros(len(texts), np.bool_)
    _rewrite(
        texts.data,
        texts.offsets,
        characters.ascii,
        characters.kept,
        characters.index,
        characters.pages,
        characters.starts,
        characters.bytes,
        characters.first_class,
        characters.last_class,
        out,
        out_offsets,
        odd,
    )
    out.resize(int(out_offsets[-1]), refcheck=False)
    return Texts(out, out_offsets), odd


def rewrite_with(texts: Texts, characters: CharacterMap, slowly: Callable[[str], str]) -> Texts:
    """Replace each character of n texts; `slowly` does it for texts where more than single characters decide."""
    mapped, odd = rewrite(texts, characters)
    rows = np.flatnonzero(odd)
    if not rows.size:
        return mapped
    originals = as_arrow(texts.data, texts.offsets).take(rows).to_pylist()
    column = replace_rows(as_arrow(mapped.data, mapped.offsets), rows, [slowly(text) for text in originals])
    return Texts.from_arrow(column)
