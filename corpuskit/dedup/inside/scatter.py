"""Rows to partitions by hash, without sorting them."""

from collections.abc import Sequence

import numpy as np

from corpuskit.kernels import fixed, kernel


@kernel
def _numbers(hashes, partitions, numbers, counts):  # type: ignore[no-untyped-def]
    """Fill numbers uint32[m] with the partition of each hash, by its upper half; add up counts int64[partitions]."""
    for row in range(hashes.size):
        number = ((hashes[row] >> np.uint64(32)) * partitions) >> np.uint64(32)
        numbers[row] = number
        counts[number] += 1


@kernel
def _scatter(values, numbers, cursors, scattered):  # type: ignore[no-untyped-def]
    """Write each value to where the cursor of its partition stands; cursors, int64[partitions], move on."""
    for row in range(values.size):
        number = numbers[row]
        scattered[cursors[number]] = values[row]
        cursors[number] += 1


def scatter(pieces: Sequence[Sequence[np.ndarray]], partitions: int) -> tuple[list[np.ndarray], np.ndarray]:
    """Put rows in the order of their partitions; those of one partition keep theirs.

    Args:
        pieces: tables, each a list of columns uint64[m]; the first column are hashes, by which rows are parted.
        partitions: at most 2**32.

    Returns:
        The columns of all pieces, uint64[rows], and where each partition begins in them, int64[partitions + 1].
    """
    counts = np.zeros(partitions, np.int64)
    numbers = []
    for hashes, *_ in pieces:
        numbers.append(np.empty(hashes.size, np.uint32))
        _numbers(fixed(hashes, np.uint64), np.uint64(partitions), numbers[-1], counts)
    bounds = np.concatenate([[0], np.cumsum(counts)])
    columns = []
    for column in zip(*pieces, strict=True):
        cursors, scattered = bounds[:-1].copy(), np.empty(bounds[-1], np.uint64)
        for values, own in zip(column, numbers, strict=True):
            _scatter(fixed(values, np.uint64), own, cursors, scattered)
        columns.append(scattered)
    return columns, bounds
