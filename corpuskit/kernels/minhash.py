"""MinHash signatures, equal to those of `datasketch.MinHash(scheme="affine32")`.

A signature estimates the Jaccard similarity of two sets of hashes: the share of equal places. Each permutation is
`a * h + b` modulo 2**32 with an odd `a`, applied to the low 32 bits of a hash after the finalizer of MurmurHash3.
Source: the scheme `affine32` of datasketch 2.0, https://ekzhu.com/datasketch/minhash.html.
"""

import functools

import numpy as np

from corpuskit.kernels.compiling import fixed, inlined, kernel

EMPTY = np.uint32(0xFFFFFFFF)
"""Every place of the signature of an empty set."""

LOW_HALF = np.uint64(0xFFFFFFFF)


@functools.cache
def permutations(num_perm: int, seed: int) -> np.ndarray:
    """Return the multipliers and increments of the permutations; uint32[2, num_perm], the same as datasketch's.

    Args:
        num_perm: number of permutations, at least 1.
        seed: 0 to 2**32 - 1.

    Raises:
        ValueError: num_perm or seed is out of range.
    """
    if num_perm < 1:
        raise ValueError(f"a signature has at least 1 permutation, not {num_perm}")
    generator = np.random.RandomState(seed)
    multipliers = 2 * generator.randint(0, 1 << 31, num_perm, np.uint32) + np.uint32(1)
    increments = generator.randint(0, 1 << 32, num_perm, np.uint32)
    return fixed([multipliers, increments], np.uint32)


@inlined
def _mix32(hashed: np.uint64) -> np.uint32:
    """Return the 32-bit finalizer of MurmurHash3 of the low half of a hash."""
    mixed = np.uint32(hashed & LOW_HALF)
    mixed = np.uint32((mixed ^ (mixed >> np.uint32(16))) * np.uint32(0x85EBCA6B))
    mixed = np.uint32((mixed ^ (mixed >> np.uint32(13))) * np.uint32(0xC2B2AE35))
    return np.uint32(mixed ^ (mixed >> np.uint32(16)))


@inlined
def _least(value: np.uint32, bound: np.uint32) -> np.uint32:
    """Return the smaller number; LLVM makes vector instructions of this, but not of numba's `min`."""
    return value if value < bound else bound


@kernel
def _signatures(
    hashes: np.ndarray, offsets: np.ndarray, multipliers: np.ndarray, increments: np.ndarray, signatures: np.ndarray
) -> None:
    """Fill signatures uint32[n_documents, num_perm].

    The inner loop runs over the permutations, in lanes of 32 bits, for four hashes at a time, so that the minima are
    read and written once for the four. The last hashes of a document are repeated to make four.
    """
    minima = np.empty(multipliers.size, np.uint32)
    for document in range(offsets.size - 1):
        for place in range(minima.size):
            minima[place] = EMPTY
        last = offsets[document + 1] - 1
        for first in range(offsets[document], last + 1, 4):
            hash0 = _mix32(hashes[first])
            hash1 = _mix32(hashes[min(first + 1, last)])
            hash2 = _mix32(hashes[min(first + 2, last)])
            hash3 = _mix32(hashes[min(first + 3, last)])
            for place in range(minima.size):
                a, b = multipliers[place], increments[place]
                least = _least(np.uint32(a * hash0 + b), minima[place])
                least = _least(np.uint32(a * hash1 + b), least)
                least = _least(np.uint32(a * hash2 + b), least)
                minima[place] = _least(np.uint32(a * hash3 + b), least)
        for place in range(minima.size):  # a loop, since `signatures[document] = minima` takes 2 s to compile
            signatures[document, place] = minima[place]


def signatures(hashes: np.ndarray, offsets: np.ndarray, permutations: np.ndarray) -> np.ndarray:
    """Return the MinHash signature of each document's set of hashes; uint32[n_documents, num_perm].

    Args:
        hashes: uint64[k]; the low 32 bits count, repeats do not.
        offsets: int64[n_documents + 1], the hashes of document i are `hashes[offsets[i]:offsets[i + 1]]`.
        permutations: uint32[2, num_perm], from `permutations`.

    Raises:
        ValueError: the offsets fall or point outside the hashes.
    """
    hashes, offsets = fixed(hashes, np.uint64), fixed(offsets, np.int64)
    if not offsets.size or offsets[0] < 0 or offsets[-1] > hashes.size or (np.diff(offsets) < 0).any():
        raise ValueError(f"offsets must rise from 0 to at most the {hashes.size} hashes")
    multipliers, increments = fixed(permutations, np.uint32)
    signatures = np.empty((offsets.size - 1, multipliers.size), np.uint32)
    _signatures(hashes, offsets, multipliers, increments, signatures)
    return signatures


@kernel
def _agreement(signatures_a: np.ndarray, signatures_b: np.ndarray, agreement: np.ndarray) -> None:
    width = signatures_a.shape[1]
    for pair in range(agreement.size):
        equal = np.uint32(0)
        for place in range(width):
            equal = np.uint32(equal + np.uint32(signatures_a[pair, place] == signatures_b[pair, place]))
        agreement[pair] = np.float32(equal) / np.float32(width)


def agreement(signatures_a: np.ndarray, signatures_b: np.ndarray) -> np.ndarray:
    """Return the share of equal places of pairs of signatures, which estimates their Jaccard similarity; float32[m].

    Args:
        signatures_a: uint32[m, num_perm].
        signatures_b: uint32[m, num_perm], the other document of each pair.

    Raises:
        ValueError: the shapes differ, or the signatures are empty.
    """
    signatures_a, signatures_b = fixed(signatures_a, np.uint32), fixed(signatures_b, np.uint32)
    if signatures_a.ndim != 2 or signatures_a.shape != signatures_b.shape or not signatures_a.shape[1]:
        raise ValueError(f"cannot compare signatures of shapes {signatures_a.shape} and {signatures_b.shape}")
    shares = np.empty(len(signatures_a), np.float32)
    _agreement(signatures_a, signatures_b, shares)
    return shares
