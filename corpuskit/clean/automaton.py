r"""Regular expressions that are lists of short sequences, as automata that a kernel can run.

An expression `[ab] c | ^ d \w` matches somewhere in a text if and only if the automaton, fed with the text's
characters, ends in the state ACCEPT. What a set matches is asked of Python's `re`, so it means the same here.
"""

import re
from dataclasses import dataclass

import numpy as np

from corpuskit.kernels import fixed
from corpuskit.kernels.utf8 import PAGES

ACCEPT = 0
"""The state of a text in which the expression matched; it is never left."""

ATOM = re.compile(r"\[(?:\\.|[^\]\\])+\]|\\.|[^\s\\]")
"""One element of a verbose expression: a set, an escape, or a character."""
SET = re.compile(r"\[.*\]|\\[wWsSdD]|[^\\()*+{}$?^#\[\]]", re.DOTALL)
"""Atoms that stand for one character."""
WIDE_SET = re.compile(r"\\[wWsSdD]|\[\^|^\.$|[^\u0000-\uffff]")
"""Atoms that may match characters beyond U+FFFF."""

Sequence = tuple[str, ...]
State = frozenset[tuple[int, int]]
"""(sequence, atoms of it matched so far) of every sequence that is under way."""


@dataclass(frozen=True, eq=False)
class Automaton:
    """A finite automaton over classes of characters; a step is `state = transitions[state + classes[code]]`."""

    classes: np.ndarray
    """Class of each code point; uint8[2**21]."""
    transitions: np.ndarray
    """Next state for (state + class); int32[n_states * n_classes]. States are multiples of the number of classes."""
    start: int
    """The state in front of a text."""


def sequences(pattern: str) -> list[tuple[bool, Sequence]]:
    """Split a verbose regular expression into its alternatives: (whether it begins with `^`, its sets in order).

    Raises:
        ValueError: the expression has anything but alternatives of sets and `?`.
    """
    found: list[tuple[bool, Sequence]] = []
    for alternative in _split(re.sub(r"(?m)^\s*#.*$", "", pattern)):
        anchored = alternative[:1] == ["^"]
        variants: list[Sequence] = [()]
        atoms = alternative[1:] if anchored else alternative
        for place, atom in enumerate(atoms):
            if SET.fullmatch(atom):
                longer = [(*variant, atom) for variant in variants]
                variants = [*longer, *variants] if atoms[place + 1 : place + 2] == ["?"] else longer
            elif atom != "?" or not variants[0]:
                raise ValueError(f"{atom!r} in a regular expression, where only sets, `|`, `^` and `?` are known")
        if () in variants:
            raise ValueError("a regular expression that may match nothing, where only sets, `|`, `^` and `?` are known")
        found += [(anchored, variant) for variant in variants]
    return found


def _split(pattern: str) -> list[list[str]]:
    alternatives: list[list[str]] = [[]]
    for atom in ATOM.findall(pattern):
        if atom == "|":
            alternatives.append([])
        else:
            alternatives[-1].append(atom)
    return alternatives


def compile_automaton(pattern: str) -> Automaton:
    """Make the automaton of a verbose regular expression.

    Raises:
        ValueError: the expression has anything but alternatives of sets and `?`, or more than 255 classes.
    """
    alternatives = sequences(pattern)
    atoms = sorted({atom for _, sequence in alternatives for atom in sequence})
    classes, members = _classes(atoms)
    steps = [[members[atom] for atom in sequence] for _, sequence in alternatives]
    unanchored: State = frozenset((index, 0) for index, (anchored, _) in enumerate(alternatives) if not anchored)
    begin: State = frozenset((index, 0) for index in range(len(alternatives)))
    n_classes = int(classes.max()) + 1
    numbers: dict[State | None, int] = {None: ACCEPT, begin: n_classes}
    waiting, rows = [begin], [[ACCEPT] * n_classes]
    for state in waiting:
        row = []
        for kind in range(n_classes):
            after = _step(state, kind, steps, unanchored)
            if after not in numbers:
                assert after is not None
                numbers[after] = len(numbers) * n_classes
                waiting.append(after)
            row.append(numbers[after])
        rows.append(row)
    return Automaton(fixed(classes, np.uint8), fixed(np.array(rows).ravel(), np.int32), n_classes)


def _step(state: State, kind: int, steps: list[list[frozenset[int]]], unanchored: State) -> State | None:
    """Return the state after a character of class `kind`, None for ACCEPT."""
    moved = {(index, place + 1) for index, place in state if kind in steps[index][place]}
    if any(place == len(steps[index]) for index, place in moved):
        return None
    return unanchored | moved


def _classes(atoms: list[str]) -> tuple[np.ndarray, dict[str, frozenset[int]]]:
    """Divide all characters into classes that no atom tells apart: int64[2**21], and the classes in each atom."""
    everything = np.arange(0x110000, dtype="<u4").tobytes().decode("utf-32-le", "surrogatepass")
    matched = {atom: _matched(atom, everything) for atom in atoms}
    classes, n_classes = np.zeros(256 * PAGES, np.int64), 1
    for codes in matched.values():
        renamed = np.zeros(n_classes, np.int64)
        renamed[classes[codes]] = 1
        renamed = n_classes - 1 + np.cumsum(renamed)  # what was alike and is matched is alike still, apart
        classes[codes] = renamed[classes[codes]]
        n_classes = int(renamed[-1]) + 1
    classes = (np.cumsum(np.bincount(classes) > 0) - 1)[classes]
    if classes.max() > 255:
        raise ValueError(
            f"a regular expression tells {classes.max() + 1} classes of characters apart; 256 are possible"
        )
    return classes, {atom: frozenset(np.unique(classes[codes]).tolist()) for atom, codes in matched.items()}


def _matched(atom: str, everything: str) -> np.ndarray:
    """Return the code points that an atom matches; int64[m]."""
    text = everything if WIDE_SET.search(atom) else everything[:0x10000]
    runs = [np.arange(*match.span()) for match in re.finditer(f"(?:{atom})+", text)]
    return np.concatenate([np.empty(0, np.int64), *runs])
