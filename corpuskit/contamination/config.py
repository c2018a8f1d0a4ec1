"""What is looked for in documents, and what counts as found."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from corpuskit.config import Config, Share
from corpuskit.errors import RecipeError, nearest
from corpuskit.tasks import TaskConfig, TopicConfig

SUFFIXES = ("_ngrams", "_similarity")
"""What follows a set's name in those of its further signals."""


class ReferenceConfig(Config):
    """Texts to look for besides those of tasks, such as a benchmark that the recipe does not score.

    Each file is plain or compressed (`.gz`, `.zst`), or a tar archive: `.jsonl` and `.ndjson` have an object a line,
    `.tsv` a header and tabs, all others one item a line.
    """

    kind: Literal["reference"] = "reference"
    """Texts from files."""
    files: tuple[str, ...] = Field(min_length=1)
    """Files, folders, globs or URLs."""
    fields: tuple[str, ...] = Field(("text",), min_length=1)
    """Fields or columns whose texts together are an item, such as question and answer; unused for lines."""
    encoding: str = "utf-8"
    """Encoding of the files."""


def _named(value: Any) -> Any:
    """Let a recipe write a path, or several, for `{files: …}`."""
    if isinstance(value, str):
        return {"files": (value,)}
    return {"files": value} if isinstance(value, list | tuple) else value


Reference = Annotated[ReferenceConfig, BeforeValidator(_named)]
AnySet = TaskConfig | ReferenceConfig


class MatchConfig(Config):
    """How items and documents are compared: as `unicode` words in lower case, so punctuation does not count."""

    ngram: int = Field(13, ge=1, le=100)
    """Words in a row that an item and a document must share. Shorter items are looked for whole."""
    min_words: int = Field(5, ge=1, le=100)
    """Items with fewer words are not looked for, and are counted: any document may hold them by chance."""
    training_rows: bool = False
    """Whether the texts that tasks are fine-tuned on are looked for too; by default those that are scored alone."""
    minhash: bool = False
    """Whether items and documents are also compared as near-duplicates, by MinHash signatures of their runs of three
    words: for documents about as long as an item."""

    @model_validator(mode="after")
    def _can_be_shorter(self) -> "MatchConfig":
        if self.min_words > self.ngram:
            raise ValueError(f"`min_words` {self.min_words} is above `ngram` {self.ngram}")
        return self


class DecontaminateConfig(MatchConfig):
    """Which evaluation items are looked for in the documents, and how much of one is too much."""

    tasks: tuple[str, ...] | None = None
    """Names of the recipe's tasks; None: all but `topic` tasks, whose items are held-out documents of the corpus
    itself."""
    references: dict[Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.+]*$")], Reference] = Field(
        default_factory=dict
    )
    """Further texts to look for by name: a file, several, or fields."""
    max_share: Share = Field(0.5, ge=0, lt=1)
    """The largest share of an item's distinct n-grams that a document may have. 0: none, as GPT-3 took it."""
    max_similarity: Share = Field(0.5, ge=0, lt=1)
    """The largest Jaccard similarity to an item that a document may have (with `minhash`)."""

    def check(self, tasks: Mapping[str, AnySet], place: str = "decontaminate") -> None:
        """Check the names.

        Raises:
            RecipeError: a task does not exist or has no items of its own; a name is that of another set or its signal.
        """
        for index, name in enumerate(self.tasks or ()):
            if name not in tasks:
                raise RecipeError(f"{place}.tasks[{index}]", f"no task is named {name!r}{nearest(name, tasks)}")
            if isinstance(tasks[name], TopicConfig):
                why = "its items are held-out documents of the corpus, which no variant trains on"
                raise RecipeError(f"{place}.tasks[{index}]", f"{name!r} cannot be looked for: {why}")
        for name in self.references:
            if name in tasks:
                raise RecipeError(f"{place}.references.{name}", "a task has that name; choose another")
        wanted = self.sets(tasks)
        for name in wanted:
            for further in (name + suffix for suffix in SUFFIXES):
                if further in wanted:
                    where = f"{place}.references.{further}" if further in self.references else f"tasks.{further}"
                    raise RecipeError(where, f"a signal of {name!r} has that name; choose another")

    def sets(self, tasks: Mapping[str, AnySet]) -> dict[str, AnySet]:
        """Return what is looked for by name: tasks of the recipe, then references."""
        wanted = (
            self.tasks if self.tasks is not None else [n for n, t in tasks.items() if not isinstance(t, TopicConfig)]
        )
        return {name: tasks[name] for name in wanted if name in tasks} | dict(self.references)

    def resolved(self, tasks: Mapping[str, AnySet]) -> "ContaminationConfig":
        """Return the settings with what is looked for in place of its names."""
        shared = {name: getattr(self, name) for name in MatchConfig.model_fields}
        return ContaminationConfig(**shared, sets=self.sets(tasks))


class ContaminationConfig(MatchConfig):
    """What is looked for, and how: the settings of the signal group `contamination`."""

    sets: dict[str, AnySet] = Field(default_factory=dict)
    """Tasks and references by name."""
