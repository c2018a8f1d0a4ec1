"""Texts with each character replaced by what a table says: by itself, by others, or by nothing.

Normalisations that look at one character at a time are such tables: lower case, and accents and controls taken off.
"""

from collections.abc import Collection, Mapping
from typing import NamedTuple

import numpy as np

from corpuskit.kernels.compiling import inlined, kernel
from corpuskit.kernels.intrinsics import load64, store64, trailing_zeros
from corpuskit.kernels.texts import Texts
from corpuskit.kernels.utf8 import PAGES, decode, lookup, two_levels

EIGHT = 8
ASCII = 0x80
NO_CHARACTER = 0xFFFD
"""What bytes that are no UTF-8 decode to, from one byte on."""
LONGEST = 15
"""The most bytes that one character becomes."""
SMALL = {code: chr(code + 0x20) for code in range(ord("A"), ord("Z") + 1)}
HIGH_BITS = np.uint64(0x8080808080808080)
LOW_BITS = np.uint64(0x7F7F7F7F7F7F7F7F)
FROM_A, BEYOND_Z = np.uint64(0x3F3F3F3F3F3F3F3F), np.uint64(0x2525252525252525)
"""Of eight bytes below 0x80: what sets the high bit from A on, and what does beyond Z, when added."""
FROM_SPACE, BEYOND_TILDE = np.uint64(0x6060606060606060), np.uint64(0x0101010101010101)
"""Likewise what is no control character, and the last one."""
CASE_BITS = np.uint64(0x2020202020202020)


class Tables(NamedTuple):
    """What each character becomes."""

    numbers: np.ndarray
    """The index of a `CharacterTable`; int64[8192]."""
    pages: np.ndarray
    """Its pages: 0 where a character stays, else its replacement's place << 5 | whether it is marked << 4 | its
    length; uint32."""
    replacements: np.ndarray
    """The replacements' bytes, and 16 more behind them; uint8."""
    staying: np.ndarray
    """Whether a byte begins characters of three bytes all of which stay; bool[256]."""
    case: np.uint64
    """CASE_BITS if A to Z become small, else 0."""


@inlined
def _printable(eight, case):  # type: ignore[no-untyped-def]
    """Return (eight characters of ASCII in their case, high bits of the bytes that are not printable ASCII)."""
    low = eight & LOW_BITS
    capitals = ((low + FROM_A) ^ (low + BEYOND_Z)) & ~eight & HIGH_BITS
    controls = (~(low + FROM_SPACE) | (low + BEYOND_TILDE)) & HIGH_BITS
    return eight | ((capitals >> np.uint64(2)) & case), (eight & HIGH_BITS) | controls


@inlined
def _copy(data, position, length, out, size):  # type: ignore[no-untyped-def]
    """Copy at most eight bytes."""
    if position + EIGHT <= data.size:
        store64(out, size, load64(data, position))
        return
    for place in range(length):
        out[size + place] = data[position + place]


@inlined
def _replace(data, position, stop, tables, out, size):  # type: ignore[no-untyped-def]
    """Write what the character at `position` becomes; return (its bytes, those written, whether it is marked)."""
    code, length = decode(data, position, stop)
    value = lookup(tables.numbers, tables.pages, code)
    if value == 0:
        _copy(data, position, length, out, size)
        return length, length, False
    start = value >> 5
    store64(out, size, load64(tables.replacements, start))
    store64(out, size + EIGHT, load64(tables.replacements, start + EIGHT))
    return length, value & LONGEST, (value & (LONGEST + 1)) != 0


@inlined
def _copy_threes(data, position, stop, staying, out, size):  # type: ignore[no-untyped-def]
    """Copy characters of three bytes that stay, up to another or to the last eight bytes; return the bytes copied."""
    start = position
    while position + EIGHT <= stop and staying[data[position]]:
        store64(out, size, load64(data, position))
        position, size = position + 3, size + 3
    return position - start


@kernel
def _map(data, offsets, tables, out, out_offsets, marked):  # type: ignore[no-untyped-def]
    """Fill out uint8[room], 16 bytes more than is written, out_offsets int64[n + 1] and marked bool[n].

    A character beyond ASCII has likely another one behind it, so these are taken in runs.
    """
    size = out_offsets[0] = np.int64(0)
    for document in range(offsets.size - 1):
        position, stop = offsets[document], offsets[document + 1]
        found = False
        while position < stop:
            if position + EIGHT <= data.size:
                eight, others = _printable(load64(data, position), tables.case)
                store64(out, size, eight)
                count = min(trailing_zeros(others) >> 3, stop - position)
                position, size = position + count, size + count
                if others == 0:
                    continue
            if position < stop:
                length, written, mark = _replace(data, position, stop, tables, out, size)
                position, size, found = position + length, size + written, found | mark
            while position < stop and data[position] >= ASCII:
                count = _copy_threes(data, position, stop, tables.staying, out, size)
                position, size = position + count, size + count
                length, written, mark = _replace(data, position, stop, tables, out, size)
                position, size, found = position + length, size + written, found | mark
        out_offsets[document + 1] = size
        marked[document] = found


def _staying(flat: np.ndarray) -> np.ndarray:
    """Return `Tables.staying`; flat: the entry of each code point, uint32[2**21]."""
    staying = np.zeros(256, np.bool_)
    staying[0xE0:0xF0] = ~flat[:0x10000].reshape(16, 0x1000).any(1)
    return staying


def _tables(changes: Mapping[int, str], marked: Collection[int]) -> Tables:
    flat, places = np.zeros(PAGES * 256, np.uint32), {b"": 1}
    replacements = bytearray(1)  # places begin at 1, so that no entry is 0
    for code, text in changes.items():
        data = text.encode()
        if len(data) > LONGEST:
            raise ValueError(f"U+{code:04X} becomes {len(data)} bytes; {LONGEST} are the most")
        if data not in places:
            places[data] = len(replacements)
            replacements += data
        flat[code] = places[data] << 5 | (code in marked) << 4 | len(data)
    table = two_levels(flat)
    padded = np.frombuffer(bytes(replacements) + bytes(LONGEST + 1), np.uint8)
    case = CASE_BITS if changes.get(ord("A")) == "a" else np.uint64(0)
    return Tables(table.index, table.pages, padded, _staying(flat), case)


def _least_bytes(code: int) -> int:
    return 1 if code == NO_CHARACTER else len(chr(code).encode())


class CharacterMap:
    """What each character becomes, in texts of any size."""

    def __init__(self, changes: Mapping[int, str], marked: Collection[int] = ()) -> None:
        """Make a map.

        Args:
            changes: code points, and what they become: at most 15 bytes of UTF-8.
            marked: code points whose documents `apply` tells of.

        Raises:
            ValueError: a replacement is too long; printable ASCII becomes something else than A to Z small ones, or is
                marked.
        """
        changed = {code: text for code, text in changes.items() if 0x20 <= code < 0x7F and text != chr(code)}
        if changed and changed != SMALL:
            raise ValueError("of printable ASCII, only A to Z can change, all of them, to small letters")
        if any(0x20 <= code < 0x7F for code in marked):
            raise ValueError("printable ASCII cannot be marked")
        self._tables = _tables({**{code: chr(code) for code in marked}, **changes}, marked)
        self._growth = max([1, *(-(-len(text.encode()) // _least_bytes(code)) for code, text in changes.items())])

    def apply(self, texts: Texts) -> tuple[Texts, np.ndarray]:
        """Return n texts with their characters replaced, and which of them hold a marked one, bool[n]."""
        n_bytes = int(texts.offsets[-1] - texts.offsets[0])
        out = np.empty(n_bytes * self._growth + LONGEST + 1, np.uint8)
        out_offsets, marked = np.empty(len(texts) + 1, np.int64), np.empty(len(texts), np.bool_)
        _map(texts.data, texts.offsets, self._tables, out, out_offsets, marked)
        return Texts(out[: out_offsets[-1]], out_offsets), marked
