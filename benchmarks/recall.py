"""How many pairs of a known similarity the search for near-duplicates finds, beside what theory says: a table.

`python -m benchmarks.recall` makes 20,000 pairs of sets of shingle hashes for each similarity, and puts them through
signing, banding, matching and verification.
"""

from dataclasses import dataclass

import numpy as np

from corpuskit.dedup import DedupConfig, band_keys, collision_probability, similarity
from corpuskit.kernels import minhash
from corpuskit.kernels.jaccard import jaccard, sets
from corpuskit.kernels.pairs import buckets, neighbours

SIMILARITIES = tuple(percent / 100 for percent in range(50, 100, 5))
UNION = 400
"""Shingles that one of a pair of sets has, or both."""
PAIRS = 20_000
VERIFY = ("none", "signature", "exact")


@dataclass(frozen=True)
class Found:
    """Shares of the planted pairs by what verifies them, a name of `VERIFY`."""

    shares: dict[str, float]
    strangers: dict[str, int]
    """Pairs that were not planted."""


def pairs_of_sets(similar: float, pairs: int, rng: np.random.Generator) -> np.ndarray:
    """Make up pairs of sets of equal size, of exactly this Jaccard similarity; uint64[pairs, 2, size].

    Raises:
        ValueError: no two sets with `UNION` members have this similarity.
    """
    shared = round(similar * UNION)
    if abs(shared - similar * UNION) > 1e-6 or (UNION - shared) % 2:
        raise ValueError(f"no two sets of {UNION} members in all have the similarity {similar}")
    drawn = rng.integers(2**64, size=(pairs, UNION), dtype=np.uint64)
    size = (UNION + shared) // 2
    return np.stack([drawn[:, :size], np.concatenate([drawn[:, :shared], drawn[:, size:]], axis=1)], axis=1)


def find(planted: np.ndarray, config: DedupConfig) -> Found:
    """Search for pairs of sets, uint64[pairs, 2, size]."""
    pairs, _, size = planted.shape
    hashes, offsets = planted.reshape(-1), np.arange(2 * pairs + 1, dtype=np.int64) * size
    signatures = minhash.signatures(hashes, offsets, minhash.permutations(config.places, config.seed))
    a, b = _candidates(signatures, config)
    verified = {"none": np.ones(len(a), bool), "signature": similarity(signatures[a], signatures[b])}
    rows = np.stack([a, b], axis=1).reshape(-1)
    compared = jaccard(*_of(hashes, size, rows[::2]), *_of(hashes, size, rows[1::2]))
    verified["exact"] = compared.astype(np.float32) >= np.float32(config.threshold)
    verified["signature"] = verified["signature"] >= np.float32(config.threshold)
    twins = (a ^ 1) == b
    return Found(
        shares={name: np.unique(a[chosen & twins]).size / pairs for name, chosen in verified.items()},
        strangers={name: int(np.count_nonzero(chosen & ~twins)) for name, chosen in verified.items()},
    )


def _candidates(signatures: np.ndarray, config: DedupConfig) -> tuple[np.ndarray, np.ndarray]:
    """Return the pairs that share a band, each once; int64[m] twice."""
    bands, rows = config.banding
    keys = band_keys(signatures, bands, rows).ravel()
    numbers = np.repeat(np.arange(len(signatures), dtype=np.uint64), bands)
    found = np.stack(neighbours(numbers, numbers, *buckets(keys, numbers, numbers)), axis=1)
    a, b = np.unique(found, axis=0).astype(np.int64).T
    return a, b


def _of(hashes: np.ndarray, size: int, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the sets of some rows and their offsets, as `jaccard` takes them."""
    return sets(hashes.reshape(-1, size)[rows].reshape(-1), np.arange(len(rows) + 1, dtype=np.int64) * size)


def expected(similar: float, config: DedupConfig) -> dict[str, float]:
    """Return the probability that a pair of this similarity is found, by what verifies it.

    Each place of two signatures is equal with the probability `similar`. Let g be the polynomial in which the power of
    x is the number of equal places of a band, and h be g without its last term, a band that is equal: the coefficients
    of g^bands - h^bands are the probabilities of so many equal places with an equal band among them.
    """
    bands, rows = config.banding
    shared = float(collision_probability(similar, bands, rows))
    place = np.polynomial.Polynomial([1 - similar, similar])
    band = place**rows
    short = np.polynomial.Polynomial(band.coef[:-1])
    counts = (band**bands - short**bands).coef
    shares = np.arange(config.places + 1, dtype=np.float32) / np.float32(config.places)
    return {
        "none": shared,
        "signature": min(float(counts[shares >= np.float32(config.threshold)].sum()), 1.0),
        "exact": shared if np.float32(similar) >= np.float32(config.threshold) else 0.0,
    }


def main() -> None:
    """Print the table: of each way to verify, the share that was found and the expected one."""
    config, rng = DedupConfig(), np.random.default_rng(1)
    print("| Jaccard similarity |", " | ".join(f"`verify: {name}` | expected" for name in VERIFY), "|")
    print("|--:" * (1 + 2 * len(VERIFY)) + "|")
    for similar in SIMILARITIES:
        measured = find(pairs_of_sets(similar, PAIRS, rng), config)
        theory = expected(similar, config)
        cells = [f"{measured.shares[name]:.2%} | {theory[name]:.2%}" for name in VERIFY]
        print(f"| {similar} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
