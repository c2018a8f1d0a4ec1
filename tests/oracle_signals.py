"""The signals of one text by the slow definitions of their own tests; words of `str.split()` where a recipe chooses."""

import functools
import math
from collections.abc import Callable, Mapping, Sequence

from test_kernels_repeats import greedy, most_frequent, span_repeats, stripped_paragraphs
from test_signals import slow, slow_unicode_words
from test_signals_c4 import slowly as slow_c4
from test_signals_composition import slow as slow_composition
from test_signals_fineweb import slowly as slow_fineweb
from test_signals_gopher import divided, slow_datatrove
from test_signals_refinedweb import slowly as slow_refinedweb
from test_signals_repetition import datatrove as slow_repetition

Values = dict[str, object]
WORDS = {"gopher@datatrove": "whitespace", "fineweb@datatrove": "whitespace"}
"""The recipe's `words` with which recipes give what is computed here."""


@functools.cache
def signals_of(text: str) -> Values:
    """Every signal that the tests of whole flows judge, by `group.name`; floats as float32."""
    measured: dict[str, Callable[[str], Mapping[str, object]]] = {
        "composition": slow_composition,
        "gopher": lambda text: repetition(text, text.split()),
        "repetition": lambda text: repetition(text, slow_unicode_words(text)),
        "gopher@datatrove": lambda text: {**slow_datatrove(text, text.split()), **slow_repetition(text)},
        "c4": lambda text: slow_c4("c4", text),
        "c4@datatrove": lambda text: slow_c4("c4@datatrove", text),
        "c4@tfds": lambda text: slow_c4("c4@tfds", text),
        "fineweb@datatrove": slow_fineweb,
        "refinedweb": slow_refinedweb,
    }
    own = {f"{group}.{name}": value for group, of in measured.items() for name, value in of(text).items()}
    return {name: _plain(value) for name, value in (slow(text) | own).items()}


def repetition(text: str, words: Sequence[str]) -> Values:
    """The fractions of the paper, of a text and its words."""
    values: Values = {}
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    for name, spans in (("line", lines), ("paragraph", stripped_paragraphs(text))):
        count, repeats, characters, repeated = span_repeats(spans)
        values |= {f"duplicate_{name}s": divided(repeats, count)}
        values |= {f"duplicate_{name}_characters": divided(repeated, characters)}
    whole = len("".join(words))
    for n in (2, 3, 4):
        count, _, covered = most_frequent(words, n)
        values[f"top_{n}_gram"] = divided(covered if count > 1 else 0, whole)
    return values | {f"duplicate_{n}_grams": divided(greedy(words, n, tuple), whole) for n in range(5, 11)}


def _plain(value: object) -> object:
    """Return plain numbers; what has no value is None."""
    if isinstance(value, int) or value is None:
        return value
    return None if math.isnan(float(value)) else float(value)  # type: ignore[arg-type]
