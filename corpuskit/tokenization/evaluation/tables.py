"""The tables of the page: figures by text, languages, vocabularies, numbers, white space, morphemes."""

from collections.abc import Sequence

from corpuskit.report.data import Cell, Interval, Table
from corpuskit.tokenization.evaluation.evaluation import Evaluated, Evaluation
from corpuskit.tokenization.evaluation.parity import Parity
from corpuskit.tokenization.evaluation.probes import NumberCut

BY_TEXT = (
    ("bytes_per_token", "Bytes per token, by text", "", 1, 3),
    ("fertility", "Tokens per word, by text", "", 1, 3),
    ("strr", "Common words that are one token (STRR), by text", "Percent.", 100, 1),
    ("whole_words", "Words kept whole, by text", "Percent of occurrences.", 100, 1),
    ("renyi_efficiency", "Rényi efficiency, by text", "", 1, 3),
    ("partial_tokens", "Tokens that are parts of characters, by text", "Percent of tokens.", 100, 1),
    ("used_tokens", "Distinct tokens, by text", "", 1, 0),
)
"""Field of `Figures`, caption, note, factor and decimals of each table."""


def plural(count: int, noun: str) -> str:
    """Return `1 token`, `2 tokens`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _cell(value: float | None, digits: int) -> Cell:
    return None if value is None else Interval(value=value, digits=digits)


def _names(own: Sequence[Evaluated]) -> tuple[str, ...]:
    return tuple(one.name for one in own)


def by_text(own: Sequence[Evaluated]) -> tuple[Table, ...]:
    """Return a table for each figure: texts by tokenizers."""
    return tuple(
        Table(
            caption=caption,
            columns=("Text", *_names(own)),
            rows=tuple(
                (text, *(_scaled(getattr(one.texts[text], field), factor, digits) for one in own))
                for text in own[0].texts
            ),
            note=note,
        )
        for field, caption, note, factor, digits in BY_TEXT
    )


def _scaled(value: float | None, factor: int, digits: int) -> Cell:
    return None if value is None else _cell(value * factor, digits)


def parity_summary(own: Sequence[Evaluated], index: int) -> Table:
    """Return one row a tokenizer: Gini coefficient and the cheapest and dearest languages."""
    rows = [(one.name, *_inequality(one.parities[index], "premium", one.parities[index].gini)) for one in own]
    first = own[0].parities[index]
    rows.append(("UTF-8", *_inequality(first, "byte_premium", first.byte_gini)))
    columns = ("Tokenizer", "Gini", "Smallest premium", "Largest premium")
    return Table(caption="Between languages (lower is better)", columns=columns, rows=tuple(rows))


def _inequality(found: Parity, field: str, gini: float) -> tuple[Cell, str, str]:
    ordered = sorted((getattr(cost, field), cost.language) for cost in found.languages)
    low, high = (f"{language} {premium:.2f}" for premium, language in (ordered[0], ordered[-1]))
    return _cell(gini, 3), low, high


def parity_languages(own: Sequence[Evaluated], index: int) -> Table:
    """Return one row a language: tokens per line and premium of each tokenizer, and bytes."""
    found = [{cost.language: cost for cost in one.parities[index].languages} for one in own]
    rows = []
    for language, cost in found[0].items():
        each = [cell for costs in found for cell in _costs(costs[language].tokens_per_line, costs[language].premium)]
        rows.append((language, *each, *_costs(cost.bytes / own[0].parities[index].lines, cost.byte_premium)))
    names = [column for name in (*_names(own), "UTF-8") for column in (f"{name}: a line", "premium")]
    return Table(caption="Tokens a line and premium of each language", columns=("Language", *names), rows=tuple(rows))


def _costs(per_line: float, premium: float) -> tuple[Cell, Cell]:
    return _cell(per_line, 1), _cell(premium, 2)


def vocabularies(own: Sequence[Evaluated]) -> Table:
    """Return what is in each vocabulary, in numbers."""
    found = [one.vocabulary for one in own]
    kinds: dict[str, list[int]] = {
        "Ids, reserved ones included": [one.size for one in found],
        "Tokens of text": [one.text_tokens for one in found],
        "used in the texts": [one.used for one in found],
        f"used fewer than {found[0].rare} times, or never": [one.under_used for one in found],
        "unreachable": [one.unreachable for one in found],
        "bytes that are a part of a character": [one.partial_bytes for one in found],
        "longer, with a part of a character": [one.partial - one.partial_bytes for one in found],
        "of the same text as another": [one.same_text for one in found],
    }
    rows: tuple[tuple[Cell, ...], ...] = tuple((kind, *counts) for kind, counts in kinds.items())
    return Table(caption="Tokens of each vocabulary", columns=("", *_names(own)), rows=rows)


def overlap(evaluation: Evaluation) -> Table:
    """Return the matrix of Jaccard similarities of vocabularies."""
    names = _names(evaluation.tokenizers)
    found = {(pair.first, pair.second): pair.jaccard for pair in evaluation.overlaps}
    rows = tuple(
        (row, *(_percent(found.get((row, column), found.get((column, row)))) for column in names)) for row in names
    )
    note = "Percent of the byte strings that are tokens of either vocabulary: those that are tokens of both (Jaccard)."
    return Table(caption="Overlap of vocabularies", columns=("", *names), rows=rows, note=note)


def _percent(share: float | None) -> Cell:
    return _scaled(share, 100, 1)


def numbers(own: Sequence[Evaluated]) -> Table:
    """Return how numbers of each length are cut most often."""
    lengths = range(len(own[0].numbers.cuts))
    rows = [("rule", *(one.numbers.rule for one in own))]
    rows += [
        (plural(own[0].numbers.cuts[index].digits, "digit"), *(_number_cut(one.numbers.cuts[index]) for one in own))
        for index in lengths
    ]
    note = (
        f"The commonest cut, and the share of {plural(own[0].numbers.cuts[-1].numbers, 'number')} "
        "(at the start of a text and after a space) that are cut so, on an example."
    )
    return Table(caption="How numbers are cut", columns=("Length", *_names(own)), rows=tuple(rows), note=note)


def _number_cut(cut: NumberCut) -> str:
    """Return such as `123·4 (87 %)`: an example, cut."""
    place, parts = 0, []
    for size in cut.pattern:
        parts.append(cut.example[place : place + size])
        place += size
    return f"{'·'.join(parts)} ({100 * cut.share:.0f}\N{NO-BREAK SPACE}%)"


def morphology(own: Sequence[Evaluated]) -> Table:
    """Return how well token boundaries agree with morphemes, for each gold set and tokenizer."""
    rows = tuple(
        (
            found.name,
            one.name,
            found.words,
            *(_percent(value) for value in (found.precision, found.recall, found.f1)),
            *(_percent(value) for value in (found.morphscore, found.kept_whole)),
        )
        for index in range(len(own[0].morphologies))
        for one in own
        for found in (one.morphologies[index],)
    )
    columns = ("Words", "Tokenizer", "Number", "Precision", "Recall", "F1", "MorphScore", "Kept whole")
    note = "Percent. Boundaries inside words, each word after a space. MorphScore leaves out words that are kept whole."
    return Table(caption="Token boundaries against morpheme boundaries", columns=columns, rows=rows, note=note)
