"""What the shares of a policy come to, exactly: an order statistic of values in many blocks, in constant memory.

    candidates(policy, columns)    the values that each share is a share of, one split at a time
    share_bound(rule, blocks)      the value of the share's last document, over all splits

The values are read once for each 16 bits of them, twice for float32: each time those that agree with all bits found so
far are counted by their next 16 bits (radix selection). So memory is one block and 65,536 counts, and the result does
not depend on how the values are spread over blocks.
"""

import math
from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpuskit.policy.columns import is_missing, mask, numbers, whole
from corpuskit.policy.config import LABEL, PolicyConfig, shares, without_shares
from corpuskit.policy.rule import Rule
from corpuskit.policy.verdicts import judge

DIGIT = 16
"""Bits that one pass over the values decides."""
Blocks = Callable[[], Iterable[np.ndarray]]
"""Gives values, block by block, each time it is called: float32 or float64 in all blocks, without NaN."""


class Bound(NamedTuple):
    """What a share of a corpus comes to."""

    value: float | None
    """The value of its last document; None where there is no document to take a share of."""
    documents: int
    """The documents that it is a share of."""


def candidates(policy: PolicyConfig, columns: pa.Table, training: np.ndarray) -> list[np.ndarray]:
    """Return the values that each of `shares(policy)` is a share of, in row order.

    Args:
        policy: The policy.
        columns: What `judge` reads.
        training: bool[n]: the documents that are not held out.

    Returns:
        The values of documents that are in `training`, pass all rules which hold no share, have a value, and are of the
        rule's languages: float32 for float signals, float64 for integers.
    """
    kept = mask(whole(judge(without_shares(policy), columns)["kept"])) & training
    return [_values(rule, columns, kept) for _, rule in shares(policy)]


def _values(rule: Rule, columns: pa.Table, kept: np.ndarray) -> np.ndarray:
    column = whole(columns[rule.signal])
    judged = kept & ~is_missing(column)
    if rule.languages:
        labels = whole(columns[LABEL])
        judged &= mask(pc.is_in(labels, value_set=pa.array(rule.languages, labels.type)))
    values = numbers(column)[judged]
    return values if values.dtype == np.float32 else values.astype(np.float64)


def share_bound(rule: Rule, blocks: Blocks) -> Bound:
    """Return the value of the last document of a rule's share of all values, counted from its best.

    Of n documents a share has the next whole number of documents, so that it is never less than was asked for: 10 % of
    101 are 11. The share is the decimal number that was written, not the float next to it: 10 % of 30 are 3.
    """
    share = Fraction(str(rule.highest or rule.lowest))

    def rank(documents: int) -> int:
        count = math.ceil(share * documents)
        return documents - count if rule.highest else count - 1

    return nth_smallest(blocks, rank)


def nth_smallest(blocks: Blocks, rank_of: Callable[[int], int]) -> Bound:
    """Return the value of a rank among all values, from 0 for the smallest.

    Args:
        blocks: The values.
        rank_of: Gives the rank for the number of values; it is not called where there are none.
    """
    dtype = next((values.dtype for values in blocks()), np.dtype(np.float32))
    counts = _digit_counts(blocks, dtype, 0, 0)
    documents = int(counts.sum())
    if not documents:
        return Bound(None, 0)
    rank, prefix = rank_of(documents), 0
    for digits in range(1, 8 * dtype.itemsize // DIGIT + 1):
        ends = counts.cumsum()
        digit = int(np.searchsorted(ends, rank, side="right"))
        rank -= int(ends[digit] - counts[digit])
        prefix = prefix << DIGIT | digit
        if digits * DIGIT < 8 * dtype.itemsize:
            counts = _digit_counts(blocks, dtype, prefix, digits)
    return Bound(_value(prefix, dtype), documents)


def _digit_counts(blocks: Blocks, dtype: np.dtype, prefix: int, digits: int) -> np.ndarray:
    """Count the values whose keys begin with the digits of a prefix by their next digit; int64[65536]."""
    shift = 8 * dtype.itemsize - DIGIT * (digits + 1)
    counts = np.zeros(1 << DIGIT, np.int64)
    for values in blocks():
        begun = _keys(values) >> shift
        begun = begun[begun >> DIGIT == prefix]
        counts += np.bincount((begun & (1 << DIGIT) - 1).astype(np.int64), minlength=1 << DIGIT)
    return counts


def _keys(values: np.ndarray) -> np.ndarray:
    """Return unsigned integers in the order of the values: their bits, all flipped below 0, else the sign bit set."""
    bits = values.view(f"u{values.itemsize}")
    sign = bits.dtype.type(1 << 8 * values.itemsize - 1)
    return np.where(bits & sign, ~bits, bits | sign)


def _value(key: int, dtype: np.dtype) -> float:
    """Return the value that has a key."""
    bits = 8 * dtype.itemsize
    sign = 1 << bits - 1
    flipped = key ^ sign if key & sign else key ^ (1 << bits) - 1
    return float(np.array(flipped, f"u{dtype.itemsize}").view(dtype))
