"""The repeated parts of a text: its most frequent n-gram, and n-grams that it has had before."""

from collections import Counter

from corpuskit.kernels import WordKind
from corpuskit.signals.evidence.spans import Finder, Span, words


def top_n_gram(n: int, kind: WordKind, fewest: int = 2) -> Finder:
    """Return a finder of every occurrence of the most frequent sequence of n words; of the first one among equals.

    Nothing is marked where no sequence occurs at least `fewest` times.
    """

    def find(text: str) -> list[Span]:
        spans = words(text, kind)
        sequences = _sequences(text, spans, n)
        counts = Counter(sequences)
        top, count = max(counts.items(), key=lambda pair: pair[1], default=((), 0))
        if count < fewest:
            return []
        return [(spans[i][0], spans[i + n - 1][1]) for i, sequence in enumerate(sequences) if sequence == top]

    return find


def duplicate_n_grams(n: int, kind: WordKind, joined: bool = False) -> Finder:
    """Return a finder of the sequences of n words that a text has had before, from the left and without overlap.

    With `joined` two sequences are the same where their characters are: `ab c` is `a bc`.
    """

    def find(text: str) -> list[Span]:
        spans = words(text, kind)
        sequences = _sequences(text, spans, n)
        known = ["".join(sequence) for sequence in sequences] if joined else sequences
        seen: set[tuple[str, ...] | str] = set()
        found = []
        index = 0
        while index < len(known):
            again = known[index] in seen
            if again:
                found.append((spans[index][0], spans[index + n - 1][1]))
            seen.add(known[index])
            index += n if again else 1
        return found

    return find


def all_repeated_n_grams(n: int, kind: WordKind) -> Finder:
    """Return a finder of all words that lie in a sequence of n words which occurs more than once."""

    def find(text: str) -> list[Span]:
        spans = words(text, kind)
        sequences = _sequences(text, spans, n)
        counts = Counter(sequences)
        starts = [index for index, sequence in enumerate(sequences) if counts[sequence] > 1]
        inside = sorted({index + offset for index in starts for offset in range(n)})
        return [spans[index] for index in inside]

    return find


def _sequences(text: str, spans: list[Span], n: int) -> list[tuple[str, ...]]:
    found = [text[start:end] for start, end in spans]
    return list(zip(*(found[offset:] for offset in range(n)), strict=False))
