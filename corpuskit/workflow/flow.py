"""The data steps of a recipe as a chain of artifacts, and running them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import orjson

from corpuskit import manifest, storage
from corpuskit.errors import CorpuskitError
from corpuskit.manifest import Identity, Manifest, Target
from corpuskit.policy import warnings
from corpuskit.recipe import Recipe
from corpuskit.workflow.extras import require_web
from corpuskit.workflow.texts import Text, places_by_signal, signals, texts

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
    def texts(self) -> tuple[Text, ...]:
        """The texts of the documents: the one that variants share, and those of variants with cleaners of their own."""
        return texts(self.recipe, self.documents, self.out)

    def text_of(self, variant: str) -> Text:
        """Return the text of a variant."""
        return next(text for text in self.texts if variant in text.variants)

    @cached_property
    def signals(self) -> dict[str, Target]:
        """The signal groups of the shared text."""
        return signals(self.recipe, self.texts[0], {}, self.out)

    @cached_property
    def signals_by_text(self) -> dict[str, dict[str, Target]]:
        """The signal groups of each text, by its name."""
        own = {text.name: signals(self.recipe, text, self.signals, self.out) for text in self.texts[1:]}
        return {"": self.signals, **own}

    @cached_property
    def duplicates(self) -> dict[str, Target]:
        """The clusters of equal and similar texts by the text's name, where the recipe asks for them."""
        from pipelines import dedup

        config = self.recipe.dedup
        if config is None or not config.texts:
            return {}
        return {text.name: dedup.target(config, text.documents, self.out, text.suffix) for text in self.texts}

    @cached_property
    def urls(self) -> Target | None:
        """The clusters of documents with the same URL, where the recipe asks for them."""
        from pipelines import dedup

        asked = self.recipe.dedup and self.recipe.dedup.urls
        return dedup.url_target(self.documents, self.out) if asked else None

    def selection_inputs(self, variant: str) -> "Inputs":
        """Return what a variant is chosen from."""
        from pipelines.select import Inputs

        text = self.text_of(variant)
        return Inputs(
            documents=text.documents,
            signals=places_by_signal(self.recipe, text, self.signals_by_text[text.name]),
            duplicates=self.duplicates.get(text.name),
            urls=self.urls,
            shared=self.duplicates.get("") if text.name else None,
            counts=text.counts,
        )

    @cached_property
    def variants(self) -> dict[str, Target]:
        """The data variants."""
        from pipelines import select

        configs = self.recipe.variants.items()
        return {name: select.target(name, config, self.selection_inputs(name), self.out) for name, config in configs}

    @cached_property
    def tokenizers(self) -> dict[str, Target]:
        """The tokenizers."""
        from pipelines import train_tokenizer

        return {
            name: train_tokenizer.target(
                name,
                config,
                self.text_of(self._trained_on(name)).documents,
                self.variants[self._trained_on(name)],
                self.out,
            )
            for name, config in self.recipe.tokenizers.items()
        }

    def _trained_on(self, tokenizer: str) -> str:
        """Return the variant whose training rows a tokenizer sees: the first of the recipe where it names none."""
        return self.recipe.tokenizers[tokenizer].train_on or next(iter(self.variants))

    @property
    def targets(self) -> list[Target]:
        """All artifacts whose place is known before the variants are chosen, in the order of their making."""
        cleaned = [place for text in self.texts if text.places for place in vars(text.places).values()]
        measured = {place.folder: place for groups in self.signals_by_text.values() for place in groups.values()}
        urls = [self.urls] if self.urls else []
        later = [*self.duplicates.values(), *urls, *self.variants.values(), *self.tokenizers.values()]
        return [self.documents, *cleaned, *measured.values(), *later]

    def shard_sets(self, tokenizer: str) -> dict[str, tuple[str, ...]]:
        """Return the shard sets of a tokenizer: name -> variants that read it. Needs the finished variants."""
        own = [name for name in self.recipe.variants if self._is_compact(name)]
        rest = {text.suffix: tuple(name for name in text.variants if name not in own) for text in self.texts}
        sets = {f"{tokenizer}{suffix}": variants for suffix, variants in rest.items() if variants}
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
        return encode.target(name, self.text_of(variants[0]).documents, self.tokenizers[tokenizer], chosen, self.out)

    def prepare(self, engine: "Engine", encode: bool = True) -> list[str]:
        """Run every data step that is not done; return warnings worth showing.

        Args:
            engine: runs the steps.
            encode: whether to write token shards too.

        Raises:
            CorpuskitError: a step failed; what finished before stays and is skipped next time.
        """
        require_web(self.recipe)
        _ = self.targets  # lists and classifiers that are missing are said now, not once all documents are read
        engine.run(self.ingest)
        for text in self.texts:
            self._clean(engine, text)
            self._annotate(engine, text)
        self._dedup(engine)
        notes = [*self._leaks(), *self._select(engine)]
        self._train_tokenizers(engine)
        if encode:
            self._encode(engine)
        self.record()
        return notes

    def _leaks(self) -> list[str]:
        compared = self.recipe.dedup and self.recipe.dedup.texts
        if compared or not (self.recipe.heldout.share and self.recipe.tokenizers):
            return []
        return ["`dedup` compares no texts: near-duplicates of held-out documents stay in the training data"]

    def _clean(self, engine: "Engine", text: Text) -> None:
        cleaning = text.cleaning()
        if cleaning is None or text.places is None:
            return
        if cleaning.target.done and not text.places.counts.done:  # half of it is lost: make both again
            storage.remove(storage.join(cleaning.folder, manifest.NAME))
        engine.run(cleaning)

    def _annotate(self, engine: "Engine", text: Text) -> None:
        from pipelines import annotate
        from pipelines.engine import Step

        targets = list(self.signals_by_text[text.name].values())
        for place in targets:
            if place.done:
                engine.run(Step(**vars(place), phases=()))  # nothing to run: the progress display shows it
        step = annotate.step(targets, text.documents.folder, self.out, self.recipe.signal_configs)
        if step is not None:
            try:
                engine.run(step)
            except CorpuskitError:
                if not all(target.done for target in targets):  # else whoever shares the folder has finished the pass
                    raise
        annotate.clean(targets, self.out)

    def _dedup(self, engine: "Engine") -> None:
        from pipelines import dedup

        for text in self.texts:
            if text.name in self.duplicates:
                place = self.duplicates[text.name]
                engine.run(dedup.step(place, self.recipe.dedup, text.documents.folder))
        if self.urls:
            engine.run(dedup.step(self.urls, None, self.documents.folder))

    def _select(self, engine: "Engine") -> list[str]:
        from pipelines import select

        notes = []
        for name, place in self.variants.items():
            made = engine.run(select.step(place, self.recipe.variants[name], self.selection_inputs(name)))
            notes += [f"variant {name}: {line}" for line in variant_warnings(made)]
        return notes

    def _train_tokenizers(self, engine: "Engine") -> None:
        from pipelines import train_tokenizer

        for name, place in self.tokenizers.items():
            variant = self._trained_on(name)
            text = self.text_of(variant)
            lengths = self.signals_by_text[text.name]["length"].folder
            folders = text.documents.folder, self.variants[variant].folder, lengths
            engine.run(train_tokenizer.step(place, self.recipe.tokenizers[name], *folders))

    def _encode(self, engine: "Engine") -> None:
        from pipelines import encode

        for tokenizer, trained in self.tokenizers.items():
            for name, variants in self.shard_sets(tokenizer).items():
                place = self._shards(name, tokenizer, variants)
                folders = [self.variants[variant].folder for variant in variants]
                engine.run(encode.step(place, self.text_of(variants[0]).documents.folder, trained.folder, folders))

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
            extra={
                "artifacts": artifacts,
                "texts": self._text_names(),
                "recipe": orjson.dumps(self.recipe.plain()).decode(),
            },
            environment=manifest.environment(),
        )
        manifest.write(self.out, whole)
        return whole

    def _text_names(self) -> dict[str, str]:
        """Return variant -> name of the documents artifact that holds its text; under "" that of the shared text."""
        own = {variant: text.documents.name for text in self.texts for variant in text.variants}
        return {"": self.texts[0].documents.name, **own}

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
    """Say where a variant's policy dropped nothing or nearly everything, or has rules for a language not there."""
    counts = variant.counts.items()
    found = warnings({name.removeprefix("policy."): count for name, count in counts if name.startswith("policy.")})
    judged = variant.extra.get("judged_by_language", {})
    unseen = [label for label, count in judged.items() if not count]
    return found + [f"`by_language` has rules for {label!r}, but no document has that label" for label in unseen]
