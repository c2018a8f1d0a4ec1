"""The scan that finds where personal data may begin, so that few texts reach Python.

A candidate is (kind, position of the first byte). The patterns decide; the scan only has to leave nothing out that
they could match, and rests on what they demand of their first bytes. What stands before those does not count: by the
time a pattern looks, it may have been masked.
"""

import numpy as np

from corpuskit.kernels import Texts, fixed, inlined, kernel

PRIVATE_KEY, API_TOKEN, EMAIL, IP_ADDRESS, CREDIT_CARD, PHONE = range(6)
"""Kinds of candidates; where two begin at the same byte, the smaller number is tried first."""
KIND_BITS = 3
"""A candidate is one integer, `position << KIND_BITS | kind`, so that sorted candidates are in the order of trial."""

OTHER, DIGIT, AT, ANCHOR = range(4)
"""What a byte may be the trigger of."""

ANCHORS = (
    ("AKI", 2),
    ("ASI", 2),
    ("AIz", 2),
    ("eyJ", 2),
    ("gh?_", 3),
    ("hub_", 6),
    ("npm_", 3),
    ("hf_", 2),
    ("sk_", 2),
    ("rk_", 2),
    ("sk-", 2),
    ("pat-", 5),
    ("ox?-", 4),
    ("ypi-", 4),
)
"""Bytes in the prefix of each token, ending on a byte that is rare in text, and how far the token begins before it.

`?` is any byte: ghp_, gho_, …; xoxb-, xoxp-, ….
"""


def _triggers() -> np.ndarray:
    triggers = np.full(256, OTHER, np.uint8)
    triggers[[ord(anchor[-1]) for anchor, _ in ANCHORS]] = ANCHOR
    triggers[[*b"0123456789"]] = DIGIT
    triggers[ord("@")] = AT
    return triggers


def _packed(anchor: str, wildcard: int, other: int) -> int:
    """Return the big-endian number of a byte per character: `wildcard` for `?`, `other` or (if 0) the byte itself."""
    return int.from_bytes(bytes(wildcard if byte == "?" else other or ord(byte) for byte in anchor), "big")


TRIGGERS = _triggers()
ANCHOR_MASKS = np.array([_packed(anchor, 0, 0xFF) for anchor, _ in ANCHORS], np.int64)
ANCHOR_BYTES = np.array([_packed(anchor, 0, 0) for anchor, _ in ANCHORS], np.int64)
ANCHOR_BACK = np.array([back for _, back in ANCHORS], np.int64)

MAX_LOCAL = 64
"""Longest local part of an e-mail address in bytes: RFC 5321, section 4.5.3.1.1."""
MAX_DOMAIN = 255
"""Longest domain in bytes: RFC 5321, section 4.5.3.1.2."""

WORD, LOCAL, DOMAIN, GAP, HEX = 1, 2, 4, 8, 16
"""Bits of a byte: in a word of an e-mail's local part; in a local part; in a domain; between digits; hexadecimal.

Bytes over 127 are in local parts and domains where they can belong to a letter of U+00C0 to U+04FF.
"""
GAPS = " .-/()\u00a0\u2010\u2011\u2012\u2013"
"""Characters between groups of digits: no-break space, hyphens and the en dash among them."""
MAX_GAP = 6
"""Most bytes between two groups of digits: two characters, of which the longest take three."""


def _classes() -> np.ndarray:
    classes = np.zeros(256, np.uint8)
    letters = [byte for byte in range(128) if chr(byte).isalnum()]
    high = [*range(0x80, 0xC0), *range(0xC3, 0xD4)]
    classes[[*letters, *b"_%+"]] |= WORD
    classes[[*letters, *high, *b"_%+.'-"]] |= LOCAL
    classes[[*letters, *high, *b".-"]] |= DOMAIN
    classes[[*GAPS.encode()]] |= GAP
    classes[[*b"0123456789abcdefABCDEF"]] |= HEX
    return classes


CLASSES = _classes()

GROUPS = 4
"""How many groups of digits are measured."""
ENOUGH_DIGITS = 20
"""More digits than any card or telephone number has."""


@inlined
def _push(found: np.ndarray, count: np.int64, position: np.int64, kind: np.int64) -> np.int64:
    """Append a candidate where there is room; return the new count, which goes on past the room."""
    if count < found.size:
        found[count] = position << KIND_BITS | kind
    return count + 1


@inlined
def _find_token(data: np.ndarray, start: np.int64, position: np.int64, found: np.ndarray, count: np.int64) -> np.int64:
    """Push tokens whose anchor ends at `position`."""
    last = np.int64(0)
    for place in range(max(start, position - 3), position + 1):
        last = last << 8 | np.int64(data[place])
    for anchor in range(ANCHOR_MASKS.size):
        first = position - ANCHOR_BACK[anchor]
        if last & ANCHOR_MASKS[anchor] == ANCHOR_BYTES[anchor] and first >= start:
            count = _push(found, count, first, API_TOKEN)
    return count


@inlined
def _is_key_header(data, position, stop):  # type: ignore[no-untyped-def]
    """Whether a `-` and four bytes later `-B` stand at `position`, as in `-----BEGIN`."""
    return (
        position + 5 < stop
        and data[position] == ord("-")
        and data[position + 4] == ord("-")
        and data[position + 5] == ord("B")
    )


@inlined
def _find_email(
    data: np.ndarray, start: np.int64, stop: np.int64, position: np.int64, found: np.ndarray, count: np.int64
) -> np.int64:
    """Push each place where the local part before the `@` at `position` may begin, if a dot is in the domain."""
    place = position + 1
    last = min(stop, place + MAX_DOMAIN)
    while place < last and CLASSES[data[place]] & DOMAIN and data[place] != ord("."):
        place += 1
    if place in (position + 1, last) or data[place] != ord("."):
        return count
    place = position - 1
    first = max(start, position - MAX_LOCAL)
    while place >= first and CLASSES[data[place]] & LOCAL:
        if CLASSES[data[place]] & WORD or data[place] >= 0xC3:
            count = _push(found, count, place, EMAIL)
        place -= 1
    return count


@inlined
def _is_ipv6(data, position, stop):  # type: ignore[no-untyped-def]
    """Whether four hexadecimal digits, a colon, up to four such digits and a colon stand at `position`."""
    if position + 6 > stop or data[position + 4] != ord(":"):
        return False
    for place in range(position, position + 4):
        if not CLASSES[data[place]] & HEX:
            return False
    place = position + 5
    while place < min(stop, position + 9) and CLASSES[data[place]] & HEX:
        place += 1
    return place < stop and data[place] == ord(":")


@inlined
def _measure_groups(data, position, stop, groups):  # type: ignore[no-untyped-def]
    """Fill int64[4] groups with the lengths of the first groups of digits; return (digits, whether dots part them)."""
    groups[:] = 0
    digits = group = gap = 0
    dots = True
    while position < stop and digits < ENOUGH_DIGITS and gap <= MAX_GAP:
        byte = data[position]
        if ord("0") <= byte <= ord("9"):
            if gap:
                dots = dots and (group >= GROUPS - 1 or (gap == 1 and data[position - 1] == ord(".")))
                group += 1
                gap = 0
            digits += 1
            if group < GROUPS:
                groups[group] += 1
        elif CLASSES[byte] & GAP:
            gap += 1
        else:
            break
        position += 1
    return digits, dots and group >= GROUPS - 1


@inlined
def _is_phone(first, groups, digits):  # type: ignore[no-untyped-def]
    """Whether groups of digits, of which `first` is the first byte, can be a telephone number without + or bracket."""
    one, two, three, four = groups[0], groups[1], groups[2], groups[3]
    if first == ord("0"):
        return one >= 2 and digits >= 10
    if first == ord("1"):
        return (
            one == 11 or (one == 3 and two == 4 and three == 4) or (one == 1 and two == 3 and three == 3 and four == 4)
        )
    return (one == 3 and two == 3 and three == 4) or (first == ord("8") and (one == 2 or one == 13) and digits >= 13)


@inlined
def _is_card(first, groups, digits):  # type: ignore[no-untyped-def]
    grouped = groups[0] == 4 and (groups[1] == 4 or groups[1] == 6)
    return ord("2") <= first <= ord("6") and digits >= 14 and (grouped or groups[0] >= 14)


@inlined
def _find_number(
    data: np.ndarray,
    start: np.int64,
    stop: np.int64,
    position: np.int64,
    groups: np.ndarray,
    found: np.ndarray,
    count: np.int64,
) -> np.int64:
    """Push what may begin with the digit at `position`, or one or two bytes before it with `+` or a bracket."""
    before = data[position - 1] if position > start else np.uint8(0)
    if ord("0") <= before <= ord("9"):  # inside a number, where no match begins or ends
        return count
    first = np.int64(data[position])
    digits, dots = _measure_groups(data, position, stop, groups)
    opened = before in (ord("+"), ord("("))
    if opened and digits >= 9:
        if position - 2 >= start and data[position - 2] == ord("("):
            count = _push(found, count, position - 2, PHONE)
        count = _push(found, count, position - 1, PHONE)
    if (first == ord("2") or first == ord("3")) and _is_ipv6(data, position, stop):
        count = _push(found, count, position, IP_ADDRESS)
    if dots and max(groups[0], groups[1], groups[2], groups[3]) <= 3:
        count = _push(found, count, position, IP_ADDRESS)
    if _is_card(first, groups, digits):
        count = _push(found, count, position, CREDIT_CARD)
    if _is_phone(first, groups, digits):
        count = _push(found, count, position, PHONE)
    return count


@kernel
def _find(data: np.ndarray, offsets: np.ndarray, found: np.ndarray) -> np.int64:
    """Fill int64[room] found with candidates, in no order; return how many there are, which may be over the room."""
    groups = np.empty(GROUPS, np.int64)
    count = np.int64(0)
    for document in range(offsets.size - 1):
        start, stop = offsets[document], offsets[document + 1]
        for position in range(start, stop):
            trigger = TRIGGERS[data[position]]
            if trigger == OTHER:
                continue
            if trigger == DIGIT:
                count = _find_number(data, start, stop, position, groups, found, count)
            elif trigger == AT:
                count = _find_email(data, start, stop, position, found, count)
            else:
                if _is_key_header(data, position, stop):
                    count = _push(found, count, position, PRIVATE_KEY)
                count = _find_token(data, start, position, found, count)
    return count


def find_candidates(texts: Texts) -> np.ndarray:
    """Return where personal data may begin, sorted; int64[m], each `position in texts.data << KIND_BITS | kind`."""
    room = 1024 + texts.data.size // 256
    while True:
        found = np.empty(room, np.int64)
        count = _find(texts.data, texts.offsets, found)
        if count <= room:
            return fixed(np.unique(found[:count]), np.int64)
        room = count
