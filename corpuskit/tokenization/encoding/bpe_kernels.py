"""Kernels of BPE: each word from left to right by the longest token that fits the one before it.

A sequence of tokens is what BPE gives for its text if and only if each two neighbours are what BPE gives for theirs:
no merge crosses a boundary between tokens, and until one does, merges on both sides of it are made as if the rest of
the text were not there. So a word is encoded without merging anything: the longest token at a place whose neighbour
before it allows it, or the next shorter one; where none is allowed, the place is dead, and the token before it is
replaced by a shorter one. Each place is visited once, because only one encoding of the text before it is allowed.
Source: the crate `bpe` of GitHub, https://github.com/github/rust-gems/tree/main/crates/bpe, and Hendrik van Antwerpen
and Alexander Neubeck, "So many tokenizers, so little time", https://github.blog/ai-and-ml/llms/so-many-tokenizers-so-little-time/.

The argument `model` is a tuple that `corpuskit.tokenization.encoding.bpe` describes.
"""

import numpy as np

from corpuskit.kernels.compiling import inlined, kernel
from corpuskit.kernels.intrinsics import store64
from corpuskit.kernels.tries import behind, longest, token_at
from corpuskit.kernels.word_cache import COUNT, ENTRY, HIGH, LOW, SECOND, SHORT, differs, hash_of, keep, key_of, line_of

ID_BITS, RANK_BITS = 21, 22
"""A pair of ids and its rank are one word of 64 bits."""
NO_RANK = np.int64((1 << RANK_BITS) - 1)
"""That of a pair that is not merged."""
FREE = np.uint64(0xFFFFFFFFFFFFFFFF)
"""A slot of the table of pairs that holds none."""
PAIR = np.uint64((1 << 2 * ID_BITS) - 1)
MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
"""Odd: multiplying by it, modulo a power of 2, can be undone."""
VERDICT_BITS = 16
"""Of the number of verdicts on pairs of neighbours that are kept."""
LEFT, RIGHT, RANK, ORDERED = 0, 1, 2, 3
"""Columns of `Model.lasts`."""
ACROSS = 2
"""The first of two more columns of `Model.masks`, which begins with LEFT and RIGHT, too."""
EVERY = np.uint64(0xFFFFFFFFFFFFFFFF)
NONE = np.int64(-1)
MOST_IDS = 4
"""The most ids of a word that the cache holds."""


# ------------------------------------------------------------------------------------------------------------ pairs


@inlined
def _hash(left, right):  # type: ignore[no-untyped-def]
    """Return 42 bits, another number for each pair, the upper ones well mixed."""
    pair = np.uint64(left) << np.uint64(ID_BITS) | np.uint64(right)
    return (pair * MULTIPLIER) & PAIR


@inlined
def _slot(hashed, pairs):  # type: ignore[no-untyped-def]
    """Return where a pair is, or would be, in the open-addressing table."""
    mask = np.uint64(pairs.size - 1)
    slot = (hashed >> np.uint64(2 * ID_BITS - 24)) & mask
    while pairs[slot] != FREE and pairs[slot] & PAIR != hashed:
        slot = (slot + np.uint64(1)) & mask
    return slot


@kernel
def fill_pairs(lefts, rights, pairs):  # type: ignore[no-untyped-def]
    """Write the rank of each pair, the last one of a pair that has several; `pairs` is uint64[a power of 2]."""
    for rank in range(lefts.size):
        hashed = _hash(lefts[rank], rights[rank])
        pairs[_slot(hashed, pairs)] = hashed | np.uint64(rank) << np.uint64(2 * ID_BITS)


@inlined
def _rank(left, right, pairs):  # type: ignore[no-untyped-def]
    found = pairs[_slot(_hash(left, right), pairs)]
    return np.int64(found >> np.uint64(2 * ID_BITS))


# ------------------------------------------------------------------------------------------------------- neighbours


@inlined
def _unmerged(left, right, model):  # type: ignore[no-untyped-def]
    """Return whether the texts of two tokens come to be these two, by undoing the later merge of the sides in turn.

    A pair at the boundary is merged if its rank is below that of the merge which ends it; of equal ones the leftmost
    merge comes first. This takes it that ranks say in which order merges are made: that in both tokens each merge has a
    higher rank than those that gave its parts.
    """
    while True:
        left_rank, right_rank = model.lasts[left, RANK], model.lasts[right, RANK]
        if left_rank > right_rank:
            left = model.lasts[left, RIGHT]
            if _rank(left, right, model.pairs) < left_rank:
                return False
        elif right_rank >= 0:
            right = model.lasts[right, LEFT]
            if _rank(left, right, model.pairs) <= right_rank:
                return False
        else:
            return True


@inlined
def _spell(token, model, symbols, count):  # type: ignore[no-untyped-def]
    """Append the ids of a token's bytes; return how many symbols there are."""
    for place in range(model.text_offsets[token], model.text_offsets[token + 1]):
        symbols[count] = model.byte_ids[model.text_data[place]]
        count += 1
    return count


@inlined
def _merge_to(left, right, model):  # type: ignore[no-untyped-def]
    """Return whether the texts of two tokens come to be these two, by making each merge, whatever the ranks."""
    symbols = model.symbols
    count = _spell(right, model, symbols, _spell(left, model, symbols, 0))
    while count > 2:
        best, chosen = NO_RANK, -1
        for place in range(count - 1):
            rank = _rank(symbols[place], symbols[place + 1], model.pairs)
            if rank < best:
                best, chosen = rank, place
        if chosen < 0:
            return False
        symbols[chosen] = model.merged[best]
        count -= 1
        for place in range(chosen + 1, count):
            symbols[place] = symbols[place + 1]
    return symbols[0] == left and symbols[1] == right


@inlined
def _come_to_be(left, right, model):  # type: ignore[no-untyped-def]
    """Return whether BPE of the texts of two tokens comes to these two; it may merge them then."""
    if model.lasts[left, ORDERED] and model.lasts[right, ORDERED]:
        return _unmerged(left, right, model)
    return _merge_to(left, right, model)


@kernel
def find_lasts(order, lefts, rights, model):  # type: ignore[no-untyped-def]
    """Write into `model.lasts` the merge that BPE of each token's own text ends with, where that gives the token.

    `order` has the ranks of merges, those that give short tokens first; the rows of bytes are filled before. Of a pair
    that is listed twice the later place is looked at, and so written, last.
    """
    for rank in order:
        left, right, token = lefts[rank], rights[rank], model.merged[rank]
        whole = model.lasts[left, LEFT] != NONE and model.lasts[right, LEFT] != NONE
        if not whole or not _come_to_be(left, right, model):
            continue
        last = model.lasts[token]
        last[LEFT], last[RIGHT], last[RANK] = left, right, rank
        below = max(model.lasts[left, RANK], model.lasts[right, RANK])
        last[ORDERED] = model.lasts[left, ORDERED] and model.lasts[right, ORDERED] and below < rank


@kernel
def find_shorter(tokens, model, shorter):  # type: ignore[no-untyped-def]
    """Write the longest token that each of `tokens` begins with, but itself, or -1; `shorter` is int32[n]."""
    for token in tokens:
        stop = model.text_offsets[token + 1] - 1
        shorter[token] = longest(model.text_data, model.text_offsets[token], stop, model.units)[1]


@inlined
def _bit(token):  # type: ignore[no-untyped-def]
    return np.uint64(1) << ((np.uint64(token) * MULTIPLIER) >> np.uint64(58))


@inlined
def _gather_side(token, side, lasts, inner, masks):  # type: ignore[no-untyped-def]
    """Add to a token's masks of one side those of its parts at that end."""
    part = token
    masks[token, side] = _bit(part)
    while lasts[part, RANK] >= 0:
        masks[token, ACROSS + side] |= inner[part, side]
        part = lasts[part, side]
        masks[token, side] |= _bit(part)


@kernel
def fill_masks(lefts, rights, model, masks):  # type: ignore[no-untyped-def]
    """Write `Model.masks`; uint64[n, 4], 0 before."""
    lasts = model.lasts
    inner = np.zeros((masks.shape[0], 2), np.uint64)  # of the outer parts of a token, partners that come before it
    for rank in range(lefts.size):
        left, right, token = lefts[rank], rights[rank], model.merged[rank]
        masks[left, ACROSS + RIGHT] |= _bit(right)
        masks[right, ACROSS + LEFT] |= _bit(left)
        if lasts[token, RANK] == rank:
            inner[token, LEFT] = masks[lasts[token, LEFT], ACROSS + LEFT]
            inner[token, RIGHT] = masks[lasts[token, RIGHT], ACROSS + RIGHT]
    for token in range(masks.shape[0]):
        if lasts[token, ORDERED] == 1:
            _gather_side(token, LEFT, lasts, inner, masks)
            _gather_side(token, RIGHT, lasts, inner, masks)
        else:
            masks[token] = EVERY


@inlined
def _fit(left, right, model, verdicts):  # type: ignore[no-untyped-def]
    """Return whether two tokens may be neighbours. What is found out is kept, in place of what was there.

    Most pairs have no part at the end of the left token and part at the start of the right one that are ever merged
    before what would end them: the masks say so without a look at any part.
    """
    masks = model.masks
    rightwards = masks[left, ACROSS + RIGHT] & masks[right, LEFT]
    leftwards = masks[left, RIGHT] & masks[right, ACROSS + LEFT]
    if rightwards == 0 or leftwards == 0:
        return True
    hashed = _hash(left, right)
    slot = hashed >> np.uint64(2 * ID_BITS - VERDICT_BITS)
    kept = np.uint64(verdicts[slot])
    tag = hashed & np.uint64((1 << 2 * ID_BITS - VERDICT_BITS) - 1)
    if kept >> np.uint64(2) == tag and kept & np.uint64(2):
        return (kept & np.uint64(1)) != 0
    fits = _rank(left, right, model.pairs) == NO_RANK and _come_to_be(left, right, model)
    verdicts[slot] = tag << np.uint64(2) | np.uint64(2) | np.uint64(fits)
    return fits


# ------------------------------------------------------------------------------------------------------------ words


@inlined
def _exact(data, start, stop, units):  # type: ignore[no-untyped-def]
    """Return the token that is all of a word, or -1."""
    unit = units[0]
    for position in range(start, stop):
        unit = behind(units, unit, data[position])
    return token_at(unit)


@inlined
def _is_dead(dead, position):  # type: ignore[no-untyped-def]
    return (dead[position >> 6] >> np.uint64(position & 63)) & np.uint64(1) != 0


@inlined
def _encode_word(data, start, stop, model, verdicts, dead, ids, out):  # type: ignore[no-untyped-def]
    """Append the ids of a word; return where the next one goes. `dead` has a bit for each place of the data."""
    if model.whole.size:
        token = _exact(data, start, stop, model.whole)
        if token >= 0:
            ids[out] = token
            return out + 1
    first, position, before = out, start, NONE
    while position < stop:
        _, token = longest(data, position, stop, model.units)
        while True:
            end = position + model.lengths[token]
            if not _is_dead(dead, end) and (before < 0 or _fit(before, token, model, verdicts)):
                break
            token = np.int64(model.shorter[token])
            if token < 0:
                dead[position >> 6] |= np.uint64(1) << np.uint64(position & 63)
                out -= 1
                token = before
                position -= model.lengths[token]
                before = np.int64(ids[out - 1]) if out > first else NONE
        ids[out] = token
        out += 1
        position, before = end, token
    return out


# ------------------------------------------------------------------------------------------------------------ cache


@inlined
def _two(ids, place):  # type: ignore[no-untyped-def]
    return np.uint64(ids[place]) | np.uint64(ids[place + 1]) << np.uint64(32)


@inlined
def _encode_short(data, start, stop, model, verdicts, cache, dead, ids, out):  # type: ignore[no-untyped-def]
    """Append the ids of a word that the cache may hold. Four are always written: to guess how many costs more."""
    one, two = key_of(data, start, stop - start)
    line = line_of(hash_of(one, two), cache)
    entry = line if differs(cache, line, one, two) == 0 else line + ENTRY
    if differs(cache, entry, one, two) == 0:
        store64(ids, out, cache[entry + LOW])
        store64(ids, out + 2, cache[entry + HIGH])
        return out + np.int64(cache[entry + SECOND] >> COUNT)
    last = _encode_word(data, start, stop, model, verdicts, dead, ids, out)
    if last - out <= MOST_IDS:
        keep(cache, line, one, two, last - out, _two(ids, out), _two(ids, out + 2))
    return last


@kernel
def encode_words(data, starts, ends, offsets, model, verdicts, cache, dead, ids, bounds):  # type: ignore[no-untyped-def]
    """Write the ids, and where those of each document begin and end, int64[n + 1].

    `ids` is uint32[room for one a byte, and four more]; `dead` is uint64[room for a bit a byte and one more], 0 before;
    `verdicts` is uint32[2**VERDICT_BITS], 0 before the first call of a model, and `cache` one of
    `corpuskit.kernels.word_cache`.
    """
    out = np.int64(0)
    bounds[0] = 0
    for document in range(offsets.size - 1):
        for word in range(offsets[document], offsets[document + 1]):
            start, stop = starts[word], ends[word]
            if stop - start <= SHORT:
                out = _encode_short(data, start, stop, model, verdicts, cache, dead, ids, out)
            else:
                out = _encode_word(data, start, stop, model, verdicts, dead, ids, out)
        bounds[document + 1] = out


@kernel
def token_spans(starts, ends, offsets, origins, lengths, ids, token_starts, token_ends):  # type: ignore[no-untyped-def]
    """Write where each token's text lies in its document."""
    token = 0
    for document in range(offsets.size - 1):
        for word in range(offsets[document], offsets[document + 1]):
            position = starts[word] - origins[document]
            stop = ends[word] - origins[document]
            while position < stop:
                token_starts[token] = position
                position += lengths[ids[token]]
                token_ends[token] = position
                token += 1
