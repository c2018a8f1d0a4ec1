"""Documents that are near-duplicates of an item, by MinHash signatures: for documents about as long as items.

A long document that holds an item whole is not similar to it, since most of its shingles are others: n-grams find it.
Shingles have three words, since items are short: one changed word takes at most three of them, but all 13-grams around
it. An item and a document are compared if any of 28 bands of 4 rows is equal: 84 % of the pairs of similarity 0.5, and
all but one in 2,000 of 0.7.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from corpuskit.contamination.pairs import Pairs, highest, portions
from corpuskit.contamination.table import folded_words
from corpuskit.kernels import Texts, Words, fixed, hash_spans, kernel, minhash, ngram_hashes

SHINGLE, BANDS, ROWS, SEED = 3, 28, 4, 1
PLACES = BANDS * ROWS
"""Of a signature."""


@dataclass(frozen=True, eq=False)
class SimilarItems:
    """The signatures of the items of all sets that are long enough."""

    n_sets: int
    set_of: np.ndarray
    """The set of each item, also of those that are too short; int64[items]."""
    numbers: np.ndarray
    """Which item each signature belongs to; int64[signed]."""
    signatures: np.ndarray
    """uint32[signed, PLACES]."""
    keys: np.ndarray
    """The hash of each band, band after band, each sorted; uint64[BANDS, signed]."""
    order: np.ndarray
    """The signature of each; int64[BANDS, signed]."""


@kernel
def _agreements(firsts, lasts, order, signatures, known, latest, rows, numbers, equal):  # type: ignore[no-untyped-def]
    """Fill the pairs of a document and a signature that share a band; return how many there are.

    firsts, lasts: where the n documents' bands are in `order`; int64[BANDS, n]. latest: the last document that was
    compared with each known signature, -1 at first.
    """
    made = 0
    for document in range(firsts.shape[1]):
        for band in range(firsts.shape[0]):
            for other in order[band, firsts[band, document] : lasts[band, document]]:
                if latest[other] == document:
                    continue
                latest[other] = document
                same = 0
                for place in range(known.shape[1]):
                    same += signatures[document, place] == known[other, place]
                rows[made], numbers[made], equal[made] = document, other, same
                made += 1
    return made


def _sign(words: Words) -> np.ndarray:
    """Return uint32[n, PLACES]."""
    shingles, offsets = ngram_hashes(words, SHINGLE)
    return minhash.signatures(shingles, offsets, minhash.permutations(PLACES, SEED))


def _bands(signatures: np.ndarray) -> np.ndarray:
    """Return the hash of each band; uint64[BANDS, n]."""
    starts = np.arange(len(signatures), dtype=np.int64) * (4 * PLACES)
    data = np.ascontiguousarray(signatures, "<u4").view(np.uint8).reshape(-1)
    firsts = [starts + 4 * ROWS * band for band in range(BANDS)]
    return np.stack([hash_spans(data, first, first + 4 * ROWS) for first in firsts])


def sign_items(texts: Texts, set_of: np.ndarray, n_sets: int, min_words: int) -> SimilarItems:
    """Sign the items.

    Args:
        texts: the items.
        set_of: the set of each; int64[items].
        n_sets: how many sets there are.
        min_words: items of fewer words are not looked for, nor are those of fewer than a shingle.
    """
    words = folded_words(texts)
    numbers = np.flatnonzero(words.counts() >= max(min_words, SHINGLE))
    signatures = _sign(words)[numbers]
    bands = _bands(signatures)
    order = np.argsort(bands, axis=1, kind="stable")
    return SimilarItems(n_sets, set_of, numbers, signatures, np.take_along_axis(bands, order, 1), order)


def _places(known: np.ndarray, keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return where keys begin and end among the known ones, which are sorted; int64[n] each. Few are there at all."""
    firsts = np.searchsorted(known, keys)
    lasts = firsts.copy()
    there = np.flatnonzero(np.append(known, np.uint64(0))[firsts] == keys)
    lasts[there] = np.searchsorted(known, keys[there], "right")
    return firsts, lasts


def similar_pairs(words: Words, items: SimilarItems) -> Iterator[Pairs]:
    """Give the pairs of a document and an item that share a band, with their estimated Jaccard similarity.

    Args:
        words: `folded_words` of n documents.
        items: the items.
    """
    signatures, long = _sign(words), words.counts() >= SHINGLE
    bands = _bands(signatures)
    found = [_places(known, keys) for known, keys in zip(items.keys, bands, strict=True)]
    firsts, lasts = (np.stack(side) for side in zip(*found, strict=True))
    lasts = np.where(long, lasts, firsts)
    sizes = (lasts - firsts).sum(axis=0)
    known, order = fixed(items.signatures, np.uint32), fixed(items.order, np.int64)
    for first, last in portions(sizes):
        run, room = slice(first, last), int(sizes[first:last].sum())
        rows, numbers, equal = (np.empty(room, np.int64) for _ in range(3))
        bounds = fixed(firsts[:, run], np.int64), fixed(lasts[:, run], np.int64)
        latest = np.full(len(known), -1, np.int64)
        made = _agreements(*bounds, order, fixed(signatures[run], np.uint32), known, latest, rows, numbers, equal)
        shares = (equal[:made] / PLACES).astype(np.float32)
        yield Pairs(rows[:made] + first, items.numbers[numbers[:made]], equal[:made], shares)


def similarities(words: Words, items: SimilarItems) -> np.ndarray:
    """Return the highest estimated Jaccard similarity of each document to an item, by set; float32[n, sets].

    0 where no item shares a band; NaN for documents of fewer words than a shingle, which cannot be compared.

    Args:
        words: `folded_words` of n documents.
        items: the items.
    """
    found = highest(similar_pairs(words, items), items.set_of, len(words.offsets) - 1, items.n_sets)
    found[words.counts() < SHINGLE] = np.nan
    return found
