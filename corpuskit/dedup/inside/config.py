"""What of a text counts as repeated, and which of its copies go: the steps of a variant's `cut` list."""

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from corpuskit.config import Config
from corpuskit.dedup.config import ReferenceName


class _Cut(Config):
    """What all steps have in common."""

    against: tuple[ReferenceName, ...] = ()
    """Corpora of `dedup.against`, and `heldout` for the documents that are held out: what these have goes, all copies
    of it. They are read for this, and keep their text."""
    own: bool = True
    """Whether what documents repeat of one another goes too; `false`: what `against` has and nothing else."""

    @model_validator(mode="after")
    def _cuts_something(self) -> Self:
        if not (self.own or self.against):
            raise ValueError("with `own: false`, name corpora in `against`, or `heldout`: else nothing is cut")
        if len(set(self.against)) < len(self.against):
            raise ValueError(f"`against` names a corpus twice: {', '.join(self.against)}")
        return self


class _Parts(_Cut):
    """What lines and paragraphs have in common."""

    keep: Literal["first", "none"] = "first"
    """`first`: all copies but the first go (CCNet, dolma). `none`: all copies go, of what there is more of than
    `over`."""
    over: int | None = Field(None, ge=1)
    """With `keep: none`: how many copies there may be; with one more, all of them go."""
    min_words: int = Field(8, ge=0)
    """Words that a line or paragraph needs to be looked at; an ideograph is one. Shorter ones are often meant:
    headings, refrains, greetings, table cells."""
    min_characters: int = Field(20, ge=1)
    """Letters and digits that it needs: what tells in scripts where each letter is a word."""
    normalize: bool = True
    """Whether lines are the same where they differ in case, digits, punctuation and white space alone; `false`: byte
    for byte."""

    @model_validator(mode="after")
    def _over_belongs_to_none(self) -> Self:
        if self.keep == "none" and self.over is None:
            raise ValueError("with `keep: none`, say `over`: how many copies there may be")
        if self.keep == "first" and self.over is not None:
            raise ValueError("`over` belongs to `keep: none`")
        if self.keep == "none" and not self.own:
            raise ValueError("`keep: none` is about what documents repeat of one another, which `own: false` leaves")
        return self


class RepeatedLinesConfig(_Parts):
    """Lines that occur more than once in the corpus."""

    step: Literal["repeated_lines"] = "repeated_lines"
    """The step's name."""


class RepeatedParagraphsConfig(_Parts):
    """Paragraphs, which lie between blank lines, that occur more than once in the corpus."""

    step: Literal["repeated_paragraphs"] = "repeated_paragraphs"
    """The step's name."""


class RepeatedSpansConfig(_Cut):
    """Spans of sentences that occur more than once in the corpus; all copies but the first go."""

    step: Literal["repeated_spans"] = "repeated_spans"
    """The step's name."""
    sentences: int = Field(3, ge=1, le=100)
    """Sentences in a span (C4: 3)."""
    min_words: int = Field(10, ge=0)
    """Words that a span needs to be looked at: `"Yes." "No." "Yes."` is no copy of anything."""
    normalize: bool = True
    """Whether spans are the same where they differ in case, digits, punctuation and white space alone; `false`: byte
    for byte, but for what lies between their sentences."""


class RepeatedSubstringsConfig(_Cut):
    """Strings of words, byte for byte the same, that occur more than once in the corpus; all but the first go."""

    step: Literal["repeated_substrings"] = "repeated_substrings"
    """The step's name."""
    tokens: int = Field(50, ge=5, le=10_000)
    """Words that are at least the same (Lee et al. 2021: 50 tokens of BPE); an ideograph is one."""


AnyCut = RepeatedLinesConfig | RepeatedParagraphsConfig | RepeatedSpansConfig | RepeatedSubstringsConfig


def _named(value: Any) -> Any:
    """Let a recipe write `repeated_lines` for `{step: repeated_lines}`."""
    return {"step": value} if isinstance(value, str) else value


CutConfig = Annotated[AnyCut, Field(discriminator="step"), BeforeValidator(_named)]
"""One step of a `cut` list: its name, or its fields with `step` for the name."""
