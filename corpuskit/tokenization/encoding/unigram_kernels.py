"""Kernels of Unigram: the best segmentation by Viterbi, with SentencePiece's roundings, and a cache of segments.

SentencePiece adds scores as float32 from the beginning of a text to its end, so that between segmentations of (nearly)
equal score the text before decides. What is cached is therefore kept with a limit: how far below 0 the text before may
score for it to hold. The scores of a segment's pieces are added one by one, found in the cache or not.
Source: `EncodeOptimized` of SentencePiece 0.2.3, https://github.com/google/sentencepiece/blob/master/src/unigram_model.cc.

The arguments `model`, `lattice` and `output` are tuples that `corpuskit.tokenization.encoding.unigram` describes; the
cache is uint64[8 * entries], and in this file because numba does not see that a kernel of another file has changed.
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
MOST_IDS = 7
"""The most ids of a segment that the cache holds."""
STAGED = 128
"""How many segments are looked up before the first is encoded: their entries come from memory meanwhile."""
ENTRY = np.uint64(8)
"""Words of 64 bits in an entry, a cache line: two of its key, its head, three of two ids each, two of its key."""
HEAD, MORE, KEY = np.uint64(2), np.uint64(3), np.uint64(6)
"""Places in an entry. One without a head is free."""
COUNT, LIMIT = np.uint64(32), np.uint64(35)
"""Places in a head, behind the first id: how many ids there are besides, and the limit, rounded down. Where a word has
room for an id too many, it is that of no piece, whose score is 0."""
HOME = np.uint64(4)
"""Place in a row of keys, 8 words, behind the four of a key."""
SHORT, LONG = 15, np.uint64(16 << 56)
"""Bytes of which a key needs two words only; the least second word of a key of four."""
LOW, ONE = np.uint64(0xFFFFFFFF), np.uint64(1)
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
def _bytes(data, place, length):  # type: ignore[no-untyped-def]
    """Return up to 8 bytes as a little-endian uint64; 0 for none or less than none."""
    if place + 8 <= data.size:
        return load64(data, place) & MASKS[np.uint64(24 + length)]
    value = np.uint64(0)
    for number in range(min(length, 8)):
        value |= np.uint64(data[place + number]) << np.uint64(8 * number)
    return value


@inlined
def _write_key(data, start, size, cache, keys, row):  # type: ignore[no-untyped-def]
    """Write a segment's key to a row of `keys`, and the first of the two entries, side by side, at which it may be.

    The key is up to 31 bytes as four uint64, of which up to 15 leave two unwritten, their number on top of the second;
    of more, what no entry has.
    """
    length = min(size, LONGEST)
    one, two = _bytes(data, start, length), _bytes(data, start + 8, min(length, SHORT) - 8)
    two |= np.uint64(min(size, LONGEST + 1)) << np.uint64(56)
    hashed = fold_multiply(one ^ MULTIPLIER, two ^ FINISHER)
    if size > SHORT:
        third, last = _bytes(data, start + 15, length - 15), _bytes(data, start + 23, length - 23)
        hashed = fold_multiply(hashed ^ third, last ^ MULTIPLIER)
        keys[row + np.uint64(2)], keys[row + np.uint64(3)] = third, last
    home = (hashed * ENTRY) & np.uint64(cache.size - 8)
    keys[row], keys[row + ONE], keys[row + HOME] = one, two, home
    _prefetch(cache, np.int64(home))


@inlined
def _is(cache, entry, keys, row):  # type: ignore[no-untyped-def]
    second = keys[row + ONE]
    differ = (cache[entry] ^ keys[row]) | (cache[entry + ONE] ^ second)
    if second >= LONG:
        differ |= cache[entry + KEY] ^ keys[row + np.uint64(2)]
        differ |= cache[entry + KEY + ONE] ^ keys[row + np.uint64(3)]
    return differ == 0


@inlined
def _keep(cache, keys, row, ids, first, last, limit, nothing):  # type: ignore[no-untyped-def]
    """Write the entry of a segment whose ids are `ids[first:last]`: its own, a free one, or another segment's."""
    entry = keys[row + HOME]
    other = entry ^ ENTRY
    if cache[entry + HEAD] and not _is(cache, entry, keys, row):
        entry = other if cache[other + HEAD] == 0 or _is(cache, other, keys, row) else entry
    cache[entry], cache[entry + ONE] = keys[row], keys[row + ONE]
    cache[entry + KEY], cache[entry + KEY + ONE] = keys[row + np.uint64(2)], keys[row + np.uint64(3)]
    count = last - first
    cache[entry + HEAD] = np.uint64(limit) << LIMIT | np.uint64(count - 1) << COUNT | np.uint64(ids[first])
    for pair in range(3):
        one, two = 1 + 2 * pair, 2 + 2 * pair
        low = np.uint64(ids[first + one] if one < count else nothing)
        high = np.uint64(ids[first + two] if two < count else nothing)
        cache[entry + MORE + np.uint64(pair)] = high << COUNT | low


@inlined
def _replay(keys, number, count, score, scores, cache, ids, out):  # type: ignore[no-untyped-def]
    """Append ids of the segments from `number` on while they are in the cache; return (number, out, score) then."""
    while number < count:
        row = np.uint64(8 * number)
        entry = keys[row + HOME]
        if not _is(cache, entry, keys, row):
            entry ^= ENTRY
            if not _is(cache, entry, keys, row):
                break
        head = cache[entry + HEAD]
        if head >> LIMIT <= np.uint64(-score):
            break
        ids[np.uint64(out)] = head & LOW
        score += scores[head & LOW]
        out += 1
        more = np.int64((head >> COUNT) & np.uint64(7))
        for pair in range((more + 1) >> 1):
            two = cache[entry + MORE + np.uint64(pair)]
            store64(ids, out + 2 * pair, two)
            score = (score + scores[two & LOW]) + scores[two >> COUNT]
        out += more
        number += 1
    return number, out, score


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
def _encode_segment(data, start, size, position, score, fused, model, cache, keys, lattice, output, out):  # type: ignore[no-untyped-def]
    """Append a segment's ids; return (out, the score behind it, fused), as `_emit` and `_viterbi` say."""
    if _is_unknown(data, start, size, model) and abs(score) < SAFE:
        lattice.path[0], lattice.pieces[size] = size, UNKNOWN
        out, fused = _emit(data, start, position, 1, fused, model, lattice, output, out)
        return out, model.unknown_score + score, fused
    count, limit = _viterbi(data, start, size, score, model, lattice)
    last, fused = _emit(data, start, position, count, fused, model, lattice, output, out)
    if limit >= 1 and size <= LONGEST and count <= MOST_IDS:
        row = np.uint64(8 * STAGED)
        _write_key(data, start, size, cache, keys, row)
        _keep(cache, keys, row, output.ids, out, last, limit, model.lengths.size)
    return last, lattice.best[size], fused


@inlined
def _is_unknown(data, start, size, model):  # type: ignore[no-untyped-def]
    """Return whether a segment is one character, below U+10000, that is no piece."""
    code, width = decode(data, start, start + size)
    return width == size and code < model.firsts.size and model.firsts[code] >> np.uint64(32) == 0


@inlined
def _is_space_mark(data, place, stop):  # type: ignore[no-untyped-def]
    return place + 3 <= stop and data[place] == 0xE2 and data[place + 1] == 0x96 and data[place + 2] == 0x81


@inlined
def _until_space_mark(data, start, stop):  # type: ignore[no-untyped-def]
    """Return how many bytes of a segment are encoded together: a mark by itself, or what is before the first."""
    place = start
    while place < stop and not _is_space_mark(data, place, stop):
        place += 1
    return place - start if place > start else np.int64(3)


@inlined
def _encode_staged(data, starts, ends, first, count, origin, score, fused, model, cache, keys, lattice, output, out):  # type: ignore[no-untyped-def]
    """Append the ids of staged segments of a document that begins at `origin`; return as `_encode_segment` does."""
    number = np.int64(0)
    while True:
        before, place = number, out
        number, out, score = _replay(keys, number, count, score, model.scores, cache, output.ids, out)
        if output.ends.size and before < number:
            position = starts[first + before] - origin
            for index in range(place, out):
                position += model.lengths[output.ids[index]]
                output.ends[index] = position
        fused = fused and number == before
        if number == count:
            return out, score, fused
        start, stop = starts[first + number], ends[first + number]
        while start < stop:
            size = _until_space_mark(data, start, stop)
            out, score, fused = _encode_segment(
                data, start, size, start - origin, score, fused, model, cache, keys, lattice, output, out
            )
            if _is_space_mark(data, start, stop):  # what is behind it is encoded as a text of its own
                score = np.float32(0)
            start += size
        number += 1


@kernel
def encode_documents(data, starts, ends, offsets, model, cache, lattice, output, bounds):  # type: ignore[no-untyped-def]
    """Encode documents whose segments are `starts` to `ends`.

    `bounds`, int64[n + 1], begins with where the first id goes; where the ids of each document end is written.
    """
    keys = np.empty(8 * (STAGED + 1), np.uint64)
    out = bounds[0]
    for document in range(offsets.size - 1):
        score, fused = np.float32(0), False
        for first in range(offsets[document], offsets[document + 1], STAGED):
            count, origin = min(STAGED, offsets[document + 1] - first), starts[offsets[document]]
            for number in range(count):
                start, size = starts[first + number], ends[first + number] - starts[first + number]
                _write_key(data, start, size, cache, keys, np.uint64(8 * number))
            out, score, fused = _encode_staged(
                data, starts, ends, first, count, origin, score, fused, model, cache, keys, lattice, output, out
            )
        bounds[document + 1] = out
