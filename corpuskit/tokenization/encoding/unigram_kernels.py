"""Kernels of Unigram: the best segmentation by Viterbi, with SentencePiece's roundings, and a cache of segments.

SentencePiece adds scores as float32 from the beginning of a text to its end, so that between segmentations of (nearly)
equal score the text before decides. What is cached is therefore kept with a limit: how far below 0 the text before may
score for it to hold. The scores of a segment's pieces are added one by one, found in the cache or not.
Source: `EncodeOptimized` of SentencePiece 0.2.3, https://github.com/google/sentencepiece/blob/master/src/unigram_model.cc.

The arguments `model`, `lattice` and `output` are tuples that `corpuskit.tokenization.encoding.unigram` describes; the
cache is one of `corpuskit.kernels.word_cache`.
"""

import numpy as np

from corpuskit.kernels.compiling import inlined, kernel
from corpuskit.kernels.intrinsics import fold_multiply, prefetch, store64
from corpuskit.kernels.tries import NOWHERE, behind, token_at
from corpuskit.kernels.utf8 import decode
from corpuskit.kernels.word_cache import (
    COUNT,
    ENTRY,
    HIGH,
    LONGEST,
    LOW,
    MULTIPLIER,
    NO_KEY,
    SECOND,
    SHORT,
    differs,
    hash_of,
    keep,
    key_of,
    line_of,
    some_bytes,
)

STAGED = 128
"""How many segments are looked up before the first is encoded: their entries come from memory meanwhile."""
ROW, HOME, THIRD, LAST = 5, np.uint64(2), np.uint64(3), np.uint64(4)
"""Words of 64 bits in a row of keys, and places there behind the two of a key: that of its line, and two words of the
bytes from the 16th on."""
FEW_IDS, MOST_IDS = 3, 7
"""The most ids of an entry, beside which a limit is; the most of one that fills a line."""
HEAD, MORE, REST = np.uint64(2), np.uint64(3), np.uint64(6)
"""Places in an entry that fills a line, of a segment with more bytes or ids: the first id with the number of others and
the limit; three words of two ids each; two of the bytes from the 16th on."""
HALF, LIMIT = np.uint64(32), np.uint64(35)
"""Places of a second id or a limit, rounded down, behind an id; of the limit behind the number of others. Where there
is room for an id too many, it is that of no piece, whose score is 0."""
MOST_PIECES = (1 << 24) - 1
"""So that the second of two ids leaves the eighth byte 0, as `word_cache` wants it of the sixth word."""
LONG = np.uint64((SHORT + 1) << 56)
"""The least second word of the key of a segment of more than 15 bytes."""
LOW_HALF, ONE = np.uint64(0xFFFFFFFF), np.uint64(1)
UNKNOWN = np.int32(-1)
"""In place of an id: a character that is no piece."""
NO_PATH = np.float32(-np.inf)
RESET = np.float32(100_000)
"""How far from 0 a score may be before SentencePiece begins again at 0."""
SAFE = np.float32(99_000)
"""How far it may surely be, after roundings."""


# -------------------------------------------------------------------------------------------------------------- cache


@inlined
def _write_key(data, start, size, cache, keys, row):  # type: ignore[no-untyped-def]
    """Write a segment's key to a row of `keys`, where its line begins and, of more than 15 bytes, the others."""
    if size > LONGEST:
        one, two, hashed = np.uint64(0), NO_KEY, np.uint64(0)
    else:
        one, two = key_of(data, start, size)
        hashed = hash_of(one, two)
        if size > SHORT:
            third, last = some_bytes(data, start + 15, size - 15), some_bytes(data, start + 23, size - 23)
            hashed = fold_multiply(hashed ^ third, last ^ MULTIPLIER)
            keys[row + THIRD], keys[row + LAST] = third, last
    line = line_of(hashed, cache)
    keys[row], keys[row + SECOND], keys[row + HOME] = one, two, line
    prefetch(cache, np.int64(line))


@inlined
def _two_ids(ids, place, last, nothing):  # type: ignore[no-untyped-def]
    low = np.uint64(ids[place] if place < last else nothing)
    high = np.uint64(ids[place + 1] if place + 1 < last else nothing)
    return high << HALF | low


@inlined
def _keep(cache, keys, row, size, ids, first, last, limit, nothing):  # type: ignore[no-untyped-def]
    """Write what is known of a segment whose ids are `ids[first:last]`."""
    one, two, line = keys[row], keys[row + SECOND], keys[row + HOME]
    limit, count = np.uint64(limit), last - first
    if size <= SHORT and count <= FEW_IDS:
        third = np.uint64(ids[first + 2] if count == FEW_IDS else nothing)
        keep(cache, line, one, two, count, _two_ids(ids, first, last, nothing), limit << HALF | third)
        return
    cache[line], cache[line + SECOND] = one, two
    cache[line + HEAD] = limit << LIMIT | np.uint64(count - 1) << HALF | np.uint64(ids[first])
    for pair in range(3):
        cache[line + MORE + np.uint64(pair)] = _two_ids(ids, first + 1 + 2 * pair, last, nothing)
    cache[line + REST], cache[line + REST + ONE] = keys[row + THIRD], keys[row + LAST]


@inlined
def _replay_line(cache, line, keys, row, score, scores, ids, out):  # type: ignore[no-untyped-def]
    """Append the ids of an entry that fills a line, if it is the segment's and holds; return (ids, score)."""
    head = cache[line + HEAD]
    differ = np.uint64(head >> LIMIT <= np.uint64(-score))
    if keys[row + SECOND] >= LONG:
        differ |= cache[line + REST] ^ keys[row + THIRD]
        differ |= cache[line + REST + ONE] ^ keys[row + LAST]
    if differ != 0:
        return np.int64(0), score
    ids[np.uint64(out)] = head & LOW_HALF
    score += scores[head & LOW_HALF]
    more = np.int64((head >> HALF) & np.uint64(7))
    for pair in range((more + 1) >> 1):
        two = cache[line + MORE + np.uint64(pair)]
        store64(ids, out + 1 + 2 * pair, two)
        score = (score + scores[two & LOW_HALF]) + scores[two >> HALF]
    return more + 1, score


@inlined
def _replay(keys, number, count, score, scores, cache, ids, out):  # type: ignore[no-untyped-def]
    """Append ids of the segments from `number` on while they are in the cache; return (number, out, score) then.

    Four ids are written whatever their number: to guess it costs more.
    """
    while number < count:
        row = np.uint64(ROW * number)
        one, two, entry = keys[row], keys[row + SECOND], keys[row + HOME]
        if differs(cache, entry, one, two) != 0:
            entry += ENTRY
            if differs(cache, entry, one, two) != 0:
                break
        added = np.int64(cache[entry + SECOND] >> COUNT)
        if added == 0:
            added, score = _replay_line(cache, entry, keys, row, score, scores, ids, out)
            if added == 0:
                break
        else:
            low, high = cache[entry + LOW], cache[entry + HIGH]
            if high >> HALF <= np.uint64(-score):
                break
            store64(ids, out, low)
            store64(ids, out + 2, high)
            score += scores[low & LOW_HALF]
            if added > 1:
                score = (score + scores[low >> HALF]) + scores[high & LOW_HALF]
        out += added
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
        unit = behind(model.units, unit, data[place])
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
    piece = np.int32(token_at(unit))
    if piece >= 0:
        _reach(lattice, end, model.scores[piece] + here, piece)
    else:
        _reach(lattice, end, model.unknown_score + here, UNKNOWN)
    next_place, furthest = end, end
    while end < size:
        unit = behind(model.units, unit, data[start + end])
        if unit == NOWHERE:
            break
        end += 1
        piece = np.int32(token_at(unit))
        if piece >= 0:
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
        row = np.uint64(ROW * STAGED)
        _write_key(data, start, size, cache, keys, row)
        _keep(cache, keys, row, size, output.ids, out, last, limit, model.lengths.size)
    return last, lattice.best[size], fused


@inlined
def _is_unknown(data, start, size, model):  # type: ignore[no-untyped-def]
    """Return whether a segment is one character, below U+10000, that is no piece."""
    code, width = decode(data, start, start + size)
    return width == size and code < model.firsts.size and token_at(model.firsts[code]) < 0


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
    keys = np.empty(ROW * (STAGED + 1), np.uint64)
    out = bounds[0]
    for document in range(offsets.size - 1):
        score, fused = np.float32(0), False
        for first in range(offsets[document], offsets[document + 1], STAGED):
            count, origin = min(STAGED, offsets[document + 1] - first), starts[offsets[document]]
            for number in range(count):
                start, size = starts[first + number], ends[first + number] - starts[first + number]
                _write_key(data, start, size, cache, keys, np.uint64(ROW * number))
            out, score, fused = _encode_staged(
                data, starts, ends, first, count, origin, score, fused, model, cache, keys, lattice, output, out
            )
        bounds[document + 1] = out
