"""Hashed features of texts: words and pairs of neighbouring words, and the kernels that weigh and learn them.

A feature is a `unicode` word (a CJK ideograph is one by itself) or two words that follow one another in a document,
hashed into one of 2**bits buckets. A text is the mean of its features, as in fastText (Joulin et al. 2016, arXiv
1607.01759, section 2), so that its length does not decide: margin = bias + mean of the weights of its features. No
feature is ever stored: kernels make them from the words' hashes.
"""

import numpy as np

from corpuskit.kernels import Words, fixed, inlined, kernel
from corpuskit.kernels.hashing import FINISHER, MULTIPLIER
from corpuskit.kernels.intrinsics import fold_multiply

VERSION = 1
"""Raised whenever a text's buckets may change: models of another version are refused."""
FIRST_SQUARE = 1e-12
"""Where sums of squared gradients begin, so that a first step is as long as the rate."""
WORD_BITS = 32
"""A word is known by the high bits of its hash: of a million words, one in 4,300 shares its number with another."""


def word_numbers(words: Words) -> np.ndarray:
    """Return the number of each word, all that features know of it; uint32[m], read-only."""
    return fixed(words.hashes() >> np.uint64(64 - WORD_BITS), np.uint32)


@inlined
def _word_bucket(word, bits):  # type: ignore[no-untyped-def]
    """Return the bucket of a word, uint32."""
    return np.int64(np.uint64(word) >> np.uint64(WORD_BITS - bits))


@inlined
def _pair_bucket(before, word, bits):  # type: ignore[no-untyped-def]
    """Return the bucket of two words, uint32 each, in this order."""
    pair = (np.uint64(before) << np.uint64(WORD_BITS)) | np.uint64(word)
    return np.int64((pair * MULTIPLIER) >> np.uint64(64 - bits))


@inlined
def _margin(words, first, last, weights, bits, bias):  # type: ignore[no-untyped-def]
    """Return bias + mean weight of the features of `words[first:last]`, float64; NaN without a word."""
    if first == last:
        return np.nan
    total = np.float64(weights[_word_bucket(words[first], bits)])
    pairs = 0.0
    for place in range(first + 1, last):
        total += weights[_word_bucket(words[place], bits)]
        pairs += weights[_pair_bucket(words[place - 1], words[place], bits)]
    return bias + (total + pairs) / (2 * (last - first) - 1)


@kernel
def _margins(words, offsets, weights, bits, bias, margins):  # type: ignore[no-untyped-def]
    """Fill margins float64[n]."""
    for text in range(offsets.size - 1):
        margins[text] = _margin(words, offsets[text], offsets[text + 1], weights, bits, bias)


def margins(words: np.ndarray, offsets: np.ndarray, weights: np.ndarray, bias: float) -> np.ndarray:
    """Return bias + mean weight of the features of each text; float64[n], NaN for a text without a word.

    Args:
        words: uint32[m], from `word_numbers`.
        offsets: int64[n + 1]; text i is `words[offsets[i]:offsets[i + 1]]`.
        weights: float32[2**bits], one a bucket.
        bias: added to all.
    """
    found = np.empty(offsets.size - 1, np.float64)
    _margins(words, offsets, fixed(weights, np.float32), bits_of(weights.size), float(bias), found)
    return found


def bits_of(buckets: int) -> int:
    """Return the bits of a bucket's number."""
    return buckets.bit_length() - 1


@kernel
def _word_buckets(words, bits, buckets):  # type: ignore[no-untyped-def]
    """Fill buckets int64[m]."""
    for place in range(words.size):
        buckets[place] = _word_bucket(words[place], bits)


def word_buckets(words: np.ndarray, buckets: int) -> np.ndarray:
    """Return the bucket of each word as a feature by itself; int64[m]."""
    found = np.empty(words.size, np.int64)
    _word_buckets(fixed(words, np.uint32), bits_of(buckets), found)
    return found


@kernel
def _count_features(words, offsets, bits, counts):  # type: ignore[no-untyped-def]
    """Add the features of all texts to counts int64[2**bits]."""
    for text in range(offsets.size - 1):
        for place in range(offsets[text], offsets[text + 1]):
            counts[_word_bucket(words[place], bits)] += 1
            if place > offsets[text]:
                counts[_pair_bucket(words[place - 1], words[place], bits)] += 1


def count_features(words: np.ndarray, offsets: np.ndarray, counts: np.ndarray) -> None:
    """Add how often each bucket occurs in texts to counts int64[2**bits].

    Args:
        words: uint32[m], from `word_numbers`.
        offsets: int64[n + 1]; text i is `words[offsets[i]:offsets[i + 1]]`.
        counts: changed in place.
    """
    _count_features(words, offsets, bits_of(counts.size), counts)


@inlined
def _step(weights, squares, bucket, gradient, rate):  # type: ignore[no-untyped-def]
    """Move one weight by AdaGrad: the rate over the root of all its squared gradients."""
    squares[bucket] += np.float32(gradient * gradient)
    weights[bucket] -= np.float32(rate * gradient / np.sqrt(squares[bucket]))


@kernel
def _learn(words, offsets, order, labels, costs, weights, squares, bits, rate, bias):  # type: ignore[no-untyped-def]
    """Learn from the texts, none empty, once in this order; change weights, squares and bias in place.

    weights, squares: float32[2**bits]; bias: float64[2], the bias and the sum of its squared gradients.
    """
    for text in order:
        first, last = offsets[text], offsets[text + 1]
        margin = _margin(words, first, last, weights, bits, bias[0])
        slope = costs[text] * (1.0 / (1.0 + np.exp(-margin)) - labels[text])
        bias[1] += slope * slope
        bias[0] -= rate * slope / np.sqrt(bias[1])
        gradient = slope / (2 * (last - first) - 1)
        _step(weights, squares, _word_bucket(words[first], bits), gradient, rate)
        for place in range(first + 1, last):
            _step(weights, squares, _word_bucket(words[place], bits), gradient, rate)
            _step(weights, squares, _pair_bucket(words[place - 1], words[place], bits), gradient, rate)


class Learner:
    """A linear model of hashed features that learns by AdaGrad (Duchi et al. 2011) on the logistic loss.

    AdaGrad, since the gradient of a mean of 400 features is small and rare features must move as far as common ones.
    """

    def __init__(self, buckets: int, rate: float) -> None:
        self.rate = rate
        self.weights = np.zeros(buckets, np.float32)
        self._squares = np.full(buckets, FIRST_SQUARE, np.float32)
        self._bias = np.array([0.0, FIRST_SQUARE])

    @property
    def bias(self) -> float:
        """What is added to the mean weight."""
        return float(self._bias[0])

    def learn(
        self, words: np.ndarray, offsets: np.ndarray, order: np.ndarray, labels: np.ndarray, costs: np.ndarray
    ) -> None:
        """Learn from texts once, in this order.

        Args:
            words: uint32[m], from `word_numbers`.
            offsets: int64[n + 1]; text i is `words[offsets[i]:offsets[i + 1]]`, which is not empty.
            order: int64[k], numbers of texts.
            labels: bool[n], whether a text is positive.
            costs: float64[n], how much the loss of a text counts.
        """
        bits = bits_of(self.weights.size)
        order, labels, costs = fixed(order, np.int64), fixed(labels, np.float64), fixed(costs, np.float64)
        _learn(words, offsets, order, labels, costs, self.weights, self._squares, bits, float(self.rate), self._bias)


@kernel
def _identities(words, offsets, identities):  # type: ignore[no-untyped-def]
    """Fill identities uint64[n]."""
    for text in range(offsets.size - 1):
        state = MULTIPLIER
        for place in range(offsets[text], offsets[text + 1]):
            state = fold_multiply(state ^ np.uint64(words[place]), FINISHER) + MULTIPLIER
        identities[text] = fold_multiply(state ^ np.uint64(offsets[text + 1] - offsets[text]), MULTIPLIER)


def identities(words: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Return a hash of each text's words in their order; uint64[n]. Texts that no model can tell apart have the same.

    Args:
        words: uint32[m], from `word_numbers`.
        offsets: int64[n + 1]; text i is `words[offsets[i]:offsets[i + 1]]`.
    """
    found = np.empty(offsets.size - 1, np.uint64)
    _identities(words, offsets, found)
    return found
