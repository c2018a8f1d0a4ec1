"""Whether tokens end where morphemes do, against words that somebody has segmented."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from corpuskit import storage
from corpuskit.errors import InputError
from corpuskit.tasks import files
from corpuskit.tokenization.evaluation.figures import ratio
from corpuskit.tokenization.evaluation.tally import batches
from corpuskit.tokenization.tokenizer import Tokenizer

BEFORE = " "
"""What a word stands after when it is encoded: most vocabularies hold words with the space in front of them."""


@dataclass(frozen=True)
class Gold:
    """Words with their morphemes.

    Attributes:
        name: of the set.
        words: the morphemes of each word, which together are the word.
    """

    name: str
    words: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, kw_only=True)
class Morphology:
    """How token boundaries inside words agree with morpheme boundaries."""

    name: str
    words: int
    precision: float | None
    """Token boundaries that are morpheme boundaries, over all token boundaries inside words."""
    recall: float | None
    """Morpheme boundaries that are token boundaries, over all morpheme boundaries."""
    f1: float | None
    """Their harmonic mean."""
    morphscore: float | None
    """The mean, over words with morpheme boundaries that are cut at all, of the share of morpheme boundaries that are
    token boundaries. For words of two morphemes this is MorphScore (Arnett and Bergen 2024): 1 where a token ends at
    the boundary, wherever else the word is cut, 0 where none does; words kept whole are left out."""
    kept_whole: float | None
    """The share of words with morpheme boundaries that are one token (or one with their space)."""


def load_gold(path: str) -> Gold:
    """Read segmented words: lines of a word, a tab, and its morphemes with spaces or `+` between them.

    Blank lines are skipped. A file may end in `.gz` or `.zst`.

    Raises:
        InputError: the file cannot be read, holds no word, or the morphemes of a word do not make up the word.
    """
    words = []
    for number, line in files.numbered_lines(files.decode(path, files.read(path), "utf-8")):
        word, tab, segmented = line.partition("\t")
        morphemes = tuple(part for part in re.split(r"[ +]+", segmented.strip()) if part)
        if not tab or "".join(morphemes) != word:
            expected = "expected a word, a tab, and its morphemes with spaces or + between them"
            raise InputError(f"{path}:{number}: {expected}, together the word; found {line!r}")
        words.append(morphemes)
    if not words:
        raise InputError(f"{path}: there is no word")
    return Gold(storage.base_name(path), tuple(words))


def morphology(tokenizer: Tokenizer, gold: Gold) -> Morphology:
    """Compare the boundaries of tokens and morphemes inside words, each word encoded after a space.

    Boundaries are places between bytes; one inside a character is no morpheme's. Each line of the gold set counts
    once, so words that it repeats count for more.
    """
    morphemes = _places([[len(part.encode()) for part in word] for word in gold.words])
    cuts = _token_places(tokenizer, ["".join(word) for word in gold.words])
    common = _shared(cuts, morphemes)
    n = len(gold.words)
    right, cut, wanted = (np.bincount(found[:, 0], minlength=n) for found in (common, cuts, morphemes))
    judged = (wanted > 0) & (cut > 0)
    return Morphology(
        name=gold.name,
        words=n,
        precision=ratio(len(common), len(cuts)),
        recall=ratio(len(common), len(morphemes)),
        f1=ratio(2 * len(common), len(cuts) + len(morphemes)),
        morphscore=float((right[judged] / wanted[judged]).mean()) if judged.any() else None,
        kept_whole=ratio(int(((wanted > 0) & (cut == 0)).sum()), int((wanted > 0).sum())),
    )


def _places(lengths: Sequence[Sequence[int]]) -> np.ndarray:
    """Return the boundaries inside words as (word, byte) pairs; int64[m, 2]."""
    pairs = [(word, place) for word, own in enumerate(lengths) for place in np.cumsum(own)[:-1].tolist()]
    return np.array(pairs, np.int64).reshape(-1, 2)


def _token_places(tokenizer: Tokenizer, words: list[str]) -> np.ndarray:
    """Return the token boundaries inside words as (word, byte) pairs; int64[m, 2]."""
    sizes, found, first = tokenizer.token_bytes(), [np.empty((0, 2), np.int64)], 0
    for batch in batches(pa.array([BEFORE + word for word in words], pa.large_string())):
        lists = tokenizer.encode(batch)
        offsets = lists.offsets.to_numpy()
        rows = np.repeat(np.arange(len(batch)), np.diff(offsets))
        ends = np.cumsum(sizes[lists.flatten().to_numpy()], dtype=np.int64)
        starts = np.concatenate([[0], ends])[offsets[:-1]]
        lengths = np.concatenate([[0], ends])[offsets[1:]] - starts
        # Counted from the word's end, so that a tokenizer that drops or adds a space in front is judged alike.
        before_end = lengths[rows] - (ends - starts[rows])
        own = np.array([len(word.encode()) for word in words[first : first + len(batch)]])
        places = own[rows] - before_end
        inside = (places > 0) & (before_end > 0)
        found.append(np.column_stack([rows[inside] + first, places[inside]]))
        first += len(batch)
    return np.concatenate(found)


def _shared(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return the pairs that are in both; int64[m, 2], no pair occurs twice in one."""
    both = set(map(tuple, left.tolist())) & set(map(tuple, right.tolist()))
    return np.array(sorted(both), np.int64).reshape(-1, 2)
