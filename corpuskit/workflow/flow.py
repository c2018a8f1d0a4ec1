"""Runs the data steps of a recipe, and records what they made."""

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import orjson

from corpuskit import manifest, storage
from corpuskit.dedup import DedupConfig
from corpuskit.errors import CorpuskitError
from corpuskit.manifest import Identity, Manifest, Target
from corpuskit.policy import PolicyConfig, unjudged, warnings
from corpuskit.workflow.chain import Chain
from corpuskit.workflow.extras import require_web
from corpuskit.workflow.texts import Text

if TYPE_CHECKING:
    from pipelines.counting import Rows
    from pipelines.engine import Engine

TRAINED = ("run", "score", "training", "comparison", "contamination")
"""Kinds of artifacts that come after the data steps."""

FEW = 0.3
"""The share of the pairs at the threshold under which a search for duplicates is warned of."""


class Flow(Chain):
    """A recipe and an output folder, and running the steps that lead from one to the other."""

    def prepare(self, engine: "Engine", encode: bool = True) -> list[str]:
        """Run every data step that is not done; return warnings worth showing.

        Args:
            engine: runs the steps.
            encode: whether to write token shards too.

        Raises:
            CorpuskitError: a step failed; what finished before stays and is skipped next time.
        """
        self._measure(engine)
        notes = [*self._leaks(), *_few_bands(self.recipe.dedup), *self._dedup(engine), *self._select(engine)]
        self._cut(engine)
        self._count(engine)
        notes += self._train_tokenizers(engine)
        if encode:
            self._encode(engine)
        self.record()
        return notes

    def measure(self, engine: "Engine") -> None:
        """Run the steps up to signals that are not done: no duplicates are looked for, and no variant is chosen.

        Raises:
            CorpuskitError: as `prepare`.
        """
        self._measure(engine)
        self.record()

    def _measure(self, engine: "Engine") -> None:
        require_web(self.recipe)
        _ = self.targets  # lists and classifiers that are missing are said now, not once all documents are read
        engine.run(self.ingest)
        for text in self.texts:
            self._clean(engine, text)
            self._annotate(engine, text)

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

    def _dedup(self, engine: "Engine") -> list[str]:
        notes = []
        for text in self.texts:
            if text.name in self.signatures:
                signed, place = self.signatures[text.name], self.duplicates[text.name]
                made = self._search(engine, text.documents.folder, signed, place, self.recipe.dedup)
                notes += _large_clusters(made, self.recipe.dedup)
        if self.url_signatures and self.urls:
            self._search(engine, self.documents.folder, self.url_signatures, self.urls, None)
        return notes

    def _search(
        self, engine: "Engine", documents: str, signed: Target, place: Target, config: DedupConfig | None
    ) -> Manifest:
        """Sign documents and find their duplicates: texts, or URLs where there is no config."""
        from pipelines import dedup, signatures

        engine.run(signatures.step(signed, config, documents))
        references = self.references if config else ()
        return engine.run(
            dedup.step(place, config, signed.folder, documents, references=references, memory=self.memory)
        )

    def _select(self, engine: "Engine") -> list[str]:
        from pipelines import select

        notes = []
        for name, place in self.variants.items():
            made = engine.run(select.step(place, self.recipe.judged_variants[name], self.selection_inputs(name)))
            notes += [f"variant {name}: {line}" for line in variant_warnings(made, self.recipe.variants[name].policy)]
        return notes

    def _cut(self, engine: "Engine") -> None:
        from pipelines import cut

        for name, places in self.cuts.items():
            base = self.text_of(name).documents.folder
            for place, config in zip(places, self.recipe.variants[name].cut, strict=True):
                references = self.text_references(config.against)
                variant = self.variants[name].folder
                engine.run(cut.step(place, config, base, variant, self.memory, references=references))
                base = place.folder

    def _count(self, engine: "Engine") -> None:
        from pipelines import counting

        for name, place in {place.folder: (name, place) for name, place in self.counts.items()}.values():
            engine.run(counting.step(place, self.recipe.tokenizers[name].counting, self._counted_rows(name)))

    def _counted_rows(self, tokenizer: str) -> "Rows":
        """Return which rows of which text a tokenizer's words are counted in."""
        from pipelines.counting import Rows

        variant = self.trained_on(tokenizer)
        measured = self.signals_by_text[self.text_of(variant).name]
        return Rows(
            documents=self.kept_text(variant).folder,
            variant=self.variants[variant].folder,
            sizes=measured["size"].folder,
            cuts=tuple(cut.folder for cut in self.cuts[variant]),
            language=measured["language"].folder if "language" in measured else None,
        )

    def _train_tokenizers(self, engine: "Engine") -> list[str]:
        from pipelines import train_tokenizer

        notes = []
        for name, place in self.tokenizers.items():
            engine.run(train_tokenizer.step(place, self.recipe.tokenizers[name], [self.counts[name].folder]))
            notes += [f"tokenizer {name}: {note}" for note in train_tokenizer.notes(place.folder)]
        return notes

    def _encode(self, engine: "Engine") -> None:
        from pipelines import encode

        for tokenizer, trained in self.tokenizers.items():
            for name, variants in self.shard_sets(tokenizer).items():
                place = self.shards_of(name, tokenizer, variants)
                folders = [self.variants[variant].folder for variant in variants]
                engine.run(encode.step(place, self.kept_text(variants[0]).folder, trained.folder, folders))

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
                "cuts": {name: [place.name for place in places] for name, places in self.cuts.items() if places},
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


def _few_bands(config: DedupConfig | None) -> list[str]:
    """Say where bands find hardly any of the pairs that the threshold asks for."""
    if config is None or not config.minhash or config.found_at_threshold >= FEW:
        return []
    bands, rows = config.banding
    best = config.model_copy(update={"bands": "auto", "rows": "auto"})
    if best.found_at_threshold < 2 * config.found_at_threshold:  # near 1 there is little to miss
        return []
    return [
        f"dedup: {bands} bands of {rows} rows find {config.found_at_threshold:.0%} of the pairs that are just as "
        f"similar as the threshold of {config.threshold:g}; `bands: auto` and `rows: auto` find "
        f"{best.found_at_threshold:.0%}, with {best.banding[0]} bands of {best.banding[1]}"
    ]


def _large_clusters(duplicates: Manifest, config: DedupConfig | None) -> list[str]:
    """Say how many clusters were too large to be taken as they are."""
    split = duplicates.extra["large_clusters"]
    if not split or config is None:
        return []
    return [
        f"{split:,} clusters of duplicates had more than {config.max_cluster:,} members and were split: each member is "
        f"now as similar as {config.threshold} to the first of its part. The largest has "
        f"{duplicates.extra['largest_cluster']:,}: `corpuskit inspect` shows them"
    ]


def variant_warnings(variant: Manifest, policy: PolicyConfig) -> list[str]:
    """Say where a variant's policy dropped nothing or nearly everything, or has rules for languages not there."""
    counts = variant.counts.items()
    found = warnings({name.removeprefix("policy."): count for name, count in counts if name.startswith("policy.")})
    return found + unjudged(policy, variant.extra.get("judged_by_language", {}))
