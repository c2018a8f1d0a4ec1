"""Cuts: the byte ranges by which one text is another with whole lines taken out.

A text that lost lines is stored as what was cut, a few integers, instead of its bytes. Ranges count from the first
byte of their own document, so they mean the same in whatever batch the document travels.
"""

from typing import NamedTuple

import numpy as np

from corpuskit.kernels.compiling import fixed, inlined, kernel
from corpuskit.kernels.intrinsics import load64
from corpuskit.kernels.spans import gather_spans
from corpuskit.kernels.texts import Texts


class Cuts(NamedTuple):
    """The byte ranges that n documents lose, in text order; all arrays are read-only."""

    starts: np.ndarray
    """First byte of each range, from the first byte of its document; int64[m]."""
    ends: np.ndarray
    """Byte after each range, likewise; int64[m]."""
    offsets: np.ndarray
    """The ranges of document i are `offsets[i]` to `offsets[i + 1]`; int64[n + 1], from 0 to m."""
    exact: np.ndarray
    """Whether the ranges give the new text; bool[n]. Where they cannot, the document has none."""


@inlined
def _equal(left, first, right, second, length):  # type: ignore[no-untyped-def]
    """Whether `left[first:][:length]` and `right[second:][:length]`, both uint8, are the same bytes."""
    place = 0
    while place + 8 <= length:
        if load64(left, first + place) != load64(right, second + place):
            return False
        place += 8
    while place < length:
        if left[first + place] != right[second + place]:
            return False
        place += 1
    return True


@kernel
def _cut_document(  # type: ignore[no-untyped-def]
    old, old_starts, old_ends, new, new_starts, new_ends, cut_starts, cut_ends, count
):
    """Append the cuts that turn the old lines of one document into its new ones; return their new number, -1 if none.

    Each new line takes the first old line like it: if any choice of lines works, this one does.
    """
    base, n_old = old_starts[0], old_starts.size
    taken, cutting = 0, False
    for line in range(n_old):
        length = old_ends[line] - old_starts[line]
        stays = taken < new_starts.size and new_ends[taken] - new_starts[taken] == length
        stays = stays and _equal(old, old_starts[line], new, new_starts[taken], length)
        if stays:
            taken += 1
            if cutting:
                cut_ends[count] = old_starts[line] - base
                count += 1
        elif not cutting:
            cut_starts[count] = old_starts[line] - base
        cutting = not stays
    if taken < new_starts.size:
        return -1
    if cutting:
        cut_starts[count] -= 1  # no line follows, so the line feed before the cut goes; a line before it did stay
        cut_ends[count] = old_ends[n_old - 1] - base
        count += 1
    return count


@kernel
def _cuts(  # type: ignore[no-untyped-def]
    old, old_starts, old_ends, old_offsets, new, new_starts, new_ends, new_offsets, cut_starts, cut_ends, offsets, exact
):
    """Fill cut_starts and cut_ends int64[room], offsets int64[n + 1] and exact bool[n]; return the number of cuts."""
    count = 0
    for document in range(exact.size):
        first, last = old_offsets[document], old_offsets[document + 1]
        new_first, new_last = new_offsets[document], new_offsets[document + 1]
        length = old_ends[last - 1] - old_starts[first]
        exact[document] = True
        if new_ends[new_last - 1] == new_starts[new_first]:  # no text is left, which is not the same as an empty line
            cut_starts[count], cut_ends[count] = 0, length
            count += length > 0
        else:
            lines, new_lines = slice(first, last), slice(new_first, new_last)
            after = _cut_document(
                old,
                old_starts[lines],
                old_ends[lines],
                new,
                new_starts[new_lines],
                new_ends[new_lines],
                cut_starts,
                cut_ends,
                count,
            )
            exact[document] = after >= 0
            count = max(count, after)
        offsets[document + 1] = count
    return count


def cuts(old: Texts, new: Texts) -> Cuts:
    r"""Find the whole lines that each old text lost to become the new one.

    Exact where the lines of the new text (`split("\n")`) are some of the old text's lines in their order, or where it
    is empty. A line is cut with the line feed after it, the last lines of a text with the one before them.

    Raises:
        ValueError: the batches differ in length.
    """
    if len(old) != len(new):
        raise ValueError(f"{len(old)} old texts, but {len(new)} new ones")
    before, after = old.lines(), new.lines()
    starts, ends = np.empty(len(before), np.int64), np.empty(len(before), np.int64)
    offsets, exact = np.zeros(len(old) + 1, np.int64), np.empty(len(old), np.bool_)
    count = _cuts(
        old.data,
        before.starts,
        before.ends,
        before.offsets,
        new.data,
        after.starts,
        after.ends,
        after.offsets,
        starts,
        ends,
        offsets,
        exact,
    )
    return Cuts(
        fixed(starts[:count].copy(), np.int64),
        fixed(ends[:count].copy(), np.int64),
        fixed(offsets, np.int64),
        fixed(exact, np.bool_),
    )


def cut(old: Texts, starts: np.ndarray, ends: np.ndarray, offsets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Take byte ranges out of texts.

    Args:
        old: n documents.
        starts: int64[m], first byte of each range, from the first byte of its document.
        ends: int64[m], byte after each range, likewise.
        offsets: int64[n + 1], the ranges of document i are `offsets[i]` to `offsets[i + 1]`; they ascend and may touch.

    Returns:
        The bytes, uint8[n_bytes], and where each document begins in them, int64[n + 1]: what `Texts` takes.

    Raises:
        ValueError: the offsets do not fit the documents and ranges; ranges overlap or lie outside their document.
    """
    counts = np.diff(offsets)
    if counts.size != len(old) or offsets[0] != 0 or offsets[-1] != len(starts) or (counts < 0).any():
        raise ValueError(f"the offsets do not divide {len(starts)} ranges among {len(old)} documents")
    base = np.repeat(old.offsets[:-1], counts)
    kept_starts = np.insert(ends + base, offsets[:-1], old.offsets[:-1])  # what stays begins where a document or a cut
    kept_ends = np.insert(starts + base, offsets[1:], old.offsets[1:])  # does, and goes on to the next cut or the end
    if (starts > ends).any():
        raise ValueError("a range ends before it starts")
    data, bounds = gather_spans(old.data, kept_starts, kept_ends)
    return data, fixed(bounds[offsets + np.arange(len(old) + 1)], np.int64)
