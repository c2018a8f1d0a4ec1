"""Documents with planted near-duplicates: how similar a copy is to its original is counted with plain Python sets.

Words are runs of letters and digits in lower case and ideographs by themselves; a shingle is `NGRAM` words in a row.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count, islice, pairwise, product

import numpy as np

NGRAM = 5
"""Words in a shingle, as in the default settings."""
PIECE = re.compile("(?:[\u3400-\u9fff]|[^\\W_\u3400-\u9fff]+)(?:[\\W_])*")
"""A word and what stands behind it, up to the next word."""
WORD = re.compile("[\u3400-\u9fff]|[^\\W_\u3400-\u9fff]+")
SYLLABLES = ("ba", "ce", "di", "fo", "gu", "ka", "le", "mi", "no", "pu", "ra", "se", "ti", "vo", "xu", "za")
VOCABULARY = 50_000


@dataclass(frozen=True)
class Planted:
    """A document, and a copy that was edited."""

    kind: str
    """How it was edited: a name of `EDITS`."""
    original: str
    copy: str
    similarity: float
    """Jaccard similarity of their sets of shingles."""


def shingle_set(text: str) -> set[tuple[str, ...]]:
    """Return all runs of `NGRAM` words in lower case; the whole of a shorter text."""
    words = WORD.findall(text.lower())
    return {tuple(words[start : start + NGRAM]) for start in range(max(len(words) - NGRAM + 1, min(len(words), 1)))}


def jaccard(text: str, other: str) -> float:
    """Return the share of the shingles of either text that both have; 0 where there are none."""
    own, others = shingle_set(text), shingle_set(other)
    return len(own & others) / max(len(own | others), 1)


def plant(original: str, kind: str, similarity: float, rng: np.random.Generator) -> Planted:
    """Copy a text with as many edits as bring it closest to a similarity.

    More edits are never more similar, so their number is found by bisection.

    Args:
        original: a text of 60 words or more, hardly any shingle of it twice.
        kind: a name of `EDITS`.
        similarity: what is aimed at, above 0; `Planted.similarity` says what it became. `case` always gives 1.
        rng: chooses places and new words.
    """
    pieces = PIECE.findall(original)
    edit, seed = EDITS[kind], int(rng.integers(2**63))

    def at(size: int) -> Planted:
        copy = edit(pieces, size, np.random.default_rng(seed))
        return Planted(kind, original, copy, jaccard(original, copy))

    low, high = 0, len(pieces) - NGRAM
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if at(middle).similarity >= similarity else (low, middle)
    return min(at(low), at(high), key=lambda found: abs(found.similarity - similarity))


def _exchange_words(pieces: Sequence[str], size: int, rng: np.random.Generator) -> str:
    """Put new words in random places."""
    places = set(rng.permutation(len(pieces))[:size].tolist())
    return "".join(f"{_new_word(rng)} " if place in places else piece for place, piece in enumerate(pieces))


def _truncate(pieces: Sequence[str], size: int, rng: np.random.Generator) -> str:
    """Leave the last words out."""
    return "".join(pieces[: len(pieces) - size])


def _frame(pieces: Sequence[str], size: int, rng: np.random.Generator) -> str:
    """Put new words around the text, as the menus of another site would stand."""
    new = [f"{_new_word(rng)} " for _ in range(3 * size)]
    return "".join([*new[:size], *pieces, "\n", *new[size:]])


def _reorder(pieces: Sequence[str], size: int, rng: np.random.Generator) -> str:
    """Cut the text in `size` + 1 blocks, as sentences are, and let each two of them change places."""
    cuts = sorted(rng.permutation(len(pieces) - 1)[:size] + 1)
    blocks = [pieces[start:stop] for start, stop in pairwise([0, *cuts, len(pieces)])]
    for place in range(0, len(blocks) - 1, 2):
        blocks[place], blocks[place + 1] = blocks[place + 1], blocks[place]
    return "".join(f"{piece.rstrip()} " for block in blocks for piece in block)


def _change_case(pieces: Sequence[str], size: int, rng: np.random.Generator) -> str:
    """Set all words in capitals, and other marks between them."""
    marks = rng.choice([" ", ", ", "; ", " - ", "!\n"], len(pieces))
    return "".join(piece.upper().rstrip(" ,.;:!?\n") + mark for piece, mark in zip(pieces, marks, strict=True))


EDITS: dict[str, Callable[[Sequence[str], int, np.random.Generator], str]] = {
    "words": _exchange_words,
    "truncation": _truncate,
    "boilerplate": _frame,
    "reordering": _reorder,
    "case": _change_case,
}
"""How copies differ. Each is given the words with what stands behind them, and a number of edits."""


def _new_word(rng: np.random.Generator) -> str:
    """Return a word that no text has."""
    return "q" + "".join(SYLLABLES[number] for number in rng.integers(len(SYLLABLES), size=6))


def vocabulary() -> np.ndarray:
    """Return made-up words, short ones first; object[VOCABULARY]."""
    words = ("".join(chosen) for length in count(1) for chosen in product(SYLLABLES, repeat=length))
    return np.array(list(islice(words, VOCABULARY)), object)


def texts(number: int, seed: int, words: tuple[int, int] = (40, 80)) -> list[str]:
    """Make up texts, their words by Zipf's law; `words` are the least and the most of a text."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(words[0], words[1] + 1, number)
    known = vocabulary()
    chosen = known[(len(known) ** rng.random(lengths.sum())).astype(np.int64)].tolist()
    return [" ".join(chosen[start:end]) for start, end in pairwise([0, *np.cumsum(lengths).tolist()])]


def edited(text: str, changes: int, rng: np.random.Generator) -> str:
    """Exchange words of a made-up text, all of them in one place and the next ones."""
    words = text.split(" ")
    first = int(rng.integers(max(len(words) - changes, 1)))
    words[first : first + changes] = [_new_word(rng) for _ in range(changes)]
    return " ".join(words)
