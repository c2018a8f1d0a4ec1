"""The recipe model: sources, signals, duplicates, variants, tokenizers, tasks, pretraining, comparison."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Literal

import pyarrow as pa
from pydantic import Field, model_validator

from corpuskit import policy
from corpuskit.clean import AnyStep, CleanerConfig, ContaminationCleanerConfig, counts_schema
from corpuskit.config import Bytes, Config, Share
from corpuskit.contamination import DecontaminateConfig, MatchConfig
from corpuskit.dedup import DedupConfig, ReferenceName
from corpuskit.dedup.config import HELDOUT
from corpuskit.dedup.inside import CutConfig
from corpuskit.documents import HeldoutConfig, SourceConfig
from corpuskit.errors import RecipeError, nearest
from corpuskit.extract import ExtractConfig
from corpuskit.kernels import WordKind
from corpuskit.policy import PolicyConfig, Rule
from corpuskit.policy.rule import is_number
from corpuskit.recipe.comparison import CompareConfig
from corpuskit.recipe.evaluation import DownstreamConfig
from corpuskit.recipe.training import ModelConfig, PretrainConfig
from corpuskit.signals import (
    BYTES,
    SIGNALS,
    ClassifierConfig,
    ClassifierName,
    LanguageConfig,
    RedPajamaConfig,
    UrlConfig,
    WordListConfig,
    WordsConfig,
    known_signals,
)
from corpuskit.tasks import TaskConfig
from corpuskit.tokenization import TokenizerConfig

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.+]*$")]
"""Names become folder names: letters, digits, `_`, `.` and `+`."""

SignalName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")]
"""Names of signals that the recipe gives: a letter, then letters, digits and `_`."""

KEEP = ("longest", "newest", "source_order")
"""Ways to choose the copy that stays which name no signal."""
BEST = "best:"
"""What the name of a signal follows, whose largest value wins."""


class VariantConfig(Config):
    """One data variant: which documents it keeps, and what is cut from them. A selection of rows; no text is copied."""

    clean: tuple[CleanerConfig, ...] = ()
    """Cleaners for this variant alone, after those of the recipe: its signals, duplicates and shards are of the text
    they leave. Held-out documents keep their text, so that all variants are measured on the same."""
    policy: PolicyConfig = PolicyConfig()
    """Rules over signals, or a preset; keeps everything by default."""
    decontaminate: Literal["drop", "cut"] | None = None
    """What becomes of documents that have more of an evaluation item than `decontaminate` allows: `drop` drops them, by
    a rule over the signals `contamination`; `cut` cuts the item out, after the cleaners; null: nothing."""
    deduplicate: bool = False
    """Keep one document of each cluster of duplicates, among the members that pass the policy."""
    deduplicate_urls: bool = False
    """Keep one document of each URL (needs `dedup.urls`), chosen before duplicates of the text."""
    keep: str = "longest"
    """Which copy stays: `longest`, `newest` (by timestamp), `source_order` (of the source that the recipe names first),
    or `best:` and a signal, whose largest value wins, such as `best:classifier.good`; ties go to the smallest key."""
    against: tuple[ReferenceName, ...] | Literal["all"] = "all"
    """Corpora of `dedup.against` whose duplicates are dropped."""
    cut: tuple[CutConfig, ...] = ()
    """What is cut from the documents that the variant keeps for training, in order, once they are chosen: what they
    repeat of one another, of themselves, of held-out documents or of other corpora. Tokenizers and shards are made of
    what is left; signals, duplicates and held-out documents are not touched."""


def needed(variant: VariantConfig) -> set[str]:
    """Return the signals that a variant's choice reads, as `group.name`."""
    best = {variant.keep.removeprefix(BEST)} if variant.keep not in KEEP else set()
    return policy.signals_needed(variant.policy) | best | {BYTES}


def groups_of(signals: Iterable[str], more: Iterable[str] = ()) -> tuple[str, ...]:
    """Return the groups that measure some signals, and some more, sorted; counts of cleaners are no group."""
    return tuple(sorted({*more, *(name.split(".")[0] for name in signals)} - {"clean"}))


def _reads_url(signal: str) -> bool:
    group = SIGNALS.get(signal.split(".")[0])
    return group is not None and group.reads == "url"


def _check_keep(keep: str, known: Mapping[str, pa.DataType], place: str) -> None:
    if keep in KEEP:
        return
    signal = keep.removeprefix(BEST)
    if signal == keep:
        close = f"; did you mean {BEST + keep!r}?" if keep in known else nearest(keep, KEEP)
        raise RecipeError(place, f"expected {', '.join(KEEP)} or {BEST}<signal>, given {keep!r}{close}")
    if signal not in known:
        raise RecipeError(place, f"no signal is named {signal!r}{nearest(signal, known)}")
    if not is_number(known[signal]):
        raise RecipeError(place, f"{signal} is {known[signal]}, which has no largest value")


class Recipe(Config):
    """The whole flow, from raw text to a decision."""

    name: Name
    """Name of the corpus and of the comparison."""
    languages: tuple[str, ...] = ("en",)
    """Languages of the corpus (ISO 639-1); policies meant for other languages are refused."""
    sources: tuple[SourceConfig, ...] = Field(min_length=1)
    """Where documents come from."""
    sample: Share = Field(default=1.0, gt=0, le=1)
    """Share of the documents that is taken, such as 0.01 or "1%", by a hash of the key: a smaller one takes some of a
    larger one's. Everything is read all the same."""
    split_bytes: Bytes = Field(default=256 * 2**20, gt=0)
    """Bytes of text in one split, the unit of work."""
    max_error_rate: float = Field(0.01, ge=0, le=1)
    """Share of malformed records above which the run stops."""
    heldout: HeldoutConfig = HeldoutConfig()
    """Which documents are held out of all training."""
    extract: ExtractConfig = ExtractConfig()
    """How the text of web pages is extracted."""
    clean: tuple[CleanerConfig, ...] = ()
    """Cleaners for all documents, in order: a name, or fields with `step` for the name."""
    language: LanguageConfig = LanguageConfig()
    """How languages are identified (signal group `language`)."""
    urls: UrlConfig = UrlConfig()
    """Lists that URLs are looked up in (signal group `url`)."""
    words: dict[str, WordKind] = Field(default_factory=dict)
    """Which words some signal groups count, by group: `unicode`, `whitespace` or `tokens`; others keep their own."""
    word_lists: dict[SignalName, str] = Field(default_factory=dict)
    """Files of phrases, one a line, by name: `bad: lists/en.txt` gives the signal `word_list.bad`."""
    redpajama: RedPajamaConfig = RedPajamaConfig()
    """Stop words of the signal group `redpajama`."""
    classifiers: dict[ClassifierName, str] = Field(default_factory=dict)
    """Folders of classifiers (`corpuskit classifier train`) by name: `good: models/good` gives the probability
    `classifier.good` and its log-odds, `classifier.good_logit`."""
    signals: tuple[str, ...] = ("length",)
    """Signal groups to measure; those that the variants' rules read are added."""
    decontaminate: DecontaminateConfig | None = None
    """Which evaluation items are looked for in the documents (signal group `contamination`, which is measured where
    this is given); null: those of all tasks, where a variant asks."""
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
    def signal_configs(self) -> dict[str, Config]:
        """The settings of signal groups that have any."""
        words = {group: WordsConfig(words=kind) for group, kind in self.words.items()}
        lists, models = WordListConfig(lists=self.word_lists), ClassifierConfig(models=self.classifiers)
        own = {"language": self.language, "url": self.urls, "redpajama": self.redpajama}
        items = self.matching.resolved(self.tasks)
        return {**own, "word_list": lists, "classifier": models, "contamination": items, **words}

    @property
    def matching(self) -> DecontaminateConfig:
        """How evaluation items are looked for: what `decontaminate` says, or its defaults."""
        return self.decontaminate or DecontaminateConfig()

    def cleaners(self, variant: VariantConfig) -> tuple[AnyStep, ...]:
        """Return a variant's own cleaners in order, also the one that cuts evaluation items."""
        if variant.decontaminate != "cut":
            return variant.clean
        shared = {name: getattr(self.matching, name) for name in MatchConfig.model_fields}
        items, max_share = self.matching.sets(self.tasks), self.matching.max_share
        return (*variant.clean, ContaminationCleanerConfig(**shared, sets=items, max_share=max_share))

    def judged(self, variant: VariantConfig) -> VariantConfig:
        """Return a variant with the rules in its policy that drop contaminated documents, where it asks for that."""
        if variant.decontaminate != "drop":
            return variant
        rules = self._decontamination()
        policy = variant.policy.model_copy(update={"rules": (*variant.policy.rules, *rules)})
        return variant.model_copy(update={"policy": policy})

    def _decontamination(self) -> list[Rule]:
        """Return the rules that drop contaminated documents; those too short to be similar to anything stay."""
        signals, matching = [f"contamination.{name}" for name in self.matching.sets(self.tasks)], self.matching
        rules = [Rule(signal=signal, max=matching.max_share) for signal in signals]
        if not matching.minhash:
            return rules
        bound = matching.max_similarity
        return rules + [Rule(signal=f"{signal}_similarity", max=bound, missing="keep") for signal in signals]

    @property
    def judged_variants(self) -> dict[str, VariantConfig]:
        """The variants by name, each as `judged` gives it."""
        return {name: self.judged(variant) for name, variant in self.variants.items()}

    @property
    def signal_groups(self) -> tuple[str, ...]:
        """The groups to measure on the text that variants share, sorted: those asked for, those variants read, and
        those of the recipe's word lists, classifiers and `decontaminate`."""
        shared = [name for name, variant in self.variants.items() if not self.cleaners(variant)]
        others = {signal for name in self.variants for signal in self.read_of(name) if _reads_url(signal)}
        given = {"word_list": self.word_lists, "classifier": self.classifiers, "contamination": self.decontaminate}
        named = [group for group, value in given.items() if value]
        read = {signal for name in shared for signal in self.read_of(name)}
        return groups_of({*others, *read}, [*self.signals, *named])

    def read_of(self, variant: str) -> set[str]:
        """Return the signals that the choice of a variant reads, or the counts of its words by language."""
        first = next(iter(self.variants))
        balanced = (config for config in self.tokenizers.values() if config.counting.groups == "language")
        counted = any((config.train_on or first) == variant for config in balanced)
        return needed(self.judged_variants[variant]) | ({policy.LABEL} if counted else set())

    def known_signals(self, variant: VariantConfig) -> dict[str, pa.DataType]:
        """Return the type of every signal that a variant's policy can read: also the counts of its cleaners."""
        counts = counts_schema([*self.clean, *self.cleaners(variant)])
        return known_signals(self.signal_configs) | {field.name: field.type for field in counts}

    @model_validator(mode="after")
    def _check_names(self) -> "Recipe":
        for index, group in enumerate(self.signals):
            if group not in SIGNALS:
                raise RecipeError(f"signals[{index}]", f"unknown signal group {group!r}{nearest(group, SIGNALS)}")
            if not SIGNALS[group].columns(self.signal_configs.get(group)):
                where = SIGNALS[group].named_in
                raise RecipeError(f"signals[{index}]", f"the group {group!r} has no signals: name some in {where}")
        self._check_words()
        names = [source.name for source in self.sources]
        if len(set(names)) != len(names):
            raise RecipeError("sources", f"source names must be unique, given {', '.join(names)}")
        self._check_decontamination()
        self._check_variants()
        self._check_tokenizers()
        self.compare.check(self.tokenizers, self.variants)
        return self

    def _check_decontamination(self) -> None:
        self.matching.check(self.tasks)
        users = [f"variants.{name}.decontaminate" for name, found in self.variants.items() if found.decontaminate]
        asked = ["decontaminate"] * (self.decontaminate is not None) + users
        if asked and not self.matching.sets(self.tasks):
            why = "there are no items to look for: name `tasks` other than `topic`, or `decontaminate.references`"
            raise RecipeError(asked[0], why)

    def _check_words(self) -> None:
        countable = [group.name for group in SIGNALS.values() if group.config is WordsConfig]
        for group in self.words:
            if group not in countable:
                reason = f"no signal group with a choice of words is named {group!r}{nearest(group, countable)}"
                raise RecipeError(f"words.{group}", reason)

    def _check_variants(self) -> None:
        for name, variant in self.variants.items():
            place = f"variants.{name}"
            if variant.deduplicate and not (self.dedup and self.dedup.texts):
                why = "compares no texts" if self.dedup else "is null"
                raise RecipeError(f"{place}.deduplicate", f"`dedup` {why}, so no duplicates are known")
            if variant.deduplicate_urls and not (self.dedup and self.dedup.urls):
                raise RecipeError(f"{place}.deduplicate_urls", "set `dedup.urls: true`, so that equal URLs are found")
            known = self.known_signals(variant)
            policy.check(variant.policy, self.languages, f"{place}.policy", known)
            _check_keep(variant.keep, known, f"{place}.keep")
            self._check_against(variant.against if variant.against != "all" else (), f"{place}.against")
            for index, step in enumerate(variant.cut):
                self._check_against(step.against, f"{place}.cut[{index}].against", HELDOUT)
                if HELDOUT in step.against and not self.heldout.share:
                    reason = "`heldout.share` is 0: no documents are held out"
                    raise RecipeError(f"{place}.cut[{index}].against", reason)

    def _check_against(self, names: Iterable[str], place: str, *own: str) -> None:
        """Refuse names of corpora that are not among `dedup.against`, nor among some that are part of this one."""
        known = (*own, *(self.dedup.against if self.dedup else ()))
        for index, name in enumerate(names):
            if name not in known:
                reason = f"`dedup.against` names no corpus {name!r}{nearest(name, known)}"
                raise RecipeError(f"{place}[{index}]", reason)

    def _check_tokenizers(self) -> None:
        for name, config in self.tokenizers.items():
            if config.train_on is not None and config.train_on not in self.variants:
                close = nearest(config.train_on, self.variants)
                raise RecipeError(f"tokenizers.{name}.train_on", f"no variant is named {config.train_on!r}{close}")
