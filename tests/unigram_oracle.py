"""Unigram training as Kudo (2018) and SentencePiece describe it, in slow plain Python over strings.

Shares no code with `corpuskit.tokenization.training.unigram`: no suffix array, no lattice over places, logarithms
instead of scaled probabilities, every segmentation by dynamic programming over dictionaries.
"""

import itertools
import math
import re
from collections import Counter
from collections.abc import Iterator

Scores = dict[str, float]


def units(words: dict[str, int], scripts: dict[str, str]) -> Counter[str]:
    """Cut words at characters without a script, before a space after another character, and between scripts.

    The script of a space is " ", that of a mark "".
    """
    parts: Counter[str] = Counter()
    for word, count in words.items():
        part, script = "", ""
        for character in word:
            mine = scripts.get(character)
            fresh = part.strip(" ") != "" if mine == " " else bool(mine and script and mine != script)
            if mine is None or fresh:
                parts[part] += count
                part, script = "", ""
            if mine is not None:
                part += character
                script = mine.strip() or script
        parts[part] += count
    del parts[""]
    return parts


def seeds(parts: Counter[str], longest: int) -> dict[str, int]:
    """Count substrings of 2 characters and more that do not always go on with the same character; 2 occurrences."""
    totals: Counter[str] = Counter()
    nexts: dict[str, set[str]] = {}
    for part, count in parts.items():
        for start, stop in itertools.combinations(range(len(part) + 1), 2):
            if 2 <= stop - start <= longest:
                totals[part[start:stop]] += count
                nexts.setdefault(part[start:stop], set()).add(part[stop] if stop < len(part) else f"end {start} {part}")
    ends = {piece for piece, after in nexts.items() if len(after) > 1 or any(len(one) > 1 for one in after)}
    return {piece: totals[piece] for piece in ends if totals[piece] >= 2 and re.fullmatch(r" ?[^ ]+| +", piece)}


def singles(parts: Counter[str]) -> dict[str, int]:
    """Count characters."""
    totals: Counter[str] = Counter()
    for part, count in parts.items():
        for character in part:
            totals[character] += count
    return totals


def add_logs(left: float, right: float) -> float:
    """Return the logarithm of the sum of two numbers."""
    high, low = max(left, right), min(left, right)
    return high if low == -math.inf else high + math.log1p(math.exp(low - high))


def arcs(text: str, scores: Scores) -> Iterator[tuple[int, int]]:
    """Yield where pieces lie in a text, by their start, then longest first."""
    for start in range(len(text)):
        for stop in range(len(text), start, -1):
            if text[start:stop] in scores:
                yield start, stop


def expectations(parts: Counter[str], scores: Scores) -> tuple[dict[str, float], float]:
    """Return expected occurrences and the log-likelihood."""
    expected = dict.fromkeys(scores, 0.0)
    likelihood = 0.0
    for text, count in parts.items():
        found = list(arcs(text, scores))
        before, after = [0.0] + [-math.inf] * len(text), [-math.inf] * len(text) + [0.0]
        for start, stop in found:
            before[stop] = add_logs(before[stop], before[start] + scores[text[start:stop]])
        for start, stop in reversed(found):
            after[start] = add_logs(after[start], after[stop] + scores[text[start:stop]])
        likelihood += count * before[-1]
        for start, stop in found:
            piece = text[start:stop]
            expected[piece] += count * math.exp(before[start] + scores[piece] + after[stop] - before[-1])
    return expected, likelihood


def segment(text: str, scores: Scores) -> tuple[list[str], float]:
    """Return the likeliest segmentation; of equal ones, that which is found first."""
    best: list[tuple[float, int]] = [(0.0, 0)] + [(-math.inf, 0)] * len(text)
    for start, stop in arcs(text, scores):
        score = best[start][0] + scores[text[start:stop]]
        if score > best[stop][0]:
            best[stop] = score, start
    pieces, stop = [], len(text)
    while stop:
        pieces.append(text[best[stop][1] : stop])
        stop = best[stop][1]
    return pieces[::-1], best[-1][0]


def losses(parts: Counter[str], scores: Scores) -> dict[str, float]:
    """Return what the loss of each piece costs; inf for single characters."""
    used: Counter[str] = Counter()
    for text, count in parts.items():
        for piece in segment(text, scores)[0]:
            used[piece] += count
    total = sum(used.values())
    costs = {}
    for piece, score in scores.items():
        others, instead = segment(piece, {other: value for other, value in scores.items() if other != piece})
        if len(piece) == 1:
            costs[piece] = math.inf
        elif not used[piece] or instead > score:
            costs[piece] = 0.0
        else:
            after = total + used[piece] * (len(others) - 1)
            change = sum(math.log((used[other] + used[piece]) / after) for other in others)
            costs[piece] = used[piece] / total * max(0.0, math.log(used[piece] / total) - change)
    return costs


def digamma(value: float) -> float:
    """Return the digamma function by its recurrence and its asymptotic series."""
    below = 0.0
    while value < 30:
        below += 1 / value
        value += 1
    return math.log(value) - 1 / (2 * value) - 1 / (12 * value**2) + 1 / (120 * value**4) - 1 / (252 * value**6) - below


def maximized(parts: Counter[str], scores: Scores) -> Scores:
    """Do one iteration of expectation maximization under a sparse prior."""
    expected, _ = expectations(parts, scores)
    kept = {piece: max(count, 0.5) for piece, count in expected.items() if count >= 0.5 or len(piece) == 1}
    total = digamma(sum(kept.values()))
    return {piece: digamma(count) - total for piece, count in kept.items()}


def pruned(parts: Counter[str], scores: Scores, size: int) -> Scores:
    """Keep the pieces whose loss costs the most."""
    if len(scores) <= size:
        return scores
    costs = losses(parts, scores)
    order = sorted(scores, key=lambda piece: (-costs[piece], -scores[piece], piece.encode()))
    return {piece: scores[piece] for piece in order[:size]}


def train(parts: Counter[str], size: int, longest: int, shrinking: float, iterations: int) -> Scores:
    """Return the pieces with their scores."""
    values = singles(parts) | {piece: total * len(piece) for piece, total in seeds(parts, longest).items()}
    scores = {piece: math.log(value / sum(values.values())) for piece, value in values.items()}
    while True:
        last = len(scores) <= int(1.1 * size)
        for _ in range(iterations):
            scores = maximized(parts, scores)
        if last:
            break
        scores = pruned(parts, scores, max(int(1.1 * size), int(shrinking * len(scores))))
    best = sorted(scores, key=lambda piece: (len(piece) > 1, -scores[piece], piece.encode()))[:size]
    scores = {piece: scores[piece] for piece in best}
    for _ in range(iterations):
        expected, _ = expectations(parts, scores)
        expected = {piece: max(count, 0.5) for piece, count in expected.items()}
        scores = {piece: math.log(count / sum(expected.values())) for piece, count in expected.items()}
    return scores
