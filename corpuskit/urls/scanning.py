"""Kernels over URLs: which are plain, and which hosts and pages are in a table of hashes."""

import numpy as np

from corpuskit.kernels import fixed, inlined, kernel
from corpuskit.kernels.hashing import hash_span

NONE = np.int32(0x7FFFFFFF)
"""The number of no list; larger than that of any."""
SEED = np.uint64(0)
SLASH, DOT, QUERY, HASH, AMPERSAND = (ord(character) for character in "/.?#&")
MAX_HOST, MAX_LABEL = 253, 63
"""Bytes of a host name and of each of its labels (RFC 1035)."""

IN_HOST, IN_PATH = 1, 2
"""Bits of a byte: may stand in a plain host, in a plain path."""


def _classes() -> np.ndarray:
    """Return the bits IN_HOST and IN_PATH of each byte; uint8[256].

    A plain path has the characters of RFC 3986 that normalising leaves alone; `%` may need work, and `;` begins the
    session of some servers.
    """
    classes = np.zeros(256, np.uint8)
    lower, upper, digits = b"abcdefghijklmnopqrstuvwxyz", b"ABCDEFGHIJKLMNOPQRSTUVWXYZ", b"0123456789"
    classes[list(lower + digits + b"-_.")] |= IN_HOST
    classes[list(lower + upper + digits + b"-._~!$&'()*+,=:@/")] |= IN_PATH
    return fixed(classes, np.uint8)


CLASSES = _classes()


@inlined
def _starts_with(data, start, stop, word):  # type: ignore[no-untyped-def]
    """Whether `data[start:stop]` begins with the bytes of `word`."""
    if stop - start < len(word):
        return False
    for place in range(len(word)):  # noqa: SIM110 (numba compiles no generators)
        if data[start + place] != word[place]:
            return False
    return True


@inlined
def _host_end(data, start, stop):  # type: ignore[no-untyped-def]
    """Return the end of the plain host that `data[start:stop]` begins with, or -1: lower case, no empty label."""
    position = start
    label = start
    while position < stop and CLASSES[data[position]] & IN_HOST:
        if data[position] == DOT:
            if position == label or position - label > MAX_LABEL:
                return -1
            label = position + 1
        position += 1
    if position == label or position - label > MAX_LABEL or position - start > MAX_HOST:
        return -1
    return position


@inlined
def _path_end(data, start, stop):  # type: ignore[no-untyped-def]
    """Return where the plain path `data[start:stop]` ends without its last slashes, or -1 where it is not plain."""
    if start < stop and data[start] != SLASH:
        return -1
    for position in range(start, stop):
        if not CLASSES[data[position]] & IN_PATH:
            return -1
        if data[position] == DOT and data[position - 1] == SLASH:
            return -1
    while stop > start and data[stop - 1] == SLASH:
        stop -= 1
    return stop


@inlined
def _skip_www(data, start, stop):  # type: ignore[no-untyped-def]
    """Return where a host begins without `www.`, however often, as `address.without_www` says."""
    while _starts_with(data, start, stop, b"www."):
        position = start + 4
        while position < stop and data[position] != DOT:
            position += 1
        if position == stop:
            return start
        start += 4
    return start


@kernel
def scan_plain(data, offsets):  # type: ignore[no-untyped-def]
    """Return int64[n, 4] of each plain URL: where its host begins, the same without `www.`, where host and URL end.

    A plain URL is `http://` or `https://`, a host in lower case, and a path that its normal form has too. The others
    have -1.
    """
    found = np.full((offsets.size - 1, 4), -1, np.int64)
    for row in range(offsets.size - 1):
        start, stop = offsets[row], offsets[row + 1]
        if _starts_with(data, start, stop, b"https://"):
            start += 8
        elif _starts_with(data, start, stop, b"http://"):
            start += 7
        else:
            continue
        host_end = _host_end(data, start, stop)
        if host_end < 0:
            continue
        end = _path_end(data, host_end, stop)
        if end >= 0:
            found[row, 0], found[row, 1] = start, _skip_www(data, start, host_end)
            found[row, 2], found[row, 3] = host_end, end
    return found


@kernel
def hash_hosts(data, starts, ends):  # type: ignore[no-untyped-def]
    """Return uint64[m] hashes of the spans that are plain hosts, and bool[m] of which are."""
    hashes = np.zeros(starts.size, np.uint64)
    plain = np.zeros(starts.size, np.bool_)
    for span in range(starts.size):
        if _host_end(data, starts[span], ends[span]) == ends[span]:
            hashes[span] = hash_span(data, starts[span], ends[span], SEED)
            plain[span] = True
    return hashes, plain


@inlined
def _find(hashes, wanted):  # type: ignore[no-untyped-def]
    """Return the place of a hash in uint64[n], sorted; -1 where it is missing."""
    low, high = 0, hashes.size
    while low < high:
        middle = (low + high) >> 1
        if hashes[middle] < wanted:
            low = middle + 1
        else:
            high = middle
    if low < hashes.size and hashes[low] == wanted:
        return low
    return -1


@kernel
def find_hosts(data, offsets, hashes, numbers):  # type: ignore[no-untyped-def]
    """Return int32[n]: for each host the smallest number of an entry that is it or a domain above it, else NONE.

    hashes: uint64[m], sorted; numbers: int32[m].
    """
    found = np.full(offsets.size - 1, NONE, np.int32)
    for host in range(found.size):
        stop = offsets[host + 1]
        for position in range(offsets[host], stop):
            if position == offsets[host] or data[position - 1] == DOT:
                place = _find(hashes, hash_span(data, position, stop, SEED))
                if place >= 0:
                    found[host] = min(found[host], numbers[place])
    return found


@kernel
def find_pages(data, offsets, hashes, numbers, longest):  # type: ignore[no-untyped-def]
    """Return int32[n]: for each page the smallest number of an entry that it is or lies below, else NONE.

    Pages are `host/path?query`; one lies below another that it continues with `/`, `?`, `&` or `#`. longest: the bytes
    of the longest entry, so that a page of 100 kB costs no more than an entry.
    """
    found = np.full(offsets.size - 1, NONE, np.int32)
    for page in range(found.size):
        start, stop = offsets[page], offsets[page + 1]
        for end in range(start + 1, min(stop, start + longest) + 1):
            if end == stop or data[end] in (SLASH, QUERY, AMPERSAND, HASH):
                place = _find(hashes, hash_span(data, start, end, SEED))
                if place >= 0:
                    found[page] = min(found[page], numbers[place])
    return found
