"""`tokenizers.html`: an evaluation put in words, tables, charts and coloured text."""

from collections.abc import Mapping

from corpuskit.report import charts
from corpuskit.report.tokenizers_data import Bars, Cut, CutText, Lengths, ParityView, TokenizersPage, TokenList
from corpuskit.tokenization.evaluation import tables
from corpuskit.tokenization.evaluation.chips import chips, readable
from corpuskit.tokenization.evaluation.evaluation import Evaluated, Evaluation
from corpuskit.tokenization.evaluation.figures import COMMON_WORDS
from corpuskit.tokenization.evaluation.summary import measures

PAGE = "tokenizers.html"
"""The page's usual file name."""
NAMED_TEXTS = 8
"""Texts up to which the page's first sentence names them."""
NOTES = (
    "Bytes per token, fertility and premiums say how long the sequences are that a model reads: its cost, not its "
    "quality. Published studies find that the tokenizer with fewer tokens is not always the better one; compare "
    "trained models by bits per byte and on tasks.",
    "Words are maximal runs of letters, marks and digits; each Chinese character, kana and Thai letter cluster is a "
    f"word by itself. STRR is over the {COMMON_WORDS:,} commonest words of a text, encoded alone and after a space.",
    "Rényi efficiency is of order 2.5, over the tokens that occur, as the package tokenization-scorer computes it. "
    "It is high where tokens are used evenly, and it can be raised without making models better.",
    "A premium is how many times as many tokens the same sentences take as in the reference language. The Gini "
    "coefficient is 0 where all languages take as many. The rows called UTF-8 show the same of bytes.",
    "How much of a vocabulary is used depends on the text: more text, or more languages, uses more of it.",
    "Unreachable tokens were found in no given text, nor by encoding their own text, alone and after other characters.",
)


def write_page(
    path: str, evaluation: Evaluation, title: str = "Tokenizers", environment: Mapping[str, str] | None = None
) -> None:
    """Write an evaluation to one self-contained HTML file.

    Args:
        path: the file, local or remote.
        evaluation: what `evaluate` returned.
        title: of the page.
        environment: name to value, shown at the end: inputs, versions, date.

    Raises:
        MissingExtra: a package of the extra `report` is not installed.
    """
    from corpuskit.report.tokenizers_page import write_tokenizers_page

    write_tokenizers_page(path, page_of(evaluation, title, environment or {}))


def page_of(evaluation: Evaluation, title: str, environment: Mapping[str, str]) -> TokenizersPage:
    """Return what the page of an evaluation shows."""
    own = evaluation.tokenizers
    return TokenizersPage(
        title=title,
        summary=_summary(evaluation),
        tokenizers=tuple(one.name for one in own),
        measures=measures(own),
        compression=_compression(own),
        text_tables=tables.by_text(own),
        parities=tuple(_parity(own, index) for index in range(len(own[0].parities))),
        sentences=tuple(_sentence(own, name, text) for name, text in evaluation.sentences.items()),
        lengths=_lengths(own),
        vocabulary=tables.vocabularies(own),
        overlap=tables.overlap(evaluation) if len(own) > 1 else None,
        lists=_lists(own),
        numbers=tables.numbers(own),
        whitespace=tuple(_whitespace(own, index) for index in range(len(own[0].whitespace))),
        morphology=tables.morphology(own) if own[0].morphologies else None,
        notes=NOTES,
        environment=environment,
    )


def _summary(evaluation: Evaluation) -> str:
    first = evaluation.tokenizers[0]
    tokenizers = tables.plural(len(evaluation.tokenizers), "tokenizer")
    documents = tables.plural(first.overall.documents, "document")
    shown = ", ".join(first.texts) if len(first.texts) <= NAMED_TEXTS else f"{len(first.texts)} texts"
    return f"{tokenizers} on {documents}, {charts.show_bytes(first.overall.bytes)} of text: {shown}."


def _compression(own: tuple[Evaluated, ...]) -> Bars:
    return Bars(
        axis="bytes per token (more: shorter sequences)",
        labels=tuple(own[0].texts),
        values={one.name: [figures.bytes_per_token for figures in one.texts.values()] for one in own},
    )


def _parity(own: tuple[Evaluated, ...], index: int) -> ParityView:
    first = own[0].parities[index]
    order = [cost.language for cost in first.languages]
    premiums = {
        one.name: [{cost.language: cost.premium for cost in one.parities[index].languages}[name] for name in order]
        for one in own
    }
    references = {one.parities[index].reference for one in own}
    against = references.pop() if len(references) == 1 else "the cheapest language of each tokenizer"
    left_out = f" Left out, with too few lines: {', '.join(first.left_out)}." if first.left_out else ""
    return ParityView(
        title=first.name,
        summary=f"{first.lines:,} parallel lines in {len(order)} languages; premiums refer to {against}.{left_out}",
        premiums=Bars(axis=f"premium ({against} = 1)", labels=tuple(order), values=premiums, reference=1.0),
        tables=(tables.parity_summary(own, index), tables.parity_languages(own, index)),
    )


def _sentence(own: tuple[Evaluated, ...], name: str, text: str) -> CutText:
    cuts = []
    for one in own:
        segments = one.segmentations[name]
        cuts.append(Cut(tokenizer=one.name, note=tables.plural(len(segments), "token"), chips=chips(segments)))
    return CutText(title=name, text=readable(text), cuts=tuple(cuts))


def _whitespace(own: tuple[Evaluated, ...], index: int) -> CutText:
    cuts = []
    for one in own:
        found = one.whitespace[index]
        note = tables.plural(len(found.segments), "token") + ("" if found.kept else ", not kept")
        cuts.append(Cut(tokenizer=one.name, note=note, chips=chips(found.segments, spaces=True)))
    return CutText(title=own[0].whitespace[index].name, cuts=tuple(cuts))


def _lengths(own: tuple[Evaluated, ...]) -> tuple[Lengths, ...]:
    used = max(place for one in own for place, count in enumerate(one.vocabulary.lengths, 1) if count)
    kinds = {
        "of the vocabulary": {one.name: one.vocabulary.lengths for one in own},
        "of the texts": {one.name: one.vocabulary.lengths_used for one in own},
    }
    return tuple(
        Lengths(title=title, shares={name: _percent(counts[:used]) for name, counts in by_name.items()})
        for title, by_name in kinds.items()
    )


def _percent(counts: tuple[int, ...]) -> list[float]:
    total = max(sum(counts), 1)
    return [100 * count / total for count in counts]


def _lists(own: tuple[Evaluated, ...]) -> tuple[TokenList, ...]:
    rare = own[0].vocabulary.rare
    kinds = (
        ("under_used", "Under-used tokens", f"The longest of those that occur fewer than {rare} times."),
        ("unreachable", "Unreachable tokens", "Tokens that no text was found to give."),
        ("partial", "Parts of characters", "The commonest tokens of several bytes that are not whole characters."),
    )
    return tuple(
        TokenList(title=title, explanation=explanation, cuts=cuts)
        for kind, title, explanation in kinds
        if (cuts := tuple(_examples(one, kind) for one in own if getattr(one.vocabulary, f"{kind}_examples")))
    )


def _examples(one: Evaluated, kind: str) -> Cut:
    found = getattr(one.vocabulary, f"{kind}_examples")
    all_ = getattr(one.vocabulary, kind)
    return Cut(tokenizer=one.name, note=f"{len(found)} of {all_:,}", chips=chips(found, spaces=True))
