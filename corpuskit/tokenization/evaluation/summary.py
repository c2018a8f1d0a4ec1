"""The summary of an evaluation: one row a measure, the best of each marked."""

from collections.abc import Callable, Sequence

from corpuskit.report.tokenizers_data import Measure
from corpuskit.tokenization.evaluation.evaluation import Evaluated

HIGHER, LOWER = "higher is better", "lower is better"
Value = Callable[[Evaluated], float | None]


def measures(own: Sequence[Evaluated]) -> tuple[Measure, ...]:
    """Return the rows of the summary; a row that no tokenizer has a value for is left out."""
    rows = [*_facts(own), *_text_rows(own), *_vocabulary_rows(own), *_set_rows(own), *_rest(own)]
    return tuple(row for row in rows if any(cell != MISSING for cell in row.cells))


MISSING = "\N{EN DASH}"


def _number(value: float) -> str:
    return f"{value:,.3f}"


def _share(value: float) -> str:
    """Return a share as percent; one that is not quite all of it never reads 100 %."""
    percent = 100 * value
    return f"{percent:.1f} %" if value in (0, 1) or 0.05 <= percent < 99.95 else f"{percent:.4f} %"


def _count(value: float) -> str:
    return f"{value:,.0f}"


def _row(
    own: Sequence[Evaluated], name: str, explanation: str, better: str, value: Value, show: Callable[[float], str]
) -> Measure:
    values = [value(one) for one in own]
    cells = tuple(MISSING if found is None else show(found) for found in values)
    known = [found for found in values if found is not None]
    top = (max if better == HIGHER else min)(known, default=None)
    marked = bool(better) and len(set(cells)) > 1
    best = tuple(marked and found == top and found is not None for found in values)
    return Measure(name=name, explanation=explanation, better=better, cells=cells, best=best)


def _facts(own: Sequence[Evaluated]) -> list[Measure]:
    types = tuple(one.type for one in own)
    return [
        Measure(name="Type", explanation="", better="", cells=types, best=(False,) * len(types)),
        _row(own, "Vocabulary", "ids, reserved ones included", "", lambda one: one.vocabulary.size, _count),
    ]


def _text_rows(own: Sequence[Evaluated]) -> list[Measure]:
    rows: list[tuple[str, str, str, Value, Callable[[float], str]]] = [
        ("Bytes per token", "UTF-8", HIGHER, lambda one: one.overall.bytes_per_token, _number),
        ("Fertility", "tokens per word", LOWER, lambda one: one.overall.fertility, _number),
        ("STRR", "common words that are one token", HIGHER, lambda one: one.overall.strr, _share),
        ("Words kept whole", "occurrences without a cut", HIGHER, lambda one: one.overall.whole_words, _share),
        ("Rényi efficiency", "how evenly tokens are used", HIGHER, lambda one: one.overall.renyi_efficiency, _number),
        ("Parts of characters", "of all tokens of the texts", LOWER, lambda one: one.overall.partial_tokens, _share),
        ("Round trip", "documents that come back unchanged", HIGHER, lambda one: one.overall.round_trip, _share),
    ]
    return [_row(own, *row) for row in rows]


def _vocabulary_rows(own: Sequence[Evaluated]) -> list[Measure]:
    rare = own[0].vocabulary.rare
    rows: list[tuple[str, str, str, Value, Callable[[float], str]]] = [
        ("Vocabulary used", "tokens that occur", HIGHER, lambda one: _of(one, one.vocabulary.used), _share),
        ("Under-used", f"below {rare} occurrences", LOWER, lambda one: _of(one, one.vocabulary.under_used), _share),
        ("Unreachable", "tokens that no text gives", LOWER, lambda one: one.vocabulary.unreachable, _count),
    ]
    return [_row(own, *row) for row in rows]


def _of(one: Evaluated, tokens: int) -> float:
    return tokens / max(one.vocabulary.text_tokens, 1)


def _set_rows(own: Sequence[Evaluated]) -> list[Measure]:
    """Return the rows of parallel and gold sets."""
    rows = []
    for index, found in enumerate(own[0].parities):
        rows.append(_row(own, f"Gini, {found.name}", "between languages", LOWER, _gini(index), _number))
        rows.append(_row(own, f"Largest premium, {found.name}", "of a language", LOWER, _premium(index), _number))
    for index, gold in enumerate(own[0].morphologies):
        rows.append(_row(own, f"Morpheme F1, {gold.name}", "boundaries inside words", HIGHER, _f1(index), _number))
    return rows


def _gini(index: int) -> Value:
    return lambda one: one.parities[index].gini


def _premium(index: int) -> Value:
    return lambda one: one.parities[index].languages[-1].premium


def _f1(index: int) -> Value:
    return lambda one: one.morphologies[index].f1


def _rest(own: Sequence[Evaluated]) -> list[Measure]:
    rules = tuple(one.numbers.rule for one in own)
    speeds = _row(own, "Speed", "MB/s, one thread, on this machine", HIGHER, lambda one: one.megabytes_per_second, _mb)
    return [speeds, Measure(name="Numbers", explanation="", better="", cells=rules, best=(False,) * len(rules))]


def _mb(value: float) -> str:
    return f"{value:,.1f}"
