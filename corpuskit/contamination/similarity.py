"""Documents that are near-duplicates of an item, by MinHash signatures: for documents about as long as items.

A long document that holds an item whole is not similar to it, since most of its shingles are others: n-grams find it.
Signatures are those of `corpuskit.dedup` with its default settings, of words in lower case: shingles of five words; an
item and a document are compared if any of 14 bands of 8 rows is equal, nearly all pairs of similarity 0.8 and few below
0.6.
"""

from dataclasses import dataclass

import numpy as np

from corpuskit.contamination.table import folded_words
from corpuskit.kernels import Texts, Words, hash_spans, minhash, ngram_hashes

SHINGLE, BANDS, ROWS, SEED = 5, 14, 8, 1
"""The defaults of `dedup`."""


@dataclass(frozen=True, eq=False)
class SimilarItems:
    """The signatures of the items of all sets that have a shingle."""

    n_sets: int
    set_of: np.ndarray
    """The set of each item; int64[items]."""
    signatures: np.ndarray
    """uint32[items, BANDS * ROWS]."""
    keys: np.ndarray
    """The hash of each band, band after band, each sorted; uint64[BANDS, items]."""
    order: np.ndarray
    """The item of each; int64[BANDS, items]."""


def _sign(words: Words) -> tuple[np.ndarray, np.ndarray]:
    """Return uint32[n, BANDS * ROWS] and whether there is any shingle, bool[n]."""
    shingles, offsets = ngram_hashes(words, SHINGLE)
    permutations = minhash.permutations(BANDS * ROWS, SEED)
    return minhash.signatures(shingles, offsets, permutations), np.diff(offsets) > 0


def _bands(signatures: np.ndarray) -> np.ndarray:
    """Return the hash of each band; uint64[BANDS, n]."""
    starts = np.arange(len(signatures), dtype=np.int64) * (4 * BANDS * ROWS)
    data = np.ascontiguousarray(signatures, "<u4").view(np.uint8).reshape(-1)
    firsts = [starts + 4 * ROWS * band for band in range(BANDS)]
    return np.stack([hash_spans(data, first, first + 4 * ROWS) for first in firsts])


def sign_items(texts: Texts, set_of: np.ndarray, n_sets: int) -> SimilarItems:
    """Sign the items.

    Args:
        texts: the items.
        set_of: the set of each; int64[items].
        n_sets: how many sets there are.
    """
    signatures, valid = _sign(folded_words(texts))
    bands = _bands(signatures[valid])
    order = np.argsort(bands, axis=1, kind="stable")
    return SimilarItems(n_sets, set_of[valid], signatures[valid], np.take_along_axis(bands, order, 1), order)


def similarities(words: Words, items: SimilarItems) -> np.ndarray:
    """Return the highest estimated Jaccard similarity of each document to an item, by set; float32[n, sets].

    0 where no item shares a band; NaN for documents of fewer words than a shingle, which cannot be compared.

    Args:
        words: `folded_words` of n documents.
        items: the items.
    """
    signatures, valid = _sign(words)
    found = np.zeros((len(signatures), items.n_sets), np.float32)
    for band, keys in enumerate(_bands(signatures)):
        documents, candidates = _equal_keys(keys, items.keys[band], items.order[band])
        equal = np.count_nonzero(signatures[documents] == items.signatures[candidates], axis=1)
        shares = (equal / (BANDS * ROWS)).astype(np.float32)
        np.maximum.at(found, (documents, items.set_of[candidates]), shares)
    found[~valid] = np.nan
    return found


def _equal_keys(keys: np.ndarray, known: np.ndarray, order: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (document, item) of all that share a key; int64[m] each. known: uint64[items], sorted."""
    firsts, lasts = np.searchsorted(known, keys, "left"), np.searchsorted(known, keys, "right")
    sizes = lasts - firsts
    documents = np.repeat(np.arange(len(keys)), sizes)
    within = np.arange(len(documents)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return documents, order[np.repeat(firsts, sizes) + within]
