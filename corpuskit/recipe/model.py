"""The recipe model: sources, signals, duplicates, variants, tokenizers, tasks, pretraining, comparison."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from corpuskit import policy
from corpuskit.config import Bytes, Config
from corpuskit.dedup import DedupConfig
from corpuskit.documents import HeldoutConfig, SourceConfig
from corpuskit.errors import RecipeError, nearest
from corpuskit.policy import PolicyConfig
from corpuskit.recipe.comparison import CompareConfig
from corpuskit.recipe.evaluation import DownstreamConfig
from corpuskit.recipe.training import ModelConfig, PretrainConfig
from corpuskit.signals import SIGNALS, known_signals
from corpuskit.tasks import TaskConfig
from corpuskit.tokenization import TokenizerConfig

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.+]*$")]
"""Names become folder names: letters, digits, `_`, `.` and `+`."""


class VariantConfig(Config):
    """One data variant: which documents it keeps. A selection of rows; no text is copied."""

    policy: PolicyConfig = PolicyConfig()
    """Rules over signals, or a preset; keeps everything by default."""
    deduplicate: bool = False
    """Keep one document of each cluster of duplicates: the longest member that passes the policy, ties to the smallest
    key."""


class Recipe(Config):
    """The whole flow, from raw text to a decision."""

    name: Name
    """Name of the corpus and of the comparison."""
    languages: tuple[str, ...] = ("en",)
    """Languages of the corpus (ISO 639-1); policies meant for other languages are refused."""
    sources: tuple[SourceConfig, ...] = Field(min_length=1)
    """Where documents come from."""
    split_bytes: Bytes = Field(default=256 * 2**20, gt=0)
    """Bytes of text in one split, the unit of work."""
    max_error_rate: float = Field(0.01, ge=0, le=1)
    """Share of malformed records above which the run stops."""
    heldout: HeldoutConfig = HeldoutConfig()
    """Which documents are held out of all training."""
    signals: tuple[str, ...] = ("length",)
    """Signal groups to measure; those that the variants' rules read are added."""
    dedup: DedupConfig | None = DedupConfig()
    """How duplicates are found, also those of held-out documents; `null` for not at all."""
    variants: dict[Name, VariantConfig] = Field(default={"all": VariantConfig()}, min_length=1)
    """Data variants by name."""
    tokenizers: dict[Name, TokenizerConfig] = Field(default_factory=dict)
    """Tokenizers by name."""
    materialize: Literal["auto", "always", "never"] = "auto"
    """Own token shards per variant: `auto` for one that keeps under half of the rows."""
    tasks: dict[Name, TaskConfig] = Field(default_factory=dict)
    """Downstream tasks by name."""
    model: ModelConfig = ModelConfig()
    """The model that every cell of the grid trains."""
    pretrain: PretrainConfig = PretrainConfig()
    """Objective, budget and optimiser."""
    downstream: DownstreamConfig = DownstreamConfig()
    """How tasks are scored."""
    compare: CompareConfig = CompareConfig()
    """Seeds and statistics of the comparison."""

    @property
    def signal_groups(self) -> tuple[str, ...]:
        """The groups to measure: those asked for and those the variants' rules read, sorted."""
        signals = {name for variant in self.variants.values() for name in policy.signals_needed(variant.policy)}
        return tuple(sorted({*self.signals, *(name.split(".")[0] for name in signals), "length"}))

    @model_validator(mode="after")
    def _check_names(self) -> "Recipe":
        for index, group in enumerate(self.signals):
            if group not in SIGNALS:
                raise RecipeError(f"signals[{index}]", f"unknown signal group {group!r}{nearest(group, SIGNALS)}")
        names = [source.name for source in self.sources]
        if len(set(names)) != len(names):
            raise RecipeError("sources", f"source names must be unique, given {', '.join(names)}")
        self._check_variants()
        self._check_tokenizers()
        self.compare.check(self.tokenizers, self.variants)
        return self

    def _check_variants(self) -> None:
        for name, variant in self.variants.items():
            if variant.deduplicate and self.dedup is None:
                raise RecipeError(f"variants.{name}.deduplicate", "`dedup` is null, so no duplicates are known")
            policy.check(variant.policy, self.languages, f"variants.{name}.policy", known_signals())

    def _check_tokenizers(self) -> None:
        for name, config in self.tokenizers.items():
            if config.train_on is not None and config.train_on not in self.variants:
                close = nearest(config.train_on, self.variants)
                raise RecipeError(f"tokenizers.{name}.train_on", f"no variant is named {config.train_on!r}{close}")
