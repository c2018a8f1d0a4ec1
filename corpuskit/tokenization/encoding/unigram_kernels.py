"""Kernels of Unigram: the best segmentation by Viterbi, with SentencePiece's roundings, and a cache of segments.

SentencePiece adds scores as float32 from the beginning of a text to its end, so that between segmentations of (nearly)
equal score the text before decides. What is cached is therefore kept with a limit: how far below 0 the text before may
score for it to hold. The scores of a segment's pieces are added one by one, found in the cache or not.
Source: `EncodeOptimized` of SentencePiece 0.2.3, https://github.com/google/sentencepiece/blob/master/src/unigram_model.cc.

The arguments `model`, `cache`, `lattice` and `output` are tuples that `corpuskit.tokenization.encoding.unigram`
describes. The cache is in this file because numba does not see that a kernel of another file has changed.
"""

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from corpuskit.kernels.compiling import inlined, kernel
from corpuskit.kernels.intrinsics import fold_multiply, load64, store64
from corpuskit.kernels.utf8 import decode

LONGEST = 31
"""Bytes of the longest segment that the cache holds."""
MOST_IDS = 6
"""The most ids of a segment that the cache holds."""
ENTRY = 8
"""Words of 64 bits in an entry: four of the segment's bytes, one of its number of ids and its limit, three of ids."""
COUNT, LIMIT, IDS = 8, 9, 10
"""Places in an entry, in units of 32 bits."""
AHEAD = 16
"""How many segments ahead an entry is fetched from memory; a power of 2."""

MASKS = np.array([(1 << 8 * min(max(length, 0), 8)) - 1 for length in range(-24, 32)], np.uint64)
"""At 24 + n, the first n of 8 bytes."""
MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
FINISHER = np.uint64(0xD6E8FEB86659FD93)

LABEL, BASE = np.uint64(511), np.uint64(0x7FFFFF)
"""Fields of the units that `tries.build_trie` describes."""
UNKNOWN = np.int32(-1)
"""In place of an id: a character that is no piece."""
NO_PATH = np.float32(-np.inf)
RESET = np.float32(100_000)
"""How far from 0 a score may be before SentencePiece begins again at 0."""
SAFE = np.float32(99_000)
"""How far it may surely be, after roundings."""


# -------------------------------------------------------------------------------------------------------------- cache


@intrinsic
def _prefetch(typing_context: Any, array: Any, index: Any) -> Any:
    """Tell the CPU that an element of an array will be read."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = cgutils.create_struct_proxy(signature.args[0])(context, builder, value=arguments[0]).data
        byte, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        pointer = builder.bitcast(builder.gep(data, [arguments[1]]), byte)
        kind = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0i8")
        builder.call(function, [pointer, number(0), number(3), number(1)])  # to read, keep, data
        return context.get_dummy_value()

    return types.void(array, types.int64), generate


@inlined
def _part(data, start, length):  # type: ignore[no-untyped-def]
    """Return up to 8 bytes as a little-endian uint64; 0 for none or less than none."""
    value = np.uint64(0)
    for place in range(min(length, 8)):
        value |= np.uint64(data[start + place]) << np.uint64(8 * place)
    return value


@inlined
def _key(data, start, length):  # type: ignore[no-untyped-def]
    """Return 1 to 31 bytes as four uint64, their number on top of the last."""
    top, zero = np.uint64(length) << np.uint64(56), np.uint64(0)
    if start + 32 > data.size:
        first, second = _part(data, start, length), _part(data, start + 8, length - 8)
        return first, second, _part(data, start + 16, length - 16), _part(data, start + 24, length - 24) | top
    first, second = load64(data, start) & MASKS[24 + length], load64(data, start + 8) & MASKS[16 + length]
    if length <= 16:
        return first, second, zero, top
    third, last = load64(data, start + 16) & MASKS[8 + length], load64(data, start + 24) & MASKS[length]
    return first, second, third, last | top


@inlined
def _home(words, key):  # type: ignore[no-untyped-def]
    """Return the first entry at which a segment may be; the second one is beside it."""
    hashed = fold_multiply(key[0] ^ MULTIPLIER, key[1] ^ key[3] ^ FINISHER)
    if key[2]:
        hashed = fold_multiply(hashed ^ key[2], key[3] ^ MULTIPLIER)
    return np.int64((hashed >> np.uint64(8)) & np.uint64(words.size // ENTRY - 1))


@inlined
def _is(words, entry, key):  # type: ignore[no-untyped-def]
    at = ENTRY * entry
    differ = (load64(words, at) ^ key[0]) | (load64(words, at + 1) ^ key[1])
    return (differ | (load64(words, at + 2) ^ key[2]) | (load64(words, at + 3) ^ key[3])) == 0


@inlined
def _find(words, home, key):  # type: ignore[no-untyped-def]
    """Return a segment's entry, or -1."""
    if _is(words, home, key):
        return home
    if _is(words, home ^ 1, key):
        return home ^ 1
    return np.int64(-1)


@inlined
def _keep(cache, home, key, ids, first, last, limit):  # type: ignore[no-untyped-def]
    """Write the entry of a segment whose ids are `ids[first:last]`: its own, a free one, or another segment's."""
    entry = _find(cache.words, home, key)
    if entry < 0:
        entry = home
        if cache.words[ENTRY * home + 3] and not cache.words[ENTRY * (home ^ 1) + 3]:
            entry = home ^ 1
    for part in range(4):
        cache.words[ENTRY * entry + part] = key[part]
    cache.numbers[2 * ENTRY * entry + COUNT] = last - first
    cache.limits[2 * ENTRY * entry + LIMIT] = limit
    for number in range(last - first):
        cache.numbers[2 * ENTRY * entry + IDS + number] = ids[first + number]


@inlined
def _fetch(data, starts, ends, segment, cache, ring):  # type: ignore[no-untyped-def]
    """Put a segment's key and home into the ring, uint64[AHEAD, 8], and fetch its entry."""
    if segment < starts.size:
        key = _key(data, starts[segment], min(ends[segment] - starts[segment], LONGEST))
        home = _home(cache.words, key)
        place = segment & (AHEAD - 1)
        ring[place, 0], ring[place, 1], ring[place, 2], ring[place, 3] = key
        ring[place, 4] = home
        _prefetch(cache.words, ENTRY * home)


@inlined
def _replay(entry, position, score, model, cache, output, out):  # type: ignore[no-untyped-def]
    """Append an entry's ids, whose text begins at `position` of its document, and add their scores one by one.

    Two are always written, and counted or not: most entries have one or two.
    """
    at = ENTRY * entry
    source = 2 * at + IDS
    count = np.int64(load64(cache.words, at + 4) & np.uint64(0xFFFFFFFF))
    two = load64(cache.words, at + 5)
    store64(output.ids, out, two)
    score += model.scores[two & np.uint64(0xFFFFFFFF)]
    score = score + model.scores[two >> np.uint64(32)] if count > 1 else score
    for number in range(2, count):
        piece = cache.numbers[source + number]
        output.ids[out + number] = piece
        score += model.scores[piece]
    if output.ends.size:
        for number in range(count):
            position += model.lengths[cache.numbers[source + number]]
            output.ends[out + number] = position
    return out + count, score


# ------------------------------------------------------------------------------------------------------------ lattice


@inlined
def _reach(lattice, place, score, piece):  # type: ignore[no-untyped-def]
    """Offer a path; of equal ones the first stays, as in SentencePiece. No branch: there is no guessing it."""
    best = lattice.best[place]
    lattice.second[place] = max(lattice.second[place], min(score, best))
    lattice.pieces[place] = piece if score > best else lattice.pieces[place]
    lattice.best[place] = max(score, best)


@inlined
def _first_unit(model, data, start, code, width):  # type: ignore[no-untyped-def]
    """Return the unit behind a character, or one that leads nowhere."""
    if code < model.firsts.size:
        return model.firsts[code]
    unit = model.units[0]
    for place in range(start, start + width):
        byte = np.uint64(data[place])
        unit = model.units[((unit >> np.uint64(9)) & BASE) ^ byte]
        if unit & LABEL != byte:
            return np.uint64(0)
    return unit


@inlined
def _extend(data, start, place, size, model, lattice):  # type: ignore[no-untyped-def]
    """Offer what goes on from the path to `place` with each piece there.

    Returns:
        Where the next character begins, and the furthest end of a piece.
    """
    here = lattice.best[place]
    code, width = decode(data, start + place, start + size)
    unit = _first_unit(model, data, start + place, code, width)
    end = place + width
    value = unit >> np.uint64(32)
    if value:
        piece = np.int32(value - np.uint64(1))
        _reach(lattice, end, model.scores[piece] + here, piece)
    else:
        _reach(lattice, end, model.unknown_score + here, UNKNOWN)
    next_place, furthest = end, end
    while end < size:
        byte = np.uint64(data[start + end])
        unit = model.units[((unit >> np.uint64(9)) & BASE) ^ byte]
        if unit & LABEL != byte:
            break
        end += 1
        value = unit >> np.uint64(32)
        if value:
            piece = np.int32(value - np.uint64(1))
            _reach(lattice, end, model.scores[piece] + here, piece)
            furthest = end
    return next_place, furthest


@inlined
def _begin_again(lattice, place, furthest):  # type: ignore[no-untyped-def]
    """Take the score at `place` off all scores from there on, as SentencePiece does to keep sums exact enough."""
    taken = lattice.best[place]
    for other in range(place, furthest + 1):
        lattice.best[other] -= taken
        lattice.second[other] -= taken


@inlined
def _trace(data, start, size, lengths, lattice):  # type: ignore[no-untyped-def]
    """Fill `path`; return its pieces, how much better it is than the second best path, and whether all are known."""
    place, count, gap, known = size, 0, np.float32(np.inf), True
    while place > 0:
        lattice.path[count] = place
        count += 1
        gap = min(gap, lattice.best[place] - lattice.second[place])
        piece = lattice.pieces[place]
        if piece >= 0:
            place -= lengths[piece]
        else:
            known = False
            place -= 1
            while data[start + place] & 0xC0 == 0x80:
                place -= 1
    return count, gap, known


@inlined
def _limit(score, lowest, gap, characters):  # type: ignore[no-untyped-def]
    """Return how far below 0 the text before a segment may score so that its best path stays the best.

    Each addition of scores, 0 or less, is wrong by half of the last bit at most, which is 2**-24 of the path's score
    at most. Two paths have 2 * `characters` pieces at most, so the one that is better by more than so many errors,
    here and there, is better. Behind the text before there are `score - lowest` at most.
    """
    furthest = gap / np.float32(2 * characters) * np.float32(1 << 24) + lowest
    return min(furthest, SAFE) - (score - lowest) - np.float32(1)


@inlined
def _viterbi(data, start, size, score, model, lattice):  # type: ignore[no-untyped-def]
    """Fill the lattice of `size` bytes from `start` on and its best path; `score` is that of the text before.

    Returns:
        Pieces on the path; how far below 0 `score` might be for the path to be the same, 0 if that is not known.
    """
    for end in range(size + 1):
        lattice.best[end] = lattice.second[end] = NO_PATH
    lattice.best[0], lowest = score, score
    place, furthest, characters = np.int64(0), np.int64(0), np.int64(0)
    safe = model.cached
    while place < size:
        if abs(lattice.best[place]) > RESET:
            _begin_again(lattice, place, furthest)
            safe = False
        lowest = min(lowest, lattice.best[place])
        place, end = _extend(data, start, place, size, model, lattice)
        furthest = max(furthest, end)
        characters += 1
    count, gap, known = _trace(data, start, size, model.lengths, lattice)
    if not (safe and known):
        return count, np.float32(0)
    return count, _limit(score, min(lowest, lattice.best[size]), gap, characters)


# ------------------------------------------------------------------------------------------------------------- output


@inlined
def _emit(data, start, position, count, fused, model, lattice, output, out):  # type: ignore[no-untyped-def]
    """Append the ids of the best path, whose text begins at `start`, and at `position` of its document.

    Returns:
        Where the next id goes; whether it is the same one if it is unknown (`fused` says this of the first).
    """
    first = np.int64(0)
    for number in range(count - 1, -1, -1):
        end = np.int64(lattice.path[number])
        piece = lattice.pieces[end]
        if piece < 0 and model.byte_ids.size:
            for place in range(first, end):
                output.ids[out] = model.byte_ids[data[start + place]]
                if output.ends.size:
                    output.ends[out] = position + place + 1
                out += 1
        else:
            out -= fused and piece < 0
            output.ids[out] = piece if piece >= 0 else model.unknown
            if output.ends.size:
                output.ends[out] = position + end
            out += 1
        fused = piece < 0 and not model.byte_ids.size
        first = end
    return out, fused


@inlined
def _encode_segment(data, start, size, fetched, position, score, fused, model, cache, lattice, output, out):  # type: ignore[no-untyped-def]
    """Append a segment's ids; return (out, the score behind it, fused), as `_emit` and `_viterbi` say."""
    key, home = (fetched[0], fetched[1], fetched[2], fetched[3]), np.int64(fetched[4])
    if size <= LONGEST:
        entry = _find(cache.words, home, key)
        if entry >= 0 and -score < cache.limits[2 * ENTRY * entry + LIMIT]:
            out, score = _replay(entry, position, score, model, cache, output, out)
            return out, score, False
    count, limit = _viterbi(data, start, size, score, model, lattice)
    last, fused = _emit(data, start, position, count, fused, model, lattice, output, out)
    if size <= LONGEST and count <= MOST_IDS and limit > 0:
        _keep(cache, home, key, output.ids, out, last, limit)
    return last, lattice.best[size], fused


@inlined
def _is_space_mark(data, start, size):  # type: ignore[no-untyped-def]
    return size == 3 and data[start] == 0xE2 and data[start + 1] == 0x96 and data[start + 2] == 0x81


@kernel
def encode_segments(data, starts, ends, offsets, model, cache, lattice, output, bounds):  # type: ignore[no-untyped-def]
    """Encode documents whose segments are `starts` to `ends`; write where ids of each begin and end, int64[n + 1]."""
    ring = np.empty((AHEAD, 8), np.uint64)
    for segment in range(AHEAD):
        _fetch(data, starts, ends, segment, cache, ring)
    out = np.int64(0)
    bounds[0] = 0
    for document in range(offsets.size - 1):
        score, fused = np.float32(0), False
        for segment in range(offsets[document], offsets[document + 1]):
            start, size = starts[segment], ends[segment] - starts[segment]
            place = segment & (AHEAD - 1)
            fetched = ring[place, 0], ring[place, 1], ring[place, 2], ring[place, 3], ring[place, 4]
            _fetch(data, starts, ends, segment + AHEAD, cache, ring)
            position = start - starts[offsets[document]]
            out, score, fused = _encode_segment(
                data, start, size, fetched, position, score, fused, model, cache, lattice, output, out
            )
            if _is_space_mark(data, start, size):  # what is behind it is encoded as a text of its own
                score = np.float32(0)
        bounds[document + 1] = out
