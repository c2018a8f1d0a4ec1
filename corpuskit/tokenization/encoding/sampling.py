"""Segmentations drawn at random, to train on several of a text: BPE-dropout, and Unigram's own distribution.

A draw depends on (seed, number of the document, place in it) alone, so that batches, their order and their size change
nothing, and another seed gives other segmentations.
"""

from collections.abc import Sequence

import numpy as np

from corpuskit.kernels.compiling import fixed, inlined, kernel
from corpuskit.kernels.texts import Texts
from corpuskit.kernels.tries import NOWHERE, behind, token_at
from corpuskit.kernels.utf8 import decode
from corpuskit.tokenization.encoding.unigram import UnigramEncoder
from corpuskit.tokenization.pretokens import pretokenize

LONGEST_WORD = 256
"""Bytes after which BPE-dropout cuts a word: each merge looks at all of it."""
EMPTY_SLOT = np.uint64(0xFFFFFFFFFFFFFFFF)
NO_RANK = np.int64(1 << 40)
GOLDEN = np.uint64(0x9E3779B97F4A7C15)


@inlined
def _mix(state):  # type: ignore[no-untyped-def]
    """Return the finalizer of SplitMix64 (Steele et al. 2014)."""
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))


@inlined
def _stream(seed, document, place):  # type: ignore[no-untyped-def]
    """Return where the random numbers of a place of a document begin; all uint64."""
    return _mix(_mix(_mix(seed + GOLDEN) + document + GOLDEN) + place + GOLDEN)


@inlined
def _uniform(stream, number):  # type: ignore[no-untyped-def]
    """Return random number `number`, 0 or more, of a stream: float64, 0 to below 1."""
    drawn = _mix(stream + np.uint64(number + 1) * GOLDEN)
    return np.float64(drawn >> np.uint64(11)) * 2.0**-53


def _numbers(texts: Texts, documents: np.ndarray | None) -> np.ndarray:
    numbers = np.arange(len(texts)) if documents is None else documents
    if len(numbers) != len(texts):
        raise ValueError(f"{len(texts)} documents, but {len(numbers)} numbers of documents")
    return fixed(np.asarray(numbers).astype(np.uint64), np.uint64)


# -------------------------------------------------------------------------------------------------------- BPE-dropout


@inlined
def _pair_slot(left, right, slots):  # type: ignore[no-untyped-def]
    """Return where a pair is, or would be, in the open-addressing table."""
    key = np.uint64(left) << np.uint64(32) | np.uint64(right)
    mask = np.uint64(slots.size - 1)
    slot = _mix(key) & mask
    while slots[slot] != EMPTY_SLOT and slots[slot] != key:
        slot = (slot + np.uint64(1)) & mask
    return slot


@kernel
def _fill_slots(lefts, rights, slots, ranks):  # type: ignore[no-untyped-def]
    for rank in range(lefts.size):
        slot = _pair_slot(lefts[rank], rights[rank], slots)
        if slots[slot] == EMPTY_SLOT:
            slots[slot] = np.uint64(lefts[rank]) << np.uint64(32) | np.uint64(rights[rank])
            ranks[slot] = rank


@inlined
def _rank(left, right, slots, ranks):  # type: ignore[no-untyped-def]
    slot = _pair_slot(left, right, slots)
    return ranks[slot] if slots[slot] != EMPTY_SLOT else NO_RANK


@inlined
def _sample_word(symbols, count, dropout, stream, slots, ranks, merged, found):  # type: ignore[no-untyped-def]
    """Merge symbols int64[count] in place; return how many are left. `found`: room for the pairs' ranks, int64[]."""
    drawn = 0
    for place in range(count - 1):
        found[place] = _rank(symbols[place], symbols[place + 1], slots, ranks)
    while True:
        best, chosen = NO_RANK, -1
        for place in range(count - 1):
            if found[place] < best:
                if _uniform(stream, drawn) >= dropout:
                    best, chosen = found[place], place
                drawn += 1
        if chosen < 0:
            return count
        symbols[chosen] = merged[best]
        count -= 1
        for place in range(chosen + 1, count):
            symbols[place] = symbols[place + 1]
            found[place - 1] = found[place]
        for place in range(max(chosen - 1, 0), min(chosen + 1, count - 1)):
            found[place] = _rank(symbols[place], symbols[place + 1], slots, ranks)


@kernel
def _sample_words(  # type: ignore[no-untyped-def]
    data, starts, ends, offsets, origins, byte_ids, slots, ranks, merged, dropout, seed, numbers, ids, bounds
):
    symbols, found = np.empty(LONGEST_WORD, np.int64), np.empty(LONGEST_WORD, np.int64)
    out = 0
    bounds[0] = 0
    for document in range(offsets.size - 1):
        for word in range(offsets[document], offsets[document + 1]):
            for start in range(starts[word], ends[word], LONGEST_WORD):
                count = min(ends[word] - start, LONGEST_WORD)
                for place in range(count):
                    symbols[place] = byte_ids[data[start + place]]
                stream = _stream(seed, numbers[document], np.uint64(start - origins[document]))
                count = _sample_word(symbols, count, dropout, stream, slots, ranks, merged, found)
                for place in range(count):
                    ids[out + place] = symbols[place]
                out += count
        bounds[document + 1] = out


class BpeSampler:
    """BPE-dropout (Provilkov et al. 2020) over byte-level BPE.

    While a word is merged, each merge that could be made is left out with a probability, anew before every merge;
    of the others the one learned first is made, and none if there is none. 0 gives the ids of BPE itself, 1 bytes.
    Words over 256 bytes are cut into parts, each a word.
    """

    def __init__(
        self, byte_ids: Sequence[int], merges: np.ndarray, merged: Sequence[int], *, words: str = "gpt2"
    ) -> None:
        """Make a sampler.

        Args:
            byte_ids: the id of each of the 256 bytes.
            merges: integer[k, 2], the ids of the left and the right part, in the order in which they were learned.
            merged: k ids, what each gives.
            words: the pre-tokenizer, a name of `corpuskit.tokenization.pretokens`.

        Raises:
            ValueError: there are not 256 bytes, or not as many merges as results.
        """
        merges = np.asarray(merges, np.int64).reshape(-1, 2)
        if len(byte_ids) != 256 or len(merges) != len(merged):
            raise ValueError(f"{len(byte_ids)} bytes of 256, {len(merges)} merges with {len(merged)} results")
        self.words = words
        self._byte_ids, self._merged = fixed(byte_ids, np.int64), fixed(merged, np.int64)
        room = 1 << max(4, (2 * len(merges)).bit_length())
        self._slots, self._ranks = np.full(room, EMPTY_SLOT), np.zeros(room, np.int64)
        _fill_slots(fixed(merges[:, 0], np.int64), fixed(merges[:, 1], np.int64), self._slots, self._ranks)

    def sample(
        self, texts: Texts, *, dropout: float, seed: int, documents: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return a segmentation of each document drawn at random: ids uint32[n_tokens] and offsets int64[n + 1].

        Args:
            texts: n documents.
            dropout: probability of leaving out a merge, 0 to 1 (0.1 in the paper).
            seed: 0 to 2**64 - 1.
            documents: uint64[n], the number of each document, which decides its draws with the seed; by default its
                place in the batch.

        Raises:
            ValueError: the dropout is no probability, or there are not as many numbers as documents.
        """
        if not 0 <= dropout <= 1:
            raise ValueError(f"dropout is a probability, 0 to 1, not {dropout}")
        words, numbers = pretokenize(texts, self.words), _numbers(texts, documents)
        ids, bounds = np.empty(int(words.lengths().sum()), np.uint32), np.empty(len(texts) + 1, np.int64)
        table = self._byte_ids, self._slots, self._ranks, self._merged
        spans = words.data, words.starts, words.ends, words.offsets, texts.offsets
        _sample_words(*spans, *table, float(dropout), np.uint64(seed), numbers, ids, bounds)
        return ids[: bounds[-1]].copy(), bounds


# ------------------------------------------------------------------------------------------------------------ Unigram


@inlined
def _add_logs(left, right):  # type: ignore[no-untyped-def]
    """Return log(exp(left) + exp(right))."""
    if left < right:
        left, right = right, left
    return left if right == -np.inf else left + np.log1p(np.exp(right - left))


@inlined
def _weigh(data, place, stop, sums, first, alpha, model):  # type: ignore[no-untyped-def]
    """Return the log of the sum of the weights of all segmentations of the text from `place` to `stop`.

    `sums` holds it for the places behind, at each place less `first`.
    """
    next_place = place + decode(data, place, stop)[1]
    unit, total, single = model.units[0], -np.inf, False
    for position in range(place, stop):
        unit = behind(model.units, unit, data[position])
        if unit == NOWHERE:
            break
        token = token_at(unit)
        if token >= 0:
            total = _add_logs(total, alpha * model.scores[token] + sums[position + 1 - first])
            single |= position + 1 == next_place
    if single:
        return total
    return _add_logs(total, alpha * model.unknown_score + sums[next_place - first])


@inlined
def _draw(data, place, stop, sums, first, alpha, uniform, model):  # type: ignore[no-untyped-def]
    """Return (end, id) of a piece at `place` drawn by its share of the weights, or the next place and -1."""
    end, piece = place + decode(data, place, stop)[1], np.int64(-1)
    next_place, unit, single = end, model.units[0], False
    for position in range(place, stop):
        unit = behind(model.units, unit, data[position])
        if unit == NOWHERE:
            break
        token = token_at(unit)
        if token >= 0:
            end, piece = position + 1, token
            single |= end == next_place
            uniform -= np.exp(alpha * model.scores[piece] + sums[end - first] - sums[place - first])
            if uniform < 0:
                return end, piece
    if single:
        return end, piece
    return next_place, np.int64(-1)


@inlined
def _append(data, place, end, piece, fused, model, ids, out):  # type: ignore[no-untyped-def]
    """Append a piece, or an unknown character: as its bytes, or as one id with those before it."""
    if piece >= 0:
        ids[out] = piece
        return out + 1
    if model.byte_ids.size:
        for position in range(place, end):
            ids[out] = model.byte_ids[data[position]]
            out += 1
        return out
    ids[out] = model.unknown
    return out if fused else out + 1


@kernel
def _sample_documents(data, offsets, model, alpha, seed, numbers, sums, ids, bounds):  # type: ignore[no-untyped-def]
    """Filter backward, sample forward: pieces are found by where they begin."""
    out = np.int64(0)
    bounds[0] = 0
    for document in range(offsets.size - 1):
        first, stop = offsets[document], offsets[document + 1]
        sums[stop - first] = 0.0
        place = stop
        while place > first:
            place -= 1
            while place > first and data[place] & 0xC0 == 0x80:
                place -= 1
            sums[place - first] = _weigh(data, place, stop, sums, first, alpha, model)
        fused = False
        while place < stop:
            uniform = _uniform(_stream(seed, numbers[document], np.uint64(place - first)), 0)
            end, piece = _draw(data, place, stop, sums, first, alpha, uniform, model)
            out = _append(data, place, end, piece, fused, model, ids, out)
            fused = piece < 0
            place = end
        bounds[document + 1] = out


class UnigramSampler:
    """Subword regularization (Kudo 2018): a segmentation with its probability to the power of alpha, normalized.

    Drawn from all segmentations, as SentencePiece does with `nbest_size=-1`.
    """

    def __init__(self, encoder: UnigramEncoder) -> None:
        """Make a sampler of an encoder's pieces."""
        self._model = encoder.model

    def sample(
        self, texts: Texts, *, alpha: float, seed: int, documents: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return a segmentation of each document drawn at random: ids uint32[n_tokens] and offsets int64[n + 1].

        Args:
            texts: n documents.
            alpha: 0 or more: at 0 all segmentations are equally likely, the greater it is the likelier is the best one
                (0.1 to 0.5 in the paper).
            seed: 0 to 2**64 - 1.
            documents: uint64[n], the number of each document, which decides its draws with the seed; by default its
                place in the batch.

        Raises:
            ValueError: alpha is negative or not finite, or there are not as many numbers as documents.
        """
        if not 0 <= alpha < np.inf:
            raise ValueError(f"alpha must be 0 or more and finite, not {alpha}")
        numbers = _numbers(texts, documents)
        sums = np.empty(1 + int(texts.lengths().max(initial=0)), np.float64)
        ids = np.empty(int(texts.offsets[-1] - texts.offsets[0]) + 1, np.uint32)
        bounds = np.empty(len(texts) + 1, np.int64)
        _sample_documents(
            texts.data, texts.offsets, self._model, float(alpha), np.uint64(seed), numbers, sums, ids, bounds
        )
        return ids[: bounds[-1]].copy(), bounds
