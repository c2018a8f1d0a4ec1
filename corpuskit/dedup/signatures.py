"""Text hashes, MinHash signatures and their band keys."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from corpuskit.dedup.config import DedupConfig
from corpuskit.kernels import Texts, hash_spans, minhash, ngram_hashes
from corpuskit.urls import normalize_urls


@dataclass(frozen=True, eq=False)
class Signed:
    """What duplicates are found by, for n documents."""

    text_hash: np.ndarray
    """xxh3-128 of the text; uint8[n, 16]."""
    signatures: np.ndarray
    """MinHash signatures; uint32[n, bands * rows], or uint32[n, 0] without `minhash`."""
    valid: np.ndarray
    """Whether the signature says anything: the document has at least one shingle; bool[n]."""


def sign(texts: Texts, config: DedupConfig) -> Signed:
    """Compute the text hash and the signature of each document.

    The signature is that of the set of hashes of all `ngram` consecutive `unicode` words, without normalisation.
    A document with fewer words has no shingle and is not valid: it must be compared by its text hash alone, or all
    short documents would look alike.
    """
    if not config.minhash:
        return Signed(texts.hashes(), np.empty((len(texts), 0), np.uint32), np.zeros(len(texts), bool))
    shingles, offsets = ngram_hashes(texts.words("unicode"), config.ngram)
    permutations = minhash.permutations(config.num_perm, config.seed)
    return Signed(texts.hashes(), minhash.signatures(shingles, offsets, permutations), np.diff(offsets) > 0)


def sign_urls(column: pa.Array) -> Signed:
    """Hash the normalised URL of each document; a document without a URL is not valid, and there are no signatures."""
    normalised = normalize_urls(column)
    valid = normalised.is_valid().to_numpy(zero_copy_only=False)
    return Signed(Texts.from_arrow(normalised).hashes(), np.empty((len(column), 0), np.uint32), valid)


def band_keys(signatures: np.ndarray, config: DedupConfig) -> np.ndarray:
    """Hash each band of each signature; uint64[n, bands].

    Band j is the j-th group of `rows` places. The key depends on j too, so keys of all bands may share one shuffle.

    Args:
        signatures: uint32[n, bands * rows], of valid documents.
        config: gives bands and rows.

    Raises:
        ValueError: the signatures are not bands * rows wide.
    """
    if signatures.ndim != 2 or signatures.shape[1] != config.num_perm:
        raise ValueError(f"signatures of shape {signatures.shape} are not {config.bands} bands of {config.rows} rows")
    data = np.ascontiguousarray(signatures, "<u4").view(np.uint8).reshape(-1)
    width = 4 * config.rows
    keys = np.empty((len(signatures), config.bands), np.uint64)
    for band in range(config.bands):
        starts = np.arange(len(signatures), dtype=np.int64) * (4 * config.num_perm) + band * width
        keys[:, band] = hash_spans(data, starts, starts + width, seed=band)
    return keys


def similarity(signatures_a: np.ndarray, signatures_b: np.ndarray) -> np.ndarray:
    """Estimate the Jaccard similarity of pairs: the share of equal places of their signatures; float32[m].

    Args:
        signatures_a: uint32[m, num_perm].
        signatures_b: uint32[m, num_perm], the other document of each pair.

    Raises:
        ValueError: the shapes differ, or the signatures are empty.
    """
    if signatures_a.shape != signatures_b.shape or not signatures_a.shape[-1]:
        raise ValueError(f"cannot compare signatures of shapes {signatures_a.shape} and {signatures_b.shape}")
    equal = np.count_nonzero(signatures_a == signatures_b, axis=-1)
    return equal.astype(np.float32) / np.float32(signatures_a.shape[-1])
