"""What the page of tokenizers shows, as plain data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from corpuskit.report.data import Table


@dataclass(frozen=True, kw_only=True)
class Chip:
    """One token, as a coloured piece of text."""

    text: str
    """What is shown."""
    title: str
    """What is said when it is pointed at: id and bytes."""
    plain: bool = True
    """False where `text` is a name, such as the bytes of a part of a character."""


@dataclass(frozen=True, kw_only=True)
class Cut:
    """A text, or a list of tokens, cut by one tokenizer."""

    tokenizer: str
    note: str
    """Such as how many tokens they are."""
    chips: tuple[Chip, ...]


@dataclass(frozen=True, kw_only=True)
class CutText:
    """The same text, cut by every tokenizer."""

    title: str
    cuts: tuple[Cut, ...]
    text: str = ""
    """Shown above them."""


@dataclass(frozen=True, kw_only=True)
class Measure:
    """One row of the summary."""

    name: str
    explanation: str
    better: str
    """`higher is better`, `lower is better`, or empty."""
    cells: tuple[str, ...]
    """One for each tokenizer."""
    best: tuple[bool, ...]
    """Which of them are the best; none where all are equal."""


@dataclass(frozen=True, kw_only=True)
class Bars:
    """A chart of one value for each label and tokenizer."""

    axis: str
    """The axis title, with the way that is better."""
    labels: tuple[str, ...]
    """From top to bottom."""
    values: Mapping[str, Sequence[float | None]]
    """Tokenizer to values, one for each label; None is left out."""
    reference: float | None = None
    """A line across the chart."""


@dataclass(frozen=True, kw_only=True)
class ParityView:
    """One parallel set."""

    title: str
    summary: str
    premiums: Bars
    tables: tuple[Table, ...]


@dataclass(frozen=True, kw_only=True)
class Lengths:
    """Shares of tokens by length; the last length stands for all longer ones too."""

    title: str
    shares: Mapping[str, Sequence[float]]
    """Tokenizer to shares in percent, of tokens of 1, 2, ... bytes."""


@dataclass(frozen=True, kw_only=True)
class TokenList:
    """Tokens of one kind, as examples."""

    title: str
    explanation: str
    cuts: tuple[Cut, ...]
    """One for each tokenizer that has any."""


@dataclass(frozen=True, kw_only=True)
class TokenizersPage:
    """All that the page of tokenizers holds; empty parts are left out of it."""

    title: str
    summary: str
    tokenizers: tuple[str, ...]
    """Names, in the order of the page's colours."""
    measures: tuple[Measure, ...]
    compression: Bars
    """Bytes per token by text."""
    text_tables: tuple[Table, ...]
    parities: tuple[ParityView, ...] = ()
    sentences: tuple[CutText, ...] = ()
    lengths: tuple[Lengths, ...] = ()
    vocabulary: Table | None = None
    overlap: Table | None = None
    lists: tuple[TokenList, ...] = ()
    numbers: Table | None = None
    whitespace: tuple[CutText, ...] = ()
    """Shown as a table, one column a tokenizer."""
    morphology: Table | None = None
    notes: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
