"""Candidate pairs of documents: from entries (key, rank, row) to the pairs of rows that share a key.

A *bucket* is the entries with one key, such as a hash of one band of their signatures. A *rank* orders a bucket: part
of a hash of the document's text and a sketch of it, so that equal texts stand together, and which texts are paired does
not depend on where documents lie. Entries of equal rank are ordered by row.

Rows from `own` on are those of *references*: other sets of documents that own rows are compared with, each by itself.
"""

import numpy as np

from corpuskit.kernels.blocks import popcount
from corpuskit.kernels.compiling import fixed, inlined, kernel

ALL_OWN = 2**64 - 1
"""As `own`: no row is a reference."""
KEY, RANK, ROW, INDEX = 0, 1, 2, 3
"""Columns of entries while they are sorted."""
RUN = 16
"""Entries that are sorted by insertion before sorted runs are merged."""
SKETCH_BITS = 32
"""Bits of a rank that are a sketch of its text: equal in a share of places that rises with the similarity."""
SKETCH = np.uint64(2**SKETCH_BITS - 1)
MOST_BITS = 24
"""Bits of keys that entries are parted by, at most: 128 MB of bounds."""


@kernel
def _scatter(
    keys: np.ndarray,
    ranks: np.ndarray,
    rows: np.ndarray,
    least: np.uint64,
    shift: np.uint64,
    bounds: np.ndarray,
    entries: np.ndarray,
) -> None:
    """Fill entries uint64[m, 4] with (key, rank, row, index), by value: the bits of key - `least` from `shift` on.

    bounds: int64[number of values + 2], all 0; afterwards value i has `entries[bounds[i]:bounds[i + 1]]`.
    """
    for key in keys:
        bounds[((key - least) >> shift) + np.uint64(2)] += 1
    for value in range(2, bounds.size):
        bounds[value] += bounds[value - 1]
    for index in range(keys.size):
        value = ((keys[index] - least) >> shift) + np.uint64(1)
        place = bounds[value]
        entries[place, KEY], entries[place, RANK] = keys[index], ranks[index]
        entries[place, ROW], entries[place, INDEX] = rows[index], index
        bounds[value] = place + 1


@inlined
def _precedes(entries, place, key, rank, row):  # type: ignore[no-untyped-def]
    """Return whether the entry at a place stands before (key, rank, row)."""
    if entries[place, KEY] != key:
        return entries[place, KEY] < key
    if entries[place, RANK] != rank:
        return entries[place, RANK] < rank
    return entries[place, ROW] < row


@inlined
def _insert(entries, first, last):  # type: ignore[no-untyped-def]
    """Sort the entries from `first` to `last` - 1, in place."""
    for place in range(first + 1, last):
        key, rank = entries[place, KEY], entries[place, RANK]
        row, index = entries[place, ROW], entries[place, INDEX]
        hole = place
        while hole > first and not _precedes(entries, hole - 1, key, rank, row):
            for column in range(4):
                entries[hole, column] = entries[hole - 1, column]
            hole -= 1
        entries[hole, KEY], entries[hole, RANK] = key, rank
        entries[hole, ROW], entries[hole, INDEX] = row, index


@inlined
def _merge(entries, merged, first, middle, last):  # type: ignore[no-untyped-def]
    """Merge the sorted entries from `first` and those from `middle` on into the same places of `merged`."""
    left, right = first, middle
    for target in range(first, last):
        from_left = right >= last
        if left < middle and not from_left:
            from_left = _precedes(entries, left, entries[right, KEY], entries[right, RANK], entries[right, ROW])
        source = left if from_left else right
        for column in range(4):
            merged[target, column] = entries[source, column]
        left += from_left
        right += not from_left


@kernel
def _sort_many(entries: np.ndarray) -> None:
    """Sort entries uint64[k, 4], in place: sorted runs are merged two by two, from one array to another and back."""
    size, length = len(entries), RUN
    source, target = entries, np.empty_like(entries)
    for first in range(0, size, RUN):
        _insert(source, first, min(first + RUN, size))
    while length < size:
        for first in range(0, size, 2 * length):
            _merge(source, target, first, min(first + length, size), min(first + 2 * length, size))
        source, target = target, source
        length *= 2
    for place in range(size):
        for column in range(4):
            entries[place, column] = source[place, column]


@kernel
def _sort(entries: np.ndarray, bounds: np.ndarray) -> None:
    """Sort entries uint64[m, 4] between each two of the bounds."""
    for value in range(bounds.size - 1):
        first, last = bounds[value], bounds[value + 1]
        if last - first > 2 * RUN:
            _sort_many(entries[first:last])
        else:
            _insert(entries, first, last)


@kernel
def _shared(entries: np.ndarray, order: np.ndarray, starts: np.ndarray) -> tuple[np.int64, np.int64]:
    """Keep the sorted entries that share their key; return (number of entries, number of buckets).

    Fills order int64[:entries] and starts int64[:buckets + 1]; both have room for all there may be.
    """
    size, n_buckets, first = np.int64(0), np.int64(0), 0
    for place in range(1, len(entries) + 1):
        if place < len(entries) and entries[place, KEY] == entries[first, KEY]:
            continue
        if place - first > 1:
            starts[n_buckets] = size
            n_buckets += 1
            for entry in range(first, place):
                order[size] = entries[entry, INDEX]
                size += 1
        first = place
    starts[n_buckets] = size
    return size, n_buckets


def _sorted_entries(keys: np.ndarray, ranks: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return the entries (key, rank, row, index) in this order; uint64[m, 4].

    The keys' first bits say where an entry goes: a few entries to each value, since keys are hashes, and what is left
    to sort lies side by side. Keys that are no hashes only take longer.
    """
    entries = np.empty((keys.size, 4), np.uint64)
    if not keys.size:
        return entries
    least, most = int(keys.min()), int(keys.max())
    bits = min(max(keys.size.bit_length() - 2, 1), MOST_BITS)
    shift = max((most - least).bit_length() - bits, 0)
    bounds = np.zeros(((most - least) >> shift) + 3, np.int64)
    _scatter(keys, ranks, rows, np.uint64(least), np.uint64(shift), bounds, entries)
    _sort(entries, bounds[:-1])
    return entries


def buckets(keys: np.ndarray, ranks: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Find the entries that share their key with another entry.

    Args:
        keys: uint64[m], in any order.
        ranks: uint64[m], orders the entries of a bucket.
        rows: uint64[m], the document of each entry; orders entries of equal rank.

    Returns:
        The indices of those entries by (key, rank, row), int64[k], and where each bucket begins, int64[b + 1]:
        bucket i is `order[starts[i]:starts[i + 1]]`, two entries or more.

    Raises:
        ValueError: the arrays differ in length.
    """
    entries = _sorted_entries(*columns_of(keys, ranks, rows))
    order, starts = np.empty(len(entries), np.int64), np.empty(len(entries) // 2 + 1, np.int64)
    size, n_buckets = _shared(entries, order, starts)
    return fixed(order[:size], np.int64), fixed(starts[: n_buckets + 1], np.int64)


def columns_of(*columns: np.ndarray) -> list[np.ndarray]:
    """Return columns as kernels take them, uint64[m].

    Raises:
        ValueError: they differ in length.
    """
    if len({np.shape(column) for column in columns}) != 1:
        raise ValueError(f"columns of entries differ in length: {[np.shape(column) for column in columns]}")
    return [fixed(column, np.uint64) for column in columns]


def star(rows: np.ndarray, order: np.ndarray, starts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pair each entry of a bucket with the bucket's first, which connects all of them.

    Args:
        rows: uint64[m], as given to `buckets`.
        order: int64[k], from `buckets`.
        starts: int64[b + 1], from `buckets`, or a slice of them: the buckets to look at.

    Returns:
        The row of the bucket's first entry and the other row, both uint64[e]; a row is not paired with itself.
    """
    rows = fixed(rows, np.uint64)
    first = np.repeat(rows[order[starts[:-1]]], np.diff(starts))
    others = rows[order[starts[0] : starts[-1]]]
    different = first != others
    return first[different], others[different]


@inlined
def _most_pairs(n_heads, width):  # type: ignore[no-untyped-def]
    """Return how many pairs `neighbours` makes of a bucket at most."""
    if n_heads <= 2 * width + 1:
        return n_heads * (n_heads - 1) // 2
    return 2 * n_heads * width


@kernel
def _heads(
    ranks: np.ndarray,
    rows: np.ndarray,
    order: np.ndarray,
    starts: np.ndarray,
    own: np.uint64,
    width: np.int64,
    heads: np.ndarray,
    n_heads: np.ndarray,
) -> np.int64:
    """Find the first own row of each rank of each bucket; return how many pairs they make at most.

    They fill heads uint64[k, 2] with (row, rank) from the bucket's start, by rank.
    """
    n_pairs = np.int64(0)
    for bucket in range(starts.size - 1):
        last = low = starts[bucket] - starts[0]
        for place in range(starts[bucket], starts[bucket + 1]):
            rank, row = ranks[order[place]], rows[order[place]]
            if row < own and (last == low or rank != heads[last - 1, 1]):
                heads[last, 0], heads[last, 1] = row, rank
                last += 1
        n_heads[bucket] = last - low
        n_pairs += _most_pairs(n_heads[bucket], width)
    return n_pairs


@inlined
def _majority(heads, first, last, counts):  # type: ignore[no-untyped-def]
    """Return the bits that most sketches of a bucket's heads have set; counts: int64[SKETCH_BITS], overwritten."""
    for bit in range(SKETCH_BITS):
        counts[bit] = 0
    for place in range(first, last):
        for bit in range(SKETCH_BITS):
            counts[bit] += np.int64((heads[place, 1] >> np.uint64(bit)) & np.uint64(1))
    majority = np.uint64(0)
    for bit in range(SKETCH_BITS):
        if 2 * counts[bit] > last - first:
            majority |= np.uint64(1) << np.uint64(bit)
    return majority


@inlined
def _find_centres(heads, first, last, counts, centres, distances):  # type: ignore[no-untyped-def]
    """Fill centres int64[width] with the places of the heads whose sketches are nearest to the majority, nearest first.

    There are as many heads at least; distances: int64[width], overwritten.
    """
    majority, size = _majority(heads, first, last, counts), 0
    for place in range(first, last):
        distance = np.int64(popcount((heads[place, 1] ^ majority) & SKETCH))
        if size == centres.size and distance >= distances[size - 1]:
            continue
        size = min(size + 1, centres.size)
        hole = size - 1
        while hole > 0 and distances[hole - 1] > distance:
            centres[hole], distances[hole] = centres[hole - 1], distances[hole - 1]
            hole -= 1
        centres[hole], distances[hole] = place, distance


@inlined
def _contains(values, value):  # type: ignore[no-untyped-def]
    """Return whether an array has a value."""
    found = False
    for index in range(values.size):
        found |= values[index] == value
    return found


@kernel
def _pair_heads(
    heads: np.ndarray, starts: np.ndarray, n_heads: np.ndarray, width: np.int64, a: np.ndarray, b: np.ndarray
) -> np.int64:
    """Fill a and b, uint64[room], with the smaller and the larger row of each pair; return how many there are."""
    counts = np.empty(SKETCH_BITS, np.int64)
    centres, distances = np.empty(width, np.int64), np.empty(width, np.int64)
    n_pairs = np.int64(0)
    for bucket in range(starts.size - 1):
        first = starts[bucket] - starts[0]
        last = first + n_heads[bucket]
        is_small = n_heads[bucket] <= 2 * width + 1
        if not is_small:
            _find_centres(heads, first, last, counts, centres, distances)
        for place in range(first, last):
            row = heads[place, 0]
            for near in range(place + 1, last if is_small else min(place + 1 + width, last)):
                a[n_pairs], b[n_pairs] = min(heads[near, 0], row), max(heads[near, 0], row)
                n_pairs += 1
            is_centre = is_small or _contains(centres, place)
            for index in range(0 if is_small else width):
                centre = centres[index]
                if abs(centre - place) > width and (place > centre or not is_centre):
                    a[n_pairs], b[n_pairs] = min(heads[centre, 0], row), max(heads[centre, 0], row)
                    n_pairs += 1
    return n_pairs


def neighbours(
    ranks: np.ndarray, rows: np.ndarray, order: np.ndarray, starts: np.ndarray, width: int = 8, own: int = ALL_OWN
) -> tuple[np.ndarray, np.ndarray]:
    """Pair the texts of each bucket: all of them where there are up to 2 * width + 1, a bounded number where more.

    The own rows of equal rank, equal texts, are one *head*, the smallest row. Each head is paired with the next `width`
    heads by rank, and with the bucket's `width` centres: the heads whose sketches are nearest to what most have, the
    first by rank among equals. So the text that many were made of, which need not be similar to one another, meets all
    that share a band with it. References take no part.

    Which texts are paired does not depend on the order of entries or the numbering of rows.

    Args:
        ranks: uint64[m], as given to `buckets`; the low `SKETCH_BITS` bits are the text's sketch.
        rows: uint64[m], likewise.
        order: int64[k], from `buckets`.
        starts: int64[b + 1], from `buckets`, or a slice of them: the buckets to look at. A bucket of h heads gives
            up to 2 * width * h pairs: slices bound the memory.
        width: at least 1.
        own: rows from here on are references; default: none is.

    Returns:
        The smaller and the larger row of each pair, both uint64[e], by bucket; unique within it.

    Raises:
        ValueError: width is below 1, or ranks and rows differ in length.
    """
    check_width(width)
    ranks, rows = columns_of(ranks, rows)
    order, starts = fixed(order, np.int64), fixed(starts, np.int64)
    heads, n_heads = np.empty((starts[-1] - starts[0], 2), np.uint64), np.empty(starts.size - 1, np.int64)
    most = _heads(ranks, rows, order, starts, np.uint64(own), width, heads, n_heads)
    a, b = np.empty(most, np.uint64), np.empty(most, np.uint64)
    n_pairs = _pair_heads(heads, starts, n_heads, width, a, b)
    return a[:n_pairs], b[:n_pairs]


def check_width(width: int) -> None:
    """Refuse a number of neighbours below 1."""
    if width < 1:
        raise ValueError(f"a text is compared with at least 1 neighbour, not {width}")
