"""Text hashes, MinHash signatures and their band keys."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from corpuskit.dedup.config import DedupConfig
from corpuskit.kernels import (
    Texts,
    agreement,
    character_ngram_hashes,
    hash_spans,
    lowered,
    minhash,
    ngram_hashes,
    normalized,
)
from corpuskit.kernels.pairs import SKETCH_BITS
from corpuskit.urls import normalize_urls


@dataclass(frozen=True, eq=False)
class Signed:
    """What duplicates are found by, for n documents."""

    text_hash: np.ndarray
    """xxh3-128 of the text, or of the normalised URL; uint8[n, 16]."""
    signatures: np.ndarray
    """MinHash signatures; uint32[n, places], or uint32[n, 0] without `minhash`."""
    valid: np.ndarray
    """Whether there is anything to compare: the document has a shingle, or a URL; bool[n]."""
    normal_hash: np.ndarray | None = None
    """xxh3-128 of the normalised text; uint8[n, 16]; None without `normalized`."""


def sign(texts: Texts, config: DedupConfig) -> Signed:
    """Compute the hashes and the signature of each document.

    The signature is that of the set of its `shingles`. A document without any is not valid: it must be compared by its
    text hash alone, or all such documents would look alike.
    """
    hashes = texts.hashes()
    normal = normalized(texts) if config.normalized else None
    if not config.minhash:
        worded = normal.lengths() > 0 if normal else np.zeros(len(texts), bool)
        return Signed(hashes, np.empty((len(texts), 0), np.uint32), worded, normal.hashes() if normal else None)
    found, offsets = shingles(texts, config)
    permutations = minhash.permutations(config.places, config.seed)
    signatures = minhash.signatures(found, offsets, permutations)
    return Signed(hashes, signatures, np.diff(offsets) > 0, normal.hashes() if normal else None)


def shingles(texts: Texts, config: DedupConfig) -> tuple[np.ndarray, np.ndarray]:
    """Hash every `ngram` consecutive words or characters of each document.

    A document of fewer units is one shingle as a whole; only one of none has none.

    Returns:
        The hashes, uint64[k], and offsets, int64[n + 1]: document i has `hashes[offsets[i]:offsets[i + 1]]`.
    """
    if config.lower_case:
        texts = lowered(texts)
    if config.unit == "characters":
        return character_ngram_hashes(texts, config.ngram, short=True)
    return ngram_hashes(texts.words("unicode"), config.ngram, short=True)


def sign_urls(column: pa.Array) -> Signed:
    """Hash the normalised URL of each document; a document without a URL is not valid, and there are no signatures."""
    urls = normalize_urls(column)
    valid = urls.is_valid().to_numpy(zero_copy_only=False)
    return Signed(Texts.from_arrow(urls).hashes(), np.empty((len(column), 0), np.uint32), valid)


def band_keys(signatures: np.ndarray, bands: int, rows: int) -> np.ndarray:
    """Hash each band of each signature; uint64[n, bands].

    Band j is the j-th group of `rows` places. The key depends on j too, so keys of all bands may share one shuffle.

    Args:
        signatures: uint32[n, bands * rows], of valid documents.
        bands: number of bands.
        rows: places per band.

    Raises:
        ValueError: the signatures are not bands * rows wide.
    """
    if signatures.ndim != 2 or signatures.shape[1] != bands * rows:
        raise ValueError(f"signatures of shape {signatures.shape} are not {bands} bands of {rows} rows")
    data = np.ascontiguousarray(signatures, "<u4").view(np.uint8).reshape(-1)
    keys = np.empty((len(signatures), bands), np.uint64)
    for band in range(bands):
        starts = np.arange(len(signatures), dtype=np.int64) * (4 * bands * rows) + band * 4 * rows
        keys[:, band] = hash_spans(data, starts, starts + 4 * rows, seed=band)
    return keys


def sketches(signatures: np.ndarray) -> np.ndarray:
    """Return the lowest bits of 32 places of each signature; uint64[n], below 2**32.

    Those of texts of Jaccard similarity s agree in about (1 + s) / 2 of their bits; signatures of fewer than 32 places
    repeat some. Source: b-bit minwise hashing, Li and König, 2010, https://arxiv.org/abs/0910.3349.

    Args:
        signatures: uint32[n, places].
    """
    places = np.arange(SKETCH_BITS) * signatures.shape[1] // SKETCH_BITS
    bits = np.ascontiguousarray(signatures[:, places] & 1, np.uint8)
    packed = np.packbits(bits, axis=1, bitorder="little")
    return np.ascontiguousarray(packed).view("<u4").reshape(-1).astype(np.uint64)


def similarity(signatures_a: np.ndarray, signatures_b: np.ndarray) -> np.ndarray:
    """Estimate the Jaccard similarity of pairs: the share of equal places of their signatures; float32[m].

    Args:
        signatures_a: uint32[m, places].
        signatures_b: uint32[m, places], the other document of each pair.

    Raises:
        ValueError: the shapes differ, or the signatures are empty.
    """
    if signatures_a.shape != signatures_b.shape or not signatures_a.shape[-1]:
        raise ValueError(f"cannot compare signatures of shapes {signatures_a.shape} and {signatures_b.shape}")
    return agreement(signatures_a, signatures_b)
