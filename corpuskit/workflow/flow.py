"""The data steps of a recipe as a chain of artifacts, and running them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import orjson

from corpuskit import manifest
from corpuskit.errors import CorpuskitError
from corpuskit.manifest import Identity, Manifest, Target
from corpuskit.policy import warnings
from corpuskit.recipe import Recipe

if TYPE_CHECKING:
    from pipelines.engine import Engine, Step
    from pipelines.select import Inputs

TRAINED = ("run", "score", "training", "comparison")
"""Kinds of artifacts that come after the data steps."""
COMPACT_BELOW = 0.5
"""Share of the rows under which a variant gets shards of its own (`materialize: auto`)."""


@dataclass(frozen=True)
class Flow:
    """A recipe and an output folder: every artifact's place follows, before anything has run."""

    recipe: Recipe
    out: str

    @cached_property
    def ingest(self) -> "Step":
        """The first step; planning it lists the inputs."""
        from pipelines import ingest

        return ingest.step(self.recipe, self.out)

    @property
    def documents(self) -> Target:
        """The documents."""
        return self.ingest.target

    @cached_property
    def signals(self) -> dict[str, Target]:
        """The signal groups."""
        from pipelines import annotate

        groups = self.recipe.signal_groups
        return {group: annotate.target(group, self.documents.fingerprint, self.out) for group in groups}

    @cached_property
    def duplicates(self) -> Target | None:
        """The clusters of duplicates, where the recipe asks for them."""
        from pipelines import dedup

        return dedup.target(self.recipe.dedup, self.documents, self.out) if self.recipe.dedup else None

    @cached_property
    def selection_inputs(self) -> "Inputs":
        """What variants are chosen from."""
        from pipelines.select import Inputs

        return Inputs(documents=self.documents, signals=self.signals, duplicates=self.duplicates)

    @cached_property
    def variants(self) -> dict[str, Target]:
        """The data variants."""
        from pipelines import select

        configs = self.recipe.variants
        return {name: select.target(name, config, self.selection_inputs, self.out) for name, config in configs.items()}

    @cached_property
    def tokenizers(self) -> dict[str, Target]:
        """The tokenizers."""
        from pipelines import train_tokenizer

        return {
            name: train_tokenizer.target(name, config, self.documents, self._trained_on(name), self.out)
            for name, config in self.recipe.tokenizers.items()
        }

    def _trained_on(self, tokenizer: str) -> Target:
        """Return the variant whose training rows a tokenizer sees: the first of the recipe where it names none."""
        return self.variants[self.recipe.tokenizers[tokenizer].train_on or next(iter(self.variants))]

    @property
    def targets(self) -> list[Target]:
        """All artifacts whose place is known before the variants are chosen, in the order of their making."""
        duplicates = [self.duplicates] if self.duplicates else []
        later = [*self.variants.values(), *self.tokenizers.values()]
        return [self.documents, *self.signals.values(), *duplicates, *later]

    def shard_sets(self, tokenizer: str) -> dict[str, tuple[str, ...]]:
        """Return the shard sets of a tokenizer: name -> variants that read it. Needs the finished variants."""
        own = [name for name in self.recipe.variants if self._is_compact(name)]
        shared = tuple(name for name in self.recipe.variants if name not in own)
        sets: dict[str, tuple[str, ...]] = {tokenizer: shared} if shared else {}
        return sets | {f"{tokenizer}@{name}": (name,) for name in own}

    def _is_compact(self, variant: str) -> bool:
        if self.recipe.materialize != "auto":
            return self.recipe.materialize == "always"
        found = manifest.read(self.variants[variant].folder, "variant")
        return found.counts["kept"] < COMPACT_BELOW * found.rows

    @cached_property
    def shards(self) -> dict[tuple[str, str], Target]:
        """The shards that each (tokenizer, variant) reads. Needs the finished variants."""
        places: dict[tuple[str, str], Target] = {}
        for tokenizer in self.tokenizers:
            for name, variants in self.shard_sets(tokenizer).items():
                place = self._shards(name, tokenizer, variants)
                places |= {(tokenizer, variant): place for variant in variants}
        return places

    def _shards(self, name: str, tokenizer: str, variants: Sequence[str]) -> Target:
        from pipelines import encode

        chosen = [self.variants[variant] for variant in variants]
        return encode.target(name, self.documents, self.tokenizers[tokenizer], chosen, self.out)

    def prepare(self, engine: "Engine", encode: bool = True) -> list[str]:
        """Run every data step that is not done; return warnings worth showing.

        Args:
            engine: runs the steps.
            encode: whether to write token shards too.

        Raises:
            CorpuskitError: a step failed; what finished before stays and is skipped next time.
        """
        engine.run(self.ingest)
        self._annotate(engine)
        self._dedup(engine)
        notes = [*self._leaks(), *self._select(engine)]
        self._train_tokenizers(engine)
        if encode:
            self._encode(engine)
        self.record()
        return notes

    def _leaks(self) -> list[str]:
        if self.recipe.dedup or not (self.recipe.heldout.share and self.recipe.tokenizers):
            return []
        return ["`dedup` is null: near-duplicates of held-out documents stay in the training data"]

    def _annotate(self, engine: "Engine") -> None:
        from pipelines import annotate
        from pipelines.engine import Step

        for place in self.signals.values():
            if place.done:
                engine.run(Step(**vars(place), phases=()))  # nothing to run: the progress display shows it
        targets = list(self.signals.values())
        step = annotate.step(targets, self.documents.folder, self.out)
        if step is not None:
            try:
                engine.run(step)
            except CorpuskitError:
                if not all(target.done for target in targets):  # else whoever shares the folder has finished the pass
                    raise
        annotate.clean(targets, self.out)

    def _dedup(self, engine: "Engine") -> None:
        from pipelines import dedup

        if self.duplicates and self.recipe.dedup:
            engine.run(dedup.step(self.duplicates, self.recipe.dedup, self.documents.folder))

    def _select(self, engine: "Engine") -> list[str]:
        from pipelines import select

        notes = []
        for name, place in self.variants.items():
            config = self.recipe.variants[name]
            made = engine.run(select.step(place, config, self.selection_inputs))
            notes += [f"variant {name}: {line}" for line in variant_warnings(made)]
        return notes

    def _train_tokenizers(self, engine: "Engine") -> None:
        from pipelines import train_tokenizer

        lengths = self.signals["length"].folder
        for name, place in self.tokenizers.items():
            variant, config = self._trained_on(name), self.recipe.tokenizers[name]
            engine.run(train_tokenizer.step(place, config, self.documents.folder, variant.folder, lengths))

    def _encode(self, engine: "Engine") -> None:
        from pipelines import encode

        for tokenizer, trained in self.tokenizers.items():
            for name, variants in self.shard_sets(tokenizer).items():
                place = self._shards(name, tokenizer, variants)
                folders = [self.variants[variant].folder for variant in variants]
                engine.run(encode.step(place, self.documents.folder, trained.folder, folders))

    def record(self, trained: Sequence[Target] = ()) -> Manifest:
        """Write the corpus's manifest, which names every artifact of the recipe; `gc` keeps what it names.

        Args:
            trained: runs, scores and comparisons of the recipe, finished or about to be made; of kinds that are not
                among them, those that an earlier call recorded are kept.
        """
        places = [place for place in [*self.targets, *self.shards.values()] if place.done]
        targets = {place.folder: place for place in [*places, *trained]}
        fingerprints = {f"{place.kind}.{place.name}": place.fingerprint for place in targets.values()}
        identity = Identity(step="corpus", revision=1, config={"name": self.recipe.name}, inputs=fingerprints)
        documents = manifest.read(self.documents.folder)
        kept = set(TRAINED) - {place.kind for place in trained}
        artifacts = self._recorded(kept) | self._named(targets)
        whole = Manifest(
            kind="corpus",
            name=self.recipe.name,
            fingerprint=identity.fingerprint,
            identity=identity.plain(),
            rows=documents.rows,
            errors=documents.errors,
            counts=documents.counts,
            extra={"artifacts": artifacts, "recipe": orjson.dumps(self.recipe.plain()).decode()},
            environment=manifest.environment(),
        )
        manifest.write(self.out, whole)
        return whole

    def _recorded(self, kinds: Collection[str]) -> dict[str, Any]:
        """Return what the manifest names now, of some kinds."""
        found = manifest.find(self.out)
        return {kind: named for kind, named in found.extra["artifacts"].items() if kind in kinds} if found else {}

    def _named(self, targets: Mapping[str, Target]) -> dict[str, Any]:
        """Return kind -> name -> folder relative to the corpus."""
        named: dict[str, dict[str, str]] = {}
        for folder, place in targets.items():
            named.setdefault(place.kind, {})[place.name] = folder.removeprefix(self.out.rstrip("/") + "/")
        return named


def variant_warnings(variant: Manifest) -> list[str]:
    """Say where a variant's policy dropped nothing or nearly everything."""
    counts = variant.counts.items()
    return warnings({name.removeprefix("policy."): count for name, count in counts if name.startswith("policy.")})
