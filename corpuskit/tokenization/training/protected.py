"""Protected tokens: cut out of words before anything is counted."""

import re
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpuskit.errors import InputError
from corpuskit.tokenization.counts import WordCounts


def without(counts: WordCounts, protected: Sequence[bytes]) -> WordCounts:
    """Return the words with all protected tokens cut out; what is left of a word on either side is a word.

    Tokens are found from the left, the longest first. A word that comes out more than once has the sum of the counts.

    Raises:
        InputError: a protected token is empty.
    """
    if not protected:
        return counts
    if b"" in protected:
        raise InputError("a protected token is empty")
    pattern = re.compile(
        b"|".join(re.escape(token) for token in sorted(protected, key=lambda token: (-len(token), token)))
    )
    holds = pc.match_substring(counts.words, protected[0])
    for token in protected[1:]:
        holds = pc.or_(holds, pc.match_substring(counts.words, token))
    parts: list[bytes] = []
    part_counts: list[int] = []
    for word, count in zip(counts.words.filter(holds).to_pylist(), counts.counts[holds.to_numpy(False)], strict=True):
        left = [part for part in pattern.split(word) if part]
        parts += left
        part_counts += [int(count)] * len(left)
    whole = pc.invert(holds)
    words = pa.concat_arrays([counts.words.filter(whole), pa.array(parts, pa.large_binary())])
    return _summed(words, np.concatenate([counts.counts[whole.to_numpy(False)], np.array(part_counts, np.int64)]))


def _summed(words: pa.LargeBinaryArray, counts: np.ndarray) -> WordCounts:
    """Return words that may come more than once as counted words."""
    table = pa.table({"word": words, "count": counts}).group_by("word").aggregate([("count", "sum")]).sort_by("word")
    table = table.combine_chunks()
    summed = np.asarray(table["count_sum"], np.int64)
    summed.flags.writeable = False
    return WordCounts(pa.concat_arrays([pa.array([], pa.large_binary()), *table["word"].chunks]), summed)
